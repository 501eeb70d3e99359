package view

import (
	"errors"
	"io"
	"sync"

	"github.com/gdamore/tcell/v2"
	"github.com/gdamore/tcell/v2/terminfo"
	_ "github.com/gdamore/tcell/v2/terminfo/base" // the descriptions of common terminals
)

// fakeTTY is a terminal without a screen: it counts what is written and is typed at
// by the test.
type fakeTTY struct {
	mu       sync.Mutex
	changed  *sync.Cond
	size     tcell.WindowSize
	written  int
	input    []byte
	drained  bool
	gone     bool
	stopped  bool
	readable int // how many reads have returned input
}

func newFakeTTY(width, height int) *fakeTTY {
	t := &fakeTTY{size: tcell.WindowSize{Width: width, Height: height}}
	t.changed = sync.NewCond(&t.mu)
	return t
}

func (t *fakeTTY) Start() error                          { return nil }
func (t *fakeTTY) Close() error                          { return nil }
func (t *fakeTTY) NotifyResize(func())                   {}
func (t *fakeTTY) WindowSize() (tcell.WindowSize, error) { return t.size, nil }

func (t *fakeTTY) Stop() error {
	t.set(func() { t.stopped = true })
	return nil
}

func (t *fakeTTY) Drain() error {
	t.set(func() { t.drained = true })
	return nil
}

func (t *fakeTTY) set(change func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change()
	t.changed.Broadcast()
}

// typeIn makes bytes available to Read.
func (t *fakeTTY) typeIn(s string) { t.set(func() { t.input = append(t.input, s...) }) }

// hangUp makes Read fail, as when the other end of the line is gone.
func (t *fakeTTY) hangUp() { t.set(func() { t.gone = true }) }

func (t *fakeTTY) Read(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.input) == 0 && !t.drained && !t.gone {
		t.changed.Wait()
	}
	switch {
	case t.gone:
		return 0, io.ErrUnexpectedEOF
	case t.drained:
		return 0, errors.New("drained")
	}
	n := copy(b, t.input)
	t.input = t.input[n:]
	t.readable++
	t.changed.Broadcast()
	return n, nil
}

func (t *fakeTTY) Write(b []byte) (int, error) {
	t.set(func() { t.written += len(b) })
	return len(b), nil
}

// take returns how many octets were written since it was called last.
func (t *fakeTTY) take() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.written
	t.written = 0
	return n
}

// newFakeScreen returns a real tcell screen on a fake terminal.
func newFakeScreen(tty tcell.Tty) (tcell.Screen, error) {
	info, err := terminfo.LookupTerminfo("xterm-256color")
	if err != nil {
		return nil, err
	}
	return tcell.NewTerminfoScreenFromTtyTerminfo(tty, withoutPadding(info))
}
