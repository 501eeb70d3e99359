package audit

import (
	"fmt"
	"slices"
	"sort"

	"ftplab/sim/firewall"
)

// decided is what one rule, or one chain's policy, decides: which packets, and how.
type decided struct {
	rule    int // place in Ruleset.Rules, -1 for a policy
	chain   int
	base    int // the base chain that the packets were asked in
	permits bool
	region  region
}

// table is a ruleset as regions: what every rule and policy decides about packets that
// go one way through the device.
type table struct {
	rs     *firewall.Ruleset
	u      *universe
	path   path
	chains []int // that are asked, in order
	items  []decided
	mapped []mappedTo
	permit region // what comes through
	notes  []string
	// nat is the rule whose translations are followed, what other rules translate being
	// left out; noRule for none, allRules to see what each takes.
	nat int
}

// The places of rules that are none.
const (
	noRule   = -1
	allRules = -2
)

// mappedTo is what an element of a verdict map takes.
type mappedTo struct {
	rule, element int
	region        region
}

// path is a way that packets go through a device.
type path uint8

// The paths.
const (
	forwarded path = iota // from one interface to another
	received              // to the device itself
	sent                  // from the device itself
)

// asks reports whether packets of a path are judged at a hook.
func (p path) asks(h firewall.Hook) bool {
	switch p {
	case received:
		return h == firewall.Prerouting || h == firewall.Input
	case sent:
		return h == firewall.Output || h == firewall.Postrouting
	}
	return h == firewall.Inbound || h == firewall.Prerouting || h == firewall.Forward || h == firewall.Postrouting || h == firewall.Outbound
}

// maxDepth bounds how deep chains may call each other.
const maxDepth = 32

// compile works out what every filter rule of rs decides about the packets of start.
// Addresses are not translated.
func compile(rs *firewall.Ruleset, u *universe, p path, start region) *table {
	return (&table{rs: rs, u: u, path: p, chains: chainsOf(rs, p, false), nat: noRule}).run(start)
}

// compileNAT is compile for the packets of new connections whose destination one rule
// translates, or no rule (noRule).
func compileNAT(rs *firewall.Ruleset, u *universe, p path, start region, rule int) *table {
	t := (&table{rs: rs, u: u, path: p, chains: chainsOf(rs, p, true), nat: rule}).run(start)
	if rule != noRule {
		translated := u.everything()
		translated.sets[dimTranslated] = 1 << 1
		t.permit = t.permit.intersect(region{translated}, u.budget)
	}
	return t
}

func (t *table) run(start region) *table {
	for _, c := range t.chains {
		start = t.base(c, start)
	}
	t.permit = start
	return t
}

// chainsOf lists the base chains that packets of a path pass, in order; with those that
// translate the destination of what comes in, if they are wanted.
func chainsOf(rs *firewall.Ruleset, p path, translating bool) []int {
	var chains []int
	for i := range rs.Chains {
		c := &rs.Chains[i]
		if p.asks(c.Hook) && (c.Type != firewall.NATChain || translating && c.Hook == firewall.Prerouting) {
			chains = append(chains, i)
		}
	}
	sort.SliceStable(chains, func(a, b int) bool {
		x, y := &rs.Chains[chains[a]], &rs.Chains[chains[b]]
		if x.Hook != y.Hook {
			return x.Hook < y.Hook
		}
		return x.Priority < y.Priority
	})
	return chains
}

// base asks a base chain about packets and returns those that it lets on.
func (t *table) base(c int, in region) region {
	chain := &t.rs.Chains[c]
	asked, passed := t.split(chain, in)
	if chain.Type == firewall.NATChain {
		var others region
		asked, others = t.splitNew(asked)
		passed = append(passed, others...)
	}
	before := len(t.items)
	rest := t.walk(c, asked, 0)
	t.items = append(t.items, decided{rule: -1, chain: c, permits: chain.Policy.Kind == firewall.Accept, region: rest})
	for i := before; i < len(t.items); i++ {
		t.items[i].base = c
		if t.items[i].permits {
			passed = append(passed, t.items[i].region...)
		}
	}
	return passed
}

// split separates the packets that a chain is asked about from those that pass it by:
// another interface, another family.
func (t *table) split(chain *firewall.Chain, in region) (asked, passed region) {
	b := t.u.everything()
	if name := chain.Interface; name != "" {
		d := dimIn
		if chain.Hook == firewall.Outbound {
			d = dimOut
		}
		b.sets[d] = t.u.interfaceSet([]string{name})
	}
	if chain.Family == "ip" && t.u.family == IPv6 || chain.Family == "ip6" && t.u.family == IPv4 {
		return nil, in
	}
	return in.intersect(region{b}, t.u.budget), in.subtract(region{b}, t.u.budget)
}

