package tcp

import (
	"time"

	"ftplab/sim/event"
)

// bbr is the congestion control BBR, version 1 (draft-cardwell-iccrg-bbr-congestion-control-00,
// and Linux's tcp_bbr.c): a model of the path, from which follow the rate at which segments
// leave and how many are on the way. A loss says nothing of what the path takes, so that
// random ones do not slow it down as they do Reno.
type bbr struct {
	mode     bbrMode
	rate     deliveryRate
	pace     pace
	recovery bbrRecovery

	// The model: how much the bottleneck lets through (BBR.BtlBw), in octets a second, and
	// how long a segment and its acknowledgment take without any queue (BBR.RTprop; 0 is
	// unknown), with the time of that measurement.
	bandwidth maxFilter
	minRTT    time.Duration
	minRTTAt  event.Time

	// A round ends when a segment is acknowledged that left after the end of the one before.
	round       uint64
	roundEnd    uint32 // octets delivered when the present round began
	roundBegins bool   // with the acknowledgment in hand
	// wasConserving says of the round that ended that a recovery held the window down in it.
	wasConserving bool

	// STARTUP: the bandwidth when it last grew by a quarter, in how many rounds it has not
	// since, and whether these were enough.
	fullRate   int64
	flatRounds uint8
	isFull     bool

	cyclePhase uint8 // of PROBE_BW: the index of cycleGains
	cycleAt    event.Time

	// PROBE_RTT: when it may end, Never until few enough segments are on the way; and
	// whether a round has passed since.
	probeRTTEnd   event.Time
	probeRTTRound bool
	isRestarting  bool // nothing was on the way when the last segment left
}

// bbrMode is the state of BBR.
type bbrMode uint8

const (
	bbrStartup  bbrMode = iota // fill the pipe, doubling the rate each round trip
	bbrDrain                   // let the queue go that this has made
	bbrProbeBW                 // keep to the bandwidth, and look whether there is more
	bbrProbeRTT                // let every queue go, to measure the round-trip time
)

// Gains are multiples of gainUnit.
const (
	gainUnit    = 256
	startupGain = gainUnit*2885/1000 + 1 // 2/ln 2: the least that doubles the rate each round
	drainGain   = gainUnit * 1000 / 2885
	windowGain  = 2 * gainUnit     // in PROBE_BW: acknowledgments may be late by a round trip
	fullGrowth  = gainUnit * 5 / 4 // the growth in a round of STARTUP that counts
)

// cycleGains are the pacing gains of PROBE_BW, each for a round trip or so: more than the
// path takes, then less so that the queue of it goes, then as much.
var cycleGains = [...]int64{
	gainUnit * 5 / 4, gainUnit * 3 / 4, gainUnit, gainUnit, gainUnit, gainUnit, gainUnit, gainUnit,
}

const (
	fullRounds       = 3 // so many rounds without growth, and the pipe is full
	probeRTTWindow   = 4 // segments; there is no smaller window but in recovery
	probeRTTDuration = 200 * time.Millisecond
	minRTTWindow     = 10 * time.Second // for how long a round-trip time counts as the smallest
)

// startBBR begins with an established connection.
func (c *Conn) startBBR(now event.Time) {
	b := &bbr{minRTT: c.rtt.srtt, minRTTAt: now, probeRTTEnd: event.Never}
	b.rate.deliveredAt, b.rate.firstSentAt = now, now
	wait := c.rtt.srtt
	if wait == 0 {
		wait = time.Millisecond
	}
	initial := mulDiv(int64(c.cong.initial)*int64(c.snd.mss), int64(time.Second), int64(wait))
	b.pace.rate = startupGain * min(initial, maxRate) / gainUnit
	c.bbr = b
}

// followModel takes what an acknowledgment tells into the model, and sets the rate and the
// window after it. flight is how many segments were on the way before.
func (c *Conn) followModel(now event.Time, flight int) {
	b := c.bbr
	b.measureBandwidth()
	c.advanceCycle(now, flight)
	b.checkFullPipe()
	c.checkDrain(now)
	c.measureRoundTrip(now)
	c.setPacingRate(b.pacingGain())
	c.setModelWindow()
	b.rate.now = newest{}
}

