package model

import (
	"fmt"
	"strings"

	"ftplab/sim/trace"
)

// Heading is what the first line says on every page.
type Heading struct {
	Number, Title string
	Mode          string // pasv, epsv, port or eprt
	Variant       string // name of the firewall variant
	VariantTitle  string
	// Also is what else was chosen, "" if everything else is as usual: "STOR, TLS".
	Also string
}

// LessonInput is all that the lesson page is a function of.
type LessonInput struct {
	Size    Size
	Glyphs  *Glyphs
	Run     *Run
	Heading Heading
	Cursor  Cursor
	Playing bool
	// Live says that the cursor is at the present of a network that is running.
	Live  bool
	Speed int // doublings (halvings, if negative) of the normal speed
	Steps []Step
	// Step is the place of the step that is shown, -1 for none.
	Step int
	// Notice is what has just changed, "" if nothing has. Markdown's backquotes mark code.
	Notice string
	// Focus is the pane that Scroll moves, by lines from where it would be; TopPane is none.
	Focus  PaneKind
	Scroll int
}

// Lesson returns the lesson page.
func Lesson(in *LessonInput) Screen {
	if !in.Size.fits() {
		return tooSmall(in.Glyphs, in.Size, &in.Heading)
	}
	l := lessonLayout(in)
	s := Screen{Size: in.Size, Glyphs: in.Glyphs}
	s.addTop(in)
	s.add(MapPane, l.mapPane, in.Run.drawMap(in.Glyphs, in.Cursor, Size{l.mapPane.Width, l.mapPane.Height}))
	s.add(ScrubberPane, l.scrubber, []Line{in.Run.scrubber(in.Glyphs, in.Cursor, l.scrubber.Width-1)})
	s.addConversation(in, l.conversation)
	if l.ladder.Width > 0 {
		s.addLadder(in, l.ladder, l.rules.Width > 0)
	}
	if l.rules.Width > 0 {
		s.addRules(in, &l)
	}
	s.addStory(in, l.story)
	s.add(KeyPane, l.keys, []Line{in.Glyphs.keyBar(LessonPage, in.Size.Width)})
	return s
}

// layout is where the panes of the lesson page stand. A pane without width is not there.
type layout struct {
	mapPane, scrubber, conversation, ladder, rules, tables, story, keys Rect
}

// tallFrom is the height from which the map may take more rows than it needs.
const tallFrom = 30

// wideFrom is the width from which the ladder has a column of its own.
const wideFrom = 120

// lessonLayout places the panes: map and time line over two or three columns, over
// the story. What a larger screen gives goes to the columns and the story.
func lessonLayout(in *LessonInput) layout {
	w, h := in.Size.Width, in.Size.Height
	hasRules := in.Run.hasRules(in.Cursor.Event)
	var l layout
	mapTop := 1
	if h >= tallFrom {
		mapTop = 2
	}
	l.mapPane = Rect{0, mapTop, w, in.Run.mapHeight(h >= tallFrom)}
	y := l.mapPane.Y + l.mapPane.Height
	l.scrubber = Rect{0, y, w, 1}
	y++
	l.keys = Rect{0, h - 1, w, 1}
	story := max(4, min(h/5, 14)) // rows of text
	if h-1-y-story-1 < 9 {
		story = 3
	}
	l.story = Rect{0, h - 1 - story - 1, w, story + 1}
	middle := Rect{0, y, w, l.story.Y - y}
	l.columns(middle, hasRules)
	if node, ok := in.Run.firewallAt(in.Cursor.Event); ok && in.Run.isStateful(node, in.Cursor.Event) && l.rules.Width > 0 {
		l.placeTables(in, node)
	}
	return l
}

// placeTables puts the tables under the rules: as high as they need, if the rules that
// are to be seen keep their room.
func (l *layout) placeTables(in *LessonInput, node trace.NodeID) {
	const least = 3
	needed := len(in.Run.tablesOf(in.Glyphs, node, in.Cursor, l.rules.Width-2)) + 1
	rules := in.Run.rulesOf(in.Glyphs, node, in.Cursor.Event, l.rules.Width-1)
	keep := max(rules.last-rules.first+1, min(len(rules.lines)+1, l.rules.Height/2))
	height := min(needed, max(least, l.rules.Height-keep))
	l.rules.Height -= height
	l.tables = Rect{l.rules.X, l.rules.Y + l.rules.Height, l.rules.Width, height}
}

// columns divides the middle of the page.
func (l *layout) columns(r Rect, hasRules bool) {
	if r.Width < wideFrom {
		left := r.Width * 46 / 100
		l.conversation = Rect{r.X, r.Y, left, r.Height}
		right := Rect{r.X + left, r.Y, r.Width - left, r.Height}
		if hasRules {
			l.rules = right
		} else {
			l.ladder = right
		}
		return
	}
	if !hasRules {
		left := r.Width * 40 / 100
		l.conversation = Rect{r.X, r.Y, left, r.Height}
		l.ladder = Rect{r.X + left, r.Y, r.Width - left, r.Height}
		return
	}
	left, middle := r.Width*29/100, r.Width*36/100
	l.conversation = Rect{r.X, r.Y, left, r.Height}
	l.ladder = Rect{r.X + left, r.Y, middle, r.Height}
	l.rules = Rect{r.X + left + middle, r.Y, r.Width - left - middle, r.Height}
}

