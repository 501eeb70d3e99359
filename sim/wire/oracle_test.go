package wire

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"pgregory.net/rapid"
)

// TestGopacketReadsOurFields encodes random packets and lets gopacket, which knows
// nothing of this package, decode them: it must find exactly our fields, and the
// checksums it computes must be those we wrote.
func TestGopacketReadsOurFields(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPacket(t)
		b := p.Append(nil)
		if len(b) != p.Len() {
			t.Fatalf("Append made %d octets, Len says %d", len(b), p.Len())
		}
		first := gopacket.Decoder(layers.LayerTypeIPv4)
		if p.Is6() {
			first = layers.LayerTypeIPv6
		}
		decoded := gopacket.NewPacket(b, first, gopacket.Default)
		if p.Is6() {
			checkIPv6(t, &p, decoded)
		} else {
			checkIPv4(t, &p, decoded)
		}
		if p.IsFragment() {
			return // gopacket leaves the pieces of a datagram alone
		}
		checkTransport(t, &p, decoded)
		if checksumIsRight(t, decoded, p.Protocol) == p.BadChecksum {
			t.Errorf("gopacket's view of the transport checksum contradicts BadChecksum %v", p.BadChecksum)
		}
	})
}

func equal[T comparable](t *rapid.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: gopacket reads %v, the packet has %v", what, got, want)
	}
}

func checkIPv4(t *rapid.T, p *Packet, decoded gopacket.Packet) {
	ip := decoded.Layer(layers.LayerTypeIPv4).(*layers.IPv4)
	src, _ := netip.AddrFromSlice(ip.SrcIP)
	dst, _ := netip.AddrFromSlice(ip.DstIP)
	equal(t, "source", src, p.Src)
	equal(t, "destination", dst, p.Dst)
	equal(t, "TTL", ip.TTL, p.TTL)
	equal(t, "TOS", ip.TOS, p.TOS)
	equal(t, "ID", ip.Id, p.ID)
	equal(t, "protocol", uint8(ip.Protocol), uint8(p.Protocol))
	equal(t, "fragment offset", ip.FragOffset, p.FragmentOffset)
	equal(t, "more fragments", ip.Flags&layers.IPv4MoreFragments != 0, p.MoreFragments)
	equal(t, "don't fragment", ip.Flags&layers.IPv4DontFragment != 0, p.Protocol == TCP && !p.IsFragment())
	if sum := fold(sumOctets(0, ip.Contents)); sum != 0xffff {
		t.Errorf("IPv4 header sums to %#x", sum)
	}
}

func checkIPv6(t *rapid.T, p *Packet, decoded gopacket.Packet) {
	ip := decoded.Layer(layers.LayerTypeIPv6).(*layers.IPv6)
	src, _ := netip.AddrFromSlice(ip.SrcIP)
	dst, _ := netip.AddrFromSlice(ip.DstIP)
	equal(t, "source", src, p.Src)
	equal(t, "destination", dst, p.Dst)
	equal(t, "hop limit", ip.HopLimit, p.TTL)
	equal(t, "traffic class", ip.TrafficClass, p.TOS)
	if !p.IsFragment() {
		equal(t, "next header", uint8(ip.NextHeader), uint8(p.Protocol))
		return
	}
	fragment := decoded.Layer(layers.LayerTypeIPv6Fragment).(*layers.IPv6Fragment)
	equal(t, "next header", uint8(fragment.NextHeader), uint8(p.Protocol))
	equal(t, "fragment offset", fragment.FragmentOffset, p.FragmentOffset)
	equal(t, "more fragments", fragment.MoreFragments, p.MoreFragments)
	equal(t, "fragment ID", fragment.Identification, uint32(p.ID))
}

