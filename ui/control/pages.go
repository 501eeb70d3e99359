package control

import (
	"slices"

	"ftplab/lessons"
	"ftplab/sim/report"
	"ftplab/ui/model"
)

// listPage is the list of lessons.
type listPage struct {
	selected int
	previews []preview // by lesson, made when it is selected
}

// preview is a lesson as the list shows it: its run with the usual choices.
type preview struct {
	made    bool
	heading model.Heading
	run     *model.Run
	problem string
}

func newListPage(a *App) *listPage {
	p := &listPage{previews: make([]preview, len(a.lessons))}
	for i, l := range a.lessons {
		if l.ID == a.memory.Last {
			p.selected = i
		}
	}
	return p
}

func (p *listPage) kind() model.Page { return model.ListPage }

func (p *listPage) heading(a *App) model.Heading {
	if len(a.lessons) == 0 {
		return model.Heading{Title: "ftplab"}
	}
	return p.preview(a).heading
}

// preview returns the selected lesson as the list shows it.
func (p *listPage) preview(a *App) *preview {
	v := &p.previews[p.selected]
	if v.made {
		return v
	}
	v.made = true
	t := a.lessons[p.selected].Target()
	v.heading = headingOf(t, t.Default)
	run, err := runTarget(t, t.Default)
	if err != nil {
		v.problem = err.Error()
	}
	v.run = run
	return v
}

func (p *listPage) act(a *App, action model.Action) {
	last := len(a.lessons) - 1
	page := max(1, a.size.Height/2)
	switch action {
	case model.MoveUp:
		p.selected--
	case model.MoveDown:
		p.selected++
	case model.ScrollPageUp:
		p.selected -= page
	case model.ScrollPageDown:
		p.selected += page
	case model.ToStart:
		p.selected = 0
	case model.ToEnd:
		p.selected = last
	case model.Open:
		p.open(a)
	}
	p.selected = max(0, min(p.selected, last))
}

func (p *listPage) open(a *App) {
	if len(a.lessons) == 0 {
		return
	}
	page, err := newLessonPage(a, a.lessons[p.selected].Target(), lessons.Selection{})
	if err != nil {
		p.preview(a).problem = err.Error()
		return
	}
	a.push(page)
}

func (p *listPage) screen(a *App) model.Screen {
	in := model.ListInput{Size: a.size, Glyphs: a.glyphs, Selected: p.selected, Heading: p.heading(a)}
	for _, l := range a.lessons {
		in.Entries = append(in.Entries, model.Entry{
			Number: l.Number, Title: l.Title, Minutes: l.Minutes, Needs: l.Needs,
			Done: slices.Contains(a.memory.Done, l.ID), Goal: l.Goal,
		})
	}
	if len(a.lessons) > 0 {
		v := p.preview(a)
		in.Run, in.Problem = v.run, v.problem
	}
	return model.List(&in)
}

// whyPage is the chain of causes; a cause that is chosen takes the lesson to its event.
type whyPage struct {
	lesson   *lessonPage
	why      report.Explanation
	selected int
}

func newWhyPage(lesson *lessonPage, why report.Explanation) *whyPage {
	p := &whyPage{lesson: lesson, why: why, selected: max(0, len(why.Causes)-1)}
	for i, c := range why.Causes {
		if c.Drop {
			p.selected = i
		}
	}
	return p
}

func (p *whyPage) kind() model.Page             { return model.WhyPage }
func (p *whyPage) heading(a *App) model.Heading { return p.lesson.heading(a) }

func (p *whyPage) act(a *App, action model.Action) {
	last := len(p.why.Causes) - 1
	switch action {
	case model.MoveUp, model.ScrollPageUp:
		p.selected--
	case model.MoveDown, model.ScrollPageDown:
		p.selected++
	case model.ToStart:
		p.selected = 0
	case model.ToEnd:
		p.selected = last
	case model.Open:
		a.pop()
		if last >= 0 {
			p.lesson.pauseAt(a, p.lesson.run.At(p.why.Causes[p.selected].Event))
		}
		return
	case model.Back:
		a.pop()
		return
	}
	p.selected = max(0, min(p.selected, last))
}

func (p *whyPage) screen(a *App) model.Screen {
	return model.Why(&model.WhyInput{Size: a.size, Glyphs: a.glyphs, Heading: p.heading(a), Why: p.why, Selected: p.selected})
}

// helpPage is the help of another page.
type helpPage struct {
	of     model.Page
	about  model.Heading
	scroll int
}

func (p *helpPage) kind() model.Page           { return model.HelpPage }
func (p *helpPage) heading(*App) model.Heading { return p.about }

func (p *helpPage) act(a *App, action model.Action) {
	p.scroll += scrolled(a, action)
	if action == model.Back {
		a.pop()
	}
	p.scroll = max(0, min(p.scroll, model.HelpScroll(p.input(a))))
}

// scrolled returns by how many lines an action scrolls a page of text.
func scrolled(a *App, action model.Action) int {
	half := max(1, a.size.Height/2)
	switch action {
	case model.MoveUp:
		return -1
	case model.MoveDown:
		return 1
	case model.ScrollPageUp:
		return -half
	case model.ScrollPageDown:
		return half
	}
	return 0
}

func (p *helpPage) input(a *App) *model.HelpInput {
	return &model.HelpInput{Size: a.size, Glyphs: a.glyphs, Heading: p.about, Page: p.of, Scroll: p.scroll}
}

func (p *helpPage) screen(a *App) model.Screen { return model.Help(p.input(a)) }
