// Package isa reads and writes a small declarative form of the firewall policy of
// Microsoft ISA Server 2000, 2004 and 2006, which has no text language of its own: it
// is configured in a window. The form says what the window says, a statement a line:
//
//	isa server 2004
//	network Internal interface lan
//	network External interface wan
//	protocol "FTP by range" tcp 21 secondary tcp 1024-65535
//	access rule "FTP out" allow FTP from Internal to External read-only on
//	publishing rule "Our FTP server" "FTP Server" server 192.168.10.1 from External read-only off
//
// # Statements
//
//   - isa server VERSION: the first statement; 2000, 2004 or 2006.
//   - network NAME interface INTERFACE: the network behind an interface.
//   - protocol NAME tcp|udp PORT[-PORT] [filter ftp] [secondary tcp|udp PORT[-PORT]]: a
//     protocol definition. With "filter ftp" the FTP access filter reads the control
//     connection, opens exactly the secondary port that was announced, and answers
//     AUTH with 500, for it cannot follow an encrypted control connection. Without
//     the filter, a secondary range is simply open: on a real server while a primary
//     connection exists, here always.
//   - access rule NAME allow|deny PROTOCOL{,PROTOCOL} from PLACE to PLACE [read-only
//     on|off]: a place is a network's name, an address, an address/length, or any;
//     "all" is every protocol. The FTP access filter is read-only unless the rule says
//     off: uploads are refused.
//   - publishing rule NAME PROTOCOL server ADDRESS from PLACE [read-only on|off]: lets
//     clients reach a server. The clients call the server's own address (a route
//     relationship between the networks); address translation is not modelled.
//
// Names with blanks stand in double quotes; # begins a comment. The protocols FTP, FTP
// Server (both TCP 21 with the filter), HTTP, HTTPS, SMTP, POP3, Telnet and DNS are
// defined already. Rules are asked in order; the default rule denies. Connections are
// tracked: what answers an allowed one needs no rule.
//
// The facts are those of Microsoft's TechNet article on publishing FTP servers
// (cc767237): the filter opens secondary connections dynamically where a protocol
// definition opens a range, and its read-only box must be cleared for uploads.
package isa

import (
	"net/netip"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/acl"
	"ftplab/sim/firewall/dialect/internal/text"
	"ftplab/sim/wire"
)

// Name is the dialect's name.
const Name = "isa"

// Parse reads a policy. The ruleset is nil if there is an error among the diagnostics.
func Parse(file, config string) (*firewall.Ruleset, []firewall.Diagnostic) {
	p := read(file, config)
	if p.version == "" && !p.report.Failed() {
		p.report.Error(1, &text.Problem{Column: 1, EndColumn: 1, Message: "the text does not say that it is ISA Server's", Hint: "begin with isa server 2004"})
	}
	rules := p.build(file, config)
	if p.report.Failed() {
		return nil, p.report.Diagnostics()
	}
	rules.Diagnostics = p.report.Warnings()
	return rules, p.report.Diagnostics()
}

// read reads every statement of a policy.
func read(file, config string) *parser {
	p := &parser{report: text.Report{File: file}, networks: map[string]*network{}, protocols: builtIn()}
	for i, line := range text.Lines(config) {
		p.line = i + 1
		if err := p.statement(line); err != nil {
			p.report.Error(p.line, err)
		}
		if p.report.Full() {
			break
		}
	}
	return p
}

type parser struct {
	report    text.Report
	line      int
	version   string
	networks  map[string]*network // by name in lower case
	order     []*network
	protocols map[string]protocol // by name in lower case
	defined   []protocol          // those that the text defines, in order
	rules     []rule
}

// network is what lies behind an interface.
type network struct {
	name  string
	iface string
	line  int
}

// protocol is a protocol definition.
type protocol struct {
	name      string
	primary   ports
	secondary *ports
	filter    bool // the FTP access filter
}

// ports are the ports of one transport protocol; number -1 is every protocol.
type ports struct {
	number int
	low    uint16
	high   uint16
}

// rule is an access rule or a publishing rule.
type rule struct {
	line, column int
	text         string
	name         string
	publishing   bool
	allow        bool
	protocols    []protocol
	from, to     place
	readOnly     bool
}

// place is one side of a rule: a network, addresses, or neither for any.
type place struct {
	network *network
	test    *firewall.AddressTest
	text    string
	column  int
}

// builtIn are the protocol definitions that every server has.
func builtIn() map[string]protocol {
	tcp := func(port uint16) ports { return ports{int(wire.TCP), port, port} }
	known := map[string]protocol{}
	for _, p := range []protocol{
		{name: "FTP", primary: tcp(21), filter: true}, {name: "FTP Server", primary: tcp(21), filter: true},
		{name: "HTTP", primary: tcp(80)}, {name: "HTTPS", primary: tcp(443)}, {name: "SMTP", primary: tcp(25)},
		{name: "POP3", primary: tcp(110)}, {name: "Telnet", primary: tcp(23)},
		{name: "DNS", primary: ports{int(wire.UDP), 53, 53}},
		{name: "all", primary: ports{number: -1}},
	} {
		known[strings.ToLower(p.name)] = p
	}
	return known
}

