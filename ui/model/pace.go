package model

import (
	"slices"
	"sort"
	"time"

	"ftplab/sim/event"
	"ftplab/sim/trace"
)

// pace says how long the time between two events takes on the screen. Everything is
// slowed down by the same factor, so that a packet is seen to cross a link, but a wait
// is never longer than longestWait: what is left out is said ("1.0 s folded").
type pace struct {
	slowdown int64           // screen time for one unit of virtual time
	shown    []time.Duration // by event: when it is shown at speed 1, from the start
	waits    []trace.ID      // the events before which a wait is shortened
}

const (
	hopTime     = 200 * time.Millisecond // of the median way over a link
	shortestHop = 100 * time.Millisecond // of the shortest one, if it is not much shorter
	longestWait = 900 * time.Millisecond
)

func newPace(t *trace.Trace) pace {
	p := pace{slowdown: slowdown(t), shown: make([]time.Duration, t.Len()+1)}
	before := event.Time(0)
	for i := range t.Len() {
		now := t.Time(trace.ID(i + 1))
		p.shown[i+1] = p.shown[i] + p.screenTime(now.Sub(before))
		if p.folded(now.Sub(before)) {
			p.waits = append(p.waits, trace.ID(i+1))
		}
		before = now
	}
	return p
}

// slowdown makes the median way over a link take hopTime. Where some links are shorter
// than others it is up to three times as slow, so that they are seen too.
func slowdown(t *trace.Trace) int64 {
	const enough = 500 // the first so many packets are typical
	var ways []time.Duration
	for i := 0; i < t.Len() && len(ways) < enough; i++ {
		if id := trace.ID(i + 1); t.Kind(id) == trace.KindSent {
			if e := t.Event(id); e.Body.(trace.Sent).Arrives > e.Time {
				ways = append(ways, e.Body.(trace.Sent).Arrives.Sub(e.Time))
			}
		}
	}
	if len(ways) == 0 {
		return 1
	}
	slices.Sort(ways)
	median := int64(hopTime / ways[len(ways)/2])
	return max(1, median, min(int64(shortestHop/ways[0]), 3*median))
}

func (p *pace) screenTime(gap time.Duration) time.Duration {
	if gap > longestWait/time.Duration(p.slowdown) {
		return longestWait
	}
	return gap * time.Duration(p.slowdown)
}

// foldedFrom is the shortest wait that is marked as folded when it is. Shorter ones
// are not worth a word.
const foldedFrom = 200 * time.Millisecond

// folded reports whether a wait of this length is shortened on the screen in a way
// that has to be said.
func (p *pace) folded(gap time.Duration) bool {
	return gap >= foldedFrom && gap > longestWait/time.Duration(p.slowdown)
}

// shownAt returns when a cursor is on the screen at speed 1, from the start.
func (r *Run) shownAt(c Cursor) time.Duration {
	at := r.pace.shown[c.Event]
	if r.AtEnd(c) {
		return at
	}
	gap := r.Trace.Time(c.Event + 1).Sub(r.Trace.Time(c.Event))
	if gap <= 0 {
		return at
	}
	passed := float64(c.Time.Sub(r.Trace.Time(c.Event))) / float64(gap)
	return at + time.Duration(passed*float64(r.pace.shown[c.Event+1]-at))
}

// Advance returns the cursor that the screen shows this much screen time (at speed 1)
// after c.
func (r *Run) Advance(c Cursor, by time.Duration) Cursor {
	at := r.shownAt(c) + by
	shown := r.pace.shown
	// Events of one instant are shown together.
	id := sort.Search(len(shown), func(i int) bool { return shown[i] > at }) - 1
	id = max(id, int(c.Event))
	if id >= r.Trace.Len() {
		return r.End()
	}
	from, to := r.Trace.Time(trace.ID(id)), r.Trace.Time(trace.ID(id+1))
	span := shown[id+1] - shown[id]
	if span <= 0 {
		return r.At(trace.ID(id))
	}
	now := from + event.Time(float64(to-from)*float64(at-shown[id])/float64(span))
	return Cursor{trace.ID(id), max(from, min(now, to))}
}

// Wait returns how long nothing happens around the cursor, if that is shortened on
// the screen; 0 otherwise.
func (r *Run) Wait(c Cursor) time.Duration {
	if r.AtEnd(c) || c.Time == r.Trace.Time(c.Event) {
		return 0
	}
	return r.foldedBefore(c.Event + 1)
}

// foldedBefore returns the wait before an event, if it is shortened on the screen; 0
// otherwise.
func (r *Run) foldedBefore(id trace.ID) time.Duration {
	gap := r.Trace.Time(id).Sub(r.Trace.Time(id - 1))
	if r.pace.folded(gap) {
		return gap
	}
	return 0
}
