// Package comware reads and writes the access control lists, packet filters, ASPF
// policies and security zones of H3C Comware V5 and V7 (and of the near-identical
// Huawei VRP, where the words are the same).
//
// The reference is H3C's "ACL and QoS Command Reference" and "ASPF Command
// Reference". What is read:
//
//   - acl [ipv6] number|basic|advanced|name ... with match-order config|auto, step,
//     rule, undo rule; a rule's number, merging of a repeated number, comments
//   - bare rule lines before any acl statement, as articles print them: one unnamed
//     advanced IPv4 list
//   - object-group ip|ipv6 address and object-group port
//   - interface ... packet-filter (V7) and firewall packet-filter (V5), their
//     defaults, packet-filter ... global
//   - aspf policy, detect ftp, aspf apply policy; port-mapping ftp
//   - security-zone, zone-pair security, intra-zone default
//   - pasted sessions (prompts are skipped) and the output of display acl
//
// A packet that no rule matches is permitted unless "packet-filter default deny" (V5:
// "firewall default deny") says otherwise. In V5 nothing is filtered before "firewall
// enable". A statement that is none of these is a warning; a word that is nearly one
// of them, or stands where only they can, is an error.
package comware

import (
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/text"
)

// Name is the dialect's name.
const Name = "comware"

// Profile names what Comware devices do differently from each other. The zero value
// is a V7 router.
type Profile struct {
	// AnyFlag makes several TCP flag options of one rule (ack 1 syn 1) match a packet
	// that has any of them; by default it must have all. Which of the two a product
	// does is in its own manual.
	AnyFlag bool
	// RulesSkipFragments makes a rule without the keyword fragment match no fragment
	// but the first (V3: 3Com Router 5000). By default it matches all packets.
	RulesSkipFragments bool
}

// Parse reads a configuration. The ruleset is nil if there is an error among the
// diagnostics.
func Parse(file, config string) (*firewall.Ruleset, []firewall.Diagnostic) {
	return ParseProfile(file, config, Profile{})
}

