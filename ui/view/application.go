package view

import (
	"context"
	"sync"
	"time"

	"github.com/gdamore/tcell/v2"
	"github.com/rivo/tview"

	"ftplab/ui/control"
	"ftplab/ui/model"
)

// application is a running application: tview's event loop, which owns the state, and
// one goroutine that lets time pass while a run is played.
//
// That goroutine is also the one that stops tview, when it is asked to. tview must not
// be stopped from its own event loop, and a goroutine that waits for the event loop to
// take its update would wait for ever if another one stopped it.
type application struct {
	control *control.App // belongs to the event loop
	screen  *diffScreen
	tview   *tview.Application
	wake    chan struct{} // time may have to pass from now on
	stop    chan struct{} // closed when the application shall end
	once    sync.Once
	gone    error // why the terminal can no longer be read; written before stop is closed
}

// run runs the event loop until the person quits, ctx ends or the terminal is gone.
func (a *application) run(ctx context.Context, state *control.App, theme *Theme) error {
	a.control = state
	a.tview = tview.NewApplication().SetScreen(a.screen).EnablePaste(true)
	a.tview.SetRoot(newRoot(state, theme), true).SetInputCapture(a.key)
	var animator sync.WaitGroup
	animator.Go(func() { a.animate(ctx) })
	err := a.tview.Run()
	a.requestStop(nil)
	animator.Wait()
	if err != nil {
		return err
	}
	return a.gone
}

// requestStop asks for the end; it may be called from anywhere.
func (a *application) requestStop(why error) {
	a.once.Do(func() {
		a.gone = why
		close(a.stop)
	})
}

// terminalGone ends the application when the terminal can no longer be read.
func (a *application) terminalGone(err error) { a.requestStop(err) }

// key handles a key. tview draws afterwards.
func (a *application) key(ev *tcell.EventKey) *tcell.EventKey {
	a.control.Press(keyOf(ev))
	if a.control.TakeRedraw() {
		a.screen.Sync()
	}
	if a.control.Quit() {
		a.requestStop(nil)
	}
	if a.control.Playing() || a.control.Live() {
		select {
		case a.wake <- struct{}{}:
		default:
		}
	}
	return nil
}

const (
	framePeriod = time.Second / 30
	// longestStep is how much time may pass at once: more has passed only if the
	// process was asleep.
	longestStep = 250 * time.Millisecond
	// refreshShare bounds the share of time that goes into looking at a network that is
	// running: the longer its record, the less often.
	refreshShare = 10
)

// animate lets time pass while a run is played, and stops tview when the end is asked
// for. While nothing is played it does nothing.
func (a *application) animate(ctx context.Context) {
	defer a.tview.Stop()
	for {
		select {
		case <-a.wake:
		case <-a.stop:
			return
		case <-ctx.Done():
			return
		}
		if !a.play(ctx) {
			return
		}
	}
}

// play draws frames until nothing is played any more. It returns false when the
// application shall end.
func (a *application) play(ctx context.Context) bool {
	ticker := time.NewTicker(framePeriod)
	defer ticker.Stop()
	last := time.Now()
	var refreshed time.Time
	var cost time.Duration
	for {
		select {
		case <-a.stop:
			return false
		case <-ctx.Done():
			return false
		case now := <-ticker.C:
			passed := min(now.Sub(last), longestStep)
			last = now
			goesOn := false
			a.tview.QueueUpdate(func() {
				a.control.Advance(passed)
				if now.Sub(refreshed) > refreshShare*cost {
					a.control.Refresh()
					refreshed, cost = now, time.Since(now)
				}
				a.tview.ForceDraw()
				goesOn = a.control.Playing() || a.control.Live()
			})
			if !goesOn {
				return true
			}
		}
	}
}

// root is the one primitive of the application: it draws what the state says.
type root struct {
	*tview.Box
	control *control.App
	theme   *Theme
}

func newRoot(state *control.App, theme *Theme) *root {
	return &root{tview.NewBox(), state, theme}
}

// Draw draws the screen.
func (r *root) Draw(screen tcell.Screen) {
	_, _, width, height := r.GetRect()
	s := r.control.Screen(model.Size{Width: width, Height: height})
	blit(paint(&s), r.theme, screen)
}

// blit copies cells to a screen.
func blit(g *grid, theme *Theme, screen tcell.Screen) {
	for y := range g.size.Height {
		for x := range g.size.Width {
			c := &g.cells[y*g.size.Width+x]
			if c.text != "" {
				screen.Put(x, y, c.text, theme.style(c))
			}
		}
	}
}
