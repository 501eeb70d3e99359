package firewall

import (
	"net/netip"

	"ftplab/sim/wire"
)

// tuple names one direction of a connection, as packets of that direction look when
// they come in. For ICMP the source port is the identifier, and the destination
// port type and code.
type tuple struct {
	src, dst         address
	srcPort, dstPort uint16
	protocol, family uint16 // wide, so that the struct has no padding and hashes at once
}

// direction is 0 for the direction of the first packet, 1 for the other.
type direction uint8

const (
	original direction = 0
	reply    direction = 1
)

// tupleOf returns a packet's tuple.
func tupleOf(s *subject, p *wire.Packet) tuple {
	t := tuple{src: s.src, dst: s.dst, protocol: uint16(s.protocol), family: uint16(s.family)}
	switch s.protocol {
	case wire.TCP, wire.UDP:
		t.srcPort, t.dstPort = s.srcPort, s.dstPort
	case wire.ICMP, wire.ICMPv6:
		t.srcPort = uint16(p.ICMPRest >> 16)
		t.dstPort = uint16(s.icmpType)<<8 | uint16(s.icmpCode)
	}
	return t
}

// The ICMP types that ask and answer (RFC 792, 950; RFC 4443, 4620).
const (
	icmpEchoReply     = 0
	icmpUnreachable   = 3
	icmpSourceQuench  = 4
	icmpRedirect      = 5
	icmpEcho          = 8
	icmpTimeExceeded  = 11
	icmpParameter     = 12
	icmpTimestamp     = 13
	icmpTimestampBack = 14
	icmpInfo          = 15
	icmpInfoBack      = 16
	icmpMask          = 17
	icmpMaskBack      = 18
	icmpHighest       = 18

	icmpv6Unreachable  = 1
	icmpv6TimeExceeded = 3
	icmpv6Echo         = 128
	icmpv6EchoReply    = 129
	icmpv6NodeQuery    = 139
	icmpv6NodeAnswer   = 140
)

// inverse returns the tuple of the opposite direction, false if packets of this kind
// have none.
func (t tuple) inverse() (tuple, bool) {
	inv := tuple{src: t.dst, dst: t.src, protocol: t.protocol, family: t.family}
	switch wire.Protocol(t.protocol) {
	case wire.ICMP, wire.ICMPv6:
		back, ok := icmpInverse(wire.Protocol(t.protocol), uint8(t.dstPort>>8))
		inv.srcPort = t.srcPort
		inv.dstPort = uint16(back)<<8 | t.dstPort&0xff
		return inv, ok
	}
	inv.srcPort, inv.dstPort = t.dstPort, t.srcPort
	return inv, true
}

// mustInverse is inverse for the tuples of an entry, which always have one.
func (t tuple) mustInverse() tuple {
	inv, _ := t.inverse()
	return inv
}

func icmpInverse(protocol wire.Protocol, kind uint8) (uint8, bool) {
	if protocol == wire.ICMPv6 {
		switch kind {
		case icmpv6Echo, icmpv6NodeQuery:
			return kind + 1, true
		case icmpv6EchoReply, icmpv6NodeAnswer:
			return kind - 1, true
		}
		return 0, false
	}
	switch kind {
	case icmpEcho:
		return icmpEchoReply, true
	case icmpEchoReply:
		return icmpEcho, true
	case icmpTimestamp, icmpInfo, icmpMask:
		return kind + 1, true
	case icmpTimestampBack, icmpInfoBack, icmpMaskBack:
		return kind - 1, true
	}
	return 0, false
}

// endpoints returns the two transport addresses.
func (t tuple) endpoints() (src, dst netip.AddrPort) {
	f := uint8(t.family)
	return netip.AddrPortFrom(t.src.addr(f), t.srcPort), netip.AddrPortFrom(t.dst.addr(f), t.dstPort)
}
