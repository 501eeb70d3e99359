package asa

import (
	"fmt"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/acl"
	"ftplab/sim/firewall/dialect/internal/text"
)

// build makes the ruleset of what was read.
func (p *parser) build(file, config string) *firewall.Ruleset {
	rules := &firewall.Ruleset{Dialect: Name, Text: config, File: file, UsesConntrack: true}
	if !p.known {
		p.report.Error(1, &text.Problem{Column: 1, EndColumn: 1, Message: "there is no ASA statement in the text",
			Hint: "begin with access-list NAME extended permit ..."})
		return rules
	}
	filters, global := p.resolveFilters()
	places := map[*list]int{}
	for _, l := range p.lists {
		chain := firewall.Chain{
			Table: "extended", Family: "inet", Name: l.name, Line: l.line, First: len(rules.Rules),
			Policy: acl.Verdict(false), PolicyText: "implicit deny",
		}
		if l.standard {
			chain.Table = "standard"
		}
		place := len(rules.Chains)
		places[l] = place
		for i, e := range l.entries {
			for _, parts := range e.variants {
				rules.Rules = append(rules.Rules, e.build(place, i+1, parts))
			}
		}
		chain.Count = len(rules.Rules) - chain.First
		applied := false
		for _, f := range filters[l] {
			if f.hook == firewall.Outbound || global == nil {
				chain.Hook, chain.Interface, applied = f.hook, p.nameif(f.nameif), true
				rules.Chains = append(rules.Chains, chain)
			}
		}
		if !applied {
			rules.Chains = append(rules.Chains, chain)
		}
	}
	if global != nil {
		p.buildGlobal(rules, filters, places, global)
	}
	p.buildLevels(rules, global != nil)
	p.buildInspections(rules)
	for _, in := range p.ports {
		rules.Interfaces = append(rules.Interfaces, in.config)
	}
	if err := acl.CheckSize(rules); err != nil {
		p.report.Error(1, err)
	}
	return rules
}

// resolveFilters returns the access-groups of each list, and the global one.
func (p *parser) resolveFilters() (map[*list][]filter, *filter) {
	filters := map[*list][]filter{}
	var global *filter
	for i := range p.filters {
		f := &p.filters[i]
		l := p.byName[f.word.Text]
		if l == nil {
			p.line = f.line
			p.warn(text.At(f.word, "the access list %q is not in the text: the access-group is left out", f.word.Text))
			f.word.Text = ""
			continue
		}
		if f.global {
			global = f
			continue
		}
		filters[l] = append(filters[l], *f)
	}
	return filters, global
}

// buildGlobal makes, for each interface and for all others, an inbound list that asks
// the interface's own access list and then the global one.
func (p *parser) buildGlobal(rules *firewall.Ruleset, filters map[*list][]filter, places map[*list]int, global *filter) {
	add := func(iface string, calls ...*filter) {
		place := len(rules.Chains)
		chain := firewall.Chain{
			Table: "access-group", Family: "inet", Name: calls[0].word.Text, Line: calls[0].line, Hook: firewall.Inbound, Interface: iface,
			First: len(rules.Rules), Count: len(calls), Policy: acl.Verdict(false), PolicyText: "implicit deny",
		}
		for _, f := range calls {
			rules.Rules = append(rules.Rules, firewall.Rule{
				Chain: place, Line: f.line, Column: 1, Text: f.text,
				Verdict: firewall.Verdict{Kind: firewall.Jump, Chain: places[p.byName[f.word.Text]]},
			})
		}
		rules.Chains = append(rules.Chains, chain)
	}
	own := false
	for _, l := range p.lists {
		for i, f := range filters[l] {
			if f.hook == firewall.Inbound {
				own = true
				add(p.nameif(f.nameif), &filters[l][i], global)
			}
		}
	}
	if !own {
		add("", global)
		return
	}
	for _, in := range p.ports {
		if in.config.NameIf != "" && !p.hasInbound(in.config.NameIf) {
			add(in.config.NameIf, global)
		}
	}
}

// hasInbound reports whether an interface has an inbound access list of its own.
func (p *parser) hasInbound(nameif string) bool {
	for _, f := range p.filters {
		if !f.global && f.hook == firewall.Inbound && f.word.Text != "" && p.nameif(f.nameif) == nameif {
			return true
		}
	}
	return false
}

// buildLevels makes the forward chain of the security levels: which interfaces a
// connection may go to from each. An interface with an access list may send to every
// interface of another level, for the list has decided.
func (p *parser) buildLevels(rules *firewall.Ruleset, global bool) {
	var named []*port
	for _, in := range p.ports {
		if in.config.NameIf != "" {
			named = append(named, in)
		}
	}
	if len(named) == 0 {
		return
	}
	const most = 1024
	if len(named) > most {
		p.report.Error(1, &text.Problem{Column: 1, EndColumn: 1, Message: fmt.Sprintf("there are more than %d interfaces", most)})
		return
	}
	place := len(rules.Chains)
	chain := firewall.Chain{
		Table: "security-level", Family: "inet", Name: "security-levels", Hook: firewall.Forward, First: len(rules.Rules),
		Policy: acl.Verdict(false), PolicyText: "a lower or equal security level may not open connections",
	}
	for _, from := range named {
		listed := global || p.hasInbound(from.config.NameIf)
		var allowed []string
		for _, to := range named {
			if p.mayOpen(from, to, listed) {
				allowed = append(allowed, to.config.NameIf)
			}
		}
		if len(allowed) == 0 {
			continue
		}
		label := fmt.Sprintf("%s (level %d)", from.config.NameIf, from.config.SecurityLevel)
		why := "to lower levels"
		if listed {
			why = "has an access list"
		}
		rules.Rules = append(rules.Rules, firewall.Rule{
			Chain: place, Line: max(1, from.levelLine), Column: 1, Text: "security-level " + label + " " + why, Verdict: acl.Verdict(true),
			Parts: []firewall.Part{
				acl.If(firewall.Match{Field: firewall.InInterface, Names: []string{from.config.NameIf}, Text: label}),
				acl.If(firewall.Match{Field: firewall.OutInterface, Names: allowed, Text: "an interface it may open connections to"}),
			},
		})
	}
	chain.Count = len(rules.Rules) - chain.First
	rules.Chains = append(rules.Chains, chain)
}

func (p *parser) mayOpen(from, to *port, listed bool) bool {
	switch {
	case from == to:
		return p.samePort
	case from.config.SecurityLevel == to.config.SecurityLevel:
		return p.sameLevel
	}
	return listed || from.config.SecurityLevel > to.config.SecurityLevel
}