// words splits a line at blanks and commas; a quoted name is one word, its column is
// that of the quote.
func words(line string) ([]text.Word, *text.Problem) {
	var list []text.Word
	for i := 0; i < len(line); {
		switch c := line[i]; {
		case c == ' ' || c == '\t' || c == ',' || c == '\r':
			i++
		case c == '#':
			return list, nil
		case c == '"':
			end := strings.IndexByte(line[i+1:], '"')
			if end < 0 {
				return nil, (&text.Problem{Column: i + 1, EndColumn: len(line) + 1, Message: "the name's closing quote is missing"}).WithHint("end the name with \"")
			}
			list = append(list, text.Word{Text: line[i+1 : i+1+end], Column: i + 1})
			i += end + 2
		default:
			end := strings.IndexAny(line[i:], " \t,#\"\r")
			if end < 0 {
				end = len(line) - i
			}
			list = append(list, text.Word{Text: line[i : i+end], Column: i + 1})
			i += end
		}
	}
	return list, nil
}

func (p *parser) statement(line string) *text.Problem {
	if len(line) > text.MaxLineLength {
		return &text.Problem{Column: 1, EndColumn: 1, Message: "the line is too long"}
	}
	list, err := words(line)
	if err != nil || len(list) == 0 {
		return err
	}
	c := text.NewCursor(list)
	keyword, err := text.Keyword("a statement", c.Next(), false, "isa", "network", "protocol", "access", "publishing")
	if err != nil {
		return err
	}
	if p.version == "" && keyword != "isa" {
		return text.At(c.Last(), "the first statement must be isa server").WithHint("begin with isa server 2004")
	}
	switch keyword {
	case "isa":
		return p.serverStatement(c)
	case "network":
		return p.networkStatement(c)
	case "protocol":
		return p.protocolStatement(c)
	}
	r := rule{line: p.line, column: list[0].Column, text: strings.TrimSpace(line), readOnly: true}
	if !c.Accept("rule") {
		return text.Expected("the word rule", c.Peek(), "rule")
	}
	if r.name = c.Next().Text; r.name == "" {
		return text.At(c.Last(), "the rule's name is missing")
	}
	if len(p.rules) >= acl.MaxRules {
		return text.At(list[0], "there are more than %d rules", acl.MaxRules)
	}
	if keyword == "access" {
		err = p.accessRule(c, &r)
	} else {
		err = p.publishingRule(c, &r)
	}
	if err == nil {
		p.rules = append(p.rules, r)
	}
	return err
}

func (p *parser) serverStatement(c *text.Cursor) *text.Problem {
	if !c.Accept("server") {
		return text.Expected("the word server", c.Peek(), "server")
	}
	w := c.Next()
	p.version = "unknown"
	version, err := text.Keyword("a version of ISA Server", w, false, "2000", "2004", "2006")
	if err != nil {
		return err
	}
	p.version = version
	return end(c)
}

func (p *parser) networkStatement(c *text.Cursor) *text.Problem {
	n := &network{name: c.Next().Text, line: p.line}
	if n.name == "" || c.Last().Is("any") {
		return text.At(c.Last(), "the network's name is missing").WithHint("write network Internal interface lan")
	}
	if old := p.networks[strings.ToLower(n.name)]; old != nil {
		return text.At(c.Last(), "the network %s is there already, in line %d", n.name, old.line)
	}
	if !c.Accept("interface") {
		return text.Expected("the word interface", c.Peek(), "interface")
	}
	w := c.Next()
	if n.iface = w.Text; n.iface == "" {
		return text.At(w, "the interface is missing")
	}
	for _, other := range p.order {
		if other.iface == n.iface {
			return text.At(w, "the network %s is behind this interface already", other.name)
		}
	}
	p.networks[strings.ToLower(n.name)] = n
	p.order = append(p.order, n)
	return end(c)
}

func (p *parser) protocolStatement(c *text.Cursor) *text.Problem {
	w := c.Next()
	if w.Text == "" {
		return text.At(w, "the protocol's name is missing")
	}
	if _, known := p.protocols[w.Lower()]; known {
		return text.At(w, "the protocol %s is defined already", w.Text).WithHint("take another name")
	}
	d := protocol{name: w.Text}
	var err *text.Problem
	if d.primary, err = readPorts(c); err != nil {
		return err
	}
	if c.Accept("filter") {
		if !c.Accept("ftp") {
			return text.Expected("an application filter", c.Peek(), "ftp")
		}
		if d.primary.number != int(wire.TCP) || d.primary.low != d.primary.high {
			return text.At(c.Last(), "the FTP access filter takes one TCP port").WithHint("write protocol %q tcp 21 filter ftp", d.name)
		}
		d.filter = true
	}
	if c.Accept("secondary") {
		secondary, err := readPorts(c)
		if err != nil {
			return err
		}
		if d.filter {
			return text.At(c.Last(), "the FTP access filter opens secondary connections itself").WithHint("leave out filter ftp or secondary")
		}
		d.secondary = &secondary
	}
	p.protocols[w.Lower()] = d
	p.defined = append(p.defined, d)
	return end(c)
}