func checkTransport(t *rapid.T, p *Packet, decoded gopacket.Packet) {
	switch layer := decoded.Layer(transportLayer(p.Protocol)).(type) {
	case *layers.TCP:
		equal(t, "source port", uint16(layer.SrcPort), p.SrcPort)
		equal(t, "destination port", uint16(layer.DstPort), p.DstPort)
		equal(t, "seq", layer.Seq, p.Seq)
		equal(t, "ack", layer.Ack, p.Ack)
		equal(t, "window", layer.Window, p.Window)
		equal(t, "flags", Flags(layer.Contents[13]), p.Flags)
		equal(t, "SYN", layer.SYN, p.Flags&SYN != 0)
		equal(t, "RST", layer.RST, p.Flags&RST != 0)
		equal(t, "options", gopacketOptions(layer), p.Options)
		checkPayload(t, layer.Payload, p.Payload)
	case *layers.UDP:
		equal(t, "source port", uint16(layer.SrcPort), p.SrcPort)
		equal(t, "destination port", uint16(layer.DstPort), p.DstPort)
		equal(t, "length", int(layer.Length), 8+len(p.Payload))
		checkPayload(t, layer.Payload, p.Payload)
	case *layers.ICMPv4:
		equal(t, "type and code", layer.TypeCode, layers.CreateICMPv4TypeCode(p.ICMPType, p.ICMPCode))
		equal(t, "rest", uint32(layer.Id)<<16|uint32(layer.Seq), p.ICMPRest)
		checkPayload(t, layer.Payload, p.Payload)
	case *layers.ICMPv6:
		equal(t, "type and code", layer.TypeCode, layers.CreateICMPv6TypeCode(p.ICMPType, p.ICMPCode))
		checkPayload(t, layer.Payload, append(binary.BigEndian.AppendUint32(nil, p.ICMPRest), p.Payload...))
	case nil:
		if _, known := checksumOffset(p.Protocol); known {
			t.Errorf("gopacket finds no %v layer", p.Protocol)
		}
	}
}

func transportLayer(p Protocol) gopacket.LayerType {
	switch p {
	case TCP:
		return layers.LayerTypeTCP
	case UDP:
		return layers.LayerTypeUDP
	case ICMP:
		return layers.LayerTypeICMPv4
	case ICMPv6:
		return layers.LayerTypeICMPv6
	}
	return gopacket.LayerTypePayload
}

func checkPayload(t *rapid.T, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("payload: gopacket reads %x, the packet has %x", got, want)
	}
}

func gopacketOptions(tcp *layers.TCP) Options {
	var o Options
	for _, option := range tcp.Options {
		data := option.OptionData
		switch option.OptionType {
		case layers.TCPOptionKindMSS:
			o.MSS = binary.BigEndian.Uint16(data)
		case layers.TCPOptionKindWindowScale:
			o.HasScale, o.WindowScale = true, data[0]
		case layers.TCPOptionKindSACKPermitted:
			o.SACKPermitted = true
		case layers.TCPOptionKindTimestamps:
			o.HasTimestamps = true
			o.TSVal, o.TSEcr = binary.BigEndian.Uint32(data), binary.BigEndian.Uint32(data[4:])
		case layers.TCPOptionKindSACK:
			for ; len(data) >= 8; data = data[8:] {
				o.Blocks[o.NumBlocks] = SACKBlock{binary.BigEndian.Uint32(data), binary.BigEndian.Uint32(data[4:])}
				o.NumBlocks++
			}
		}
	}
	return o
}

// checksumIsRight asks gopacket's own verification of the transport layer.
func checksumIsRight(t *rapid.T, decoded gopacket.Packet, protocol Protocol) bool {
	layer, ok := decoded.Layer(transportLayer(protocol)).(gopacket.LayerWithChecksum)
	if !ok {
		return true // a protocol without a checksum that either of us knows
	}
	if above, ok := layer.(interface {
		SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
	}); ok {
		if err := above.SetNetworkLayerForChecksum(decoded.NetworkLayer()); err != nil {
			t.Fatal(err)
		}
	}
	failure, result := layer.VerifyChecksum()
	if failure != nil {
		t.Fatalf("gopacket: %v", failure)
	}
	return result.Valid
}
