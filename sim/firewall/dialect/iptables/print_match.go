package iptables

import (
	"fmt"
	"net/netip"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/netfilter"
	"ftplab/sim/firewall/dialect/internal/text"
)

// say adds a match; connection says that it needs connection tracking.
func (w *ruleWriter) say(connection bool, format string, args ...any) {
	words := fmt.Sprintf(format, args...)
	w.matches = addMatch(w.matches, words)
	if !connection {
		w.early = addMatch(w.early, words)
	}
}

// addMatch adds a match to those of a rule; options of TCP and UDP go on in one match.
func addMatch(matches []string, words string) []string {
	if n := len(matches) - 1; n >= 0 {
		for _, module := range [...]string{"-m tcp ", "-m udp "} {
			options, ok := strings.CutPrefix(words, module)
			if option, _, _ := strings.Cut(strings.TrimPrefix(options, "! "), " "); ok && strings.HasPrefix(matches[n], module) && !strings.Contains(matches[n], option) {
				matches[n] += " " + options
				return matches
			}
		}
	}
	return append(matches, words)
}

func bang(negate bool) string {
	if negate {
		return "! "
	}
	return ""
}

// condition writes a condition.
func (w *ruleWriter) condition(m *firewall.Match) {
	if m.Field != firewall.ICMPCodeField {
		w.flushICMP()
	}
	switch m.Field {
	case firewall.FieldNone:
		w.disjunction(m.AnyOf)
	case firewall.Constant, firewall.RateLimit:
		w.constant(m)
	case firewall.Family:
		w.familyCondition(m)
	case firewall.ProtocolField:
		w.protocolCondition(m)
	case firewall.SourceAddress, firewall.DestinationAddress:
		w.addresses(m)
	case firewall.InInterface, firewall.OutInterface:
		w.interfaces(m)
	case firewall.SourcePort, firewall.DestinationPort:
		w.ports(m)
	case firewall.TCPFlags:
		w.flags(m)
	case firewall.Fragment:
		w.fragment(m)
	case firewall.ICMPTypeField, firewall.ICMPCodeField:
		w.icmp(m)
	default:
		w.connection(m)
	}
}

// disjunction writes the disjunctions that iptables has options for.
func (w *ruleWriter) disjunction(alternatives []firewall.Match) {
	switch {
	case isStateList(alternatives):
		w.say(true, "-m conntrack --ctstate %s", stateNames(alternatives...))
	case isEitherPort(alternatives):
		w.say(false, "-m multiport --ports %s", portList(alternatives[0].Ranges))
	case isNotICMP(alternatives):
		w.sayICMP(true, fmt.Sprintf("%d/%d", alternatives[0].Ranges[0].Low, alternatives[1].Ranges[0].Low))
	default:
		w.fail("several fields that are not in a set")
	}
}

// constant writes a condition that is known: in iptables' own words if they are its.
func (w *ruleWriter) constant(m *firewall.Match) {
	switch {
	case w.rs.Dialect == Name && m.Text != "" && !strings.HasPrefix(m.Text, "-m set "):
		words := m.Text
		if !strings.HasPrefix(words, "-m ") {
			words = ""
		}
		if words == "" {
			w.never = w.never || m.Negate
			return
		}
		w.say(false, "%s", words)
	case m.Negate:
		w.never = true
	case m.Field == firewall.RateLimit && limitText(m.Text) != "":
		w.say(false, "%s", limitText(m.Text))
	case m.Text != "":
		w.note(m.Text)
	}
}

// limitText writes a rate limit of nft, "" if the text is not one.
func limitText(s string) string {
	words := strings.Fields(s)
	if len(words) < 3 || words[0] != "limit" || words[1] != "rate" {
		return ""
	}
	count, unit, ok := strings.Cut(words[2], "/")
	if !ok || strings.Trim(count, "0123456789") != "" || unit != "second" && unit != "minute" && unit != "hour" && unit != "day" {
		return ""
	}
	limit := "-m limit --limit " + words[2]
	if len(words) >= 5 && words[3] == "burst" && strings.Trim(words[4], "0123456789") == "" {
		limit += " --limit-burst " + words[4]
	}
	return limit
}

func (w *ruleWriter) familyCondition(m *firewall.Match) {
	own := uint64(4)
	if w.family == "ip6" {
		own = 6
	}
	in := false
	for _, r := range m.Ranges {
		in = in || r.Low <= own && own <= r.High
	}
	w.never = w.never || in == m.Negate
}

