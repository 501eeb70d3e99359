package iptables

import (
	"fmt"
	"sort"
	"strings"

	"ftplab/sim/firewall"
)

// Print writes a ruleset of any dialect in the form in which iptables-save prints,
// first what iptables-restore reads, then, if there is any, what ip6tables-restore
// does. What iptables cannot say is left out, and a comment in its place says so: see
// Inexpressible.
func Print(rs *firewall.Ruleset) string {
	p := newPrinter(rs)
	p.print()
	return p.out.String()
}

// Inexpressible returns what Print leaves out of a ruleset, each at its line in the
// ruleset's text: errors for what changes the meaning, warnings for what makes no
// difference here.
func Inexpressible(rs *firewall.Ruleset) []firewall.Diagnostic {
	p := newPrinter(rs)
	p.print()
	return p.left
}

// printer writes a ruleset.
type printer struct {
	rs   *firewall.Ruleset
	out  strings.Builder
	left []firewall.Diagnostic
}

// section is one family's part of the output.
type section struct {
	*printer
	family string
	tables []*printedTable
}

// printedTable is a table of the output.
type printedTable struct {
	name   string
	chains []*printedChain
	// calls are the chains that other chains call, by their place in the ruleset.
	calls map[int]*printedChain
	// helpers are the rules of CT --helper that came from later chains.
	helpers map[string][]string
}

// printedChain is a chain of the output: a built-in one or one of the user's.
type printedChain struct {
	name   string
	hook   firewall.Hook
	policy string
	source int // place in Ruleset.Chains, -1 if there is none
	lines  []string
}

func newPrinter(rs *firewall.Ruleset) *printer { return &printer{rs: rs} }

// cannot records what is left out, about a line of the ruleset's text.
func (p *printer) cannot(severity firewall.Severity, line int, format string, args ...any) {
	p.left = append(p.left, firewall.Diagnostic{Severity: severity, File: p.rs.File, Line: line, Column: 1, EndColumn: 1,
		Message: fmt.Sprintf(format, args...)})
}

func (p *printer) print() {
	for _, in := range p.rs.Inspections {
		p.cannot(firewall.Error, in.Line, "iptables has no inspection of sessions by interface: %s", in.Text)
		fmt.Fprintf(&p.out, "# left out: %s\n", oneLine(in.Text))
	}
	for _, family := range [...]string{"ip", "ip6"} {
		s := &section{printer: p, family: family}
		s.plan()
		if len(s.tables) > 0 {
			s.print()
		}
	}
}

// covers reports whether a chain's family has packets of the section's.
func (s *section) covers(c *firewall.Chain) bool {
	switch c.Family {
	case "inet":
		return true
	case "":
		return s.family == "ip"
	}
	return c.Family == s.family
}

// plan finds the tables and chains of the output. Chains of iptables stay where they
// are; the base chains of others go where their hook and priority are, and what they
// call goes with them.
func (s *section) plan() {
	for _, i := range s.byPriority() {
		c := &s.rs.Chains[i]
		if c.Hook == firewall.HookNone && s.rs.Dialect == "nft" {
			continue // what is called goes with its caller
		}
		name := c.Table
		switch {
		case s.isOwn(c):
		case c.Hook == firewall.HookNone:
			name = "filter" // a vendor's list that no interface has: a chain that nothing calls
		default:
			if name = s.tableFor(c); name == "" {
				s.cannot(firewall.Error, c.Line, "iptables has one chain for each table and hook: there is none left for %s", c.Name)
				continue
			}
			if s.crossesNAT(c, name) {
				s.cannot(firewall.Error, c.Line, "%s is asked on the other side of the translation of addresses than iptables' table %s", c.Name, name)
				continue
			}
		}
		t := s.table(name)
		switch {
		case c.Hook == firewall.HookNone:
			s.call(t, i)
		case c.Hook == firewall.Inbound || c.Hook == firewall.Outbound:
			s.planList(t, i)
		default:
			chain := t.builtin(c.Hook)
			chain.source = i
			if c.Policy.Kind == firewall.Drop {
				chain.policy = "DROP"
			}
		}
	}
	for _, t := range s.tables {
		for i := 0; i < len(t.chains); i++ { // grows as chains are called
			if t.chains[i].source >= 0 {
				s.chainLines(t, t.chains[i])
			}
		}
	}
	s.addHelpers()
}