// splitNew separates the packets that open a connection and are not translated yet: only
// they ask for a translation.
func (t *table) splitNew(in region) (opening, others region) {
	b := t.u.everything()
	b.sets[dimState], b.sets[dimTranslated] = uint64(firewall.StateNew)|1<<stateNone, 1
	return in.intersect(region{b}, t.u.budget), in.subtract(region{b}, t.u.budget)
}

// walk asks the rules of a chain and returns the packets that none of them decided.
func (t *table) walk(c int, in region, depth int) region {
	chain := &t.rs.Chains[c]
	var returned region
	for i := chain.First; i < chain.First+chain.Count && len(in) > 0; i++ {
		if t.u.budget.hit {
			return append(in, returned...)
		}
		r := &t.rs.Rules[i]
		var gone region
		in, gone = t.throughMap(i, in, depth)
		returned = append(returned, gone...)
		effect := translation(r)
		if r.Verdict.Kind == firewall.Continue && effect == nil {
			continue
		}
		holds := t.conditions(r)
		taken := in.intersect(holds, t.u.budget)
		if effect != nil {
			in = append(in.subtract(holds, t.u.budget), t.translated(i, effect, taken)...)
			continue
		}
		rest := in.subtract(holds, t.u.budget)
		var back region
		back, gone = t.verdict(i, r.Verdict, taken, depth)
		in = append(rest, back...)
		returned = append(returned, gone...)
	}
	return append(in, returned...)
}

// verdict records what a rule does with the packets it took. Back are those that the
// next rule is asked about, gone those that leave the chain undecided.
func (t *table) verdict(rule int, v firewall.Verdict, taken region, depth int) (back, gone region) {
	switch v.Kind {
	case firewall.Accept, firewall.Queue, firewall.Drop, firewall.Reject:
		permits := v.Kind == firewall.Accept || v.Kind == firewall.Queue
		t.items = append(t.items, decided{rule: rule, chain: t.rs.Rules[rule].Chain, permits: permits, region: taken})
		return nil, nil
	case firewall.Return:
		return nil, taken
	case firewall.Jump, firewall.Goto:
		if depth == maxDepth {
			t.note("chains call each other more than %d deep: the rest is not followed", maxDepth)
			return taken, nil
		}
		undecided := t.walk(v.Chain, taken, depth+1)
		if v.Kind == firewall.Goto {
			return nil, undecided
		}
		return undecided, nil
	}
	return taken, nil
}

// throughMap applies the verdict maps of a rule. Back are the packets that they leave to the
// rule and those after it, gone those that leave the chain undecided.
func (t *table) throughMap(rule int, in region, depth int) (back, gone region) {
	r := &t.rs.Rules[rule]
	for _, part := range r.Parts {
		e := part.Effect
		if e == nil || e.Kind != firewall.VerdictMap || e.Map == 0 {
			continue
		}
		conditions := t.conditions(r)
		holds := in.intersect(conditions, t.u.budget)
		rest := in.subtract(conditions, t.u.budget)
		elements := t.rs.Sets[e.Map-1].Elements
		for i := range elements {
			key, _ := t.u.inElement(t.rs, &elements[i], e.Key)
			taken := holds.intersect(key, t.u.budget)
			holds = holds.subtract(key, t.u.budget)
			t.mapped = append(t.mapped, mappedTo{rule, i, taken})
			passed, left := t.verdict(rule, elements[i].Verdict, taken, depth)
			rest, gone = append(rest, passed...), append(gone, left...)
		}
		in = append(rest, holds...)
	}
	return in, gone
}

// conditions returns the packets for which all conditions of a rule hold. What the
// universe does not know is counted as holding, and noted.
func (t *table) conditions(r *firewall.Rule) region {
	all := region{t.u.everything()}
	for _, part := range r.Parts {
		if part.Match == nil {
			continue
		}
		one, exact := t.u.matched(t.rs, part.Match)
		if !exact {
			t.note("line %d: `%s` is not looked at; it is counted as holding", r.Line, part.Match.Text)
		}
		all = all.intersect(one, t.u.budget)
	}
	return all
}

func (t *table) note(format string, arguments ...any) {
	note := fmt.Sprintf(format, arguments...)
	for _, n := range t.notes {
		if n == note {
			return
		}
	}
	t.notes = append(t.notes, note)
}

// answers are the ways in which rulesets reject packets.
func answers(rulesets ...*firewall.Ruleset) []firewall.RejectWith {
	var all []firewall.RejectWith
	for _, rs := range rulesets {
		for i := range rs.Rules {
			if v := rs.Rules[i].Verdict; v.Kind == firewall.Reject && !slices.Contains(all, v.With) {
				all = append(all, v.With)
			}
		}
	}
	return all
}

// rejected returns the packets that are rejected with an answer.
func (t *table) rejected(with firewall.RejectWith) region {
	var r region
	for _, item := range t.items {
		if item.rule < 0 {
			continue
		}
		if v := t.rs.Rules[item.rule].Verdict; v.Kind == firewall.Reject && v.With == with {
			r = append(r, item.region...)
		}
	}
	return r
}
