package model

import (
	"fmt"
	"strconv"
	"time"

	"ftplab/sim/trace"
)

// scrubber returns the time line: where the cursor is, where something was said, where
// packets were dropped, and which waits are shortened. Distances are screen time, so
// that a long wait does not push everything else together.
func (r *Run) scrubber(g *Glyphs, c Cursor, width int) Line {
	right := r.counter(g, c)
	bar := newCanvas(Size{max(width-right.Width()-2, 10), 1})
	last := bar.size.Width - 1
	bar.horizontal(1, last, 0, g.Horizontal, FrameRole, 1)
	bar.put(0, 0, g.TeeRight, FrameRole)
	bar.put(last, 0, g.TeeLeft, FrameRole)
	for i := range r.talk {
		if k := r.talk[i].kind; k == clientSaid || k == personDid {
			bar.put(r.column(r.talk[i].id, last), 0, g.Mark, Control)
		}
	}
	for _, id := range r.pace.waits {
		bar.put((r.column(id-1, last)+r.column(id, last))/2, 0, g.Wait, Faint)
	}
	for _, id := range r.drops {
		bar.put(r.column(id, last), 0, g.Cross, Drop)
	}
	bar.put(r.columnAt(r.shownAt(c), last), 0, g.Here, Strong)
	return append(append(Line{{" ", Plain}}, append(bar.lines()[0], Span{" ", Plain})...), right...)
}

// counter says beside the time line at which event the cursor is, of how many, in what
// time; during a wait that is shortened it says that instead of the time. It is always
// equally wide, so that the time line keeps its place.
func (r *Run) counter(g *Glyphs, c Cursor) Line {
	last := strconv.Itoa(r.Trace.Len())
	count := fmt.Sprintf(" %*d/%s", len(last), c.Event, last)
	folded := func(wait time.Duration) string { return g.Later + " " + lasting(wait) + " folded" }
	usual := Line{{seconds(r.Trace.End()), Faint}, {count + " events", Plain}}
	width := usual.Width()
	for _, id := range r.pace.waits {
		width = max(width, Width(folded(r.foldedBefore(id))+count))
	}
	right := usual
	if wait := r.Wait(c); wait > 0 {
		right = text(folded(wait)+count, Plain)
	}
	return append(Line{{spaces(width - right.Width()), Plain}}, right...)
}

// column returns where on a scrubber an event is.
func (r *Run) column(id trace.ID, last int) int { return r.columnAt(r.pace.shown[id], last) }

func (r *Run) columnAt(shown time.Duration, last int) int {
	total := r.pace.shown[len(r.pace.shown)-1]
	if total == 0 {
		return 1
	}
	return 1 + int(int64(last-2)*int64(shown)/int64(total))
}
