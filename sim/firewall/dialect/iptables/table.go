package iptables

import (
	"fmt"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/text"
)

// table is one of the tables of netfilter for one family.
type table struct {
	name, family string
	chains       []*chain
	byName       map[string]*chain
}

// chain is a built-in chain or one of the user's.
type chain struct {
	name       string
	line       int // of its declaration, 0 if it has none
	hook       firewall.Hook
	typ        firewall.ChainType
	priority   int
	policy     firewall.VerdictKind
	policyLine int
	// rules are the rules but those that were inserted at the front since they were
	// last put in order; inserted holds these, the first one last.
	rules, inserted []*rule
	references      int // rules that jump or go to the chain
	place           int // in Ruleset.Chains
}

// ordered returns the chain's rules in their order.
func (c *chain) ordered() []*rule {
	if len(c.inserted) > 0 {
		all := make([]*rule, 0, len(c.inserted)+len(c.rules))
		for i := len(c.inserted) - 1; i >= 0; i-- {
			all = append(all, c.inserted[i])
		}
		c.rules, c.inserted = append(all, c.rules...), nil
	}
	return c.rules
}

// insert puts a rule at a place, 0 is the first.
func (c *chain) insert(at int, r *rule) {
	if r.target != nil {
		r.target.references++
	}
	if at == 0 {
		c.inserted = append(c.inserted, r)
		return
	}
	rules := append(c.ordered(), nil)
	copy(rules[at+1:], rules[at:])
	rules[at] = r
	c.rules = rules
}

// delete takes the rule at a place out.
func (c *chain) delete(at int) {
	rules := c.ordered()
	if target := rules[at].target; target != nil {
		target.references--
	}
	c.rules = append(rules[:at], rules[at+1:]...)
}

// flush takes all rules out.
func (c *chain) flush() {
	for _, r := range c.ordered() {
		if r.target != nil {
			r.target.references--
		}
	}
	c.rules = nil
}

// rule is a rule whose verdict may name a chain that has no place yet.
type rule struct {
	firewall.Rule
	target    *chain
	conntrack bool // it needs connection tracking
}

// builtin is a built-in chain: where netfilter calls it.
type builtin struct {
	name     string
	hook     firewall.Hook
	priority int
}

// builtins returns the built-in chains of a table, false if there is no such table.
// The priorities are netfilter's (linux/netfilter_ipv4.h).
func builtins(name string) ([]builtin, bool) {
	const rawPriority, mangle, dstnat, security, srcnat = -300, -150, -100, 50, 100
	switch name {
	case "raw":
		return []builtin{{"PREROUTING", firewall.Prerouting, rawPriority}, {"OUTPUT", firewall.Output, rawPriority}}, true
	case "mangle":
		return []builtin{{"PREROUTING", firewall.Prerouting, mangle}, {"INPUT", firewall.Input, mangle}, {"FORWARD", firewall.Forward, mangle},
			{"OUTPUT", firewall.Output, mangle}, {"POSTROUTING", firewall.Postrouting, mangle}}, true
	case "nat":
		return []builtin{{"PREROUTING", firewall.Prerouting, dstnat}, {"INPUT", firewall.Input, srcnat}, {"OUTPUT", firewall.Output, dstnat},
			{"POSTROUTING", firewall.Postrouting, srcnat}}, true
	case "filter":
		return []builtin{{"INPUT", firewall.Input, 0}, {"FORWARD", firewall.Forward, 0}, {"OUTPUT", firewall.Output, 0}}, true
	case "security":
		return []builtin{{"INPUT", firewall.Input, security}, {"FORWARD", firewall.Forward, security}, {"OUTPUT", firewall.Output, security}}, true
	}
	return nil, false
}

