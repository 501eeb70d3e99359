package view

import (
	"github.com/gdamore/tcell/v2"

	"ftplab/ui/model"
)

// Theme is how each role of text looks.
type Theme struct {
	styles [model.NumRoles]tcell.Style
}

// style returns how a cell looks. What is selected is reversed, which every terminal
// shows.
func (t *Theme) style(c *cell) tcell.Style {
	s := t.styles[c.role]
	if c.reverse {
		s = s.Reverse(true)
	}
	return s
}

// ColorTheme returns the theme for terminals with colours. It uses the sixteen colours
// that a person chose for the terminal, never a background.
func ColorTheme() *Theme {
	base := tcell.StyleDefault
	t := &Theme{}
	t.styles = [model.NumRoles]tcell.Style{
		model.Faint:      base.Foreground(tcell.ColorGray),
		model.Strong:     base.Bold(true),
		model.TitleRole:  base.Bold(true),
		model.FrameRole:  base.Foreground(tcell.ColorGray),
		model.Control:    base.Foreground(tcell.ColorTeal),
		model.Data:       base.Foreground(tcell.ColorOlive),
		model.Other:      base.Foreground(tcell.ColorPurple),
		model.Pass:       base.Foreground(tcell.ColorGreen),
		model.Drop:       base.Foreground(tcell.ColorMaroon).Bold(true),
		model.Match:      base.Bold(true).Underline(true),
		model.Miss:       base.Foreground(tcell.ColorMaroon),
		model.FromClient: base.Foreground(tcell.ColorTeal).Bold(true),
		model.FromServer: base.Foreground(tcell.ColorGreen).Bold(true),
		model.KeyRole:    base.Bold(true).Reverse(true),
		model.Code:       base.Bold(true),
		model.Notice:     base.Foreground(tcell.ColorPurple).Bold(true),
	}
	return t
}

// MonochromeTheme returns the theme for terminals without colours, and for people who
// do not want them (NO_COLOR).
func MonochromeTheme() *Theme {
	base := tcell.StyleDefault
	t := &Theme{}
	t.styles = [model.NumRoles]tcell.Style{
		model.Faint:      base.Dim(true),
		model.Strong:     base.Bold(true),
		model.TitleRole:  base.Bold(true),
		model.Drop:       base.Bold(true),
		model.Match:      base.Bold(true).Underline(true),
		model.FromClient: base.Bold(true),
		model.FromServer: base.Bold(true),
		model.KeyRole:    base.Bold(true).Reverse(true),
		model.Code:       base.Bold(true),
		model.Notice:     base.Bold(true),
	}
	return t
}
