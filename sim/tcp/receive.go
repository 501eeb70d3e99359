package tcp

import (
	"time"

	"ftplab/sim/event"
	"ftplab/sim/wire"
)

// Receive handles a segment that arrived for this connection (RFC 9293, section
// 3.10.7). In CLOSED it does nothing: see ResetFor.
func (c *Conn) Receive(now event.Time, p *wire.Packet) {
	switch c.state {
	case Closed:
		return
	case SynSent:
		c.receiveInSynSent(now, p)
		return
	case SynReceived:
		if c.receiveSYNAgain(now, p) {
			return
		}
	}
	if c.isOldDuplicate(now, p) || !c.acceptable(p) {
		if p.Flags&wire.RST == 0 {
			c.answerUnacceptable(now, p)
		}
		return
	}
	if p.Flags&(wire.RST|wire.SYN) != 0 {
		c.receiveResetOrSYN(now, p)
		return
	}
	if p.Flags&wire.ACK == 0 {
		return
	}
	c.takeTimestamp(now, p)
	if c.state == SynReceived {
		if !c.finishHandshake(now, p) {
			return
		}
	} else if !c.receiveAck(now, p) {
		return
	}
	if len(p.Payload) > 0 || p.Flags&wire.FIN != 0 {
		c.receiveText(now, p)
	}
}

// acceptable is the sequence number check (RFC 9293, section 3.10.7.4, first), a
// little wider, as in Linux: a segment that ends where the last acknowledgment we
// sent began may be late and still carries a valid acknowledgment.
func (c *Conn) acceptable(p *wire.Packet) bool {
	end := p.Seq + p.SegmentLen()
	return !seqBefore(end, c.rcv.wup) && !seqAfter(p.Seq, c.rcv.nxt+c.rcv.offered())
}

// answerUnacceptable acknowledges a segment outside the window. Empty ones, of which
// a loop of acknowledgments could be made, are answered at a limited rate.
func (c *Conn) answerUnacceptable(now event.Time, p *wire.Packet) {
	if c.state == TimeWait && p.Flags&wire.FIN != 0 {
		c.enterTimeWait(now)
	}
	if len(p.Payload) == 0 {
		c.acknowledgeRarely(now)
		return
	}
	// What lies beyond RCV.NXT is not reported: it was not kept.
	c.noteDuplicate(p.Seq, seqMin(p.Seq+uint32(len(p.Payload)), c.rcv.nxt))
	c.ack.quicken(c.rcv.wnd)
	c.ack.now = true
}

// rareAckInterval limits the answers to segments that a peer in good order would
// not send (Linux: tcp_invalid_ratelimit).
const rareAckInterval = 500 * time.Millisecond

// acknowledgeRarely sends an acknowledgment, but not more than one in half a second:
// the challenge ACK of RFC 5961, section 7.
func (c *Conn) acknowledgeRarely(now event.Time) {
	if now.Sub(c.ack.lastRare) < rareAckInterval {
		return
	}
	c.ack.lastRare = now
	c.ack.now = true
}

// receiveResetOrSYN handles a RST, or a SYN on a connection that has had one. Only a
// RST with exactly the next sequence number is believed (RFC 5961, sections 3.2 and 4.2).
func (c *Conn) receiveResetOrSYN(now event.Time, p *wire.Packet) {
	if p.Flags&wire.RST == 0 || p.Seq != c.rcv.nxt {
		c.acknowledgeRarely(now)
		return
	}
	switch {
	case c.state == SynReceived && !c.passive:
		c.fail(Refused)
	case c.state == TimeWait || c.state == Closing || c.state == LastAck:
		c.enterClosed() // both sides had said all: nothing is lost
	default:
		c.fail(Reset)
	}
}

// receiveText takes the payload and the FIN of an acceptable segment (RFC 9293,
// section 3.10.7.4, seventh and eighth).
func (c *Conn) receiveText(now event.Time, p *wire.Packet) {
	data, fin := p.Payload, p.Flags&wire.FIN != 0
	seq := p.Seq
	if p.Flags&wire.SYN != 0 {
		seq++
	}
	if len(data) == 0 && !fin {
		return
	}
	if c.inbox.finTaken {
		// After the peer's FIN there is nothing but repetitions.
		c.ack.now = true
		if c.state == TimeWait && fin {
			c.enterTimeWait(now)
		}
		return
	}
	if c.receiveClosed && seqAfter(seq+uint32(len(data)), c.rcv.nxt) {
		c.abort() // RFC 2525, section 2.17; nobody is left to read it
		return
	}
	if p.Flags&wire.URG != 0 {
		c.inbox.urgent = true
	}
	if old := c.rcv.nxt - seq; int32(old) > 0 {
		if old > uint32(len(data)) || old == uint32(len(data)) && !fin {
			c.noteDuplicate(seq, seq+uint32(len(data)))
			c.ack.quicken(c.rcv.wnd)
			c.ack.now = true
			return
		}
		data, seq = data[old:], c.rcv.nxt
	}
	if room := c.rcv.nxt + c.rcv.offered() - seq; room < uint32(len(data)) {
		data, fin = data[:room], false
	}
	c.ack.dataArrived(now, uint32(len(p.Payload)), c.rcv.wnd, c.rtt.rto)
	if seq != c.rcv.nxt {
		c.keepEarly(span{seq: seq, data: data, fin: fin})
		c.ack.now = true
		return
	}
	c.receiveInOrder(now, data, fin)
}

// receiveInOrder appends what is next in the stream, and what had arrived too early.
func (c *Conn) receiveInOrder(now event.Time, data []byte, fin bool) {
	if len(data) == 0 && !fin {
		c.ack.now = true // the window is closed: say so again
		return
	}
	c.deliver(data)
	if len(c.inbox.early) > 0 {
		fin = c.deliverEarly() || fin
		c.ack.now = true // RFC 5681, section 4.2
	}
	if fin {
		c.receiveFIN(now)
	}
	c.scheduleAck(now)
}

// receiveFIN follows the peer's FIN (RFC 9293, section 3.10.7.4, eighth).
func (c *Conn) receiveFIN(now event.Time) {
	c.rcv.nxt++
	c.inbox.finTaken = true
	c.inbox.early, c.inbox.numBlocks = nil, 0
	switch c.state {
	case Established:
		c.state = CloseWait
		c.ack.pingpong = true // an answer is likely: Linux lets it carry the acknowledgment
	case FinWait1:
		c.state = Closing // receiveAck has seen to an acknowledged FIN
		c.ack.now = true
	case FinWait2:
		c.ack.now = true
		c.enterTimeWait(now)
	}
}
