package lessons

import (
	"testing"

	"ftplab/sim"
	"ftplab/sim/report"
	"ftplab/sim/trace"
)

// runOf runs a built-in target.
func runOf(t *testing.T, name string, sel Selection) *trace.Trace {
	t.Helper()
	target, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	sc, err := target.Scenario(sel)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := sim.Run(sc)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// TestSelectors asks for events and checks, in the words of the narration, that the
// right one is found.
func TestSelectors(t *testing.T) {
	acl := runOf(t, "04", Selection{Mode: "pasv"})
	inspect := runOf(t, "12", Selection{Mode: "port"})
	nat := runOf(t, "linux/13", Selection{Mode: "port"})
	scan := runOf(t, "05", Selection{Mode: "port"})
	for _, c := range []struct {
		tr   *trace.Trace
		at   string
		node string     // where it happens, "" if there is no such event
		kind trace.Kind // what it is
	}{
		{acl, "start", "client", trace.KindFTP},
		{acl, "first drop", "switch", trace.KindJudged},
		{acl, "drop", "switch", trace.KindJudged},
		{acl, "segment S", "client", trace.KindSent},
		{acl, "segment S of data", "client", trace.KindSent},
		{acl, "segment S of data arrived", "switch", trace.KindArrived},
		{acl, "segment S of data arrived at server", "server", trace.KindArrived},
		{acl, "segment S of data forwarded", "switch", trace.KindJudged},
		{acl, "segment S of data dropped", "", 0},
		{acl, "segment SA of data sent", "server", trace.KindSent},
		{acl, "segment SA of data dropped", "switch", trace.KindJudged},
		{acl, "segment SA of control dropped", "", 0},
		{acl, "segment SA from server dropped at switch", "switch", trace.KindJudged},
		{acl, "segment SA from client dropped", "", 0},
		{acl, "fourth segment S of data sent", "client", trace.KindSent},
		{acl, "fifth segment S of data sent", "", 0},
		{acl, "segment payload of data", "", 0},
		{acl, "segment payload of control", "server", trace.KindSent},
		{acl, "command PASV", "client", trace.KindFTP},
		{acl, "command PASV received", "server", trace.KindFTP},
		{acl, "command RETR", "", 0},
		{acl, "reply 227", "client", trace.KindFTP},
		{acl, "reply 227 sent", "server", trace.KindFTP},
		{acl, "reply 226", "", 0},
		{acl, "reply 226 or reply 227", "client", trace.KindFTP},
		{acl, "giving-up", "client", trace.KindFTP},
		{acl, "outcome", "client", trace.KindEnded},
		{acl, "outcome connect_timeout", "client", trace.KindEnded},
		{acl, "outcome ok", "", 0},
		{acl, "expectation new", "", 0},
		{inspect, "expectation new", "firewall", trace.KindTracked},
		{inspect, "expectation used", "firewall", trace.KindTracked},
		{inspect, "second connection new at firewall", "firewall", trace.KindTracked},
		{inspect, "third connection new", "", 0},
		{inspect, "socket listen of data", "client", trace.KindSocket},
		{inspect, "socket listen of data at server", "", 0},
		{inspect, "socket dial of data", "server", trace.KindSocket},
		{inspect, "transfer", "server", trace.KindFTP},
		{inspect, "transfer at client", "client", trace.KindFTP},
		{nat, "segment S of data arrived at cli", "cli", trace.KindArrived},
		{nat, "segment S of control arrived at srv", "srv", trace.KindArrived},
		{scan, "probe", "attacker", trace.KindProbe},
		{scan, "second probe", "attacker", trace.KindProbe},
		{scan, "third probe", "", 0},
		{scan, "segment S from attacker arrived at server", "server", trace.KindArrived},
		{scan, "reply 425", "client", trace.KindFTP},
	} {
		s, err := parseSelectors(c.at)
		if err != nil {
			t.Errorf("%q: %v", c.at, err)
			continue
		}
		id, ok := Step{event: s}.Find(c.tr)
		if !ok {
			if c.node != "" {
				t.Errorf("%q is not found", c.at)
			}
			continue
		}
		e := c.tr.Event(id)
		if node := c.tr.Nodes[e.Node].Name; node != c.node || e.Kind != c.kind {
			t.Errorf("%q is %v at %s, not %v at %q", c.at, e.Kind, node, c.kind, c.node)
		}
	}
	if id, _ := (Step{event: []selector{{subject: atEnd}}}).Find(acl); int(id) != acl.Len() {
		t.Errorf("the end is %d of %d", id, acl.Len())
	}
	first, _ := (Step{event: []selector{{subject: atDrop, nth: 1}}}).Find(acl)
	last, _ := (Step{event: []selector{{subject: atDrop, nth: -1}}}).Find(acl)
	if first != acl.FirstDrop() || last <= first || !report.IsDrop(acl.Event(last).Body.(trace.Judged).Decision.Action) {
		t.Errorf("the first drop is %d, the last %d", first, last)
	}
}

func TestStepsFor(t *testing.T) {
	target, err := Open("04")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		sel   Selection
		first string
	}{
		{Selection{}, "A list looks one way"},
		{Selection{Mode: "passive"}, "A list looks one way"},
		{Selection{Firewall: "none"}, "No list"},
		{Selection{Firewall: "inspect", Mode: "eprt"}, "Linux, and somebody who reads along"},
	} {
		steps := target.Lesson.StepsFor(c.sel)
		if len(steps) == 0 || steps[0].Title != c.first {
			t.Errorf("%+v begins with %+v", c.sel, steps)
		}
	}
	l, err := Open("12")
	if err != nil {
		t.Fatal(err)
	}
	told := func(sel Selection, title string) bool {
		for _, s := range l.Lesson.StepsFor(sel) {
			if s.Title == title {
				return true
			}
		}
		return false
	}
	if told(Selection{}, "Encrypted") || !told(Selection{TLS: true}, "Encrypted") {
		t.Error("the step about TLS is not told with TLS alone")
	}
	if told(Selection{Firewall: "acl"}, "New, once") || !told(Selection{Firewall: "module"}, "New, once") {
		t.Error("`not` does not hold")
	}
}

func BenchmarkScenario(b *testing.B) {
	target, err := Open("04")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := target.Scenario(Selection{Mode: "pasv"}); err != nil {
			b.Fatal(err)
		}
	}
}
