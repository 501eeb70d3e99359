package view

import (
	"fmt"
	"html"
	"strings"

	"ftplab/ui/control"
	"ftplab/ui/model"
)

// The size of a cell and of the text in an SVG, in its units.
const (
	svgCellWidth  = 8.4
	svgCellHeight = 17.0
	svgFontSize   = 14
	svgBaseline   = 13.0 // from the top of a cell
	svgMargin     = 8.0  // around the screen
)

// svgInk is how a role looks in an SVG: on a dark ground, whatever the reader's
// terminal looks like.
type svgInk struct {
	fill            string
	bold, underline bool
}

func svgInkOf(role model.Role) svgInk {
	switch role {
	case model.Faint:
		return svgInk{fill: "#8b949e"}
	case model.FrameRole:
		return svgInk{fill: "#6e7681"}
	case model.Strong, model.TitleRole, model.Code, model.KeyRole:
		return svgInk{fill: "#ffffff", bold: true}
	case model.Control:
		return svgInk{fill: "#56d4dd"}
	case model.FromClient:
		return svgInk{fill: "#56d4dd", bold: true}
	case model.Data:
		return svgInk{fill: "#e3b341"}
	case model.Other:
		return svgInk{fill: "#d2a8ff"}
	case model.Notice:
		return svgInk{fill: "#d2a8ff", bold: true}
	case model.Pass:
		return svgInk{fill: "#7ee787"}
	case model.FromServer:
		return svgInk{fill: "#7ee787", bold: true}
	case model.Drop:
		return svgInk{fill: "#ff7b72", bold: true}
	case model.Miss:
		return svgInk{fill: "#ffa198"}
	case model.Match:
		return svgInk{fill: "#ffffff", bold: true, underline: true}
	}
	return svgInk{fill: "#d0d7de"}
}

const (
	svgGround = "#0d1117"
	svgSelect = "#d0d7de"
)

// Picture returns a picture of the application's first screen with these options, for
// documents: what Run would show at this size.
func Picture(o Options, size model.Size) (string, error) {
	state, err := control.New(o.begin(control.Memory{}))
	if err != nil {
		return "", err
	}
	s := state.Screen(size)
	return SVG(&s), nil
}

// SVG returns a picture of a screen: the same screen gives the same text, byte for
// byte. Every run of text is pinned to its columns, so that any monospaced font fits.
func SVG(s *model.Screen) string {
	g := paint(s)
	var b strings.Builder
	w, h := float64(g.size.Width)*svgCellWidth, float64(g.size.Height)*svgCellHeight
	w, h = w+2*svgMargin, h+2*svgMargin
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="%.1f %.1f %.1f %.1f" width="%.0f" height="%.0f" role="img">`+"\n", -svgMargin, -svgMargin, w, h, w, h)
	fmt.Fprintf(&b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="6" fill="%s"/>`+"\n", -svgMargin, -svgMargin, w, h, svgGround)
	fmt.Fprintf(&b, `<g font-family="'DejaVu Sans Mono',Menlo,Consolas,monospace" font-size="%d">`+"\n", svgFontSize)
	for y := range g.size.Height {
		row := g.cells[y*g.size.Width : (y+1)*g.size.Width]
		for x := 0; x < len(row); {
			n := sameLook(row[x:])
			svgRun(&b, row[x:x+n], x, y)
			x += n
		}
	}
	b.WriteString("</g></svg>\n")
	return b.String()
}

// sameLook returns how many cells from the first on look alike.
func sameLook(row []cell) int {
	n := 1
	for n < len(row) && row[n].role == row[0].role && row[n].reverse == row[0].reverse {
		n++
	}
	return n
}

// svgRun draws cells that look alike.
func svgRun(b *strings.Builder, run []cell, x, y int) {
	ink, ground := svgInkOf(run[0].role), ""
	if run[0].reverse || run[0].role == model.KeyRole {
		ground = svgSelect
		ink.fill = svgGround
	}
	if ground != "" {
		fmt.Fprintf(b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`+"\n",
			float64(x)*svgCellWidth, float64(y)*svgCellHeight, float64(len(run))*svgCellWidth, svgCellHeight, ground)
	}
	first, last := 0, len(run)
	for first < last && run[first].text == blank {
		first++
	}
	for last > first && run[last-1].text == blank {
		last--
	}
	if first == last {
		return
	}
	var text strings.Builder
	for _, c := range run[first:last] {
		text.WriteString(c.text)
	}
	look := ""
	if ink.bold {
		look = ` font-weight="bold"`
	}
	if ink.underline {
		look += ` text-decoration="underline"`
	}
	// Browsers join spaces; a space that does not break stays as wide as it is.
	escaped := strings.ReplaceAll(html.EscapeString(text.String()), " ", "\u00a0")
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" fill="%s" textLength="%.1f" lengthAdjust="spacingAndGlyphs"%s>%s</text>`+"\n",
		float64(x+first)*svgCellWidth, float64(y)*svgCellHeight+svgBaseline, ink.fill, float64(last-first)*svgCellWidth, look, escaped)
}
