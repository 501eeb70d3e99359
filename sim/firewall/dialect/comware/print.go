package comware

import (
	"fmt"
	"slices"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/acl"
	"ftplab/sim/firewall/dialect/internal/text"
	"ftplab/sim/wire"
)

// Print writes a ruleset as a Comware V7 configuration. A ruleset of this dialect
// keeps its lists' names and its rules' numbers; object groups are written out, V5
// statements become their V7 counterparts. For a ruleset of another dialect the error
// names the first rule that Comware cannot say.
func Print(rs *firewall.Ruleset) (string, error) {
	p := &printer{rs: rs, own: rs.Dialect == Name, labels: map[string]string{}}
	lists, err := acl.Lists(Name, rs, acl.Kind{}, func(c *firewall.Chain) bool { return p.own && c.Table == "zones" })
	if err != nil {
		return "", err
	}
	for i := range lists {
		if err := p.list(&lists[i], i == 0); err != nil {
			return "", err
		}
	}
	if err := p.writePolicies(); err != nil {
		return "", err
	}
	if p.own {
		p.defaults()
		p.zones()
	}
	p.interfaces(lists)
	return p.out.String(), nil
}

type printer struct {
	rs     *firewall.Ruleset
	own    bool
	out    strings.Builder
	namer  acl.Namer
	labels map[string]string // how packet-filter names a list, by family and name
	// policies are the different ASPF policies, in the order of their numbers.
	policies []aspfPolicy
}

// aspfPolicy is what an ASPF policy says.
type aspfPolicy struct{ ftp, tcp, udp, all bool }

func (p *printer) line(format string, args ...any) { fmt.Fprintf(&p.out, format+"\n", args...) }

// list writes one access list. The first list of this dialect without a name is bare
// rule lines again, unless it is applied somewhere.
func (p *printer) list(l *acl.List, first bool) error {
	bare := p.own && first && l.Chain.Name == "" && l.Chain.Line == 0 && len(l.Places) == 0
	indent := " "
	if bare {
		indent = ""
	} else {
		p.header(l)
	}
	rules := make([]string, 0, len(l.Entries)+1)
	written := map[string]bool{}
	for i := range l.Entries {
		e := &l.Entries[i]
		bodies, err := p.bodies(l, e)
		if err != nil {
			return err
		}
		for _, body := range bodies {
			if written[body] && !p.keepsNumbers(l) {
				continue // the device refuses a second rule that says the same
			}
			written[body] = true
			rules = append(rules, body)
		}
	}
	if last := p.everything(l, "deny"); !p.own && l.Chain.Policy.Kind == firewall.Drop && !l.Decided() && !written[last] {
		rules = append(rules, last)
	}
	return p.number(l, rules, indent)
}

// keepsNumbers reports whether the rules' own numbers can stay.
func (p *printer) keepsNumbers(l *acl.List) bool { return p.own && l.Inherited }

// number writes the rules with their numbers.
func (p *printer) number(l *acl.List, rules []string, indent string) error {
	step := 5
	for step > 1 && step*len(rules) > maxRuleID {
		step--
	}
	if step*(len(rules)-1) > maxRuleID {
		return &text.Unsayable{Dialect: Name, Rule: l.Entries[0].Rule, Why: fmt.Sprintf("its list takes more than %d rules", maxRuleID)}
	}
	for i, body := range rules {
		id := fmt.Sprint(i * step)
		comment := ""
		if p.keepsNumbers(l) {
			id, comment = l.Entries[i].Rule.ID, l.Entries[i].Rule.Comment
		}
		p.line("%srule %s %s", indent, id, body)
		if comment != "" {
			p.line("%srule %s comment %s", indent, id, comment)
		}
	}
	return nil
}

// header writes the statement that begins a list, and settles how the list is called.
func (p *printer) header(l *acl.List) {
	kind, family := "advanced", ""
	if p.own && l.Chain.Table == "basic" {
		kind = "basic"
	}
	if l.IPv6() {
		family = "ipv6 "
	}
	name := l.Chain.Name
	label := ""
	if number, err := text.Number("", text.Word{Text: name}, 2000, 3999); err == nil && p.own {
		label = fmt.Sprint(number)
	} else {
		if !p.own || name == "" {
			name = p.namer.Name(name)
		}
		label = "name " + name
	}
	p.labels[l.Chain.Family+" "+l.Chain.Name] = label
	p.line("acl %s%s %s", family, kind, label)
}

func (p *printer) everything(l *acl.List, verb string) string {
	if l.IPv6() {
		return verb + " ipv6"
	}
	return verb + " ip"
}

