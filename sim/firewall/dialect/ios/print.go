package ios

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/acl"
	"ftplab/sim/firewall/dialect/internal/cisco"
	"ftplab/sim/firewall/dialect/internal/text"
	"ftplab/sim/wire"
)

// Print writes a ruleset as an IOS configuration. A ruleset of this dialect keeps its
// lists' names and its entries' sequence numbers; object groups are written out, and
// the statements of the zone-based firewall are written as they are in the ruleset's
// text. For a ruleset of another dialect the error names the first rule that IOS
// cannot say.
func Print(rs *firewall.Ruleset) (string, error) {
	p := &printer{rs: rs, own: rs.Dialect == Name, labels: map[string]string{}}
	lists, err := acl.Lists(Name, rs, acl.Kind{}, func(c *firewall.Chain) bool {
		return p.own && (c.Table == "zones" || c.Table == "policy-map" || c.Table == "class-map")
	})
	if err != nil {
		return "", err
	}
	for i := range lists {
		if err := p.list(&lists[i]); err != nil {
			return "", err
		}
	}
	if p.own {
		p.zones()
	}
	if err := p.inspections(); err != nil {
		return "", err
	}
	p.interfaces(lists)
	return p.out.String(), nil
}

type printer struct {
	rs     *firewall.Ruleset
	own    bool
	out    strings.Builder
	namer  acl.Namer
	labels map[string]string // the names of the lists, by family and name
	// sets are the different CBAC inspections, in the order of their names.
	sets []inspectName
}

func (p *printer) line(format string, args ...any) { fmt.Fprintf(&p.out, format+"\n", args...) }

// list writes one access list.
func (p *printer) list(l *acl.List) error {
	standard := p.header(l)
	keep := p.own && l.Inherited
	sequence := 10
	write := func(comment, id, body string) {
		if comment != "" {
			p.line(" remark %s", comment)
		}
		if id == "" {
			id = strconv.Itoa(sequence)
			sequence += 10
		}
		if l.IPv6() {
			p.line(" sequence %s %s", id, body)
		} else {
			p.line(" %s %s", id, body)
		}
	}
	var last *firewall.Rule
	for i := range l.Entries {
		e := &l.Entries[i]
		if p.own && l.IPv6() && strings.HasPrefix(e.Rule.Text, "implicit ") {
			continue // the device adds them itself
		}
		bodies, err := p.bodies(l, e, standard)
		if err != nil {
			return err
		}
		for _, body := range bodies {
			comment, id := "", ""
			if e.Rule != last {
				comment = e.Rule.Comment
			}
			if last = e.Rule; keep && len(bodies) == 1 {
				id = e.Rule.ID
			}
			write(comment, id, body)
		}
	}
	everything := " ip any any"
	if l.IPv6() {
		everything = " ipv6 any any"
	}
	if standard {
		everything = " any"
	}
	switch {
	case !p.own && l.Chain.Policy.Kind == firewall.Accept && !l.Decided():
		write("", "", "permit"+everything)
	case last == nil && l.Chain.Policy.Kind == firewall.Drop:
		write("", "", "deny"+everything) // an empty list would permit
	}
	return nil
}

// header writes the statement that begins a list, and settles how the list is called.
// It reports whether the list is a standard one.
func (p *printer) header(l *acl.List) (standard bool) {
	name := l.Chain.Name
	if !p.own {
		if n, err := strconv.Atoi(name); err != nil || !isExtendedNumber(n) {
			name = p.namer.Name(name)
		}
	}
	p.labels[l.Chain.Family+" "+l.Chain.Name] = name
	if l.IPv6() {
		p.line("ipv6 access-list %s", name)
		return false
	}
	kind := "extended"
	if p.own && l.Chain.Table == "standard" {
		kind, standard = "standard", true
	}
	p.line("ip access-list %s %s", kind, name)
	return standard
}

func isExtendedNumber(n int) bool {
	standard, ok := numberKind(n)
	return ok && !standard
}

