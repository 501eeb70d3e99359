// Package acl is what the access lists of the router and firewall vendors share:
// how their words become conditions of the neutral rules, and how rules become
// lines of an access list again.
package acl

import (
	"ftplab/sim/firewall"
	"ftplab/sim/wire"
)

// The numbers of firewall.Fragment.
const (
	NotFragment   = 0
	FirstFragment = 1
	LaterFragment = 2
)

// MaxPort is the highest TCP and UDP port.
const MaxPort = 65535

// Protocol is the condition that a packet carries this IP protocol (IANA number).
func Protocol(number uint8, text string, column int) firewall.Match {
	return Number(firewall.ProtocolField, uint64(number), text, column)
}

// Number is the condition that a numeric field has this value.
func Number(field firewall.Field, value uint64, text string, column int) firewall.Match {
	return firewall.Match{Field: field, Ranges: []firewall.Range{{Low: value, High: value}}, Text: text, Column: column}
}

// Address is the condition that an address is in one of the sets; without any set it
// never holds.
func Address(field firewall.Field, tests []firewall.AddressTest, text string, column int) firewall.Match {
	if len(tests) == 0 {
		return Never(text, column)
	}
	return firewall.Match{Field: field, Addresses: tests, Text: text, Column: column}
}

// Never is the condition that no packet fulfils.
func Never(text string, column int) firewall.Match {
	return firewall.Match{Field: firewall.Constant, Negate: true, Text: text, Column: column}
}

// Port is the condition on a port with one of the operators eq, neq, gt, lt and
// range, which every vendor understands alike: gt and lt are strict, range includes
// both ends. Only range uses last.
func Port(field firewall.Field, operator string, first, last uint16, text string, column int) firewall.Match {
	return firewall.Match{
		Field:  field,
		Negate: operator == "neq",
		Ranges: []firewall.Range{PortRange(operator, first, last)},
		Text:   text,
		Column: column,
	}
}

// PortRange returns the ports that an operator names; of neq those that it excludes.
// An operator that no port fulfils (gt 65535, lt 0) gives a range above all ports.
func PortRange(operator string, first, last uint16) firewall.Range {
	low, high := uint64(first), uint64(first)
	switch operator {
	case "gt":
		low, high = low+1, MaxPort
	case "lt":
		low, high = 0, high-1
	case "range":
		high = uint64(last)
	}
	if low > high || high > MaxPort {
		return firewall.Range{Low: MaxPort + 1, High: MaxPort + 1}
	}
	return firewall.Range{Low: low, High: high}
}

// Flag is the condition that the TCP control bits under mask are exactly bits.
func Flag(mask, bits wire.Flags, text string, column int) firewall.Match {
	return firewall.Match{Field: firewall.TCPFlags, Mask: uint32(mask), Bits: uint32(bits), Text: text, Column: column}
}

// Established is the condition that a segment has ACK or RST set: what the vendors'
// keyword asks for. It is not a connection state, and anyone can send such a segment.
func Established(column int) firewall.Match {
	return firewall.Match{Field: firewall.TCPFlags, Mask: uint32(wire.ACK | wire.RST), AnyBit: true, Text: "established", Column: column}
}

// FlagNames are the control bits by the names that every vendor uses.
func FlagNames() []string { return []string{"ack", "fin", "psh", "rst", "syn", "urg"} }

// FlagBit returns the control bit with this name (lower case), 0 if there is none.
func FlagBit(name string) wire.Flags {
	switch name {
	case "fin":
		return wire.FIN
	case "syn":
		return wire.SYN
	case "rst":
		return wire.RST
	case "psh":
		return wire.PSH
	case "ack":
		return wire.ACK
	case "urg":
		return wire.URG
	}
	return 0
}

// If makes a condition a part of a rule.
func If(m firewall.Match) firewall.Part { return firewall.Part{Match: &m} }

// Do makes a side effect a part of a rule.
func Do(kind firewall.EffectKind, text string) firewall.Part {
	return firewall.Part{Effect: &firewall.Effect{Kind: kind, Text: text}}
}

// Verdict is what permit or deny decides.
func Verdict(permit bool) firewall.Verdict {
	if permit {
		return firewall.Verdict{Kind: firewall.Accept}
	}
	return firewall.Verdict{Kind: firewall.Drop}
}