// measureBandwidth takes the delivery rate of the segments that were acknowledged.
func (b *bbr) measureBandwidth() {
	b.roundBegins = false
	rate := b.rate.sample(b.minRTT)
	if rate == 0 {
		return
	}
	if !seqBefore(b.rate.now.left.delivered, b.roundEnd) {
		b.roundEnd = b.rate.delivered
		b.round++
		b.roundBegins = true
		b.wasConserving = b.recovery.isConserving
		b.recovery.isConserving = false
	}
	// What the application did not want to send says only that the path takes as much.
	if !b.rate.now.left.isAppLimited || rate >= b.bandwidth.max {
		b.bandwidth.add(b.round, rate)
	}
}

// advanceCycle goes to the next phase of PROBE_BW: after the smallest round-trip time, but
// not before the queue that is wanted is there, and as soon as that is gone which is not.
func (c *Conn) advanceCycle(now event.Time, flight int) {
	b := c.bbr
	if b.mode != bbrProbeBW {
		return
	}
	isOver := now.Sub(b.cycleAt) > b.minRTT
	switch gain := cycleGains[b.cyclePhase]; {
	case gain > gainUnit:
		isOver = isOver && (b.rate.now.lost > 0 || flight >= c.modelFlight(gain))
	case gain < gainUnit:
		isOver = isOver || flight <= c.modelFlight(gainUnit)
	}
	if isOver {
		b.enterCyclePhase(now, (b.cyclePhase+1)%uint8(len(cycleGains)))
	}
}

func (b *bbr) enterCyclePhase(now event.Time, phase uint8) {
	b.mode, b.cyclePhase, b.cycleAt = bbrProbeBW, phase, now
}

// enterProbeBW begins with any phase but the one that drains: connections that share a
// bottleneck are not to look for more all at once. The initial sequence number is random.
func (c *Conn) enterProbeBW(now event.Time) {
	phase := uint8(c.snd.iss % uint32(len(cycleGains)-1))
	if phase > 0 {
		phase++
	}
	c.bbr.enterCyclePhase(now, phase)
}

// checkFullPipe notices in STARTUP that the bandwidth has stopped growing. A round in which
// no more could be sent than arrived says nothing of it. Linux counts these too: with random
// losses it then often takes a part of the bandwidth for all of it.
func (b *bbr) checkFullPipe() {
	if b.isFull || !b.roundBegins || b.wasConserving || b.rate.now.left.isAppLimited {
		return
	}
	if b.bandwidth.max >= mulDiv(b.fullRate, fullGrowth, gainUnit) {
		b.fullRate, b.flatRounds = b.bandwidth.max, 0
		return
	}
	b.flatRounds++
	b.isFull = b.flatRounds >= fullRounds
}

// searchAgain forgets that the pipe was full: what was taken for losses may have hidden it.
func (b *bbr) searchAgain() { b.fullRate, b.flatRounds = 0, 0 }

// checkDrain leaves STARTUP when the pipe is full, and DRAIN when the queue is gone.
func (c *Conn) checkDrain(now event.Time) {
	b := c.bbr
	if b.mode == bbrStartup && b.isFull {
		b.mode = bbrDrain
	}
	if b.mode == bbrDrain && c.inFlight() <= c.modelFlight(gainUnit) {
		c.enterProbeBW(now)
	}
}

