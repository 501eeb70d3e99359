package ios

import (
	"slices"
	"strconv"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/cisco"
	"ftplab/sim/firewall/dialect/internal/text"
)

// maxSequence is the highest sequence number of an entry.
const maxSequence = 1<<31 - 1

// listName identifies a list by its name or number; IPv4 and IPv6 lists have their own
// names.
type listName struct {
	ipv6 bool
	name string
}

// list is an access list.
type list struct {
	line     int
	name     string
	ipv6     bool
	standard bool // looks at source addresses alone
	entries  []*entry
	broken   bool // its first line has an error: its entries are not looked at
}

// entry is a line of a list. It is several rules if it names a group of services.
type entry struct {
	sequence     int
	line, column int
	text         string
	body         string // permit or deny and what follows, in lower case
	comment      string
	permit       bool
	variants     [][]firewall.Part
}

// numberedStatement reads "access-list NUMBER permit|deny|remark ...".
func (p *parser) numberedStatement(c *text.Cursor, raw string) *text.Problem {
	column := c.Next().Column
	w := c.Next()
	if !text.IsNumber(w) {
		return text.Expected("an access list number", w).
			WithHint("access-list takes a number here (1-199, 1300-2699); a named list begins with ip access-list extended %s", w.Text)
	}
	n, err := text.Number("access list number", w, 1, 2699)
	if err != nil {
		return err
	}
	standard, ok := numberKind(int(n))
	if !ok {
		return text.At(w, "%d is not the number of an IP access list", n).
			WithHint("standard lists are 1-99 and 1300-1999, extended ones 100-199 and 2000-2699")
	}
	p.view, p.known = globalView, true
	l, err := p.enter(listName{name: w.Text}, standard, w)
	if err != nil {
		return err
	}
	if c.Accept("remark") {
		p.remark = text.Join(c.Words[c.Pos():])
		return nil
	}
	return p.readEntry(c, l, 0, column, raw)
}

// numberKind says whether the list with this number is standard or extended, false if
// it is neither.
func numberKind(n int) (standard, ok bool) {
	switch {
	case n >= 1 && n <= 99, n >= 1300 && n <= 1999:
		return true, true
	case n >= 100 && n <= 199, n >= 2000 && n <= 2699:
		return false, true
	}
	return false, false
}

// checkNumber returns the problem that a name is a number of another kind of list.
func checkNumber(w text.Word, standard bool) *text.Problem {
	n, err := strconv.Atoi(w.Text)
	if err != nil {
		return nil
	}
	if kind, ok := numberKind(n); ok && kind == standard {
		return nil
	}
	return text.At(w, "%d is not the number of such a list", n).
		WithHint("standard lists are 1-99 and 1300-1999, extended ones 100-199 and 2000-2699")
}

// enter returns the list with this name, a new one if there is none.
func (p *parser) enter(name listName, standard bool, w text.Word) (*list, *text.Problem) {
	if l := p.byName[name]; l != nil {
		if l.standard != standard {
			return nil, text.At(w, "the access list %s is of the other kind", name.name).WithHint("line %d begins it", l.line)
		}
		return l, nil
	}
	l := &list{line: p.line, name: name.name, ipv6: name.ipv6, standard: standard}
	p.byName[name] = l
	p.lists = append(p.lists, l)
	return l, nil
}

// ipStatement reads the global statements that begin with ip or ipv6.
func (p *parser) ipStatement(c *text.Cursor, raw string) *text.Problem {
	ipv6 := c.Next().Is("ipv6")
	switch w := c.Next(); {
	case w.Is("access-list"):
		if ipv6 && c.Peek().Text != "" {
			return p.enterNamed(c, listName{ipv6: true}, false)
		}
		return p.namedStatement(c)
	case w.Is("inspect") && !ipv6 && c.Peek().Is("name"):
		return p.inspectStatement(c)
	case w.Is("port-map") && !ipv6:
		return p.portMapStatement(c)
	case w.Is("access-group"), w.Is("traffic-filter"):
		return text.At(w, "%s stands outside an interface", w.Lower()).WithHint("begin with interface GigabitEthernet0/1")
	case w.Is("inspect"): // limits and timers
	case w.Is("access") || text.Suggest(w.Text, []string{"access-list", "access-group", "inspect"}) != "":
		return text.Expected("an ip statement", w, "access-list", "access-group", "inspect")
	}
	p.warn(text.NotModelled(c.Words))
	return nil
}

