package comware

import (
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/acl"
	"ftplab/sim/firewall/dialect/internal/text"
)

// application is a packet filter: a list applied to an interface and a direction,
// or to a zone pair.
type application struct {
	line      int
	word      text.Word // the list's number or name, for messages
	ipv6      bool
	number    int
	name      string
	iface     string // "" for every interface
	hook      firewall.Hook
	pair      *zonePair // not nil: applied to a zone pair
	statement string
	v5        bool // "firewall packet-filter", which needs firewall enable
}

// firewallDefault is V5's "firewall default".
type firewallDefault struct {
	line int // 0 if not given
	deny bool
}

// InterfaceName returns an interface's name as the device prints it: the type in
// full and the number without a blank. "ge 2/1/10", "GE2/1/10" and
// "gigabitethernet2/1/10" are all "GigabitEthernet2/1/10". A name of an unknown type
// keeps its letters.
func InterfaceName(name string) string { return acl.InterfaceName(interfaceTypes, name) }

// interfaceWord reads an interface's name of one or two words.
func interfaceWord(c *text.Cursor) (string, *text.Problem) {
	w := c.Next()
	if w.Text == "" {
		return "", text.At(w, "the interface is missing").WithHint("write interface GigabitEthernet 2/1/10")
	}
	name := w.Text
	if !strings.ContainsAny(name, "0123456789") {
		if next := c.Peek().Text; next != "" && next[0] >= '0' && next[0] <= '9' {
			name += c.Next().Text
		}
	}
	return InterfaceName(name), nil
}

func (p *parser) interfaceStatement(c *text.Cursor) *text.Problem {
	c.Next()
	if c.Accept("range") {
		p.view, p.port = systemView, ""
		return text.At(c.Last(), "interface range is not modelled").WithHint("write a packet filter into each interface")
	}
	name, err := interfaceWord(c)
	if err != nil {
		return err
	}
	p.known = true
	p.view, p.port = interfaceView, name
	p.interfaceConfig(name)
	return end(c)
}

// interfaceConfig returns what is known of an interface.
func (p *parser) interfaceConfig(name string) *firewall.InterfaceConfig {
	in := p.interfaces[name]
	if in == nil {
		in = &firewall.InterfaceConfig{Name: name, Line: p.line}
		p.interfaces[name] = in
		p.interfaceOrder = append(p.interfaceOrder, in)
	}
	return in
}

// packetFilterStatement reads
//
//	packet-filter default deny                                      (system view)
//	packet-filter [ipv6] N|name NAME inbound|outbound [hardware-count]   (interface view)
//	packet-filter [ipv6] N|name NAME global inbound|outbound        (system view)
//	packet-filter [ipv6] N|name NAME                                (zone pair view)
func (p *parser) packetFilterStatement(c *text.Cursor) *text.Problem {
	first := c.Next()
	switch w := c.Peek(); {
	case w.Is("default"):
		c.Next()
		return p.packetFilterDefault(c)
	case w.Is("mac"), w.Is("user-defined"), w.Is("filter"):
		p.warn(text.NotModelled(c.Words))
		return nil
	}
	a := application{line: p.line, ipv6: c.Accept("ipv6"), statement: text.Join(c.Words)}
	if err := a.readList(c); err != nil {
		return err
	}
	if c.Accept("vlan") {
		p.warn(text.NotModelled(c.Words))
		return nil
	}
	everywhere := c.Accept("global")
	switch {
	case p.view == zonePairView && !everywhere:
		a.pair, a.hook = p.pair, firewall.Forward
	case p.view != interfaceView && !everywhere:
		return text.At(first, "packet-filter stands outside an interface").
			WithHint("begin with interface GigabitEthernet 2/1/10, or write packet-filter ... global inbound")
	default:
		hook, err := direction(c)
		if err != nil {
			return err
		}
		a.hook = hook
		if !everywhere {
			a.iface = p.port
		}
	}
	for c.Accept("hardware-count") || c.Accept("extension") || c.Accept("share-mode") {
	}
	if err := end(c); err != nil {
		return err
	}
	return p.apply(&a)
}

// readList reads the number or name of the list that is applied.
func (a *application) readList(c *text.Cursor) *text.Problem {
	if c.Accept("name") {
		a.word = c.Next()
		a.name = a.word.Text
		if a.name == "" {
			return text.At(a.word, "the name of the ACL is missing")
		}
		return nil
	}
	a.word = c.Next()
	n, err := text.Number("ACL number", a.word, 2000, 5999)
	if err != nil && !text.IsNumber(a.word) && a.word.Text != "" {
		return text.At(a.word, "%q is not an ACL number", a.word.Text).WithHint("an ACL without a number is applied with packet-filter name %s", a.word.Text)
	}
	a.number = int(n)
	return err
}