// isOwn reports whether a chain is of iptables, so that it stays in its table.
func (s *section) isOwn(c *firewall.Chain) bool {
	_, known := builtins(c.Table)
	return known && s.rs.Dialect == Name
}

// byPriority returns the places of the section's chains, base chains in the order in
// which they are asked.
func (s *section) byPriority() []int {
	var places []int
	for i := range s.rs.Chains {
		if s.covers(&s.rs.Chains[i]) {
			places = append(places, i)
		}
	}
	if s.rs.Dialect != Name {
		sort.SliceStable(places, func(a, b int) bool { return s.rs.Chains[places[a]].Priority < s.rs.Chains[places[b]].Priority })
	}
	return places
}

// tableFor returns the table for a base chain: the one whose priority is nearest, or
// the next one that has no chain at its hook yet.
func (s *section) tableFor(c *firewall.Chain) string {
	const tracking = -200
	hook := c.Hook
	switch {
	case hook == firewall.Inbound || hook == firewall.Outbound:
		return "mangle"
	case c.Type == firewall.NATChain:
		return s.free(hook, "nat")
	case c.Priority <= tracking:
		return s.free(hook, "raw")
	case c.Priority < 0:
		return s.free(hook, "mangle", "filter", "security")
	case c.Priority < 50:
		return s.free(hook, "filter", "security", "mangle")
	}
	return s.free(hook, "security", "filter", "mangle")
}

// crossesNAT reports whether a chain would be asked before addresses are translated at its
// hook instead of after it, or the other way round, in a table.
func (s *section) crossesNAT(c *firewall.Chain, table string) bool {
	if c.Type == firewall.NATChain || c.Count == 0 && c.Policy.Kind != firewall.Drop {
		return false
	}
	chains, _ := builtins(table)
	for _, b := range chains {
		if b.hook == c.Hook && s.afterNAT(c.Hook, c.Priority) != s.afterNAT(c.Hook, b.priority) {
			return true
		}
	}
	return false
}

// afterNAT reports whether a priority comes after one at which addresses are translated.
func (s *section) afterNAT(hook firewall.Hook, priority int) bool {
	for i := range s.rs.Chains {
		c := &s.rs.Chains[i]
		if c.Type == firewall.NATChain && c.Hook == hook && c.Count > 0 && s.covers(c) && c.Priority < priority {
			return true
		}
	}
	return false
}

// free returns the first of the tables that has the hook and no rules at it yet.
func (s *section) free(hook firewall.Hook, tables ...string) string {
	for _, name := range tables {
		chains, _ := builtins(name)
		for _, b := range chains {
			if b.hook != hook {
				continue
			}
			taken := false
			for _, t := range s.tables {
				taken = taken || t.name == name && t.builtin(hook).source >= 0
			}
			if !taken {
				return name
			}
		}
	}
	return ""
}

// table returns a table of the output.
func (s *section) table(name string) *printedTable {
	for _, t := range s.tables {
		if t.name == name {
			return t
		}
	}
	t := &printedTable{name: name, calls: map[int]*printedChain{}, helpers: map[string][]string{}}
	chains, _ := builtins(name)
	for _, b := range chains {
		t.chains = append(t.chains, &printedChain{name: b.name, hook: b.hook, policy: "ACCEPT", source: -1})
	}
	s.tables = append(s.tables, t)
	return t
}

func (t *printedTable) builtin(hook firewall.Hook) *printedChain {
	for _, c := range t.chains {
		if c.hook == hook {
			return c
		}
	}
	return nil
}

// call returns the chain of the output for a chain that a rule calls.
func (s *section) call(t *printedTable, place int) *printedChain {
	if c := t.calls[place]; c != nil {
		return c
	}
	chain := &printedChain{name: t.uniqueName(s.rs.Chains[place].Name), policy: "-", source: place}
	t.calls[place] = chain
	t.chains = append(t.chains, chain)
	return chain
}

