package event

import (
	"fmt"
	"math/rand/v2"
	"sort"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestQueueOrdersByTimeThenBySequence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		times := rapid.SliceOf(rapid.Int64Range(0, 20)).Draw(t, "times")
		var q Queue
		for i, at := range times {
			q.Push(Time(at), 1, uint64(i))
		}
		order := make([]int, len(times))
		for i := range order {
			order[i] = i
		}
		sort.SliceStable(order, func(a, b int) bool { return times[order[a]] < times[order[b]] })
		for n, want := range order {
			if q.NextAt() != Time(times[want]) {
				t.Fatalf("item %d: next at %d, want %d", n, q.NextAt(), times[want])
			}
			if got := q.Pop(); got.Index != uint64(want) {
				t.Fatalf("item %d: got the one pushed as number %d, want %d", n, got.Index, want)
			}
		}
		if q.Len() != 0 || q.NextAt() != Never {
			t.Fatalf("after the last item: %d left, next at %v", q.Len(), q.NextAt())
		}
	})
}

func TestQueueSequenceMayWrap(t *testing.T) {
	q := Queue{seq: ^uint32(0) - 1}
	for i := range uint64(5) {
		q.Push(7, 0, i)
	}
	for i := range uint64(5) {
		if got := q.Pop(); got.Index != i {
			t.Fatalf("item %d came out as number %d", got.Index, i)
		}
	}
}

func TestTime(t *testing.T) {
	if got := Time(1_500_000).String(); got != "0.001500" {
		t.Errorf("1.5 ms prints as %q", got)
	}
	if got := Never.Add(time.Second); got != Never {
		t.Errorf("never plus a second is %d", got)
	}
	if got := Time(5e9).Sub(2e9); got != 3*time.Second {
		t.Errorf("5 s - 2 s = %v", got)
	}
}

func TestQueueDoesNotAllocateWhenWarm(t *testing.T) {
	var q Queue
	for i := range 100 {
		q.Push(Time(i), 0, 0)
	}
	allocs := testing.AllocsPerRun(1000, func() {
		item := q.Pop()
		q.Push(item.At+100, 0, 0)
	})
	if allocs != 0 {
		t.Errorf("%v allocations for each push and pop", allocs)
	}
}

func BenchmarkQueue(b *testing.B) {
	for _, n := range []int{10, 1000, 100_000} {
		b.Run(fmt.Sprintf("%d pending", n), func(b *testing.B) {
			random := rand.New(rand.NewPCG(1, 2))
			var q Queue
			for range n {
				q.Push(Time(random.Int64N(1e6)), 0, 0)
			}
			b.ReportAllocs()
			for b.Loop() {
				item := q.Pop()
				q.Push(item.At+Time(random.Int64N(1e6)), 0, 0)
			}
		})
	}
}
