package model

import "strings"

// Page is one of the pages of the application.
type Page uint8

// The pages.
const (
	ListPage Page = iota
	LessonPage
	WhyPage
	HelpPage
	AuditPage
	numPages
)

// Key is a key as the table names it: a character, or a word for one that has none.
type Key string

// The keys that are not a character of their own.
const (
	Space    Key = "Space"
	Left     Key = "Left"
	Right    Key = "Right"
	Up       Key = "Up"
	Down     Key = "Down"
	PageUp   Key = "PgUp"
	PageDown Key = "PgDn"
	Home     Key = "Home"
	End      Key = "End"
	Enter    Key = "Enter"
	Escape   Key = "Esc"
	Tab      Key = "Tab"
	BackTab  Key = "Shift-Tab"
	CtrlC    Key = "Ctrl-C"
	CtrlL    Key = "Ctrl-L"
)

// Action is what a key does.
type Action uint8

// The actions.
const (
	NoAction Action = iota
	PlayPause
	StepBack
	StepForward
	EventBack
	EventForward
	ToStart
	ToEnd
	ToDrop
	AskWhy
	AuditRules
	NextFirewall
	NextMode
	NextStep
	PreviousStep
	Slower
	Faster
	ShowHelp
	MoveUp
	MoveDown
	ScrollPageUp
	ScrollPageDown
	NextPane
	PreviousPane
	Open
	Back
	Redraw
	Quit
)

// Binding is a row of the key table.
type Binding struct {
	Keys   []Key
	Action Action
	// Pages on which the keys have this meaning.
	Pages []Page
	// Bar is the word for the key bar, "" to leave it out. Neighbours with the same
	// word share it.
	Bar string
	// Help says what the keys do.
	Help string
}

// Keys returns the key table: what is dispatched, the key bar and the help are made
// from it. Earlier rows come first in the key bar.
func Keys() []Binding {
	lesson, list, why, help, audit := []Page{LessonPage}, []Page{ListPage}, []Page{WhyPage}, []Page{HelpPage}, []Page{AuditPage}
	lists := []Page{ListPage, WhyPage}
	texts := []Page{LessonPage, HelpPage, AuditPage}
	every := []Page{ListPage, LessonPage, WhyPage, HelpPage, AuditPage}
	return []Binding{
		{[]Key{Enter, Right, Space}, Open, list, "open", "open the lesson"},
		{[]Key{Enter, Right, Space}, Open, why, "go there", "go to the selected event"},
		{[]Key{Up, "k"}, MoveUp, lists, "select", "select the line above"},
		{[]Key{Down, "j"}, MoveDown, lists, "select", "select the line below"},
		{[]Key{Home, "g"}, ToStart, lists, "", "select the first line"},
		{[]Key{End, "G"}, ToEnd, lists, "", "select the last line"},

		{[]Key{Space}, PlayPause, lesson, "play", "play or pause"},
		{[]Key{Left, "h"}, StepBack, lesson, "step", "step back to the moment before"},
		{[]Key{Right, "l"}, StepForward, lesson, "step", "step to the next moment"},
		{[]Key{"["}, EventBack, lesson, "event", "one event back"},
		{[]Key{"]"}, EventForward, lesson, "event", "one event forward"},
		{[]Key{"d"}, ToDrop, lesson, "drop", "go to the first drop"},
		{[]Key{"w"}, AskWhy, lesson, "why", "why did it fail? The chain of causes"},
		{[]Key{"f"}, NextFirewall, lesson, "firewall", "the next firewall"},
		{[]Key{"m"}, NextMode, lesson, "mode", "the next mode: PASV, EPSV, PORT, EPRT"},
		{[]Key{"n"}, NextStep, lesson, "story", "the next step of the story"},
		{[]Key{"p"}, PreviousStep, lesson, "story", "the step of the story before"},
		{[]Key{"a"}, AuditRules, lesson, "audit", "audit the rules: what they permit, which have no effect"},
		{[]Key{"<", ","}, Slower, lesson, "speed", "play slower"},
		{[]Key{">", "."}, Faster, lesson, "speed", "play faster"},
		{[]Key{"g", Home}, ToStart, lesson, "", "go to the start"},
		{[]Key{"G", End}, ToEnd, lesson, "", "go to the end"},
		{[]Key{Tab}, NextPane, lesson, "", "move the focus to the next pane, to scroll it"},
		{[]Key{BackTab}, PreviousPane, lesson, "", "move the focus to the pane before"},
		{[]Key{Up, "k"}, MoveUp, texts, "scroll", "scroll the focused pane or the page up"},
		{[]Key{Down, "j"}, MoveDown, texts, "scroll", "scroll the focused pane or the page down"},
		{[]Key{PageUp}, ScrollPageUp, every, "", "scroll up by half a pane"},
		{[]Key{PageDown}, ScrollPageDown, every, "", "scroll down by half a pane"},

		{[]Key{"?"}, ShowHelp, []Page{ListPage, LessonPage, WhyPage, AuditPage}, "help", "this help"},
		{[]Key{"q", Escape, "w"}, Back, why, "back", "back to the lesson"},
		{[]Key{"q", Escape, "a"}, Back, audit, "back", "back to the lesson"},
		{[]Key{"q", Escape, "?"}, Back, help, "back", "back"},
		{[]Key{"q", Escape}, Back, lesson, "back", "back to the list of lessons"},
		{[]Key{"q", Escape}, Quit, list, "quit", "quit"},
		{[]Key{CtrlL}, Redraw, every, "", "draw the screen anew"},
		{[]Key{CtrlC}, Quit, every, "", "quit at once"},
	}
}

