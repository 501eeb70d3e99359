// Package model is the screen as a value: what is seen at one instant of a run, as
// panes of styled text at places in character cells.
//
// Everything in here is a function of a finished run and a cursor in it. Nothing
// draws, reads keys or knows of a terminal: package view does that.
package model

// Size is the size of a screen in character cells.
type Size struct{ Width, Height int }

// MinSize is the smallest screen on which a lesson can be read.
func MinSize() Size { return Size{80, 24} }

// fits reports whether a lesson can be read on a screen of this size.
func (s Size) fits() bool {
	least := MinSize()
	return s.Width >= least.Width && s.Height >= least.Height
}

// Rect is a rectangle of character cells; X and Y count from the upper left corner.
type Rect struct{ X, Y, Width, Height int }

// PaneKind says what a pane shows.
type PaneKind uint8

// The kinds of pane.
const (
	TopPane PaneKind = iota // lesson, mode, firewall, time and speed
	MapPane
	ScrubberPane
	ConversationPane
	LadderPane
	RulesPane
	TablesPane
	StoryPane
	KeyPane // what can be pressed
	ListPane
	PreviewPane
	WhyPane
	HelpPane
	AuditPane
	NoticePane // "need 80x24"
)

// Pane is a rectangle of the screen with its text.
type Pane struct {
	Kind PaneKind
	Rect Rect
	// Title, if there is one, is drawn into a rule that takes the first row of Rect.
	Title Line
	// Ruled says that Rect has such a row, with or without a title.
	Ruled bool
	// Bar says that a vertical line separates the pane from the one to its right:
	// it takes the last column of Rect.
	Bar bool
	// Focused says that the scrolling keys move this pane.
	Focused bool
	// Lines are the visible lines, at most as many as there is room for.
	Lines []Line
	// First is how many lines come before the visible ones; Below says that there are
	// more after them.
	First int
	Below bool
	// Selected is the visible line that Enter would take; -1 is none.
	Selected int
}

// inside returns the size of the room for text.
func (p *Pane) inside() Size {
	s := Size{p.Rect.Width, p.Rect.Height}
	if p.Ruled {
		s.Height--
	}
	if p.Bar {
		s.Width--
	}
	return Size{max(s.Width, 0), max(s.Height, 0)}
}

// show puts lines into the pane, from the line first on. A first beyond the end
// shows the end.
func (p *Pane) show(lines []Line, first int) {
	room := p.inside().Height
	first = max(0, min(first, len(lines)-room))
	last := min(len(lines), first+room)
	p.Lines = lines[first:last]
	p.First, p.Below = first, last < len(lines)
}

// showAround puts lines into the pane so that the lines from first to last (not
// included) are seen, near the middle if there is room. scroll moves from there.
func (p *Pane) showAround(lines []Line, first, last, scroll int) {
	room := p.inside().Height
	top := first - (room-(last-first))/2
	if last-first >= room {
		top = last - room
	}
	top = max(0, min(top, len(lines)-room))
	p.show(lines, top+scroll)
}

// Screen is all that is seen.
type Screen struct {
	Size  Size
	Panes []Pane
	// Glyphs draw the rules between panes.
	Glyphs *Glyphs
}

// Pane returns the first pane of a kind, nil if the screen has none.
func (s *Screen) Pane(kind PaneKind) *Pane {
	for i := range s.Panes {
		if s.Panes[i].Kind == kind {
			return &s.Panes[i]
		}
	}
	return nil
}

// Text returns the text of the panes of a kind, line by line, for tests and for
// readers without a screen.
func (s *Screen) Text(kind PaneKind) string {
	var text []byte
	for i := range s.Panes {
		if p := &s.Panes[i]; p.Kind == kind {
			for _, line := range p.Lines {
				text = append(append(text, line.String()...), '\n')
			}
		}
	}
	return string(text)
}
