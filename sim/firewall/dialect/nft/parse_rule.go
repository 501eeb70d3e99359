package nft

import "strings"

// rule reads the statements of a rule and its comment, up to what ends it.
func (p *parser) rule() *ruleDecl {
	r := &ruleDecl{at: p.peek().at}
	for p.err == nil {
		t := p.peek()
		if t.is("comment") && len(r.stmts) > 0 {
			p.next()
			r.comment, _ = p.stringToken()
			break
		}
		if len(r.stmts) > 0 && (t.kind == tokNewline || t.kind == tokEOF || t.is(";") || t.is("}")) {
			break
		}
		r.stmts = append(r.stmts, p.statement())
	}
	r.at = r.at.through(p.last().at)
	return r
}

func isVerdict(word string) bool {
	switch word {
	case "accept", "drop", "continue", "return", "jump", "goto":
		return true
	}
	return false
}

// statement reads one statement.
func (p *parser) statement() stmt {
	t := p.peek()
	if !p.enter() {
		return &noTrackStmt{at: t.at}
	}
	defer p.leave()
	if t.kind != tokWord {
		if t.kind == tokPunct && (t.text == "{" || t.text == "(" || t.text == "@" || t.text == "$") || t.kind == tokQuoted || t.kind == tokWildcard || t.kind == tokNumber {
			return p.match()
		}
		p.unexpected("")
		return &noTrackStmt{at: t.at}
	}
	switch t.text {
	case "accept", "drop", "continue", "return", "jump", "goto":
		return p.verdict(true)
	case "queue":
		return p.queue()
	case "counter":
		return p.counter()
	case "log":
		return p.log()
	case "limit":
		return p.limit()
	case "quota":
		return p.quota()
	case "reject":
		return p.reject()
	case "snat", "dnat", "masquerade", "redirect":
		return p.nat()
	case "notrack":
		p.next()
		return &noTrackStmt{at: t.at}
	case "tproxy", "dup", "fwd", "synproxy", "flow", "meter":
		return p.unmodelledStatement()
	case "add", "update", "delete", "set":
		return p.setStatement()
	case "comment":
		p.unexpectedHint("", "a comment stands at the end of a rule")
		return &noTrackStmt{at: t.at}
	}
	return p.match()
}

// verdict reads a verdict. With blocks, jump and goto may have rules in braces in
// place of a chain's name.
func (p *parser) verdict(blocks bool) *verdictStmt {
	t := p.next()
	v := &verdictStmt{at: t.at, kind: t.text}
	if t.text != "jump" && t.text != "goto" {
		return v
	}
	switch {
	case p.peek().is("{") && blocks:
		v.block = p.ruleBlock()
	case p.peek().is("$"):
		e := p.variable()
		v.chain, v.chainAt = e.text, e.at
	default:
		v.chain, v.chainAt = p.identifier()
	}
	v.at = v.at.through(p.last().at)
	return v
}

// ruleBlock reads { rules } of a chain without a name.
func (p *parser) ruleBlock() []*ruleDecl {
	rules := []*ruleDecl{}
	if !p.expect("{") || !p.enter() {
		return rules
	}
	defer p.leave()
	for p.skipSeparators(); !p.peek().is("}") && p.peek().kind != tokEOF; p.skipSeparators() {
		r := p.rule()
		p.separator("a rule ends with its line or a semicolon, also before '}'")
		p.takeHandle(r)
		rules = append(rules, r)
	}
	p.expect("}")
	return rules
}

// queue reads queue [num N] [bypass] and its newer forms.
func (p *parser) queue() stmt {
	t := p.next()
	for {
		switch n := p.peek(); {
		case n.is("num"), n.is("to"):
			p.next()
			p.concatRHS()
		case n.is("flags"), n.is("bypass"), n.is("fanout"), n.is(","):
			p.next()
		default:
			return &verdictStmt{at: t.at.through(p.last().at), kind: "queue"}
		}
	}
}

func (p *parser) counter() stmt {
	s := &counterStmt{at: p.next().at}
	switch {
	case p.accept("name"):
		s.name, s.nameAt = p.objectName()
	case p.accept("packets"):
		p.number()
		p.expect("bytes")
		p.number()
	}
	s.at = s.at.through(p.last().at)
	return s
}

