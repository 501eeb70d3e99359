package comware

import (
	"fmt"
	"slices"
	"strconv"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/acl"
	"ftplab/sim/firewall/dialect/internal/text"
)

// build makes the ruleset of what was read.
func (p *parser) build(file, config string) *firewall.Ruleset {
	rules := &firewall.Ruleset{Dialect: Name, Text: config, File: file}
	if !p.known {
		p.line = 1
		p.report.Error(1, &text.Problem{Column: 1, EndColumn: 1, Message: "there is no Comware statement in the text",
			Hint: "begin with acl number 3000, or with a rule: rule permit tcp ..."})
		return rules
	}
	chains := make(map[*list]int, len(p.lists))
	policy, policyText, policyLine := p.defaultAction()
	used := p.resolveApplications()
	for _, l := range p.lists {
		if l == p.bare && len(l.rules) == 0 {
			continue // remarks alone
		}
		chain := firewall.Chain{
			Table: "advanced", Family: "ip", Name: l.label(), Line: l.line,
			Policy: policy, PolicyText: policyText, PolicyLine: policyLine,
			First: len(rules.Rules),
		}
		if l.kind == basic {
			chain.Table = "basic"
		}
		if l.ipv6 {
			chain.Family = "ip6"
		}
		place := len(rules.Chains)
		chains[l] = place
		for _, r := range l.ordered() {
			rules.Rules = append(rules.Rules, r.build(place, p.profile))
		}
		chain.Count = len(rules.Rules) - chain.First
		applied := false
		for _, a := range used[l] {
			if a.pair == nil {
				chain.Hook, chain.Interface, applied = a.hook, a.iface, true
				rules.Chains = append(rules.Chains, chain)
			}
		}
		if !applied {
			rules.Chains = append(rules.Chains, chain)
		}
	}
	p.buildZones(rules, chains, used)
	p.buildInspections(rules)
	for _, in := range p.interfaceOrder {
		rules.Interfaces = append(rules.Interfaces, *in)
	}
	rules.UsesConntrack = len(rules.Inspections) > 0
	if err := acl.CheckSize(rules); err != nil {
		p.report.Error(1, err)
	}
	return rules
}

func (r *rule) build(chain int, profile Profile) firewall.Rule {
	return firewall.Rule{
		Chain: chain, ID: strconv.Itoa(r.id), Line: r.line, Column: r.column, Text: r.text, Comment: r.comment,
		Parts: r.parts(profile), Verdict: acl.Verdict(r.permit),
	}
}

// defaultAction is what happens to a packet that no rule of a packet filter matched.
func (p *parser) defaultAction() (policy firewall.Verdict, policyText string, line int) {
	switch {
	case p.defaultDeny > 0:
		return acl.Verdict(false), "packet-filter default deny", p.defaultDeny
	case p.firewallDefault.line > 0:
		return acl.Verdict(!p.firewallDefault.deny), "firewall default " + action(!p.firewallDefault.deny), p.firewallDefault.line
	}
	return acl.Verdict(true), "default permit", 0
}

// resolveApplications returns the applications of each list, in the order of the
// text. A filter with a list that is not in the text filters nothing, nor does any
// V5 filter while the firewall is not enabled.
func (p *parser) resolveApplications() map[*list][]*application {
	used := map[*list][]*application{}
	for _, a := range p.applications {
		p.line = a.line
		l := p.byNumber[listKey{a.ipv6, a.number}]
		if a.name != "" {
			l = p.byName[listName{a.ipv6, a.word.Lower()}]
		}
		switch {
		case l == nil:
			p.warn(text.At(a.word, "ACL %s is not in the text: nothing is filtered by it", a.word.Text))
		case a.v5 && !p.firewallEnabled:
			p.warn(text.At(a.word, "the firewall is not enabled: nothing is filtered here").WithHint("add the statement firewall enable"))
		default:
			used[l] = append(used[l], a)
		}
	}
	return used
}

