package audit

import (
	"cmp"
	"fmt"
	"slices"

	"ftplab/sim/firewall"
)

// FindingKind is what is the matter with a rule.
type FindingKind string

// The kinds of findings.
const (
	// Shadowed: every packet that it would match is taken by rules before it.
	Shadowed FindingKind = "shadowed"
	// Impossible: no packet can meet its conditions.
	Impossible FindingKind = "impossible"
	// Redundant: without it every packet would fare the same.
	Redundant FindingKind = "redundant"
	// Partly: some of the packets that it would match are taken by rules before it that
	// decide the other way.
	Partly FindingKind = "partly shadowed"
)

// Finding is a rule that decides nothing, or less than it says.
type Finding struct {
	RuleRef
	Kind FindingKind `json:"kind"`
	// By are the rules that take its packets, the one that takes most first.
	By []RuleRef `json:"by,omitempty"`
	// Percent is how much of what it matches is taken before it.
	Percent float64 `json:"percent,omitempty"`
}

// view is a ruleset as the packets of one family meet it on one path, or one chain that
// translates as it meets them.
type view struct {
	*analysis
	t *table
	// effective are the packets that each rule, by place, decides.
	effective map[int]region
}

// views lists the views of a ruleset in which some rule is asked.
func (a *analysis) views() []*view {
	var views []*view
	for _, family := range []Family{IPv4, IPv6} {
		of := &analysis{rs: a.rs, u: newUniverse(family, a.u.budget, a.rs)}
		all := region{of.u.everything()}
		var tables []*table
		for _, p := range []path{forwarded, received, sent} {
			tables = append(tables, compile(a.rs, of.u, p, all))
		}
		for i := range a.rs.Chains {
			if c := &a.rs.Chains[i]; c.Type == firewall.NATChain && c.Hook != firewall.HookNone {
				tables = append(tables, (&table{rs: a.rs, u: of.u, chains: []int{i}, nat: allRules}).run(all))
			}
		}
		for _, t := range tables {
			if !of.asksAny(t.chains) {
				continue
			}
			a.addNotes(t)
			v := &view{of, t, map[int]region{}}
			for _, item := range t.items {
				if item.rule >= 0 {
					v.effective[item.rule] = append(v.effective[item.rule], item.region...)
				}
			}
			for _, m := range t.mapped {
				v.effective[m.rule] = append(v.effective[m.rule], m.region...)
			}
			views = append(views, v)
		}
	}
	return views
}

// asksAny reports whether a packet of the family can come to a rule of the chains.
func (a *analysis) asksAny(chains []int) bool {
	for _, i := range chains {
		c := &a.rs.Chains[i]
		if c.Count > 0 && !(c.Family == "ip" && a.u.family == IPv6 || c.Family == "ip6" && a.u.family == IPv4) {
			return true
		}
	}
	return false
}

// findings finds the rules that decide nothing or nothing that matters.
func (a *analysis) findings() []Finding {
	views := a.views()
	var findings []Finding
	for rule := range a.rs.Rules {
		if a.u.budget.hit {
			break
		}
		if !a.decides(rule) {
			continue
		}
		var on []*view
		for _, v := range views {
			if v.onPath(rule, v.t.chains) {
				on = append(on, v)
			}
		}
		if f, found := a.judge(on, rule); found {
			findings = append(findings, f)
		} else {
			findings = append(findings, a.elements(on, rule)...)
		}
	}
	return findings
}

// decides reports whether a rule is one that decides about packets, itself or by a map.
func (a *analysis) decides(rule int) bool {
	r := &a.rs.Rules[rule]
	k := r.Verdict.Kind
	return k == firewall.Accept || k == firewall.Drop || k == firewall.Reject || verdictMap(r) != nil || translation(r) != nil
}

// verdictMap returns the effect by which a rule looks its verdict up; nil if it has none.
func verdictMap(r *firewall.Rule) *firewall.Effect {
	for i := range r.Parts {
		if e := r.Parts[i].Effect; e != nil && e.Kind == firewall.VerdictMap && e.Map != 0 {
			return e
		}
	}
	return nil
}

