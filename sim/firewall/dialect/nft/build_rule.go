package nft

import (
	"fmt"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/text"
	"ftplab/sim/wire"
)

// ruleBuilder makes one rule.
type ruleBuilder struct {
	*builder
	chain *chain
	decl  *ruleDecl
	rule  firewall.Rule
	// family and protocol are what earlier conditions of the rule, or the table,
	// require; 0 is nothing. transport says that some condition on the protocol was made.
	family    uint8
	protocol  wire.Protocol
	transport bool
	// final is the statement after which no other may come.
	final stmt
	// inner are the chains in braces that the rule jumps to.
	inner []*chain
	// nextPlace is the place of the next chain in braces.
	nextPlace int
}

func newRule(b *builder, ch *chain, decl *ruleDecl) *ruleBuilder {
	r := &ruleBuilder{builder: b, chain: ch, decl: decl, nextPlace: len(b.rs.Chains)}
	r.rule = firewall.Rule{Chain: ch.place, ID: decl.handle, Text: b.source(decl.at), Comment: decl.comment}
	r.rule.Line, r.rule.Column = b.lines.position(decl.at.from)
	switch ch.table.family {
	case "ip":
		r.family = 4
	case "ip6":
		r.family = 6
	}
	return r
}

// run evaluates the statements and returns the chains in braces that they need.
func (r *ruleBuilder) run() []*chain {
	if len(r.decl.comment) > 128 {
		r.fail(r.decl.at, "", "comment too long: at most 128 octets")
	}
	for _, s := range r.decl.stmts {
		if r.final != nil {
			r.fail(s.where(), "remove it, or write it before the verdict", "Statement after terminal statement has no effect")
			break
		}
		r.statement(s)
	}
	return r.inner
}

func (r *ruleBuilder) effect(e firewall.Effect) {
	r.rule.Parts = append(r.rule.Parts, firewall.Part{Effect: &e})
}

// condition adds a condition, with its words and its column.
func (r *ruleBuilder) condition(m firewall.Match, at place) {
	if m.Text == "" {
		m.Text = r.source(at)
	}
	_, m.Column = r.lines.position(at.from)
	r.rule.Parts = append(r.rule.Parts, firewall.Part{Match: &m})
}

// unmodelled adds a statement that makes no difference here.
func (r *ruleBuilder) unmodelled(at place, why string) {
	r.warn(at, "", "%s", why)
	r.effect(firewall.Effect{Kind: firewall.NotModelled, Text: r.source(at)})
}

func (r *ruleBuilder) statement(s stmt) {
	switch s := s.(type) {
	case *matchStmt:
		r.match(s)
	case *verdictStmt:
		r.verdict(s)
	case *vmapStmt:
		r.verdictMap(s)
	case *counterStmt:
		r.checkObject("counter", s.name, s.nameAt)
		r.effect(firewall.Effect{Kind: firewall.Count})
	case *logStmt:
		r.effect(firewall.Effect{Kind: firewall.Log, Text: s.prefix})
	case *limitStmt:
		r.limit(s)
	case *rejectStmt:
		r.reject(s)
	case *natStmt:
		r.nat(s)
	case *assignStmt:
		r.assign(s)
	case *noTrackStmt:
		r.effect(firewall.Effect{Kind: firewall.NoTrack})
	case *otherStmt:
		r.other(s)
	}
}

func (r *ruleBuilder) verdict(v *verdictStmt) {
	if v.block != nil {
		kind := firewall.Jump
		if v.kind == "goto" {
			kind = firewall.Goto
		}
		line, _ := r.lines.position(v.at.from)
		r.rule.Verdict = firewall.Verdict{Kind: kind, Chain: r.nextPlace}
		r.inner = append(r.inner, &chain{table: r.chain.table, line: line, rules: v.block})
		r.nextPlace++
	} else {
		r.rule.Verdict = r.builder.verdict(r.chain.table, v)
	}
	if v.kind == "queue" {
		r.warn(v.at, "", "queueing to a program is not modelled: the packet is taken to be accepted")
	}
	if v.kind != "continue" {
		r.final = v
	}
}

// checkObject refuses the name of an object that the table does not have.
func (r *ruleBuilder) checkObject(kind, name string, at place) {
	if name != "" && !r.chain.table.others[kind+" "+name] {
		r.fail(at, "declare it in the table: "+kind+" "+name+" { }", "No such file or directory: there is no %s %s", kind, name)
	}
}

// checkConnectionPort refuses a connection's port where no protocol has ports yet.
func (r *ruleBuilder) checkConnectionPort(info selectorInfo, e *expr) {
	if info.typ == typePort && info.conntrack && !r.transport {
		r.fail(e.at, "write a condition on the protocol before it: meta l4proto tcp", "Can't parse symbolic invalid expressions")
	}
}