// objectName reads the name of an object, or a map that chooses one: "" then.
func (p *parser) objectName() (string, place) {
	if t := p.peek(); t.kind == tokQuoted || t.kind == tokWord && !isReserved(t.text) {
		p.next()
		return t.text, t.at
	}
	p.expression()
	if p.accept("map") {
		p.rhs()
	}
	return "", p.last().at
}

func (p *parser) log() stmt {
	s := &logStmt{at: p.next().at}
	leveled, grouped := false, false
	for {
		switch t := p.peek(); {
		case t.is("prefix"):
			p.next()
			if p.peek().is("$") {
				s.prefix = p.variable().text
			} else {
				s.prefix, _ = p.stringToken()
			}
		case t.is("level"):
			p.next()
			level, at := p.identifier()
			if !hasWord(" emerg alert crit err warn notice info debug audit ", level) {
				p.fail(at, nearestWord(level, "emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"), "invalid log level")
			}
			leveled = true
		case t.is("group"), t.is("snaplen"), t.is("queue-threshold"):
			p.next()
			p.number()
			grouped = grouped || t.is("group")
		case t.is("flags"):
			p.next()
			p.logFlags()
		default:
			if leveled && grouped {
				p.fail(s.at, "leave one of them out", "level and group are mutually exclusive")
			}
			s.at = s.at.through(p.last().at)
			return s
		}
	}
}

// logFlags reads tcp sequence,options; ip options; skuid; ether; all.
func (p *parser) logFlags() {
	switch t := p.next(); {
	case t.is("tcp"), t.is("ip"):
		p.next()
		for p.accept(",") {
			p.next()
		}
	case t.is("skuid"), t.is("ether"), t.is("all"):
	default:
		p.unexpectedToken(t, "tcp, ip, skuid, ether or all", "")
	}
}

func (p *parser) limit() stmt {
	s := &limitStmt{at: p.next().at}
	if p.accept("name") {
		s.name, s.nameAt = p.objectName()
	} else {
		p.expect("rate")
		if p.accept("over") {
			s.over = true
		} else {
			p.accept("until")
		}
		p.rate()
	}
	s.at = s.at.through(p.last().at)
	return s
}

// rate reads 10/second, 10 mbytes/second and a burst.
func (p *parser) rate() {
	if p.peek().is("$") {
		p.variable()
	} else {
		p.number()
	}
	if t := p.peek(); t.kind == tokWord && hasWord(" bytes kbytes mbytes bytes/second kbytes/second mbytes/second "+
		"bytes/minute kbytes/minute mbytes/minute bytes/hour kbytes/hour mbytes/hour bytes/day kbytes/day mbytes/day ", t.text) {
		if p.next(); strings.Contains(t.text, "/") {
			p.burst()
			return
		}
	}
	if !p.accept("/") {
		p.unexpectedHint("/ or string or bytes", "a rate has a unit of time: 5/second")
	}
	if unit := p.next(); !hasWord(" second minute hour day week ", unit.text) {
		p.unexpectedToken(unit, "second, minute, hour, day or week", "")
	}
	p.burst()
}

// burst reads burst N packets.
func (p *parser) burst() {
	if p.accept("burst") {
		p.number()
		if unit := p.next(); !hasWord(" packets bytes kbytes mbytes ", unit.text) {
			p.unexpectedToken(unit, "packets or bytes", "")
		}
	}
}

func (p *parser) quota() stmt {
	s := &otherStmt{at: p.next().at, what: "quotas are not modelled: they are taken never to be used up", condition: true, object: "quota"}
	if p.accept("name") {
		s.name, s.nameAt = p.objectName()
	} else {
		if p.accept("over") {
			s.neverHolds = true
		} else {
			p.accept("until")
		}
		p.number()
		p.next()
		if p.accept("used") {
			p.number()
			p.next()
		}
	}
	s.at = s.at.through(p.last().at)
	return s
}

