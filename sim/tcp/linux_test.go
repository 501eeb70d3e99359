package tcp

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"ftplab/sim/event"
	"ftplab/sim/wire"
)

// The times in this file were captured from Linux 6.18 at 250 ticks a second. When a
// timer goes off there depends on how far the kernel's ticks had come when it was set,
// so a test looks for the phase of the ticks that explains a whole capture.

// captureNoise is how late a packet may be in a capture after its timer went off.
const captureNoise = 0.008

// bestPhase runs f for each phase of the ticks, and returns the smallest deviation of
// its times from the captured ones, in seconds. Both are relative to their first.
func bestPhase(want []float64, f func(start time.Duration) []event.Time) (deviation float64, got []float64) {
	deviation = math.Inf(1)
	const wheelPeriod, step = 2048 * time.Millisecond, 4 * time.Millisecond
	for start := time.Duration(0); start < wheelPeriod; start += step {
		times := f(start)
		worst := math.Inf(1)
		if len(times) == len(want) {
			worst = 0
			for i := range want {
				worst = max(worst, math.Abs(times[i].Sub(times[0]).Seconds()-(want[i]-want[0])))
			}
		}
		if worst < deviation || got == nil {
			deviation, got = min(worst, deviation), nil
			for _, at := range times {
				got = append(got, at.Sub(times[0]).Seconds())
			}
		}
	}
	return deviation, got
}

// TestLinuxSYNSchedule: the repetitions of a SYN that nobody answers, and when connect
// gives up.
func TestLinuxSYNSchedule(t *testing.T) {
	captures := map[string][]float64{
		"client, until it gives up": {0.141, 1.151, 2.179, 3.199, 4.223, 5.247, 7.263, 11.455, 19.647, 35.775, 69.567, 135.100},
		"server in active mode":     {0.0284, 1.0329, 2.0569, 3.0809, 4.1049, 5.1289, 7.1449, 11.2729, 19.4649, 35.5929},
	}
	for name, want := range captures {
		t.Run(name, func(t *testing.T) {
			deviation, got := bestPhase(want, func(start time.Duration) []event.Time {
				now := event.Time(start)
				c := Dial(now, clientAddr, serverAddr, 1, DefaultConfig())
				var at []event.Time
				var p wire.Packet
				for len(at) < len(want) {
					if _, ok := c.Emit(now, &p); ok || c.State() == Closed {
						at = append(at, now)
						continue
					}
					now = c.Deadline()
					c.Tick(now)
				}
				return at
			})
			if deviation > captureNoise {
				t.Errorf("no phase of the ticks explains the capture; the nearest is off by %.3f s:\nwant %.3f\ngot  %.3f", deviation, want, got)
			}
		})
	}
}

// TestLinuxSYNACKSchedule: a firewall drops the server's SYN-ACKs. The client's SYNs
// are answered at once, and the server's own timer doubles only when it goes off.
func TestLinuxSYNACKSchedule(t *testing.T) {
	want := []float64{0.0327, 1.0431, 1.0433, 2.0712, 3.0913, 4.1153, 5.1393, 7.1551, 7.1552,
		11.3471, 11.3473, 19.5391, 19.5393, 35.6671, 35.6674}
	deviation, got := bestPhase(want, func(start time.Duration) []event.Time {
		n := newTestNet(t, 100*time.Microsecond)
		n.now = event.Time(start)
		n.fate = func(from side, _ int, _ *wire.Packet) fate {
			if from == server {
				return nil
			}
			return fate{n.delay}
		}
		n.dial()
		n.run(start + 40*time.Second)
		var at []event.Time
		for _, l := range n.sentBy(server, 0) {
			at = append(at, l.at)
		}
		return at
	})
	if deviation > captureNoise {
		t.Errorf("no phase of the ticks explains the capture; the nearest is off by %.3f s:\nwant %.3f\ngot  %.3f", deviation, want, got)
	}
}

// splitPORT lets a client write a PORT line in two pieces through a firewall that drops
// segments which end inside the line, as Linux's FTP helper does, and returns the
// network after nine seconds. Before it there is the end of a login.
func splitPORT(t *testing.T, start, gap time.Duration, noSACK bool) (n *testNet, from int) {
	n = newTestNet(t, 100*time.Microsecond)
	n.now = event.Time(start)
	n.cfg[client].NoSACK, n.cfg[client].NoDelay = noSACK, true
	n.fate = func(from side, _ int, p *wire.Packet) fate {
		if bytes.HasPrefix(p.Payload, []byte("PORT")) && !bytes.HasSuffix(p.Payload, []byte("\r\n")) {
			return nil
		}
		return fate{n.delay}
	}
	wait := func(d time.Duration) { n.run(n.now.Sub(0) + d) }
	n.dial()
	wait(10 * time.Millisecond)
	n.write(server, "220 oracle\r\n")
	wait(time.Millisecond)
	n.write(client, "TYPE I\r\n")
	wait(2 * time.Millisecond)
	n.write(server, "200 Switching to Binary mode.\r\n")
	wait(300 * time.Microsecond)
	from = len(n.log)
	n.write(client, "PORT 10,0,0,")
	wait(gap)
	n.write(client, "2,4,3\r\n")
	wait(9*time.Second - gap)
	return n, from
}

// clientTimes are the times of the client's segments with data.
func clientTimes(n *testNet, from int) []event.Time {
	var at []event.Time
	for _, l := range n.sentBy(client, from) {
		if len(l.p.Payload) > 0 {
			at = append(at, l.at)
		}
	}
	return at
}

