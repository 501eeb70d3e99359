package firewall

// carryOut performs a side effect. It returns the verdict it ends the chain with, or
// Continue; ok is false if it ends the rule, as a condition that does not hold.
func (d *Device) carryOut(w *way, part *part) (verdict Verdict, ok bool) {
	effect := part.effect
	switch effect.Kind {
	case VerdictMap:
		at, found, _ := d.find(part.lookup, &w.subject)
		if !found {
			return Verdict{}, false
		}
		return part.lookup.elements[at].verdict, true
	case SetMark:
		w.subject.mark = w.subject.mark&^effect.Mask | effect.Value
	}
	return Verdict{}, true
}
