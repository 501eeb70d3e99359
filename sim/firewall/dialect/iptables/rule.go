package iptables

import (
	"reflect"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/netfilter"
	"ftplab/sim/firewall/dialect/internal/text"
)

// ruleBuilder makes one rule of a specification.
type ruleBuilder struct {
	*command
	table *table
	chain *chain
	rule  *rule
	// protocol is what -p requires, 0 is nothing; negated and anything alike.
	protocol uint64
}

// buildRule makes the rule that the command specifies.
func (c *command) buildRule(t *table, ch *chain) (*rule, *text.Problem) {
	r := &ruleBuilder{command: c, table: t, chain: ch, rule: &rule{}}
	r.rule.Line, r.rule.Column = c.parser.line, 1+text.Indent(c.line)
	r.rule.Text = strings.TrimSpace(c.line)
	r.rule.conntrack = t.name == "nat"
	// The kernel looks at these in this order, whatever their order in the text.
	for _, step := range [...]struct {
		option string
		build  func(use) *text.Problem
	}{
		{"source", r.source}, {"destination", r.destination}, {"in-interface", r.inInterface}, {"out-interface", r.outInterface},
		{"protocol", r.protocolOption}, {"fragment", r.fragment},
	} {
		if u, ok := c.spec.baseUse(step.option); ok {
			if problem := step.build(u); problem != nil {
				return nil, problem
			}
		}
	}
	for _, m := range c.spec.matches {
		if problem := r.match(m); problem != nil {
			return nil, problem
		}
	}
	return r.rule, r.target()
}

// condition adds a condition in the words of an option.
func (r *ruleBuilder) condition(u use, m firewall.Match) {
	m.Negate = m.Negate != u.negate
	m.Text, m.Column = u.text(), u.word.Column
	r.rule.Parts = append(r.rule.Parts, firewall.Part{Match: &m})
}

func (r *ruleBuilder) effect(e firewall.Effect) {
	r.rule.Parts = append(r.rule.Parts, firewall.Part{Effect: &e})
}

func (r *ruleBuilder) source(u use) *text.Problem {
	return r.addresses(u, firewall.SourceAddress)
}

func (r *ruleBuilder) destination(u use) *text.Problem {
	return r.addresses(u, firewall.DestinationAddress)
}

// addresses reads ADDRESS[/MASK][,...].
func (r *ruleBuilder) addresses(u use, field firewall.Field) *text.Problem {
	parts := splitList(u.args[0])
	if len(parts) > 1 && u.negate {
		return text.At(u.args[0], "! not allowed with multiple source or destination IP addresses")
	}
	var tests []firewall.AddressTest
	for _, w := range parts {
		t, problem := addressTest(w, r.family)
		if problem != nil {
			return problem
		}
		tests = append(tests, t)
	}
	r.condition(u, firewall.Match{Field: field, Addresses: tests})
	return nil
}

func (r *ruleBuilder) inInterface(u use) *text.Problem {
	if r.chain.hook == firewall.Output || r.chain.hook == firewall.Postrouting {
		return text.At(u.word, "Can't use -i with %s", r.chain.name).WithHint("a packet in this chain has only an interface it leaves through: -o")
	}
	return r.interfaces(u, firewall.InInterface)
}

func (r *ruleBuilder) outInterface(u use) *text.Problem {
	if r.chain.hook == firewall.Prerouting || r.chain.hook == firewall.Input {
		return text.At(u.word, "Can't use -o with %s", r.chain.name).WithHint("a packet in this chain has only an interface it came from: -i")
	}
	return r.interfaces(u, firewall.OutInterface)
}

func (r *ruleBuilder) interfaces(u use, field firewall.Field) *text.Problem {
	const longest = 15 // IFNAMSIZ - 1
	name := u.args[0]
	switch {
	case name.Text == "":
		return text.At(name, "Empty interface is likely to be undesired")
	case len(name.Text) > longest:
		return text.At(name, "interface name `%s' must be shorter than %d characters", name.Text, longest+1)
	}
	if strings.HasSuffix(name.Text, "*") {
		r.warn(name, "iptables takes * for a letter of the name: a prefix of names is written %s+", strings.TrimSuffix(name.Text, "*"))
	}
	pattern := name.Text
	if pattern == "+" && !u.negate {
		return nil // any interface: no condition, as iptables-save shows
	}
	if strings.HasSuffix(pattern, "*") {
		pattern = netfilter.LiteralName(pattern)
	}
	r.condition(u, firewall.Match{Field: field, Names: []string{pattern}})
	return nil
}

func (r *ruleBuilder) protocolOption(u use) *text.Problem {
	number, problem := protocolNumber(u.args[0])
	if problem != nil {
		return problem
	}
	if number == 0 { // all
		if u.negate {
			return text.At(u.args[0], "rule would never match protocol")
		}
		return nil
	}
	if !u.negate {
		r.protocol = number
	}
	r.condition(u, firewall.Match{Field: firewall.ProtocolField, Ranges: one(number)})
	return nil
}

// fragment reads -f: later fragments.
func (r *ruleBuilder) fragment(u use) *text.Problem {
	if r.family == "ip6" {
		return text.At(u.word, "unknown option \"%s\"", u.word.Text).WithHint("ip6tables has -m frag")
	}
	r.condition(u, firewall.Match{Field: firewall.Fragment, Ranges: one(2)})
	return nil
}

func one(n uint64) []firewall.Range { return []firewall.Range{{Low: n, High: n}} }

// sameRule reports whether two rules do the same, as -D compares them.
func sameRule(a, b *rule) bool {
	if a.target != b.target || a.Verdict != b.Verdict || a.Comment != b.Comment || len(a.Parts) != len(b.Parts) {
		return false
	}
	for i := range a.Parts {
		if !reflect.DeepEqual(withoutWords(a.Parts[i]), withoutWords(b.Parts[i])) {
			return false
		}
	}
	return true
}

// withoutWords is a part without how it was written.
func withoutWords(p firewall.Part) firewall.Part {
	if p.Match != nil {
		m := *p.Match
		if m.Field != firewall.Constant && m.Field != firewall.RateLimit {
			m.Text = ""
		}
		m.Column = 0
		p.Match = &m
	}
	return p
}