func (w *ruleWriter) protocolCondition(m *firewall.Match) {
	if m.Negate && (len(m.Ranges) > 1 || w.base['p'] != "") {
		for _, r := range m.Ranges {
			for n := r.Low; n <= min(r.High, 255); n++ {
				w.exceptions = append(w.exceptions, "-p "+protocolText(n))
			}
		}
		return
	}
	for _, r := range m.Ranges {
		words := bang(m.Negate) + "-p " + protocolText(r.Low)
		switch {
		case w.base['p'] == "! "+words || "! "+w.base['p'] == words:
			w.never = true
		case r.Low == r.High && !m.Negate && strings.HasPrefix(w.base['p'], "! "):
			w.base['p'] = words // which is not the other protocol
		case r.Low != r.High || w.base['p'] != "" && w.base['p'] != words:
			w.fail("several conditions on the protocol")
		default:
			w.base['p'] = words
		}
	}
}

// protocolText names the protocols whose match has options, and numbers the others.
func protocolText(n uint64) string {
	switch n {
	case 1, 6, 17, 33, 132, 136:
		return text.NameOf(text.Protocols(), uint16(n))
	case 58:
		return "ipv6-icmp"
	}
	return fmt.Sprint(n)
}

// addressText writes a prefix or a mask; false for a range.
func addressText(t firewall.AddressTest) (string, bool) {
	if t.From.IsValid() {
		if t.From == t.To {
			return fmt.Sprintf("%s/%d", t.From, t.From.BitLen()), true
		}
		return "", false
	}
	if prefix, ok := text.PrefixOf(t); ok {
		return prefix.String(), true
	}
	return t.Base.String() + "/" + t.Care.String(), true
}

// isOwnFamily reports whether a test is for addresses of the section's family.
func (w *ruleWriter) isOwnFamily(t firewall.AddressTest) bool {
	a := t.Base
	if !a.IsValid() {
		a = t.From
	}
	return a.Is4() == (w.family == "ip")
}

func (w *ruleWriter) addresses(m *firewall.Match) {
	var own []firewall.AddressTest
	for _, t := range m.Addresses {
		if w.isOwnFamily(t) {
			own = append(own, t)
		}
	}
	if len(own) == 0 {
		w.never = true // a packet of this family does not have such an address
		return
	}
	letter, option := byte('s'), "--src-range"
	if m.Field == firewall.DestinationAddress {
		letter, option = 'd', "--dst-range"
	}
	var words []string
	for _, t := range own {
		if s, ok := addressText(t); ok {
			words = append(words, s)
		}
	}
	if len(words) == len(own) && w.base[letter] == "" && (len(own) == 1 || !m.Negate) {
		w.base[letter] = bang(m.Negate) + "-" + string(letter) + " " + strings.Join(words, ",")
		return
	}
	if len(own) > 1 && !m.Negate {
		w.fail("several conditions on one address")
		return
	}
	for _, t := range own {
		low, high, ok := bounds(t)
		if !ok {
			w.fail("several masks for one address")
			return
		}
		w.say(false, "-m iprange %s%s %s-%s", bang(m.Negate), option, low, high)
	}
}

// bounds returns the first and last address of a prefix or range.
func bounds(t firewall.AddressTest) (low, high netip.Addr, ok bool) {
	if t.From.IsValid() {
		return t.From, t.To, true
	}
	_, ok = text.PrefixOf(t)
	return t.Base, lastOf(t), ok
}

func (w *ruleWriter) interfaces(m *firewall.Match) {
	letter := byte('i')
	if m.Field == firewall.OutInterface {
		letter = 'o'
	}
	if letter == 'i' && w.chain.Hook == firewall.Postrouting {
		w.fail("POSTROUTING cannot be asked for the interface that a packet came in by")
		return
	}
	if absent := letter == 'i' && w.chain.Hook == firewall.Output ||
		letter == 'o' && (w.chain.Hook == firewall.Prerouting || w.chain.Hook == firewall.Input); absent {
		w.never = w.never || !m.Negate // a packet in this chain has no such interface
		return
	}
	several := m.Negate && (len(m.Names) > 1 || w.base[letter] != "")
	for _, name := range m.Names {
		name, prefix := netfilter.InterfaceName(name)
		literal := !prefix && strings.HasSuffix(name, "+")
		if prefix {
			name += "+"
		}
		switch {
		case literal:
			w.fail("an interface whose name ends in a plus sign")
		case name == "+": // any interface at all
			w.never = w.never || m.Negate
			return
		case len(name) > maxInterfaceName:
			w.fail("the interface name %s is longer than Linux has them (%d)", name, maxInterfaceName)
		case several:
			w.exceptions = append(w.exceptions, "-"+string(letter)+" "+quoteWord(name))
			continue
		case strings.HasPrefix(w.base[letter], "! "): // an exception from this prefix of names
			w.exceptions = append(w.exceptions, strings.TrimPrefix(w.base[letter], "! "))
		case w.base[letter] != "" || len(m.Names) > 1:
			w.fail("several conditions on one interface")
		}
		w.base[letter] = bang(m.Negate) + "-" + string(letter) + " " + quoteWord(name)
	}
}

// portText writes a port or a range of ports.
func portText(r firewall.Range) string {
	if r.Low == r.High {
		return fmt.Sprint(r.Low)
	}
	return fmt.Sprintf("%d:%d", r.Low, min(r.High, 65535))
}

