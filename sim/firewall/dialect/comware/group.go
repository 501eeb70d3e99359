package comware

import (
	"net/netip"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/acl"
	"ftplab/sim/firewall/dialect/internal/text"
)

// maxGroupMembers is how many addresses and ports the groups of a text may have,
// counted in every group that contains them.
const maxGroupMembers = 1 << 18

// group is an object group: addresses of one family, or ports.
type group struct {
	name      string
	ports     bool
	ipv6      bool
	addresses []firewall.AddressTest
	ranges    []firewall.Range
}

type groups struct {
	byName  map[string]*group
	members int
}

// grow counts new members against the limit, before they are added.
func (g *groups) grow(w text.Word, members int) *text.Problem {
	if g.members+members > maxGroupMembers {
		return text.At(w, "the object groups have more than %d members", maxGroupMembers)
	}
	g.members += members
	return nil
}

// addresses returns the addresses of the group with this name.
func (g *groups) addresses(w text.Word, ipv6 bool) ([]firewall.AddressTest, *text.Problem) {
	found, err := g.find(w)
	if err != nil {
		return nil, err
	}
	if found.ports || found.ipv6 != ipv6 {
		return nil, text.At(w, "%s is not a group of addresses of this family", w.Text)
	}
	return found.addresses, nil
}

func (g *groups) find(w text.Word) (*group, *text.Problem) {
	if w.Text == "" {
		return nil, text.At(w, "the name of the object group is missing")
	}
	found := g.byName[strings.ToLower(w.Text)]
	if found == nil {
		return nil, text.At(w, "there is no object group %s before this line", w.Text).WithHint("write it above: object-group ip address %s", w.Text)
	}
	return found, nil
}

func (p *parser) parsePortGroup(c *text.Cursor, keyword string, field firewall.Field, w text.Word) (option, *text.Problem) {
	name := c.Next()
	found, err := p.groups.find(name)
	if err != nil {
		return option{}, err
	}
	if !found.ports {
		return option{}, text.At(name, "%s is not a group of ports", name.Text)
	}
	label := keyword + " object-group " + found.name
	m := firewall.Match{Field: field, Ranges: found.ranges, Text: label, Column: w.Column}
	if len(found.ranges) == 0 {
		m = acl.Never(label, w.Column)
	}
	o := option{set: true, text: label, parts: []firewall.Part{acl.If(m)}}
	for _, r := range found.ranges {
		o.width += r.High - r.Low + 1
	}
	return o, nil
}

// groupStatement reads "object-group ip address NAME", "object-group ipv6 address
// NAME" and "object-group port NAME".
func (p *parser) groupStatement(c *text.Cursor) *text.Problem {
	c.Next()
	g := &group{}
	kind, err := text.Keyword("a kind of object group", c.Next(), true, "ip", "ipv6", "port", "service")
	if err != nil {
		return err
	}
	switch kind {
	case "port":
		g.ports = true
	case "service":
		p.warn(text.At(c.Last(), "object groups of services are not modelled: the group is left out"))
		p.view, p.group = groupView, nil
		return nil
	default:
		g.ipv6 = kind == "ipv6"
		if !c.Accept("address") {
			return text.Expected("the word address", c.Peek(), "address")
		}
	}
	w := c.Next()
	if w.Text == "" {
		return text.At(w, "the name of the object group is missing")
	}
	g.name = w.Text
	key := strings.ToLower(w.Text)
	if old := p.groups.byName[key]; old != nil {
		if old.ports != g.ports || old.ipv6 != g.ipv6 {
			return text.At(w, "the object group %s is of another kind", w.Text)
		}
		g = old
	}
	p.known = true
	p.groups.byName[key] = g
	p.view, p.group = groupView, g
	return end(c)
}

// memberStatement reads "[ID] network ..." and "[ID] port ..." in an object group.
// The keyword may have been preceded by the member's number.
func (p *parser) memberStatement(c *text.Cursor, first text.Word) *text.Problem {
	if p.view != groupView {
		if first.Is("port") || !text.IsNumber(first) {
			return p.other(c)
		}
		return text.At(first, "%q is not a statement", first.Text)
	}
	if p.group == nil {
		return nil // a group that is not modelled
	}
	keyword, err := text.Keyword("a member of an object group", c.Next(), true, "network", "port", "description")
	if err != nil {
		return err
	}
	switch {
	case keyword == "description":
		return nil
	case (keyword == "port") != p.group.ports:
		return text.At(c.Last(), "%s cannot be a member of this object group", keyword)
	case keyword == "port":
		err = p.portMember(c)
	default:
		err = p.networkMember(c)
	}
	if err != nil {
		return err
	}
	return end(c)
}

