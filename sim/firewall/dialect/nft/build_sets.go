package nft

import (
	"fmt"
	"net/netip"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/text"
)

// addSet runs add set and add map.
func (b *builder) addSet(t *table, c *command) {
	if known := t.lookupSet(c.name); known != nil {
		if c.kind == cmdCreate {
			b.fail(c.nameAt, "", fileExists)
		}
		if c.set.elements != nil {
			known.elements = append(known.elements, c.set.elements.list...)
		}
		return
	}
	line, _ := b.lines.position(c.at.from)
	s := &namedSet{table: t, name: c.name, line: line, at: c.nameAt, decl: c.set}
	if len(c.set.keyTypes) == 0 {
		b.fail(c.nameAt, "say what it holds: type ipv4_addr;", "set definition does not specify key")
		return
	}
	for _, ref := range c.set.keyTypes {
		s.types = append(s.types, b.typeOf(ref))
	}
	if c.set.elements != nil {
		s.elements = append(s.elements, c.set.elements.list...)
	}
	t.sets = append(t.sets, s)
	t.setNamed[s.name] = s
}

func (b *builder) addElements(t *table, c *command) {
	s := t.lookupSet(c.name)
	if s == nil {
		b.noSet(t, c.name, c.nameAt)
		return
	}
	s.elements = append(s.elements, c.set.elements.list...)
}

func (b *builder) noSet(t *table, name string, at place) {
	hint := "there is no set " + name + " in this table"
	if near := b.nearest(name, len(t.sets), func(i int) string { return t.sets[i].name }); near != "" {
		hint = "did you mean " + near + "?"
	}
	b.fail(at, hint, noSuchFile)
}

// typeOf returns the type that a set's declaration names.
func (b *builder) typeOf(ref typeRef) valueType {
	if ref.of != nil {
		if e := ref.of; e.kind == exSelector {
			info, _ := selectorOf(e.sel)
			return info.typ
		}
		b.fail(ref.at, "", "typeof needs an expression such as ip saddr")
		return typeOther
	}
	for _, t := range typeNames {
		if t.name == ref.name {
			return t.typ
		}
	}
	var names []string
	for _, t := range typeNames {
		names = append(names, t.name)
	}
	hint := ""
	if near := text.Suggest(ref.name, names); near != "" {
		hint = "did you mean " + near + "?"
	}
	b.fail(ref.at, hint, "unknown datatype %s", ref.name)
	return typeOther
}

// typeNames are the names of data types in declarations of sets.
var typeNames = [...]struct {
	name string
	typ  valueType
}{
	{"ipv4_addr", typeAddr4}, {"ipv6_addr", typeAddr6}, {"inet_service", typePort}, {"inet_proto", typeProtocol}, {"ifname", typeInterface},
	{"mark", typeMark}, {"ct_state", typeState}, {"ct_dir", typeDirection}, {"ct_status", typeStatus}, {"tcp_flag", typeTCPFlags},
	{"icmp_type", typeICMPType}, {"icmp_code", typeICMPCode}, {"icmpv6_type", typeICMPv6Type}, {"icmpv6_code", typeICMPv6Code},
	{"dscp", typeDSCP}, {"nf_proto", typeFamily}, {"ether_type", typeEtherType}, {"fib_addrtype", typeAddressType}, {"pkt_type", typePacketType},
	{"iface_index", typeInterface}, {"ether_addr", typeOther}, {"uid", typeOther}, {"gid", typeOther}, {"iface_type", typeOther}, {"realm", typeOther},
	{"classid", typeOther}, {"devgroup", typeOther}, {"time", typeOther}, {"day", typeOther}, {"hour", typeOther}, {"cgroupsv2", typeOther},
	{"string", typeOther}, {"integer", typeOther}, {"arp_op", typeOther}, {"ll_addr", typeOther}, {"ct_label", typeOther}, {"ecn", typeOther},
	{"igmp_type", typeOther}, {"icmpx_code", typeOther}, {"boolean", typeOther}, {"ct_event", typeOther}, {"ct_id", typeOther},
}

