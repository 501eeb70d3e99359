package nft

import (
	"fmt"
	"strings"

	"ftplab/sim/firewall"
)

// emit makes the ruleset of the tables: named sets first, so that rules can refer to
// them, then chains, then their rules. Chains in braces come after all others.
func (b *builder) emit() {
	var work []*chain
	for _, t := range b.tables {
		for _, ch := range t.chains {
			ch.place = len(work)
			work = append(work, ch)
			b.rs.Chains = append(b.rs.Chains, b.chain(ch))
		}
		for _, h := range t.helpers {
			b.rs.Helpers = append(b.rs.Helpers, firewall.HelperObject{Table: t.name, Name: h.name, Kind: h.decl.kind, Line: h.line})
		}
		for _, s := range t.sets {
			s.place = len(b.rs.Sets)
			b.rs.Sets = append(b.rs.Sets, firewall.Set{Name: s.name, Table: t.name, Line: s.line, Declaration: b.declaration(s)})
		}
	}
	for _, t := range b.tables {
		for _, s := range t.sets {
			b.fillSet(s)
		}
	}
	for i := 0; i < len(work); i++ {
		b.rs.Chains[i].First = len(b.rs.Rules)
		for _, decl := range work[i].ordered() {
			if b.full() {
				return
			}
			r := newRule(b, work[i], decl)
			for _, inner := range r.run() {
				inner.place = len(work)
				work = append(work, inner)
				b.rs.Chains = append(b.rs.Chains, b.chain(inner))
			}
			b.rs.Rules = append(b.rs.Rules, r.rule)
		}
		b.rs.Chains[i].Count = len(b.rs.Rules) - b.rs.Chains[i].First
	}
	b.checkLoops()
}

// chain makes a chain, without its rules.
func (b *builder) chain(ch *chain) firewall.Chain {
	out := firewall.Chain{Table: ch.table.name, Family: ch.table.family, Name: ch.name, Line: ch.line}
	d := &ch.decl
	if !d.base {
		return out
	}
	out.Priority = d.priority
	out.Policy = firewall.Verdict{Kind: firewall.Accept}
	if d.policy == "drop" {
		out.Policy.Kind = firewall.Drop
	}
	out.PolicyText = "policy accept"
	if d.policy != "" {
		out.PolicyText = "policy " + d.policy
	}
	out.PolicyLine = ch.policy
	switch d.typ {
	case "nat":
		out.Type = firewall.NATChain
	case "route":
		out.Type = firewall.RouteChain
	}
	if f := ch.table.family; f != "ip" && f != "ip6" && f != "inet" {
		return out
	}
	out.Hook = hookOf(d.hook)
	if out.Hook == firewall.HookNone {
		b.warn(d.hookAt, "", "the hook %s is not modelled: no packet passes this chain", d.hook)
	}
	return out
}

// hookOf returns the hook with this name, HookNone for those that are not modelled.
func hookOf(name string) firewall.Hook {
	switch name {
	case "prerouting":
		return firewall.Prerouting
	case "input":
		return firewall.Input
	case "forward":
		return firewall.Forward
	case "output":
		return firewall.Output
	case "postrouting":
		return firewall.Postrouting
	}
	return firewall.HookNone
}

// source returns the text of a place on one line: with what a backslash, a line end
// or a comment adds left out.
func (b *builder) source(at place) string {
	s := b.text[at.from:max(at.from, at.to)]
	if !strings.ContainsAny(s, "\n\t") {
		return s
	}
	var words []string
	for _, line := range strings.Split(s, "\n") {
		line = strings.TrimSuffix(strings.TrimRight(line, " \t\r"), "\\")
		words = append(words, strings.Fields(withoutComment(line))...)
	}
	return strings.Join(words, " ")
}

// withoutComment cuts a comment off a line.
func withoutComment(line string) string {
	quoted := false
	for i := 0; i < len(line); i++ {
		switch {
		case line[i] == '"':
			quoted = !quoted
		case line[i] == '#' && !quoted:
			return line[:i]
		}
	}
	return line
}

// checkLoops refuses chains that call themselves, and calls that are nested deeper
// than the kernel follows.
func (b *builder) checkLoops() {
	const deepest = 16 // NFT_JUMP_STACK_SIZE
	depth := make([]int, len(b.rs.Chains))
	for i := range b.rs.Chains {
		if b.callDepth(i, depth, 0) > deepest {
			c := &b.rs.Chains[i]
			at := b.lineSpan(c.Line)
			b.fail(at, fmt.Sprintf("jump and goto may be nested %d deep and not in a circle", deepest), kernelError+"Too many levels of symbolic links")
			return
		}
	}
}

// callDepth returns how deep the calls of a chain are nested; known holds 1 + the
// depth of chains that were seen, -1 for those on the way.
func (b *builder) callDepth(chain int, known []int, nested int) int {
	const circle = 1 << 20
	if known[chain] < 0 || nested > maxDepth {
		return circle
	}
	if known[chain] > 0 {
		return known[chain] - 1
	}
	known[chain] = -1
	deepest := 0
	for _, next := range b.calls(chain) {
		deepest = max(deepest, 1+b.callDepth(next, known, nested+1))
	}
	known[chain] = deepest + 1
	return deepest
}

// calls returns the chains that a chain's rules jump or go to.
func (b *builder) calls(chain int) []int {
	var targets []int
	add := func(v firewall.Verdict) {
		if v.Kind == firewall.Jump || v.Kind == firewall.Goto {
			targets = append(targets, v.Chain)
		}
	}
	c := &b.rs.Chains[chain]
	for _, r := range b.rs.Rules[c.First : c.First+c.Count] {
		add(r.Verdict)
		for _, part := range r.Parts {
			if part.Effect != nil && part.Effect.Kind == firewall.VerdictMap {
				for _, e := range b.rs.Sets[part.Effect.Map-1].Elements {
					add(e.Verdict)
				}
			}
		}
	}
	return targets
}

// lineSpan returns the place of a line, of the first one if it has none.
func (b *builder) lineSpan(line int) place {
	from := b.lines.starts[max(line, 1)-1]
	end := strings.IndexByte(b.text[from:], '\n')
	if end < 0 {
		end = len(b.text) - from
	}
	return place{from, from + end}
}
