package nft

import (
	"fmt"
	"strings"

	"ftplab/sim/firewall/dialect/internal/text"
)

// command reads one command: what stands on a line outside of all blocks.
func (p *parser) command() {
	t := p.peek()
	verb := ""
	if t.kind == tokWord {
		verb = t.text
	}
	switch verb {
	case "add", "create", "insert":
		p.next()
		p.addCommand(map[string]commandKind{"add": cmdAdd, "create": cmdCreate, "insert": cmdInsert}[verb])
	case "delete", "flush":
		p.next()
		p.removeCommand(map[string]commandKind{"delete": cmdDelete, "flush": cmdFlush}[verb], t.at)
	case "rename":
		p.next()
		p.expect("chain")
		c := p.newCommand(cmdRename, objChain, t.at)
		c.table = p.tableSpec()
		c.name, c.nameAt = p.identifier()
		c.to, _ = p.identifier()
		p.emit(c)
	case "replace":
		p.next()
		p.expect("rule")
		c := p.rulePosition(cmdAdd, t.at)
		c.rule = p.rule()
		c.handle = true
		p.emit(c)
	case "list", "reset", "get", "monitor", "describe", "export", "import":
		for p.peek().kind != tokNewline && p.peek().kind != tokEOF && !p.peek().is(";") {
			p.next()
		}
		p.warn(t.at, "%s only shows something and changes no rule: left out", verb)
	default:
		p.addCommand(cmdAdd)
	}
}

func (p *parser) newCommand(kind commandKind, object objectKind, at place) *command {
	return &command{kind: kind, object: object, at: at}
}

// emit adds a command that was read completely.
func (p *parser) emit(c *command) {
	if p.err == nil {
		c.at = c.at.through(p.last().at)
		p.cmds = append(p.cmds, c)
	}
}

// addCommand reads what follows add, create, insert or nothing at all.
func (p *parser) addCommand(kind commandKind) {
	t := p.peek()
	switch {
	case t.is("table"):
		p.next()
		p.table(kind, t.at)
	case t.is("chain"):
		p.next()
		c := p.newCommand(kind, objChain, t.at)
		c.table = p.tableSpec()
		c.name, c.nameAt = p.identifier()
		if p.peek().is("{") {
			p.chainBlock(c)
		} else {
			p.emit(c)
		}
	case t.is("set"), t.is("map"):
		p.next()
		c := p.newCommand(kind, objSet, t.at)
		c.table = p.tableSpec()
		c.name, c.nameAt = p.identifier()
		c.set = p.setBlock(t.text == "map")
		p.emit(c)
	case t.is("element"):
		p.next()
		c := p.newCommand(kind, objElement, t.at)
		c.table = p.tableSpec()
		c.name, c.nameAt = p.identifier()
		c.set = &setDecl{elements: p.setOrVariable()}
		p.emit(c)
	case t.is("ct"), t.is("counter"), t.is("quota"), t.is("limit"), t.is("secmark"), t.is("synproxy"), t.is("flowtable"):
		p.next()
		p.object(kind, t, nil)
	default:
		p.accept("rule")
		c := p.rulePosition(kind, t.at)
		c.rule = p.rule()
		p.emit(c)
	}
}

// rulePosition reads the chain, and the place in it, of a rule.
func (p *parser) rulePosition(kind commandKind, at place) *command {
	c := p.newCommand(kind, objRule, at)
	if t := p.peek(); !isFamily(t) && (t.kind != tokWord || isReserved(t.text)) {
		p.unexpectedHint("", nearestWord(t.text, "table", "chain", "add", "flush", "rule", "set", "include", "define"))
		return c
	}
	c.table = p.tableSpec()
	c.name, c.nameAt = p.identifier()
	switch t := p.peek(); {
	case t.is("position"), t.is("handle"):
		p.next()
		p.number()
		c.handle = true
	case t.is("index"):
		p.next()
		n, _ := p.number()
		c.index = int(min(n, 1<<20)) + 1
	}
	return c
}

