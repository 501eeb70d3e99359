package tcp

import (
	"testing"
	"time"

	"ftplab/sim/event"
	"ftplab/sim/wire"
)

// bulk is a transfer between two connections, round by round: all that the sender may
// send, then all acknowledgments. Nothing of it allocates.
type bulk struct {
	from, to *Conn
	now      event.Time
	data     []byte
	segments []wire.Packet
	acks     []wire.Packet
	drop     func(n int) bool // the n-th segment is lost
	sent     int
}

const bulkRoundTrip = 10 * time.Millisecond

func newBulk(cfg Config) *bulk {
	b := &bulk{segments: make([]wire.Packet, 0, 4096), acks: make([]wire.Packet, 0, 4096)}
	b.data = make([]byte, 1460*1000)
	b.from, b.to = connect(cfg)
	return b
}

// connect returns two connections that have shaken hands.
func connect(cfg Config) (from, to *Conn) {
	var p wire.Packet
	from = Dial(0, clientAddr, serverAddr, 1, cfg)
	from.Emit(0, &p)
	to = Accept(0, &p, 2, cfg)
	to.Emit(0, &p)
	from.Receive(0, &p)
	from.Emit(0, &p)
	to.Receive(0, &p)
	return from, to
}

// round sends one window and returns the number of segments in it.
func (b *bulk) round() int {
	if b.from.Unacked() < len(b.data) {
		b.from.Write(b.now, b.data, 1)
	}
	b.segments, b.acks = b.segments[:0], b.acks[:0]
	emitAll(b.from, b.now, &b.segments)
	b.now = b.now.Add(bulkRoundTrip / 2)
	for i := range b.segments {
		b.sent++
		if b.drop != nil && b.drop(b.sent) {
			continue
		}
		b.to.Receive(b.now, &b.segments[i])
		for {
			if _, ok := b.to.Read(); !ok {
				break
			}
		}
		emitAll(b.to, b.now, &b.acks)
	}
	b.now = b.now.Add(bulkRoundTrip / 2)
	for i := range b.acks {
		b.from.Receive(b.now, &b.acks[i])
	}
	for _, c := range []*Conn{b.from, b.to} {
		if c.Deadline() <= b.now {
			c.Tick(b.now)
		}
	}
	return len(b.segments)
}

func emitAll(c *Conn, now event.Time, to *[]wire.Packet) {
	for {
		n := len(*to)
		*to = (*to)[:n+1]
		if _, ok := c.Emit(now, &(*to)[n]); !ok {
			*to = (*to)[:n]
			return
		}
	}
}

// BenchmarkBulk is the cost of a full segment in order: emitted, received, read, and
// acknowledged, every second one by a segment of its own.
func BenchmarkBulk(b *testing.B) {
	benchmarkBulk(b, DefaultConfig(), nil)
}

// BenchmarkBulkWithLoss is the same with one segment in a hundred lost.
func BenchmarkBulkWithLoss(b *testing.B) {
	benchmarkBulk(b, DefaultConfig(), func(n int) bool { return n%100 == 99 })
}

// BenchmarkBulkLive is the same as BenchmarkBulkWithLoss with all that is known against
// losses.
func BenchmarkBulkLive(b *testing.B) {
	benchmarkBulk(b, LiveConfig(), func(n int) bool { return n%100 == 99 })
}

func benchmarkBulk(b *testing.B, cfg Config, drop func(int) bool) {
	t := newBulk(cfg)
	t.drop = drop
	for range 100 {
		t.round()
	}
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; {
		n += t.round()
	}
}

// BenchmarkSession is a whole short connection: handshake, two small writes each way,
// and the close.
func BenchmarkSession(b *testing.B) {
	cfg := DefaultConfig()
	line := []byte("200 Command okay.\r\n")
	var p wire.Packet
	b.ReportAllocs()
	for range b.N {
		a, z := connect(cfg)
		pass := func(from, to *Conn) {
			for {
				if _, ok := from.Emit(0, &p); !ok {
					return
				}
				to.Receive(0, &p)
				to.Read()
			}
		}
		for range 2 {
			z.Write(0, line, 1)
			pass(z, a)
			a.Write(0, line, 1)
			pass(a, z)
		}
		a.Close(0)
		pass(a, z)
		z.Close(0)
		pass(z, a)
		pass(a, z)
		pass(z, a)
		if z.State() != Closed || a.State() != TimeWait {
			b.Fatal(a.State(), z.State())
		}
	}
}

// TestSteadyStateAllocatesNothing for a segment of a bulk transfer.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	live := LiveConfig()
	live.CongestionControl = Reno  // BBR's bursts are too short for a window a round
	live.ReceiveBuffer = 512 << 10 // what one write fills
	for name, cfg := range map[string]Config{"default": DefaultConfig(), "live": live} {
		b := newBulk(cfg)
		for range 100 {
			b.round()
		}
		segments := 0
		allocations := testing.AllocsPerRun(200, func() { segments += b.round() })
		if allocations != 0 || segments < 200*20 {
			t.Errorf("%s: %v allocations a round, %d segments in 200 rounds", name, allocations, segments)
		}
	}
}
