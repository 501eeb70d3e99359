package asa

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/acl"
	"ftplab/sim/firewall/dialect/internal/cisco"
	"ftplab/sim/firewall/dialect/internal/text"
	"ftplab/sim/wire"
)

// list is an access list.
type list struct {
	line     int
	name     string
	standard bool
	entries  []*entry
	remark   string // to be attached to the next entry
}

// entry is a line of a list. It is several rules if it names a group of services.
type entry struct {
	number       int // of show access-list, 0 if none was given
	line, column int
	text         string
	comment      string
	permit       bool
	variants     [][]firewall.Part
	expanded     bool // show printed the lines it stands for
}

// listStatement reads "access-list NAME [line N] [extended|standard] permit|deny ...",
// remarks, and what show access-list prints.
func (p *parser) listStatement(c *text.Cursor, raw string) *text.Problem {
	column := c.Next().Column
	name := c.Next()
	if name.Text == "" {
		return text.At(name, "the name of the access list is missing")
	}
	if strings.HasSuffix(name.Text, ";") || name.Is("cached") || name.Is("alert-interval") || name.Is("deny-flow-max") {
		p.known = true
		return nil // headers of show access-list, and limits of logging
	}
	number := 0
	if c.Accept("line") {
		n, err := text.Number("line", c.Next(), 1, 1<<31-1)
		if err != nil {
			return err
		}
		number = int(n)
	}
	kind := c.Peek()
	switch {
	case kind.Is("remark"):
		c.Next()
		p.known = true
		p.listNamed(name.Text).remark = text.Join(c.Words[c.Pos():])
		return nil
	case kind.Is("ethertype"), kind.Is("webtype"), kind.Is("advanced"):
		p.warn(text.NotModelled(c.Words))
		return nil
	case kind.Is("extended"), kind.Is("standard"):
		c.Next()
	case !kind.Is("permit") && !kind.Is("deny"):
		return text.Expected("permit or deny", kind, "extended", "standard", "remark", "permit", "deny", "line")
	}
	c.Words = withoutHash(cisco.WithoutHits(c.Words))
	c.Words = slices.DeleteFunc(slices.Clone(c.Words), func(w text.Word) bool { return strings.HasPrefix(w.Text, "(") })
	l := p.listNamed(name.Text)
	l.standard = l.standard || kind.Is("standard")
	return p.readEntry(c, l, &entry{number: number, line: p.line, column: column, text: raw})
}

// withoutHash removes the hash that show access-list prints behind an inactive entry:
// "(inactive) 0x27806b87".
func withoutHash(words []text.Word) []text.Word {
	if n := len(words); n > 1 && strings.HasPrefix(words[n-1].Text, "0x") && words[n-2].Text == "(inactive)" {
		return words[:n-2]
	}
	return words
}

func (p *parser) listNamed(name string) *list {
	l := p.byName[name]
	if l == nil {
		l = &list{line: p.line, name: name}
		p.byName[name] = l
		p.lists = append(p.lists, l)
	}
	return l
}

func (p *parser) readEntry(c *text.Cursor, l *list, e *entry) *text.Problem {
	verb, err := text.Keyword("permit or deny", c.Next(), true, "permit", "deny")
	if err != nil {
		return err
	}
	e.permit = verb == "permit"
	e.comment, l.remark = l.remark, ""
	b := &body{parser: p}
	if l.standard {
		b.service.Protocol = cisco.AnyProtocol
		if b.source, err = p.address(c, firewall.DestinationAddress); err == nil {
			err = end(c)
		}
	} else {
		err = b.read(c)
	}
	if err != nil {
		return err
	}
	if err := p.grow(c.Words[0], b.size()); err != nil {
		return err
	}
	e.variants = b.variants()
	p.known = true
	p.insert(l, e)
	return nil
}

