package isa

import (
	"strconv"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/acl"
	"ftplab/sim/firewall/dialect/internal/text"
	"ftplab/sim/wire"
)

// build makes the ruleset: one forward chain of the rules in order, and the
// inspections.
func (p *parser) build(file, config string) *firewall.Ruleset {
	rules := &firewall.Ruleset{Dialect: Name, Text: config, File: file, UsesConntrack: true}
	for i := range p.rules {
		r := &p.rules[i]
		for _, d := range r.protocols {
			p.add(rules, r, i, d.primary)
			if d.secondary != nil {
				p.add(rules, r, i, *d.secondary)
			}
		}
	}
	rules.Chains = []firewall.Chain{{
		Table: "policy", Family: "inet", Name: "firewall policy", Line: 1, Hook: firewall.Forward, Count: len(rules.Rules),
		Policy: acl.Verdict(false), PolicyText: "default rule: deny",
	}}
	rules.Inspections = append(rules.Inspections, firewall.Inspection{
		Kind: "isa", TCP: true, UDP: true, ICMP: true, Text: "every allowed connection is tracked",
	})
	first := map[[2]string]firewall.Inspection{}
	for i := range p.rules {
		p.inspect(rules, &p.rules[i], first)
	}
	for _, n := range p.order {
		rules.Interfaces = append(rules.Interfaces, firewall.InterfaceConfig{Name: n.iface, Zone: n.name, Line: n.line})
	}
	if err := acl.CheckSize(rules); err != nil {
		p.report.Error(1, err)
	}
	return rules
}

func (p *parser) add(rules *firewall.Ruleset, r *rule, place int, open ports) {
	made := firewall.Rule{ID: strconv.Itoa(place + 1), Line: r.line, Column: r.column, Text: r.text, Verdict: acl.Verdict(r.allow)}
	if open.number >= 0 {
		made.Parts = append(made.Parts, acl.If(acl.Protocol(uint8(open.number), wire.Protocol(open.number).String(), r.column)))
	}
	made.Parts = append(made.Parts, r.from.parts(firewall.InInterface, firewall.SourceAddress)...)
	made.Parts = append(made.Parts, r.to.parts(firewall.OutInterface, firewall.DestinationAddress)...)
	switch {
	case open.number < 0:
	case open.low == open.high:
		made.Parts = append(made.Parts, acl.If(acl.Port(firewall.DestinationPort, "eq", open.low, 0, strconv.Itoa(int(open.low)), r.column)))
	default:
		label := strconv.Itoa(int(open.low)) + "-" + strconv.Itoa(int(open.high))
		made.Parts = append(made.Parts, acl.If(acl.Port(firewall.DestinationPort, "range", open.low, open.high, label, r.column)))
	}
	rules.Rules = append(rules.Rules, made)
}

func (w place) parts(iface, address firewall.Field) []firewall.Part {
	switch {
	case w.network != nil:
		return []firewall.Part{acl.If(firewall.Match{Field: iface, Names: []string{w.network.iface}, Text: w.text, Column: w.column})}
	case w.test != nil:
		return []firewall.Part{acl.If(acl.Address(address, []firewall.AddressTest{*w.test}, w.text, w.column))}
	}
	return nil
}

// zone is the network's name, "" for addresses and any.
func (w place) zone() string {
	if w.network == nil {
		return ""
	}
	return w.network.name
}

// inspect makes the inspection of a rule that allows a protocol with the FTP access
// filter. Rules for the same networks share the filter's switch: the first one's.
func (p *parser) inspect(rules *firewall.Ruleset, r *rule, first map[[2]string]firewall.Inspection) {
	for _, d := range r.protocols {
		if !d.filter || !r.allow {
			continue
		}
		in := firewall.Inspection{
			Kind: "isa", Hook: firewall.Forward, FromZone: r.from.zone(), ToZone: r.to.zone(), FTP: true, ReadOnly: r.readOnly, TCP: true,
			Line: r.line, Text: r.text,
		}
		if d.primary.low != 21 {
			in.Ports = []uint16{d.primary.low}
		}
		key := [2]string{in.FromZone, in.ToZone}
		old, shared := first[key]
		if shared && old.ReadOnly != in.ReadOnly {
			p.report.Warn(r.line, (&text.Problem{Column: 1, EndColumn: 1,
				Message: "another rule for the same networks sets read-only otherwise: its setting holds for both"}).WithHint("line %d sets it", old.Line))
		}
		if !shared || len(in.Ports) > 0 {
			rules.Inspections = append(rules.Inspections, in)
		}
		if !shared {
			first[key] = in
		}
	}
}
