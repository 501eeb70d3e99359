package tcp

import (
	"ftplab/sim/event"
	"ftplab/sim/wire"
)

// defaultMSS4 and defaultMSS6 hold when the peer's SYN names none (RFC 9293,
// section 3.7.1).
const (
	defaultMSS4 = 536
	defaultMSS6 = 1220
)

// takeSYN learns what the peer's SYN says: its sequence number, its window, which is
// never scaled in a SYN, and its options.
func (c *Conn) takeSYN(now event.Time, p *wire.Packet) {
	c.rcv.irs = p.Seq
	c.rcv.nxt = p.Seq + 1
	c.rcv.wup = c.rcv.nxt
	o := &p.Options
	c.snd.mss = uint32(o.MSS)
	if o.MSS == 0 {
		c.snd.mss = defaultMSS4
		if c.remote.Addr().Is6() {
			c.snd.mss = defaultMSS6
		}
	}
	c.snd.mss = min(max(c.snd.mss, minMSS), uint32(c.cfg.MSS))
	if c.ts.ok = o.HasTimestamps && c.cfg.Timestamps; c.ts.ok {
		c.ts.recent, c.ts.recentAt = o.TSVal, now
		c.snd.mss -= timestampsLen
	}
	c.sackOK = o.SACKPermitted && !c.cfg.NoSACK
	c.scaleOK = o.HasScale && !c.cfg.NoWindowScale
	if c.scaleOK {
		c.snd.scale = min(o.WindowScale, maxScale)
	} else {
		c.rcv.scale = 0
	}
	c.setWindow(p, uint32(p.Window))
	c.ack.lastData = now
}

// synOptions are the options of our own SYN or SYN-ACK. An answer only repeats what
// was offered (RFC 7323, section 2.2; RFC 2018, section 2).
func (c *Conn) synOptions(now event.Time) wire.Options {
	o := wire.Options{
		MSS: c.cfg.MSS, SACKPermitted: !c.cfg.NoSACK, HasScale: !c.cfg.NoWindowScale,
		HasTimestamps: c.cfg.Timestamps,
	}
	if c.state == SynReceived {
		o.SACKPermitted, o.HasScale, o.HasTimestamps = c.sackOK, c.scaleOK, c.ts.ok
	}
	if o.HasTimestamps {
		o.TSVal, o.TSEcr = timestampAt(now), c.ts.recent
	}
	if o.HasScale {
		o.WindowScale = c.cfg.WindowScale
	}
	return o
}

// emitSYN fills in our SYN, or the SYN-ACK once we have the peer's SYN.
func (c *Conn) emitSYN(now event.Time, p *wire.Packet) Sending {
	c.synPending = false
	*p = wire.Packet{
		Src: c.local.Addr(), SrcPort: c.local.Port(), Dst: c.remote.Addr(), DstPort: c.remote.Port(),
		Protocol: wire.TCP, TTL: defaultTTL,
		Seq: c.snd.iss, Flags: wire.SYN, Window: uint16(min(c.rcv.wnd, maxUnscaled)),
		Options: c.synOptions(now),
	}
	if c.state == SynReceived {
		p.Flags |= wire.ACK
		p.Ack = c.rcv.nxt
		c.acknowledgmentLeft()
	}
	if c.synSent {
		c.rtt.ambiguous = true
		return SYNAgain
	}
	c.synSent = true
	c.snd.lastSent = now
	return Fresh
}

// synExpired is the retransmission timer of a SYN or SYN-ACK.
func (c *Conn) synExpired(now event.Time) {
	limit := c.cfg.SYNACKRetries
	linear := uint8(0)
	if !c.passive {
		linear = c.cfg.SYNLinearTimeouts
		limit = saturatingAdd(c.cfg.SYNRetries, linear)
	}
	if c.rtt.expiries >= limit {
		c.fail(TimedOut)
		return
	}
	c.rtt.expiries++
	if c.rtt.expiries > linear {
		c.rtt.backOff(c.cfg.MaxRTO)
	}
	c.synPending = true
	c.startRetransmitTimer(now, timerSYN, c.rtt.rto)
}

func saturatingAdd(a, b uint8) uint8 { return uint8(min(255, int(a)+int(b))) }

// receiveInSynSent is RFC 9293, section 3.10.7.3.
func (c *Conn) receiveInSynSent(now event.Time, p *wire.Packet) {
	hasACK := p.Flags&wire.ACK != 0
	if hasACK && p.Ack != c.snd.nxt {
		c.answerReset(p)
		return
	}
	switch {
	case p.Flags&wire.RST != 0:
		if hasACK {
			c.fail(Refused)
		}
	case p.Flags&wire.SYN == 0:
	case hasACK:
		c.takeSYN(now, p)
		c.establish(now)
		c.ack.now = true
		c.receiveText(now, p) // data or a FIN beside the SYN
	default: // simultaneous open
		c.takeSYN(now, p)
		c.state = SynReceived
		c.synPending = true
		c.startRetransmitTimer(now, timerSYN, c.rtt.rto)
	}
}

// receiveSYNAgain handles what only SYN-RECEIVED may see: the peer's SYN once more,
// which is answered at once, or its SYN-ACK in a simultaneous open. It reports
// whether p was such a segment and is done with.
func (c *Conn) receiveSYNAgain(now event.Time, p *wire.Packet) bool {
	if p.Flags&(wire.SYN|wire.RST) != wire.SYN || p.Seq != c.rcv.irs {
		return false
	}
	if p.Flags&wire.ACK == 0 {
		c.synPending = true
		// Linux pushes its own next repetition back by the present timeout.
		c.startRetransmitTimer(now, timerSYN, c.rtt.rto)
		return true
	}
	if c.passive || p.Ack != c.snd.nxt {
		return false
	}
	c.setWindow(p, uint32(p.Window))
	c.establish(now)
	c.ack.now = true
	return true
}

// finishHandshake handles the acknowledgment of our SYN in SYN-RECEIVED (RFC 9293,
// section 3.10.7.4, fifth). It reports whether the segment is to be looked at further.
func (c *Conn) finishHandshake(now event.Time, p *wire.Packet) bool {
	if p.Ack != c.snd.nxt {
		c.answerReset(p)
		return false
	}
	c.setWindow(p, uint32(p.Window)<<c.snd.scale)
	c.establish(now)
	return true
}

// establish enters ESTABLISHED: our SYN is acknowledged and we have the peer's.
func (c *Conn) establish(now event.Time) {
	c.stopRetransmitTimer()
	c.synPending = false
	c.snd.una = c.snd.nxt
	if !c.rtt.ambiguous {
		c.rtt.sample(now.Sub(c.snd.lastSent), &c.cfg)
	} else {
		c.rtt.rto = min(fallbackRTO, c.cfg.MaxRTO)
	}
	if c.rtt.expiries > 1 {
		c.cong.cwnd = 1 // RFC 5681, section 3.1; Linux forgives one lost SYN
	}
	c.rtt.expiries = 0
	if c.cfg.CongestionControl == BBR {
		c.startBBR(now)
	}
	c.ack.lastData = now
	c.snd.smallEnd = c.snd.una
	c.state = Established
	if c.closeQueued {
		c.state = FinWait1
	}
}
