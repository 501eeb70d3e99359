package firewall

// outcome is what a chain decided, and where.
type outcome struct {
	verdict VerdictKind // Accept, Drop or Reject
	with    RejectWith
	reason  Reason
	rule    int32 // -1: the policy of chain
	chain   int32 // that holds the rule, or whose policy decided
}

// frame is where to go on when a chain that was jumped to ends.
type frame struct{ chain, rule int }

// ask runs the packet through a base chain and those it jumps to.
func (d *Device) ask(w *way, base int) outcome {
	program, family := d.program, w.familyIndex()
	stack := d.stack[:0]
	chain := &program.chains[base]
	current, i := base, chain.first
	index := program.indexOf(base, family)
	indexed := false // the cursor is at this chain's rows
	for {
		if index != nil && i >= index.start {
			if !indexed {
				index.seek(&d.cursor, w.subject)
				indexed = true
			}
			i = index.next(&d.cursor, i)
		}
		if i >= chain.end {
			if len(stack) == 0 {
				return d.policy(w, base)
			}
			top := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			current, i = top.chain, top.rule
			chain, indexed = &program.chains[current], false
			index = program.indexOf(current, family)
			continue
		}
		verdict, parts := program.coded[i].verdict, program.coded[i].parts
		if indexed {
			parts = index.rest[i-index.start]
		}
		if len(parts) > 0 {
			var matched bool
			if verdict, matched = d.apply(w, parts, verdict); !matched {
				i++
				continue
			}
		}
		d.hit(w, i)
		switch verdict.Kind {
		case Accept, Queue:
			return outcome{verdict: Accept, rule: int32(i), chain: int32(current), reason: ReasonRule}
		case Drop, Reject:
			return outcome{verdict: verdict.Kind, with: verdict.With, rule: int32(i), chain: int32(current), reason: ReasonRule}
		case refuse:
			return outcome{verdict: Drop, rule: int32(i), chain: int32(current), reason: ReasonNAT}
		case Jump, Goto:
			if verdict.Kind == Jump {
				stack = append(stack, frame{current, i + 1})
				d.stack = stack
			}
			current = verdict.Chain
			chain, indexed = &program.chains[current], false
			index, i = program.indexOf(current, family), chain.first
		case Return:
			i = chain.end
		default: // Continue
			i++
		}
	}
}

// refuse is the verdict of a translation that found no port.
const refuse VerdictKind = 0xff

// policy is the verdict of a base chain none of whose rules decided.
func (d *Device) policy(w *way, base int) outcome {
	if base < MaxPolicies {
		w.decision.Policies |= 1 << base
	}
	verdict := Accept
	if d.program.chains[base].policy == Drop {
		verdict = Drop
	}
	return outcome{verdict: verdict, rule: -1, chain: int32(base), reason: ReasonPolicy}
}

// apply asks one rule: its conditions and side effects are taken in order, and the
// first condition that does not hold ends it.
func (d *Device) apply(w *way, parts []part, verdict Verdict) (Verdict, bool) {
	for i := range parts {
		part := &parts[i]
		if part.effect == nil {
			if !d.holds(&part.condition, w.subject) {
				return Verdict{}, false
			}
			continue
		}
		ending, ok := d.carryOut(w, part)
		if !ok {
			return Verdict{}, false
		}
		if ending.Kind != Continue {
			return ending, true
		}
	}
	return verdict, true
}

// hit records that a rule matched.
func (d *Device) hit(w *way, rule int) {
	counter := &d.counters[rule]
	counter.Packets++
	counter.Octets += uint64(w.subject.length)
	if n := w.decision.NumHits; n < MaxHits {
		w.decision.Hits[n] = int16(rule)
		w.decision.NumHits++
	}
}

// Counter is how often a rule matched.
type Counter struct{ Packets, Octets uint64 }

// Counter returns how often the rule with this place in Ruleset.Rules matched since
// the rules were loaded.
func (d *Device) Counter(rule int) Counter { return d.counters[rule] }
