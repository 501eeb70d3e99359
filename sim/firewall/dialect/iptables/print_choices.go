package iptables

import (
	"slices"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/netfilter"
)

// choices says which conditions iptables cannot say in one rule.
func (s *section) choices(m *firewall.Match) [][]firewall.Match {
	switch {
	case m.Set != 0:
		return s.setChoices(m)
	case isStateList(m.AnyOf), isEitherPort(m.AnyOf), isNotICMP(m.AnyOf), m.Negate && len(m.AnyOf) == 0:
		return nil
	case len(m.AnyOf) > 0:
		return netfilter.Each(m.AnyOf)
	}
	var apart []firewall.Match
	switch m.Field {
	case firewall.SourceAddress, firewall.DestinationAddress:
		apart = addressChoices(m)
	case firewall.CTOriginalSource, firewall.CTOriginalDestination, firewall.CTReplySource, firewall.CTReplyDestination:
		for _, t := range m.Addresses {
			one := *m
			one.Addresses = []firewall.AddressTest{t}
			apart = append(apart, one)
		}
	case firewall.SourcePort, firewall.DestinationPort:
		apart = portChoices(m)
	case firewall.InInterface, firewall.OutInterface, firewall.HelperField:
		for _, name := range m.Names {
			one := *m
			one.Names = []string{name}
			apart = append(apart, one)
		}
	case firewall.Fragment, firewall.Family, firewall.Direction:
	default:
		apart = rangeChoices(m)
	}
	if len(apart) < 2 {
		return nil
	}
	return netfilter.Each(apart)
}

// rangeChoices takes ranges apart; those of protocols and ICMP, which iptables has
// one by one, into their values.
func rangeChoices(m *firewall.Match) []firewall.Match {
	single := m.Field == firewall.ProtocolField || m.Field == firewall.ICMPTypeField || m.Field == firewall.ICMPCodeField || m.Field == firewall.CTProtocol ||
		m.Field == firewall.DSCP || m.Field == firewall.Mark || m.Field == firewall.CTMark
	var apart []firewall.Match
	for _, r := range m.Ranges {
		if !single || r.High-r.Low >= netfilter.MaxAlternatives {
			one := *m
			one.Ranges = []firewall.Range{r}
			apart = append(apart, one)
			continue
		}
		for n := r.Low; n <= r.High; n++ {
			one := *m
			one.Ranges = []firewall.Range{{Low: n, High: n}}
			apart = append(apart, one)
		}
	}
	return apart
}

// maxSlots is what one -m multiport holds; a range takes two.
const maxSlots = 15

// portChoices takes ports apart into as many as -m multiport holds.
func portChoices(m *firewall.Match) []firewall.Match {
	var apart []firewall.Match
	slots := maxSlots
	for _, r := range m.Ranges {
		need := 1
		if r.Low != r.High {
			need = 2
		}
		if slots+need > maxSlots {
			one := *m
			one.Ranges = nil
			apart = append(apart, one)
			slots = 0
		}
		last := &apart[len(apart)-1]
		last.Ranges = append(last.Ranges, r)
		slots += need
	}
	return apart
}

// addressChoices takes ranges, of which -m iprange holds one, from prefixes, of which
// -s holds many.
func addressChoices(m *firewall.Match) []firewall.Match {
	prefixes := *m
	prefixes.Addresses = nil
	var apart []firewall.Match
	for _, t := range m.Addresses {
		if !t.From.IsValid() {
			prefixes.Addresses = append(prefixes.Addresses, t)
			continue
		}
		one := *m
		one.Addresses = []firewall.AddressTest{t}
		apart = append(apart, one)
	}
	if len(prefixes.Addresses) > 0 {
		apart = append(apart, prefixes)
	}
	return apart
}

// setChoices puts the elements of a set in the place of a condition on it.
func (s *section) setChoices(m *firewall.Match) [][]firewall.Match {
	set := &s.rs.Sets[m.Set-1]
	key := m.Key
	if len(key) == 0 {
		key = set.Key
	}
	if len(set.Elements) == 0 {
		return [][]firewall.Match{{{Field: firewall.Constant, Negate: !m.Negate, Text: m.Text}}}
	}
	if len(key) == 1 {
		one := firewall.Match{Field: key[0], Negate: m.Negate, Text: m.Text}
		for _, e := range set.Elements {
			one.Ranges = append(one.Ranges, e.Key[0].Ranges...)
			one.Addresses = append(one.Addresses, e.Key[0].Addresses...)
			one.Names = append(one.Names, e.Key[0].Names...)
			one.Mask = e.Key[0].Mask
			if e.Key[0].Mask != 0 { // exact values of flags
				exact := e.Key[0]
				exact.Field = key[0]
				one.AnyOf = append(one.AnyOf, exact)
			}
		}
		if again := s.choices(&one); again != nil {
			return again
		}
		return [][]firewall.Match{{one}}
	}
	if m.Negate {
		return [][]firewall.Match{{{Field: firewall.FieldNone, Text: m.Text}}} // condition says that it cannot be said
	}
	var all [][]firewall.Match
	for _, e := range set.Elements {
		var together []firewall.Match
		for k := range e.Key {
			one := e.Key[k]
			one.Field = key[k]
			together = append(together, one)
		}
		all = append(all, together)
	}
	return all
}

// isStateList reports whether alternatives are a state or a translation, a list to
// --ctstate.
func isStateList(alternatives []firewall.Match) bool {
	for _, m := range alternatives {
		translated := m.Field == firewall.Status && m.Mask&^uint32(firewall.StatusSNAT|firewall.StatusDNAT) == 0
		if !m.AnyBit || m.Negate || m.Field != firewall.State && !translated {
			return false
		}
	}
	return len(alternatives) > 0
}

// isEitherPort reports whether alternatives are the same ports of either direction,
// which --ports says.
func isEitherPort(alternatives []firewall.Match) bool {
	if len(alternatives) != 2 {
		return false
	}
	source, destination := alternatives[0], alternatives[1]
	return source.Field == firewall.SourcePort && destination.Field == firewall.DestinationPort && !source.Negate && !destination.Negate &&
		slices.Equal(source.Ranges, destination.Ranges) && len(portChoices(&source)) == 1
}

// isNotICMP reports whether alternatives are another ICMP type or another code, which
// is any but one type with its code.
func isNotICMP(alternatives []firewall.Match) bool {
	if len(alternatives) != 2 {
		return false
	}
	kind, code := alternatives[0], alternatives[1]
	return kind.Field == firewall.ICMPTypeField && code.Field == firewall.ICMPCodeField && kind.Negate && code.Negate &&
		isSingle(kind.Ranges) && isSingle(code.Ranges)
}

func isSingle(ranges []firewall.Range) bool {
	return len(ranges) == 1 && ranges[0].Low == ranges[0].High
}
