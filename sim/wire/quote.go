package wire

import (
	"encoding/binary"
	"net/netip"
)

// The largest ICMP error that Linux sends: 576 octets over IPv4 (RFC 1812, section
// 4.3.2.3), the minimum MTU over IPv6 (RFC 4443, section 2.4).
const (
	maxICMPErrorLen   = 576
	maxICMPv6ErrorLen = 1280
)

// Quote returns what an ICMP error about the packet carries as its payload: as much
// of the datagram as Linux fits into one error.
func Quote(p *Packet) []byte {
	limit := maxICMPErrorLen - ipv4HeaderLen - icmpHeaderLen
	if p.Is6() {
		limit = maxICMPv6ErrorLen - ipv6HeaderLen - icmpHeaderLen
	}
	datagram := p.Append(make([]byte, 0, p.Len()))
	return datagram[:min(limit, len(datagram)):min(limit, len(datagram))]
}

// ParseQuote reads the datagram that an ICMP error quotes. The quote may end
// anywhere after the first eight octets of the transport header (RFC 792): those
// give addresses, protocol, ports and the TCP sequence number. The remaining fields
// of the TCP header are set when the quote holds it; Options and Payload are never
// set, nor is BadChecksum.
func ParseQuote(quote []byte) (Packet, error) {
	var p Packet
	segment, err := p.parseNetwork(quote, true)
	if err != nil {
		return Packet{}, err
	}
	_, hasHeader := checksumOffset(p.Protocol)
	if p.FragmentOffset != 0 || !hasHeader {
		return p, nil
	}
	if len(segment) < 8 {
		return Packet{}, errShort("quoted transport header", len(segment), 8)
	}
	switch p.Protocol {
	case TCP:
		p.parsePorts(segment)
		p.Seq = binary.BigEndian.Uint32(segment[4:])
		if len(segment) >= tcpHeaderLen {
			p.parseTCPFields(segment)
		}
	case UDP:
		p.parsePorts(segment)
	default:
		p.parseICMP(segment)
		p.Payload = nil
	}
	return p, nil
}

// RewriteQuote returns a copy of the quote with other addresses and, for TCP and
// UDP, other ports: what a translator does to the errors that pass it (RFC 5508,
// section 4.2). The checksums in the quote are corrected where the quote holds them.
// A quote that cannot be read, or is of another family than src and dst, is
// returned as it is.
func RewriteQuote(quote []byte, src, dst netip.AddrPort) []byte {
	p, err := ParseQuote(quote)
	if err != nil || p.Src.BitLen() != src.Addr().BitLen() || p.Src.BitLen() != dst.Addr().BitLen() {
		return quote
	}
	rewritten := append([]byte(nil), quote...)
	segment, _ := new(Packet).parseNetwork(rewritten, true) // a part of rewritten
	addresses := rewritten[12:ipv4HeaderLen]
	if p.Is6() {
		addresses = rewritten[8:ipv6HeaderLen]
	}
	old := append([]byte(nil), addresses...)
	n := copy(addresses, src.Addr().AsSlice())
	copy(addresses[n:], dst.Addr().AsSlice())
	if !p.Is6() {
		correctChecksum(rewritten[10:], old, addresses)
	}
	if p.FragmentOffset != 0 || p.Protocol != TCP && p.Protocol != UDP {
		return rewritten
	}
	at, _ := checksumOffset(p.Protocol)
	hasChecksum := len(segment) >= at+2 && (p.Protocol == TCP || binary.BigEndian.Uint16(segment[at:]) != 0)
	oldPorts := [4]byte(segment[:4])
	binary.BigEndian.PutUint16(segment, src.Port())
	binary.BigEndian.PutUint16(segment[2:], dst.Port())
	if hasChecksum {
		correctChecksum(segment[at:], old, addresses)
		correctChecksum(segment[at:], oldPorts[:], segment[:4])
	}
	return rewritten
}

// correctChecksum updates the checksum at the start of b for a replacement.
func correctChecksum(b, old, new []byte) {
	binary.BigEndian.PutUint16(b, updateChecksum(binary.BigEndian.Uint16(b), old, new))
}
