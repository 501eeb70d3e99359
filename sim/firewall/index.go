package firewall

import (
	"math/bits"
	"sort"
)

// index finds the rules of a chain that a packet may match without asking them all. For
// each of a few fields (axes) it cuts the field's values into classes between which
// no rule can tell the difference, and keeps for each class the set of rules that it
// does not rule out, as bits. The intersection over the axes is a superset of the
// rules that match: each candidate is still asked in full, in order, so the answer is
// that of the plain scan (Lakshman and Stiliadis, SIGCOMM 1998; the summaries are
// Baboescu and Varghese's aggregated bit vectors, SIGCOMM 2001).
type index struct {
	start  int // the first rule it covers; those before are asked one by one
	end    int
	groups int // words of a row's summary: a bit for each word of rules
	words  int // words of rules in a row
	axes   []axis
	// rest are the parts of each rule that the axes do not answer already: all that a
	// candidate must still be asked.
	rest [][]part
}

// axis is one field of an index.
type axis struct {
	field Field
	place int // in indexFields
	// rows are of stride groups+words: summary, rules. The last one is that of packets
	// that do not have the field.
	rows []uint64
	// Numbers: the row of a value is pages[value>>8] itself, or, if that is a leaf,
	// leaves[...][value&0xff].
	pages  *[256]uint16
	leaves []uint16
	// Addresses: the first of each class in ascending order; starts4 if they are IPv4.
	starts  []address
	starts4 []uint32
	merge   int // how many neighbouring classes share a row
	absent  int // the last row
}

// minIndexed is the length from which a chain is worth an index, and asksBefore the
// number of packets: a lesson's few are judged before an index would be made.
// maxRowWords limits the memory of an axis: beyond it neighbouring classes share their
// rows.
const (
	minIndexed  = 4
	asksBefore  = 32
	maxRowWords = 1 << 20
)

// indexOf returns the index of a chain for packets of a family (0 or 1), nil if it has
// none (yet).
func (p *program) indexOf(place, family int) *index {
	chain := &p.chains[place]
	if chain.asked[family] < asksBefore {
		chain.asked[family]++
		if chain.asked[family] == asksBefore {
			chain.indexes[family] = newIndex(p.coded, chain.first, chain.end, uint8(4+2*family))
		}
	}
	return chain.indexes[family]
}

var indexFields = [...]Field{DestinationPort, SourceAddress, DestinationAddress, SourcePort, ProtocolField, InInterface, OutInterface}

// cursor is where a packet's rows begin on each axis of an index.
type cursor [len(indexFields)]int32

// newIndex builds the index of the rules first..end-1 for packets of one family, nil if
// it would not help.
func newIndex(coded []compiledRule, first, end int, family uint8) *index {
	constraints := make([][]spans, end-first)
	start := end
	for i := first; i < end; i++ {
		constraints[i-first] = constraintsOf(&coded[i], family)
		if start == end && constraints[i-first] != nil {
			start = i
		}
	}
	n := end - start
	if n < minIndexed {
		return nil
	}
	constraints = constraints[start-first:]
	x := &index{start: start, end: end, words: (n + 63) / 64}
	x.groups = (x.words + 63) / 64
	for k, field := range indexFields {
		constrained := 0
		for _, of := range constraints {
			if of != nil && of[k].known {
				constrained++
			}
		}
		if constrained > 0 && constrained*8 >= n {
			x.addAxis(field, k, constraints, family)
		}
	}
	if len(x.axes) == 0 {
		return nil
	}
	x.rest = make([][]part, n)
	for i := range x.rest {
		x.rest[i] = x.unanswered(coded[start+i].parts, constraints[i])
	}
	return x
}

// unanswered returns the parts of a rule without the conditions that an axis answers
// exactly.
func (x *index) unanswered(parts []part, of []spans) []part {
	if of == nil {
		return parts
	}
	answered := make([]bool, len(parts))
	n := 0
	for k := range x.axes {
		s := &of[x.axes[k].place]
		if s.known && x.axes[k].merge == 1 && !parts[s.part].condition.laterFragment {
			answered[s.part] = true
			n++
		}
	}
	rest := make([]part, 0, len(parts)-n)
	for i := range parts {
		if !answered[i] {
			rest = append(rest, parts[i])
		}
	}
	return rest
}

// spans are the values of a field that a rule does not rule out, as sorted disjoint
// intervals; every value unless known. Absent says that a packet without the field is
// not ruled out either.
type spans struct {
	known, absent bool
	part          int // the condition that says so
	all           []interval
}

