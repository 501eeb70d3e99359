package firewall

// receiveVendor takes a packet through a vendor's device: the list of the interface it
// came in by before all else, the list of the one it leaves by last.
func (d *Device) receiveVendor(w *way) {
	family := w.familyIndex()
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
	w.sendTo(route)
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
