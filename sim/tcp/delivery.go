package tcp

import (
	"math/bits"
	"time"

	"ftplab/sim/event"
)

// deliveryRate estimates how many octets a second get through to the peer: for each
// acknowledgment, what was delivered since the newest segment that it covers had left
// (draft-cheng-iccrg-delivery-rate-estimation). Octets that were delivered are counted
// modulo 2^32, as sequence numbers are.
type deliveryRate struct {
	delivered   uint32     // octets since the beginning, in order or SACKed (C.delivered)
	deliveredAt event.Time // when the last of them were (C.delivered_time)
	// firstSentAt is when the segment had left that was the newest one delivered then:
	// the beginning of the flight that is measured (C.first_sent_time).
	firstSentAt event.Time
	// isAppLimited is set while the application, not the network, limits what is on the
	// way: until limitedUntil octets are delivered (C.app_limited).
	isAppLimited bool
	limitedUntil uint32
	now          newest
}

// newest is what the acknowledgment in hand tells: of the newest segment that it covers
// and has not been covered before.
type newest struct {
	segments int // newly covered; 0: there are none, and what follows is not known
	lost     int // segments newly taken for lost

	sentAt      event.Time
	end         uint32
	left        departure
	sendElapsed time.Duration
	rtt         time.Duration // 0: unknown, because it was sent more than once
}

// departure is what was known of the delivery when a segment left.
type departure struct {
	deliveredAt, firstSentAt event.Time
	delivered                uint32
	isAppLimited             bool
}

// left notes that a segment leaves, for the first time or again. It is the only one on
// the way if alone is set: what it is measured by begins now.
func (r *deliveryRate) left(now event.Time, s *segment, alone bool) {
	if alone {
		r.firstSentAt, r.deliveredAt = now, now
	}
	s.left = departure{
		deliveredAt: r.deliveredAt, firstSentAt: r.firstSentAt,
		delivered: r.delivered, isAppLimited: r.isAppLimited,
	}
}

// arrived notes that an acknowledgment covers a segment for the first time.
func (r *deliveryRate) arrived(now event.Time, s *segment) {
	r.delivered += s.length()
	r.deliveredAt = now
	f := &r.now
	f.segments++
	if f.segments > 1 && !sentAfter(s.sentAt, s.end(), f.sentAt, f.end) {
		return
	}
	f.sentAt, f.end, f.left = s.sentAt, s.end(), s.left
	f.sendElapsed = s.sentAt.Sub(s.left.firstSentAt)
	f.rtt = 0
	if !s.everRetransmitted {
		f.rtt = max(now.Sub(s.sentAt), 1)
	}
	r.firstSentAt = s.sentAt
}

// sample returns the delivery rate of the flight in octets a second, or 0 if it cannot be
// told: in less than a round trip nothing that was sent in it can have been acknowledged,
// so that the acknowledgment was for an earlier transmission.
func (r *deliveryRate) sample(minRTT time.Duration) int64 {
	if r.isAppLimited && seqAfter(r.delivered, r.limitedUntil) {
		r.isAppLimited = false
	}
	f := &r.now
	if f.segments == 0 {
		return 0
	}
	// Acknowledgments may be squeezed together on their way, and segments too: the
	// longer of the two spans is not too short.
	elapsed := max(f.sendElapsed, r.deliveredAt.Sub(f.left.deliveredAt), 1)
	if elapsed < minRTT {
		return 0
	}
	octets := r.delivered - f.left.delivered
	return max(1, min(maxRate, mulDiv(int64(octets), int64(time.Second), int64(elapsed))))
}

// limitedByApplication notes that nothing waits to be sent although more octets might be
// on the way than the given number that are.
func (r *deliveryRate) limitedByApplication(onTheWay uint32) {
	r.isAppLimited, r.limitedUntil = true, r.delivered+onTheWay
}

// maxRate bounds rates, in octets a second, so that their products fit.
const maxRate = 1 << 40

// mulDiv returns a*b/c for values that are not negative, and the largest there is when
// that does not fit. c is not 0.
func mulDiv(a, b, c int64) int64 {
	high, low := bits.Mul64(uint64(a), uint64(b))
	if high >= uint64(c) {
		return maxInt64
	}
	quotient, _ := bits.Div64(high, low, uint64(c))
	return int64(min(quotient, maxInt64))
}

const maxInt64 = 1<<63 - 1

// maxFilter is the largest of the values of the last rounds.
type maxFilter struct {
	best  [filterRounds]int64 // of each round, by its number modulo filterRounds
	round uint64              // of the last value
	max   int64
}

// filterRounds is for how many round trips a delivery rate counts.
const filterRounds = 10

// add takes the value of a round, which is not before that of the last value.
func (m *maxFilter) add(round uint64, value int64) {
	for n := min(round-m.round, filterRounds); n > 0; n-- {
		m.best[(round-n+1)%filterRounds] = 0
	}
	m.round = round
	slot := &m.best[round%filterRounds]
	*slot = max(*slot, value)
	m.max = 0
	for _, v := range m.best {
		m.max = max(m.max, v)
	}
}
