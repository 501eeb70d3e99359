package tcp

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"ftplab/sim/event"
	"ftplab/sim/wire"

	"pgregory.net/rapid"
)

// plan is all that decides how a session of two applications over a bad network goes:
// the same plan gives the same segments.
type plan struct {
	cfg              [2]Config
	iss              uint32
	seed             uint64
	loss, repetition float64 // probabilities
	splitting        float64 // the probability that the network cuts a segment in two
	delay, jitter    time.Duration
	gap              time.Duration // between the calls of an application
	writes           [2][][]byte
	close            [2]bool // it calls Close rather than CloseWrite, after the peer's FIN
	// breaksAt is when nothing gets through any more, or the client aborts; 0 is never.
	breaksAt time.Duration
	aborts   bool
}

func drawPlan(t *rapid.T) plan {
	p := plan{
		cfg:        [2]Config{drawConfig(t, "client"), drawConfig(t, "server")},
		iss:        rapid.SampledFrom([]uint32{1000, 0xffffffff, 0xfffff000, 0x7fffffff}).Draw(t, "client ISS"),
		seed:       rapid.Uint64().Draw(t, "seed"),
		loss:       rapid.Float64Range(0, 0.2).Draw(t, "loss"),
		repetition: rapid.Float64Range(0, 0.2).Draw(t, "repetition"),
		splitting:  rapid.SampledFrom([]float64{0, 0, 0.1, 1}).Draw(t, "splitting"),
		delay:      time.Duration(rapid.IntRange(0, 50).Draw(t, "delay ms")) * time.Millisecond,
		jitter:     time.Duration(rapid.IntRange(0, 30).Draw(t, "jitter ms")) * time.Millisecond,
		gap:        time.Duration(rapid.SampledFrom([]int{1, 2, 30, 700}).Draw(t, "gap ms")) * time.Millisecond,
	}
	random := rand.New(rand.NewPCG(p.seed, 2))
	for who := range p.writes {
		sizes := rapid.SliceOfN(rapid.SampledFrom([]int{1, 7, 12, 100, 1460, 3000, 20000, 70000}), 0, 8).Draw(t, "writes")
		for _, size := range sizes {
			data := make([]byte, size)
			for i := range data {
				data[i] = byte(random.Uint32())
			}
			p.writes[who] = append(p.writes[who], data)
		}
		p.close[who] = rapid.Bool().Draw(t, "close")
	}
	return p
}

// drawConfig draws one end's configuration: the odd ones too.
func drawConfig(t *rapid.T, label string) Config {
	cfg := DefaultConfig()
	cfg.MSS = rapid.SampledFrom([]uint16{1460, 1460, 536, 100}).Draw(t, label+" MSS")
	cfg.NoSACK = rapid.Bool().Draw(t, label+" NoSACK")
	cfg.NoWindowScale = rapid.Bool().Draw(t, label+" NoWindowScale")
	cfg.WindowScale = rapid.SampledFrom([]uint8{10, 7, 0, 14}).Draw(t, label+" WindowScale")
	cfg.Timestamps = rapid.Bool().Draw(t, label+" Timestamps")
	cfg.RACK = rapid.Bool().Draw(t, label+" RACK")
	cfg.CongestionControl = rapid.SampledFrom([]CongestionControl{Reno, BBR}).Draw(t, label+" CongestionControl")
	cfg.NoDelay = rapid.Bool().Draw(t, label+" NoDelay")
	cfg.ReceiveBuffer = rapid.SampledFrom([]uint32{64240, 6 << 20, 5000, 1460, 300}).Draw(t, label+" ReceiveBuffer")
	// No network is so bad that a side gives up, or forgets a connection too early.
	cfg.MaxRetries, cfg.OrphanRetries, cfg.TimeWait = 100, 100, time.Hour
	cfg.InitialWindow = rapid.SampledFrom([]uint8{10, 1, 4}).Draw(t, label+" InitialWindow")
	cfg.TimerTick = rapid.SampledFrom([]time.Duration{4 * time.Millisecond, 0, time.Millisecond}).Draw(t, label+" TimerTick")
	return cfg
}

// randomOctets returns n octets, always the same for a seed.
func randomOctets(seed uint64, n int) []byte {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	data := make([]byte, n)
	rand.NewChaCha8(key).Read(data)
	return data
}

// session is a plan as it is carried out.
type session struct {
	*testNet
	plan    *plan
	random  *rand.Rand
	written [2]int
	closed  [2]bool
	reset   bool // the client's RST was sent
}

