package firewall

import "sort"

// lookup is a set or map made ready for one use: the fields that are looked up in
// it are known, and a set with a single field can be searched.
type lookup struct {
	set      *Set
	key      []Field
	elements []lookupElement
	// intervals are the elements in ascending order of value, if the key is one
	// field and no two elements overlap; else every element is tried.
	intervals []interval
}

// lookupElement is one element: a condition for each field of the key.
type lookupElement struct {
	conditions []condition
	place      int     // in Set.Elements
	verdict    Verdict // of a verdict map
}

// interval is an inclusive range of the values of one field. Numbers are in the low
// word; an IPv4 address sorts before all IPv6 addresses.
type interval struct {
	family  uint8
	low     address
	high    address
	element int // place in lookup.elements
}

func (c *compiler) compileSet(place int, key []Field) *lookup {
	set := &c.rules.Sets[place]
	if len(key) == 0 {
		key = set.Key
	}
	l := &lookup{set: set, key: key}
	for i := range set.Elements {
		e := &set.Elements[i]
		if len(e.Key) != len(key) {
			continue // a parser's mistake: such an element matches nothing
		}
		compiled := lookupElement{place: i, verdict: e.Verdict}
		for k := range e.Key {
			m := e.Key[k]
			m.Field = key[k]
			compiled.conditions = append(compiled.conditions, c.compileMatch(&m, Continue))
		}
		l.elements = append(l.elements, compiled)
	}
	if len(key) == 1 {
		l.intervals = intervalsOf(l.elements)
	}
	return l
}

// intervalsOf returns the elements as sorted intervals, nil if they are not disjoint
// ranges of plain values.
func intervalsOf(elements []lookupElement) []interval {
	var all []interval
	for i := range elements {
		own, ok := conditionIntervals(&elements[i].conditions[0], i)
		if !ok {
			return nil
		}
		all = append(all, own...)
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].before(&all[j]) })
	for i := 1; i < len(all); i++ {
		if all[i].family == all[i-1].family && !all[i-1].high.less(all[i].low) {
			return nil
		}
	}
	return all
}

func (v *interval) before(w *interval) bool {
	return v.family < w.family || v.family == w.family && v.low.less(w.low)
}

func conditionIntervals(c *condition, element int) ([]interval, bool) {
	if c.negate {
		return nil, false
	}
	switch c.kind {
	case rangeCondition:
		return []interval{{low: address{lo: c.low}, high: address{lo: c.high}, element: element}}, true
	case rangesCondition:
		var all []interval
		for _, r := range c.detail.ranges {
			all = append(all, interval{low: address{lo: r.Low}, high: address{lo: r.High}, element: element})
		}
		return all, true
	case addressCondition:
		var all []interval
		for i := range c.detail.addresses {
			low, high, ok := c.detail.addresses[i].bounds()
			if !ok {
				return nil, false
			}
			all = append(all, interval{c.detail.addresses[i].family, low, high, element})
		}
		return all, true
	}
	return nil, false
}

// bounds returns the first and last address of the test, false if it is not a range
// (a wildcard with a hole).
func (t *addressTest) bounds() (low, high address, ok bool) {
	if t.isRange {
		return t.from, t.to, true
	}
	free := address{^t.care.hi, ^t.care.lo}
	if t.family == 4 {
		free = address{lo: uint64(uint32(^t.care.lo))}
	}
	// The free bits are the trailing ones if and only if free+1 is a power of two.
	if after := free.next(); after.and(free) != (address{}) {
		return address{}, address{}, false
	}
	return t.base, address{t.base.hi | free.hi, t.base.lo | free.lo}, true
}

// find looks the packet's key up. It returns the element's place in the lookup; ok is
// false if the packet does not have one of the fields.
func (d *Device) find(l *lookup, s *subject) (place int, found, ok bool) {
	if l.intervals != nil {
		return d.findInterval(l, s)
	}
	for _, f := range l.key {
		if !d.hasField(f, s) {
			return 0, false, false
		}
	}
	for i := range l.elements {
		e := &l.elements[i]
		all := true
		for k := range e.conditions {
			if !d.holds(&e.conditions[k], s) {
				all = false
				break
			}
		}
		if all {
			return i, true, true
		}
	}
	return 0, false, true
}

func (d *Device) findInterval(l *lookup, s *subject) (place int, found, ok bool) {
	v, family := address{}, uint8(0)
	if isAddressField(l.key[0]) {
		if v, ok = d.addressField(l.key[0], s); !ok {
			return 0, false, false
		}
		family = s.family
	} else {
		if v.lo, ok = d.number(l.key[0], s); !ok {
			return 0, false, false
		}
	}
	low, high := 0, len(l.intervals)
	for low < high {
		middle := int(uint(low+high) / 2)
		t := &l.intervals[middle]
		switch {
		case family < t.family || family == t.family && v.less(t.low):
			high = middle
		case family > t.family || t.high.less(v):
			low = middle + 1
		default:
			return t.element, true, true
		}
	}
	return 0, false, true
}

func isAddressField(f Field) bool {
	switch f {
	case SourceAddress, DestinationAddress, CTOriginalSource, CTOriginalDestination, CTReplySource, CTReplyDestination:
		return true
	}
	return false
}

// hasField reports whether the packet has a value of the field.
func (d *Device) hasField(f Field, s *subject) bool {
	switch {
	case isAddressField(f):
		_, ok := d.addressField(f, s)
		return ok
	case f == HelperField:
		return d.helperOf(s) != ""
	case f == InInterface || f == OutInterface || f == AddressType:
		return true
	}
	_, ok := d.number(f, s)
	return ok
}
