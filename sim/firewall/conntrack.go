package firewall

import (
	"time"

	"ftplab/sim/event"
	"ftplab/sim/wire"
)

// noSlot is the place of a connection where there is none.
const noSlot = -1

// protocolTCP is TCP as tuples write it.
const protocolTCP = uint16(wire.TCP)

// tracking is what a protocol's tracker says about a packet.
type tracking uint8

const (
	trackValid   tracking = iota
	trackInvalid          // it belongs to no connection; the subject says why
	trackAgain            // its connection was ended: look again
)

// track finds the packet's connection or begins one (nf_conntrack_in). It reports
// whether the packet goes on.
func (d *Device) track(w *way) bool {
	s := w.subject
	if s.state == StateUntracked || s.slot != noSlot {
		return true // NOTRACK, or an answer that came with its connection
	}
	if s.fragment == 2 {
		s.markInvalid(invalidFragment)
		return true
	}
	if s.protocol == wire.ICMP && s.family == 4 || s.protocol == wire.ICMPv6 && s.family == 6 {
		if d.trackError(w) {
			return true
		}
	}
	for {
		if !d.resolve(w) {
			return d.drop(w, w.hook, ReasonTable)
		}
		if s.slot == noSlot {
			s.markInvalid(invalidUntrackable)
			return true
		}
		switch d.handle(w) {
		case trackValid:
			e := &d.table.entries[s.slot]
			if s.reply && !e.has(StatusSeenReply) {
				e.status |= StatusSeenReply
				w.entryChanged = true
			}
			return true
		case trackInvalid:
			s.slot, s.reply = noSlot, false
			s.state = StateInvalid
			return true
		}
		s.slot, s.reply = noSlot, false
	}
}

// resolve looks the packet's connection up and sets its state; if there is none, it
// makes one in the fresh slot. It fails if the table is full.
func (d *Device) resolve(w *way) bool {
	s := w.subject
	key := tupleOf(s, w.packet)
	slot, dir, ok := d.table.find(key)
	if !ok {
		if !d.beginEntry(w, key) {
			return false
		}
		if s.slot == noSlot {
			return true
		}
		slot, dir = fresh, original
	}
	e := &d.table.entries[slot]
	s.slot, s.reply = slot, dir == reply
	switch {
	case s.reply || e.has(StatusSeenReply):
		s.state = StateEstablished
	case e.has(StatusExpected):
		s.state = StateRelated
	default:
		s.state = StateNew
	}
	w.decision.Expectation = e.expectation
	return true
}

// beginEntry makes the connection of a first packet in the fresh slot. A packet that
// cannot begin one is left without. It fails if the table is full.
func (d *Device) beginEntry(w *way, key tuple) bool {
	inverse, ok := key.inverse()
	if !ok {
		return true
	}
	if d.table.count() >= d.settings.maxEntries && !d.evict() {
		return false
	}
	e := &d.table.entries[fresh]
	*e = entry{tuples: [2]tuple{key, inverse}, bySource: noSlot, expecting: noSlot}
	w.subject.slot = fresh
	if expected := d.takeExpectation(key); expected != nil {
		master := &d.table.entries[expected.master]
		e.status |= StatusExpected
		e.master, e.expectation = master.id, expected.id
		e.masterHelper = master.helper
		e.mark = master.mark
		if master.session != nil {
			e.session = &session{kind: master.session.kind, bound: master.session.bound}
		}
		if expected.follow {
			d.followMaster(e, master, expected)
		}
	} else if w.templateHelper != "" {
		e.helper = w.templateHelper
	}
	return true
}

// evict ends one connection that is not assured, to make room (early_drop). Like the
// kernel it looks at a few places only.
func (d *Device) evict() bool {
	const places = 64
	t := &d.table
	for range min(places, len(t.entries)-1) {
		t.sweep = t.sweep%int32(len(t.entries)-1) + 1
		e := &t.entries[t.sweep]
		if e.has(StatusConfirmed) && !e.has(statusDying) && !e.has(StatusAssured) {
			d.endEntry(t.sweep)
			return true
		}
	}
	return false
}

