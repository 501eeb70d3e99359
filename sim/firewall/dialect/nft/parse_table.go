package nft

import (
	"fmt"
	"strings"

	"ftplab/sim/firewall/dialect/internal/text"
)

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
