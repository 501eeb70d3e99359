package ios

import (
	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/text"
)

// classMap is a "class-map type inspect": which packets a class holds.
type classMap struct {
	line    int
	name    string
	any     bool // match-any: one of the lines suffices
	matches []classMatch
}

// classMatch is a line of a class map: a protocol, or an access list.
type classMatch struct {
	line     int
	column   int
	text     string
	protocol *application // nil for an access list
	list     text.Word
}

// application is a protocol that a class map can name, by how its connections begin.
type application struct {
	name     string
	tcp, udp []uint16 // ports; none with every says all of the protocol's
	every    int      // protocol number whose packets all belong to it, 0 for none
}

// policyMap is a "policy-map type inspect": what is done with each class.
type policyMap struct {
	line    int
	name    string
	classes []*policyClass
}

// policyClass is one class of a policy with its action: inspect, pass or drop.
type policyClass struct {
	line   int
	word   text.Word // the class map's name; class-default
	text   string
	action string
}

// zone is a security zone with its interfaces.
type zone struct {
	name       string
	line       int
	interfaces []string
}

// zonePair is what is said of the packets from one zone to another.
type zonePair struct {
	line     int
	text     string
	from, to text.Word
	policy   text.Word
}

// applications are the protocols that are known besides every port name of Linux.
func findApplication(w text.Word) *application {
	switch w.Lower() {
	case "tcp":
		return &application{name: "tcp", every: 6}
	case "udp":
		return &application{name: "udp", every: 17}
	case "icmp":
		return &application{name: "icmp", every: 1}
	case "dns":
		return &application{name: "dns", tcp: []uint16{53}, udp: []uint16{53}}
	case "snmp", "ntp", "tftp", "syslog", "bootps", "bootpc", "isakmp", "radius":
		n, _ := text.Lookup(text.LinuxServices(), w.Text)
		return &application{name: w.Lower(), udp: []uint16{n}}
	case "sip":
		return &application{name: "sip", tcp: []uint16{5060}, udp: []uint16{5060}}
	}
	if n, ok := text.Lookup(text.LinuxServices(), w.Text); ok {
		return &application{name: w.Lower(), tcp: []uint16{n}}
	}
	return nil
}

// classMapStatement reads "class-map type inspect [match-any|match-all] NAME".
func (p *parser) classMapStatement(c *text.Cursor) *text.Problem {
	c.Next()
	if !c.Accept("type", "inspect") {
		p.view = otherView
		p.warn(text.NotModelled(c.Words))
		return nil
	}
	m := &classMap{line: p.line}
	if !c.Peek().Is("match-any") && !c.Peek().Is("match-all") && c.PeekAt(1).Text != "" {
		p.view = otherView // class-map type inspect http ...: inside the protocol
		p.warn(text.NotModelled(c.Words))
		return nil
	}
	if c.Accept("match-any") {
		m.any = true
	} else {
		c.Accept("match-all")
	}
	w := c.Next()
	if w.Text == "" {
		return text.At(w, "the name of the class map is missing")
	}
	m.name = w.Text
	if old := p.classes[w.Text]; old != nil {
		m = old
	} else {
		p.classes[w.Text] = m
		p.classOrder = append(p.classOrder, m)
	}
	p.known = true
	p.view, p.class = classView, m
	return end(c)
}

// classMember reads "match protocol P", "match access-group [name] LIST".
func (p *parser) classMember(c *text.Cursor) (bool, *text.Problem) {
	m := classMatch{line: p.line, column: c.Peek().Column, text: text.Join(c.Words)}
	if c.Accept("description") {
		return true, nil
	}
	if !c.Accept("match") {
		return false, nil
	}
	switch {
	case c.Accept("protocol"):
		w := c.Next()
		m.protocol = findApplication(w)
		if m.protocol == nil {
			p.warn(text.At(w, "the protocol %q is not modelled: the line matches nothing", w.Text))
			m.protocol = &application{name: w.Lower()}
		} else if !c.Done() {
			p.warn(text.At(c.Peek(), "%s is not modelled: the protocol is taken whole", c.Peek().Text))
		}
	case c.Accept("access-group"):
		c.Accept("name")
		m.list = c.Next()
		if m.list.Text == "" {
			return true, text.At(m.list, "the access list is missing")
		}
	default:
		p.warn(text.At(c.Peek(), "match %s is not modelled: the line matches nothing", c.Peek().Text))
		m.protocol = &application{name: c.Peek().Text}
	}
	p.class.matches = append(p.class.matches, m)
	return true, nil
}

// policyMapStatement reads "policy-map type inspect NAME".
func (p *parser) policyMapStatement(c *text.Cursor) *text.Problem {
	c.Next()
	if !c.Accept("type", "inspect") || c.PeekAt(1).Text != "" {
		p.view = otherView
		p.warn(text.NotModelled(c.Words))
		return nil
	}
	w := c.Next()
	if w.Text == "" {
		return text.At(w, "the name of the policy map is missing")
	}
	if p.policies[w.Text] == nil {
		p.policies[w.Text] = &policyMap{line: p.line, name: w.Text}
		p.policyOrder = append(p.policyOrder, p.policies[w.Text])
	}
	p.known = true
	p.view, p.policy, p.action = policyView, p.policies[w.Text], nil
	return nil
}

