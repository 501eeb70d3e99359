package tcp

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"ftplab/sim/event"
	"ftplab/sim/wire"

	"pgregory.net/rapid"
)

// badNetwork is a network that loses, repeats and reorders, decided by a seed.
type badNetwork struct {
	random           *rand.Rand
	loss, repetition float64
	delay, jitter    time.Duration
}

func (b *badNetwork) fate(side, int, *wire.Packet) fate {
	var f fate
	copies := 1
	if b.random.Float64() < b.loss {
		copies = 0
	} else if b.random.Float64() < b.repetition {
		copies = 2
	}
	for range copies {
		f = append(f, b.delay+time.Duration(b.random.Int64N(int64(b.jitter)+1)))
	}
	return f
}

// drawConfig draws one end's configuration: the odd ones too.
func drawConfig(t *rapid.T, label string) Config {
	cfg := DefaultConfig()
	cfg.MSS = rapid.SampledFrom([]uint16{1460, 1460, 536, 100}).Draw(t, label+" MSS")
	cfg.NoSACK = rapid.Bool().Draw(t, label+" NoSACK")
	cfg.NoWindowScale = rapid.Bool().Draw(t, label+" NoWindowScale")
	cfg.WindowScale = rapid.SampledFrom([]uint8{10, 7, 0, 14}).Draw(t, label+" WindowScale")
	cfg.NoDelay = rapid.Bool().Draw(t, label+" NoDelay")
	cfg.ReceiveBuffer = rapid.SampledFrom([]uint32{64240, 6 << 20, 5000, 1460, 300}).Draw(t, label+" ReceiveBuffer")
	cfg.InitialWindow = rapid.SampledFrom([]uint8{10, 1, 4}).Draw(t, label+" InitialWindow")
	cfg.TimerTick = rapid.SampledFrom([]time.Duration{4 * time.Millisecond, 0, time.Millisecond}).Draw(t, label+" TimerTick")
	return cfg
}

// session is what the two applications of a property do.
type session struct {
	*testNet
	writes  [2][][]byte
	closed  [2]bool
	whole   [2][]byte
	network *badNetwork
}

func drawSession(t *rapid.T) *session {
	s := &session{testNet: newTestNet(t, 0)}
	s.cfg = [2]Config{drawConfig(t, "client"), drawConfig(t, "server")}
	s.iss = rapid.SampledFrom([]uint32{1000, 0xffffffff, 0xfffff000, 0x7fffffff}).Draw(t, "client ISS")
	seed := rapid.Uint64().Draw(t, "seed")
	s.network = &badNetwork{
		random:     rand.New(rand.NewPCG(seed, 1)),
		loss:       rapid.Float64Range(0, 0.2).Draw(t, "loss"),
		repetition: rapid.Float64Range(0, 0.2).Draw(t, "repetition"),
		delay:      time.Duration(rapid.IntRange(0, 50).Draw(t, "delay ms")) * time.Millisecond,
		jitter:     time.Duration(rapid.IntRange(0, 30).Draw(t, "jitter ms")) * time.Millisecond,
	}
	s.testNet.fate = s.network.fate
	for side := range s.writes {
		sizes := rapid.SliceOfN(rapid.SampledFrom([]int{1, 7, 12, 100, 1460, 3000, 20000, 70000}), 0, 8).Draw(t, "writes")
		for _, size := range sizes {
			data := make([]byte, size)
			for i := range data {
				data[i] = byte(s.network.random.Uint32())
			}
			s.writes[side] = append(s.writes[side], data)
			s.whole[side] = append(s.whole[side], data...)
		}
	}
	return s
}

// application writes, now and then stops reading, and closes when it is done.
func (s *session) application(who side, gap time.Duration) {
	c := s.conn[who]
	switch {
	case c == nil || c.State() == SynReceived || c.State() == SynSent:
	case len(s.writes[who]) > 0:
		s.do(who, func(c *Conn) { c.Write(s.now, s.writes[who][0], uint32(len(s.writes[who]))) })
		s.writes[who] = s.writes[who][1:]
		s.unread[who] = len(s.writes[who])%2 == 1
	case !s.closed[who]:
		s.closed[who] = true
		s.unread[who] = false
		s.do(who, func(c *Conn) { c.CloseWrite(s.now) })
		return
	}
	s.later(gap, func() { s.application(who, gap) })
}

// TestDelivery: over a network that loses, repeats and reorders, each side gets
// exactly the octets that the other wrote, and both reach CLOSED without a failure.
// The same seed gives the same segments.
func TestDelivery(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSession(t)
		gap := time.Duration(rapid.SampledFrom([]int{0, 1, 30, 700}).Draw(t, "gap ms"))*time.Millisecond + time.Millisecond
		s.dial()
		s.application(client, gap)
		s.application(server, gap)
		s.run(4 * time.Hour)
		for who, c := range s.conn {
			if !bytes.Equal(s.got[1-who], s.whole[who]) {
				t.Fatalf("side %d wrote %d octets, %d arrived, or other ones\n%s", who, len(s.whole[who]), len(s.got[1-who]), s.transcript(0))
			}
			if c.State() != Closed || c.Err() != NoFailure || !c.EOF() || !c.Dead() {
				t.Fatalf("side %d ends in %v, %v, EOF %v\n%s", who, c.State(), c.Err(), c.EOF(), s.transcript(0))
			}
			if c.Deadline() != event.Never {
				t.Fatalf("side %d still has a timer in CLOSED", who)
			}
		}
	})
}