// constraintsOf returns what a rule demands of each of the index's fields, nil if
// nothing. Conditions after a side effect do not count: the side effect must happen.
func constraintsOf(r *compiledRule, family uint8) []spans {
	var found []spans
	for i := range r.parts {
		if r.parts[i].effect != nil {
			break
		}
		cond := &r.parts[i].condition
		for k, field := range indexFields {
			if cond.field != field || cond.kind == anyOfCondition {
				continue
			}
			s := spansOf(cond, family)
			if !s.known {
				continue
			}
			if found == nil {
				found = make([]spans, len(indexFields))
			}
			if !found[k].known {
				found[k] = s
				found[k].part = i
			}
		}
	}
	return found
}

func spansOf(cond *condition, family uint8) spans {
	s := spans{known: true, absent: cond.laterFragment}
	plain := *cond
	plain.negate = false
	switch cond.kind {
	case interfaceCondition:
		for at, named := range cond.detail.interfaces {
			if named {
				s.all = append(s.all, interval{low: address{lo: uint64(at)}, high: address{lo: uint64(at)}})
			}
		}
		s.absent = cond.negate
	case setCondition:
		if cond.detail.set.intervals == nil || len(cond.detail.set.key) != 1 || cond.detail.set.key[0] != cond.field {
			return spans{}
		}
		s.all = append(s.all, cond.detail.set.intervals...)
	default:
		own, ok := conditionIntervals(&plain, 0)
		if !ok {
			return spans{}
		}
		s.all = own
	}
	s.all = ofFamily(s.all, cond.field, family)
	if cond.negate {
		if isAddressField(cond.field) && len(s.all) == 0 {
			return s // of the other family: never holds
		}
		s.all = complement(s.all)
	}
	return s
}

// ofFamily returns the intervals of a family in order, those that overlap or touch made
// one.
func ofFamily(all []interval, field Field, family uint8) []interval {
	var kept []interval
	for _, v := range all {
		if !isAddressField(field) || v.family == family {
			v.family = 0
			kept = append(kept, v)
		}
	}
	sort.Slice(kept, func(i, j int) bool { return kept[i].low.less(kept[j].low) })
	merged := kept[:0]
	for _, v := range kept {
		if last := len(merged) - 1; last >= 0 && (!merged[last].high.less(v.low) || merged[last].high.next() == v.low) {
			if merged[last].high.less(v.high) {
				merged[last].high = v.high
			}
			continue
		}
		merged = append(merged, v)
	}
	return merged
}

var highestAddress = address{^uint64(0), ^uint64(0)}

// complement returns the values outside sorted, disjoint intervals.
func complement(all []interval) []interval {
	var rest []interval
	next := address{}
	for _, v := range all {
		if next.less(v.low) {
			rest = append(rest, interval{low: next, high: v.low.previous()})
		}
		if v.high == highestAddress {
			return rest
		}
		next = v.high.next()
	}
	return append(rest, interval{low: next, high: highestAddress})
}

// edge is a value at which the set of rules that are not ruled out changes.
type edge struct {
	at   address
	rule int // bit
	in   bool
}

// addAxis sweeps over a field's values and makes a row for each class.
func (x *index) addAxis(field Field, k int, constraints [][]spans, family uint8) {
	stride := x.groups + x.words
	current := make([]uint64, stride)
	absent := make([]uint64, stride)
	var edges []edge
	for i, of := range constraints {
		if of == nil || !of[k].known {
			setBit(current[x.groups:], i)
			setBit(absent[x.groups:], i)
			continue
		}
		if of[k].absent {
			setBit(absent[x.groups:], i)
		}
		for _, v := range of[k].all {
			edges = append(edges, edge{v.low, i, true})
			if v.high != highestAddress {
				edges = append(edges, edge{v.high.next(), i, false})
			}
		}
	}
	sort.Slice(edges, func(i, j int) bool { return edges[i].at.less(edges[j].at) })
	a := axis{field: field, place: k, merge: 1, starts: []address{{}}}
	for _, e := range edges {
		if e.at != a.starts[len(a.starts)-1] {
			a.starts = append(a.starts, e.at)
		}
	}
	if len(a.starts) <= 3 && len(x.axes) > 0 {
		return // one value that rules demand or not tells few of them apart
	}
	if most := max(maxRowWords/stride, 1); len(a.starts) > most {
		a.merge = (len(a.starts) + most - 1) / most
	}
	a.absent = (len(a.starts) + a.merge - 1) / a.merge
	a.rows = make([]uint64, a.absent*stride, (a.absent+1)*stride)
	next := 0
	for class := range a.starts {
		for ; next < len(edges) && edges[next].at == a.starts[class]; next++ {
			word, bit := edges[next].rule/64, uint64(1)<<(edges[next].rule%64)
			if edges[next].in {
				current[x.groups+word] |= bit
			} else {
				current[x.groups+word] &^= bit
			}
		}
		row := a.rows[class/a.merge*stride:][:stride]
		for i := x.groups; i < stride; i++ {
			row[i] |= current[i]
		}
	}
	a.rows = append(a.rows, absent...)
	for at := 0; at < len(a.rows); at += stride {
		x.summarise(a.rows[at : at+stride])
	}
	if !isAddressField(field) {
		a.makePages()
	} else if family == 4 {
		for _, start := range a.starts[:ipv4Classes(a.starts)] {
			a.starts4 = append(a.starts4, uint32(start.lo))
		}
	}
	x.axes = append(x.axes, a)
}

