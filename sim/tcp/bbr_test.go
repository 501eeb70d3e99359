package tcp

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"ftplab/sim/event"
	"ftplab/sim/wire"
)

// testLink is a link with a bottleneck in each direction of a testNet, as a fate.
type testLink struct {
	octetsPerSecond int64 // 0: unlimited
	oneWay          time.Duration
	queueLimit      time.Duration // of waiting; 0: unlimited
	loss            float64
	random          *rand.Rand
	free            [2]event.Time // when the bottleneck has sent what it was given
}

// waiting is how long a segment that is sent now waits in the queue.
func (l *testLink) waiting(from side, now event.Time) time.Duration {
	return max(0, l.free[from].Sub(now))
}

func (l *testLink) carry(now event.Time, from side, p *wire.Packet) fate {
	if l.queueLimit > 0 && l.waiting(from, now) > l.queueLimit {
		return nil
	}
	l.free[from] = max(now, l.free[from])
	if l.octetsPerSecond > 0 {
		l.free[from] += event.Time(int64(p.Len()) * int64(time.Second) / l.octetsPerSecond)
	}
	if l.random.Float64() < l.loss {
		return nil
	}
	return fate{l.waiting(from, now) + l.oneWay}
}

// bulkOver begins a transfer from the client to the server over a link.
func bulkOver(t *testing.T, l *testLink, octets int, seed uint64) *testNet {
	n := newTestNet(t, 0)
	n.cfg = [2]Config{LiveConfig(), LiveConfig()}
	n.iss = uint32(seed)
	l.random = rand.New(rand.NewPCG(seed, 7))
	n.fate = func(from side, _ int, p *wire.Packet) fate { return l.carry(n.now, from, p) }
	n.dial()
	n.do(client, func(c *Conn) { c.Write(n.now, make([]byte, octets), 1) })
	return n
}

// follow runs until all has arrived, or a minute has passed since, and calls look each
// millisecond once data may be sent.
func (n *testNet) follow(octets int, look func(c *Conn)) time.Duration {
	for limit := n.now.Add(time.Minute); len(n.got[server]) < octets; {
		n.run(n.now.Sub(0) + time.Millisecond)
		if n.now > limit {
			n.t.Fatalf("%d octets of %d arrived in %v\n%s", len(n.got[server]), octets, n.now, n.ending())
		}
		if c := n.conn[client]; c.bbr != nil {
			look(c)
		}
	}
	return n.now.Sub(0)
}

const (
	bottleneck    = 2_500_000 // octets a second: 20 Mbit/s
	bottleneckRTT = 40 * time.Millisecond
	headerOctets  = 52 // of a packet of 1500
)

func newBottleneck(loss float64) *testLink {
	return &testLink{octetsPerSecond: bottleneck, oneWay: bottleneckRTT / 2, loss: loss}
}

// onlookerOfBBR notes what a transfer does, millisecond by millisecond.
type onlookerOfBBR struct {
	t      *testing.T
	n      *testNet
	l      *testLink
	modes  []bbrMode
	since  []event.Time // when each of them began
	phase  uint8
	cycles int
	// least and most are the shortest and the longest wait in the bottleneck's queue since
	// the cycle of PROBE_BW began.
	least, most time.Duration
}

func (o *onlookerOfBBR) look(c *Conn) {
	b, now := c.bbr, o.n.now
	waiting := o.l.waiting(client, now)
	if len(o.modes) == 0 || o.modes[len(o.modes)-1] != b.mode {
		o.modes, o.since = append(o.modes, b.mode), append(o.since, now)
		o.least, o.most = time.Hour, 0
		if b.mode == bbrProbeBW && waiting > 5*time.Millisecond {
			o.t.Errorf("%v: PROBE_BW begins with %v in the queue", now, waiting)
		}
	}
	switch b.mode {
	case bbrProbeBW:
		o.least, o.most = min(o.least, waiting), max(o.most, waiting)
		if b.cyclePhase == 0 && o.phase != 0 {
			o.cycles++
			if o.least > 2*time.Millisecond || o.most > bottleneckRTT/2 {
				o.t.Errorf("%v: between %v and %v in the queue in a cycle", now, o.least, o.most)
			}
			o.least, o.most = time.Hour, 0
		}
		o.phase = b.cyclePhase
	case bbrProbeRTT:
		if age := now.Sub(o.since[len(o.since)-1]); age > 2*bottleneckRTT && c.inFlight() > probeRTTWindow {
			o.t.Errorf("%v: %d segments on the way in PROBE_RTT", now, c.inFlight())
		}
	}
}

