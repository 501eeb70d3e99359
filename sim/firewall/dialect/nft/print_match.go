package nft

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/netfilter"
	"ftplab/sim/firewall/dialect/internal/text"
	"ftplab/sim/wire"
)

// condition writes a condition.
func (w *ruleWriter) condition(m *firewall.Match) {
	switch {
	case m.Set != 0:
		w.inSet(m)
	case len(m.AnyOf) > 0: // exact values of TCP flags
		var values []string
		for _, alternative := range m.AnyOf {
			values = append(values, flagsText(typeTCPFlags, alternative.Bits))
		}
		w.say("tcp flags { %s }", strings.Join(values, ", "))
	default:
		w.plain(m)
	}
}

// plain writes a condition on one field without sets.
func (w *ruleWriter) plain(m *firewall.Match) {
	switch m.Field {
	case firewall.Constant, firewall.RateLimit, firewall.FieldNone:
		w.constant(m)
	case firewall.SourceAddress, firewall.DestinationAddress, firewall.CTOriginalSource, firewall.CTOriginalDestination,
		firewall.CTReplySource, firewall.CTReplyDestination:
		w.addresses(m)
	case firewall.InInterface, firewall.OutInterface:
		w.interfaces(m)
	case firewall.TCPFlags, firewall.State, firewall.Status:
		w.flags(m)
	case firewall.HelperField:
		w.nameList(m, "ct helper", true)
	case firewall.AddressType:
		key := "fib daddr type"
		if m.Name == "source" {
			key = "fib saddr type"
		}
		w.nameList(m, key, false)
	case firewall.Fragment:
		w.fragment(m)
	case firewall.Family:
		w.familyCondition(m)
	case firewall.Mark, firewall.CTMark:
		w.mark(m)
	default:
		w.numbers(m)
	}
}

// constant writes a condition that is known: in nft's own words if they are nft's.
func (w *ruleWriter) constant(m *firewall.Match) {
	own := w.rs.Dialect == Name && m.Text != "" && isSelfContained(m.Text)
	switch {
	case own:
		w.say("%s", m.Text)
	case m.Negate:
		w.never = true
	case m.Field == firewall.RateLimit && limitText(m.Text) != "":
		w.say("%s", limitText(m.Text))
	case m.Text != "":
		w.note(m.Text)
	}
}

// limitText writes a rate limit of iptables, "" if the text is not one.
func limitText(s string) string {
	words := strings.Fields(s)
	rate, burst := "3/hour", "5"
	for i, word := range words {
		switch {
		case i+1 == len(words):
		case word == "--limit":
			rate = words[i+1]
		case word == "--limit-burst":
			burst = words[i+1]
		}
	}
	count, unit, _ := strings.Cut(rate, "/")
	if _, err := strconv.ParseUint(count, 10, 32); err != nil || !strings.HasPrefix(s, "-m limit") {
		return ""
	}
	for _, whole := range [...]string{"second", "minute", "hour", "day"} {
		if unit != "" && strings.HasPrefix(whole, unit) {
			return "limit rate " + count + "/" + whole + " burst " + burst + " packets"
		}
	}
	return ""
}

func operatorText(negate bool) string {
	if negate {
		return "!= "
	}
	return ""
}

// group writes one value alone and several as a set.
func group(values []string) string {
	if len(values) == 1 {
		return values[0]
	}
	return "{ " + strings.Join(values, ", ") + " }"
}

// isPlain reports whether an address test is a prefix or a range.
func isPlain(t firewall.AddressTest) bool {
	if t.From.IsValid() {
		return true
	}
	_, ok := text.PrefixOf(t)
	return ok
}

// addressText writes a prefix or a range.
func addressText(t firewall.AddressTest) string {
	if t.From.IsValid() {
		if t.To == t.From {
			return t.From.String()
		}
		return t.From.String() + "-" + t.To.String()
	}
	prefix, _ := text.PrefixOf(t)
	if prefix.IsSingleIP() {
		return prefix.Addr().String()
	}
	return prefix.String()
}

