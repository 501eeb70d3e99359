package report_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ftplab/sim"
	"ftplab/sim/ftp"
	"ftplab/sim/internal/simtest"
	"ftplab/sim/report"
	"ftplab/sim/trace"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("%s differs (-want +got); if that is right, run the test with -update:\n%s", path, cmp.Diff(string(want), string(got)))
	}
}

// labs are runs that end in different ways.
var labs = []struct {
	name string
	lab  simtest.Lab
}{
	{"acl-pasv", simtest.Lab{Mode: ftp.ModePASV, Rules: simtest.ActiveACL}},
	{"acl-port", simtest.Lab{Mode: ftp.ModePORT, Rules: simtest.ActiveACL}},
	{"stateful-port", simtest.Lab{Mode: ftp.ModePORT, Rules: simtest.Stateful}},
	{"inspect-pasv", simtest.Lab{Mode: ftp.ModePASV, Rules: simtest.Inspecting}},
	{"reject-epsv", simtest.Lab{Mode: ftp.ModeEPSV, Rules: simtest.Rejecting}},
	{"inspect-tls", simtest.Lab{Mode: ftp.ModePASV, Rules: simtest.Inspecting, TLS: true}},
	{"outbound-pasv", simtest.Lab{Mode: ftp.ModePASV, Rules: outboundACL}},
	{"refused", simtest.Lab{Mode: ftp.ModePASV, Path: "/pub/missing.txt"}},
}

// outboundACL lets nothing but the control connection out to the server.
const outboundACL = `acl number 3000
 rule permit tcp destination-port eq 21
 rule deny ip
interface GigabitEthernet2/1/10
 packet-filter 3000 outbound
`

func describe(l simtest.Lab, tr *trace.Trace) *report.Run {
	return report.New(report.Selection{Target: "lab", Mode: strings.ToLower(l.Mode.String()), Firewall: "acl", Op: "retr", TLS: l.TLS, Seed: l.Seed}, tr)
}

func TestGolden(t *testing.T) {
	for _, test := range labs {
		tr := test.lab.Run(t)
		run := describe(test.lab, tr)
		explanation := report.Why(tr)
		for extension, write := range map[string]func(io.Writer) error{
			"json": run.WriteJSON,
			"txt":  func(w io.Writer) error { return run.WriteText(w, tr) },
			"plain": func(w io.Writer) error {
				return run.WritePlain(w, tr)
			},
			"why": explanation.Write,
		} {
			t.Run(test.name+"."+extension, func(t *testing.T) {
				var b bytes.Buffer
				if err := write(&b); err != nil {
					t.Fatal(err)
				}
				golden(t, test.name+"."+extension, b.Bytes())
			})
		}
	}
}

// TestPlainDrawsNothing: what a screen reader or a braille display gets is sentences of
// letters, digits and punctuation, and none of them hides a fact of the text form.
func TestPlainDrawsNothing(t *testing.T) {
	for _, test := range labs {
		tr := test.lab.Run(t)
		var b bytes.Buffer
		if err := describe(test.lab, tr).WritePlain(&b, tr); err != nil {
			t.Fatal(err)
		}
		for i, r := range b.String() {
			if r != '\n' && (r < ' ' || r > '~') {
				t.Errorf("%s: %q at %d in %q", test.name, r, i, b.String())
				break
			}
		}
	}
}

// TestRunObject checks the members that a script relies on, beside the golden files.
func TestRunObject(t *testing.T) {
	lab := simtest.Lab{Mode: ftp.ModePORT, Rules: simtest.ActiveACL, Seed: 3}
	run := describe(lab, lab.Run(t))
	run.SetCost(2*time.Second, time.Second)
	if run.Stats.Wall != 2 || run.Stats.CPU != 1 {
		t.Errorf("cost: %+v", run.Stats)
	}
	tree := ftp.DefaultTree()
	file, info, err := tree.Open("/pub/readme.txt", ftp.ForReading, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	content, err := tree.ReadAt(file, 0, int(info.Size))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	if run.Transfer.SHA256 == nil || *run.Transfer.SHA256 != hex.EncodeToString(sum[:]) {
		t.Errorf("sha256 is %v", run.Transfer.SHA256)
	}
}

// TestMemberOrder: the members of the JSON come in the contract's order.
func TestMemberOrder(t *testing.T) {
	lab := labs[0].lab
	var b bytes.Buffer
	if err := describe(lab, lab.Run(t)).WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	want := []string{"schema", "target", "mode", "firewall", "op", "tls", "seed", "outcome", "phase", "failure_class", "fail_after_s",
		"server_reply", "last_reply", "replies", "transfer", "first_drop", "stats"}
	if got := topMembers(t, b.Bytes()); !reflect.DeepEqual(got, want) {
		t.Errorf("members %v, want %v", got, want)
	}
}

// topMembers returns the names of an object's own members in order.
func topMembers(t *testing.T, object []byte) []string {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(object))
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	var names []string
	for d.More() {
		name, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name.(string))
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
	}
	return names
}

// TestUnfinishedRun: a run that is cut short hangs in the phase it was in.
func TestUnfinishedRun(t *testing.T) {
	scenario := labs[0].lab.Scenario(t)
	scenario.Until = 1_000_000_000
	tr, err := sim.Run(scenario)
	if err != nil {
		t.Fatal(err)
	}
	run := report.New(report.Selection{}, tr)
	if run.Outcome != ftp.OutcomeHang || run.Phase != ftp.PhaseDataConnect || run.FailureClass != "delayed" || run.FailAfter == nil {
		t.Errorf("%s in %s, %s, %v", run.Outcome, run.Phase, run.FailureClass, run.FailAfter)
	}
	if x := report.Why(tr); len(x.Causes) == 0 {
		t.Error("nothing is told of an unfinished run")
	}
}

func TestEmptyTrace(t *testing.T) {
	tr, err := sim.Run(sim.Scenario{})
	if err != nil {
		t.Fatal(err)
	}
	run := report.New(report.Selection{}, tr)
	if run.Outcome != ftp.OutcomeHang || run.FirstDrop != nil {
		t.Errorf("a run of nothing: %+v", run)
	}
	var b bytes.Buffer
	if err := run.WriteText(&b, tr); err != nil {
		t.Fatal(err)
	}
	if x := report.Why(tr); len(x.Causes) != 0 {
		t.Errorf("causes of nothing: %v", x.Causes)
	}
}
