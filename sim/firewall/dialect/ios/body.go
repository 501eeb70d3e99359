package ios

import (
	"fmt"
	"net/netip"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/acl"
	"ftplab/sim/firewall/dialect/internal/cisco"
	"ftplab/sim/firewall/dialect/internal/text"
	"ftplab/sim/wire"
)

// isExtendedBody reports whether a standard list's entry begins as only an extended
// one can: with a protocol.
func isExtendedBody(c *text.Cursor) bool {
	_, err := cisco.ReadProtocol(c.Peek(), false)
	return err == nil && !text.IsNumber(c.Peek())
}

// standardBody reads "any|host A|A [WILDCARD] [log]", also as show prints it: "A,
// wildcard bits W".
func (p *parser) standardBody(c *text.Cursor, e *entry) *text.Problem {
	w := c.Peek()
	w.Text = strings.TrimSuffix(w.Text, ",")
	var parts []firewall.Part
	switch {
	case w.Is("any"):
		c.Next()
	case w.Is("host"), w.Is("object-group"):
		m, err := p.address(c, firewall.SourceAddress, false)
		if err != nil {
			return err
		}
		parts = append(parts, acl.If(*m))
	default:
		base, err := text.IPv4("source address", w)
		if err != nil {
			return err
		}
		c.Next()
		c.Accept("wildcard", "bits")
		wildcard := netip.AddrFrom4([4]byte{})
		if a, err := netip.ParseAddr(strings.TrimSuffix(c.Peek().Text, ",")); err == nil && a.Is4() {
			p.warnNetmask(base, a, c.Peek())
			wildcard = a
			c.Next()
		}
		test := text.Wildcard(base, wildcard)
		if wildcard != netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
			parts = append(parts, acl.If(acl.Address(firewall.SourceAddress, []firewall.AddressTest{test}, wildcardText(test), w.Column)))
		}
	}
	for !c.Done() {
		if !c.Accept("log") {
			return end(c)
		}
		parts = append(parts, acl.Do(firewall.Log, "log"))
	}
	e.variants = [][]firewall.Part{parts}
	return nil
}

// wildcardText is an address test in IOS words.
func wildcardText(t firewall.AddressTest) string {
	if prefix, ok := text.PrefixOf(t); ok && prefix.IsSingleIP() {
		return "host " + t.Base.String()
	}
	return t.Base.String() + " " + text.Inverse(t.Care).String()
}

// extendedBody reads "PROTOCOL SOURCE [PORTS] DESTINATION [PORTS] OPTIONS".
func (p *parser) extendedBody(c *text.Cursor, l *list, e *entry) *text.Problem {
	b := &body{parser: p, ipv6: l.ipv6}
	if err := b.protocol(c); err != nil {
		return err
	}
	var err *text.Problem
	if b.source, err = p.address(c, firewall.SourceAddress, l.ipv6); err != nil {
		return err
	}
	if b.service.Source, err = b.ports(c); err != nil {
		return err
	}
	if b.destination, err = p.address(c, firewall.DestinationAddress, l.ipv6); err != nil {
		return err
	}
	if b.service.Destination, err = b.ports(c); err != nil {
		return err
	}
	for !c.Done() {
		if err := b.option(c, e); err != nil {
			return err
		}
	}
	if b.group != nil {
		if err := p.grow(b.protocolWord, len(b.group.services)); err != nil {
			return err
		}
	}
	e.variants = b.variants()
	return nil
}

// body is an extended entry while it is read.
type body struct {
	*parser
	ipv6         bool
	protocolWord text.Word
	service      cisco.Service
	group        *serviceGroup // instead of protocol and ports
	source       *firewall.Match
	destination  *firewall.Match
	flags        []firewall.Match // plain control bits: any of them
	rest         []firewall.Part
}

func (b *body) protocol(c *text.Cursor) *text.Problem {
	w := c.Next()
	b.protocolWord = w
	if w.Is("object-group") {
		w = c.Next()
		b.group = b.serviceNamed(w)
		b.service.Protocol = cisco.AnyProtocol
		return nil
	}
	n, err := cisco.ReadProtocol(w, b.ipv6)
	if err != nil && c.Peek().Is("object-group") {
		b.group = b.serviceNamed(w) // as show access-lists prints a service group
		b.service.Protocol = cisco.AnyProtocol
		return nil
	}
	b.service.Protocol = n
	return err
}