// newTable makes a table with its built-in chains.
func newTable(name text.Word, family string) (*table, *text.Problem) {
	chains, ok := builtins(name.Text)
	if !ok {
		p := text.At(name, "can't initialize iptables table `%s': Table does not exist", name.Text)
		if near := text.Suggest(name.Text, []string{"filter", "nat", "mangle", "raw", "security"}); near != "" {
			return nil, p.WithHint("did you mean %s?", near)
		}
		return nil, p.WithHint("the tables are filter, nat, mangle, raw and security")
	}
	t := &table{name: name.Text, family: family, byName: map[string]*chain{}}
	for _, b := range chains {
		c := t.add(b.name)
		c.hook, c.priority, c.policy = b.hook, b.priority, firewall.Accept
		switch {
		case t.name == "nat":
			c.typ = firewall.NATChain
		case t.name == "mangle" && b.hook == firewall.Output:
			c.typ = firewall.RouteChain
		}
	}
	return t, nil
}

func (t *table) chain(name string) *chain { return t.byName[name] }

func (t *table) add(name string) *chain {
	c := &chain{name: name}
	t.chains = append(t.chains, c)
	t.byName[name] = c
	return c
}

func (t *table) chainNames() []string {
	var names []string
	for _, c := range t.chains {
		names = append(names, c.name)
	}
	return names
}

// remove takes chains out of the table.
func (t *table) remove(gone func(*chain) bool) {
	kept := make([]*chain, 0, len(t.chains))
	for _, c := range t.chains {
		if gone(c) {
			delete(t.byName, c.name)
		} else {
			kept = append(kept, c)
		}
	}
	t.chains = kept
}

// tableNamed returns a table, which is made when it is named first.
func (p *parser) tableNamed(name text.Word, family string) (*table, *text.Problem) {
	for _, t := range p.tables {
		if t.name == name.Text && t.family == family {
			return t, nil
		}
	}
	t, problem := newTable(name, family)
	if problem == nil {
		p.tables = append(p.tables, t)
	}
	return t, problem
}

func checkChainName(w text.Word) *text.Problem {
	const longest = 28
	switch {
	case w.Text == "":
		return text.At(w, "the name of a chain is missing")
	case len(w.Text) > longest:
		return text.At(w, "chain name `%s' too long (must be under %d chars)", w.Text, longest+1)
	case w.Text[0] == '-' || w.Text[0] == '!':
		return text.At(w, "chain name may not start with `%c'", w.Text[0])
	case strings.IndexFunc(w.Text, func(r rune) bool { return r < 0x80 && !isChainByte(byte(r)) }) >= 0:
		return text.At(w, "chain name may not contain blanks, quotes or control characters")
	case isTarget(w.Text):
		return text.At(w, "chain name may not clash with target name").WithHint("%s is a target: choose another name", w.Text)
	}
	return nil
}

// isChainByte reports whether an octet may stand in the name of a chain.
func isChainByte(c byte) bool {
	return c > ' ' && c != '"' && c != '\'' && c != '\\' && c != 0x7f
}

// ruleset makes the ruleset of the tables.
func (p *parser) ruleset() *firewall.Ruleset {
	rs := &firewall.Ruleset{Dialect: Name}
	for _, t := range p.tables {
		for _, c := range t.chains {
			c.place = len(rs.Chains)
			out := firewall.Chain{Table: t.name, Family: t.family, Name: c.name, Line: c.line, Hook: c.hook, Type: c.typ, Priority: c.priority,
				PolicyLine: c.policyLine}
			if c.hook != firewall.HookNone {
				out.Policy = firewall.Verdict{Kind: c.policy}
				out.PolicyText = "policy ACCEPT"
				if c.policy == firewall.Drop {
					out.PolicyText = "policy DROP"
				}
			}
			rs.Chains = append(rs.Chains, out)
		}
	}
	for _, t := range p.tables {
		for _, c := range t.chains {
			rules := c.ordered()
			rs.Chains[c.place].First, rs.Chains[c.place].Count = len(rs.Rules), len(rules)
			for i, r := range rules {
				r.Chain, r.ID = c.place, fmt.Sprint(i+1)
				if r.target != nil {
					r.Verdict.Chain = r.target.place
				}
				rs.UsesConntrack = rs.UsesConntrack || r.conntrack
				rs.Rules = append(rs.Rules, r.Rule)
			}
		}
	}
	return rs
}
