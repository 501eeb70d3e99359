package nft

import (
	"fmt"
	"net/netip"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/netfilter"
	"ftplab/sim/firewall/dialect/internal/text"
	"ftplab/sim/wire"
)

// valueError is what is wrong with a value.
type valueError struct {
	at            place
	message, hint string
}

func (e *valueError) Error() string { return e.message }

func badValue(at place, hint, format string, args ...any) error {
	return &valueError{at: at, hint: hint, message: fmt.Sprintf(format, args...)}
}

// typeInfo describes the numbers of a type: the greatest one and their names.
func (t valueType) info() (greatest uint64, names []text.Name, what string) {
	switch t {
	case typePort:
		return 65535, nil, "internet network service" // names: netfilter.Service
	case typeProtocol:
		return 255, text.Protocols(), "internet protocol" // all names: netfilter.Protocol
	case typeMark:
		return 1<<32 - 1, nil, "packet mark"
	case typeDirection:
		return 1, directionNames[:], "conntrack direction"
	case typeICMPType:
		return 255, icmpTypes[:], "icmp type"
	case typeICMPCode:
		return 255, icmpCodes[:], "icmp code"
	case typeICMPv6Type:
		return 255, icmpv6Types[:], "icmpv6 type"
	case typeICMPv6Code:
		return 255, icmpv6Codes[:], "icmpv6 code"
	case typeDSCP:
		return 63, dscpNames[:], "differentiated services code point"
	case typeState:
		return 127, stateNames[:], "conntrack state"
	case typeStatus:
		return 1<<16 - 1, statusNames[:], "conntrack status"
	case typeTCPFlags:
		return 255, flagNames[:], "TCP flag"
	case typeFamily:
		return 255, familyNames[:], "netfilter protocol"
	case typeEtherType:
		return 65535, etherTypes[:], "Ethernet protocol"
	case typePacketType:
		return 3, packetTypes[:], "packet type"
	case typeBoolean:
		return 1, booleanNames[:], "boolean"
	case typeNumber8:
		return 255, nil, "integer of 8 bits"
	case typeNumber16:
		return 65535, nil, "integer of 16 bits"
	}
	return 1<<32 - 1, nil, "integer"
}

// isFlags reports whether values of the type are sets of bits.
func (t valueType) isFlags() bool {
	return t == typeState || t == typeStatus || t == typeTCPFlags
}

