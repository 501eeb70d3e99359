package comware

import (
	"fmt"
	"net/netip"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/acl"
	"ftplab/sim/firewall/dialect/internal/text"
	"ftplab/sim/wire"
)

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
