package wire

import (
	"net/netip"

	"pgregory.net/rapid"
)

// drawPacket draws any packet that the simulator may send: every field that has a
// place on the wire takes any value that fits, the others are zero.
func drawPacket(t *rapid.T) Packet {
	p := Packet{
		TTL:     rapid.Byte().Draw(t, "ttl"),
		TOS:     rapid.Byte().Draw(t, "tos"),
		Payload: rapid.SliceOfN(rapid.Byte(), 0, 1500).Draw(t, "payload"),
	}
	six := rapid.Bool().Draw(t, "ipv6")
	if six {
		p.Src, p.Dst = drawAddr6(t, "src"), drawAddr6(t, "dst")
	} else {
		p.Src, p.Dst = drawAddr4(t, "src"), drawAddr4(t, "dst")
		p.ID = rapid.Uint16().Draw(t, "id")
	}
	p.Protocol = drawProtocol(t, six)
	if rapid.IntRange(0, 4).Draw(t, "fragment") == 0 {
		drawFragment(t, &p)
	}
	if p.FragmentOffset == 0 {
		drawTransport(t, &p)
	}
	return p
}

func drawProtocol(t *rapid.T, six bool) Protocol {
	icmp := ICMP
	if six {
		icmp = ICMPv6
	}
	return rapid.SampledFrom([]Protocol{TCP, TCP, TCP, UDP, icmp, 253, 254}).Draw(t, "protocol")
}

func drawFragment(t *rapid.T, p *Packet) {
	p.ID = rapid.Uint16().Draw(t, "fragment id")
	p.FragmentOffset = rapid.Uint16Range(0, 8191).Draw(t, "fragment offset")
	p.MoreFragments = p.FragmentOffset == 0 || rapid.Bool().Draw(t, "more fragments")
}

func drawTransport(t *rapid.T, p *Packet) {
	switch p.Protocol {
	case TCP:
		p.Seq, p.Ack = rapid.Uint32().Draw(t, "seq"), rapid.Uint32().Draw(t, "ack")
		p.Flags = Flags(rapid.Byte().Draw(t, "flags"))
		p.Window = rapid.Uint16().Draw(t, "window")
		p.Options = drawOptions(t)
		fallthrough
	case UDP:
		p.SrcPort = rapid.Uint16().Draw(t, "source port")
		p.DstPort = rapid.Uint16().Draw(t, "destination port")
	case ICMP, ICMPv6:
		p.ICMPType, p.ICMPCode = rapid.Byte().Draw(t, "type"), rapid.Byte().Draw(t, "code")
		p.ICMPRest = rapid.Uint32().Draw(t, "rest")
	default:
		return
	}
	p.BadChecksum = !p.IsFragment() && rapid.Bool().Draw(t, "bad checksum")
}

func drawOptions(t *rapid.T) Options {
	var o Options
	if o.HasTimestamps = rapid.Bool().Draw(t, "has timestamps"); o.HasTimestamps {
		o.TSVal, o.TSEcr = rapid.Uint32().Draw(t, "timestamp"), rapid.Uint32().Draw(t, "timestamp echo")
	}
	if rapid.Bool().Draw(t, "handshake options") {
		o.MSS = rapid.Uint16().Draw(t, "mss")
		o.SACKPermitted = rapid.Bool().Draw(t, "sack permitted")
		if o.HasScale = rapid.Bool().Draw(t, "has scale"); o.HasScale {
			o.WindowScale = rapid.Uint8Range(0, maxWindowScale).Draw(t, "scale")
		}
	} else {
		most := uint8(4)
		if o.HasTimestamps {
			most = 3 // what fits beside them
		}
		o.NumBlocks = rapid.Uint8Range(0, most).Draw(t, "blocks")
		for i := range o.NumBlocks {
			o.Blocks[i] = SACKBlock{rapid.Uint32().Draw(t, "left"), rapid.Uint32().Draw(t, "right")}
		}
	}
	return o
}

func drawAddr4(t *rapid.T, name string) netip.Addr {
	return netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, name)))
}

// drawAddr6 never draws a 4-in-6 address, which Packet excludes.
func drawAddr6(t *rapid.T, name string) netip.Addr {
	b := [16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, name))
	b[0] = 0x20
	return netip.AddrFrom16(b)
}
