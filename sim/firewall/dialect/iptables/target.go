package iptables

import (
	"net/netip"
	"strconv"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/text"
)

// target makes the rule's side effects and its verdict. A rule without a target only
// counts.
func (r *ruleBuilder) target() *text.Problem {
	w := r.spec.target
	if w.Text == "" && len(r.spec.options) == 0 {
		return nil
	}
	if r.spec.isGoto {
		return r.call(firewall.Goto)
	}
	switch w.Text {
	case "ACCEPT":
		r.rule.Verdict.Kind = firewall.Accept
		return nil
	case "DROP":
		if r.table.name == "nat" {
			return text.At(w, "The \"nat\" table is not intended for filtering, the use of DROP is therefore inhibited.").WithHint("drop in the table filter")
		}
		r.rule.Verdict.Kind = firewall.Drop
		return nil
	case "RETURN":
		r.rule.Verdict.Kind = firewall.Return
		return nil
	case "QUEUE", "NFQUEUE":
		r.warn(w, "queueing to a program is not modelled: the packet is taken to be accepted")
		r.rule.Verdict.Kind = firewall.Queue
		return nil
	}
	if r.spec.module == nil {
		return r.call(firewall.Jump)
	}
	return r.moduleTarget()
}

// call jumps or goes to a chain.
func (r *ruleBuilder) call(kind firewall.VerdictKind) *text.Problem {
	w := r.spec.target
	target := r.table.chain(w.Text)
	if target == nil {
		p := text.At(w, "Chain '%s' does not exist", w.Text)
		candidates := append([]string{"ACCEPT", "DROP", "RETURN"}, moduleNames(targetModules)...)
		if near := text.Suggest(w.Text, append(candidates, r.table.chainNames()...)); near != "" {
			return p.WithHint("did you mean %s?", near)
		}
		return p.WithHint("%s is neither a target nor a chain of the table %s; make a chain with -N %s", w.Text, r.table.name, w.Text)
	}
	if target.hook != firewall.HookNone {
		return text.At(w, "a rule cannot call the built-in chain %s", w.Text)
	}
	r.rule.Verdict.Kind, r.rule.target = kind, target
	return nil
}

// option returns an option of the target as it was used, false if it was not.
func (r *ruleBuilder) option(name string) (use, bool) {
	for _, u := range r.spec.options {
		if u.option == name {
			return u, true
		}
	}
	return use{}, false
}

// moduleTarget makes what a target module does.
func (r *ruleBuilder) moduleTarget() *text.Problem {
	m := r.spec.module
	switch m.name {
	case "REJECT":
		return r.reject()
	case "LOG", "NFLOG", "ULOG":
		r.log()
	case "CT", "NOTRACK":
		return r.connectionTarget()
	case "SNAT", "DNAT", "MASQUERADE", "REDIRECT":
		return r.nat(m.name)
	case "NETMAP":
		return r.netmap()
	case "MARK":
		return r.setMark(firewall.SetMark)
	case "CONNMARK":
		return r.setConnectionMark()
	default:
		r.warn(r.spec.target, "-j %s: %s", m.name, m.why)
		r.effect(firewall.Effect{Kind: firewall.NotModelled, Text: r.targetText()})
	}
	return nil
}

// targetText is the target as it was written.
func (r *ruleBuilder) targetText() string {
	words := "-j " + r.spec.target.Text
	for _, u := range r.spec.options {
		words += " " + u.text()
	}
	return words
}

// onlyIn refuses a target in other tables and chains than those it is made for.
func (r *ruleBuilder) onlyIn(tables, chains string) *text.Problem {
	if !hasWord(tables, r.table.name) {
		return text.At(r.spec.target, "the target %s is only valid in the table %s, not %s", r.spec.target.Text, strings.ReplaceAll(tables, " ", " or "), r.table.name).
			WithHint("name it with -t %s", strings.Fields(tables)[0])
	}
	if chains != "" && r.chain.hook != firewall.HookNone && !hasWord(chains, r.chain.name) {
		return text.At(r.spec.target, "the target %s is not valid in the chain %s", r.spec.target.Text, r.chain.name).
			WithHint("it is valid in %s", strings.ReplaceAll(chains, " ", ", "))
	}
	return nil
}

