package export

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// The text ladder's columns: times on the left, lanes in the rest.
const (
	textWidth     = 80
	textFirstLane = 15
	textLastLane  = 71
)

// WriteText writes the ladder as text 80 columns wide. The control connection is a
// double line, the data connection a broken one, anything else a dotted one; a cross
// stands where a packet ended.
func (l *Ladder) WriteText(w io.Writer) error {
	d := textDrawer{w: bufio.NewWriter(w), ladder: l, x: spread(len(l.Lanes), textFirstLane, textLastLane)}
	d.header()
	for i := range l.Rows {
		d.row(&l.Rows[i])
	}
	d.line(d.bars())
	d.line([]rune("         ═══ control   ─ ─ data   ··· other   ✗ stopped or lost   ⋮ time passes"))
	return d.w.Flush()
}

// spread places n lanes evenly from first to last.
func spread(n, first, last int) []int {
	x := make([]int, n)
	for i := range x {
		x[i] = first
		if n > 1 {
			x[i] += i * (last - first) / (n - 1)
		}
	}
	return x
}

type textDrawer struct {
	w      *bufio.Writer
	ladder *Ladder
	x      []int // columns of the lanes
}

// line writes a row of the grid without trailing blanks. Errors stay in the writer
// until Flush.
func (d *textDrawer) line(cells []rune) {
	fmt.Fprintln(d.w, strings.TrimRight(string(cells), " "))
}

// bars returns an empty row: the lanes alone.
func (d *textDrawer) bars() []rune {
	cells := []rune(strings.Repeat(" ", textWidth))
	for _, x := range d.x {
		cells[x] = '│'
	}
	return cells
}

func (d *textDrawer) header() {
	if d.ladder.Title != "" {
		fmt.Fprintf(d.w, "%s\n\n", d.ladder.Title)
	}
	cells := []rune(strings.Repeat(" ", textWidth))
	room := textWidth
	if len(d.x) > 1 {
		room = d.x[1] - d.x[0] - 1
	}
	for i, lane := range d.ladder.Lanes {
		put(cells, centred(d.x[i], cut(lane.Name, room)), cut(lane.Name, room))
	}
	d.line(cells)
	d.line(d.bars())
}

// centred returns where text begins that has its middle at column x.
func centred(x int, text string) int {
	n := utf8.RuneCountInString(text)
	return min(max(x-n/2, 0), max(textWidth-n, 0))
}

// put writes text into the cells from a column on, as far as there are cells.
func put(cells []rune, at int, text string) {
	for _, r := range text {
		if at >= len(cells) {
			return
		}
		cells[at] = r
		at++
	}
}

// cut shortens text to a number of columns.
func cut(text string, columns int) string {
	if utf8.RuneCountInString(text) <= columns {
		return text
	}
	runes := []rune(text)
	return string(runes[:max(columns-1, 0)]) + "…"
}

func (d *textDrawer) row(row *Row) {
	switch row.Kind {
	case RowWait:
		cells := d.bars()
		for _, x := range d.x {
			cells[x] = '⋮'
		}
		d.label(cells, row.Label, 0, len(d.x)-1)
		d.line(cells)
	case RowResult:
		cells := d.bars()
		d.time(cells, row)
		put(cells, d.x[row.Stops[0]], "■ "+cut(row.Label, textWidth-d.x[row.Stops[0]]-2))
		d.line(cells)
	default:
		d.packet(row)
	}
}

func (d *textDrawer) time(cells []rune, row *Row) {
	put(cells, 0, fmt.Sprintf("%8.3f", row.At.Seconds()))
}

func (d *textDrawer) packet(row *Row) {
	first, last := row.Stops[0], row.Stops[len(row.Stops)-1]
	cells := d.bars()
	d.time(cells, row)
	toward := last
	if row.End == EndLost {
		toward = d.ladder.lostTowards(row)
	}
	d.label(cells, row.Label, first, toward)
	d.line(cells)

	cells = d.bars()
	for i := 0; i+1 < len(row.Stops); i++ {
		d.arrow(cells, row.Line, d.x[row.Stops[i]], d.x[row.Stops[i+1]])
	}
	switch row.End {
	case EndDropped, EndRejected:
		cells[d.x[last]] = '✗'
	case EndLost:
		middle := (d.x[last] + d.x[toward]) / 2
		d.arrow(cells, row.Line, d.x[last], middle)
		cells[middle] = '✗'
	}
	d.line(cells)
	d.note(row)
}

// label writes text over the way between two lanes, or over the whole width if it is
// longer than the way.
func (d *textDrawer) label(cells []rune, text string, from, to int) {
	left, right := d.x[min(from, to)]+2, d.x[max(from, to)]-2
	if utf8.RuneCountInString(text) > right-left+1 {
		left, right = d.x[0]+2, textWidth-1
	}
	text = cut(text, right-left+1)
	n := utf8.RuneCountInString(text)
	at := left + (right-left+1-n)/2
	cells[at-1] = ' '
	put(cells, at, text)
	if at+n < len(cells) {
		cells[at+n] = ' '
	}
}

// arrow draws from column a to column b, with the head before b.
func (d *textDrawer) arrow(cells []rune, line Line, a, b int) {
	step, head := 1, '►'
	if b < a {
		step, head = -1, '◄'
	}
	for x := a + step; x != b; x += step {
		cells[x] = lineRune(line, x)
	}
	if b-a > 1 || a-b > 1 {
		cells[b-step] = head
	}
}

func lineRune(line Line, x int) rune {
	switch {
	case line == ControlLine:
		return '═'
	case line == DataLine && x%2 == 1:
		return '─'
	case line == DataLine:
		return ' '
	}
	return '·'
}

// note writes why a packet ended, or what was rewritten, below it.
func (d *textDrawer) note(row *Row) {
	text := row.Note
	switch {
	case text == "":
		return
	case row.End == EndDropped || row.End == EndRejected:
		text = "✗ " + d.ladder.Lanes[row.Stops[len(row.Stops)-1]].Name + ": " + endWord(row.End) + " by " + text
	}
	parts := wrap(text, textWidth-d.x[0]-4)
	for _, part := range parts {
		cells := d.bars()
		n := utf8.RuneCountInString(part)
		at := d.x[0] + 2
		if len(parts) == 1 {
			at = max(at, min(d.x[row.Stops[len(row.Stops)-1]]+2, textWidth-n))
		}
		cells[at-1] = ' '
		put(cells, at, part)
		if at+n < len(cells) {
			cells[at+n] = ' '
		}
		d.line(cells)
	}
}

func endWord(e End) string {
	if e == EndRejected {
		return "rejected"
	}
	return "dropped"
}

// wrap breaks text at blanks into lines of at most width columns; a longer word is
// cut.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		word = cut(word, width)
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
