package report_test

import (
	"bytes"
	"strings"
	"testing"

	"ftplab/sim"
	"ftplab/sim/ftp"
	"ftplab/sim/internal/simtest"
	"ftplab/sim/report"
	"ftplab/sim/trace"
	"ftplab/sim/wire"
)

func TestCompareFindsTheSamePacketsTwoFates(t *testing.T) {
	stateful := simtest.Lab{Mode: ftp.ModePASV, Rules: simtest.Stateful}
	inspecting := simtest.Lab{Mode: ftp.ModePASV, Rules: simtest.Inspecting}
	left, right := stateful.Run(t), inspecting.Run(t)
	d := report.Compare(left, right)
	if !d.SamePacket {
		t.Fatalf("difference: %+v", d)
	}
	l, r := left.Event(d.Left).Body.(trace.Judged), right.Event(d.Right).Body.(trace.Judged)
	if l.Packet.Flags != wire.SYN || l.Packet.DstPort != 2024 || l.Packet.Seq != r.Packet.Seq {
		t.Errorf("%v and %v, want the SYN of the data connection", &l.Packet, &r.Packet)
	}
	var b bytes.Buffer
	err := report.WriteComparison(&b,
		report.Side{Name: "stateful", Run: describe(stateful, left), Trace: left},
		report.Side{Name: "inspect", Run: describe(inspecting, right), Trace: right})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "compare.txt", b.Bytes())
}

func TestCompareOfTheSameRunAgain(t *testing.T) {
	lab := labs[0].lab
	if d := report.Compare(lab.Run(t), lab.Run(t)); d != (report.Difference{}) {
		t.Errorf("a run differs from itself: %+v", d)
	}
}

func TestCompareOfDifferentModes(t *testing.T) {
	pasv := simtest.Lab{Mode: ftp.ModePASV, Rules: simtest.ActiveACL}
	port := simtest.Lab{Mode: ftp.ModePORT, Rules: simtest.ActiveACL}
	left, right := pasv.Run(t), port.Run(t)
	d := report.Compare(left, right)
	if d.SamePacket || d.Left == 0 || d.Right == 0 {
		t.Fatalf("difference: %+v", d)
	}
	for tr, event := range map[*trace.Trace]trace.ID{left: d.Left, right: d.Right} {
		p, _ := tr.PacketOf(event)
		if line := string(p.Payload); !strings.HasPrefix(line, "PASV") && !strings.HasPrefix(line, "PORT") {
			t.Errorf("the runs part at %q, want PASV and PORT", line)
		}
	}
}

// TestCompareOfARunThatEndsFirst: one of the two has no more verdicts.
func TestCompareOfARunThatEndsFirst(t *testing.T) {
	lab := simtest.Lab{Mode: ftp.ModePASV, Rules: simtest.ActiveACL}
	scenario := lab.Scenario(t)
	scenario.Until = 10_000_000
	short, err := sim.Run(scenario)
	if err != nil {
		t.Fatal(err)
	}
	if d := report.Compare(short, lab.Run(t)); d.Left != 0 || d.Right == 0 {
		t.Errorf("difference: %+v", d)
	}
}

func TestMatrixForms(t *testing.T) {
	m := report.NewMatrix("lab", "Lab <1> | all")
	for _, mode := range []ftp.Mode{ftp.ModePASV, ftp.ModePORT} {
		m.Cells = append(m.Cells, cell(t, mode, "acl", simtest.ActiveACL), cell(t, mode, "inspect", simtest.Inspecting))
	}
	var text, markdown, page bytes.Buffer
	for _, err := range []error{m.WriteText(&text), m.WriteMarkdown(&markdown), m.WriteHTML(&page)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "matrix.txt", text.Bytes())
	golden(t, "matrix.md", markdown.Bytes())
	golden(t, "matrix.html", page.Bytes())
	if strings.Contains(page.String(), "<1>") {
		t.Error("the title is not escaped in HTML")
	}
}

func cell(t *testing.T, mode ftp.Mode, name, rules string) *report.Run {
	lab := simtest.Lab{Mode: mode, Rules: rules}
	selection := report.Selection{Target: "lab", Mode: strings.ToLower(mode.String()), Firewall: name, Op: "retr"}
	return report.New(selection, lab.Run(t))
}

func TestHidePassword(t *testing.T) {
	for line, want := range map[string]string{
		"PASS secret": "PASS ****", "pass secret word": "pass ****", "PASS": "PASS", "PASV": "PASV", "USER PASS x": "USER PASS x",
	} {
		if got := report.HidePassword(line); got != want {
			t.Errorf("HidePassword(%q) = %q, want %q", line, got, want)
		}
	}
}
