package iptables

import (
	"slices"
	"strings"

	"ftplab/sim/firewall"
)

// connection writes the conditions on a connection, and those on the rest of a header.
func (w *ruleWriter) connection(m *firewall.Match) {
	switch m.Field {
	case firewall.State, firewall.Status:
		w.state(m)
	case firewall.Direction:
		if len(m.Ranges) != 1 || m.Ranges[0].Low != m.Ranges[0].High {
			return // both directions
		}
		w.say(true, "-m conntrack --ctdir %s", map[bool]string{false: "ORIGINAL", true: "REPLY"}[(m.Ranges[0].Low == 1) != m.Negate])
	case firewall.HelperField:
		for _, name := range m.Names {
			w.say(true, "-m helper %s--helper %s", bang(m.Negate), quoteWord(name))
		}
	case firewall.Mark:
		w.mark(m, "mark", false)
	case firewall.CTMark:
		w.mark(m, "connmark", true)
	case firewall.CTProtocol:
		w.eachNumber(m, true, "-m conntrack %s--ctproto %d")
	case firewall.TTL:
		w.ttl(m)
	case firewall.Length:
		for _, r := range m.Ranges {
			w.say(false, "-m length %s--length %d:%d", bang(m.Negate), r.Low, min(r.High, 65535))
		}
	case firewall.DSCP:
		w.eachNumber(m, false, "-m dscp %s--dscp 0x%02x")
	case firewall.AddressType:
		option := "--dst-type"
		if m.Name == "source" {
			option = "--src-type"
		}
		names := m.Names
		if w.family == "ip6" { // which has no broadcasts
			names = slices.DeleteFunc(slices.Clone(names), func(s string) bool { return s == "broadcast" })
		}
		if len(names) == 0 {
			w.never = w.never || !m.Negate
			return
		}
		w.say(false, "-m addrtype %s%s %s", bang(m.Negate), option, strings.ToUpper(strings.Join(names, ",")))
	default:
		w.endpoint(m)
	}
}

// endpoint writes the conditions on a connection's endpoints.
func (w *ruleWriter) endpoint(m *firewall.Match) {
	for _, known := range connectionFields {
		if known.field != m.Field {
			continue
		}
		for _, r := range m.Ranges {
			w.say(true, "-m conntrack %s%s %s", bang(m.Negate), known.option, portText(r))
		}
		for _, t := range m.Addresses {
			words, ok := addressText(t)
			switch {
			case !w.isOwnFamily(t):
				w.never = true
			case !ok:
				w.fail("a range of addresses of a connection")
			}
			w.say(true, "-m conntrack %s%s %s", bang(m.Negate), known.option, words)
		}
		return
	}
	w.fail("a condition on the %s", m.Field)
}

// eachNumber writes a condition on single numbers: one of them, or none of several.
func (w *ruleWriter) eachNumber(m *firewall.Match, connection bool, format string) {
	for _, r := range m.Ranges {
		if r.Low != r.High {
			w.fail("a range of the %s", m.Field)
			return
		}
		w.say(connection, format, bang(m.Negate), r.Low)
	}
	if len(m.Ranges) > 1 && !m.Negate {
		w.fail("several values of the %s", m.Field)
	}
}

// stateNames writes states and translations as --ctstate lists them.
func stateNames(matches ...firewall.Match) string {
	var names []string
	for _, m := range matches {
		if m.Field == firewall.Status {
			if m.Mask&uint32(firewall.StatusSNAT) != 0 {
				names = append(names, "SNAT")
			}
			if m.Mask&uint32(firewall.StatusDNAT) != 0 {
				names = append(names, "DNAT")
			}
			continue
		}
		for _, s := range [...]firewall.CTState{firewall.StateInvalid, firewall.StateNew, firewall.StateRelated, firewall.StateEstablished, firewall.StateUntracked} {
			if m.Mask&uint32(s) != 0 {
				names = append(names, strings.ToUpper(s.String()))
			}
		}
	}
	return strings.Join(names, ",")
}

// state writes a condition on the state or status of a connection.
func (w *ruleWriter) state(m *firewall.Match) {
	plain := *m
	if !m.AnyBit { // exactly these bits of the mask
		switch {
		case m.Bits == 0 || m.Bits&^m.Mask != 0 || m.Field == firewall.State && m.Bits&(m.Bits-1) != 0:
			w.never = w.never || !m.Negate // no packet has two states, nor none
			return
		case m.Field == firewall.Status && m.Bits != m.Mask:
			w.fail("an exact status of a connection")
			return
		}
		plain.Mask = m.Bits
	}
	const translated = uint32(firewall.StatusSNAT | firewall.StatusDNAT)
	switch {
	case m.Field == firewall.State || plain.Mask&^translated == 0:
		w.say(true, "-m conntrack %s--ctstate %s", bang(m.Negate), stateNames(plain))
	case plain.Mask&translated != 0:
		w.fail("a translation and another status in one")
	default:
		var names []string
		for i, name := range [...]string{"EXPECTED", "SEEN_REPLY", "ASSURED", "CONFIRMED"} {
			if plain.Mask&(1<<i) != 0 {
				names = append(names, name)
			}
		}
		if len(names) == 0 {
			w.never = w.never || !m.Negate
			return
		}
		w.say(true, "-m conntrack %s--ctstatus %s", bang(m.Negate), strings.Join(names, ","))
	}
}

func (w *ruleWriter) mark(m *firewall.Match, module string, connection bool) {
	if len(m.Ranges) > 0 {
		w.eachNumber(m, connection, "-m "+module+" %s--mark 0x%x")
		return
	}
	value, negate := m.Bits, m.Negate
	if m.AnyBit {
		value, negate = 0, !negate
	}
	w.say(connection, "-m %s %s--mark 0x%x/0x%x", module, bang(negate), value, m.Mask)
}