// declaration writes what a set is, for Set.Declaration.
func (b *builder) declaration(s *namedSet) string {
	words := func(types []typeRef) string {
		var names []string
		for _, ref := range types {
			if ref.of != nil {
				names = append(names, b.source(ref.at))
			} else {
				names = append(names, ref.name)
			}
		}
		return strings.Join(names, " . ")
	}
	d := "type " + words(s.decl.keyTypes)
	if s.decl.keyTypes[0].of != nil {
		d = "typeof " + words(s.decl.keyTypes)
	}
	switch {
	case s.decl.verdicts:
		d += " : verdict"
	case s.decl.object != "":
		d += " : " + s.decl.object
	case s.decl.isMap:
		d += " : " + words(s.decl.dataType)
	}
	if len(s.decl.flags) > 0 {
		d += "\nflags " + strings.Join(s.decl.flags, ",")
	}
	for _, extra := range s.decl.extra {
		d += "\n" + extra
	}
	return d
}

// fillSet evaluates the elements of a named set.
func (b *builder) fillSet(s *namedSet) {
	out := &b.rs.Sets[s.place]
	var rest []firewall.SetElement // the catch-all comes last
	for _, e := range b.flatten(s.elements) {
		element, ok := b.element(e, s.types, s.table, s.decl.verdicts, s.data())
		if !ok {
			continue
		}
		if e.left.kind == exCatchall {
			rest = append(rest, element)
			continue
		}
		if interval := intervalIn(e.left); interval != nil && !hasFlag(s.decl.flags, "interval") {
			b.fail(interval.at, "add: flags interval;", "You must add 'flags interval' to your set declaration if you want to add %s elements", intervalName(interval))
			return
		}
		out.Elements = append(out.Elements, element)
	}
	out.Elements = append(out.Elements, rest...)
}

// data returns the types of a map's values.
func (s *namedSet) data() []typeRef { return s.decl.dataType }

func hasFlag(flags []string, flag string) bool {
	for _, f := range flags {
		if f == flag {
			return true
		}
	}
	return false
}

// intervalIn returns the range or prefix in an element's key, nil if there is none.
func intervalIn(e *expr) *expr {
	switch e.kind {
	case exRange, exPrefix:
		return e
	case exConcat:
		for _, part := range e.list {
			if i := intervalIn(part); i != nil {
				return i
			}
		}
	}
	return nil
}

func intervalName(e *expr) string {
	if e.kind == exPrefix {
		return "prefix"
	}
	return "interval"
}

// flatten puts the elements of sets in a set (from a define) in its place.
func (b *builder) flatten(elements []*expr) []*expr {
	var all []*expr
	for _, e := range elements {
		if e.kind == exElement && e.right == nil && e.left.kind == exSet {
			all = append(all, b.flatten(e.left.list)...)
			continue
		}
		if e.kind == exElement && e.right == nil && e.left.kind == exList {
			for _, item := range e.left.list {
				all = append(all, b.flatten([]*expr{{kind: exElement, left: item, at: item.at}})...)
			}
			continue
		}
		if b.elements++; b.elements > maxAll {
			if b.elements == maxAll+1 {
				b.fail(e.at, "", "more than %d elements in the sets of this text", maxAll)
			}
			return all
		}
		all = append(all, e)
	}
	return all
}

// element evaluates one element: its key and what it maps to.
func (b *builder) element(e *expr, types []valueType, t *table, verdicts bool, data []typeRef) (firewall.SetElement, bool) {
	out := firewall.SetElement{Text: b.source(e.at)}
	key := []*expr{e.left}
	if e.left.kind == exConcat {
		key = e.left.list
	}
	if e.left.kind == exCatchall {
		for _, typ := range types {
			out.Key = append(out.Key, anything(typ))
		}
	} else {
		if len(key) != len(types) {
			b.fail(e.left.at, "", "datatype mismatch: %d fields expected here, not %d", len(types), len(key))
			return out, false
		}
		for i, typ := range types {
			m, err := elementMatch(typ, key[i])
			if err != nil {
				b.valueError(err)
				return out, false
			}
			m.Text = b.source(key[i].at)
			out.Key = append(out.Key, m)
		}
	}
	switch {
	case verdicts && e.right == nil:
		b.fail(e.at, "", "a verdict is missing: write KEY : accept")
		return out, false
	case verdicts && e.right.kind != exVerdict:
		b.fail(e.right.at, "", "a verdict is expected here: accept, drop, jump CHAIN ...")
		return out, false
	case verdicts:
		out.Verdict = b.verdict(t, e.right.verdict)
	case e.right != nil && data != nil:
		return out, b.mappedValue(&out, e.right, data)
	}
	return out, true
}