// rejectKinds are the answers of REJECT, for IPv4 and IPv6.
var rejectKinds = [...]struct {
	name, alias, family string
	with                firewall.RejectWith
}{
	{"icmp-port-unreachable", "port-unreach", "ip", firewall.ICMPPortUnreachable}, {"icmp-net-unreachable", "net-unreach", "ip", firewall.ICMPNetUnreachable},
	{"icmp-host-unreachable", "host-unreach", "ip", firewall.ICMPHostUnreachable}, {"icmp-proto-unreachable", "proto-unreach", "ip", firewall.ICMPProtoUnreachable},
	{"icmp-net-prohibited", "net-prohib", "ip", firewall.ICMPNetProhibited}, {"icmp-host-prohibited", "host-prohib", "ip", firewall.ICMPHostProhibited},
	{"icmp-admin-prohibited", "admin-prohib", "ip", firewall.ICMPAdminProhibited}, {"tcp-reset", "tcp-rst", "ip", firewall.TCPReset},
	{"icmp6-port-unreachable", "port-unreach", "ip6", firewall.ICMPPortUnreachable}, {"icmp6-no-route", "no-route", "ip6", firewall.ICMPNetUnreachable},
	{"icmp6-adm-prohibited", "adm-prohibited", "ip6", firewall.ICMPAdminProhibited}, {"icmp6-addr-unreachable", "addr-unreach", "ip6", firewall.ICMPHostUnreachable},
	{"tcp-reset", "tcp-rst", "ip6", firewall.TCPReset}, {"icmp6-policy-fail", "policy-fail", "ip6", firewall.ICMPAdminProhibited},
	{"icmp6-reject-route", "reject-route", "ip6", firewall.ICMPNetUnreachable},
}

func (r *ruleBuilder) reject() *text.Problem {
	if problem := r.onlyIn("filter", "INPUT FORWARD OUTPUT"); problem != nil {
		return problem
	}
	r.rule.Verdict.Kind = firewall.Reject
	u, ok := r.option("--reject-with")
	if !ok {
		return nil
	}
	var names []string
	for _, k := range rejectKinds {
		if k.family != r.family {
			continue
		}
		names = append(names, k.name)
		if w := u.args[0]; k.name == w.Text || k.alias == w.Text {
			if k.with == firewall.TCPReset && r.protocol != 6 {
				return text.At(w, "tcp-reset is only valid with -p tcp").WithHint("add -p tcp to the rule")
			}
			r.rule.Verdict.With = k.with
			return nil
		}
	}
	p := text.At(u.args[0], "unknown reject type \"%s\"", u.args[0].Text)
	if near := text.Suggest(u.args[0].Text, names); near != "" {
		return p.WithHint("did you mean %s?", near)
	}
	return p.WithHint("known are %s", strings.Join(names, ", "))
}

func (r *ruleBuilder) log() {
	e := firewall.Effect{Kind: firewall.Log}
	for _, name := range [...]string{"--log-prefix", "--nflog-prefix", "--ulog-prefix"} {
		if u, ok := r.option(name); ok {
			e.Text = u.args[0].Text
		}
	}
	const longest = 29
	if r.spec.target.Text == "LOG" && len(e.Text) > longest {
		e.Text = e.Text[:longest]
	}
	r.effect(e)
}

// connectionTarget makes CT and NOTRACK.
func (r *ruleBuilder) connectionTarget() *text.Problem {
	if problem := r.onlyIn("raw", ""); problem != nil {
		return problem.WithHint("helpers and tracking are chosen before connection tracking: -t raw -A PREROUTING")
	}
	if _, ok := r.option("--notrack"); ok || r.spec.module.name == "NOTRACK" {
		r.effect(firewall.Effect{Kind: firewall.NoTrack})
		return nil
	}
	r.rule.conntrack = true
	if _, ok := r.option("--helper"); !ok {
		r.warn(r.spec.target, "-j CT without a helper is not modelled")
		r.effect(firewall.Effect{Kind: firewall.NotModelled, Text: r.targetText()})
		return nil
	}
	for _, u := range r.spec.options {
		if u.option != "--helper" {
			r.warn(u.word, "%s of a connection is not modelled", strings.TrimPrefix(u.option, "--"))
			continue
		}
		if r.protocol == 0 {
			return text.At(u.word, "You must specify a L4 protocol").WithHint("add -p tcp --dport 21 to the rule")
		}
		name := u.args[0]
		if name.Text != "ftp" {
			r.warn(name, "the connection tracking helper \"%s\" is not modelled: it expects no connections", name.Text)
		}
		r.effect(firewall.Effect{Kind: firewall.SetHelper, Text: name.Text})
	}
	return nil
}

