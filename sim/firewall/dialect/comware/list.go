package comware

import (
	"slices"
	"strconv"
	"strings"

	"ftplab/sim/firewall/dialect/internal/text"
)

// maxRuleID is the highest number of a rule.
const maxRuleID = 65534

// kind is what a list's rules look at.
type kind int

const (
	advanced  kind = iota // 3000 to 3999: protocol, addresses, ports, flags
	basic                 // 2000 to 2999: source addresses
	otherList             // link layer and user-defined lists, not modelled
)

// listKey identifies a list by number; IPv4 and IPv6 have their own numbers.
type listKey struct {
	ipv6   bool
	number int
}

// listName identifies a list by name, in lower case.
type listName struct {
	ipv6 bool
	name string
}

// list is an ACL.
type list struct {
	line   int // 0 for the bare list
	ipv6   bool
	kind   kind
	number int // 0 if it has only a name
	name   string
	auto   bool // match-order auto
	step   int
	start  int
	rules  []*rule // by number
	texts  map[string]int
}

// label is how the list was named.
func (l *list) label() string {
	if l.name != "" || l.number == 0 {
		return l.name
	}
	return strconv.Itoa(l.number)
}

func newList(line int, ipv6 bool, k kind) *list {
	return &list{line: line, ipv6: ipv6, kind: k, step: 5, texts: map[string]int{}}
}

// kindOf returns the kind of a list by its number (H3C: ACL categories).
func kindOf(number int) (kind, bool) {
	switch {
	case number >= 2000 && number <= 2999:
		return basic, true
	case number >= 3000 && number <= 3999:
		return advanced, true
	case number >= 4000 && number <= 5999:
		return otherList, true
	}
	return otherList, false
}

// aclStatement reads
//
//	acl [ipv6|mac] [number] N [name NAME] | acl ... basic|advanced N|name NAME | acl name NAME
//	... [match-order config|auto]
func (p *parser) aclStatement(c *text.Cursor) *text.Problem {
	c.Next()
	ipv6 := c.Accept("ipv6")
	var want string
	switch w := c.Peek(); {
	case w.Is("basic"), w.Is("advanced"), w.Is("mac"), w.Is("user-defined"):
		want = c.Next().Lower()
	case w.Is("number"):
		c.Next()
	case w.Is("copy"), w.Is("logging"), w.Is("trap"):
		p.warn(text.NotModelled(c.Words))
		return nil
	}
	p.view, p.list = aclView, &list{kind: otherList} // until the list is known: its rules are not looked at
	number, name, err := listReference(c)
	if err != nil {
		return err
	}
	auto := false
	if c.Accept("match-order") {
		order, err := text.Keyword("a match order", c.Next(), true, "config", "auto")
		if err != nil {
			return err
		}
		auto = order == "auto"
	}
	if err := end(c); err != nil {
		return err
	}
	l, err := p.enter(ipv6, want, number, name)
	if err != nil {
		return err
	}
	if len(l.rules) == 0 {
		l.auto = auto
	}
	p.known = true
	p.view, p.list = aclView, l
	return nil
}

// reference is a list's number or name at its word.
type reference struct {
	word   text.Word
	number int // 0 if the list is named
}

// listReference reads a list's number with an optional name, or "name NAME".
func listReference(c *text.Cursor) (number, name reference, err *text.Problem) {
	if !c.Peek().Is("name") {
		w := c.Next()
		n, err := text.Number("ACL number", w, 2000, 5999)
		if err != nil {
			if w.Text == "" || !text.IsNumber(w) {
				err = text.Expected("an ACL number", w).WithHint("write acl number 3000, acl advanced 3000 or acl advanced name WORD")
			}
			return number, name, err
		}
		number = reference{word: w, number: int(n)}
	}
	if c.Accept("name") {
		name.word = c.Next()
		if name.word.Text == "" {
			return number, name, text.At(name.word, "the name of the ACL is missing")
		}
	}
	return number, name, nil
}