func (s *Screen) add(kind PaneKind, r Rect, lines []Line) *Pane {
	s.Panes = append(s.Panes, Pane{Kind: kind, Rect: r, Selected: -1})
	p := &s.Panes[len(s.Panes)-1]
	p.show(lines, 0)
	return p
}

// addTop writes the first line: where am I?
func (s *Screen) addTop(in *LessonInput) {
	g := in.Glyphs
	state := g.Pause
	if in.Playing {
		state = g.Play
	}
	right := fmt.Sprintf("t %s  %s %s ", seconds(in.Cursor.Time), state, speedName(in.Speed))
	if in.Live {
		right = fmt.Sprintf("t %s  %s live ", seconds(in.Cursor.Time), in.Glyphs.Bullet)
	}
	s.add(TopPane, Rect{0, 0, in.Size.Width, 1}, []Line{in.Heading.line(g, text(right, Plain), in.Size.Width)})
}

// line writes the heading with something at the right end: number and title, which
// is cut if it has to be, then mode and firewall.
func (h *Heading) line(g *Glyphs, right Line, width int) Line {
	title := strings.TrimSpace(" " + h.Number + " " + g.clean(h.Title))
	chosen := strings.ToUpper(h.Mode)
	sep := " " + g.Default + " "
	if h.Variant != "" {
		chosen += sep + g.clean(h.Variant)
	}
	if h.Also != "" {
		chosen += sep + g.clean(h.Also)
	}
	extra := ""
	if h.VariantTitle != "" && h.VariantTitle != h.Variant {
		extra = ": " + g.clean(h.VariantTitle)
	}
	room := width - 1 - right.Width() - 4 - Width(chosen)
	if Width(title)+Width(extra) > room {
		extra = "" // the firewall's title gives way before the lesson's is cut
	}
	title = g.fit(title, max(room-Width(extra), 0))
	used := 1 + Width(title) + 2 + Width(chosen) + Width(extra)
	gap := max(1, width-used-right.Width())
	return append(Line{
		{" " + title, TitleRole}, {"  ", Plain}, {chosen, Strong}, {extra, Plain}, {spaces(gap), Plain},
	}, right...)
}

func (s *Screen) addConversation(in *LessonInput, r Rect) {
	p := s.pane(in, ConversationPane, r, text("Conversation", TitleRole))
	p.Bar = true
	lines := in.Run.conversation(in.Glyphs, in.Cursor.Event, p.inside().Width-1)
	p.show(indented(lines), len(lines)-p.inside().Height+p.scroll(in))
}

func (s *Screen) addLadder(in *LessonInput, r Rect, bar bool) {
	p := s.pane(in, LadderPane, r, text("Packets", TitleRole))
	p.Bar = bar
	lines := in.Run.ladder(in.Glyphs, in.Cursor.Event, p.inside().Width)
	room := p.inside().Height
	if len(lines) > room && room > 1 { // the names of the columns stay
		p.show(lines, len(lines)-room+p.scroll(in))
		p.Lines = append([]Line{lines[0]}, p.Lines[1:]...)
		return
	}
	p.show(lines, 0)
}

func (s *Screen) addRules(in *LessonInput, l *layout) {
	node, _ := in.Run.firewallAt(in.Cursor.Event)
	view := in.Run.rulesOf(in.Glyphs, node, in.Cursor.Event, l.rules.Width-1)
	p := s.pane(in, RulesPane, l.rules, view.title)
	p.showAround(view.lines, view.first, view.last, p.scroll(in))
	if l.tables.Width == 0 {
		return
	}
	p = s.pane(in, TablesPane, l.tables, text("Connections", TitleRole))
	p.show(indented(in.Run.tablesOf(in.Glyphs, node, in.Cursor, l.tables.Width-2)), p.scroll(in))
}

func (s *Screen) addStory(in *LessonInput, r Rect) {
	p := s.pane(in, StoryPane, r, storyTitle(in.Glyphs, in.Steps, in.Step))
	size := p.inside()
	size.Width -= 2
	p.show(indented(in.Run.storyLines(in, in.Step, size)), p.scroll(in))
}

// pane adds an empty pane with a title.
func (s *Screen) pane(in *LessonInput, kind PaneKind, r Rect, title Line) *Pane {
	s.Panes = append(s.Panes, Pane{Kind: kind, Rect: r, Title: title, Ruled: true, Selected: -1, Focused: in.Focus == kind})
	return &s.Panes[len(s.Panes)-1]
}

func (p *Pane) scroll(in *LessonInput) int {
	if p.Focused {
		return in.Scroll
	}
	return 0
}

// indented puts a space before every line, so that text does not touch a border.
func indented(lines []Line) []Line {
	out := make([]Line, len(lines))
	for i, l := range lines {
		if len(l) > 0 {
			out[i] = append(Line{{" ", Plain}}, l...)
		}
	}
	return out
}

// tooSmall returns the page that asks for a larger screen.
func tooSmall(g *Glyphs, size Size, heading *Heading) Screen {
	least := MinSize()
	s := Screen{Size: size, Glyphs: g}
	if size.Height > 1 {
		s.add(TopPane, Rect{0, 0, size.Width, 1}, []Line{g.Fit(heading.line(g, nil, size.Width), size.Width)})
	}
	said := g.fit(fmt.Sprintf("need %dx%d, have %dx%d", least.Width, least.Height, size.Width, size.Height), size.Width)
	x := (size.Width - Width(said)) / 2
	s.add(NoticePane, Rect{x, size.Height / 2, size.Width - x, min(1, size.Height)}, []Line{text(said, Strong)})
	return s
}