// insert puts an entry in its place: at the end, before the line whose number it has,
// or, when show access-list prints it indented, instead of the line it expands.
func (p *parser) insert(l *list, e *entry) {
	if n := len(l.entries); p.indent > 0 && e.number > 0 && n > 0 && p.last != nil && p.last.number == e.number {
		if !p.last.expanded {
			p.last.expanded = true
			p.last.variants = nil
		}
		l.entries = append(l.entries, e)
		return
	}
	p.last = e
	if at := e.number - 1; e.number > 0 && at < len(l.entries) && !l.entries[len(l.entries)-1].shown() {
		l.entries = slices.Insert(l.entries, at, e)
		return
	}
	l.entries = append(l.entries, e)
}

// shown reports whether the entry is printed by show access-list, which numbers every
// line in order.
func (e *entry) shown() bool { return strings.Contains(e.text, "(hitcnt=") }

// body is an entry while it is read.
type body struct {
	*parser
	protocolWord text.Word
	service      cisco.Service
	group        *service // instead of the protocol
	destinations *service // a group of destination ports or ICMP types
	sources      *service // a group of source ports
	source       *firewall.Match
	destination  *firewall.Match
	rest         []firewall.Part
}

// read reads "PROTOCOL SOURCE [PORTS] DESTINATION [PORTS] OPTIONS".
func (b *body) read(c *text.Cursor) *text.Problem {
	b.protocolWord = c.Next()
	var err *text.Problem
	switch w := b.protocolWord; {
	case w.Is("object-group"), w.Is("object"):
		b.group = b.serviceNamed(c.Next())
		b.service.Protocol = cisco.AnyProtocol
	default:
		if b.service.Protocol, err = cisco.ReadProtocol(w, true); err != nil {
			return err
		}
		if w.Is("icmp") {
			b.service.Protocol = int(wire.ICMP)
		}
	}
	if b.source, err = b.address(c, firewall.SourceAddress); err != nil {
		return err
	}
	if err = b.ports(c, &b.service.Source, &b.sources); err != nil {
		return err
	}
	if b.destination, err = b.address(c, firewall.DestinationAddress); err != nil {
		return err
	}
	if err = b.ports(c, &b.service.Destination, &b.destinations); err != nil {
		return err
	}
	for !c.Done() {
		if err := b.option(c); err != nil {
			return err
		}
	}
	return nil
}

// ports reads a condition on a port, or the name of a group of ports, if one follows.
func (b *body) ports(c *text.Cursor, ports *cisco.Ports, group **service) *text.Problem {
	w := c.Peek()
	if w.Is("object-group") {
		isSource := ports == &b.service.Source
		g := b.services[c.PeekAt(1).Text]
		if g == nil && isSource || g == nil && b.networks[c.PeekAt(1).Text] != nil {
			return nil // the destination
		}
		c.Next()
		*group = b.serviceNamed(c.Next())
		return nil
	}
	if !cisco.IsPortOperator(w) || w.Is("range") && strings.Contains(c.PeekAt(1).Text, ".") {
		return nil
	}
	if b.group == nil && !cisco.HasPorts(b.service.Protocol) {
		return text.At(w, "a port needs the protocol tcp or udp").WithHint("write permit tcp ... %s %s", w.Lower(), c.PeekAt(1).Text)
	}
	var err *text.Problem
	*ports, err = cisco.ReadPorts(c, b.service.Protocol, false)
	return err
}

