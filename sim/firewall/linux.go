package firewall

// receiveLinux takes a packet that came in along netfilter's hooks.
func (d *Device) receiveLinux(w *way) {
	if !d.walk(w, Prerouting) {
		return
	}
	route, ok := d.routeIn(w)
	if !ok {
		return
	}
	if route == nil {
		if d.walk(w, Input) {
			d.deliver(w)
		}
		return
	}
	d.forward(w, route)
}

// routeIn finds where a packet that came in goes: nil to the device itself. It is
// false if the packet ends here.
func (d *Device) routeIn(w *way) (*route, bool) {
	s := &w.subject
	switch {
	case d.routes.isLocal(s.src, s.family):
		d.drop(w, Routing, ReasonInvalid) // a martian: our own address from outside
		return nil, false
	case d.routes.isLocal(s.dst, s.family) || d.routes.isBroadcast(w.packet.Dst):
		return nil, true
	}
	route, ok := d.routes.lookup(s.dst, s.family)
	switch {
	case !ok:
		d.drop(w, Routing, ReasonNoRoute)
		return nil, false
	case route.blackhole:
		d.drop(w, Routing, ReasonNoRoute)
		return nil, false
	case w.packet.TTL <= 1:
		d.drop(w, Routing, ReasonTTL)
		return nil, false
	}
	return route, true
}

func (d *Device) forward(w *way, route *route) {
	w.packet.TTL--
	w.subject.ttl--
	w.subject.out = route.at
	w.decision.Out = route.at
	if !d.walk(w, Forward) {
		return
	}
	if d.walk(w, Postrouting) {
		w.decision.Action = ActionForward
	}
}

// deliver hands a packet to the device itself.
func (d *Device) deliver(w *way) { w.decision.Action = ActionLocal }

// originate takes a packet of the device's own on its way out.
func (d *Device) originate(w *way) {
	route, ok := d.routes.lookup(w.subject.dst, w.subject.family)
	if !ok || route.blackhole {
		d.drop(w, Routing, ReasonNoRoute)
		return
	}
	w.subject.out = route.at
	w.decision.Out = route.at
	if d.program.linux && !(d.walk(w, Output) && d.walk(w, Postrouting)) {
		return
	}
	w.decision.Action = ActionForward
}

func (d *Device) receiveVendor(w *way) {
	family := 0
	if w.subject.family == 6 {
		family = 1
	}
	if !d.askLists(w, Inbound, d.program.inbound[family][w.subject.in]) {
		return
	}
	route, ok := d.routeIn(w)
	if !ok {
		return
	}
	if route == nil {
		d.deliver(w)
		return
	}
	w.packet.TTL--
	w.subject.ttl--
	w.subject.out = route.at
	w.decision.Out = route.at
	if d.askLists(w, Outbound, d.program.outbound[family][route.at]) {
		w.decision.Action = ActionForward
	}
}

func (d *Device) askLists(w *way, hook Hook, lists []int) bool {
	w.hook = hook
	for _, list := range lists {
		if !d.askAt(w, list) {
			return false
		}
	}
	return true
}
