package view

import (
	"sync"

	"github.com/gdamore/tcell/v2"

	"ftplab/ui/model"
)

// diffScreen is a screen that sends on only the cells that have changed since the last
// Show, and nothing at all if none has. tview clears the screen and draws everything
// for each frame, and tcell takes every cell that differs from the cleared one for
// changed; without this, each frame would be sent whole.
//
// Fini, unlike tcell's, cannot hang: see there.
type diffScreen struct {
	tcell.Screen
	width, height int
	back          []screenCell // what is being drawn
	shown         []screenCell // what the inner screen was told last
	known         bool         // shown is true
	cursor        cursor
	cursorMoved   bool
	init, fini    sync.Once
	initErr       error
	failed        func(error) // told when the terminal is gone
}

// screenCell is a cell with its look. The cell after one that is two columns wide is
// not looked at; its width is 0 in shown, which no drawn cell has.
type screenCell struct {
	text  string
	style tcell.Style
	width int
}

type cursor struct {
	x, y    int
	visible bool
}

// newDiffScreen wraps a screen. Failed is called, from the goroutine that reads the
// events, when the terminal can no longer be read.
func newDiffScreen(inner tcell.Screen, failed func(error)) *diffScreen {
	return &diffScreen{Screen: inner, failed: failed}
}

// Init initialises the screen. It may be called again, which does nothing: tview calls
// it too, and would not tell of an error.
func (s *diffScreen) Init() error {
	s.init.Do(func() { s.initErr = s.Screen.Init() })
	return s.initErr
}

// fitSize makes the cells as many as the screen has, which forgets what was drawn if
// the size has changed.
func (s *diffScreen) fitSize() {
	w, h := s.Screen.Size()
	if w == s.width && h == s.height && s.back != nil {
		return
	}
	s.width, s.height = w, h
	s.back = make([]screenCell, w*h)
	s.shown = make([]screenCell, w*h)
	s.known = false
	s.fill(blank, tcell.StyleDefault)
}

func (s *diffScreen) fill(text string, style tcell.Style) {
	c := screenCell{text, style, 1}
	for i := range s.back {
		s.back[i] = c
	}
}

// Clear fills the screen with spaces.
func (s *diffScreen) Clear() { s.Fill(' ', tcell.StyleDefault) }

// Fill fills the screen with a sign.
func (s *diffScreen) Fill(r rune, style tcell.Style) {
	s.fitSize()
	s.fill(string(r), style)
}

// Put draws the first sign of a text and returns the rest and the sign's width, which
// is 0 outside of the screen.
func (s *diffScreen) Put(x, y int, text string, style tcell.Style) (string, int) {
	if x < 0 || y < 0 || x >= s.width || y >= s.height {
		return text, 0
	}
	sign, rest, width := firstSign(text)
	s.back[y*s.width+x] = screenCell{sign, style, max(width, 1)}
	return rest, width
}

// firstSign cuts the first sign that has a width from a text.
func firstSign(text string) (sign, rest string, width int) {
	for rest = text; width == 0 && rest != ""; {
		var part string
		part, rest, width = model.FirstSign(rest)
		sign += part
	}
	if width == 0 {
		sign = blank
	}
	return sign, rest, width
}

// PutStr draws a text in the default style.
func (s *diffScreen) PutStr(x, y int, text string) { s.PutStrStyled(x, y, text, tcell.StyleDefault) }

// PutStrStyled draws a text.
func (s *diffScreen) PutStrStyled(x, y int, text string, style tcell.Style) {
	for text != "" && x < s.width {
		var width int
		text, width = s.Put(x, y, text, style)
		if width == 0 {
			return
		}
		x += width
	}
}

// SetContent draws a sign given as runes.
func (s *diffScreen) SetContent(x, y int, primary rune, combining []rune, style tcell.Style) {
	if len(combining) == 0 {
		s.Put(x, y, string(primary), style)
		return
	}
	s.Put(x, y, string(append([]rune{primary}, combining...)), style)
}

