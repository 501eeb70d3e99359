package ios

import (
	"net/netip"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/cisco"
	"ftplab/sim/firewall/dialect/internal/text"
	"ftplab/sim/wire"
)

// networkGroup is an object group of addresses.
type networkGroup struct {
	name      string
	any       bool
	addresses []firewall.AddressTest
}

// serviceGroup is an object group of services, or a group of ports: then every
// service is a destination port of any protocol.
type serviceGroup struct {
	name     string
	ports    bool
	services []cisco.Service
}

// networkNamed returns a group; one that is not in the text is empty, with a warning.
func (p *parser) networkNamed(w text.Word) *networkGroup {
	if g := p.networks[w.Text]; g != nil {
		return g
	}
	p.warn(text.At(w, "the object group %q is not in the text above: nothing is in it", w.Text))
	return &networkGroup{name: w.Text}
}

// serviceNamed returns a group; one that is not in the text is empty, with a warning.
func (p *parser) serviceNamed(w text.Word) *serviceGroup {
	if g := p.services[w.Text]; g != nil {
		return g
	}
	p.warn(text.At(w, "the object group %q is not in the text above: nothing is in it", w.Text))
	return &serviceGroup{name: w.Text}
}

// groupStatement reads "object-group network|service NAME" and the Catalyst's
// "object-group ip address|port NAME".
func (p *parser) groupStatement(c *text.Cursor) *text.Problem {
	c.Next()
	kind, err := text.Keyword("a kind of object group", c.Next(), true, "network", "service", "ip", "security", "v6-network", "v6-service", "fqdn")
	if err != nil {
		return err
	}
	ports := false
	switch kind {
	case "network", "service":
	case "ip":
		if kind, err = text.Keyword("a kind of object group", c.Next(), true, "address", "port"); err != nil {
			return err
		}
		ports = kind == "port"
	default:
		p.view = otherView
		p.warn(text.NotModelled(c.Words))
		return nil
	}
	w := c.Next()
	if w.Text == "" {
		return text.At(w, "the name of the object group is missing")
	}
	p.known = true
	if kind == "network" || kind == "address" {
		g := p.networks[w.Text]
		if g == nil {
			g = &networkGroup{name: w.Text}
			p.networks[w.Text] = g
		}
		p.view, p.network = networkView, g
		return end(c)
	}
	g := p.services[w.Text]
	if g == nil {
		g = &serviceGroup{name: w.Text, ports: ports}
		p.services[w.Text] = g
	}
	p.view, p.service = serviceView, g
	return end(c)
}

// addAddresses adds members to the present group of addresses.
func (p *parser) addAddresses(w text.Word, members ...firewall.AddressTest) *text.Problem {
	if err := p.grow(w, len(members)); err != nil {
		return err
	}
	p.network.addresses = append(p.network.addresses, members...)
	return nil
}

// addServices adds members to the present group of services.
func (p *parser) addServices(w text.Word, members ...cisco.Service) *text.Problem {
	if err := p.grow(w, len(members)); err != nil {
		return err
	}
	p.service.services = append(p.service.services, members...)
	return nil
}

// grow counts new members of object groups against the limit, before they are added:
// a group may contain groups, or itself.
func (p *parser) grow(w text.Word, members int) *text.Problem {
	if p.members+members > cisco.MaxMembers {
		return text.At(w, "the object groups have more than %d members", cisco.MaxMembers)
	}
	p.members += members
	return nil
}

// networkMember reads "host A", "A MASK", "A /LENGTH", "A/LENGTH", "range A A", "any"
// and "group-object G".
func (p *parser) networkMember(c *text.Cursor) (bool, *text.Problem) {
	first := c.Peek()
	if text.IsNumber(first) { // sequence number, as Catalyst switches print it
		c.Next()
	}
	g, w := p.network, c.Peek()
	var test firewall.AddressTest
	switch {
	case w.Is("description"):
		return true, nil
	case w.Is("any"):
		c.Next()
		g.any = true
		return true, end(c)
	case w.Is("group-object"):
		c.Next()
		other := p.networkNamed(c.Next())
		g.any = g.any || other.any
		return true, p.addAddresses(w, other.addresses...)
	case w.Is("host"):
		c.Next()
		a, err := text.IPv4("address", c.Next())
		if err != nil {
			return true, err
		}
		test = text.Host(a)
	case w.Is("range"):
		c.Next()
		from, err := text.IPv4("address", c.Next())
		if err != nil {
			return true, err
		}
		to, err := text.IPv4("address", c.Next())
		if err != nil {
			return true, err
		}
		if to.Less(from) {
			return true, text.At(c.Last(), "the range ends before it begins")
		}
		test = firewall.AddressTest{From: from, To: to}
	default:
		t, handled, err := network(c)
		if !handled || err != nil {
			return handled, err
		}
		test = t
	}
	if err := p.addAddresses(w, test); err != nil {
		return true, err
	}
	return true, end(c)
}

