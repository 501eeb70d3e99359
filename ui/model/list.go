package model

import (
	"fmt"
	"strings"
)

// Entry is a lesson in the list.
type Entry struct {
	Number, Title string
	Minutes       int
	Needs         []string // the lessons to do before
	Done          bool
	Goal          string // Markdown
}

// ListInput is all that the list of lessons is a function of.
type ListInput struct {
	Size    Size
	Glyphs  *Glyphs
	Entries []Entry
	// Selected is the place of the selected entry.
	Selected int
	// Heading and Run are the selected lesson's with its usual choices; Run is nil if
	// there is none.
	Heading Heading
	Run     *Run
	// Problem is what went wrong with it, "" if nothing did.
	Problem string
}

// List returns the page with the list of lessons and the goal of the selected one.
func List(in *ListInput) Screen {
	if !in.Size.fits() {
		return tooSmall(in.Glyphs, in.Size, &in.Heading)
	}
	g, w, h := in.Glyphs, in.Size.Width, in.Size.Height
	s := Screen{Size: in.Size, Glyphs: g}
	s.add(TopPane, Rect{0, 0, w, 1}, []Line{in.Heading.line(g, text("ftplab ", TitleRole), w)})
	left := min(max(w*58/100, min(in.entryWidth(), w*2/3)), max(64, w*2/5))
	s.Panes = append(s.Panes, Pane{Kind: ListPane, Rect: Rect{0, 1, left, h - 2}, Title: text("Lessons", TitleRole), Ruled: true, Bar: true, Focused: true, Selected: -1})
	p := &s.Panes[len(s.Panes)-1]
	lines := in.entryLines(p.inside().Width)
	p.showAround(lines, in.Selected, in.Selected+1, 0)
	if len(in.Entries) > 0 {
		p.Selected = in.Selected - p.First
	}
	in.addPreview(&s, Rect{left, 1, w - left, h - 2})
	s.add(KeyPane, Rect{0, h - 1, w, 1}, []Line{g.keyBar(ListPage, w)})
	return s
}

// entryWidth returns how wide the list has to be for its titles.
func (in *ListInput) entryWidth() int {
	const besides = 17 // marks, number, minutes and the bar
	width := 0
	for i := range in.Entries {
		width = max(width, Width(in.Entries[i].Title)+besides)
	}
	return width
}

func (in *ListInput) entryLines(width int) []Line {
	g := in.Glyphs
	if len(in.Entries) == 0 {
		return []Line{text(" There are no lessons.", Plain)}
	}
	var lines []Line
	for i := range in.Entries {
		e := &in.Entries[i]
		mark := Span{"  ", Plain}
		if e.Done {
			mark = Span{g.Tick + " ", Pass}
		}
		left := Line{{" ", Plain}, mark, {e.Number + "  ", Faint}, {g.clean(e.Title), Plain}}
		right := Line(nil)
		if e.Minutes > 0 {
			right = text(fmt.Sprintf("%3d min ", e.Minutes), Faint)
		}
		lines = append(lines, g.between(left, right, width))
	}
	return lines
}

// addPreview shows the selected lesson: what it is for, what it needs, its network.
func (in *ListInput) addPreview(s *Screen, r Rect) {
	g := in.Glyphs
	s.Panes = append(s.Panes, Pane{Kind: PreviewPane, Rect: r, Title: text("Goal", TitleRole), Ruled: true, Selected: -1})
	p := &s.Panes[len(s.Panes)-1]
	if len(in.Entries) == 0 {
		return
	}
	width := p.inside().Width - 2
	e := &in.Entries[in.Selected]
	lines := indented(g.markdown(e.Goal, width))
	if len(e.Needs) > 0 {
		needs := "Do before: " + g.clean(strings.Join(e.Needs, ", "))
		lines = append(append(lines, nil), indented(wrap(text(needs, Faint), width, 2))...)
	}
	if e.Done {
		lines = append(append(lines, nil), Line{{" " + g.Tick + " done", Pass}})
	}
	if in.Problem != "" {
		lines = append(append(lines, nil), indented(wrap(Line{{g.Cross + " " + g.clean(in.Problem), Drop}}, width, 2))...)
	}
	if in.Run != nil {
		lines = append(append(lines, nil), in.Run.drawMap(g, in.Run.Start(), Size{width + 1, in.Run.mapHeight(true)})...)
	}
	p.show(lines, 0)
}