// SetCell draws a sign given as runes.
func (s *diffScreen) SetCell(x, y int, style tcell.Style, sign ...rune) {
	if len(sign) > 0 {
		s.SetContent(x, y, sign[0], sign[1:], style)
	}
}

// Get returns what is being drawn in a cell.
func (s *diffScreen) Get(x, y int) (string, tcell.Style, int) {
	if x < 0 || y < 0 || x >= s.width || y >= s.height {
		return "", tcell.StyleDefault, 0
	}
	c := &s.back[y*s.width+x]
	return c.text, c.style, c.width
}

// GetContent is Get with the sign as runes.
func (s *diffScreen) GetContent(x, y int) (rune, []rune, tcell.Style, int) {
	text, style, width := s.Get(x, y)
	runes := []rune(text)
	if len(runes) == 0 {
		return ' ', nil, style, 1
	}
	return runes[0], runes[1:], style, width
}

// ShowCursor shows the cursor at a cell.
func (s *diffScreen) ShowCursor(x, y int) { s.setCursor(cursor{x, y, true}) }

// HideCursor hides the cursor.
func (s *diffScreen) HideCursor() { s.setCursor(cursor{}) }

func (s *diffScreen) setCursor(c cursor) {
	if c == s.cursor {
		return
	}
	s.cursor, s.cursorMoved = c, true
	if c.visible {
		s.Screen.ShowCursor(c.x, c.y)
	} else {
		s.Screen.HideCursor()
	}
}

// send tells the inner screen what has changed and reports whether anything has.
func (s *diffScreen) send() bool {
	s.fitSize()
	changed := !s.known
	for y := range s.height {
		for x := 0; x < s.width; {
			i := y*s.width + x
			c := &s.back[i]
			if !s.known || *c != s.shown[i] {
				s.Screen.Put(x, y, c.text, c.style)
				s.shown[i] = *c
				changed = true
				for k := 1; k < c.width && x+k < s.width; k++ {
					s.shown[i+k] = screenCell{}
				}
			}
			x += c.width
		}
	}
	s.known = true
	return changed
}

// Show makes visible what was drawn. Nothing is written if nothing has changed.
func (s *diffScreen) Show() {
	if s.send() || s.cursorMoved {
		s.cursorMoved = false
		s.Screen.Show()
	}
}

// Sync sends the whole screen again.
func (s *diffScreen) Sync() {
	s.send()
	s.Screen.Sync()
}

// PollEvent waits for an event. The end of the terminal is told to failed and not
// passed on: tview would stop from within its event loop, which can hang.
func (s *diffScreen) PollEvent() tcell.Event {
	ev := s.Screen.PollEvent()
	if gone, ok := ev.(*tcell.EventError); ok {
		s.failed(gone)
		return tcell.NewEventInterrupt(nil)
	}
	return ev
}

// Fini ends the screen. tcell waits in its own Fini for the goroutine that reads the
// terminal; that one may wait for the goroutine that decodes the input, and that one
// for a queue of events that nobody empties any more. So the queue is emptied while
// the terminal falls silent, and only then does the inner screen end.
func (s *diffScreen) Fini() { s.fini.Do(s.end) }

func (s *diffScreen) end() {
	queue, ok := s.Screen.(interface{ EventQ() chan tcell.Event })
	if !ok || queue.EventQ() == nil {
		s.Screen.Fini()
		return
	}
	done := make(chan struct{})
	var drained sync.WaitGroup
	drained.Go(func() {
		for {
			select {
			case <-queue.EventQ():
			case <-done:
				return
			}
		}
	})
	if tty, ok := s.Screen.Tty(); ok {
		if quiet, ok := tty.(*quietTTY); ok {
			quiet.hush()
		}
	}
	s.Screen.Fini()
	close(done)
	drained.Wait()
}
