package comware

import (
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/acl"
	"ftplab/sim/firewall/dialect/internal/text"
)

// policy is an ASPF policy. In V7 every policy tracks TCP, UDP and ICMP sessions; in
// V5 only what detect names is tracked.
type policy struct {
	number   int
	v5       bool
	ftp      bool
	tcp, udp bool // V5: detect tcp, detect udp
}

// inspection is a policy applied to an interface and a direction, or to a zone pair.
type inspection struct {
	line   int
	text   string
	policy int
	word   text.Word
	iface  string
	hook   firewall.Hook
	pair   *zonePair
}

// zone is a security zone with the interfaces imported into it.
type zone struct {
	name       string
	line       int
	interfaces []string
}

// zonePair is what is said of the packets from one zone to another.
type zonePair struct {
	line     int
	from, to text.Word
	text     string
}

// aspfStatement reads "aspf policy N", "aspf-policy N" (V5) and
// "aspf apply policy N [inbound|outbound]".
func (p *parser) aspfStatement(c *text.Cursor) *text.Problem {
	first := c.Next()
	v5 := first.Is("aspf-policy")
	if !v5 {
		what, err := text.Keyword("an aspf statement", c.Next(), true, "policy", "apply")
		if err != nil {
			return err
		}
		if what == "apply" {
			if !c.Accept("policy") {
				return text.Expected("the word policy", c.Peek(), "policy")
			}
			return p.applyPolicy(c)
		}
	}
	n, err := text.Number("ASPF policy", c.Next(), 1, 256)
	if err != nil {
		return err
	}
	if p.policies[int(n)] == nil {
		p.policies[int(n)] = &policy{number: int(n), v5: v5}
	}
	p.known = true
	p.view, p.policy = aspfView, p.policies[int(n)]
	return end(c)
}

// applyPolicy reads "N [inbound|outbound]" after aspf apply policy or firewall aspf.
func (p *parser) applyPolicy(c *text.Cursor) *text.Problem {
	in := inspection{line: p.line, word: c.Next(), text: text.Join(c.Words)}
	n, err := text.Number("ASPF policy", in.word, 1, 256)
	if err != nil {
		return err
	}
	in.policy = int(n)
	switch p.view {
	case zonePairView:
		in.pair, in.hook = p.pair, firewall.Forward
	case interfaceView:
		in.iface = p.port
		if in.hook, err = direction(c); err != nil {
			return err
		}
	default:
		return text.At(c.Words[0], "an ASPF policy is applied to an interface or a zone pair").
			WithHint("begin with interface GigabitEthernet 2/1/10")
	}
	p.known = true
	p.inspections = append(p.inspections, &in)
	return end(c)
}

// detectStatement reads "detect PROTOCOL [action drop] [aging-time N]" in a policy.
// Of the protocols only FTP has data connections that matter here.
func (p *parser) detectStatement(c *text.Cursor) *text.Problem {
	first := c.Next()
	if p.view != aspfView {
		return text.At(first, "detect stands outside an ASPF policy").WithHint("begin with aspf policy 1")
	}
	protocol, err := text.Keyword("a protocol that ASPF detects", c.Next(), true, "dns", "ftp", "gtp", "h323", "http", "ils", "mgcp",
		"nbt", "pptp", "rsh", "rtsp", "sccp", "sip", "smtp", "sqlnet", "tcp", "tftp", "udp", "xdmcp")
	if err != nil {
		return err
	}
	switch protocol {
	case "ftp":
		p.policy.ftp = true
	case "tcp":
		p.policy.tcp = true
	case "udp":
		p.policy.udp = true
	default:
		p.warn(text.At(c.Last(), "detect %s is not modelled: sessions are tracked without looking into them", protocol))
	}
	if !c.Done() {
		p.warn(text.At(c.Peek(), "%s is not modelled: legal and illegal commands pass alike, timers are the defaults", c.Peek().Text))
	}
	return nil
}

