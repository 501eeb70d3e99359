package trace

import "math/bits"

const (
	firstBits = 8  // the first chunk holds 256 rows
	chunkBits = 13 // from 8192 rows on, chunks hold 8192
	smallMax  = 1 << chunkBits
)

// table is an append-only list of rows in chunks. Chunks start small, double until
// they hold 8192 rows, and are never moved: a row's address is stable, appending
// never copies, and a short run stays small.
type table[T any] struct {
	chunks [][]T
	tail   []T // the last chunk, cut to the rows in use
	n      uint32
}

// add appends a zero row and returns it with its place.
func (t *table[T]) add() (*T, uint32) {
	if len(t.tail) == cap(t.tail) {
		t.grow()
	}
	t.tail = t.tail[:len(t.tail)+1]
	i := t.n
	t.n++
	return &t.tail[len(t.tail)-1], i
}

func (t *table[T]) grow() {
	size := uint32(1 << chunkBits)
	if t.n < smallMax {
		size = max(t.n, 1<<firstBits)
	}
	chunk := make([]T, size)
	t.chunks = append(t.chunks, chunk)
	t.tail = chunk[:0]
}

// at returns the row at place i.
func (t *table[T]) at(i uint32) *T {
	if i >= smallMax {
		const smallChunks = chunkBits - firstBits // doublings after the first chunk
		return &t.chunks[smallChunks+(i>>chunkBits)][i&(1<<chunkBits-1)]
	}
	k := bits.Len32(i >> firstBits)
	base := uint32(0)
	if k > 0 {
		base = 1 << (firstBits + k - 1)
	}
	return &t.chunks[k][i-base]
}
