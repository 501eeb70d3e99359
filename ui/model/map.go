package model

import (
	"strconv"

	"ftplab/sim/trace"
)

// The rows of the map. Names and addresses stand above the boxes.
const (
	nameRow = iota
	addressRow
	boxRow
	firstLaneRow
)

// mapHeight returns how many rows the map needs, with the nodes that take no part in
// the run or without.
func (r *Run) mapHeight(idle bool) int {
	m := mapPainter{r: r, branches: r.branches(idle)}
	return m.bottom() + 1
}

// branches returns the nodes beside the way, with those that neither send nor receive
// anything in the run or without.
func (r *Run) branches(idle bool) []branch {
	if idle {
		return r.plan.branches
	}
	var busy []branch
	for _, b := range r.plan.branches {
		if r.busy[b.node] {
			busy = append(busy, b)
		}
	}
	return busy
}

// mapPainter draws the map for one cursor.
type mapPainter struct {
	*canvas
	r     *Run
	g     *Glyphs
	at    Cursor
	state *trace.State
	boxes []box // by place in the way
	// branches are those that are drawn: all, if there is room.
	branches []branch
}

// box is where a node stands: the columns from left to right (included).
type box struct{ left, right int }

// drawMap returns the map at a cursor.
func (r *Run) drawMap(g *Glyphs, c Cursor, size Size) []Line {
	m := mapPainter{canvas: newCanvas(size), r: r, g: g, at: c, state: r.reader.StateAt(c.Event), branches: r.branches(true)}
	if size.Height <= m.bottom() {
		m.branches = r.branches(false)
	}
	m.placeBoxes()
	m.captions(nameRow, Strong, func(n *trace.Node) []string { return []string{n.Name} })
	m.captions(addressRow, Plain, func(n *trace.Node) []string {
		if n.Kind == trace.Firewall {
			return rulesSummaries(n)
		}
		return []string{address(n)}
	})
	for i := range m.boxes {
		m.drawBox(i)
	}
	m.drawLanes()
	m.drawInterfaces()
	m.drawFlights()
	m.drawEvent()
	m.drawDrop()
	return m.lines()
}

// laneRow returns the row of a lane.
func (m *mapPainter) laneRow(l lane) int {
	if l == otherLane && len(m.branches) > 0 {
		return m.branchRow(0)
	}
	return firstLaneRow + int(l)
}

// branchRow returns the row of a branch: below the box of the first node.
func (m *mapPainter) branchRow(i int) int { return firstLaneRow + int(otherLane) + 1 + i }

func (m *mapPainter) hasOther() bool { return len(m.r.sentOn[otherLane]) > 0 }

// bottom returns the last row of the boxes.
func (m *mapPainter) bottom() int {
	switch n := len(m.branches); {
	case n > 0:
		return m.branchRow(n-1) + 1
	case m.hasOther():
		return firstLaneRow + int(laneCount)
	}
	return firstLaneRow + int(otherLane)
}

// nodeAt returns a node with the rules that it has at the cursor.
func (m *mapPainter) nodeAt(n trace.NodeID) *trace.Node {
	node := m.r.Trace.NodeAt(n, m.at.Event)
	return &node
}

func (m *mapPainter) isFirewall(n trace.NodeID) bool {
	return m.r.Trace.Nodes[n].Kind == trace.Firewall
}

// placeBoxes spreads the nodes of the way over the width.
func (m *mapPainter) placeBoxes() {
	const margin, narrowest = 1, 6
	n := len(m.r.plan.way)
	if n == 0 {
		return
	}
	width := max(narrowest, min(m.size.Width/6+1, 23))
	for n*width+(n-1)*width > m.size.Width && width > narrowest {
		width--
	}
	m.boxes = make([]box, n)
	room := m.size.Width - 2*margin - width
	for i := range m.boxes {
		left := margin
		if n > 1 {
			left += room * i / (n - 1)
		}
		m.boxes[i] = box{left, left + width - 1}
	}
}