// uniqueName makes a name that iptables takes and no other chain has.
func (t *printedTable) uniqueName(name string) string {
	const longest = 28
	valid := []byte(name)
	for i, c := range valid {
		if !isChainByte(c) || i == 0 && (c == '-' || c == '!') {
			valid[i] = '_'
		}
	}
	if len(valid) > longest {
		valid = valid[:longest]
	}
	base := string(valid)
	if base == "" {
		base = "rules"
	}
	candidate := base
	for n := 2; t.has(candidate) || isTarget(candidate); n++ {
		suffix := fmt.Sprintf("_%d", n)
		candidate = base[:min(len(base), longest-len(suffix))] + suffix
	}
	return candidate
}

func (t *printedTable) has(name string) bool {
	for _, c := range t.chains {
		if c.name == name {
			return true
		}
	}
	return false
}

// planList calls a vendor's list where its interface is, and ends it with its policy.
func (s *section) planList(t *printedTable, place int) {
	c := &s.rs.Chains[place]
	hook, option := firewall.Prerouting, "-i "
	if c.Hook == firewall.Outbound {
		hook, option = firewall.Postrouting, "-o "
	}
	condition := ""
	if c.Interface != "" {
		if len(c.Interface) > maxInterfaceName {
			s.cannot(firewall.Error, c.Line, "the interface name %s is longer than Linux has them (%d)", c.Interface, maxInterfaceName)
		}
		condition = option + quoteWord(c.Interface) + " "
	}
	list := s.call(t, place)
	base := t.builtin(hook)
	base.lines = append(base.lines, condition+"-j "+quoteWord(list.name))
}

// maxInterfaceName is the longest name of an interface (IFNAMSIZ - 1).
const maxInterfaceName = 15

// chainLines writes the rules of a chain.
func (s *section) chainLines(t *printedTable, chain *printedChain) {
	c := &s.rs.Chains[chain.source]
	for i := c.First; i < c.First+c.Count; i++ {
		s.ruleLines(t, chain, c, &s.rs.Rules[i])
	}
	if (c.Hook == firewall.Inbound || c.Hook == firewall.Outbound) && !s.decidesAll(c) {
		target := "ACCEPT"
		if c.Policy.Kind == firewall.Drop {
			target = "DROP"
		}
		chain.lines = append(chain.lines, "-j "+target)
	}
}

// decidesAll reports whether the last rule of a list decides about every packet, so that
// its policy decides about none.
func (s *section) decidesAll(c *firewall.Chain) bool {
	if c.Count == 0 {
		return false
	}
	last := &s.rs.Rules[c.First+c.Count-1]
	return len(last.Parts) == 0 && (last.Verdict.Kind == firewall.Accept || last.Verdict.Kind == firewall.Drop)
}

// addHelpers puts the rules that choose helpers, which came from chains after
// connection tracking, into the table raw.
func (s *section) addHelpers() {
	for _, t := range s.tables {
		for _, hook := range [...]string{"PREROUTING", "OUTPUT"} {
			lines := t.helpers[hook]
			if len(lines) == 0 {
				continue
			}
			for _, c := range s.table("raw").chains {
				if c.name == hook {
					c.lines = append(c.lines, lines...)
				}
			}
		}
	}
}

// print writes the section.
func (s *section) print() {
	program := "iptables"
	if s.family == "ip6" {
		program = "ip6tables"
	}
	fmt.Fprintf(&s.out, "# Generated by %s-save\n", program)
	for _, t := range s.tables {
		fmt.Fprintf(&s.out, "*%s\n", t.name)
		for _, c := range t.chains {
			fmt.Fprintf(&s.out, ":%s %s [0:0]\n", c.name, c.policy)
		}
		for _, c := range t.chains {
			for _, line := range c.lines {
				switch {
				case strings.HasPrefix(line, "#"):
					s.out.WriteString(line + "\n")
				case line == "":
					fmt.Fprintf(&s.out, "-A %s\n", quoteWord(c.name))
				default:
					fmt.Fprintf(&s.out, "-A %s %s\n", quoteWord(c.name), line)
				}
			}
		}
		s.out.WriteString("COMMIT\n")
	}
}

// oneLine makes text fit a comment.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
