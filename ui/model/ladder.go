package model

import (
	"slices"
	"time"

	"ftplab/sim/narrate"
	"ftplab/sim/trace"
	"ftplab/sim/wire"
)

// rung is a row of the ladder: one packet of a host's (or an answer of a firewall's
// own), with its way over the links.
type rung struct {
	sent   trace.ID
	wait   time.Duration // before it, if that is worth a row
	hops   []hop
	end    trace.ID // the event that dropped or lost it, 0 if none did
	folded int      // how many segments of the same kind were left out before it
}

// hop is one link that a packet crossed. arrived is 0 if it did not.
type hop struct {
	link          trace.LinkID
	sent, arrived trace.ID
}

// findRungs collects the ladder: the packets whose sending is a moment of its own, and
// the firewalls' own answers.
func (r *Run) findRungs() {
	rungOf := map[trace.ID]int{} // by the event in which the packet was sent first: place plus 1
	before, folded := trace.ID(0), 0
	for i := range r.Trace.Len() {
		id := trace.ID(i + 1)
		p, ok := r.Trace.PacketOf(id)
		if !ok {
			continue
		}
		if r.origin[p.Serial-1] == id {
			if r.beginsRung(id) {
				r.rungs = append(r.rungs, rung{sent: id, wait: r.waitBetween(before, id), folded: folded})
				rungOf[id] = len(r.rungs)
				before, folded = id, 0
			} else if len(p.Payload) > 0 {
				folded++
			}
		}
		if n := rungOf[r.origin[p.Serial-1]]; n > 0 {
			r.rungs[n-1].add(r.Trace.Event(id))
		}
	}
}

func (r *Run) beginsRung(id trace.ID) bool {
	_, isMoment := slices.BinarySearch(r.moments, id)
	return isMoment || r.Trace.Nodes[r.Trace.Event(id).Node].Kind == trace.Firewall
}

// add notes what became of the packet.
func (g *rung) add(e trace.Event) {
	switch b := e.Body.(type) {
	case trace.Sent:
		g.hops = append(g.hops, hop{link: b.Link, sent: e.ID})
	case trace.Arrived:
		for i := range g.hops {
			if g.hops[i].link == b.Link {
				g.hops[i].arrived = e.ID
			}
		}
	case trace.Lost:
		g.end = e.ID
	case trace.Judged:
		if dropped(b.Decision.Action) {
			g.end = e.ID
		}
	}
}

// ladder returns the ladder diagram up to an event: a column for each node of the way,
// a row for each packet.
func (r *Run) ladder(g *Glyphs, at trace.ID, width int) []Line {
	p := ladderPainter{r: r, g: g, at: at, width: width}
	n := len(r.plan.way)
	if n < 2 {
		return nil
	}
	const margin = 3
	for i := range n {
		p.columns = append(p.columns, margin+(width-2*margin-1)*i/(n-1))
	}
	lines := []Line{p.header()}
	for i := range r.rungs {
		step := &r.rungs[i]
		if step.sent > at {
			break
		}
		if step.folded > 0 {
			lines = append(lines, p.note(g.Later+" "+plural(step.folded, "more segment")))
		}
		if step.wait > 0 {
			lines = append(lines, p.note(g.Later+" "+lasting(step.wait)))
		}
		lines = append(lines, p.rung(step))
	}
	return lines
}

type ladderPainter struct {
	r       *Run
	g       *Glyphs
	at      trace.ID
	width   int
	columns []int
}

// header names the columns.
func (p *ladderPainter) header() Line {
	c := newCanvas(Size{p.width, 1})
	room := p.columns[1] - p.columns[0] - 1
	for i, node := range p.r.plan.way {
		name := p.g.fit(p.g.clean(p.r.nodeName(node)), room)
		x := max(0, min(p.columns[i]-Width(name)/2, p.width-Width(name)))
		c.text(x, 0, name, Strong, 0, p.width)
	}
	return c.lines()[0]
}

// rails draws the columns.
func (p *ladderPainter) rails() *canvas {
	c := newCanvas(Size{p.width, 1})
	for _, x := range p.columns {
		c.put(x, 0, p.g.Vertical, FrameRole)
	}
	return c
}

