package wire

import "encoding/binary"

// Lengths of headers in octets.
const (
	ipv4HeaderLen     = 20 // without options: none are ever sent
	ipv6HeaderLen     = 40
	fragmentHeaderLen = 8 // IPv6 extension header
	tcpHeaderLen      = 20
	udpHeaderLen      = 8
	icmpHeaderLen     = 8
	maxOptionsLen     = 40 // TCP
)

// fragmentHeader is the IPv6 next-header value of the fragment header.
const fragmentHeader = 44

// Append appends the datagram's octets to dst and returns the extended slice. It
// allocates only to grow dst; Len says how much it needs.
//
// All checksums are right but the transport's when BadChecksum is set. A TCP
// datagram that is not a fragment has the don't-fragment bit, as Linux sends it.
// The transport checksum of a first fragment covers that fragment alone, since the
// others are not at hand.
//
// Src and Dst must be valid addresses of one family, and the whole at most 65,535
// octets.
func (p *Packet) Append(dst []byte) []byte {
	start := len(dst)
	if p.Is6() {
		dst = p.appendIPv6Header(dst)
	} else {
		dst = p.appendIPv4Header(dst)
	}
	transport := len(dst)
	dst = p.appendTransport(dst)
	if p.FragmentOffset == 0 {
		p.setTransportChecksum(dst[start:], transport-start)
	}
	return dst
}

func (p *Packet) appendIPv4Header(dst []byte) []byte {
	start := len(dst)
	fragment := p.FragmentOffset & 0x1fff
	if p.MoreFragments {
		fragment |= 0x2000
	}
	if p.Protocol == TCP && !p.IsFragment() {
		fragment |= 0x4000 // don't fragment
	}
	dst = append(dst, 4<<4|ipv4HeaderLen/4, p.TOS)
	dst = binary.BigEndian.AppendUint16(dst, uint16(ipv4HeaderLen+p.transportLen()))
	dst = binary.BigEndian.AppendUint16(dst, p.ID)
	dst = binary.BigEndian.AppendUint16(dst, fragment)
	dst = append(dst, p.TTL, byte(p.Protocol), 0, 0)
	src, to := p.Src.As4(), p.Dst.As4()
	dst = append(dst, src[:]...)
	dst = append(dst, to[:]...)
	header := dst[start:]
	binary.BigEndian.PutUint16(header[10:], ^fold(sumOctets(0, header)))
	return dst
}

func (p *Packet) appendIPv6Header(dst []byte) []byte {
	next, payloadLen := byte(p.Protocol), p.transportLen()
	if p.IsFragment() {
		next, payloadLen = fragmentHeader, payloadLen+fragmentHeaderLen
	}
	dst = append(dst, 6<<4|p.TOS>>4, p.TOS<<4, 0, 0)
	dst = binary.BigEndian.AppendUint16(dst, uint16(payloadLen))
	dst = append(dst, next, p.TTL)
	src, to := p.Src.As16(), p.Dst.As16()
	dst = append(dst, src[:]...)
	dst = append(dst, to[:]...)
	if p.IsFragment() {
		fragment := p.FragmentOffset << 3
		if p.MoreFragments {
			fragment |= 1
		}
		dst = append(dst, byte(p.Protocol), 0)
		dst = binary.BigEndian.AppendUint16(dst, fragment)
		dst = binary.BigEndian.AppendUint32(dst, uint32(p.ID))
	}
	return dst
}

// appendTransport appends the transport header, its checksum still zero, and the payload.
func (p *Packet) appendTransport(dst []byte) []byte {
	if p.FragmentOffset != 0 {
		return append(dst, p.Payload...)
	}
	switch p.Protocol {
	case TCP:
		dst = binary.BigEndian.AppendUint16(dst, p.SrcPort)
		dst = binary.BigEndian.AppendUint16(dst, p.DstPort)
		dst = binary.BigEndian.AppendUint32(dst, p.Seq)
		dst = binary.BigEndian.AppendUint32(dst, p.Ack)
		dst = append(dst, byte((tcpHeaderLen+p.Options.Len())/4)<<4, byte(p.Flags))
		dst = binary.BigEndian.AppendUint16(dst, p.Window)
		dst = append(dst, 0, 0)
		urgent := uint16(0)
		if p.Flags&URG != 0 {
			urgent = uint16(len(p.Payload))
		}
		dst = binary.BigEndian.AppendUint16(dst, urgent)
		dst = p.Options.append(dst)
	case UDP:
		dst = binary.BigEndian.AppendUint16(dst, p.SrcPort)
		dst = binary.BigEndian.AppendUint16(dst, p.DstPort)
		dst = binary.BigEndian.AppendUint16(dst, uint16(udpHeaderLen+len(p.Payload)))
		dst = append(dst, 0, 0)
	case ICMP, ICMPv6:
		dst = append(dst, p.ICMPType, p.ICMPCode, 0, 0)
		dst = binary.BigEndian.AppendUint32(dst, p.ICMPRest)
	}
	return append(dst, p.Payload...)
}

