// Package ios reads and writes the access lists and firewall features of Cisco IOS and
// IOS XE.
//
// The reference is the "Cisco IOS Security Command Reference" and the configuration
// guides for IP access lists, Context-Based Access Control and the zone-based policy
// firewall. What is read:
//
//   - access-list NUMBER, ip access-list standard|extended, ipv6 access-list, with
//     sequence numbers, remarks, resequence and no
//   - object-group network, object-group service (and the port and address groups of
//     Catalyst switches)
//   - interface ... ip access-group, ipv6 traffic-filter
//   - ip inspect name, ip inspect in|out (CBAC), ip port-map ftp
//   - zone security, zone-pair security, class-map and policy-map type inspect,
//     zone-member security (zone-based policy firewall)
//   - pasted sessions (prompts are skipped) and the output of show access-lists
//
// The first line that matches decides; an applied list ends with an implicit deny,
// while one that is empty or not in the text permits everything. A permit line about
// ports or flags also permits fragments other than the first, whose ports are not
// there to be asked; a deny line about them does not deny those (Cisco: "Access Control
// Lists and IP Fragments"). A list does not filter what the router itself sends.
// A statement that is none of these is a warning; a word that is nearly one of them, or
// stands where only they can, is an error.
package ios

import (
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/acl"
	"ftplab/sim/firewall/dialect/internal/cisco"
	"ftplab/sim/firewall/dialect/internal/text"
)

// Name is the dialect's name.
const Name = "ios"