func (r *ruleBuilder) limit(s *limitStmt) {
	r.checkObject("limit", s.name, s.nameAt)
	if s.over {
		r.warn(s.at, "", "rate limits are not modelled: the rate is taken never to be exceeded, so this condition never holds")
		r.condition(firewall.Match{Field: firewall.Constant, Negate: true}, s.at)
		return
	}
	r.warn(s.at, "", "rate limits are not modelled: the rate is taken never to be exceeded")
	r.condition(firewall.Match{Field: firewall.RateLimit}, s.at)
}

func (r *ruleBuilder) other(s *otherStmt) {
	r.checkObject(s.object, s.name, s.nameAt)
	if s.set != nil && r.chain.table.lookupSet(s.set.text) == nil {
		r.noSet(r.chain.table, s.set.text, s.set.at)
	}
	r.rs.UsesConntrack = r.rs.UsesConntrack || s.conntrack
	if s.condition {
		r.warn(s.at, "", "%s", s.what)
		r.condition(firewall.Match{Field: firewall.Constant, Negate: s.neverHolds}, s.at)
		return
	}
	r.unmodelled(s.at, s.what)
}

// needProtocol adds the condition on the protocol that a field of its header implies.
func (r *ruleBuilder) needProtocol(p wire.Protocol, at place) {
	if p == 0 || r.protocol == p {
		return
	}
	if r.protocol != 0 {
		r.fail(at, "no packet is both", "conflicting protocols specified: %s vs. %s", protocolName(r.protocol), protocolName(p))
		return
	}
	r.protocol, r.transport = p, true
	switch p {
	case wire.ICMP:
		if r.family == 0 {
			r.family = 4
		}
	case wire.ICMPv6:
		if r.family == 0 {
			r.family = 6
		}
	}
	r.condition(firewall.Match{Field: firewall.ProtocolField, Ranges: one(uint64(p)), Text: protocolText(p)}, at)
}

// needFamily checks the address family that a field implies; with explicit, a
// condition on it is added where the table has both.
func (r *ruleBuilder) needFamily(family uint8, at place, explicit bool) {
	if family == 0 || r.family == family {
		return
	}
	if r.family != 0 {
		r.fail(at, "no packet is both", "conflicting protocols specified: %s vs. %s", familyName(r.family), familyName(family))
		return
	}
	r.family = family
	if explicit {
		r.condition(firewall.Match{Field: firewall.Family, Ranges: one(uint64(family)), Text: "meta nfproto ipv" + fmt.Sprint(family)}, at)
	}
}

func one(n uint64) []firewall.Range { return []firewall.Range{{Low: n, High: n}} }

func familyName(family uint8) string {
	if family == 6 {
		return "ip6"
	}
	return "ip"
}

func protocolName(p wire.Protocol) string { return text.NameOf(text.Protocols(), uint16(p)) }

// reject evaluates reject.
func (r *ruleBuilder) reject(s *rejectStmt) {
	with := firewall.ICMPPortUnreachable
	switch s.typ {
	case "tcp":
		with = firewall.TCPReset
		if r.protocol != wire.TCP {
			r.needProtocol(wire.TCP, s.at)
		}
	case "icmp", "icmpv6", "icmpx":
		if s.typ == "icmpx" && r.chain.table.family != "inet" && r.chain.table.family != "bridge" {
			r.fail(s.with, "write icmp, or icmpv6 in a table of the family ip6", "abstracted ICMP unreachable not supported")
		}
		with = r.rejectCode(s)
		if s.typ == "icmp" {
			r.needFamily(4, s.with, true)
		} else if s.typ == "icmpv6" {
			r.needFamily(6, s.with, true)
		}
	}
	if d := &r.chain.decl; d.base && d.hook == "postrouting" {
		r.fail(s.at, "reject stands in chains at prerouting, input, forward or output", unsupported)
	}
	r.rule.Verdict = firewall.Verdict{Kind: firewall.Reject, With: with}
	r.final = s
}

// rejectCode evaluates the code of an ICMP error. Those of ICMPv6 and of icmpx are
// named by their ICMP counterparts.
func (r *ruleBuilder) rejectCode(s *rejectStmt) firewall.RejectWith {
	names, typ := icmpCodes[:], "icmp"
	switch s.typ {
	case "icmpv6":
		names, typ = icmpv6Codes[:], "icmpv6"
	case "icmpx":
		names, typ = icmpxCodes[:], "icmpx"
	}
	code, ok := text.Lookup(names, s.code)
	if n, err := parseNumber(s.code); !ok && err == nil && n < 256 {
		code, ok = uint16(n), true
	}
	if !ok {
		r.fail(s.with, nearestWord(s.code, text.Names(names)...), "Could not parse %s code: %q", typ, s.code)
		return firewall.ICMPPortUnreachable
	}
	with, ok := rejectWith(typ, code)
	if !ok {
		r.warn(s.with, "", "rejecting with %s code %d is not modelled: port-unreachable is sent", typ, code)
	}
	return with
}

