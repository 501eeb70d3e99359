package tcp

import "ftplab/sim/event"

// recoveryMode says what the sender is doing about losses.
type recoveryMode uint8

const (
	sending         recoveryMode = iota // nothing is known to be lost: slow start or congestion avoidance
	fastRecovery                        // acknowledgments told of a loss (RFC 5681, 6582, 6675)
	timeoutRecovery                     // the retransmission timer went off
)

// duplicateThreshold is how many duplicate acknowledgments, or segments SACKed above
// a hole, mean a loss (RFC 5681, section 3.2).
const duplicateThreshold = 3

// minWindow is the smallest ssthresh in segments (RFC 5681, equation 4).
const minWindow = 2

// congestion is the congestion control state (RFC 5681). As in Linux it counts
// segments, of whatever size.
type congestion struct {
	cwnd     int
	ssthresh int
	acked    int // segments acknowledged since cwnd last grew in congestion avoidance
	initial  int // the initial window
}

func newCongestion(initialWindow uint8) congestion {
	return congestion{cwnd: int(initialWindow), ssthresh: maxWindow, initial: int(initialWindow)}
}

// maxWindow bounds cwnd, and is where ssthresh begins: "arbitrarily high".
const maxWindow = 1 << 20

// ackEvent is what one acknowledgment brought.
type ackEvent struct {
	acked     int  // segments wholly acknowledged
	progress  bool // SND.UNA moved
	sacked    int  // segments newly SACKed
	duplicate bool // a duplicate acknowledgment (RFC 5681, section 2)
	flight    int  // segments in flight before
}

// recover decides what an acknowledgment means for losses and for the congestion
// window.
func (c *Conn) recover(now event.Time, e ackEvent) {
	b := &c.board
	if e.progress && b.mode != sending {
		c.undoRecovery()
	}
	if c.usesRACK() {
		c.markLostByTime(now)
	} else if c.sackOK {
		if b.sacked > 0 {
			c.markLostBySACK()
		}
	} else if e.duplicate && c.segments.n > 0 {
		c.countDuplicate()
	}
	switch b.mode {
	case sending:
		if c.lossIndicated() {
			c.enterFastRecovery()
		} else if e.progress {
			c.grow(e)
		}
	case fastRecovery:
		switch {
		case !seqBefore(c.snd.una, b.recoveryPoint):
			c.leaveRecovery()
		case e.progress && !c.sackOK:
			c.markLost(0) // a partial acknowledgment (RFC 6582, section 3.2, step 3)
			c.limitDuplicates()
			b.retransmitNow = true
		}
	case timeoutRecovery:
		if e.progress {
			c.grow(e)
		}
		if !seqBefore(c.snd.una, b.recoveryPoint) {
			c.leaveRecovery()
		}
	}
	if c.usesRACK() && b.mode == sending && c.lossIndicated() {
		c.enterFastRecovery() // what was sent since the last recovery began is lost too
	}
}

// lossIndicated reports whether the acknowledgments so far say that the oldest
// segment is lost.
func (c *Conn) lossIndicated() bool {
	b := &c.board
	if c.usesRACK() {
		return b.lost > 0
	}
	if b.sacked == 0 {
		return false
	}
	if !c.sackOK {
		// Duplicates for what was sent before the last recovery ended are echoes of
		// its retransmissions (RFC 6582, section 3.2, step 1).
		return b.sacked >= duplicateThreshold && seqAfter(c.snd.una, b.recoveryPoint)
	}
	if b.lost > 0 {
		return true
	}
	// Early retransmit (RFC 5827, section 3.2): so few segments are outstanding that
	// there can be no three. Linux's RACK comes to the same.
	return c.segments.n <= duplicateThreshold && c.snd.unsent == 0 && b.sacked >= c.segments.n-1
}

// enterFastRecovery lowers the window and retransmits the oldest segment at once
// (RFC 5681, section 3.2; RFC 6675, section 5, step 4).
func (c *Conn) enterFastRecovery() {
	c.rememberForUndo()
	c.probe = lossProbe{}
	c.timer.probe = event.Never
	c.slowDown(c.segments.n)
	c.board.mode = fastRecovery
	c.board.recoveryPoint = c.snd.nxt
	c.markLost(0)
	c.limitDuplicates()
	c.board.retransmitNow = true
}

// enterTimeoutRecovery takes everything for lost and starts again from one segment
// (RFC 5681, section 3.1; RFC 6298, section 5). A timeout of a retransmission does not
// halve ssthresh again.
func (c *Conn) enterTimeoutRecovery() {
	c.probe = lossProbe{}
	c.timer.reordering, c.timer.probe = event.Never, event.Never
	c.rack.resent.empty()
	if c.board.mode != timeoutRecovery {
		c.rememberForUndo()
		c.slowDown(c.segments.n)
		c.board.recoveryPoint = c.snd.nxt
	}
	if c.bbr != nil {
		c.bbr.timedOut()
	}
	c.board.mode = timeoutRecovery
	c.cong.cwnd = 1
	c.cong.acked = 0
	c.markAllLost()
	c.board.retransmitNow = true
}

// leaveRecovery goes back to normal: all that was outstanding when recovery began is
// acknowledged.
func (c *Conn) leaveRecovery() {
	if c.board.mode == fastRecovery && c.bbr == nil {
		c.cong.cwnd = c.cong.ssthresh
	}
	c.board.mode = sending
	c.board.retransmitNow = false
	c.rack.recoveryOver()
	if !c.sackOK {
		c.board.sacked = 0
	}
}

// slowDown answers the first sign of a loss; outstanding is how many segments there are.
func (c *Conn) slowDown(outstanding int) {
	if c.bbr != nil {
		c.bbr.keepWindow(c.cong.cwnd, c.board.mode)
		return
	}
	c.cong.halve(outstanding)
	c.cong.cwnd = c.cong.ssthresh
}

// grow opens the window after an acknowledgment; BBR does so by its model.
func (c *Conn) grow(e ackEvent) {
	if c.bbr == nil {
		c.cong.grow(e.acked, e.flight)
	}
}

// halve lowers ssthresh to half of what was outstanding.
func (g *congestion) halve(outstanding int) {
	g.ssthresh = max(min(outstanding, g.cwnd)/2, minWindow)
	g.acked = 0
}

// grow opens the window for acked segments: by as many in slow start, but not more
// than two (RFC 3465, section 2.2, L=2), by one a window in congestion avoidance.
// A window that was not used does not grow (RFC 7661).
func (g *congestion) grow(acked, flight int) {
	if g.cwnd < g.ssthresh {
		if 2*flight >= g.cwnd {
			g.cwnd = min(g.cwnd+min(acked, 2), maxWindow)
		}
		return
	}
	if flight+1 < g.cwnd {
		return
	}
	g.acked += acked
	if g.acked >= g.cwnd {
		g.acked -= g.cwnd
		g.cwnd = min(g.cwnd+1, maxWindow)
	}
}

// restart closes the window again after an idle time (RFC 5681, section 4.1).
func (g *congestion) restart() { g.cwnd = min(g.cwnd, g.initial) }