// TestBBRStates follows a transfer over a link of 20 Mbit/s with an unlimited queue: the
// states in their order, what they leave in the queue, and the throughput.
func TestBBRStates(t *testing.T) {
	const octets = 35_000_000
	l := newBottleneck(0)
	n := bulkOver(t, l, octets, 3)
	o := &onlookerOfBBR{t: t, n: n, l: l}
	took := n.follow(octets, o.look)
	if want := []bbrMode{bbrStartup, bbrDrain, bbrProbeBW, bbrProbeRTT, bbrProbeBW}; !slices.Equal(o.modes, want) {
		t.Fatalf("the states are %v, want %v", o.modes, want)
	}
	for _, span := range []struct {
		what        string
		from, until event.Time
		least, most time.Duration
	}{
		{"STARTUP", 0, o.since[1], 5 * bottleneckRTT, 15 * bottleneckRTT},
		{"DRAIN", o.since[1], o.since[2], bottleneckRTT / 2, 5 * bottleneckRTT},
		{"all before PROBE_RTT", 0, o.since[3], minRTTWindow, minRTTWindow + time.Second},
		{"PROBE_RTT", o.since[3], o.since[4], probeRTTDuration, probeRTTDuration + 4*bottleneckRTT},
	} {
		if d := span.until.Sub(span.from); d < span.least || d > span.most {
			t.Errorf("%s took %v, not between %v and %v", span.what, d, span.least, span.most)
		}
	}
	if o.cycles < 25 {
		t.Errorf("%d cycles of PROBE_BW", o.cycles)
	}
	if got := octets / took.Seconds(); got < 0.9*bottleneck {
		t.Errorf("%.0f octets a second of %d", got, bottleneck)
	}
	b := n.conn[client].bbr
	if want := bottleneck * (1500 - headerOctets) / 1500; float64(b.bandwidth.max) < 0.95*float64(want) || float64(b.bandwidth.max) > 1.05*float64(want) {
		t.Errorf("the model's bandwidth is %d, the link's %d", b.bandwidth.max, want)
	}
	if b.minRTT < bottleneckRTT || b.minRTT > bottleneckRTT+2*time.Millisecond {
		t.Errorf("the model's round-trip time is %v, the link's %v", b.minRTT, bottleneckRTT)
	}
	if lost := n.conn[client].snd.retransmissions; lost > 0 {
		t.Errorf("%d retransmissions over a link without loss", lost)
	}
}

// TestBBRThroughLosses: random losses do not keep BBR from using most of the link, where
// Reno uses a tenth of it.
func TestBBRThroughLosses(t *testing.T) {
	const octets = 20_000_000
	for _, loss := range []float64{0.01, 0.05} {
		for seed := range uint64(3) {
			n := bulkOver(t, newBottleneck(loss), octets, seed)
			took := n.follow(octets, func(*Conn) {})
			possible := bottleneck * (1 - loss) * (1500 - headerOctets) / 1500
			if got := octets / took.Seconds(); got < possible/2 {
				t.Errorf("loss %v, seed %d: %.0f octets a second, %.0f are possible", loss, seed, got, possible)
			}
		}
	}
}

// TestBBRShallowQueue: where the queue takes little, STARTUP overruns it, ends in spite of the
// losses, and the link is used.
func TestBBRShallowQueue(t *testing.T) {
	const octets = 10_000_000
	for _, limit := range []time.Duration{5 * time.Millisecond, 20 * time.Millisecond} {
		l := newBottleneck(0)
		l.queueLimit = limit
		n := bulkOver(t, l, octets, 1)
		var full event.Time
		took := n.follow(octets, func(c *Conn) {
			if c.bbr.isFull && full == 0 {
				full = n.now
			}
		})
		if got := octets / took.Seconds(); got < 0.85*bottleneck || full == 0 || full > event.Time(25*bottleneckRTT) {
			t.Errorf("queue of %v: %.0f octets a second of %d; the pipe was full at %v", limit, got, bottleneck, full)
		}
	}
}

// TestBBRBurst: segments are spread over the round trip. In no millisecond more octets leave
// than the rate and one burst allow.
func TestBBRBurst(t *testing.T) {
	const octets = 5_000_000
	n := bulkOver(t, newBottleneck(0.01), octets, 1)
	n.follow(octets, func(*Conn) {})
	var fastest int64
	perMillisecond := map[time.Duration]int64{}
	for _, e := range n.log {
		if e.from == client {
			perMillisecond[e.at.Sub(0).Truncate(time.Millisecond)] += int64(len(e.p.Payload))
		}
	}
	for _, octets := range perMillisecond {
		fastest = max(fastest, octets)
	}
	// STARTUP's rate is startupGain times the bottleneck's: two bursts of it may fall into
	// one millisecond, each of whole segments.
	limit := int64(2*bottleneck*startupGain/gainUnit/1000 + 2*1448)
	if fastest > limit || fastest < bottleneck/1000 {
		t.Errorf("%d octets left in a millisecond, at most %d should", fastest, limit)
	}
}