func (p *parser) portMember(c *text.Cursor) *text.Problem {
	operator, err := text.Keyword("a port operator", c.Next(), true, "eq", "gt", "lt", "range", "group-object")
	if err != nil {
		return err
	}
	if operator == "group-object" {
		w := c.Next()
		other, err := p.groups.find(w)
		if err != nil {
			return err
		}
		if !other.ports || other == p.group {
			return text.At(w, "%s cannot be a member of this object group", w.Text)
		}
		if err := p.groups.grow(w, len(other.ranges)); err != nil {
			return err
		}
		p.group.ranges = append(p.group.ranges, other.ranges...)
		return nil
	}
	first, err := portNumber(c.Next(), tcpPorts)
	if err != nil {
		return err
	}
	last := first
	if operator == "range" {
		if last, err = portNumber(c.Next(), tcpPorts); err != nil {
			return err
		}
	}
	if err := p.groups.grow(c.Last(), 1); err != nil {
		return err
	}
	p.group.ranges = append(p.group.ranges, acl.PortRange(operator, min(first, last), max(first, last)))
	return nil
}

func (p *parser) networkMember(c *text.Cursor) *text.Problem {
	what, err := text.Keyword("a network", c.Next(), true, "host", "subnet", "range", "group-object")
	if err != nil {
		return err
	}
	var tests []firewall.AddressTest
	switch what {
	case "group-object":
		w := c.Next()
		tests, err = p.groups.addresses(w, p.group.ipv6)
		if err == nil && p.groups.byName[w.Lower()] == p.group {
			err = text.At(w, "an object group cannot contain itself")
		}
	case "host":
		if !c.Accept("address") {
			return text.Expected("the word address", c.Peek(), "address")
		}
		var a netip.Addr
		a, err = p.memberAddress(c)
		if err == nil {
			tests = []firewall.AddressTest{text.Host(a)}
		}
	case "subnet":
		tests, err = p.subnet(c)
	case "range":
		var from, to netip.Addr
		if from, err = p.memberAddress(c); err == nil {
			to, err = p.memberAddress(c)
		}
		if err == nil && to.Less(from) {
			err = text.At(c.Last(), "the range ends before it begins")
		}
		tests = []firewall.AddressTest{{From: from, To: to}}
	}
	if err != nil {
		return err
	}
	if c.Accept("exclude") {
		return text.At(c.Last(), "exclude is not modelled").WithHint("write the networks that remain")
	}
	if err := p.groups.grow(c.Last(), len(tests)); err != nil {
		return err
	}
	p.group.addresses = append(p.group.addresses, tests...)
	return nil
}

// memberAddress reads an address of the group's family.
func (p *parser) memberAddress(c *text.Cursor) (netip.Addr, *text.Problem) {
	w := c.Next()
	if !p.group.ipv6 {
		return text.IPv4("address", w)
	}
	a, e := netip.ParseAddr(w.Text)
	if e != nil || !a.Is6() || a.Is4In6() || a.Zone() != "" {
		return a, text.Expected("an IPv6 address", w)
	}
	return a, nil
}

// subnet reads "A LENGTH", "A MASK" or "A wildcard WILDCARD".
func (p *parser) subnet(c *text.Cursor) ([]firewall.AddressTest, *text.Problem) {
	a, err := p.memberAddress(c)
	if err != nil {
		return nil, err
	}
	isWildcard := !p.group.ipv6 && c.Accept("wildcard")
	w := c.Next()
	if text.IsNumber(w) && !isWildcard {
		n, err := text.Number("mask length", w, 0, uint64(a.BitLen()))
		if err != nil {
			return nil, err
		}
		return []firewall.AddressTest{text.Prefix(netip.PrefixFrom(a, int(n)))}, nil
	}
	if p.group.ipv6 {
		return nil, text.Expected("a prefix length", w)
	}
	mask, err := text.IPv4("mask", w)
	if err != nil {
		return nil, err
	}
	if isWildcard {
		return []firewall.AddressTest{text.Wildcard(a, mask)}, nil
	}
	if !text.IsNetmask(mask) {
		return nil, text.At(w, "%s is not a netmask", w.Text).WithHint("write wildcard %s if ones do not count", w.Text)
	}
	return []firewall.AddressTest{text.Masked(a, mask)}, nil
}
