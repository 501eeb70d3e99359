package view

import (
	"ftplab/ui/model"
)

// cell is one cell of the screen. A sign that is two columns wide leaves the cell
// after it with an empty text.
type cell struct {
	text    string
	role    model.Role
	reverse bool
}

// grid is a screen as cells: a model's panes with the lines around them, before
// anybody has chosen colours.
type grid struct {
	size  model.Size
	cells []cell
}

// blank is a cell with nothing in it.
const blank = " "

// paint draws a screen into cells.
func paint(s *model.Screen) *grid {
	g := &grid{size: s.Size, cells: make([]cell, max(s.Size.Width, 0)*max(s.Size.Height, 0))}
	for i := range g.cells {
		g.cells[i].text = blank
	}
	for i := range s.Panes {
		g.pane(&s.Panes[i], s.Glyphs)
	}
	for i := range s.Panes {
		if s.Panes[i].Bar {
			g.joinBar(s, &s.Panes[i])
		}
	}
	return g
}

func (g *grid) at(x, y int) *cell {
	if x < 0 || x >= g.size.Width || y < 0 || y >= g.size.Height {
		return nil
	}
	return &g.cells[y*g.size.Width+x]
}

func (g *grid) put(x, y int, text string, role model.Role, reverse bool) {
	if c := g.at(x, y); c != nil {
		*c = cell{text, role, reverse}
	}
}

// pane draws a pane's rule with its title, its bar and its lines.
func (g *grid) pane(p *model.Pane, glyphs *model.Glyphs) {
	r := p.Rect
	y := r.Y
	if p.Ruled {
		g.rule(p, glyphs)
		y++
	}
	right := r.X + r.Width
	if p.Bar {
		right--
		for row := y; row < r.Y+r.Height; row++ {
			g.put(right, row, glyphs.Vertical, model.FrameRole, false)
		}
	}
	for i, line := range p.Lines {
		if y+i >= r.Y+r.Height {
			break
		}
		selected := i == p.Selected
		if selected {
			for x := r.X; x < right; x++ {
				g.put(x, y+i, blank, model.Plain, true)
			}
		}
		g.line(line, r.X, y+i, right, selected)
		if selected {
			g.put(r.X, y+i, glyphs.Matched, model.Plain, true)
		}
	}
}

// rule draws the first row of a pane: a line with the title in it, and signs that
// there is more above or below. The title of the focused pane stands in brackets.
func (g *grid) rule(p *model.Pane, glyphs *model.Glyphs) {
	r := p.Rect
	right := r.X + r.Width
	for x := r.X; x < right; x++ {
		g.put(x, r.Y, glyphs.Horizontal, model.FrameRole, false)
	}
	end := right - 1
	if p.Below {
		g.put(end-1, r.Y, glyphs.Down, model.Strong, false)
		end--
	}
	if p.First > 0 {
		g.put(end-1, r.Y, glyphs.Up, model.Strong, false)
		end--
	}
	if len(p.Title) == 0 {
		return
	}
	title := append(append(model.Line{{Text: blank}}, p.Title...), model.Span{Text: blank})
	if p.Focused {
		title[0].Text, title[len(title)-1].Text = "[", "]"
	}
	x := r.X
	g.line(glyphs.Fit(title, end-x-1), x, r.Y, end, p.Focused)
}

// line draws spans from a column on, up to another one (not included).
func (g *grid) line(line model.Line, x, y, right int, reverse bool) {
	for _, s := range line {
		for rest := s.Text; rest != "" && x < right; {
			var sign string
			var width int
			sign, rest, width = model.FirstSign(rest)
			if width == 0 || x+width > right {
				continue
			}
			g.put(x, y, sign, s.Role, reverse)
			if width > 1 {
				g.put(x+1, y, "", s.Role, reverse)
			}
			x += width
		}
	}
}

// joinBar makes the ends of a bar, and the rules of panes that begin beside it, one
// line.
func (g *grid) joinBar(s *model.Screen, p *model.Pane) {
	x := p.Rect.X + p.Rect.Width - 1
	top, below := p.Rect.Y, p.Rect.Y+p.Rect.Height
	g.put(x, top, s.Glyphs.TeeDown, model.FrameRole, false)
	if c := g.at(x, below); c != nil && c.text == s.Glyphs.Horizontal {
		g.put(x, below, s.Glyphs.TeeUp, model.FrameRole, false)
	}
	for i := range s.Panes {
		if r := s.Panes[i].Rect; s.Panes[i].Ruled && r.X == x+1 && r.Y > top && r.Y < below {
			g.put(x, r.Y, s.Glyphs.TeeRight, model.FrameRole, false)
		}
	}
}