// nat makes the four translations.
func (r *ruleBuilder) nat(name string) *text.Problem {
	e := firewall.Effect{Text: r.targetText()}
	chains, option := "", ""
	switch name {
	case "SNAT":
		e.Kind, chains, option = firewall.SNAT, "INPUT POSTROUTING", "--to-source"
	case "DNAT":
		e.Kind, chains, option = firewall.DNAT, "PREROUTING OUTPUT", "--to-destination"
	case "MASQUERADE":
		e.Kind, chains = firewall.Masquerade, "POSTROUTING"
	case "REDIRECT":
		e.Kind, chains = firewall.Redirect, "PREROUTING OUTPUT"
	}
	if problem := r.onlyIn("nat", chains); problem != nil {
		return problem
	}
	for _, u := range r.spec.options {
		var problem *text.Problem
		switch u.option {
		case "--random", "--random-fully":
			e.Random = true
		case "--persistent":
			e.Persistent = true
		case "--to-ports":
			e.PortFrom, e.PortTo, problem = r.natPorts(u.args[0], strings.Replace(u.args[0].Text, ":", "-", 1))
		default:
			problem = r.natTarget(&e, u.args[0])
		}
		if problem != nil {
			return problem
		}
	}
	if option != "" && !e.ToFrom.IsValid() && e.PortFrom == 0 {
		return text.At(r.spec.target, "You must specify %s", option)
	}
	r.rule.Verdict.Kind = firewall.Accept
	r.effect(e)
	return nil
}

// natTarget reads [ADDRESS[-ADDRESS]][:PORT[-PORT]], an IPv6 address in brackets if a
// port follows.
func (r *ruleBuilder) natTarget(e *firewall.Effect, w text.Word) *text.Problem {
	if e.ToFrom.IsValid() || e.PortFrom != 0 {
		return text.At(w, "Multiple targets are not supported").WithHint("write a range: 10.0.0.1-10.0.0.9")
	}
	addresses, ports := w.Text, ""
	if r.family == "ip" {
		addresses, ports, _ = strings.Cut(w.Text, ":")
	} else if strings.HasPrefix(w.Text, "[") {
		inner, rest, closed := strings.Cut(w.Text[1:], "]")
		if !closed || rest != "" && rest[0] != ':' {
			return text.At(w, "Invalid IP address \"%s\"", w.Text).WithHint("write [ADDRESS]:PORT")
		}
		addresses, ports = inner, strings.TrimPrefix(rest, ":")
	}
	if addresses != "" {
		t, problem := addressRange(text.Word{Text: addresses, Column: w.Column}, r.family)
		switch {
		case problem != nil:
			return problem
		case t.To.Less(t.From):
			return text.At(w, "Bad IP address \"%s\"", addresses).WithHint("write the lower address first")
		}
		e.ToFrom, e.ToTo = t.From, t.To
	}
	if ports == "" {
		return nil
	}
	var problem *text.Problem
	e.PortFrom, e.PortTo, problem = r.natPorts(w, ports)
	return problem
}

