// Package asa reads and writes the access rules of Cisco ASA (and PIX 7 and later).
//
// The reference is the "Cisco ASA Series Firewall CLI Configuration Guide" and the
// ASA command reference. What is read:
//
//   - access-list NAME [line N] extended|standard permit|deny, remarks, inactive
//   - object network|service, object-group network|service|protocol|icmp-type, name
//   - access-group in, out and global
//   - interface with nameif and security-level, same-security-traffic
//   - class-map, policy-map with inspect ftp [strict], service-policy
//   - the output of show access-list
//
// Masks are netmasks: ones count. The ASA tracks connections: what answers a permitted
// connection needs no rule. An interface with an inbound list permits what the list
// permits (then the global list, then an implicit deny); without one, connections go
// from a higher security level to a lower one alone. FTP is inspected as in the
// default global_policy unless the text says otherwise. Interfaces are named by their
// nameif everywhere. Address translation is not modelled: the lists ask for the real
// addresses, as they do since version 8.3. A statement that is none of these is a
// warning; a word that is nearly one of them is an error.
package asa

import (
	"net/netip"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/cisco"
	"ftplab/sim/firewall/dialect/internal/text"
)

// Name is the dialect's name.
const Name = "asa"

// Parse reads a configuration. The ruleset is nil if there is an error among the
// diagnostics.
func Parse(file, config string) (*firewall.Ruleset, []firewall.Diagnostic) {
	p := &parser{
		report:   text.Report{File: file},
		byName:   map[string]*list{},
		names:    map[string]netip.Addr{},
		networks: map[string]*network{},
		services: map[string]*service{},
		classes:  map[string]*classMap{},
		policies: map[string]*policyMap{},
	}
	for i, line := range text.Lines(config) {
		p.line = i + 1
		p.statement(line)
		if p.report.Full() {
			break
		}
	}
	var rules *firewall.Ruleset
	if !p.report.Failed() {
		rules = p.build(file, config)
	}
	if p.report.Failed() {
		return nil, p.report.Diagnostics()
	}
	rules.Diagnostics = p.report.Warnings()
	return rules, p.report.Diagnostics()
}

// view is the configuration mode: what statements the command line takes besides the
// global ones.
type view int

const (
	globalView view = iota
	interfaceView
	networkObjectView
	serviceObjectView
	networkGroupView
	serviceGroupView
	classView
	policyView
	otherView // a mode that is not modelled
)

type parser struct {
	report text.Report
	line   int  // of the statement, 1-based
	indent int  // of the statement
	known  bool // some statement was one that is modelled

	view     view
	port     *port
	network  *network
	service  *service
	class    *classMap
	policy   *policyMap
	inClass  string
	members  int // of all object groups, and rules made of them
	lists    []*list
	byName   map[string]*list
	last     *entry // the last entry at the left margin, for the lines that show puts below it
	names    map[string]netip.Addr
	networks map[string]*network // objects and groups share their names
	services map[string]*service
	ports    []*port
	filters  []filter
	classes  map[string]*classMap
	policies map[string]*policyMap

	policyOrder     []*policyMap
	servicePolicies []servicePolicy
	policed         bool // the text speaks of service policies
	sameLevel       bool // same-security-traffic permit inter-interface
	samePort        bool // same-security-traffic permit intra-interface
}

// port is an interface.
type port struct {
	config    firewall.InterfaceConfig
	levelLine int
	leveled   bool // security-level was given
}

// filter is an access-group.
type filter struct {
	line   int
	word   text.Word // the list's name
	text   string
	hook   firewall.Hook
	nameif string
	global bool
}

func (p *parser) warn(err *text.Problem) { p.report.Warn(p.line, err) }

// statement reads one line.
func (p *parser) statement(line string) {
	if len(line) > text.MaxLineLength {
		p.report.Error(p.line, &text.Problem{Column: 1, EndColumn: 1, Message: "the line is too long"})
		return
	}
	p.indent = text.Indent(line)
	start := cisco.SkipPrompt(line)
	c := text.NewCursor(text.Words(line[start:], start))
	if c.Done() || strings.HasPrefix(c.Peek().Text, "!") || strings.HasPrefix(c.Peek().Text, ":") {
		return
	}
	for i, w := range c.Words { // "! comment" behind a statement
		if strings.HasPrefix(w.Text, "!") {
			c = text.NewCursor(c.Words[:i])
			break
		}
	}
	if err := p.dispatch(c, strings.TrimSpace(line[start:])); err != nil {
		p.report.Error(p.line, err)
	}
}