// removeCommand reads what follows delete or flush.
func (p *parser) removeCommand(kind commandKind, at place) {
	t := p.next()
	c := p.newCommand(kind, objOther, at)
	switch t.text {
	case "ruleset":
		c.object, c.all = objRuleset, true
		if isFamily(p.peek()) {
			c.table.family = p.next().text
		}
		p.emit(c)
		return
	case "table":
		c.object = objTable
	case "chain":
		c.object = objChain
	case "rule":
		c.object = objRule
	case "set", "map", "meter":
		c.object = objSet
	case "element":
		c.object = objElement
	case "ct":
		c.object = objHelper
		p.next()
	case "counter", "quota", "limit", "secmark", "synproxy", "flowtable":
		c.other = t.text
	default:
		p.unexpectedToken(t, "", nearestWord(t.text, "ruleset", "table", "chain", "rule", "set", "map", "element"))
		return
	}
	if isFamily(p.peek()) {
		c.table.family = p.next().text
	} else {
		c.table.family = "ip"
	}
	if p.accept("handle") {
		p.number()
		c.handle = true
		p.emit(c)
		return
	}
	c.table.name, c.table.at = p.identifier()
	if c.object != objTable && p.accept("handle") {
		p.number()
		c.handle = true
	} else if c.object != objTable {
		c.name, c.nameAt = p.identifier()
	}
	if c.object == objRule && p.accept("handle") {
		p.number()
		c.handle = true
	}
	if c.object == objElement {
		c.set = &setDecl{elements: p.setOrVariable()}
	}
	p.emit(c)
}

func isFamily(t token) bool {
	return t.is("ip") || t.is("ip6") || t.is("inet") || t.is("arp") || t.is("bridge") || t.is("netdev")
}

// tableSpec reads a family, which is ip if it is not there, and a table's name.
func (p *parser) tableSpec() tableID {
	id := tableID{family: "ip"}
	if t := p.peek(); isFamily(t) {
		id.family = t.text
		p.next()
	}
	id.name, id.at = p.identifier()
	return id
}

// table reads a table, with or without its block.
func (p *parser) table(kind commandKind, at place) {
	c := p.newCommand(kind, objTable, at)
	c.table = p.tableSpec()
	p.emit(c)
	if !p.accept("{") {
		return
	}
	p.symbols = append(p.symbols, map[string]*expr{})
	for p.skipSeparators(); !p.peek().is("}") && p.peek().kind != tokEOF; p.skipSeparators() {
		if !p.common() {
			p.tableItem(c.table)
		}
	}
	p.symbols = p.symbols[:len(p.symbols)-1]
	p.expect("}")
}

// tableItem reads one declaration of a table's block.
func (p *parser) tableItem(table tableID) {
	t := p.next()
	switch {
	case t.is("chain"):
		c := p.newCommand(cmdAdd, objChain, t.at)
		c.table = table
		c.name, c.nameAt = p.identifier()
		p.chainBlock(c)
		p.separator("")
	case t.is("set"), t.is("map"):
		c := p.newCommand(cmdAdd, objSet, t.at)
		c.table = table
		c.name, c.nameAt = p.identifier()
		c.set = p.setBlock(t.text == "map")
		p.emit(c)
		p.separator("")
	case t.is("flags"):
		_, at := p.identifier()
		p.warn(t.at.through(at), "table flags are not modelled")
		p.separator("")
	case t.is("comment"):
		p.stringToken()
		p.separator("")
	case t.is("ct"), t.is("counter"), t.is("quota"), t.is("limit"), t.is("secmark"), t.is("synproxy"), t.is("flowtable"):
		p.object(cmdAdd, t, &table)
		p.separator("")
	default:
		p.unexpectedToken(t, "", nearestWord(t.text, "chain", "set", "map", "ct", "counter", "flags", "comment", "flowtable"))
	}
}

// nearestWord is the hint that a misspelt word gets.
func nearestWord(word string, candidates ...string) string {
	if near := text.Suggest(word, candidates); near != "" && near != word {
		return "did you mean " + near + "?"
	}
	return ""
}

