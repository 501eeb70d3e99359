package iptables

import (
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/text"
)

// states makes the condition of --state, and of --ctstate with its states of
// translation. A packet meets it if it is any of them.
func (r *ruleBuilder) states(u use) *text.Problem {
	r.rule.conntrack = true
	var state, status uint32
	for _, w := range splitList(u.args[0]) {
		switch strings.ToUpper(w.Text) {
		case "INVALID":
			state |= uint32(firewall.StateInvalid)
		case "NEW":
			state |= uint32(firewall.StateNew)
		case "ESTABLISHED":
			state |= uint32(firewall.StateEstablished)
		case "RELATED":
			state |= uint32(firewall.StateRelated)
		case "UNTRACKED":
			state |= uint32(firewall.StateUntracked)
		case "SNAT":
			status |= uint32(firewall.StatusSNAT)
		case "DNAT":
			status |= uint32(firewall.StatusDNAT)
		default:
			names := []string{"NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED", "SNAT", "DNAT"}
			p := text.At(w, "Bad %s \"%s\"", strings.TrimPrefix(u.option, "--"), w.Text)
			if near := text.Suggest(w.Text, names); near != "" {
				return p.WithHint("did you mean %s?", near)
			}
			return p.WithHint("the states are %s", strings.Join(names, ", "))
		}
	}
	stateMatch := firewall.Match{Field: firewall.State, Mask: state, AnyBit: true, Text: u.text()}
	statusMatch := firewall.Match{Field: firewall.Status, Mask: status, AnyBit: true, Text: u.text()}
	switch {
	case status == 0:
		r.condition(u, stateMatch)
	case state == 0:
		r.condition(u, statusMatch)
	case u.negate:
		r.condition(u, stateMatch)
		r.condition(u, statusMatch)
	default:
		r.condition(u, firewall.Match{AnyOf: []firewall.Match{stateMatch, statusMatch}})
	}
	return nil
}

// conntrack makes the conditions of -m conntrack.
func (r *ruleBuilder) conntrack(u use) *text.Problem {
	r.rule.conntrack = true
	w := u.args[0]
	switch u.option {
	case "--ctstate":
		return r.states(u)
	case "--ctproto":
		number, problem := protocolNumber(w)
		if problem == nil {
			r.condition(u, firewall.Match{Field: firewall.CTProtocol, Ranges: one(number)})
		}
		return problem
	case "--ctdir":
		switch w.Text {
		case "ORIGINAL":
			r.condition(u, firewall.Match{Field: firewall.Direction, Ranges: one(0)})
		case "REPLY":
			r.condition(u, firewall.Match{Field: firewall.Direction, Ranges: one(1)})
		default:
			return text.Expected("a direction", w, "ORIGINAL", "REPLY")
		}
		return nil
	case "--ctstatus":
		return r.ctStatus(u)
	case "--ctexpire":
		r.constant(u, "the rest of a connection's time is not looked at by rules", false)
		return nil
	}
	for _, known := range connectionFields {
		if known.option != u.option {
			continue
		}
		if known.port {
			ports, problem := portRange(w)
			if problem == nil {
				r.condition(u, firewall.Match{Field: known.field, Ranges: []firewall.Range{ports}})
			}
			return problem
		}
		t, problem := addressTest(w, r.family)
		if problem == nil {
			r.condition(u, firewall.Match{Field: known.field, Addresses: []firewall.AddressTest{t}})
		}
		return problem
	}
	return nil
}

// connectionFields are the options of -m conntrack on a connection's endpoints.
var connectionFields = [...]struct {
	option string
	field  firewall.Field
	port   bool
}{
	{"--ctorigsrc", firewall.CTOriginalSource, false}, {"--ctorigdst", firewall.CTOriginalDestination, false},
	{"--ctreplsrc", firewall.CTReplySource, false}, {"--ctrepldst", firewall.CTReplyDestination, false},
	{"--ctorigsrcport", firewall.CTOriginalSourcePort, true}, {"--ctorigdstport", firewall.CTOriginalDestinationPort, true},
	{"--ctreplsrcport", firewall.CTReplySourcePort, true}, {"--ctrepldstport", firewall.CTReplyDestinationPort, true},
}

func (r *ruleBuilder) ctStatus(u use) *text.Problem {
	names := []text.Name{{Name: "NONE", Number: 0}, {Name: "EXPECTED", Number: uint16(firewall.StatusExpected)}, {Name: "SEEN_REPLY", Number: uint16(firewall.StatusSeenReply)},
		{Name: "ASSURED", Number: uint16(firewall.StatusAssured)}, {Name: "CONFIRMED", Number: uint16(firewall.StatusConfirmed)}}
	var bits uint32
	for _, w := range splitList(u.args[0]) {
		n, ok := text.Lookup(names, w.Text)
		if !ok {
			return text.Expected("a status", w, text.Names(names)...)
		}
		bits |= uint32(n)
	}
	r.condition(u, firewall.Match{Field: firewall.Status, Mask: bits, AnyBit: true})
	return nil
}

// helper makes the condition of -m helper. The kernel knows a helper on another port
// as NAME-PORT.
func (r *ruleBuilder) helper(u use) {
	r.rule.conntrack = true
	name := u.args[0].Text
	if base, port, ok := strings.Cut(name, "-"); ok && port != "" && strings.Trim(port, "0123456789") == "" {
		r.warn(u.args[0], "the port of a helper is not looked at: %s is taken as %s", name, base)
		name = base
	}
	r.condition(u, firewall.Match{Field: firewall.HelperField, Names: []string{name}})
}
