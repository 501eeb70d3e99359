package firewall

// judgement is what an explanation needs to remember of the last decision.
type judgement struct {
	base int // the chain that was asked; -1 if none decided
	rule int // that decided; -1 for the policy
	// subject is the packet as the chain saw it, if it was changed afterwards (kept);
	// else that is Device.subject still.
	kept    bool
	subject subject
}

// Explain says which rules were looked at and did not match on the way to the last
// Decision of Receive or Send, in order, and for each one the field that missed. Of
// the chains that were asked only the deciding one (with those it jumps to) is
// explained. It may be called only until the next Receive, Send or Expire.
func (d *Device) Explain() []Missed {
	if d.judged.base < 0 {
		return nil
	}
	var missed []Missed
	s := &d.subject
	if d.judged.kept {
		s = &d.judged.subject
	}
	stack := []frame{}
	current, i := d.judged.base, d.program.chains[d.judged.base].first
	for {
		if i >= d.program.chains[current].end {
			if len(stack) == 0 {
				return missed
			}
			current, i = stack[len(stack)-1].chain, stack[len(stack)-1].rule
			stack = stack[:len(stack)-1]
			continue
		}
		if i == d.judged.rule {
			return missed
		}
		verdict, miss := d.explainRule(i, s)
		if miss != nil {
			missed = append(missed, *miss)
			i++
			continue
		}
		switch verdict.Kind {
		case Jump:
			stack = append(stack, frame{current, i + 1})
			current, i = verdict.Chain, d.program.chains[verdict.Chain].first
		case Goto:
			current, i = verdict.Chain, d.program.chains[verdict.Chain].first
		case Return:
			i = d.program.chains[current].end
		default:
			i++
		}
	}
}

// explainRule returns the rule's verdict, or the field that missed.
func (d *Device) explainRule(rule int, s *subject) (Verdict, *Missed) {
	coded, from := &d.program.coded[rule], &d.program.rules.Rules[rule]
	miss := func(field Field, why string) *Missed {
		return &Missed{Rule: rule, Line: from.Line, Text: from.Text, Field: field, Why: why}
	}
	for i := range coded.parts {
		part := &coded.parts[i]
		if part.effect == nil {
			if !d.holds(&part.condition, s) {
				field, why := d.whyNot(&part.condition, s)
				return Verdict{}, miss(field, why)
			}
			continue
		}
		if part.lookup == nil {
			continue
		}
		at, found, _ := d.find(part.lookup, s)
		if !found {
			return Verdict{}, miss(part.lookup.key[0], d.valueOf(part.lookup.key, s)+" is not in the map")
		}
		if part.effect.Kind == VerdictMap {
			return part.lookup.elements[at].verdict, nil
		}
	}
	return coded.verdict, nil
}

// whyNot says why a condition does not hold.
func (d *Device) whyNot(c *condition, s *subject) (Field, string) {
	m := c.detail.match
	field := m.Field
	key := []Field{field}
	switch c.kind {
	case anyOfCondition:
		field, _ = d.whyNot(&c.detail.anyOf[0], s)
		key = key[:0]
		for i := range c.detail.anyOf {
			f, _ := d.whyNot(&c.detail.anyOf[i], s)
			if len(key) == 0 || key[len(key)-1] != f {
				key = append(key, f)
			}
		}
	case setCondition:
		key = c.detail.set.key
		field = key[0]
	case constantCondition:
		return field, "it never matches"
	}
	for _, f := range key {
		if !d.hasField(f, s) {
			return f, d.absence(f, s)
		}
	}
	value, words := d.valueOf(key, s), matchWords(m)
	if c.negate && !containsOperator(words) {
		return field, value + " is " + words + ", which the rule excludes"
	}
	return field, value + " is not " + words
}