// namedStatement reads "ip access-list standard|extended NAME" and "ip access-list
// resequence NAME START STEP".
func (p *parser) namedStatement(c *text.Cursor) *text.Problem {
	p.view, p.list = listView, &list{broken: true} // until the name is known
	what, err := text.Keyword("a kind of access list", c.Next(), true, "standard", "extended", "resequence", "log-update", "logging", "persistent", "helper", "role-based", "fqdn")
	if err != nil {
		if w := c.Last(); w.Text != "" && err.Hint != "" && !strings.HasPrefix(err.Hint, "did you mean") {
			err.Hint = "write ip access-list extended " + w.Text
		}
		return err
	}
	switch what {
	case "standard", "extended":
		return p.enterNamed(c, listName{}, what == "standard")
	case "resequence":
		return p.resequence(c)
	}
	p.view = globalView
	p.warn(text.NotModelled(c.Words))
	return nil
}

func (p *parser) enterNamed(c *text.Cursor, name listName, standard bool) *text.Problem {
	w := c.Next()
	name.name = w.Text
	p.view, p.list = listView, &list{broken: true} // until the name is known
	if w.Text == "" {
		return text.At(w, "the name of the access list is missing")
	}
	if name.ipv6 && !c.Done() {
		return end(c)
	}
	if err := checkNumber(w, standard); err != nil && !name.ipv6 {
		return err
	}
	l, err := p.enter(name, standard, w)
	if err != nil {
		return err
	}
	p.known, p.remark = true, ""
	p.view, p.list = listView, l
	return end(c)
}

func (p *parser) resequence(c *text.Cursor) *text.Problem {
	p.view = globalView
	w := c.Next()
	l := p.byName[listName{name: w.Text}]
	if l == nil {
		return text.At(w, "there is no access list %q", w.Text)
	}
	start, step := uint64(10), uint64(10)
	if !c.Done() {
		var err *text.Problem
		if start, err = text.Number("start", c.Next(), 1, maxSequence); err != nil {
			return err
		}
		if step, err = text.Number("step", c.Next(), 1, 1<<20); err != nil {
			return err
		}
	}
	for i, e := range l.entries {
		e.sequence = int(start) + i*int(step)
	}
	return end(c)
}

// shownList reads the header that show access-lists prints: "Extended IP access list
// NAME", "Standard IP access list NAME (Compiled)".
func (p *parser) shownList(c *text.Cursor) *text.Problem {
	standard := c.Next().Is("standard")
	if !c.Accept("ip", "access", "list") {
		c.Seek(0)
		return p.other(c)
	}
	w := c.Next()
	if w.Text == "" {
		return text.At(w, "the name of the access list is missing")
	}
	if err := checkNumber(w, standard); err != nil {
		return err
	}
	l, err := p.enter(listName{name: w.Text}, standard, w)
	if err != nil {
		return err
	}
	p.known, p.remark = true, ""
	p.view, p.list = listView, l
	return nil
}

// entryStatement reads a line within a list: "[SEQ] permit|deny ...", "remark ...",
// "no SEQ", "no permit ...".
func (p *parser) entryStatement(c *text.Cursor, raw string) (bool, *text.Problem) {
	start := c.Pos()
	column := c.Peek().Column
	negated := c.Accept("no")
	sequence := 0
	if p.list.ipv6 && c.Peek().Is("sequence") {
		c.Next()
	}
	if w := c.Peek(); text.IsNumber(w) {
		n, err := text.Number("sequence number", c.Next(), 1, maxSequence)
		if err != nil {
			return true, err
		}
		sequence = int(n)
	}
	if negated && sequence > 0 && c.Done() && !p.list.broken {
		return true, p.removeEntry(sequence, c.Last())
	}
	verb := c.Peek()
	switch {
	case verb.Is("remark"):
		c.Next()
		p.remark = text.Join(c.Words[c.Pos():])
		return true, nil
	case verb.Is("evaluate"), verb.Is("dynamic"), verb.Is("statistics"):
		p.warn(text.NotModelled(c.Words))
		return true, nil
	case verb.Is("permit"), verb.Is("deny"):
	case sequence > 0:
		return true, text.Expected("permit or deny", verb, "permit", "deny", "remark")
	case p.list.broken:
		c.Seek(start)
		return false, nil
	default:
		if near := text.Suggest(verb.Text, []string{"permit", "deny", "remark"}); near != "" {
			return true, text.At(verb, "%q is not permit or deny", verb.Text).WithHint("did you mean %s?", near)
		}
		c.Seek(start)
		return false, nil
	}
	switch {
	case p.list.broken:
		return true, nil
	case negated:
		return true, p.removeText(c)
	}
	return true, p.readEntry(c, p.list, sequence, column, raw)
}