// policyMember reads "class [type inspect] NAME" and its action.
func (p *parser) policyMember(c *text.Cursor) (bool, *text.Problem) {
	w := c.Peek()
	switch {
	case w.Is("description"):
		return true, nil
	case w.Is("class"):
		statement := text.Join(c.Words)
		c.Next()
		c.Accept("type", "inspect")
		name := c.Next()
		if name.Text == "" {
			return true, text.At(name, "the name of the class is missing")
		}
		p.action = &policyClass{line: p.line, word: name, text: statement, action: "drop"}
		p.policy.classes = append(p.policy.classes, p.action)
		return true, end(c)
	case w.Is("inspect"), w.Is("pass"), w.Is("drop"):
		if p.action == nil {
			return true, text.At(w, "%s stands outside a class", w.Lower()).WithHint("begin with class type inspect NAME")
		}
		p.action.action = c.Next().Lower()
		if c.Accept("log") {
			return true, end(c)
		}
		if !c.Done() {
			p.warn(text.At(c.Peek(), "the parameters %q are not modelled: the defaults are taken", c.Peek().Text))
		}
		return true, nil
	case w.Is("police"), w.Is("service-policy"), w.Is("urlfilter"):
		p.warn(text.NotModelled(c.Words))
		return true, nil
	}
	return false, nil
}

// zoneStatement reads "zone security NAME" and "zone-pair security NAME source ZONE
// destination ZONE".
func (p *parser) zoneStatement(c *text.Cursor) *text.Problem {
	isPair := c.Next().Is("zone-pair")
	if !c.Accept("security") {
		return text.Expected("the word security", c.Peek(), "security")
	}
	w := c.Next()
	if w.Text == "" {
		return text.At(w, "the name is missing")
	}
	p.known = true
	if !isPair {
		p.zoneNamed(w.Text)
		p.view = zoneView
		return end(c)
	}
	pair := &zonePair{line: p.line, text: text.Join(c.Words)}
	if !c.Accept("source") {
		return text.Expected("the source zone", c.Peek(), "source ZONE destination ZONE")
	}
	pair.from = c.Next()
	if !c.Accept("destination") {
		return text.Expected("the destination zone", c.Peek(), "destination ZONE")
	}
	pair.to = c.Next()
	if pair.to.Text == "" {
		return text.At(pair.to, "the destination zone is missing")
	}
	p.view, p.pair = zonePairView, pair
	if pair.from.Is("self") || pair.to.Is("self") {
		p.warn(text.At(pair.from, "packets to and from the router itself are not filtered by zone pairs here"))
		return nil
	}
	p.pairs = append(p.pairs, pair)
	return end(c)
}

// servicePolicyStatement reads "service-policy type inspect NAME" in a zone pair.
func (p *parser) servicePolicyStatement(c *text.Cursor) *text.Problem {
	c.Next()
	if !c.Accept("type", "inspect") {
		return text.Expected("a service policy", c.Peek(), "type inspect NAME")
	}
	p.pair.policy = c.Next()
	if p.pair.policy.Text == "" {
		return text.At(p.pair.policy, "the name of the policy map is missing")
	}
	return end(c)
}

func (p *parser) zoneNamed(name string) *zone {
	z := p.zones[name]
	if z == nil {
		z = &zone{name: name, line: p.line}
		p.zones[name] = z
		p.zoneOrder = append(p.zoneOrder, z)
	}
	return z
}

// zoneMember reads "zone-member security ZONE" on an interface.
func (p *parser) zoneMember(c *text.Cursor) *text.Problem {
	c.Next()
	if !c.Accept("security") {
		return text.Expected("the word security", c.Peek(), "security")
	}
	w := c.Next()
	if w.Text == "" {
		return text.At(w, "the zone is missing")
	}
	if p.port.config.Zone != "" && p.port.config.Zone != w.Text {
		return text.At(w, "the interface is in the zone %s already", p.port.config.Zone).WithHint("an interface is in one zone")
	}
	p.known = true
	if p.port.config.Zone == "" {
		p.port.config.Zone = w.Text
		z := p.zoneNamed(w.Text)
		z.interfaces = append(z.interfaces, p.port.config.Name)
	}
	return end(c)
}

// inspects is what a policy inspects. FTP is inspected when a class names it before any
// class that takes all of TCP: the first class that fits decides.
func (p *parser) zoneInspection(policy *policyMap) (in firewall.Inspection, any bool) {
	in.Kind, in.Hook = "zone", firewall.Forward
	passes, tcpTaken := 0, false
	for _, pc := range policy.classes {
		if pc.action == "pass" {
			passes++
		}
		m := p.classes[pc.word.Text]
		if pc.action != "inspect" || m == nil {
			continue
		}
		any = true
		named := false
		for _, match := range m.matches {
			if match.protocol == nil {
				continue
			}
			named = true
			switch a := match.protocol; {
			case a.name == "ftp" && tcpTaken:
				p.line = match.line
				p.warn(&text.Problem{Column: match.column, EndColumn: match.column, Message: "FTP is not inspected: a class before it takes all of TCP",
					Hint: "name ftp before tcp"})
			case a.name == "ftp":
				in.FTP, in.TCP = true, true
			case a.every == 6:
				in.TCP, tcpTaken = true, m.any || len(m.matches) == 1 || tcpTaken
			default:
				in.TCP = in.TCP || len(a.tcp) > 0
				in.UDP = in.UDP || a.every == 17 || len(a.udp) > 0
				in.ICMP = in.ICMP || a.every == 1
			}
		}
		if !named {
			in.TCP, in.UDP, in.ICMP = true, true, true
		}
	}
	if any && passes > 0 {
		p.line = policy.line
		p.warn(&text.Problem{Column: 1, EndColumn: 1, Message: "the policy map both inspects and passes: what it passes opens a session here as well"})
	}
	return in, any
}
