package nft

// A text is first read into commands, then built into a ruleset, so that a syntax
// error anywhere comes before what is wrong with the meaning, as nft reports them.

// commandKind is what a command does.
type commandKind uint8

const (
	cmdAdd commandKind = iota
	cmdCreate
	cmdInsert
	cmdDelete
	cmdFlush
	cmdRename
)

// objectKind is what a command is about.
type objectKind uint8

const (
	objRuleset objectKind = iota
	objTable
	objChain
	objRule
	objSet // a set or a map
	objElement
	objHelper
	objOther // counters, quotas, flowtables and so on: named, not modelled
)

// command is one command of the text. What a table block declares are commands too.
type command struct {
	kind   commandKind
	object objectKind
	at     place
	table  tableID
	name   string // of the chain, set or object
	nameAt place
	other  string // the kind of an objOther: "counter", "flowtable"
	chain  *chainDecl
	rule   *ruleDecl
	set    *setDecl
	helper *helperDecl
	to     string // new name
	index  int    // place for the rule: 1 + position, 0 is none
	handle bool   // the rule or object is named by its handle
	all    bool   // flush or delete everything of a family
}

// tableID names a table.
type tableID struct {
	family, name string
	at           place
}

// chainDecl is what a chain's block says of it.
type chainDecl struct {
	base     bool
	typ      string
	hook     string
	device   string
	priority int
	hookAt   place
	policy   string // "", accept or drop
	policyAt place
}

// ruleDecl is a rule: its statements.
type ruleDecl struct {
	at      place
	stmts   []stmt
	comment string
	handle  string
}

// helperDecl is a ct helper object.
type helperDecl struct {
	kind     string
	kindAt   place
	protocol string
	family   string
}

// setDecl is a set or a map.
type setDecl struct {
	isMap    bool
	keyTypes []typeRef
	dataType []typeRef // of a map
	verdicts bool      // the map's values are verdicts
	object   string    // the map's values are objects of this kind
	flags    []string
	elements *expr
	extra    []string // what else was said, as written, for the printer
}

// typeRef is a set's type: a type's name, or the expression whose type it is.
type typeRef struct {
	name string
	of   *expr
	at   place
}

// exprKind is what an expression is.
type exprKind uint8

const (
	exWord     exprKind = iota // a name, an address: text
	exQuoted                   // "..."
	exWildcard                 // eth*
	exNumber                   // text
	exSelector                 // sel
	exSetRef                   // @text
	exSet                      // { list }
	exElement                  // left [ : right ] of a set
	exCatchall                 // * in a set
	exList                     // a, b
	exConcat                   // a . b
	exRange                    // left - right
	exPrefix                   // left / right
	exBinary                   // left text right, where text is & | ^ << >>
	exMap                      // left map right
	exVerdict                  // verdict
)

// expr is an expression of nft. Which members are used depends on the kind.
type expr struct {
	kind        exprKind
	at          place
	text        string
	sel         *selector
	left, right *expr
	list        []*expr
	verdict     *verdictStmt
	// size is how many expressions it consists of, for one that a define stands for.
	size int
}

// count returns how many expressions e consists of.
func (e *expr) count() int {
	switch {
	case e == nil:
		return 0
	case e.size > 0:
		return e.size
	}
	n := 1 + e.left.count() + e.right.count()
	for _, item := range e.list {
		n += item.count()
	}
	return n
}

// selector names what is looked at in a packet: tcp dport, ct state, meta mark.
type selector struct {
	// key is the selector in nft's own words, the key of the table of selectors.
	key string
	// direction is "original" or "reply" for the ct selectors that have one.
	direction string
}

// stmt is one statement of a rule.
type stmt interface{ where() place }

// Statements, by what they are.
type (
	// matchStmt is a condition.
	matchStmt struct {
		at    place
		left  *expr
		op    string // "" is implicit
		right *expr
		mask  *expr // of tcp flags VALUE / MASK
	}
	// verdictStmt is accept, drop, return, continue, jump, goto, queue.
	verdictStmt struct {
		at      place
		kind    string
		chain   string
		chainAt place
		block   []*ruleDecl // of jump { ... }
	}
	// vmapStmt looks up a verdict.
	vmapStmt struct {
		at   place
		key  *expr
		with *expr
	}
	// counterStmt counts.
	counterStmt struct {
		at     place
		name   string // of a counter object
		nameAt place
	}
	// logStmt logs.
	logStmt struct {
		at     place
		prefix string
	}
	// limitStmt is a rate limit; over inverts it.
	limitStmt struct {
		at     place
		over   bool
		name   string // of a limit object
		nameAt place
	}
	// rejectStmt rejects.
	rejectStmt struct {
		at   place
		typ  string // "", icmp, icmpv6, icmpx, tcp
		code string
		with place
	}
	// natStmt is snat, dnat, masquerade, redirect.
	natStmt struct {
		at     place
		kind   string
		family string // ip, ip6 or ""
		addr   *expr
		port   *expr
		flags  []string
		form   string // "prefix", "interval", "addr . port" or ""
	}
	// assignStmt sets a mark, a helper, a field.
	assignStmt struct {
		at    place
		left  *expr
		right *expr
	}
	// noTrackStmt is notrack.
	noTrackStmt struct{ at place }
	// otherStmt is a valid statement that is not modelled. neverHolds says that it
	// is a condition, and one that is taken not to hold.
	otherStmt struct {
		at         place
		what       string // why it makes no difference here
		conntrack  bool
		condition  bool
		neverHolds bool
		// object and name are the object that it needs, set the set that it changes.
		object, name string
		nameAt       place
		set          *expr
	}
)

func (s *matchStmt) where() place   { return s.at }
func (s *verdictStmt) where() place { return s.at }
func (s *vmapStmt) where() place    { return s.at }
func (s *counterStmt) where() place { return s.at }
func (s *logStmt) where() place     { return s.at }
func (s *limitStmt) where() place   { return s.at }
func (s *rejectStmt) where() place  { return s.at }
func (s *natStmt) where() place     { return s.at }
func (s *assignStmt) where() place  { return s.at }
func (s *noTrackStmt) where() place { return s.at }
func (s *otherStmt) where() place   { return s.at }