// note is a row that says something between two packets.
func (p *ladderPainter) note(s string) Line {
	c := p.rails()
	c.text(p.columns[0]+2, 0, s, Faint, p.columns[0]+1, p.columns[len(p.columns)-1])
	return c.lines()[0]
}

// rung draws a packet as far as it has come.
func (p *ladderPainter) rung(step *rung) Line {
	c := p.rails()
	packet, _ := p.r.Trace.PacketOf(step.sent)
	l := p.r.laneOfSerial(packet.Serial)
	label := " " + p.g.clean(p.r.kindOfPacket(&packet)) + " "
	if packet.Flags&wire.SYN != 0 {
		label = " " + narrate.Flags(packet.Flags) + " "
	}
	for _, h := range step.hops {
		if h.sent > p.at {
			break
		}
		if p.hop(c, &h, l, label) {
			label = ""
		}
	}
	if step.end != 0 && step.end <= p.at {
		p.ending(c, step)
	}
	return c.lines()[0]
}

// hop draws an arrow along one link; it returns false if the link is not on the way.
func (p *ladderPainter) hop(c *canvas, h *hop, l lane, label string) bool {
	from, to, ok := p.span(h.link)
	if !ok {
		return false
	}
	left, right := min(from, to)+1, max(from, to)
	sign, step := p.g.DataLine, 2
	if l == controlLane {
		sign, step = p.g.ControlLine, 1
	}
	c.horizontal(left, right, 0, sign, l.role(), step)
	if h.arrived != 0 && h.arrived <= p.at {
		if to > from {
			c.put(right-1, 0, p.g.Right, l.role())
		} else {
			c.put(left, 0, p.g.Left, l.role())
		}
	}
	room := right - left - 3
	label = p.g.fit(label, max(room, 0))
	c.text(left+(right-left-Width(label))/2, 0, label, l.role(), left, right)
	return true
}

// span returns the columns that a link direction goes from and to.
func (p *ladderPainter) span(link trace.LinkID) (from, to int, ok bool) {
	a, b := p.r.plan.place(p.r.Trace.From(link)), p.r.plan.place(p.r.Trace.To(link))
	if a < 0 || b < 0 {
		return 0, 0, false
	}
	return p.columns[a], p.columns[b], true
}

// ending marks where a packet was dropped or lost, and which rule did it.
func (p *ladderPainter) ending(c *canvas, step *rung) {
	e := p.r.Trace.Event(step.end)
	last := step.hops[len(step.hops)-1]
	from, to, ok := p.span(last.link)
	b, judged := e.Body.(trace.Judged)
	switch {
	case judged && !ok: // it came over a link that is not on the way
		if place := p.r.plan.place(e.Node); place >= 0 {
			c.put(p.columns[place], 0, p.g.Cross, Drop)
			p.whose(c, p.columns[place], last.link, &b.Packet)
		}
	case judged:
		c.put(to, 0, p.g.Cross, Drop)
		p.rule(c, from, to, &e, &b)
	case ok:
		c.put((from+to)/2, 0, p.g.Cross, Drop)
	}
}

// whose names a dropped packet of a host that has no column, and the host.
func (p *ladderPainter) whose(c *canvas, column int, link trace.LinkID, packet *wire.Packet) {
	s := p.g.clean(p.r.nodeName(p.r.Trace.From(link)) + " " + p.r.kindOfPacket(packet))
	left := 0
	for _, x := range p.columns {
		if x < column {
			left = x + 1
		}
	}
	if room := column - 2 - left; room > 0 {
		s = p.g.fit(s, room)
		c.text(column-1-Width(s), 0, s, Drop, left, column)
	}
}

// rule writes what dropped a packet into the column behind the firewall.
func (p *ladderPainter) rule(c *canvas, from, to int, e *trace.Event, b *trace.Judged) {
	node := e.Node
	why, short := p.r.decider(node, e.ID, &b.Decision)
	place := p.r.plan.place(node)
	left, right := 0, p.width
	if to < from && place > 0 {
		left, right = p.columns[place-1]+2, to-1
	} else if to > from && place+1 < len(p.columns) {
		left, right = to+2, p.columns[place+1]-1
	}
	if Width(why) > right-left {
		why = short
	}
	why = p.g.fit(p.g.clean(why), max(right-left, 0))
	x := left
	if to < from {
		x = right - Width(why)
	}
	c.text(x, 0, why, Drop, left, right)
}
