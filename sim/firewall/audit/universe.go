// Package audit says what a ruleset permits, exactly: which ports of a server an
// arbitrary host reaches, which rules never decide anything and why, and on which
// packet two rulesets differ.
//
// A ruleset is compiled to regions of the space of all packets (boxes over addresses,
// ports, protocol, flags, connection state, interfaces): for each rule the packets that
// it decides. No packet is sampled; what is said holds for all of them. The number of
// boxes is bounded by a budget, and a report says when it was hit.
package audit

import (
	"sort"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/wire"
)

// Family is the IP version that an analysis is about.
type Family uint8

// The two families.
const (
	IPv4 Family = 4
	IPv6 Family = 6
)

// stateNone is the bit of dimState for a ruleset without connection tracking, and
// statePlaces how many bits there are.
const (
	stateNone   = 5
	statePlaces = 6
)

// universe is the space that rulesets are compared in.
type universe struct {
	family     Family
	interfaces []string // without the last place, "any other"
	budget     *budget
}

// newUniverse knows every interface that one of the rulesets names.
func newUniverse(family Family, b *budget, rulesets ...*firewall.Ruleset) *universe {
	names := map[string]bool{}
	for _, rs := range rulesets {
		for i := range rs.Chains {
			if name := rs.Chains[i].Interface; name != "" {
				names[name] = true
			}
		}
		for i := range rs.Rules {
			for _, part := range rs.Rules[i].Parts {
				if part.Match != nil {
					interfaceNames(part.Match, names)
				}
			}
		}
		for _, s := range rs.Sets {
			for _, e := range s.Elements {
				for i := range e.Key {
					interfaceNames(&e.Key[i], names)
				}
			}
		}
	}
	u := &universe{family: family, budget: b}
	for name := range names {
		u.interfaces = append(u.interfaces, name)
	}
	sort.Strings(u.interfaces)
	if len(u.interfaces) > 62 {
		u.interfaces = u.interfaces[:62] // the others count as "any other"
		b.hit = true
	}
	return u
}

func interfaceNames(m *firewall.Match, names map[string]bool) {
	for i := range m.AnyOf {
		interfaceNames(&m.AnyOf[i], names)
	}
	if m.Field != firewall.InInterface && m.Field != firewall.OutInterface {
		return
	}
	for _, n := range m.Names {
		if base, isPrefix := pattern(n); isPrefix {
			names[base+"0"] = true // one interface that the pattern means
		} else {
			names[n] = true
		}
	}
}

// pattern splits an interface pattern "eth+" into its prefix.
func pattern(name string) (string, bool) {
	for _, mark := range []string{"+", "*"} {
		if base, ok := strings.CutSuffix(name, mark); ok {
			return base, true
		}
	}
	return name, false
}

// everything is the box of all packets. Ports, flags and ICMP fields are free
// whatever the protocol: a rule that looks at them also names the protocol.
func (u *universe) everything() box {
	var b box
	top := number{lo: 1<<32 - 1}
	if u.family == IPv6 {
		top = number{^uint64(0), ^uint64(0)}
	}
	for d, high := range [orderedDims]number{top, top, small(255), small(65535), small(65535), small(255), small(255)} {
		b.spans[d] = span{high: high}
	}
	for d, places := range [finiteDims]int{64, statePlaces, 3, 2, len(u.interfaces) + 1, len(u.interfaces) + 1, 2, 2} {
		b.sets[d] = lowest(places)
	}
	return b
}

// lowest returns the n lowest bits.
func lowest(n int) uint64 {
	if n >= 64 {
		return ^uint64(0)
	}
	return 1<<n - 1
}

// interfaceSet returns the places of the interfaces that match one of the patterns.
func (u *universe) interfaceSet(patterns []string) uint64 {
	var set uint64
	for _, p := range patterns {
		base, isPrefix := pattern(p)
		for i, name := range u.interfaces {
			if name == p || isPrefix && strings.HasPrefix(name, base) {
				set |= 1 << i
			}
		}
	}
	return set
}

// flagSets returns the sets of TCP flags for which test holds, as bits.
func flagSets(test func(wire.Flags) bool) uint64 {
	var set uint64
	for f := range 64 {
		if test(wire.Flags(f)) {
			set |= 1 << f
		}
	}
	return set
}