// onPath reports whether a rule is in one of the chains, or in one that they call.
func (a *analysis) onPath(rule int, chains []int) bool {
	seen := map[int]bool{}
	var visit func(c int) bool
	visit = func(c int) bool {
		if seen[c] {
			return false
		}
		seen[c] = true
		chain := &a.rs.Chains[c]
		for i := chain.First; i < chain.First+chain.Count; i++ {
			if i == rule {
				return true
			}
			for _, v := range a.verdictsOf(i) {
				if (v.Kind == firewall.Jump || v.Kind == firewall.Goto) && visit(v.Chain) {
					return true
				}
			}
		}
		return false
	}
	for _, c := range chains {
		if visit(c) {
			return true
		}
	}
	return false
}

// verdictsOf lists the verdicts that a rule may give.
func (a *analysis) verdictsOf(rule int) []firewall.Verdict {
	r := &a.rs.Rules[rule]
	verdicts := []firewall.Verdict{r.Verdict}
	if e := verdictMap(r); e != nil {
		for _, element := range a.rs.Sets[e.Map-1].Elements {
			verdicts = append(verdicts, element.Verdict)
		}
	}
	return verdicts
}

// judge says what is the matter with one rule, if anything is: the same in every view.
func (a *analysis) judge(on []*view, rule int) (Finding, bool) {
	f := Finding{RuleRef: a.ref(rule)}
	var asked, deciding []*view
	would := map[*view]region{}
	for _, v := range on {
		if would[v] = v.wouldMatch(rule); len(would[v]) > 0 {
			asked = append(asked, v)
		}
		if len(v.effective[rule]) > 0 {
			deciding = append(deciding, v)
		}
	}
	switch {
	case a.u.budget.hit || len(on) == 0: // what is left of a region may be a part of it
		return f, false
	case len(asked) == 0:
		f.Kind = Impossible
		return f, !a.isGuess(rule)
	case len(deciding) == 0:
		f.Kind, f.By, f.Percent = Shadowed, asked[0].blockers(rule, would[asked[0]]), 100
		return f, true
	case translation(&a.rs.Rules[rule]) != nil:
		return f, false
	}
	redundant := true
	for _, v := range deciding {
		redundant = redundant && v.redundant(rule)
	}
	if redundant {
		f.Kind = Redundant
		return f, true
	}
	if verdictMap(&a.rs.Rules[rule]) != nil {
		return f, false
	}
	v := deciding[0]
	const rounding = 1e-9
	f.Percent = 100 - 100*v.effective[rule].volume()/would[v].volume()
	if f.Percent < rounding {
		return f, false
	}
	f.Kind, f.By = Partly, v.opposed(rule, would[v])
	return f, len(f.By) > 0 && !a.u.budget.hit
}

// isGuess reports whether a part of a rule is not modelled, and taken for something that
// may not be what it is on the device.
func (a *analysis) isGuess(rule int) bool {
	line := a.rs.Rules[rule].Line
	return slices.ContainsFunc(a.rs.Diagnostics, func(d firewall.Diagnostic) bool { return d.Line == line })
}

// elements finds the elements of a rule's verdict map that decide nothing, because rules
// before take their packets.
func (a *analysis) elements(on []*view, rule int) []Finding {
	e := verdictMap(&a.rs.Rules[rule])
	if e == nil || len(on) == 0 {
		return nil
	}
	arrived := map[int]bool{}
	for _, v := range on {
		for _, m := range v.t.mapped {
			if m.rule == rule && len(m.region) > 0 {
				arrived[m.element] = true
			}
		}
	}
	var findings []Finding
	elements := a.rs.Sets[e.Map-1].Elements
	for i := range elements {
		if k := elements[i].Verdict.Kind; arrived[i] || k == firewall.Continue || k == firewall.Return || a.u.budget.hit {
			continue
		}
		for _, v := range on {
			key, _ := v.u.inElement(a.rs, &elements[i], e.Key)
			would := v.t.conditions(&a.rs.Rules[rule]).intersect(key, a.u.budget)
			if len(would) == 0 {
				continue
			}
			f := Finding{RuleRef: a.ref(rule), Kind: Shadowed, By: v.blockers(rule, would), Percent: 100}
			f.Text = elements[i].Text + " of " + f.Text
			findings = append(findings, f)
			break
		}
	}
	return findings
}

// wouldMatch is what a rule would decide if it were the only one.
func (v *view) wouldMatch(rule int) region {
	r := &v.rs.Rules[rule]
	would := v.t.conditions(r)
	for i := range r.Parts {
		if e := r.Parts[i].Effect; e != nil && e.Map != 0 {
			keys, _ := v.u.inSet(v.rs, &firewall.Match{Set: e.Map, Key: e.Key})
			would = would.intersect(keys, v.u.budget)
		}
	}
	return would
}

