// Package control is what the keys do: the pages of the application, the cursor in a
// run, the clock while it plays. It knows no terminal: it is told that a key was
// pressed or that time has passed, and says what is on the screen.
package control

import (
	"slices"
	"time"

	"ftplab/lessons"
	"ftplab/ui/model"
)

// Memory is what is remembered from one start of the application to the next.
type Memory struct {
	// Done are the IDs of the lessons whose story was read to its end.
	Done []string `json:"done"`
	// Last is the ID of the lesson that was open last.
	Last string `json:"last,omitempty"`
	// Speed is the playing speed in doublings of the normal one, -2 to 4.
	Speed int `json:"speed"`
}

const slowest, fastest = -2, 4

// Options say how an application begins.
type Options struct {
	// Lessons are the list, in the order of the course.
	Lessons []*lessons.Lesson
	// Start, if not nil, is opened at once with Selection, at the event At: a number,
	// "drop" for the first drop, or "" for the start.
	Start     *lessons.Target
	Selection lessons.Selection
	At        string
	// Live, if not nil, is Start with Selection while it runs.
	Live   *Live
	Glyphs *model.Glyphs
	Memory Memory
}

// App is the state of the application. It is not safe for concurrent use.
type App struct {
	glyphs  *model.Glyphs
	lessons []*lessons.Lesson
	memory  Memory
	pages   []page // the last one is seen
	size    model.Size
	quit    bool
	redraw  bool
}

// page is one of the pages: it acts on what was pressed and says how it looks.
type page interface {
	kind() model.Page
	act(a *App, action model.Action)
	screen(a *App) model.Screen
	// heading is what the first line says.
	heading(a *App) model.Heading
}

// New returns an application at its first page. The error is about Start, Selection
// or At.
func New(o Options) (*App, error) {
	a := &App{glyphs: o.Glyphs, lessons: o.Lessons, memory: o.Memory, size: model.MinSize()}
	a.memory.Done = slices.Clone(a.memory.Done)
	a.memory.Speed = max(slowest, min(a.memory.Speed, fastest))
	var start *lessonPage
	switch {
	case o.Live != nil:
		start = newLivePage(a, o.Start, o.Selection, o.Live)
	case o.Start != nil:
		var err error
		if start, err = newLessonPage(a, o.Start, o.Selection); err != nil {
			return nil, err
		}
		if err := start.goTo(a, o.At); err != nil {
			return nil, err
		}
	}
	if len(o.Lessons) > 0 || start == nil {
		a.pages = append(a.pages, newListPage(a)) // at the lesson that was opened last
	}
	if start != nil {
		a.pages = append(a.pages, start)
	}
	return a, nil
}

// Press does what a key does on the page that is seen.
func (a *App) Press(key model.Key) {
	p := a.top()
	switch action := model.ActionOf(p.kind(), key); action {
	case model.NoAction:
	case model.Redraw:
		a.redraw = true
	case model.Quit:
		a.quit = true
	case model.ShowHelp:
		a.push(&helpPage{of: p.kind(), about: p.heading(a)})
	default:
		p.act(a, action)
	}
}

// Screen returns what is seen on a screen of this size.
func (a *App) Screen(size model.Size) model.Screen {
	a.size = size
	return a.top().screen(a)
}

// Playing reports whether time passes.
func (a *App) Playing() bool {
	p, ok := a.top().(*lessonPage)
	return ok && p.playing
}

// Live reports whether what is seen goes on by itself, and has to be refreshed.
func (a *App) Live() bool {
	p, ok := a.top().(*lessonPage)
	return ok && p.live != nil && !p.live.over
}

// Refresh looks at what has happened in a network that is running.
func (a *App) Refresh() {
	if p, ok := a.top().(*lessonPage); ok {
		p.refresh(a)
	}
}

// Advance lets time pass, as much as passed for the person at the screen.
func (a *App) Advance(by time.Duration) {
	if p, ok := a.top().(*lessonPage); ok && p.playing {
		p.advance(a, by)
	}
}

// Quit reports whether the application shall end.
func (a *App) Quit() bool { return a.quit }

// TakeRedraw reports, once, whether the whole screen shall be sent again.
func (a *App) TakeRedraw() bool {
	r := a.redraw
	a.redraw = false
	return r
}

// Memory returns what to remember for the next start.
func (a *App) Memory() Memory {
	m := a.memory
	m.Done = slices.Clone(m.Done)
	return m
}

func (a *App) top() page { return a.pages[len(a.pages)-1] }

func (a *App) push(p page) { a.pages = append(a.pages, p) }

// pop goes back to the page below; there is nothing below the first.
func (a *App) pop() {
	if len(a.pages) == 1 {
		a.quit = true
		return
	}
	a.pages = a.pages[:len(a.pages)-1]
}

// markDone notes that a lesson's story was read to its end.
func (a *App) markDone(id string) {
	if id != "" && !slices.Contains(a.memory.Done, id) {
		a.memory.Done = append(a.memory.Done, id)
	}
}
