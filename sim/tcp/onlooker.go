package tcp

import (
	"slices"

	"ftplab/sim/wire"
)

// Onlooker follows one end of a connection that somebody else holds, from the packets
// that its host sends and receives: the state it must be in (RFC 9293, section 3.3.2)
// and the octets in each direction, each once and in order.
type Onlooker struct {
	state   State
	failure Failure

	sndISS, sndNext uint32 // what we have seen sent, SYN and FIN included
	finSent         bool
	finAcked        bool

	rcvNext  uint32
	rcvKnown bool // the peer's SYN was seen
	early    []span
	ready    [][]byte // received in order, not read
	eof      bool
}

// NewOnlooker returns one for the connection that a SYN begins, which the host sent, or
// received.
func NewOnlooker(syn *wire.Packet, sent bool) *Onlooker {
	o := &Onlooker{}
	if sent {
		o.state = SynSent
		o.sndISS, o.sndNext = syn.Seq, syn.Seq+1
		return o
	}
	o.state = SynReceived
	o.rcvNext, o.rcvKnown = syn.Seq+1, true
	return o
}

// State returns the state. A connection that ended orderly is in TIME-WAIT or CLOSED.
func (o *Onlooker) State() State { return o.state }

// Err returns why it is CLOSED, if it broke.
func (o *Onlooker) Err() Failure { return o.failure }

// EOF reports whether the peer's FIN and all octets before it have come.
func (o *Onlooker) EOF() bool { return o.eof }

// Flushed reports whether the host has sent its FIN and the peer has acknowledged it.
func (o *Onlooker) Flushed() bool { return o.finAcked }

// Read returns the next octets that came in order; false if there are none. They are
// those of a packet and are not to be changed.
func (o *Onlooker) Read() ([]byte, bool) {
	if len(o.ready) == 0 {
		return nil, false
	}
	b := o.ready[0]
	o.ready = o.ready[1:]
	return b, true
}

// Sent takes a segment of the host, and returns those of its octets that were not sent
// before.
func (o *Onlooker) Sent(p *wire.Packet) []byte {
	switch {
	case p.Flags&wire.RST != 0:
		o.end(Reset)
		return nil
	case p.Flags&wire.SYN != 0:
		if o.state == SynReceived {
			o.sndISS, o.sndNext = p.Seq, p.Seq+1
		}
		return nil
	}
	fresh := p.Payload
	if seqBefore(p.Seq, o.sndNext) {
		fresh = fresh[min(int(o.sndNext-p.Seq), len(fresh)):]
	}
	if end := p.Seq + uint32(len(p.Payload)); seqAfter(end, o.sndNext) {
		o.sndNext = end
	}
	if p.Flags&wire.FIN != 0 && !o.finSent {
		o.finSent = true
		o.sndNext++
		switch o.state {
		case Established, SynReceived:
			o.state = FinWait1
		case CloseWait:
			o.state = LastAck
		}
	}
	return fresh
}

// Received takes a segment of the peer.
func (o *Onlooker) Received(p *wire.Packet) {
	switch {
	case o.state == Closed:
		return
	case p.Flags&wire.RST != 0:
		o.reset(p)
		return
	case p.Flags&wire.SYN != 0:
		o.onSYN(p)
	case o.state == SynSent:
		return
	case o.state == SynReceived && p.Flags&wire.ACK != 0 && p.Ack == o.sndNext:
		o.state = Established
	}
	o.onACK(p)
	if p.Flags&wire.SYN == 0 {
		o.onData(p)
	}
}

// reset handles a RST: that of a connection being opened must acknowledge the SYN
// (RFC 9293, section 3.10.7.3), another one must be at the next octet or behind it.
func (o *Onlooker) reset(p *wire.Packet) {
	switch {
	case o.state == SynSent && p.Flags&wire.ACK != 0 && p.Ack == o.sndNext:
		o.end(Refused)
	case o.state == SynSent || o.rcvKnown && seqBefore(p.Seq, o.rcvNext):
	default:
		o.end(Reset)
	}
}

func (o *Onlooker) onSYN(p *wire.Packet) {
	if o.state != SynSent {
		return
	}
	o.rcvNext, o.rcvKnown = p.Seq+1, true
	if p.Flags&wire.ACK != 0 && p.Ack == o.sndNext {
		o.state = Established
		return
	}
	o.state = SynReceived // both ends open it at once
}

func (o *Onlooker) onACK(p *wire.Packet) {
	if p.Flags&wire.ACK == 0 || !o.finSent || o.finAcked || p.Ack != o.sndNext {
		return
	}
	o.finAcked = true
	switch o.state {
	case FinWait1:
		o.state = FinWait2
	case Closing:
		o.state = TimeWait
	case LastAck:
		o.state = Closed
	}
}

// onData puts the octets of a segment in their place.
func (o *Onlooker) onData(p *wire.Packet) {
	s := span{seq: p.Seq, data: p.Payload, fin: p.Flags&wire.FIN != 0}
	if len(s.data) == 0 && !s.fin || o.eof {
		return
	}
	if seqAfter(s.seq, o.rcvNext) {
		o.keep(s)
		return
	}
	o.accept(s)
	for len(o.early) > 0 && !seqAfter(o.early[0].seq, o.rcvNext) {
		s, o.early = o.early[0], o.early[1:]
		o.accept(s)
	}
}

// keep inserts what came too early, by sequence number.
func (o *Onlooker) keep(s span) {
	i, twice := slices.BinarySearchFunc(o.early, s.seq, func(e span, seq uint32) int { return int(int32(e.seq - seq)) })
	if twice && len(o.early[i].data) >= len(s.data) {
		return
	}
	o.early = slices.Insert(o.early, i, s)
}

func (o *Onlooker) accept(s span) {
	if seqBefore(s.endWithFIN(), o.rcvNext) || s.endWithFIN() == o.rcvNext {
		return
	}
	s.cutFront(o.rcvNext)
	if len(s.data) > 0 {
		o.ready = append(o.ready, s.data)
	}
	o.rcvNext = s.endWithFIN()
	if s.fin && !o.eof {
		o.eof = true
		o.onFIN()
	}
}

func (o *Onlooker) onFIN() {
	switch o.state {
	case Established, SynReceived:
		o.state = CloseWait
	case FinWait1:
		o.state = Closing
	case FinWait2:
		o.state = TimeWait
	}
}

// ReceivedICMP takes an ICMP error that quotes a segment of the host with the sequence
// number quotedSeq: see Conn.ReceiveICMP.
func (o *Onlooker) ReceivedICMP(e ICMPError, quotedSeq uint32) {
	if e == ICMPIgnored || o.state != SynSent || quotedSeq != o.sndISS {
		return
	}
	if e == ICMPPortUnreachable {
		o.end(RefusedICMP)
		return
	}
	o.end(Unreachable)
}

func (o *Onlooker) end(why Failure) {
	if o.state != Closed && o.state != TimeWait {
		o.failure = why
	}
	o.state = Closed
}
