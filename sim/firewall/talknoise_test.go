package firewall_test

import (
	"net/netip"

	"ftplab/sim/wire"
)

// noise makes a packet beside the conversations: repeated ones, ICMP errors about
// them, other protocols, strangers.
func (t *talk) noise() (int, wire.Packet) {
	t.now = planned{}
	client, server, third := t.addresses()
	recent := t.last[len(t.last)-1-t.rng.IntN(min(len(t.last), 12))]
	id := uint16(1 + t.rng.IntN(65535))
	if t.pieces && t.chance(30) {
		return t.fragment(recent)
	}
	switch t.rng.IntN(9) {
	case 0, 1: // retransmission
		p := recent.packet
		p.ID = id
		return recent.in, p
	case 2, 3:
		if recent.out != nil {
			return recent.outAt, t.icmpError(recent.out, recent.out.Dst)
		}
	case 4: // from a router on the way, or about something that never was
		if recent.out != nil && t.chance(60) {
			return recent.outAt, t.icmpError(recent.out, third)
		}
		bogus := recent.packet
		bogus.SrcPort++
		return recent.in, t.icmpError(&bogus, bogus.Dst)
	case 5:
		p := wire.Packet{Src: client, Dst: server, Protocol: wire.UDP, SrcPort: 5000, DstPort: 53, TTL: 64, ID: id, Payload: []byte("query")}
		if t.chance(50) {
			return t.serverIn, swapped(p, recent.out)
		}
		return t.clientIn, p
	case 6:
		p := wire.Packet{Src: client, Dst: pick(t, server, third, routerAddress(t.six)), Protocol: wire.ICMP, ICMPType: 8, ICMPRest: 7<<16 | 1, TTL: 64, ID: id, Payload: []byte("ping")}
		if t.six {
			p.Protocol, p.ICMPType = wire.ICMPv6, 128
		}
		if recent.out != nil && recent.out.Protocol == p.Protocol && t.chance(60) {
			back := swapped(*recent.out, nil)
			back.ICMPType = 0
			if t.six {
				back.ICMPType = 129
			}
			back.ID = id
			return recent.outAt, back
		}
		return t.clientIn, p
	case 7:
		p := wire.Packet{Src: server, Dst: client, Protocol: 50, TTL: 64, ID: id, Payload: []byte("encrypted")}
		if t.chance(50) {
			p.Src, p.Dst = client, server
			return t.clientIn, p
		}
		return t.serverIn, p
	}
	p := wire.Packet{
		Src: third, Dst: pick(t, client, server, routerAddress(t.six), netip.MustParseAddr("203.0.113.1")), Protocol: wire.TCP,
		SrcPort: pick(t, uint16(20), 4444), DstPort: pick(t, uint16(1027), 21, 22, 2024, 8021, 2121), TTL: 64, ID: id,
		Seq: t.rng.Uint32(), Ack: t.rng.Uint32(), Window: 1000, Flags: t.strangeFlags(),
	}
	if t.six && p.Dst.Is4() {
		p.Dst = client
	}
	return pick(t, t.otherIn, t.serverIn), p
}

// swapped is the answer to a packet, with the addresses that out shows if it is one of
// the same protocol.
func swapped(p wire.Packet, out *wire.Packet) wire.Packet {
	if out != nil && out.Protocol == p.Protocol {
		p = *out
	}
	p.Src, p.Dst, p.SrcPort, p.DstPort = p.Dst, p.Src, p.DstPort, p.SrcPort
	p.TTL = 64
	return p
}

func (t *talk) icmpError(about *wire.Packet, from netip.Addr) wire.Packet {
	p := wire.Packet{
		Src: from, Dst: about.Src, Protocol: wire.ICMP, TTL: 64, ID: uint16(1 + t.rng.IntN(65535)),
		ICMPType: pick(t, uint8(3), 3, 11, 12), ICMPCode: pick(t, uint8(0), 1, 3, 13), Payload: wire.Quote(about),
	}
	if t.six {
		p.Protocol, p.ICMPType = wire.ICMPv6, pick(t, uint8(1), 3, 4)
	}
	return p
}

// fragment is the first or a later piece of a datagram like another.
func (t *talk) fragment(like sentPacket) (int, wire.Packet) {
	p := like.packet
	p.ID, p.BadChecksum, p.TTL = uint16(1+t.rng.IntN(65535)), false, 64
	if p.FragmentOffset == 0 && t.chance(50) {
		p.MoreFragments = true
		p.Payload = make([]byte, 1480-(p.Len()-len(p.Payload)-20))
		return like.in, p
	}
	p.FragmentOffset, p.MoreFragments = 185, t.chance(50)
	p.SrcPort, p.DstPort, p.Flags, p.Seq, p.Ack, p.Window, p.Options = 0, 0, 0, 0, 0, 0, wire.Options{}
	p.ICMPType, p.ICMPCode, p.ICMPRest = 0, 0, 0
	p.Payload = []byte("sixteen octets..")
	return like.in, p
}
