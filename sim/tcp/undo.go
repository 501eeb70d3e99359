package tcp

import "ftplab/sim/event"

// undo is what recovery began with, to return to if nothing was lost: the Eifel
// algorithm (RFC 3522, RFC 4015). The echo of the first acknowledgment that moves
// SND.UNA tells whether it answers the retransmission or what was sent before.
type undo struct {
	cwnd, ssthresh int
	resentAt       uint32 // the timestamp of the first retransmission
	resent         bool
	possible       bool // SND.UNA has not moved since recovery began
}

// rememberForUndo is called when recovery begins, before the window is lowered.
func (c *Conn) rememberForUndo() {
	c.undo = undo{cwnd: c.cong.cwnd, ssthresh: c.cong.ssthresh, possible: c.usesRACK() && c.ts.ok}
}

// noteFirstResent is called when a retransmission leaves.
func (c *Conn) noteFirstResent(now event.Time) {
	if !c.undo.resent {
		c.undo.resent, c.undo.resentAt = true, timestampAt(now)
	}
}

// undoRecovery is called when SND.UNA moves in recovery. If what was taken for lost was
// only late, the window becomes what it was and the rest counts as on its way again.
func (c *Conn) undoRecovery() {
	u := &c.undo
	possible := u.possible && c.ts.echo != 0
	u.possible = false
	if !possible || u.resent && !seqBefore(c.ts.echo, u.resentAt) {
		return
	}
	c.cong.cwnd, c.cong.ssthresh = max(c.cong.cwnd, u.cwnd), max(c.cong.ssthresh, u.ssthresh)
	if c.bbr != nil {
		c.bbr.searchAgain()
	}
	b := &c.board
	for i := range c.segments.n {
		s := c.segments.at(i)
		s.lost, s.retransmitted = false, false
	}
	b.lost, b.retransmitted, b.hint, b.marked = 0, 0, 0, c.snd.una
	b.mode, b.retransmitNow = sending, false
	c.rack.resent.empty()
}
