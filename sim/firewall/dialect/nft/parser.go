package nft

import (
	"fmt"
	"sort"
	"strconv"
	"strings"

	"ftplab/sim/firewall/dialect/internal/text"
)

// Bounds of a text. What goes beyond them is an error that says so; no ruleset that
// a person writes comes near them.
const (
	maxDepth    = 32      // blocks, brackets and parentheses inside each other
	maxElements = 1 << 16 // elements of one set
	maxAll      = 1 << 18 // elements of all sets of one text, once defines are in their places
	maxExpanded = 1 << 20 // expressions that defines stand for, wherever they are used
	maxText     = 8 << 20 // octets
	maxTypes    = 5       // fields of a concatenation
)

// parser reads commands from tokens. The first syntax error stops it: from then on
// every token is the end of the file, so that all loops end.
type parser struct {
	toks  []token
	pos   int
	depth int
	err   *syntaxError
	// symbols are the defines in scope, the innermost last.
	symbols []map[string]*expr
	// expanded counts the expressions that defines put in their places.
	expanded int
	cmds     []*command
	notices  []notice
}

// syntaxError is the error that stopped the parser.
type syntaxError struct {
	at            place
	message, hint string
}

// notice is a warning about a place.
type notice struct {
	at            place
	message, hint string
}

// peek returns the next token.
func (p *parser) peek() token { return p.peekAt(0) }

func (p *parser) peekAt(n int) token {
	last := len(p.toks) - 1
	if p.err != nil || p.pos+n > last {
		return token{kind: tokEOF, at: p.toks[last].at}
	}
	return p.toks[p.pos+n]
}

// next reads a token.
func (p *parser) next() token {
	t := p.peek()
	if p.pos < len(p.toks)-1 {
		p.pos++
	}
	return t
}

// last returns the token that was read last.
func (p *parser) last() token {
	if p.pos == 0 {
		return token{}
	}
	return p.toks[p.pos-1]
}

// accept reads the next token if it is this punctuation or word.
func (p *parser) accept(text string) bool {
	if !p.peek().is(text) {
		return false
	}
	p.next()
	return true
}

// expect reads this punctuation or word, or fails.
func (p *parser) expect(text string) bool {
	if p.accept(text) {
		return true
	}
	p.unexpected(quoteToken(text))
	return false
}

func quoteToken(s string) string {
	switch s {
	case "{", "}", "(", ")", "=", "[", "]":
		return "'" + s + "'"
	case ":":
		return "colon"
	}
	return s
}

// fail records the syntax error and stops the parser.
func (p *parser) fail(at place, hint, format string, args ...any) {
	if p.err == nil {
		p.err = &syntaxError{at: at, message: fmt.Sprintf(format, args...), hint: hint}
	}
}

// unexpected fails at the next token in nft's words.
func (p *parser) unexpected(expecting string) { p.unexpectedHint(expecting, "") }

func (p *parser) unexpectedHint(expecting, hint string) { p.unexpectedToken(p.peek(), expecting, hint) }

func (p *parser) unexpectedToken(t token, expecting, hint string) {
	message := "syntax error, unexpected " + t.describe()
	if expecting != "" {
		message += ", expecting " + expecting
	}
	if hint == "" && t.kind == tokWord && isReserved(t.text) && expecting == "string" {
		hint = fmt.Sprintf("%q is a word of the language and cannot be a name: choose another", t.text)
	}
	p.fail(t.at, hint, "%s", message)
}

// warn notes what is not modelled.
func (p *parser) warn(at place, format string, args ...any) {
	p.notices = append(p.notices, notice{at: at, message: fmt.Sprintf(format, args...)})
}

// enter and leave bound how deep things are inside each other.
func (p *parser) enter() bool {
	p.depth++
	if p.depth > maxDepth {
		p.fail(p.peek().at, "", "nested too deeply: at most %d levels", maxDepth)
		return false
	}
	return true
}

func (p *parser) leave() { p.depth-- }

// separator reads what ends a statement: a line end or a semicolon. At the end of
// the file nothing is needed.
func (p *parser) separator(hint string) {
	t := p.peek()
	if t.kind == tokNewline || t.is(";") {
		p.next()
		return
	}
	if t.kind != tokEOF {
		p.unexpectedHint("newline or semicolon", hint)
	}
}

// skipSeparators reads line ends and semicolons.
func (p *parser) skipSeparators() {
	for t := p.peek(); t.kind == tokNewline || t.is(";"); t = p.peek() {
		p.next()
	}
}

func (p *parser) skipNewlines() {
	for p.peek().kind == tokNewline {
		p.next()
	}
}

// identifier reads a name: a word that is not reserved.
func (p *parser) identifier() (string, place) {
	t := p.peek()
	if t.kind != tokWord || isReserved(t.text) {
		p.unexpected("string")
		return "", t.at
	}
	p.next()
	return t.text, t.at
}

// stringToken reads a name, quoted or not.
func (p *parser) stringToken() (string, place) {
	t := p.peek()
	switch t.kind {
	case tokQuoted, tokWildcard:
		p.next()
		return t.text, t.at
	}
	return p.identifier()
}

// number reads a number.
func (p *parser) number() (uint64, place) {
	t := p.peek()
	if t.kind != tokNumber {
		p.unexpected("number")
		return 0, t.at
	}
	p.next()
	n, err := parseNumber(t.text)
	if err != nil {
		p.fail(t.at, "", "the number %s is too large", t.text)
	}
	return n, t.at
}

// parseNumber reads a number as C does: 0x is hexadecimal, a leading 0 octal.
func parseNumber(s string) (uint64, error) {
	if len(s) > 1 && s[0] == '0' && s[1] != 'x' && s[1] != 'X' {
		if n, err := strconv.ParseUint(s[1:], 8, 64); err == nil {
			return n, nil
		}
		return strconv.ParseUint(s, 10, 64)
	}
	return strconv.ParseUint(s, 0, 64)
}

