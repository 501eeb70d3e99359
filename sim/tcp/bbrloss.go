package tcp

// bbrRecovery is what losses mean to BBR: little. In the first round of a recovery as many
// segments leave as arrive; then the model's window holds again.
type bbrRecovery struct {
	mode         recoveryMode // as of the acknowledgment before
	isConserving bool
	priorWindow  int // the window to return to
}

// keepWindow remembers the window before it is lowered: the largest, if it is low already.
func (b *bbr) keepWindow(cwnd int, mode recoveryMode) {
	if mode != sending || b.mode == bbrProbeRTT {
		cwnd = max(cwnd, b.recovery.priorWindow)
	}
	b.recovery.priorWindow = cwnd
}

// timedOut follows the retransmission timer: the window begins with one segment, and the
// path may have become another.
func (b *bbr) timedOut() {
	b.recovery.mode, b.recovery.isConserving = timeoutRecovery, false
	b.searchAgain()
}

// recoveryWindow sets the window by what recovery says, after an acknowledgment that
// covers so many segments. It reports whether the model's does not count now.
func (c *Conn) recoveryWindow(arrived int) bool {
	b := c.bbr
	r := &b.recovery
	c.cong.cwnd = max(c.cong.cwnd-b.rate.now.lost, 1)
	was := r.mode
	r.mode = c.board.mode
	switch {
	case r.mode == fastRecovery && was != fastRecovery:
		r.isConserving = true
		b.roundEnd = b.rate.delivered
		c.cong.cwnd = c.inFlight() + arrived
	case r.mode == sending && was != sending:
		r.isConserving = false
		c.cong.cwnd = max(c.cong.cwnd, r.priorWindow)
	}
	if r.isConserving {
		c.cong.cwnd = max(c.cong.cwnd, c.inFlight()+arrived)
	}
	return r.isConserving
}
