package nft

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
