package nft

import "fmt"

// expression reads what may stand on the left of a condition: selectors, bit
// operations on them, concatenations.
func (p *parser) expression() *expr {
	e := p.binary(0, p.primary)
	if !p.peek().is(".") {
		return e
	}
	concat := &expr{kind: exConcat, at: e.at, list: []*expr{e}}
	for p.accept(".") {
		part := p.binary(0, p.primary)
		concat.list = append(concat.list, part)
		concat.at = concat.at.through(part.at)
		if len(concat.list) > maxTypes {
			p.fail(concat.at, "", "a concatenation of more than %d fields", maxTypes)
		}
	}
	return concat
}

// operator returns the operator a token is, in its punctuation: "and" is &.
func operator(t token) string {
	if t.kind != tokPunct && t.kind != tokWord {
		return ""
	}
	switch t.text {
	case "|", "or":
		return "|"
	case "^", "xor":
		return "^"
	case "&", "and":
		return "&"
	case "<<", "lshift":
		return "<<"
	case ">>", "rshift":
		return ">>"
	case "==", "eq":
		return "=="
	case "!=", "ne":
		return "!="
	case "<", "lt":
		return "<"
	case ">", "gt":
		return ">"
	case "<=", "le":
		return "<="
	case ">=", "ge":
		return ">="
	case "!", "not":
		return "!"
	}
	return ""
}

// binaryLevels are the binary operators from the loosest to the tightest.
var binaryLevels = [...][2]string{{"|"}, {"^"}, {"&"}, {"<<", ">>"}}

// binary reads operands with the binary operators of a level and tighter ones.
func (p *parser) binary(level int, operand func() *expr) *expr {
	if level == len(binaryLevels) {
		return operand()
	}
	left := p.binary(level+1, operand)
	for {
		op := operator(p.peek())
		if op == "" || op != binaryLevels[level][0] && op != binaryLevels[level][1] {
			return left
		}
		p.next()
		right := p.binary(level+1, p.rhsPrimary)
		left = &expr{kind: exBinary, text: op, left: left, right: right, at: left.at.through(right.at)}
	}
}

// primary reads a selector, a parenthesis or a plain symbol.
func (p *parser) primary() *expr {
	t := p.peek()
	switch {
	case t.is("("):
		return p.parenthesis(func() *expr { return p.binary(0, p.primary) })
	case t.is("{"):
		return p.set()
	case t.is("$"):
		return p.variable()
	case t.is("@"):
		return p.rawPayload()
	case t.kind == tokWord && startsSelector(t.text):
		return p.selector()
	case t.kind == tokWord && !isReserved(t.text), t.kind == tokQuoted, t.kind == tokWildcard, t.kind == tokNumber:
		return p.symbol()
	}
	p.unexpected("")
	return &expr{at: t.at}
}

func (p *parser) parenthesis(inside func() *expr) *expr {
	start := p.next().at
	if !p.enter() {
		return &expr{at: start}
	}
	defer p.leave()
	e := inside()
	p.expect(")")
	wide := *e
	wide.at = start.through(p.last().at)
	return &wide
}

// symbol reads a word, a string or a number.
func (p *parser) symbol() *expr {
	t := p.next()
	kind := exWord
	switch t.kind {
	case tokNumber:
		kind = exNumber
	case tokQuoted:
		kind = exQuoted
	case tokWildcard:
		kind = exWildcard
	}
	return &expr{kind: kind, text: t.text, at: t.at}
}

// rhs reads the right side of a condition: a value, a range, a list, a set.
func (p *parser) rhs() *expr {
	t := p.peek()
	if t.is("{") {
		return p.set()
	}
	if t.is("@") {
		return p.setReference()
	}
	e := p.concatRHS()
	if !p.peek().is(",") {
		return e
	}
	list := &expr{kind: exList, at: e.at, list: []*expr{e}}
	for p.peek().is(",") && p.err == nil {
		p.next()
		item := p.multiton()
		list.list = append(list.list, item)
		list.at = list.at.through(item.at)
	}
	return list
}

func (p *parser) setReference() *expr {
	start := p.next().at
	if p.peek().is("$") {
		return p.variable()
	}
	name, at := p.identifier()
	return &expr{kind: exSetRef, text: name, at: start.through(at)}
}

