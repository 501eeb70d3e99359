package node

import (
	"math/rand/v2"

	"ftplab/sim/event"
	"ftplab/sim/tcp"
	"ftplab/sim/trace"
	"ftplab/sim/wire"
)

// LinkConfig is what both directions of a link share.
type LinkConfig struct {
	Delay         event.Time // propagation
	BitsPerSecond int64      // 0: unlimited
	QueueLimit    int        // octets that may wait to be sent
	Loss          float64    // probability that a packet is lost
	// Seed of the losses.
	Seed uint64
}

// direction is one direction of a link. It delivers in order, so that the queue of
// events needs to know only its first packet: the others wait in a ring.
type direction struct {
	to          trace.NodeID
	toInterface int16
	config      LinkConfig
	free        event.Time // when the transmitter has sent what it was given
	ring        []flight   // length is a power of two
	head, count int
	random      *rand.Rand // nil if nothing is lost
}

type flight struct {
	at     event.Time
	sent   trace.ID
	packet wire.Packet
}

// AddLink joins interface ai of node a with interface bi of node b.
func (w *World) AddLink(a trace.NodeID, ai int16, b trace.NodeID, bi int16, config LinkConfig) {
	for side, end := range []struct {
		to trace.NodeID
		i  int16
	}{{b, bi}, {a, ai}} {
		d := direction{to: end.to, toInterface: end.i, config: config, ring: make([]flight, 16)}
		if config.Loss > 0 {
			d.random = rand.New(rand.NewPCG(config.Seed, uint64(len(w.links)+side)))
		}
		w.links = append(w.links, d)
	}
	last := trace.LinkID(len(w.links))
	w.attach(a, ai, last-2)
	w.attach(b, bi, last-1)
}

// attach tells a node which direction leaves through its interface.
func (w *World) attach(n trace.NodeID, i int16, out trace.LinkID) {
	switch to := &w.nodes[n]; {
	case to.host != nil:
		to.host.out[i] = int32(out)
	case to.firewall != nil:
		to.firewall.out[i] = int32(out)
	default:
		to.real.out[i] = int32(out)
	}
}

// transmit puts p on a link and records it. The node from is the sender.
func (w *World) transmit(from trace.NodeID, id trace.LinkID, p *wire.Packet, sending tcp.Sending) trace.ID {
	l := &w.links[id]
	start := max(w.now, l.free)
	done := start
	if l.config.BitsPerSecond > 0 {
		done += event.Time(int64(p.Len()) * 8e9 / l.config.BitsPerSecond)
		if waiting := int64(start-w.now) * l.config.BitsPerSecond / 8e9; waiting > int64(l.config.QueueLimit) {
			sent := w.rec.Sent(w.now, from, id, p, w.now, sending)
			w.lose(from, id, p, sent, trace.LossQueue)
			return sent
		}
	}
	l.free = done
	at := done + l.config.Delay
	sent := w.rec.Sent(w.now, from, id, p, at, sending)
	w.stats.PacketHops++
	if l.random != nil && l.random.Float64() < l.config.Loss {
		w.lose(from, id, p, sent, trace.LossRandom)
		return sent
	}
	l.put(at, sent, p)
	if l.count == 1 {
		w.push(at, itemArrival, uint64(id))
	}
	return sent
}

func (w *World) lose(from trace.NodeID, id trace.LinkID, p *wire.Packet, sent trace.ID, why trace.LossReason) {
	cause := w.rec.Cause
	w.rec.Cause = sent
	w.rec.Lost(w.now, from, id, p, why)
	w.rec.Cause = cause
}

func (l *direction) put(at event.Time, sent trace.ID, p *wire.Packet) {
	if l.count == len(l.ring) {
		grown := make([]flight, 2*len(l.ring))
		n := copy(grown, l.ring[l.head:])
		copy(grown[n:], l.ring[:l.head])
		l.ring, l.head = grown, 0
	}
	f := &l.ring[(l.head+l.count)&(len(l.ring)-1)]
	f.at, f.sent, f.packet = at, sent, *p
	l.count++
}

// first returns the flight that arrives next. It stays where it is until pop.
func (l *direction) first() *flight { return &l.ring[l.head] }

// pop removes the first flight and returns when the next one arrives.
func (l *direction) pop() event.Time {
	l.ring[l.head].packet.Payload = nil
	l.head = (l.head + 1) & (len(l.ring) - 1)
	l.count--
	if l.count == 0 {
		return event.Never
	}
	return l.ring[l.head].at
}
