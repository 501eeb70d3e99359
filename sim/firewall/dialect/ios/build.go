package ios

import (
	"fmt"
	"strconv"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/acl"
	"ftplab/sim/firewall/dialect/internal/cisco"
	"ftplab/sim/firewall/dialect/internal/text"
	"ftplab/sim/wire"
)

// build makes the ruleset of what was read.
func (p *parser) build(file, config string) *firewall.Ruleset {
	rules := &firewall.Ruleset{Dialect: Name, Text: config, File: file}
	if !p.known {
		p.report.Error(1, &text.Problem{Column: 1, EndColumn: 1, Message: "there is no IOS statement in the text",
			Hint: "begin with access-list 101 permit ..., or with ip access-list extended NAME"})
		return rules
	}
	used := p.resolveFilters()
	for _, l := range p.lists {
		chain := firewall.Chain{
			Table: "extended", Family: "ip", Name: l.name, Line: l.line, First: len(rules.Rules),
			Policy: acl.Verdict(false), PolicyText: "implicit deny",
		}
		if l.standard {
			chain.Table = "standard"
		}
		place := len(rules.Chains)
		for _, e := range l.entries {
			for _, parts := range e.variants {
				rules.Rules = append(rules.Rules, e.build(place, parts))
			}
		}
		if l.ipv6 {
			chain.Family = "ip6"
			rules.Rules = append(rules.Rules, neighborDiscovery(place, l.line)...)
		}
		if len(l.entries) == 0 {
			chain.Policy, chain.PolicyText = acl.Verdict(true), "an empty list permits everything"
		}
		chain.Count = len(rules.Rules) - chain.First
		for _, a := range used[l] {
			applied := chain
			applied.Hook, applied.Interface = a.hook, a.iface
			rules.Chains = append(rules.Chains, applied)
		}
		if len(used[l]) == 0 {
			rules.Chains = append(rules.Chains, chain)
		}
	}
	p.buildZones(rules)
	p.buildInspections(rules)
	for _, in := range p.portOrder {
		rules.Interfaces = append(rules.Interfaces, in.config)
	}
	rules.UsesConntrack = len(rules.Inspections) > 0
	if err := acl.CheckSize(rules); err != nil {
		p.report.Error(1, err)
	}
	return rules
}

func (e *entry) build(chain int, parts []firewall.Part) firewall.Rule {
	return firewall.Rule{
		Chain: chain, ID: strconv.Itoa(e.sequence), Line: e.line, Column: e.column, Text: e.text, Comment: e.comment,
		Parts: parts, Verdict: acl.Verdict(e.permit),
	}
}

// neighborDiscovery are the two rules that every IPv6 list ends with before its
// implicit deny.
func neighborDiscovery(chain, line int) []firewall.Rule {
	var rules []firewall.Rule
	for _, nd := range []struct {
		name string
		kind uint64
	}{{"nd-na", 136}, {"nd-ns", 135}} {
		rules = append(rules, firewall.Rule{
			Chain: chain, Line: line, Column: 1, Text: "implicit permit icmp any any " + nd.name, Verdict: acl.Verdict(true),
			Parts: []firewall.Part{
				acl.If(acl.Protocol(uint8(wire.ICMPv6), "icmp", 0)),
				acl.If(acl.Number(firewall.ICMPTypeField, nd.kind, nd.name, 0)),
			},
		})
	}
	return rules
}

// placement is where a list is applied.
type placement struct {
	hook  firewall.Hook
	iface string
}

// resolveFilters returns where each list is applied. A list that is not in the text
// filters nothing.
func (p *parser) resolveFilters() map[*list][]placement {
	used := map[*list][]placement{}
	for _, in := range p.portOrder {
		for _, f := range in.filters {
			l := p.byName[f.name]
			if l == nil {
				p.line = f.line
				p.warn(text.At(f.word, "the access list %q is not in the text: it permits everything", f.word.Text))
				continue
			}
			used[l] = append(used[l], placement{f.hook, in.config.Name})
		}
	}
	return used
}

