package firewall

import "slices"

// UsedInterfaces returns the names of interfaces that matter in a ruleset, in its order:
// those that lists and inspections are applied to, and those that rules ask for. A name
// may be a pattern ("ppp*", "eth+").
func (rs *Ruleset) UsedInterfaces() []string {
	var out []string
	add := func(names ...string) {
		for _, name := range names {
			if name != "" && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	for _, c := range rs.Chains {
		add(c.Interface)
	}
	for _, i := range rs.Inspections {
		add(i.Interface)
	}
	var matches func([]Match)
	matches = func(list []Match) {
		for _, m := range list {
			if m.Field == InInterface || m.Field == OutInterface {
				add(m.Names...)
			}
			matches(m.AnyOf)
		}
	}
	for _, rule := range rs.Rules {
		for _, p := range rule.Parts {
			if p.Match != nil {
				matches([]Match{*p.Match})
			}
		}
	}
	for _, s := range rs.Sets {
		for _, e := range s.Elements {
			matches(e.Key)
		}
	}
	return out
}
