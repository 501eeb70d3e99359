package trace

import "testing"

func TestTableKeepsRowsInPlace(t *testing.T) {
	const n = 3*smallMax + 17
	var rows table[int]
	addresses := make([]*int, n)
	for i := range n {
		row, place := rows.add()
		if place != uint32(i) {
			t.Fatalf("row %d got place %d", i, place)
		}
		*row, addresses[i] = i, row
	}
	for i := range n {
		row := rows.at(uint32(i))
		if *row != i || row != addresses[i] {
			t.Fatalf("row %d holds %d, moved: %v", i, *row, row != addresses[i])
		}
	}
}

func TestTableStartsSmall(t *testing.T) {
	var rows table[int]
	rows.add()
	if got := cap(rows.tail); got != 1<<firstBits {
		t.Errorf("the first chunk holds %d rows, want %d", got, 1<<firstBits)
	}
}
