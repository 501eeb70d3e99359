package firewall

import (
	"net/netip"

	"ftplab/sim/wire"
)

// receiveLinux takes a packet that came in along netfilter's hooks.
func (d *Device) receiveLinux(w *way) {
	if !d.walk(w, Prerouting) {
		return
	}
	route, ok := d.routeIn(w)
	switch {
	case !ok:
	case route != nil:
		d.forward(w, route)
	case d.walk(w, Input) && d.leave(w):
		d.deliver(w)
	}
}

// walk takes a packet through the steps of a hook. It reports whether the packet goes
// on.
func (d *Device) walk(w *way, hook Hook) bool {
	w.hook = hook
	for _, step := range d.program.hooks[w.familyIndex()][hook] {
		ok := true
		switch step.kind {
		case chainStep:
			ok = d.askAt(w, step.chain)
		case trackStep:
			ok = d.track(w)
		case translateStep:
			ok = d.translate(w)
		}
		if !ok {
			return false
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

// routeIn finds where a packet that came in goes: nil to the device itself. It is
// false if the packet ends here.
func (d *Device) routeIn(w *way) (*route, bool) {
	s := w.subject
	switch {
	case s.family == 4 && d.routes.isLocal(s.src, s.family), s.src.isMulticast(s.family), s.src.isLoopback(s.family), s.dst.isLoopback(s.family):
		return nil, d.drop(w, Routing, ReasonInvalid) // a martian
	case d.routes.isLocal(s.dst, s.family), s.dst.isMulticast(s.family), d.routes.isBroadcast(s.dst, s.family):
		return nil, true
	}
	route, ok := d.routes.lookup(s.dst, s.family)
	switch {
	case !ok:
		d.drop(w, Routing, ReasonNoRoute)
		d.sendUnreachable(w)
		return nil, false
	case route.blackhole:
		return nil, d.drop(w, Routing, ReasonNoRoute)
	case w.packet.TTL <= 1:
		d.drop(w, Routing, ReasonTTL)
		if s.family == 6 {
			d.sendError(w, icmpv6TimeExceeded, 0)
		} else {
			d.sendError(w, icmpTimeExceeded, 0)
		}
		return nil, false
	}
	return route, true
}

// sendUnreachable says that there is no route (net unreachable).
func (d *Device) sendUnreachable(w *way) {
	if w.subject.family == 6 {
		d.sendError(w, icmpv6Unreachable, 0)
	} else {
		d.sendError(w, icmpUnreachable, 0)
	}
}

func (d *Device) forward(w *way, route *route) {
	w.packet.TTL--
	w.subject.ttl--
	w.sendTo(route)
	if d.walk(w, Forward) && d.walk(w, Postrouting) && d.leave(w) {
		w.decision.Action = ActionForward
	}
}

func (w *way) sendTo(route *route) {
	w.subject.out = route.at
	w.decision.Out = route.at
	w.via = route.via
}

// nextHop is where a packet goes that leaves: the gateway, or its destination.
func (w *way) nextHop() netip.Addr {
	if w.via.IsValid() {
		return w.via
	}
	return w.packet.Dst
}

// deliver hands a packet to the device itself. Nothing listens there: it answers as a
// host with closed ports does.
func (d *Device) deliver(w *way) {
	w.decision.Action = ActionLocal
	p := w.packet
	if s := w.subject; p.BadChecksum || s.fragment != 0 || s.dst.isMulticast(s.family) || d.routes.isBroadcast(s.dst, s.family) {
		return
	}
	switch {
	case p.Protocol == wire.TCP:
		if answer, ok := resetFor(p); ok {
			answer.TOS = p.TOS
			d.answer(w, answer, false)
		}
	case p.Protocol == wire.ICMP && p.ICMPType == icmpEcho:
		d.answer(w, echoReply(p, icmpEchoReply), false)
	case p.Protocol == wire.ICMPv6 && p.ICMPType == icmpv6Echo:
		d.answer(w, echoReply(p, icmpv6EchoReply), false)
	case p.Protocol == wire.UDP:
		kind := icmpErrors[ICMPPortUnreachable]
		if w.subject.family == 6 {
			d.sendError(w, kind.kind6, kind.code6)
		} else {
			d.sendError(w, kind.kind, kind.code)
		}
	}
}

func echoReply(p *wire.Packet, kind uint8) wire.Packet {
	return wire.Packet{
		Src: p.Dst, Dst: p.Src, Protocol: p.Protocol, TTL: ownTTL, TOS: p.TOS,
		ICMPType: kind, ICMPRest: p.ICMPRest, Payload: p.Payload,
	}
}

// originate takes a packet of the device's own on its way out.
func (d *Device) originate(w *way) {
	if !d.routeOut(w) {
		return
	}
	if d.program.linux {
		before := w.subject.dst
		if !d.walk(w, Output) || w.subject.dst != before && !d.routeOut(w) {
			return
		}
		if !d.walk(w, Postrouting) || !d.leave(w) {
			return
		}
	}
	w.decision.Action = ActionForward
}

func (d *Device) routeOut(w *way) bool {
	route, ok := d.routes.lookup(w.subject.dst, w.subject.family)
	if !ok || route.blackhole {
		return d.drop(w, Routing, ReasonNoRoute)
	}
	w.sendTo(route)
	return true
}
