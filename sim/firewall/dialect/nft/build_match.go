package nft

import (
	"fmt"
	"net/netip"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/netfilter"
	"ftplab/sim/firewall/dialect/internal/text"
	"ftplab/sim/wire"
)

// match evaluates a condition.
func (r *ruleBuilder) match(s *matchStmt) {
	switch left := s.left; left.kind {
	case exSelector:
		r.selectorMatch(s, left)
	case exBinary:
		r.maskedMatch(s)
	case exConcat:
		r.setMatch(s, left)
	case exWord, exQuoted, exWildcard, exNumber:
		r.fail(left.at, statementHint(left.text), "No symbol type information: %q is not a field or a statement", left.text)
	default:
		r.fail(left.at, "", "a field such as tcp dport is expected here")
	}
}

// selectorMatch evaluates a condition on one field.
func (r *ruleBuilder) selectorMatch(s *matchStmt, left *expr) {
	info, _ := selectorOf(left.sel)
	r.rs.UsesConntrack = r.rs.UsesConntrack || info.conntrack
	if info.absent != "" {
		r.absentMatch(s, info)
		return
	}
	if key := left.sel.key; key == "ct saddr" || key == "ct daddr" {
		switch r.family {
		case 0:
			r.fail(left.at, "write ct original ip saddr", "cannot determine ip protocol version, use \"ip saddr\" or \"ip6 saddr\" instead")
			return
		case 6:
			info.typ = typeAddr6
		}
	}
	if s.right.kind == exSetRef || s.right.kind == exSet && hasConcat(s.right) {
		r.setMatch(s, left)
		return
	}
	r.needFamily(info.family, left.at, info.typ != typeAddr4 && info.typ != typeAddr6)
	r.needProtocol(info.protocol, left.at)
	r.checkConnectionPort(info, s.right)
	if f := r.chain.table.family; left.sel.key == "meta nfproto" && (f == "ip" || f == "ip6") {
		r.fail(left.at, "leave it out: the table has one family only", "meta nfproto is only useful in the inet family")
		return
	}
	at := s.at
	switch {
	case s.op == "!" && !info.typ.isFlags():
		r.fail(left.at, "write !=", "negation can only be used with singleton bitmask values")
		return
	case s.mask != nil:
		r.flagsUnderMask(s, info)
		return
	case info.typ == typePacketType:
		r.packetType(s)
		return
	case info.field == firewall.Fragment:
		r.absentMatch(s, missing("ip frag-off is only known with a mask: ip frag-off & 0x1fff != 0"))
		return
	case info.typ.isFlags():
		r.flagsMatch(s, info)
		return
	}
	m := firewall.Match{Field: info.field, Negate: negates(s.op)}
	if info.field == firewall.AddressType {
		m.Name = "destination"
		if left.sel.key[:len("fib saddr")] == "fib saddr" {
			m.Name = "source"
		}
	}
	if err := r.values(&m, info, s.op, s.right); err != nil {
		r.valueError(err)
		return
	}
	r.condition(m, at)
	r.learn(&m)
}

func hasConcat(set *expr) bool {
	return len(set.list) > 0 && set.list[0].left.kind == exConcat
}

func negates(op string) bool { return op == "!=" || op == "!" }

// learn notes the protocol and the family that a condition requires from now on.
func (r *ruleBuilder) learn(m *firewall.Match) {
	switch m.Field {
	case firewall.ProtocolField:
		r.transport = true
		if n, ok := single(m); ok && r.protocol == 0 {
			r.protocol = wire.Protocol(n)
		}
	case firewall.Family:
		if n, ok := single(m); ok && r.family == 0 {
			r.family = uint8(n)
		}
	case firewall.CTProtocol:
		r.transport = true
		if n, ok := single(m); ok && r.protocol == 0 {
			r.protocol = wire.Protocol(n)
		}
	}
}

// single returns the one number that satisfies a condition.
func single(m *firewall.Match) (uint64, bool) {
	if m.Negate || len(m.Ranges) != 1 || m.Ranges[0].Low != m.Ranges[0].High {
		return 0, false
	}
	return m.Ranges[0].Low, true
}

// absentMatch adds a condition on what simulated packets do not have.
func (r *ruleBuilder) absentMatch(s *matchStmt, info selectorInfo) {
	holds := info.holds
	if info.typ == typeBoolean {
		if s.right.kind == exNumber && s.right.text == "0" || s.right.text == "missing" {
			holds = !holds
		}
	}
	if negates(s.op) {
		holds = !holds
	}
	word := "never holds"
	if holds {
		word = "always holds"
	}
	r.warn(s.at, "", "%s; this condition is taken as one that %s", info.absent, word)
	r.condition(firewall.Match{Field: firewall.Constant, Negate: !holds}, s.at)
}