// modelled are the first words of the statements that mean something here.
func modelled() []string {
	return []string{"access-list", "access-group", "interface", "nameif", "security-level", "object", "object-group", "class-map",
		"policy-map", "service-policy", "same-security-traffic", "network-object", "service-object", "port-object", "group-object",
		"protocol-object", "icmp-object"}
}

// dispatch first asks the mode that the command line is in, then the global one.
func (p *parser) dispatch(c *text.Cursor, raw string) *text.Problem {
	if handled, err := p.inView(c); handled {
		return err
	}
	w := c.Peek()
	if p.view != globalView && p.indent == 0 {
		p.view = globalView
	}
	switch {
	case w.Is("access-list"):
		return p.listStatement(c, raw)
	case w.Is("access-group"):
		return p.accessGroupStatement(c)
	case w.Is("interface"):
		return p.interfaceStatement(c)
	case w.Is("object"):
		return p.objectStatement(c)
	case w.Is("object-group"):
		return p.groupStatement(c)
	case w.Is("name") && c.PeekAt(2).Text != "":
		return p.nameStatement(c)
	case w.Is("same-security-traffic"):
		return p.sameSecurityStatement(c)
	case w.Is("class-map"):
		return p.classMapStatement(c)
	case w.Is("policy-map"):
		return p.policyMapStatement(c)
	case w.Is("service-policy"):
		return p.servicePolicyStatement(c)
	case w.Is("fixup"), w.Is("no"):
		return p.noStatement(c)
	case w.Is("asa") && c.PeekAt(1).Is("version"), w.Is("pix") && c.PeekAt(1).Is("version"):
		p.known = true
		return nil
	case w.Is("hostname"), w.Is("names"), w.Is("exit"), w.Is("end"), w.Is("quit"), w.Is("ftp") && c.PeekAt(1).Is("mode"), w.Is("description"):
		return nil
	}
	return p.other(c)
}

// inView reads a statement of the present mode; it reports false if the mode does not
// have it.
func (p *parser) inView(c *text.Cursor) (bool, *text.Problem) {
	if c.Peek().Is("description") {
		return true, nil
	}
	switch p.view {
	case interfaceView:
		return p.interfaceMember(c)
	case networkObjectView, networkGroupView:
		return p.networkMember(c)
	case serviceObjectView, serviceGroupView:
		return p.serviceMember(c)
	case classView:
		return p.classMember(c)
	case policyView:
		return p.policyMember(c)
	}
	return false, nil
}

// other judges a statement that is not modelled: an error where the word is nearly a
// known one, else a warning.
func (p *parser) other(c *text.Cursor) *text.Problem {
	w := c.Next()
	switch {
	case p.indent == 0 && (w.Is("permit") || w.Is("deny")):
		return text.At(w, "%q does not begin a statement", w.Text).WithHint("write access-list NAME extended %s ...", w.Lower())
	case w.Is("rule"):
		return text.At(w, "%q is not an ASA statement", w.Text).WithHint("this looks like another dialect: choose it with --dialect")
	}
	if near := text.Suggest(w.Text, modelled()); near != "" && !strings.EqualFold(near, w.Text) {
		return text.At(w, "%q is not a statement", w.Text).WithHint("did you mean %s?", near)
	}
	p.warn(text.NotModelled(c.Words))
	return nil
}

// end is the error of words after a complete statement.
func end(c *text.Cursor) *text.Problem {
	if c.Done() {
		return nil
	}
	return text.At(c.Peek(), "%q is one word too many", c.Peek().Text).WithHint("the statement ends before it")
}

