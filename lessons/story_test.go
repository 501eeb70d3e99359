package lessons

import (
	"strings"
	"testing"

	"ftplab/sim/firewall"
	"ftplab/sim/trace"
	"ftplab/sim/wire"
)

// TestEveryVariantHasAStory demands of every lesson, in every mode and variant, that the
// story begins with a step of the variant's own, tells of the data connection's SYN and
// of what inspection expects, and ends with what came of it: nobody may be left reading
// about another firewall than the one that is shown.
func TestEveryVariantHasAStory(t *testing.T) {
	all, err := Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range all {
		target := l.Target()
		for _, variant := range target.Variants {
			for _, mode := range target.Modes {
				t.Run(l.Number+"/"+variant.Name+"/"+mode, func(t *testing.T) {
					sel := Selection{Mode: mode, Firewall: variant.Name}
					checkTold(t, runOf(t, l.Number, sel), l.StepsFor(sel), len(target.Variants) > 1)
				})
			}
		}
	}
}

// checkTold checks the steps that are told in a run.
func checkTold(t *testing.T, tr *trace.Trace, steps []Step, severalVariants bool) {
	if len(steps) == 0 || steps[0].At != "start" {
		t.Fatal("no step is told at the start")
	}
	if severalVariants && !strings.Contains(steps[0].When, "firewall") {
		t.Errorf("the first step, %q, is not the variant's own", steps[0].Title)
	}
	told := map[trace.ID]bool{}
	var last trace.ID
	for i, s := range steps {
		if i > 0 && s.At == "start" {
			t.Errorf("two steps at the start: %q and %q", steps[0].Title, s.Title)
		}
		if id, ok := s.Find(tr); ok {
			told[id], last = true, max(last, id)
		}
	}
	if len(told) < 3 {
		t.Errorf("only %d steps are told", len(told))
	}
	v := newView(tr)
	tellsSYN := false
	var ended trace.ID
	for id := trace.ID(1); id <= trace.ID(tr.Len()); id++ {
		switch body := tr.Event(id).Body.(type) {
		case trace.Ended:
			ended = id
		case trace.Tracked:
			expects := body.Change.Kind == firewall.ExpectNew || body.Change.Kind == firewall.ExpectUsed
			if expects && !told[id] {
				t.Errorf("nothing is told of the expectation in event %d", id)
			}
			tellsSYN = tellsSYN || told[id] && body.Change.Kind == firewall.ExpectUsed
		}
		if p, ok := tr.PacketOf(id); ok && told[id] && p.Flags&(wire.SYN|wire.ACK) == wire.SYN && v.isData(&p) {
			tellsSYN = true
		}
	}
	if !tellsSYN {
		t.Error("nothing is told of the SYN of the data connection")
	}
	if !told[ended] {
		t.Error("nothing is told of the outcome")
	}
	if last < ended {
		t.Error("the story ends before the outcome")
	}
}
