package comware

import (
	"fmt"
	"math/bits"
	"net/netip"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/acl"
	"ftplab/sim/firewall/dialect/internal/text"
	"ftplab/sim/wire"
)

// slot is the place of an option within a rule. Their order is the order in which
// conditions are asked, so that the first one that misses is the one that a person
// would name: protocol, addresses, ports, flags, the rest.
type slot int

const (
	slotProtocol slot = iota
	slotSource
	slotDestination
	slotSourcePort
	slotDestinationPort
	slotEstablished
	slotACK
	slotFIN
	slotPSH
	slotRST
	slotSYN
	slotURG
	slotICMPType
	slotFragment
	slotDSCP
	slotPrecedence
	slotToS
	slotTimeRange
	slotVPNInstance
	slotCounting
	slotLogging
	slotFlowLogging
	numSlots
)

// option is what a rule says in one slot. An option that is set but has no text
// ("source any") says that every packet will do.
type option struct {
	set   bool
	text  string // in canonical words
	parts []firewall.Part
	width uint64 // of a port option: how many ports; orders match-order auto
}

// rule is one rule of a list as it stands after every line about it.
type rule struct {
	id           int
	line, column int
	text         string // as written, from permit or deny on
	permit       bool
	comment      string
	protocol     int // IP protocol number, -1 for ip
	options      [numSlots]option
	sequence     int // order of configuration
}

// anyProtocol is the number of the keyword ip: every protocol.
const anyProtocol = -1

// canonical returns the rule without its number as the device would print it.
func (r *rule) canonical() string {
	words := []string{action(r.permit)}
	for _, o := range r.options {
		if o.text != "" {
			words = append(words, o.text)
		}
	}
	return strings.Join(words, " ")
}

func action(permit bool) string {
	if permit {
		return "permit"
	}
	return "deny"
}

// merge puts the options of a later line with the same number over the rule's own
// (H3C: editing a rule in match order config changes what the line names only).
func (r *rule) merge(later *rule) {
	r.permit = later.permit
	r.line, r.column = later.line, later.column
	for i, o := range later.options {
		if !o.set {
			o = r.options[i].elsewhere()
		}
		r.options[i] = o
	}
	if later.options[slotProtocol].set {
		r.protocol = later.protocol
	}
	r.text = r.canonical()
}

// elsewhere returns the option without its column, for a rule whose line is another
// one now.
func (o option) elsewhere() option {
	parts := make([]firewall.Part, len(o.parts))
	for i, part := range o.parts {
		if part.Match != nil {
			m := *part.Match
			m.Column = 0
			part.Match = &m
		}
		parts[i] = part
	}
	o.parts = parts
	return o
}

// parts returns the rule's conditions and side effects in the order of the slots.
func (r *rule) parts(profile Profile) []firewall.Part {
	var parts []firewall.Part
	var flags []firewall.Match
	for i, o := range r.options {
		if slot(i) >= slotACK && slot(i) <= slotURG && profile.AnyFlag {
			for _, p := range o.parts {
				flags = append(flags, *p.Match)
			}
		} else {
			parts = append(parts, o.parts...)
		}
		if slot(i) == slotURG && len(flags) > 0 {
			parts = append(parts, anyOf(flags))
		}
	}
	if profile.RulesSkipFragments && !r.options[slotFragment].set {
		parts = append(parts, acl.If(firewall.Match{
			Field:  firewall.Fragment,
			Ranges: []firewall.Range{{Low: acl.NotFragment, High: acl.FirstFragment}},
			Text:   "no fragment",
		}))
	}
	return parts
}

func anyOf(flags []firewall.Match) firewall.Part {
	if len(flags) == 1 {
		return acl.If(flags[0])
	}
	texts := make([]string, len(flags))
	for i, f := range flags {
		texts[i] = f.Text
	}
	return acl.If(firewall.Match{Field: firewall.TCPFlags, AnyOf: flags, Text: strings.Join(texts, " "), Column: flags[0].Column})
}