func direction(c *text.Cursor) (firewall.Hook, *text.Problem) {
	word, err := text.Keyword("a direction", c.Next(), true, "inbound", "outbound")
	if word == "outbound" {
		return firewall.Outbound, err
	}
	return firewall.Inbound, err
}

// apply records an application. An interface takes one list of a family in each
// direction.
func (p *parser) apply(a *application) *text.Problem {
	for _, b := range p.applications {
		if a.pair == b.pair && a.iface == b.iface && a.hook == b.hook && a.ipv6 == b.ipv6 && a.v5 == b.v5 {
			if a.number == b.number && strings.EqualFold(a.name, b.name) {
				return nil
			}
			return text.At(a.word, "an ACL is already applied here, in line %d", b.line).WithHint("remove it first: undo %s", b.statement)
		}
	}
	p.known = true
	p.applications = append(p.applications, a)
	return nil
}

func (p *parser) packetFilterDefault(c *text.Cursor) *text.Problem {
	what, err := text.Keyword("the default", c.Next(), true, "deny", "permit", "inbound", "outbound")
	if err != nil {
		return err
	}
	switch what {
	case "deny":
		p.defaultDeny = p.line
	case "permit":
		return text.At(c.Last(), "packet-filter default permit is not a statement").WithHint("permit is the default; undo packet-filter default deny restores it")
	default: // inbound hardware-count: a counter of the default action
		c.Accept("hardware-count")
	}
	p.known = true
	return end(c)
}

// undoFilter takes back packet-filter and firewall statements.
func (p *parser) undoFilter(c *text.Cursor, first text.Word) *text.Problem {
	switch {
	case first.Is("packet-filter") && c.Accept("default", "deny"):
		p.defaultDeny = 0
		return end(c)
	case first.Is("firewall") && c.Accept("enable"):
		p.firewallEnabled = false
		return nil
	case first.Is("firewall") && c.Accept("default"):
		p.firewallDefault = firewallDefault{}
		return nil
	case first.Is("firewall") && !c.Accept("packet-filter"):
		p.warn(text.NotModelled(c.Words))
		return nil
	}
	a := application{ipv6: c.Accept("ipv6"), v5: first.Is("firewall")}
	if err := a.readList(c); err != nil {
		return err
	}
	if p.view == zonePairView {
		a.pair, a.hook = p.pair, firewall.Forward
	} else {
		everywhere := c.Accept("global")
		hook, err := direction(c)
		if err != nil {
			return err
		}
		a.hook = hook
		if !everywhere {
			a.iface = p.port
		}
	}
	for i, b := range p.applications {
		if b.iface == a.iface && b.hook == a.hook && b.pair == a.pair && b.ipv6 == a.ipv6 && b.number == a.number && strings.EqualFold(b.name, a.name) {
			p.applications = append(p.applications[:i], p.applications[i+1:]...)
			return nil
		}
	}
	return text.At(a.word, "no such packet filter is applied here")
}

// firewallStatement reads V5's
//
//	firewall enable
//	firewall default permit|deny
//	firewall packet-filter N|name NAME inbound|outbound
//	firewall aspf N inbound|outbound
func (p *parser) firewallStatement(c *text.Cursor) *text.Problem {
	first := c.Next()
	what := c.Next()
	switch {
	case what.Is("enable"):
		p.firewallEnabled, p.known = true, true
		return nil
	case what.Is("default"):
		verb, err := text.Keyword("the default", c.Next(), true, "permit", "deny")
		if err != nil {
			return err
		}
		p.firewallDefault, p.known = firewallDefault{line: p.line, deny: verb == "deny"}, true
		return nil
	case what.Is("packet-filter"):
		if p.view != interfaceView {
			return text.At(first, "firewall packet-filter stands outside an interface").WithHint("begin with interface Ethernet 1/0")
		}
		a := application{line: p.line, iface: p.port, v5: true, statement: text.Join(c.Words)}
		a.ipv6 = c.Accept("ipv6")
		if err := a.readList(c); err != nil {
			return err
		}
		hook, err := direction(c)
		if err != nil {
			return err
		}
		a.hook = hook
		return p.apply(&a)
	case what.Is("aspf"):
		return p.applyPolicy(c)
	}
	if near := text.Suggest(what.Text, []string{"enable", "default", "packet-filter", "aspf"}); near != "" {
		return text.At(what, "%q is not a firewall statement", what.Text).WithHint("did you mean %s?", near)
	}
	p.warn(text.NotModelled(c.Words))
	return nil
}