func rejectWith(typ string, code uint16) (firewall.RejectWith, bool) {
	table := map[uint16]firewall.RejectWith{0: firewall.ICMPNetUnreachable, 1: firewall.ICMPHostUnreachable, 2: firewall.ICMPProtoUnreachable,
		3: firewall.ICMPPortUnreachable, 9: firewall.ICMPNetProhibited, 10: firewall.ICMPHostProhibited, 13: firewall.ICMPAdminProhibited}
	switch typ {
	case "icmpv6":
		table = map[uint16]firewall.RejectWith{0: firewall.ICMPNetUnreachable, 1: firewall.ICMPAdminProhibited, 3: firewall.ICMPHostUnreachable,
			4: firewall.ICMPPortUnreachable}
	case "icmpx":
		table = map[uint16]firewall.RejectWith{0: firewall.ICMPNetUnreachable, 1: firewall.ICMPPortUnreachable, 2: firewall.ICMPHostUnreachable,
			3: firewall.ICMPAdminProhibited}
	}
	with, ok := table[code]
	return with, ok
}

// verdictMap evaluates vmap.
func (r *ruleBuilder) verdictMap(s *vmapStmt) {
	fields, types, ok := r.key(s.key)
	if !ok {
		return
	}
	effect := firewall.Effect{Kind: firewall.VerdictMap, Key: fields, Text: r.source(s.at)}
	switch s.with.kind {
	case exSet:
		effect.Map = 1 + r.anonymous(s.with, fields, types, true, nil)
	case exSetRef:
		named := r.named(s.with, types)
		if named == nil {
			return
		}
		if !named.decl.verdicts {
			r.fail(s.with.at, "declare it with: type ... : verdict;", "the map %s does not map to verdicts", named.name)
		}
		effect.Map = 1 + named.place
	default:
		r.fail(s.with.at, "write vmap { VALUE : accept, ... }", "a verdict map is expected after vmap")
		return
	}
	if len(fields) == 0 {
		r.unmodelled(s.at, "a map that looks at what is not modelled is taken to find nothing")
		r.condition(firewall.Match{Field: firewall.Constant, Negate: true}, s.at)
		return
	}
	r.effect(effect)
}

// key evaluates what is looked up in a set: a selector or several. No fields are
// returned if one of them is not modelled.
func (r *ruleBuilder) key(e *expr) (fields []firewall.Field, types []valueType, ok bool) {
	parts := []*expr{e}
	if e.kind == exConcat {
		parts = e.list
	}
	modelled := true
	for _, part := range parts {
		if part.kind != exSelector {
			r.fail(part.at, "", "a field such as tcp dport is expected here")
			return nil, nil, false
		}
		info, _ := selectorOf(part.sel)
		r.rs.UsesConntrack = r.rs.UsesConntrack || info.conntrack
		types = append(types, info.typ)
		fields = append(fields, info.field)
		if info.absent != "" || info.field == firewall.Constant || info.field == firewall.AddressType && len(parts) > 1 {
			modelled = false
			continue
		}
		r.needFamily(info.family, part.at, info.typ != typeAddr4 && info.typ != typeAddr6)
		r.needProtocol(info.protocol, part.at)
		r.transport = r.transport || info.protocol != 0 || info.field == firewall.ProtocolField
		r.checkConnectionPort(info, part)
	}
	if !modelled {
		return nil, types, true
	}
	return fields, types, true
}

// anonymous adds a set or map in braces to the ruleset and returns its place.
func (r *ruleBuilder) anonymous(e *expr, fields []firewall.Field, types []valueType, verdicts bool, data []typeRef) int {
	line, _ := r.lines.position(e.at.from)
	set := firewall.Set{Table: r.chain.table.name, Key: fields, Line: line}
	var rest []firewall.SetElement
	for _, item := range r.flatten(e.list) {
		element, ok := r.element(item, types, r.chain.table, verdicts, data)
		switch {
		case !ok:
			continue
		case item.left.kind == exCatchall:
			rest = append(rest, element)
		default:
			set.Elements = append(set.Elements, element)
		}
	}
	set.Elements = append(set.Elements, rest...)
	r.rs.Sets = append(r.rs.Sets, set)
	return len(r.rs.Sets) - 1
}

// named returns the named set that an expression refers to, nil with an error if
// there is none or it holds other values.
func (r *ruleBuilder) named(e *expr, types []valueType) *namedSet {
	s := r.chain.table.lookupSet(e.text)
	if s == nil {
		r.noSet(r.chain.table, e.text, e.at)
		return nil
	}
	same := len(s.types) == len(types)
	for i := 0; same && i < len(types); i++ {
		same = types[i] == s.types[i] || types[i] == typeOther || s.types[i] == typeOther ||
			types[i] >= typeNumber8 && types[i] <= typeNumber32
	}
	if !same {
		r.fail(e.at, "", "datatype mismatch: the set %s holds other values", e.text)
		return nil
	}
	return s
}
