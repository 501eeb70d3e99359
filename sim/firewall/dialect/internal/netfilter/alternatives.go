// Package netfilter is what the printers of nftables and iptables share: both say
// "one of several" within a rule only for the values of one field, so that a rule
// with any other disjunction becomes several rules.
package netfilter

import (
	"strings"

	"ftplab/sim/firewall"
)

// MaxAlternatives is the number of rules that one rule may become.
const MaxAlternatives = 256

// Choices returns what a language must make of one condition: nil if it can say it,
// one conjunction to put in its place, or several of which a packet must meet one.
type Choices func(m *firewall.Match) [][]firewall.Match

// Alternatives returns the rules that together do what a rule with these parts does:
// a packet that meets it meets one of them and, but for choices of more than one
// condition, no other. The result is nil if there would be too many, or if a choice
// cannot be negated.
func Alternatives(parts []firewall.Part, choices Choices) [][]firewall.Part {
	all := [][]firewall.Part{nil}
	for _, part := range parts {
		var these [][]firewall.Match
		if part.Match != nil {
			these = choices(part.Match)
		}
		if these == nil {
			for i := range all {
				all[i] = append(all[i], part)
			}
			continue
		}
		if len(all)*len(these) > MaxAlternatives {
			return nil
		}
		var next [][]firewall.Part
		for _, before := range all {
			for i := range these {
				alternative, ok := choose(before, these, i)
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
func choose(before []firewall.Part, choices [][]firewall.Match, i int) ([]firewall.Part, bool) {
	parts := append([]firewall.Part(nil), before...)
	for j := 0; j < i; j++ {
		if len(choices[j]) != 1 || len(choices[i]) == 1 && disjoint(&choices[j][0], &choices[i][0]) {
			continue
		}
		other := choices[j][0]
		if len(other.AnyOf) > 0 {
			return nil, false
		}
		other.Negate = !other.Negate
		parts = append(parts, firewall.Part{Match: &other})
	}
	for k := range choices[i] {
		chosen := choices[i][k]
		parts = append(parts, firewall.Part{Match: &chosen})
	}
	return parts, true
}

// Each makes a choice of each condition.
func Each(matches []firewall.Match) [][]firewall.Match {
	var choices [][]firewall.Match
	for _, m := range matches {
		choices = append(choices, []firewall.Match{m})
	}
	return choices
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
	if len(a.Names) > 0 && len(b.Names) > 0 {
		return !overlap(a.Names, b.Names)
	}
	return a.Mask != 0 && a.Mask == b.Mask && a.Bits != b.Bits
}

// overlap reports whether some name is in both lists, where a trailing "+" or "*" is a
// prefix of names.
func overlap(a, b []string) bool {
	for _, x := range a {
		for _, y := range b {
			if beginsWith(x, y) || beginsWith(y, x) {
				return true
			}
		}
	}
	return false
}

// beginsWith reports whether a name is one of a pattern's.
func beginsWith(name, pattern string) bool {
	prefix := strings.TrimRight(pattern, "+*")
	if prefix == pattern {
		return name == pattern
	}
	return strings.HasPrefix(name, prefix)
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
