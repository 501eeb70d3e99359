package replay_test

import (
	"bytes"
	"cmp"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"ftplab/sim/firewall"
	"ftplab/sim/replay"
	"ftplab/sim/wire"
)

// captured is one frame of a capture of the lab.
type captured struct {
	info gopacket.CaptureInfo
	data []byte
	wire.Packet
}

func readCapture(t *testing.T, file string) []captured {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := pcapgo.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	var frames []captured
	for {
		data, info, err := reader.ReadPacketData()
		if err != nil {
			return frames
		}
		datagram, err := wire.Datagram(wire.LinkType(reader.LinkType()), data)
		if err != nil {
			continue // ARP
		}
		p, err := wire.Parse(datagram)
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, captured{info, data, p})
	}
}

// arrivals puts what came in to a firewall on both its sides into one pcapng file.
func arrivals(t *testing.T, first, second []captured, names [2]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := pcapgo.NewNgWriterInterface(&b, pcapgo.NgInterface{Name: names[0], LinkType: layers.LinkTypeEthernet}, pcapgo.DefaultNgWriterOptions)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.AddInterface(pcapgo.NgInterface{Name: names[1], LinkType: layers.LinkTypeEthernet}); err != nil {
		t.Fatal(err)
	}
	all := slices.Clone(first)
	for _, f := range second {
		f.info.InterfaceIndex = 1
		all = append(all, f)
	}
	slices.SortStableFunc(all, func(a, b captured) int { return cmp.Compare(a.info.Timestamp.UnixNano(), b.info.Timestamp.UnixNano()) })
	for _, f := range all {
		if err := w.WritePacket(f.info, f.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestTranslatingFirewallsOfTheLab judges what arrived on both sides of a firewall that
// translates addresses and rewrites PORT or 227 (rows 13 and 15), and compares every
// packet that leaves it with what the other host's capture has of the real one.
func TestTranslatingFirewallsOfTheLab(t *testing.T) {
	client, server := netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("192.168.10.1")
	from := func(frames []captured, host netip.Addr, is bool) []captured {
		return slices.DeleteFunc(slices.Clone(frames), func(f captured) bool { return (f.Src == host) != is })
	}
	for _, root := range []string{filepath.Join("testdata", "lab"), filepath.Join("..", "..", "..", "shared", "oracle")} {
		for _, lab := range []struct {
			row, firewall string
			interfaces    []string
			names         [2]string // of the client's and of the server's side
		}{
			{"13", "fwc", []string{"lan=10.0.0.1/24", "wan=203.0.113.1/24"}, [2]string{"lan", "wan"}},
			{"15", "fws", []string{"lan=192.168.10.254/24", "wan=203.0.113.2/24"}, [2]string{"wan", "lan"}},
		} {
			columns, _ := filepath.Glob(filepath.Join(root, "fixtures", lab.row, "*"))
			for _, column := range columns {
				rules, err := os.ReadFile(filepath.Join(root, "rulesets", lab.row+"."+lab.firewall+".nft"))
				if err != nil {
					t.Fatal(err)
				}
				config := firewallOf(t, string(rules), lab.interfaces...)
				atClient, atServer := readCapture(t, filepath.Join(column, "client.pcap")), readCapture(t, filepath.Join(column, "server.pcap"))
				capture := arrivals(t, from(atClient, client, true), from(atServer, server, true), lab.names)
				toClient, toServer := leaving(t, config, capture, lab.names)
				samePackets(t, column+" to the server", toServer, from(atServer, server, false))
				samePackets(t, column+" to the client", toClient, from(atClient, client, false))
			}
			t.Logf("%s: row %s, %d sessions", root, lab.row, len(columns))
		}
	}
}

// leaving replays a capture and returns the packets as they leave, by side.
func leaving(t *testing.T, config replay.Config, capture []byte, names [2]string) (toClient, toServer []wire.Packet) {
	t.Helper()
	err := replay.Run(config, bytes.NewReader(capture), func(v replay.Verdict) error {
		switch {
		case v.Err != nil:
			return v.Err
		case v.Decision.Action != firewall.ActionForward:
		case v.Out == names[0]:
			toClient = append(toClient, v.After)
		default:
			toServer = append(toServer, v.After)
		}
		changed := v.Line(config.Rules).Changed
		for field, differs := range map[string]bool{
			"src": v.Frame.Packet.Src != v.After.Src, "dst": v.Frame.Packet.Dst != v.After.Dst,
			"seq": v.Frame.Packet.Seq != v.After.Seq, "payload": !bytes.Equal(v.Frame.Packet.Payload, v.After.Payload),
		} {
			if _, told := changed[field]; told != differs {
				t.Errorf("packet %d: changed says of %s %v, it is %v", v.Frame.Number, field, told, differs)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return toClient, toServer
}

func samePackets(t *testing.T, what string, got []wire.Packet, want []captured) {
	t.Helper()
	if len(got) != len(want) || len(got) == 0 {
		t.Errorf("%s: %d packets, the real firewall let %d through", what, len(got), len(want))
		return
	}
	words := func(p *wire.Packet) string { return fmt.Sprintf("%v %q", p, p.Payload) }
	for i := range got {
		if g, w := words(&got[i]), words(&want[i].Packet); g != w {
			t.Errorf("%s, packet %d:\n got %s\nwant %s", what, i+1, g, w)
			return
		}
	}
}
