package audit

import (
	"math/bits"
	"net/netip"
	"slices"

	"ftplab/sim/firewall"
	"ftplab/sim/wire"
)

// maxWildcard is how many ranges one non-contiguous wildcard may stand for.
const maxWildcard = 4096

// matched returns the packets of the universe for which a condition holds. Exact is
// false if the condition looks at something that is not in the universe (a mark, a rate);
// the region is then an over-approximation.
func (u *universe) matched(rs *firewall.Ruleset, m *firewall.Match) (r region, exact bool) {
	r, exact = u.positive(rs, m)
	if m.Negate {
		if !exact {
			return region{u.everything()}, false
		}
		r = region{u.everything()}.subtract(r, u.budget)
	}
	if rs.Dialect != "nft" && looksBehindHeader(m) { // nft takes the first octets of any fragment for ports
		b := u.everything()
		b.sets[dimFragment] = 1<<0 | 1<<1
		r = r.intersect(region{b}, u.budget)
	}
	return r, exact
}

// looksBehindHeader reports whether a condition is about the transport header, which a
// later fragment does not have: it does not hold there, negated or not.
func looksBehindHeader(m *firewall.Match) bool {
	transport := func(f firewall.Field) bool {
		switch f {
		case firewall.SourcePort, firewall.DestinationPort, firewall.TCPFlags, firewall.ICMPTypeField, firewall.ICMPCodeField:
			return true
		}
		return false
	}
	return len(m.AnyOf) == 0 && (transport(m.Field) || slices.ContainsFunc(m.Key, transport))
}

func (u *universe) positive(rs *firewall.Ruleset, m *firewall.Match) (region, bool) {
	switch {
	case len(m.AnyOf) > 0:
		return u.union(rs, m.AnyOf)
	case m.Set > 0:
		return u.inSet(rs, m)
	}
	all := u.everything()
	if d, ok := ordered(m.Field); ok {
		return u.inSpans(d, u.spansOf(m)), true
	}
	set, d, ok := u.finite(m)
	if !ok {
		return region{all}, false
	}
	if set &= all.sets[d]; set == 0 {
		return nil, true
	}
	all.sets[d] = set
	return region{all}, true
}

// union is the packets for which one of the conditions holds, as disjoint boxes.
func (u *universe) union(rs *firewall.Ruleset, any []firewall.Match) (region, bool) {
	var all region
	exact := true
	for i := range any {
		r, ok := u.matched(rs, &any[i])
		exact = exact && ok
		all = append(all, r.subtract(all, u.budget)...)
	}
	return all, exact
}

// inSet is the packets whose (concatenated) value is in a set.
func (u *universe) inSet(rs *firewall.Ruleset, m *firewall.Match) (region, bool) {
	var all region
	exact := true
	elements := rs.Sets[m.Set-1].Elements
	for i := range elements {
		r, ok := u.inElement(rs, &elements[i], m.Key)
		exact = exact && ok
		all = append(all, r.subtract(all, u.budget)...)
	}
	return all, exact
}

// inElement is the packets whose fields have the values of an element.
func (u *universe) inElement(rs *firewall.Ruleset, element *firewall.SetElement, fields []firewall.Field) (region, bool) {
	r, exact := region{u.everything()}, true
	for k := range element.Key {
		key := element.Key[k]
		if key.Field == firewall.FieldNone && k < len(fields) {
			key.Field = fields[k]
		}
		one, ok := u.matched(rs, &key)
		exact = exact && ok
		r = r.intersect(one, u.budget)
	}
	return r, exact
}

func ordered(f firewall.Field) (int, bool) {
	switch f {
	case firewall.SourceAddress:
		return dimSource, true
	case firewall.DestinationAddress:
		return dimDestination, true
	case firewall.ProtocolField:
		return dimProtocol, true
	case firewall.SourcePort:
		return dimSourcePort, true
	case firewall.DestinationPort:
		return dimDestinationPort, true
	case firewall.ICMPTypeField:
		return dimICMPType, true
	case firewall.ICMPCodeField:
		return dimICMPCode, true
	}
	return 0, false
}

// inSpans is the packets whose property d is in one of the spans, as disjoint boxes.
func (u *universe) inSpans(d int, spans []span) region {
	var all region
	for _, s := range spans {
		b := u.everything()
		b.spans[d] = s
		if c, ok := b.intersect(&box{spans: withSpan(u.everything().spans, d, s), sets: b.sets}); ok {
			all = append(all, region{c}.subtract(all, u.budget)...)
		}
	}
	return all
}

func withSpan(spans [orderedDims]span, d int, s span) [orderedDims]span {
	if s.low.less(spans[d].low) {
		s.low = spans[d].low
	}
	if spans[d].high.less(s.high) {
		s.high = spans[d].high
	}
	spans[d] = s
	return spans
}