// TestLinuxSplitCommandWithSACK: the server SACKs the second piece, so that only the
// first is retransmitted, as it was, and never gets through.
func TestLinuxSplitCommandWithSACK(t *testing.T) {
	captures := map[string]struct {
		gap   time.Duration
		times []float64
	}{
		"50 ms between": {51600 * time.Microsecond, []float64{0.0439, 0.0955, 0.0958, 0.3024, 0.7304, 1.5624, 3.2264, 6.7144}},
		"none between":  {2100 * time.Microsecond, []float64{0.0118, 0.0139, 0.0141, 0.2219, 0.6339, 1.4660, 3.1299, 6.4260}},
	}
	for name, capture := range captures {
		t.Run(name, func(t *testing.T) {
			deviation, got := bestPhase(capture.times, func(start time.Duration) []event.Time {
				n, from := splitPORT(t, start, capture.gap, false)
				return clientTimes(n, from)
			})
			if deviation > captureNoise {
				t.Errorf("no phase of the ticks explains the capture; the nearest is off by %.3f s:\nwant %.3f\ngot  %.3f", deviation, capture.times, got)
			}
		})
	}
	n, from := splitPORT(t, 0, 50*time.Millisecond, false)
	for _, l := range n.sentBy(client, from) {
		if strings.HasPrefix(string(l.p.Payload), "PORT") && string(l.p.Payload) != "PORT 10,0,0," {
			t.Errorf("a retransmission is %q", l.p.Payload)
		}
	}
	if got := string(n.got[server]); strings.Contains(got, "PORT") {
		t.Errorf("the line got through: %q", got)
	}
}

// TestLinuxSplitCommandWithoutSACK: the retransmission carries both pieces.
func TestLinuxSplitCommandWithoutSACK(t *testing.T) {
	want := []float64{0.0495, 0.1020, 0.2574}
	deviation, got := bestPhase(want, func(start time.Duration) []event.Time {
		n, from := splitPORT(t, start, 52500*time.Microsecond, true)
		return clientTimes(n, from)
	})
	if deviation > captureNoise {
		t.Errorf("no phase of the ticks explains the capture; the nearest is off by %.3f s:\nwant %.3f\ngot  %.3f", deviation, want, got)
	}
	n, from := splitPORT(t, 0, 50*time.Millisecond, true)
	if got := string(n.got[server]); !strings.HasSuffix(got, "PORT 10,0,0,2,4,3\r\n") {
		t.Errorf("the server got %q\n%s", got, n.transcript(from))
	}
	last := n.sentBy(client, from)[2]
	if string(last.p.Payload) != "PORT 10,0,0,2,4,3\r\n" || last.sending != Retransmission || last.p.Blob != 0 {
		t.Errorf("the third segment is a %v of %q, blob %d", last.sending, last.p.Payload, last.p.Blob)
	}
}

// TestLinuxLostAcknowledgment: with 1.5 s between the pieces nothing tells the server
// that its reply arrived, since the segment that was to carry the acknowledgment is
// dropped. It sends the reply again, and the duplicate is acknowledged at once, and
// reported (RFC 2883).
func TestLinuxLostAcknowledgment(t *testing.T) {
	n, from := splitPORT(t, 0, 1500*time.Millisecond, false)
	reply := n.sentBy(server, from)[0]
	if reply.sending != Retransmission || !bytes.HasPrefix(reply.p.Payload, []byte("200 ")) {
		t.Fatalf("the server sends %v", &reply.p)
	}
	duplicate := wire.SACKBlock{Left: reply.p.Seq, Right: reply.p.Seq + uint32(len(reply.p.Payload))}
	for _, l := range n.sentBy(client, from) {
		if l.sending == PureACK && l.at == reply.at.Add(n.delay) {
			if o := l.p.Options; o.NumBlocks != 1 || o.Blocks[0] != duplicate {
				t.Errorf("the acknowledgment reports %v", o)
			}
			return
		}
	}
	t.Fatalf("the duplicate is not acknowledged at once:\n%s", n.transcript(from))
}

// TestLinuxAcknowledgments: which segments of a login are acknowledged by themselves.
// The first of each side is, in quick mode; then the answers carry them.
func TestLinuxAcknowledgments(t *testing.T) {
	n := newTestNet(t, 100*time.Microsecond)
	n.establish()
	from := len(n.log)
	for _, line := range []struct {
		who  side
		text string
	}{
		{server, "220 oracle\r\n"}, {client, "USER anonymous\r\n"}, {server, "331 Please specify the password.\r\n"},
		{client, "PASS probe@\r\n"}, {server, "230 Login successful.\r\n"}, {client, "TYPE I\r\n"},
	} {
		n.write(line.who, line.text)
		n.run(n.now.Sub(0) + 5*time.Millisecond)
	}
	n.run(n.now.Sub(0) + time.Second)
	var got []string
	for _, l := range n.log[from:] {
		text, _, _ := strings.Cut(string(l.p.Payload), " ")
		if text == "" {
			text = "ACK"
		}
		got = append(got, map[side]string{client: "> ", server: "< "}[l.from]+text)
	}
	want := "< 220, > ACK, > USER, < ACK, < 331, > PASS, < 230, > TYPE, < ACK"
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("got  %s\nwant %s\n%s", s, want, n.transcript(from))
	}
}
