package view

import (
	"os"
	"reflect"
	"regexp"
	"sync"

	"github.com/gdamore/tcell/v2"
	"github.com/gdamore/tcell/v2/terminfo"
)

// quietTTY is a terminal that can be told to deliver no more input, so that nobody is
// left waiting to pass on what was read.
type quietTTY struct {
	tcell.Tty
	mu      sync.Mutex
	changed *sync.Cond
	reading bool // somebody is in Read: nothing that was read waits to be passed on
	ended   bool // Read has failed: nobody reads any more
	silent  bool
}

func newQuietTTY(inner tcell.Tty) *quietTTY {
	t := &quietTTY{Tty: inner}
	t.changed = sync.NewCond(&t.mu)
	return t
}

// Read reads from the terminal; what comes after hush is thrown away.
func (t *quietTTY) Read(b []byte) (int, error) {
	t.set(func() { t.reading = true })
	n, err := t.Tty.Read(b)
	t.set(func() {
		t.reading = false
		t.ended = t.ended || err != nil
		if t.silent {
			n = 0
		}
	})
	return n, err
}

func (t *quietTTY) set(change func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change()
	t.changed.Broadcast()
}

// hush makes the terminal deliver nothing more and waits until what it has delivered
// was taken. Somebody must be taking it.
func (t *quietTTY) hush() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.silent = true
	for !t.reading && !t.ended {
		t.changed.Wait()
	}
}

// newTerminal returns a screen on the terminal of this process.
func newTerminal() (tcell.Screen, error) {
	info, err := tcell.LookupTerminfo(os.Getenv("TERM"))
	if err != nil {
		// A terminal that nobody has heard of is most likely like xterm. Where there is
		// no terminfo at all (Windows) tcell has a screen of its own.
		if info, err = terminfo.LookupTerminfo("xterm-256color"); err != nil {
			return tcell.NewScreen()
		}
	}
	tty, err := tcell.NewDevTty()
	if err != nil {
		return tcell.NewScreen()
	}
	return tcell.NewTerminfoScreenFromTtyTerminfo(newQuietTTY(tty), withoutPadding(info))
}

// padding is the pauses in a terminal's descriptions: "$<5>" asks for 5 ms. tcell
// really waits, for nearly a second a frame on a vt100, and no terminal of today needs
// it.
var padding = regexp.MustCompile(`\$<[0-9.]+[*/]*>`)

// withoutPadding returns a copy of a description without pauses. It is a copy also
// because tcell writes into the one that it is given.
func withoutPadding(info *terminfo.Terminfo) *terminfo.Terminfo {
	own := *info
	fields := reflect.ValueOf(&own).Elem()
	for i := range fields.NumField() {
		if f := fields.Field(i); f.Kind() == reflect.String && f.CanSet() {
			f.SetString(padding.ReplaceAllString(f.String(), ""))
		}
	}
	return &own
}
