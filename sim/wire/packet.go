// Package wire is a packet as a value: IPv4 and IPv6 with TCP, UDP or ICMP inside.
//
// A packet in the simulator is the decoded header and a shared, immutable payload.
// Its bytes are made from it when someone looks (Append), and a captured packet's
// bytes are read into it (Parse). Nothing in here knows of time, links or nodes.
package wire

import "net/netip"

// Protocol is the IP protocol number (IANA) of what the packet carries.
type Protocol uint8

// The protocols that have a header of their own here. Any other number is
// carried as opaque payload.
const (
	ICMP   Protocol = 1
	TCP    Protocol = 6
	UDP    Protocol = 17
	ICMPv6 Protocol = 58
)

// Flags are the TCP control bits (RFC 9293, section 3.1), at their place in the octet.
type Flags uint8

// The control bits. ECE and CWR (RFC 3168) are carried for rules that look at the
// whole octet; the simulator's own hosts never set them and reports do not print them.
const (
	FIN Flags = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
	ECE
	CWR
)

// Packet is one IP datagram. The zero value is not a valid packet.
//
// A Packet is copied freely. Payload is shared between copies and is never written
// after it was set.
type Packet struct {
	Src, Dst netip.Addr // both IPv4 or both IPv6, never 4-in-6
	// SrcPort and DstPort are the TCP or UDP ports; 0 for other protocols and
	// for fragments other than the first.
	SrcPort, DstPort uint16
	Seq, Ack         uint32 // TCP
	Window           uint16 // TCP, as on the wire: before scaling
	ID               uint16 // IPv4 identification
	// FragmentOffset is in units of 8 octets, as on the wire.
	FragmentOffset uint16
	MoreFragments  bool
	// BadChecksum says that the transport checksum on the wire is wrong.
	BadChecksum bool
	// Flags are TCP's. With URG the urgent pointer is just past the payload, where a
	// BSD socket puts it for a telnet Synch (RFC 854).
	Flags    Flags
	TTL      uint8 // IPv4 TTL or IPv6 hop limit
	TOS      uint8 // IPv4 type of service or IPv6 traffic class: DSCP and ECN (RFC 2474, 3168)
	Protocol Protocol
	ICMPType uint8 // ICMP and ICMPv6
	ICMPCode uint8 // ICMP and ICMPv6
	// ICMPRest is the second word of an ICMP header: identifier and sequence number
	// of an echo, the MTU of "fragmentation needed", 0 in most errors.
	ICMPRest uint32
	Options  Options // TCP
	Payload  []byte

	// Blob and BlobOffset say which application write the payload comes from, for
	// a recorder that keeps each written byte once. Blob 0 is "not known".
	Blob, BlobOffset uint32
	// Serial numbers the packets of one run, from 1; a rewritten packet gets a new
	// one. 0 is "not numbered".
	Serial uint32
}

// Options are the TCP options that the simulator speaks: MSS (RFC 9293), window
// scale and timestamps (RFC 7323) and SACK (RFC 2018). A captured packet's other
// options are dropped by Parse.
type Options struct {
	MSS           uint16 // octets; 0 is absent
	WindowScale   uint8  // shift count 0..14; meaningful if HasScale
	NumBlocks     uint8  // number of SACK blocks, 0..4; those that do not fit in 40 octets are not sent
	HasScale      bool
	SACKPermitted bool
	HasTimestamps bool
	// TSVal and TSEcr are the timestamp and the echo of the peer's, in the sender's
	// and the peer's own unit (RFC 7323, section 3); meaningful if HasTimestamps.
	TSVal, TSEcr uint32
	Blocks       [4]SACKBlock
}

// SACKBlock is a contiguous range of sequence space, [Left, Right), that arrived.
type SACKBlock struct{ Left, Right uint32 }

// IsZero reports whether no option is present.
func (o *Options) IsZero() bool {
	return o.MSS == 0 && !o.HasScale && !o.SACKPermitted && !o.HasTimestamps && o.NumBlocks == 0
}

// Len returns the length of the options on the wire in octets, padded to a
// multiple of four: 0..40.
func (o *Options) Len() int {
	n := o.lenBeforeSACK()
	if blocks := o.sentBlocks(); blocks > 0 {
		n += 4 + 8*blocks // two NOPs before
	}
	return n
}

func (o *Options) lenBeforeSACK() int {
	n := 0
	if o.MSS != 0 {
		n += 4
	}
	switch {
	case o.HasTimestamps:
		n += 12 // two NOPs before, or SACK-permitted in their place, as Linux aligns it
	case o.SACKPermitted:
		n += 4 // two NOPs before
	}
	if o.HasScale {
		n += 4 // one NOP before
	}
	return n
}

// sentBlocks is the number of SACK blocks that fit beside the other options.
func (o *Options) sentBlocks() int {
	if o.NumBlocks == 0 {
		return 0
	}
	return min(int(o.NumBlocks), len(o.Blocks), (maxOptionsLen-o.lenBeforeSACK()-4)/8)
}

// Is6 reports whether the packet is IPv6.
func (p *Packet) Is6() bool { return p.Src.Is6() }

// SrcEndpoint and DstEndpoint return the two transport addresses.
func (p *Packet) SrcEndpoint() netip.AddrPort { return netip.AddrPortFrom(p.Src, p.SrcPort) }

// DstEndpoint returns the destination transport address.
func (p *Packet) DstEndpoint() netip.AddrPort { return netip.AddrPortFrom(p.Dst, p.DstPort) }

// SegmentLen returns the length of a TCP segment in sequence space (RFC 9293,
// SEG.LEN): its payload and one each for SYN and FIN.
func (p *Packet) SegmentLen() uint32 {
	n := uint32(len(p.Payload))
	if p.Flags&SYN != 0 {
		n++
	}
	if p.Flags&FIN != 0 {
		n++
	}
	return n
}

// Len returns the length of the datagram on the wire in octets, without any link
// header.
func (p *Packet) Len() int {
	n := 20
	if p.Is6() {
		n = 40
		if p.IsFragment() {
			n += 8
		}
	}
	return n + p.transportLen()
}

func (p *Packet) transportLen() int {
	n := len(p.Payload)
	if p.FragmentOffset != 0 {
		return n
	}
	switch p.Protocol {
	case TCP:
		n += 20 + p.Options.Len()
	case UDP, ICMP, ICMPv6:
		n += 8
	}
	return n
}

// IsFragment reports whether the packet is a piece of a larger datagram.
func (p *Packet) IsFragment() bool { return p.FragmentOffset != 0 || p.MoreFragments }

// String returns the flags as letters in the order S A F R P U, the order in which
// all of ftplab's reports print them; "" when none is set.
func (f Flags) String() string {
	var b [6]byte
	n := 0
	for _, bit := range [...]struct {
		flag   Flags
		letter byte
	}{{SYN, 'S'}, {ACK, 'A'}, {FIN, 'F'}, {RST, 'R'}, {PSH, 'P'}, {URG, 'U'}} {
		if f&bit.flag != 0 {
			b[n] = bit.letter
			n++
		}
	}
	return string(b[:n])
}

// String returns the protocol's usual name, or its number.
func (p Protocol) String() string {
	switch p {
	case TCP:
		return "tcp"
	case UDP:
		return "udp"
	case ICMP:
		return "icmp"
	case ICMPv6:
		return "icmpv6"
	}
	return "protocol " + itoa(int(p))
}