// ActionOf returns what a key does on a page.
func ActionOf(page Page, key Key) Action {
	for _, b := range Keys() {
		if b.on(page) {
			for _, k := range b.Keys {
				if k == key {
					return b.Action
				}
			}
		}
	}
	return NoAction
}

func (b *Binding) on(page Page) bool {
	for _, p := range b.Pages {
		if p == page {
			return true
		}
	}
	return false
}

// keySign writes a key in as little room as possible.
func (g *Glyphs) keySign(k Key) string {
	if g.ascii {
		switch {
		case k == Left:
			return g.Back
		case k == Right:
			return g.Arrow
		case len(k) > 1:
			return strings.ToLower(string(k))
		}
		return string(k)
	}
	switch k {
	case Space:
		return "␣"
	case Left:
		return "←"
	case Right:
		return "→"
	case Up:
		return "↑"
	case Down:
		return "↓"
	case Enter:
		return "↵"
	}
	return string(k)
}

// keyBar returns what can be pressed on a page, as much as there is room for. The
// help key always is.
func (g *Glyphs) keyBar(page Page, width int) Line {
	var items []Line
	last := ""
	for _, b := range Keys() {
		if b.Bar == "" || !b.on(page) {
			continue
		}
		sign := g.keySign(b.Keys[0])
		if b.Bar == last {
			n := len(items) - 1
			if Width(sign) > 1 {
				sign = " " + sign
			}
			items[n][0].Text += sign
			continue
		}
		last = b.Bar
		items = append(items, Line{{sign, KeyRole}, {" " + b.Bar, Plain}})
	}
	const gap = 2
	help := len(items) // place of what must be there
	for i := range items {
		if items[i][1].Text == " help" {
			help = i
		}
	}
	line := Line{{" ", Plain}}
	for i, item := range items {
		reserve := 0
		if i < help && help < len(items) {
			reserve = items[help].Width() + gap
		}
		if line.Width()+item.Width()+reserve > width {
			continue
		}
		line = append(append(line, item...), Span{spaces(gap), Plain})
	}
	line[len(line)-1].Text = ""
	return line
}

// helpLines returns the key table of a page as text.
func (g *Glyphs) helpLines(page Page, width int) []Line {
	const keyWidth = 19
	var lines []Line
	for _, b := range Keys() {
		if !b.on(page) {
			continue
		}
		names := make([]string, len(b.Keys))
		for i, k := range b.Keys {
			names[i] = string(k)
		}
		keys := strings.Join(names, " ")
		lines = append(lines, entryOf(keys, keyWidth, KeyRole, g.clean(b.Help), width)...)
	}
	return lines
}

// entryOf writes a sign and what it means, as one line if there is room.
func entryOf(sign string, signWidth int, role Role, means string, width int) []Line {
	line := Line{{"  ", Plain}, {sign, role}, {spaces(signWidth - Width(sign)), Plain}, {means, Plain}}
	return wrap(line, width, signWidth+2)
}
