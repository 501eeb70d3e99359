package nft

import (
	"net/netip"
	"strings"

	"ftplab/sim/firewall"
)

// nat evaluates snat, dnat, masquerade and redirect.
func (r *ruleBuilder) nat(s *natStmt) {
	r.rs.UsesConntrack = true
	r.checkNATChain(s)
	r.rule.Verdict = firewall.Verdict{Kind: firewall.Accept}
	r.final = s
	e := firewall.Effect{Text: r.source(s.at)}
	switch s.kind {
	case "snat":
		e.Kind = firewall.SNAT
	case "dnat":
		e.Kind = firewall.DNAT
	case "masquerade":
		e.Kind = firewall.Masquerade
	case "redirect":
		e.Kind = firewall.Redirect
		if s.port == nil {
			s = &natStmt{at: s.at, kind: s.kind, port: s.addr, flags: s.flags}
		}
	}
	for _, flag := range s.flags {
		switch flag {
		case "random", "fully-random":
			e.Random = true
		case "persistent":
			e.Persistent = true
		}
	}
	if (s.kind == "snat" || s.kind == "dnat") && s.addr == nil && s.port == nil {
		r.fail(s.at, "write "+s.kind+" to ADDRESS", "an address is missing")
		return
	}
	if s.addr != nil && !r.natAddress(&e, s) {
		return
	}
	if s.port != nil && !r.natPort(&e, s) {
		return
	}
	r.effect(e)
}

// checkNATChain refuses translations where the kernel does.
func (r *ruleBuilder) checkNATChain(s *natStmt) {
	d := &r.chain.decl
	if !d.base {
		return
	}
	allowed := map[string]string{"snat": " input postrouting ", "masquerade": " postrouting ", "dnat": " prerouting output ", "redirect": " prerouting output "}[s.kind]
	if d.typ != "nat" || !hasWord(allowed, d.hook) {
		r.fail(s.at, s.kind+" stands in chains of type nat with hook "+strings.Join(strings.Fields(allowed), " or "), unsupported)
	}
}

// natAddress evaluates the addresses of a translation.
func (r *ruleBuilder) natAddress(e *firewall.Effect, s *natStmt) bool {
	if r.chain.table.family == "inet" && s.family == "" && r.family == 0 {
		r.fail(place{s.at.from, s.at.from + len(s.kind)}, "write "+s.kind+" ip to ADDRESS", "ip or ip6 must be specified with address for inet tables")
		return false
	}
	typ := typeAddr4
	if s.family == "ip6" || s.family == "" && (r.family == 6 || looksLikeIPv6(s.addr)) {
		typ = typeAddr6
	}
	if s.addr.kind == exMap {
		return r.natMap(e, s, typ)
	}
	if s.addr.kind == exSelector {
		r.unmodelled(s.at, "a translation to a field of the packet is not modelled")
		return false
	}
	t, err := addressTest(typ, s.addr)
	if err != nil {
		r.valueError(err)
		return false
	}
	if s.form == "prefix" {
		r.warn(s.at, "", "translating a network address by address is not modelled: any address of the prefix is taken")
	}
	if t.From.IsValid() {
		e.ToFrom, e.ToTo = t.From, t.To
	} else {
		e.ToFrom, e.ToTo = t.Base, lastOf(t)
	}
	return true
}

func looksLikeIPv6(e *expr) bool {
	for e.left != nil && e.kind != exMap {
		e = e.left
	}
	a, err := netip.ParseAddr(e.text)
	return err == nil && a.Is6()
}

// lastOf returns the last address of a prefix.
func lastOf(t firewall.AddressTest) netip.Addr {
	last := t.Base.AsSlice()
	care := t.Care.AsSlice()
	for i := range last {
		last[i] |= ^care[i]
	}
	a, _ := netip.AddrFromSlice(last)
	return a
}

// natMap evaluates a target that is looked up.
func (r *ruleBuilder) natMap(e *firewall.Effect, s *natStmt, typ valueType) bool {
	key, with := s.addr.left, s.addr.right
	data := []typeRef{{name: "ipv4_addr"}}
	switch {
	case s.kind == "redirect":
		data = []typeRef{{name: "inet_service"}}
	case typ == typeAddr6:
		data = []typeRef{{name: "ipv6_addr"}}
	}
	if with.kind == exSet && len(with.list) > 0 && with.list[0].right != nil && with.list[0].right.kind == exConcat {
		data = append(data, typeRef{name: "inet_service"})
	}
	return r.lookupTarget(e, s, key, with, data)
}

