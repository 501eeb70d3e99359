package firewall

import (
	"encoding/binary"
	"math/bits"
	"net/netip"

	"ftplab/sim/wire"
)

// address is an IP address as a 128-bit number; an IPv4 address is in the low 32
// bits. Which family it is of is known from elsewhere.
type address struct{ hi, lo uint64 }

func addressOf(a netip.Addr) address {
	if a.Is4() {
		b := a.As4()
		return address{lo: uint64(binary.BigEndian.Uint32(b[:]))}
	}
	b := a.As16()
	return address{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

// addr returns the address as the standard library's type.
func (a address) addr(family uint8) netip.Addr {
	if family == 4 {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], uint32(a.lo))
		return netip.AddrFrom4(b)
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], a.hi)
	binary.BigEndian.PutUint64(b[8:], a.lo)
	return netip.AddrFrom16(b)
}

func (a address) less(b address) bool {
	return a.hi < b.hi || a.hi == b.hi && a.lo < b.lo
}

func (a address) and(b address) address { return address{a.hi & b.hi, a.lo & b.lo} }

// next returns the address after a.
func (a address) next() address {
	lo, carry := bits.Add64(a.lo, 1, 0)
	return address{a.hi + carry, lo}
}

// previous returns the address before a.
func (a address) previous() address {
	lo, borrow := bits.Sub64(a.lo, 1, 0)
	return address{a.hi - borrow, lo}
}

func (a address) isMulticast(family uint8) bool {
	if family == 4 {
		return a.lo>>28 == 0xe
	}
	return a.hi>>56 == 0xff
}

func (a address) isLoopback(family uint8) bool {
	if family == 4 {
		return a.lo>>24 == 127
	}
	return a == address{lo: 1}
}

func familyOf(a netip.Addr) uint8 {
	if a.Is4() {
		return 4
	}
	return 6
}

// noInterface is the place of an interface where there is none.
const noInterface = -1

// subject is what rules can ask of a packet at one moment of its way: the header,
// decoded into numbers once, and what the device knows about it. It holds no
// pointers, so that it can be kept for an explanation.
type subject struct {
	src, dst         address
	srcPort, dstPort uint16
	length           uint16 // octets of the datagram
	in, out          int16
	mark             uint32
	slot             int32 // of the connection in the table; noSlot if it has none
	family           uint8 // 4 or 6
	protocol         wire.Protocol
	flags            wire.Flags
	fragment         uint8 // 0 not a fragment, 1 the first, 2 a later one
	misread          uint8 // of a later fragment: octets that pass for a transport header
	icmpType         uint8
	icmpCode         uint8
	ttl              uint8
	tos              uint8
	state            CTState
	invalid          invalidCause // why, if the state is invalid
	reply            bool         // goes against the connection's original direction
}

// read decodes a packet that came in through an interface; s is zero.
func (s *subject) read(p *wire.Packet, in int) {
	s.src, s.dst = addressOf(p.Src), addressOf(p.Dst)
	s.srcPort, s.dstPort = p.SrcPort, p.DstPort
	s.length = uint16(p.Len())
	s.in, s.out, s.slot = int16(in), noInterface, noSlot
	s.family = familyOf(p.Src)
	s.protocol, s.flags, s.ttl, s.tos = p.Protocol, p.Flags, p.TTL, p.TOS
	s.icmpType, s.icmpCode = p.ICMPType, p.ICMPCode
	if p.IsFragment() {
		s.fragment = 1
		if p.FragmentOffset != 0 {
			s.fragment = 2
		}
	}
}

// misreadFragment takes the first octets of a later fragment for a transport header, as
// nf_tables does (6.18): its fast way of loading ports and flags does not look at the
// fragment offset.
func (s *subject) misreadFragment(payload []byte) {
	s.misread = uint8(min(len(payload), 20))
	if s.misread >= 4 {
		s.srcPort, s.dstPort = binary.BigEndian.Uint16(payload), binary.BigEndian.Uint16(payload[2:])
	}
	if s.misread >= 14 {
		s.flags = wire.Flags(payload[13])
	}
	if s.misread >= 2 {
		s.icmpType, s.icmpCode = payload[0], payload[1]
	}
}

// hasPorts reports whether the packet carries a transport header with ports.
func (s *subject) hasPorts() bool {
	return (s.protocol == wire.TCP || s.protocol == wire.UDP) && (s.fragment != 2 || s.misread >= 4)
}

// hasFlags reports whether the packet carries a TCP header.
func (s *subject) hasFlags() bool {
	return s.protocol == wire.TCP && (s.fragment != 2 || s.misread >= 14)
}

// hasICMP reports whether the packet carries an ICMP header.
func (s *subject) hasICMP() bool {
	return (s.protocol == wire.ICMP || s.protocol == wire.ICMPv6) && (s.fragment != 2 || s.misread >= 2)
}