// packetType adds a condition on meta pkttype: simulated packets are all unicast.
func (r *ruleBuilder) packetType(s *matchStmt) {
	m := firewall.Match{}
	if err := r.values(&m, selectorInfo{typ: typePacketType}, "", s.right); err != nil {
		r.valueError(err)
		return
	}
	holds := false
	for _, v := range m.Ranges {
		holds = holds || v.Low == 0
	}
	r.absentMatch(s, selectorInfo{absent: "every simulated packet is sent to one host", holds: holds})
}

// values evaluates the right side of a condition on an ordinary field.
func (r *ruleBuilder) values(m *firewall.Match, info selectorInfo, op string, e *expr) error {
	switch op {
	case "<", ">", "<=", ">=":
		return ordered(m, info, op, e)
	}
	if e.kind != exSet {
		return addValue(m, info.typ, e)
	}
	for _, item := range r.flatten(e.list) {
		if item.right != nil {
			return badValue(item.at, "write vmap to look up a verdict", "a set is expected here, not a map")
		}
		if item.left.kind == exCatchall {
			everything := anything(info.typ)
			m.Ranges, m.Addresses, m.Names = append(m.Ranges, everything.Ranges...), append(m.Addresses, everything.Addresses...), append(m.Names, everything.Names...)
			continue
		}
		if err := addValue(m, info.typ, item.left); err != nil {
			return err
		}
	}
	if len(e.list) == 0 {
		return badValue(e.at, "", "Set is empty")
	}
	return nil
}

// addValue adds a value, a prefix or a range to what satisfies a condition.
func addValue(m *firewall.Match, typ valueType, e *expr) error {
	switch typ {
	case typeAddr4, typeAddr6:
		t, err := addressTest(typ, e)
		m.Addresses = append(m.Addresses, t)
		return err
	case typeInterface, typeHelper:
		return addName(m, typ, e)
	case typeAddressType:
		if e.kind != exWord {
			return badValue(e.at, "", "a kind of address such as local is expected here")
		}
		switch e.text {
		case "unspec", "unicast", "local", "broadcast", "anycast", "multicast", "blackhole", "unreachable", "prohibit":
			m.Names = append(m.Names, e.text)
			return nil
		}
		return badValue(e.at, nearestWord(e.text, "unicast", "local", "broadcast", "anycast", "multicast", "blackhole", "unreachable", "prohibit"),
			"Could not parse address type: %q", e.text)
	case typeFamily, typeEtherType:
		n, err := number(typ, e)
		m.Ranges = append(m.Ranges, one(familyOf(typ, n))...)
		return err
	}
	v, err := numberRange(typ, e)
	m.Ranges = append(m.Ranges, v)
	return err
}

func addName(m *firewall.Match, typ valueType, e *expr) error {
	const longest = 15 // IFNAMSIZ - 1
	switch {
	case e.kind != exWord && e.kind != exQuoted && e.kind != exWildcard && e.kind != exNumber:
		return badValue(e.at, "", "a name is expected here")
	case typ == typeInterface && len(e.text) > longest+1:
		return badValue(e.at, "", "String exceeds maximum length of %d", longest+1)
	case e.text == "":
		return badValue(e.at, "", "Empty string is not allowed")
	case typ == typeInterface && (e.text == "*" || e.text == `\*`):
		return badValue(e.at, "leave the condition out", "All-wildcard strings are not supported")
	}
	name := e.text
	switch literal, ok := strings.CutSuffix(name, `\*`); {
	case typ != typeInterface:
	case ok: // an escaped asterisk
		name = netfilter.LiteralName(literal + "*")
	case strings.HasSuffix(name, "+"): // no sign to nft
		name = netfilter.LiteralName(name)
	}
	m.Names = append(m.Names, name)
	return nil
}

// ordered evaluates <, >, <= and >=.
func ordered(m *firewall.Match, info selectorInfo, op string, e *expr) error {
	switch info.typ {
	case typeInterface, typeHelper, typeAddressType, typeFamily, typeEtherType:
		return badValue(e.at, "", "%s cannot be used with a name", op)
	case typeAddr4, typeAddr6:
		return orderedAddress(m, info.typ, op, e)
	}
	if e.kind == exSet || e.kind == exRange || e.kind == exPrefix {
		return badValue(e.at, "", "Relational expression (%s) is undefined for a set or range", op)
	}
	n, err := number(info.typ, e)
	if err != nil {
		return err
	}
	greatest, _, _ := info.typ.info()
	low, high := uint64(0), greatest
	switch op {
	case "<":
		if n == 0 {
			return never(m)
		}
		high = n - 1
	case "<=":
		high = n
	case ">":
		if n >= greatest {
			return never(m)
		}
		low = n + 1
	case ">=":
		low = n
	}
	m.Ranges = []firewall.Range{{Low: low, High: high}}
	return nil
}

