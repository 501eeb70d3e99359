package asa

import (
	"fmt"
	"slices"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/acl"
	"ftplab/sim/firewall/dialect/internal/cisco"
	"ftplab/sim/firewall/dialect/internal/text"
	"ftplab/sim/wire"
)

// Print writes a ruleset as an ASA configuration. A ruleset of this dialect keeps its
// lists' names; objects and object groups are written out. For a ruleset of another
// dialect the error names the first rule that the ASA cannot say. What the ASA adds to
// every list, that answers to a permitted connection pass, cannot be left out.
func Print(rs *firewall.Ruleset) (string, error) {
	p := &printer{rs: rs, own: rs.Dialect == Name, labels: map[string]string{}}
	lists, err := acl.Lists(Name, rs, acl.Kind{Joined: true}, func(c *firewall.Chain) bool {
		return p.own && (c.Table == "access-group" || c.Table == "security-level")
	})
	if err != nil {
		return "", err
	}
	if p.own {
		p.interfaces()
	}
	for i := range lists {
		if err := p.list(&lists[i]); err != nil {
			return "", err
		}
	}
	if err := p.groups(lists); err != nil {
		return "", err
	}
	if err := p.inspections(); err != nil {
		return "", err
	}
	return p.out.String(), nil
}

type printer struct {
	rs     *firewall.Ruleset
	own    bool
	out    strings.Builder
	namer  acl.Namer
	labels map[string]string // the names of the lists in this language, by family and name
}

func (p *printer) line(format string, args ...any) { fmt.Fprintf(&p.out, format+"\n", args...) }

// interfaces writes the interfaces with their names and security levels, and what may
// pass between equal levels.
func (p *printer) interfaces() {
	for _, in := range p.rs.Interfaces {
		p.line("interface %s", in.Name)
		if in.NameIf != "" {
			p.line(" nameif %s", in.NameIf)
			p.line(" security-level %d", in.SecurityLevel)
		}
	}
	level := map[string]int{}
	for _, in := range p.rs.Interfaces {
		level[in.NameIf] = in.SecurityLevel
	}
	same, turn := false, false
	for _, c := range p.rs.Chains {
		if c.Table != "security-level" {
			continue
		}
		for _, r := range p.rs.Rules[c.First : c.First+c.Count] {
			from, to := r.Parts[0].Match.Names[0], r.Parts[1].Match.Names
			turn = turn || slices.Contains(to, from)
			same = same || slices.ContainsFunc(to, func(name string) bool { return name != from && level[name] == level[from] })
		}
	}
	if same {
		p.line("same-security-traffic permit inter-interface")
	}
	if turn {
		p.line("same-security-traffic permit intra-interface")
	}
}

// list writes one access list. A list of another language that is of IPv4 alone lets
// IPv6 pass, as it does there.
func (p *printer) list(l *acl.List) error {
	name := l.Chain.Name
	if !p.own {
		name = p.namer.Name(name)
	}
	p.labels[l.Chain.Family+" "+l.Chain.Name] = name
	standard := p.own && l.Chain.Table == "standard"
	if len(l.Entries) == 0 {
		p.line("access-list %s remark it is empty", name)
	}
	var last *firewall.Rule
	for i := range l.Entries {
		e := &l.Entries[i]
		body, err := p.body(l, e, standard)
		if err != nil {
			return err
		}
		if e.Rule != last && e.Rule.Comment != "" {
			p.line("access-list %s remark %s", name, e.Rule.Comment)
		}
		last = e.Rule
		p.line("access-list %s %s", name, body)
	}
	other := map[string]string{"ip": "any6", "ip6": "any4"}[l.Chain.Family]
	switch {
	case p.own:
	case l.Chain.Policy.Kind == firewall.Accept && !l.Decided():
		p.line("access-list %s extended permit ip any any", name)
	case other != "":
		p.line("access-list %s extended permit ip %s %s", name, other, other)
	}
	return nil
}

// body writes an entry without the list's name.
func (p *printer) body(l *acl.List, e *acl.Entry, standard bool) (string, error) {
	unsayable := func(why string) (string, error) {
		return "", &text.Unsayable{Dialect: Name, Rule: e.Rule, Why: why}
	}
	why := e.OnlySaid()
	switch {
	case why != "":
		return unsayable(why)
	case len(e.Flags) > 0:
		return unsayable("the ASA's lists do not ask for TCP flags; it tracks connections instead")
	case e.Fragment != acl.AnyFragment:
		return unsayable("the ASA puts fragments together before it asks its lists")
	case e.DSCP != nil || e.TTL != nil:
		return unsayable("the ASA's lists do not ask for DSCP or TTL")
	case len(e.NotModelled) > 0 && !p.own:
		return unsayable(fmt.Sprintf("it says %q, which is not modelled", e.NotModelled[0]))
	}
	verb := "deny"
	if e.Verdict.Kind == firewall.Accept {
		verb = "permit"
	}
	source, ok := addressWords(e.Source, l.Chain.Family)
	destination, ok2 := addressWords(e.Destination, l.Chain.Family)
	if !ok || !ok2 {
		return unsayable("the ASA takes netmasks, no masks with holes")
	}
	if standard {
		return "standard " + verb + " " + destination, nil
	}
	words := []string{"extended", verb, protocolWord(e.Protocol), source}
	if e.SourcePort != nil {
		words = append(words, e.SourcePort.PortText())
	}
	words = append(words, destination)
	if e.DestinationPort != nil {
		words = append(words, e.DestinationPort.PortText())
	}
	if e.ICMPType >= 0 {
		ipv6 := e.Protocol == int(wire.ICMPv6)
		words = append(words, cisco.ICMPText(e.ICMPType, e.ICMPCode, ipv6))
	}
	if e.Log {
		words = append(words, "log")
	}
	return strings.Join(append(words, e.NotModelled...), " "), nil
}

