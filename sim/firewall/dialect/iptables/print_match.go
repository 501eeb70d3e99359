package iptables

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/netfilter"
	"ftplab/sim/firewall/dialect/internal/text"
)

// choices says which conditions iptables cannot say in one rule.
func (s *section) choices(m *firewall.Match) [][]firewall.Match {
	switch {
	case m.Set != 0:
		return s.setChoices(m)
	case isStateList(m.AnyOf), isEitherPort(m.AnyOf), isNotICMP(m.AnyOf), m.Negate && len(m.AnyOf) == 0:
		return nil
	case len(m.AnyOf) > 0:
		return netfilter.Each(m.AnyOf)
	}
	var apart []firewall.Match
	switch m.Field {
	case firewall.SourceAddress, firewall.DestinationAddress:
		apart = addressChoices(m)
	case firewall.CTOriginalSource, firewall.CTOriginalDestination, firewall.CTReplySource, firewall.CTReplyDestination:
		for _, t := range m.Addresses {
			one := *m
			one.Addresses = []firewall.AddressTest{t}
			apart = append(apart, one)
		}
	case firewall.SourcePort, firewall.DestinationPort:
		apart = portChoices(m)
	case firewall.InInterface, firewall.OutInterface, firewall.HelperField:
		for _, name := range m.Names {
			one := *m
			one.Names = []string{name}
			apart = append(apart, one)
		}
	case firewall.Fragment, firewall.Family, firewall.Direction:
	default:
		apart = rangeChoices(m)
	}
	if len(apart) < 2 {
		return nil
	}
	return netfilter.Each(apart)
}

// rangeChoices takes ranges apart; those of protocols and ICMP, which iptables has
// one by one, into their values.
func rangeChoices(m *firewall.Match) []firewall.Match {
	single := m.Field == firewall.ProtocolField || m.Field == firewall.ICMPTypeField || m.Field == firewall.ICMPCodeField || m.Field == firewall.CTProtocol ||
		m.Field == firewall.DSCP || m.Field == firewall.Mark || m.Field == firewall.CTMark
	var apart []firewall.Match
	for _, r := range m.Ranges {
		if !single || r.High-r.Low >= netfilter.MaxAlternatives {
			one := *m
			one.Ranges = []firewall.Range{r}
			apart = append(apart, one)
			continue
		}
		for n := r.Low; n <= r.High; n++ {
			one := *m
			one.Ranges = []firewall.Range{{Low: n, High: n}}
			apart = append(apart, one)
		}
	}
	return apart
}

// maxSlots is what one -m multiport holds; a range takes two.
const maxSlots = 15

// portChoices takes ports apart into as many as -m multiport holds.
func portChoices(m *firewall.Match) []firewall.Match {
	var apart []firewall.Match
	slots := maxSlots
	for _, r := range m.Ranges {
		need := 1
		if r.Low != r.High {
			need = 2
		}
		if slots+need > maxSlots {
			one := *m
			one.Ranges = nil
			apart = append(apart, one)
			slots = 0
		}
		last := &apart[len(apart)-1]
		last.Ranges = append(last.Ranges, r)
		slots += need
	}
	return apart
}

// addressChoices takes ranges, of which -m iprange holds one, from prefixes, of which
// -s holds many.
func addressChoices(m *firewall.Match) []firewall.Match {
	prefixes := *m
	prefixes.Addresses = nil
	var apart []firewall.Match
	for _, t := range m.Addresses {
		if !t.From.IsValid() {
			prefixes.Addresses = append(prefixes.Addresses, t)
			continue
		}
		one := *m
		one.Addresses = []firewall.AddressTest{t}
		apart = append(apart, one)
	}
	if len(prefixes.Addresses) > 0 {
		apart = append(apart, prefixes)
	}
	return apart
}

// setChoices puts the elements of a set in the place of a condition on it.
func (s *section) setChoices(m *firewall.Match) [][]firewall.Match {
	set := &s.rs.Sets[m.Set-1]
	key := m.Key
	if len(key) == 0 {
		key = set.Key
	}
	if len(set.Elements) == 0 {
		return [][]firewall.Match{{{Field: firewall.Constant, Negate: !m.Negate, Text: m.Text}}}
	}
	if len(key) == 1 {
		one := firewall.Match{Field: key[0], Negate: m.Negate, Text: m.Text}
		for _, e := range set.Elements {
			one.Ranges = append(one.Ranges, e.Key[0].Ranges...)
			one.Addresses = append(one.Addresses, e.Key[0].Addresses...)
			one.Names = append(one.Names, e.Key[0].Names...)
			one.Mask = e.Key[0].Mask
			if e.Key[0].Mask != 0 { // exact values of flags
				exact := e.Key[0]
				exact.Field = key[0]
				one.AnyOf = append(one.AnyOf, exact)
			}
		}
		if again := s.choices(&one); again != nil {
			return again
		}
		return [][]firewall.Match{{one}}
	}
	if m.Negate {
		return [][]firewall.Match{{{Field: firewall.FieldNone, Text: m.Text}}} // condition says that it cannot be said
	}
	var all [][]firewall.Match
	for _, e := range set.Elements {
		var together []firewall.Match
		for k := range e.Key {
			one := e.Key[k]
			one.Field = key[k]
			together = append(together, one)
		}
		all = append(all, together)
	}
	return all
}

// isStateList reports whether alternatives are a state or a translation, a list to
// --ctstate.
func isStateList(alternatives []firewall.Match) bool {
	for _, m := range alternatives {
		translated := m.Field == firewall.Status && m.Mask&^uint32(firewall.StatusSNAT|firewall.StatusDNAT) == 0
		if !m.AnyBit || m.Negate || m.Field != firewall.State && !translated {
			return false
		}
	}
	return len(alternatives) > 0
}

// isEitherPort reports whether alternatives are the same ports of either direction,
// which --ports says.
func isEitherPort(alternatives []firewall.Match) bool {
	if len(alternatives) != 2 {
		return false
	}
	source, destination := alternatives[0], alternatives[1]
	return source.Field == firewall.SourcePort && destination.Field == firewall.DestinationPort && !source.Negate && !destination.Negate &&
		slices.Equal(source.Ranges, destination.Ranges) && len(portChoices(&source)) == 1
}

// isNotICMP reports whether alternatives are another ICMP type or another code, which
// is any but one type with its code.
func isNotICMP(alternatives []firewall.Match) bool {
	if len(alternatives) != 2 {
		return false
	}
	kind, code := alternatives[0], alternatives[1]
	return kind.Field == firewall.ICMPTypeField && code.Field == firewall.ICMPCodeField && kind.Negate && code.Negate &&
		isSingle(kind.Ranges) && isSingle(code.Ranges)
}

func isSingle(ranges []firewall.Range) bool {
	return len(ranges) == 1 && ranges[0].Low == ranges[0].High
}

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
	if absent := letter == 'i' && (w.chain.Hook == firewall.Output || w.chain.Hook == firewall.Postrouting) ||
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