// portMappingStatement reads "port-mapping [application] ftp port N [acl N]".
func (p *parser) portMappingStatement(c *text.Cursor) *text.Problem {
	c.Next()
	c.Accept("application")
	if !c.Accept("ftp") {
		p.warn(text.NotModelled(c.Words))
		return nil
	}
	if !c.Accept("port") {
		return text.Expected("the word port", c.Peek(), "port")
	}
	n, err := text.Number("port", c.Next(), 1, acl.MaxPort)
	if err != nil {
		return err
	}
	if c.Accept("acl") {
		p.warn(text.At(c.Last(), "port-mapping for some hosts only is not modelled: it is taken for every host"))
		c.Next()
	}
	p.known = true
	p.ftpPorts = append(p.ftpPorts, uint16(n))
	return end(c)
}

// zoneStatement reads
//
//	security-zone name NAME | security-zone intra-zone default permit|deny
//	import interface NAME                                           (zone view)
//	zone-pair security source ZONE destination ZONE
func (p *parser) zoneStatement(c *text.Cursor) *text.Problem {
	first := c.Next()
	switch {
	case first.Is("zone-pair"):
		return p.zonePairStatement(c)
	case first.Is("import"):
		return p.importStatement(c, first)
	case c.Accept("intra-zone", "default"):
		verb, err := text.Keyword("the default", c.Next(), true, "permit", "deny")
		p.known, p.intraZone = true, 0
		if verb == "permit" {
			p.intraZone = p.line
		}
		return err
	case c.Accept("name"):
		w := c.Next()
		if w.Text == "" {
			return text.At(w, "the name of the zone is missing")
		}
		p.known = true
		p.view, p.zone = zoneView, p.zoneNamed(w.Text)
		return end(c)
	}
	return text.Expected("a security-zone statement", c.Peek(), "name", "intra-zone")
}

// zoneNamed returns the zone, a new one if the text did not name it before.
func (p *parser) zoneNamed(name string) *zone {
	key := strings.ToLower(name)
	z := p.zones[key]
	if z == nil {
		z = &zone{name: name, line: p.line}
		p.zones[key] = z
		p.zoneOrder = append(p.zoneOrder, z)
	}
	return z
}

func (p *parser) importStatement(c *text.Cursor, first text.Word) *text.Problem {
	if p.view != zoneView {
		return text.At(first, "import stands outside a security zone").WithHint("begin with security-zone name Trust")
	}
	if !c.Accept("interface") {
		p.warn(text.NotModelled(c.Words))
		return nil
	}
	w := c.Peek()
	name, err := interfaceWord(c)
	if err != nil {
		return err
	}
	in := p.interfaceConfig(name)
	if in.Zone != "" && !strings.EqualFold(in.Zone, p.zone.name) {
		return text.At(w, "%s is in the zone %s already", name, in.Zone).WithHint("an interface is in one zone")
	}
	if in.Zone == "" {
		in.Zone = p.zone.name
		p.zone.interfaces = append(p.zone.interfaces, name)
	}
	if c.Accept("vlan") {
		p.warn(text.At(c.Last(), "importing some VLANs of an interface is not modelled: all of it is imported"))
		return nil
	}
	return end(c)
}

func (p *parser) zonePairStatement(c *text.Cursor) *text.Problem {
	pair := &zonePair{line: p.line, text: text.Join(c.Words)}
	if !c.Accept("security") || !c.Accept("source") {
		return text.Expected("a zone pair", c.Peek(), "zone-pair security source ZONE destination ZONE")
	}
	pair.from = c.Next()
	if !c.Accept("destination") {
		return text.Expected("the destination zone", c.Peek(), "destination ZONE")
	}
	pair.to = c.Next()
	if pair.to.Text == "" {
		return text.At(pair.to, "the destination zone is missing")
	}
	p.known = true
	p.view = zonePairView
	for _, known := range p.pairs {
		if known.from.Is(pair.from.Text) && known.to.Is(pair.to.Text) {
			p.pair = known
			return end(c)
		}
	}
	for _, w := range []text.Word{pair.from, pair.to} {
		if w.Is("local") {
			p.warn(text.At(w, "packets to and from the device itself are not filtered by zone pairs here"))
		}
	}
	p.pair = pair
	p.pairs = append(p.pairs, pair)
	return end(c)
}