func (p *parser) interfaceStatement(c *text.Cursor) *text.Problem {
	c.Next()
	name := c.Next().Text
	if !c.Done() {
		name += c.Next().Text
	}
	if name == "" {
		return text.At(c.Peek(), "the interface is missing").WithHint("write interface GigabitEthernet0/1")
	}
	p.known = true
	p.port = &port{config: firewall.InterfaceConfig{Name: name, Line: p.line}}
	for _, known := range p.ports {
		if strings.EqualFold(known.config.Name, name) {
			p.port = known
			p.view = interfaceView
			return end(c)
		}
	}
	p.ports = append(p.ports, p.port)
	p.view = interfaceView
	return end(c)
}

// interfaceMember reads nameif and security-level.
func (p *parser) interfaceMember(c *text.Cursor) (bool, *text.Problem) {
	switch w := c.Peek(); {
	case w.Is("nameif"):
		c.Next()
		name := c.Next()
		if name.Text == "" {
			return true, text.At(name, "the name is missing").WithHint("write nameif outside")
		}
		for _, other := range p.ports {
			if other != p.port && strings.EqualFold(other.config.NameIf, name.Text) {
				return true, text.At(name, "another interface has the name %s", name.Text).WithHint("line %d names it", other.config.Line)
			}
		}
		p.port.config.NameIf = name.Text
		if p.port.levelLine == 0 {
			p.port.levelLine = p.line
		}
		if name.Is("inside") && !p.port.leveled {
			p.port.config.SecurityLevel = 100
		}
		return true, end(c)
	case w.Is("security-level"):
		c.Next()
		n, err := text.Number("security level", c.Next(), 0, 100)
		p.port.config.SecurityLevel, p.port.leveled, p.port.levelLine = int(n), true, p.line
		return true, err
	case w.Is("shutdown"), w.Is("no"), w.Is("switchport"), w.Is("speed"), w.Is("duplex"):
		return true, nil
	case w.Is("ip"), w.Is("ipv6"):
		p.warn(text.NotModelled(c.Words))
		return true, nil
	}
	return false, nil
}

// accessGroupStatement reads "access-group NAME in|out interface NAMEIF" and
// "access-group NAME global".
func (p *parser) accessGroupStatement(c *text.Cursor) *text.Problem {
	f := filter{line: p.line, text: text.Join(c.Words)}
	c.Next()
	f.word = c.Next()
	where, err := text.Keyword("a direction", c.Next(), true, "in", "out", "global")
	if err != nil {
		return err
	}
	f.hook, f.global = firewall.Inbound, where == "global"
	if where == "out" {
		f.hook = firewall.Outbound
	}
	if !f.global {
		if !c.Accept("interface") {
			return text.Expected("the word interface", c.Peek(), "interface")
		}
		w := c.Next()
		if f.nameif = w.Text; f.nameif == "" {
			return text.At(w, "the interface is missing").WithHint("write access-group %s in interface outside", f.word.Text)
		}
		for c.Accept("per-user-override") || c.Accept("control-plane") {
			p.warn(text.At(c.Last(), "%s is not modelled", c.Last().Lower()))
		}
	}
	if err := end(c); err != nil {
		return err
	}
	p.known = true
	for i, old := range p.filters {
		if old.hook == f.hook && old.global == f.global && strings.EqualFold(old.nameif, f.nameif) {
			p.warn(text.At(f.word, "this replaces the list %s of line %d", old.word.Text, old.line))
			p.filters[i] = f
			return nil
		}
	}
	p.filters = append(p.filters, f)
	return nil
}

// nameStatement reads "name ADDRESS NAME [description TEXT]".
func (p *parser) nameStatement(c *text.Cursor) *text.Problem {
	c.Next()
	a, e := netip.ParseAddr(c.Next().Text)
	if e != nil {
		return text.At(c.Last(), "%q is not an address", c.Last().Text)
	}
	p.names[c.Next().Text] = a
	return nil
}

func (p *parser) sameSecurityStatement(c *text.Cursor) *text.Problem {
	c.Next()
	if !c.Accept("permit") {
		return text.Expected("the word permit", c.Peek(), "permit")
	}
	what, err := text.Keyword("what is permitted", c.Next(), true, "inter-interface", "intra-interface")
	p.known = true
	p.sameLevel = p.sameLevel || what == "inter-interface"
	p.samePort = p.samePort || what == "intra-interface"
	return err
}
