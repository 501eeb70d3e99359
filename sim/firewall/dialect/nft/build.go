package nft

import (
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
	errors   int
	tables   []*table
	// byName finds a table by its family and name.
	byName map[string]*table
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
	others       map[string]bool // kind and name of the other objects
	// chainNamed, setNamed and helperNamed find what the lists above hold.
	chainNamed  map[string]*chain
	setNamed    map[string]*namedSet
	helperNamed map[string]*helper
}

// chain is a chain with its rules.
type chain struct {
	table  *table
	name   string // "" for one that stands in braces after jump
	line   int
	decl   chainDecl
	policy int // line
	// rules are the rules but those that were inserted at the front since they were
	// last put in order; inserted holds these, the first one last.
	rules, inserted []*ruleDecl
	place           int // in Ruleset.Chains
}

// ordered returns the chain's rules in their order.
func (ch *chain) ordered() []*ruleDecl {
	if len(ch.inserted) > 0 {
		all := make([]*ruleDecl, 0, len(ch.inserted)+len(ch.rules))
		for i := len(ch.inserted) - 1; i >= 0; i-- {
			all = append(all, ch.inserted[i])
		}
		ch.rules, ch.inserted = append(all, ch.rules...), nil
	}
	return ch.rules
}

func (ch *chain) flush() { ch.rules, ch.inserted = nil, nil }

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

// What nft says of errors of the kernel begins with kernelError.
const (
	kernelError = "Could not process rule: "
	noSuchFile  = kernelError + "No such file or directory"
	fileExists  = kernelError + "File exists"
	unsupported = kernelError + "Operation not supported"
	busy        = kernelError + "Device or resource busy"
)

// refusal is what the kernel says of a command, in the words of nft.
type refusal string

// Error returns the words.
func (r refusal) Error() string { return string(r) }

