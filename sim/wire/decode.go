package wire

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// IPv6 next-header values that are skipped on the way to the transport header
// (RFC 8200, section 4).
const (
	hopByHopHeader           = 0
	routingHeader            = 43
	authenticationHeader     = 51
	destinationOptionsHeader = 60
	mobilityHeader           = 135
)

// maxWindowScale is the largest shift count (RFC 7323, section 2.3).
const maxWindowScale = 14

// Parse reads one IP datagram, without a link header. Octets after the datagram's
// own end (Ethernet padding) are ignored. The packet's Payload is a part of b.
//
// IP options, IPv6 extension headers but the fragment header, and TCP options that
// Options does not hold are skipped. BadChecksum is set when the transport checksum
// is wrong; it is not set when there is none (UDP over IPv4), when the datagram is a
// fragment, or when the sender left it to its network card to complete, as in
// captures taken on the sending machine.
//
// The error says which header is cut short or contradicts itself.
func Parse(b []byte) (Packet, error) {
	var p Packet
	segment, err := p.parseNetwork(b, false)
	if err != nil {
		return Packet{}, err
	}
	if p.FragmentOffset != 0 {
		p.Payload = segment
		return p, nil
	}
	if err := p.parseTransport(segment); err != nil {
		return Packet{}, err
	}
	if !p.IsFragment() {
		p.BadChecksum = badChecksum(b, p.Protocol, segment)
	}
	return p, nil
}

func errShort(what string, have, need int) error {
	return fmt.Errorf("%s is cut short: %d octets of %d", what, have, need)
}

// parseNetwork reads the IP header and returns what follows it. If cutShort, the
// datagram may end before its length says so.
func (p *Packet) parseNetwork(b []byte, cutShort bool) (segment []byte, err error) {
	if len(b) == 0 {
		return nil, errShort("IP header", 0, ipv4HeaderLen)
	}
	switch b[0] >> 4 {
	case 4:
		return p.parseIPv4(b, cutShort)
	case 6:
		return p.parseIPv6(b, cutShort)
	}
	return nil, fmt.Errorf("IP version %d is neither 4 nor 6", b[0]>>4)
}

func (p *Packet) parseIPv4(b []byte, cutShort bool) (segment []byte, err error) {
	if len(b) < ipv4HeaderLen {
		return nil, errShort("IPv4 header", len(b), ipv4HeaderLen)
	}
	headerLen := int(b[0]&0x0f) * 4
	total := int(binary.BigEndian.Uint16(b[2:]))
	if total == 0 {
		total = len(b) // a network card was to cut it into segments and fill this in
	}
	switch {
	case headerLen < ipv4HeaderLen:
		return nil, fmt.Errorf("IPv4 header length %d is less than %d", headerLen, ipv4HeaderLen)
	case headerLen > len(b):
		return nil, errShort("IPv4 header", len(b), headerLen)
	case total < headerLen:
		return nil, fmt.Errorf("IPv4 total length %d is less than the header's %d", total, headerLen)
	case total > len(b) && !cutShort:
		return nil, errShort("IPv4 datagram", len(b), total)
	}
	fragment := binary.BigEndian.Uint16(b[6:])
	p.TOS = b[1]
	p.ID = binary.BigEndian.Uint16(b[4:])
	p.MoreFragments = fragment&0x2000 != 0
	p.FragmentOffset = fragment & 0x1fff
	p.TTL = b[8]
	p.Protocol = Protocol(b[9])
	p.Src = netip.AddrFrom4([4]byte(b[12:16]))
	p.Dst = netip.AddrFrom4([4]byte(b[16:20]))
	return b[headerLen:min(total, len(b))], nil
}

func (p *Packet) parseIPv6(b []byte, cutShort bool) (segment []byte, err error) {
	if len(b) < ipv6HeaderLen {
		return nil, errShort("IPv6 header", len(b), ipv6HeaderLen)
	}
	next := b[6]
	payloadLen := int(binary.BigEndian.Uint16(b[4:]))
	if payloadLen == 0 && next == hopByHopHeader {
		payloadLen = len(b) - ipv6HeaderLen // jumbogram (RFC 2675), or left to the network card
	}
	if ipv6HeaderLen+payloadLen > len(b) && !cutShort {
		return nil, errShort("IPv6 datagram", len(b), ipv6HeaderLen+payloadLen)
	}
	p.TOS = b[0]<<4 | b[1]>>4
	p.TTL = b[7]
	p.Src = netip.AddrFrom16([16]byte(b[8:24]))
	p.Dst = netip.AddrFrom16([16]byte(b[24:40]))
	return p.parseExtensionHeaders(next, b[ipv6HeaderLen:min(ipv6HeaderLen+payloadLen, len(b))])
}

// parseExtensionHeaders walks the IPv6 extension headers. Every step consumes at
// least eight octets, so it ends.
func (p *Packet) parseExtensionHeaders(next byte, b []byte) (segment []byte, err error) {
	for {
		length := 0
		switch next {
		case hopByHopHeader, routingHeader, destinationOptionsHeader, mobilityHeader:
			if len(b) >= 2 {
				length = 8 + 8*int(b[1])
			}
		case authenticationHeader:
			if len(b) >= 2 {
				length = 8 + 4*int(b[1])
			}
		case fragmentHeader:
			length = fragmentHeaderLen
		default:
			p.Protocol = Protocol(next)
			return b, nil
		}
		if length == 0 || length > len(b) {
			return nil, errShort("IPv6 extension header", len(b), max(length, 8))
		}
		if next == fragmentHeader {
			fragment := binary.BigEndian.Uint16(b[2:])
			p.FragmentOffset = fragment >> 3
			p.MoreFragments = fragment&1 != 0
			if p.IsFragment() { // an atomic fragment (RFC 6946) is a whole datagram
				p.ID = binary.BigEndian.Uint16(b[6:])
			}
		}
		next, b = b[0], b[length:]
		if p.FragmentOffset != 0 {
			p.Protocol = Protocol(next) // the headers that follow are in the first fragment
			return b, nil
		}
	}
}

