package tcp

// ring is a queue of values that keeps its memory: pushing and popping allocate
// only while it grows beyond what it ever held. The zero value is empty.
type ring[T any] struct {
	items []T // its length is a power of two, or 0
	head  int
	n     int
}

// at returns the i-th item from the front.
func (r *ring[T]) at(i int) *T { return &r.items[(r.head+i)&(len(r.items)-1)] }

// push appends a zero item and returns it to be filled.
func (r *ring[T]) push() *T {
	if r.n == len(r.items) {
		r.grow()
	}
	r.n++
	item := r.at(r.n - 1)
	var zero T
	*item = zero
	return item
}

func (r *ring[T]) grow() {
	items := make([]T, max(4, 2*len(r.items)))
	for i := range r.n {
		items[i] = *r.at(i)
	}
	r.items, r.head = items, 0
}

// pop removes the item at the front. What it pointed to stays reachable until its
// place is used again.
func (r *ring[T]) pop() {
	r.head = (r.head + 1) & (len(r.items) - 1)
	r.n--
}

// remove takes out the i-th item.
func (r *ring[T]) remove(i int) {
	for ; i < r.n-1; i++ {
		*r.at(i) = *r.at(i + 1)
	}
	r.n--
}

// empty drops all items and keeps the memory.
func (r *ring[T]) empty() { r.head, r.n = 0, 0 }

// clear drops all items and the memory.
func (r *ring[T]) clear() { *r = ring[T]{} }

// clone returns a copy that shares nothing with r but what the items point to.
func (r *ring[T]) clone() ring[T] {
	c := *r
	c.items = append([]T(nil), r.items...)
	return c
}
