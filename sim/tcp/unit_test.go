package tcp

import (
	"math"
	"net/netip"
	"testing"
	"time"

	"ftplab/sim/event"
	"ftplab/sim/wire"

	"pgregory.net/rapid"
)

// TestResetFor is RFC 9293, section 3.10.7.1.
func TestResetFor(t *testing.T) {
	from := func(flags wire.Flags, payload int) wire.Packet {
		return wire.Packet{
			Src: clientAddr.Addr(), SrcPort: 1026, Dst: serverAddr.Addr(), DstPort: 2024, Protocol: wire.TCP,
			Seq: 100, Ack: 77, Flags: flags, Payload: make([]byte, payload),
		}
	}
	tests := []struct {
		name   string
		p      wire.Packet
		answer bool
		flags  wire.Flags
		seq    uint32
		ack    uint32
	}{
		{"SYN", from(wire.SYN, 0), true, wire.RST | wire.ACK, 0, 101},
		{"data and FIN without ACK", from(wire.FIN, 10), true, wire.RST | wire.ACK, 0, 111},
		{"ACK", from(wire.ACK, 10), true, wire.RST, 77, 0},
		{"SYN-ACK", from(wire.SYN|wire.ACK, 0), true, wire.RST, 77, 0},
		{"RST", from(wire.RST, 0), false, 0, 0, 0},
		{"UDP", wire.Packet{Protocol: wire.UDP}, false, 0, 0, 0},
		{"second fragment", wire.Packet{Protocol: wire.TCP, FragmentOffset: 1}, false, 0, 0, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, ok := ResetFor(&test.p)
			if ok != test.answer {
				t.Fatalf("answered: %v", ok)
			}
			if !ok {
				return
			}
			if r.Flags != test.flags || r.Seq != test.seq || r.Ack != test.ack ||
				r.SrcEndpoint() != test.p.DstEndpoint() || r.DstEndpoint() != test.p.SrcEndpoint() || len(r.Payload) > 0 {
				t.Errorf("the answer is %v", &r)
			}
		})
	}
}

// TestICMPErrorOf: RFC 792, RFC 1122 section 3.2.2.1, RFC 4443 section 3.1.
func TestICMPErrorOf(t *testing.T) {
	tests := []struct {
		protocol   wire.Protocol
		kind, code uint8
		want       ICMPError
	}{
		{wire.ICMP, 3, 0, ICMPHostUnreachable},
		{wire.ICMP, 3, 1, ICMPHostUnreachable},
		{wire.ICMP, 3, 2, ICMPPortUnreachable},
		{wire.ICMP, 3, 3, ICMPPortUnreachable},
		{wire.ICMP, 3, 4, ICMPIgnored},
		{wire.ICMP, 3, 9, ICMPProhibited},
		{wire.ICMP, 3, 13, ICMPProhibited},
		{wire.ICMP, 8, 0, ICMPIgnored},
		{wire.ICMP, 11, 0, ICMPTimeExceeded},
		{wire.ICMPv6, 1, 0, ICMPHostUnreachable},
		{wire.ICMPv6, 1, 1, ICMPProhibited},
		{wire.ICMPv6, 1, 3, ICMPHostUnreachable},
		{wire.ICMPv6, 1, 4, ICMPPortUnreachable},
		{wire.ICMPv6, 2, 0, ICMPIgnored},
		{wire.ICMPv6, 3, 0, ICMPTimeExceeded},
		{wire.TCP, 3, 3, ICMPIgnored},
	}
	for _, test := range tests {
		p := wire.Packet{Protocol: test.protocol, ICMPType: test.kind, ICMPCode: test.code}
		if got := ICMPErrorOf(&p); got != test.want {
			t.Errorf("%v %d/%d means %d, want %d", test.protocol, test.kind, test.code, got, test.want)
		}
	}
}

// TestMayReopen is RFC 9293, section 3.6.1.
func TestMayReopen(t *testing.T) {
	from, to := connect(DefaultConfig())
	var p wire.Packet
	pass := func(a, b *Conn) {
		for {
			if _, ok := a.Emit(0, &p); !ok {
				return
			}
			b.Receive(0, &p)
		}
	}
	syn := wire.Packet{Protocol: wire.TCP, Flags: wire.SYN, Seq: to.snd.nxt + 2}
	if from.MayReopen(&syn) {
		t.Error("an established connection may be reopened")
	}
	from.Close(0)
	pass(from, to)
	to.Close(0)
	pass(to, from)
	if from.State() != TimeWait {
		t.Fatal(from.State())
	}
	if !from.MayReopen(&syn) {
		t.Error("a later SYN may not reopen")
	}
	syn.Seq = from.rcv.nxt - 1
	if from.MayReopen(&syn) {
		t.Error("an old SYN may reopen")
	}
	syn.Seq, syn.Flags = from.rcv.nxt+1, wire.SYN|wire.ACK
	if from.MayReopen(&syn) {
		t.Error("a SYN-ACK may reopen")
	}
}

