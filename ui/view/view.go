// Package view draws the screens of package model on a terminal with tview and tcell,
// and turns keys and time into what package control does.
//
// Nothing in here is shared between applications: a process may run many at a time,
// each on a screen of its own.
package view

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/gdamore/tcell/v2"

	"ftplab/lessons"
	"ftplab/ui/control"
	"ftplab/ui/model"
)

// Options say how an application begins.
type Options struct {
	// Catalogue is the list of lessons.
	Catalogue []*lessons.Lesson
	// Start, if not nil, is opened at once with Selection, at the event At: a number,
	// "drop" for the first drop, or "" for the start.
	Start     *lessons.Target
	Selection lessons.Selection
	At        string
	// Live, if not nil, is Start with Selection while it runs: a real program is in it.
	Live *control.Live
	// ASCII draws with ASCII signs alone. A terminal that cannot show others gets them
	// in any case.
	ASCII bool
	// NoColor draws without colours.
	NoColor bool
	// Screen, if not nil, is drawn on instead of the terminal of this process. It must
	// not have been initialised.
	Screen tcell.Screen
	// StateDir is the folder in which it is remembered what was done; "" for nowhere.
	StateDir string
}

// Run runs the application until the person quits or ctx ends. The error is about the
// options or the terminal.
func Run(ctx context.Context, o Options) error {
	memory, memoryErr := loadMemory(o.StateDir)
	begin := o.begin(memory)
	// What is wrong with the options is said before the terminal is taken.
	if _, err := control.New(begin); err != nil {
		return err
	}
	inner := o.Screen
	if inner == nil {
		var err error
		if inner, err = newTerminal(); err != nil {
			return fmt.Errorf("the terminal cannot be used: %w", err)
		}
	}
	a := &application{stop: make(chan struct{}), wake: make(chan struct{}, 1)}
	a.screen = newDiffScreen(inner, a.terminalGone)
	// Of a locale whose character set nobody has heard of, ASCII is sure to be shown.
	tcell.SetEncodingFallback(tcell.EncodingFallbackASCII)
	if err := a.screen.Init(); err != nil {
		return fmt.Errorf("the terminal cannot be used: %w", err)
	}
	if !isUTF8(a.screen.CharacterSet()) {
		begin.Glyphs = model.ASCIIGlyphs()
	}
	theme := ColorTheme()
	if o.NoColor || a.screen.Colors() == 0 {
		theme = MonochromeTheme()
	}
	state, err := control.New(begin)
	if err != nil {
		a.screen.Fini()
		return err
	}
	if o.Live != nil {
		a.wake <- struct{}{}
	}
	err = a.run(ctx, state, theme)
	if memoryErr == nil { // else the file would be overwritten by what was not read
		memoryErr = saveMemory(o.StateDir, state.Memory())
	}
	return errors.Join(err, memoryErr)
}

// isUTF8 reports whether a locale's character set is UTF-8, however it is spelt: the C
// library takes UTF-8, utf8 and what lies between for the same.
func isUTF8(charset string) bool {
	return strings.EqualFold(strings.ReplaceAll(charset, "-", ""), "utf8")
}

// begin returns the options of the state.
func (o *Options) begin(memory control.Memory) control.Options {
	glyphs := model.UnicodeGlyphs()
	if o.ASCII {
		glyphs = model.ASCIIGlyphs()
	}
	return control.Options{Lessons: o.Catalogue, Start: o.Start, Selection: o.Selection, At: o.At, Live: o.Live, Glyphs: glyphs, Memory: memory}
}
