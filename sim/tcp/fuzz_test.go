package tcp

import (
	"testing"
	"time"

	"ftplab/sim/event"
	"ftplab/sim/wire"
)

// FuzzConn lets anything happen to a connection: whatever a peer sends and an
// application calls, in whatever order, it stays consistent and finds an end.
func FuzzConn(f *testing.F) {
	f.Add([]byte{0})
	f.Add([]byte{1, 0, 18, 0, 1, 0, 40, 3, 2, 10, 0, 16, 1, 1, 5, 9, 4})
	f.Add([]byte{1, 0, 18, 0, 1, 0, 40, 4, 0, 5, 1, 7, 6, 0, 17, 1, 3, 0, 9, 8, 200})
	f.Add([]byte{2, 0, 16, 1, 1, 0, 40, 0, 24, 30, 1, 100, 9, 0, 24, 1, 1, 200, 9, 3, 5, 0, 4, 1, 1, 0, 0})
	f.Add([]byte{97, 0, 18, 0, 0, 0, 0, 100, 3, 0, 7, 1, 5, 1, 1, 1, 200, 9, 50,
		0, 16, 0, 0, 1, 0, 100, 3, 0, 2, 20, 30, 90, 30, 1, 1, 2, 100, 9, 250, 250})
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 400 {
			script = script[:400]
		}
		r := fuzzReader{script}
		cfg := DefaultConfig()
		options := r.next()
		cfg.NoSACK, cfg.NoDelay, cfg.NoWindowScale = options&2 != 0, options&4 != 0, options&8 != 0
		cfg.Timestamps, cfg.RACK = options&32 != 0, options&64 != 0
		if options&16 != 0 {
			cfg.ReceiveBuffer, cfg.MSS = 2000, 300
		}
		var now event.Time
		c := Dial(now, clientAddr, serverAddr, scriptISS, cfg)
		if options&1 == 0 {
			syn := r.segment(c)
			c = Accept(now, &syn, scriptISS, cfg)
		}
		for len(r.bytes) > 0 {
			now = now.Add(r.act(t, c, now))
			drain(t, c, now)
		}
		// Left alone, with the timers running, it comes to rest.
		for range 10_000 {
			if c.Deadline() == event.Never {
				return
			}
			now = max(now, c.Deadline())
			c.Tick(now)
			drain(t, c, now)
		}
		t.Fatalf("timers go off for ever in %v", c.State())
	})
}

// drain takes what must leave and checks it.
func drain(t *testing.T, c *Conn, now event.Time) {
	for range 2000 {
		var p wire.Packet
		sending, ok := c.Emit(now, &p)
		if !ok {
			checkInvariants(t, c)
			return
		}
		if sending == Nothing || p.Protocol != wire.TCP || p.Src != clientAddr.Addr() && p.Src != serverAddr.Addr() {
			t.Fatalf("a segment of no kind: %v %v", sending, &p)
		}
	}
	t.Fatalf("Emit does not end in %v", c.State())
}

// fuzzReader turns the fuzzer's bytes into actions.
type fuzzReader struct{ bytes []byte }

func (r *fuzzReader) next() byte {
	if len(r.bytes) == 0 {
		return 0
	}
	b := r.bytes[0]
	r.bytes = r.bytes[1:]
	return b
}

// act does one thing to the connection and returns the time until the next.
func (r *fuzzReader) act(t *testing.T, c *Conn, now event.Time) time.Duration {
	switch r.next() % 12 {
	default:
		p := r.segment(c)
		c.Receive(now, &p)
	case 1:
		c.Write(now, make([]byte, int(r.next())*37), uint32(r.next()))
	case 2:
		c.Write(now, make([]byte, 1+r.next()%16), 7)
	case 3:
		before := c.Unacked()
		c.WriteUrgent(now, make([]byte, r.next()), 8)
		if c.Unacked() < before {
			t.Fatal("writing acknowledges")
		}
	case 4:
		c.Read()
	case 5:
		c.CloseWrite(now)
	case 6:
		c.Close(now)
	case 7:
		c.Abort(now)
	case 8:
		c.ReceiveICMP(now, ICMPError(r.next()%6), c.snd.una+uint32(r.next()))
	case 9:
		wait := time.Duration(r.next()) * time.Duration(r.next()) * time.Millisecond
		c.Tick(now.Add(wait))
		return wait
	}
	return time.Duration(r.next()) * 100 * time.Microsecond
}

// segment makes a segment whose numbers are mostly near the ones that matter.
func (r *fuzzReader) segment(c *Conn) wire.Packet {
	p := wire.Packet{
		Src: serverAddr.Addr(), SrcPort: serverAddr.Port(), Dst: clientAddr.Addr(), DstPort: clientAddr.Port(),
		Protocol: wire.TCP, Flags: wire.Flags(r.next()),
	}
	bases := [...]uint32{c.rcv.nxt, c.rcv.nxt, c.rcv.rightEdge(), c.rcv.irs, c.rcv.wup, 0, 1 << 31}
	p.Seq = bases[int(r.next())%len(bases)] + uint32(int8(r.next())*5)
	bases = [...]uint32{c.snd.nxt, c.snd.una, c.snd.nxt, c.snd.iss, c.snd.una - c.snd.maxWnd, 0, 1 << 31}
	p.Ack = bases[int(r.next())%len(bases)] + uint32(int8(r.next())*7)
	p.Window = uint16(r.next()) << (r.next() % 9)
	p.Payload = make([]byte, int(r.next())*11)
	if options := r.next(); options&1 != 0 {
		p.Options = wire.Options{MSS: uint16(options) * 13, SACKPermitted: options&2 != 0, HasScale: options&4 != 0, WindowScale: options >> 3}
	} else if options&2 != 0 {
		p.Options.NumBlocks = options % 5
		for i := range p.Options.NumBlocks {
			left := c.snd.una + uint32(r.next())*50
			p.Options.Blocks[i] = wire.SACKBlock{Left: left, Right: left + uint32(r.next())*50}
		}
	}
	if r.next()&1 != 0 {
		p.Options.HasTimestamps = true
		p.Options.TSVal = c.ts.recent + uint32(int8(r.next()))
		p.Options.TSEcr = uint32(r.next())
	}
	return p
}
