package trace

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"ftplab/sim/tcp"
	"ftplab/sim/wire"
)

// TestPacketsComeBackWhole records packets of every kind and reads them back.
func TestPacketsComeBackWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := NewRecorder([]Node{{Name: "a"}, {Name: "b"}}, []Link{{A: 0, B: 1}})
		var sent []wire.Packet
		for range rapid.IntRange(1, 20).Draw(t, "packets") {
			p := drawPacket(t)
			r.Sent(0, 0, 0, &p, 5, tcp.Fresh)
			sent = append(sent, p)
		}
		tr := r.Trace()
		for i, want := range sent {
			got := tr.Event(ID(i + 1)).Body.(Sent).Packet
			if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{}), cmpopts.EquateEmpty(), cmpopts.IgnoreFields(wire.Packet{}, "Blob")); diff != "" {
				t.Fatalf("packet %d (-sent +read):\n%s", i, diff)
			}
		}
	})
}

func drawPacket(t *rapid.T) wire.Packet {
	p := wire.Packet{
		Src: netip.AddrFrom4([4]byte{10, 0, 0, rapid.Byte().Draw(t, "src")}), Dst: netip.MustParseAddr("192.0.2.1"),
		TTL: rapid.Byte().Draw(t, "ttl"), ID: rapid.Uint16().Draw(t, "id"), TOS: rapid.Byte().Draw(t, "tos"),
		Payload: rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "payload"),
	}
	switch rapid.IntRange(0, 2).Draw(t, "kind") {
	case 0:
		p.Protocol, p.SrcPort, p.DstPort = wire.TCP, rapid.Uint16().Draw(t, "sport"), 21
		p.Seq, p.Ack, p.Window = rapid.Uint32().Draw(t, "seq"), rapid.Uint32().Draw(t, "ack"), rapid.Uint16().Draw(t, "window")
		p.Flags = wire.Flags(rapid.Byte().Draw(t, "flags"))
		if rapid.Bool().Draw(t, "options") {
			p.Options = wire.Options{MSS: 1460, HasScale: true, WindowScale: 7, SACKPermitted: true}
		}
	case 1:
		p.Protocol, p.ICMPType, p.ICMPCode, p.ICMPRest = wire.ICMP, 3, rapid.Byte().Draw(t, "code"), rapid.Uint32().Draw(t, "rest")
	case 2:
		p.Protocol, p.FragmentOffset, p.MoreFragments = wire.UDP, rapid.Uint16Range(0, 8000).Draw(t, "offset"), rapid.Bool().Draw(t, "more")
	}
	return p
}
