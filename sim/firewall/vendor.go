package firewall

// receiveVendor takes a packet through a vendor's device: the list of the interface it
// came in by, routing, what may pass between interfaces at all (zones, security
// levels, a policy), the list of the interface it leaves by. A packet of an inspected
// session skips what its session lets it skip.
func (d *Device) receiveVendor(w *way) {
	s, family := w.subject, w.familyIndex()
	if !d.findSession(w) {
		return
	}
	if !d.bypasses(w, s.in) && !d.askLists(w, Inbound, d.program.inbound[family][s.in]) {
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
	s.ttl--
	w.sendTo(route)
	if !d.bypasses(w, noInterface) && !d.askLists(w, Forward, d.program.between[family]) {
		return
	}
	if !d.bypasses(w, s.out) && !d.askLists(w, Outbound, d.program.outbound[family][route.at]) {
		return
	}
	if d.openSession(w) && d.inspectSession(w) && d.confirm(w) {
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
