// Package rulestest helps to test what reads and writes rulesets.
package rulestest

import (
	"fmt"
	"net/netip"
	"slices"
	"sort"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/text"
)

// Meaning writes what a ruleset does, without how it is written: two texts mean the
// same if their meanings are equal. What is not modelled, and a rule that never
// matches, is no part of it.
func Meaning(rs *firewall.Ruleset) string {
	var b strings.Builder
	fmt.Fprintf(&b, "conntrack %v\n", rs.UsesConntrack)
	for i := range rs.Chains {
		c := &rs.Chains[i]
		if c.Name == "" || c.Family == "arp" || c.Family == "bridge" || c.Family == "netdev" {
			continue
		}
		fmt.Fprintf(&b, "chain %s %s %s hook %v type %v priority %d policy %v\n", c.Family, c.Table, c.Name, c.Hook, c.Type, c.Priority, c.Policy.Kind)
		ruleMeanings(&b, rs, c, "  ")
	}
	return b.String()
}

// blankForControl is what printers do to comments: a blank stands for a control
// character, which could end the line or steer the terminal.
func blankForControl(r rune) rune {
	if r < ' ' || r == 0x7f {
		return ' '
	}
	return r
}

func ruleMeanings(b *strings.Builder, rs *firewall.Ruleset, c *firewall.Chain, indent string) {
	for _, r := range rs.Rules[c.First : c.First+c.Count] {
		text, ok := partMeanings(rs, r.Parts)
		if !ok {
			continue // it never matches
		}
		fmt.Fprintf(b, "%s%s -> %s", indent, text, verdictMeaning(rs, r.Verdict))
		if r.Comment != "" {
			fmt.Fprintf(b, " %q", strings.Map(blankForControl, r.Comment))
		}
		b.WriteByte('\n')
		if v := r.Verdict; (v.Kind == firewall.Jump || v.Kind == firewall.Goto) && rs.Chains[v.Chain].Name == "" {
			ruleMeanings(b, rs, &rs.Chains[v.Chain], indent+"  ")
		}
	}
}

func verdictMeaning(rs *firewall.Ruleset, v firewall.Verdict) string {
	if v.Kind == firewall.Jump || v.Kind == firewall.Goto {
		return fmt.Sprintf("%d %s", v.Kind, rs.Chains[v.Chain].Name)
	}
	return fmt.Sprintf("%d %d", v.Kind, v.With)
}

// partMeanings writes the parts of a rule; false if one never holds. The order of
// conditions between two effects is none of the meaning.
func partMeanings(rs *firewall.Ruleset, parts []firewall.Part) (string, bool) {
	var all []string
	conditions := 0 // where those after the last effect begin
	for _, part := range parts {
		switch {
		case part.Match != nil && part.Match.Field == firewall.Constant && part.Match.Negate:
			return "", false
		case part.Match != nil && isBitTest(part.Match) && part.Match.Mask == 0 && part.Match.AnyBit && !part.Match.Negate:
			return "", false // any of no bits
		case part.Match != nil && (part.Match.Field == firewall.Constant || part.Match.Field == firewall.RateLimit):
		case part.Match != nil:
			all = append(all, matchMeaning(rs, part.Match))
		case part.Effect.Kind != firewall.NotModelled:
			e := *part.Effect
			if e.Kind != firewall.Log && e.Kind != firewall.SetHelper {
				e.Text = ""
			}
			set := ""
			if e.Map != 0 {
				set = setMeaning(rs, &rs.Sets[e.Map-1], e.Key)
				e.Map = 0
			}
			slices.Sort(all[conditions:])
			all = append(all, fmt.Sprintf("%+v%s", e, set))
			conditions = len(all)
		}
	}
	slices.Sort(all[conditions:])
	return strings.Join(all, " & "), true
}

// isBitTest reports whether a condition is about bits.
func isBitTest(m *firewall.Match) bool {
	return len(m.AnyOf) == 0 && m.Set == 0 && (m.Field == firewall.State || m.Field == firewall.TCPFlags || m.Field == firewall.Status)
}

func matchMeaning(rs *firewall.Ruleset, m *firewall.Match) string {
	if len(m.AnyOf) > 0 {
		var all []string
		for i := range m.AnyOf {
			all = append(all, matchMeaning(rs, &m.AnyOf[i]))
		}
		return "(" + strings.Join(all, " | ") + ")"
	}
	plain := *m
	plain.Text, plain.Column, plain.Set, plain.Key = "", 0, 0, nil
	if m.Set != 0 {
		return fmt.Sprintf("%v negate %v %s", m.Field, m.Negate, setMeaning(rs, &rs.Sets[m.Set-1], m.Key))
	}
	return fmt.Sprintf("%+v", plain)
}

