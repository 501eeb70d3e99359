package tcp

import (
	"math/big"
	"testing"
	"time"

	"ftplab/sim/event"

	"pgregory.net/rapid"
)

// checkModel checks what must hold of BBR whatever the network does.
func checkModel(t failer, c *Conn) {
	t.Helper()
	b := c.bbr
	wait := time.Duration(0)
	if c.timer.pacing != event.Never {
		wait = c.timer.pacing.Sub(c.snd.lastSent)
	}
	switch {
	case c.cong.cwnd < 1 || c.cong.cwnd > maxWindow:
		t.Fatalf("the window is %d", c.cong.cwnd)
	case b.pace.rate < 1 || b.bandwidth.max < 0 || b.minRTT < 0:
		t.Fatalf("paced at %d, bandwidth %d, round-trip time %v", b.pace.rate, b.bandwidth.max, b.minRTT)
	case b.mode == bbrProbeRTT && c.board.mode == sending && c.cong.cwnd > probeRTTWindow:
		t.Fatalf("the window is %d in PROBE_RTT", c.cong.cwnd)
	case b.rate.now.segments > 0:
		t.Fatalf("what an acknowledgment told is still there: %+v", b.rate.now)
	case wait < 0 || wait > burstDuration+c.rtt.rto || wait > 0 && c.State() == Closed:
		t.Fatalf("paced for %v in %v with an RTO of %v", wait, c.State(), c.rtt.rto)
	}
}

// TestMaxFilter compares the filter with the maximum of all values of the last rounds.
func TestMaxFilter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type value struct {
			round uint64
			rate  int64
		}
		var m maxFilter
		var all []value
		round := rapid.SampledFrom([]uint64{0, 1, 1 << 40}).Draw(t, "first round")
		m.round = round
		for range rapid.IntRange(1, 60).Draw(t, "values") {
			round += rapid.SampledFrom([]uint64{0, 0, 0, 1, 1, 2, 9, 10, 11, 100}).Draw(t, "rounds later")
			v := value{round, rapid.Int64Range(0, maxRate).Draw(t, "rate")}
			all = append(all, v)
			m.add(v.round, v.rate)
			var want int64
			for _, v := range all {
				if round-v.round < filterRounds {
					want = max(want, v.rate)
				}
			}
			if m.max != want {
				t.Fatalf("the filter says %d, the largest of %v is %d", m.max, all, want)
			}
		}
	})
}

// TestMulDiv compares with big integers.
func TestMulDiv(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.OneOf(rapid.Int64Range(0, 1000), rapid.Int64Range(0, maxInt64), rapid.Just(int64(maxInt64)))
		a, b, c := values.Draw(t, "a"), values.Draw(t, "b"), max(values.Draw(t, "c"), 1)
		want := new(big.Int).Mul(big.NewInt(a), big.NewInt(b))
		want.Div(want, big.NewInt(c))
		if !want.IsInt64() {
			want.SetInt64(maxInt64)
		}
		if got := mulDiv(a, b, c); got != want.Int64() {
			t.Fatalf("%d*%d/%d is %d, want %v", a, b, c, got, want)
		}
	})
}

// rateStep is a segment that leaves or is acknowledged: its number, from 1.
type rateStep struct {
	at              time.Duration
	leaves, arrives int
	again           bool // it left before
}