// bodies writes an entry without its number: none if it can match nothing.
func (p *printer) bodies(l *acl.List, e *acl.Entry, standard bool) ([]string, error) {
	unsayable := func(why string) ([]string, error) {
		return nil, &text.Unsayable{Dialect: Name, Rule: e.Rule, Why: why}
	}
	if why := e.OnlySaid(); why != "" {
		return unsayable(why)
	}
	if len(e.NotModelled) > 0 && !p.own {
		return unsayable(fmt.Sprintf("it says %q, which is not modelled", e.NotModelled[0]))
	}
	verb := "deny"
	if e.Verdict.Kind == firewall.Accept {
		verb = "permit"
	}
	source, ok := addressWords(e.Source)
	destination, ok2 := addressWords(e.Destination)
	if !ok || !ok2 {
		return unsayable("an IPv6 entry takes a prefix, not a mask with holes")
	}
	if standard {
		return []string{strings.TrimSpace(verb + " " + source + logWord(e))}, nil
	}
	words := []string{verb, protocolWord(e.Protocol, l.IPv6()), source}
	if e.SourcePort != nil {
		words = append(words, e.SourcePort.PortText())
	}
	words = append(words, destination)
	if e.DestinationPort != nil {
		words = append(words, e.DestinationPort.PortText())
	}
	if e.ICMPType >= 0 {
		words = append(words, cisco.ICMPText(e.ICMPType, e.ICMPCode, l.IPv6()))
	}
	flags, ok := flagWords(e)
	if !ok {
		return nil, nil
	}
	words = append(words, flags...)
	if e.Fragment == acl.OnlyLaterFragment {
		if e.SourcePort != nil || e.DestinationPort != nil {
			return nil, nil // later fragments have no ports
		}
		words = append(words, "fragments")
	}
	service, why := serviceWords(e, l.IPv6())
	if why != "" {
		return unsayable(why)
	}
	words = append(words, service...)
	words = append(words, e.NotModelled...)
	return []string{strings.Join(words, " ") + logWord(e)}, nil
}

func logWord(e *acl.Entry) string {
	if e.Log {
		return " log"
	}
	return ""
}

// flagWords writes the TCP flags; ok is false if they contradict each other.
func flagWords(e *acl.Entry) (words []string, ok bool) {
	mask, bits, rest, ok := e.CombinedFlags()
	if !ok {
		return nil, false
	}
	if mask != 0 {
		words = append(words, "match-all")
		for _, name := range acl.FlagNames() {
			if bit := acl.FlagBit(name); mask&bit != 0 {
				words = append(words, sign(bits&bit != 0)+name)
			}
		}
	}
	for _, t := range rest {
		if t.IsEstablished() {
			words = append(words, "established")
			continue
		}
		words = append(words, "match-any")
		for _, name := range acl.FlagNames() {
			if t.Mask&acl.FlagBit(name) != 0 {
				words = append(words, "+"+name)
			}
		}
	}
	return words, true
}

func sign(set bool) string {
	if set {
		return "+"
	}
	return "-"
}

// serviceWords writes the conditions on DSCP and TTL.
func serviceWords(e *acl.Entry, ipv6 bool) (words []string, why string) {
	if d := e.DSCP; d != nil {
		switch {
		case d.Low == d.High:
			words = append(words, "dscp", fmt.Sprint(d.Low))
		case d.Low%8 == 0 && d.High == d.Low+7 && !ipv6:
			words = append(words, "precedence", fmt.Sprint(d.Low/8))
		default:
			return nil, "IOS names a single DSCP or a whole precedence"
		}
	}
	if t := e.TTL; t != nil {
		keyword := "ttl"
		if ipv6 {
			keyword = "hop-limit"
		}
		words = append(words, keyword, "range", fmt.Sprint(t.Low), fmt.Sprint(t.High))
	}
	return words, ""
}

func protocolWord(protocol int, ipv6 bool) string {
	switch {
	case protocol < 0 && ipv6:
		return "ipv6"
	case protocol < 0:
		return "ip"
	case ipv6 && protocol == int(wire.ICMPv6):
		return "icmp"
	case ipv6 && protocol == int(wire.ICMP), protocol == int(wire.ICMPv6):
		return fmt.Sprint(protocol)
	}
	return text.NameOf(cisco.Protocols(), uint16(protocol))
}

// addressWords writes an address test; ok is false for an IPv6 mask with holes.
func addressWords(t *firewall.AddressTest) (words string, ok bool) {
	if t == nil {
		return "any", true
	}
	prefix, isPrefix := text.PrefixOf(*t)
	switch {
	case isPrefix && prefix.Bits() == 0:
		return "any", true
	case isPrefix && prefix.IsSingleIP():
		return "host " + t.Base.String(), true
	case t.Base.Is6():
		return prefix.String(), isPrefix
	}
	return t.Base.String() + " " + text.Inverse(t.Care).String(), true
}