// ports reads a condition on a port, if one follows.
func (b *body) ports(c *text.Cursor) (cisco.Ports, *text.Problem) {
	w := c.Peek()
	if w.Is("portgroup") {
		c.Next()
		g := b.serviceNamed(c.Next())
		if err := b.grow(w, len(g.services)); err != nil {
			return cisco.Ports{}, err
		}
		p := cisco.Ports{Set: true, Text: "portgroup " + g.name, Column: w.Column}
		for _, s := range g.services {
			p.Ranges = append(p.Ranges, s.Destination.Ranges...)
		}
		return p, nil
	}
	if !cisco.IsPortOperator(w) {
		return cisco.Ports{}, nil
	}
	if b.group != nil || !cisco.HasPorts(b.service.Protocol) {
		return cisco.Ports{}, text.At(w, "a port needs the protocol tcp or udp").WithHint("write permit tcp ... %s %s", w.Lower(), c.PeekAt(1).Text)
	}
	return cisco.ReadPorts(c, b.service.Protocol, true)
}

// address reads "any", "host A", "A WILDCARD" or "object-group G"; nil is any.
func (p *parser) address(c *text.Cursor, field firewall.Field, ipv6 bool) (*firewall.Match, *text.Problem) {
	w := c.Next()
	what := "source address"
	if field == firewall.DestinationAddress {
		what = "destination address"
	}
	var tests []firewall.AddressTest
	var label string
	switch {
	case w.Text == "":
		return nil, text.At(w, "the %s is missing", what).WithHint("write any, host ADDRESS or ADDRESS WILDCARD")
	case w.Is("any"):
		return nil, nil
	case w.Is("object-group"), w.Is("addrgroup"):
		g := p.networkNamed(c.Next())
		tests, label = g.addresses, "object-group "+g.name
		if g.any {
			return nil, nil
		}
	case w.Is("host"):
		a, err := readAddress(what, c.Next(), ipv6)
		if err != nil {
			return nil, err
		}
		tests, label = []firewall.AddressTest{text.Host(a)}, "host "+a.String()
	case ipv6:
		prefix, e := netip.ParsePrefix(w.Text)
		if e != nil || !prefix.Addr().Is6() || prefix.Addr().Is4In6() {
			return nil, text.Expected("an IPv6 prefix", w).WithHint("write any, host ADDRESS or 2001:db8::/32")
		}
		if prefix.Bits() == 0 {
			return nil, nil
		}
		tests, label = []firewall.AddressTest{text.Prefix(prefix)}, prefix.Masked().String()
	default:
		test, err := p.wildcard(c, w, what)
		if err != nil {
			return nil, err
		}
		if test.Care == netip.AddrFrom4([4]byte{}) {
			return nil, nil
		}
		tests, label = []firewall.AddressTest{test}, wildcardText(test)
	}
	m := acl.Address(field, tests, label, w.Column)
	return &m, nil
}

func readAddress(what string, w text.Word, ipv6 bool) (netip.Addr, *text.Problem) {
	if !ipv6 {
		return text.IPv4(what, w)
	}
	a, e := netip.ParseAddr(w.Text)
	if e != nil || !a.Is6() || a.Is4In6() || a.Zone() != "" {
		return a, text.Expected("an IPv6 address", w)
	}
	return a, nil
}

func (p *parser) wildcard(c *text.Cursor, w text.Word, what string) (firewall.AddressTest, *text.Problem) {
	base, err := text.IPv4(what, w)
	if err != nil {
		if prefix, e := netip.ParsePrefix(w.Text); e == nil && prefix.Addr().Is4() {
			return firewall.AddressTest{}, text.At(w, "%q is not how IOS writes a network", w.Text).
				WithHint("write %s %s", prefix.Masked().Addr(), text.Inverse(text.Netmask(32, prefix.Bits())))
		}
		return firewall.AddressTest{}, err.WithHint("write any, host ADDRESS or ADDRESS WILDCARD")
	}
	mask := c.Next()
	wildcard, err := text.IPv4("wildcard mask", mask)
	if err != nil {
		return firewall.AddressTest{}, err.WithHint("a wildcard mask follows the address; for one host write host %s", base)
	}
	p.warnNetmask(base, wildcard, mask)
	return text.Wildcard(base, wildcard), nil
}

// warnNetmask warns of a wildcard mask that is more likely meant as a netmask.
func (p *parser) warnNetmask(base, wildcard netip.Addr, w text.Word) {
	if !text.IsNetmask(wildcard) || wildcard == netip.AddrFrom4([4]byte{}) {
		return
	}
	if wildcard == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		if base != netip.AddrFrom4([4]byte{}) {
			p.warn(text.At(w, "%s is the wildcard mask of every address: %s does not count", w.Text, base).WithHint("for one host write host %s", base))
		}
		return
	}
	p.warn(text.At(w, "%s looks like a netmask; IOS reads a wildcard mask, in which ones do not count", w.Text).
		WithHint("for the network write %s %s", base, text.Inverse(wildcard)))
}