// parseRule reads what follows permit or deny.
func (p *parser) parseRule(c *text.Cursor, l *list, r *rule) *text.Problem {
	r.protocol = anyProtocol
	if l.kind == advanced {
		if err := p.parseProtocol(c, l, r); err != nil {
			return err
		}
	}
	for !c.Done() {
		if err := p.parseOption(c, l, r); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) parseProtocol(c *text.Cursor, l *list, r *rule) *text.Problem {
	every, table := "ip", protocols4
	if l.ipv6 {
		every, table = "ipv6", protocols6
	}
	w := c.Next()
	r.options[slotProtocol] = option{set: true}
	o := &r.options[slotProtocol]
	if text.IsNumber(w) {
		n, err := text.Number("protocol", w, 0, 255)
		if err != nil {
			return err
		}
		r.protocol, o.text = int(n), text.NameOf(table, uint16(n))
	} else {
		name, err := text.Keyword("a protocol", w, true, append(text.Names(table), every)...)
		if err != nil {
			if _, misplaced := text.Keyword("", w, true, optionWords()...); misplaced == nil || w.Text == "" {
				err = text.At(w, "the protocol is missing").WithHint("an advanced ACL's rule names it first: rule %s %s ...", action(r.permit), every)
			}
			return err
		}
		o.text = name
		if name == every {
			return nil
		}
		n, _ := text.Lookup(table, name)
		r.protocol = int(n)
	}
	o.parts = []firewall.Part{acl.If(acl.Protocol(uint8(r.protocol), o.text, w.Column))}
	return nil
}

func optionWords() []string {
	return []string{"source", "destination", "source-port", "destination-port", "established", "ack", "fin", "psh", "rst", "syn", "urg",
		"icmp-type", "icmp6-type", "fragment", "dscp", "precedence", "tos", "time-range", "vpn-instance", "counting", "logging", "flow-logging"}
}

// optionSlot returns the slot of an option's keyword.
func optionSlot(keyword string) slot {
	switch keyword {
	case "source":
		return slotSource
	case "destination":
		return slotDestination
	case "source-port":
		return slotSourcePort
	case "destination-port":
		return slotDestinationPort
	case "established":
		return slotEstablished
	case "ack":
		return slotACK
	case "fin":
		return slotFIN
	case "psh":
		return slotPSH
	case "rst":
		return slotRST
	case "syn":
		return slotSYN
	case "urg":
		return slotURG
	case "icmp-type", "icmp6-type":
		return slotICMPType
	case "fragment":
		return slotFragment
	case "dscp":
		return slotDSCP
	case "precedence":
		return slotPrecedence
	case "tos":
		return slotToS
	case "time-range":
		return slotTimeRange
	case "vpn-instance":
		return slotVPNInstance
	case "counting":
		return slotCounting
	case "logging":
		return slotLogging
	}
	return slotFlowLogging
}

func (p *parser) parseOption(c *text.Cursor, l *list, r *rule) *text.Problem {
	w := c.Next()
	keyword, err := text.Keyword("an option of a rule", w, true, optionWords()...)
	if err != nil {
		return err
	}
	s := optionSlot(keyword)
	if r.options[s].set {
		return text.At(w, "%s is given twice", keyword).WithHint("a rule takes each option once; write two rules")
	}
	if l.kind == basic && s != slotSource && s < slotFragment {
		return text.At(w, "a basic ACL looks at source addresses only: %s is not one of its options", keyword).
			WithHint("use an advanced ACL (3000 to 3999)")
	}
	o := option{set: true}
	switch s {
	case slotSource, slotDestination:
		o, err = p.parseAddress(c, l, keyword, w)
	case slotSourcePort, slotDestinationPort:
		o, err = p.parsePort(c, keyword, w, r)
	case slotEstablished:
		m := acl.Established(w.Column)
		o.text, o.parts = keyword, []firewall.Part{acl.If(m)}
		err = needsTCP(r, keyword, w)
	case slotACK, slotFIN, slotPSH, slotRST, slotSYN, slotURG:
		o, err = parseFlag(c, keyword, w, r)
	case slotICMPType:
		o, err = parseICMPType(c, keyword, w, r, l)
	case slotFragment:
		o.text = keyword
		o.parts = []firewall.Part{acl.If(acl.Number(firewall.Fragment, acl.LaterFragment, keyword, w.Column))}
	case slotDSCP, slotPrecedence, slotToS:
		o, err = p.parseService(c, keyword, w)
	case slotTimeRange, slotVPNInstance:
		o, err = p.parseNotModelled(c, keyword, w)
	case slotCounting:
		o.text, o.parts = keyword, []firewall.Part{acl.Do(firewall.Count, keyword)}
	default:
		o.text, o.parts = keyword, []firewall.Part{acl.Do(firewall.Log, keyword)}
	}
	r.options[s] = o
	return err
}

func needsTCP(r *rule, keyword string, w text.Word) *text.Problem {
	if r.protocol == int(wire.TCP) {
		return nil
	}
	return text.At(w, "%s needs the protocol tcp", keyword).WithHint("write rule %s tcp ... %s", action(r.permit), keyword)
}

func parseFlag(c *text.Cursor, keyword string, w text.Word, r *rule) (option, *text.Problem) {
	if err := needsTCP(r, keyword, w); err != nil {
		return option{}, err
	}
	n, err := text.Number(keyword, c.Next(), 0, 1)
	if err != nil {
		return option{}, err
	}
	bit := acl.FlagBit(keyword)
	name := fmt.Sprintf("%s %d", keyword, n)
	return option{set: true, text: name, parts: []firewall.Part{acl.If(acl.Flag(bit, bit*wire.Flags(n), name, w.Column))}}, nil
}

func (p *parser) parsePort(c *text.Cursor, keyword string, w text.Word, r *rule) (option, *text.Problem) {
	table := tcpPorts
	switch r.protocol {
	case int(wire.TCP):
	case int(wire.UDP):
		table = udpPorts
	default:
		return option{}, text.At(w, "%s needs the protocol tcp or udp", keyword).WithHint("write rule %s tcp ... %s", action(r.permit), keyword)
	}
	field := firewall.SourcePort
	if keyword == "destination-port" {
		field = firewall.DestinationPort
	}
	operator, err := text.Keyword("a port operator", c.Next(), true, "eq", "gt", "lt", "neq", "range", "object-group")
	if err != nil {
		return option{}, err
	}
	if operator == "object-group" {
		return p.parsePortGroup(c, keyword, field, w)
	}
	first, err := portNumber(c.Next(), table)
	if err != nil {
		return option{}, err
	}
	last := first
	name := fmt.Sprintf("%s %s %d", keyword, operator, first)
	if operator == "range" {
		high := c.Next()
		if last, err = portNumber(high, table); err != nil {
			return option{}, err
		}
		if last < first {
			first, last = last, first // the device swaps them
		}
		name = fmt.Sprintf("%s range %d %d", keyword, first, last)
	}
	m := acl.Port(field, operator, first, last, name, w.Column)
	width := m.Ranges[0].High - m.Ranges[0].Low + 1
	if operator == "neq" {
		width = acl.MaxPort
	}
	return option{set: true, text: name, parts: []firewall.Part{acl.If(m)}, width: width}, nil
}

func portNumber(w text.Word, table []text.Name) (uint16, *text.Problem) {
	if n, ok := text.Lookup(table, w.Text); ok {
		return n, nil
	}
	if w.Text != "" && !text.IsNumber(w) {
		return 0, text.Expected("a port", w, text.Names(table)...)
	}
	n, err := text.Number("port", w, 0, acl.MaxPort)
	return uint16(n), err
}

// parseAddress reads the argument of source or destination.
func (p *parser) parseAddress(c *text.Cursor, l *list, keyword string, w text.Word) (option, *text.Problem) {
	field := firewall.SourceAddress
	if keyword == "destination" {
		field = firewall.DestinationAddress
	}
	if c.Peek().Is("any") {
		c.Next()
		return option{set: true}, nil
	}
	var tests []firewall.AddressTest
	var argument string
	var err *text.Problem
	switch {
	case c.Peek().Is("object-group"):
		c.Next()
		argument = "object-group " + c.Peek().Text
		tests, err = p.groups.addresses(c.Next(), l.ipv6)
	case l.ipv6:
		tests, argument, err = parsePrefix6(c)
	default:
		tests, argument, err = p.parseWildcard(c, keyword)
	}
	if err != nil {
		return option{}, err
	}
	name := keyword + " " + argument
	return option{set: true, text: name, parts: []firewall.Part{acl.If(acl.Address(field, tests, name, w.Column))}}, nil
}

func (p *parser) parseWildcard(c *text.Cursor, keyword string) ([]firewall.AddressTest, string, *text.Problem) {
	w := c.Next()
	base, err := text.IPv4(keyword+" address", w)
	if err != nil {
		if prefix, e := netip.ParsePrefix(w.Text); e == nil && prefix.Addr().Is4() {
			wildcard := text.Inverse(text.Netmask(32, prefix.Bits()))
			err = text.At(w, "%q is not how Comware writes a network", w.Text).WithHint("write %s %s %s", keyword, prefix.Masked().Addr(), wildcard)
		}
		return nil, "", err
	}
	mask := c.Next()
	if mask.Text == "0" {
		return []firewall.AddressTest{text.Host(base)}, base.String() + " 0", nil
	}
	wildcard, err := text.IPv4("wildcard mask", mask)
	if err != nil {
		return nil, "", err.WithHint("a wildcard mask follows the address: write %s %s 0 for this one host", keyword, base)
	}
	test := text.Wildcard(base, wildcard)
	if first := wildcard.As4()[0]; first == 255 && wildcard.As4()[3] == 0 && text.IsNetmask(wildcard) {
		p.warn(text.At(mask, "%s looks like a netmask; Comware reads a wildcard mask, in which ones do not count", mask.Text).
			WithHint("for the network write %s %s", base, text.Inverse(wildcard)))
	}
	if test.Care == text.Netmask(32, 32) {
		return []firewall.AddressTest{test}, base.String() + " 0", nil
	}
	return []firewall.AddressTest{test}, test.Base.String() + " " + wildcard.String(), nil
}

// parsePrefix6 reads "2001:db8::/32" or "2001:db8:: 32".
func parsePrefix6(c *text.Cursor) ([]firewall.AddressTest, string, *text.Problem) {
	w := c.Next()
	prefix, e := netip.ParsePrefix(w.Text)
	if e != nil {
		address, e := netip.ParseAddr(w.Text)
		if e != nil || !address.Is6() || address.Zone() != "" {
			return nil, "", text.Expected("an IPv6 address", w).WithHint("write 2001:db8::/32 or 2001:db8:: 32")
		}
		length, err := text.Number("prefix length", c.Next(), 0, 128)
		if err != nil {
			return nil, "", err
		}
		prefix = netip.PrefixFrom(address, int(length))
	}
	if !prefix.Addr().Is6() || prefix.Addr().Is4In6() {
		return nil, "", text.At(w, "%q is not an IPv6 network", w.Text).WithHint("write 2001:db8::/32 or 2001:db8:: 32")
	}
	prefix = prefix.Masked()
	return []firewall.AddressTest{text.Prefix(prefix)}, prefix.String(), nil
}

func parseICMPType(c *text.Cursor, keyword string, w text.Word, r *rule, l *list) (option, *text.Problem) {
	names, protocol, protocolName := icmp4Names, wire.ICMP, "icmp"
	if l.ipv6 {
		names, protocol, protocolName = icmp6Names, wire.ICMPv6, "icmpv6"
	}
	if r.protocol != int(protocol) {
		return option{}, text.At(w, "%s needs the protocol %s", keyword, protocolName)
	}
	kind := c.Next()
	for _, n := range names {
		if kind.Is(n.name) {
			name := keyword + " " + n.name
			return icmpOption(name, w.Column, uint64(n.kind), uint64(n.code)), nil
		}
	}
	n, err := text.Number("ICMP type", kind, 0, 255)
	if err != nil {
		if kind.Text != "" && !text.IsNumber(kind) {
			known := make([]string, len(names))
			for i, n := range names {
				known[i] = n.name
			}
			err = text.Expected("an ICMP type", kind, known...)
		}
		return option{}, err
	}
	name := fmt.Sprintf("%s %d", keyword, n)
	if !text.IsNumber(c.Peek()) {
		m := acl.Number(firewall.ICMPTypeField, n, name, w.Column)
		return option{set: true, text: name, parts: []firewall.Part{acl.If(m)}}, nil
	}
	code, err := text.Number("ICMP code", c.Next(), 0, 255)
	return icmpOption(fmt.Sprintf("%s %d", name, code), w.Column, n, code), err
}

func icmpOption(name string, column int, kind, code uint64) option {
	return option{set: true, text: name, parts: []firewall.Part{
		acl.If(acl.Number(firewall.ICMPTypeField, kind, name, column)),
		acl.If(acl.Number(firewall.ICMPCodeField, code, name, column)),
	}}
}

// parseService reads dscp, precedence and tos. The precedence is the DSCP's upper
// three bits. The type-of-service bits (RFC 1349) reach into what is now ECN, which
// packets here do not carry.
func (p *parser) parseService(c *text.Cursor, keyword string, w text.Word) (option, *text.Problem) {
	table, high := acl.DSCPNames(), uint64(63)
	switch keyword {
	case "precedence":
		table, high = acl.PrecedenceNames(), 7
	case "tos":
		table, high = acl.ToSNames(), 15
	}
	value := c.Next()
	n, known := text.Lookup(table, value.Text)
	if !known {
		if value.Text != "" && !text.IsNumber(value) {
			return option{}, text.Expected("a value of "+keyword, value, text.Names(table)...)
		}
		number, err := text.Number(keyword, value, 0, high)
		if err != nil {
			return option{}, err
		}
		n = uint16(number)
	}
	name := fmt.Sprintf("%s %d", keyword, n)
	o := option{set: true, text: name}
	switch keyword {
	case "dscp":
		o.parts = []firewall.Part{acl.If(acl.Number(firewall.DSCP, uint64(n), name, w.Column))}
	case "precedence":
		m := acl.Number(firewall.DSCP, 0, name, w.Column)
		m.Ranges = []firewall.Range{{Low: uint64(n) * 8, High: uint64(n)*8 + 7}}
		o.parts = []firewall.Part{acl.If(m)}
	default:
		o.parts = []firewall.Part{acl.Do(firewall.NotModelled, name)}
		p.warn(text.At(w, "tos is not modelled: the rule is taken as if it did not ask for it"))
	}
	return o, nil
}

func (p *parser) parseNotModelled(c *text.Cursor, keyword string, w text.Word) (option, *text.Problem) {
	argument := c.Next()
	if argument.Text == "" {
		return option{}, text.At(argument, "the name after %s is missing", keyword)
	}
	name := keyword + " " + argument.Text
	consequence := "the rule always applies"
	if keyword == "vpn-instance" {
		consequence = "the rule applies to every packet"
	}
	p.warn(text.At(w, "%s is not modelled: %s", keyword, consequence))
	return option{set: true, text: name, parts: []firewall.Part{acl.Do(firewall.NotModelled, name)}}, nil
}

// depth is how specific an option's addresses are: the number of bits that count.
func (o *option) depth() int {
	if len(o.parts) == 0 || o.parts[0].Match == nil || len(o.parts[0].Match.Addresses) != 1 {
		return 0
	}
	n := 0
	for _, b := range o.parts[0].Match.Addresses[0].Care.AsSlice() {
		n += bits.OnesCount8(b)
	}
	return n
}
