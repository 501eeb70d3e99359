package view

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gdamore/tcell/v2"

	"ftplab/lessons"
)

// catalogue returns the lesson of package control's tests.
func catalogue(tb testing.TB) []*lessons.Lesson {
	tb.Helper()
	file := filepath.Join("..", "control", "testdata", "lesson.md")
	text, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	l, err := lessons.Parse(file, text, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return []*lessons.Lesson{l}
}

// running is an application on a fake terminal, in a bubble of package synctest: time
// passes only while every goroutine waits.
type running struct {
	tty  *fakeTTY
	stop context.CancelFunc
	done chan error
}

func start(t *testing.T, o Options) *running {
	t.Helper()
	r := &running{tty: newFakeTTY(80, 24), done: make(chan error, 1)}
	screen, err := newFakeScreen(newQuietTTY(r.tty))
	if err != nil {
		t.Fatal(err)
	}
	o.Screen = screen
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	go func() { r.done <- Run(ctx, o) }()
	synctest.Wait()
	return r
}

// typeIn types and waits until everything that follows has happened.
func (r *running) typeIn(keys string) {
	r.tty.typeIn(keys)
	synctest.Wait()
}

// ended returns how the application ended; the test fails if it has not.
func (r *running) ended(t *testing.T) error {
	t.Helper()
	r.stop() // for the deferred case only: it has ended already
	select {
	case err := <-r.done:
		return err
	default:
		t.Fatal("the application is still running")
		return nil
	}
}

func (r *running) isRunning() bool { return len(r.done) == 0 }

func TestQuit(t *testing.T) {
	for name, keys := range map[string]string{
		"q": "q", "Ctrl-C": "\x03", "Ctrl-C in a lesson": "\r \x03",
		"with keys behind it":            "q" + strings.Repeat("x", 2000),
		"with a paste behind it":         "q\x1b[200~" + strings.Repeat("qx ", 20000) + "\x1b[201~",
		"while playing, keys behind it":  "\r >>>>qq" + strings.Repeat("mfd \x1b[C", 5000),
		"with a paste that does not end": "q\x1b[200~" + strings.Repeat("x", 5000),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := start(t, Options{Catalogue: catalogue(t)})
				r.typeIn(keys)
				time.Sleep(time.Second) // of the bubble's time: an Escape waits for what may follow
				synctest.Wait()
				if err := r.ended(t); err != nil {
					t.Error(err)
				}
				if !r.tty.stopped {
					t.Error("the terminal was not given back")
				}
			})
		})
	}
}

// What is pasted is not pressed.
func TestPasteIsNotKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, Options{Catalogue: catalogue(t)})
		r.typeIn("\x1b[200~q\x03q\x1b[201~")
		if !r.isRunning() {
			t.Fatal("a pasted q has quit")
		}
		r.typeIn("q")
		if err := r.ended(t); err != nil {
			t.Error(err)
		}
	})
}

func TestEndOfContextEndsTheApplication(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, Options{Catalogue: catalogue(t)})
		r.typeIn("\r ")
		r.stop()
		synctest.Wait()
		if err := r.ended(t); err != nil {
			t.Error(err)
		}
	})
}

func TestLostTerminalEndsTheApplication(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, Options{Catalogue: catalogue(t)})
		r.typeIn("\r ")
		r.tty.hangUp()
		synctest.Wait()
		if err := r.ended(t); err == nil {
			t.Error("nothing is said of the terminal that is gone")
		}
	})
}

// While nothing is played nothing is drawn; while a run is played there are frames,
// each of a few octets.
func TestFramesOnlyWhilePlaying(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, Options{Catalogue: catalogue(t)})
		r.typeIn("\r")
		if r.tty.take() == 0 {
			t.Fatal("nothing was drawn")
		}
		time.Sleep(time.Hour)
		if n := r.tty.take(); n != 0 {
			t.Errorf("%d octets were written while nothing happens", n)
		}
		r.typeIn(" ")
		r.tty.take()
		time.Sleep(time.Second)
		synctest.Wait()
		n := r.tty.take()
		if n == 0 || n > 30*1500 {
			t.Errorf("a second of playing wrote %d octets", n)
		}
		r.typeIn(" ")
		r.tty.take()
		time.Sleep(time.Hour)
		if n := r.tty.take(); n != 0 {
			t.Errorf("%d octets were written while the run is paused", n)
		}
		r.typeIn("\x0c") // Ctrl-L
		if n := r.tty.take(); n < 80*24 {
			t.Errorf("a redraw wrote %d octets", n)
		}
		r.typeIn("\x03")
		if err := r.ended(t); err != nil {
			t.Error(err)
		}
	})
}