// drawBox draws a node with its ports.
func (m *mapPainter) drawBox(place int) {
	b, node := m.boxes[place], m.r.plan.way[place]
	bottom := m.bottom()
	if place == 0 && len(m.branches) > 0 {
		bottom = firstLaneRow + int(otherLane)
	}
	m.frame(b, boxRow, bottom)
	if m.isFirewall(node) {
		return
	}
	for l := controlLane; l < laneCount; l++ {
		if y := m.laneRow(l); y < bottom {
			m.portLabel(place, node, l, y)
		}
	}
}

// captions writes a line over each box, centred; those at the sides keep to their side.
// What the ends are called comes first: the others take what is left between them.
func (m *mapPainter) captions(y int, role Role, of func(*trace.Node) []string) {
	last := len(m.boxes) - 1
	place := func(i, from, to int) (int, int) {
		b := m.boxes[i]
		s := m.g.firstFitting(of(m.nodeAt(m.r.plan.way[i])), max(to-from, 0))
		x := b.left + (b.right-b.left+1-Width(s))/2
		x = max(from, min(x, to-Width(s)))
		m.text(x, y, s, role, from, to)
		return x, x + Width(s)
	}
	if last < 0 {
		return
	}
	if last == 0 {
		place(0, m.boxes[0].left, m.size.Width)
		return
	}
	_, from := place(0, m.boxes[0].left, m.boxes[1].left)
	to, _ := place(last, from+1, min(m.boxes[last].right+1, m.size.Width))
	for i := 1; i < last; i++ {
		end := to - 1
		if i+1 < last { // half of the way to the next
			end = (m.boxes[i].right + m.boxes[i+1].left) / 2
		}
		_, from = place(i, from+1, end)
	}
}

func (m *mapPainter) frame(b box, top, bottom int) {
	g := m.g
	for x := b.left + 1; x < b.right; x++ {
		m.put(x, top, g.Horizontal, FrameRole)
		m.put(x, bottom, g.Horizontal, FrameRole)
	}
	for y := top + 1; y < bottom; y++ {
		m.put(b.left, y, g.Vertical, FrameRole)
		m.put(b.right, y, g.Vertical, FrameRole)
	}
	m.put(b.left, top, g.TopLeft, FrameRole)
	m.put(b.right, top, g.TopRight, FrameRole)
	m.put(b.left, bottom, g.BottomLeft, FrameRole)
	m.put(b.right, bottom, g.BottomRight, FrameRole)
}

// portLabel writes which port a host uses on a lane: "ctl 1026", "2024".
func (m *mapPainter) portLabel(place int, node trace.NodeID, l lane, y int) {
	b := m.boxes[place]
	known, ok := m.r.label(node, l, m.at.Event)
	s := ""
	if place == 0 {
		s = [...]string{"ctl", "dat", ""}[l]
	}
	role := l.role()
	if ok {
		s = spaceBetween(s, strconv.Itoa(int(known.port)))
		switch {
		case known.gone:
			role = Faint
		case known.listening && b.right-b.left > 16:
			s += " listens"
		case known.listening:
			s += m.g.Listening
		}
	} else {
		role = Faint
	}
	m.text(b.left+1, y, s, role, b.left+1, b.right)
}

func spaceBetween(a, b string) string {
	if a == "" {
		return b
	}
	return a + " " + b
}

// drawLanes draws the connections that are there at the cursor.
func (m *mapPainter) drawLanes() {
	for l := controlLane; l < laneCount; l++ {
		if m.laneIsUp(l) && len(m.boxes) > 1 {
			m.drawLane(l)
		}
	}
	for i, b := range m.branches {
		m.drawBranch(i, &b)
	}
}

// laneIsUp reports whether a lane has something to show: a connection that either end
// holds, or a packet.
func (m *mapPainter) laneIsUp(l lane) bool {
	if l == otherLane && len(m.branches) > 0 && !m.probing() {
		return false
	}
	for _, node := range m.r.plan.way {
		if known, ok := m.r.label(node, l, m.at.Event); ok && !known.gone && !known.listening {
			return true
		}
	}
	for i := range m.state.InFlight {
		if m.r.laneOfSerial(m.state.InFlight[i].Serial) == l {
			return true
		}
	}
	return false
}

