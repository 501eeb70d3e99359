package control

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"ftplab/lessons"
	"ftplab/sim/report"
	"ftplab/sim/trace"
	"ftplab/ui/model"
)

// lessonPage is a lesson (or another scenario) with its run and a cursor in it.
type lessonPage struct {
	target    *lessons.Target
	selection lessons.Selection // complete
	run       *model.Run
	steps     []model.Step
	cursor    model.Cursor
	step      int // place in steps of the one that is shown, -1 for none
	playing   bool
	notice    string
	focus     model.PaneKind
	scroll    int
	live      *liveFeed // nil for a run that is over
}

func newLessonPage(a *App, t *lessons.Target, sel lessons.Selection) (*lessonPage, error) {
	p := &lessonPage{target: t}
	sel, err := t.Complete(sel)
	if err != nil {
		return nil, err
	}
	if err := p.runWith(sel); err != nil {
		return nil, err
	}
	if t.Lesson != nil {
		a.memory.Last = t.Lesson.ID
	}
	p.follow(a)
	return p, nil
}

// runWith runs the target with a complete selection.
func (p *lessonPage) runWith(sel lessons.Selection) error {
	run, err := runTarget(p.target, sel)
	if err != nil {
		return err
	}
	p.selection, p.run = sel, run
	p.steps = stepsOf(p.target, sel, run)
	return nil
}

func runTarget(t *lessons.Target, sel lessons.Selection) (*model.Run, error) {
	sc, tr, err := t.Run(sel)
	if err != nil {
		return nil, err
	}
	return model.NewRun(&sc, tr), nil
}

// stepsOf returns the story of a run: the lesson's introduction, and those of its steps
// whose event the run has.
func stepsOf(t *lessons.Target, sel lessons.Selection, run *model.Run) []model.Step {
	if t.Lesson == nil {
		return nil
	}
	var steps []model.Step
	if t.Lesson.Intro != "" {
		steps = append(steps, model.Step{Title: t.Lesson.Title, Text: t.Lesson.Intro})
	}
	for _, s := range t.Lesson.StepsFor(sel) {
		if id, ok := s.Find(run.Trace); ok {
			steps = append(steps, model.Step{Title: s.Title, Text: s.Text, At: id})
		}
	}
	return steps
}

func (p *lessonPage) kind() model.Page { return model.LessonPage }

func (p *lessonPage) heading(*App) model.Heading { return headingOf(p.target, p.selection) }

func headingOf(t *lessons.Target, sel lessons.Selection) model.Heading {
	h := model.Heading{Number: t.Number, Title: t.Title, Mode: sel.Mode, Variant: sel.Firewall}
	for _, v := range t.Variants {
		if v.Name == sel.Firewall {
			h.VariantTitle = v.Title
		}
	}
	var also []string
	if sel.Op != t.Default.Op {
		also = append(also, strings.ToUpper(sel.Op))
	}
	if sel.TLS {
		also = append(also, "TLS")
	}
	h.Also = strings.Join(also, " ")
	return h
}

func (p *lessonPage) screen(a *App) model.Screen { return model.Lesson(p.input(a)) }

func (p *lessonPage) input(a *App) *model.LessonInput {
	return &model.LessonInput{
		Size: a.size, Glyphs: a.glyphs, Run: p.run, Heading: p.heading(a), Cursor: p.cursor,
		Playing: p.playing, Live: p.follows(), Speed: a.memory.Speed, Steps: p.steps, Step: p.step,
		Notice: p.notice, Focus: p.focus, Scroll: p.scroll,
	}
}

// goTo moves to the event that a person named: a number, "drop" or "".
func (p *lessonPage) goTo(a *App, at string) error {
	switch at {
	case "":
		return nil
	case "drop":
		p.toDrop(a)
		return nil
	}
	n, err := strconv.Atoi(strings.TrimPrefix(at, "#"))
	if err != nil || n < 0 || n > p.run.Trace.Len() {
		return fmt.Errorf("no event %q: it is drop, or a number from 0 to %d", at, p.run.Trace.Len())
	}
	p.move(a, p.run.At(trace.ID(n)))
	return nil
}

// move takes the cursor somewhere; what was said about the last change is over.
func (p *lessonPage) move(a *App, c model.Cursor) {
	p.cursor, p.notice, p.scroll = c, "", 0
	p.follow(a)
}