// enter returns the list with this number or name, a new one if there is none.
func (p *parser) enter(ipv6 bool, want string, number, name reference) (*list, *text.Problem) {
	k := advanced
	switch {
	case number.number != 0:
		k, _ = kindOf(number.number)
		if want == "basic" && k != basic || want == "advanced" && k != advanced {
			return nil, text.At(number.word, "ACL %d is not %s", number.number, want).
				WithHint("basic ACLs are 2000 to 2999, advanced ones 3000 to 3999")
		}
		if l := p.byNumber[listKey{ipv6, number.number}]; l != nil {
			return l, nil
		}
	case want == "basic":
		k = basic
	case want == "mac" || want == "user-defined":
		k = otherList
	}
	key := listName{ipv6, name.word.Lower()}
	if name.word.Text != "" {
		if l := p.byName[key]; l != nil {
			if number.number != 0 && l.number != number.number {
				return nil, text.At(name.word, "the name %s belongs to another ACL", name.word.Text).WithHint("it was given in line %d", l.line)
			}
			return l, nil
		}
		if number.number == 0 && want == "" {
			return nil, text.At(name.word, "there is no ACL with the name %s", name.word.Text).
				WithHint("write acl advanced name %s to make one", name.word.Text)
		}
	}
	l := newList(p.line, ipv6, k)
	l.number, l.name = number.number, name.word.Text
	if l.number != 0 {
		p.byNumber[listKey{ipv6, l.number}] = l
	}
	if l.name != "" {
		p.byName[key] = l
	}
	if k == otherList {
		p.warn(text.At(firstOf(number.word, name.word), "link layer and user-defined ACLs are not modelled: it is left out"))
		return l, nil
	}
	p.lists = append(p.lists, l)
	return l, nil
}

func firstOf(words ...text.Word) text.Word {
	for _, w := range words {
		if w.Text != "" {
			return w
		}
	}
	return text.Word{Column: 1}
}

// displayed reads what "display acl" prints besides the rules themselves:
//
//	Advanced IPv4 ACL 3000, named -none-, 3 rules,    (V5)
//	Basic ACL 2000, 7 rules                           (VRP)
//	ACL's step is 5
func (p *parser) displayed(c *text.Cursor, raw string) (bool, *text.Problem) {
	lower := strings.ToLower(raw)
	switch {
	case strings.HasPrefix(lower, "acl's step is "):
		c.Seek(3)
		if p.view != aclView {
			return true, nil
		}
		w := c.Next()
		n, err := text.Number("step", text.Word{Text: strings.TrimRight(w.Text, ",."), Column: w.Column}, 1, 20)
		if err == nil && len(p.list.rules) == 0 {
			p.list.step = int(n)
		}
		return true, err
	case strings.HasPrefix(lower, "total quantity of nonempty acl"), strings.HasPrefix(lower, "total nonempty acl"):
		return true, nil
	case !strings.HasPrefix(lower, "basic ") && !strings.HasPrefix(lower, "advanced "):
		return false, nil
	}
	want := c.Next().Lower()
	ipv6 := c.Accept("ipv6")
	if !ipv6 {
		c.Accept("ipv4")
	}
	if !c.Accept("acl") {
		c.Seek(0)
		return false, nil
	}
	var number, name reference
	for !c.Done() {
		w := c.Next()
		w.Text = strings.TrimRight(w.Text, ",")
		switch {
		case text.IsNumber(w) && number.number == 0:
			n, err := text.Number("ACL number", w, 2000, 3999)
			if err != nil {
				return true, err
			}
			number = reference{word: w, number: int(n)}
		case number.number == 0 || c.PeekAt(-2).Is("name"):
			name.word = w
		}
	}
	if number.number == 0 && name.word.Text == "" {
		return true, text.At(c.Peek(), "the number of the ACL is missing")
	}
	l, err := p.enter(ipv6, want, number, name)
	if err != nil {
		return true, err
	}
	l.auto = strings.Contains(lower, "match-order is auto")
	p.known = true
	p.view, p.list = aclView, l
	return true, nil
}

// ruleStatement reads "rule [ID] permit|deny ..." and "rule [ID] comment|remark TEXT".
func (p *parser) ruleStatement(c *text.Cursor, raw string) *text.Problem {
	l, err := p.ruleList(c.Next())
	if l == nil || err != nil {
		return err
	}
	p.known = true
	r := &rule{id: -1, line: p.line, column: c.Last().Column}
	c.Words = dropHits(c.Words)
	if w := c.Peek(); text.IsNumber(w) {
		n, err := text.Number("rule ID", c.Next(), 0, maxRuleID)
		if err != nil {
			return err
		}
		r.id = int(n)
	}
	verb, err := text.Keyword("what a rule does", c.Peek(), true, "permit", "deny", "comment", "remark", "description")
	if err != nil {
		return err
	}
	r.text = raw[c.Next().Column-r.column:]
	if verb == "permit" || verb == "deny" {
		r.permit = verb == "permit"
		if err := p.parseRule(c, l, r); err != nil {
			return err
		}
		return p.addRule(l, r, c)
	}
	return p.commentRule(l, r.id, c)
}

// ruleList returns the list that a rule line belongs to, nil for a list that is not
// modelled.
func (p *parser) ruleList(w text.Word) (*list, *text.Problem) {
	if p.view == aclView {
		if p.list.kind == otherList {
			return nil, nil
		}
		return p.list, nil
	}
	if p.bare != nil {
		return p.bare, nil
	}
	if len(p.lists) > 0 {
		return nil, text.At(w, "a rule stands outside an ACL").WithHint("begin with acl number 3000")
	}
	p.bare = newList(0, false, advanced)
	p.lists = append(p.lists, p.bare)
	return p.bare, nil
}