// reject reads reject [with tcp reset | with icmp|icmpv6|icmpx [type] CODE].
func (p *parser) reject() stmt {
	s := &rejectStmt{at: p.next().at}
	if p.accept("with") {
		t := p.next()
		switch {
		case t.is("tcp"):
			p.expect("reset")
		case t.is("icmp"), t.is("icmpv6"), t.is("icmpx"):
			p.accept("type")
			code := p.peek()
			if code.is("$") {
				s.code, s.with = p.variable().text, code.at
			} else if code.kind == tokNumber {
				p.next()
				s.code, s.with = code.text, code.at
			} else {
				s.code, s.with = p.stringToken()
			}
		default:
			p.unexpectedToken(t, "tcp, icmp, icmpv6 or icmpx", "")
		}
		s.typ = t.text
	}
	s.at = s.at.through(p.last().at)
	return s
}

// unmodelledStatement reads a statement that sends copies, proxies or offloads.
func (p *parser) unmodelledStatement() stmt {
	t := p.next()
	s := &otherStmt{at: t.at}
	switch t.text {
	case "tproxy":
		s.what = "transparent proxying is not modelled: the packet goes on to the next statement"
		p.natFamily()
		p.expect("to")
		p.natTarget(&natStmt{})
	case "dup", "fwd":
		s.what = "copies and redirected frames are not modelled"
		p.natFamily()
		p.expect("to")
		p.statementValue()
		if p.accept("device") {
			p.statementValue()
		}
	case "synproxy":
		s.what, s.conntrack = "the SYN proxy is not modelled", true
		for hasWord(" name mss maxseg wscale timestamp sack-perm sack-permitted ", p.peek().text) && p.peek().kind == tokWord {
			p.next()
			if k := p.peek().kind; k == tokNumber || k == tokQuoted {
				p.next()
			}
		}
	case "flow":
		s.what, s.conntrack = "flow offload is not modelled: every packet takes the whole way", true
		if !p.accept("add") {
			p.expect("offload")
		}
		table := p.setReference()
		s.object, s.name, s.nameAt = "flowtable", table.text, s.at.through(table.at)
	case "meter":
		return p.meter(t)
	}
	s.at = s.at.through(p.last().at)
	return s
}

// meter reads meter NAME [size N] { KEY STATEMENT }.
func (p *parser) meter(t token) stmt {
	p.identifier()
	if p.accept("size") {
		p.number()
	}
	p.expect("{")
	p.expression()
	p.elementOptionsOf()
	inner := p.statement()
	p.expect("}")
	return p.rateOf(t.at.through(p.last().at), inner)
}

// elementOptionsOf reads the timeout of a dynamic element.
func (p *parser) elementOptionsOf() {
	for p.peek().is("timeout") || p.peek().is("expires") {
		p.next()
		p.next()
	}
}

// rateOf is the statement that a per-element limit is for us: one that holds, or
// that never does when it asks for the excess.
func (p *parser) rateOf(at place, inner stmt) *otherStmt {
	s := &otherStmt{at: at, what: "limits for each address are not modelled: they are taken never to be reached", condition: true}
	switch inner := inner.(type) {
	case *limitStmt:
		s.neverHolds = inner.over
	case *otherStmt:
		s.neverHolds, s.conntrack = inner.neverHolds, inner.conntrack
	}
	return s
}

// setStatement reads add|update|delete @SET { KEY [STATEMENT] } and set add KEY @SET.
func (p *parser) setStatement() stmt {
	t := p.next()
	if t.is("set") {
		if op := p.next(); !op.is("add") && !op.is("update") && !op.is("delete") {
			p.unexpectedToken(op, "add, update or delete", "")
		}
		p.expression()
		p.elementOptionsOf()
		if !p.peek().is("@") {
			p.unexpected("@")
		}
		set := p.setReference()
		return &otherStmt{at: t.at.through(p.last().at), what: "sets that packets change are not modelled", set: set}
	}
	if !p.peek().is("@") {
		p.unexpected("@")
	}
	set := p.setReference()
	p.expect("{")
	p.expression()
	p.elementOptionsOf()
	var inner stmt
	for t := p.peek(); !t.is("}") && !t.is(":") && t.kind != tokEOF && t.kind != tokNewline; t = p.peek() {
		inner = p.statement()
	}
	if p.accept(":") {
		p.elementData()
	}
	p.expect("}")
	at := t.at.through(p.last().at)
	if _, counts := inner.(*counterStmt); inner != nil && !counts {
		rate := p.rateOf(at, inner)
		rate.set = set
		return rate
	}
	return &otherStmt{at: at, what: "sets that packets change are not modelled", set: set}
}
