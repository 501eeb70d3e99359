package audit

import (
	"fmt"
	"net/netip"
	"slices"

	"ftplab/sim/firewall"
)

// DefaultBudget is how many pairs of boxes an analysis may compare before it stops and
// says so: a few seconds.
const DefaultBudget = 100_000_000

// Options of an analysis.
type Options struct {
	// Server is an address behind the firewall, for the exposure; invalid for none.
	Server netip.Addr
	// Behind is the interface that the server is behind; "" for the one that the lists
	// are applied to, or any that the rules guard.
	Behind string
	// Budget is how many pairs of boxes may be compared; 0 means DefaultBudget.
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

// analysis is one ruleset in its universe.
type analysis struct {
	rs    *firewall.Ruleset
	u     *universe
	notes []string
}

// note adds a note, once.
func (a *analysis) note(format string, arguments ...any) {
	if n := fmt.Sprintf(format, arguments...); !slices.Contains(a.notes, n) {
		a.notes = append(a.notes, n)
	}
}

func (a *analysis) addNotes(t *table) {
	for _, n := range t.notes {
		a.note("%s", n)
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
	r := &Report{Rules: []Finding{}}
	if o.Server.IsValid() {
		r.Exposure = a.exposure(o.Server, o.Behind)
	}
	r.Rules = append(r.Rules, a.findings()...)
	r.Notes, r.Incomplete = a.notes, b.hit
	return r
}

func (a *analysis) ref(rule int) RuleRef {
	r := &a.rs.Rules[rule]
	return RuleRef{rule, r.Line, r.Text}
}