// option reads one of the options after the addresses.
func (b *body) option(c *text.Cursor, e *entry) *text.Problem {
	w := c.Next()
	switch word := w.Lower(); word {
	case "established":
		b.rest = append(b.rest, acl.If(acl.Established(w.Column)))
		return b.needsTCP(w)
	case "ack", "fin", "psh", "rst", "syn", "urg":
		bit := acl.FlagBit(word)
		b.flags = append(b.flags, acl.Flag(bit, bit, word, w.Column))
		return b.needsTCP(w)
	case "match-any", "match-all":
		return b.flagList(c, w)
	case "fragments", "fragment":
		if b.service.Source.Set || b.service.Destination.Set {
			return text.At(w, "fragments cannot be asked for together with ports").WithHint("later fragments carry no ports; write a line of its own")
		}
		b.rest = append(b.rest, acl.If(acl.Number(firewall.Fragment, acl.LaterFragment, "fragments", w.Column)))
		return nil
	case "log", "log-input":
		b.rest = append(b.rest, acl.Do(firewall.Log, word))
		return nil
	case "dscp", "precedence", "tos":
		return b.typeOfService(c, w)
	case "ttl", "hop-limit":
		return b.ttl(c, w)
	case "time-range", "reflect", "option", "flow-label", "timeout":
		argument := c.Next()
		if argument.Text == "" {
			return text.At(argument, "the name after %s is missing", word)
		}
		for strings.HasPrefix(c.Peek().Text, "(") { // "(active)", as show prints it
			c.Next()
		}
		return b.notModelled(w, word+" "+argument.Text)
	case "sequence":
		n, err := text.Number("sequence number", c.Next(), 1, maxSequence)
		e.sequence = int(n)
		return err
	case "routing", "auth", "dest-option", "mobility", "undetermined-transport":
		return b.notModelled(w, word)
	}
	if b.service.Protocol == int(wire.ICMP) || b.service.Protocol == int(wire.ICMPv6) {
		c.Seek(c.Pos() - 1)
		icmp, err := cisco.ReadICMP(c, b.ipv6)
		if err != nil {
			return err
		}
		if icmp != nil && b.service.ICMP == nil {
			b.service.ICMP = icmp
			return nil
		}
		return text.Expected("an ICMP type or an option", c.Peek(), append(cisco.ICMPNames(b.ipv6), optionWords()...)...)
	}
	if b.service.Protocol == 2 {
		return b.notModelled(w, "igmp type "+w.Text)
	}
	if cisco.IsPortOperator(w) {
		return text.At(w, "%s does not belong here", w.Text).WithHint("ports stand right behind their address: permit tcp any any eq 21")
	}
	return text.Expected("an option of an access list entry", w, optionWords()...)
}

func optionWords() []string {
	return []string{"established", "ack", "fin", "psh", "rst", "syn", "urg", "match-any", "match-all", "fragments", "log", "log-input",
		"time-range", "dscp", "precedence", "tos", "ttl"}
}

func (b *body) notModelled(w text.Word, what string) *text.Problem {
	b.warn(text.At(w, "%s is not modelled: the line is taken as if it did not say it", w.Text))
	b.rest = append(b.rest, acl.Do(firewall.NotModelled, what))
	return nil
}

func (b *body) needsTCP(w text.Word) *text.Problem {
	if b.service.Protocol == int(wire.TCP) {
		return nil
	}
	return text.At(w, "%s needs the protocol tcp", w.Lower()).WithHint("write permit tcp ... %s", w.Lower())
}

