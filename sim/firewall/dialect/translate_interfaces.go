package dialect

import (
	"slices"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/asa"
	"ftplab/sim/firewall/dialect/comware"
	"ftplab/sim/firewall/dialect/ios"
	"ftplab/sim/firewall/dialect/isa"
)

// finish makes the ruleset for the vendor out of what was sorted.
func (f *forwarding) finish() error {
	if len(f.forward) == 0 {
		return f.cannot(nil, "no chain says what may pass")
	}
	for _, in := range f.rs.Inspections { // ISA Server's own
		f.tracked = true
		f.helper, f.related = f.helper || in.FTP, f.related || in.FTP
		f.readOnly = f.readOnly || in.FTP && in.ReadOnly
		f.ports = append(f.ports, in.Ports...)
	}
	if f.aboutNew != nil && !f.tracked {
		return f.cannot(f.aboutNew, "it is about new connections alone, and no rule lets the answers pass")
	}
	f.made = firewall.Ruleset{Dialect: f.rs.Dialect, Text: f.rs.Text, File: f.rs.File, Sets: f.rs.Sets}
	for _, one := range f.forward {
		var err error
		switch {
		case f.to == isa.Name:
			f.add(one.chain, one.rules)
		case len(f.names) == 0:
			one.chain.Hook = firewall.HookNone
			f.add(one.chain, one.rules)
			f.note("the rules name no interface: apply the list %q inbound to every one", one.chain.Name)
		default:
			err = f.perInterface(&one)
		}
		if err != nil {
			return err
		}
	}
	f.inspections()
	f.rs = &f.made
	return nil
}

// add adds a chain with its rules.
func (f *forwarding) add(c firewall.Chain, rules []firewall.Rule) {
	c.First, c.Count = len(f.made.Rules), len(rules)
	for _, r := range rules {
		r.Chain = len(f.made.Chains)
		f.made.Rules = append(f.made.Rules, r)
	}
	f.made.Chains = append(f.made.Chains, c)
}

// perInterface makes an inbound list for each interface of what a forward chain says
// about packets that come in by it. Where the rules name two interfaces, the one a
// packet leaves by is known too: it is the other.
func (f *forwarding) perInterface(one *forwardChain) error {
	for i, name := range f.names {
		other := ""
		if len(f.names) == 2 {
			other = f.names[1-i]
		}
		var rules []firewall.Rule
		for k := range one.rules {
			r := one.rules[k]
			applies, parts, err := f.ofInterface(&one.rules[k], name, other)
			if err != nil {
				return err
			}
			if applies {
				r.Parts = parts
				rules = append(rules, r)
			}
		}
		c := one.chain
		c.Name, c.Hook, c.Interface, c.Table = c.Name+"-"+name, firewall.Inbound, name, ""
		f.add(c, rules)
	}
	f.note("interfaces other than %s are not filtered", strings.Join(f.names, " and "))
	return nil
}

// ofInterface returns a rule's parts without its conditions on interfaces, for packets
// that come in by name and, if that is known, leave by other.
func (f *forwarding) ofInterface(r *firewall.Rule, name, other string) (applies bool, parts []firewall.Part, err error) {
	applies = true
	for _, p := range r.Parts {
		m := p.Match
		if m == nil || m.Field != firewall.InInterface && m.Field != firewall.OutInterface {
			parts = append(parts, p)
			continue
		}
		at := name
		if m.Field == firewall.OutInterface {
			at = other
		}
		switch {
		case slices.ContainsFunc(m.Names, func(n string) bool { return strings.HasSuffix(n, "*") || strings.HasSuffix(n, "+") }):
			return false, nil, f.cannot(r, "it names interfaces by their beginning")
		case at == "":
			return false, nil, f.cannot(r, "a list of an interface does not know the other interface")
		}
		applies = applies && slices.Contains(m.Names, at) != m.Negate
	}
	return applies, parts, nil
}

// inspections makes the vendor's inspection where answers passed by their state.
func (f *forwarding) inspections() {
	if !f.tracked {
		if f.to == asa.Name || f.to == isa.Name {
			f.note("%s tracks every connection: what answers a permitted one passes without a rule", f.to)
		}
		return
	}
	in := firewall.Inspection{Kind: "asa", TCP: true, UDP: true, ICMP: true, FTP: f.helper && f.related, ReadOnly: f.readOnly, Text: "answers to connections"}
	if in.FTP && !slices.Equal(f.ports, []uint16{21}) {
		in.Ports = f.ports
	}
	kind := map[string]string{comware.Name: "aspf", ios.Name: "cbac"}[f.to]
	if kind == "" {
		f.made.Inspections = []firewall.Inspection{in}
		return
	}
	in.Kind, in.Hook = kind, firewall.Inbound
	for _, name := range f.names {
		in.Interface = name
		f.made.Inspections = append(f.made.Inspections, in)
	}
	if len(f.names) == 0 {
		f.note("answers to connections pass by inspection: apply it inbound to every interface")
	}
}
