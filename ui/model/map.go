package model

import (
	"strconv"

	"ftplab/sim/event"
	"ftplab/sim/firewall"
	"ftplab/sim/trace"
	"ftplab/sim/wire"
)

// The rows of the map. Names and addresses stand above the boxes.
const (
	nameRow = iota
	addressRow
	boxRow
	firstLaneRow
)

// mapHeight returns how many rows the map needs.
func (r *Run) mapHeight() int {
	m := mapPainter{r: r}
	return m.bottom() + 1
}

// mapPainter draws the map for one cursor.
type mapPainter struct {
	*canvas
	r     *Run
	g     *Glyphs
	at    Cursor
	state *trace.State
	boxes []box // by place in the way
}

// box is where a node stands: the columns from left to right (included).
type box struct{ left, right int }

// drawMap returns the map at a cursor.
func (r *Run) drawMap(g *Glyphs, c Cursor, size Size) []Line {
	m := mapPainter{canvas: newCanvas(size), r: r, g: g, at: c, state: r.reader.StateAt(c.Event)}
	m.placeBoxes()
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
	if l == otherLane && len(m.r.plan.branches) > 0 {
		return m.branchRow(0)
	}
	return firstLaneRow + int(l)
}

// branchRow returns the row of a branch: below the box of the first node.
func (m *mapPainter) branchRow(i int) int { return firstLaneRow + int(otherLane) + 1 + i }

func (m *mapPainter) hasOther() bool { return len(m.r.sentOn[otherLane]) > 0 }

