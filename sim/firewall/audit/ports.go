package audit

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// Ports is a set of ports as sorted, disjoint inclusive ranges.
type Ports []PortRange

// PortRange is an inclusive range of ports.
type PortRange struct {
	From uint16 `json:"from"`
	To   uint16 `json:"to"`
}

// Count returns how many ports are in the set.
func (p Ports) Count() int {
	n := 0
	for _, r := range p {
		n += int(r.To) - int(r.From) + 1
	}
	return n
}

// String prints the set: "21, 1025-65535", or "none".
func (p Ports) String() string {
	if len(p) == 0 {
		return "none"
	}
	var parts []string
	for _, r := range p {
		if r.From == r.To {
			parts = append(parts, fmt.Sprint(r.From))
		} else {
			parts = append(parts, fmt.Sprintf("%d-%d", r.From, r.To))
		}
	}
	return strings.Join(parts, ", ")
}

// portsOf joins ranges of a region's property d.
func portsOf(r region, d int) Ports {
	var all Ports
	for i := range r {
		s := r[i].spans[d]
		all = append(all, PortRange{uint16(s.low.lo), uint16(s.high.lo)})
	}
	return all.joined()
}

// joined returns the set in order, with ranges that touch made one.
func (p Ports) joined() Ports {
	all := slices.Clone(p)
	sort.Slice(all, func(i, j int) bool { return all[i].From < all[j].From })
	var joined Ports
	for _, next := range all {
		if n := len(joined); n > 0 && int(next.From) <= int(joined[n-1].To)+1 {
			joined[n-1].To = max(joined[n-1].To, next.To)
			continue
		}
		joined = append(joined, next)
	}
	return joined
}

// meets reports whether the sets have a port in common.
func (p Ports) meets(q Ports) bool {
	for _, r := range p {
		for _, s := range q {
			if r.From <= s.To && s.From <= r.To {
				return true
			}
		}
	}
	return false
}