// build runs the commands and returns the ruleset.
func (b *builder) build(cmds []*command) *firewall.Ruleset {
	for _, c := range cmds {
		if b.full() {
			break
		}
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
		if ch := b.findChain(c); ch != nil && ch.table.lookupChain(c.to) != nil {
			b.fail(c.nameAt, "", fileExists)
		} else if ch != nil {
			delete(ch.table.chainNamed, ch.name)
			ch.name = c.to
			ch.table.chainNamed[ch.name] = ch
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
		t.others[c.other+" "+c.name] = true
	}
}

func (b *builder) addTable(c *command) {
	key := c.table.family + " " + c.table.name
	if b.byName[key] != nil {
		if c.kind == cmdCreate {
			b.fail(c.table.at, "", fileExists)
		}
		return
	}
	t := &table{family: c.table.family, name: c.table.name, others: map[string]bool{}, chainNamed: map[string]*chain{},
		setNamed: map[string]*namedSet{}, helperNamed: map[string]*helper{}}
	b.tables = append(b.tables, t)
	b.byName[key] = t
	if f := c.table.family; f == "arp" || f == "bridge" || f == "netdev" {
		b.warn(c.at, "", "tables of the family %s are not modelled: no packet passes their chains", f)
	}
}

// findTable returns a table, nil with an error if there is none.
func (b *builder) findTable(id tableID) *table {
	if t := b.byName[id.family+" "+id.name]; t != nil {
		return t
	}
	hint := fmt.Sprintf("add it first: add table %s %s", id.family, id.name)
	if near := b.nearest(id.family+" "+id.name, len(b.tables), func(i int) string { return b.tables[i].family + " " + b.tables[i].name }); near != "" {
		hint = "did you mean table " + near + "?"
	}
	b.fail(id.at, hint, noSuchFile)
	return nil
}

// nearest suggests one of n names for a misspelt one. It looks at the first ones only.
func (b *builder) nearest(name string, n int, nameAt func(int) string) string {
	const most = 200
	var names []string
	for i := 0; i < min(n, most); i++ {
		names = append(names, nameAt(i))
	}
	return text.Suggest(name, names)
}

// lookupChain returns a table's chain, nil if there is none.
func (t *table) lookupChain(name string) *chain { return t.chainNamed[name] }

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
	if near := b.nearest(name, len(t.chains), func(i int) string { return t.chains[i].name }); near != "" {
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
		t.chainNamed[c.name] = ch
	case c.kind == cmdCreate:
		b.fail(c.nameAt, "", fileExists)
		return
	}
	if c.chain == nil {
		return
	}
	if c.chain.base {
		if ch.decl.base && (ch.decl.hook != c.chain.hook || ch.decl.typ != c.chain.typ || ch.decl.priority != c.chain.priority) {
			b.fail(c.chain.hookAt, "the chain was declared with another type, hook or priority before", fileExists)
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
			b.fail(c.chain.policyAt, "only a chain with a hook has a policy: add type filter hook ... priority ...;", unsupported)
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
	b.fail(d.hookAt, hint, unsupported)
}

func (b *builder) addRule(c *command) {
	ch := b.findChain(c)
	if ch == nil {
		return
	}
	if c.index == 0 {
		if c.kind == cmdInsert {
			ch.inserted = append(ch.inserted, c.rule)
		} else {
			ch.rules = append(ch.rules, c.rule)
		}
		return
	}
	rules := ch.ordered()
	if c.index > len(rules) {
		b.fail(c.at, fmt.Sprintf("the chain has %d rules; the first has index 0", len(rules)), noSuchFile)
		return
	}
	at := c.index
	if c.kind == cmdInsert {
		at--
	}
	rules = append(rules, nil)
	copy(rules[at+1:], rules[at:])
	rules[at] = c.rule
	ch.rules = rules
}

func (b *builder) addHelper(t *table, c *command) {
	line, _ := b.lines.position(c.at.from)
	h := c.helper
	if h.kind == "" {
		b.fail(c.nameAt, `write type "ftp" protocol tcp;`, kernelError+"Invalid argument")
		return
	}
	if t.helperNamed[c.name] != nil {
		return
	}
	if h.kind != "ftp" {
		b.warn(h.kindAt, "", "the connection tracking helper %q is not modelled: it expects no connections", h.kind)
	}
	added := &helper{name: c.name, line: line, decl: h}
	t.helpers = append(t.helpers, added)
	t.helperNamed[c.name] = added
}

// remove runs a delete or flush.
func (b *builder) remove(c *command) {
	if c.object == objRuleset {
		var kept []*table
		for _, t := range b.tables {
			if c.table.family != "" && t.family != c.table.family {
				kept = append(kept, t)
			} else {
				delete(b.byName, t.family+" "+t.name)
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
				ch.flush()
			}
			return
		}
		b.tables = without(b.tables, t)
		delete(b.byName, t.family+" "+t.name)
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
		if !t.others[name] {
			err = refusal(noSuchFile)
		}
		delete(t.others, name)
	default:
		err = refusal(noSuchFile)
	}
	if err != nil {
		b.fail(c.nameAt, "", "%s", err)
	}
}

func (t *table) removeChain(c *command) error {
	ch := t.lookupChain(c.name)
	switch {
	case ch == nil:
		return refusal(noSuchFile)
	case c.kind == cmdFlush:
		ch.flush()
	case len(ch.ordered()) > 0:
		return refusal(busy)
	default:
		t.chains = without(t.chains, ch)
		delete(t.chainNamed, ch.name)
	}
	return nil
}

func (t *table) removeSet(c *command) error {
	s := t.lookupSet(c.name)
	switch {
	case s == nil:
		return refusal(noSuchFile)
	case c.kind == cmdFlush:
		s.elements = nil
	default:
		t.sets = without(t.sets, s)
		delete(t.setNamed, s.name)
	}
	return nil
}

// removeElements takes elements that are written alike out of a set.
func (t *table) removeElements(c *command) error {
	s := t.lookupSet(c.name)
	if s == nil {
		return refusal(noSuchFile)
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
			return refusal(noSuchFile)
		}
		s.elements = kept
	}
	return nil
}

func (t *table) removeHelper(c *command) error {
	h := t.helperNamed[c.name]
	if h == nil {
		return refusal(noSuchFile)
	}
	t.helpers = without(t.helpers, h)
	delete(t.helperNamed, c.name)
	return nil
}

func (t *table) lookupSet(name string) *namedSet { return t.setNamed[name] }

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