func (w *ruleWriter) ports(m *firewall.Match) {
	module := protocolMatch(w.protocol, w.family)
	if module == nil || module.find("--dport") == nil {
		w.fail("ports without a protocol that has them")
		return
	}
	option := "--sport"
	if m.Field == firewall.DestinationPort {
		option = "--dport"
	}
	if len(m.Ranges) == 1 {
		w.say(false, "-m %s %s%s %s", module.name, bang(m.Negate), option, portText(m.Ranges[0]))
		return
	}
	for _, part := range portChoices(m) {
		w.say(false, "-m multiport %s%ss %s", bang(m.Negate), option, portList(part.Ranges))
	}
}

func portList(ranges []firewall.Range) string {
	var ports []string
	for _, r := range ranges {
		ports = append(ports, portText(r))
	}
	return strings.Join(ports, ",")
}

// flagNames writes TCP flags by their names.
func flagNames(bits uint32) string {
	if bits&63 == 0 {
		return "NONE"
	}
	var names []string
	for i, name := range [...]string{"FIN", "SYN", "RST", "PSH", "ACK", "URG"} {
		if bits&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}

func (w *ruleWriter) flags(m *firewall.Match) {
	if w.protocol != 6 {
		w.fail("TCP flags without -p tcp")
		return
	}
	mask, bits, negate := m.Mask&63, m.Bits, m.Negate
	switch {
	case m.AnyBit: // any bit set: not all of them clear
		bits, negate = 0, !negate
	case bits&^63 != 0: // bits that no packet here has
		w.never = w.never || !negate
		return
	}
	w.say(false, "-m tcp %s--tcp-flags %s %s", bang(negate), flagNames(mask), flagNames(bits))
}

func (w *ruleWriter) fragment(m *firewall.Match) {
	var has [3]bool
	for _, r := range m.Ranges {
		for kind := range has {
			has[kind] = has[kind] || r.Low <= uint64(kind) && uint64(kind) <= r.High
		}
	}
	if m.Negate {
		has = [3]bool{!has[0], !has[1], !has[2]}
	}
	switch {
	case has == [3]bool{true, true, true}:
	case w.family == "ip6":
		w.fail("fragments of IPv6")
	case has == [3]bool{false, false, true}:
		w.base['f'] = "-f"
	case has == [3]bool{true, true, false}:
		w.base['f'] = "! -f"
	default:
		w.fail("first fragments alone")
	}
}

// icmp writes a type, or keeps it until its code is known.
func (w *ruleWriter) icmp(m *firewall.Match) {
	if len(m.Ranges) != 1 || m.Ranges[0].Low != m.Ranges[0].High {
		if m.Negate && m.Field == firewall.ICMPTypeField { // none of several
			for _, one := range rangeChoices(m) {
				w.icmpType = &one
				w.flushICMP()
			}
			return
		}
		w.fail("several ICMP types or codes")
		return
	}
	if m.Field == firewall.ICMPTypeField {
		w.icmpType = m
		return
	}
	if w.icmpType == nil || w.icmpType.Negate {
		w.fail("an ICMP code without its type")
		return
	}
	kind := w.icmpType.Ranges[0].Low
	if m.Negate { // the type, but not with this code
		w.flushICMP()
	}
	w.icmpType = nil
	w.sayICMP(m.Negate, fmt.Sprintf("%d/%d", kind, m.Ranges[0].Low))
}

func (w *ruleWriter) flushICMP() {
	if w.icmpType != nil {
		w.sayICMP(w.icmpType.Negate, fmt.Sprint(w.icmpType.Ranges[0].Low))
		w.icmpType = nil
	}
}

func (w *ruleWriter) sayICMP(negate bool, words string) {
	switch {
	case w.family == "ip" && w.protocol == 1:
		w.say(false, "-m icmp %s--icmp-type %s", bang(negate), words)
	case w.family == "ip6" && w.protocol == 58:
		w.say(false, "-m icmp6 %s--icmpv6-type %s", bang(negate), words)
	case w.protocol == 1 || w.protocol == 58:
		w.never = true // the other family's
	default:
		w.fail("an ICMP type without its protocol")
	}
}

func (w *ruleWriter) ttl(m *firewall.Match) {
	module := "ttl"
	if w.family == "ip6" {
		module = "hl"
	}
	for _, r := range m.Ranges {
		switch {
		case r.Low == r.High:
			w.say(false, "-m %s %s--%s-eq %d", module, bang(m.Negate), module, r.Low)
		case m.Negate:
			w.fail("a negated range of the TTL")
		default:
			if r.Low > 0 {
				w.say(false, "-m %s --%s-gt %d", module, module, r.Low-1)
			}
			if r.High < 255 {
				w.say(false, "-m %s --%s-lt %d", module, module, r.High+1)
			}
		}
	}
}
