package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// progressBar shows how far a transfer has come, on one line of a terminal. On
// anything else it is silent.
type progressBar struct {
	w       io.Writer
	name    string
	shown   bool
	started time.Time
	last    time.Time
	begin   int64 // octets that were there already, when resuming
	now     int64
	total   int64
}

// progressEvery is the least time between two redraws.
const progressEvery = 100 * time.Millisecond

func newProgressBar(w io.Writer, name string, wanted bool) *progressBar {
	file, isFile := w.(*os.File)
	shown := wanted && isFile && term.IsTerminal(int(file.Fd()))
	return &progressBar{w: w, name: name, shown: shown, started: time.Now(), begin: -1, total: -1}
}

// moved notes that so many octets of so many have gone over; total is -1 if unknown.
func (b *progressBar) moved(now, total int64) {
	if b.begin < 0 {
		b.begin = now
	}
	b.now, b.total = now, total
	if b.shown && time.Since(b.last) >= progressEvery {
		b.last = time.Now()
		fmt.Fprintf(b.w, "\r%s", b.line(time.Since(b.started)))
	}
}

// end draws the line for the last time.
func (b *progressBar) end() {
	if b.shown && b.begin >= 0 {
		fmt.Fprintf(b.w, "\r%s\n", b.line(time.Since(b.started)))
	}
}

// line is the whole line, as wide as an old terminal at most.
func (b *progressBar) line(elapsed time.Duration) string {
	rate := float64(b.now-max(b.begin, 0)) / max(elapsed.Seconds(), 1e-3)
	bar, share := "", ""
	if b.total > 0 {
		const width = 20
		done := int(min(width*b.now/b.total, width))
		bar = "[" + strings.Repeat("#", done) + strings.Repeat(".", width-done) + "] "
		share = fmt.Sprintf("%3d %% ", min(100*b.now/b.total, 100))
	}
	return fmt.Sprintf("%-20.20s %s%s%10s %9s/s", b.name, bar, share, octets(float64(b.now)), octets(rate))
}

// octets prints a number of octets with a binary prefix.
func octets(n float64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	i := 0
	for n >= 1024 && i < len(units)-1 {
		n /= 1024
		i++
	}
	if i == 0 {
		return fmt.Sprintf("%.0f %s", n, units[i])
	}
	return fmt.Sprintf("%.1f %s", n, units[i])
}