// TestUrgent: the receiver hears of urgent data once.
func TestUrgent(t *testing.T) {
	from, to := connect(DefaultConfig())
	var p wire.Packet
	from.WriteUrgent(0, []byte{255, 242}, 3)
	if _, ok := from.Emit(0, &p); !ok || p.Flags&wire.URG == 0 || p.Blob != 3 {
		t.Fatalf("sent %v, blob %d", &p, p.Blob)
	}
	to.Receive(0, &p)
	if !to.Urgent() || to.Urgent() {
		t.Error("urgent data is reported other than once")
	}
}

// TestRoom: Room, Unacked and Flushed follow what is written and acknowledged.
func TestRoom(t *testing.T) {
	cfg := DefaultConfig()
	cfg.SendBuffer = 1000
	from, to := connect(cfg)
	check := func(when string, room, unacked int, flushed bool) {
		t.Helper()
		if from.Room() != room || from.Unacked() != unacked || from.Flushed() != flushed {
			t.Errorf("%s: room %d, unacked %d, flushed %v; want %d, %d, %v",
				when, from.Room(), from.Unacked(), from.Flushed(), room, unacked, flushed)
		}
	}
	var p wire.Packet
	check("at first", 1000, 0, true)
	from.Write(0, make([]byte, 300), 1)
	check("written", 700, 300, false)
	from.Write(0, make([]byte, 900), 1)
	check("overfull", 0, 1200, false)
	from.CloseWrite(0)
	from.Emit(0, &p)
	check("sent with FIN", 0, 1200, false)
	from.Write(0, make([]byte, 900), 1)
	check("nothing is taken after the close", 0, 1200, false)
	to.Receive(0, &p)
	to.Read()
	to.Close(0)
	to.Emit(0, &p)
	from.Receive(0, &p)
	check("acknowledged", 0, 0, true)
}

// TestOddConfig: no configuration keeps two connections from exchanging data.
func TestOddConfig(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := func(label string) Config {
			rto := rapid.SampledFrom([]time.Duration{0, 100 * time.Millisecond, time.Hour, math.MaxInt64, -1})
			other := rapid.SampledFrom([]time.Duration{0, 1, time.Millisecond, time.Hour, math.MaxInt64, -1})
			return Config{
				MSS:           rapid.Uint16().Draw(t, label),
				WindowScale:   rapid.Uint8().Draw(t, label),
				ReceiveBuffer: rapid.Uint32().Draw(t, label),
				SendBuffer:    rapid.Uint32().Draw(t, label),
				InitialWindow: rapid.Uint8().Draw(t, label),
				MaxRetries:    rapid.Uint8Min(5).Draw(t, label),
				SYNACKRetries: rapid.Uint8().Draw(t, label),
				InitialRTO:    rto.Draw(t, label),
				MinRTO:        rto.Draw(t, label),
				MaxRTO:        rto.Draw(t, label),
				DelayedACK:    other.Draw(t, label),
				TimeWait:      other.Draw(t, label),
				FINWait2:      other.Draw(t, label),
				TimerTick:     other.Draw(t, label),
			}
		}
		n := newTestNet(t, time.Millisecond)
		n.cfg = [2]Config{cfg("client"), cfg("server")}
		n.establish()
		n.do(client, func(c *Conn) { c.Write(n.now, make([]byte, 5000), 1); c.CloseWrite(n.now) })
		n.run(10_000 * time.Hour)
		if len(n.got[server]) != 5000 || n.conn[server].State() != CloseWait {
			t.Fatalf("%d octets arrived\n%s", len(n.got[server]), n.ending())
		}
	})
}