// TestDeliveryRate is the algorithm of draft-cheng-iccrg-delivery-rate-estimation: the
// rate after the last step, in octets a second. Segments have 1000 octets.
func TestDeliveryRate(t *testing.T) {
	const ms = time.Millisecond
	tests := []struct {
		name     string
		steps    []rateStep
		limited  time.Duration // the application was found to write nothing then; 0: never
		want     int64
		isSlower bool // by the application
	}{
		{name: "one segment in a round trip", want: 1000 * 10,
			steps: []rateStep{{at: 0, leaves: 1}, {at: 100 * ms, arrives: 1}}},
		{name: "a flight acknowledged at once", want: 3000 * 10,
			steps: []rateStep{{at: 0, leaves: 1}, {at: 0, leaves: 2}, {at: 0, leaves: 3}, {at: 100 * ms, arrives: 1}, {at: 100 * ms, arrives: 2}, {at: 100 * ms, arrives: 3}}},
		{name: "acknowledgments squeezed together: the sending counts", want: 2000 * 5,
			steps: []rateStep{{at: 0, leaves: 1}, {at: 100 * ms, leaves: 2}, {at: 200 * ms, arrives: 1}, {at: 200 * ms, leaves: 3}, {at: 300 * ms, arrives: 2}, {at: 300 * ms, arrives: 3}}},
		{name: "sent in a burst: the acknowledgments count", want: 2000 * 4,
			steps: []rateStep{{at: 0, leaves: 1}, {at: 0, leaves: 2}, {at: 100 * ms, arrives: 1}, {at: 250 * ms, arrives: 2}}},
		{name: "the acknowledgment of the first transmission is no sample of the second", want: 0,
			steps: []rateStep{
				{at: 0, leaves: 1}, {at: 0, leaves: 2}, {at: 0, leaves: 3}, {at: 100 * ms, arrives: 1},
				{at: 110 * ms, leaves: 2, again: true}, {at: 120 * ms, arrives: 2},
				{at: 125 * ms, leaves: 3, again: true}, {at: 130 * ms, arrives: 3},
			}},
		{name: "the application writes less than is possible", want: 2000 * 100 / 16, limited: 50 * ms, isSlower: true,
			steps: []rateStep{{at: 0, leaves: 1}, {at: 60 * ms, leaves: 2}, {at: 100 * ms, arrives: 1}, {at: 160 * ms, arrives: 2}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, isAppLimited := rateAfter(test.steps, test.limited)
			if got != test.want || isAppLimited != test.isSlower {
				t.Errorf("%d octets a second, limited by the application %v; want %d, %v", got, isAppLimited, test.want, test.isSlower)
			}
		})
	}
}

// rateAfter returns the sample of the last acknowledgment: of all segments that arrive at
// its time. The smallest round-trip time is 80 ms.
func rateAfter(steps []rateStep, limited time.Duration) (rate int64, isAppLimited bool) {
	var r deliveryRate
	var segments [8]segment
	outstanding := 0
	for i, step := range steps {
		now := event.Time(step.at)
		if limited > 0 && step.at >= limited {
			r.limitedByApplication(uint32(1000 * max(outstanding, 1)))
			limited = 0
		}
		if step.leaves > 0 {
			s := &segments[step.leaves]
			s.seq, s.data, s.sentAt, s.everRetransmitted = uint32(1000*step.leaves), make([]byte, 1000), now, step.again
			r.left(now, s, outstanding == 0)
			if !step.again {
				outstanding++
			}
			continue
		}
		r.arrived(now, &segments[step.arrives])
		outstanding--
		if i+1 == len(steps) || steps[i+1].at != step.at {
			rate, isAppLimited = r.sample(80*time.Millisecond), r.now.left.isAppLimited
			r.now = newest{}
		}
	}
	return rate, isAppLimited
}

// TestFullPipe: STARTUP ends when the bandwidth has not grown by a quarter for three rounds.
func TestFullPipe(t *testing.T) {
	tests := []struct {
		name   string
		rates  []int64 // of each round
		limits int     // from this round on the application limits; 0: never
		held   int     // in this round recovery held the window down; 0: in none
		full   int     // after this round, counted from 1; 0: never
	}{
		{"doubling", []int64{100, 200, 400, 800, 1600, 3200}, 0, 0, 0},
		{"a quarter each round", []int64{1000, 1250, 1563, 1954, 2443, 3054}, 0, 0, 0},
		{"flat", []int64{100, 200, 200, 200, 200}, 0, 0, 5},
		{"a little growth", []int64{100, 200, 220, 240, 249}, 0, 0, 5},
		{"growth after two flat rounds", []int64{100, 200, 200, 200, 250, 250, 250, 250}, 0, 0, 8},
		{"the application limits", []int64{100, 200, 200, 200, 200, 200}, 3, 0, 0},
		{"a recovery in a flat round", []int64{100, 200, 200, 200, 200, 200}, 0, 4, 6},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var b bbr
			full := 0
			for i, rate := range test.rates {
				b.roundBegins = true
				b.wasConserving = i+1 == test.held
				b.rate.now.left.isAppLimited = test.limits > 0 && i+1 >= test.limits
				b.bandwidth.add(uint64(i), rate)
				b.checkFullPipe()
				b.roundBegins = false // what else arrives in the round changes nothing
				b.checkFullPipe()
				if b.isFull && full == 0 {
					full = i + 1
				}
			}
			if full != test.full {
				t.Errorf("full after round %d, want %d", full, test.full)
			}
		})
	}
}

