package nft

import (
	"errors"
	"fmt"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/text"
)

// builder runs the commands of a text and makes a ruleset of what they leave behind.
type builder struct {
	file     string
	text     string
	lines    lineIndex
	messages []message
	tables   []*table
	// elements counts the elements of all sets, which are bounded together.
	elements int
	rs       *firewall.Ruleset
}

// table is a table with what it holds, in the order in which it was declared.
type table struct {
	family, name string
	chains       []*chain
	sets         []*namedSet
	helpers      []*helper
	others       []string // kind and name of the other objects
}

// chain is a chain with its rules.
type chain struct {
	table  *table
	name   string // "" for one that stands in braces after jump
	line   int
	decl   chainDecl
	policy int // line
	rules  []*ruleDecl
	place  int // in Ruleset.Chains
}

// namedSet is a set or map with its elements, as they were declared.
type namedSet struct {
	table    *table
	name     string
	line     int
	at       place
	decl     *setDecl
	elements []*expr
	types    []valueType
	place    int // in Ruleset.Sets
}

// helper is a ct helper object.
type helper struct {
	name string
	line int
	decl *helperDecl
}

const noSuchFile = "Could not process rule: No such file or directory"

// build runs the commands and returns the ruleset.
func (b *builder) build(cmds []*command) *firewall.Ruleset {
	for _, c := range cmds {
		b.run(c)
	}
	b.rs = &firewall.Ruleset{Dialect: Name, Text: b.text, File: b.file}
	if !b.failed() {
		b.emit()
	}
	return b.rs
}

// run runs one command.
func (b *builder) run(c *command) {
	if c.handle {
		b.fail(c.at, "handles are not known before the ruleset is loaded: name the chain, set or rule itself", noSuchFile)
		return
	}
	switch c.kind {
	case cmdDelete, cmdFlush:
		b.remove(c)
		return
	case cmdRename:
		if ch := b.findChain(c); ch != nil {
			ch.name = c.to
		}
		return
	}
	if c.object == objTable {
		b.addTable(c)
		return
	}
	t := b.findTable(c.table)
	if t == nil {
		return
	}
	switch c.object {
	case objChain:
		b.addChain(t, c)
	case objRule:
		b.addRule(c)
	case objSet:
		b.addSet(t, c)
	case objElement:
		b.addElements(t, c)
	case objHelper:
		b.addHelper(t, c)
	case objOther:
		t.others = append(t.others, c.other+" "+c.name)
	}
}

func (b *builder) addTable(c *command) {
	for _, t := range b.tables {
		if t.family == c.table.family && t.name == c.table.name {
			if c.kind == cmdCreate {
				b.fail(c.table.at, "", "Could not process rule: File exists")
			}
			return
		}
	}
	b.tables = append(b.tables, &table{family: c.table.family, name: c.table.name})
	if f := c.table.family; f == "arp" || f == "bridge" || f == "netdev" {
		b.warn(c.at, "", "tables of the family %s are not modelled: no packet passes their chains", f)
	}
}

// findTable returns a table, nil with an error if there is none.
func (b *builder) findTable(id tableID) *table {
	var names []string
	for _, t := range b.tables {
		if t.family == id.family && t.name == id.name {
			return t
		}
		names = append(names, t.family+" "+t.name)
	}
	hint := fmt.Sprintf("add it first: add table %s %s", id.family, id.name)
	if near := text.Suggest(id.family+" "+id.name, names); near != "" {
		hint = "did you mean table " + near + "?"
	}
	b.fail(id.at, hint, noSuchFile)
	return nil
}

// lookupChain returns a table's chain, nil if there is none.
func (t *table) lookupChain(name string) *chain {
	for _, ch := range t.chains {
		if ch.name == name && name != "" {
			return ch
		}
	}
	return nil
}

func (t *table) chainNames() []string {
	var names []string
	for _, ch := range t.chains {
		names = append(names, ch.name)
	}
	return names
}

// findChain returns the chain that a command names, nil with an error if there is none.
func (b *builder) findChain(c *command) *chain {
	t := b.findTable(c.table)
	if t == nil {
		return nil
	}
	if ch := t.lookupChain(c.name); ch != nil {
		return ch
	}
	b.noChain(t, c.name, c.nameAt)
	return nil
}

func (b *builder) noChain(t *table, name string, at place) {
	hint := "there is no chain " + name + " in this table"
	if near := text.Suggest(name, t.chainNames()); near != "" {
		hint = "did you mean " + near + "?"
	}
	b.fail(at, hint, noSuchFile)
}

func (b *builder) addChain(t *table, c *command) {
	line, _ := b.lines.position(c.at.from)
	ch := t.lookupChain(c.name)
	switch {
	case ch == nil:
		ch = &chain{table: t, name: c.name, line: line}
		t.chains = append(t.chains, ch)
	case c.kind == cmdCreate:
		b.fail(c.nameAt, "", "Could not process rule: File exists")
		return
	}
	if c.chain == nil {
		return
	}
	if c.chain.base {
		if ch.decl.base && (ch.decl.hook != c.chain.hook || ch.decl.typ != c.chain.typ || ch.decl.priority != c.chain.priority) {
			b.fail(c.chain.hookAt, "the chain was declared with another type, hook or priority before", "Could not process rule: File exists")
		}
		policy, at := ch.decl.policy, ch.decl.policyAt
		ch.decl = *c.chain
		if c.chain.policy == "" {
			ch.decl.policy, ch.decl.policyAt = policy, at
		}
		b.checkHook(ch)
	}
	if c.chain.policy != "" {
		if !ch.decl.base {
			b.fail(c.chain.policyAt, "only a chain with a hook has a policy: add type filter hook ... priority ...;", "Could not process rule: Operation not supported")
			return
		}
		ch.decl.policy, ch.decl.policyAt = c.chain.policy, c.chain.policyAt
		ch.policy, _ = b.lines.position(c.chain.policyAt.from)
	}
}

