package model

import (
	"bytes"

	"ftplab/sim/trace"
	"ftplab/sim/wire"
)

// Alignment is how far two runs are the same, seen from outside the firewalls: the same
// packets at the same instants, the same verdicts. Which rule decided, and what a
// firewall remembers, is not compared.
type Alignment struct {
	from, to *Run
	// parted are the first events in which they differ; one past the end of a run that
	// has no more.
	partedFrom, partedTo trace.ID
}

// Align compares two runs up to the first difference.
func Align(from, to *Run) Alignment {
	a, b := visible{from, 0}, visible{to, 0}
	for {
		a.next()
		b.next()
		if a.end() || b.end() || !a.same(&b) {
			break
		}
	}
	return Alignment{from, to, a.id, b.id}
}

// Same reports whether the runs do not differ.
func (a *Alignment) Same() bool {
	return int(a.partedFrom) > a.from.Trace.Len() && int(a.partedTo) > a.to.Trace.Len()
}

// Parting returns the first events in which the runs differ, 0 for a run that has no
// more events there.
func (a *Alignment) Parting() (from, to trace.ID) {
	from, to = a.partedFrom, a.partedTo
	if int(from) > a.from.Trace.Len() {
		from = 0
	}
	if int(to) > a.to.Trace.Len() {
		to = 0
	}
	return from, to
}

// Carry returns the cursor of the second run for one of the first: the same place, if
// the runs are the same up to there, else where they part.
func (a *Alignment) Carry(c Cursor) Cursor {
	if c.Event >= a.partedFrom {
		return a.to.At(min(a.partedTo, trace.ID(a.to.Trace.Len())))
	}
	from, to := visible{a.from, 0}, visible{a.to, 0}
	for from.next(); from.id <= c.Event; from.next() {
		to.next()
	}
	if to.id == 0 {
		return Cursor{Time: c.Time}
	}
	return Cursor{to.id, max(c.Time, a.to.Trace.Time(to.id))}
}

// visible walks over the events of a run that are seen from outside the firewalls.
type visible struct {
	r  *Run
	id trace.ID
}

func (v *visible) end() bool { return int(v.id) > v.r.Trace.Len() }

func (v *visible) next() {
	for v.id++; !v.end() && v.r.Trace.Kind(v.id) == trace.KindTracked; v.id++ {
	}
}

// same reports whether two events look the same.
func (v *visible) same(o *visible) bool {
	a, b := v.r.Trace.Event(v.id), o.r.Trace.Event(o.id)
	if a.Kind != b.Kind || a.Time != b.Time || v.r.nodeName(a.Node) != o.r.nodeName(b.Node) {
		return false
	}
	switch x := a.Body.(type) {
	case trace.Judged:
		y := b.Body.(trace.Judged)
		return x.Decision.Action == y.Decision.Action && samePacket(&x.Packet, &y.Packet)
	case trace.Sent:
		y := b.Body.(trace.Sent)
		return x.Link == y.Link && x.Arrives == y.Arrives && samePacket(&x.Packet, &y.Packet)
	case trace.Arrived:
		y := b.Body.(trace.Arrived)
		return x.Link == y.Link && samePacket(&x.Packet, &y.Packet)
	case trace.Lost:
		y := b.Body.(trace.Lost)
		return x.Link == y.Link && samePacket(&x.Packet, &y.Packet)
	case trace.Ended:
		y := b.Body.(trace.Ended)
		return x.Session == y.Session && x.Result.Outcome == y.Result.Outcome && x.Result.ServerReply == y.Result.ServerReply
	default:
		return a.Body == b.Body
	}
}

func samePacket(a, b *wire.Packet) bool {
	return a.Src == b.Src && a.Dst == b.Dst && a.SrcPort == b.SrcPort && a.DstPort == b.DstPort &&
		a.Protocol == b.Protocol && a.Flags == b.Flags && a.Seq == b.Seq && a.Ack == b.Ack &&
		a.ICMPType == b.ICMPType && a.ICMPCode == b.ICMPCode && bytes.Equal(a.Payload, b.Payload)
}