// chainBlock reads the block of a chain: what it is, and its rules.
func (p *parser) chainBlock(c *command) {
	p.expect("{")
	c.chain = &chainDecl{}
	c.at = c.at.through(c.nameAt)
	if p.err == nil {
		p.cmds = append(p.cmds, c)
	}
	p.symbols = append(p.symbols, map[string]*expr{})
	for p.skipSeparators(); !p.peek().is("}") && p.peek().kind != tokEOF; p.skipSeparators() {
		if p.common() {
			continue
		}
		switch t := p.peek(); {
		case t.is("type"):
			p.hookSpec(c.chain)
			p.separator("end the chain's type with a semicolon")
		case t.is("policy"):
			p.policySpec(c.chain)
			p.separator("")
		case t.is("flags"):
			p.next()
			p.expect("offload")
			p.warn(t.at, "hardware offload is not modelled")
			p.separator("")
		case t.is("comment"):
			p.next()
			p.stringToken()
			p.separator("")
		default:
			r := p.newCommand(cmdAdd, objRule, t.at)
			r.table, r.name, r.nameAt = c.table, c.name, c.nameAt
			r.rule = p.rule()
			p.emit(r)
			p.separator("a rule ends with its line or a semicolon, also before '}'")
			p.takeHandle(r.rule)
		}
	}
	p.symbols = p.symbols[:len(p.symbols)-1]
	p.expect("}")
}

// takeHandle takes the rule's handle from the comment that nft -a lists after it.
func (p *parser) takeHandle(r *ruleDecl) {
	if rest, ok := strings.CutPrefix(p.last().text, "handle "); ok && p.last().kind == tokNewline {
		r.handle = strings.TrimSpace(rest)
	}
}

// hookSpec reads type T hook H [device D] priority P.
func (p *parser) hookSpec(c *chainDecl) {
	start := p.next().at
	typ := p.next()
	c.typ = typ.text
	if c.typ != "filter" && c.typ != "nat" && c.typ != "route" {
		p.fail(typ.at, "a chain's type is filter, nat or route", "unknown chain type")
	}
	p.expect("hook")
	hook := p.next()
	c.hook = hook.text
	if !hasHook(c.hook) {
		p.fail(hook.at, nearestWord(hook.text, "prerouting", "input", "forward", "output", "postrouting", "ingress", "egress"), "unknown chain hook")
	}
	if p.accept("device") {
		if p.peek().is("$") {
			c.device = p.variable().text
		} else {
			c.device, _ = p.stringToken()
		}
	} else if p.accept("devices") {
		p.expect("=")
		p.setOrVariable()
	}
	word := p.peek()
	p.expect("priority")
	c.priority = p.priority(word.at, c.hook)
	c.base = true
	c.hookAt = start.through(p.last().at)
}

func hasHook(name string) bool {
	switch name {
	case "prerouting", "input", "forward", "output", "postrouting", "ingress", "egress":
		return true
	}
	return false
}

// priority reads a priority: a number, or a name with an offset. A name counts only at
// the hooks that it is made for.
func (p *parser) priority(word place, hook string) int {
	t := p.peek()
	name := t.text
	if t.is("$") {
		name = p.variable().text
	} else if t.kind == tokWord {
		p.next()
	}
	base := 0
	if t.kind == tokWord || t.is("$") {
		n, ok := priorityNumber(name)
		if !ok || name == "dstnat" && hook != "prerouting" || name == "srcnat" && hook != "postrouting" {
			hint := nearestWord(name, "raw", "mangle", "dstnat", "filter", "security", "srcnat")
			if ok {
				hint = fmt.Sprintf("the priority %s is not one of the hook %s: write %d", name, hook, n)
			}
			p.fail(word.through(t.at), hint, "invalid priority expression value in this context")
		}
		if base = n; !p.peek().is("+") && !p.peek().is("-") {
			return base
		}
	}
	sign := 1
	if p.accept("-") {
		sign = -1
	} else {
		p.accept("+")
	}
	n, at := p.number()
	if n > 1<<31-1 {
		p.fail(at, "", "the priority %d does not fit 32 bits", n)
	}
	return base + sign*int(n)
}