// TestCycle: when PROBE_BW goes to its next phase. The bandwidth-delay product is 100
// segments, and a burst of room beside.
func TestCycle(t *testing.T) {
	const rtt = 100 * time.Millisecond
	const up, down, cruise = 0, 1, 4
	room := 0 // what the window has room for beside the product
	newConn := func(phase uint8) *Conn {
		c := &Conn{bbr: &bbr{mode: bbrProbeBW, cyclePhase: phase, minRTT: rtt}}
		c.snd.mss = 1000
		c.bbr.bandwidth.add(0, 1_000_000)
		room = burstsInFlight * c.burst()
		return c
	}
	newConn(up)
	tests := []struct {
		name         string
		phase        uint8
		after        time.Duration
		flight, lost int
		next         bool
	}{
		{"searching, too early", up, rtt / 2, 1000, 0, false},
		{"searching, the queue is not there yet", up, 2 * rtt, 120 + room, 0, false},
		{"searching, the queue is there", up, 2 * rtt, 130 + room, 0, true},
		{"searching, and something was lost", up, 2 * rtt, 50, 1, true},
		{"draining, the queue is not gone", down, rtt / 2, 102 + room, 0, false},
		{"draining, the queue is gone", down, rtt / 2, 100 + room, 0, true},
		{"draining for long enough", down, 2 * rtt, 1000, 0, true},
		{"cruising", cruise, rtt, 50, 0, false},
		{"cruised", cruise, rtt + 1, 50, 0, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := newConn(test.phase)
			c.bbr.rate.now.lost = test.lost
			c.advanceCycle(event.Time(test.after), test.flight)
			if got := c.bbr.cyclePhase != test.phase; got != test.next {
				t.Errorf("it goes on: %v, want %v", got, test.next)
			}
			if got := c.bbr.cyclePhase; test.next && got != test.phase+1 {
				t.Errorf("the next phase is %d", got)
			}
		})
	}
}

// TestFirstPhase: PROBE_BW begins with any phase but the one that drains.
func TestFirstPhase(t *testing.T) {
	seen := map[uint8]bool{}
	for iss := range uint32(100) {
		c := &Conn{bbr: &bbr{}}
		c.snd.iss = iss
		c.enterProbeBW(0)
		seen[c.bbr.cyclePhase] = true
	}
	if len(seen) != len(cycleGains)-1 || seen[1] {
		t.Errorf("the first phases are %v", seen)
	}
}

// TestRecoveryWindow follows the window of 100 segments, acknowledgment by acknowledgment,
// through the recoveries that the draft describes ("Modulating cwnd in Loss Recovery").
func TestRecoveryWindow(t *testing.T) {
	type ack struct {
		mode          recoveryMode
		flight        int // segments on the way after it
		arrived, lost int
		roundBegins   bool
		window        int
		isConserving  bool
	}
	tests := []struct {
		name string
		acks []ack
	}{
		{"nothing is lost", []ack{{flight: 99, arrived: 1, window: 100}}},
		{"as many leave as arrive for a round", []ack{
			{mode: fastRecovery, flight: 90, arrived: 4, lost: 6, window: 94, isConserving: true},
			{mode: fastRecovery, flight: 92, arrived: 2, window: 94, isConserving: true},
			{mode: fastRecovery, flight: 92, arrived: 2, roundBegins: true, window: 94},
		}},
		{"and the window is back when all has arrived", []ack{
			{mode: fastRecovery, flight: 50, arrived: 4, lost: 46, window: 54, isConserving: true},
			{mode: sending, flight: 10, arrived: 40, window: 100},
		}},
		{"what is lost meanwhile is not replaced", []ack{
			{mode: fastRecovery, flight: 90, arrived: 4, lost: 6, window: 94, isConserving: true},
			{mode: fastRecovery, flight: 80, arrived: 4, lost: 6, roundBegins: true, window: 88},
		}},
		{"never below one segment", []ack{{mode: timeoutRecovery, arrived: 1, lost: 200, window: 1}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := &Conn{bbr: &bbr{}}
			c.cong.cwnd = 100
			for i, a := range test.acks {
				if c.board.mode == sending && a.mode != sending {
					c.slowDown(100)
				}
				c.board.mode = a.mode
				c.segments.empty()
				for range a.flight {
					c.segments.push()
				}
				if a.roundBegins {
					c.bbr.recovery.isConserving = false
				}
				c.bbr.rate.now.lost = a.lost
				if got := c.recoveryWindow(a.arrived); got != a.isConserving || c.cong.cwnd != a.window {
					t.Errorf("after acknowledgment %d: window %d, conserving %v; want %d, %v", i, c.cong.cwnd, got, a.window, a.isConserving)
				}
			}
		})
	}
}
