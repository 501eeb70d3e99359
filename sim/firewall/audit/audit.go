package audit

import (
	"fmt"
	"math/big"
	"net/netip"

	"ftplab/sim/firewall"
)

// DefaultBudget is how many boxes an analysis may make before it stops and says so.
const DefaultBudget = 2_000_000

// Options of an analysis.
type Options struct {
	// Server is an address behind the firewall, for the exposure; invalid for none.
	Server netip.Addr
	// Budget is how many boxes may be made; 0 means DefaultBudget.
	Budget int
}

// Report is what an analysis found.
type Report struct {
	Exposure *Exposure `json:"exposure,omitempty"`
	// Rules are the rules that decide nothing, or nothing that matters.
	Rules []Finding `json:"rules"`
	// Notes say what the analysis does not look at.
	Notes []string `json:"notes"`
	// Incomplete says that the budget was hit: what is reported may be missing packets.
	Incomplete bool `json:"incomplete"`
}

// RuleRef names a rule.
type RuleRef struct {
	Rule int    `json:"-"`
	Line int    `json:"line"`
	Text string `json:"text"`
}

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

// analysis is one ruleset in its universe.
type analysis struct {
	rs    *firewall.Ruleset
	u     *universe
	notes []string
}

func (a *analysis) addNotes(t *table) {
	for _, n := range t.notes {
		known := false
		for _, have := range a.notes {
			known = known || have == n
		}
		if !known {
			a.notes = append(a.notes, n)
		}
	}
}

// Audit analyses a ruleset.
func Audit(rs *firewall.Ruleset, o Options) *Report {
	b := &budget{left: o.Budget}
	if o.Budget == 0 {
		b.left = DefaultBudget
	}
	family := IPv4
	if o.Server.Is6() {
		family = IPv6
	}
	a := &analysis{rs: rs, u: newUniverse(family, b, rs)}
	a.noteNAT()
	r := &Report{Rules: []Finding{}}
	if o.Server.IsValid() {
		r.Exposure = a.exposure(o.Server)
	}
	r.Rules = append(r.Rules, a.dead()...)
	r.Notes, r.Incomplete = a.notes, b.hit
	return r
}

func (a *analysis) noteNAT() {
	for i := range a.rs.Chains {
		if c := &a.rs.Chains[i]; c.Type == firewall.NATChain && c.Count > 0 {
			a.notes = append(a.notes, "address translation is not followed: addresses and ports are those that the filter rules see")
			return
		}
	}
}

// dead finds the rules that decide nothing or nothing that matters.
func (a *analysis) dead() []Finding {
	t := compile(a.rs, a.u, region{a.u.everything()})
	a.addNotes(t)
	effective := map[int]region{}
	for _, item := range t.items {
		if item.rule >= 0 {
			effective[item.rule] = append(effective[item.rule], item.region...)
		}
	}
	var findings []Finding
	for rule := range a.rs.Rules {
		if a.u.budget.hit {
			break
		}
		r := &a.rs.Rules[rule]
		if !decides(r.Verdict.Kind) || !a.onPath(rule) {
			continue
		}
		if f, found := a.judge(t, rule, effective[rule]); found {
			findings = append(findings, f)
		}
	}
	return findings
}

func decides(k firewall.VerdictKind) bool {
	return k == firewall.Accept || k == firewall.Drop || k == firewall.Reject
}

// onPath reports whether a rule is in a chain that forwarded packets can come to.
func (a *analysis) onPath(rule int) bool {
	seen := map[int]bool{}
	var visit func(c int) bool
	visit = func(c int) bool {
		if seen[c] {
			return false
		}
		seen[c] = true
		chain := &a.rs.Chains[c]
		for i := chain.First; i < chain.First+chain.Count; i++ {
			v := a.rs.Rules[i].Verdict
			if i == rule || (v.Kind == firewall.Jump || v.Kind == firewall.Goto) && visit(v.Chain) {
				return true
			}
		}
		return false
	}
	for _, c := range pathOf(a.rs) {
		if visit(c) {
			return true
		}
	}
	return false
}

// judge says what is the matter with one rule, if anything is.
func (a *analysis) judge(t *table, rule int, effective region) (Finding, bool) {
	f := Finding{RuleRef: a.ref(rule)}
	would := t.conditions(&a.rs.Rules[rule])
	if a.u.budget.hit {
		return f, false // what is left of the region may be a part of it
	}
	if len(would) == 0 {
		f.Kind = Impossible
		return f, true
	}
	if len(effective) == 0 {
		f.Kind, f.By, f.Percent = Shadowed, a.blockers(t, rule, would), 100
		return f, true
	}
	if a.redundant(rule, effective) {
		f.Kind = Redundant
		return f, true
	}
	blockers := a.opposed(rule, would, t, a.blockers(t, rule, would))
	if len(blockers) == 0 || a.u.budget.hit {
		return f, false
	}
	f.Kind, f.By = Partly, blockers
	f.Percent = 100 - percent(effective.volume(), would.volume())
	return f, f.Percent > 0
}

// percent returns a part of a whole in percent.
func percent(part, whole *big.Int) float64 {
	if whole.Sign() == 0 {
		return 0
	}
	r, _ := new(big.Rat).SetFrac(part, whole).Float64()
	return r * 100
}

// opposed keeps the rules that decide otherwise than rule and also match packets that it
// does not. A narrower rule before a wider one is an exception, and the usual way to
// write a list.
func (a *analysis) opposed(rule int, would region, t *table, refs []RuleRef) []RuleRef {
	var out []RuleRef
	accepts := a.rs.Rules[rule].Verdict.Kind == firewall.Accept
	for _, ref := range refs {
		r := &a.rs.Rules[ref.Rule]
		isException := len(t.conditions(r).subtract(would, a.u.budget)) == 0
		if (r.Verdict.Kind == firewall.Accept) != accepts && !isException {
			out = append(out, ref)
		}
	}
	return out
}

// blockers finds the rules before this one that take its packets, the greediest first.
func (a *analysis) blockers(t *table, rule int, would region) []RuleRef {
	var refs []RuleRef
	left := would
	for len(left) > 0 {
		best, most := -1, new(big.Int)
		for _, item := range t.items {
			if item.rule < 0 || item.rule == rule {
				continue
			}
			if v := left.intersect(item.region, a.u.budget).volume(); v.Cmp(most) > 0 {
				best, most = item.rule, v
			}
		}
		if best < 0 || a.u.budget.hit {
			break
		}
		for _, item := range t.items {
			if item.rule == best {
				left = left.subtract(item.region, a.u.budget)
			}
		}
		if best < rule {
			refs = append(refs, a.ref(best))
		}
	}
	return refs
}

// redundant reports whether every packet that the rule decides would fare the same
// without it.
func (a *analysis) redundant(rule int, effective region) bool {
	without := *a.rs
	without.Rules = append([]firewall.Rule(nil), a.rs.Rules...)
	without.Rules[rule].Verdict = firewall.Verdict{Kind: firewall.Continue}
	with := compile(a.rs, a.u, effective).permit
	then := compile(&without, a.u, effective).permit
	return len(with.subtract(then, a.u.budget)) == 0 && len(then.subtract(with, a.u.budget)) == 0 && !a.u.budget.hit
}

func (a *analysis) ref(rule int) RuleRef {
	r := &a.rs.Rules[rule]
	return RuleRef{rule, r.Line, r.Text}
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
