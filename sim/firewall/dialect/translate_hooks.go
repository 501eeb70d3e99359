package dialect

import (
	"slices"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/acl"
	"ftplab/sim/wire"
)

// toHooks prepares a vendor's ruleset for netfilter. The lists of interfaces stay what
// they are (the printers know where netfilter asks them); an inspection becomes rules
// in front of the lists that accept what belongs to a connection, and a chain that
// gives FTP control connections the helper.
func (t *translation) toHooks() error {
	t.copyRuleset()
	for _, in := range t.rs.Inspections {
		if in.FTP && (in.Strict || in.ReadOnly) {
			return t.cannot(nil, "the FTP helper has no counterpart of %q", in.Text)
		}
	}
	t.ownRules()
	for i := range t.rs.Chains {
		t.rs.Chains[i].Table = "filter"
	}
	t.settleFamilies()
	t.addHelper()
	if len(t.rs.Inspections) > 0 {
		t.note("Linux tracks every connection, not only those of the inspected interfaces")
	}
	t.rs.UsesConntrack = len(t.rs.Inspections) > 0
	t.shortNames()
	t.rs.Inspections = nil
	return nil
}

// settleFamilies gives the chains that judge every packet (zones, security levels) a
// family: both, unless they call lists that are about one alone.
func (t *translation) settleFamilies() {
	family := "inet"
	for _, r := range t.rs.Rules {
		if r.Verdict.Kind != firewall.Jump || t.rs.Chains[r.Chain].Family != "" {
			continue
		}
		if of := t.rs.Chains[r.Verdict.Chain].Family; of != "" && of != "inet" {
			family = "ip"
		}
	}
	for i := range t.rs.Chains {
		if c := &t.rs.Chains[i]; c.Family == "" {
			c.Family = family
			if family == "ip" {
				t.note("%s is asked about IPv4 alone here, because it calls lists of IPv4", c.Name)
			}
		}
	}
}

// ownRules gives every chain rules of its own, which begin with those that let
// sessions pass.
func (t *translation) ownRules() {
	var rules []firewall.Rule
	for i := range t.rs.Chains {
		c := &t.rs.Chains[i]
		first := len(rules)
		rules = append(rules, t.sessionRules(i)...)
		for _, r := range t.rs.Rules[c.First : c.First+c.Count] {
			r.Chain = i
			r.Parts = slices.Clone(r.Parts)
			for k, part := range r.Parts {
				if part.Match != nil {
					r.Parts[k].Match = withoutImpossible(part.Match)
				}
			}
			rules = append(rules, r)
		}
		c.First, c.Count = first, len(rules)-first
	}
	t.rs.Rules = rules
}

// withoutImpossible makes a condition about ports that there are not (gt 65535) one that
// no packet fulfils, as netfilter has no words for it.
func withoutImpossible(m *firewall.Match) *firewall.Match {
	never := acl.Never(m.Text, m.Column)
	if len(m.AnyOf) > 0 {
		some := *m
		some.AnyOf = nil
		for i := range m.AnyOf {
			if one := withoutImpossible(&m.AnyOf[i]); one.Field != firewall.Constant {
				some.AnyOf = append(some.AnyOf, *one)
			}
		}
		if len(some.AnyOf) == 0 {
			return &never
		}
		return &some
	}
	isPort := m.Field == firewall.SourcePort || m.Field == firewall.DestinationPort
	if !isPort || m.Negate || len(m.Ranges) == 0 || slices.ContainsFunc(m.Ranges, func(r firewall.Range) bool { return r.Low <= acl.MaxPort }) {
		return m
	}
	return &never
}

