package iptables

import (
	"strconv"
	"strings"

	"ftplab/sim/firewall/dialect/internal/text"
)

// command is one command: what to do, with which chain, and the rule's specification.
type command struct {
	*parser
	words []text.Word
	pos   int
	line  string
	end   int // column after the command

	verb     string // append, insert, delete, ... or ""
	verbWord text.Word
	table    text.Word
	family   string
	chain    text.Word
	number   int // of a rule; 0 is none
	operand  text.Word

	spec spec
}

// use is one option of a match or target as it was used.
type use struct {
	option string // its usual name, with dashes
	word   text.Word
	negate bool
	args   []text.Word
}

// text returns the option as it was written.
func (u use) text() string {
	s := u.word.Text
	if u.negate {
		s = "! " + s
	}
	for _, a := range u.args {
		s += " " + quoteWord(a.Text)
	}
	return s
}

// matchUse is a match module and the options used of it.
type matchUse struct {
	module *module
	word   text.Word
	uses   []use
}

// spec is the specification of a rule.
type spec struct {
	base    []use // -s, -d, -i, -o, -p, -f
	matches []*matchUse
	target  text.Word // what follows -j or -g
	isGoto  bool
	options []use // of the target
	module  *module
}

// command runs one command; words are those after the program's name.
func (p *parser) command(words []text.Word, line, table, family string) {
	c := &command{parser: p, words: words, line: line, table: text.Word{Text: table, Column: 1}, family: family, end: 1}
	if n := len(words); n > 0 {
		c.end = words[n-1].End()
	}
	problem := c.parse()
	if problem == nil {
		problem = c.run()
	}
	if problem != nil {
		p.fail(problem)
	}
}

func (c *command) done() bool { return c.pos >= len(c.words) }

func (c *command) peek() text.Word {
	if c.done() {
		return text.Word{Column: c.end}
	}
	return c.words[c.pos]
}

func (c *command) next() text.Word {
	w := c.peek()
	c.pos++
	return w
}

// parse reads the options.
func (c *command) parse() *text.Problem {
	for !c.done() {
		negated := text.Word{}
		w := c.next()
		if w.Text == "!" {
			negated = w
			if w = c.next(); w.Text == "" || w.Text[0] != '-' {
				return text.At(negated, "Bad argument `!'").WithHint("write ! before the option: ! -s 10.0.0.0/8")
			}
		}
		if len(w.Text) < 2 || w.Text[0] != '-' {
			return c.badArgument(w)
		}
		w = c.splitAttached(w)
		name := baseOption(w.Text)
		var problem *text.Problem
		switch {
		case name == "":
			problem = c.moduleOption(w, negated)
		case isVerb(name):
			problem = c.readVerb(name, w, negated)
		default:
			problem = c.readBase(name, w, negated)
		}
		if problem != nil {
			return problem
		}
	}
	if c.verb == "" {
		return text.At(text.Word{Column: 1}, "no command specified").WithHint("a rule is added with -A CHAIN")
	}
	return nil
}

func (c *command) badArgument(w text.Word) *text.Problem {
	p := text.At(w, "Bad argument `%s'", w.Text)
	switch strings.ToLower(w.Text) {
	case "accept", "drop", "reject", "return", "log", "masquerade":
		return p.WithHint("a target follows -j: -j %s", strings.ToUpper(w.Text))
	}
	return p
}

// splitAttached splits -p6 and --dport=21 into option and argument.
func (c *command) splitAttached(w text.Word) text.Word {
	cut := 0
	switch {
	case strings.HasPrefix(w.Text, "--"):
		if i := strings.IndexByte(w.Text, '='); i > 0 {
			cut = i + 1
		}
	case len(w.Text) > 2 && strings.IndexByte("tADIRNPFXspdiojmg", w.Text[1]) >= 0:
		cut = 2
	}
	if cut == 0 {
		return w
	}
	option, argument := w, text.Word{Text: w.Text[cut:], Column: w.Column + cut}
	option.Text = strings.TrimSuffix(w.Text[:cut], "=")
	c.pos--
	rest := append([]text.Word{argument}, c.words[c.pos+1:]...)
	c.words = append(append([]text.Word{}, c.words[:c.pos]...), append([]text.Word{option}, rest...)...)
	c.pos++
	return option
}