// ParseProfile is Parse for a product with this profile.
func ParseProfile(file, config string, profile Profile) (*firewall.Ruleset, []firewall.Diagnostic) {
	p := &parser{
		report:     text.Report{File: file},
		profile:    profile,
		byNumber:   map[listKey]*list{},
		byName:     map[listName]*list{},
		policies:   map[int]*policy{},
		zones:      map[string]*zone{},
		interfaces: map[string]*firewall.InterfaceConfig{},
	}
	p.groups.byName = map[string]*group{}
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

// view is where the command line is: what statements it takes.
type view int

const (
	systemView view = iota
	aclView
	interfaceView
	aspfView
	zoneView
	zonePairView
	groupView
)

type parser struct {
	report  text.Report
	profile Profile
	line    int  // of the statement, 1-based
	known   bool // some statement was one that is modelled

	view     view
	list     *list
	port     string // the interface of interfaceView
	policy   *policy
	zone     *zone
	pair     *zonePair
	group    *group
	sequence int // numbers the rules in the order of configuration

	lists        []*list // in the order of the text
	bare         *list
	byNumber     map[listKey]*list
	byName       map[listName]*list
	applications []*application
	groups       groups
	policies     map[int]*policy
	inspections  []*inspection
	ftpPorts     []uint16
	zones        map[string]*zone
	zoneOrder    []*zone
	pairs        []*zonePair
	intraZone    int // line of "security-zone intra-zone default permit", 0 if none

	interfaces     map[string]*firewall.InterfaceConfig
	interfaceOrder []*firewall.InterfaceConfig

	defaultDeny     int // line of packet-filter default deny, 0 if none
	firewallEnabled bool
	firewallDefault firewallDefault
}

func (p *parser) warn(err *text.Problem) { p.report.Warn(p.line, err) }

// statement reads one line.
func (p *parser) statement(line string) {
	if len(line) > text.MaxLineLength {
		p.report.Error(p.line, &text.Problem{Column: 1, EndColumn: 1, Message: "the line is too long"})
		return
	}
	start := skipPrompt(line)
	body := line[start:]
	trimmed := strings.TrimLeft(body, " \t")
	if strings.HasPrefix(trimmed, "#") || strings.HasPrefix(trimmed, "!") {
		if strings.TrimRight(trimmed, " \t\r") == "#" {
			p.view = systemView
		}
		return
	}
	c := text.NewCursor(text.Words(body, start))
	if c.Done() {
		return
	}
	raw := strings.TrimSpace(body)
	if err := p.dispatch(c, raw); err != nil {
		p.report.Error(p.line, err)
	}
}

// skipPrompt returns where the statement begins after a prompt such as "[Sysname-acl-adv-3000]"
// or "<Sysname>".
func skipPrompt(line string) int {
	start := text.Indent(line)
	if start == len(line) {
		return start
	}
	closing := map[byte]string{'[': "]", '<': ">"}[line[start]]
	if closing == "" {
		return start
	}
	end := strings.Index(line[start:], closing)
	if end < 0 {
		return start
	}
	return start + end + 1
}

// modelled are the first words of the statements that mean something here.
func modelled() []string {
	return []string{"rule", "acl", "interface", "packet-filter", "firewall", "aspf", "aspf-policy", "detect", "step", "undo",
		"security-zone", "zone-pair", "import", "object-group", "network", "port-mapping", "quit", "return", "system-view", "description"}
}

func (p *parser) dispatch(c *text.Cursor, raw string) *text.Problem {
	first := c.Peek()
	if handled, err := p.displayed(c, raw); handled {
		return err
	}
	switch word := p.resolve(first); word {
	case "rule":
		return p.ruleStatement(c, raw)
	case "acl":
		return p.aclStatement(c)
	case "step":
		return p.stepStatement(c)
	case "interface":
		return p.interfaceStatement(c)
	case "packet-filter":
		return p.packetFilterStatement(c)
	case "firewall":
		return p.firewallStatement(c)
	case "aspf", "aspf-policy":
		return p.aspfStatement(c)
	case "detect":
		return p.detectStatement(c)
	case "security-zone", "zone-pair", "import":
		return p.zoneStatement(c)
	case "object-group":
		return p.groupStatement(c)
	case "network", "port":
		return p.memberStatement(c, first)
	case "port-mapping":
		return p.portMappingStatement(c)
	case "undo":
		return p.undoStatement(c)
	case "quit", "return", "system-view":
		p.view = systemView
		return nil
	case "description", "sysname", "version":
		return nil
	}
	if p.view == groupView && text.IsNumber(first) {
		return p.memberStatement(c, c.Next())
	}
	return p.other(c)
}

// resolve returns the modelled keyword that a word stands for, or the word itself in
// lower case. Prefixes are taken where the device takes them and only one keyword
// can be meant.
func (p *parser) resolve(w text.Word) string {
	lower := w.Lower()
	switch {
	case lower == "port" && p.view == groupView:
		return "port"
	case len(lower) >= 2 && strings.HasPrefix("rule", lower):
		return "rule"
	case len(lower) >= 3 && strings.HasPrefix("interface", lower):
		return "interface"
	case len(lower) >= 2 && strings.HasPrefix("quit", lower):
		return "quit"
	case len(lower) >= 3 && strings.HasPrefix("system-view", lower):
		return "system-view"
	case len(lower) >= 3 && strings.HasPrefix("packet-filter", lower):
		return "packet-filter"
	case len(lower) >= 2 && strings.HasPrefix("undo", lower):
		return "undo"
	}
	return lower
}

// other judges a statement that is not modelled: an error where only rules can
// stand or where the word is nearly a known one, else a warning.
func (p *parser) other(c *text.Cursor) *text.Problem {
	w := c.Next()
	if near := text.Suggest(w.Text, modelled()); near != "" {
		return text.At(w, "%q is not a statement", w.Text).WithHint("did you mean %s?", near)
	}
	switch w.Lower() {
	case "permit", "deny":
		return text.At(w, "%q does not begin a statement", w.Text).WithHint("write rule %s ...", w.Lower())
	case "access-list", "iptables":
		return text.At(w, "%q is not a Comware statement", w.Text).WithHint("this looks like another dialect: choose it with --dialect")
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