// TestBBRHoldsNothingElse: while data waits for its time, acknowledgments leave.
func TestBBRHoldsNothingElse(t *testing.T) {
	n := newTestNet(t, 20*time.Millisecond)
	n.cfg = [2]Config{LiveConfig(), LiveConfig()}
	n.establish()
	n.write(server, "what is to be acknowledged while the client sends")
	n.run(n.now.Sub(0) + 20*time.Millisecond - 1)
	from := len(n.log)
	n.do(client, func(c *Conn) { c.Write(n.now, make([]byte, 100_000), 1) })
	c := n.conn[client]
	due := c.timer.pacing
	if sent := len(n.sentBy(client, from)); sent == 0 || sent >= 10 || due == event.Never || c.Deadline() > due {
		t.Fatalf("%d segments left at once, pacing until %v", sent, due)
	}
	from = len(n.log)
	n.run(due.Sub(1))
	sent := n.sentBy(client, from)
	if len(sent) == 0 || slices.ContainsFunc(sent, func(l logged) bool { return l.sending != PureACK }) {
		t.Errorf("before its time left, beside acknowledgments:\n%s", n.transcript(from))
	}
	from = len(n.log)
	n.run(due.Sub(0))
	if sent := n.sentBy(client, from); len(sent) == 0 || sent[0].sending != Fresh || sent[0].at != due {
		t.Errorf("at its time left:\n%s", n.transcript(from))
	}
}

// TestBBRRecovery: a loss keeps the window, and a timeout lowers it until recovery is over.
func TestBBRRecovery(t *testing.T) {
	const octets = 4_000_000
	l := newBottleneck(0)
	n := bulkOver(t, l, octets, 1)
	silent := func(at event.Time) bool {
		return at > event.Time(time.Second) && at < event.Time(1300*time.Millisecond)
	}
	n.fate = func(from side, _ int, p *wire.Packet) fate {
		if silent(n.now) {
			return nil
		}
		return l.carry(n.now, from, p)
	}
	var before, during, after, restored int
	n.follow(octets, func(c *Conn) {
		switch {
		case n.now < event.Time(time.Second):
			before = c.cong.cwnd
		case c.board.mode == timeoutRecovery && during == 0:
			during = c.cong.cwnd
		case during > 0 && restored == 0 && c.board.mode == sending:
			restored = c.cong.cwnd
		case restored > 0:
			after = c.cong.cwnd
		}
	})
	if during != 1 || restored < before*3/4 || after < before*3/4 {
		t.Errorf("the window is %d, %d after the timeout, %d after recovery, %d at the end", before, during, restored, after)
	}
}

// TestBBRLeavesConversationsAlone: what a client and a server say to each other does not
// wait, however slow the application is; its rate is not taken for the path's.
func TestBBRLeavesConversationsAlone(t *testing.T) {
	n := newTestNet(t, 20*time.Millisecond)
	n.cfg = [2]Config{LiveConfig(), LiveConfig()}
	n.establish()
	for range 100 {
		from := len(n.log)
		n.write(client, "NOOP\r\n")
		if sent := n.sentBy(client, from); len(sent) != 1 || sent[0].at != n.now {
			t.Fatalf("%d segments left at once:\n%s", len(sent), n.transcript(from))
		}
		n.run(n.now.Sub(0) + 700*time.Millisecond)
	}
	b := n.conn[client].bbr
	if b.isFull || b.pace.rate < 1_000_000 || n.conn[client].cong.cwnd < 10 {
		t.Errorf("after small writes: rate %d, full %v, window %d", b.pace.rate, b.isFull, n.conn[client].cong.cwnd)
	}
}

// TestBBRAllocatesNothing for a segment of a bulk transfer.
func TestBBRAllocatesNothing(t *testing.T) {
	b := newBulk(LiveConfig())
	for range 1000 {
		b.round()
	}
	segments := 0
	allocations := testing.AllocsPerRun(200, func() { segments += b.round() })
	if allocations != 0 || segments < 200*2 {
		t.Errorf("%v allocations a round, %d segments in 200 rounds", allocations, segments)
	}
}

// TestBBRKeepsItsModel: what the application does not want to send is no measure of the
// path, and after an idle time the window is what it was.
func TestBBRKeepsItsModel(t *testing.T) {
	const octets = 5_000_000
	n := bulkOver(t, newBottleneck(0), octets, 1)
	n.follow(octets, func(*Conn) {})
	c := n.conn[client]
	rate, window := c.bbr.bandwidth.max, c.cong.cwnd
	for range 3 * filterRounds {
		n.run(n.now.Sub(0) + 200*time.Millisecond)
		n.do(client, func(c *Conn) { c.Write(n.now, make([]byte, 100), 1) })
	}
	if got := c.bbr.bandwidth.max; got < rate*9/10 {
		t.Errorf("the bandwidth is %d, and was %d before the small writes", got, rate)
	}
	n.run(n.now.Sub(0) + 5*time.Second)
	n.do(client, func(c *Conn) { c.Write(n.now, make([]byte, 100), 1) })
	if c.cong.cwnd < window*9/10 {
		t.Errorf("the window is %d, and was %d before the idle time", c.cong.cwnd, window)
	}
}