// buildZones makes one forward chain of the zone pairs: each pair jumps to its list,
// and what the list does not permit is dropped, as is what has no pair.
func (p *parser) buildZones(rules *firewall.Ruleset, chains map[*list]int, used map[*list][]*application) {
	if len(p.pairs) == 0 {
		populated := slices.IndexFunc(p.zoneOrder, func(z *zone) bool { return len(z.interfaces) > 0 })
		if populated < 0 {
			p.warnOfEmptyZones()
			return
		}
		p.line = p.zoneOrder[populated].line
		p.warn(&text.Problem{Column: 1, EndColumn: 1, Message: "there are security zones but no zone pair: nothing passes between zones"})
	}
	filters := map[*zonePair][]int{}
	for _, l := range p.lists {
		for _, a := range used[l] {
			if a.pair != nil {
				filters[a.pair] = append(filters[a.pair], chains[l])
			}
		}
	}
	place := len(rules.Chains)
	chain := firewall.Chain{
		Table: "zones", Name: "zone-pairs", Hook: firewall.Forward, First: len(rules.Rules),
		Policy: acl.Verdict(false), PolicyText: "no zone pair permits it",
	}
	add := func(line int, statement string, from, to string, verdict firewall.Verdict) {
		rules.Rules = append(rules.Rules, firewall.Rule{
			Chain: place, Line: line, Column: 1, Text: statement, Verdict: verdict, Parts: p.zoneParts(from, to),
		})
	}
	for _, pair := range p.pairs {
		for _, filter := range filters[pair] {
			add(pair.line, pair.text, pair.from.Text, pair.to.Text, firewall.Verdict{Kind: firewall.Jump, Chain: filter})
		}
		if len(filters[pair]) == 0 {
			p.line = pair.line
			p.warn(text.At(pair.from, "the zone pair has no packet filter: it permits nothing"))
		}
	}
	for _, z := range p.zoneOrder {
		if p.intraZone > 0 {
			add(p.intraZone, "security-zone intra-zone default permit", z.name, z.name, acl.Verdict(true))
		}
	}
	chain.Count = len(rules.Rules) - chain.First
	rules.Chains = append(rules.Chains, chain)
}

// warnOfEmptyZones says that zones without interfaces and zone pairs, as in a part of
// a configuration, filter nothing here.
func (p *parser) warnOfEmptyZones() {
	for _, z := range p.zoneOrder {
		p.line = z.line
		p.warn(&text.Problem{Column: 1, EndColumn: 1, Message: fmt.Sprintf("no interface is in the security zone %s: it filters nothing", z.name),
			Hint: "add the statement import interface GigabitEthernet 2/1/10"})
	}
}

// zoneParts are the conditions that a packet goes from one zone to another.
func (p *parser) zoneParts(from, to string) []firewall.Part {
	var parts []firewall.Part
	for _, side := range []struct {
		field      firewall.Field
		word, zone string
	}{{firewall.InInterface, "source", from}, {firewall.OutInterface, "destination", to}} {
		lower := text.Word{Text: side.zone}.Lower()
		if lower == "any" {
			continue
		}
		label := side.word + " zone " + side.zone
		z := p.zones[lower]
		if z == nil || len(z.interfaces) == 0 {
			parts = append(parts, acl.If(acl.Never(label, 0)))
			continue
		}
		parts = append(parts, acl.If(firewall.Match{Field: side.field, Names: z.interfaces, Text: label}))
	}
	return parts
}

// buildInspections makes the inspections: those applied, and the predefined policy
// of the zone pairs that have a packet filter and no policy of their own. The
// predefined policy inspects FTP and all transport protocols.
func (p *parser) buildInspections(rules *firewall.Ruleset) {
	inspected := map[*zonePair]bool{}
	for _, in := range p.inspections {
		found := p.policies[in.policy]
		if found == nil {
			p.line = in.line
			p.warn(text.At(in.word, "ASPF policy %d is not in the text: its defaults are taken, without FTP", in.policy))
			found = &policy{}
		}
		i := firewall.Inspection{
			Kind: "aspf", Interface: in.iface, Hook: in.hook, FTP: found.ftp, Ports: p.controlPorts(),
			TCP: !found.v5 || found.tcp, UDP: !found.v5 || found.udp, ICMP: !found.v5, Line: in.line, Text: in.text,
		}
		if in.pair != nil {
			inspected[in.pair] = true
			i.FromZone, i.ToZone = p.zoneName(in.pair.from), p.zoneName(in.pair.to)
		}
		rules.Inspections = append(rules.Inspections, i)
	}
	for _, pair := range p.pairs {
		if !inspected[pair] {
			rules.Inspections = append(rules.Inspections, firewall.Inspection{
				Kind: "aspf", Hook: firewall.Forward, FromZone: p.zoneName(pair.from), ToZone: p.zoneName(pair.to), Ports: p.controlPorts(),
				FTP: true, TCP: true, UDP: true, ICMP: true, Line: pair.line, Text: pair.text,
			})
		}
	}
}

// zoneName returns a zone's name as its own statement writes it; "" for any.
func (p *parser) zoneName(w text.Word) string {
	if w.Is("any") {
		return ""
	}
	if z := p.zones[w.Lower()]; z != nil {
		return z.name
	}
	return w.Text
}

// controlPorts are the ports of FTP control connections: 21 and the mapped ones.
func (p *parser) controlPorts() []uint16 {
	if len(p.ftpPorts) == 0 {
		return nil
	}
	return append([]uint16{21}, p.ftpPorts...)
}