// baseOption returns the long name, without dashes, of an option of iptables itself;
// "" if it is none. As getopt does, it takes an unambiguous beginning of a long name.
func baseOption(w string) string {
	if len(w) == 2 {
		for _, o := range baseOptions {
			if o.short == w[1] {
				return o.name
			}
		}
		return ""
	}
	if !strings.HasPrefix(w, "--") {
		return ""
	}
	long := w[2:]
	for _, o := range baseOptions {
		if o.name == long || o.alias != "" && hasWord(o.alias, long) {
			return o.name
		}
	}
	return ""
}

func hasWord(list, word string) bool { return strings.Contains(" "+list+" ", " "+word+" ") }

// baseOptions are the options of iptables itself.
var baseOptions = [...]struct {
	short byte
	name  string
	alias string
}{
	{'t', "table", ""}, {'A', "append", ""}, {'I', "insert", ""}, {'D', "delete", ""}, {'R', "replace", ""}, {'C', "check", ""},
	{'N', "new-chain", "new"}, {'X', "delete-chain", ""}, {'F', "flush", ""}, {'P', "policy", ""}, {'E', "rename-chain", "rename"},
	{'L', "list", ""}, {'S', "list-rules", ""}, {'Z', "zero", ""},
	{'p', "protocol", "proto"}, {'s', "source", "src"}, {'d', "destination", "dst"}, {'i', "in-interface", "in"}, {'o', "out-interface", "out"},
	{'f', "fragment", "fragments"}, {'m', "match", ""}, {'j', "jump", ""}, {'g', "goto", ""}, {'c', "set-counters", ""},
	{'w', "wait", ""}, {'W', "wait-interval", ""}, {'v', "verbose", ""}, {'n', "numeric", ""}, {'x', "exact", ""}, {'4', "ipv4", ""}, {'6', "ipv6", ""},
	{0, "line-numbers", ""}, {0, "modprobe", ""},
}

func isVerb(name string) bool {
	return hasWord("append insert delete replace check new-chain delete-chain flush policy rename-chain list list-rules zero", name)
}

// readVerb reads what to do, and the chain with which.
func (c *command) readVerb(name string, w, negated text.Word) *text.Problem {
	switch {
	case negated.Text != "":
		return text.At(w, "%s cannot be negated", w.Text)
	case c.verb != "" && !(c.verb == "list" && name == "zero"):
		return text.At(w, "Cannot use -%s with -%s", shortOf(c.verb), shortOf(name)).WithHint("one command does one thing")
	}
	c.verb, c.verbWord = name, w
	optional := hasWord("flush delete-chain list list-rules zero", name)
	if next := c.peek(); next.Text == "" || next.Text[0] == '-' || next.Text == "!" {
		if optional {
			return nil
		}
		return text.At(w, "option \"%s\" requires an argument", w.Text).WithHint("write the chain after it: %s INPUT", w.Text)
	}
	c.chain = c.next()
	if hasWord("insert delete replace list list-rules zero", name) {
		if n, err := strconv.Atoi(c.peek().Text); err == nil {
			if c.number = n; n < 1 {
				return text.At(c.peek(), "Invalid rule number `%s'", c.peek().Text)
			}
			c.next()
		}
	}
	if name == "policy" || name == "rename-chain" {
		c.operand = c.next()
	}
	return nil
}

func shortOf(name string) string {
	for _, o := range baseOptions {
		if o.name == name {
			return string(rune(o.short))
		}
	}
	return name
}

