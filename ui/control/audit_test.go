package control

import (
	"strings"
	"testing"

	"ftplab/lessons"
	"ftplab/ui/model"
)

// The audit says of each firewall of a lesson what its rules permit.
func TestAuditOfTheLessonsRules(t *testing.T) {
	a := newApp(t)
	press(a, model.Enter, "a")
	expect(t, a, model.TopPane, "T1 The access list", "acl")
	expect(t, a, model.AuditPane, "Between any host and server 192.168.10.1", "a host can connect to", "1025 to 65535", "Rules without their effect")
	expect(t, a, model.KeyPane, "q back")
	press(a, model.Escape)
	expect(t, a, model.TopPane, "PORT · acl")
	press(a, "f", "a")
	expect(t, a, model.AuditPane, "There are no rules")
	press(a, "a", "f", "a")
	expect(t, a, model.AuditPane, "1 port  a host can connect to (a SYN and its answer pass): 21")
	press(a, "?")
	expect(t, a, model.HelpPane, "back to the lesson")
	press(a, "q", "q")
	expect(t, a, model.TopPane, "PORT · inspect")
}

// However far a person scrolls, the page stays on the screen.
func TestAuditScrollsToItsEndOnly(t *testing.T) {
	a := newApp(t)
	press(a, model.Enter, "a")
	see(a, model.AuditPane)
	for range 50 {
		press(a, model.PageDown)
	}
	if got := strings.TrimSpace(see(a, model.AuditPane)); got == "" {
		t.Error("nothing is left on the page")
	}
	for range 50 {
		press(a, model.Up)
	}
	expect(t, a, model.AuditPane, "Between any host")
}

// A lesson that was opened from the command line is the selected one in the list.
func TestListStandsOnTheLessonThatWasOpened(t *testing.T) {
	first, second := testLesson(t), testLesson(t)
	first.ID, first.Title = "another", "Another"
	a, err := New(Options{Lessons: []*lessons.Lesson{first, second}, Start: second.Target(), Glyphs: model.UnicodeGlyphs()})
	if err != nil {
		t.Fatal(err)
	}
	press(a, "q")
	s := a.Screen(model.MinSize())
	if got := s.Pane(model.ListPane).Selected; got != 1 {
		t.Errorf("the list stands on line %d", got)
	}
}

// Between firewalls that treat every packet alike the notice says just that.
func TestSamePacketsAndVerdictsAreSaid(t *testing.T) {
	a := newApp(t)
	press(a, model.Enter, "f")
	if notice := a.top().(*lessonPage).notice; !strings.Contains(notice, "the same packets and verdicts") {
		t.Errorf("the notice says %q", notice)
	}
}
