package view

import (
	"github.com/gdamore/tcell/v2"

	"ftplab/ui/model"
)

// keyOf names a key as the key table does, "" for one that no page knows.
func keyOf(ev *tcell.EventKey) model.Key {
	switch ev.Key() {
	case tcell.KeyRune:
		if ev.Rune() == ' ' {
			return model.Space
		}
		return model.Key(string(ev.Rune()))
	case tcell.KeyLeft:
		return model.Left
	case tcell.KeyRight:
		return model.Right
	case tcell.KeyUp:
		return model.Up
	case tcell.KeyDown:
		return model.Down
	case tcell.KeyPgUp:
		return model.PageUp
	case tcell.KeyPgDn:
		return model.PageDown
	case tcell.KeyHome:
		return model.Home
	case tcell.KeyEnd:
		return model.End
	case tcell.KeyEnter:
		return model.Enter
	case tcell.KeyEscape:
		return model.Escape
	case tcell.KeyTab:
		return model.Tab
	case tcell.KeyBacktab:
		return model.BackTab
	case tcell.KeyCtrlC:
		return model.CtrlC
	case tcell.KeyCtrlL:
		return model.CtrlL
	}
	return ""
}