// readBase reads another option of iptables itself.
func (c *command) readBase(name string, w, negated text.Word) *text.Problem {
	if hasWord("verbose numeric exact line-numbers ipv4 ipv6", name) {
		return c.familyOption(name, w)
	}
	if name == "fragment" {
		return c.addBase(use{option: name, word: w, negate: negated.Text != ""})
	}
	if name == "wait" || name == "wait-interval" {
		if _, err := strconv.Atoi(c.peek().Text); err == nil {
			c.next()
		}
		return nil
	}
	u := use{option: name, word: w, negate: negated.Text != ""}
	argument := c.next()
	if argument.Text == "!" {
		return lateNegation(argument, w, c.peek())
	}
	if argument.Text == "" && argument.Column == c.end {
		return text.At(w, "option \"%s\" requires an argument", w.Text)
	}
	u.args = []text.Word{argument}
	switch name {
	case "table":
		if c.current != nil {
			return text.At(w, "The -t option (seen in line %d) cannot be used in iptables-restore text", c.parser.line).WithHint("the table is named by *%s", c.current.name)
		}
		c.table = argument
	case "set-counters":
		c.next()
	case "match":
		return c.addMatch(argument, u)
	case "jump", "goto":
		return c.setTarget(argument, w, name == "goto")
	case "modprobe":
	default:
		return c.addBase(u)
	}
	if u.negate {
		return text.At(w, "%s cannot be negated", w.Text)
	}
	return nil
}

// lateNegation is the problem of a ! after its option, as iptables had it before 1.4.3.
func lateNegation(bang, option, argument text.Word) *text.Problem {
	return text.At(bang, "Bad argument `%s': ! stands before its option", argument.Text).WithHint("write ! %s %s", option.Text, argument.Text)
}

// familyOption handles -4 and -6 and the options that change nothing.
func (c *command) familyOption(name string, w text.Word) *text.Problem {
	if name == "ipv4" && c.family == "ip6" || name == "ipv6" && c.family == "ip" {
		c.verb = "skip" // iptables-restore passes over the other family's lines
		if c.current == nil {
			return text.At(w, "%s belongs to the other family's command", w.Text).WithHint("write iptables for IPv4 and ip6tables for IPv6")
		}
	}
	return nil
}

func (c *command) addBase(u use) *text.Problem {
	for _, known := range c.spec.base {
		if known.option == u.option {
			return text.At(u.word, "multiple -%s flags not allowed", shortOf(u.option))
		}
	}
	c.spec.base = append(c.spec.base, u)
	return nil
}

// base returns an option of the rule itself as it was used, false if it was not.
func (s *spec) baseUse(option string) (use, bool) {
	for _, u := range s.base {
		if u.option == option {
			return u, true
		}
	}
	return use{}, false
}

// addMatch loads a match module.
func (c *command) addMatch(name text.Word, u use) *text.Problem {
	if u.negate {
		return text.At(u.word, "unexpected ! flag before --match")
	}
	m := findModule(matchModules, name.Text, c.family)
	if m == nil {
		p := text.At(name, "Couldn't load match `%s'", name.Text)
		if near := text.Suggest(name.Text, moduleNames(matchModules)); near != "" {
			return p.WithHint("did you mean -m %s?", near)
		}
		return p.WithHint("there is no such match, or it is not known here")
	}
	if problem := c.checkProtocol(m, name); problem != nil {
		return problem
	}
	c.spec.matches = append(c.spec.matches, &matchUse{module: m, word: name})
	return nil
}

// setTarget loads a target, or names a chain.
func (c *command) setTarget(name, w text.Word, isGoto bool) *text.Problem {
	if c.spec.target.Text != "" {
		return text.At(w, "multiple %s flags not allowed", w.Text)
	}
	c.spec.target, c.spec.isGoto = name, isGoto
	if !isGoto {
		c.spec.module = findModule(targetModules, name.Text, c.family)
	}
	return nil
}

