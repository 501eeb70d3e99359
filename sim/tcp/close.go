package tcp

import (
	"ftplab/sim/event"
	"ftplab/sim/wire"
)

// reset is a RST that must leave.
type reset struct {
	seq, ack uint32
	flags    wire.Flags
	pending  bool
}

// CloseWrite sends a FIN after what was written (shutdown with SHUT_WR; RFC 9293,
// section 3.10.4). The connection can still be read. In SYN-SENT it ends the
// connection.
func (c *Conn) CloseWrite(now event.Time) {
	if c.closeQueued {
		return
	}
	switch c.state {
	case Closed:
		return
	case SynSent:
		c.enterClosed()
		return
	case Established:
		c.state = FinWait1
	case CloseWait:
		c.state = LastAck
	}
	c.closeQueued = true
}

// Close ends both directions, as close(2) does: what was written is sent, then a FIN.
// If octets are unread, or more arrive, the peer gets a RST (RFC 2525, section 2.17).
func (c *Conn) Close(now event.Time) {
	if c.receiveClosed || c.state == Closed {
		return
	}
	if c.inbox.ready.n > 0 {
		c.inbox.ready.clear()
		c.inbox.unread = 0
		c.abort()
		return
	}
	c.receiveClosed = true
	c.CloseWrite(now)
	if c.state == FinWait2 {
		c.timer.linger = c.expiry(now, c.cfg.FINWait2)
	}
}

// Abort ends the connection with a RST (RFC 9293, section 3.10.5). What was not sent
// or not read is lost.
func (c *Conn) Abort(now event.Time) {
	c.inbox.ready.clear()
	c.inbox.unread = 0
	c.abort()
}

func (c *Conn) abort() {
	state := c.state
	c.enterClosed()
	switch state {
	case SynReceived, Established, FinWait1, FinWait2, CloseWait:
		seq := c.snd.nxt
		if c.usable() < 0 {
			seq = c.snd.una + c.snd.wnd // the peer would not look at one beyond its window
		}
		c.answer = reset{seq: seq, ack: c.rcv.nxt, flags: wire.RST | wire.ACK, pending: true}
	}
}

// fail ends the connection without a word to the peer.
func (c *Conn) fail(f Failure) {
	c.failure = f
	c.enterClosed()
}

// enterClosed enters CLOSED and drops all but what can still be read.
func (c *Conn) enterClosed() {
	c.state = Closed
	c.dropQueues()
	c.timer = noTimers()
}

// enterTimeWait enters TIME-WAIT, or begins it again.
func (c *Conn) enterTimeWait(now event.Time) {
	c.state = TimeWait
	c.dropQueues()
	c.stopRetransmitTimer()
	c.timer.linger = c.expiry(now, c.cfg.TimeWait)
}

func (c *Conn) dropQueues() {
	c.writes.clear()
	c.segments.clear()
	c.rack.resent.clear()
	c.probe = lossProbe{}
	c.timer.reordering, c.timer.probe, c.timer.pacing = event.Never, event.Never, event.Never
	c.board = scoreboard{recoveryPoint: c.snd.una, marked: c.snd.una}
	c.inbox.early, c.inbox.numBlocks = nil, 0
	c.synPending, c.probePending = false, false
}

// answerReset answers a segment with a RST that does not end this connection: it
// acknowledges what we never sent.
func (c *Conn) answerReset(p *wire.Packet) {
	if p.Flags&wire.RST == 0 {
		c.answer = reset{seq: p.Ack, flags: wire.RST, pending: true}
	}
}

func (c *Conn) emitReset(p *wire.Packet) Sending {
	*p = wire.Packet{
		Src: c.local.Addr(), SrcPort: c.local.Port(), Dst: c.remote.Addr(), DstPort: c.remote.Port(),
		Protocol: wire.TCP, TTL: defaultTTL,
		Seq: c.answer.seq, Ack: c.answer.ack, Flags: c.answer.flags,
	}
	c.answer = reset{}
	return ResetSegment
}

// ResetFor returns the RST that answers a segment for which there is no connection
// (RFC 9293, section 3.10.7.1), and false if none does: a RST is never answered, nor
// is what is not a whole TCP segment.
func ResetFor(p *wire.Packet) (wire.Packet, bool) {
	if p.Protocol != wire.TCP || p.Flags&wire.RST != 0 || p.FragmentOffset != 0 {
		return wire.Packet{}, false
	}
	r := wire.Packet{
		Src: p.Dst, SrcPort: p.DstPort, Dst: p.Src, DstPort: p.SrcPort,
		Protocol: wire.TCP, TTL: defaultTTL, Flags: wire.RST,
	}
	if p.Flags&wire.ACK != 0 {
		r.Seq = p.Ack
	} else {
		r.Flags |= wire.ACK
		r.Ack = p.Seq + p.SegmentLen()
	}
	return r, true
}

// MayReopen reports whether a SYN for a connection in TIME-WAIT may begin a new one
// (RFC 9293, section 3.6.1; RFC 6191): its sequence number is beyond all that the old
// one received, or its timestamp is. The host then forgets this Conn and calls Accept.
func (c *Conn) MayReopen(syn *wire.Packet) bool {
	return c.state == TimeWait && syn.Flags&(wire.SYN|wire.ACK|wire.RST|wire.FIN) == wire.SYN &&
		(seqAfter(syn.Seq, c.rcv.nxt) || c.ts.ok && syn.Options.HasTimestamps && seqAfter(syn.Options.TSVal, c.ts.recent))
}
