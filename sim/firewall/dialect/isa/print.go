package isa

import (
	"fmt"
	"strconv"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/acl"
	"ftplab/sim/firewall/dialect/internal/text"
	"ftplab/sim/wire"
)

// Print writes a ruleset as a policy of ISA Server. A ruleset of this dialect is written
// statement by statement. For a ruleset of another dialect the error names the first
// rule that cannot be said: an access rule knows a protocol with its destination port,
// where the connection comes from and where it goes, and nothing else.
func Print(rs *firewall.Ruleset) (string, error) {
	if rs.Dialect == Name {
		return printOwn(read(rs.File, rs.Text)), nil
	}
	lists, err := acl.Lists(Name, rs, acl.Kind{Joined: true, Forward: true}, func(*firewall.Chain) bool { return false })
	if err != nil {
		return "", err
	}
	p := &printer{rs: rs, protocols: map[ports]string{}, networks: map[string]bool{}}
	for _, in := range rs.Inspections {
		p.ftp = p.ftp || in.FTP
		p.readOnly = p.readOnly || in.FTP && in.ReadOnly
		if in.Strict {
			return "", &text.Unsayable{Dialect: Name, Why: fmt.Sprintf("the FTP access filter has no counterpart of %q", in.Text)}
		}
	}
	for i := range lists {
		if err := p.list(&lists[i]); err != nil {
			return "", err
		}
	}
	if !p.decided {
		p.rule("allow", "all", "any", "any") // where no list is applied, everything passes
	}
	return "isa server 2006\n" + p.head.String() + p.rules.String(), nil
}

func quoted(name string) string {
	if strings.ContainsAny(name, " \t,#") || name == "" {
		return `"` + name + `"`
	}
	return name
}

func (r ports) words() string {
	name := wire.Protocol(r.number).String()
	if r.low == r.high {
		return fmt.Sprintf("%s %d", name, r.low)
	}
	return fmt.Sprintf("%s %d-%d", name, r.low, r.high)
}

func printOwn(p *parser) string {
	var out strings.Builder
	fmt.Fprintf(&out, "isa server %s\n", p.version)
	for _, n := range p.order {
		fmt.Fprintf(&out, "network %s interface %s\n", quoted(n.name), quoted(n.iface))
	}
	for _, d := range p.defined {
		fmt.Fprintf(&out, "protocol %s %s", quoted(d.name), d.primary.words())
		if d.filter {
			out.WriteString(" filter ftp")
		}
		if d.secondary != nil {
			out.WriteString(" secondary " + d.secondary.words())
		}
		out.WriteByte('\n')
	}
	for _, r := range p.rules {
		out.WriteString(r.words() + "\n")
	}
	return out.String()
}

// words writes a rule as a statement.
func (r *rule) words() string {
	var names []string
	filtered := false
	for _, d := range r.protocols {
		names = append(names, quoted(d.name))
		filtered = filtered || d.filter
	}
	statement := ""
	if r.publishing {
		statement = fmt.Sprintf("publishing rule %s %s server %s from %s", quoted(r.name), names[0], r.to.text, r.from.words())
	} else {
		verb := "deny"
		if r.allow {
			verb = "allow"
		}
		statement = fmt.Sprintf("access rule %s %s %s from %s to %s", quoted(r.name), verb, strings.Join(names, ","), r.from.words(), r.to.words())
	}
	if filtered && r.readOnly {
		return statement + " read-only on"
	}
	return statement + " read-only off"
}

func (w place) words() string {
	if w.network != nil {
		return quoted(w.network.name)
	}
	return w.text
}

// printer writes the access lists of another dialect as access rules.
type printer struct {
	rs        *firewall.Ruleset
	head      strings.Builder // networks and protocol definitions
	rules     strings.Builder
	protocols map[ports]string // names of the definitions
	networks  map[string]bool
	count     int
	ftp       bool // FTP is inspected
	readOnly  bool
	decided   bool // the last rule decides about everything
}

