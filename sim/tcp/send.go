package tcp

import (
	"ftplab/sim/event"
	"ftplab/sim/wire"
)

// defaultTTL is the TTL or hop limit that Emit sets; the host may set another.
const defaultTTL = 64

// Emit fills in the next segment that must leave now and says what it is; it returns
// false, and leaves *p alone, when there is none. ID and Serial are left 0 for the
// host to fill in.
func (c *Conn) Emit(now event.Time, p *wire.Packet) (Sending, bool) {
	if c.answer.pending {
		return c.emitReset(p), true
	}
	switch c.state {
	case Closed:
		return Nothing, false
	case SynSent, SynReceived:
		if c.synPending {
			return c.emitSYN(now, p), true
		}
	default:
		if c.probe.due && c.segments.n > 0 {
			return c.emitLossProbe(now, p), true
		}
		if sending, ok := c.emitData(now, p); ok {
			return sending, true
		}
		if c.probePending {
			return c.emitProbe(now, p), true
		}
	}
	if c.ack.now && c.state != SynSent {
		c.header(now, p, c.snd.nxt)
		return PureACK, true
	}
	return Nothing, false
}

// emitData fills in the next retransmission, or what was not sent before, if one may leave.
func (c *Conn) emitData(now event.Time, p *wire.Packet) (Sending, bool) {
	if c.timer.pacing != event.Never {
		return Nothing, false
	}
	if c.board.lost > c.board.retransmitted || c.board.mode == fastRecovery {
		if i := c.nextRetransmission(); i >= 0 {
			return c.emitRetransmission(now, p, i), true
		}
	}
	if c.snd.unsent > 0 || c.closeQueued && !c.finSent {
		if n, ok := c.nextLength(now); ok {
			c.emitFresh(now, p, n)
			return Fresh, true
		}
	}
	return Nothing, false
}

// header fills in a segment without payload that carries an acknowledgment.
func (c *Conn) header(now event.Time, p *wire.Packet, seq uint32) {
	*p = wire.Packet{}
	p.Src, p.SrcPort = c.local.Addr(), c.local.Port()
	p.Dst, p.DstPort = c.remote.Addr(), c.remote.Port()
	p.Protocol, p.TTL = wire.TCP, defaultTTL
	p.Seq, p.Ack, p.Flags = seq, c.rcv.nxt, wire.ACK
	p.Window = c.offerWindow()
	if c.ts.ok {
		p.Options.HasTimestamps, p.Options.TSVal, p.Options.TSEcr = true, timestampAt(now), c.ts.recent
	}
	if len(c.inbox.early) > 0 || c.inbox.hasDuplicate {
		c.sackOptions(&p.Options)
	}
	c.acknowledgmentLeft()
}

// usable is how many octets the peer's window takes beyond what was sent; it is
// negative if the peer has shrunk it.
func (c *Conn) usable() int { return int(int32(c.snd.una + c.snd.wnd - c.snd.nxt)) }

// wanted is the size of the next segment if only the MSS limited it, and the largest
// there could be.
func (c *Conn) wanted() (n, full int) {
	full = int(c.snd.mss) - c.sackRoom() // minMSS leaves some
	n = min(c.snd.unsent, full)
	if ahead := c.snd.urgentEnd - c.snd.taken; c.snd.urgentEnd > c.snd.taken && uint64(n) > ahead {
		n = int(ahead)
	}
	return n, full
}

// windowBlocks reports whether there is something to send and the peer's window is
// too small for it. A part of a segment is not sent into a small window, unless it
// is half of the largest the peer ever offered (RFC 9293, section 3.8.6.2.1).
func (c *Conn) windowBlocks() bool {
	n, _ := c.wanted()
	if n == 0 {
		return c.closeQueued && !c.finSent && c.usable() < 1
	}
	usable := c.usable()
	return n > usable && (usable <= 0 || usable < int(c.snd.maxWnd/2))
}

// nextLength returns the length of the payload of the next new segment, 0 for a bare
// FIN; false if none may leave now.
func (c *Conn) nextLength(now event.Time) (int, bool) {
	if c.windowBlocks() {
		if c.segments.n == 0 && c.timer.retransmitKind == timerOff {
			c.startPersistTimer(now)
		}
		return 0, false
	}
	n, full := c.wanted()
	if n == 0 {
		return 0, true // a FIN does not wait for the congestion window
	}
	if c.segments.n == 0 && c.bbr == nil && now.Sub(c.snd.lastSent) > c.rtt.rto {
		c.cong.restart()
	}
	if c.inFlight() >= c.cong.cwnd {
		return 0, false
	}
	n = min(n, c.usable())
	last := n == c.snd.unsent
	if n < full && last && !c.closeQueued && c.nagleHolds() {
		return 0, false
	}
	return n, true
}

