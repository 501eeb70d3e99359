package control

import (
	"errors"
	"strings"
	"testing"
	"time"

	"ftplab/lessons"
	"ftplab/sim"
	"ftplab/sim/event"
	"ftplab/ui/model"
)

// liveNetwork is the test's lesson while it runs, with a clock that the test moves.
type liveNetwork struct {
	*Live
	stepper *sim.Stepper
	now     event.Time
	ended   bool
}

func newLiveApp(t *testing.T) (*App, *liveNetwork) {
	t.Helper()
	target := testLesson(t).Target()
	sel, err := target.Complete(lessons.Selection{})
	if err != nil {
		t.Fatal(err)
	}
	sc, err := target.Scenario(sel)
	if err != nil {
		t.Fatal(err)
	}
	stepper, err := sim.NewStepper(sc)
	if err != nil {
		t.Fatal(err)
	}
	n := &liveNetwork{stepper: stepper}
	n.Live = &Live{
		Scenario: &sc, Trace: stepper.Trace,
		Now:     func() event.Time { return n.now },
		Running: func() bool { return !n.ended },
		Change: func(variant string) error {
			if variant == "" {
				return errors.New("no variant")
			}
			in, err := target.Input(lessons.Change{At: n.now, Variant: variant}, sel)
			if err != nil {
				return err
			}
			return stepper.Apply(in)
		},
	}
	a, err := New(Options{Start: target, Selection: sel, Live: n.Live, Glyphs: model.UnicodeGlyphs()})
	if err != nil {
		t.Fatal(err)
	}
	return a, n
}

// pass lets time pass in the network and refreshes the screen.
func (n *liveNetwork) pass(a *App, by time.Duration) {
	n.now = n.now.Add(by)
	n.stepper.Advance(n.now)
	a.Refresh()
}

func TestLiveFollowsThePresent(t *testing.T) {
	a, n := newLiveApp(t)
	if !a.Live() {
		t.Fatal("it is not live")
	}
	a.Screen(model.MinSize()) // before anything has happened
	page := a.top().(*lessonPage)
	n.pass(a, 100*time.Millisecond)
	if at := page.cursor; at.Event == 0 || at.Time != n.now {
		t.Fatalf("the cursor is at event %d, %v, not at %v", at.Event, at.Time, n.now)
	}
	press(a, "Left")
	back := page.cursor
	n.pass(a, 100*time.Millisecond)
	if page.cursor != back {
		t.Error("a cursor in the past does not stay where it is")
	}
	press(a, "G")
	n.pass(a, 100*time.Millisecond)
	if page.cursor.Time != n.now {
		t.Error("G does not go on with the present")
	}
	n.ended = true
	a.Refresh()
	if a.Live() {
		t.Error("it is still live")
	}
	expect(t, a, model.StoryPane, "ended")
	press(a, "f")
	expect(t, a, model.StoryPane, "nobody knows")
}

// Another firewall is in force from the present on: what was judged before keeps the
// rules that judged it.
func TestLiveChangeOfTheFirewall(t *testing.T) {
	a, n := newLiveApp(t)
	page := a.top().(*lessonPage)
	n.pass(a, 150*time.Millisecond)
	press(a, "m")
	expect(t, a, model.StoryPane, "program's own choice")
	before := see(a, model.RulesPane)
	press(a, "f")
	n.pass(a, time.Millisecond)
	if after := see(a, model.RulesPane); after == before {
		t.Errorf("the rules are still\n%s", after)
	}
	n.pass(a, 30*time.Second)
	for _, size := range []model.Size{model.MinSize(), {Width: 160, Height: 48}} {
		press(a, "g")
		for c := page.cursor; !page.run.AtEnd(c); c = page.cursor {
			a.Screen(size)
			press(a, "]")
		}
	}
	press(a, "g")
	if got := see(a, model.RulesPane); !strings.EqualFold(strings.Fields(got)[1], strings.Fields(before)[1]) {
		t.Errorf("at the beginning the rules are\n%s", got)
	}
}
