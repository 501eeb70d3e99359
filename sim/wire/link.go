package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// LinkType says what precedes the IP datagram in a captured frame. Its values are
// those of capture files (the tcpdump group's LINKTYPE_ registry).
type LinkType uint16

// The link types that captures of IP traffic use.
const (
	LinkNull        LinkType = 0 // BSD loopback: address family in the capturing host's byte order
	LinkEthernet    LinkType = 1
	LinkRawBSD      LinkType = 12 // raw IP under the number some systems wrote for it
	LinkRawOpenBSD  LinkType = 14
	LinkRaw         LinkType = 101
	LinkLoop        LinkType = 108 // OpenBSD loopback: address family in network byte order
	LinkLinuxCooked LinkType = 113 // tcpdump -i any
	LinkIPv4        LinkType = 228
	LinkIPv6        LinkType = 229
	// LinkLinuxCooked2 is the second form of the cooked header, with an interface.
	LinkLinuxCooked2 LinkType = 276
)

// ErrNotIP says that a frame is well formed but carries no IP datagram (ARP, LLDP).
var ErrNotIP = errors.New("frame carries no IP datagram")

// EtherTypes (IEEE 802 numbers).
const (
	etherTypeIPv4 = 0x0800
	etherTypeIPv6 = 0x86dd
	etherTypeVLAN = 0x8100 // IEEE 802.1Q
	etherTypeQinQ = 0x88a8 // IEEE 802.1ad
	etherTypeOldQ = 0x9100 // before 802.1ad
)

// Lengths of link headers in octets.
const (
	ethernetHeaderLen     = 14
	vlanTagLen            = 4
	loopbackHeaderLen     = 4
	linuxCookedHeaderLen  = 16
	linuxCooked2HeaderLen = 20
)

// Datagram returns the IP datagram in a captured frame, a part of frame. The error
// is ErrNotIP for a frame of another protocol.
func Datagram(link LinkType, frame []byte) ([]byte, error) {
	switch link {
	case LinkRaw, LinkRawBSD, LinkRawOpenBSD, LinkIPv4, LinkIPv6:
		return frame, nil
	case LinkNull, LinkLoop:
		return loopbackDatagram(frame)
	case LinkEthernet:
		if len(frame) < ethernetHeaderLen {
			return nil, errShort("Ethernet header", len(frame), ethernetHeaderLen)
		}
		return etherTypeDatagram(frame[12:])
	case LinkLinuxCooked:
		if len(frame) < linuxCookedHeaderLen {
			return nil, errShort("Linux cooked header", len(frame), linuxCookedHeaderLen)
		}
		return etherTypeDatagram(frame[14:])
	case LinkLinuxCooked2:
		if len(frame) < linuxCooked2HeaderLen {
			return nil, errShort("Linux cooked v2 header", len(frame), linuxCooked2HeaderLen)
		}
		return typedDatagram(binary.BigEndian.Uint16(frame), frame[linuxCooked2HeaderLen:])
	}
	return nil, fmt.Errorf("link type %d is not supported: capture on Ethernet, raw IP, loopback or Linux cooked", link)
}

// etherTypeDatagram reads an EtherType and what follows it, through VLAN tags.
func etherTypeDatagram(b []byte) ([]byte, error) {
	etherType, b := binary.BigEndian.Uint16(b), b[2:]
	return typedDatagram(etherType, b)
}

func typedDatagram(etherType uint16, b []byte) ([]byte, error) {
	for etherType == etherTypeVLAN || etherType == etherTypeQinQ || etherType == etherTypeOldQ {
		if len(b) < vlanTagLen {
			return nil, errShort("VLAN tag", len(b), vlanTagLen)
		}
		etherType, b = binary.BigEndian.Uint16(b[2:]), b[vlanTagLen:]
	}
	if etherType != etherTypeIPv4 && etherType != etherTypeIPv6 {
		return nil, ErrNotIP
	}
	return b, nil
}

// loopbackDatagram skips the address family: its number for IPv6 differs between
// systems and its byte order between hosts, so the datagram's version decides.
func loopbackDatagram(frame []byte) ([]byte, error) {
	if len(frame) < loopbackHeaderLen {
		return nil, errShort("loopback header", len(frame), loopbackHeaderLen)
	}
	b := frame[loopbackHeaderLen:]
	if len(b) == 0 || b[0]>>4 != 4 && b[0]>>4 != 6 {
		return nil, ErrNotIP
	}
	return b, nil
}
