package model

import (
	"fmt"
	"strconv"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/trace"
)

// rulesView is a firewall's ruleset as lines: its text as it was given, with what it
// did at the cursor.
type rulesView struct {
	title Line
	lines []Line
	// first and last (not included) are the lines to be seen: the rule that decided
	// and those that missed before it.
	first, last int
}

// see adds lines to those that are to be seen.
func (v *rulesView) see(first, last int) {
	if v.last == 0 {
		v.first = first
	}
	v.last = last
}

// firewallAt returns the firewall to show at an event: the one that decided last, not
// counting those without rules that only passed something on; or the first one on the
// way with rules. It is false if there is none.
func (r *Run) firewallAt(id trace.ID) (trace.NodeID, bool) {
	for n := until(r.judged, id); n > 0; n-- {
		e := r.Trace.Event(r.judged[n-1])
		if r.nodeHasRules(e.Node, e.ID) || dropped(e.Body.(trace.Judged).Decision.Action) {
			return e.Node, true
		}
		if !r.hasRules(id) {
			return e.Node, true
		}
	}
	for _, node := range r.plan.way {
		if r.nodeHasRules(node, id) {
			return node, true
		}
	}
	for _, node := range r.plan.way {
		if r.Trace.Nodes[node].Kind == trace.Firewall {
			return node, true
		}
	}
	for i := range r.Trace.Nodes {
		if r.Trace.Nodes[i].Kind == trace.Firewall {
			return trace.NodeID(i), true
		}
	}
	return 0, false
}

// hasRules reports whether any firewall has rules at an event.
func (r *Run) hasRules(id trace.ID) bool {
	for i := range r.Trace.Nodes {
		if r.nodeHasRules(trace.NodeID(i), id) {
			return true
		}
	}
	return false
}

func (r *Run) nodeHasRules(node trace.NodeID, id trace.ID) bool {
	rules := r.Trace.RulesAt(node, id)
	return rules != nil && strings.TrimSpace(rules.Text) != ""
}

// rulesPainter writes one ruleset.
type rulesPainter struct {
	g      *Glyphs
	rules  *firewall.Ruleset
	state  *trace.DeviceState
	judged *trace.Judged // the last verdict, nil if there is none
	inHand bool          // it is about the packet in hand, so that it is marked
	width  int
	gutter int // columns before the text of a rule
	view   rulesView
}

// rulesTitles name a firewall, its language, and where its rules are applied, the fullest
// first: "Rules: switch, comware acl 3000 GE2/1/10 inbound", "Rules: switch GE2/1/10 inbound".
func rulesTitles(n *trace.Node) []string {
	var titles []string
	for i, summary := range rulesSummaries(n) {
		switch {
		case !isVendor(n.Rules.Dialect):
			summary = ", " + summary
		case i == 0:
			summary = ", " + n.Rules.Dialect + " " + summary
		default:
			summary = " " + summary
		}
		titles = append(titles, "Rules: "+n.Name+summary)
	}
	return titles
}

// rulesOf returns the rules of a firewall with what they did up to an event.
func (r *Run) rulesOf(g *Glyphs, node trace.NodeID, at trace.ID, width int) rulesView {
	info := r.Trace.NodeAt(node, at)
	p := rulesPainter{g: g, rules: info.Rules, state: &r.reader.StateAt(at).Devices[node], width: width}
	p.view.title = Line{{"Rules: " + g.clean(info.Name), TitleRole}}
	if info.Rules == nil || strings.TrimSpace(info.Rules.Text) == "" {
		p.view.lines = []Line{text("(no rules: every packet is passed on)", Faint)}
		return p.view
	}
	p.view.title = text(g.firstFitting(rulesTitles(&info), width-4), TitleRole)
	if n := until(r.judged, at); n > 0 {
		// The pane keeps to one firewall, so its last verdict may be an older one.
		for i := n - 1; i >= 0 && p.judged == nil; i-- {
			e := r.Trace.Event(r.judged[i])
			if e.Node != node {
				continue
			}
			if r.Trace.RulesAt(node, e.ID) != info.Rules {
				break // by other rules, before these were loaded
			}
			b := e.Body.(trace.Judged)
			p.judged, p.inHand = &b, r.verdictInHand(node, at) == e.ID
		}
	}
	p.paint()
	return p.view
}

func (p *rulesPainter) paint() {
	source := strings.Split(strings.TrimRight(p.rules.Text, "\n"), "\n")
	p.gutter = len(strconv.Itoa(len(source))) + 3
	rulesOn := make([][]int, len(source)+1)
	for i := range p.rules.Rules {
		if line := p.rules.Rules[i].Line; line > 0 && line <= len(source) {
			rulesOn[line] = append(rulesOn[line], i)
		}
	}
	blank := false
	for i, s := range source {
		if strings.TrimSpace(s) == "" {
			blank = true
			continue
		}
		if blank && len(p.view.lines) > 0 {
			p.view.lines = append(p.view.lines, nil)
		}
		blank = false
		p.sourceLine(i+1, s, rulesOn[i+1])
		p.defaults(i+1, len(source))
	}
}