// An application on a simulated screen shows what the model says, without colours if
// nobody wants them, and remembers what was done.
func TestRunDrawsTheModel(t *testing.T) {
	dir, all := t.TempDir(), catalogue(t)
	synctest.Test(t, func(t *testing.T) {
		screen := tcell.NewSimulationScreen("UTF-8")
		done := make(chan error, 1)
		go func() {
			done <- Run(context.Background(), Options{Catalogue: all, Screen: screen, StateDir: dir, NoColor: true})
		}()
		synctest.Wait()
		screen.SetSize(80, 24)
		press := func(key tcell.Key, ch rune, want string) {
			t.Helper()
			screen.InjectKey(key, ch, 0)
			synctest.Wait()
			if got := contents(screen); !strings.Contains(got, want) {
				t.Fatalf("%q is not on the screen:\n%s", want, got)
			}
		}
		press(tcell.KeyCtrlL, 0, "Lessons")
		press(tcell.KeyEnter, 0, "Nothing has happened yet")
		press(tcell.KeyRune, 'm', "PASV")
		press(tcell.KeyRune, 'd', "✗◄[SYN,ACK]")
		for y := range 24 {
			for x := range 80 {
				_, style, _ := screen.Get(x, y)
				if fg, bg, _ := style.Decompose(); fg != tcell.ColorDefault || bg != tcell.ColorDefault {
					t.Fatalf("a colour at %d,%d without colours: %v %v", x, y, fg, bg)
				}
			}
		}
		screen.InjectKey(tcell.KeyCtrlC, 0, 0)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
	m, err := loadMemory(dir)
	if err != nil || m.Last != "test-list" {
		t.Errorf("remembered is %+v, %v", m, err)
	}
}

func contents(s tcell.Screen) string {
	var b strings.Builder
	w, h := s.Size()
	for y := range h {
		for x := range w {
			text, _, _ := s.Get(x, y)
			b.WriteString(text)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestOptionsAreCheckedBeforeTheTerminalIsTaken(t *testing.T) {
	tty := newFakeTTY(80, 24)
	screen, err := newFakeScreen(tty)
	if err != nil {
		t.Fatal(err)
	}
	err = Run(context.Background(), Options{Screen: screen, Start: catalogue(t)[0].Target(), At: "nowhere"})
	if err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("error %v", err)
	}
	if tty.written != 0 {
		t.Error("the terminal was written to")
	}
}

func TestMemory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	m, err := loadMemory(dir)
	if err != nil || len(m.Done) != 0 {
		t.Fatalf("without a file: %+v, %v", m, err)
	}
	m.Done, m.Speed, m.Last = []string{"a", "b"}, 2, "b"
	if err := saveMemory(dir, m); err != nil {
		t.Fatal(err)
	}
	again, err := loadMemory(dir)
	if err != nil || len(again.Done) != 2 || again.Speed != 2 || again.Last != "b" {
		t.Errorf("read back: %+v, %v", again, err)
	}
	inTheWay := filepath.Join(t.TempDir(), memoryFile)
	if err := os.MkdirAll(filepath.Join(inTheWay, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if saveMemory(filepath.Dir(inTheWay), m) == nil {
		t.Error("a folder was replaced by the file")
	}
	if left, err := os.ReadDir(filepath.Dir(inTheWay)); err != nil || len(left) != 1 {
		t.Errorf("a failure left %v behind, %v", left, err)
	}
	file := filepath.Join(dir, memoryFile)
	if err := os.WriteFile(file, []byte("{not json"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := loadMemory(dir); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("of a broken file it says %v", err)
	}
	if m, err := loadMemory(""); err != nil || m.Last != "" || saveMemory("", m) != nil {
		t.Error("without a folder something is remembered")
	}
}