// follow shows the step of the story that belongs to the cursor. One that was asked
// for stays as long as the cursor is at the same event of the story.
func (p *lessonPage) follow(a *App) {
	at := model.StepAt(p.steps, p.cursor.Event)
	if at < 0 || p.step < 0 || p.step >= len(p.steps) || p.steps[p.step].At != p.steps[at].At {
		p.step = at
	}
	finished := p.step == len(p.steps)-1
	if len(p.steps) == 0 {
		finished = p.run.AtEnd(p.cursor)
	}
	if finished && p.target.Lesson != nil {
		a.markDone(p.target.Lesson.ID)
	}
}

func (p *lessonPage) act(a *App, action model.Action) {
	switch action {
	case model.PlayPause:
		p.playPause(a)
	case model.StepForward, model.StepBack:
		p.pauseAt(a, p.run.Step(p.cursor, action == model.StepForward))
	case model.EventForward:
		p.pauseAt(a, p.run.StepEvent(p.cursor, 1))
	case model.EventBack:
		p.pauseAt(a, p.run.StepEvent(p.cursor, -1))
	case model.ToStart:
		p.pauseAt(a, p.run.Start())
	case model.ToEnd:
		p.toEnd(a)
	case model.ToDrop:
		p.toDrop(a)
	case model.NextStep:
		p.toStep(a, p.step+1)
	case model.PreviousStep:
		p.toStep(a, p.step-1)
	case model.Slower:
		a.memory.Speed = max(a.memory.Speed-1, slowest)
	case model.Faster:
		a.memory.Speed = min(a.memory.Speed+1, fastest)
	case model.NextFirewall:
		p.nextFirewall(a)
	case model.NextMode:
		p.nextMode(a)
	case model.AskWhy:
		p.playing = false
		a.push(newWhyPage(p, report.Why(p.run.Trace)))
	case model.AuditRules:
		p.audit(a)
	case model.Back:
		p.playing = false
		a.pop()
	default:
		p.actOnPane(a, action)
	}
}

// audit opens the page that says what the rules permit.
func (p *lessonPage) audit(a *App) {
	p.playing = false
	if page := newAuditPage(p); page != nil {
		a.push(page)
		return
	}
	p.notice = "There is no firewall in this network."
}

// actOnPane does what scrolls.
func (p *lessonPage) actOnPane(a *App, action model.Action) {
	switch action {
	case model.NextPane:
		p.nextPane(a, 1)
	case model.PreviousPane:
		p.nextPane(a, -1)
	case model.MoveUp:
		p.scrollBy(a, -1)
	case model.MoveDown:
		p.scrollBy(a, 1)
	case model.ScrollPageUp:
		p.scrollBy(a, -p.halfPane(a))
	case model.ScrollPageDown:
		p.scrollBy(a, p.halfPane(a))
	}
}

func (p *lessonPage) playPause(a *App) {
	p.playing = !p.playing
	if p.playing && p.run.AtEnd(p.cursor) {
		p.move(a, p.run.Start())
	}
}

func (p *lessonPage) pauseAt(a *App, c model.Cursor) {
	p.playing = false
	p.move(a, c)
}

func (p *lessonPage) toDrop(a *App) {
	if c, ok := p.run.FirstDrop(); ok {
		p.pauseAt(a, c)
		return
	}
	p.playing = false
	p.notice = "No firewall drops a packet in this run."
}

func (p *lessonPage) toEnd(a *App) {
	if p.live != nil {
		p.pauseAt(a, p.present())
		return
	}
	p.pauseAt(a, p.run.End())
}

func (p *lessonPage) toStep(a *App, step int) {
	if step < 0 || step >= len(p.steps) {
		return
	}
	p.playing = false
	p.step = step
	p.move(a, p.run.At(p.steps[step].At))
}

// advance plays on. It stops at the first drop, to look at it, and at the end.
func (p *lessonPage) advance(a *App, by time.Duration) {
	if speed := a.memory.Speed; speed < 0 {
		by >>= -speed
	} else {
		by <<= speed
	}
	next := p.run.Advance(p.cursor, by)
	if drop, ok := p.run.FirstDrop(); ok && p.cursor.Event < drop.Event && drop.Event <= next.Event {
		next, p.playing = drop, false
	}
	if p.run.AtEnd(next) {
		p.playing = false
	}
	if next.Event == p.cursor.Event {
		p.cursor = next // nothing happened: what is said about it stays
		return
	}
	p.move(a, next)
}