// TestInfo: the inspector's view has the numbers of the moment.
func TestInfo(t *testing.T) {
	n := newTestNet(t, 5*time.Millisecond)
	n.establish()
	n.write(client, "USER anonymous\r\n")
	i := n.conn[client].Info()
	if i.State != Established || i.SndUna != n.iss+1 || i.SndNxt != n.iss+17 || i.RcvNxt != 5001 || i.MSS != 1460 ||
		i.Cwnd != 14600 || i.Ssthresh != math.MaxUint32 || i.InFlight != 1 || i.SRTT != 10*time.Millisecond ||
		i.RTO != 212*time.Millisecond || !i.SACK || i.RetransmitAt == event.Never || i.AckAt != event.Never {
		t.Errorf("%+v", i)
	}
}

// TestIPv6: without an MSS option the default is IPv6's (RFC 9293, section 3.7.1).
func TestIPv6(t *testing.T) {
	syn := wire.Packet{
		Src: netip.MustParseAddr("2001:db8::2"), Dst: netip.MustParseAddr("2001:db8::1"), SrcPort: 1026, DstPort: 21,
		Protocol: wire.TCP, Flags: wire.SYN, Seq: 1, Window: 1000,
	}
	c := Accept(0, &syn, 5, DefaultConfig())
	var p wire.Packet
	c.Emit(0, &p)
	if c.Info().MSS != 1220 || c.Local() != p.SrcEndpoint() || c.Remote() != p.DstEndpoint() ||
		p.Src != syn.Dst || p.Dst != syn.Src {
		t.Errorf("MSS %d, %v", c.Info().MSS, &p)
	}
}

// TestNames: every value has a name of its own, and one that does not exist says so.
func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for s := Closed; s <= TimeWait; s++ {
		seen[s.String()] = true
	}
	for f := NoFailure; f <= Reset; f++ {
		seen[f.String()] = true
	}
	for s := Nothing; s <= ResetSegment; s++ {
		seen[s.String()] = true
	}
	if want := int(TimeWait) + 1 + int(Reset) + 1 + int(ResetSegment) + 1; len(seen) != want {
		t.Errorf("%d names for %d values: %v", len(seen), want, seen)
	}
	if got := State(99).String(); got != "State(99)" {
		t.Errorf("State(99) is %q", got)
	}
}

// TestRing compares the ring with a slice.
func TestRing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r ring[int]
		var model []int
		next := 0
		t.Repeat(map[string]func(*rapid.T){
			"push": func(*rapid.T) {
				next++
				*r.push() = next
				model = append(model, next)
			},
			"pop": func(t *rapid.T) {
				if len(model) == 0 {
					t.Skip()
				}
				r.pop()
				model = model[1:]
			},
			"remove": func(t *rapid.T) {
				if len(model) == 0 {
					t.Skip()
				}
				i := rapid.IntRange(0, len(model)-1).Draw(t, "i")
				r.remove(i)
				model = append(model[:i:i], model[i+1:]...)
			},
			"clone": func(*rapid.T) {
				old := r
				r = r.clone()
				if old.n > 0 {
					*old.at(0) = -1
				}
			},
			"": func(t *rapid.T) {
				if r.n != len(model) {
					t.Fatalf("%d items, want %d", r.n, len(model))
				}
				for i, want := range model {
					if got := *r.at(i); got != want {
						t.Fatalf("item %d is %d, want %d", i, got, want)
					}
				}
			},
		})
	})
}

// TestTimersAreNeverEarly: a timer goes off after its time, late by no more than an
// eighth of it and two ticks (the resolution of the level it falls into).
func TestTimersAreNeverEarly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newConn(0, clientAddr, serverAddr, 0, DefaultConfig())
		now := event.Time(rapid.Int64Range(0, 1<<50).Draw(t, "now"))
		d := time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "d"))
		late := c.expiry(now, d).Sub(now.Add(d))
		if late < 0 || late > d/7+2*c.cfg.TimerTick {
			t.Fatalf("a timer of %v is late by %v", d, late)
		}
	})
}

// TestTinyWindowIsAnswered is RFC 9293, section 3.8.6.1: a peer whose window stays far
// below a segment takes a few octets with each probe, and is not given up.
func TestTinyWindowIsAnswered(t *testing.T) {
	const window, octets = 63, 2000
	cfg := DefaultConfig()
	cfg.NoWindowScale = true
	from, to := connect(cfg)
	peer := wire.Packet{
		Src: serverAddr.Addr(), SrcPort: serverAddr.Port(), Dst: clientAddr.Addr(), DstPort: clientAddr.Port(),
		Protocol: wire.TCP, Flags: wire.ACK, Seq: to.snd.nxt, Ack: from.snd.nxt,
	}
	from.Receive(0, &peer) // its window is closed
	from.Write(0, make([]byte, octets), 1)
	peer.Window = window
	var p wire.Packet
	for now := event.Time(0); from.Unacked() > 0; now = from.Deadline() {
		if now.Seconds() > 3600 || from.Err() != NoFailure {
			t.Fatalf("%v, %v with %d octets left", from.State(), from.Err(), from.Unacked())
		}
		from.Tick(now)
		for {
			if _, ok := from.Emit(now, &p); !ok {
				break
			}
			peer.Ack = seqMax(peer.Ack, p.Seq+p.SegmentLen())
			from.Receive(now, &peer)
		}
	}
}