// option reads what follows the addresses.
func (b *body) option(c *text.Cursor) *text.Problem {
	w := c.Next()
	switch w.Lower() {
	case "log":
		b.rest = append(b.rest, acl.Do(firewall.Log, "log"))
		for {
			switch next := c.Peek(); {
			case next.Is("interval"):
				c.Next()
				if _, err := text.Number("interval", c.Next(), 1, 600); err != nil {
					return err
				}
			case text.IsNumber(next), isLogLevel(next):
				c.Next()
			default:
				return nil
			}
		}
	case "inactive":
		b.rest = append([]firewall.Part{acl.If(acl.Never("inactive", w.Column))}, b.rest...)
		return nil
	case "time-range":
		b.warn(text.At(w, "time-range is not modelled: the line always applies"))
		b.rest = append(b.rest, acl.Do(firewall.NotModelled, "time-range "+c.Next().Text))
		return nil
	}
	isICMP := b.service.Protocol == int(wire.ICMP) || b.service.Protocol == int(wire.ICMPv6)
	if isICMP && b.service.ICMP == nil {
		c.Seek(c.Pos() - 1)
		icmp, err := cisco.ReadICMP(c, b.service.Protocol == int(wire.ICMPv6))
		if err != nil {
			return err
		}
		if icmp == nil {
			return text.Expected("an ICMP type or an option", c.Peek(), append(cisco.ICMPNames(false), "log", "inactive", "time-range")...)
		}
		if icmp.Code < 0 && text.IsNumber(c.Peek()) {
			code, err := text.Number("ICMP code", c.Next(), 0, 255)
			if err != nil {
				return err
			}
			icmp.Code, icmp.Text = int(code), fmt.Sprintf("%s %d", icmp.Text, code)
		}
		b.service.ICMP = icmp
		return nil
	}
	if w.Is("established") {
		return text.At(w, "established is not an option of an ASA access list").WithHint("the ASA tracks connections: leave the line out")
	}
	return text.Expected("an option of an access list entry", w, "log", "inactive", "time-range")
}

func isLogLevel(w text.Word) bool {
	for _, level := range []string{"disable", "default", "alerts", "critical", "debugging", "emergencies", "errors", "informational", "notifications", "warnings"} {
		if w.Is(level) {
			return true
		}
	}
	return false
}

// address reads "any", "any4", "any6", "host A", "A NETMASK", "A6/LENGTH", "object O",
// "object-group G", "interface I" or "range A A" (show); nil is any.
func (p *parser) address(c *text.Cursor, field firewall.Field) (*firewall.Match, *text.Problem) {
	w := c.Next()
	what := "source address"
	if field == firewall.DestinationAddress {
		what = "destination address"
	}
	var tests []firewall.AddressTest
	label := ""
	switch {
	case w.Text == "":
		return nil, text.At(w, "the %s is missing", what).WithHint("write any, host ADDRESS or ADDRESS NETMASK")
	case w.Is("any"):
		return nil, nil
	case w.Is("any4"), w.Is("any6"):
		zero := netip.PrefixFrom(netip.IPv4Unspecified(), 0)
		if w.Is("any6") {
			zero = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
		}
		tests, label = []firewall.AddressTest{text.Prefix(zero)}, w.Lower()
	case w.Is("object"), w.Is("object-group"):
		g := p.networkNamed(c.Next())
		tests, label = g.addresses, w.Lower()+" "+g.name
	case w.Is("interface"):
		label = "interface " + c.Next().Text
		p.warn(text.At(w, "the interface's own address is not modelled: the line matches nothing"))
	case w.Is("fqdn"):
		label = "fqdn " + c.Next().Text
		p.warn(text.At(w, "names are not resolved: the line matches nothing"))
	case w.Is("host"):
		a, err := p.readAddress(what, c.Next())
		if err != nil {
			return nil, err
		}
		tests, label = []firewall.AddressTest{text.Host(a)}, "host "+a.String()
	case w.Is("range"):
		from, err := p.readAddress(what, c.Next())
		if err != nil {
			return nil, err
		}
		to, err := p.readAddress(what, c.Next())
		if err != nil {
			return nil, err
		}
		tests, label = []firewall.AddressTest{{From: from, To: to}}, "range "+from.String()+" "+to.String()
	default:
		test, err := p.masked(c, w, what)
		if err != nil {
			return nil, err
		}
		if test.Care == netip.IPv4Unspecified() { // A 0.0.0.0, of IPv4 alone
			label = "any4"
		} else if prefix, ok := text.PrefixOf(test); ok && test.Base.Is6() {
			label = prefix.String()
		} else {
			label = test.Base.String() + " " + test.Care.String()
		}
		tests = []firewall.AddressTest{test}
	}
	m := acl.Address(field, tests, label, w.Column)
	return &m, nil
}

