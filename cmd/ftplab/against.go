package main

import (
	"bufio"
	"fmt"
	"slices"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/audit"
	"ftplab/sim/firewall/dialect"
	"ftplab/sim/narrate"
)

// auditDifference is what `rules audit --against` found: the first packet that two files
// of rules treat differently, run through both.
type auditDifference struct {
	File    string `json:"file"`
	Differs bool   `json:"differs"`
	// After are the packets that went before, through the same firewall.
	After      []string           `json:"after,omitempty"`
	Packet     string             `json:"packet,omitempty"`
	In         string             `json:"in,omitempty"`
	Out        string             `json:"out,omitempty"`
	Sides      []auditedJudgement `json:"verdicts,omitempty"` // of FILE, then of the other
	Notes      []string           `json:"notes,omitempty"`
	Incomplete bool               `json:"incomplete"`
}

// auditedJudgement is what one file of rules does with the packet, and why.
type auditedJudgement struct {
	File    string        `json:"file"`
	Verdict string        `json:"verdict"`
	By      string        `json:"by"`
	State   *string       `json:"state"` // null where no connection is tracked
	Missed  []auditedMiss `json:"missed"`
	// Leaves are the addresses and ports with which it leaves, if they are not its own.
	Leaves string `json:"leaves,omitempty"`
}

// auditedMiss is a rule that was looked at in vain, and the field that missed.
type auditedMiss struct {
	Line  int    `json:"line"`
	Text  string `json:"text"`
	Field string `json:"field"`
	Why   string `json:"why"`
}

// bindBoth gives lists that are applied to nothing a place where the other ruleset has
// rules, so that the two can be compared: the interface that it names, or, where it is
// asked about all that is forwarded, there.
func bindBoth(a, b *firewall.Ruleset) (*firewall.Ruleset, *firewall.Ruleset) {
	name, hook := dialect.FreeInterface, firewall.Inbound
	for _, rules := range []*firewall.Ruleset{a, b} {
		for _, chain := range rules.Chains {
			switch {
			case namesInterface(rules, dialect.FreeInterface): // a translation of such a list
			case chain.Hook == firewall.Forward:
				name, hook = "", firewall.Forward
			case chain.Interface != "" && chain.Hook != firewall.HookNone:
				name, hook = chain.Interface, chain.Hook
			}
		}
	}
	return bindTo(a, name, hook), bindTo(b, name, hook)
}

// namesInterface reports whether a rule asks for an interface by this name.
func namesInterface(rules *firewall.Ruleset, name string) bool {
	return slices.ContainsFunc(rules.Rules, func(r firewall.Rule) bool {
		return slices.ContainsFunc(r.Parts, func(p firewall.Part) bool {
			return p.Match != nil && p.Match.Field == firewall.InInterface && slices.Contains(p.Match.Names, name)
		})
	})
}

func bindTo(rules *firewall.Ruleset, name string, hook firewall.Hook) *firewall.Ruleset {
	for _, chain := range rules.Chains {
		if chain.Hook != firewall.HookNone {
			return rules
		}
	}
	if bound := dialect.Apply(rules, "", name, hook); bound != nil {
		return bound
	}
	return rules
}

func compareRules(left, right *firewall.Ruleset, options audit.Options) *auditDifference {
	comparison := audit.Compare(left, right, options)
	d := &auditDifference{File: right.File, Notes: comparison.Notes, Incomplete: comparison.Incomplete}
	first := comparison.First
	if first == nil {
		return d
	}
	d.Differs, d.Packet, d.In, d.Out = true, first.Packet.String(), first.In, first.Out
	for i := range first.Setup {
		d.After = append(d.After, first.Setup[i].String())
	}
	d.Sides = []auditedJudgement{judgementOf(left, &first.Left), judgementOf(right, &first.Right)}
	return d
}

func judgementOf(rules *firewall.Ruleset, j *audit.Judgement) auditedJudgement {
	side := auditedJudgement{
		File: rules.File, Verdict: j.Decision.Action.String(), By: narrate.Decider(rules, &j.Decision), Missed: []auditedMiss{},
	}
	if j.Decision.Rewritten && j.Decision.Action == firewall.ActionForward {
		side.Leaves = fmt.Sprintf("%v > %v", j.After.SrcEndpoint(), j.After.DstEndpoint())
	}
	if state := j.Decision.State.String(); state != "" {
		side.State = &state
	}
	for _, m := range j.Missed {
		side.Missed = append(side.Missed, auditedMiss{m.Line, m.Text, m.Field.String(), m.Why})
	}
	return side
}

// write writes the difference for people.
func (d *auditDifference) write(b *bufio.Writer) {
	if d.Differs {
		fmt.Fprintf(b, "\nFirst difference: %s, %s\n", d.Packet, d.way())
		for _, packet := range d.After {
			fmt.Fprintf(b, "  after %s\n", packet)
		}
		for i := range d.Sides {
			d.Sides[i].write(b)
		}
	} else {
		fmt.Fprintf(b, "\nNo packet fares differently with %s\n", d.File)
	}
	for _, note := range d.Notes {
		fmt.Fprintf(b, "note: %s\n", note)
	}
	if d.Incomplete {
		fmt.Fprintln(b, "The comparison was stopped at its budget: there may be more.")
	}
}

// way says where the packet comes from and goes to.
func (d *auditDifference) way() string {
	switch {
	case d.In == "":
		return "sent by the firewall itself, out by " + d.Out
	case d.Out == "":
		return "in by " + d.In + ", to the firewall itself"
	}
	return "in by " + d.In + ", out by " + d.Out
}

func (j *auditedJudgement) write(b *bufio.Writer) {
	fmt.Fprintf(b, "  %s: %s\n", j.File, j.Verdict)
	for _, m := range j.Missed {
		fmt.Fprintf(b, "      line %-3d %s\n        missed: %s\n", m.Line, m.Text, m.Why)
	}
	fmt.Fprintf(b, "    ▶ %s\n", j.By)
	if j.Leaves != "" {
		fmt.Fprintf(b, "      leaves as %s\n", j.Leaves)
	}
	if j.State != nil {
		fmt.Fprintf(b, "      state %s\n", *j.State)
	}
}
