package control

import (
	"fmt"
	"slices"
	"strings"

	"ftplab/lessons"
	"ftplab/sim/firewall"
	"ftplab/sim/report"
	"ftplab/sim/trace"
	"ftplab/ui/model"
)

const recordedNotice = "This is a recording of a real program: what it would have done otherwise nobody knows."

func (p *lessonPage) nextFirewall(a *App) {
	names := make([]string, len(p.target.Variants))
	for i, v := range p.target.Variants {
		names[i] = v.Name
	}
	next, ok := after(names, p.selection.Firewall)
	switch {
	case p.target.Recorded():
		p.notice = recordedNotice
		return
	case !ok:
		p.notice = "There is only one firewall to choose here."
		return
	}
	sel := p.selection
	sel.Firewall = next
	if p.live != nil {
		p.changeLive(sel)
		return
	}
	p.change(a, sel, fmt.Sprintf("Firewall `%s` instead of `%s`", next, p.selection.Firewall))
}

func (p *lessonPage) nextMode(a *App) {
	switch {
	case p.target.Recorded():
		p.notice = recordedNotice
		return
	case p.live != nil:
		p.notice = "The mode is the program's own choice."
		return
	}
	next, ok := after(modeRing(p.target.Modes, p.target.Default.Mode), p.selection.Mode)
	if !ok {
		p.notice = "There is only one mode to choose here."
		return
	}
	sel := p.selection
	sel.Mode = next
	p.change(a, sel, fmt.Sprintf("Mode `%s` instead of `%s`", strings.ToUpper(next), strings.ToUpper(p.selection.Mode)))
}

// modeRing returns the modes in the order in which they follow each other: from the usual
// one to its opposite, since active against passive is what a lesson is about.
func modeRing(modes []string, usual string) []string {
	order := []string{"port", "pasv", "eprt", "epsv"}
	if strings.HasSuffix(usual, "sv") {
		order = []string{"pasv", "port", "epsv", "eprt"}
	}
	ring := slices.Clone(modes)
	slices.SortStableFunc(ring, func(a, b string) int { return slices.Index(order, a) - slices.Index(order, b) })
	return ring
}

// after returns the name that follows in a list, from its end to its beginning; false
// if there is no other.
func after(names []string, name string) (string, bool) {
	if len(names) < 2 {
		return "", false
	}
	return names[(slices.Index(names, name)+1)%len(names)], true
}

// change runs again with another selection. The cursor stays where it is if the new run
// is the same up to there, else it goes to where they part; the notice says so.
func (p *lessonPage) change(a *App, sel lessons.Selection, what string) {
	old, oldCursor, oldSelection := p.run, p.cursor, p.selection
	if err := p.runWith(sel); err != nil {
		p.selection = oldSelection
		p.notice = what + " cannot run: " + err.Error()
		return
	}
	parts := model.Align(old, p.run)
	p.step = -1
	p.move(a, parts.Carry(oldCursor))
	p.notice = what + ": " + p.parting(&parts, old, oldCursor)
}

// parting says where two runs part and how the new one ends.
func (p *lessonPage) parting(parts *model.Alignment, old *model.Run, cursor model.Cursor) string {
	if parts.Same() {
		return "the same packets and verdicts."
	}
	from, to := parts.Parting()
	var b strings.Builder
	switch {
	case to == 0:
		b.WriteString("the same until this run ends.")
	case from == 0 || cursor.Event < from:
		fmt.Fprintf(&b, "the same up to here, different from #%d (%.3f s) on.", to, p.run.Trace.Time(to).Seconds())
	default:
		b.WriteString("here they part.")
	}
	if fate := otherFate(old.Trace, p.run.Trace, from, to); fate != "" {
		b.WriteString(" " + fate)
	}
	if _, result, ok := report.Result(p.run.Trace); ok {
		b.WriteString(" It ends: " + strings.TrimSuffix(model.ResultWords(&result), ".") + ".")
	}
	return b.String()
}

// otherFate says how the same packet fares differently, "" if it is another packet.
func otherFate(old, now *trace.Trace, from, to trace.ID) string {
	if from == 0 || to == 0 || old.Kind(from) != trace.KindJudged || now.Kind(to) != trace.KindJudged {
		return ""
	}
	a := old.Event(from).Body.(trace.Judged).Decision.Action
	b := now.Event(to).Body.(trace.Judged).Decision.Action
	if a == b {
		return ""
	}
	return fmt.Sprintf("This packet, %s before, is now %s.", fateWord(a), fateWord(b))
}

func fateWord(a firewall.Action) string {
	switch a {
	case firewall.ActionForward:
		return "passed"
	case firewall.ActionDrop:
		return "dropped"
	case firewall.ActionReject:
		return "rejected"
	}
	return "kept"
}
