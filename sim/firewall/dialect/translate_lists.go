package dialect

import (
	"slices"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/acl"
)

// toLists prepares a ruleset that says in forward chains what may pass (netfilter, ISA
// Server) for a vendor's lists: rules about connection states become inspection, and
// the chain becomes an inbound list of each interface. ISA Server keeps the one list.
func (t *translation) toLists() error {
	if err := t.inlineCalls(); err != nil {
		return err
	}
	f := &forwarding{translation: t}
	for i := range t.rs.Chains {
		if err := f.chain(i); err != nil {
			return err
		}
	}
	return f.finish()
}

// inlineCalls replaces every jump to a chain by the rules of that chain, under the
// jump's conditions, and drops the chains that are only jumped to.
func (t *translation) inlineCalls() error {
	t.copyRuleset()
	var rules []firewall.Rule
	var chains []firewall.Chain
	called := map[int]bool{}
	for _, r := range t.rs.Rules {
		if r.Verdict.Kind == firewall.Jump || r.Verdict.Kind == firewall.Goto {
			called[r.Verdict.Chain] = true
		}
	}
	for i, c := range t.rs.Chains {
		if c.Hook == firewall.HookNone && called[i] {
			continue
		}
		if c.Hook == firewall.HookNone && isLinux(t.rs.Dialect) {
			continue // nothing reaches it
		}
		first := len(rules)
		var err error
		if rules, err = t.inline(rules, i, nil, 0); err != nil {
			return err
		}
		c.First, c.Count = first, len(rules)-first
		for k := first; k < len(rules); k++ {
			rules[k].Chain = len(chains)
		}
		chains = append(chains, c)
	}
	t.rs.Rules, t.rs.Chains = rules, chains
	return nil
}

func (t *translation) inline(rules []firewall.Rule, chain int, conditions []firewall.Part, depth int) ([]firewall.Rule, error) {
	const deepest = 16
	c := &t.rs.Chains[chain]
	for i := c.First; i < c.First+c.Count; i++ {
		r := t.rs.Rules[i]
		r.Parts = slices.Concat(conditions, r.Parts)
		switch kind := r.Verdict.Kind; {
		case kind == firewall.Goto, kind == firewall.Return:
			return nil, t.cannot(&t.rs.Rules[i], "a list does not go back or elsewhere")
		case kind == firewall.Queue:
			return nil, t.cannot(&t.rs.Rules[i], "a list does not hand packets to programs")
		case kind == firewall.Jump && depth == deepest:
			return nil, t.cannot(&t.rs.Rules[i], "chains call each other more than %d deep", deepest)
		case kind == firewall.Jump:
			var err error
			if rules, err = t.inline(rules, r.Verdict.Chain, r.Parts, depth+1); err != nil {
				return nil, err
			}
			continue
		}
		if len(rules) >= acl.MaxRules {
			return nil, t.cannot(&t.rs.Rules[i], "its list takes more than %d rules", acl.MaxRules)
		}
		rules = append(rules, r)
	}
	return rules, nil
}

// forwarding is what a ruleset's forward chains say, on the way to lists.
type forwarding struct {
	*translation
	forward  []forwardChain
	tracked  bool // answers to permitted connections pass
	related  bool // and what belongs to them
	helper   bool // FTP control connections are read
	ports    []uint16
	names    []string // of interfaces, in the order of the text
	readOnly bool
	aboutNew *firewall.Rule   // the first rule about new connections alone
	made     firewall.Ruleset // the vendor's
}

// forwardChain is a forward chain with the rules that are left for a list.
type forwardChain struct {
	chain firewall.Chain
	rules []firewall.Rule
}

// chain sorts a chain by what it is for.
func (f *forwarding) chain(place int) error {
	c := f.rs.Chains[place]
	rules := f.rs.Rules[c.First : c.First+c.Count]
	switch {
	case c.Type == firewall.NATChain:
		if len(rules) > 0 {
			return f.cannot(&rules[0], "address translation is not modelled for %s", f.to)
		}
		return nil
	case c.Hook == firewall.Input, c.Hook == firewall.Output:
		if len(rules) > 0 || c.Policy.Kind == firewall.Drop {
			f.note("the chain %s is about packets of the firewall itself: it is left out", c.Name)
		}
		return nil
	case c.Hook != firewall.Forward:
		return f.before(rules)
	}
	for _, other := range f.forward {
		if other.chain.Family == c.Family || other.chain.Family == "inet" || c.Family == "inet" {
			if len(rules) == 0 && c.Policy.Kind == firewall.Accept {
				return nil
			}
			return f.cannot(firstOf(rules), "two chains are asked about what passes, and both must accept")
		}
	}
	one := forwardChain{chain: c}
	for i := range rules {
		keep, err := f.state(&rules[i])
		if err != nil {
			return err
		}
		if keep != nil {
			one.rules = append(one.rules, *keep)
			f.nameInterfaces(keep)
		}
	}
	f.forward = append(f.forward, one)
	return nil
}

