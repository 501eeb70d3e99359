package model

import (
	"strings"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// Role is what a piece of text is. The view chooses a style for each; a role never
// carries a meaning that the text itself does not.
type Role uint8

// The roles.
const (
	Plain      Role = iota
	Faint           // less important: comments, what is not there yet
	Strong          // more important
	TitleRole       // titles
	FrameRole       // lines around panes and nodes
	Control         // of the control connection
	Data            // of the data connection
	Other           // of any other connection: a probe, a service
	Pass            // let through, done well
	Drop            // dropped, failed
	Match           // the rule that decided
	Miss            // why a rule did not match
	FromClient      // said by the client
	FromServer      // said by the server
	KeyRole         // a key to press
	Code            // quoted from a configuration or a protocol
	Notice          // what has just changed
	NumRoles        // the number of roles
)

// Span is a piece of text in one role.
type Span struct {
	Text string
	Role Role
}

// Line is a line of text.
type Line []Span

// String returns the text of the line without its roles.
func (l Line) String() string {
	if len(l) == 1 {
		return l[0].Text
	}
	var b strings.Builder
	for _, s := range l {
		b.WriteString(s.Text)
	}
	return b.String()
}

// Width returns how many columns the line takes.
func (l Line) Width() int {
	n := 0
	for _, s := range l {
		n += Width(s.Text)
	}
	return n
}

// text returns a line of one span.
func text(s string, role Role) Line { return Line{{s, role}} }

// Width returns how many columns s takes on the screen.
func Width(s string) int {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return uniseg.StringWidth(s)
		}
	}
	return len(s)
}

// cutAt returns the longest start of s that takes at most width columns, and the rest.
func cutAt(s string, width int) (string, string) {
	used, n := 0, 0
	for rest := s; rest != ""; {
		sign, after, w := FirstSign(rest)
		if used+w > width {
			break
		}
		used += w
		n += len(sign)
		rest = after
	}
	return s[:n], s[n:]
}

// fit returns s cut to width columns, with an ellipsis if something was cut off.
func (g *Glyphs) fit(s string, width int) string {
	if Width(s) <= width {
		return s
	}
	keep := width - Width(g.Ellipsis)
	if keep < 0 {
		start, _ := cutAt(s, max(width, 0))
		return start
	}
	start, _ := cutAt(s, keep)
	return start + g.Ellipsis
}

// Fit returns the line cut to width columns, with an ellipsis if something was
// cut off.
func (g *Glyphs) Fit(l Line, width int) Line {
	if l.Width() <= width {
		return l
	}
	var cut Line
	left := width - Width(g.Ellipsis)
	if left < 0 {
		start, _ := cutAt(l.String(), max(width, 0))
		return text(start, Plain)
	}
	for _, s := range l {
		w := Width(s.Text)
		if w > left {
			start, _ := cutAt(s.Text, max(left, 0))
			return append(cut, Span{start + g.Ellipsis, s.Role})
		}
		left -= w
		cut = append(cut, s)
	}
	return cut
}

// between returns a line with left at the beginning and right at the end of width
// columns; left is cut if there is no room for both.
func (g *Glyphs) between(left, right Line, width int) Line {
	room := width - right.Width()
	left = g.Fit(left, max(room-1, 0))
	line := append(Line{}, left...)
	if gap := room - left.Width(); gap > 0 {
		line = append(line, Span{spaces(gap), Plain})
	}
	return append(line, right...)
}

const blanks = "                                                                                "

// spaces returns n spaces.
func spaces(n int) string {
	if n <= 0 {
		return ""
	}
	if n <= len(blanks) {
		return blanks[:n]
	}
	return strings.Repeat(" ", n)
}

// wrap breaks a line at its spaces so that no piece is wider than width columns.
// Pieces after the first begin with hang spaces. A word that is too wide is cut.
func wrap(l Line, width, hang int) []Line {
	hang = max(0, min(hang, width/2))
	w := wrapper{width: max(width, 1), hang: hang}
	for _, s := range l {
		for rest := s.Text; rest != ""; {
			var word string
			word, rest = nextWord(rest)
			w.add(word, s.Role)
		}
	}
	w.breakLine()
	if w.lines == nil {
		return []Line{nil}
	}
	return w.lines
}

// nextWord cuts a run of spaces, or a run without spaces, from s.
func nextWord(s string) (string, string) {
	space := s[0] == ' '
	for i := range len(s) {
		if (s[i] == ' ') != space {
			return s[:i], s[i:]
		}
	}
	return s, ""
}

// wrapper collects words into lines.
type wrapper struct {
	width, hang int
	lines       []Line
	line        Line
	used        int
	gap         Span // spaces that wait for a word after them
}

func (w *wrapper) add(word string, role Role) {
	if word[0] == ' ' {
		w.gap.Text += word
		w.gap.Role = role
		return
	}
	gap, need := len(w.gap.Text), Width(word)
	if len(w.line) > 0 && w.used+gap+need > w.width {
		w.breakLine()
		gap = 0
	}
	if gap > 0 && (len(w.lines) == 0 || len(w.line) > 0) {
		w.put(w.gap.Text, w.gap.Role)
	}
	w.gap = Span{}
	for w.used+Width(word) > w.width {
		start, rest := cutAt(word, max(w.width-w.used, 1))
		if start == "" { // a wide rune in a narrow column
			return
		}
		w.put(start, role)
		w.breakLine()
		word = rest
	}
	w.put(word, role)
}

func (w *wrapper) put(s string, role Role) {
	if s == "" {
		return
	}
	if len(w.lines) > 0 && len(w.line) == 0 && w.hang > 0 {
		w.line = append(w.line, Span{spaces(w.hang), Plain})
		w.used = w.hang
	}
	if n := len(w.line); n > 0 && w.line[n-1].Role == role {
		w.line[n-1].Text += s
	} else {
		w.line = append(w.line, Span{s, role})
	}
	w.used += Width(s)
}

func (w *wrapper) breakLine() {
	if len(w.line) > 0 {
		w.lines = append(w.lines, w.line)
	}
	w.line, w.gap, w.used = nil, Span{}, 0
	if len(w.lines) > 0 {
		w.used = w.hang
	}
}

// FirstSign returns the first sign of s (a grapheme cluster), the rest, and how many
// columns the sign takes.
func FirstSign(s string) (sign, rest string, width int) {
	n := plainSign(s)
	if n > 0 && (n == len(s) || plainSign(s[n:]) > 0) {
		return s[:n], s[n:], 1 // nothing that follows can join it
	}
	sign, rest, width, _ = uniseg.FirstGraphemeClusterInString(s, -1)
	return sign, rest, width
}

// plainSign returns how many bytes the first rune of s takes if it is one that never
// joins another and takes one column: printable ASCII, arrows and lines. It saves the
// search in Unicode's tables for nearly all that is drawn. It returns 0 for others.
func plainSign(s string) int {
	switch {
	case s[0] >= ' ' && s[0] < 0x7f:
		return 1
	case s[0] != 0xe2 || len(s) < 3: // U+2000 to U+2FFF
		return 0
	}
	r, n := utf8.DecodeRuneInString(s)
	if r >= 0x2190 && r <= 0x21ff || r >= 0x2500 && r <= 0x257f {
		return n
	}
	return 0
}
