package export

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/gopacket/gopacket/pcapgo"

	"ftplab/sim/report"
	"ftplab/sim/trace"
	"ftplab/sim/wire"
)

// captured is a packet as it is read back from a file.
type captured struct {
	packet   wire.Packet
	ns       int64
	point    string
	comments []string
}

func readPcapNG(t *testing.T, file []byte) ([]captured, *pcapgo.NgReader) {
	t.Helper()
	r, err := pcapgo.NewNgReader(bytes.NewReader(file), pcapgo.NgReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var packets []captured
	for {
		data, info, options, err := r.ReadPacketDataWithOptions()
		if errors.Is(err, io.EOF) {
			return packets, r
		}
		if err != nil {
			t.Fatal(err)
		}
		p, err := wire.Parse(data)
		if err != nil {
			t.Fatalf("packet %d: %v", len(packets)+1, err)
		}
		iface, err := r.Interface(info.InterfaceIndex)
		if err != nil {
			t.Fatal(err)
		}
		packets = append(packets, captured{p, info.Timestamp.UnixNano(), iface.Name, options.Comments})
	}
}

// TestPcapNGHoldsEachPacketOnce reads every lab's capture back: each packet of the
// trace is there once, as it was, at its time, on its sender's interface.
func TestPcapNGHoldsEachPacketOnce(t *testing.T) {
	for name, lab := range labs() {
		t.Run(name, func(t *testing.T) {
			tr := lab.Run(t)
			var file bytes.Buffer
			if err := WritePcapNG(&file, tr); err != nil {
				t.Fatal(err)
			}
			got, _ := readPcapNG(t, file.Bytes())
			seen := map[uint32]bool{}
			next := 0
			for id := trace.ID(1); int(id) <= tr.Len(); id++ {
				sent, ok := tr.Event(id).Body.(trace.Sent)
				if !ok || seen[sent.Packet.Serial] {
					continue
				}
				seen[sent.Packet.Serial] = true
				if next == len(got) {
					t.Fatalf("packet %d (event %d) is missing", next+1, id)
				}
				want := sent.Packet
				want.Serial, want.Blob, want.BlobOffset = 0, 0, 0
				if diff := cmp.Diff(want, got[next].packet, cmpopts.EquateEmpty(), cmpopts.EquateComparable(want.Src)); diff != "" {
					t.Errorf("event %d (-trace +file):\n%s", id, diff)
				}
				if got[next].ns != int64(tr.Time(id)) || got[next].point != nearEnd(tr, sent.Link).String() {
					t.Errorf("event %d: at %d ns on %s, want %d on %s", id, got[next].ns, got[next].point, tr.Time(id), nearEnd(tr, sent.Link))
				}
				next++
			}
			if next != len(got) {
				t.Errorf("%d packets in the file, %d in the trace", len(got), next)
			}
		})
	}
}

// TestPcapNGComments: the reason of a drop is the comment of the packet as its sender
// sent it.
func TestPcapNGComments(t *testing.T) {
	tr := labs()["acl-pasv"].Run(t)
	var file bytes.Buffer
	if err := WritePcapNG(&file, tr); err != nil {
		t.Fatal(err)
	}
	got, _ := readPcapNG(t, file.Bytes())
	commented := 0
	for _, p := range got {
		if len(p.comments) == 0 {
			continue
		}
		commented++
		if !strings.Contains(p.comments[0], "line 4 `deny ip`") || p.packet.Flags != wire.SYN|wire.ACK || p.point != "server:eth0" {
			t.Errorf("%v on %s: %q", p.packet.String(), p.point, p.comments)
		}
	}
	if commented == 0 {
		t.Error("no packet has a comment")
	}
}

func TestPcapNGNames(t *testing.T) {
	tr := labs()["acl-port"].Run(t)
	var file bytes.Buffer
	if err := WritePcapNG(&file, tr); err != nil {
		t.Fatal(err)
	}
	_, reader := readPcapNG(t, file.Bytes())
	for _, name := range []string{"client", "switch", "server"} {
		if !bytes.Contains(nameResolutionBlock(tr), append([]byte(name), 0)) {
			t.Errorf("%s has no name record", name)
		}
	}
	if reader.NInterfaces() != 4 {
		t.Errorf("%d interfaces, want both ends of two links", reader.NInterfaces())
	}
}

func TestPcapNGAtOneInterface(t *testing.T) {
	tr := labs()["acl-pasv"].Run(t)
	at := CapturePoint{"switch", "GigabitEthernet2/1/1"}
	var file bytes.Buffer
	if err := WritePcapNGAt(&file, tr, at); err != nil {
		t.Fatal(err)
	}
	got, _ := readPcapNG(t, file.Bytes())
	for _, p := range got {
		if p.packet.SrcPort == 2024 {
			t.Errorf("behind the switch, a packet that the switch dropped: %v", p.packet.String())
		}
	}
	if len(got) == 0 {
		t.Error("nothing was captured")
	}
	err := WritePcapNGAt(io.Discard, tr, CapturePoint{"switch", "ge0"})
	if err == nil || !strings.Contains(err.Error(), "client:eth0, switch:GigabitEthernet2/1/1") {
		t.Errorf("an unknown interface: %v, want an error that lists the known ones", err)
	}
}

func TestParseCapturePoint(t *testing.T) {
	if got, err := ParseCapturePoint("switch:GigabitEthernet2/1/10"); err != nil || got != (CapturePoint{"switch", "GigabitEthernet2/1/10"}) {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "switch", "switch:", ":eth0"} {
		if _, err := ParseCapturePoint(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// TestJSONLinesAgreeWithHelp: every member that is printed is documented, and every
// event is one line.
func TestJSONLinesAgreeWithHelp(t *testing.T) {
	help := EventHelp()
	for name, lab := range labs() {
		tr := lab.Run(t)
		var b bytes.Buffer
		if err := WriteJSONLines(&b, tr); err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(b.Bytes(), []byte("\n")); n != tr.Len() {
			t.Errorf("%s: %d lines for %d events", name, n, tr.Len())
		}
		for _, member := range members(t, b.Bytes()) {
			if !strings.Contains(help, " "+member+" ") {
				t.Errorf("%s: member %q is not in the help", name, member)
			}
		}
	}
	for _, kind := range trace.Kinds() {
		if !strings.Contains(help, "\n"+kind.String()+": ") {
			t.Errorf("kind %v is not in the help", kind)
		}
	}
}

func TestJSONLinesGolden(t *testing.T) {
	tr := labs()["acl-pasv"].Run(t)
	var b bytes.Buffer
	if err := WriteJSONLines(&b, tr); err != nil {
		t.Fatal(err)
	}
	drop := report.New(report.Selection{}, tr).FirstDrop
	lines := bytes.SplitAfter(b.Bytes(), []byte("\n"))
	golden(t, "acl-pasv.jsonl", bytes.Join(lines[:drop.Event], nil))
}