// Parse reads a configuration. The ruleset is nil if there is an error among the
// diagnostics.
func Parse(file, config string) (*firewall.Ruleset, []firewall.Diagnostic) {
	p := read(file, config)
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

// read reads every statement of a configuration.
func read(file, config string) *parser {
	p := &parser{
		report:   text.Report{File: file},
		byName:   map[listName]*list{},
		networks: map[string]*networkGroup{},
		services: map[string]*serviceGroup{},
		inspects: map[string]*inspectName{},
		classes:  map[string]*classMap{},
		policies: map[string]*policyMap{},
		zones:    map[string]*zone{},
		ports:    map[string]*port{},
	}
	for i, line := range text.Lines(config) {
		p.line = i + 1
		p.statement(line)
		if p.report.Full() {
			break
		}
	}
	return p
}

// view is the configuration mode: what statements the command line takes besides the
// global ones.
type view int

const (
	globalView view = iota
	listView
	interfaceView
	networkView // object-group network
	serviceView // object-group service
	classView   // class-map type inspect
	policyView  // policy-map type inspect
	zoneView
	zonePairView
	otherView // a mode that is not modelled: its statements are left out
)

type parser struct {
	report text.Report
	line   int  // of the statement, 1-based
	known  bool // some statement was one that is modelled

	view      view
	list      *list
	port      *port
	network   *networkGroup
	service   *serviceGroup
	class     *classMap
	policy    *policyMap
	action    *policyClass
	pair      *zonePair
	remark    string // to be attached to the next entry
	members   int    // of all object groups
	lists     []*list
	byName    map[listName]*list
	networks  map[string]*networkGroup
	services  map[string]*serviceGroup
	ports     map[string]*port
	portOrder []*port
	inspects  map[string]*inspectName
	ftpPorts  []uint16
	classes   map[string]*classMap
	policies  map[string]*policyMap

	classOrder  []*classMap
	policyOrder []*policyMap

	zones     map[string]*zone
	zoneOrder []*zone
	pairs     []*zonePair
}

// port is an interface with what is applied to it.
type port struct {
	config  firewall.InterfaceConfig
	filters []filter
	inspect []applied
}

// filter is a list applied to an interface.
type filter struct {
	line int
	word text.Word
	name listName
	hook firewall.Hook
}

func (p *parser) warn(err *text.Problem) { p.report.Warn(p.line, err) }

// statement reads one line.
func (p *parser) statement(line string) {
	if len(line) > text.MaxLineLength {
		p.report.Error(p.line, &text.Problem{Column: 1, EndColumn: 1, Message: "the line is too long"})
		return
	}
	start := cisco.SkipPrompt(line)
	c := text.NewCursor(text.Words(line[start:], start))
	if c.Done() {
		return
	}
	if strings.HasPrefix(c.Peek().Text, "!") {
		if text.Indent(line) == 0 && c.Peek().Text == "!" && len(c.Words) == 1 {
			p.view = globalView
		}
		return
	}
	if err := p.dispatch(c, strings.TrimSpace(line[start:])); err != nil {
		p.report.Error(p.line, err)
	}
}

// modelled are the first words of the statements that mean something here.
func modelled() []string {
	return []string{"access-list", "ip", "ipv6", "interface", "permit", "deny", "remark", "object-group", "class-map", "policy-map",
		"zone", "zone-pair", "service-policy", "zone-member", "no", "exit", "end"}
}

// dispatch first asks the mode that the command line is in, then the global one, as
// the device does.
func (p *parser) dispatch(c *text.Cursor, raw string) *text.Problem {
	if handled, err := p.inView(c, raw); handled {
		return err
	}
	switch w := c.Peek(); {
	case w.Is("access-list"):
		return p.numberedStatement(c, raw)
	case w.Is("ip"), w.Is("ipv6"):
		return p.ipStatement(c, raw)
	case w.Is("extended"), w.Is("standard"):
		return p.shownList(c)
	case len(w.Text) >= 3 && strings.HasPrefix("interface", w.Lower()):
		return p.interfaceStatement(c)
	case w.Is("object-group"):
		return p.groupStatement(c)
	case w.Is("class-map"):
		return p.classMapStatement(c)
	case w.Is("policy-map"):
		return p.policyMapStatement(c)
	case w.Is("zone"), w.Is("zone-pair"):
		return p.zoneStatement(c)
	case w.Is("no"):
		return p.noStatement(c)
	case w.Is("exit"), w.Is("end"), w.Is("quit"), w.Is("configure"), w.Is("conf"), w.Is("enable"):
		p.view = globalView
		return nil
	case w.Is("hostname"), w.Is("version"), w.Is("building"), w.Is("current"), w.Is("description"):
		return nil
	}
	return p.other(c)
}

// inView reads a statement of the present mode; it reports false if the mode does not
// have it.
func (p *parser) inView(c *text.Cursor, raw string) (bool, *text.Problem) {
	w := c.Peek()
	switch p.view {
	case listView:
		return p.entryStatement(c, raw)
	case interfaceView:
		return p.interfaceMember(c)
	case networkView:
		return p.networkMember(c)
	case serviceView:
		return p.serviceMember(c)
	case classView:
		return p.classMember(c)
	case policyView:
		return p.policyMember(c)
	case zonePairView:
		if w.Is("service-policy") {
			return true, p.servicePolicyStatement(c)
		}
	}
	return false, nil
}

// other judges a statement that is not modelled: an error where the word is nearly a
// known one or can only be a misplaced line of a list, else a warning.
func (p *parser) other(c *text.Cursor) *text.Problem {
	w := c.Next()
	switch {
	case w.Is("permit"), w.Is("deny"), w.Is("remark"), text.IsNumber(w) && (c.Peek().Is("permit") || c.Peek().Is("deny")):
		return text.At(w, "%q stands outside an access list", w.Text).
			WithHint("write access-list 101 %s ..., or begin with ip access-list extended NAME", w.Lower())
	case w.Is("rule"):
		return text.At(w, "%q is not an IOS statement", w.Text).WithHint("this looks like another dialect: choose it with --dialect")
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

// InterfaceName returns an interface's name as the device prints it: "fa0/0",
// "fastethernet 0/0" and "FastEthernet0/0" are all "FastEthernet0/0".
func InterfaceName(name string) string { return acl.InterfaceName(interfaceTypes, name) }

var interfaceTypes = []acl.InterfaceType{
	{Full: "FastEthernet"}, {Full: "GigabitEthernet"}, {Full: "TenGigabitEthernet"}, {Full: "TwentyFiveGigE"}, {Full: "FortyGigabitEthernet"},
	{Full: "HundredGigE"}, {Full: "Ethernet"}, {Full: "Serial"}, {Full: "Loopback"}, {Full: "Vlan"}, {Full: "Tunnel"}, {Full: "Dialer"},
	{Full: "Port-channel"}, {Full: "BVI"}, {Full: "ATM"}, {Full: "Multilink"}, {Full: "Virtual-Template"}, {Full: "Virtual-Access"},
	{Full: "Cellular"}, {Full: "Null"}, {Full: "Async"}, {Full: "POS"},
}

func (p *parser) interfaceStatement(c *text.Cursor) *text.Problem {
	c.Next()
	if c.Peek().Is("range") {
		p.view = otherView
		return text.At(c.Peek(), "interface range is not modelled").WithHint("write the list into each interface")
	}
	w := c.Next()
	if w.Text == "" {
		return text.At(w, "the interface is missing").WithHint("write interface GigabitEthernet0/1")
	}
	name := w.Text
	if !strings.ContainsAny(name, "0123456789") {
		name += c.Next().Text
	}
	name = InterfaceName(name)
	in := p.ports[name]
	if in == nil {
		in = &port{config: firewall.InterfaceConfig{Name: name, Line: p.line}}
		p.ports[name] = in
		p.portOrder = append(p.portOrder, in)
	}
	p.known = true
	p.view, p.port = interfaceView, in
	for c.Accept("point-to-point") || c.Accept("multipoint") {
	}
	return end(c)
}

// interfaceMember reads what an interface says of filters, inspection and zones.
func (p *parser) interfaceMember(c *text.Cursor) (bool, *text.Problem) {
	switch w := c.Peek(); {
	case w.Is("ip") && c.PeekAt(1).Is("access-group"), w.Is("ipv6") && c.PeekAt(1).Is("traffic-filter"):
		return true, p.accessGroupStatement(c)
	case w.Is("ip") && c.PeekAt(1).Is("inspect") && !c.PeekAt(2).Is("name"):
		return true, p.applyInspect(c)
	case w.Is("zone-member"):
		return true, p.zoneMember(c)
	case w.Is("description"), w.Is("shutdown"), w.Is("no") && c.PeekAt(1).Is("shutdown"):
		return true, nil
	case w.Is("ip") && !c.PeekAt(1).Is("access-list") && !c.PeekAt(1).Is("inspect") && !c.PeekAt(1).Is("port-map"):
		p.warn(text.NotModelled(c.Words))
		return true, nil
	}
	return false, nil
}

// accessGroupStatement reads "ip access-group NAME in|out" and "ipv6 traffic-filter
// NAME in|out".
func (p *parser) accessGroupStatement(c *text.Cursor) *text.Problem {
	f := filter{line: p.line, name: listName{ipv6: c.Next().Is("ipv6")}}
	c.Next()
	f.word = c.Next()
	if f.word.Text == "" {
		return text.At(f.word, "the access list is missing").WithHint("write ip access-group 101 in")
	}
	f.name.name = f.word.Text
	hook, err := direction(c)
	if err != nil {
		return err
	}
	f.hook = hook
	p.known = true
	for i, old := range p.port.filters {
		if old.hook == f.hook && old.name.ipv6 == f.name.ipv6 {
			p.warn(text.At(f.word, "this replaces the list %s of line %d", old.name.name, old.line).WithHint("an interface takes one list in each direction"))
			p.port.filters[i] = f
			return end(c)
		}
	}
	p.port.filters = append(p.port.filters, f)
	return end(c)
}

func direction(c *text.Cursor) (firewall.Hook, *text.Problem) {
	word, err := text.Keyword("a direction", c.Next(), true, "in", "out")
	if word == "out" {
		return firewall.Outbound, err
	}
	return firewall.Inbound, err
}
