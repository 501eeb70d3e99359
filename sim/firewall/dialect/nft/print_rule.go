package nft

import (
	"fmt"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/netfilter"
	"ftplab/sim/wire"
)

// printRules writes the rules of a chain.
func (p *printer) printRules(c *firewall.Chain, indent string) {
	for i := c.First; i < c.First+c.Count; i++ {
		r := &p.rs.Rules[i]
		alternatives := netfilter.Alternatives(r.Parts, p.choices)
		if alternatives == nil {
			p.leaveOut(r, indent, "its alternatives are too many for rules of their own")
			continue
		}
		for _, parts := range alternatives {
			w := ruleWriter{printer: p, chain: c, rule: r, indent: indent, family: familyNumber(c.Family)}
			w.write(parts)
		}
	}
}

func familyNumber(family string) uint8 {
	switch family {
	case "ip", "":
		return 4
	case "ip6":
		return 6
	}
	return 0
}

// leaveOut writes a comment in place of a rule.
func (p *printer) leaveOut(r *firewall.Rule, indent, why string) {
	p.cannot(firewall.Error, r.Line, "the rule cannot be said in nftables: %s", why)
	fmt.Fprintf(&p.out, "%s# left out: %s (%s)\n", indent, oneLine(r.Text), why)
}

// choices says which conditions nft cannot say as one.
func (p *printer) choices(m *firewall.Match) [][]firewall.Match {
	switch {
	case len(m.AnyOf) > 0:
		if isFlagSet(m.AnyOf) {
			return nil
		}
		return netfilter.Each(m.AnyOf)
	case len(m.Addresses) > 1 && m.Set == 0 && !m.Negate:
		return netfilter.Each(takenApart(m))
	}
	return nil
}

// isFlagSet reports whether alternatives are exact values of TCP flags, a set to nft.
func isFlagSet(alternatives []firewall.Match) bool {
	for _, m := range alternatives {
		if m.Field != firewall.TCPFlags || m.AnyBit || m.Negate || m.Mask != typeTCPFlags.allBits() {
			return false
		}
	}
	return true
}

// takenApart takes addresses apart into families, and wildcards with holes from the
// prefixes and ranges that a set can hold.
func takenApart(m *firewall.Match) []firewall.Match {
	if families := netfilter.ByFamily(m); families != nil {
		return families
	}
	plain, apart := *m, []firewall.Match(nil)
	plain.Addresses = nil
	for _, t := range m.Addresses {
		if isPlain(t) {
			plain.Addresses = append(plain.Addresses, t)
			continue
		}
		one := *m
		one.Addresses = []firewall.AddressTest{t}
		apart = append(apart, one)
	}
	if len(apart) == 0 {
		return nil
	}
	if len(plain.Addresses) > 0 {
		apart = append(apart, plain)
	}
	return apart
}

// ruleWriter writes one rule.
type ruleWriter struct {
	*printer
	chain    *firewall.Chain
	rule     *firewall.Rule
	indent   string
	words    []string
	family   uint8
	protocol wire.Protocol
	notes    []string
	// failure says why the rule cannot be said; never that it never matches.
	failure string
	never   bool
}

// write writes the rule that some parts make.
func (w *ruleWriter) write(parts []firewall.Part) {
	nat := false
	for i := 0; i < len(parts); i++ {
		part := parts[i]
		if part.Effect != nil {
			nat = nat || isTranslation(part.Effect.Kind)
			w.effect(part.Effect)
			if part.Effect.Map != 0 {
				w.learnKey(&w.rs.Sets[part.Effect.Map-1], part.Effect.Key)
			}
			continue
		}
		if w.networkProtocol(parts[i:]) {
			i++
			w.learn(parts[i].Match)
			continue
		}
		if w.implied(part.Match, parts[i+1:]) {
			w.learn(part.Match)
			continue
		}
		w.condition(part.Match)
		w.learn(part.Match)
	}
	verdict := w.verdict(nat)
	switch {
	case w.never:
		fmt.Fprintf(&w.out, "%s# never matches here: %s\n", w.indent, oneLine(w.rule.Text))
		return
	case w.failure != "":
		w.leaveOut(w.rule, w.indent, w.failure)
		return
	}
	for _, note := range w.notes {
		fmt.Fprintf(&w.out, "%s# left out: %s\n", w.indent, oneLine(note))
	}
	if verdict != "" {
		w.words = append(w.words, verdict)
	}
	if len(w.words) == 0 {
		w.words = append(w.words, "continue") // a rule needs a statement
	}
	if w.rule.Comment != "" {
		w.words = append(w.words, "comment "+quote(shorten(w.rule.Comment, 128)))
	}
	fmt.Fprintf(&w.out, "%s%s\n", w.indent, strings.Join(w.words, " "))
	w.closeBlock()
}