// readAddress reads an address or a name that stands for one.
func (p *parser) readAddress(what string, w text.Word) (netip.Addr, *text.Problem) {
	if a, ok := p.names[w.Text]; ok {
		return a, nil
	}
	if a, e := netip.ParseAddr(w.Text); e == nil && a.Is6() && !a.Is4In6() && a.Zone() == "" {
		return a, nil
	}
	return text.IPv4(what, w)
}

// masked reads "A NETMASK" or "A6/LENGTH", of which the first word is w.
func (p *parser) masked(c *text.Cursor, w text.Word, what string) (firewall.AddressTest, *text.Problem) {
	if prefix, e := netip.ParsePrefix(w.Text); e == nil {
		if prefix.Addr().Is4() {
			return firewall.AddressTest{}, text.At(w, "%q is not how the ASA writes an IPv4 network", w.Text).
				WithHint("write %s %s", prefix.Masked().Addr(), text.Netmask(32, prefix.Bits()))
		}
		return text.Prefix(prefix), nil
	}
	base, err := p.readAddress(what, w)
	if err != nil {
		return firewall.AddressTest{}, err.WithHint("write any, host ADDRESS or ADDRESS NETMASK")
	}
	m := c.Next()
	mask, err := text.IPv4("netmask", m)
	if err != nil {
		return firewall.AddressTest{}, err.WithHint("a netmask follows the address; for one host write host %s", base)
	}
	if !text.IsNetmask(mask) {
		if inverse := text.Inverse(mask); text.IsNetmask(inverse) {
			return firewall.AddressTest{}, text.At(m, "%s looks like a wildcard mask; the ASA takes a netmask", m.Text).WithHint("write %s %s", base, inverse)
		}
		return firewall.AddressTest{}, text.At(m, "%s is not a netmask", m.Text).WithHint("a netmask is ones followed by zeros: 255.255.255.0")
	}
	if !base.Is4() {
		return firewall.AddressTest{}, text.At(m, "an IPv6 address takes a prefix length, not a netmask")
	}
	if mask == netip.IPv4Unspecified() {
		return firewall.AddressTest{Base: mask, Care: mask}, nil
	}
	return text.Masked(base, mask), nil
}

// size is how many services the groups of an entry make.
func (b *body) size() int {
	n := 1
	for _, g := range []*service{b.group, b.sources, b.destinations} {
		if g != nil {
			n *= max(1, len(g.services))
		}
	}
	return n
}

// variants returns the rules' parts in the order in which they are asked: protocol,
// addresses, ports, the rest. Groups of services make several rules.
func (b *body) variants() [][]firewall.Part {
	services := []cisco.Service{b.service}
	if b.group != nil {
		services = combine(b.group.services, b.service)
	}
	if b.sources != nil {
		for i := range services {
			services[i].Source = b.sources.ports()
		}
	}
	if b.destinations != nil {
		services = b.destinations.restrict(services)
	}
	var variants [][]firewall.Part
	for _, s := range cisco.Merge(services) {
		label := b.protocolWord.Lower()
		if b.group != nil {
			label = text.NameOf(cisco.Protocols(), uint16(max(0, s.Protocol)))
		}
		parts, after := s.Parts(label, b.protocolWord.Column)
		if b.source != nil {
			parts = append(parts, acl.If(*b.source))
		}
		if b.destination != nil {
			parts = append(parts, acl.If(*b.destination))
		}
		parts = append(parts, after...)
		variants = append(variants, append(parts, b.rest...))
	}
	return variants
}

// combine puts ports that stand beside a group of protocols into each of its services.
func combine(services []cisco.Service, beside cisco.Service) []cisco.Service {
	combined := slices.Clone(services)
	for i := range combined {
		if beside.Source.Set {
			combined[i].Source = beside.Source
		}
		if beside.Destination.Set {
			combined[i].Destination = beside.Destination
		}
	}
	return combined
}

func (e *entry) build(chain, place int, parts []firewall.Part) firewall.Rule {
	return firewall.Rule{
		Chain: chain, ID: strconv.Itoa(place), Line: e.line, Column: e.column, Text: e.text, Comment: e.comment,
		Parts: parts, Verdict: acl.Verdict(e.permit),
	}
}
