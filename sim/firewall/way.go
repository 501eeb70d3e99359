package firewall

import "ftplab/sim/wire"

// way is a packet's passage through the device.
type way struct {
	packet   *wire.Packet
	subject  subject
	decision Decision
	hook     Hook
}

// start begins a packet's way. A packet of the device's own has no interface in.
func (w *way) start(p *wire.Packet, in int) {
	*w = way{packet: p, subject: subjectOf(p, in)}
	w.decision = Decision{In: int16(in), Out: noInterface, Chain: -1, Rule: -1}
}

// drop ends the way: the device discards the packet for a reason of its own.
func (d *Device) drop(w *way, hook Hook, reason Reason) {
	w.decision.Action = ActionDrop
	w.decision.Hook = hook
	w.decision.Reason = reason
	w.decision.Out = noInterface
	w.decision.Chain, w.decision.Rule = -1, -1
	if w == &d.way {
		d.judged.base = -1
	}
}

// decide notes what a chain decided, for Explain. It reports whether the packet
// goes on.
func (d *Device) decide(w *way, base int, o outcome) bool {
	w.decision.Hook = w.hook
	w.decision.Chain, w.decision.Rule = int16(o.chain), int16(o.rule)
	w.decision.Reason = o.reason
	if w == &d.way {
		d.judged = judgement{subject: w.subject, base: base, rule: o.rule}
	}
	switch o.verdict {
	case Accept:
		if o.reason == ReasonPolicy {
			w.decision.Reason = ReasonNone
		}
		return true
	case Reject:
		w.decision.Action = ActionReject
	default:
		w.decision.Action = ActionDrop
	}
	w.decision.Out = noInterface
	return false
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

// walk takes a packet through the steps of a hook. It reports whether the packet goes
// on.
func (d *Device) walk(w *way, hook Hook) bool {
	w.hook = hook
	family := 0
	if w.subject.family == 6 {
		family = 1
	}
	for _, step := range d.program.hooks[family][hook] {
		switch step.kind {
		case chainStep:
			if !d.askAt(w, step.chain) {
				return false
			}
		}
	}
	return true
}

// askAt asks a base chain and acts on its verdict.
func (d *Device) askAt(w *way, base int) bool {
	o := d.ask(w, base)
	if o.verdict == Accept && !isFilterHook(w.hook) {
		return true
	}
	return d.decide(w, base, o)
}