// moduleOption reads an option of a match or of the target: those loaded last are
// asked first. The match of the protocol is loaded when one of its options is met.
func (c *command) moduleOption(w, negated text.Word) *text.Problem {
	if c.spec.module != nil {
		if o := c.spec.module.find(w.Text); o != nil {
			u, problem := c.readUse(o, w, negated)
			c.spec.options = append(c.spec.options, u)
			return problem
		}
	}
	for i := len(c.spec.matches) - 1; i >= 0; i-- {
		if problem, ok := c.matchOption(c.spec.matches[i], w, negated); ok {
			return problem
		}
	}
	if m := c.protocolModule(); m != nil && m.find(w.Text) != nil {
		loaded := &matchUse{module: m, word: w}
		c.spec.matches = append(c.spec.matches, loaded)
		problem, _ := c.matchOption(loaded, w, negated)
		return problem
	}
	return c.unknownOption(w)
}

func (c *command) matchOption(m *matchUse, w, negated text.Word) (*text.Problem, bool) {
	o := m.module.find(w.Text)
	if o == nil {
		return nil, false
	}
	for _, u := range m.uses {
		if u.option == o.name && !o.repeats {
			return text.At(w, "%s: option \"%s\" cannot be used multiple times", m.module.name, w.Text), true
		}
	}
	u, problem := c.readUse(o, w, negated)
	m.uses = append(m.uses, u)
	return problem, true
}

// readUse reads the arguments of an option.
func (c *command) readUse(o *option, w, negated text.Word) (use, *text.Problem) {
	u := use{option: o.name, word: w, negate: negated.Text != ""}
	if negated.Text != "" {
		u.word.Column = negated.Column
	}
	if c.peek().Text == "!" && o.args > 0 {
		bang := c.next()
		return u, lateNegation(bang, w, c.peek())
	}
	if u.negate && !o.negatable {
		return u, text.At(w, "option \"%s\" cannot be inverted", w.Text)
	}
	for len(u.args) < o.args {
		if c.done() {
			if o.args > 1 {
				return u, text.At(w, "%s requires %d args", w.Text, o.args)
			}
			return u, text.At(w, "option \"%s\" requires an argument", w.Text)
		}
		u.args = append(u.args, c.next())
	}
	for n := c.peek(); o.optional && n.Text != "" && n.Text[0] != '-' && n.Text != "!" && len(u.args) == o.args; n = c.peek() {
		u.args = append(u.args, c.next())
	}
	return u, nil
}

// unknownOption says what a person who wrote an unknown option most likely forgot.
func (c *command) unknownOption(w text.Word) *text.Problem {
	p := text.At(w, "unknown option \"%s\"", w.Text)
	if !strings.HasPrefix(w.Text, "--") {
		return p
	}
	if near := text.Suggest(w.Text, c.loadedOptions()); near != "" && near != w.Text {
		return p.WithHint("did you mean %s?", near)
	}
	for i := range matchModules {
		m := &matchModules[i]
		if m.find(w.Text) == nil || m.family != "" && m.family != c.family {
			continue
		}
		switch m.name {
		case "tcp", "udp", "sctp", "dccp", "udplite":
			return p.WithHint("-p tcp or -p udp must come before %s", w.Text)
		case "icmp", "icmp6":
			return p.WithHint("-p %s must come before %s", m.name, w.Text)
		}
		return p.WithHint("load its match before: -m %s %s", m.name, w.Text)
	}
	for i := range targetModules {
		if targetModules[i].find(w.Text) != nil {
			return p.WithHint("it belongs after -j %s", targetModules[i].name)
		}
	}
	return p
}

// loadedOptions returns the options that could be used at this place.
func (c *command) loadedOptions() []string {
	var names []string
	add := func(m *module) {
		if m == nil {
			return
		}
		for _, o := range m.options {
			names = append(names, o.name)
		}
	}
	for _, m := range c.spec.matches {
		add(m.module)
	}
	add(c.protocolModule())
	add(c.spec.module)
	for _, o := range baseOptions {
		names = append(names, "--"+o.name)
	}
	return names
}
