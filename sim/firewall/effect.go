package firewall

import "ftplab/sim/wire"

// carryOut performs a side effect. It returns the verdict it ends the chain with, or
// Continue; ok is false if it ends the rule, as a condition that does not hold.
func (d *Device) carryOut(w *way, part *part) (verdict Verdict, ok bool) {
	effect, s := part.effect, w.subject
	switch effect.Kind {
	case VerdictMap:
		at, found, _ := d.find(part.lookup, s)
		if !found {
			return Verdict{}, false
		}
		return part.lookup.elements[at].verdict, true
	case SNAT, DNAT, Masquerade, Redirect:
		return d.carryOutNAT(w, part)
	case NoTrack:
		if s.slot == noSlot {
			s.state = StateUntracked
		}
	case SetHelper:
		d.setHelper(w, effect.Text)
	case SetMark:
		s.mark = s.mark&^effect.Mask | effect.Value
	case SetCTMark, SaveMark, RestoreMark:
		d.markConnection(w, effect)
	}
	return Verdict{}, true
}

func (d *Device) markConnection(w *way, effect *Effect) {
	if w.subject.slot == noSlot {
		return
	}
	e := &d.table.entries[w.subject.slot]
	mark := e.mark
	switch effect.Kind {
	case SetCTMark:
		mark = mark&^effect.Mask | effect.Value
	case SaveMark:
		mark = w.subject.mark
	case RestoreMark:
		w.subject.mark = e.mark
	}
	if mark != e.mark {
		e.mark = mark
		w.entryChanged = true
	}
}

// setHelper gives a new connection its helper. iptables chooses it in the raw table,
// before the connection is known; nftables afterwards, when before does nothing.
func (d *Device) setHelper(w *way, kind string) {
	s := w.subject
	if s.protocol != wire.TCP && kind == helperFTP {
		return
	}
	if s.slot == noSlot {
		if d.program.helpersBeforeTracking {
			w.templateHelper = kind
		}
		return
	}
	if e := &d.table.entries[s.slot]; !e.has(StatusConfirmed) && !e.has(statusHelper) {
		e.helper = kind
		e.status |= statusHelper
	}
}

// carryOutNAT decides the translation of the packet's connection.
func (d *Device) carryOutNAT(w *way, part *part) (verdict Verdict, ok bool) {
	effect, s := part.effect, w.subject
	if s.slot == noSlot {
		return Verdict{Kind: Accept}, true
	}
	r := natRange{
		mapAddress: effect.ToFrom.IsValid(), mapPort: effect.PortFrom != 0,
		portLow: effect.PortFrom, portHigh: max(effect.PortFrom, effect.PortTo),
		random: effect.Random, persistent: effect.Persistent,
	}
	if r.mapAddress {
		r.low = addressOf(effect.ToFrom)
		r.high = r.low
		if effect.ToTo.IsValid() {
			r.high = addressOf(effect.ToTo)
		}
	}
	if part.lookup != nil {
		at, found, _ := d.find(part.lookup, s)
		if !found {
			return Verdict{}, false
		}
		r.take(&part.lookup.set.Elements[part.lookup.elements[at].place])
	}
	switch effect.Kind {
	case Masquerade:
		own, found := d.routes.sourceFor(s.out, w.nextHop())
		if !found {
			return Verdict{Kind: refuse}, true
		}
		r.mapAddress, r.low, r.high = true, addressOf(own), addressOf(own)
		d.table.entries[s.slot].masqueradedTo = s.out + 1
	case Redirect:
		own, found := d.redirectAddress(s)
		if !found {
			return Verdict{Kind: refuse}, true
		}
		r.mapAddress, r.low, r.high = true, own, own
	}
	d.setUp(s.slot, r, manipulationAt(w.hook))
	return Verdict{Kind: Accept}, true
}

// take uses what a map gave as the target.
func (r *natRange) take(e *SetElement) {
	if e.Value.IsValid() {
		r.mapAddress, r.low, r.high = true, addressOf(e.Value), addressOf(e.Value)
	}
	if e.ValuePort != 0 {
		r.mapPort, r.portLow, r.portHigh = true, e.ValuePort, e.ValuePort
	}
}

// redirectAddress is the device's own address: of the interface the packet came in
// by, or loopback for the device's own packets.
func (d *Device) redirectAddress(s *subject) (address, bool) {
	if s.in == noInterface {
		if s.family == 4 {
			return address{lo: 127<<24 | 1}, true
		}
		return address{lo: 1}, true
	}
	own, ok := d.routes.firstAddress(s.in, s.family)
	return own, ok
}
