package firewall

// outcome is what a chain decided, and where.
type outcome struct {
	verdict VerdictKind // Accept, Drop or Reject
	with    RejectWith
	rule    int // -1: the policy of chain
	chain   int // that holds the rule, or whose policy decided
	reason  Reason
}

// frame is where to go on when a chain that was jumped to ends.
type frame struct{ chain, rule int }

// ask runs the packet through a base chain and those it jumps to.
func (d *Device) ask(w *way, base int) outcome {
	program := d.program
	stack := d.stack[:0]
	current := base
	i := program.chains[current].first
	for {
		if i >= program.chains[current].end {
			if len(stack) == 0 {
				return d.policy(base)
			}
			top := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			current, i = top.chain, top.rule
			continue
		}
		verdict, matched := d.apply(w, &program.coded[i])
		if !matched {
			i++
			continue
		}
		d.hit(w, i)
		switch verdict.Kind {
		case Accept, Queue:
			return outcome{verdict: Accept, rule: i, chain: current, reason: ReasonRule}
		case Drop, Reject:
			return outcome{verdict: verdict.Kind, with: verdict.With, rule: i, chain: current, reason: ReasonRule}
		case refuse:
			return outcome{verdict: Drop, rule: i, chain: current, reason: ReasonNAT}
		case Jump:
			stack = append(stack, frame{current, i + 1})
			d.stack = stack
			current = verdict.Chain
			i = program.chains[current].first
		case Goto:
			current = verdict.Chain
			i = program.chains[current].first
		case Return:
			i = program.chains[current].end
		default: // Continue
			i++
		}
	}
}

// refuse is the verdict of a translation that found no port.
const refuse VerdictKind = 0xff

func (d *Device) policy(base int) outcome {
	verdict := Accept
	if d.program.chains[base].policy == Drop {
		verdict = Drop
	}
	return outcome{verdict: verdict, rule: -1, chain: base, reason: ReasonPolicy}
}

// apply asks one rule. Its conditions and side effects are taken in order; the first
// condition that does not hold ends it.
func (d *Device) apply(w *way, r *compiledRule) (Verdict, bool) {
	for i := range r.parts {
		part := &r.parts[i]
		if part.effect == nil {
			if !d.holds(&part.condition, &w.subject) {
				return Verdict{}, false
			}
			continue
		}
		verdict, ok := d.carryOut(w, part)
		if !ok {
			return Verdict{}, false
		}
		if verdict.Kind != Continue {
			return verdict, true
		}
	}
	return r.verdict, true
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
