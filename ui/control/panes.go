package control

import (
	"slices"

	"ftplab/ui/model"
)

// scrollable are the panes that can be scrolled, in the order of the focus.
func scrollable() []model.PaneKind {
	return []model.PaneKind{model.StoryPane, model.ConversationPane, model.LadderPane, model.RulesPane, model.TablesPane}
}

// nextPane moves the focus to the next pane that is on the screen, or to none.
func (p *lessonPage) nextPane(a *App, by int) {
	s := p.screen(a)
	ring := []model.PaneKind{model.TopPane} // none
	for _, kind := range scrollable() {
		if s.Pane(kind) != nil {
			ring = append(ring, kind)
		}
	}
	i := max(slices.Index(ring, p.focus), 0)
	p.focus = ring[(i+by+len(ring))%len(ring)]
	p.scroll = 0
}

// scrollBy scrolls the focused pane, the story if there is none.
func (p *lessonPage) scrollBy(a *App, lines int) {
	if p.focus == model.TopPane {
		p.focus, p.scroll = model.StoryPane, 0
	}
	step := 1
	if lines < 0 {
		step = -1
	}
	for ; lines != 0; lines -= step {
		before := p.firstLine(a)
		p.scroll += step
		if p.firstLine(a) == before { // the end of the pane
			p.scroll -= step
			return
		}
	}
}

// firstLine returns the place of the first visible line of the focused pane.
func (p *lessonPage) firstLine(a *App) int {
	s := p.screen(a)
	if pane := s.Pane(p.focus); pane != nil {
		return pane.First
	}
	return 0
}

// halfPane returns half the height of the focused pane.
func (p *lessonPage) halfPane(a *App) int {
	focus := p.focus
	if focus == model.TopPane {
		focus = model.StoryPane
	}
	s := p.screen(a)
	if pane := s.Pane(focus); pane != nil {
		return max(1, len(pane.Lines)/2)
	}
	return 1
}