// flagList reads "match-any|match-all {+|-}FLAG...".
func (b *body) flagList(c *text.Cursor, w text.Word) *text.Problem {
	var alternatives []firewall.Match
	var mask, bits wire.Flags
	label := w.Lower()
	for {
		f := c.Peek()
		if len(f.Text) < 2 || f.Text[0] != '+' && f.Text[0] != '-' {
			break
		}
		bit := acl.FlagBit(strings.ToLower(f.Text[1:]))
		if bit == 0 {
			return text.Expected("a TCP flag", text.Word{Text: f.Text[1:], Column: f.Column + 1}, acl.FlagNames()...)
		}
		c.Next()
		want := wire.Flags(0)
		if f.Text[0] == '+' {
			want = bit
		}
		mask, bits = mask|bit, bits&^bit|want
		label += " " + f.Lower()
		alternatives = append(alternatives, acl.Flag(bit, want, f.Lower(), f.Column))
	}
	if len(alternatives) == 0 {
		return text.At(c.Peek(), "the flags after %s are missing", w.Lower()).WithHint("write %s +ack -syn", w.Lower())
	}
	m := acl.Flag(mask, bits, label, w.Column)
	switch {
	case w.Is("match-any") && bits == mask: // any of the bits is set
		m.AnyBit, m.Bits = true, 0
	case w.Is("match-any"):
		m = firewall.Match{Field: firewall.TCPFlags, AnyOf: alternatives, Text: label, Column: w.Column}
	}
	b.rest = append(b.rest, acl.If(m))
	return b.needsTCP(w)
}

// typeOfService reads dscp, precedence (the upper three bits of the DSCP) and tos.
func (b *body) typeOfService(c *text.Cursor, w text.Word) *text.Problem {
	table, high := acl.DSCPNames(), uint64(63)
	switch {
	case w.Is("precedence"):
		table, high = acl.PrecedenceNames(), 7
	case w.Is("tos"):
		table, high = acl.ToSNames(), 15
	}
	value := c.Next()
	n, ok := text.Lookup(table, value.Text)
	if !ok {
		if value.Text != "" && !text.IsNumber(value) {
			return text.Expected("a value of "+w.Lower(), value, text.Names(table)...)
		}
		number, err := text.Number(w.Lower(), value, 0, high)
		if err != nil {
			return err
		}
		n = uint16(number)
	}
	label := fmt.Sprintf("%s %d", w.Lower(), n)
	switch {
	case w.Is("dscp"):
		b.rest = append(b.rest, acl.If(acl.Number(firewall.DSCP, uint64(n), label, w.Column)))
	case w.Is("precedence"):
		m := firewall.Match{Field: firewall.DSCP, Ranges: []firewall.Range{{Low: uint64(n) * 8, High: uint64(n)*8 + 7}}, Text: label, Column: w.Column}
		b.rest = append(b.rest, acl.If(m))
	default:
		return b.notModelled(w, label)
	}
	return nil
}

// ttl reads "ttl eq|neq|gt|lt N" and "ttl range N N".
func (b *body) ttl(c *text.Cursor, w text.Word) *text.Problem {
	operator, err := text.Keyword("a comparison", c.Next(), true, "eq", "neq", "gt", "lt", "range")
	if err != nil {
		return err
	}
	first, err := text.Number("ttl", c.Next(), 0, 255)
	if err != nil {
		return err
	}
	last, label := first, fmt.Sprintf("ttl %s %d", operator, first)
	if operator == "range" {
		if last, err = text.Number("ttl", c.Next(), first, 255); err != nil {
			return err
		}
		label += fmt.Sprintf(" %d", last)
	}
	m := acl.Port(firewall.TTL, operator, uint16(first), uint16(last), label, w.Column)
	if operator == "gt" {
		m.Ranges[0].High = max(255, m.Ranges[0].Low)
	}
	b.rest = append(b.rest, acl.If(m))
	return nil
}

// variants returns the rules' parts in the order in which they are asked: protocol,
// addresses, ports, flags, the rest. A service group makes several rules.
func (b *body) variants() [][]firewall.Part {
	services := []cisco.Service{b.service}
	if b.group != nil {
		services = cisco.Merge(b.group.services)
	}
	var variants [][]firewall.Part
	for i := range services {
		label := b.protocolWord.Lower()
		if b.group != nil {
			label = text.NameOf(cisco.Protocols(), uint16(max(0, services[i].Protocol)))
		}
		parts, after := services[i].Parts(label, b.protocolWord.Column)
		if b.source != nil {
			parts = append(parts, acl.If(*b.source))
		}
		if b.destination != nil {
			parts = append(parts, acl.If(*b.destination))
		}
		parts = append(parts, after...)
		if len(b.flags) > 0 {
			parts = append(parts, b.anyFlag())
		}
		variants = append(variants, append(parts, b.rest...))
	}
	return variants
}

// anyFlag is the condition of plain control bits ("syn", "ack psh"): any of them is
// set.
func (b *body) anyFlag() firewall.Part {
	m := firewall.Match{Field: firewall.TCPFlags, AnyBit: true, Column: b.flags[0].Column}
	var names []string
	for _, f := range b.flags {
		m.Mask |= f.Mask
		names = append(names, f.Text)
	}
	m.Text = strings.Join(names, " ")
	return acl.If(m)
}
