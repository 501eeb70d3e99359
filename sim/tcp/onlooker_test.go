package tcp

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"ftplab/sim/wire"

	"pgregory.net/rapid"
)

// watched is an onlooker of one side, and what it has seen.
type watched struct {
	*Onlooker
	wrote, read []byte
}

func (w *watched) sent(p *wire.Packet) {
	if w.Onlooker == nil {
		if p.Flags&wire.SYN == 0 {
			return // the answer to what belongs to no connection
		}
		w.Onlooker = NewOnlooker(p, true)
		return
	}
	w.wrote = append(w.wrote, w.Sent(p)...)
}

func (w *watched) received(p *wire.Packet) {
	if w.Onlooker == nil {
		w.Onlooker = NewOnlooker(p, false)
		return
	}
	w.Received(p)
	for b, ok := w.Read(); ok; b, ok = w.Read() {
		w.read = append(w.read, b...)
	}
}

// TestOnlookerSeesWhatTheEndsDo: over a bad network, an onlooker at each side sees the
// octets that the side wrote and those that it read, and how the connection ends.
func TestOnlookerSeesWhatTheEndsDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlan(t)
		s := &session{testNet: newTestNet(t, 0), plan: &p, random: rand.New(rand.NewPCG(p.seed, 1))}
		s.cfg, s.iss, s.fate, s.watched = p.cfg, p.iss, s.badFate, &[2]watched{}
		s.dial()
		s.application(client)
		s.application(server)
		s.run(8 * time.Hour)
		for who := range s.watched {
			w := &s.watched[who]
			if whole := bytes.Join(p.writes[who], nil); !bytes.Equal(w.wrote, whole) {
				t.Fatalf("side %d wrote %d octets, seen are %d, or other ones", who, len(whole), len(w.wrote))
			}
			if !bytes.Equal(w.read, s.got[who]) {
				t.Fatalf("side %d read %d octets, seen are %d, or other ones", who, len(s.got[who]), len(w.read))
			}
			if over := w.State() == Closed || w.State() == TimeWait; !over || w.Err() != NoFailure || !w.EOF() || !w.Flushed() {
				t.Fatalf("side %d is seen in %v, %v, EOF %v", who, w.State(), w.Err(), w.EOF())
			}
		}
	})
}

// RFC 9293, 3.10.7.3: what ends a connection that is being opened.
func TestOnlookerFailures(t *testing.T) {
	syn := wire.Packet{Src: clientAddr.Addr(), Dst: serverAddr.Addr(), SrcPort: 1027, DstPort: 21, Protocol: wire.TCP, Flags: wire.SYN, Seq: 99}
	answer := func(flags wire.Flags, seq, ack uint32) *wire.Packet {
		return &wire.Packet{Src: syn.Dst, Dst: syn.Src, SrcPort: 21, DstPort: 1027, Protocol: wire.TCP, Flags: flags, Seq: seq, Ack: ack}
	}
	for name, test := range map[string]struct {
		do    func(o *Onlooker)
		state State
		err   Failure
	}{
		"no answer":                 {func(*Onlooker) {}, SynSent, NoFailure},
		"RST that acknowledges":     {func(o *Onlooker) { o.Received(answer(wire.RST|wire.ACK, 0, 100)) }, Closed, Refused},
		"RST of another connection": {func(o *Onlooker) { o.Received(answer(wire.RST|wire.ACK, 0, 50)) }, SynSent, NoFailure},
		"port unreachable":          {func(o *Onlooker) { o.ReceivedICMP(ICMPPortUnreachable, 99) }, Closed, RefusedICMP},
		"host unreachable":          {func(o *Onlooker) { o.ReceivedICMP(ICMPHostUnreachable, 99) }, Closed, Unreachable},
		"ICMP of another segment":   {func(o *Onlooker) { o.ReceivedICMP(ICMPPortUnreachable, 7) }, SynSent, NoFailure},
		"established":               {func(o *Onlooker) { o.Received(answer(wire.SYN|wire.ACK, 7, 100)) }, Established, NoFailure},
		"reset": {func(o *Onlooker) {
			o.Received(answer(wire.SYN|wire.ACK, 7, 100))
			o.Received(answer(wire.RST, 8, 0))
		}, Closed, Reset},
		"an old RST": {func(o *Onlooker) {
			o.Received(answer(wire.SYN|wire.ACK, 7, 100))
			o.Received(answer(wire.RST, 5, 0))
		}, Established, NoFailure},
		"resets itself": {func(o *Onlooker) {
			o.Received(answer(wire.SYN|wire.ACK, 7, 100))
			o.Sent(&wire.Packet{Flags: wire.RST, Seq: 100})
		}, Closed, Reset},
		"both open at once": {func(o *Onlooker) { o.Received(answer(wire.SYN, 7, 0)) }, SynReceived, NoFailure},
	} {
		t.Run(name, func(t *testing.T) {
			o := NewOnlooker(&syn, true)
			test.do(o)
			if o.State() != test.state || o.Err() != test.err {
				t.Errorf("%v, %v, want %v, %v", o.State(), o.Err(), test.state, test.err)
			}
		})
	}
}
