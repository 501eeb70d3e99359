package asa

import (
	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/cisco"
	"ftplab/sim/firewall/dialect/internal/text"
	"ftplab/sim/wire"
)

// network is an object or object group of addresses.
type network struct {
	name      string
	addresses []firewall.AddressTest
}

// service is an object or object group of services, ports, protocols or ICMP types.
type service struct {
	name string
	// transport are the protocols of a group of ports ("object-group service G tcp").
	transport []int
	services  []cisco.Service
}

// networkNamed returns an object or group; one that is not in the text is empty, with
// a warning.
func (p *parser) networkNamed(w text.Word) *network {
	if g := p.networks[w.Text]; g != nil {
		return g
	}
	p.warn(text.At(w, "the object %q is not in the text above: nothing is in it", w.Text))
	return &network{name: w.Text}
}

// serviceNamed returns an object or group; one that is not in the text is empty, with
// a warning.
func (p *parser) serviceNamed(w text.Word) *service {
	if g := p.services[w.Text]; g != nil {
		return g
	}
	p.warn(text.At(w, "the object %q is not in the text above: nothing is in it", w.Text))
	return &service{name: w.Text}
}

// ports returns the group's destination ports as a condition on a source port.
func (s *service) ports() cisco.Ports {
	p := cisco.Ports{Set: true, Text: "object-group " + s.name}
	for _, member := range s.services {
		p.Ranges = append(p.Ranges, member.Destination.Ranges...)
	}
	return p
}

// restrict gives services the group's ports or ICMP types as destination.
func (s *service) restrict(services []cisco.Service) []cisco.Service {
	var restricted []cisco.Service
	ports := s.ports()
	for _, one := range services {
		if one.Protocol != int(wire.ICMP) && one.Protocol != int(wire.ICMPv6) {
			one.Destination = ports
			restricted = append(restricted, one)
			continue
		}
		for _, member := range s.services {
			if member.ICMP != nil {
				one.ICMP = member.ICMP
				restricted = append(restricted, one)
			}
		}
	}
	return restricted
}

// objectStatement reads "object network NAME" and "object service NAME".
func (p *parser) objectStatement(c *text.Cursor) *text.Problem {
	c.Next()
	kind, err := text.Keyword("a kind of object", c.Next(), true, "network", "service")
	if err != nil {
		return err
	}
	w := c.Next()
	if w.Text == "" {
		return text.At(w, "the name of the object is missing")
	}
	p.known = true
	if kind == "network" {
		p.enterNetwork(w.Text, networkObjectView)
	} else {
		p.enterService(w.Text, serviceObjectView)
	}
	return nil
}

func (p *parser) enterNetwork(name string, v view) {
	if p.networks[name] == nil {
		p.networks[name] = &network{name: name}
	}
	p.view, p.network = v, p.networks[name]
}

func (p *parser) enterService(name string, v view) {
	if p.services[name] == nil {
		p.services[name] = &service{name: name}
	}
	p.view, p.service = v, p.services[name]
}

// groupStatement reads "object-group network|service|protocol|icmp-type NAME [tcp|udp|
// tcp-udp]".
func (p *parser) groupStatement(c *text.Cursor) *text.Problem {
	c.Next()
	c.Accept("group")
	kind, err := text.Keyword("a kind of object group", c.Next(), true, "network", "service", "protocol", "icmp-type", "user", "security")
	if err != nil {
		return err
	}
	w := c.Next()
	if w.Text == "" {
		return text.At(w, "the name of the object group is missing")
	}
	p.known = true
	switch kind {
	case "network":
		p.enterNetwork(w.Text, networkGroupView)
		return end(c)
	case "user", "security":
		p.view = otherView
		p.warn(text.NotModelled(c.Words))
		return nil
	}
	p.enterService(w.Text, serviceGroupView)
	if kind == "service" && !c.Done() {
		transport, err := text.Keyword("a transport protocol", c.Next(), true, "tcp", "udp", "tcp-udp")
		if err != nil {
			return err
		}
		p.service.transport = transports(transport)
	}
	return end(c)
}

func transports(name string) []int {
	switch name {
	case "tcp":
		return []int{int(wire.TCP)}
	case "udp":
		return []int{int(wire.UDP)}
	}
	return []int{int(wire.TCP), int(wire.UDP)}
}

