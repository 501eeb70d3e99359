package tcp

import (
	"time"

	"ftplab/sim/event"
)

// Delayed acknowledgments as Linux has them (net/ipv4/tcp_input.c, tcp_output.c). A
// connection begins in "quick" mode, in which every segment is acknowledged at once,
// so that the peer's slow start gets going. Once the application answers within the
// delay it is taken for a conversation ("pingpong"), and acknowledgments wait for the
// answer to carry them.
const (
	maxQuickAcks  = 16
	maxDelayedACK = 200 * time.Millisecond
)

// ackPolicy decides when to acknowledge.
type ackPolicy struct {
	now      bool  // an acknowledgment must leave
	waiting  bool  // there is something to acknowledge
	quick    uint8 // acknowledgments left in quick mode
	small    uint8 // segments shorter than the usual since the last acknowledgment, up to 2
	pingpong bool
	delay    time.Duration // 0 until data arrives
	usual    uint32        // octets in the peer's full segments, as far as seen
	lastData event.Time    // when data last arrived, or the handshake was done
	lastRare event.Time    // when acknowledgeRarely last let one through
	shortest time.Duration // Config.DelayedACK
}

func newAckPolicy(now event.Time, shortest time.Duration) ackPolicy {
	return ackPolicy{usual: defaultMSS4, lastData: now, lastRare: now.Add(-rareAckInterval), shortest: shortest}
}

// dataArrived adapts to a segment with n octets of data (Linux: tcp_event_data_recv,
// tcp_measure_rcv_mss). window is what we offer, rto the retransmission timeout.
func (a *ackPolicy) dataArrived(now event.Time, n, window uint32, rto time.Duration) {
	a.waiting = true
	if n >= a.usual {
		a.usual = n
	} else {
		a.small = min(a.small+1, 2)
	}
	gap := now.Sub(a.lastData)
	a.lastData = now
	switch {
	case a.delay == 0:
		a.refill(window)
		a.delay = a.shortest
	case gap <= a.shortest/2:
		a.delay = a.delay/2 + a.shortest/2
	case gap < a.delay:
		a.delay = min(a.delay/2+gap, rto)
	case gap > rto:
		a.refill(window) // the peer may have begun slow start again
	}
}

// refill allows as many quick acknowledgments as half of the window needs.
func (a *ackPolicy) refill(window uint32) {
	a.quick = uint8(min(max(window/(2*a.usual), 2), maxQuickAcks))
}

// quicken goes back to quick mode: the peer seems to have lost something.
func (a *ackPolicy) quicken(window uint32) {
	a.refill(window)
	a.pingpong = false
	a.delay = a.shortest
}

// dataLeft notes that we sent data: soon after the peer's it is an answer.
func (a *ackPolicy) dataLeft(now event.Time) {
	if now.Sub(a.lastData) < a.delay {
		a.pingpong = true
	}
}

// scheduleAck decides, after data arrived in order, whether to acknowledge it now
// (Linux: __tcp_ack_snd_check): in quick mode, or for a second full segment unless
// the window would have to shrink, because the application will read soon.
func (c *Conn) scheduleAck(now event.Time) {
	a := &c.ack
	quick := a.quick > 0 && !a.pingpong
	second := c.rcv.nxt-c.rcv.wup > a.usual && c.window() >= c.rcv.wnd
	if quick || second {
		a.now = true
	}
	if a.now {
		return
	}
	delay := max(a.delay, a.shortest)
	if delay > a.shortest {
		limit := maxDelayedACK
		if c.rtt.srtt > 0 {
			limit = min(limit, max(c.rtt.srtt, a.shortest))
		}
		delay = min(delay, max(limit, a.shortest))
	}
	a.waiting = true
	c.timer.delayedACK = min(c.timer.delayedACK, c.expiry(now, delay))
}

// ackAfterRead decides whether reading is a reason to acknowledge (Linux:
// tcp_cleanup_rbuf): two segments' worth is waiting, the peer pushed and is not
// waiting for an answer, or the window can be opened wide again.
func (c *Conn) ackAfterRead() {
	a := &c.ack
	if a.waiting {
		pushed := a.small == 2 || a.small == 1 && !a.pingpong
		if c.rcv.nxt-c.rcv.wup > a.usual || pushed && c.inbox.unread == 0 {
			a.now = true
			return
		}
	}
	if c.inbox.finTaken || c.state < Established {
		return
	}
	if offered := c.rcv.offered(); 2*offered <= c.cfg.ReceiveBuffer {
		if w := c.window(); w > 0 && w >= 2*offered {
			a.now = true
		}
	}
}

// delayedACKExpired sends what was held back. No answer came to carry it: either the
// delay was too short, or this is no conversation.
func (c *Conn) delayedACKExpired(now event.Time) {
	c.timer.delayedACK = event.Never
	a := &c.ack
	if !a.waiting {
		return
	}
	if a.pingpong {
		a.pingpong = false
		a.delay = a.shortest
	} else {
		a.delay = min(2*a.delay, c.rtt.rto)
	}
	a.now = true
}

// acknowledgmentLeft notes that a segment carries the acknowledgment of all that has
// arrived.
func (c *Conn) acknowledgmentLeft() {
	a := &c.ack
	a.now, a.waiting, a.small = false, false, 0
	if a.quick > 0 {
		a.quick--
	}
	c.timer.delayedACK = event.Never
}
