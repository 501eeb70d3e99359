package iptables

import (
	"fmt"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/text"
)

// run does what the command says.
func (c *command) run() *text.Problem {
	switch c.verb {
	case "skip":
		return nil
	case "check", "list", "list-rules", "zero":
		c.warn(c.verbWord, "%s only shows or tests something and changes no rule: left out", c.verbWord.Text)
		return nil
	}
	t, problem := c.tableNamed(c.table, c.family)
	if problem != nil {
		return problem
	}
	switch c.verb {
	case "new-chain", "delete-chain", "flush", "policy", "rename-chain":
		return c.runOnChain(t)
	}
	ch, problem := c.chainIn(t)
	if problem != nil {
		return problem
	}
	if c.verb == "delete" && c.number > 0 {
		if c.number > len(ch.ordered()) {
			return text.At(c.chain, "Index of deletion too big").WithHint("the chain has %d rules", len(ch.rules))
		}
		ch.delete(c.number - 1)
		return nil
	}
	r, problem := c.buildRule(t, ch)
	if problem != nil {
		return problem
	}
	return c.place(ch, r)
}

// place puts a rule where the command says, or takes it out.
func (c *command) place(ch *chain, r *rule) *text.Problem {
	switch c.verb {
	case "append":
		if r.target != nil {
			r.target.references++
		}
		ch.rules = append(ch.rules, r)
	case "insert":
		at := max(c.number, 1) - 1
		if at > len(ch.rules)+len(ch.inserted) {
			return text.At(c.chain, "Index of insertion too big").WithHint("the chain has %d rules", len(ch.ordered()))
		}
		ch.insert(at, r)
	case "replace":
		if c.number == 0 || c.number > len(ch.ordered()) {
			return text.At(c.chain, "Index of replacement too big").WithHint("the chain has %d rules", len(ch.rules))
		}
		ch.delete(c.number - 1)
		ch.insert(c.number-1, r)
	case "delete":
		for i, known := range ch.ordered() {
			if sameRule(known, r) {
				ch.delete(i)
				return nil
			}
		}
		return text.At(c.verbWord, "Bad rule (does a matching rule exist in that chain?)")
	}
	return nil
}

// runOnChain does what is done with chains.
func (c *command) runOnChain(t *table) *text.Problem {
	if c.verb == "new-chain" {
		if problem := checkChainName(c.chain); problem != nil {
			return problem
		}
		if t.chain(c.chain.Text) != nil {
			return text.At(c.chain, "Chain already exists")
		}
		t.add(c.chain.Text).line = c.parser.line
		return nil
	}
	if c.chain.Text == "" { // all chains
		if c.verb == "flush" {
			for _, ch := range t.chains {
				ch.flush()
			}
			return nil
		}
		t.remove(func(ch *chain) bool {
			return ch.hook == firewall.HookNone && len(ch.ordered()) == 0 && ch.references == 0
		})
		return nil
	}
	ch, problem := c.chainIn(t)
	if problem != nil {
		return problem
	}
	switch c.verb {
	case "flush":
		ch.flush()
	case "delete-chain":
		switch {
		case ch.hook != firewall.HookNone || len(ch.ordered()) > 0:
			return text.At(c.chain, "CHAIN_DEL failed (Device or resource busy): chain %s", c.chain.Text).WithHint("a built-in chain stays, and another must be empty: flush it before with -F")
		case ch.references > 0:
			return text.At(c.chain, "CHAIN_DEL failed (Device or resource busy): chain %s", c.chain.Text).WithHint("a rule jumps to it")
		}
		t.remove(func(other *chain) bool { return other == ch })
	case "policy":
		if ch.hook == firewall.HookNone {
			return text.At(c.chain, "Bad built-in chain name").WithHint("only a built-in chain has a policy")
		}
		c.setPolicy(ch, c.operand)
	case "rename-chain":
		if problem := checkChainName(c.operand); problem != nil {
			return problem
		}
		if t.chain(c.operand.Text) != nil {
			return text.At(c.operand, "Chain already exists")
		}
		delete(t.byName, ch.name)
		ch.name = c.operand.Text
		t.byName[ch.name] = ch
	}
	return nil
}

func (c *command) chainIn(t *table) (*chain, *text.Problem) {
	if ch := t.chain(c.chain.Text); ch != nil {
		return ch, nil
	}
	p := text.At(c.chain, "No chain/target/match by that name: chain %s of table %s", c.chain.Text, t.name)
	if near := text.Suggest(c.chain.Text, t.chainNames()); near != "" {
		return nil, p.WithHint("did you mean %s?", near)
	}
	return nil, p.WithHint("%s", fmt.Sprintf("make it before with -N %s, or name another table with -t", c.chain.Text))
}
