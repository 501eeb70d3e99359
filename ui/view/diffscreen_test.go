package view

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gdamore/tcell/v2"
	"github.com/gdamore/tcell/v2/terminfo"
	"github.com/rivo/tview"
	"pgregory.net/rapid"
)

// simulation returns a simulated screen of a size.
func simulation(tb interface{ Fatal(...any) }, width, height int) tcell.SimulationScreen {
	s := tcell.NewSimulationScreen("UTF-8")
	if err := s.Init(); err != nil {
		tb.Fatal(err)
	}
	s.SetSize(width, height)
	return s
}

// stroke is one thing that a frame draws.
type stroke struct {
	x, y  int
	text  string
	style tcell.Style
}

func anyStroke() *rapid.Generator[stroke] {
	return rapid.Custom(func(t *rapid.T) stroke {
		return stroke{
			x: rapid.IntRange(-1, 12).Draw(t, "x"), y: rapid.IntRange(-1, 5).Draw(t, "y"),
			text: rapid.SampledFrom([]string{"a", "xyz", "─", "世", "世界", "e\u0301", " ", "✗ no"}).Draw(t, "text"),
			style: rapid.SampledFrom([]tcell.Style{
				tcell.StyleDefault, tcell.StyleDefault.Bold(true), tcell.StyleDefault.Foreground(tcell.ColorTeal),
			}).Draw(t, "style"),
		}
	})
}

// After any frames, drawn in any way, the inner screen holds what it would hold
// without the wrapper.
func TestDiffScreenShowsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plain, inner := simulation(t, 12, 5), simulation(t, 12, 5)
		wrapped := newDiffScreen(inner, nil)
		for range rapid.IntRange(1, 5).Draw(t, "frames") {
			plain.Clear()
			wrapped.Clear()
			for _, s := range rapid.SliceOfN(anyStroke(), 0, 12).Draw(t, "strokes") {
				switch rapid.IntRange(0, 3).Draw(t, "way") {
				case 0:
					plain.PutStrStyled(s.x, s.y, s.text, s.style)
					wrapped.PutStrStyled(s.x, s.y, s.text, s.style)
				case 1:
					plain.Put(s.x, s.y, s.text, s.style)
					wrapped.Put(s.x, s.y, s.text, s.style)
				case 2:
					runes := []rune(s.text)
					plain.SetContent(s.x, s.y, runes[0], nil, s.style)
					wrapped.SetContent(s.x, s.y, runes[0], nil, s.style)
				case 3:
					tview.Print(plain, s.text, s.x, s.y, 6, tview.AlignLeft, tcell.ColorRed)
					tview.Print(wrapped, s.text, s.x, s.y, 6, tview.AlignLeft, tcell.ColorRed)
				}
			}
			plain.Show()
			wrapped.Show()
		}
		want, w, h := plain.GetContents()
		got, _, _ := inner.GetContents()
		for i := range w * h {
			if string(want[i].Bytes) != string(got[i].Bytes) || want[i].Style != got[i].Style {
				t.Fatalf("cell %d,%d holds %q %v, want %q %v", i%w, i/w, got[i].Bytes, got[i].Style, want[i].Bytes, want[i].Style)
			}
		}
	})
}

func TestDiffScreenWritesOnlyWhatChanged(t *testing.T) {
	tty := newFakeTTY(200, 60)
	inner, err := newFakeScreen(tty)
	if err != nil {
		t.Fatal(err)
	}
	s := newDiffScreen(inner, nil)
	if err := s.Init(); err != nil {
		t.Fatal(err)
	}
	defer s.Fini()
	draw := func(shift int) {
		s.Clear()
		for y := range 60 {
			for x := range 200 {
				s.Put(x, y, "x", tcell.StyleDefault)
			}
		}
		for i := range 100 { // a hundred cells on ten rows
			s.Put(20+i%10+shift, 5*(i/10), "─", tcell.StyleDefault.Foreground(tcell.ColorTeal))
		}
		s.Show()
	}
	draw(0)
	if n := tty.take(); n < 200*60 {
		t.Fatalf("the first frame wrote %d octets", n)
	}
	draw(0)
	if n := tty.take(); n != 0 {
		t.Errorf("a frame without a change wrote %d octets", n)
	}
	draw(10)
	if n := tty.take(); n == 0 || n > 3000 {
		t.Errorf("a frame with 200 changed cells wrote %d octets", n)
	}
	s.ShowCursor(3, 3)
	s.Show()
	if tty.take() == 0 {
		t.Error("the cursor has moved, and nothing was written")
	}
	s.Sync()
	if n := tty.take(); n < 200*60 {
		t.Errorf("Sync wrote %d octets", n)
	}
}

func TestDiffScreenForgetsWhenResized(t *testing.T) {
	inner := simulation(t, 10, 3)
	s := newDiffScreen(inner, nil)
	draw := func() {
		s.Clear()
		s.PutStr(0, 0, "hello")
		s.Show()
	}
	draw()
	inner.SetSize(20, 4)
	inner.Clear()
	draw()
	if got, _, _ := inner.Get(4, 0); got != "o" {
		t.Errorf("after the resize the screen shows %q", got)
	}
	if w, h := s.Size(); w != 20 || h != 4 {
		t.Errorf("size %dx%d", w, h)
	}
}

// However much was typed that nobody took, ending the screen does not hang. (Package
// synctest reports goroutines that wait for each other.)
func TestFiniWithInputPending(t *testing.T) {
	for _, pending := range []int{0, 1, 300, 2000, 20000} {
		for range 5 { // the goroutines of tcell choose at random what they do next
			synctest.Test(t, func(t *testing.T) { endWithInputPending(t, pending) })
		}
	}
}

func endWithInputPending(t *testing.T, pending int) {
	tty := newFakeTTY(80, 24)
	inner, err := newFakeScreen(newQuietTTY(tty))
	if err != nil {
		t.Fatal(err)
	}
	s := newDiffScreen(inner, nil)
	if err := s.Init(); err != nil {
		t.Fatal(err)
	}
	// tcell tells its decoder of the size in a goroutine that takes a lock; who waits for
	// a lock is not at rest for synctest, so it has to be through before the queues fill.
	synctest.Wait()
	tty.typeIn(strings.Repeat("x", pending))
	synctest.Wait() // every queue is full
	s.Fini()
	s.Fini() // once more does nothing
	if !tty.stopped {
		t.Error("the terminal was not given back")
	}
}

func TestPaddingIsTakenOut(t *testing.T) {
	info := &terminfo.Terminfo{Name: "vt100", Clear: "\x1b[H\x1b[J$<50>", SetCursor: "\x1b[%i%p1%d;%p2%dH$<5.5*/>"}
	own := withoutPadding(info)
	if own.Clear != "\x1b[H\x1b[J" || own.SetCursor != "\x1b[%i%p1%d;%p2%dH" {
		t.Errorf("%q %q", own.Clear, own.SetCursor)
	}
	if info.Clear != "\x1b[H\x1b[J$<50>" {
		t.Error("the shared description was changed")
	}
}
