package nft

import (
	"fmt"

	"ftplab/sim/firewall"
)

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