var (
	directionNames = [...]text.Name{{Name: "original", Number: 0}, {Name: "reply", Number: 1}}
	booleanNames   = [...]text.Name{{Name: "missing", Number: 0}, {Name: "exists", Number: 1}}
	familyNames    = [...]text.Name{{Name: "ipv4", Number: 2}, {Name: "ipv6", Number: 10}, {Name: "ip", Number: 2}, {Name: "ip6", Number: 10}, {Name: "arp", Number: 3}, {Name: "bridge", Number: 7}}
	etherTypes     = [...]text.Name{{Name: "ip", Number: 0x0800}, {Name: "ip6", Number: 0x86dd}, {Name: "arp", Number: 0x0806},
		{Name: "vlan", Number: 0x8100}, {Name: "8021q", Number: 0x8100}, {Name: "8021ad", Number: 0x88a8}, {Name: "ipv4", Number: 0x0800}, {Name: "ipv6", Number: 0x86dd}}
	packetTypes = [...]text.Name{{Name: "host", Number: 0}, {Name: "unicast", Number: 0}, {Name: "broadcast", Number: 1}, {Name: "multicast", Number: 2}, {Name: "other", Number: 3}}
	// stateNames have the kernel's numbers in nft; stateBits translates them.
	stateNames  = [...]text.Name{{Name: "invalid", Number: 1}, {Name: "established", Number: 2}, {Name: "related", Number: 4}, {Name: "new", Number: 8}, {Name: "untracked", Number: 64}}
	statusNames = [...]text.Name{{Name: "expected", Number: 1}, {Name: "seen-reply", Number: 2}, {Name: "assured", Number: 4}, {Name: "confirmed", Number: 8},
		{Name: "snat", Number: 16}, {Name: "dnat", Number: 32}, {Name: "dying", Number: 512}}
	flagNames = [...]text.Name{{Name: "fin", Number: 1}, {Name: "syn", Number: 2}, {Name: "rst", Number: 4}, {Name: "psh", Number: 8}, {Name: "ack", Number: 16},
		{Name: "urg", Number: 32}, {Name: "ecn", Number: 64}, {Name: "cwr", Number: 128}}
	icmpTypes = [...]text.Name{{Name: "echo-reply", Number: 0}, {Name: "destination-unreachable", Number: 3}, {Name: "source-quench", Number: 4}, {Name: "redirect", Number: 5},
		{Name: "echo-request", Number: 8}, {Name: "router-advertisement", Number: 9}, {Name: "router-solicitation", Number: 10}, {Name: "time-exceeded", Number: 11},
		{Name: "parameter-problem", Number: 12}, {Name: "timestamp-request", Number: 13}, {Name: "timestamp-reply", Number: 14}, {Name: "info-request", Number: 15},
		{Name: "info-reply", Number: 16}, {Name: "address-mask-request", Number: 17}, {Name: "address-mask-reply", Number: 18}}
	icmpCodes = [...]text.Name{{Name: "net-unreachable", Number: 0}, {Name: "host-unreachable", Number: 1}, {Name: "prot-unreachable", Number: 2}, {Name: "port-unreachable", Number: 3},
		{Name: "frag-needed", Number: 4}, {Name: "net-prohibited", Number: 9}, {Name: "host-prohibited", Number: 10}, {Name: "admin-prohibited", Number: 13}}
	icmpv6Types = [...]text.Name{{Name: "destination-unreachable", Number: 1}, {Name: "packet-too-big", Number: 2}, {Name: "time-exceeded", Number: 3}, {Name: "parameter-problem", Number: 4},
		{Name: "echo-request", Number: 128}, {Name: "echo-reply", Number: 129}, {Name: "mld-listener-query", Number: 130}, {Name: "mld-listener-report", Number: 131},
		{Name: "mld-listener-done", Number: 132}, {Name: "mld-listener-reduction", Number: 132}, {Name: "nd-router-solicit", Number: 133}, {Name: "nd-router-advert", Number: 134},
		{Name: "nd-neighbor-solicit", Number: 135}, {Name: "nd-neighbor-advert", Number: 136}, {Name: "nd-redirect", Number: 137}, {Name: "router-renumbering", Number: 138},
		{Name: "ind-neighbor-solicit", Number: 141}, {Name: "ind-neighbor-advert", Number: 142}, {Name: "mld2-listener-report", Number: 143}}
	icmpv6Codes = [...]text.Name{{Name: "no-route", Number: 0}, {Name: "admin-prohibited", Number: 1}, {Name: "addr-unreachable", Number: 3}, {Name: "port-unreachable", Number: 4},
		{Name: "policy-fail", Number: 5}, {Name: "reject-route", Number: 6}}
	icmpxCodes = [...]text.Name{{Name: "no-route", Number: 0}, {Name: "port-unreachable", Number: 1}, {Name: "host-unreachable", Number: 2}, {Name: "admin-prohibited", Number: 3}}
	dscpNames  = [...]text.Name{{Name: "cs0", Number: 0}, {Name: "cs1", Number: 8}, {Name: "cs2", Number: 16}, {Name: "cs3", Number: 24}, {Name: "cs4", Number: 32}, {Name: "cs5", Number: 40},
		{Name: "cs6", Number: 48}, {Name: "cs7", Number: 56}, {Name: "df", Number: 0}, {Name: "be", Number: 0}, {Name: "lephb", Number: 1}, {Name: "af11", Number: 10}, {Name: "af12", Number: 12},
		{Name: "af13", Number: 14}, {Name: "af21", Number: 18}, {Name: "af22", Number: 20}, {Name: "af23", Number: 22}, {Name: "af31", Number: 26}, {Name: "af32", Number: 28},
		{Name: "af33", Number: 30}, {Name: "af41", Number: 34}, {Name: "af42", Number: 36}, {Name: "af43", Number: 38}, {Name: "va", Number: 44}, {Name: "ef", Number: 46}}
)

