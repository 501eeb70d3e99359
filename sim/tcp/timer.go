package tcp

import (
	"time"

	"ftplab/sim/event"
)

// retransmitTimer says what the retransmission timer is set for. There is one
// timer, as in Linux: a connection never waits for two of these at a time.
type retransmitTimer uint8

const (
	timerOff    retransmitTimer = iota
	timerSYN                    // the SYN or SYN-ACK was not answered
	timerData                   // the oldest segment was not acknowledged (RFC 6298)
	timerWindow                 // the peer's window is closed: the persist timer
)

// timers are the instants at which a connection wants Tick.
type timers struct {
	retransmit     event.Time
	delayedACK     event.Time
	linger         event.Time // the end of TIME-WAIT, or of an orphan's FIN-WAIT-2
	reordering     event.Time // what is missing now may be lost then (RFC 8985, section 6)
	probe          event.Time // the tail loss probe (RFC 8985, section 7)
	pacing         event.Time // data may leave again
	retransmitKind retransmitTimer
}

func noTimers() timers {
	return timers{
		retransmit: event.Never, delayedACK: event.Never, linger: event.Never,
		reordering: event.Never, probe: event.Never, pacing: event.Never,
	}
}

// Deadline returns the instant at which the earliest timer wants Tick, or
// event.Never. Ask after Emit has returned false: sending sets timers.
func (c *Conn) Deadline() event.Time {
	return min(c.timer.retransmit, c.timer.delayedACK, c.timer.linger, c.timer.reordering, c.timer.probe, c.timer.pacing)
}

// Tick lets the timers that are due go off. It does nothing before Deadline.
func (c *Conn) Tick(now event.Time) {
	if now >= c.timer.delayedACK {
		c.delayedACKExpired(now)
	}
	if now >= c.timer.linger {
		c.enterClosed()
	}
	if now >= c.timer.reordering {
		c.reorderingExpired(now)
	}
	if now >= c.timer.probe {
		c.probeExpired(now)
	}
	if now >= c.timer.pacing {
		c.timer.pacing = event.Never
	}
	if now < c.timer.retransmit {
		return
	}
	kind := c.timer.retransmitKind
	c.stopRetransmitTimer()
	switch kind {
	case timerSYN:
		c.synExpired(now)
	case timerData:
		c.retransmissionExpired(now)
	case timerWindow:
		c.persistExpired(now)
	}
}

func (c *Conn) startRetransmitTimer(now event.Time, kind retransmitTimer, d time.Duration) {
	c.timer.retransmitKind = kind
	c.timer.retransmit = c.expiry(now, d)
}

func (c *Conn) stopRetransmitTimer() {
	c.timer.retransmitKind = timerOff
	c.timer.retransmit = event.Never
}

// expiry returns when a timer of d that is set now goes off, in the kernel's timer
// wheel (kernel/time/timer.c): time is cut into ticks, a timer never goes off early,
// and each level of the wheel is eight times coarser than the one before. This is why
// Linux repeats an unanswered SYN after 1, 2, 3, 4, 5, 7, 11.2, 19.4, 35.5 and 69 s.
func (c *Conn) expiry(now event.Time, d time.Duration) event.Time {
	tick := int64(c.cfg.TimerTick)
	if tick == 0 {
		return now.Add(d)
	}
	ticks := (int64(d) + tick - 1) / tick
	shift := 0
	for span := int64(wheelLevelSize - 1); ticks >= span && shift < maxWheelShift; span <<= wheelLevelShift {
		shift += wheelLevelShift
	}
	due := int64(now)/tick + ticks
	return event.Time(((due>>shift)+1)<<shift) * event.Time(tick)
}

// wholeTicks rounds d up to ticks: the unit in which Linux keeps its timeouts.
func (cfg *Config) wholeTicks(d time.Duration) time.Duration {
	if cfg.TimerTick == 0 {
		return d
	}
	return (d + cfg.TimerTick - 1) / cfg.TimerTick * cfg.TimerTick
}

// The timer wheel of Linux: 64 buckets a level, each level 8 times coarser.
const (
	wheelLevelSize  = 64
	wheelLevelShift = 3
	maxWheelShift   = 8 * wheelLevelShift
)