// natPorts reads PORT[-PORT].
func (r *ruleBuilder) natPorts(w text.Word, ports string) (from, to uint16, problem *text.Problem) {
	switch r.protocol {
	case 6, 17, 33, 132:
	default:
		return 0, 0, text.At(w, "Need TCP, UDP, SCTP or DCCP with port specification").WithHint("add -p tcp before the target")
	}
	ports, _, _ = strings.Cut(ports, "/") // the base of shifted ranges
	low, high, isRange := strings.Cut(ports, "-")
	first, problem := portNumber(text.Word{Text: low, Column: w.Column})
	if problem != nil {
		return 0, 0, problem
	}
	last := first
	if isRange {
		if last, problem = portNumber(text.Word{Text: high, Column: w.Column}); problem != nil {
			return 0, 0, problem
		}
	}
	if first == 0 || last < first {
		return 0, 0, text.At(w, "Port `%s' not valid", ports).WithHint("ports are 1 to 65535, the lower one first")
	}
	return uint16(first), uint16(last), nil
}

// netmap makes NETMAP, whose one-to-one mapping is only that of a single address.
func (r *ruleBuilder) netmap() *text.Problem {
	if problem := r.onlyIn("nat", ""); problem != nil {
		return problem
	}
	u, ok := r.option("--to")
	if !ok {
		return text.At(r.spec.target, "You must specify --to")
	}
	t, problem := addressTest(u.args[0], r.family)
	if problem != nil {
		return problem
	}
	r.warn(r.spec.target, "translating a network address by address is not modelled: any address of the prefix is taken")
	e := firewall.Effect{Kind: firewall.DNAT, Text: r.targetText(), ToFrom: t.Base, ToTo: lastOf(t)}
	if r.chain.hook == firewall.Postrouting || r.chain.hook == firewall.Input {
		e.Kind = firewall.SNAT
	}
	r.rule.Verdict.Kind = firewall.Accept
	r.effect(e)
	return nil
}

// setMark makes MARK, and the part of CONNMARK that sets bits.
func (r *ruleBuilder) setMark(kind firewall.EffectKind) *text.Problem {
	for _, u := range r.spec.options {
		w := text.Word{}
		if len(u.args) > 0 {
			w = u.args[0]
		}
		e := firewall.Effect{Kind: kind, Text: r.targetText()}
		switch u.option {
		case "--set-mark", "--set-xmark":
			value, mask, problem := markMask(w)
			if problem != nil {
				return problem
			}
			if u.option == "--set-mark" {
				mask |= value
			}
			if value&^mask != 0 {
				return r.oddMark(u)
			}
			e.Value, e.Mask = value, mask
		case "--or-mark", "--and-mark", "--xor-mark":
			n, err := strconv.ParseUint(w.Text, 0, 32)
			if err != nil {
				return text.At(w, "Bad mark value \"%s\"", w.Text)
			}
			switch u.option {
			case "--or-mark":
				e.Value, e.Mask = uint32(n), uint32(n)
			case "--and-mark":
				e.Mask = ^uint32(n)
			default:
				return r.oddMark(u)
			}
		default:
			continue
		}
		r.effect(e)
		return nil
	}
	return text.At(r.spec.target, "no action specified").WithHint("write --set-mark VALUE")
}

func (r *ruleBuilder) oddMark(u use) *text.Problem {
	r.warn(u.word, "flipping bits of a mark is not modelled")
	r.effect(firewall.Effect{Kind: firewall.NotModelled, Text: r.targetText()})
	return nil
}

func (r *ruleBuilder) setConnectionMark() *text.Problem {
	r.rule.conntrack = true
	kind := firewall.Count
	if _, ok := r.option("--save-mark"); ok {
		kind = firewall.SaveMark
	}
	if _, ok := r.option("--restore-mark"); ok {
		kind = firewall.RestoreMark
	}
	if kind == firewall.Count {
		return r.setMark(firewall.SetCTMark)
	}
	for _, u := range r.spec.options {
		if len(u.args) == 0 {
			continue
		}
		if n, err := strconv.ParseUint(u.args[0].Text, 0, 32); err != nil || n != 1<<32-1 {
			r.warn(u.word, "masks of saved marks are not modelled: the whole mark is copied")
		}
	}
	r.effect(firewall.Effect{Kind: kind, Text: r.targetText()})
	return nil
}

// lastOf returns the last address of a prefix.
func lastOf(t firewall.AddressTest) netip.Addr {
	octets, care := t.Base.AsSlice(), t.Care.AsSlice()
	for i := range octets {
		octets[i] |= ^care[i]
	}
	last, _ := netip.AddrFromSlice(octets)
	return last
}