// inspections writes the sets of CBAC inspections.
func (p *printer) inspections() error {
	var ports []uint16
	for i := range p.rs.Inspections {
		in := &p.rs.Inspections[i]
		for _, n := range in.Ports {
			if n != 21 && !slices.Contains(ports, n) {
				ports = append(ports, n)
				p.line("ip port-map ftp port tcp %d", n)
			}
		}
		if p.own && in.Hook == firewall.Forward {
			continue // of a zone pair
		}
		if in.Interface == "" || in.Hook != firewall.Inbound && in.Hook != firewall.Outbound {
			return &text.Unsayable{Dialect: Name, Why: fmt.Sprintf("ip inspect needs an interface and a direction, unlike %q", in.Text)}
		}
		if in.Strict || in.ReadOnly {
			return &text.Unsayable{Dialect: Name, Why: fmt.Sprintf("ip inspect has no counterpart of %q", in.Text)}
		}
		p.set(in)
	}
	for i, set := range p.sets {
		for _, one := range []struct {
			on   bool
			name string
		}{{set.tcp, "tcp"}, {set.udp, "udp"}, {set.icmp, "icmp"}, {set.ftp, "ftp"}} {
			if one.on {
				p.line("ip inspect name FW%d %s", i+1, one.name)
			}
		}
	}
	return nil
}

// set returns the name of the inspections that do what in does.
func (p *printer) set(in *firewall.Inspection) string {
	want := inspectName{ftp: in.FTP, tcp: in.TCP, udp: in.UDP, icmp: in.ICMP}
	i := slices.Index(p.sets, want)
	if i < 0 {
		i = len(p.sets)
		p.sets = append(p.sets, want)
	}
	return fmt.Sprintf("FW%d", i+1)
}

// interfaces writes what is applied to each interface.
func (p *printer) interfaces(lists []acl.List) {
	var order []string
	blocks := map[string][]string{}
	add := func(iface, statement string) {
		if !slices.Contains(order, iface) {
			order = append(order, iface)
		}
		if statement != "" {
			blocks[iface] = append(blocks[iface], statement)
		}
	}
	for _, in := range p.rs.Interfaces {
		if !p.own {
			break
		}
		statement := ""
		if in.Zone != "" {
			statement = "zone-member security " + in.Zone
		}
		add(in.Name, statement)
	}
	for i := range lists {
		l := &lists[i]
		for _, at := range l.Places {
			keyword := "ip access-group "
			if l.IPv6() {
				keyword = "ipv6 traffic-filter "
			}
			add(at.Interface, keyword+p.labels[l.Chain.Family+" "+l.Chain.Name]+" "+inOut(at.Hook))
		}
	}
	for i := range p.rs.Inspections {
		if in := &p.rs.Inspections[i]; in.Hook != firewall.Forward {
			add(in.Interface, "ip inspect "+p.set(in)+" "+inOut(in.Hook))
		}
	}
	for _, name := range order {
		p.line("interface %s", InterfaceName(name))
		for _, statement := range blocks[name] {
			p.line(" %s", statement)
		}
	}
}

func inOut(hook firewall.Hook) string {
	if hook == firewall.Outbound {
		return "out"
	}
	return "in"
}

// zones writes the zone-based firewall as the ruleset's text has it: which class a
// protocol belongs to cannot be seen from the rules alone.
func (p *printer) zones() {
	parsed := read(p.rs.File, p.rs.Text)
	for _, m := range parsed.classOrder {
		how := "match-all"
		if m.any {
			how = "match-any"
		}
		p.line("class-map type inspect %s %s", how, m.name)
		for _, match := range m.matches {
			p.line(" %s", match.text)
		}
	}
	for _, policy := range parsed.policyOrder {
		p.line("policy-map type inspect %s", policy.name)
		for _, pc := range policy.classes {
			p.line(" %s", pc.text)
			p.line("  %s", pc.action)
		}
	}
	for _, z := range parsed.zoneOrder {
		p.line("zone security %s", z.name)
	}
	for _, pair := range parsed.pairs {
		p.line("%s", pair.text)
		if pair.policy.Text != "" {
			p.line(" service-policy type inspect %s", pair.policy.Text)
		}
	}
}