// bottom returns the last row of the boxes.
func (m *mapPainter) bottom() int {
	switch n := len(m.r.plan.branches); {
	case n > 0:
		return m.branchRow(n-1) + 1
	case m.hasOther():
		return firstLaneRow + int(laneCount)
	}
	return firstLaneRow + int(otherLane)
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

// drawBox draws a node with its name, its address and its ports.
func (m *mapPainter) drawBox(place int) {
	b, node := m.boxes[place], m.r.plan.way[place]
	info := &m.r.Trace.Nodes[node]
	second := address(info)
	if m.isFirewall(node) {
		second = rulesSummary(info)
	}
	m.caption(place, nameRow, info.Name, Strong)
	m.caption(place, addressRow, second, Plain)
	bottom := m.bottom()
	if place == 0 && len(m.r.plan.branches) > 0 {
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

// caption writes a line over a box, centred; those at the sides keep to their side.
func (m *mapPainter) caption(place, y int, s string, role Role) {
	b := m.boxes[place]
	room := b.right - b.left + 1
	if len(m.boxes) > 1 {
		room = 2 * (m.boxes[1].left - m.boxes[0].left) / 3
	}
	s = m.g.fit(m.g.clean(s), room)
	x := b.left + (b.right-b.left+1-Width(s))/2
	x = max(b.left, min(x, m.size.Width-Width(s)))
	if place > 0 && place < len(m.boxes)-1 {
		x = b.left + (b.right-b.left+1-Width(s))/2
	}
	if place == len(m.boxes)-1 && place > 0 {
		x = min(x, b.right+1-Width(s))
	}
	m.text(x, y, s, role, 0, m.size.Width)
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
	for i, b := range m.r.plan.branches {
		m.drawBranch(i, &b)
	}
}

// laneIsUp reports whether a lane has something to show: a connection that either end
// holds, or a packet.
func (m *mapPainter) laneIsUp(l lane) bool {
	if l == otherLane && len(m.r.plan.branches) > 0 && !m.probing() {
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
	if l == otherLane && len(m.r.plan.branches) > 0 {
		first = m.r.plan.branches[0].at
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
	info := &m.r.Trace.Nodes[b.node]
	x1, x2 := m.branchSpan(b)
	name := m.g.fit(m.g.clean(info.Name+" "+address(info)), (x2-x1)*3/4)
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

// route is where on the map a packet on a link moves.
type route struct {
	span
	row   int
	right bool // it moves to the right
}

// routeOf returns the route of a packet on a link; false if the link is not drawn.
func (m *mapPainter) routeOf(link trace.LinkID, serial uint32) (route, bool) {
	row := m.laneRow(m.r.laneOfSerial(serial))
	for i, l := range m.r.plan.links {
		if l == int(link/2) {
			return route{
				span{m.boxes[i].right + 1, m.boxes[i+1].left}, row,
				m.r.Trace.From(link) == m.r.plan.way[i],
			}, true
		}
	}
	for i := range m.r.plan.branches {
		if b := &m.r.plan.branches[i]; b.link == int(link/2) {
			x1, x2 := m.branchSpan(b)
			fromBranch := m.r.Trace.From(link) == b.node
			return route{span{x1, x2}, m.branchRow(i), fromBranch == (b.at > 0)}, true
		}
	}
	return route{}, false
}

// drawFlights draws the packets that are on their way.
func (m *mapPainter) drawFlights() {
	for i := range m.state.InFlight {
		f := &m.state.InFlight[i]
		p := m.r.Trace.Packet(f.Serial)
		m.drawPacket(&p, f.Link, portion(m.at.Time, f.Departs, f.Arrives))
	}
}

// portion returns how much of the way from departs to arrives is done at now, 0..1.
func portion(now, departs, arrives event.Time) float64 {
	if arrives <= departs || now >= arrives {
		return 1
	}
	return max(0, float64(now-departs)/float64(arrives-departs))
}

// drawPacket draws a packet on a link after a portion of its way.
func (m *mapPainter) drawPacket(p *wire.Packet, link trace.LinkID, done float64) {
	w, ok := m.routeOf(link, p.Serial)
	if !ok {
		return
	}
	room := w.to - w.from
	label := m.r.packetLabel(p, room < 18)
	label = m.g.fit(m.g.clean(label), max(room-1, 1))
	free := room - Width(label) - 1
	role := m.r.laneOfSerial(p.Serial).role()
	x := w.from + int(done*float64(free)+0.5)
	if !w.right {
		x = w.from + int((1-done)*float64(free)+0.5)
		m.text(x, w.row, m.g.Left+label, role, w.from, w.to)
		return
	}
	m.text(x, w.row, label+m.g.Right, role, w.from, w.to)
}

// drawEvent draws what the event at the cursor is about where it happens: a packet
// that has just arrived, or a firewall's verdict.
func (m *mapPainter) drawEvent() {
	if m.at.Event == 0 || m.at.Time != m.r.Trace.Time(m.at.Event) {
		return
	}
	e := m.r.Trace.Event(m.at.Event)
	switch b := e.Body.(type) {
	case trace.Arrived:
		m.drawPacket(&b.Packet, b.Link, 1)
	case trace.Judged:
		if dropped(b.Decision.Action) {
			return
		}
		if link, ok := m.r.arrivedOver(e.ID); ok {
			m.drawPacket(&b.Packet, link, 1)
		}
		m.drawVerdict(e.Node, &b)
	}
}

// arrivedOver returns the link over which the packet of a Judged event came.
func (r *Run) arrivedOver(id trace.ID) (trace.LinkID, bool) {
	cause := r.Trace.Cause(id)
	if cause == 0 || r.Trace.Kind(cause) != trace.KindArrived {
		return 0, false
	}
	return r.Trace.Event(cause).Body.(trace.Arrived).Link, true
}

// drawVerdict writes into a firewall's box that it let a packet through, and why.
func (m *mapPainter) drawVerdict(node trace.NodeID, b *trace.Judged) {
	place := m.r.plan.place(node)
	if place < 0 || b.Decision.Action != firewall.ActionForward {
		return
	}
	s := m.g.Tick
	switch name := m.r.ruleName(node, &b.Decision); {
	case name != "":
		s += " " + name
	case b.Decision.Reason == firewall.ReasonPolicy:
		s += " default"
	}
	at := m.boxes[place]
	s = m.g.fit(s, at.right-at.left-1)
	x := at.left + (at.right-at.left+1-Width(s))/2
	m.text(x, m.laneRow(m.r.laneOfSerial(b.Packet.Serial)), s, Pass, at.left+1, at.right)
}

// ruleName returns what to call the rule that decided, "" if none did.
func (r *Run) ruleName(node trace.NodeID, d *firewall.Decision) string {
	rules := r.Trace.Nodes[node].Rules
	if d.Rule < 0 || rules == nil || int(d.Rule) >= len(rules.Rules) {
		return ""
	}
	return "line " + strconv.Itoa(rules.Rules[d.Rule].Line)
}

// drawDrop draws the last drop until something else is sent on its lane: the packet
// stands at the firewall with a cross, and the rule below.
func (m *mapPainter) drawDrop() {
	n := until(m.r.drops, m.at.Event)
	if n == 0 {
		return
	}
	e := m.r.Trace.Event(m.r.drops[n-1])
	p, _ := m.r.Trace.PacketOf(e.ID)
	l := m.r.laneOfSerial(p.Serial)
	sent := m.r.sentOn[l]
	if i := until(sent, m.at.Event); i > 0 && sent[i-1] > e.ID {
		return
	}
	switch b := e.Body.(type) {
	case trace.Lost:
		m.drawLoss(&b)
	case trace.Judged:
		m.drawJudgedDrop(e, &b)
	}
}

// drawLoss shows a packet that a link lost, in the middle of the link.
func (m *mapPainter) drawLoss(b *trace.Lost) {
	w, ok := m.routeOf(b.Link, b.Packet.Serial)
	if !ok {
		return
	}
	s := m.g.fit(m.g.Cross+" "+m.r.packetLabel(&b.Packet, true), w.to-w.from)
	m.text(w.from+(w.to-w.from-Width(s))/2, w.row, s, Drop, w.from, w.to)
}

func (m *mapPainter) drawJudgedDrop(e trace.Event, b *trace.Judged) {
	link, came := m.r.arrivedOver(e.ID)
	if !came {
		return
	}
	w, ok := m.routeOf(link, b.Packet.Serial)
	if !ok {
		return
	}
	m.drawPacket(&b.Packet, link, 1)
	border := w.from - 1
	if w.right {
		border = w.to
	}
	m.put(border, w.row, m.g.Cross, Drop)
	why := b.Decision.Reason.String()
	rules := m.r.Trace.Nodes[e.Node].Rules
	switch d := &b.Decision; {
	case m.r.ruleName(e.Node, d) != "":
		why = rules.Rules[d.Rule].Text
		if full := m.r.ruleName(e.Node, d) + ": " + why; Width(full)+2 <= w.to-w.from {
			why = full
		}
	case d.Reason == firewall.ReasonPolicy && rules != nil && d.Chain >= 0:
		why = rules.Chains[d.Chain].PolicyText
	}
	m.dropText(w, m.g.Cross+" "+m.g.clean(why))
}

// dropText writes why a packet was dropped: below its lane, in the row of the boxes'
// lower edges.
func (m *mapPainter) dropText(w route, s string) {
	row := firstLaneRow + int(otherLane)
	if w.row >= row {
		row = w.row + 1
	}
	s = m.g.fit(s, w.to-w.from)
	x := w.from
	if w.right {
		x = w.to - Width(s)
	}
	for i := w.from; i < w.to; i++ {
		m.put(i, row, "", Plain)
	}
	m.text(x, row, s, Drop, w.from, w.to)
}