// checkHook refuses the hooks that a type of chain cannot have.
func (b *builder) checkHook(ch *chain) {
	d := &ch.decl
	if f := ch.table.family; f != "ip" && f != "ip6" && f != "inet" {
		return
	}
	hint := ""
	switch {
	case d.typ == "route" && d.hook != "output":
		hint = "a chain of type route has the hook output"
	case d.typ == "nat" && (d.hook == "forward" || d.hook == "ingress" || d.hook == "egress"):
		hint = "a chain of type nat has the hook prerouting, input, output or postrouting"
	case d.typ == "nat" && d.priority <= -200:
		hint = "a chain of type nat has a priority above -200, the connection tracking's"
	case d.hook == "egress", d.hook == "ingress" && ch.table.family != "inet":
		hint = "the hook " + d.hook + " belongs to the family netdev"
	default:
		return
	}
	b.fail(d.hookAt, hint, "Could not process rule: Operation not supported")
}

func (b *builder) addRule(c *command) {
	ch := b.findChain(c)
	if ch == nil {
		return
	}
	at := len(ch.rules)
	switch {
	case c.index > 0 && c.index > len(ch.rules):
		b.fail(c.at, fmt.Sprintf("the chain has %d rules; the first has index 0", len(ch.rules)), noSuchFile)
		return
	case c.index > 0 && c.kind == cmdInsert:
		at = c.index - 1
	case c.index > 0:
		at = c.index
	case c.kind == cmdInsert:
		at = 0
	}
	ch.rules = append(ch.rules, nil)
	copy(ch.rules[at+1:], ch.rules[at:])
	ch.rules[at] = c.rule
}

func (b *builder) addHelper(t *table, c *command) {
	line, _ := b.lines.position(c.at.from)
	h := c.helper
	if h.kind == "" {
		b.fail(c.nameAt, `write type "ftp" protocol tcp;`, "Could not process rule: Invalid argument")
		return
	}
	for _, known := range t.helpers {
		if known.name == c.name {
			return
		}
	}
	if h.kind != "ftp" {
		b.warn(h.kindAt, "", "the connection tracking helper %q is not modelled: it expects no connections", h.kind)
	}
	t.helpers = append(t.helpers, &helper{name: c.name, line: line, decl: h})
}

// remove runs a delete or flush.
func (b *builder) remove(c *command) {
	if c.object == objRuleset {
		kept := b.tables[:0]
		for _, t := range b.tables {
			if c.table.family != "" && t.family != c.table.family {
				kept = append(kept, t)
			}
		}
		b.tables = kept
		return
	}
	t := b.findTable(c.table)
	if t == nil {
		return
	}
	var err error
	switch c.object {
	case objTable:
		if c.kind == cmdFlush {
			for _, ch := range t.chains {
				ch.rules = nil
			}
			return
		}
		b.tables = without(b.tables, t)
	case objChain:
		err = t.removeChain(c)
	case objSet:
		err = t.removeSet(c)
	case objElement:
		err = t.removeElements(c)
	case objHelper:
		err = t.removeHelper(c)
	case objOther:
		name := c.other + " " + c.name
		if !strings.Contains("\n"+strings.Join(t.others, "\n")+"\n", "\n"+name+"\n") {
			err = errors.New(noSuchFile)
		}
	default:
		err = errors.New(noSuchFile)
	}
	if err != nil {
		b.fail(c.nameAt, "", "%s", err)
	}
}

func (t *table) removeChain(c *command) error {
	ch := t.lookupChain(c.name)
	switch {
	case ch == nil:
		return errors.New(noSuchFile)
	case c.kind == cmdFlush:
		ch.rules = nil
	case len(ch.rules) > 0:
		return errors.New("Could not process rule: Device or resource busy")
	default:
		t.chains = without(t.chains, ch)
	}
	return nil
}

func (t *table) removeSet(c *command) error {
	s := t.lookupSet(c.name)
	switch {
	case s == nil:
		return errors.New(noSuchFile)
	case c.kind == cmdFlush:
		s.elements = nil
	default:
		t.sets = without(t.sets, s)
	}
	return nil
}

// removeElements takes elements that are written alike out of a set.
func (t *table) removeElements(c *command) error {
	s := t.lookupSet(c.name)
	if s == nil {
		return errors.New(noSuchFile)
	}
	for _, gone := range c.set.elements.list {
		before := len(s.elements)
		kept := make([]*expr, 0, before)
		for _, e := range s.elements {
			if canonical(e.left) != canonical(gone.left) {
				kept = append(kept, e)
			}
		}
		if len(kept) == before {
			return errors.New(noSuchFile)
		}
		s.elements = kept
	}
	return nil
}

func (t *table) removeHelper(c *command) error {
	for _, h := range t.helpers {
		if h.name == c.name {
			t.helpers = without(t.helpers, h)
			return nil
		}
	}
	return errors.New(noSuchFile)
}

func (t *table) lookupSet(name string) *namedSet {
	for _, s := range t.sets {
		if s.name == name {
			return s
		}
	}
	return nil
}

func without[T comparable](all []T, one T) []T {
	kept := make([]T, 0, len(all))
	for _, v := range all {
		if v != one {
			kept = append(kept, v)
		}
	}
	return kept
}

// canonical writes an expression without blanks, to compare two.
func canonical(e *expr) string {
	if e == nil {
		return ""
	}
	parts := make([]string, 0, len(e.list))
	for _, item := range e.list {
		parts = append(parts, canonical(item))
	}
	return e.text + canonical(e.left) + "-" + canonical(e.right) + strings.Join(parts, ",")
}