func setMeaning(rs *firewall.Ruleset, s *firewall.Set, key []firewall.Field) string {
	var all []string
	for i := range s.Elements {
		e := &s.Elements[i]
		var fields []string
		for k := range e.Key {
			m := e.Key[k]
			m.Field = firewall.FieldNone
			fields = append(fields, matchMeaning(rs, &m))
		}
		all = append(all, fmt.Sprintf("%s => %s %v %d", strings.Join(fields, "."), verdictMeaning(rs, e.Verdict), e.Value, e.ValuePort))
	}
	return fmt.Sprintf("%s %v {%s}", s.Name, key, strings.Join(all, ", "))
}

// Canonical returns the ruleset with the values of sets and conditions as the
// kernel keeps them: in order, ranges that overlap or touch made one.
func Canonical(rs *firewall.Ruleset) *firewall.Ruleset {
	out := *rs
	out.Rules = append([]firewall.Rule(nil), rs.Rules...)
	out.Sets = append([]firewall.Set(nil), rs.Sets...)
	for i := range out.Rules {
		parts := append([]firewall.Part(nil), out.Rules[i].Parts...)
		for k := range parts {
			if parts[k].Match != nil {
				m := canonicalMatch(*parts[k].Match)
				parts[k].Match = &m
			}
		}
		out.Rules[i].Parts = parts
	}
	for i := range out.Sets {
		elements := append([]firewall.SetElement(nil), out.Sets[i].Elements...)
		sort.SliceStable(elements, func(a, b int) bool {
			return elementMeaning(&elements[a]) < elementMeaning(&elements[b])
		})
		out.Sets[i].Elements = elements
	}
	return &out
}

func elementMeaning(e *firewall.SetElement) string {
	var fields []string
	for _, m := range e.Key {
		m.Text = ""
		fields = append(fields, fmt.Sprintf("%+v", m))
	}
	return strings.Join(fields, ".")
}

func canonicalMatch(m firewall.Match) firewall.Match {
	m.Ranges = joined(m.Ranges)
	m.Addresses = append([]firewall.AddressTest(nil), m.Addresses...)
	m.Names = append([]string(nil), m.Names...)
	sort.Strings(m.Names)
	for i, t := range m.Addresses {
		if p, ok := text.PrefixOf(t); ok && !t.From.IsValid() {
			m.Addresses[i] = firewall.AddressTest{From: p.Addr(), To: lastOf(p)}
		}
	}
	sort.Slice(m.Addresses, func(i, j int) bool { return m.Addresses[i].From.Less(m.Addresses[j].From) })
	var merged []firewall.AddressTest
	for _, t := range m.Addresses {
		if n := len(merged) - 1; n >= 0 && t.From.IsValid() && (t.From.Compare(merged[n].To) <= 0 || merged[n].To.Next() == t.From) {
			if merged[n].To.Less(t.To) {
				merged[n].To = t.To
			}
			continue
		}
		merged = append(merged, t)
	}
	m.Addresses = merged
	if m.Mask != 0 && m.Bits == 0 && !m.AnyBit { // no bit is: not any is
		m.AnyBit, m.Negate = true, !m.Negate
	}
	any := append([]firewall.Match(nil), m.AnyOf...)
	sort.Slice(any, func(i, j int) bool { return any[i].Bits < any[j].Bits })
	m.AnyOf = any
	return m
}

func joined(ranges []firewall.Range) []firewall.Range {
	sorted := append([]firewall.Range(nil), ranges...)
	sort.Slice(sorted, func(i, j int) bool { return sorted[i].Low < sorted[j].Low })
	var all []firewall.Range
	for _, r := range sorted {
		if n := len(all) - 1; n >= 0 && r.Low <= all[n].High+1 {
			all[n].High = max(all[n].High, r.High)
			continue
		}
		all = append(all, r)
	}
	return all
}

// lastOf returns the last address of a prefix.
func lastOf(p netip.Prefix) netip.Addr {
	octets := p.Addr().AsSlice()
	for i := p.Bits(); i < p.Addr().BitLen(); i++ {
		octets[i/8] |= 0x80 >> (i % 8)
	}
	last, _ := netip.AddrFromSlice(octets)
	return last
}