// fieldKey is how nft names a field of the packet; v6 chooses between ip and ip6.
func fieldKey(f firewall.Field, protocol wire.Protocol, v6 bool) string {
	ip := "ip"
	if v6 {
		ip = "ip6"
	}
	header := "th"
	if hasPorts(protocol) {
		header = protocolName(protocol)
	}
	icmp := "icmp"
	if protocol == wire.ICMPv6 || protocol != wire.ICMP && v6 {
		icmp = "icmpv6"
	}
	switch f {
	case firewall.SourceAddress:
		return ip + " saddr"
	case firewall.DestinationAddress:
		return ip + " daddr"
	case firewall.CTOriginalSource:
		return "ct original " + ip + " saddr"
	case firewall.CTOriginalDestination:
		return "ct original " + ip + " daddr"
	case firewall.CTReplySource:
		return "ct reply " + ip + " saddr"
	case firewall.CTReplyDestination:
		return "ct reply " + ip + " daddr"
	case firewall.SourcePort:
		return header + " sport"
	case firewall.DestinationPort:
		return header + " dport"
	case firewall.ICMPTypeField:
		return icmp + " type"
	case firewall.ICMPCodeField:
		return icmp + " code"
	case firewall.TTL:
		if v6 {
			return "ip6 hoplimit"
		}
		return "ip ttl"
	case firewall.DSCP:
		return ip + " dscp"
	}
	return plainKey(f)
}

// plainKey is how nft names the fields that do not depend on a protocol.
func plainKey(f firewall.Field) string {
	switch f {
	case firewall.ProtocolField:
		return "meta l4proto"
	case firewall.Family:
		return "meta nfproto"
	case firewall.TCPFlags:
		return "tcp flags"
	case firewall.State:
		return "ct state"
	case firewall.Status:
		return "ct status"
	case firewall.Direction:
		return "ct direction"
	case firewall.HelperField:
		return "ct helper"
	case firewall.Mark:
		return "meta mark"
	case firewall.CTMark:
		return "ct mark"
	case firewall.CTProtocol:
		return "ct protocol"
	case firewall.CTOriginalSourcePort:
		return "ct original proto-src"
	case firewall.CTOriginalDestinationPort:
		return "ct original proto-dst"
	case firewall.CTReplySourcePort:
		return "ct reply proto-src"
	case firewall.CTReplyDestinationPort:
		return "ct reply proto-dst"
	case firewall.InInterface:
		return "iifname"
	case firewall.OutInterface:
		return "oifname"
	case firewall.Length:
		return "meta length"
	}
	return ""
}

func (w *ruleWriter) addresses(m *firewall.Match) {
	v6 := false
	var values []string
	for _, t := range m.Addresses {
		v6 = t.From.Is6() || t.Base.Is6()
		if isPlain(t) {
			values = append(values, addressText(t))
			continue
		}
		if len(m.Addresses) > 1 { // only of negated conditions: not one and not the other
			for _, t := range m.Addresses {
				one := *m
				one.Addresses = []firewall.AddressTest{t}
				w.addresses(&one)
			}
			return
		}
		op := "=="
		if m.Negate {
			op = "!="
		}
		w.say("%s & %s %s %s", fieldKey(m.Field, w.protocol, v6), t.Care, op, t.Base)
		return
	}
	if v6 && w.family == 4 || !v6 && w.family == 6 {
		w.never = true // an address of the other family
		return
	}
	w.say("%s %s%s", fieldKey(m.Field, w.protocol, v6), operatorText(m.Negate), group(values))
}

func (w *ruleWriter) interfaces(m *firewall.Match) {
	var values []string
	for _, name := range m.Names {
		name = interfaceText(name)
		if name == "*" { // any interface at all
			w.never = w.never || m.Negate
			return
		}
		if len(name) > maxInterfaceName {
			w.fail("the interface name %s is longer than Linux has them (%d)", name, maxInterfaceName)
		}
		values = append(values, quote(name))
	}
	w.say("%s %s%s", fieldKey(m.Field, 0, false), operatorText(m.Negate), group(values))
}

