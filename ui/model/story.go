package model

import (
	"fmt"
	"strings"

	"ftplab/sim/trace"
)

// Step is one step of a lesson's story in this run.
type Step struct {
	Title string
	Text  string // Markdown
	// At is the event that the step is about; 0 for the beginning.
	At trace.ID
}

// StepAt returns the place of the step that an event belongs to: the one with the
// latest event that has been reached, the first of several at the same one. It is -1
// if there are no steps.
func StepAt(steps []Step, id trace.ID) int {
	found := -1
	for i := range steps {
		if steps[i].At <= id && (found < 0 || steps[i].At > steps[found].At) {
			found = i
		}
	}
	if found < 0 && len(steps) > 0 {
		return 0
	}
	return found
}

// storyTitle names the step that is shown.
func storyTitle(g *Glyphs, steps []Step, step int) Line {
	if step < 0 || step >= len(steps) {
		return text("What happens", TitleRole)
	}
	title := fmt.Sprintf("Step %d/%d", step+1, len(steps))
	if s := g.clean(steps[step].Title); s != "" {
		title += ": " + s
	}
	return text(title, TitleRole)
}

// storyLines returns what has changed or what the event at the cursor is, and what the
// step says about it. On a small screen a change takes the place of the event; what comes
// first leaves half of the room, and at least two lines, to the story.
func (r *Run) storyLines(in *LessonInput, step int, size Size) []Line {
	g := in.Glyphs
	most := size.Height // a reader who scrolls gets all of it
	if in.Focus != StoryPane {
		most = max(1, min(size.Height/2, size.Height-2))
	}
	var lines []Line
	if in.Notice != "" {
		lines = append(lines, g.notice(in.Notice, size.Width, most)...)
	}
	if room := most - len(lines); room > 1 || len(lines) == 0 {
		lines = append(lines, r.eventLines(g, in.Cursor, size.Width, room)...)
	}
	if step < 0 || step >= len(in.Steps) {
		return lines
	}
	if size.Height > 8 && len(lines) > 0 {
		lines = append(lines, nil)
	}
	return append(lines, g.markdown(in.Steps[step].Text, size.Width)...)
}

// notice writes what has changed in at most so many lines; its last sentences are left
// out if there is no room for them.
func (g *Glyphs) notice(notice string, width, most int) []Line {
	for {
		lines := wrap(append(Line{{g.Matched + " ", Notice}}, g.marked(notice, Notice)...), width, 2)
		end := strings.LastIndex(strings.TrimSuffix(notice, "."), ". ")
		if len(lines) <= most {
			return lines
		}
		if end < 0 {
			return g.cutLines(lines, width, most)
		}
		notice = notice[:end+1]
	}
}

// eventLines says what the event at the cursor is in at most so many lines, with what
// there is room for. At the end nothing is said of a connection's state: what was done
// is told by the step.
func (r *Run) eventLines(g *Glyphs, c Cursor, width, most int) []Line {
	if r.AtEnd(c) && c.Event > 0 {
		switch r.Trace.Kind(c.Event) {
		case trace.KindTCP, trace.KindSocket, trace.KindTracked:
			return nil
		}
	}
	lines := wrap(r.Narrate(g, c.Event), width, 2)
	if len(lines) > most {
		lines = wrap(r.narrateShortly(g, c.Event), width, 2)
	}
	return g.cutLines(lines, width, most)
}

// cutLines returns the first lines, with an ellipsis if there are more.
func (g *Glyphs) cutLines(lines []Line, width, most int) []Line {
	if len(lines) <= most {
		return lines
	}
	lines = lines[:most]
	last := &lines[most-1]
	room := width - Width(g.Ellipsis)
	*last = append(g.Fit(*last, room), Span{g.Ellipsis, Plain})
	return lines
}
