package model

import (
	"strings"
	"testing"
	"time"

	"ftplab/sim/ftp"
	"ftplab/sim/report"
	"ftplab/sim/trace"
	"ftplab/ui/internal/lab"
)

func storyInput(tb testing.TB, r *Run, c Cursor) *LessonInput {
	return &LessonInput{
		Size: MinSize(), Glyphs: UnicodeGlyphs(), Run: r, Cursor: c, Step: 0,
		Heading: Heading{Number: "04", Title: "The ACL for active mode", Mode: "pasv", Variant: "acl", VariantTitle: "a title that is far too long to be shown here"},
		Steps:   []Step{{Title: "One", Text: "First line of the story, which is long enough to go on and on until it comes to a second line."}},
	}
}

// Whatever has changed and whatever happens, two lines of the story are seen at 80x24.
func TestStoryStaysUnderNotices(t *testing.T) {
	r := newRun(t, ftp.ModePASV, lab.ACL)
	for id := trace.ID(0); int(id) <= r.Trace.Len(); id++ {
		for _, notice := range []string{"", "No firewall drops a packet in this run.", "Firewall `inspect` instead of `stateful`: here they part. This packet, dropped before, is now passed. It ends: ok: 226 Transfer complete. " + strings.Repeat("More of it. ", 9)} {
			in := storyInput(t, r, r.At(id))
			in.Notice = notice
			s := Lesson(in)
			if got := s.Text(StoryPane); !strings.Contains(got, "First line") || !strings.Contains(got, "second line") {
				t.Fatalf("#%d with %q:\n%s", id, notice, got)
			}
		}
	}
}

// At the end the last change of a connection's state takes no line of the story.
func TestEndSaysNothingOfConnectionStates(t *testing.T) {
	r := newRun(t, ftp.ModePASV, lab.Inspect)
	s := Lesson(storyInput(t, r, r.End()))
	if got := s.Text(StoryPane); !strings.HasPrefix(got, " First line") {
		t.Errorf("the end begins with\n%s", got)
	}
}

// The lesson's title is whole as long as the firewall's title can give way.
func TestHeadingKeepsTheLessonsTitle(t *testing.T) {
	r := newRun(t, ftp.ModePASV, lab.ACL)
	s := Lesson(storyInput(t, r, r.End()))
	if got := s.Text(TopPane); !strings.Contains(got, "04 The ACL for active mode  PASV · acl  ") {
		t.Errorf("the heading is %q", got)
	}
}

// The chain of causes loses no word.
func TestWhyLosesNoWord(t *testing.T) {
	for name, r := range labRuns(t) {
		why := report.Why(r.Trace)
		page := WhyInput{Size: MinSize(), Glyphs: UnicodeGlyphs(), Why: why}
		lines, _, _ := page.lines()
		seen := strings.Fields(linesText(lines))
		for _, c := range why.Causes {
			for _, word := range strings.Fields(strings.ReplaceAll(c.What, "`", "")) {
				found := false
				for _, s := range seen {
					found = found || s == word
				}
				if !found {
					t.Errorf("%s: %q of %q is not on the page", name, word, c.What)
				}
			}
		}
	}
}

// The time line keeps its width while the run is played.
func TestTimeLineKeepsItsWidth(t *testing.T) {
	g := UnicodeGlyphs()
	for name, r := range labRuns(t) {
		end := func(c Cursor) int {
			s := r.scrubber(g, c, 79).String()
			return Width(s[:strings.LastIndex(s, g.TeeLeft)])
		}
		c, first := r.Start(), end(r.Start())
		for !r.AtEnd(c) {
			c = r.Advance(c, 100*time.Millisecond)
			if got := end(c); got != first && c.Event > 0 && !r.AtEnd(c) {
				t.Fatalf("%s: at %+v the time line ends in column %d, at the start in %d", name, c, got, first)
			}
		}
	}
}

// The server sends what the client retrieves.
func TestConversationSaysWhoSends(t *testing.T) {
	r := newRun(t, ftp.ModePASV, lab.Inspect)
	got := linesText(r.conversation(UnicodeGlyphs(), r.End().Event, 80))
	for _, want := range []string{"octets sent by the server", "octets received by the client"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}

// One wait has one length, in the conversation as on the time line.
func TestWaitsAreSaidAsLongAsOnTheTimeLine(t *testing.T) {
	r := newRun(t, ftp.ModePASV, lab.ACL)
	known := map[string]bool{}
	for _, id := range r.pace.waits {
		known[lasting(r.foldedBefore(id))] = true
	}
	said := 0
	for i := 1; i < len(r.talk); i++ {
		before, u := r.talk[i-1].id, &r.talk[i]
		waits := 0
		for _, id := range r.pace.waits {
			if before < id && id <= u.id {
				waits++
			}
		}
		if waits == 1 {
			said++
			if !known[lasting(u.wait)] {
				t.Errorf("#%d: %v is said, the time line knows %v", u.id, u.wait, known)
			}
		}
	}
	if said == 0 {
		t.Error("nothing waits")
	}
}
