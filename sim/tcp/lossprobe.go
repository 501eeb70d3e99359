package tcp

import (
	"time"

	"ftplab/sim/event"
	"ftplab/sim/wire"
)

// lossProbe is the state of the tail loss probe: when nothing was acknowledged for two
// round trips, one more segment draws an acknowledgment that tells what is missing, long
// before the retransmission timer would (RFC 8985, section 7).
type lossProbe struct {
	due           bool   // a probe must leave
	sent          bool   // one is on its way: at most one at a time
	end           uint32 // SND.NXT when it left
	retransmitted bool   // it carried what was sent before
}

// unknownProbeTimeout is the timeout without a round-trip sample (RFC 8985, section 7.2).
const unknownProbeTimeout = time.Second

// scheduleProbe sets the timer of the probe, if there is reason for one: something is
// outstanding, and nothing tells of a loss yet.
func (c *Conn) scheduleProbe(now event.Time) {
	c.timer.probe = event.Never
	wanted := c.usesRACK() && c.segments.n > 0 && c.board.mode == sending && c.board.sacked == 0 && !c.probe.sent
	if !wanted {
		return
	}
	wait := unknownProbeTimeout
	if c.rtt.srtt > 0 {
		wait = 2 * c.rtt.srtt
		if c.inFlight() == 1 {
			wait += maxDelayedACK // the peer may hold the acknowledgment back
		}
	}
	c.timer.probe = min(c.expiry(now, wait), c.timer.retransmit)
}

// probeExpired lets the probe leave, in the place of the retransmission timer.
func (c *Conn) probeExpired(now event.Time) {
	c.timer.probe = event.Never
	if c.segments.n == 0 || c.board.mode != sending || c.board.sacked > 0 {
		return
	}
	c.probe.due = true
	c.startRetransmitTimer(now, timerData, c.rtt.rto)
}

// emitLossProbe sends what is new, whatever the congestion window says, or else the last
// segment again (RFC 8985, section 7.3).
func (c *Conn) emitLossProbe(now event.Time, p *wire.Packet) Sending {
	c.probe.due = false
	why := LossProbe
	n, _ := c.wanted()
	if n > 0 && !c.windowBlocks() {
		c.emitFresh(now, p, min(n, c.usable()))
		why = Fresh
	} else {
		s := c.segments.at(c.segments.n - 1)
		s.everRetransmitted, s.sentAt = true, now
		c.emitAgain(now, p, s)
	}
	c.probe = lossProbe{sent: true, end: c.snd.nxt, retransmitted: why == LossProbe}
	c.timer.probe = event.Never
	return why
}

// noticeDuplicateReport looks at an acknowledgment for what the peer got twice, and for
// the answer to a probe.
func (c *Conn) noticeDuplicateReport(p *wire.Packet) {
	if !c.usesRACK() {
		return
	}
	duplicate, isDuplicate := duplicateReport(p)
	ofProbe := c.probe.sent && c.probe.retransmitted && isDuplicate && duplicate.Right == c.probe.end
	if isDuplicate && !ofProbe {
		c.widenReorderingWindow()
	}
	if c.probe.sent && !seqBefore(p.Ack, c.probe.end) {
		c.probeAnswered(p, ofProbe)
	}
}

// probeAnswered follows an acknowledgment that covers the probe. If the peer does not
// report it as a duplicate, the probe has repaired a loss that nothing else tells of
// (RFC 8985, section 7.4).
func (c *Conn) probeAnswered(p *wire.Packet, duplicate bool) {
	switch {
	case !c.probe.retransmitted || duplicate:
		c.probe.sent = false
	case seqAfter(p.Ack, c.probe.end):
		c.probe.sent = false
		c.slowDown(c.cong.cwnd)
	case p.Options.NumBlocks == 0 && p.SegmentLen() == 0:
		c.probe.sent = false
	}
}