// anything is the condition that every value of a type meets.
func anything(typ valueType) firewall.Match {
	switch {
	case typ == typeAddr4:
		return firewall.Match{Addresses: []firewall.AddressTest{text.Prefix(netip.PrefixFrom(netip.IPv4Unspecified(), 0))}}
	case typ == typeAddr6:
		return firewall.Match{Addresses: []firewall.AddressTest{text.Prefix(netip.PrefixFrom(netip.IPv6Unspecified(), 0))}}
	case typ == typeInterface:
		return firewall.Match{Names: []string{"*"}}
	case typ.isFlags():
		return firewall.Match{} // no bit need be set
	}
	return firewall.Match{Ranges: []firewall.Range{{High: 1<<64 - 1}}}
}

// elementMatch is the condition of one field of an element: equality, or a range.
func elementMatch(typ valueType, e *expr) (firewall.Match, error) {
	if typ.isFlags() {
		bits, err := flagBits(typ, e)
		return firewall.Match{Mask: typ.allBits(), Bits: bits}, err
	}
	if typ == typeOther || typ == typeNone {
		return firewall.Match{Names: []string{e.text}}, nil
	}
	var m firewall.Match
	err := addValue(&m, typ, e)
	return m, err
}

// mappedValue evaluates what an element of a value map maps to.
func (b *builder) mappedValue(out *firewall.SetElement, e *expr, data []typeRef) bool {
	parts := []*expr{e}
	if e.kind == exConcat {
		parts = e.list
	}
	if len(parts) != len(data) {
		b.fail(e.at, "", "datatype mismatch: %d values expected here, not %d", len(data), len(parts))
		return false
	}
	for i, ref := range data {
		switch typ := b.typeOf(ref); typ {
		case typeAddr4, typeAddr6:
			single := parts[i]
			if single.kind == exPrefix && (single.right.text == "32" && typ == typeAddr4 || single.right.text == "128" && typ == typeAddr6) {
				single = single.left
			}
			if single.kind == exRange || single.kind == exPrefix {
				b.warn(single.at, "", "a map to a range of addresses is not modelled: its first address is taken")
				single = single.left
			}
			a, err := address(typ, single)
			if err != nil {
				b.valueError(err)
				return false
			}
			out.Value = a
		case typePort:
			n, err := number(typ, parts[i])
			if err != nil {
				b.valueError(err)
				return false
			}
			out.ValuePort = uint16(n)
		case typeMark:
			if _, err := number(typ, parts[i]); err != nil {
				b.valueError(err)
				return false
			}
		}
	}
	return true
}

// valueError reports what is wrong with a value.
func (b *builder) valueError(err error) {
	if v, ok := err.(*valueError); ok {
		b.fail(v.at, v.hint, "%s", v.message)
	}
}

// verdict evaluates a verdict; a chain is named by its place.
func (b *builder) verdict(t *table, v *verdictStmt) firewall.Verdict {
	switch v.kind {
	case "accept":
		return firewall.Verdict{Kind: firewall.Accept}
	case "drop":
		return firewall.Verdict{Kind: firewall.Drop}
	case "return":
		return firewall.Verdict{Kind: firewall.Return}
	case "queue":
		return firewall.Verdict{Kind: firewall.Queue}
	case "jump", "goto":
		kind := firewall.Jump
		if v.kind == "goto" {
			kind = firewall.Goto
		}
		ch := t.lookupChain(v.chain)
		if ch == nil {
			b.noChain(t, v.chain, v.chainAt)
			return firewall.Verdict{}
		}
		if ch.decl.base {
			b.fail(v.chainAt, fmt.Sprintf("%s has a hook of its own: jump to a chain without one", v.chain), unsupported)
		}
		return firewall.Verdict{Kind: kind, Chain: ch.place}
	}
	return firewall.Verdict{}
}