// never makes a condition one that cannot hold.
func never(m *firewall.Match) error {
	*m = firewall.Match{Field: firewall.Constant, Negate: true}
	return nil
}

func orderedAddress(m *firewall.Match, typ valueType, op string, e *expr) error {
	a, err := address(typ, e)
	if err != nil {
		return err
	}
	everything := text.Netmask(a.BitLen(), 0)
	last := netip.MustParseAddr("255.255.255.255")
	if typ == typeAddr6 {
		last = netip.MustParseAddr("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")
	}
	from, to := everything, last
	switch op {
	case "<":
		to = a.Prev()
	case "<=":
		to = a
	case ">":
		from = a.Next()
	case ">=":
		from = a
	}
	if !to.IsValid() || !from.IsValid() {
		return never(m)
	}
	m.Addresses = []firewall.AddressTest{{From: from, To: to}}
	return nil
}

// flagsMatch evaluates a condition on TCP flags, the state or the status without a
// mask. Alone, a value asks for any of its bits; with == or != for exactly them.
func (r *ruleBuilder) flagsMatch(s *matchStmt, info selectorInfo) {
	m := firewall.Match{Field: info.field}
	if s.right.kind == exSet {
		r.flagsInSet(s, info)
		return
	}
	bits, err := flagBits(info.typ, s.right)
	if err != nil {
		r.valueError(err)
		return
	}
	switch s.op {
	case "", "!":
		m.Mask, m.AnyBit, m.Negate = bits, true, s.op == "!"
	case "==", "!=":
		m.Mask, m.Bits, m.Negate = info.typ.allBits(), bits, s.op == "!="
		if info.typ == typeState && bits&(bits-1) != 0 {
			word := "never"
			if m.Negate {
				word = "always"
			}
			r.warn(s.at, "write a set to mean any of them: { established, related }",
				"a packet has one state, and %s compares with all of these together: this %s holds", s.op, word)
		}
	default:
		r.fail(s.at, "compare with == or !=", "Relational expression (%s) is undefined for flags", s.op)
		return
	}
	r.condition(m, s.at)
}

// flagsInSet evaluates flags compared with a set: exactly one of its values.
func (r *ruleBuilder) flagsInSet(s *matchStmt, info selectorInfo) {
	var exact []firewall.Match
	singles := uint32(0)
	plain := info.typ == typeState
	for _, item := range r.flatten(s.right.list) {
		bits, err := flagBits(info.typ, item.left)
		if err != nil {
			r.valueError(err)
			return
		}
		plain = plain && bits&(bits-1) == 0
		singles |= bits
		exact = append(exact, firewall.Match{Field: info.field, Mask: info.typ.allBits(), Bits: bits, Text: r.source(item.left.at)})
	}
	switch {
	case len(exact) == 0:
		r.fail(s.right.at, "", "Set is empty")
	case plain: // a packet has one state: one of several is any of their bits
		r.condition(firewall.Match{Field: info.field, Mask: singles, AnyBit: true, Negate: negates(s.op)}, s.at)
	case len(exact) == 1:
		exact[0].Negate, exact[0].Text = negates(s.op), ""
		r.condition(exact[0], s.at)
	case negates(s.op):
		for _, m := range exact {
			m.Negate, m.Text = true, r.source(s.at)
			r.condition(m, s.at)
		}
	default:
		r.condition(firewall.Match{Field: info.field, AnyOf: exact}, s.at)
	}
}

// flagsUnderMask evaluates tcp flags VALUE / MASK.
func (r *ruleBuilder) flagsUnderMask(s *matchStmt, info selectorInfo) {
	if !info.typ.isFlags() || s.right.kind == exSet {
		r.fail(s.at, "", "a mask after / is only for flags: tcp flags syn / fin,syn,rst,ack")
		return
	}
	bits, err := flagBits(info.typ, s.right)
	if err != nil {
		r.valueError(err)
		return
	}
	mask, err := flagBits(info.typ, s.mask)
	if err != nil {
		r.valueError(err)
		return
	}
	r.condition(firewall.Match{Field: info.field, Mask: mask, Bits: bits, Negate: negates(s.op)}, s.at)
}