// interfaceText writes the name of an interface, or a prefix of names, as nft does.
func interfaceText(name string) string {
	base, prefix := netfilter.InterfaceName(name)
	if prefix {
		return base + "*"
	}
	if literal, ok := strings.CutSuffix(base, "*"); ok {
		return literal + `\*`
	}
	return base
}

// flagsText writes bits by their names.
func flagsText(typ valueType, bits uint32) string {
	var names []string
	switch typ {
	case typeState:
		for _, s := range [...]firewall.CTState{firewall.StateEstablished, firewall.StateRelated, firewall.StateNew, firewall.StateInvalid, firewall.StateUntracked} {
			if bits&uint32(s) != 0 {
				names = append(names, s.String())
			}
		}
	default:
		_, known, _ := typ.info()
		for _, n := range known {
			if bits&uint32(n.Number) != 0 {
				names = append(names, n.Name)
			}
		}
	}
	if len(names) == 0 {
		return "0x0"
	}
	return strings.Join(names, " | ")
}

// flags writes a condition on TCP flags, the state or the status.
func (w *ruleWriter) flags(m *firewall.Match) {
	typ := map[firewall.Field]valueType{firewall.TCPFlags: typeTCPFlags, firewall.State: typeState, firewall.Status: typeStatus}[m.Field]
	key := plainKey(m.Field)
	list := strings.ReplaceAll(flagsText(typ, m.Mask), " | ", ",")
	op := "=="
	if m.Negate {
		op = "!="
	}
	switch {
	case m.AnyBit && m.Mask == 0:
		w.never = w.never || !m.Negate
	case m.AnyBit && typ == typeState && m.Negate:
		w.say("ct state != %s", group(strings.Split(list, ",")))
	case m.AnyBit && m.Negate:
		w.say("%s ! %s", key, list)
	case m.AnyBit:
		w.say("%s %s", key, list)
	case m.Mask == typ.allBits() && typ != typeTCPFlags:
		w.say("%s %s %s", key, op, strings.ReplaceAll(flagsText(typ, m.Bits), " | ", ","))
	case m.Mask == typ.allBits():
		w.say("%s %s %s", key, op, parenthesised(flagsText(typ, m.Bits)))
	default:
		w.say("%s & %s %s %s", key, parenthesised(flagsText(typ, m.Mask)), op, parenthesised(flagsText(typ, m.Bits)))
	}
}

func parenthesised(flags string) string {
	if strings.Contains(flags, "|") {
		return "(" + flags + ")"
	}
	return flags
}

// nameList writes a condition on names.
func (w *ruleWriter) nameList(m *firewall.Match, key string, quoted bool) {
	var values []string
	for _, name := range m.Names {
		if quoted {
			name = quote(name)
		}
		values = append(values, name)
	}
	w.say("%s %s%s", key, operatorText(m.Negate), group(values))
}

// fragment writes a condition on fragments, by the fragment's offset and its flag.
func (w *ruleWriter) fragment(m *firewall.Match) {
	if w.family == 6 {
		w.fail("fragments of IPv6")
		return
	}
	var has [3]bool
	for _, r := range m.Ranges {
		for kind := range has {
			has[kind] = has[kind] || r.Low <= uint64(kind) && uint64(kind) <= r.High
		}
	}
	if m.Negate {
		has = [3]bool{!has[0], !has[1], !has[2]}
	}
	switch has {
	case [3]bool{false, false, true}:
		w.say("ip frag-off & 0x1fff != 0")
	case [3]bool{true, true, false}:
		w.say("ip frag-off & 0x1fff == 0")
	case [3]bool{false, true, true}:
		w.say("ip frag-off & 0x3fff != 0")
	case [3]bool{true, false, false}:
		w.say("ip frag-off & 0x3fff == 0")
	case [3]bool{true, true, true}:
	default:
		w.fail("first fragments alone")
	}
}

