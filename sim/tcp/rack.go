package tcp

import (
	"time"

	"ftplab/sim/event"
	"ftplab/sim/wire"
)

// rack is the state of RACK, which tells losses by time: a segment is lost when one that
// was sent later has arrived and the time in which reordering may happen is over (RFC
// 8985, section 5.2). Unlike a count of duplicate acknowledgments it sees that a
// retransmission was lost.
type rack struct {
	// sentAt and end are of the segment that was sent last of those that arrived
	// (RACK.xmit_ts, RACK.end_seq), rtt is how long its acknowledgment took.
	sentAt event.Time
	end    uint32
	rtt    time.Duration
	minRTT time.Duration // the smallest of the connection; 0: none yet

	highest       uint32 // the end of the highest segment that arrived (RACK.fack)
	highestBefore uint32 // the same before the acknowledgment in hand
	reordering    bool   // a segment arrived after one that was sent later

	// windowSteps scales the reordering window; it grows when retransmissions turn
	// out to have been needless, for as many recoveries as windowPersists.
	windowSteps    uint8
	windowPersists uint8
	grownAt        uint32 // SND.NXT when it last grew: once a round trip

	// resent are the retransmissions in the order in which they left.
	resent ring[resent]
}

// resent is a retransmission.
type resent struct {
	at  event.Time
	end uint32
}

// maxWindowPersists is for how many recoveries a wide reordering window stays (RFC
// 8985, section 6.2, step 4).
const maxWindowPersists = 16

// usesRACK reports whether RACK tells the losses.
func (c *Conn) usesRACK() bool { return c.cfg.RACK && c.sackOK }

// sentAfter reports whether the segment that was sent at a and ends at endA was sent
// after the other (RFC 8985, section 6.2: RACK_sent_after).
func sentAfter(a event.Time, endA uint32, b event.Time, endB uint32) bool {
	return a > b || a == b && seqAfter(endA, endB)
}

// arrived notes that an acknowledgment says for the first time that a segment arrived
// (RFC 8985, section 6.2, steps 1 to 3).
func (c *Conn) arrived(now event.Time, s *segment) {
	if c.bbr != nil {
		c.bbr.rate.arrived(now, s)
	}
	if !c.usesRACK() {
		return
	}
	r := &c.rack
	if !s.everRetransmitted && seqBefore(s.end(), r.highestBefore) {
		r.reordering = true
	}
	r.highest = seqMax(r.highest, s.end())
	rtt := max(now.Sub(s.sentAt), 1)
	if s.everRetransmitted {
		// Was it the retransmission that arrived, or the one before?
		if c.ts.echo != 0 && seqBefore(c.ts.echo, timestampAt(s.sentAt)) || rtt < r.minRTT {
			return
		}
	}
	if r.minRTT == 0 || rtt < r.minRTT {
		r.minRTT = rtt
	}
	r.rtt = rtt
	if sentAfter(s.sentAt, s.end(), r.sentAt, r.end) {
		r.sentAt, r.end = s.sentAt, s.end()
	}
}

// reorderingWindow is how much later a segment may arrive than one that was sent after
// it (RFC 8985, section 6.2, step 4).
func (c *Conn) reorderingWindow() time.Duration {
	r := &c.rack
	if !r.reordering && (c.board.mode != sending || c.board.sacked >= duplicateThreshold) {
		return 0
	}
	return min(r.minRTT/4*time.Duration(1+r.windowSteps), c.rtt.srtt)
}

// markLostByTime takes for lost what was sent long enough before the last segment that
// arrived, and sets the timer for what may be lost soon (RFC 8985, section 6.2, step 5).
func (c *Conn) markLostByTime(now event.Time) {
	patience := c.rack.rtt + c.reorderingWindow()
	c.timer.reordering = min(c.markOriginalsLost(now, patience), c.markResentLost(now, patience))
}

// markOriginalsLost looks at what was sent once: in the order of their sequence numbers,
// as they were sent. All below board.marked are settled. It returns when to look again.
func (c *Conn) markOriginalsLost(now event.Time, patience time.Duration) event.Time {
	r := &c.rack
	for i := c.segmentFrom(c.board.marked); i < c.segments.n; i++ {
		s := c.segments.at(i)
		if !s.sacked {
			if !sentAfter(r.sentAt, r.end, s.sentAt, s.end()) {
				break
			}
			if due := s.sentAt.Add(patience); due > now {
				return due
			}
			c.markLost(i)
		}
		c.board.marked = s.end()
	}
	return event.Never
}

// markResentLost looks at the retransmissions, in the order in which they left.
func (c *Conn) markResentLost(now event.Time, patience time.Duration) event.Time {
	r := &c.rack
	for ; r.resent.n > 0; r.resent.pop() {
		first := *r.resent.at(0)
		i := c.segmentFrom(first.end) - 1
		if i < 0 {
			continue
		}
		s := c.segments.at(i)
		if !s.retransmitted || s.end() != first.end || s.sentAt != first.at {
			continue // it arrived, or left once more
		}
		if !sentAfter(r.sentAt, r.end, first.at, first.end) {
			break
		}
		if due := first.at.Add(patience); due > now {
			return due
		}
		s.retransmitted = false
		c.board.retransmitted--
		c.board.hint = min(c.board.hint, i)
	}
	return event.Never
}

// noteResent remembers that a segment that is taken for lost was sent again.
func (c *Conn) noteResent(s *segment) {
	if c.usesRACK() {
		*c.rack.resent.push() = resent{at: s.sentAt, end: s.end()}
	}
}

// reorderingExpired is RACK's timer: what is still missing now is lost.
func (c *Conn) reorderingExpired(now event.Time) {
	c.timer.reordering = event.Never
	if c.segments.n == 0 {
		return
	}
	c.markLostByTime(now)
	if c.board.mode == sending && c.lossIndicated() {
		c.enterFastRecovery()
	}
}

// widenReorderingWindow answers a report that a segment arrived twice: it was taken for
// lost too early (RFC 8985, section 6.2, step 4).
func (c *Conn) widenReorderingWindow() {
	r := &c.rack
	if r.windowSteps > 0 && seqBefore(c.snd.una, r.grownAt) {
		return // once a round trip
	}
	r.windowSteps = saturatingAdd(r.windowSteps, 1)
	r.windowPersists = maxWindowPersists
	r.grownAt = c.snd.nxt
}

// recoveryOver lets a widened reordering window become narrow again in the end.
func (r *rack) recoveryOver() {
	if r.windowPersists > 0 {
		r.windowPersists--
		if r.windowPersists == 0 {
			r.windowSteps = 0
		}
	}
}

// duplicateReport returns the range that the peer reports to have got twice (RFC 2883,
// section 4): the first block, if it lies below the acknowledgment or within the second.
func duplicateReport(p *wire.Packet) (wire.SACKBlock, bool) {
	o := &p.Options
	if o.NumBlocks == 0 {
		return wire.SACKBlock{}, false
	}
	first := o.Blocks[0]
	if !seqAfter(first.Right, p.Ack) {
		return first, true
	}
	if o.NumBlocks > 1 {
		second := o.Blocks[1]
		return first, !seqBefore(first.Left, second.Left) && !seqAfter(first.Right, second.Right)
	}
	return wire.SACKBlock{}, false
}
