package tcp

import (
	"ftplab/sim/event"
	"ftplab/sim/wire"
)

// receiveAck handles the acknowledgment field in a synchronized state (RFC 9293,
// section 3.10.7.4, fifth; RFC 5961, section 5.2). It reports whether the rest of
// the segment is to be looked at.
func (c *Conn) receiveAck(now event.Time, p *wire.Packet) bool {
	if seqAfter(p.Ack, c.snd.nxt) || seqBefore(p.Ack, c.snd.una-c.snd.maxWnd) {
		c.acknowledgeRarely(now)
		return false
	}
	before := c.segments.n
	flight := c.inFlight()
	windowMoved := c.updateWindow(p)
	c.rack.highestBefore = c.rack.highest
	progress := seqAfter(p.Ack, c.snd.una)
	acked := 0
	if progress {
		acked = c.acknowledge(now, p.Ack)
	}
	c.noticeDuplicateReport(p)
	if before > 0 {
		newlySACKed := 0
		if p.Options.NumBlocks > 0 && c.sackOK {
			newlySACKed = c.applySACK(now, &p.Options)
		}
		duplicate := !progress && p.Ack == c.snd.una && !windowMoved && p.SegmentLen() == 0
		if progress || newlySACKed > 0 || duplicate {
			c.recover(now, ackEvent{acked: acked, progress: progress, sacked: newlySACKed, duplicate: duplicate, flight: flight})
		}
		if c.bbr != nil {
			c.followModel(now, flight)
		}
	}
	c.retimeAfterAck(now, progress)
	if progress && c.finAcked() {
		c.finAcknowledged(now)
	}
	return c.state != Closed
}

// acknowledge removes what is acknowledged up to ack from the queue, takes a
// round-trip sample, and returns the number of segments that were wholly acknowledged.
func (c *Conn) acknowledge(now event.Time, ack uint32) int {
	c.snd.una = ack
	sentAt, ambiguous := event.Never, false
	acked := 0
	for c.segments.n > 0 {
		s := c.segments.at(0)
		if seqAfter(s.end(), ack) {
			if old := ack - s.seq; int32(old) > 0 {
				s.trimFront(old)
			}
			break
		}
		if s.everRetransmitted {
			ambiguous = true
		} else if !s.sacked && sentAt == event.Never {
			sentAt = s.sentAt
		}
		if !s.sacked {
			c.arrived(now, s)
		}
		c.board.forget(s)
		c.segments.pop()
		acked++
	}
	c.board.acknowledged(ack, acked)
	if !c.sackOK && acked > 0 {
		c.board.sacked -= acked - 1 // what duplicate acknowledgments had stood for
		c.limitDuplicates()
	}
	if !ambiguous && sentAt != event.Never { // Karn's algorithm (RFC 6298, section 3)
		c.rtt.sample(now.Sub(sentAt), &c.cfg)
	} else if m, ok := c.ts.roundTrip(now); ok {
		c.rtt.sample(m, &c.cfg)
	}
	c.rtt.expiries = 0
	c.snd.probes = 0
	return acked
}

// updateWindow takes the peer's window from a segment that is newer than the one it
// was last taken from, and reports whether it changed. When we cannot tell which of two
// is newer, the larger window holds, but a closed one is believed (Linux:
// tcp_may_update_window).
func (c *Conn) updateWindow(p *wire.Packet) bool {
	wnd := uint32(p.Window) << c.snd.scale
	newer := seqAfter(p.Ack, c.snd.una) || seqAfter(p.Seq, c.snd.wl1) ||
		p.Seq == c.snd.wl1 && (wnd > c.snd.wnd || wnd == 0)
	if seqBefore(p.Ack, c.snd.una) || !newer {
		return false
	}
	changed := wnd != c.snd.wnd
	c.setWindow(p, wnd)
	return changed
}

func (c *Conn) setWindow(p *wire.Packet, wnd uint32) {
	c.snd.wnd, c.snd.wl1 = wnd, p.Seq
	c.snd.maxWnd = max(c.snd.maxWnd, wnd)
}

// retimeAfterAck keeps the retransmission timer to what is outstanding (RFC 6298,
// section 5), and the persist timer to a window that is still closed.
func (c *Conn) retimeAfterAck(now event.Time, progress bool) {
	switch {
	case c.segments.n == 0 && c.timer.retransmitKind == timerData:
		c.stopRetransmitTimer()
		c.timer.reordering, c.timer.probe, c.probe.due = event.Never, event.Never, false
	case c.segments.n > 0 && progress:
		c.startRetransmitTimer(now, timerData, c.rtt.rto)
		c.scheduleProbe(now)
	case c.timer.retransmitKind == timerWindow:
		c.persistAnswered(now)
	}
}

// finAcknowledged follows the acknowledgment of our FIN.
func (c *Conn) finAcknowledged(now event.Time) {
	switch c.state {
	case FinWait1:
		c.state = FinWait2
		if c.receiveClosed {
			c.timer.linger = c.expiry(now, c.cfg.FINWait2)
		}
	case Closing:
		c.enterTimeWait(now)
	case LastAck:
		c.enterClosed()
	}
}