func firstOf(rules []firewall.Rule) *firewall.Rule {
	if len(rules) == 0 {
		return nil
	}
	return &rules[0]
}

// before reads a chain that is asked before or after routing: it may choose helpers,
// count and log.
func (f *forwarding) before(rules []firewall.Rule) error {
	for i := range rules {
		r := &rules[i]
		for _, p := range r.Parts {
			if p.Effect != nil && p.Effect.Kind == firewall.SetHelper && p.Effect.Text == "ftp" {
				f.helper = true
				f.controlPorts(r)
			} else if p.Effect != nil && p.Effect.Kind != firewall.Count && p.Effect.Kind != firewall.Log {
				return f.cannot(r, "a list does not steer connection tracking")
			}
		}
		if k := r.Verdict.Kind; k == firewall.Drop || k == firewall.Reject {
			return f.cannot(r, "it is asked before or after routing, apart from what may pass")
		}
	}
	return nil
}

// controlPorts notes the ports whose connections a rule gives the FTP helper.
func (f *forwarding) controlPorts(r *firewall.Rule) {
	for _, p := range r.Parts {
		if p.Match == nil || p.Match.Field != firewall.DestinationPort {
			continue
		}
		for _, n := range p.Match.Ranges {
			if n.Low == n.High && !slices.Contains(f.ports, uint16(n.Low)) {
				f.ports = append(f.ports, uint16(n.Low))
			}
		}
	}
}

// state takes the condition on the connection's state out of a rule: nil if nothing of
// the rule is left, because inspection says it.
func (f *forwarding) state(r *firewall.Rule) (*firewall.Rule, error) {
	kept := *r
	kept.Parts = nil
	mask, asked, narrowed := uint32(0), false, false
	for _, p := range r.Parts {
		switch {
		case p.Effect != nil && p.Effect.Kind == firewall.SetHelper && p.Effect.Text == "ftp":
			f.helper = true
			f.controlPorts(r)
		case p.Match == nil:
			kept.Parts = append(kept.Parts, p)
		case p.Match.Field == firewall.State:
			if p.Match.Negate || asked {
				return nil, f.cannot(r, "a list does not know the connection's state")
			}
			mask, asked = p.Match.Mask, true
		case p.Match.Field == firewall.HelperField && !p.Match.Negate:
			narrowed = true
		default:
			kept.Parts = append(kept.Parts, p)
		}
	}
	answers := uint32(firewall.StateEstablished | firewall.StateRelated)
	switch {
	case !asked && !narrowed:
		if kept.Verdict.Kind == firewall.Continue {
			return nil, nil
		}
		return &kept, nil
	case mask&^answers == 0 && mask != 0 && r.Verdict.Kind == firewall.Accept:
		if conditions(kept.Parts) > 0 && !narrowed {
			return nil, f.cannot(r, "answers to connections pass altogether or not at all")
		}
		f.tracked = f.tracked || mask&uint32(firewall.StateEstablished) != 0
		f.related = f.related || mask&uint32(firewall.StateRelated) != 0
		return nil, nil
	case narrowed:
		return nil, f.cannot(r, "a list does not know the connection's helper")
	case mask&uint32(firewall.StateNew) != 0 && mask&uint32(firewall.StateInvalid) == 0:
		if f.aboutNew == nil {
			f.aboutNew = r
		}
		f.noteInvalid()
		return &kept, nil
	case mask == uint32(firewall.StateInvalid) && r.Verdict.Kind == firewall.Drop:
		f.noteInvalid()
		return nil, nil
	}
	return nil, f.cannot(r, "a list does not know the connection's state")
}

func (f *forwarding) noteInvalid() {
	f.note("packets of no valid connection (ct state invalid) are judged by the list like any other")
}

// conditions counts the conditions among parts.
func conditions(parts []firewall.Part) int {
	n := 0
	for _, p := range parts {
		if p.Match != nil {
			n++
		}
	}
	return n
}

func (f *forwarding) nameInterfaces(r *firewall.Rule) {
	for _, p := range r.Parts {
		if p.Match == nil || p.Match.Field != firewall.InInterface && p.Match.Field != firewall.OutInterface {
			continue
		}
		for _, name := range p.Match.Names {
			if !slices.Contains(f.names, name) {
				f.names = append(f.names, name)
			}
		}
	}
}