// readPorts reads "tcp 21" or "udp 1024-65535".
func readPorts(c *text.Cursor) (ports, *text.Problem) {
	transport, err := text.Keyword("a transport protocol", c.Next(), false, "tcp", "udp")
	if err != nil {
		return ports{}, err
	}
	r := ports{number: int(wire.TCP)}
	if transport == "udp" {
		r.number = int(wire.UDP)
	}
	w := c.Next()
	first, last, isRange := strings.Cut(w.Text, "-")
	low, err := text.Number("port", text.Word{Text: first, Column: w.Column}, 1, acl.MaxPort)
	if err != nil {
		return r, err
	}
	high := low
	if isRange {
		if high, err = text.Number("port", text.Word{Text: last, Column: w.Column + len(first) + 1}, low, acl.MaxPort); err != nil {
			return r, err
		}
	}
	r.low, r.high = uint16(low), uint16(high)
	return r, nil
}

func (p *parser) accessRule(c *text.Cursor, r *rule) *text.Problem {
	verb, err := text.Keyword("what the rule does", c.Next(), false, "allow", "deny")
	if err != nil {
		return err
	}
	r.allow = verb == "allow"
	const most = 32
	for {
		d, err := p.protocolNamed(c)
		if err != nil {
			return err
		}
		r.protocols = append(r.protocols, d)
		if c.Done() || c.Peek().Is("from") {
			break
		}
		if len(r.protocols) == most {
			return text.At(c.Peek(), "a rule takes at most %d protocols", most)
		}
	}
	if r.from, err = p.readPlace(c, "from"); err != nil {
		return err
	}
	if r.to, err = p.readPlace(c, "to"); err != nil {
		return err
	}
	return readOnly(c, r)
}

func (p *parser) publishingRule(c *text.Cursor, r *rule) *text.Problem {
	r.allow, r.publishing = true, true
	d, err := p.protocolNamed(c)
	if err != nil {
		return err
	}
	r.protocols = []protocol{d}
	if !c.Accept("server") {
		return text.Expected("the word server", c.Peek(), "server")
	}
	w := c.Next()
	a, e := netip.ParseAddr(w.Text)
	if e != nil || a.Zone() != "" {
		return text.At(w, "%q is not an address", w.Text).WithHint("write server 192.168.10.1")
	}
	test := text.Host(a)
	r.to = place{test: &test, text: a.String(), column: w.Column}
	if r.from, err = p.readPlace(c, "from"); err != nil {
		return err
	}
	return readOnly(c, r)
}

func (p *parser) protocolNamed(c *text.Cursor) (protocol, *text.Problem) {
	w := c.Next()
	d, ok := p.protocols[w.Lower()]
	if ok {
		return d, nil
	}
	return d, text.Expected("a protocol", w, "FTP", "FTP Server", "HTTP", "HTTPS", "SMTP", "POP3", "Telnet", "DNS", "all").
		WithHint("define it: protocol %q tcp PORT", w.Text)
}

// readPlace reads "from PLACE" or "to PLACE".
func (p *parser) readPlace(c *text.Cursor, keyword string) (place, *text.Problem) {
	if !c.Accept(keyword) {
		return place{}, text.Expected("the word "+keyword, c.Peek(), keyword)
	}
	w := c.Next()
	where := place{text: w.Text, column: w.Column}
	if w.Text == "" {
		return where, text.At(w, "the place after %s is missing", keyword).WithHint("write a network's name, an address, or any")
	}
	if w.Is("any") {
		return where, nil
	}
	if where.network = p.networks[w.Lower()]; where.network != nil {
		return where, nil
	}
	if prefix, e := netip.ParsePrefix(w.Text); e == nil && !prefix.Addr().Is4In6() {
		test := text.Prefix(prefix)
		where.test = &test
		return where, nil
	}
	if a, e := netip.ParseAddr(w.Text); e == nil && a.Zone() == "" && !a.Is4In6() {
		test := text.Host(a)
		where.test = &test
		return where, nil
	}
	names := make([]string, len(p.order))
	for i, n := range p.order {
		names[i] = n.name
	}
	return where, text.Expected("a network or an address", w, names...)
}

func readOnly(c *text.Cursor, r *rule) *text.Problem {
	if c.Accept("read-only") {
		word, err := text.Keyword("on or off", c.Next(), false, "on", "off")
		if err != nil {
			return err
		}
		r.readOnly = word == "on"
	}
	return end(c)
}

// end is the error of words after a complete statement.
func end(c *text.Cursor) *text.Problem {
	if c.Done() {
		return nil
	}
	return text.At(c.Peek(), "%q is one word too many", c.Peek().Text).WithHint("the statement ends before it")
}
