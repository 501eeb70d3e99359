package firewall

import (
	"net/netip"

	"ftplab/sim/wire"
)

// way is a packet's passage through the device.
type way struct {
	packet   *wire.Packet
	subject  *subject
	decision Decision
	hook     Hook
	// answers says that the packet is the device's answer to the one being judged:
	// explanations are about that one.
	answers bool
	// entryChanged says that the packet changed its connection.
	entryChanged bool
	// templateHelper is the helper that a new connection will get (iptables).
	templateHelper string
	via            netip.Addr // gateway; invalid if the destination is a neighbour
}

// start begins the way of w.packet. A packet of the device's own has no interface in.
func (w *way) start(in int, program *program) {
	*w.subject = subject{}
	w.subject.read(w.packet, in)
	if w.subject.fragment == 2 && program.misreads {
		w.subject.misreadFragment(w.packet.Payload)
	}
	w.decision.In, w.decision.Out = int16(in), noInterface
	w.decision.Chain, w.decision.Rule = -1, -1
	if program.tracks && program.linux {
		w.subject.state = StateInvalid // until it is tracked
	}
}

// dir is the direction of the packet within its connection.
func (w *way) dir() direction {
	if w.subject.reply {
		return reply
	}
	return original
}

// familyIndex is 0 for IPv4 and 1 for IPv6.
func (w *way) familyIndex() int { return int(w.subject.family-4) / 2 }

// drop ends the way: the device discards the packet for a reason of its own. It
// returns false, as what ends a way does.
func (d *Device) drop(w *way, hook Hook, reason Reason) bool {
	w.decision.Action = ActionDrop
	w.decision.Hook = hook
	w.decision.Reason = reason
	w.decision.Out = noInterface
	w.decision.Chain, w.decision.Rule = -1, -1
	if !w.answers {
		d.judged.base = -1
	}
	return false
}

// decide notes what a chain decided, for Explain. It reports whether the packet
// goes on.
func (d *Device) decide(w *way, base int, o outcome) bool {
	w.decision.Hook = w.hook
	w.decision.Chain, w.decision.Rule = int16(o.chain), int16(o.rule)
	w.decision.Reason = o.reason
	if !w.answers {
		d.judged.base, d.judged.rule = base, int(o.rule)
		d.judged.kept = false
	}
	switch o.verdict {
	case Accept:
		if o.reason == ReasonPolicy {
			w.decision.Reason = ReasonNone
		}
		return true
	case Reject:
		w.decision.Action = ActionReject
		d.reject(w, o.with)
	default:
		w.decision.Action = ActionDrop
	}
	w.decision.Out = noInterface
	return false
}

// keep remembers the packet as the deciding chain saw it, before it is changed further.
func (d *Device) keep(w *way) {
	if !w.answers && d.judged.base >= 0 && !d.judged.kept {
		d.judged.subject, d.judged.kept = *w.subject, true
	}
}

// finish completes the decision when the way has ended.
func (d *Device) finish(w *way) {
	if !d.program.tracks {
		return
	}
	s := w.subject
	w.decision.State, w.decision.Reply = s.state, s.reply
	if s.slot == noSlot {
		return
	}
	e := &d.table.entries[s.slot]
	w.decision.Entry = e.id
	if w.entryChanged && e.has(StatusConfirmed) && !e.has(statusDying) {
		d.changes = append(d.changes, Change{Kind: EntryUpdate, Entry: e.info()})
	}
}

// isFilterHook reports whether accepting there is what people mean by it: the
// decision of an accepted packet is that of the last such chain.
func isFilterHook(h Hook) bool {
	switch h {
	case Inbound, Input, Forward, Output, Outbound:
		return true
	}
	return false
}