// Kinds of TCP option (IANA) and the lengths of those of fixed length.
const (
	optionEnd           = 0
	optionNOP           = 1
	optionMSS           = 2
	optionWindowScale   = 3
	optionSACKPermitted = 4
	optionSACK          = 5
	optionTimestamps    = 8

	optionMSSLen           = 4
	optionWindowScaleLen   = 3
	optionSACKPermittedLen = 2
	optionTimestampsLen    = 10
)

// append writes the options in the order and with the alignment that Linux uses.
func (o *Options) append(dst []byte) []byte {
	if o.MSS != 0 {
		dst = append(dst, optionMSS, optionMSSLen, byte(o.MSS>>8), byte(o.MSS))
	}
	switch {
	case o.SACKPermitted && o.HasTimestamps:
		dst = append(dst, optionSACKPermitted, optionSACKPermittedLen)
	case o.SACKPermitted:
		dst = append(dst, optionNOP, optionNOP, optionSACKPermitted, optionSACKPermittedLen)
	case o.HasTimestamps:
		dst = append(dst, optionNOP, optionNOP)
	}
	if o.HasTimestamps {
		dst = append(dst, optionTimestamps, optionTimestampsLen)
		dst = binary.BigEndian.AppendUint32(dst, o.TSVal)
		dst = binary.BigEndian.AppendUint32(dst, o.TSEcr)
	}
	if o.HasScale {
		dst = append(dst, optionNOP, optionWindowScale, optionWindowScaleLen, o.WindowScale)
	}
	blocks := o.sentBlocks()
	if blocks > 0 {
		dst = append(dst, optionNOP, optionNOP, optionSACK, byte(2+8*blocks))
	}
	for _, block := range o.Blocks[:blocks] {
		dst = binary.BigEndian.AppendUint32(dst, block.Left)
		dst = binary.BigEndian.AppendUint32(dst, block.Right)
	}
	return dst
}

// setTransportChecksum fills in the checksum of the transport header that begins at
// offset transport of the datagram.
func (p *Packet) setTransportChecksum(datagram []byte, transport int) {
	segment := datagram[transport:]
	at, ok := checksumOffset(p.Protocol)
	if !ok {
		return
	}
	prefix := sumTransportPrefix(datagram, p.Protocol, len(segment))
	checksum := ^fold(sumOctets(prefix, segment))
	if p.BadChecksum {
		checksum = wrongChecksum(checksum, fold(prefix))
	} else if p.Protocol == UDP && checksum == 0 {
		checksum = 0xffff // 0 would say "no checksum" (RFC 768)
	}
	binary.BigEndian.PutUint16(segment[at:], checksum)
}

// wrongChecksum returns a checksum that nobody takes for right, absent (0) or left
// to the network card to complete (the pseudo header's sum, see badChecksum).
func wrongChecksum(right, pseudoHeader uint16) uint16 {
	wrong := right ^ 0x5555
	for wrong == 0 || wrong == 0xffff || wrong == right || wrong == pseudoHeader {
		wrong++
	}
	return wrong
}

// checksumOffset returns where in its header a protocol keeps its checksum.
func checksumOffset(protocol Protocol) (offset int, ok bool) {
	switch protocol {
	case TCP:
		return 16, true
	case UDP:
		return 6, true
	case ICMP, ICMPv6:
		return 2, true
	}
	return 0, false
}

// sumTransportPrefix sums what the checksum covers besides the segment: the pseudo
// header, but for ICMP nothing (RFC 792).
func sumTransportPrefix(datagram []byte, protocol Protocol, length int) uint64 {
	if protocol == ICMP {
		return 0
	}
	addresses := datagram[12:ipv4HeaderLen]
	if datagram[0]>>4 == 6 {
		addresses = datagram[8:ipv6HeaderLen]
	}
	return sumPseudoHeader(addresses, protocol, length)
}
