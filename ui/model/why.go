package model

import (
	"fmt"

	"ftplab/sim/report"
)

// WhyInput is all that the page with the chain of causes is a function of.
type WhyInput struct {
	Size    Size
	Glyphs  *Glyphs
	Heading Heading
	Why     report.Explanation
	// Selected is the place of the selected cause.
	Selected int
}

// Why returns the page with the chain of causes.
func Why(in *WhyInput) Screen {
	if !in.Size.fits() {
		return tooSmall(in.Glyphs, in.Size, &in.Heading)
	}
	g, w, h := in.Glyphs, in.Size.Width, in.Size.Height
	s := Screen{Size: in.Size, Glyphs: g}
	s.add(TopPane, Rect{0, 0, w, 1}, []Line{in.Heading.line(g, nil, w)})
	s.Panes = append(s.Panes, Pane{Kind: WhyPane, Rect: Rect{0, 1, w, h - 2}, Title: text(in.Why.Question, TitleRole), Ruled: true, Selected: -1})
	p := &s.Panes[len(s.Panes)-1]
	lines, first, last := in.lines()
	p.showAround(lines, first, last, 0)
	p.Selected = first - p.First
	if len(in.Why.Causes) == 0 {
		p.Selected = -1
	}
	s.add(KeyPane, Rect{0, h - 1, w, 1}, []Line{g.keyBar(WhyPage, w)})
	return s
}

// lines returns the causes and the advice, and the lines of the selected cause.
func (in *WhyInput) lines() (lines []Line, first, last int) {
	g, width := in.Glyphs, in.Size.Width
	who := 0
	for i := range in.Why.Causes {
		who = max(who, Width(g.clean(in.Why.Causes[i].Who)))
	}
	who = min(who, width/3)
	lines = append(lines, nil)
	for i := range in.Why.Causes {
		c := &in.Why.Causes[i]
		mark, role := "  ", Plain
		if c.Drop {
			mark, role = g.Cross+" ", Drop
		}
		if i == in.Selected {
			first = len(lines)
		}
		name := g.fit(g.clean(c.Who), who)
		start := Line{{" " + mark, role}, {name + spaces(who-Width(name)+2), Strong}}
		end := text(fmt.Sprintf("  #%-4d %8.3f s ", c.Event, c.At.Seconds()), Faint)
		hang := start.Width()
		pieces := wrap(append(start, g.marked(c.What, role)...), width-end.Width()-1, hang)
		for n, piece := range pieces {
			if n == 0 {
				piece = g.between(piece, end, width)
			}
			lines = append(lines, piece)
		}
		if i == in.Selected {
			last = len(lines)
		}
	}
	return append(lines, in.advice()...), first, last
}

func (in *WhyInput) advice() []Line {
	if len(in.Why.Advice) == 0 {
		return nil
	}
	lines := []Line{nil, text(" To make it work:", TitleRole)}
	for _, a := range in.Why.Advice {
		line := append(Line{{"   " + in.Glyphs.Bullet + " ", Plain}}, in.Glyphs.marked(a, Plain)...)
		lines = append(lines, wrap(line, in.Size.Width-1, 5)...)
	}
	return lines
}