func (p *plan) carryOut(t failer, clones bool) *session {
	s := &session{testNet: newTestNet(t, 0), plan: p, random: rand.New(rand.NewPCG(p.seed, 1))}
	s.clones = clones
	s.cfg, s.iss, s.fate = p.cfg, p.iss, s.badFate
	if p.splitting > 0 {
		s.split = s.cutSometimes
	}
	if p.breaksAt > 0 && p.aborts {
		s.later(p.breaksAt, s.abort)
	}
	s.dial()
	s.application(client)
	s.application(server)
	s.run(8 * time.Hour)
	return s
}

// badFate loses, repeats and reorders.
func (s *session) badFate(_ side, _ int, p *wire.Packet) fate {
	var f fate
	if s.plan.aborts && p.Flags&wire.RST != 0 {
		return fate{s.plan.delay + s.plan.jitter} // it is said only once
	}
	if s.plan.breaksAt > 0 && !s.plan.aborts && s.now > event.Time(s.plan.breaksAt) {
		return nil
	}
	copies := 1
	if s.random.Float64() < s.plan.loss {
		copies = 0
	} else if s.random.Float64() < s.plan.repetition {
		copies = 2
	}
	for range copies {
		f = append(f, s.plan.delay+time.Duration(s.random.Int64N(int64(s.plan.jitter)+1)))
	}
	return f
}

// abort lets the client break the connection.
func (s *session) abort() {
	from := len(s.log)
	s.do(client, func(c *Conn) { c.Abort(s.now) })
	for _, l := range s.sentBy(client, from) {
		s.reset = s.reset || l.p.Flags&wire.RST != 0
	}
}

// cutSometimes cuts a segment anywhere.
func (s *session) cutSometimes(p *wire.Packet) int {
	if len(p.Payload) < 2 || s.random.Float64() >= s.plan.splitting {
		return 0
	}
	return 1 + s.random.IntN(len(p.Payload)-1)
}

// application writes, reads only every other time while it writes, and closes.
func (s *session) application(who side) {
	c := s.conn[who]
	writes := s.plan.writes[who]
	switch {
	case c == nil || c.State() == SynReceived || c.State() == SynSent:
	case s.written[who] < len(writes):
		s.written[who]++
		s.do(who, func(c *Conn) { c.Write(s.now, writes[s.written[who]-1], uint32(s.written[who])) })
		s.unread[who] = s.written[who]%2 == 1
	case !s.closed[who]:
		s.closed[who] = true
		s.unread[who] = false
		s.do(who, func(c *Conn) { c.CloseWrite(s.now) })
	case s.plan.close[who] && c.EOF():
		s.do(who, func(c *Conn) { c.Close(s.now) })
		return
	}
	if s.closed[who] && (!s.plan.close[who] || c.State() == Closed) {
		return
	}
	gap := s.plan.gap
	if s.closed[who] {
		gap = time.Second
	}
	s.later(gap, func() { s.application(who) })
}

// TestDelivery: over a network that loses, repeats and reorders, each side gets
// exactly the octets that the other wrote, and both reach CLOSED without a failure, in a
// number of segments that the losses explain. Packets name the write that their payload
// comes from.
func TestDelivery(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlan(t)
		s := p.carryOut(t, false)
		s.checkDelivered(t)
		s.checkEffort(t)
		for _, l := range s.log {
			checkPacket(t, s, &l)
		}
	})
}

// TestDeliveryThroughTinyWindows is the same with receivers that hold next to nothing.
func TestDeliveryThroughTinyWindows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlan(t)
		p.loss /= 4
		for who := range p.writes {
			p.cfg[who].ReceiveBuffer = rapid.SampledFrom([]uint32{1, 2, 10, 87, 88, 176}).Draw(t, "tiny ReceiveBuffer")
			p.writes[who] = [][]byte{randomOctets(p.seed, rapid.IntRange(0, 200).Draw(t, "octets"))}
		}
		p.carryOut(t, false).checkDelivered(t)
	})
}

func (s *session) checkDelivered(t *rapid.T) {
	for who, c := range s.conn {
		whole := bytes.Join(s.plan.writes[who], nil)
		if !bytes.Equal(s.got[1-who], whole) {
			t.Fatalf("side %d wrote %d octets, %d arrived, or other ones\n%s", who, len(whole), len(s.got[1-who]), s.ending())
		}
		if c.State() != Closed || c.Err() != NoFailure || !c.EOF() || !c.Dead() || !c.Flushed() {
			t.Fatalf("side %d ends in %v, %v, EOF %v\n%s", who, c.State(), c.Err(), c.EOF(), s.ending())
		}
		if c.Deadline() != event.Never {
			t.Fatalf("side %d still has a timer in CLOSED", who)
		}
	}
}