// measureRoundTrip keeps the smallest round-trip time of the last ten seconds. When there
// was none as small for so long, a queue may hide it, and PROBE_RTT looks.
func (c *Conn) measureRoundTrip(now event.Time) {
	b := c.bbr
	isOld := now.Sub(b.minRTTAt) > minRTTWindow
	if rtt := b.rate.now.rtt; rtt > 0 && (b.minRTT == 0 || rtt <= b.minRTT || isOld) {
		b.minRTT, b.minRTTAt = rtt, now
	}
	if isOld && !b.isRestarting && b.mode != bbrProbeRTT {
		b.keepWindow(c.cong.cwnd, c.board.mode)
		b.mode, b.probeRTTEnd = bbrProbeRTT, event.Never
	}
	if b.mode == bbrProbeRTT {
		c.probeRoundTrip(now)
	}
	if b.rate.now.segments > 0 {
		b.isRestarting = false
	}
}

// probeRoundTrip stays in PROBE_RTT until so few segments have been on the way for a round
// and long enough.
func (c *Conn) probeRoundTrip(now event.Time) {
	b := c.bbr
	b.rate.limitedByApplication(c.octetsInFlight())
	if b.probeRTTEnd == event.Never {
		if c.inFlight() <= probeRTTWindow {
			b.probeRTTEnd, b.probeRTTRound = now.Add(probeRTTDuration), false
			b.roundEnd = b.rate.delivered
		}
		return
	}
	b.probeRTTRound = b.probeRTTRound || b.roundBegins
	if b.probeRTTRound {
		c.checkProbeRTTEnd(now)
	}
}

func (c *Conn) checkProbeRTTEnd(now event.Time) {
	b := c.bbr
	if now <= b.probeRTTEnd || b.probeRTTEnd == event.Never {
		return
	}
	b.minRTTAt = now
	c.cong.cwnd = max(c.cong.cwnd, b.recovery.priorWindow)
	if b.isFull {
		c.enterProbeBW(now)
	} else {
		b.mode = bbrStartup
	}
}

func (b *bbr) pacingGain() int64 {
	switch b.mode {
	case bbrStartup:
		return startupGain
	case bbrDrain:
		return drainGain
	case bbrProbeBW:
		return cycleGains[b.cyclePhase]
	}
	return gainUnit
}

func (b *bbr) windowGain() int64 {
	switch b.mode {
	case bbrStartup, bbrDrain:
		return startupGain
	case bbrProbeBW:
		return windowGain
	}
	return gainUnit
}

// modelFlight is how many segments are on the way at gain times the bandwidth-delay product,
// with some for what senders, receivers and links do in bursts (BBR.Inflight).
func (c *Conn) modelFlight(gain int64) int {
	b := c.bbr
	if b.minRTT == 0 || b.bandwidth.max == 0 {
		return c.cong.initial
	}
	octets := mulDiv(mulDiv(b.bandwidth.max, int64(b.minRTT), int64(time.Second)), gain, gainUnit)
	mss := int64(c.snd.mss)
	n := int(min(octets/mss+1, maxWindow)) + burstsInFlight*c.burst()
	if b.mode == bbrProbeBW && gain > gainUnit {
		n += 2 // so that a small window too can grow by a quarter
	}
	return min(n, maxWindow)
}

// burstsInFlight is how many bursts the window has room for beside what is on the wire: one
// that is leaving, one that the receiver has not acknowledged, one on the way.
const burstsInFlight = 3

// setModelWindow sets the congestion window (BBRSetCwnd).
func (c *Conn) setModelWindow() {
	b := c.bbr
	arrived := b.rate.now.segments
	if arrived > 0 && !c.recoveryWindow(arrived) {
		target := c.modelFlight(b.windowGain())
		switch cwnd := c.cong.cwnd; {
		case b.isFull:
			c.cong.cwnd = min(cwnd+arrived, target)
		case cwnd < target || b.rate.delivered < uint32(c.cong.initial)*c.snd.mss:
			c.cong.cwnd = cwnd + arrived
		}
		c.cong.cwnd = max(c.cong.cwnd, probeRTTWindow)
	}
	c.cong.cwnd = min(c.cong.cwnd, maxWindow)
	if b.mode == bbrProbeRTT {
		c.cong.cwnd = min(c.cong.cwnd, probeRTTWindow)
	}
}
