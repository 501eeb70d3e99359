package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"ftplab/lessons"
	"ftplab/sim/export"
	"ftplab/sim/trace"
	"ftplab/sim/wire"
)

// everyRun calls f for every lesson in every mode with every variant of its firewall.
func everyRun(t *testing.T, f func(t *testing.T, target *lessons.Target, selection lessons.Selection, tr *trace.Trace)) {
	all, err := lessons.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range all {
		target := l.Target()
		for _, mode := range target.Modes {
			for _, variant := range target.Variants {
				t.Run(target.Name()+"/"+mode+"/"+variant.Name, func(t *testing.T) {
					t.Parallel()
					selection, err := target.Complete(lessons.Selection{Mode: mode, Firewall: variant.Name})
					if err != nil {
						t.Fatal(err)
					}
					_, tr, err := simulate(target, selection)
					if err != nil {
						t.Fatal(err)
					}
					f(t, target, selection, tr)
				})
			}
		}
	}
}

// TestGopacketReadsEveryLesson: every packet of every lesson, in every mode and variant,
// is read by gopacket as the packet it is, with right checksums.
func TestGopacketReadsEveryLesson(t *testing.T) {
	everyRun(t, func(t *testing.T, _ *lessons.Target, _ lessons.Selection, tr *trace.Trace) {
		for serial := uint32(1); int(serial) <= tr.Packets(); serial++ {
			p := tr.Packet(serial)
			first := gopacket.Decoder(layers.LayerTypeIPv4)
			if p.Is6() {
				first = layers.LayerTypeIPv6
			}
			decoded := gopacket.NewPacket(p.Append(nil), first, gopacket.Default)
			if failed := decoded.ErrorLayer(); failed != nil {
				t.Errorf("packet %d: %v", serial, failed.Error())
			}
			if tcp, ok := decoded.TransportLayer().(*layers.TCP); ok {
				checkSegment(t, &p, tcp, decoded.NetworkLayer())
			} else if p.Protocol == wire.TCP {
				t.Errorf("packet %d: no TCP in %v", serial, decoded)
			}
		}
	})
}

func checkSegment(t *testing.T, p *wire.Packet, tcp *layers.TCP, network gopacket.NetworkLayer) {
	src, dst := network.NetworkFlow().Endpoints()
	same := src.String() == p.Src.String() && dst.String() == p.Dst.String() &&
		uint16(tcp.SrcPort) == p.SrcPort && uint16(tcp.DstPort) == p.DstPort && tcp.Seq == p.Seq && tcp.Ack == p.Ack &&
		tcp.SYN == (p.Flags&wire.SYN != 0) && tcp.ACK == (p.Flags&wire.ACK != 0) && tcp.FIN == (p.Flags&wire.FIN != 0) &&
		tcp.RST == (p.Flags&wire.RST != 0) && tcp.PSH == (p.Flags&wire.PSH != 0) && tcp.Window == p.Window && bytes.Equal(tcp.Payload, p.Payload)
	if !same {
		t.Errorf("packet %d: gopacket reads %v of %v", p.Serial, gopacket.LayerString(tcp), p.String())
	}
	if err := tcp.SetNetworkLayerForChecksum(network); err != nil {
		t.Fatal(err)
	}
	if failure, result := tcp.VerifyChecksum(); failure != nil || !result.Valid {
		t.Errorf("packet %d: checksum: %v, %+v", p.Serial, failure, result)
	}
}

// TestWiresharkReadsEveryLesson: Wireshark's dissectors find no malformed packet, no bad
// checksum and no expert note above "note" in any lesson's capture, and tie the data
// stream to the command that set it up.
func TestWiresharkReadsEveryLesson(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	switch {
	case err != nil && os.Getenv("FTPLAB_REQUIRE_PEERS") != "":
		t.Fatal("tshark is not installed")
	case err != nil:
		t.Skip("tshark is not installed")
	case testing.Short():
		t.Skip("dozens of captures take a while")
	}
	everyRun(t, func(t *testing.T, target *lessons.Target, selection lessons.Selection, tr *trace.Trace) {
		file := filepath.Join(t.TempDir(), "capture.pcapng")
		var content bytes.Buffer
		if err := export.WritePcapNG(&content, tr); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, content.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		const complaints = "_ws.malformed or tcp.checksum.status == 0 or ip.checksum.status == 0 or _ws.expert.severity > 0x400000"
		command := exec.Command(tshark, "-r", file, "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE",
			"-Y", complaints+" or ftp-data", "-T", "fields", "-e", "frame.number", "-e", "ftp-data.setup-method", "-e", "ftp-data.command", "-e", "_ws.expert.message")
		var stderr bytes.Buffer
		command.Stderr = &stderr
		out, err := command.Output()
		if err != nil {
			t.Fatalf("%v\n%s", err, stderr.String())
		}
		data := 0
		for line := range strings.Lines(string(out)) {
			fields := strings.Split(strings.TrimRight(line, "\n"), "\t")
			if !intended(fields[3]) {
				t.Errorf("frame %s: %s", fields[0], fields[3])
			}
			if fields[2] != "" {
				data++
			}
		}
		// Wireshark (4.0 to 4.6) expects the connection of an EPRT from the client to
		// itself, in real captures too, and so ties none.
		if data == 0 && transferred(tr) && selection.Mode != "eprt" {
			t.Errorf("Wireshark ties no data stream of %s to its control connection", target.Name())
		}
	})
}

// intended reports whether what Wireshark says of a frame is what the lessons are about:
// connections that end or are refused.
func intended(message string) bool {
	return message == "" || strings.HasPrefix(message, "Connection finish (FIN)") || strings.HasPrefix(message, "Connection reset (RST)")
}

// transferred reports whether the client got its file.
func transferred(tr *trace.Trace) bool {
	for id := trace.ID(1); int(id) <= tr.Len(); id++ {
		if tr.Kind(id) == trace.KindEnded {
			return tr.Event(id).Body.(trace.Ended).Result.OK
		}
	}
	return false
}
