package nft

import "ftplab/sim/firewall/dialect/internal/text"

// match reads a condition, a verdict map, or the setting of a mark, helper or field.
func (p *parser) match() stmt {
	start := p.peek()
	if start.is("ct") && p.peekAt(1).is("count") {
		return p.connectionCount()
	}
	left := p.expression()
	if p.err != nil {
		return &noTrackStmt{at: left.at}
	}
	t := p.peek()
	if t.is("vmap") {
		p.next()
		with := p.rhs()
		return &vmapStmt{at: left.at.through(with.at), key: left, with: with}
	}
	if t.is("set") && left.kind == exSelector {
		p.next()
		value := p.statementValue()
		if left.sel.key == "meta priority" && p.accept(":") { // a class: 1:2
			value = p.statementValue()
		}
		return &assignStmt{at: left.at.through(value.at), left: left, right: value}
	}
	m := &matchStmt{left: left}
	if op := operator(t); op != "" {
		p.next()
		m.op = op
	}
	m.right = p.matchValue(start)
	m.at = left.at.through(m.right.at)
	if p.peek().is("/") && m.right.kind != exSet {
		p.next()
		m.mask = p.rhs()
		if m.mask.kind != exList && m.mask.kind != exSet {
			p.unexpected("comma")
		}
		m.at = m.at.through(m.mask.at)
	}
	return m
}

// matchValue reads the right side of a condition. The hint for one that is missing
// is what the word at the rule's place may have been meant to be.
func (p *parser) matchValue(start token) *expr {
	t := p.peek()
	if t.is("{") || t.is("@") || t.is("$") || t.is("(") || t.kind == tokNumber || t.kind == tokQuoted || t.kind == tokWildcard ||
		t.kind == tokWord && (!isReserved(t.text) || isValueKeyword(t.text)) {
		return p.rhs()
	}
	hint := ""
	if start.kind == tokWord && !isReserved(start.text) {
		hint = statementHint(start.text)
	}
	p.unexpectedHint("", hint)
	return &expr{at: t.at}
}

// statementHint says which statement an unknown word may have been meant to be.
func statementHint(word string) string {
	near := text.Suggest(word, []string{"accept", "drop", "reject", "return", "continue", "jump", "goto", "counter", "log", "limit",
		"masquerade", "redirect", "snat", "dnat", "notrack", "queue", "iifname", "oifname", "iif", "oif", "comment", "mark", "tcp", "udp",
		"icmp", "icmpv6", "meta", "ip6"})
	if near == "" {
		return ""
	}
	return "did you mean " + near + "?"
}

// connectionCount reads ct count [over] N.
func (p *parser) connectionCount() stmt {
	start := p.next().at
	p.next()
	over := p.accept("over")
	p.number()
	return &otherStmt{at: start.through(p.last().at), what: "numbers of connections are not limited: the limit is taken never to be reached",
		conntrack: true, condition: true, neverHolds: over}
}

// statementValue reads the value of a statement: a symbol, a selector, a map.
func (p *parser) statementValue() *expr {
	t := p.peek()
	if t.is("{") {
		return p.set()
	}
	if t.is("@") {
		return p.setReference()
	}
	e := p.binary(0, p.statementPrimary)
	if p.peek().is(".") {
		concat := &expr{kind: exConcat, at: e.at, list: []*expr{e}}
		for p.accept(".") {
			part := p.statementPrimary()
			concat.list = append(concat.list, part)
			concat.at = concat.at.through(part.at)
			if len(concat.list) > maxTypes {
				p.fail(concat.at, "", "a concatenation of more than %d fields", maxTypes)
			}
		}
		e = concat
	}
	switch t := p.peek(); {
	case t.is("map"):
		p.next()
		with := p.rhs()
		return &expr{kind: exMap, left: e, right: with, at: e.at.through(with.at)}
	case t.is("-"):
		p.next()
		right := p.binary(0, p.statementPrimary)
		return &expr{kind: exRange, left: e, right: right, at: e.at.through(right.at)}
	case t.is("/"):
		p.next()
		right := p.symbol()
		return &expr{kind: exPrefix, left: e, right: right, at: e.at.through(right.at)}
	case t.is(","):
		if n := p.peekAt(1); n.is("random") || n.is("fully-random") || n.is("persistent") {
			return e
		}
		list := &expr{kind: exList, at: e.at, list: []*expr{e}}
		for p.accept(",") {
			item := p.binary(0, p.statementPrimary)
			list.list = append(list.list, item)
			list.at = list.at.through(item.at)
		}
		return list
	}
	return e
}

// statementPrimary reads a value that may also be a keyword.
func (p *parser) statementPrimary() *expr {
	if t := p.peek(); t.kind == tokWord && isValueKeyword(t.text) && !p.selectorFollows() {
		return p.symbol()
	}
	return p.primary()
}

// selectorFollows reports whether the next two tokens are a header and its field.
func (p *parser) selectorFollows() bool {
	n := p.peekAt(1)
	_, ok := selectorOf(&selector{key: p.peek().text + " " + n.text})
	return ok && n.kind == tokWord
}

// nat reads snat, dnat, masquerade and redirect.
func (p *parser) nat() stmt {
	t := p.next()
	s := &natStmt{at: t.at, kind: t.text}
	if t.text == "snat" || t.text == "dnat" {
		s.family = p.natFamily()
		switch n := p.peek(); {
		case n.is("prefix"), n.is("interval"):
			p.next()
			s.form = n.text
		case n.is("addr"):
			p.next()
			p.expect(".")
			p.expect("port")
			s.form = "addr . port"
		}
		p.accept("to")
		p.natTarget(s)
	} else if p.accept("to") {
		p.natTarget(s)
	}
	p.natFlags(s)
	s.at = s.at.through(p.last().at)
	return s
}

func (p *parser) natFamily() string {
	if t := p.peek(); t.is("ip") || t.is("ip6") {
		if n := p.peekAt(1); n.is("to") || n.is("prefix") || n.is("interval") || n.is("addr") {
			p.next()
			return t.text
		}
	}
	return ""
}

// natTarget reads [ADDRESS] [:PORT].
func (p *parser) natTarget(s *natStmt) {
	if p.accept(":") {
		s.port = p.statementValue()
		return
	}
	s.addr = p.statementValue()
	if p.accept(":") {
		s.port = p.statementValue()
	}
}

func (p *parser) natFlags(s *natStmt) {
	for {
		t := p.peek()
		if !t.is("random") && !t.is("fully-random") && !t.is("persistent") {
			return
		}
		p.next()
		s.flags = append(s.flags, t.text)
		if !p.accept(",") {
			return
		}
	}
}
