package export

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// The SVG's measures in user units, about a pixel each.
const (
	svgWidth     = 800
	svgFirstLane = 130
	svgLastLane  = 700
	svgTop       = 90
	svgRow       = 34
	svgNote      = 15
	svgWait      = 26
)

// The printable part of an A4 page in millimetres, onto which the whole is scaled.
const (
	pageWidth  = 180.0
	pageHeight = 260.0
)

const svgStyle = `text{font-family:"DejaVu Sans Mono",Menlo,Consolas,monospace;font-size:12px;fill:#111}
.title{font-size:15px;font-weight:bold}.name{font-weight:bold;text-anchor:middle}.label,.note,.stop,.wait{text-anchor:middle;paint-order:stroke;stroke:#fff;stroke-width:4px}
.time,.wait,.note{fill:#555}.stop{fill:#a00}.note,.stop{font-size:11px}
.lane{stroke:#999}.fold{stroke:#999;stroke-dasharray:1 4}
.control{stroke:#111;stroke-width:2.5}.data{stroke:#06c;stroke-width:1.5;stroke-dasharray:8 5}
.other{stroke:#555;stroke-width:1.5;stroke-dasharray:2 4}.cross{stroke:#c00;stroke-width:3}`

// WriteSVG writes the ladder as an SVG picture that fits on a page. The control
// connection is a thick solid line, the data connection a broken one, anything else a
// dotted one, so that they differ without colour too.
func (l *Ladder) WriteSVG(w io.Writer) error {
	d := svgDrawer{w: bufio.NewWriter(w), ladder: l, x: spread(len(l.Lanes), svgFirstLane, svgLastLane)}
	height := svgTop + 40
	for i := range l.Rows {
		height += rowHeight(&l.Rows[i])
	}
	scale := min(pageWidth/svgWidth, pageHeight/float64(height))
	fmt.Fprintf(d.w, `<svg xmlns="http://www.w3.org/2000/svg" width="%.1fmm" height="%.1fmm" viewBox="0 0 %d %d" role="img">`+"\n",
		scale*svgWidth, scale*float64(height), svgWidth, height)
	fmt.Fprintf(d.w, "<title>%s</title>\n<style>%s</style>\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n", xmlText(l.Title), svgStyle)
	d.text("title", 20, 28, l.Title)
	for i, lane := range l.Lanes {
		if lane.Firewall {
			fmt.Fprintf(d.w, `<rect x="%d" y="46" width="120" height="26" fill="#eee" stroke="#111"/>`+"\n", d.x[i]-60)
		} else {
			fmt.Fprintf(d.w, `<rect x="%d" y="46" width="120" height="26" rx="8" fill="#fff" stroke="#111"/>`+"\n", d.x[i]-60)
		}
		d.text("name", d.x[i], 63, cut(lane.Name, 15))
	}
	y := svgTop - 18
	for i := range l.Rows {
		next := y + rowHeight(&l.Rows[i])
		d.row(&l.Rows[i], y, next)
		y = next
	}
	d.lanes("lane", y, height-24)
	d.text("time", 20, height-10, "thick: control   broken: data   dotted: other   ✗ stopped or lost")
	fmt.Fprintln(d.w, "</svg>")
	return d.w.Flush()
}

func rowHeight(row *Row) int {
	switch {
	case row.Kind != RowPacket:
		return svgWait
	case row.Note != "":
		return svgRow + svgNote*len(svgNoteLines(row))
	}
	return svgRow
}

type svgDrawer struct {
	w      *bufio.Writer
	ladder *Ladder
	x      []int
}

func (d *svgDrawer) text(class string, x, y int, text string) {
	fmt.Fprintf(d.w, `<text class="%s" x="%d" y="%d" xml:space="preserve">%s</text>`+"\n", class, x, y, xmlText(text))
}

func (d *svgDrawer) lines(class string, x1, y1, x2, y2 int) {
	fmt.Fprintf(d.w, `<line class="%s" x1="%d" y1="%d" x2="%d" y2="%d"/>`+"\n", class, x1, y1, x2, y2)
}

// lanes draws every lane from y1 to y2.
func (d *svgDrawer) lanes(class string, y1, y2 int) {
	for _, x := range d.x {
		d.lines(class, x, y1, x, y2)
	}
}

func (d *svgDrawer) row(row *Row, y, next int) {
	if row.Kind == RowWait {
		d.lanes("fold", y, next)
		d.text("wait", svgWidth/2, y+17, "⋮ "+cut(row.Label, 90))
		return
	}
	d.lanes("lane", y, next)
	d.text("time", 8, y+17, fmt.Sprintf("%8.3f", row.At.Seconds()))
	if row.Kind == RowResult {
		d.text("label", min(max(d.x[row.Stops[0]], 200), 600), y+17, "■ "+cut(row.Label, 60))
		return
	}
	d.packet(row, y+svgRow-8)
}

func (d *svgDrawer) packet(row *Row, y int) {
	first, last := row.Stops[0], row.Stops[len(row.Stops)-1]
	class := [...]string{"control", "data", "other"}[row.Line]
	end := d.x[last]
	if row.End == EndLost {
		end = (d.x[last] + d.x[d.ladder.lostTowards(row)]) / 2
	}
	label := cut(row.Label, 75)
	middle := (d.x[first] + end) / 2
	half := utf8.RuneCountInString(label) * 36 / 10 // a monospaced 12 px letter is about 7.2 px wide
	d.text("label", min(max(middle, 85+half), svgWidth-10-half), y-8, label)
	d.lines(class, d.x[first], y, end, y)
	if row.End == EndArrived {
		d.head(d.x[first], end, y)
	} else {
		d.lines("cross", end-6, y-6, end+6, y+6)
		d.lines("cross", end-6, y+6, end+6, y-6)
	}
	noteClass := "note"
	if row.End != EndArrived {
		noteClass = "stop"
	}
	for i, line := range svgNoteLines(row) {
		d.text(noteClass, svgWidth/2, y+16+svgNote*i, line)
	}
}

// head draws an arrow's head at x2.
func (d *svgDrawer) head(x1, x2, y int) {
	back := -9
	if x2 < x1 {
		back = 9
	}
	fmt.Fprintf(d.w, `<polygon points="%d,%d %d,%d %d,%d"/>`+"\n", x2, y, x2+back, y-5, x2+back, y+5)
}

func svgNoteLines(row *Row) []string {
	note := row.Note
	if row.End == EndDropped || row.End == EndRejected {
		note = "✗ " + endWord(row.End) + " by " + note
	}
	return wrap(note, 100)
}

// xmlText escapes text for XML; control characters become '?'.
func xmlText(text string) string {
	var b strings.Builder
	clean := strings.Map(func(r rune) rune {
		if r < ' ' {
			return '?'
		}
		return r
	}, text)
	if err := xml.EscapeText(&b, []byte(clean)); err != nil {
		return "" // a strings.Builder never fails
	}
	return b.String()
}