// number evaluates an expression of one number of a type.
func number(typ valueType, e *expr) (uint64, error) {
	greatest, names, what := typ.info()
	switch e.kind {
	case exNumber:
		n, err := parseNumber(e.text)
		if err != nil || n > greatest {
			return 0, badValue(e.at, fmt.Sprintf("at most %d", greatest), "Value %s exceeds valid range 0-%d", e.text, greatest)
		}
		return n, nil
	case exWord, exQuoted:
		if n, ok := lookupName(typ, names, e.text); ok {
			return uint64(n), nil
		}
		return 0, unknownName(typ, e, names, what)
	case exBinary:
		return binaryNumber(typ, e)
	case exList:
		if !typ.isFlags() {
			return 0, badValue(e.at, "to say any of several write a set: { 22, 80 }", "Basetype of type %s is not bitmask", what)
		}
		var bits uint64
		for _, item := range e.list {
			n, err := number(typ, item)
			if err != nil {
				return 0, err
			}
			bits |= n
		}
		return bits, nil
	case exSelector:
		return 0, badValue(e.at, "", "a condition compares with a constant, not with another field")
	}
	return 0, badValue(e.at, "", "%s expected here", what)
}

func lookupName(typ valueType, names []text.Name, name string) (uint16, bool) {
	switch typ {
	case typePort:
		if name != strings.ToLower(name) {
			return 0, false // unlike people, nft tells large letters from small ones
		}
		return netfilter.Service(name)
	case typeProtocol:
		if name != strings.ToLower(name) && name != strings.ToUpper(name) {
			return 0, false
		}
		return netfilter.Protocol(name)
	}
	if name != strings.ToLower(name) {
		return 0, false
	}
	return text.Lookup(names, name)
}

func unknownName(typ valueType, e *expr, names []text.Name, what string) error {
	hint := ""
	known := text.Names(names)
	switch typ {
	case typePort:
		known = netfilter.ServiceNames()
	case typeProtocol:
		known = netfilter.ProtocolNames()
	}
	if near := text.Suggest(e.text, known); near != "" {
		hint = "did you mean " + near + "?"
	}
	switch {
	case typ == typePort:
		if hint == "" {
			hint = "write the port's number"
		}
		return badValue(e.at, hint, "Could not resolve service: %q is not a known service", e.text)
	case typ == typeProtocol:
		return badValue(e.at, hint, "Could not resolve protocol name: %q is not a known protocol", e.text)
	case hint == "" && names != nil:
		hint = "known are " + strings.Join(text.Names(names), ", ")
	}
	return badValue(e.at, hint, "Could not parse %s: %q", what, e.text)
}

func binaryNumber(typ valueType, e *expr) (uint64, error) {
	left, err := number(typ, e.left)
	if err != nil {
		return 0, err
	}
	right, err := number(typ, e.right)
	if err != nil {
		return 0, err
	}
	switch e.text {
	case "&":
		return left & right, nil
	case "|":
		return left | right, nil
	case "^":
		return left ^ right, nil
	case "<<":
		return left << (right & 63) & (1<<32 - 1), nil
	}
	return left >> (right & 63), nil
}

// address evaluates an expression of one address.
func address(typ valueType, e *expr) (netip.Addr, error) {
	if e.kind == exWord || e.kind == exQuoted {
		a, err := netip.ParseAddr(e.text)
		if err == nil && a.Zone() == "" && a.Is4() == (typ == typeAddr4) {
			return a, nil
		}
	}
	what, other := "an IPv4 address", ""
	if typ == typeAddr6 {
		what = "an IPv6 address"
	}
	switch a, err := netip.ParseAddr(e.text); {
	case err == nil && a.Is6() && typ == typeAddr4:
		other = "for IPv6 addresses write ip6"
	case err == nil && a.Is4():
		other = "for IPv4 addresses write ip"
	case e.kind == exWord && strings.Trim(e.text, "0123456789.:") != "":
		other = "host names are not looked up: write the address"
	}
	return netip.Addr{}, badValue(e.at, other, "Could not resolve hostname: %q is not %s", e.text, what)
}

