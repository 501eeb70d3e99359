// Package netfilter is what the printers of nftables and iptables share: both say
// "one of several" within a rule only for the values of one field, so that a rule
// with any other disjunction becomes several rules.
package netfilter

import "ftplab/sim/firewall"

// MaxAlternatives is the number of rules that one rule may become.
const MaxAlternatives = 256

// Alternatives returns the rules that together do what a rule with these parts does:
// a packet that meets it meets exactly one of them. Disjuncts says into which
// conditions a language must take one apart; it returns nil or one condition for
// those that it can say. The result is nil if there would be too many, or if one of
// the conditions cannot be negated.
func Alternatives(parts []firewall.Part, disjuncts func(*firewall.Match) []firewall.Match) [][]firewall.Part {
	all := [][]firewall.Part{nil}
	for _, part := range parts {
		var choices []firewall.Match
		if part.Match != nil {
			choices = disjuncts(part.Match)
		}
		if len(choices) < 2 {
			if len(choices) == 1 {
				part = firewall.Part{Match: &choices[0]}
			}
			for i := range all {
				all[i] = append(all[i], part)
			}
			continue
		}
		if len(all)*len(choices) > MaxAlternatives {
			return nil
		}
		var next [][]firewall.Part
		for _, before := range all {
			for i := range choices {
				alternative, ok := choose(before, choices, i)
				if !ok {
					return nil
				}
				next = append(next, alternative)
			}
		}
		all = next
	}
	return all
}

// choose returns the parts before with choice i and the negation of those before it.
func choose(before []firewall.Part, choices []firewall.Match, i int) ([]firewall.Part, bool) {
	parts := append([]firewall.Part(nil), before...)
	for j := 0; j < i; j++ {
		other := choices[j]
		if len(other.AnyOf) > 0 {
			return nil, false
		}
		if disjoint(&other, &choices[i]) {
			continue
		}
		other.Negate = !other.Negate
		parts = append(parts, firewall.Part{Match: &other})
	}
	chosen := choices[i]
	return append(parts, firewall.Part{Match: &chosen}), true
}

// disjoint reports whether no value meets both of two conditions on one field.
func disjoint(a, b *firewall.Match) bool {
	if a.Field != b.Field || a.Negate || b.Negate || a.AnyBit || b.AnyBit || a.Set != 0 || b.Set != 0 {
		return false
	}
	if len(a.Ranges) > 0 && len(b.Ranges) > 0 {
		for _, r := range a.Ranges {
			for _, s := range b.Ranges {
				if r.Low <= s.High && s.Low <= r.High {
					return false
				}
			}
		}
		return true
	}
	if len(a.Addresses) > 0 && len(b.Addresses) > 0 {
		for _, t := range a.Addresses {
			for _, u := range b.Addresses {
				if familyOf(t) == familyOf(u) {
					return false
				}
			}
		}
		return true
	}
	return a.Mask != 0 && a.Mask == b.Mask && a.Bits != b.Bits
}

// familyOf returns the size in bits of the addresses of a test.
func familyOf(t firewall.AddressTest) int {
	if t.From.IsValid() {
		return t.From.BitLen()
	}
	return t.Base.BitLen()
}

// ByFamily returns the addresses of a condition taken apart into those of IPv4 and
// those of IPv6, nil if they are all of one family.
func ByFamily(m *firewall.Match) []firewall.Match {
	v4, v6 := *m, *m
	v4.Addresses, v6.Addresses = nil, nil
	for _, t := range m.Addresses {
		if familyOf(t) == 32 {
			v4.Addresses = append(v4.Addresses, t)
		} else {
			v6.Addresses = append(v6.Addresses, t)
		}
	}
	if len(v4.Addresses) == 0 || len(v6.Addresses) == 0 {
		return nil
	}
	return []firewall.Match{v4, v6}
}
