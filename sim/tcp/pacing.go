package tcp

import (
	"time"

	"ftplab/sim/event"
)

// pace spreads segments over time instead of sending a window at once. They leave in bursts
// of burstDuration's worth, as Linux's do, so that a real-time loop whose timers are late by
// less than that keeps the rate.
type pace struct {
	rate int64 // octets a second
	// freeAt is when the segments that left will be through at that rate.
	freeAt event.Time
}

const (
	burstDuration = time.Millisecond
	// pacingMargin is the part of the rate, in hundredths, that is left free: a sender that
	// is never slower than the bottleneck keeps its queue forever.
	pacingMargin = 1
)

// setPacingRate sets the rate to gain times the model's bandwidth. Until the pipe is full
// the rate does not fall: the first samples of a connection are of what the application
// wrote, not of what the path takes.
func (c *Conn) setPacingRate(gain int64) {
	b := c.bbr
	rate := mulDiv(b.bandwidth.max*(100-pacingMargin)/100, gain, gainUnit)
	rate = max(rate, c.leastPacingRate())
	if b.isFull || rate > b.pace.rate {
		b.pace.rate = rate
	}
}

// leastPacingRate lets the smallest window leave in a round trip. One sample of a very bad
// moment would otherwise hold segments back for minutes.
func (c *Conn) leastPacingRate() int64 {
	return mulDiv(probeRTTWindow*int64(c.snd.mss), int64(time.Second), int64(max(c.rtt.srtt, c.bbr.minRTT, time.Millisecond)))
}

// burst is how many segments leave at once.
func (c *Conn) burst() int {
	n := mulDiv(c.bbr.pace.rate, int64(burstDuration), int64(time.Second)) / int64(c.snd.mss)
	return int(min(max(n, 2), maxWindow))
}

// octetsInFlight is the estimate of how many octets are on the way.
func (c *Conn) octetsInFlight() uint32 { return uint32(c.inFlight()) * c.snd.mss }

// noteDeparture follows a segment with data or a FIN that leaves, for the first time or
// again: it takes its time of the pacing rate. When a burst is over the timer is set.
func (c *Conn) noteDeparture(now event.Time, s *segment) {
	b := c.bbr
	isAlone := c.segments.n == 1 && !s.everRetransmitted
	if isAlone && b.rate.isAppLimited {
		c.restartFromIdle(now)
	}
	b.rate.left(now, s, isAlone)
	took := mulDiv(int64(len(s.data)), int64(time.Second), max(b.pace.rate, 1))
	b.pace.freeAt = max(b.pace.freeAt, now).Add(time.Duration(took))
	if b.pace.freeAt.Sub(now) >= burstDuration {
		c.timer.pacing = b.pace.freeAt
	}
}

// restartFromIdle follows the first segment after an idle time: the model is not old, only
// its gains are of another moment.
func (c *Conn) restartFromIdle(now event.Time) {
	b := c.bbr
	b.isRestarting = true
	switch b.mode {
	case bbrProbeBW:
		c.setPacingRate(gainUnit)
	case bbrProbeRTT:
		c.checkProbeRTTEnd(now)
	}
}

// noteWrite is called before the application writes: if that was what the connection
// waited for, the rate of what is on the way is the application's.
func (c *Conn) noteWrite() {
	waits := c.board.lost > c.board.retransmitted || c.snd.unsent >= int(c.snd.mss)
	if !waits && c.inFlight() < c.cong.cwnd {
		c.bbr.rate.limitedByApplication(max(1, c.octetsInFlight()))
	}
}