// priorityNumber returns the number of a priority's name, or of digits.
func priorityNumber(s string) (int, bool) {
	for _, p := range priorityNames {
		if p.name == s {
			return p.number, true
		}
	}
	negative := strings.HasPrefix(s, "-")
	n, err := parseNumber(strings.TrimPrefix(s, "-"))
	if err != nil || n > 1<<31-1 {
		return 0, false
	}
	if negative {
		return -int(n), true
	}
	return int(n), true
}

// priorityNames are the names of priorities in the families ip, ip6 and inet.
var priorityNames = [...]struct {
	name   string
	number int
}{{"raw", -300}, {"mangle", -150}, {"dstnat", -100}, {"filter", 0}, {"security", 50}, {"srcnat", 100}}

// policySpec reads policy accept or policy drop.
func (p *parser) policySpec(c *chainDecl) {
	start := p.next().at
	t := p.peek()
	c.policy = t.text
	if t.is("$") {
		c.policy = p.variable().text
	} else {
		p.next()
	}
	c.policyAt = start.through(t.at)
	if c.policy != "accept" && c.policy != "drop" && p.err == nil {
		p.unexpectedToken(t, "", "a policy is accept or drop; a base chain cannot reject by its policy")
	}
}

// object reads a counter, quota, ct helper or another object. Table is where it
// stands, nil for a command of its own.
func (p *parser) object(kind commandKind, t token, table *tableID) {
	c := p.newCommand(kind, objOther, t.at)
	c.other = t.text
	if t.text == "ct" {
		what := p.next()
		if !what.is("helper") && !what.is("timeout") && !what.is("expectation") {
			p.unexpectedToken(what, "helper, timeout or expectation", "")
			return
		}
		c.other = "ct " + what.text
	}
	if table != nil {
		c.table = *table
	} else {
		c.table = p.tableSpec()
	}
	c.name, c.nameAt = p.identifier()
	switch {
	case c.other == "ct helper":
		c.object = objHelper
		c.helper = p.helperBlock()
	case p.peek().is("{"):
		p.skipBlock()
	default: // counter NAME packets 0 bytes 0
		for n := p.peek(); n.kind != tokNewline && n.kind != tokEOF && !n.is(";") && !n.is("}"); n = p.peek() {
			p.next()
		}
	}
	if c.object == objOther && c.other != "counter" {
		p.warn(t.at.through(c.nameAt), "%s objects are not modelled: %s has no effect", c.other, c.name)
	}
	p.emit(c)
}

// skipBlock reads a block whose contents make no difference.
func (p *parser) skipBlock() {
	p.expect("{")
	for depth := 1; depth > 0 && p.err == nil; {
		t := p.next()
		switch {
		case t.is("{"):
			depth++
		case t.is("}"):
			depth--
		case t.kind == tokJunk:
			p.unexpectedToken(t, "", "")
		case t.kind == tokEOF:
			p.unexpectedToken(t, "'}'", "")
		case t.is("$"):
			p.pos--
			p.variable()
		}
	}
}

// helperBlock reads { type "ftp" protocol tcp; [l3proto ip;] }.
func (p *parser) helperBlock() *helperDecl {
	h := &helperDecl{}
	p.expect("{")
	for p.skipSeparators(); !p.peek().is("}") && p.peek().kind != tokEOF; p.skipSeparators() {
		switch t := p.next(); {
		case t.is("type"):
			kind := p.next()
			if kind.kind != tokQuoted {
				p.unexpectedToken(kind, "quoted string", "write the helper's type in quotes: type \"ftp\" protocol tcp")
			}
			h.kind, h.kindAt = kind.text, kind.at
			p.expect("protocol")
			protocol := p.next()
			if !protocol.is("tcp") && !protocol.is("udp") {
				p.unexpectedToken(protocol, "tcp or udp", "")
			}
			h.protocol = protocol.text
		case t.is("l3proto"):
			family := p.next()
			if !isFamily(family) {
				p.unexpectedToken(family, "ip, ip6 or inet", "")
			}
			h.family = family.text
		default:
			p.unexpectedToken(t, "type or l3proto", "")
		}
		p.separator("end it with a semicolon")
	}
	p.expect("}")
	return h
}
