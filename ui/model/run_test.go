package model

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ftplab/sim/firewall"
	"ftplab/sim/ftp"
	"ftplab/sim/trace"
	"ftplab/sim/wire"
	"ftplab/ui/internal/lab"
)

// newRun runs the lab in a mode with a ruleset.
func newRun(tb testing.TB, mode ftp.Mode, rules string) *Run {
	tb.Helper()
	sc := lab.Scenario(tb, mode, rules)
	return NewRun(&sc, lab.Run(tb, sc))
}

// labRuns are runs of every shape that the screens have to show.
func labRuns(tb testing.TB) map[string]*Run {
	runs := map[string]*Run{}
	for _, mode := range ftp.Modes() {
		for _, rules := range []string{"", lab.ACL, lab.Inspect} {
			runs[lab.String(mode, rules)] = newRun(tb, mode, rules)
		}
	}
	sc := lab.Scenario(tb, ftp.ModePASV, lab.ACL)
	lab.AddAttacker(&sc)
	runs["attacker"] = NewRun(&sc, lab.Run(tb, sc))
	lossy := lab.Scenario(tb, ftp.ModePORT, "")
	lossy.Links[0].Loss = 0.2
	runs["lossy"] = NewRun(&lossy, lab.Run(tb, lossy))
	return runs
}

func TestPacketsAreSortedByConnection(t *testing.T) {
	r := newRun(t, ftp.ModePASV, lab.Inspect)
	seen := map[lane]int{}
	for id := trace.ID(1); int(id) <= r.Trace.Len(); id++ {
		p, ok := r.Trace.PacketOf(id)
		if !ok {
			continue
		}
		want := dataLane
		if p.SrcPort == 21 || p.DstPort == 21 {
			want = controlLane
		}
		if got := r.laneOfSerial(p.Serial); got != want {
			t.Errorf("#%d %v is on lane %d, not %d", id, p.DstEndpoint(), got, want)
		}
		seen[want]++
	}
	if seen[controlLane] == 0 || seen[dataLane] == 0 {
		t.Errorf("the run shows packets on lanes %v", seen)
	}
}

func TestStrangersPacketsHaveALaneOfTheirOwn(t *testing.T) {
	r := labRuns(t)["attacker"]
	for id := trace.ID(1); int(id) <= r.Trace.Len(); id++ {
		if p, ok := r.Trace.PacketOf(id); ok && (p.SrcPort == 3306 || p.DstPort == 3306) && r.laneOfSerial(p.Serial) != otherLane {
			t.Errorf("#%d of the probe is on lane %d", id, r.laneOfSerial(p.Serial))
		}
	}
	if len(r.sentOn[otherLane]) == 0 {
		t.Error("the probe sends nothing")
	}
}

// From the drop, stepping back leads through the handshake that it ended.
func TestStepBackFromTheDrop(t *testing.T) {
	r := newRun(t, ftp.ModePASV, lab.ACL)
	c, ok := r.FirstDrop()
	if !ok {
		t.Fatal("nothing is dropped")
	}
	want := []string{
		"✗ switch dropped SYN,ACK", "server sent SYN,ACK", "server received SYN", "✓ switch passed SYN", "client sent SYN",
		"client received 227", "server sent 227", "server received PASV", "client sent PASV", "you asked retr",
	}
	for _, begin := range want {
		if got := r.Narrate(UnicodeGlyphs(), c.Event).String(); !strings.HasPrefix(got, begin) {
			t.Errorf("#%d: %q, want %q", c.Event, got, begin)
		}
		c = r.Step(c, false)
	}
}

func TestStepsLeadThereAndBack(t *testing.T) {
	for name, r := range labRuns(t) {
		var forward []trace.ID
		c := r.Start()
		for !r.AtEnd(c) {
			forward = append(forward, c.Event)
			next := r.Step(c, true)
			if next.Event <= c.Event {
				t.Fatalf("%s: a step forward from #%d leads to #%d", name, c.Event, next.Event)
			}
			c = next
		}
		for i := len(forward) - 1; i >= 0; i-- {
			if c = r.Step(c, false); c.Event != forward[i] {
				t.Fatalf("%s: a step back leads to #%d, not #%d", name, c.Event, forward[i])
			}
		}
	}
}

