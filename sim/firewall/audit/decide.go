package audit

import (
	"fmt"
	"sort"

	"ftplab/sim/firewall"
)

// decided is what one rule, or one chain's policy, decides: which packets, and how.
type decided struct {
	rule    int // place in Ruleset.Rules, -1 for a policy
	chain   int
	permits bool
	region  region
}

// table is a ruleset as regions: what every rule and policy decides about packets that
// are to be forwarded.
type table struct {
	rs     *firewall.Ruleset
	u      *universe
	items  []decided
	permit region // what comes through
	notes  []string
}

// maxDepth bounds how deep chains may call each other.
const maxDepth = 32

// compile works out what every rule of rs decides about the packets of start.
func compile(rs *firewall.Ruleset, u *universe, start region) *table {
	t := &table{rs: rs, u: u}
	for _, c := range pathOf(rs) {
		start = t.base(c, start)
	}
	t.permit = start
	return t
}

// pathOf lists the base chains that a forwarded packet passes, in order.
func pathOf(rs *firewall.Ruleset) []int {
	var chains []int
	for i := range rs.Chains {
		switch c := &rs.Chains[i]; {
		case c.Type == firewall.NATChain:
		case c.Hook == firewall.Inbound, c.Hook == firewall.Prerouting, c.Hook == firewall.Forward,
			c.Hook == firewall.Postrouting, c.Hook == firewall.Outbound:
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
	before := len(t.items)
	rest := t.walk(c, asked, 0)
	t.items = append(t.items, decided{rule: -1, chain: c, permits: chain.Policy.Kind == firewall.Accept, region: rest})
	for i := before; i < len(t.items); i++ {
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
		in, gone = t.mapped(i, in, depth)
		returned = append(returned, gone...)
		if r.Verdict.Kind == firewall.Continue {
			continue
		}
		holds := t.conditions(r)
		taken := in.intersect(holds, t.u.budget)
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

// mapped applies the verdict maps of a rule. Back are the packets that they leave to the
// rule and those after it, gone those that leave the chain undecided.
func (t *table) mapped(rule int, in region, depth int) (back, gone region) {
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