// buildZones makes the zone-based firewall: a forward chain in which interfaces of no
// zone and of one zone pass, and each zone pair jumps to its policy.
func (p *parser) buildZones(rules *firewall.Ruleset) {
	var all []string
	for _, z := range p.zoneOrder {
		all = append(all, z.interfaces...)
	}
	if len(all) == 0 && len(p.pairs) == 0 {
		return
	}
	policies := p.buildPolicies(rules)
	place := len(rules.Chains)
	chain := firewall.Chain{
		Table: "zones", Name: "zone-pairs", Hook: firewall.Forward, First: len(rules.Rules),
		Policy: acl.Verdict(false), PolicyText: "zones: what no policy passes is dropped",
	}
	add := func(line int, statement string, verdict firewall.Verdict, parts ...firewall.Part) {
		rules.Rules = append(rules.Rules, firewall.Rule{Chain: place, Line: max(1, line), Column: 1, Text: statement, Verdict: verdict, Parts: parts})
	}
	if len(all) > 0 {
		add(p.zoneOrder[0].line, "interfaces in no zone", acl.Verdict(true),
			interfaces(firewall.InInterface, all, true, "in no zone"), interfaces(firewall.OutInterface, all, true, "in no zone"))
	}
	for _, z := range p.zoneOrder {
		if len(z.interfaces) > 0 {
			add(z.line, "zone security "+z.name, acl.Verdict(true),
				interfaces(firewall.InInterface, z.interfaces, false, "zone "+z.name), interfaces(firewall.OutInterface, z.interfaces, false, "zone "+z.name))
		}
	}
	for _, pair := range p.pairs {
		p.line = pair.line
		target, ok := policies[pair.policy.Text]
		switch {
		case pair.policy.Text == "":
			p.warn(text.At(pair.from, "the zone pair has no service-policy: it passes nothing"))
			continue
		case !ok:
			p.warn(text.At(pair.from, "the policy map %q is not in the text: the zone pair passes nothing", pair.policy.Text))
			continue
		}
		add(pair.line, pair.text, firewall.Verdict{Kind: firewall.Jump, Chain: target}, p.zoneSide(firewall.InInterface, pair.from), p.zoneSide(firewall.OutInterface, pair.to))
		if in, any := p.zoneInspection(p.policies[pair.policy.Text]); any {
			in.FromZone, in.ToZone, in.Line, in.Text, in.Ports = pair.from.Text, pair.to.Text, pair.line, pair.text, p.controlPorts()
			rules.Inspections = append(rules.Inspections, in)
		}
	}
	chain.Count = len(rules.Rules) - chain.First
	rules.Chains = append(rules.Chains, chain)
}

func interfaces(field firewall.Field, names []string, negate bool, label string) firewall.Part {
	return acl.If(firewall.Match{Field: field, Names: names, Negate: negate, Text: label})
}

func (p *parser) zoneSide(field firewall.Field, w text.Word) firewall.Part {
	z := p.zones[w.Text]
	if z == nil || len(z.interfaces) == 0 {
		return acl.If(acl.Never("zone "+w.Text, 0))
	}
	return interfaces(field, z.interfaces, false, "zone "+w.Text)
}

// buildPolicies makes a chain of each policy map that a zone pair uses and returns
// their places by name. A policy jumps to a chain for each class; what falls through
// all of them is dropped.
func (p *parser) buildPolicies(rules *firewall.Ruleset) map[string]int {
	places := map[string]int{}
	for _, pair := range p.pairs {
		policy := p.policies[pair.policy.Text]
		if _, done := places[pair.policy.Text]; done || policy == nil {
			continue
		}
		classes := make([]int, len(policy.classes))
		for i, pc := range policy.classes {
			classes[i] = p.buildClass(rules, policy, pc)
		}
		place := len(rules.Chains)
		places[policy.name] = place
		chain := firewall.Chain{Table: "policy-map", Name: policy.name, Line: policy.line, First: len(rules.Rules)}
		for i, pc := range policy.classes {
			rule := firewall.Rule{Chain: place, Line: pc.line, Column: 1, Text: pc.text, Verdict: firewall.Verdict{Kind: firewall.Jump, Chain: classes[i]}}
			if pc.word.Is("class-default") {
				rule.Text = pc.text + " " + pc.action
				rule.Verdict = acl.Verdict(pc.action != "drop")
			}
			rules.Rules = append(rules.Rules, rule)
		}
		chain.Count = len(rules.Rules) - chain.First
		rules.Chains = append(rules.Chains, chain)
	}
	return places
}

// buildClass makes the chain of one class in one policy: its rules have the class's
// action, and return for what is not in the class. It returns -1 for class-default,
// which is no chain.
func (p *parser) buildClass(rules *firewall.Ruleset, policy *policyMap, pc *policyClass) int {
	if pc.word.Is("class-default") {
		return -1
	}
	m := p.classes[pc.word.Text]
	if m == nil {
		p.line = pc.line
		p.warn(text.At(pc.word, "the class map %q is not in the text: the class is empty", pc.word.Text))
		m = &classMap{name: pc.word.Text, line: pc.line}
	}
	verdict := acl.Verdict(pc.action != "drop")
	name := policy.name + "/" + m.name
	var lists []int // chains of the access lists of a match-any class
	if m.any {
		for i := range m.matches {
			lists = append(lists, p.buildClassList(rules, name, &m.matches[i], nil, verdict))
		}
	}
	place := len(rules.Chains)
	chain := firewall.Chain{Table: "class-map", Name: name, Line: m.line, First: len(rules.Rules)}
	if m.any {
		for i, match := range m.matches {
			if lists[i] >= 0 {
				rules.Rules = append(rules.Rules, firewall.Rule{Chain: place, Line: match.line, Column: match.column, Text: match.text,
					Verdict: firewall.Verdict{Kind: firewall.Jump, Chain: lists[i]}})
				continue
			}
			for _, parts := range match.protocol.variants(match.column) {
				rules.Rules = append(rules.Rules, firewall.Rule{Chain: place, Line: match.line, Column: match.column, Text: match.text, Verdict: verdict, Parts: parts})
			}
		}
	} else {
		rules.Rules = append(rules.Rules, p.matchAll(place, m, verdict)...)
	}
	chain.Count = len(rules.Rules) - chain.First
	rules.Chains = append(rules.Chains, chain)
	return place
}