// checkEffort bounds what is sent: with a fifth of the segments lost, three times what was
// written is more than enough, and an acknowledgment of its own answers something.
func (s *session) checkEffort(t *rapid.T) {
	for who := range s.conn {
		written := len(bytes.Join(s.plan.writes[who], nil))
		octets, acks, arrived := 0, 0, 0
		for _, l := range s.log {
			switch {
			case l.from != side(who):
				arrived += 2 // if it is repeated
			case l.sending == PureACK:
				acks++
			}
			if l.from == side(who) {
				octets += len(l.p.Payload)
			}
		}
		if limit := 3 * (written + 5000); octets > limit {
			t.Fatalf("side %d wrote %d octets and sent %d\n%s", who, written, octets, s.ending())
		}
		if limit := arrived + len(s.plan.writes[1-who]) + 10; acks > limit {
			t.Fatalf("side %d sent %d acknowledgments, at most %d segments arrived\n%s", who, acks, arrived, s.ending())
		}
	}
}

// TestFailureIsReported: in the middle of it all the network dies for good, or one side
// aborts. What arrived is the beginning of what was written, and a program that waits for
// the other to take something learns that it will not.
func TestFailureIsReported(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlan(t)
		for who := range p.cfg {
			p.cfg[who].MaxRetries, p.cfg[who].OrphanRetries, p.cfg[who].TimeWait = 15, 8, time.Minute
		}
		p.breaksAt = time.Duration(rapid.IntRange(1, 3000).Draw(t, "breaks at ms")) * time.Millisecond
		p.aborts = rapid.Bool().Draw(t, "aborts")
		s := p.carryOut(t, false)
		for who, c := range s.conn {
			if c == nil {
				continue // the network died before the first SYN came through
			}
			if whole := bytes.Join(p.writes[who], nil); !bytes.HasPrefix(whole, s.got[1-who]) {
				t.Fatalf("side %d wrote %d octets, and %d other ones arrived\n%s", who, len(whole), len(s.got[1-who]), s.ending())
			}
			if c.State() == Closed {
				continue
			}
			// It has said all and waits for the other, as it may without keep-alives.
			if !c.Flushed() || c.Deadline() != event.Never {
				t.Fatalf("side %d ends in %v, %v, and waits\n%s", who, c.State(), c.Err(), s.ending())
			}
		}
		if c := s.conn[server]; p.aborts && c != nil && c.State() != Closed && s.reset {
			t.Fatalf("the client aborted, the server is still in %v\n%s", c.State(), s.ending())
		}
	})
}

// checkPacket checks what holds for every segment that leaves.
func checkPacket(t *rapid.T, s *session, l *logged) {
	p := &l.p
	if blob := p.Blob; blob != 0 {
		from := s.plan.writes[l.from][blob-1][p.BlobOffset:]
		if !bytes.HasPrefix(from, p.Payload) {
			t.Fatalf("%v does not come from write %d at %d", p, blob, p.BlobOffset)
		}
	}
	mss := min(s.plan.cfg[client].MSS, s.plan.cfg[server].MSS)
	if size := len(p.Payload) + p.Options.Len(); p.Flags&wire.SYN == 0 && len(p.Payload) > 0 && size > int(mss) {
		t.Fatalf("%v carries %d octets with its options, the MSS is %d", p, size, mss)
	}
	if p.Options.NumBlocks > 0 && (s.plan.cfg[client].NoSACK || s.plan.cfg[server].NoSACK) {
		t.Fatalf("%v carries SACK, which was not agreed on", p)
	}
}

// TestDeterminism: the same plan gives the same segments at the same times, also when
// the connections are replaced by their clones again and again.
func TestDeterminism(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlan(t)
		first := strings.Split(p.carryOut(t, false).transcript(0), "\n")
		second := strings.Split(p.carryOut(t, true).transcript(0), "\n")
		for i := range min(len(first), len(second)) {
			if first[i] != second[i] {
				t.Fatalf("segment %d of two runs of one plan:\n%s\n%s", i, first[i], second[i])
			}
		}
		if len(first) != len(second) {
			t.Fatalf("two runs of one plan have %d and %d segments", len(first), len(second))
		}
	})
}
