package export

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// WriteMermaid writes the ladder as a Mermaid sequence diagram. The control
// connection is a solid line, the data connection and others a broken one; a dropped
// packet ends in a cross.
func (l *Ladder) WriteMermaid(w io.Writer) error {
	b := bufio.NewWriter(w)
	if l.Title != "" {
		fmt.Fprintf(b, "---\ntitle: %q\n---\n", l.Title)
	}
	fmt.Fprintln(b, "sequenceDiagram")
	for i, lane := range l.Lanes {
		fmt.Fprintf(b, "    participant n%d as %s\n", i, mermaidText(lane.Name))
	}
	for i := range l.Rows {
		l.mermaidRow(b, &l.Rows[i])
	}
	return b.Flush()
}

func (l *Ladder) mermaidRow(b *bufio.Writer, row *Row) {
	switch row.Kind {
	case RowWait:
		fmt.Fprintf(b, "    Note over n0,n%d: … %s\n", len(l.Lanes)-1, mermaidText(row.Label))
		return
	case RowResult:
		fmt.Fprintf(b, "    Note over n%d: %s\n", row.Stops[0], mermaidText(row.Label))
		return
	}
	first, last := row.Stops[0], row.Stops[len(row.Stops)-1]
	arrow := "->>"
	if row.End != EndArrived {
		arrow = "-x"
	}
	if row.Line != ControlLine {
		arrow = "-" + arrow
	}
	label := row.Label
	if row.End == EndLost {
		label += " (" + row.Note + ")"
		last = l.lostTowards(row)
	}
	fmt.Fprintf(b, "    n%d%sn%d: %s\n", first, arrow, last, mermaidText(label))
	switch {
	case row.Note == "" || row.End == EndLost:
	case row.End == EndArrived:
		fmt.Fprintf(b, "    Note over n%d,n%d: %s\n", min(first, last), max(first, last), mermaidText(row.Note))
	default:
		fmt.Fprintf(b, "    Note over n%d: %s by %s\n", last, endWord(row.End), mermaidText(row.Note))
	}
}

// lostTowards returns the lane that a packet lost on a link was going to.
func (l *Ladder) lostTowards(row *Row) int {
	last := row.Stops[len(row.Stops)-1]
	backward := len(row.Stops) > 1 && row.Stops[len(row.Stops)-2] > last
	if backward && last > 0 || last == len(l.Lanes)-1 && last > 0 {
		return last - 1
	}
	return min(last+1, len(l.Lanes)-1)
}

// mermaidText escapes what has a meaning in a Mermaid diagram.
func mermaidText(text string) string {
	return strings.NewReplacer("#", "#35;", ";", "#59;", "<", "#lt;", ">", "#gt;", "\n", " ").Replace(text)
}
