package audit

import (
	"net/netip"

	"ftplab/sim/firewall"
)

// translation returns the effect by which a rule translates addresses; nil if it does not.
func translation(r *firewall.Rule) *firewall.Effect {
	for i := range r.Parts {
		if e := r.Parts[i].Effect; e != nil {
			switch e.Kind {
			case firewall.SNAT, firewall.DNAT, firewall.Masquerade, firewall.Redirect:
				return e
			}
		}
	}
	return nil
}

// translated takes packets through a translation. The result goes on to the next rule:
// what the rule left alone, because its map has nothing for it. What is translated is
// recorded as decided, unless it is another rule's translations that are followed.
func (t *table) translated(rule int, e *firewall.Effect, taken region) (back region) {
	if t.nat == allRules {
		return t.judged(rule, e, taken)
	}
	if e.Map == 0 {
		if rule == t.nat {
			image := t.image(e, taken, e.ToFrom, e.ToTo, e.PortFrom, e.PortTo)
			t.items = append(t.items, decided{rule: rule, chain: t.rs.Rules[rule].Chain, permits: true, region: image})
		}
		return nil
	}
	elements := t.rs.Sets[e.Map-1].Elements
	for i := range elements {
		to := &elements[i]
		key, _ := t.u.inElement(t.rs, to, e.Key)
		if rule == t.nat {
			address, port := e.ToFrom, e.PortFrom
			if to.Value.IsValid() {
				address = to.Value
			}
			if to.ValuePort != 0 {
				port = to.ValuePort
			}
			image := t.image(e, taken.intersect(key, t.u.budget), address, address, port, port)
			t.items = append(t.items, decided{rule: rule, chain: t.rs.Rules[rule].Chain, permits: true, region: image})
		}
		taken = taken.subtract(key, t.u.budget)
	}
	return taken
}

// judged records what a rule would translate, as it is before.
func (t *table) judged(rule int, e *firewall.Effect, taken region) (back region) {
	if e.Map != 0 {
		keys, _ := t.u.inSet(t.rs, &firewall.Match{Set: e.Map, Key: e.Key})
		taken, back = taken.intersect(keys, t.u.budget), taken.subtract(keys, t.u.budget)
	}
	t.items = append(t.items, decided{rule: rule, chain: t.rs.Rules[rule].Chain, permits: true, region: taken})
	return back
}

// image is where packets are sent by a translation of their destination: nowhere on this
// path, if it leads to the device itself and they are to be forwarded, or the other way
// round.
func (t *table) image(e *firewall.Effect, taken region, from, to netip.Addr, portFrom, portTo uint16) region {
	b := t.u.everything()
	if (e.Kind == firewall.Redirect) != (t.path == received) || from.IsValid() && !t.u.has(from) {
		return nil
	}
	if from.IsValid() {
		b.spans[dimDestination] = span{addressNumber(from), addressNumber(from)}
		if to.IsValid() {
			b.spans[dimDestination].high = addressNumber(to)
		}
	}
	if portFrom != 0 {
		b.spans[dimDestinationPort] = span{small(uint64(portFrom)), small(uint64(max(portFrom, portTo)))}
	}
	image := append(region(nil), taken...)
	for i := range image {
		if from.IsValid() {
			image[i].spans[dimDestination] = b.spans[dimDestination]
		}
		if portFrom != 0 {
			image[i].spans[dimDestinationPort] = b.spans[dimDestinationPort]
		}
		image[i].sets[dimTranslated] = 1 << 1
	}
	return image
}