// maskedMatch evaluates FIELD & MASK == VALUE.
func (r *ruleBuilder) maskedMatch(s *matchStmt) {
	left := s.left
	if left.text != "&" || left.left.kind != exSelector {
		r.absentOrFail(s)
		return
	}
	info, _ := selectorOf(left.left.sel)
	r.rs.UsesConntrack = r.rs.UsesConntrack || info.conntrack
	if info.absent != "" {
		r.absentMatch(s, info)
		return
	}
	r.needFamily(info.family, left.at, info.typ != typeAddr4 && info.typ != typeAddr6)
	r.needProtocol(info.protocol, left.at)
	if info.typ == typeAddr4 || info.typ == typeAddr6 {
		r.maskedAddress(s, info)
		return
	}
	mask, err := maskBits(info.typ, left.right)
	if err != nil {
		r.valueError(err)
		return
	}
	value, err := maskBits(info.typ, s.right)
	if err != nil {
		r.valueError(err)
		return
	}
	if info.field == firewall.Fragment {
		r.fragment(s, mask, value)
		return
	}
	m := firewall.Match{Field: info.field, Mask: mask, Bits: value, Negate: negates(s.op)}
	switch s.op {
	case "==", "!=", "":
		if value == 0 && negates(s.op) {
			m.AnyBit, m.Negate = true, false
		}
	default:
		if info.typ != typeTCPFlags {
			r.absentMatch(s, missing("an order of values under a mask is not modelled"))
			return
		}
		m = flagsInOrder(mask, value, s.op)
	}
	r.condition(m, s.at)
}

// flagsInOrder is tcp flags & MASK compared with a number by order: the values under
// the mask that fit, one by one.
func flagsInOrder(mask, value uint32, op string) firewall.Match {
	var fitting []firewall.Match
	for v := uint32(0); v < 256; v++ {
		fits := op == "<" && v < value || op == "<=" && v <= value || op == ">" && v > value || op == ">=" && v >= value
		if v&mask == v && fits {
			fitting = append(fitting, firewall.Match{Field: firewall.TCPFlags, Mask: mask, Bits: v})
		}
	}
	switch {
	case len(fitting) == 0:
		return firewall.Match{Field: firewall.Constant, Negate: true}
	case op == ">" && value == 0:
		return firewall.Match{Field: firewall.TCPFlags, Mask: mask, AnyBit: true}
	case len(fitting) == 1:
		return fitting[0]
	}
	return firewall.Match{Field: firewall.TCPFlags, AnyOf: fitting}
}

func maskBits(typ valueType, e *expr) (uint32, error) {
	if typ.isFlags() {
		return flagBits(typ, e)
	}
	n, err := number(typ, e)
	return uint32(n), err
}

// absentOrFail handles arithmetic on fields other than a mask.
func (r *ruleBuilder) absentOrFail(s *matchStmt) {
	r.absentMatch(s, missing("arithmetic on fields other than a mask is not modelled"))
}

// maskedAddress evaluates ip saddr & 255.0.0.255 == 10.0.0.1.
func (r *ruleBuilder) maskedAddress(s *matchStmt, info selectorInfo) {
	mask, err := address(info.typ, s.left.right)
	if err != nil {
		r.valueError(err)
		return
	}
	value, err := address(info.typ, s.right)
	if err != nil {
		r.valueError(err)
		return
	}
	if s.op != "" && s.op != "==" && s.op != "!=" {
		r.fail(s.at, "compare with == or !=", "Relational expression (%s) is not modelled under a mask", s.op)
	}
	r.condition(firewall.Match{Field: info.field, Negate: negates(s.op), Addresses: []firewall.AddressTest{{Base: value, Care: mask}}}, s.at)
}

// fragment evaluates ip frag-off under a mask: its offset, or more fragments.
func (r *ruleBuilder) fragment(s *matchStmt, mask, value uint32) {
	const offset, more = 0x1fff, 0x2000
	m := firewall.Match{Field: firewall.Fragment, Negate: !negates(s.op)}
	switch {
	case mask == offset && value == 0: // == 0: not a later fragment
		m.Ranges = one(2)
	case mask == offset|more && value == 0: // == 0: not a fragment
		m.Ranges = []firewall.Range{{Low: 1, High: 2}}
	default:
		r.absentMatch(s, missing(fmt.Sprintf("ip frag-off & 0x%x is not modelled", mask)))
		return
	}
	r.condition(m, s.at)
}

// setMatch evaluates a condition on several fields, or on a named set.
func (r *ruleBuilder) setMatch(s *matchStmt, left *expr) {
	fields, types, ok := r.key(left)
	if !ok {
		return
	}
	m := firewall.Match{Negate: negates(s.op), Key: fields}
	switch s.right.kind {
	case exSet:
		m.Set = 1 + r.anonymous(s.right, fields, types, false, nil)
	case exSetRef:
		named := r.named(s.right, types)
		if named == nil {
			return
		}
		m.Set = 1 + named.place
	case exConcat:
		r.fail(left.at, "write a set: { 10.0.0.1 . 21 }", "Use concatenations with sets and maps, not singleton values")
		return
	default:
		r.fail(s.right.at, "write a set: { 10.0.0.1 . 21 }", "a set is expected here")
		return
	}
	if len(fields) == 0 {
		r.absentMatch(s, missing("a set of what is not modelled is taken not to hold the packet"))
		return
	}
	if len(fields) == 1 {
		m.Field = fields[0]
	}
	r.condition(m, s.at)
}
