// Package event is virtual time and the queue of what happens next.
//
// Everything in a run happens at an instant of virtual time. The queue orders
// plain values by (time, sequence), so two runs of the same scenario pop the same
// events in the same order on every machine. Nothing here reads the wall clock.
package event

import (
	"fmt"
	"math"
	"time"
)

// Time is an instant of virtual time: nanoseconds since the start of the run.
type Time int64

// Never is later than every instant; a deadline of Never means "no timer set".
const Never Time = math.MaxInt64

// Add returns the instant d after t. Never stays Never.
func (t Time) Add(d time.Duration) Time {
	if t == Never {
		return Never
	}
	return t + Time(d)
}

// Sub returns the duration from u to t.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t - u) }

// Seconds returns t in seconds since the start of the run.
func (t Time) Seconds() float64 { return float64(t) / 1e9 }

// String formats t in seconds with microseconds, as packet dissectors print it.
func (t Time) String() string {
	if t == Never {
		return "never"
	}
	return fmt.Sprintf("%.6f", t.Seconds())
}

// Item is one thing that will happen. Kind and Index are the scheduler's own:
// the queue does not look at them.
type Item struct {
	At    Time
	seq   uint32
	Kind  uint32
	Index uint64
}

// Queue is a priority queue of items, earliest first; items of the same instant
// leave in the order in which they were pushed. The zero value is an empty queue.
//
// It is a 4-ary heap of values: nothing is allocated per item, and four children
// fit in two cache lines.
type Queue struct {
	items []Item
	seq   uint32
}

// Len returns the number of pending items.
func (q *Queue) Len() int { return len(q.items) }

// NextAt returns the instant of the earliest item, or Never when the queue is empty.
func (q *Queue) NextAt() Time {
	if len(q.items) == 0 {
		return Never
	}
	return q.items[0].At
}

func before(a, b *Item) bool {
	// Sequence numbers may wrap: the difference of two pending ones is small.
	return a.At < b.At || a.At == b.At && int32(a.seq-b.seq) < 0
}

// Push schedules an item of this kind and index at the given instant.
func (q *Queue) Push(at Time, kind uint32, index uint64) {
	item := Item{At: at, seq: q.seq, Kind: kind, Index: index}
	q.seq++
	q.items = append(q.items, item)
	heap := q.items
	i := len(heap) - 1
	for i > 0 {
		parent := (i - 1) / 4
		if !before(&item, &heap[parent]) {
			break
		}
		heap[i] = heap[parent]
		i = parent
	}
	heap[i] = item
}

// Pop removes and returns the earliest item. It panics when the queue is empty.
func (q *Queue) Pop() Item {
	heap := q.items
	top := heap[0]
	n := len(heap) - 1
	last := heap[n]
	heap = heap[:n]
	q.items = heap
	if n == 0 {
		return top
	}
	i := 0
	for {
		first := 4*i + 1
		if first >= n {
			break
		}
		least := first
		for child := first + 1; child < min(first+4, n); child++ {
			if before(&heap[child], &heap[least]) {
				least = child
			}
		}
		if !before(&heap[least], &last) {
			break
		}
		heap[i] = heap[least]
		i = least
	}
	heap[i] = last
	return top
}
