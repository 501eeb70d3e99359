package model

// canvas is a grid of cells on which the map is drawn. What falls outside is lost.
type canvas struct {
	size  Size
	cells []Span // one sign each; "" is a space
}

func newCanvas(size Size) *canvas {
	return &canvas{size, make([]Span, max(size.Width, 0)*max(size.Height, 0))}
}

// put draws one sign.
func (c *canvas) put(x, y int, sign string, role Role) {
	if x >= 0 && x < c.size.Width && y >= 0 && y < c.size.Height {
		c.cells[y*c.size.Width+x] = Span{sign, role}
	}
}

// text draws s from x on, but only in the columns from left to right (not included).
// A sign of two columns leaves the cell after it empty.
func (c *canvas) text(x, y int, s string, role Role, left, right int) {
	for s != "" {
		var sign string
		var width int
		sign, s, width = FirstSign(s)
		if x >= left && x+width <= right {
			c.put(x, y, sign, role)
			if width > 1 {
				c.put(x+1, y, continued, role)
			}
		}
		x += width
	}
}

// continued marks the second cell of a sign that is two columns wide.
const continued = "\x00"

// horizontal draws a line of a sign from x1 to x2 (not included). With step 2 every
// other cell stays free, so that the line is a broken one.
func (c *canvas) horizontal(x1, x2, y int, sign string, role Role, step int) {
	for x := x1; x < x2; x += step {
		c.put(x, y, sign, role)
	}
}

// lines returns the rows as lines without trailing spaces.
func (c *canvas) lines() []Line {
	lines := make([]Line, 0, c.size.Height)
	for y := range c.size.Height {
		row := c.cells[y*c.size.Width : (y+1)*c.size.Width]
		end := len(row)
		for end > 0 && row[end-1].Text == "" {
			end--
		}
		lines = append(lines, runs(row[:end]))
	}
	return lines
}

// runs joins neighbouring cells of the same role.
func runs(row []Span) Line {
	var line Line
	var buf []byte
	role := Plain
	flush := func() {
		if len(buf) > 0 {
			line = append(line, Span{string(buf), role})
			buf = buf[:0]
		}
	}
	for _, cell := range row {
		if cell.Text == continued {
			continue
		}
		if cell.Role != role {
			flush()
			role = cell.Role
		}
		if cell.Text == "" {
			buf = append(buf, ' ')
		} else {
			buf = append(buf, cell.Text...)
		}
	}
	flush()
	return line
}