// addAddresses adds members to the present object or group.
func (p *parser) addAddresses(w text.Word, members []firewall.AddressTest) *text.Problem {
	if err := p.grow(w, len(members)); err != nil {
		return err
	}
	p.network.addresses = append(p.network.addresses, members...)
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

// networkMember reads "host A", "subnet A MASK", "range A A" and "fqdn" of an object,
// and "network-object ..." and "group-object G" of a group.
func (p *parser) networkMember(c *text.Cursor) (bool, *text.Problem) {
	w := c.Peek()
	switch {
	case w.Is("group-object"):
		c.Next()
		return true, p.addAddresses(w, p.networkNamed(c.Next()).addresses)
	case w.Is("nat"):
		p.warn(text.At(w, "nat is not modelled: addresses are not translated"))
		return true, nil
	case w.Is("network-object"):
		c.Next()
		if c.Accept("object") {
			return true, p.addAddresses(w, p.networkNamed(c.Next()).addresses)
		}
	case w.Is("subnet"):
		c.Next()
	case w.Is("host"), w.Is("range"), w.Is("fqdn"):
	default:
		return false, nil
	}
	m, err := p.address(c, firewall.SourceAddress)
	if err != nil {
		return true, err
	}
	if m == nil {
		return true, text.At(w, "any cannot be a member of an object")
	}
	if err := p.addAddresses(w, m.Addresses); err != nil {
		return true, err
	}
	return true, end(c)
}

// serviceMember reads the members of service objects and of the groups of services,
// ports, protocols and ICMP types.
func (p *parser) serviceMember(c *text.Cursor) (bool, *text.Problem) {
	w := c.Peek()
	var members []cisco.Service
	var err *text.Problem
	switch {
	case w.Is("group-object"), w.Is("service-object") && c.PeekAt(1).Is("object"):
		c.Next()
		c.Accept("object")
		members = p.serviceNamed(c.Next()).services
	case w.Is("service-object"), w.Is("service"):
		c.Next()
		members, err = serviceBody(c)
	case w.Is("port-object"):
		c.Next()
		members, err = p.portObject(c)
	case w.Is("protocol-object"):
		c.Next()
		protocol := c.Next()
		n, e := cisco.ReadProtocol(protocol, true)
		if protocol.Is("icmp") {
			n = int(wire.ICMP)
		}
		members, err = []cisco.Service{{Protocol: n}}, e
	case w.Is("icmp-object"):
		c.Next()
		icmp, e := cisco.ReadICMP(c, false)
		if e == nil && icmp == nil {
			e = text.Expected("an ICMP type", c.Peek(), cisco.ICMPNames(false)...)
		}
		members, err = []cisco.Service{{Protocol: int(wire.ICMP), ICMP: icmp}}, e
	default:
		return false, nil
	}
	if err != nil {
		return true, err
	}
	if err := p.grow(w, len(members)); err != nil {
		return true, err
	}
	p.service.services = append(p.service.services, members...)
	return true, end(c)
}

// portObject reads "eq P" or "range P P" of a group of ports.
func (p *parser) portObject(c *text.Cursor) ([]cisco.Service, *text.Problem) {
	if w := c.Peek(); !w.Is("eq") && !w.Is("range") {
		return nil, text.Expected("a port operator", w, "eq", "range")
	}
	ports, err := cisco.ReadPorts(c, cisco.AnyProtocol, false)
	if err != nil {
		return nil, err
	}
	transport := p.service.transport
	if len(transport) == 0 {
		transport = transports("tcp-udp")
	}
	var members []cisco.Service
	for _, n := range transport {
		members = append(members, cisco.Service{Protocol: n, Destination: ports})
	}
	return members, nil
}

// serviceBody reads "PROTOCOL [source PORTS] [[destination] PORTS]" or "icmp [TYPE
// [CODE]]".
func serviceBody(c *text.Cursor) ([]cisco.Service, *text.Problem) {
	w := c.Next()
	if w.Is("tcp-udp") {
		both, err := portsOfService(c, cisco.AnyProtocol)
		return []cisco.Service{withProtocol(both, wire.TCP), withProtocol(both, wire.UDP)}, err
	}
	n, err := cisco.ReadProtocol(w, true)
	if err != nil {
		return nil, err
	}
	if w.Is("icmp") {
		n = int(wire.ICMP)
	}
	s := cisco.Service{Protocol: n}
	switch {
	case n == int(wire.ICMP) || n == int(wire.ICMPv6):
		if s.ICMP, err = cisco.ReadICMP(c, n == int(wire.ICMPv6)); err != nil {
			return nil, err
		}
		if s.ICMP != nil && text.IsNumber(c.Peek()) {
			code, err := text.Number("ICMP code", c.Next(), 0, 255)
			if err != nil {
				return nil, err
			}
			s.ICMP.Code = int(code)
		}
	case cisco.HasPorts(n):
		s, err = portsOfService(c, n)
		s.Protocol = n
	}
	return []cisco.Service{s}, err
}

func withProtocol(s cisco.Service, protocol wire.Protocol) cisco.Service {
	s.Protocol = int(protocol)
	return s
}

func portsOfService(c *text.Cursor, protocol int) (s cisco.Service, err *text.Problem) {
	if c.Accept("source") {
		if s.Source, err = readServicePorts(c, protocol); err != nil {
			return s, err
		}
	}
	c.Accept("destination")
	if !c.Done() {
		s.Destination, err = readServicePorts(c, protocol)
	}
	return s, err
}

func readServicePorts(c *text.Cursor, protocol int) (cisco.Ports, *text.Problem) {
	if w := c.Peek(); !cisco.IsPortOperator(w) {
		return cisco.Ports{}, text.Expected("a port operator", w, "eq", "neq", "gt", "lt", "range")
	}
	return cisco.ReadPorts(c, protocol, false)
}