// handle takes the packet to the tracker of its protocol.
func (d *Device) handle(w *way) tracking {
	e := &d.table.entries[w.subject.slot]
	switch p := e.protocol(); {
	case p == wire.TCP:
		return d.trackTCP(w)
	case w.packet.BadChecksum && d.settings.checksum && w.hook == Prerouting && p == wire.UDP:
		return w.subject.refuse(invalidChecksum)
	case p == wire.UDP:
		d.trackUDP(w, e)
	case p == wire.ICMP || p == wire.ICMPv6:
		return d.trackEcho(w, e)
	default:
		d.refresh(w, e, d.settings.generic)
	}
	return trackValid
}

// trackUDP extends a connection's life: a stream, seen both ways for two seconds,
// lives longer (nf_conntrack_proto_udp).
func (d *Device) trackUDP(w *way, e *entry) {
	const streamAfter = 2e9 // nanoseconds
	if !e.has(StatusConfirmed) {
		e.udpStream = d.now + streamAfter
	}
	if !e.has(StatusSeenReply) || d.now <= e.udpStream {
		d.refresh(w, e, d.settings.udp)
		return
	}
	d.refresh(w, e, d.settings.udpStream)
	if !e.has(StatusAssured) {
		e.status |= StatusAssured
		w.entryChanged = true
	}
}

// confirm puts the packet's connection into the table if it is not there: the packet
// has come through (nf_conntrack_confirm). It reports whether the packet goes on.
func (d *Device) confirm(w *way) bool {
	if w.subject.slot != fresh || w.subject.reply {
		return true
	}
	slot, ok := d.table.insert(d.now)
	if !ok {
		return d.drop(w, w.hook, ReasonTable)
	}
	w.subject.slot = slot
	w.entryChanged = false
	e := &d.table.entries[slot]
	d.settleSource(slot)
	d.changes = append(d.changes, Change{Kind: EntryNew, Entry: e.info()})
	return true
}

// endEntry removes a connection and its expectations.
func (d *Device) endEntry(slot int32) {
	t := &d.table
	e := &t.entries[slot]
	e.status |= statusDying
	t.forget(e.tuples[original])
	t.forget(e.tuples[reply])
	delete(t.slots, e.id)
	d.forgetSource(slot)
	t.gone = append(t.gone, slot)
	d.changes = append(d.changes, Change{Kind: EntryGone, Entry: e.info()})
	if e.expecting != noSlot {
		d.endExpectation(e.expecting, ExpectGone)
	}
}

// endAll empties the table.
func (d *Device) endAll() {
	for slot := range d.table.entries {
		if e := &d.table.entries[slot]; slot != fresh && e.has(StatusConfirmed) && !e.has(statusDying) {
			d.endEntry(int32(slot))
		}
	}
}

// expire ends what has timed out, in order of time.
func (d *Device) expire() {
	if len(d.table.deadlines) == 0 || d.table.deadlines[0].at > d.now {
		return
	}
	for d.firstDeadline() <= d.now {
		due := d.table.deadlines.pop()
		if due.kind == expectationDeadline {
			d.endExpectation(d.expected.slots[due.id], ExpectGone)
		} else {
			d.endEntry(d.table.slots[due.id])
		}
	}
}

// firstDeadline returns the instant at which the next entry or expectation ends. It
// clears away what has moved on since it was queued: a packet that extends a
// connection's life does not touch the queue.
func (d *Device) firstDeadline() event.Time {
	t := &d.table
	for len(t.deadlines) > 0 {
		first := t.deadlines[0]
		if first.kind == expectationDeadline {
			if slot, ok := d.expected.slots[first.id]; ok && d.expected.all[slot].expires == first.at {
				return first.at
			}
			t.deadlines.pop()
			continue
		}
		slot, ok := t.slots[first.id]
		if ok && t.entries[slot].expires == first.at {
			return first.at
		}
		t.deadlines.pop()
		if ok && t.entries[slot].queued == first.at {
			t.entries[slot].queued = event.Never
			t.schedule(slot)
		}
	}
	return event.Never
}

// refresh extends the life of the packet's connection and counts the packet.
func (d *Device) refresh(w *way, e *entry, timeout time.Duration) {
	d.account(w, e)
	if !e.has(StatusConfirmed) {
		e.timeout = timeout
		return
	}
	e.expires = d.now.Add(timeout)
	if e.expires < e.queued {
		d.table.schedule(w.subject.slot)
	}
}

func (d *Device) account(w *way, e *entry) {
	dir := w.dir()
	e.packets[dir]++
	e.octets[dir] += uint64(w.subject.length)
}