// buildClassList makes the chain of an access list within a match-any class, -1 if
// the match is a protocol.
func (p *parser) buildClassList(rules *firewall.Ruleset, class string, match *classMatch, before []firewall.Part, verdict firewall.Verdict) int {
	if match.protocol != nil {
		return -1
	}
	place := len(rules.Chains)
	chain := firewall.Chain{Table: "class-map", Name: class + "/" + match.list.Text, Line: match.line, First: len(rules.Rules)}
	rules.Rules = append(rules.Rules, p.classEntries(place, match, before, verdict)...)
	chain.Count = len(rules.Rules) - chain.First
	rules.Chains = append(rules.Chains, chain)
	return place
}

// classEntries are the entries of an access list as the rules of a class: permit takes
// the class's action, deny says that the packet is not in the class.
func (p *parser) classEntries(chain int, match *classMatch, before []firewall.Part, verdict firewall.Verdict) []firewall.Rule {
	l := p.byName[listName{name: match.list.Text}]
	if l == nil {
		p.line = match.line
		p.warn(text.At(match.list, "the access list %q is not in the text: nothing is in the class", match.list.Text))
		return nil
	}
	var rules []firewall.Rule
	for _, e := range l.entries {
		if p.members += len(e.variants); p.members > cisco.MaxMembers {
			p.report.Error(match.line, &text.Problem{Column: match.column, EndColumn: match.column,
				Message: fmt.Sprintf("the classes make more than %d rules of their access lists", cisco.MaxMembers)})
			return nil
		}
		for _, parts := range e.variants {
			rule := e.build(chain, append(append([]firewall.Part(nil), before...), parts...))
			rule.Verdict = firewall.Verdict{Kind: firewall.Return}
			if e.permit {
				rule.Verdict = verdict
			}
			rules = append(rules, rule)
		}
	}
	return rules
}

// maxCombinations is how many combinations of protocols a match-all class may make.
const maxCombinations = 64

// matchAll are the rules of a match-all class: every protocol it names and one access
// list must fit.
func (p *parser) matchAll(chain int, m *classMap, verdict firewall.Verdict) []firewall.Rule {
	protocols := [][]firewall.Part{nil}
	var lists []*classMatch
	for i := range m.matches {
		match := &m.matches[i]
		if match.protocol == nil {
			lists = append(lists, match)
			continue
		}
		var combined [][]firewall.Part
		for _, before := range protocols {
			for _, parts := range match.protocol.variants(0) {
				combined = append(combined, append(append([]firewall.Part(nil), before...), parts...))
			}
		}
		protocols = combined
		if len(protocols) > maxCombinations {
			p.report.Error(match.line, &text.Problem{Column: match.column, EndColumn: match.column,
				Message: "the class asks for too many protocols at once", Hint: "use match-any for alternatives"})
			return nil
		}
	}
	if len(lists) > 1 {
		p.line = lists[1].line
		p.warn(text.At(lists[1].list, "a class that matches all of several access lists is not modelled: only the first counts"))
	}
	var rules []firewall.Rule
	for _, before := range protocols {
		switch {
		case len(m.matches) == 0:
		case len(lists) > 0:
			rules = append(rules, p.classEntries(chain, lists[0], before, verdict)...)
		default:
			rules = append(rules, firewall.Rule{Chain: chain, Line: m.matches[0].line, Column: m.matches[0].column, Text: m.matches[0].text, Verdict: verdict, Parts: before})
		}
	}
	return rules
}

// variants are the conditions of an application protocol: one list for each transport
// protocol that carries it.
func (a *application) variants(column int) [][]firewall.Part {
	var variants [][]firewall.Part
	if a.every != 0 {
		variants = append(variants, []firewall.Part{acl.If(acl.Protocol(uint8(a.every), a.name, column))})
	}
	for _, transport := range []struct {
		number uint8
		name   string
		ports  []uint16
	}{{uint8(wire.TCP), "tcp", a.tcp}, {uint8(wire.UDP), "udp", a.udp}} {
		for _, n := range transport.ports {
			variants = append(variants, []firewall.Part{
				acl.If(acl.Protocol(transport.number, transport.name, column)),
				acl.If(acl.Port(firewall.DestinationPort, "eq", n, 0, "eq "+strconv.Itoa(int(n)), column)),
			})
		}
	}
	return variants
}