// parseFile reads all commands of a text.
func (p *parser) parseFile() {
	p.symbols = []map[string]*expr{{}}
	for {
		p.skipSeparators()
		if p.peek().kind == tokEOF {
			return
		}
		if p.common() {
			continue
		}
		p.command()
		p.separator("")
	}
}

// common reads an include or a define, which may stand in any block.
func (p *parser) common() bool {
	t := p.peek()
	if t.kind != tokWord {
		return false
	}
	switch t.text {
	case "include":
		p.include()
	case "define", "redefine":
		p.next()
		p.define(t.text == "redefine")
	case "undefine":
		p.next()
		name, at := p.identifier()
		if p.lookup(name) == nil {
			p.fail(at, "", "undefined symbol '%s'", name)
		}
		for _, scope := range p.symbols {
			delete(scope, name)
		}
		p.separator("")
	default:
		return false
	}
	return true
}

// include refuses to read another file. A pattern is only a warning: to nft it is no
// error if no file matches.
func (p *parser) include() {
	start := p.next().at
	name := p.peek()
	if name.kind != tokQuoted {
		p.unexpected("quoted string")
		return
	}
	p.next()
	at := start.through(name.at)
	if !strings.ContainsAny(name.text, "*?[") {
		p.fail(at, "paste the included file's text in its place", "include %q: other files are not read from within a ruleset", name.text)
	}
	p.warn(at, "include %q: the files that match are not read", name.text)
	p.separator("")
}

func (p *parser) define(again bool) {
	name, at := p.identifier()
	p.expect("=")
	var value *expr
	switch t := p.peek(); {
	case t.is("-"):
		p.next()
		n := p.next()
		value = &expr{kind: exNumber, at: t.at.through(n.at), text: "-" + n.text}
	case t.is("{") && p.peekAt(1).is("}"): // nothing, yet
		p.next()
		value = &expr{kind: exSet, at: t.at.through(p.next().at)}
	default:
		value = p.rhs()
	}
	p.separator("")
	if p.err != nil {
		return
	}
	if p.lookup(name) != nil && !again {
		p.fail(at, "write redefine to give it another value", "redefinition of symbol '%s'", name)
	}
	value.size = value.count()
	p.symbols[len(p.symbols)-1][name] = value
}

// lookup finds what a define gave to a name.
func (p *parser) lookup(name string) *expr {
	for i := len(p.symbols) - 1; i >= 0; i-- {
		if e := p.symbols[i][name]; e != nil {
			return e
		}
	}
	return nil
}

// symbolNames returns all defined names in order, for hints.
func (p *parser) symbolNames() []string {
	var names []string
	for _, scope := range p.symbols {
		names = append(names, sortedKeys(scope)...)
	}
	return names
}

// variable reads the name after a $ and returns what it stands for.
func (p *parser) variable() *expr {
	dollar := p.next()
	name, at := p.identifier()
	if p.err != nil {
		return &expr{kind: exWord, at: at}
	}
	value := p.lookup(name)
	if value == nil {
		hint := ""
		if near := text.Suggest(name, p.symbolNames()); near != "" {
			hint = "did you mean $" + near + "?"
		}
		p.fail(at, hint, "unknown identifier '%s'", name)
		return &expr{kind: exWord, at: at}
	}
	if p.expanded += value.size; p.expanded > maxExpanded {
		p.fail(at, "", "the defines stand for more than %d values", maxExpanded)
	}
	used := *value
	used.at = dollar.at.through(at)
	return &used
}

// isReserved reports whether a word is one that nft's scanner takes for itself
// everywhere, so that it cannot be a name.
func isReserved(word string) bool {
	switch word {
	case "include", "define", "redefine", "undefine", "describe", "hook", "device", "devices", "table", "chain", "rule",
		"set", "element", "map", "flowtable", "handle", "ruleset", "socket", "tproxy", "accept", "drop", "continue",
		"jump", "goto", "return", "inet", "netdev", "add", "replace", "update", "create", "insert", "delete", "get",
		"list", "reset", "flush", "rename", "import", "export", "monitor", "position", "index", "comment", "constant",
		"interval", "dynamic", "auto-merge", "timeout", "gc-interval", "elements", "expires", "policy", "size", "flow",
		"offload", "meter", "counter", "log", "queue", "limit", "quota", "hour", "day", "reject", "snat", "dnat",
		"masquerade", "redirect", "random", "th", "bridge", "ether", "type", "typeof", "vlan", "arp", "ip", "ecn",
		"time", "icmp", "icmpv6", "igmp", "ip6", "priority", "ah", "esp", "comp", "flags", "udp", "udplite", "tcp",
		"dccp", "sctp", "rt", "rt0", "rt2", "srh", "hbh", "frag", "dst", "mh", "meta", "mark", "iif", "iifname", "iiftype",
		"oif", "oifname", "oiftype", "skuid", "skgid", "nftrace", "rtclassid", "ibriport", "ibrname", "obriport",
		"obrname", "pkttype", "cpu", "iifgroup", "oifgroup", "cgroup", "ct", "numgen", "jhash", "symhash", "dup",
		"fwd", "fib", "osf", "synproxy", "notrack", "all", "exists", "missing", "exthdr", "ipsec", "secmark", "vmap",
		"eq", "ne", "le", "lt", "ge", "gt", "lshift", "rshift", "xor", "and", "or", "not":
		return true
	}
	return false
}

func sortedKeys(m map[string]*expr) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// hasWord reports whether a list of words with blanks around each contains one.
func hasWord(list, word string) bool { return word != "" && strings.Contains(list, " "+word+" ") }
