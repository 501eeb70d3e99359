package firewall

import "ftplab/sim/event"

// deadline is an instant at which the table looks at an entry or an expectation.
type deadline struct {
	at   event.Time
	id   uint32
	kind deadlineKind
}

type deadlineKind uint8

const (
	entryDeadline deadlineKind = iota
	expectationDeadline
)

func (a deadline) before(b deadline) bool {
	if a.at != b.at {
		return a.at < b.at
	}
	if a.kind != b.kind {
		return a.kind > b.kind // an expectation before the connection that made it
	}
	return a.id < b.id
}

// deadlines is a binary heap, earliest first. Unlike event.Queue it can be looked
// into: a deadline that has moved on is put back before anything happens.
type deadlines []deadline

func (h *deadlines) push(d deadline) {
	*h = append(*h, d)
	heap, i := *h, len(*h)-1
	for i > 0 {
		parent := (i - 1) / 2
		if !heap[i].before(heap[parent]) {
			break
		}
		heap[i], heap[parent] = heap[parent], heap[i]
		i = parent
	}
}

func (h *deadlines) pop() deadline {
	heap := *h
	top, n := heap[0], len(heap)-1
	heap[0] = heap[n]
	heap = heap[:n]
	*h = heap
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < n; child++ {
			if heap[child].before(heap[least]) {
				least = child
			}
		}
		if least == i {
			return top
		}
		heap[i], heap[least] = heap[least], heap[i]
		i = least
	}
}