// nagleHolds reports whether a segment shorter than the MSS must wait: there is one
// on the way (RFC 9293, section 3.7.4; Linux has Minshall's variant, in which full
// segments on the way do not count).
func (c *Conn) nagleHolds() bool {
	urgent := c.snd.urgentEnd > c.snd.taken
	return !c.cfg.NoDelay && !urgent && seqAfter(c.snd.smallEnd, c.snd.una) && !seqAfter(c.snd.smallEnd, c.snd.nxt)
}

// emitFresh sends the next n octets, and the FIN with the last of them.
func (c *Conn) emitFresh(now event.Time, p *wire.Packet, n int) {
	s := c.segments.push()
	s.seq, s.sentAt = c.snd.nxt, now
	if n > 0 {
		c.take(n, s)
		c.ack.dataLeft(now)
	}
	if c.closeQueued && c.snd.unsent == 0 && n < c.usable() {
		s.fin = true
		c.finSent = true
	}
	c.header(now, p, s.seq)
	s.fill(p)
	c.snd.nxt += s.length()
	if c.bbr != nil {
		c.noteDeparture(now, s)
	}
	c.snd.lastSent = now
	if n > 0 && n < int(c.snd.mss) {
		c.snd.smallEnd = c.snd.nxt
	}
	c.probePending = false
	if c.timer.retransmitKind != timerData {
		c.startRetransmitTimer(now, timerData, c.rtt.rto)
	}
	c.scheduleProbe(now)
}

// nextRetransmission returns the segment to retransmit now, or -1 (RFC 6675, section
// 4, NextSeg).
func (c *Conn) nextRetransmission() int {
	b := &c.board
	if !b.retransmitNow && c.inFlight() >= c.cong.cwnd {
		return -1
	}
	if b.lost > b.retransmitted {
		for ; b.hint < c.segments.n; b.hint++ {
			if s := c.segments.at(b.hint); s.lost && !s.retransmitted {
				return c.ifInWindow(b.hint)
			}
		}
	}
	if b.mode == fastRecovery && c.sackOK && !c.usesRACK() && c.snd.unsent == 0 {
		return c.ifInWindow(c.unSACKedHole())
	}
	b.retransmitNow = false
	return -1
}

// unSACKedHole is rule 3 of NextSeg: when there is nothing new to send, what lies
// below the highest SACKed octet may be lost too. It returns -1 if there is no such
// segment.
func (c *Conn) unSACKedHole() int {
	below := 0
	for i := range c.segments.n {
		s := c.segments.at(i)
		if below == c.board.sacked {
			return -1
		}
		if s.sacked {
			below++
		} else if !s.lost {
			return i
		}
	}
	return -1
}

// ifInWindow returns i if the segment fits into the peer's window. The oldest is
// retransmitted even when the window has shrunk.
func (c *Conn) ifInWindow(i int) int {
	if i > 0 && seqAfter(c.segments.at(i).end(), c.snd.una+c.snd.wnd) {
		return -1
	}
	return i
}

// emitRetransmission sends the i-th segment again, with what can be merged into it.
func (c *Conn) emitRetransmission(now event.Time, p *wire.Packet, i int) Sending {
	c.markLost(i)
	c.mergeSmall(i)
	s := c.segments.at(i)
	s.retransmitted, s.everRetransmitted, s.sentAt = true, true, now
	c.board.retransmitted++
	c.board.retransmitNow = false
	c.noteResent(s)
	c.noteFirstResent(now)
	c.emitAgain(now, p, s)
	if i == 0 || c.timer.retransmitKind != timerData {
		c.startRetransmitTimer(now, timerData, c.rtt.rto)
	}
	if c.board.mode == timeoutRecovery {
		return Retransmission
	}
	return FastRetransmission
}

// emitAgain fills in a segment that was sent before.
func (c *Conn) emitAgain(now event.Time, p *wire.Packet, s *segment) {
	room := c.sackRoom()
	c.header(now, p, s.seq)
	s.fill(p)
	if len(s.data)+room > int(c.snd.mss) {
		p.Options.NumBlocks, p.Options.Blocks = 0, [maxBlocks]wire.SACKBlock{} // the segment was cut when there was nothing to SACK
	}
	c.snd.lastSent = now
	c.snd.retransmissions++
	if c.bbr != nil {
		c.noteDeparture(now, s)
	}
}

// emitProbe asks for the peer's window: with what fits into it, or with an old
// sequence number that the peer must answer with an acknowledgment, as Linux does.
func (c *Conn) emitProbe(now event.Time, p *wire.Packet) Sending {
	c.probePending = false
	n, _ := c.wanted()
	if n = min(n, c.usable()); n > 0 {
		c.emitFresh(now, p, n)
	} else {
		c.header(now, p, c.snd.una-1)
	}
	return WindowProbe
}