func (r *ruleBuilder) lookupTarget(e *firewall.Effect, s *natStmt, key, with *expr, data []typeRef) bool {
	if key.kind == exSelector && hasWord(" numgen mod jhash mod symhash mod ", key.sel.key) {
		return r.firstTarget(e, s, with, data)
	}
	fields, types, ok := r.key(key)
	if !ok {
		return false
	}
	if len(fields) == 0 || e.Map != 0 {
		r.unmodelled(s.at, "a translation that is looked up by what is not modelled is left out")
		return false
	}
	e.Key = fields
	if with.kind == exSetRef {
		named := r.named(with, types)
		if named == nil {
			return false
		}
		e.Map = 1 + named.place
		return true
	}
	if with.kind != exSet {
		r.fail(with.at, "write map { VALUE : TARGET, ... }", "a map is expected here")
		return false
	}
	for _, item := range with.list {
		if item.right == nil {
			r.fail(item.at, "", "a target is missing: write VALUE : TARGET")
			return false
		}
	}
	e.Map = 1 + r.anonymous(with, fields, types, false, data)
	return true
}

// firstTarget takes the first target of a map that chooses by chance.
func (r *ruleBuilder) firstTarget(e *firewall.Effect, s *natStmt, with *expr, data []typeRef) bool {
	r.warn(s.at, "", "load balancing is not modelled: the first target is always taken")
	list := with.list
	if named := r.chain.table.lookupSet(with.text); with.kind == exSetRef && named != nil {
		list = named.elements
	}
	var element firewall.SetElement
	if len(list) == 0 || list[0].right == nil || !r.mappedValue(&element, list[0].right, data) {
		r.fail(with.at, "", "a map with a target is expected here")
		return false
	}
	e.ToFrom, e.ToTo = element.Value, element.Value
	e.PortFrom, e.PortTo = element.ValuePort, element.ValuePort
	return true
}

// natPort evaluates the ports of a translation.
func (r *ruleBuilder) natPort(e *firewall.Effect, s *natStmt) bool {
	if !r.transport {
		r.fail(s.port.at, "write tcp dport ... or meta l4proto tcp before it", "transport protocol mapping is only valid after transport protocol match")
		return false
	}
	if s.port.kind == exMap {
		return r.lookupTarget(e, s, s.port.left, s.port.right, []typeRef{{name: "inet_service"}})
	}
	v, err := numberRange(typePort, s.port)
	if err != nil {
		r.valueError(err)
		return false
	}
	e.PortFrom, e.PortTo = uint16(v.Low), uint16(v.High)
	return true
}

// assign evaluates meta mark set, ct mark set, ct helper set and the like.
func (r *ruleBuilder) assign(s *assignStmt) {
	key := s.left.sel.key
	if strings.HasPrefix(key, "ct ") {
		r.rs.UsesConntrack = true
	}
	switch key {
	case "ct helper":
		r.setHelper(s)
	case "meta mark":
		r.setMark(s, firewall.SetMark)
	case "ct mark":
		r.setMark(s, firewall.SetCTMark)
	default:
		r.unmodelled(s.at, "setting "+key+" is not modelled")
	}
}

func (r *ruleBuilder) setHelper(s *assignStmt) {
	t := r.chain.table
	if h := t.helperNamed[s.right.text]; h != nil {
		r.effect(firewall.Effect{Kind: firewall.SetHelper, Text: h.decl.kind})
		return
	}
	hint := "declare it in the table: ct helper " + s.right.text + ` { type "ftp" protocol tcp; }`
	if near := r.nearest(s.right.text, len(t.helpers), func(i int) string { return t.helpers[i].name }); near != "" {
		hint = "did you mean " + near + "?"
	}
	r.fail(s.right.at, hint, noSuchFile)
}

// setMark evaluates a mark's new value: a number, the other mark, or the old value
// with bits changed.
func (r *ruleBuilder) setMark(s *assignStmt, kind firewall.EffectKind) {
	e := firewall.Effect{Kind: kind, Text: r.source(s.at)}
	other, copyKind := "ct mark", firewall.RestoreMark
	if kind == firewall.SetCTMark {
		other, copyKind = "meta mark", firewall.SaveMark
	}
	if s.right.kind == exSelector && s.right.sel.key == other {
		r.rs.UsesConntrack = true
		r.effect(firewall.Effect{Kind: copyKind, Text: e.Text})
		return
	}
	keep, set, ok := markBits(s.right, s.left.sel.key)
	if !ok {
		r.unmodelled(s.at, "this way of setting a mark is not modelled")
		return
	}
	e.Mask, e.Value = ^keep, set
	r.effect(e)
}

// markBits evaluates a mark's new value to the bits that it keeps of the old one and
// those that it sets.
func markBits(e *expr, own string) (keep, set uint32, ok bool) {
	if e.kind == exSelector {
		return 1<<32 - 1, 0, e.sel.key == own
	}
	if n, err := number(typeMark, e); err == nil {
		return 0, uint32(n), true
	}
	if e.kind != exBinary {
		return 0, 0, false
	}
	keep, set, ok = markBits(e.left, own)
	n, err := number(typeMark, e.right)
	if !ok || err != nil {
		return 0, 0, false
	}
	switch e.text {
	case "&":
		return keep & uint32(n), set & uint32(n), true
	case "|":
		return keep &^ uint32(n), set | uint32(n), true
	}
	return 0, 0, false
}
