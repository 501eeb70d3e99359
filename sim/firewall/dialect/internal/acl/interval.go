package acl

import (
	"net/netip"
	"slices"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/text"
)

// normalise returns ranges in ascending order, joined where they touch, within 0 to
// high; with negate what they leave out.
func normalise(ranges []firewall.Range, negate bool, high uint64) []firewall.Range {
	sorted := slices.Clone(ranges)
	slices.SortFunc(sorted, func(a, b firewall.Range) int {
		switch {
		case a.Low < b.Low:
			return -1
		case a.Low > b.Low:
			return 1
		}
		return 0
	})
	var joined []firewall.Range
	for _, r := range sorted {
		if r.Low > high || r.High < r.Low {
			continue
		}
		r.High = min(r.High, high)
		if n := len(joined); n > 0 && r.Low <= joined[n-1].High+1 {
			joined[n-1].High = max(joined[n-1].High, r.High)
			continue
		}
		joined = append(joined, r)
	}
	if !negate {
		return joined
	}
	var left []firewall.Range
	next := uint64(0)
	for _, r := range joined {
		if r.Low > next {
			left = append(left, firewall.Range{Low: next, High: r.Low - 1})
		}
		next = r.High + 1
	}
	if next <= high {
		left = append(left, firewall.Range{Low: next, High: high})
	}
	return left
}

// prefixes returns an address test as tests with a mask: a range becomes the networks
// that make it up, the least possible number of them.
func prefixes(t firewall.AddressTest) []firewall.AddressTest {
	if !t.From.IsValid() {
		return []firewall.AddressTest{t}
	}
	var list []firewall.AddressTest
	for from := t.From; from.IsValid() && !t.To.Less(from); {
		length := from.BitLen()
		for length > 0 {
			wider := netip.PrefixFrom(from, length-1).Masked()
			if wider.Addr() != from || t.To.Less(lastOf(wider)) {
				break
			}
			length--
		}
		p := netip.PrefixFrom(from, length)
		list = append(list, text.Prefix(p))
		from = lastOf(p).Next()
	}
	return list
}

// lastOf returns the highest address of a network.
func lastOf(p netip.Prefix) netip.Addr {
	octets := p.Masked().Addr().AsSlice()
	for i := range octets {
		keep := min(8, max(0, p.Bits()-8*i))
		octets[i] |= byte(0xff >> keep)
	}
	a, _ := netip.AddrFromSlice(octets)
	return a
}

// complement returns the addresses of the same family that none of the tests contains.
func complement(tests []firewall.AddressTest) ([]firewall.AddressTest, string) {
	var ranges []firewall.AddressTest
	for _, t := range tests {
		if t.From.IsValid() {
			ranges = append(ranges, t)
			continue
		}
		p, ok := text.PrefixOf(t)
		if !ok {
			return nil, "it excludes addresses by a mask with holes"
		}
		ranges = append(ranges, firewall.AddressTest{From: p.Masked().Addr(), To: lastOf(p)})
	}
	slices.SortFunc(ranges, func(a, b firewall.AddressTest) int { return a.From.Compare(b.From) })
	if len(ranges) == 0 {
		return nil, ""
	}
	if ranges[0].From.BitLen() != ranges[len(ranges)-1].From.BitLen() {
		return nil, "it excludes addresses of both families"
	}
	next := text.Prefix(netip.PrefixFrom(ranges[0].From, 0)).Base
	end := lastOf(netip.PrefixFrom(ranges[0].From, 0))
	var left []firewall.AddressTest
	for _, r := range ranges {
		if next.IsValid() && next.Less(r.From) {
			left = append(left, firewall.AddressTest{From: next, To: r.From.Prev()})
		}
		if next.IsValid() && !r.To.Less(next) {
			next = r.To.Next() // invalid behind the last address
		}
	}
	if next.IsValid() && !end.Less(next) {
		left = append(left, firewall.AddressTest{From: next, To: end})
	}
	return left, ""
}