func protocolWord(protocol int) string {
	if protocol < 0 {
		return "ip"
	}
	return text.NameOf(cisco.Protocols(), uint16(protocol))
}

// addressWords writes an address test; ok is false for a mask with holes. Any address
// of a list of one IP version is any4 or any6.
func addressWords(t *firewall.AddressTest, family string) (words string, ok bool) {
	if t == nil {
		switch family {
		case "ip":
			return "any4", true
		case "ip6":
			return "any6", true
		}
		return "any", true
	}
	prefix, ok := text.PrefixOf(*t)
	switch {
	case !ok:
		return "", false
	case prefix.Bits() == 0 && t.Base.Is4():
		return "any4", true
	case prefix.Bits() == 0:
		return "any6", true
	case prefix.IsSingleIP():
		return "host " + t.Base.String(), true
	case t.Base.Is6():
		return prefix.String(), true
	}
	return t.Base.String() + " " + t.Care.String(), true
}

// groups writes where the lists are applied.
func (p *printer) groups(lists []acl.List) error {
	taken := map[acl.Place]*acl.List{}
	for i := range lists {
		l := &lists[i]
		name := p.labels[l.Chain.Family+" "+l.Chain.Name]
		for _, at := range l.Places {
			if other := taken[at]; other != nil {
				return &text.Unsayable{Dialect: Name, Why: fmt.Sprintf("the lists %q and %q are both applied to %s, where the ASA takes one of both IP versions",
					other.Chain.Name, l.Chain.Name, at.Interface)}
			}
			taken[at] = l
			switch {
			case at.Interface != "":
				p.line("access-group %s %s interface %s", name, inOut(at.Hook), at.Interface)
			case at.Hook == firewall.Inbound:
				p.line("access-group %s global", name)
			default:
				return &text.Unsayable{Dialect: Name, Why: fmt.Sprintf("the list %q is applied outbound on every interface", l.Chain.Name)}
			}
		}
	}
	for _, c := range p.rs.Chains {
		if !p.own || c.Table != "access-group" {
			continue
		}
		for i, r := range p.rs.Rules[c.First : c.First+c.Count] {
			called := &p.rs.Chains[r.Verdict.Chain]
			name := p.labels[called.Family+" "+called.Name]
			if i == c.Count-1 {
				if statement := "access-group " + name + " global\n"; !strings.Contains(p.out.String(), statement) {
					p.out.WriteString(statement)
				}
				continue
			}
			p.line("access-group %s in interface %s", name, c.Interface)
		}
	}
	return nil
}

func inOut(hook firewall.Hook) string {
	if hook == firewall.Outbound {
		return "out"
	}
	return "in"
}

// inspections writes what is inspected. The ASA tracks TCP and UDP in any case; what
// else there is becomes one service policy for each place.
func (p *printer) inspections() error {
	policies := map[string][]*firewall.Inspection{}
	order := []string{""}
	for i := range p.rs.Inspections {
		in := &p.rs.Inspections[i]
		if in.ReadOnly || in.FromZone != "" || in.ToZone != "" {
			return &text.Unsayable{Dialect: Name, Why: fmt.Sprintf("a service policy has no counterpart of %q", in.Text)}
		}
		if !in.FTP && !in.ICMP {
			continue
		}
		at := in.Interface
		if !p.own {
			at = "" // an ASA tracks a connection on all interfaces alike
		}
		if !slices.Contains(order, at) {
			order = append(order, at)
		}
		policies[at] = append(policies[at], in)
	}
	for _, at := range order {
		name, where := "global_policy", "global"
		if at != "" {
			name, where = at+"_policy", "interface "+at
		}
		p.policy(name, policies[at])
		p.line("service-policy %s %s", name, where)
	}
	return nil
}

// policy writes one policy map with the class maps that it needs: one for each list of
// control ports.
func (p *printer) policy(name string, inspections []*firewall.Inspection) {
	classes := make([]string, len(inspections))
	for i, in := range inspections {
		classes[i] = "inspection_default"
		if in.FTP && len(in.Ports) > 0 {
			classes[i] = fmt.Sprintf("%s_ftp%d", name, i+1)
			p.line("class-map %s", classes[i])
			for _, port := range in.Ports {
				p.line(" match port tcp eq %d", port)
			}
		}
	}
	p.line("policy-map %s", name)
	written := map[string]bool{}
	class := ""
	for i, in := range inspections {
		for _, statement := range inspectStatements(in) {
			key := classes[i] + " " + statement
			if written[key] {
				continue
			}
			written[key] = true
			if class != classes[i] {
				class = classes[i]
				p.line(" class %s", class)
			}
			p.line("  %s", statement)
		}
	}
}

func inspectStatements(in *firewall.Inspection) []string {
	var statements []string
	switch {
	case in.FTP && in.Strict:
		statements = append(statements, "inspect ftp strict")
	case in.FTP:
		statements = append(statements, "inspect ftp")
	}
	if in.ICMP {
		statements = append(statements, "inspect icmp")
	}
	return statements
}
