package wire

import "encoding/binary"

// The Internet checksum (RFC 1071) is the complement of the one's complement sum of
// 16-bit words. Sums are kept as uint64 and folded once at the end: 32-bit words
// can be added as they are, because 2^16 is 1 modulo 2^16-1.

// sumOctets adds b to acc; an odd last octet is the high half of a word.
func sumOctets(acc uint64, b []byte) uint64 {
	for len(b) >= 8 {
		acc += uint64(binary.BigEndian.Uint32(b)) + uint64(binary.BigEndian.Uint32(b[4:]))
		b = b[8:]
	}
	for len(b) >= 2 {
		acc += uint64(binary.BigEndian.Uint16(b))
		b = b[2:]
	}
	if len(b) == 1 {
		acc += uint64(b[0]) << 8
	}
	return acc
}

// fold reduces a sum to 16 bits.
func fold(acc uint64) uint16 {
	for acc > 0xffff {
		acc = acc>>16 + acc&0xffff
	}
	return uint16(acc)
}

// sumPseudoHeader sums what TCP, UDP and ICMPv6 checksum in front of their own
// header (RFC 9293, section 3.1; RFC 8200, section 8.1). addresses are source and
// destination as they lie in the IP header.
func sumPseudoHeader(addresses []byte, protocol Protocol, length int) uint64 {
	return sumOctets(0, addresses) + uint64(protocol) + uint64(length)
}

// updateChecksum corrects a checksum for the replacement of old by new, which are
// of the same even length (RFC 1624, equation 3).
func updateChecksum(checksum uint16, old, new []byte) uint16 {
	acc := uint64(^checksum) + sumOctets(0, new)
	for i := 0; i+1 < len(old); i += 2 {
		acc += uint64(^binary.BigEndian.Uint16(old[i:]))
	}
	return ^fold(acc)
}