func (p *parser) removeEntry(sequence int, w text.Word) *text.Problem {
	i, ok := p.list.search(sequence)
	if !ok {
		return text.At(w, "there is no entry %d", sequence)
	}
	p.list.entries = slices.Delete(p.list.entries, i, i+1)
	return nil
}

// removeText removes the entry that is written like this.
func (p *parser) removeText(c *text.Cursor) *text.Problem {
	want := strings.ToLower(text.Join(c.Words[c.Pos():]))
	for i, e := range p.list.entries {
		if e.body == want {
			p.list.entries = slices.Delete(p.list.entries, i, i+1)
			return nil
		}
	}
	return text.At(c.Peek(), "there is no such entry to remove")
}

// readEntry reads what follows the list's name or the sequence number, and puts the
// entry in its place. Sequence 0 is the end, ten above the last.
func (p *parser) readEntry(c *text.Cursor, l *list, sequence, column int, raw string) *text.Problem {
	c.Words = cisco.WithoutHits(c.Words)
	body := strings.ToLower(text.Join(c.Words[min(c.Pos(), len(c.Words)):]))
	verb, err := text.Keyword("permit or deny", c.Next(), true, "permit", "deny")
	if err != nil {
		return err
	}
	e := &entry{sequence: sequence, line: p.line, column: column, text: raw, body: body, comment: p.remark, permit: verb == "permit"}
	p.remark = ""
	if l.standard && !isExtendedBody(c) {
		err = p.standardBody(c, e)
	} else if l.standard {
		err = text.At(c.Peek(), "a standard access list looks at source addresses only").WithHint("use an extended list (100-199)")
	} else {
		err = p.extendedBody(c, l, e)
	}
	if err != nil {
		return err
	}
	return l.insert(e, c)
}

// insert puts an entry in its place.
func (l *list) insert(e *entry, c *text.Cursor) *text.Problem {
	if e.sequence == 0 {
		e.sequence = 10
		if n := len(l.entries); n > 0 {
			e.sequence = l.entries[n-1].sequence + 10
		}
		l.entries = append(l.entries, e)
		return nil
	}
	i, exists := l.search(e.sequence)
	if exists {
		return text.At(c.Words[0], "there is an entry %d already, in line %d", e.sequence, l.entries[i].line).
			WithHint("remove it first (no %d), or take another number", e.sequence)
	}
	l.entries = slices.Insert(l.entries, i, e)
	return nil
}

func (l *list) search(sequence int) (int, bool) {
	return slices.BinarySearchFunc(l.entries, sequence, func(e *entry, n int) int { return e.sequence - n })
}

// noStatement takes back what this text said before; undoing anything that is not
// modelled is a warning.
func (p *parser) noStatement(c *text.Cursor) *text.Problem {
	c.Next()
	name := listName{}
	switch {
	case c.Accept("access-list"):
		name.name = c.Peek().Text
	case c.Accept("ip", "access-list", "extended"), c.Accept("ip", "access-list", "standard"):
		name.name = c.Peek().Text
	case c.Accept("ipv6", "access-list"):
		name = listName{true, c.Peek().Text}
	case c.Peek().Is("ip") && c.PeekAt(1).Is("access-group") && p.view == interfaceView:
		return p.removeFilter(c)
	default:
		p.warn(text.NotModelled(c.Words))
		return nil
	}
	l := p.byName[name]
	p.view = globalView
	if l == nil {
		return nil // the device says nothing either
	}
	delete(p.byName, name)
	p.lists = slices.DeleteFunc(p.lists, func(other *list) bool { return other == l })
	return nil
}

func (p *parser) removeFilter(c *text.Cursor) *text.Problem {
	c.Seek(c.Pos() + 2)
	w := c.Next()
	hook, err := direction(c)
	if err != nil {
		return err
	}
	p.port.filters = slices.DeleteFunc(p.port.filters, func(f filter) bool { return f.name.name == w.Text && f.hook == hook })
	return nil
}