// opposed finds the rules before this one, asked at the same hook, that decide otherwise
// than it about some of its packets, and also match packets that it does not. A narrower
// rule before a wider one is an exception, and the usual way to write a list.
func (v *view) opposed(rule int, would region) []RuleRef {
	accepts := v.rs.Rules[rule].Verdict.Kind == firewall.Accept
	base := -1
	for i := range v.t.items {
		if v.t.items[i].rule == rule {
			base = v.t.items[i].base
			break
		}
	}
	return v.takers(rule, would, func(item *decided) bool {
		r := &v.rs.Rules[item.rule]
		if item.base != base || item.permits == accepts || verdictMap(r) != nil || isPreamble(r) {
			return false // a map decides in different ways; answers are let in before all else
		}
		isException := len(v.t.conditions(r).subtract(would, v.u.budget)) == 0
		return !isException
	})
}

// isPreamble reports whether a rule looks at nothing of the packet but its connection's
// state, or that it came in by the loopback interface: what lists begin with.
func isPreamble(r *firewall.Rule) bool {
	asks := false
	for _, part := range r.Parts {
		if m := part.Match; m != nil {
			isLoopback := m.Field == firewall.InInterface && !m.Negate && len(m.Names) == 1 && m.Names[0] == "lo"
			if m.Field != firewall.State && !isLoopback {
				return false
			}
			asks = true
		}
	}
	return asks
}

// blockers finds the rules before this one that take its packets, the one that takes most
// first; rules that take only what those before take are left out.
func (v *view) blockers(rule int, would region) []RuleRef {
	return v.takers(rule, would, func(*decided) bool { return true })
}

// takers is blockers among the decisions that count.
func (v *view) takers(rule int, would region, counts func(*decided) bool) []RuleRef {
	taken := map[int]region{}
	var rules []int
	for i := range v.t.items {
		item := &v.t.items[i]
		if item.rule == rule {
			break
		}
		if item.rule < 0 || !counts(item) {
			continue
		}
		part := item.region.intersect(would, v.u.budget)
		if len(part) == 0 {
			continue
		}
		if taken[item.rule] == nil {
			rules = append(rules, item.rule)
		}
		taken[item.rule] = append(taken[item.rule], part...)
	}
	slices.SortStableFunc(rules, func(a, b int) int { return cmp.Compare(taken[b].volume(), taken[a].volume()) })
	var refs []RuleRef
	left := would
	for _, r := range rules {
		before := left.volume()
		left = left.subtract(taken[r], v.u.budget)
		if left.volume() < before {
			refs = append(refs, v.ref(r))
		}
		if len(left) == 0 || v.u.budget.hit {
			break
		}
	}
	return refs
}

// redundant reports whether every packet that the rule decides would fare the same
// without it.
func (v *view) redundant(rule int) bool {
	without := *v.rs
	without.Rules = append([]firewall.Rule(nil), v.rs.Rules...)
	without.Rules[rule].Verdict, without.Rules[rule].Parts = firewall.Verdict{Kind: firewall.Continue}, nil
	with := compile(v.rs, v.u, v.t.path, v.effective[rule])
	then := compile(&without, v.u, v.t.path, v.effective[rule])
	same := func(a, b region) bool {
		return len(a.subtract(b, v.u.budget)) == 0 && len(b.subtract(a, v.u.budget)) == 0
	}
	for _, answer := range answers(v.rs) {
		if !same(with.rejected(answer), then.rejected(answer)) {
			return false
		}
	}
	return same(with.permit, then.permit) && !v.u.budget.hit
}

// String says a finding in a sentence.
func (f Finding) String() string {
	s := fmt.Sprintf("line %d `%s` is %s", f.Line, f.Text, f.Kind)
	switch f.Kind {
	case Impossible:
		return fmt.Sprintf("line %d `%s` can never match", f.Line, f.Text)
	case Redundant:
		return s + ": without it nothing would change"
	case Partly:
		s = fmt.Sprintf("line %d `%s`: %.3g%% of it is taken the other way", f.Line, f.Text, f.Percent)
	}
	for i, by := range f.By {
		if i == 0 {
			s += " by"
		} else {
			s += " and"
		}
		s += fmt.Sprintf(" line %d `%s`", by.Line, by.Text)
	}
	return s
}