func (p *Packet) parseTransport(b []byte) error {
	switch p.Protocol {
	case TCP:
		if len(b) < tcpHeaderLen {
			return errShort("TCP header", len(b), tcpHeaderLen)
		}
		p.parsePorts(b)
		return p.parseTCP(b)
	case UDP:
		if len(b) < udpHeaderLen {
			return errShort("UDP header", len(b), udpHeaderLen)
		}
		p.parsePorts(b)
		return p.parseUDP(b)
	case ICMP, ICMPv6:
		if len(b) < icmpHeaderLen {
			return errShort("ICMP header", len(b), icmpHeaderLen)
		}
		p.parseICMP(b)
		return nil
	}
	p.Payload = b
	return nil
}

func (p *Packet) parsePorts(b []byte) {
	p.SrcPort = binary.BigEndian.Uint16(b)
	p.DstPort = binary.BigEndian.Uint16(b[2:])
}

func (p *Packet) parseTCP(b []byte) error {
	headerLen := int(b[12]>>4) * 4
	switch {
	case headerLen < tcpHeaderLen:
		return fmt.Errorf("TCP data offset %d is less than %d", headerLen, tcpHeaderLen)
	case headerLen > len(b):
		return errShort("TCP header", len(b), headerLen)
	}
	p.parseTCPFields(b)
	p.Options.parse(b[tcpHeaderLen:headerLen])
	p.Payload = b[headerLen:]
	return nil
}

// parseTCPFields reads the fixed part after the ports; b holds at least 20 octets.
func (p *Packet) parseTCPFields(b []byte) {
	p.Seq = binary.BigEndian.Uint32(b[4:])
	p.Ack = binary.BigEndian.Uint32(b[8:])
	p.Flags = Flags(b[13])
	p.Window = binary.BigEndian.Uint16(b[14:])
}

func (p *Packet) parseUDP(b []byte) error {
	length := int(binary.BigEndian.Uint16(b[4:]))
	if p.IsFragment() || length == 0 {
		length = len(b) // the length is the whole datagram's, or of a jumbogram
	}
	switch {
	case length < udpHeaderLen:
		return fmt.Errorf("UDP length %d is less than %d", length, udpHeaderLen)
	case length > len(b):
		return errShort("UDP datagram", len(b), length)
	}
	p.Payload = b[udpHeaderLen:length]
	return nil
}

func (p *Packet) parseICMP(b []byte) {
	p.ICMPType, p.ICMPCode = b[0], b[1]
	p.ICMPRest = binary.BigEndian.Uint32(b[4:])
	p.Payload = b[icmpHeaderLen:]
}

// parse reads TCP options up to the first that is malformed, as Linux does.
func (o *Options) parse(b []byte) {
	for len(b) > 0 {
		kind := b[0]
		if kind == optionEnd {
			return
		}
		if kind == optionNOP {
			b = b[1:]
			continue
		}
		if len(b) < 2 || b[1] < 2 || int(b[1]) > len(b) {
			return
		}
		o.parseOne(kind, b[2:b[1]])
		b = b[b[1]:]
	}
}

func (o *Options) parseOne(kind byte, value []byte) {
	switch {
	case kind == optionMSS && len(value) == optionMSSLen-2:
		o.MSS = binary.BigEndian.Uint16(value)
	case kind == optionWindowScale && len(value) == optionWindowScaleLen-2:
		o.HasScale = true
		o.WindowScale = min(value[0], maxWindowScale)
	case kind == optionSACKPermitted && len(value) == 0:
		o.SACKPermitted = true
	case kind == optionTimestamps && len(value) == optionTimestampsLen-2:
		o.HasTimestamps = true
		o.TSVal, o.TSEcr = binary.BigEndian.Uint32(value), binary.BigEndian.Uint32(value[4:])
	case kind == optionSACK && len(value)%8 == 0 && len(value) <= 8*len(o.Blocks):
		o.NumBlocks = uint8(len(value) / 8)
		for i := range o.NumBlocks {
			block := value[8*i:]
			o.Blocks[i] = SACKBlock{binary.BigEndian.Uint32(block), binary.BigEndian.Uint32(block[4:])}
		}
	}
}

// badChecksum reports whether the segment's checksum is wrong. datagram is the
// whole, for the pseudo header.
func badChecksum(datagram []byte, protocol Protocol, segment []byte) bool {
	at, ok := checksumOffset(protocol)
	if !ok {
		return false
	}
	stored := binary.BigEndian.Uint16(segment[at:])
	if protocol == UDP {
		if stored == 0 && datagram[0]>>4 == 4 {
			return false
		}
		if length := int(binary.BigEndian.Uint16(segment[4:])); length >= udpHeaderLen {
			segment = segment[:length]
		}
	}
	prefix := sumTransportPrefix(datagram, protocol, len(segment))
	if fold(sumOctets(prefix, segment)) == 0xffff {
		return false
	}
	leftToCard := protocol != ICMP && stored == fold(prefix)
	return !leftToCard
}
