package model

import (
	"strconv"

	"ftplab/sim/event"
	"ftplab/sim/firewall"
	"ftplab/sim/narrate"
	"ftplab/sim/trace"
	"ftplab/sim/wire"
)

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
	for i := range m.branches {
		if b := &m.branches[i]; b.link == int(link/2) {
			x1, x2 := m.branchSpan(b)
			if name := Width(m.branchName(b)) + 1; b.at == 0 { // packets move beside the name
				x2 -= name
			} else {
				x1 += name
			}
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
		m.drawVerdict(&e, &b)
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
func (m *mapPainter) drawVerdict(e *trace.Event, b *trace.Judged) {
	place := m.r.plan.place(e.Node)
	if place < 0 || b.Decision.Action != firewall.ActionForward {
		return
	}
	s := m.g.Tick
	switch name := m.r.ruleName(e.Node, e.ID, &b.Decision); {
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

// ruleName returns what to call the rule that decided in an event, "" if none did.
func (r *Run) ruleName(node trace.NodeID, id trace.ID, d *firewall.Decision) string {
	rules := r.Trace.RulesAt(node, id)
	if d.Rule < 0 || rules == nil || int(d.Rule) >= len(rules.Rules) {
		return ""
	}
	return "line " + strconv.Itoa(rules.Rules[d.Rule].Line)
}

// decider says what decided about a packet in an event, in full and in short: "line 3: deny ip" and
// "deny ip".
func (r *Run) decider(node trace.NodeID, id trace.ID, d *firewall.Decision) (full, short string) {
	rules := r.Trace.RulesAt(node, id)
	if name := r.ruleName(node, id, d); name != "" {
		text := rules.Rules[d.Rule].Text
		return name + ": " + text, text
	}
	if d.Reason == firewall.ReasonPolicy && rules != nil && d.Chain >= 0 && int(d.Chain) < len(rules.Chains) {
		text := rules.Chains[d.Chain].PolicyText
		return text, text
	}
	text := narrate.Decider(rules, d)
	return text, text
}

// drawDrop draws the last drop while that packet is the one in hand: it stands at the
// firewall with a cross, and the rule below. The rules mark what decided just as long.
func (m *mapPainter) drawDrop() {
	n := until(m.r.drops, m.at.Event)
	if n == 0 {
		return
	}
	e := m.r.Trace.Event(m.r.drops[n-1])
	switch b := e.Body.(type) {
	case trace.Lost:
		if m.r.inHand[m.at.Event] == e.ID {
			m.drawLoss(&b)
		}
	case trace.Judged:
		if m.r.verdictInHand(e.Node, m.at.Event) == e.ID {
			m.drawJudgedDrop(e, &b)
		}
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
	why, short := m.r.decider(e.Node, e.ID, &b.Decision)
	if Width(why)+2 > w.to-w.from {
		why = short
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