// network reads an address with a netmask or a prefix length; object groups have
// netmasks where access lists have wildcard masks.
func network(c *text.Cursor) (t firewall.AddressTest, handled bool, err *text.Problem) {
	w := c.Peek()
	if prefix, e := netip.ParsePrefix(w.Text); e == nil && prefix.Addr().Is4() {
		c.Next()
		return text.Prefix(prefix), true, nil
	}
	a, e := netip.ParseAddr(w.Text)
	if e != nil || !a.Is4() {
		return t, false, nil
	}
	c.Next()
	m := c.Next()
	if length, ok := strings.CutPrefix(m.Text, "/"); ok {
		n, err := text.Number("prefix length", text.Word{Text: length, Column: m.Column + 1}, 0, 32)
		return text.Prefix(netip.PrefixFrom(a, int(n))), true, err
	}
	mask, err := text.IPv4("netmask", m)
	if err != nil {
		return t, true, err
	}
	if !text.IsNetmask(mask) {
		return t, true, text.At(m, "%s is not a netmask", m.Text).WithHint("object groups take netmasks, not wildcard masks")
	}
	return text.Masked(a, mask), true, nil
}

// serviceMember reads "tcp|udp|tcp-udp [source PORTS] [eq P|...|P]", "icmp [TYPE]", a
// protocol, "group-object G"; in a group of ports "eq P" and so on.
func (p *parser) serviceMember(c *text.Cursor) (bool, *text.Problem) {
	if text.IsNumber(c.Peek()) && c.PeekAt(1).Text != "" {
		c.Next()
	}
	g, w := p.service, c.Peek()
	switch {
	case w.Is("description"):
		return true, nil
	case w.Is("group-object"):
		c.Next()
		return true, p.addServices(w, p.serviceNamed(c.Next()).services...)
	case g.ports:
		if !cisco.IsPortOperator(w) {
			return false, nil
		}
		ports, err := cisco.ReadPorts(c, cisco.AnyProtocol, false)
		if err != nil {
			return true, err
		}
		return true, p.addServices(w, cisco.Service{Protocol: cisco.AnyProtocol, Destination: ports})
	}
	var protocols []int
	if w.Is("tcp-udp") {
		protocols = []int{int(wire.TCP), int(wire.UDP)}
	} else {
		n, err := cisco.ReadProtocol(w, false)
		if err != nil || w.Is("ip") && c.PeekAt(1).Text != "" {
			return false, nil
		}
		protocols = []int{n}
	}
	c.Next()
	s, err := serviceBody(c, protocols[0])
	if err != nil {
		return true, err
	}
	for _, n := range protocols {
		s.Protocol = n
		if err := p.addServices(w, s); err != nil {
			return true, err
		}
	}
	return true, end(c)
}

// serviceBody reads what follows the protocol of a service.
func serviceBody(c *text.Cursor, protocol int) (s cisco.Service, err *text.Problem) {
	s.Protocol = protocol
	switch {
	case protocol == int(wire.ICMP):
		if s.ICMP, err = cisco.ReadICMP(c, false); err != nil {
			return s, err
		}
	case cisco.HasPorts(protocol):
		if c.Accept("source") {
			if s.Source, err = cisco.ReadPorts(c, protocol, false); err != nil {
				return s, err
			}
		}
		switch w := c.Peek(); {
		case cisco.IsPortOperator(w):
			s.Destination, err = cisco.ReadPorts(c, protocol, false)
		case w.Text != "": // a port without operator
			s.Destination, err = plainPort(c, protocol)
		}
	}
	return s, err
}

func plainPort(c *text.Cursor, protocol int) (cisco.Ports, *text.Problem) {
	w := c.Next()
	eq := text.NewCursor([]text.Word{{Text: "eq", Column: w.Column}, w})
	return cisco.ReadPorts(eq, protocol, false)
}
