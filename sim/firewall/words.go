package firewall

import (
	"fmt"
	"strconv"
	"strings"

	"ftplab/sim/wire"
)

// leadingWords are the words that name a field in front of a condition's operator,
// in all the languages.
const leadingWords = " source-port destination-port source destination " +
	"--sport --dport --source-port --destination-port -s -d -i -o -p --source --destination " +
	"--in-interface --out-interface --protocol --ctstate --state --tcp-flags --sports --dports --ports " +
	"--helper --icmp-type --icmpv6-type --src-range --dst-range --ctproto --mark --ctdir --ctstatus " +
	"tcp udp th ip ip6 icmp icmpv6 meta ct sport dport saddr daddr protocol l4proto nfproto nexthdr " +
	"iif oif iifname oifname state status direction helper flags type code icmp-type mark ttl hoplimit length dscp "

// matchWords returns a condition as written, without the name of its field: "eq 21",
// "established,related", "> 1024".
func matchWords(m *Match) string {
	words := strings.Fields(m.Text)
	for len(words) > 1 && (words[0] == "!" || strings.Contains(leadingWords, " "+strings.ToLower(words[0])+" ")) {
		words = words[1:]
	}
	if len(words) > 0 {
		return strings.Join(words, " ")
	}
	return describe(m)
}

// containsOperator reports whether the words themselves say that they exclude.
func containsOperator(words string) bool {
	return strings.Contains(words, "!") || strings.HasPrefix(words, "neq ")
}

// describe puts a condition that has no text into words.
func describe(m *Match) string {
	var alternatives []string
	for i := range m.AnyOf {
		alternatives = append(alternatives, matchWords(&m.AnyOf[i]))
	}
	for _, r := range m.Ranges {
		if r.Low == r.High {
			alternatives = append(alternatives, strconv.FormatUint(r.Low, 10))
		} else {
			alternatives = append(alternatives, fmt.Sprintf("%d-%d", r.Low, r.High))
		}
	}
	for _, a := range m.Addresses {
		switch {
		case a.From.IsValid():
			alternatives = append(alternatives, a.From.String()+"-"+a.To.String())
		default:
			alternatives = append(alternatives, a.Base.String()+" under "+a.Care.String())
		}
	}
	alternatives = append(alternatives, m.Names...)
	if m.Mask != 0 {
		alternatives = append(alternatives, bitWords(m))
	}
	if m.Set != 0 {
		alternatives = append(alternatives, "in the set")
	}
	return strings.Join(alternatives, " or ")
}

func bitWords(m *Match) string {
	name := func(bits uint32) string {
		switch m.Field {
		case TCPFlags:
			return flagsName(wire.Flags(bits))
		case State:
			return stateNames(CTState(bits))
		}
		return fmt.Sprintf("%#x", bits)
	}
	if m.AnyBit {
		return "any of " + name(m.Mask)
	}
	return name(m.Bits) + " of " + name(m.Mask)
}

func stateNames(states CTState) string {
	var names []string
	for s := StateNew; s <= StateUntracked; s <<= 1 {
		if states&s != 0 {
			names = append(names, s.String())
		}
	}
	return strings.Join(names, ",")
}

// statusNames lists the bits of a connection's status that rules can ask for, in nft's
// words.
func statusNames(status CTStatus) string {
	var names []string
	for i, name := range [...]string{"expected", "seen-reply", "assured", "confirmed", "snat", "dnat"} {
		if status&(StatusExpected<<i) != 0 {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "no status"
	}
	return strings.Join(names, ",")
}

func flagsName(f wire.Flags) string {
	if s := f.String(); s != "" {
		return s
	}
	return "none"
}

// valueOf returns the packet's values of the fields in words.
func (d *Device) valueOf(key []Field, s *subject) string {
	values := make([]string, len(key))
	for i, f := range key {
		values[i] = d.value(f, s)
	}
	return strings.Join(values, " . ")
}

func (d *Device) value(f Field, s *subject) string {
	if isAddressField(f) {
		a, _ := d.addressField(f, s)
		return a.addr(s.family).String()
	}
	switch f {
	case ProtocolField, CTProtocol:
		n, _ := d.number(f, s)
		return wire.Protocol(n).String()
	case TCPFlags:
		return flagsName(s.flags)
	case State:
		if s.state == StateInvalid {
			return "invalid (" + s.invalid.String() + ")"
		}
		return s.state.String()
	case Direction:
		if s.reply {
			return "reply"
		}
		return "original"
	case HelperField:
		return d.helperOf(s)
	case InInterface:
		return d.interfaceName(s.in)
	case OutInterface:
		return d.interfaceName(s.out)
	case AddressType:
		return "the address"
	case Fragment:
		return [...]string{"not a fragment", "a first fragment", "a later fragment"}[s.fragment]
	}
	n, _ := d.number(f, s)
	if f == Status {
		return statusNames(CTStatus(n))
	}
	return strconv.FormatUint(n, 10)
}

// absence says that the packet does not have a field.
func (d *Device) absence(f Field, s *subject) string {
	switch {
	case isAddressField(f) || f >= Direction && f <= CTReplyDestinationPort:
		if s.slot == noSlot {
			return "the packet belongs to no connection"
		}
		if f == HelperField {
			return "the connection was not expected by a helper"
		}
		return "the connection has no " + f.String()
	case s.fragment == 2:
		return "a later fragment has no " + f.String()
	}
	return s.protocol.String() + " has no " + f.String()
}

func (d *Device) interfaceName(at int16) string {
	if at == noInterface {
		return "no interface"
	}
	return d.config.Interfaces[at].Name
}