// addressTest evaluates an address, a prefix or a range of addresses.
func addressTest(typ valueType, e *expr) (firewall.AddressTest, error) {
	switch e.kind {
	case exPrefix:
		a, err := address(typ, e.left)
		if err != nil {
			return firewall.AddressTest{}, err
		}
		length, err := parseNumber(e.right.text)
		if err != nil || length > uint64(a.BitLen()) {
			return firewall.AddressTest{}, badValue(e.at, "", "Prefix length %s is invalid for type of %d bits width", e.right.text, a.BitLen())
		}
		return text.Prefix(netip.PrefixFrom(a, int(length))), nil
	case exRange:
		from, err := address(typ, e.left)
		if err != nil {
			return firewall.AddressTest{}, err
		}
		to, err := address(typ, e.right)
		if err != nil {
			return firewall.AddressTest{}, err
		}
		if to.Less(from) {
			return firewall.AddressTest{}, badValue(e.at, "write the lower address first", "Range has zero or negative size")
		}
		return firewall.AddressTest{From: from, To: to}, nil
	}
	a, err := address(typ, e)
	if err != nil {
		return firewall.AddressTest{}, err
	}
	return text.Host(a), nil
}

// numberRange evaluates a number or a range of numbers.
func numberRange(typ valueType, e *expr) (firewall.Range, error) {
	switch e.kind {
	case exRange:
		low, err := number(typ, e.left)
		if err != nil {
			return firewall.Range{}, err
		}
		high, err := number(typ, e.right)
		if err != nil {
			return firewall.Range{}, err
		}
		if high < low {
			return firewall.Range{}, badValue(e.at, "write the lower number first", "Range has zero or negative size")
		}
		return firewall.Range{Low: low, High: high}, nil
	case exPrefix: // a mark's leading bits
		base, err := number(typ, e.left)
		if err != nil {
			return firewall.Range{}, err
		}
		greatest, _, _ := typ.info()
		length, err := parseNumber(e.right.text)
		if err != nil || typ != typeMark || length > 32 {
			return firewall.Range{}, badValue(e.at, "", "a prefix is not possible here")
		}
		rest := greatest >> length
		return firewall.Range{Low: base &^ rest, High: base | rest}, nil
	}
	n, err := number(typ, e)
	return firewall.Range{Low: n, High: n}, err
}

// stateBits translates nft's numbers of states to those of firewall.CTState.
func stateBits(n uint64) uint32 {
	var bits firewall.CTState
	for i, state := range [...]firewall.CTState{firewall.StateInvalid, firewall.StateEstablished, firewall.StateRelated, firewall.StateNew} {
		if n&(1<<i) != 0 {
			bits |= state
		}
	}
	if n&64 != 0 {
		bits |= firewall.StateUntracked
	}
	return uint32(bits)
}

// allBits are all bits that a value of a flags type may have.
func (t valueType) allBits() uint32 {
	switch t {
	case typeState:
		return stateBits(127)
	case typeTCPFlags:
		return 0xff
	}
	return 1<<32 - 1
}

// flagBits evaluates a value of a flags type to the bits that conditions use.
func flagBits(typ valueType, e *expr) (uint32, error) {
	n, err := number(typ, e)
	if typ == typeState {
		return stateBits(n), err
	}
	return uint32(n), err
}

// familyOf translates a netfilter family or an Ethernet protocol to 4 or 6, 0 for
// any other.
func familyOf(typ valueType, n uint64) uint64 {
	switch {
	case typ == typeFamily && n == 2, typ == typeEtherType && n == 0x0800:
		return 4
	case typ == typeFamily && n == 10, typ == typeEtherType && n == 0x86dd:
		return 6
	}
	return 0
}

// protocolText is how an implied condition on the protocol is written.
func protocolText(p wire.Protocol) string {
	return "meta l4proto " + text.NameOf(text.Protocols(), uint16(p))
}
