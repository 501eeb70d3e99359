package nft

import (
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