// closeBlock writes the rules of a chain in braces after the jump to it.
func (w *ruleWriter) closeBlock() {
	v := w.rule.Verdict
	if v.Kind != firewall.Jump && v.Kind != firewall.Goto || w.names[v.Chain] != "" {
		return
	}
	inner := &w.rs.Chains[v.Chain]
	w.printRules(inner, w.indent+"\t")
	fmt.Fprintf(&w.out, "%s}\n", w.indent)
}

func shorten(s string, longest int) string {
	if len(s) <= longest {
		return s
	}
	cut := longest
	for cut > 0 && s[cut]&0xc0 == 0x80 { // not within a character
		cut--
	}
	return s[:cut]
}

func isTranslation(k firewall.EffectKind) bool {
	return k == firewall.SNAT || k == firewall.DNAT || k == firewall.Masquerade || k == firewall.Redirect
}

// networkProtocol writes a condition on the family and one on the protocol after it as
// nft has them in one: ip protocol tcp.
func (w *ruleWriter) networkProtocol(parts []firewall.Part) bool {
	if len(parts) < 2 || parts[1].Match == nil || parts[1].Match.Field != firewall.ProtocolField || parts[0].Match.Field != firewall.Family || w.family != 0 {
		return false
	}
	m := *parts[1].Match
	family, ok := single(parts[0].Match)
	if !ok || m.Set != 0 || len(m.AnyOf) > 0 {
		return false
	}
	key := "ip protocol"
	if family == 6 {
		key = "ip6 nexthdr"
	}
	w.family = uint8(family)
	var values []string
	for _, r := range m.Ranges {
		values = append(values, rangeText(typeProtocol, r))
	}
	w.say("%s %s%s", key, operatorText(m.Negate), group(values))
	return true
}

// implied reports whether a condition on the protocol is one that the next condition
// implies in nft: tcp dport says that the packet is TCP.
func (w *ruleWriter) implied(m *firewall.Match, rest []firewall.Part) bool {
	n, ok := single(m)
	if m.Field != firewall.ProtocolField || !ok || len(rest) == 0 || rest[0].Match == nil {
		return false
	}
	protocol := wire.Protocol(n)
	next := rest[0].Match
	fields := next.Key
	if len(fields) == 0 {
		fields = []firewall.Field{next.Field}
	}
	if len(next.AnyOf) > 0 {
		fields = []firewall.Field{next.AnyOf[0].Field}
	}
	for _, f := range fields {
		switch f {
		case firewall.SourcePort, firewall.DestinationPort:
			return hasPorts(protocol)
		case firewall.TCPFlags:
			return protocol == wire.TCP
		case firewall.ICMPTypeField, firewall.ICMPCodeField:
			return protocol == wire.ICMP || protocol == wire.ICMPv6
		}
	}
	return false
}

func hasPorts(p wire.Protocol) bool {
	return p == wire.TCP || p == wire.UDP || p == 33 || p == 132 || p == 136
}

// learn notes what a condition says of the protocol and the family.
func (w *ruleWriter) learn(m *firewall.Match) {
	if m.Set != 0 {
		w.learnKey(&w.rs.Sets[m.Set-1], m.Key)
		return
	}
	n, ok := single(m)
	switch {
	case m.Field == firewall.ProtocolField && ok:
		w.protocol = wire.Protocol(n)
		if w.family == 0 && w.protocol == wire.ICMP {
			w.family = 4
		} else if w.family == 0 && w.protocol == wire.ICMPv6 {
			w.family = 6
		}
	case m.Field == firewall.Family && ok && w.family == 0:
		w.family = uint8(n)
	case m.Field == firewall.TCPFlags:
		w.protocol = wire.TCP
	case len(m.Addresses) > 0 && w.family == 0 && m.Set == 0:
		if w.family = 4; m.Addresses[0].Base.Is6() || m.Addresses[0].From.Is6() {
			w.family = 6
		}
	}
}