func setBit(row []uint64, i int) { row[i/64] |= 1 << (i % 64) }

// summarise sets a row's summary.
func (x *index) summarise(row []uint64) {
	for i := range x.words {
		if row[x.groups+i] != 0 {
			setBit(row, i)
		}
	}
}

// leafBit marks a page whose values are not all of one class.
const leafBit = 1 << 15

// makePages turns the starts of 16-bit values into a table of two levels.
func (a *axis) makePages() {
	a.pages = new([256]uint16)
	class := 0
	for page := range a.pages {
		low := uint64(page) << 8
		for class+1 < len(a.starts) && a.starts[class+1].hi == 0 && a.starts[class+1].lo <= low {
			class++
		}
		if class+1 == len(a.starts) || a.starts[class+1].hi != 0 || a.starts[class+1].lo > low|0xff {
			a.pages[page] = uint16(class / a.merge)
			continue
		}
		a.pages[page] = leafBit | uint16(len(a.leaves)>>8)
		for value := low; value <= low|0xff; value++ {
			for class+1 < len(a.starts) && a.starts[class+1].hi == 0 && a.starts[class+1].lo <= value {
				class++
			}
			a.leaves = append(a.leaves, uint16(class/a.merge))
		}
	}
	a.starts = nil
}

// ipv4Classes is how many classes begin with an IPv4 address.
func ipv4Classes(starts []address) int {
	n := len(starts)
	for starts[n-1].hi != 0 || starts[n-1].lo>>32 != 0 {
		n--
	}
	return n
}

// seek finds the packet's row on each axis.
func (x *index) seek(c *cursor, s *subject) {
	stride := x.groups + x.words
	for k := range x.axes {
		a := &x.axes[k]
		row := 0
		switch a.field {
		case SourceAddress:
			row = a.find(s.src)
		case DestinationAddress:
			row = a.find(s.dst)
		default:
			row = a.row(s)
		}
		c[k] = int32(row * stride)
	}
}

// row returns the row of the packet's value of a numeric field.
func (a *axis) row(s *subject) int {
	var value uint16
	switch a.field {
	case DestinationPort, SourcePort:
		if !s.hasPorts() {
			return a.absent
		}
		value = s.dstPort
		if a.field == SourcePort {
			value = s.srcPort
		}
	case ProtocolField:
		value = uint16(s.protocol)
	default:
		at := s.in
		if a.field == OutInterface {
			at = s.out
		}
		if at == noInterface {
			return a.absent
		}
		value = uint16(at)
	}
	page := a.pages[value>>8]
	if page&leafBit != 0 {
		page = a.leaves[int(page&^leafBit)<<8|int(value&0xff)]
	}
	return int(page)
}

// find returns the row of an address.
func (a *axis) find(v address) int {
	low := 0
	if a.starts4 != nil {
		value := uint32(v.lo)
		for n := len(a.starts4); n > 1; {
			half := n / 2
			// low += half if the start there is not above value, without a branch: its
			// outcome cannot be predicted.
			below := (int64(value) - int64(a.starts4[low+half])) >> 63
			low += half &^ int(below)
			n -= half
		}
	} else {
		for n := len(a.starts); n > 1; {
			half := n / 2
			if !v.less(a.starts[low+half]) {
				low += half
			}
			n -= half
		}
	}
	if a.merge > 1 {
		low /= a.merge
	}
	return low
}

// next returns the first rule at or after from that is not ruled out, or end.
func (x *index) next(c *cursor, from int) int {
	at := from - x.start
	word := at >> 6
	for group := word >> 6; group < x.groups; group++ {
		summary := x.intersect(c, group)
		if group == word>>6 {
			summary &= ^uint64(0) << (word & 63)
		}
		for ; summary != 0; summary &= summary - 1 {
			i := group<<6 | bits.TrailingZeros64(summary)
			candidates := x.intersect(c, x.groups+i)
			if i == word {
				candidates &= ^uint64(0) << (at & 63)
			}
			if candidates != 0 {
				return x.start + (i<<6 | bits.TrailingZeros64(candidates))
			}
		}
	}
	return x.end
}

// intersect returns one word of the intersection of the packet's rows.
func (x *index) intersect(c *cursor, word int) uint64 {
	all := ^uint64(0)
	for k := range x.axes {
		all &= x.axes[k].rows[int(c[k])+word]
	}
	return all
}