// concatRHS reads values with dots between them.
func (p *parser) concatRHS() *expr {
	e := p.multiton()
	if !p.peek().is(".") {
		return e
	}
	concat := &expr{kind: exConcat, at: e.at, list: []*expr{e}}
	for p.accept(".") {
		part := p.multiton()
		concat.list = append(concat.list, part)
		concat.at = concat.at.through(part.at)
		if len(concat.list) > maxTypes {
			p.fail(concat.at, "", "a concatenation of more than %d fields", maxTypes)
		}
	}
	return concat
}

// multiton reads a value, a range of values or a prefix.
func (p *parser) multiton() *expr {
	e := p.binary(0, p.rhsPrimary)
	switch {
	case p.peek().is("-"):
		p.next()
		right := p.binary(0, p.rhsPrimary)
		return &expr{kind: exRange, left: e, right: right, at: e.at.through(right.at)}
	case p.peek().is("/") && (p.peekAt(1).kind == tokNumber):
		p.next()
		right := p.symbol()
		return &expr{kind: exPrefix, left: e, right: right, at: e.at.through(right.at)}
	}
	return e
}

// rhsPrimary reads a value: a symbol, a number, a parenthesis, or a keyword that is
// also the name of a protocol or a flag.
func (p *parser) rhsPrimary() *expr {
	t := p.peek()
	switch {
	case t.is("("):
		return p.parenthesis(p.multiton)
	case t.is("$"):
		return p.variable()
	case t.kind == tokWord && (!isReserved(t.text) || isValueKeyword(t.text)),
		t.kind == tokQuoted, t.kind == tokWildcard, t.kind == tokNumber:
		return p.symbol()
	}
	p.unexpected("")
	return &expr{at: t.at}
}

// isValueKeyword reports whether a reserved word is also a value.
func isValueKeyword(word string) bool {
	switch word {
	case "tcp", "udp", "udplite", "esp", "ah", "icmp", "igmp", "icmpv6", "comp", "dccp", "sctp", "redirect", "ether",
		"ip", "ip6", "vlan", "arp", "dnat", "snat", "ecn", "reset", "exists", "missing":
		return true
	}
	return false
}

// set reads { a, b : c, ... }.
func (p *parser) set() *expr {
	set := &expr{kind: exSet, at: p.peek().at}
	if !p.expect("{") || !p.enter() {
		return set
	}
	defer p.leave()
	for {
		p.skipNewlines()
		if p.peek().is("}") && len(set.list) > 0 {
			break
		}
		set.list = append(set.list, p.element())
		if len(set.list) > maxElements {
			p.fail(set.at, "", "a set of more than %d elements", maxElements)
		}
		p.skipNewlines()
		if !p.accept(",") {
			break
		}
	}
	if !p.peek().is("}") {
		p.unexpected("comma or '}'")
	}
	set.at = set.at.through(p.next().at)
	return set
}

// element reads one element of a set or a map.
func (p *parser) element() *expr {
	t := p.peek()
	var key *expr
	switch {
	case t.is("{"):
		key = p.set()
	case t.is("*"):
		p.next()
		key = &expr{kind: exCatchall, at: t.at}
	default:
		key = p.concatRHS()
	}
	p.elementOptions()
	if !p.accept(":") {
		return &expr{kind: exElement, left: key, at: key.at}
	}
	e := &expr{kind: exElement, left: key, right: p.elementData()}
	e.at = key.at.through(e.right.at)
	p.elementOptions()
	return e
}

func (p *parser) elementData() *expr {
	if t := p.peek(); t.kind == tokWord && isVerdict(t.text) {
		v := p.verdict(false)
		return &expr{kind: exVerdict, verdict: v, at: v.at}
	}
	return p.concatRHS()
}

// elementOptions reads timeouts, counters and comments of an element, which make no
// difference to what it holds.
func (p *parser) elementOptions() {
	for {
		switch t := p.peek(); {
		case t.is("timeout"), t.is("expires"):
			p.next()
			if p.peek().kind == tokWord || p.peek().kind == tokNumber {
				p.next()
			} else {
				p.unexpected("string")
			}
		case t.is("comment"):
			p.next()
			p.stringToken()
		case t.is("counter"), t.is("limit"), t.is("quota"), t.is("ct"):
			p.statement()
		default:
			return
		}
	}
}

