package control

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ftplab/lessons"
	"ftplab/ui/model"
)

// testLesson returns the lesson in testdata.
func testLesson(tb testing.TB) *lessons.Lesson {
	tb.Helper()
	file := filepath.Join("testdata", "lesson.md")
	text, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	l, err := lessons.Parse(file, text, os.DirFS("testdata"))
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

// newApp returns an application with the test's lesson in the list.
func newApp(tb testing.TB) *App {
	tb.Helper()
	a, err := New(Options{Lessons: []*lessons.Lesson{testLesson(tb)}, Glyphs: model.UnicodeGlyphs()})
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

func press(a *App, keys ...model.Key) {
	for _, k := range keys {
		a.Press(k)
	}
}

// see returns the text of a pane at 80x24.
func see(a *App, kind model.PaneKind) string {
	s := a.Screen(model.MinSize())
	return s.Text(kind)
}

func expect(t *testing.T, a *App, kind model.PaneKind, want ...string) {
	t.Helper()
	got := see(a, kind)
	for _, w := range want {
		if !strings.Contains(got, w) {
			t.Errorf("%q is not in\n%s", w, got)
		}
	}
}

// playToTheEnd lets time pass until nothing plays any more.
func playToTheEnd(t *testing.T, a *App) {
	t.Helper()
	for range 10_000 {
		if !a.Playing() {
			return
		}
		a.Advance(33 * time.Millisecond)
	}
	t.Fatal("still playing after 330 s")
}

// The way of the first lesson that the application was made for: passive mode dies at
// the access list, and works through a firewall that reads the 227.
func TestPassiveThroughTheAccessList(t *testing.T) {
	a := newApp(t)
	expect(t, a, model.ListPane, "The access list", "12 min")
	expect(t, a, model.PreviewPane, "Say which packet dies", "Do before: 01", "client", "server")
	press(a, model.Enter)
	expect(t, a, model.TopPane, "T1 The access list", "PORT", "acl: the article's list")
	press(a, "m")
	expect(t, a, model.TopPane, "PASV")
	expect(t, a, model.StoryPane, "Mode PASV instead of PORT")

	press(a, model.Space)
	playToTheEnd(t, a)
	expect(t, a, model.MapPane, "✗◄[SYN,ACK]", "deny ip")
	expect(t, a, model.RulesPane, "▶", "⤷ missed: source port 2024 is not eq 21", "deny ip")
	expect(t, a, model.ConversationPane, "✗ data: SYN,ACK dropped", "C → PASV")
	expect(t, a, model.StoryPane, "✗ switch dropped SYN,ACK", "The answer comes from port 2024")

	press(a, "w")
	expect(t, a, model.WhyPane, "server answered", "switch dropped it", "To make it work")
	expect(t, a, model.TopPane, "PASV", "acl")
	press(a, model.Up, model.Enter) // the cause before the drop
	expect(t, a, model.StoryPane, "server sent SYN,ACK")

	press(a, model.Left, model.Left, model.Left)
	expect(t, a, model.StoryPane, "client sent SYN")
	expect(t, a, model.MapPane, "[SYN]►")

	press(a, "d", "f", "f")
	expect(t, a, model.TopPane, "PASV", "inspect")
	expect(t, a, model.StoryPane, "Firewall inspect instead of none")
	press(a, "G")
	expect(t, a, model.ConversationPane, "226", "= ok")
	press(a, "w")
	expect(t, a, model.WhyPane, "expects")
}

// Another firewall leaves the cursor where it is, if nothing differs up to there.
func TestToggleKeepsTheCursor(t *testing.T) {
	a := newApp(t)
	press(a, model.Enter, "m", "d", model.Left, model.Left, model.Left)
	before := see(a, model.MapPane)
	press(a, "f")
	page := a.top().(*lessonPage)
	if page.selection.Firewall != "none" {
		t.Fatalf("the firewall is %s", page.selection.Firewall)
	}
	if after := see(a, model.MapPane); strings.Split(after, "\n")[4] != strings.Split(before, "\n")[4] {
		t.Errorf("the packet has moved from\n%sto\n%s", before, after)
	}
	if !strings.Contains(page.notice, "the same up to here") {
		t.Errorf("the notice says %q", page.notice)
	}
	press(a, "m", "m", "m", "m")
	if page.selection.Mode != "pasv" {
		t.Errorf("after all modes the mode is %s", page.selection.Mode)
	}
}

func TestPlayingStopsAtTheFirstDropOnly(t *testing.T) {
	a := newApp(t)
	press(a, model.Enter, "m", model.Space)
	playToTheEnd(t, a)
	page := a.top().(*lessonPage)
	if drop, _ := page.run.FirstDrop(); page.cursor != drop {
		t.Errorf("stopped at %+v, the drop is %+v", page.cursor, drop)
	}
	press(a, model.Space)
	playToTheEnd(t, a)
	if !page.run.AtEnd(page.cursor) {
		t.Errorf("stopped again at %+v", page.cursor)
	}
	press(a, model.Space)
	if page.cursor.Event != 0 || !a.Playing() {
		t.Error("at the end, play does not begin anew")
	}
}

func TestSpeed(t *testing.T) {
	slow, fast := newApp(t), newApp(t)
	press(slow, model.Enter, "<", "<", "<", "<", model.Space)
	press(fast, model.Enter, ">", ">", ">", ">", ">", ">", model.Space)
	expect(t, slow, model.TopPane, "▶ x1/4")
	expect(t, fast, model.TopPane, "▶ x16")
	slow.Advance(time.Second)
	fast.Advance(time.Second / 64)
	if s, f := slow.top().(*lessonPage).cursor, fast.top().(*lessonPage).cursor; s != f || s.Event == 0 {
		t.Errorf("a second at x1/4 leads to %+v, a 64th at x16 to %+v", s, f)
	}
	if fast.Memory().Speed != fastest {
		t.Errorf("remembered is speed %d", fast.Memory().Speed)
	}
}

func TestPausedTimeDoesNotPass(t *testing.T) {
	a := newApp(t)
	press(a, model.Enter)
	a.Advance(time.Hour)
	if c := a.top().(*lessonPage).cursor; c != (model.Cursor{}) {
		t.Errorf("the cursor has moved to %+v", c)
	}
}

func TestStorySteps(t *testing.T) {
	a := newApp(t)
	press(a, model.Enter)
	page := a.top().(*lessonPage)
	if page.step != 0 || len(a.Memory().Done) != 0 {
		t.Fatalf("begins at step %d, done %v", page.step, a.Memory().Done)
	}
	for i := 1; i < len(page.steps); i++ {
		press(a, "n")
		if page.step != i || page.cursor.Event != page.steps[i].At {
			t.Errorf("step %d at #%d, want %d at #%d", page.step, page.cursor.Event, i, page.steps[i].At)
		}
	}
	press(a, "n")
	if page.step != len(page.steps)-1 {
		t.Errorf("after the last step comes %d", page.step)
	}
	if !slices.Equal(a.Memory().Done, []string{"test-list"}) {
		t.Errorf("done is %v", a.Memory().Done)
	}
	press(a, "p")
	if page.step != len(page.steps)-2 {
		t.Errorf("back at step %d", page.step)
	}
	press(a, "q")
	expect(t, a, model.ListPane, "✓ T1")
}

func TestScrollingStopsAtTheEnds(t *testing.T) {
	a := newApp(t)
	press(a, model.Enter, "m", "G", model.Tab, model.Tab)
	page := a.top().(*lessonPage)
	if page.focus != model.ConversationPane {
		t.Fatalf("the focus is on pane %d", page.focus)
	}
	for range 100 {
		press(a, model.Up)
	}
	expect(t, a, model.ConversationPane, "220")
	top := page.scroll
	press(a, model.Down)
	if page.scroll != top+1 {
		t.Errorf("one line down from the top leads from %d to %d", top, page.scroll)
	}
	press(a, model.PageDown, model.PageDown, model.PageDown, model.PageDown, model.PageDown, model.PageDown)
	if page.scroll != 0 {
		t.Errorf("the end is at %d", page.scroll)
	}
	press(a, model.BackTab, model.BackTab)
	if page.focus != model.TopPane {
		t.Errorf("the focus is on pane %d, not on none", page.focus)
	}
}

func TestPagesAndTheirEnds(t *testing.T) {
	a := newApp(t)
	press(a, "?")
	expect(t, a, model.HelpPane, "open the lesson")
	press(a, model.Escape, model.Enter, "?")
	expect(t, a, model.HelpPane, "play or pause")
	press(a, model.PageDown, model.PageDown, model.PageDown, model.PageDown)
	expect(t, a, model.HelpPane, "time that passed")
	press(a, "q", "w", "q", model.Escape)
	if a.Quit() {
		t.Fatal("quit too early")
	}
	expect(t, a, model.ListPane, "The access list")
	press(a, "q")
	if !a.Quit() {
		t.Error("q in the list does not quit")
	}
	b := newApp(t)
	press(b, model.Enter, "?", model.CtrlC)
	if !b.Quit() {
		t.Error("Ctrl-C does not quit")
	}
	press(b, model.CtrlL)
	if !b.TakeRedraw() || b.TakeRedraw() {
		t.Error("Ctrl-L does not ask for one redraw")
	}
}

func TestStartAt(t *testing.T) {
	target := testLesson(t).Target()
	pasv := lessons.Selection{Mode: "passive"}
	tests := []struct {
		at, problem string
		sel         lessons.Selection
		story       string
	}{
		{at: "", sel: pasv, story: "Nothing has happened yet"},
		{at: "drop", sel: pasv, story: "✗ switch dropped SYN,ACK"},
		{at: "drop", story: "No firewall drops a packet"},
		{at: "4", sel: pasv, story: "client sent SYN"},
		{at: "#4", sel: pasv, story: "client sent SYN"},
		{at: "99999", problem: `no event "99999": it is drop, or a number from 0 to`},
		{at: "-1", problem: `no event "-1"`},
		{at: "never", problem: `no event "never"`},
		{sel: lessons.Selection{Mode: "pasive"}, problem: "pasv"},
		{sel: lessons.Selection{Firewall: "nat"}, problem: "inspect"},
	}
	for _, tt := range tests {
		a, err := New(Options{Start: target, Selection: tt.sel, At: tt.at, Glyphs: model.UnicodeGlyphs()})
		if tt.problem != "" {
			if err == nil || !strings.Contains(err.Error(), tt.problem) {
				t.Errorf("at %q: error %v, want %q", tt.at, err, tt.problem)
			}
			continue
		}
		if err != nil {
			t.Errorf("at %q: %v", tt.at, err)
			continue
		}
		expect(t, a, model.StoryPane, tt.story)
		press(a, "q")
		if !a.Quit() {
			t.Error("there is no list to go back to, but it does not quit")
		}
	}
}

func TestNoLessonsIsNoCrash(t *testing.T) {
	a, err := New(Options{Glyphs: model.UnicodeGlyphs()})
	if err != nil {
		t.Fatal(err)
	}
	press(a, model.Enter, model.Down, model.Up, "G", "g", model.PageDown, "?", "q")
	expect(t, a, model.ListPane, "There are no lessons")
}

// No key on any page, at any size, leads to a crash.
func FuzzKeys(f *testing.F) {
	var all []model.Key
	for _, b := range model.Keys() {
		all = append(all, b.Keys...)
	}
	f.Add([]byte{0, 5, 9, 200, 17, 33, 64, 12}, 80, 24)
	f.Add([]byte("why does it drop? mfffdw"), 200, 60)
	lesson := testLesson(f)
	f.Fuzz(func(t *testing.T, pressed []byte, width, height int) {
		a, err := New(Options{Lessons: []*lessons.Lesson{lesson}, Glyphs: model.ASCIIGlyphs()})
		if err != nil {
			t.Fatal(err)
		}
		size := model.Size{Width: min(max(width, 0), 300), Height: min(max(height, 0), 100)}
		for _, b := range pressed[:min(len(pressed), 60)] {
			a.Press(all[int(b)%len(all)])
			a.Advance(time.Duration(b) * time.Millisecond)
			s := a.Screen(size)
			if s.Size != size {
				t.Fatalf("a screen of %v for %v", s.Size, size)
			}
		}
	})
}