// learnKey notes the family of the addresses that are looked up in a set.
func (w *ruleWriter) learnKey(set *firewall.Set, key []firewall.Field) {
	for _, typ := range w.keyTypes(set, key) {
		switch {
		case w.family != 0:
		case typ == typeAddr4:
			w.family = 4
		case typ == typeAddr6:
			w.family = 6
		}
	}
}

func (w *ruleWriter) say(format string, args ...any) {
	w.words = append(w.words, fmt.Sprintf(format, args...))
}

func (w *ruleWriter) fail(format string, args ...any) {
	if w.failure == "" {
		w.failure = fmt.Sprintf(format, args...)
	}
}

// note leaves out a part that makes no difference here.
func (w *ruleWriter) note(what string) {
	w.notes = append(w.notes, what)
	w.cannot(firewall.Warning, w.rule.Line, "left out: %s", what)
}

// effect writes a side effect.
func (w *ruleWriter) effect(e *firewall.Effect) {
	switch e.Kind {
	case firewall.Count:
		w.say("counter")
	case firewall.Log:
		if e.Text == "" {
			w.say("log")
		} else {
			w.say("log prefix %s", quote(shorten(e.Text, 127)))
		}
	case firewall.NoTrack:
		w.say("notrack")
	case firewall.SetHelper:
		t := w.tables[w.table(w.chain)]
		w.say("ct helper set %s", quote(t.helper(e.Text, helperProtocol(w.rule, e.Text))))
	case firewall.SetMark:
		w.say("meta mark set %s", markValue("meta mark", e))
	case firewall.SetCTMark:
		w.say("ct mark set %s", markValue("ct mark", e))
	case firewall.SaveMark:
		w.say("ct mark set meta mark")
	case firewall.RestoreMark:
		w.say("meta mark set ct mark")
	case firewall.SNAT, firewall.DNAT, firewall.Masquerade, firewall.Redirect:
		w.translation(e)
	case firewall.VerdictMap:
		w.verdictMap(e)
	case firewall.NotModelled:
		if w.rs.Dialect == Name && isSelfContained(e.Text) {
			w.say("%s", e.Text)
		} else {
			w.note(e.Text)
		}
	}
}

// isSelfContained reports whether a statement needs no object or define beside it.
func isSelfContained(s string) bool {
	return !strings.ContainsAny(s, "@$") && !strings.Contains(s, " name ") && !strings.HasPrefix(s, "ct timeout") &&
		!strings.HasPrefix(s, "ct expectation") && !strings.Contains(s, "secmark") && !strings.Contains(s, "vmap") && !strings.Contains(s, " map ")
}

func markValue(own string, e *firewall.Effect) string {
	if e.Mask == 1<<32-1 {
		return fmt.Sprintf("0x%08x", e.Value)
	}
	if e.Value == 0 {
		return fmt.Sprintf("%s & 0x%08x", own, ^e.Mask)
	}
	return fmt.Sprintf("%s & 0x%08x | 0x%08x", own, ^e.Mask, e.Value)
}

// translation writes snat, dnat, masquerade or redirect.
func (w *ruleWriter) translation(e *firewall.Effect) {
	kind := map[firewall.EffectKind]string{firewall.SNAT: "snat", firewall.DNAT: "dnat", firewall.Masquerade: "masquerade", firewall.Redirect: "redirect"}[e.Kind]
	words := []string{kind}
	target := w.target(e)
	if target != "" {
		if w.chain.Family == "inet" && (e.Kind == firewall.SNAT || e.Kind == firewall.DNAT) {
			words = append(words, w.natFamily(e))
		}
		words = append(words, "to", target)
	}
	var flags []string
	if e.Random {
		flags = append(flags, "random")
	}
	if e.Persistent {
		flags = append(flags, "persistent")
	}
	if len(flags) > 0 {
		words = append(words, strings.Join(flags, ","))
	}
	w.say("%s", strings.Join(words, " "))
}

