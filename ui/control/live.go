package control

import (
	"fmt"

	"ftplab/lessons"
	"ftplab/sim"
	"ftplab/sim/event"
	"ftplab/sim/report"
	"ftplab/sim/trace"
	"ftplab/ui/model"
)

// Live is a network that is running while it is shown: a real program is in it.
type Live struct {
	// Scenario is what runs.
	Scenario *sim.Scenario
	// Trace returns what has happened so far, and Now the instant that it is there.
	Trace func() *trace.Trace
	Now   func() event.Time
	// Running reports whether the program runs.
	Running func() bool
	// Change has another of the target's firewalls from now on.
	Change func(variant string) error
}

// liveFeed is what a lesson page knows of a network that is running.
type liveFeed struct {
	*Live
	seen int  // events of the run that is shown
	over bool // the program has ended
}

// newLivePage shows a network that is running, at its present.
func newLivePage(a *App, t *lessons.Target, sel lessons.Selection, live *Live) *lessonPage {
	p := &lessonPage{target: t, selection: sel, live: &liveFeed{Live: live}}
	p.take(live.Trace())
	p.move(a, p.present())
	return p
}

// take shows a trace that goes on from the one before.
func (p *lessonPage) take(tr *trace.Trace) {
	p.run = model.NewRun(p.live.Scenario, tr)
	p.live.seen = tr.Len()
	p.steps = stepsOf(p.target, p.selection, p.run)
	if mode := report.ObservedMode(tr); mode != "" {
		p.selection.Mode = mode
	}
}

// present is the cursor at the instant that it is in the network.
func (p *lessonPage) present() model.Cursor {
	c := p.run.End()
	if !p.live.over {
		c.Time = max(c.Time, p.live.Now())
	}
	return c
}

// refresh looks at what has happened. A cursor at the end stays at the end.
func (p *lessonPage) refresh(a *App) {
	if p.live == nil || p.live.over {
		return
	}
	following := p.follows()
	over := !p.live.Running()
	if tr := p.live.Trace(); tr.Len() != p.live.seen {
		p.take(tr)
	}
	if p.live.over = over; over {
		defer func() { p.notice = "The program has ended: from here on this is a recording." }()
	}
	switch {
	case !following:
	case p.cursor.Event == p.run.End().Event:
		p.cursor = p.present() // nothing happened: what is said stays
	default:
		notice := p.notice
		p.move(a, p.present())
		p.notice = notice
	}
}

// follows reports whether the cursor stays at the present.
func (p *lessonPage) follows() bool {
	return p.live != nil && !p.live.over && p.run.AtEnd(p.cursor) && !p.playing
}

// changeLive has the next firewall in force now.
func (p *lessonPage) changeLive(sel lessons.Selection) {
	if p.live.over {
		p.notice = "The program has ended: what it would have done otherwise nobody knows."
		return
	}
	if err := p.live.Change(sel.Firewall); err != nil {
		p.notice = "The firewall cannot be changed: " + err.Error()
		return
	}
	p.notice = fmt.Sprintf("Firewall `%s` instead of `%s`, from now on.", sel.Firewall, p.selection.Firewall)
	p.selection.Firewall = sel.Firewall
}
