package tcp

import (
	"math/bits"
	"time"

	"ftplab/sim/event"
)

// fallbackRTO is the timeout after a handshake that gave no round-trip sample
// because a SYN was repeated (RFC 6298, section 5.7).
const fallbackRTO = 3 * time.Second

// roundTrip is the retransmission timeout and what it is computed from (RFC 6298).
type roundTrip struct {
	srtt, rttvar time.Duration // 0: no sample yet
	rto          time.Duration
	// expiries counts how often the timer went off since something was acknowledged;
	// firstExpiry is when it first did.
	firstExpiry event.Time
	expiries    uint8
	ambiguous   bool // a SYN was repeated: its answer is no sample
}

// sample takes a measured round-trip time (RFC 6298, section 2).
func (r *roundTrip) sample(m time.Duration, cfg *Config) {
	m = max(m, 1)
	if r.srtt == 0 {
		r.srtt, r.rttvar = m, m/2
	} else {
		deviation := r.srtt - m
		if deviation < 0 {
			deviation = -deviation
		}
		r.rttvar += (deviation - r.rttvar) / 4
		r.srtt += (m - r.srtt) / 8
	}
	r.rto = min(cfg.wholeTicks(r.srtt+max(4*r.rttvar, cfg.MinRTO)), cfg.MaxRTO)
}

// backOff doubles the timeout (RFC 6298, section 5.5).
func (r *roundTrip) backOff(limit time.Duration) { r.rto = min(2*r.rto, limit) }

// retransmissionExpired is the retransmission timer of data or a FIN (RFC 6298,
// section 5).
func (c *Conn) retransmissionExpired(now event.Time) {
	if c.segments.n == 0 {
		return
	}
	if c.rtt.expiries == 0 {
		c.rtt.firstExpiry = now
	} else if now.Sub(c.rtt.firstExpiry) >= c.cfg.giveUpAfter(c.retries()) {
		c.fail(TimedOut)
		return
	}
	c.rtt.expiries = saturatingAdd(c.rtt.expiries, 1)
	c.rtt.backOff(c.cfg.MaxRTO)
	c.enterTimeoutRecovery()
	c.startRetransmitTimer(now, timerData, c.rtt.rto)
}

// retries is the limit that holds now: nobody waits for an orphan.
func (c *Conn) retries() uint8 {
	if c.receiveClosed {
		return c.cfg.OrphanRetries
	}
	return c.cfg.MaxRetries
}

// giveUpAfter is the time that so many retransmissions take, when the first waits
// MinRTO and each waits twice as long as the one before, up to MaxRTO (Linux:
// tcp_model_timeout; RFC 9293, section 3.8.3, asks for 100 s at least).
func (cfg *Config) giveUpAfter(retries uint8) time.Duration {
	doublings := min(bits.Len64(uint64(cfg.MaxRTO/cfg.MinRTO))-1, int(retries))
	return (2<<doublings-1)*cfg.MinRTO + time.Duration(int(retries)-doublings)*cfg.MaxRTO
}

// startPersistTimer waits for the peer's window to open (RFC 9293, section 3.8.6.1).
func (c *Conn) startPersistTimer(now event.Time) {
	wait := c.rtt.rto
	for range c.rtt.expiries {
		wait = min(2*wait, c.cfg.MaxRTO)
	}
	c.startRetransmitTimer(now, timerWindow, wait)
}

// persistExpired asks the peer for its window.
func (c *Conn) persistExpired(now event.Time) {
	if c.snd.probes >= c.retries() {
		c.fail(TimedOut)
		return
	}
	c.snd.probes++
	c.rtt.expiries = saturatingAdd(c.rtt.expiries, 1)
	c.probePending = true
	c.startPersistTimer(now)
}

// persistAnswered follows an acknowledgment while the persist timer runs: a peer
// that answers is not given up, however long its window stays closed.
func (c *Conn) persistAnswered(now event.Time) {
	c.snd.probes = 0
	if c.windowBlocks() {
		c.startPersistTimer(now)
		return
	}
	c.rtt.expiries = 0
	c.probePending = false
	c.stopRetransmitTimer()
}