// An acknowledgment that says nothing else is no moment, unless it opens a connection.
func TestPureAcknowledgmentsAreNoMoments(t *testing.T) {
	r := newRun(t, ftp.ModePASV, "")
	opened := 0
	for _, id := range r.moments {
		if p, ok := r.Trace.PacketOf(id); ok && p.Flags == wire.ACK && len(p.Payload) == 0 {
			opened++
		}
	}
	if opened != 2 {
		t.Errorf("%d bare acknowledgments are moments, want those that open the two connections", opened)
	}
}

// A transfer of many segments is not stepped through segment by segment.
func TestLongTransferIsFolded(t *testing.T) {
	sc := lab.Scenario(t, ftp.ModePASV, "")
	files := ftp.NewTree()
	files.AddFile("/pub/readme.txt", ftp.Pattern(500_000))
	sc.Servers[0].Files = files
	r := NewRun(&sc, lab.Run(t, sc))
	if n := len(r.moments); n > 100 {
		t.Errorf("%d moments", n)
	}
	ladder := ""
	for _, l := range r.ladder(UnicodeGlyphs(), r.End().Event, 60) {
		ladder += l.String() + "\n"
	}
	if !strings.Contains(ladder, "more segments") {
		t.Errorf("the ladder does not say what it leaves out:\n%s", ladder)
	}
}

func TestAdvancePlaysToTheEnd(t *testing.T) {
	for name, r := range labRuns(t) {
		c, screenTime := r.Start(), time.Duration(0)
		for !r.AtEnd(c) {
			next := r.Advance(c, 33*time.Millisecond)
			if next.Event < c.Event || next.Time < c.Time || next.Time < r.Trace.Time(next.Event) {
				t.Fatalf("%s: from %+v to %+v", name, c, next)
			}
			if !r.AtEnd(next) && next.Time > r.Trace.Time(next.Event+1) {
				t.Fatalf("%s: %+v is past the next event", name, next)
			}
			c = next
			if screenTime += 33 * time.Millisecond; screenTime > 2*time.Minute {
				t.Fatalf("%s: still playing after %v", name, screenTime)
			}
		}
	}
}

// Playing in small steps leads to where one large step leads.
func TestAdvanceAddsUp(t *testing.T) {
	r := newRun(t, ftp.ModePASV, lab.ACL)
	rapid.Check(t, func(t *rapid.T) {
		from := r.At(trace.ID(rapid.IntRange(0, r.Trace.Len()).Draw(t, "from")))
		a := time.Duration(rapid.IntRange(0, 2000).Draw(t, "a")) * time.Millisecond
		b := time.Duration(rapid.IntRange(0, 2000).Draw(t, "b")) * time.Millisecond
		once, twice := r.shownAt(r.Advance(from, a+b)), r.shownAt(r.Advance(r.Advance(from, a), b))
		if d := (once - twice).Abs(); d > time.Millisecond {
			t.Fatalf("in one step %v, in two %v", once, twice)
		}
	})
}

func TestLongWaitIsShortenedAndSaid(t *testing.T) {
	r := newRun(t, ftp.ModePASV, lab.ACL)
	drop, _ := r.FirstDrop()
	var said string
	for c := drop; r.Trace.Time(c.Event) < drop.Time+2e9; c = r.StepEvent(c, 1) {
		gap := r.pace.shown[c.Event+1] - r.pace.shown[c.Event]
		if gap > longestWait {
			t.Errorf("the wait after #%d takes %v on the screen", c.Event, gap)
		}
		middle := Cursor{c.Event, (r.Trace.Time(c.Event) + r.Trace.Time(c.Event+1)) / 2}
		if r.Wait(middle) > 0 {
			said += r.scrubber(UnicodeGlyphs(), middle, 80).String()
		}
	}
	if !strings.Contains(said, "⋮ 979 ms folded") && !strings.Contains(said, "⋮ 1.0 s folded") {
		t.Errorf("the time line says of the wait for the next SYN: %q", said)
	}
}