// sourceLine writes one line of the ruleset's text, how often its rules matched, and
// why they missed.
func (p *rulesPainter) sourceLine(number int, source string, rules []int) {
	role, right := Faint, Line(nil)
	var deciding bool
	if len(rules) > 0 {
		role = Plain
		var hits uint32
		drops := false
		for _, i := range rules {
			hits += p.state.Hits[i]
			drops = drops || isDrop(p.rules.Rules[i].Verdict)
			deciding = deciding || p.judged != nil && p.judged.Decision.Reason != firewall.ReasonPolicy && int(p.judged.Decision.Rule) == i
		}
		right = p.hits(hits, drops)
	}
	if c := p.policyOn(number); c >= 0 {
		role = Plain
		right = p.hits(p.state.PolicyHits[c], isDrop(p.rules.Chains[c].Policy))
	}
	start := len(p.view.lines)
	p.entry(strconv.Itoa(number), source, role, right, deciding)
	if p.judged == nil || !p.inHand {
		return
	}
	for i := range p.judged.Missed {
		if m := &p.judged.Missed[i]; m.Line == number {
			p.missed(m)
			p.view.see(start, len(p.view.lines))
		}
	}
}

func isDrop(v firewall.Verdict) bool { return v.Kind == firewall.Drop || v.Kind == firewall.Reject }

// hits writes how often a rule matched.
func (p *rulesPainter) hits(n uint32, drops bool) Line {
	count := fmt.Sprintf("%4d", n)
	switch {
	case n == 0:
		return text(count, Faint)
	case drops:
		return Line{{p.g.Cross, Drop}, {count, Drop}}
	}
	return text(count, Pass)
}

// entry writes a line with its number, wrapped, with what is at its right end.
func (p *rulesPainter) entry(number, source string, role Role, right Line, deciding bool) {
	indent := len(source) - len(strings.TrimLeft(source, " \t"))
	source = spaces(min(indent, 6)) + p.g.clean(strings.TrimSpace(source))
	mark, markRole := " ", Plain
	marked := deciding && p.inHand
	if marked {
		mark, markRole, role = p.g.Matched, Match, Match
	}
	start := len(p.view.lines)
	room := p.width - p.gutter
	pieces := wrap(text(source, role), room, min(indent, 6)+2)
	if last := pieces[len(pieces)-1]; len(right) > 0 && last.Width()+1+right.Width() > room {
		pieces = append(pieces, nil) // the count gets a line of its own
	}
	for i, piece := range pieces {
		line := Line{{spaces(p.gutter), Plain}}
		if i == 0 {
			line = Line{{mark, markRole}, {fmt.Sprintf("%*s ", p.gutter-2, number), Faint}}
			if marked {
				line[1].Role = Match
			}
		}
		line = append(line, piece...)
		if i == len(pieces)-1 && len(right) > 0 {
			line = p.g.between(line, right, p.width)
		}
		p.view.lines = append(p.view.lines, line)
	}
	if deciding {
		p.view.see(start, len(p.view.lines))
	}
}

// missed writes why a rule did not match.
func (p *rulesPainter) missed(m *firewall.Missed) {
	why := Line{{p.g.Missed + " missed: " + p.g.clean(missedWords(m)), Miss}}
	for _, piece := range wrap(why, p.width-p.gutter, 2) {
		p.view.lines = append(p.view.lines, append(Line{{spaces(p.gutter), Plain}}, piece...))
	}
}

// policyOn returns the chain whose policy is set on a line, -1 if none is.
func (p *rulesPainter) policyOn(number int) int {
	for i := range p.rules.Chains {
		if p.rules.Chains[i].PolicyLine == number && p.rules.Chains[i].Hook != firewall.HookNone {
			return i
		}
	}
	return -1
}

func (p *rulesPainter) decidedByPolicy(chain int) bool {
	return p.inHand && p.judged.Decision.Reason == firewall.ReasonPolicy && int(p.judged.Decision.Chain) == chain
}

// defaults writes what happens to a packet that no rule of a list decides after the
// list's last rule, where a reader comes to it: always for a list that does not say it
// itself, for others when it has just happened.
func (p *rulesPainter) defaults(number, lastLine int) {
	for i := range p.rules.Chains {
		c := &p.rules.Chains[i]
		end := c.Line
		if c.Count > 0 {
			end = p.rules.Rules[c.First+c.Count-1].Line
		} else if c.Line == 0 && !p.decidedByPolicy(i) {
			continue // a list of the system's own that nobody uses
		}
		if end == 0 {
			end = lastLine
		}
		if end != number || c.Hook == firewall.HookNone || c.PolicyText == "" {
			continue
		}
		switch {
		case c.PolicyLine == 0:
			p.entry(p.g.Default, c.PolicyText, Faint, p.hits(p.state.PolicyHits[i], isDrop(c.Policy)), p.decidedByPolicy(i))
		case p.decidedByPolicy(i):
			p.entry(p.g.Default, fmt.Sprintf("%s (line %d)", c.PolicyText, c.PolicyLine), Match, p.hits(p.state.PolicyHits[i], isDrop(c.Policy)), true)
		}
	}
}