func (p *printer) list(l *acl.List) error {
	if len(l.Places) == 0 {
		for i := range l.Entries {
			if err := p.entry(&l.Entries[i], acl.Place{}); err != nil {
				return err
			}
		}
		return &text.Unsayable{Dialect: Name, Why: fmt.Sprintf("the list %q is applied to nothing, so that it permits or denies nothing", l.Chain.Name)}
	}
	for _, at := range l.Places {
		for i := range l.Entries {
			if err := p.entry(&l.Entries[i], at); err != nil {
				return err
			}
		}
		verb := "allow"
		if l.Chain.Policy.Kind == firewall.Drop {
			verb = "deny"
		}
		from, to := p.sides(at)
		if !l.Decided() {
			p.rule(verb, "all", from, to)
		}
		p.decided = p.decided || at.Hook == firewall.Forward
	}
	return nil
}

func (p *printer) entry(e *acl.Entry, at acl.Place) error {
	unsayable := func(why string) error { return &text.Unsayable{Dialect: Name, Rule: e.Rule, Why: why} }
	switch {
	case e.State != nil:
		return unsayable("a rule does not ask for the connection's state")
	case len(e.In) > 1 || len(e.Out) > 1:
		return unsayable("a place is a single network")
	case e.SourcePort != nil:
		return unsayable("a protocol definition names the destination port alone")
	case len(e.Flags) > 0:
		return unsayable("a rule does not ask for TCP flags; connections are tracked instead")
	case e.ICMPType >= 0, e.Fragment != acl.AnyFragment, e.DSCP != nil, e.TTL != nil, len(e.NotModelled) > 0:
		return unsayable("a rule asks for protocol, port and place alone")
	case e.DestinationPort != nil && e.DestinationPort.NotEqual:
		return unsayable("a protocol definition does not exclude a port")
	case e.Protocol >= 0 && e.DestinationPort == nil && e.Protocol != int(wire.TCP) && e.Protocol != int(wire.UDP):
		return unsayable("the protocol definitions here are those of tcp and udp")
	}
	from, to := p.sides(at)
	if e.In != nil {
		from, _ = p.sides(acl.Place{Hook: firewall.Inbound, Interface: e.In[0]})
	}
	if e.Out != nil {
		_, to = p.sides(acl.Place{Hook: firewall.Outbound, Interface: e.Out[0]})
	}
	for _, side := range []struct {
		place *string
		test  *firewall.AddressTest
	}{{&from, e.Source}, {&to, e.Destination}} {
		if side.test == nil {
			continue
		}
		prefix, ok := text.PrefixOf(*side.test)
		if !ok {
			return unsayable("a place is an address or a network, not a mask with holes")
		}
		if *side.place != "any" {
			return unsayable("a place is a network behind an interface or an address, not both")
		}
		if *side.place = prefix.String(); prefix.IsSingleIP() {
			*side.place = prefix.Addr().String()
		}
	}
	verb := "deny"
	if e.Verdict.Kind == firewall.Accept {
		verb = "allow"
	}
	p.rule(verb, p.protocol(e), from, to)
	return nil
}

// sides returns the places of a list's packets: the network behind its interface on
// one side.
func (p *printer) sides(at acl.Place) (from, to string) {
	from, to = "any", "any"
	if at.Interface == "" {
		return from, to
	}
	name := quoted(at.Interface)
	if !p.networks[at.Interface] {
		p.networks[at.Interface] = true
		fmt.Fprintf(&p.head, "network %s interface %s\n", name, name)
	}
	if at.Hook == firewall.Outbound {
		return from, name
	}
	return name, to
}

// protocol returns the name of the protocol definition for an entry.
func (p *printer) protocol(e *acl.Entry) string {
	if e.Protocol < 0 {
		return "all"
	}
	want := ports{number: e.Protocol, low: 1, high: acl.MaxPort}
	if e.DestinationPort != nil {
		want.low, want.high = max(1, e.DestinationPort.Low), e.DestinationPort.High
	}
	if p.ftp && want == (ports{int(wire.TCP), 21, 21}) {
		return "FTP"
	}
	name := p.protocols[want]
	if name == "" {
		name = strings.ReplaceAll(want.words(), " ", "-")
		p.protocols[want] = name
		fmt.Fprintf(&p.head, "protocol %s %s\n", name, want.words())
	}
	return name
}

func (p *printer) rule(verb, protocol, from, to string) {
	p.count++
	readOnly := ""
	switch {
	case protocol != "FTP":
	case p.readOnly:
		readOnly = " read-only on"
	default:
		readOnly = " read-only off"
	}
	p.rules.WriteString("access rule Rule-" + strconv.Itoa(p.count) + " " + verb + " " + protocol + " from " + from + " to " + to + readOnly + "\n")
}