func TestVerdictIsExplainedInTheRules(t *testing.T) {
	r := newRun(t, ftp.ModePASV, lab.ACL)
	c, _ := r.FirstDrop()
	node, _ := r.firewallAt(c.Event)
	view := r.rulesOf(UnicodeGlyphs(), node, c.Event, 44)
	var seen []string
	for _, l := range view.lines[view.first:view.last] {
		seen = append(seen, l.String())
	}
	got := strings.Join(seen, "\n")
	want := `  2  rule permit tcp source 192.168.10.1 0
       source-port eq 21 destination-port gt
       1024                                6
    ⤷ missed: source port 2024 is not eq 21
  3  rule permit tcp source 192.168.10.1 0
       source-port eq 20 destination-port gt
       1024                                0
    ⤷ missed: source port 2024 is not eq 20
▶ 4  rule deny ip                      ✗   1`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestPolicyThatDecidedStandsAfterTheRules(t *testing.T) {
	sc := lab.Scenario(t, ftp.ModePASV, lab.Inspect)
	lab.AddAttacker(&sc)
	r := NewRun(&sc, lab.Run(t, sc))
	c, ok := r.FirstDrop()
	if !ok {
		t.Fatal("the stranger got through")
	}
	node, _ := r.firewallAt(c.Event)
	view := r.rulesOf(UnicodeGlyphs(), node, c.Event, 60)
	if got := view.lines[view.last-1].String(); !strings.HasPrefix(got, "▶") || !strings.Contains(got, "policy drop") {
		t.Errorf("the deciding line is %q", got)
	}
}

// The time that an entry has left begins anew with every packet of its connection.
func TestTimeLeftIsRefreshedByPackets(t *testing.T) {
	r := newRun(t, ftp.ModePASV, lab.Inspect)
	g := UnicodeGlyphs()
	node, _ := r.firewallAt(0)
	var before string
	for _, id := range r.judged {
		if len(r.reader.StateAt(id).Devices[node].Connections) == 0 {
			continue
		}
		e := r.reader.StateAt(id).Devices[node].Connections[0]
		if e.State != "ESTABLISHED" {
			continue
		}
		p, _ := r.Trace.PacketOf(id)
		if p.SrcPort != 21 && p.DstPort != 21 {
			continue
		}
		if got := left(r.expires(node, &e, r.At(id)), r.Trace.Time(id)); got != "432000 s" {
			t.Errorf("#%d: %s left", id, got)
		}
		before = r.tableText(g, node, r.At(id))
	}
	if !strings.Contains(before, "helper ftp") {
		t.Errorf("the table says %q", before)
	}
}

func (r *Run) tableText(g *Glyphs, node trace.NodeID, c Cursor) string {
	var b strings.Builder
	for _, l := range r.tablesOf(g, node, c, 120) {
		b.WriteString(l.String() + "\n")
	}
	return b.String()
}

func TestExpectationNamesItsText(t *testing.T) {
	r := newRun(t, ftp.ModePASV, lab.Inspect)
	node, _ := r.firewallAt(0)
	for id := trace.ID(1); int(id) <= r.Trace.Len(); id++ {
		if r.Trace.Kind(id) != trace.KindTracked || r.Trace.Event(id).Body.(trace.Tracked).Change.Kind != firewall.ExpectNew {
			continue
		}
		got := r.tableText(UnicodeGlyphs(), node, r.At(id))
		want := `expect 10.0.0.2:any → 192.168.10.1:2024  300 s  from "227 Entering Passive Mode (192,168,10,1,7,232)."`
		if !strings.HasPrefix(got, want) {
			t.Errorf("the table says\n%s\nwant\n%s", got, want)
		}
		return
	}
	t.Error("nothing was expected")
}