// bodies writes an entry without its number: several lines if it asks for any of
// several flags.
func (p *printer) bodies(l *acl.List, e *acl.Entry) ([]string, error) {
	unsayable := func(why string) ([]string, error) {
		return nil, &text.Unsayable{Dialect: Name, Rule: e.Rule, Why: why}
	}
	why := e.OnlySaid()
	if e.Fragment == acl.NoLaterFragment && p.own {
		why = "" // the profile in which no rule matches later fragments
	}
	switch {
	case why != "":
		return unsayable(why)
	case e.TTL != nil:
		return unsayable("Comware's rules do not ask for the TTL")
	case len(e.NotModelled) > 0 && !p.own:
		return unsayable(fmt.Sprintf("it says %q, which is not modelled", e.NotModelled[0]))
	}
	basicList := p.own && l.Chain.Table == "basic"
	words := []string{action(e.Verdict.Kind == firewall.Accept)}
	if !basicList {
		words = append(words, protocolWord(e.Protocol, l.IPv6()))
	}
	for _, side := range []struct {
		keyword string
		test    *firewall.AddressTest
	}{{"source", e.Source}, {"destination", e.Destination}} {
		if side.test == nil {
			continue
		}
		address, ok := addressWords(side.test)
		if !ok {
			return unsayable("an IPv6 rule takes an address and a prefix length")
		}
		if address != "" {
			words = append(words, side.keyword, address)
		}
	}
	if e.SourcePort != nil {
		words = append(words, "source-port", e.SourcePort.PortText())
	}
	if e.DestinationPort != nil {
		words = append(words, "destination-port", e.DestinationPort.PortText())
	}
	after := afterFlags(e)
	if after == nil {
		return unsayable("Comware names a single DSCP or a whole precedence")
	}
	return flagBodies(e, strings.Join(words, " "), strings.Join(after, " ")), nil
}

// flagBodies puts the flag options between the two halves of a rule; an entry whose
// flags contradict each other is no rule at all.
func flagBodies(e *acl.Entry, before, after string) []string {
	established := slices.ContainsFunc(e.Flags, acl.FlagTest.IsEstablished)
	mask, bits, rest, ok := e.CombinedFlags()
	if !ok {
		return nil
	}
	bodies := []string{before}
	if established {
		bodies = []string{before + " established"}
	}
	options := flagOptions(mask, bits)
	for _, t := range rest {
		if t.IsEstablished() {
			continue
		}
		var more []string
		for _, b := range bodies {
			for bit := wire.FIN; bit <= wire.URG; bit <<= 1 {
				if t.Mask&bit&^mask != 0 {
					more = append(more, b+flagOptions(bit, bit))
				}
			}
		}
		bodies = more
	}
	for i, b := range bodies {
		bodies[i] = strings.TrimSpace(b + options + " " + after)
	}
	return bodies
}

// flagOptions writes "ack 1 fin 0" for the bits under mask, with a blank in front.
func flagOptions(mask, bits wire.Flags) string {
	var b strings.Builder
	for _, name := range acl.FlagNames() {
		if bit := acl.FlagBit(name); mask&bit != 0 {
			fmt.Fprintf(&b, " %s %d", name, boolean(bits&bit != 0))
		}
	}
	return b.String()
}

// afterFlags writes the options behind the flags; nil if there is no word for them.
func afterFlags(e *acl.Entry) []string {
	words := []string{}
	if e.ICMPType >= 0 {
		keyword := "icmp-type"
		if e.Protocol == int(wire.ICMPv6) {
			keyword = "icmp6-type"
		}
		words = append(words, keyword, fmt.Sprint(e.ICMPType))
		if e.ICMPCode >= 0 {
			words = append(words, fmt.Sprint(e.ICMPCode))
		}
	}
	if e.Fragment == acl.OnlyLaterFragment {
		words = append(words, "fragment")
	}
	if d := e.DSCP; d != nil {
		switch {
		case d.Low == d.High:
			words = append(words, fmt.Sprintf("dscp %d", d.Low))
		case d.Low%8 == 0 && d.High == d.Low+7:
			words = append(words, fmt.Sprintf("precedence %d", d.Low/8))
		default:
			return nil
		}
	}
	words = append(words, e.NotModelled...)
	if e.Count {
		words = append(words, "counting")
	}
	if e.Log {
		words = append(words, "logging")
	}
	return words
}

func protocolWord(protocol int, ipv6 bool) string {
	switch {
	case protocol < 0 && ipv6:
		return "ipv6"
	case protocol < 0:
		return "ip"
	case ipv6:
		return text.NameOf(protocols6, uint16(protocol))
	}
	return text.NameOf(protocols4, uint16(protocol))
}

// addressWords writes an address test, "" for one that every address passes.
func addressWords(t *firewall.AddressTest) (words string, ok bool) {
	prefix, isPrefix := text.PrefixOf(*t)
	switch {
	case isPrefix && prefix.Bits() == 0:
		return "", true
	case t.Base.Is6():
		return prefix.String(), isPrefix
	case isPrefix && prefix.Bits() == 32:
		return t.Base.String() + " 0", true
	}
	return t.Base.String() + " " + text.Inverse(t.Care).String(), true
}

// defaults writes what holds for the whole device.
func (p *printer) defaults() {
	for _, c := range p.rs.Chains {
		if c.Table != "zones" && c.Policy.Kind == firewall.Drop {
			p.line("packet-filter default deny")
			break
		}
	}
}