func (w *ruleWriter) familyCondition(m *firewall.Match) {
	var values []string
	for _, r := range m.Ranges {
		for n := r.Low; n <= r.High && n <= 6; n++ {
			switch n {
			case 4, 6:
				values = append(values, fmt.Sprintf("ipv%d", n))
			}
		}
	}
	switch own := fmt.Sprintf("ipv%d", familyNumber(w.chain.Family)); {
	case len(values) == 0: // neither IPv4 nor IPv6
		w.never = w.never || !m.Negate
		return
	case w.chain.Family != "inet": // packets of one family alone
		w.never = w.never || (slices.Contains(values, own) == m.Negate)
		return
	}
	w.say("meta nfproto %s%s", operatorText(m.Negate), group(values))
}

func (w *ruleWriter) mark(m *firewall.Match) {
	if len(m.Ranges) > 0 {
		w.numbers(m)
		return
	}
	op := "=="
	if m.Negate {
		op = "!="
	}
	value := m.Bits
	if m.AnyBit {
		op, value = map[bool]string{false: "!=", true: "=="}[m.Negate], 0
	}
	w.say("%s & 0x%08x %s 0x%08x", plainKey(m.Field), m.Mask, op, value)
}

// numbers writes a condition on a number.
func (w *ruleWriter) numbers(m *firewall.Match) {
	key := fieldKey(m.Field, w.protocol, w.family == 6)
	typ := w.numberType(m.Field)
	if key == "" {
		w.fail("a condition on the %s", m.Field)
		return
	}
	greatest, _, _ := typ.info()
	if len(m.Ranges) == 1 && m.Ranges[0].Low > 0 && m.Ranges[0].Low < m.Ranges[0].High && m.Ranges[0].High >= greatest && !m.Negate {
		w.say("%s > %d", key, m.Ranges[0].Low-1)
		return
	}
	var values []string
	for _, r := range m.Ranges {
		values = append(values, rangeText(typ, r))
	}
	w.say("%s %s%s", key, operatorText(m.Negate), group(values))
}

// numberType is the type of a numeric field.
func (w *ruleWriter) numberType(f firewall.Field) valueType {
	switch f {
	case firewall.SourcePort, firewall.DestinationPort, firewall.CTOriginalSourcePort, firewall.CTOriginalDestinationPort,
		firewall.CTReplySourcePort, firewall.CTReplyDestinationPort:
		return typePort
	case firewall.ProtocolField, firewall.CTProtocol:
		return typeProtocol
	case firewall.Direction:
		return typeDirection
	case firewall.ICMPTypeField:
		if strings.HasPrefix(fieldKey(f, w.protocol, w.family == 6), "icmpv6") {
			return typeICMPv6Type
		}
		return typeICMPType
	case firewall.ICMPCodeField:
		return typeNumber8 // nft names codes, and 1.0.6 reads those of one type only
	case firewall.DSCP:
		return typeDSCP
	case firewall.TTL:
		return typeNumber8
	case firewall.Length:
		return typeNumber16
	case firewall.Mark, firewall.CTMark:
		return typeMark
	}
	return typeNumber32
}

// rangeText writes a number or a range of numbers; those of protocols, directions and
// ICMP types by their names.
func rangeText(typ valueType, r firewall.Range) string {
	greatest, names, _ := typ.info()
	high := min(r.High, greatest)
	number := func(n uint64) string {
		switch {
		case typ == typeProtocol && !hasWord(" 1 2 6 17 33 50 51 58 108 132 136 ", strconv.FormatUint(n, 10)):
		case typ == typeProtocol && n == 58:
			return "ipv6-icmp"
		case (typ == typeProtocol || typ == typeDirection || typ == typeICMPType || typ == typeICMPv6Type) && n < 256:
			return text.NameOf(names, uint16(n))
		case typ == typeMark:
			return fmt.Sprintf("0x%08x", n)
		}
		return strconv.FormatUint(n, 10)
	}
	if r.Low == high {
		return number(r.Low)
	}
	return fmt.Sprintf("%d-%d", r.Low, high)
}