// sessionRules are the rules by which packets of sessions skip a chain: all of them
// with ASA, ISA and zones; those that come back, and data connections, with CBAC; with
// ASPF those on the lists of the inspected interface.
func (t *translation) sessionRules(place int) []firewall.Rule {
	c := &t.rs.Chains[place]
	if c.Hook == firewall.HookNone {
		return nil
	}
	var rules []firewall.Rule
	add := func(in *firewall.Inspection, parts ...firewall.Part) {
		r := firewall.Rule{Chain: place, Line: max(1, in.Line), Column: 1, Text: in.Text, Parts: parts, Verdict: acl.Verdict(true)}
		for _, old := range rules {
			if slices.EqualFunc(old.Parts, parts, func(a, b firewall.Part) bool { return a.Match.Text == b.Match.Text }) {
				return
			}
		}
		rules = append(rules, r)
	}
	for i := range t.rs.Inspections {
		in := &t.rs.Inspections[i]
		both := in.Kind == "asa" || in.Kind == "isa" || in.Kind == "zone"
		if in.Kind == "aspf" && in.Hook != firewall.Forward && in.Interface != c.Interface {
			continue
		}
		if both || in.Hook == firewall.Forward {
			add(in, states(firewall.StateEstablished|firewall.StateRelated))
			continue
		}
		if in.FTP {
			add(in, states(firewall.StateEstablished|firewall.StateRelated),
				acl.If(firewall.Match{Field: firewall.HelperField, Names: []string{"ftp"}, Text: "ct helper ftp"}))
		}
		reply := acl.If(acl.Number(firewall.Direction, 1, "ct direction reply", 0))
		if in.TCP && in.UDP && in.ICMP {
			add(in, states(firewall.StateEstablished), reply)
			continue
		}
		for _, p := range []struct {
			on       bool
			protocol wire.Protocol
		}{{in.TCP, wire.TCP}, {in.UDP, wire.UDP}, {in.ICMP, wire.ICMP}} {
			if p.on {
				add(in, acl.If(acl.Protocol(uint8(p.protocol), p.protocol.String(), 0)), states(firewall.StateEstablished), reply)
			}
		}
	}
	return rules
}

// states is the condition that the connection's state is one of these.
func states(mask firewall.CTState) firewall.Part {
	label := "ct state established,related"
	if mask == firewall.StateEstablished {
		label = "ct state established"
	}
	return acl.If(firewall.Match{Field: firewall.State, Mask: uint32(mask), AnyBit: true, Text: label})
}

// addHelper adds the chain that gives FTP control connections the helper, one for each
// family of the lists.
func (t *translation) addHelper() {
	var ports []firewall.Range
	line, label := 1, ""
	for _, in := range t.rs.Inspections {
		if !in.FTP {
			continue
		}
		line, label = max(1, in.Line), in.Text
		own := in.Ports
		if len(own) == 0 {
			own = []uint16{21}
		}
		for _, n := range own {
			r := firewall.Range{Low: uint64(n), High: uint64(n)}
			if !slices.Contains(ports, r) {
				ports = append(ports, r)
			}
		}
	}
	var families []string
	for _, c := range t.rs.Chains {
		if len(ports) > 0 && c.Hook != firewall.HookNone && !slices.Contains(families, c.Family) {
			families = append(families, c.Family)
		}
	}
	for _, family := range families {
		place := len(t.rs.Chains)
		for _, port := range ports {
			t.rs.Rules = append(t.rs.Rules, firewall.Rule{
				Chain: place, Line: line, Column: 1, Text: label,
				Parts: []firewall.Part{
					acl.If(acl.Protocol(uint8(wire.TCP), "tcp", 0)),
					acl.If(acl.Port(firewall.DestinationPort, "eq", uint16(port.Low), 0, "", 0)),
					acl.Do(firewall.SetHelper, "ftp"),
				},
			})
		}
		const beforeTracking = -300 // the printer of nft puts it behind, as nft needs it
		t.rs.Chains = append(t.rs.Chains, firewall.Chain{
			Table: "raw", Family: family, Name: "helpers", Hook: firewall.Prerouting, Priority: beforeTracking,
			First: len(t.rs.Rules) - len(ports), Count: len(ports), Policy: acl.Verdict(true), PolicyText: "policy accept",
		})
	}
}