// spansOf lists the values of an ordered condition.
func (u *universe) spansOf(m *firewall.Match) []span {
	var spans []span
	for _, r := range m.Ranges {
		spans = append(spans, span{small(r.Low), small(r.High)})
	}
	for _, a := range m.Addresses {
		spans = append(spans, u.addressSpans(a)...)
	}
	return spans
}

// addressSpans lists the ranges of addresses that a test means: one for a prefix, a
// range of its own, 2^k for a wildcard with k scattered bits.
func (u *universe) addressSpans(a firewall.AddressTest) []span {
	if a.From.IsValid() {
		if !u.has(a.From) {
			return nil
		}
		return []span{{addressNumber(a.From), addressNumber(a.To)}}
	}
	if !u.has(a.Base) {
		return nil
	}
	care, base := addressNumber(a.Care), addressNumber(a.Base)
	base.hi, base.lo = base.hi&care.hi, base.lo&care.lo
	width := 32
	if u.family == IPv6 {
		width = 128
	}
	trailing := min(trailingZeros(care), width)
	var free []int // bits above the lowest one that is looked at, which are not
	for i := trailing; i < width; i++ {
		if !bit(care, i) {
			free = append(free, i)
		}
	}
	if len(free) > bits.Len(maxWildcard)-1 {
		u.budget.hit = true
		return []span{{base, fill(base, trailing)}}
	}
	var spans []span
	for choice := range 1 << len(free) {
		low := base
		for k, i := range free {
			if choice>>k&1 == 1 {
				low = setBit(low, i)
			}
		}
		spans = append(spans, span{low, fill(low, trailing)})
	}
	return spans
}

func (u *universe) has(a netip.Addr) bool { return a.Is4() == (u.family == IPv4) }

func bit(n number, i int) bool {
	if i >= 64 {
		return n.hi>>(i-64)&1 == 1
	}
	return n.lo>>i&1 == 1
}

func setBit(n number, i int) number {
	if i >= 64 {
		n.hi |= 1 << (i - 64)
	} else {
		n.lo |= 1 << i
	}
	return n
}

// fill sets the lowest n bits.
func fill(a number, n int) number {
	a.lo |= lowest(min(n, 64))
	if n > 64 {
		a.hi |= lowest(n - 64)
	}
	return a
}

func trailingZeros(n number) int {
	if n.lo != 0 {
		return bits.TrailingZeros64(n.lo)
	}
	return 64 + bits.TrailingZeros64(n.hi)
}

// finite returns the values of a condition on a property with few of them; ok is false
// for a property that is not in the universe.
func (u *universe) finite(m *firewall.Match) (set uint64, dim int, ok bool) {
	switch m.Field {
	case firewall.TCPFlags:
		return flagSets(func(f wire.Flags) bool { return bitsHold(m, uint32(f)) }), dimFlags, true
	case firewall.State:
		var set uint64
		for place := range stateNone {
			if bitsHold(m, 1<<place) {
				set |= 1 << place
			}
		}
		return set, dimState, true
	case firewall.Fragment:
		return rangeBits(m.Ranges, 3), dimFragment, true
	case firewall.Direction:
		return rangeBits(m.Ranges, 2), dimReply, true
	case firewall.InInterface:
		return u.interfaceSet(m.Names), dimIn, true
	case firewall.OutInterface:
		return u.interfaceSet(m.Names), dimOut, true
	case firewall.Status:
		if bit := uint32(firewall.StatusDNAT); m.Mask == bit {
			return map[bool]uint64{true: 1 << 1, false: 1 << 0}[m.AnyBit || m.Bits == bit], dimTranslated, true
		}
		return 0, 0, false
	case firewall.HelperField:
		return 1 << 1, dimHelper, true
	case firewall.Family:
		if len(m.Ranges) > 0 && m.Ranges[0].Low <= uint64(u.family) && uint64(u.family) <= m.Ranges[0].High {
			return ^uint64(0), dimHelper, true
		}
		return 0, dimHelper, true
	case firewall.Constant:
		return ^uint64(0), dimHelper, true
	}
	return 0, 0, false
}

func bitsHold(m *firewall.Match, value uint32) bool {
	if m.AnyBit {
		return value&m.Mask != 0
	}
	return value&m.Mask == m.Bits
}

func rangeBits(ranges []firewall.Range, places int) uint64 {
	var set uint64
	for i := range places {
		for _, r := range ranges {
			if r.Low <= uint64(i) && uint64(i) <= r.High {
				set |= 1 << i
			}
		}
	}
	return set
}
