package model

import (
	"fmt"

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

// storyLines returns what has changed, what the event at the cursor is, and what the
// step says about it. Together the first two take at most half of the room.
func (r *Run) storyLines(in *LessonInput, step int, size Size) []Line {
	g := in.Glyphs
	var lines []Line
	if in.Notice != "" {
		lines = append(lines, wrap(append(Line{{g.Matched + " ", Notice}}, g.marked(in.Notice, Notice)...), size.Width, 2)...)
	}
	now := wrap(r.Narrate(g, in.Cursor.Event), size.Width, 2)
	if most := max(2, size.Height/2); len(now) > most && in.Focus != StoryPane {
		now = now[:most]
		now[most-1] = g.Fit(append(now[most-1], Span{"          ", Plain}), min(now[most-1].Width()+1, size.Width))
	}
	lines = append(lines, now...)
	if step < 0 || step >= len(in.Steps) {
		return lines
	}
	if size.Height > 8 {
		lines = append(lines, nil)
	}
	return append(lines, g.markdown(in.Steps[step].Text, size.Width)...)
}
