package nft

import (
	"fmt"
	"strings"

	"ftplab/sim/firewall"
)

// inSet writes a condition on a set.
func (w *ruleWriter) inSet(m *firewall.Match) {
	set := &w.rs.Sets[m.Set-1]
	types := w.keyTypes(set, m.Key)
	if w.isNamed(set) {
		w.say("%s %s@%s", w.keyText(m.Key, types), operatorText(m.Negate), set.Name)
		return
	}
	elements := w.elements(set, types, false)
	if len(elements) == 0 {
		w.never = w.never || !m.Negate
		return
	}
	w.say("%s %s{ %s }", w.keyText(m.Key, types), operatorText(m.Negate), strings.Join(elements, ", "))
}

func (w *ruleWriter) verdictMap(e *firewall.Effect) {
	set := &w.rs.Sets[e.Map-1]
	types := w.keyTypes(set, e.Key)
	if w.isNamed(set) {
		w.say("%s vmap @%s", w.keyText(e.Key, types), set.Name)
		return
	}
	w.say("%s vmap { %s }", w.keyText(e.Key, types), strings.Join(w.elements(set, types, true), ", "))
}

// keyTypes returns the types of a key: of a named set as it was declared, else of its
// fields and of the addresses it holds.
func (w *ruleWriter) keyTypes(set *firewall.Set, key []firewall.Field) []valueType {
	if set.Declaration != "" {
		types, _ := declaredTypes(set)
		return types
	}
	var types []valueType
	for i, f := range key {
		typ := w.fieldType(f)
		if typ == typeAddr4 && w.family == 6 {
			typ = typeAddr6
		}
		for _, e := range set.Elements {
			if typ != typeAddr4 || i >= len(e.Key) {
				break
			}
			for _, t := range e.Key[i].Addresses {
				if t.From.Is6() || t.Base.Is6() {
					typ = typeAddr6
				}
			}
		}
		types = append(types, typ)
	}
	return types
}

func (w *ruleWriter) fieldType(f firewall.Field) valueType {
	switch f {
	case firewall.SourceAddress, firewall.DestinationAddress, firewall.CTOriginalSource, firewall.CTOriginalDestination,
		firewall.CTReplySource, firewall.CTReplyDestination:
		return typeAddr4
	case firewall.InInterface, firewall.OutInterface:
		return typeInterface
	case firewall.State:
		return typeState
	case firewall.Status:
		return typeStatus
	case firewall.TCPFlags:
		return typeTCPFlags
	case firewall.Family:
		return typeFamily
	case firewall.HelperField:
		return typeHelper
	case firewall.AddressType:
		return typeAddressType
	}
	return w.numberType(f)
}

// keyText writes what is looked up.
func (w *ruleWriter) keyText(key []firewall.Field, types []valueType) string {
	var parts []string
	for i, f := range key {
		v6 := w.family == 6
		if i < len(types) && (types[i] == typeAddr4 || types[i] == typeAddr6) {
			v6 = types[i] == typeAddr6
		}
		switch {
		case f == firewall.AddressType:
			parts = append(parts, "fib daddr type")
		case f == firewall.Family && i < len(types) && types[i] == typeEtherType:
			parts = append(parts, "meta protocol")
		default:
			parts = append(parts, fieldKey(f, w.protocol, v6))
		}
	}
	return strings.Join(parts, " . ")
}

// elements writes the elements of a set whose fields have these types; verdicts says
// that it maps to verdicts.
func (p *printer) elements(set *firewall.Set, types []valueType, verdicts bool) []string {
	var all []string
	for i := range set.Elements {
		e := &set.Elements[i]
		keys := []string{""}
		for k := range e.Key {
			typ := typeOther
			if k < len(types) {
				typ = types[k]
			}
			values := elementValues(&e.Key[k], typ)
			keys = crossed(keys, values)
		}
		if isEverything(e.Key, types) {
			keys = []string{"*"}
		}
		for _, key := range keys {
			all = append(all, key+p.mapped(e, verdicts))
		}
	}
	return all
}

// crossed puts every value after every key.
func crossed(keys, values []string) []string {
	var all []string
	for _, key := range keys {
		for _, v := range values {
			if key != "" {
				v = key + " . " + v
			}
			all = append(all, v)
		}
	}
	return all
}

// isEverything reports whether a key is the catch-all.
func isEverything(key []firewall.Match, types []valueType) bool {
	for k := range key {
		if k >= len(types) || key[k].Text != "" {
			return false
		}
	}
	return len(key) > 0
}

// elementValues writes the values of one field of an element.
func elementValues(m *firewall.Match, typ valueType) []string {
	var values []string
	for _, t := range m.Addresses {
		values = append(values, addressText(t))
	}
	for _, name := range m.Names {
		switch typ {
		case typeInterface:
			name = quote(interfaceText(name))
		case typeHelper:
			name = quote(name)
		}
		values = append(values, name)
	}
	for _, r := range m.Ranges {
		switch {
		case typ == typeFamily:
			values = append(values, fmt.Sprintf("ipv%d", r.Low))
		case typ == typeEtherType:
			values = append(values, map[uint64]string{4: "ip", 6: "ip6"}[r.Low])
		default:
			values = append(values, rangeText(typ, r))
		}
	}
	if len(values) == 0 && typ.isFlags() {
		values = append(values, flagsText(typ, m.Bits))
	}
	return values
}

// mapped writes what an element maps to.
func (p *printer) mapped(e *firewall.SetElement, verdicts bool) string {
	switch v := e.Verdict; {
	case e.Value.IsValid() && e.ValuePort != 0:
		return fmt.Sprintf(" : %s . %d", e.Value, e.ValuePort)
	case e.Value.IsValid():
		return " : " + e.Value.String()
	case e.ValuePort != 0:
		return fmt.Sprintf(" : %d", e.ValuePort)
	case v.Kind == firewall.Jump:
		return " : jump " + p.names[v.Chain]
	case v.Kind == firewall.Goto:
		return " : goto " + p.names[v.Chain]
	case v.Kind != firewall.Continue:
		return " : " + [...]string{firewall.Accept: "accept", firewall.Drop: "drop", firewall.Return: "return", firewall.Reject: "", firewall.Queue: "queue"}[v.Kind]
	case verdicts:
		return " : continue"
	}
	return ""
}