// probing reports whether a branch's connection is the last that was used.
func (m *mapPainter) probing() bool { return until(m.r.sentOn[otherLane], m.at.Event) > 0 }

func (m *mapPainter) drawLane(l lane) {
	y := m.laneRow(l)
	sign, step := m.g.DataLine, 2
	left, right := m.g.TeeRight, m.g.TeeLeft
	if l == controlLane {
		sign, step = m.g.ControlLine, 1
		left, right = m.g.ControlLeft, m.g.ControlRight
	}
	first := 0
	if l == otherLane && len(m.branches) > 0 {
		first = m.branches[0].at
	}
	for i := first; i+1 < len(m.boxes); i++ {
		x1, x2 := m.boxes[i].right, m.boxes[i+1].left
		m.put(x1, y, left, l.role())
		m.put(x2, y, right, l.role())
		start := x1 + 1
		if step == 2 {
			start++
		}
		m.horizontal(start, x2, y, sign, l.role(), step)
	}
}

// drawBranch draws a node beside the way, in one row, with its line.
func (m *mapPainter) drawBranch(i int, b *branch) {
	y := m.branchRow(i)
	x1, x2 := m.branchSpan(b)
	name := m.branchName(b)
	x := x1
	if b.at == 0 {
		x = x2 - Width(name)
	}
	role := FrameRole
	if m.probing() {
		role = Other
	}
	m.horizontal(x1, x2, y, m.g.Horizontal, role, 1)
	m.text(x, y, name, Strong, x1, x2)
	if b.at == 0 {
		m.put(x1-1, y, m.g.TeeRight, role)
		m.put(x-1, y, "", Plain)
	} else {
		m.put(x2, y, m.g.TeeLeft, role)
		m.put(x+Width(name), y, "", Plain)
	}
}

func (m *mapPainter) branchName(b *branch) string {
	info := &m.r.Trace.Nodes[b.node]
	x1, x2 := m.branchSpan(b)
	const packet = 8 // what has to stay for a packet
	room := max((x2-x1)*2/3, x2-x1-packet)
	if Width(info.Name) > room {
		room = x2 - x1 - 3
	}
	return m.g.firstFitting([]string{info.Name + " " + address(info), info.Name}, room)
}

// branchSpan returns the columns of a branch (the last not included): left of the
// node that it is linked to, or right of the first one.
func (m *mapPainter) branchSpan(b *branch) (int, int) {
	if b.at == 0 {
		return m.boxes[0].right + 1, m.size.Width
	}
	return 1, m.boxes[b.at].left
}

// drawInterfaces names the firewalls' interfaces at the ends of their links.
func (m *mapPainter) drawInterfaces() {
	for i, link := range m.r.plan.links {
		l := &m.r.Trace.Links[link]
		gap := span{m.boxes[i].right + 1, m.boxes[i+1].left}
		left, right := m.interfaceName(l, m.r.plan.way[i]), m.interfaceName(l, m.r.plan.way[i+1])
		if left != "" && Width(left)+2 <= gap.to-gap.from {
			m.text(gap.from+1, boxRow, left, Faint, gap.from, gap.to)
		}
		if right != "" && Width(left)+Width(right)+3 <= gap.to-gap.from {
			m.text(gap.to-1-Width(right), boxRow, right, Faint, gap.from, gap.to)
		}
	}
}

// interfaceName returns the interface of a firewall on a link, "" for a host.
func (m *mapPainter) interfaceName(l *trace.Link, node trace.NodeID) string {
	place := l.AInterface
	if l.B == node {
		place = l.BInterface
	}
	info := &m.r.Trace.Nodes[node]
	if info.Kind != trace.Firewall || place < 0 || int(place) >= len(info.Interfaces) {
		return ""
	}
	return m.g.clean(shortInterface(info.Interfaces[place].Name))
}

// span is columns, to not included.
type span struct{ from, to int }