// TestMayReopenByTimestamp is RFC 6191, section 2: a later timestamp is as good as a later
// sequence number.
func TestMayReopenByTimestamp(t *testing.T) {
	c := &Conn{state: TimeWait, ts: timestamps{ok: true, recent: 500}}
	c.rcv.nxt = 1000
	for _, test := range []struct {
		seq   uint32
		tsVal uint32
		has   bool
		want  bool
	}{{999, 501, true, true}, {999, 500, true, false}, {999, 501, false, false}, {1001, 499, true, true}} {
		syn := wire.Packet{
			Protocol: wire.TCP, Flags: wire.SYN, Seq: test.seq,
			Options: wire.Options{HasTimestamps: test.has, TSVal: test.tsVal},
		}
		if got := c.MayReopen(&syn); got != test.want {
			t.Errorf("seq %d, timestamp %d: may reopen: %v", test.seq, test.tsVal, got)
		}
	}
}

// TestTimestampAfterWeeks is RFC 7323, section 5.5: after 24 days the peer's clock may have
// gone around, and its timestamps look old.
func TestTimestampAfterWeeks(t *testing.T) {
	c := &Conn{ts: timestamps{ok: true, recent: 500}}
	p := wire.Packet{Flags: wire.ACK, Options: wire.Options{HasTimestamps: true, TSVal: 499}}
	const day = 24 * time.Hour
	for after, old := range map[time.Duration]bool{0: true, 23 * day: true, 25 * day: false} {
		if got := c.isOldDuplicate(event.Time(after), &p); got != old {
			t.Errorf("after %v: taken for an old duplicate: %v", after, got)
		}
	}
}

// TestDuplicateReport is RFC 2883, section 4, with its examples.
func TestDuplicateReport(t *testing.T) {
	for name, test := range map[string]struct {
		ack    uint32
		blocks []wire.SACKBlock
		want   bool
	}{
		"4.1.1 a duplicate below the acknowledgment": {4000, []wire.SACKBlock{{Left: 3000, Right: 3500}}, true},
		"4.1.2 and beside a hole":                    {4000, []wire.SACKBlock{{Left: 3000, Right: 3500}, {Left: 4500, Right: 5000}}, true},
		"4.2.1 a duplicate above it":                 {3500, []wire.SACKBlock{{Left: 4500, Right: 5000}, {Left: 4000, Right: 5500}}, true},
		"a duplicate that is the whole range":        {3500, []wire.SACKBlock{{Left: 4500, Right: 5000}, {Left: 4500, Right: 5000}}, true},
		"two ranges":                                 {3500, []wire.SACKBlock{{Left: 4500, Right: 5000}, {Left: 5500, Right: 6000}}, false},
		"one range":                                  {3500, []wire.SACKBlock{{Left: 4500, Right: 5000}}, false},
		"none":                                       {3500, nil, false},
	} {
		p := wire.Packet{Ack: test.ack}
		p.Options.NumBlocks = uint8(copy(p.Options.Blocks[:], test.blocks))
		block, got := duplicateReport(&p)
		if got != test.want || got && block != test.blocks[0] {
			t.Errorf("%s: duplicate %v, %v", name, got, block)
		}
	}
}

// TestReorderingWindowNarrows is RFC 8985, section 6.2, step 4: after 16 recoveries
// without a needless retransmission the window is what it was in the beginning.
func TestReorderingWindowNarrows(t *testing.T) {
	c := &Conn{}
	c.widenReorderingWindow()
	for n := range maxWindowPersists {
		if c.rack.windowSteps != 1 {
			t.Fatalf("after %d recoveries the window is widened %d times", n, c.rack.windowSteps)
		}
		c.rack.recoveryOver()
	}
	if c.rack.windowSteps != 0 {
		t.Errorf("after %d recoveries the window is still wide", maxWindowPersists)
	}
}