// dropHits removes the counter that display acl prints after a rule: "(94 matches)",
// "(5 times matched)".
func dropHits(words []text.Word) []text.Word {
	for i, w := range words {
		if strings.HasPrefix(w.Text, "(") && i+1 < len(words) && strings.HasSuffix(words[len(words)-1].Text, ")") {
			return words[:i]
		}
	}
	return words
}

func (p *parser) commentRule(l *list, id int, c *text.Cursor) *text.Problem {
	words := c.Words[c.Pos():]
	if len(words) == 0 {
		return text.At(c.Peek(), "the text of the comment is missing")
	}
	if id < 0 {
		return nil // a remark before the next rule: nothing to attach it to
	}
	r, ok := l.find(id)
	if !ok {
		return text.At(c.PeekAt(-2), "there is no rule %d to comment", id).WithHint("the rule comes first, its comment after it")
	}
	r.comment = strings.Trim(text.Join(words), `"`)
	return nil
}

// find returns the rule with this number.
func (l *list) find(id int) (*rule, bool) {
	i, ok := l.search(id)
	if !ok {
		return nil, false
	}
	return l.rules[i], true
}

func (l *list) search(id int) (int, bool) {
	return slices.BinarySearchFunc(l.rules, id, func(r *rule, id int) int { return r.id - id })
}

// addRule gives a rule its number and puts it in its place, or merges it with the
// rule that has its number.
func (p *parser) addRule(l *list, r *rule, c *text.Cursor) *text.Problem {
	at := c.Words[0]
	if r.id < 0 {
		r.id = l.nextID()
		if r.id > maxRuleID {
			return text.At(at, "the ACL is full: the next rule would be number %d", r.id).WithHint("numbers go up to %d", maxRuleID)
		}
	}
	p.sequence++
	r.sequence = p.sequence
	i, exists := l.search(r.id)
	if exists && l.auto {
		return text.At(c.Words[1], "rule %d exists and cannot be edited in match order auto", r.id).WithHint("remove it first: undo rule %d", r.id)
	}
	if exists {
		return l.mergeRule(l.rules[i], r, c)
	}
	canonical := r.canonical()
	if other, dup := l.texts[canonical]; dup {
		return text.At(at, "rule %d says the same", other).WithHint("the device refuses a second rule with the same content: leave it out")
	}
	l.texts[canonical] = r.id
	l.rules = slices.Insert(l.rules, i, r)
	return nil
}

func (l *list) mergeRule(old, later *rule, c *text.Cursor) *text.Problem {
	if later.options[slotProtocol].set && later.protocol != old.protocol {
		for s := slotSourcePort; s <= slotICMPType; s++ {
			if old.options[s].set && !later.options[s].set {
				return text.At(c.Words[1], "rule %d cannot change its protocol: it has %s", old.id, old.options[s].text).
					WithHint("remove it first: undo rule %d", old.id)
			}
		}
	}
	delete(l.texts, old.canonical())
	old.merge(later)
	canonical := old.canonical()
	if other, dup := l.texts[canonical]; dup {
		return text.At(c.Words[0], "rule %d says the same", other).WithHint("the device refuses a second rule with the same content: leave it out")
	}
	l.texts[canonical] = old.id
	return nil
}

// nextID is the number of a rule that comes without one: the smallest multiple of
// the step above every number in use, from the start.
func (l *list) nextID() int {
	if len(l.rules) == 0 {
		return l.start
	}
	highest := l.rules[len(l.rules)-1].id
	if highest < l.start {
		return l.start
	}
	return l.start + ((highest-l.start)/l.step+1)*l.step
}

// stepStatement reads "step N [start N]", which renumbers the rules.
func (p *parser) stepStatement(c *text.Cursor) *text.Problem {
	w := c.Next()
	if p.view != aclView {
		return text.At(w, "step stands outside an ACL").WithHint("begin with acl number 3000")
	}
	step, err := text.Number("step", c.Next(), 1, 20)
	if err != nil {
		return err
	}
	start := uint64(p.list.start)
	if c.Accept("start") {
		if start, err = text.Number("start", c.Next(), 0, 20); err != nil {
			return err
		}
	}
	p.list.renumber(int(step), int(start))
	return end(c)
}

func (l *list) renumber(step, start int) {
	if step == l.step && start == l.start {
		return
	}
	l.step, l.start = step, start
	for i, r := range l.rules {
		r.id = start + i*step
		l.texts[r.canonical()] = r.id
	}
}