func (w *ruleWriter) natFamily(e *firewall.Effect) string {
	a := e.ToFrom
	if e.Map != 0 {
		for _, element := range w.rs.Sets[e.Map-1].Elements {
			a = element.Value
		}
	}
	if a.Is6() || !a.IsValid() && w.family == 6 {
		return "ip6"
	}
	return "ip"
}

// target writes the target of a translation.
func (w *ruleWriter) target(e *firewall.Effect) string {
	if e.Map != 0 {
		return w.mapTarget(e)
	}
	s := ""
	if e.ToFrom.IsValid() {
		s = e.ToFrom.String()
		if e.ToFrom.Is6() && e.PortFrom != 0 {
			s = "[" + s + "]"
		}
		if e.ToTo.IsValid() && e.ToTo != e.ToFrom {
			to := e.ToTo.String()
			if e.ToTo.Is6() && e.PortFrom != 0 {
				to = "[" + to + "]"
			}
			s += "-" + to
		}
	}
	if e.PortFrom != 0 {
		s += fmt.Sprintf(":%d", e.PortFrom)
		if e.PortTo != e.PortFrom && e.PortTo != 0 {
			s += fmt.Sprintf("-%d", e.PortTo)
		}
	}
	return s
}

// mapTarget writes a target that is looked up.
func (w *ruleWriter) mapTarget(e *firewall.Effect) string {
	set := &w.rs.Sets[e.Map-1]
	types := w.keyTypes(set, e.Key)
	s := w.keyText(e.Key, types) + " map "
	if w.isNamed(set) {
		s += "@" + set.Name
	} else {
		s += "{ " + strings.Join(w.elements(set, types, false), ", ") + " }"
	}
	if len(set.Elements) > 0 && !set.Elements[0].Value.IsValid() && set.Elements[0].ValuePort != 0 {
		return ":" + s
	}
	return s
}

// verdict writes the rule's verdict, "" for none.
func (w *ruleWriter) verdict(nat bool) string {
	v := w.rule.Verdict
	switch v.Kind {
	case firewall.Accept:
		if nat {
			return "" // a translation accepts
		}
		return "accept"
	case firewall.Drop:
		return "drop"
	case firewall.Reject:
		return w.reject(v.With)
	case firewall.Return:
		return "return"
	case firewall.Queue:
		return "queue"
	case firewall.Jump, firewall.Goto:
		word := "jump "
		if v.Kind == firewall.Goto {
			word = "goto "
		}
		if w.names[v.Chain] == "" {
			return word + "{"
		}
		return word + w.names[v.Chain]
	}
	return ""
}

// reject writes a reject and how it answers.
func (w *ruleWriter) reject(with firewall.RejectWith) string {
	if with == firewall.TCPReset {
		return "reject with tcp reset"
	}
	switch w.family {
	case 4:
		names := [...]string{firewall.ICMPNetUnreachable: "net-unreachable", firewall.ICMPHostUnreachable: "host-unreachable",
			firewall.ICMPProtoUnreachable: "prot-unreachable", firewall.ICMPNetProhibited: "net-prohibited", firewall.ICMPHostProhibited: "host-prohibited",
			firewall.ICMPAdminProhibited: "admin-prohibited", firewall.ICMPPortUnreachable: ""}
		if names[with] == "" {
			return "reject"
		}
		return "reject with icmp type " + names[with]
	case 6:
		return rejectNamed("icmpv6", [...]string{"no-route", "addr-unreachable", "admin-prohibited"}, with)
	}
	return rejectNamed("icmpx", [...]string{"no-route", "host-unreachable", "admin-prohibited"}, with)
}

// rejectNamed writes a reject of IPv6, or of both families, with the names of no
// route, unreachable host and prohibited.
func rejectNamed(typ string, names [3]string, with firewall.RejectWith) string {
	name := ""
	switch with {
	case firewall.ICMPNetUnreachable:
		name = names[0]
	case firewall.ICMPHostUnreachable:
		name = names[1]
	case firewall.ICMPNetProhibited, firewall.ICMPHostProhibited, firewall.ICMPAdminProhibited:
		name = names[2]
	default:
		return "reject"
	}
	return "reject with " + typ + " type " + name
}
