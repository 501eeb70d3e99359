package comware

import (
	"slices"
	"sort"
)

// ordered returns the rules in the order in which they are asked.
func (l *list) ordered() []*rule {
	rules := slices.Clone(l.rules)
	if l.auto {
		sort.SliceStable(rules, func(i, j int) bool { return rules[i].before(rules[j]) })
	}
	return rules
}

// before is the order of match-order auto (H3C: "depth first"): a VPN instance, a
// specific protocol, the narrower source, the narrower destination, the narrower
// range of ports, the earlier configured.
func (r *rule) before(s *rule) bool {
	for _, key := range [][2]int{
		{boolean(r.options[slotVPNInstance].set), boolean(s.options[slotVPNInstance].set)},
		{boolean(r.protocol != anyProtocol), boolean(s.protocol != anyProtocol)},
		{r.options[slotSource].depth(), s.options[slotSource].depth()},
		{r.options[slotDestination].depth(), s.options[slotDestination].depth()},
		{-r.ports(), -s.ports()},
		{-r.sequence, -s.sequence},
	} {
		if key[0] != key[1] {
			return key[0] > key[1]
		}
	}
	return false
}

// ports is how many pairs of ports a rule matches, for match-order auto.
func (r *rule) ports() int {
	n := 1
	for _, s := range []slot{slotSourcePort, slotDestinationPort} {
		if o := r.options[s]; o.set {
			n *= int(o.width)
		} else {
			n *= 65536
		}
	}
	return n
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}