// setOrVariable reads a set or a variable that stands for one.
func (p *parser) setOrVariable() *expr {
	if p.peek().is("$") {
		e := p.variable()
		if e.kind != exSet { // elements = $ONE is a set of one
			e = &expr{kind: exSet, at: e.at, list: []*expr{{kind: exElement, left: e, at: e.at}}}
		}
		return e
	}
	return p.set()
}

// setBlock reads what a set or map is.
func (p *parser) setBlock(isMap bool) *setDecl {
	s := &setDecl{isMap: isMap}
	p.expect("{")
	for p.skipSeparators(); !p.peek().is("}") && p.peek().kind != tokEOF; p.skipSeparators() {
		if p.common() {
			continue
		}
		p.setItem(s)
	}
	p.expect("}")
	return s
}

func (p *parser) setItem(s *setDecl) {
	t := p.next()
	switch {
	case t.is("type"), t.is("typeof"):
		s.keyTypes = p.typeList(t.text == "typeof")
		if s.isMap && p.expect(":") {
			p.mapData(s, t.text == "typeof")
		}
		p.separator("")
	case t.is("flags"):
		for {
			flag := p.next()
			switch flag.text {
			case "constant", "interval", "timeout", "dynamic":
				s.flags = append(s.flags, flag.text)
			default:
				p.unexpectedToken(flag, "", nearestWord(flag.text, "constant", "interval", "timeout", "dynamic"))
			}
			if !p.accept(",") {
				break
			}
		}
		p.separator("")
	case t.is("elements"):
		p.expect("=")
		s.elements = p.setOrVariable()
	case t.is("auto-merge"):
		s.extra = append(s.extra, t.text)
	case t.is("timeout"), t.is("gc-interval"), t.is("size"):
		p.next()
		p.separator("")
	case t.is("policy"):
		p.next()
		p.separator("")
	case t.is("comment"):
		p.stringToken()
		p.separator("")
	case t.is("counter"), t.is("limit"), t.is("quota"), t.is("ct"):
		p.pos--
		p.statement()
		p.separator("")
	default:
		p.unexpectedToken(t, "", nearestWord(t.text, "type", "typeof", "flags", "elements", "timeout", "size", "policy", "auto-merge", "comment"))
	}
}

// typeList reads types, or with of expressions, with dots between them.
func (p *parser) typeList(of bool) []typeRef {
	var types []typeRef
	for {
		if of {
			e := p.primary()
			types = append(types, typeRef{of: e, at: e.at})
		} else {
			t := p.peek()
			if t.kind != tokWord || isReserved(t.text) && !isTypeKeyword(t.text) {
				p.unexpected("string")
				return types
			}
			p.next()
			types = append(types, typeRef{name: t.text, at: t.at})
		}
		if !p.accept(".") {
			return types
		}
		if len(types) >= maxTypes {
			p.fail(p.peek().at, "", "a concatenation of more than %d fields", maxTypes)
		}
	}
}

func isTypeKeyword(word string) bool {
	return word == "mark" || word == "ecn" || word == "time" || word == "day" || word == "hour"
}

// mapData reads the type of a map's values.
func (p *parser) mapData(s *setDecl, of bool) {
	p.accept("interval")
	switch t := p.peek(); {
	case t.is("verdict"):
		p.next()
		s.verdicts = true
	case t.is("counter"), t.is("quota"), t.is("limit"), t.is("secmark"), t.is("synproxy"):
		p.next()
		s.object = t.text
	default:
		s.dataType = p.typeList(of)
	}
}

// rawPayload reads @ll|nh|th,OFFSET,LENGTH.
func (p *parser) rawPayload() *expr {
	start := p.next().at
	base := p.next()
	if !base.is("ll") && !base.is("nh") && !base.is("th") && !base.is("ih") {
		p.unexpectedToken(base, "ll, nh or th", "")
	}
	p.expect(",")
	offset, _ := p.number()
	p.expect(",")
	bits, at := p.number()
	key := "@" + base.text
	switch {
	case base.text == "th" && offset == 0 && bits == 16:
		key = "th sport"
	case base.text == "th" && offset == 16 && bits == 16:
		key = "th dport"
	default:
		key = fmt.Sprintf("%s,%d,%d", key, offset, bits)
	}
	return &expr{kind: exSelector, sel: &selector{key: key}, at: start.through(at)}
}
