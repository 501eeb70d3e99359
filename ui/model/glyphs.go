package model

import (
	"strings"
	"unicode"
)

// Glyphs are the signs that the screens are drawn with. Each is one column wide but
// Ellipsis, Arrow and Back.
type Glyphs struct {
	Horizontal, Vertical                         string
	TopLeft, TopRight, BottomLeft, BottomRight   string
	TeeRight, TeeLeft, TeeDown, TeeUp, Crossing  string // ├ ┤ ┬ ┴ ┼
	ControlLine, ControlLeft, ControlRight       string // ═ ╞ ╡
	DataLine                                     string // ─, drawn with gaps
	Right, Left                                  string // heads of packets
	Cross, Tick                                  string // dropped, let through
	Here, Mark, Wait, Listening                  string // on the scrubber; a listening port
	Matched, Missed, Default                     string // before a rule
	Play, Pause, Bullet, Hidden, Later, Up, Down string
	Ellipsis, Arrow, Back                        string
	ascii                                        bool
}

// UnicodeGlyphs returns the signs for terminals that show UTF-8.
func UnicodeGlyphs() *Glyphs {
	return &Glyphs{
		Horizontal: "─", Vertical: "│", TopLeft: "┌", TopRight: "┐", BottomLeft: "└", BottomRight: "┘",
		TeeRight: "├", TeeLeft: "┤", TeeDown: "┬", TeeUp: "┴", Crossing: "┼",
		ControlLine: "═", ControlLeft: "╞", ControlRight: "╡", DataLine: "─",
		Right: "►", Left: "◄", Cross: "✗", Tick: "✓",
		Here: "◆", Mark: "○", Wait: "◌", Listening: "◌",
		Matched: "▶", Missed: "⤷", Default: "·",
		Play: "▶", Pause: "‖", Bullet: "•", Hidden: "•", Later: "⋮", Up: "↑", Down: "↓",
		Ellipsis: "…", Arrow: "→", Back: "←",
	}
}

// ASCIIGlyphs returns the signs for terminals that show nothing but ASCII.
func ASCIIGlyphs() *Glyphs {
	return &Glyphs{
		Horizontal: "-", Vertical: "|", TopLeft: "+", TopRight: "+", BottomLeft: "+", BottomRight: "+",
		TeeRight: "+", TeeLeft: "+", TeeDown: "+", TeeUp: "+", Crossing: "+",
		ControlLine: "=", ControlLeft: "+", ControlRight: "+", DataLine: "-",
		Right: ">", Left: "<", Cross: "X", Tick: "Y",
		Here: "#", Mark: "o", Wait: ":", Listening: "?",
		Matched: ">", Missed: "`", Default: ".",
		Play: ">", Pause: "=", Bullet: "*", Hidden: "*", Later: ":", Up: "^", Down: "v",
		Ellipsis: "...", Arrow: "->", Back: "<-",
		ascii: true,
	}
}

// replacements are what stands for signs of the lessons' texts where there is only
// ASCII.
var replacements = strings.NewReplacer(
	"→", "->", "←", "<-", "↔", "<->", "…", "...", "–", "-", "—", "--", "‘", "'", "’", "'", "“", `"`, "”", `"`,
	"✗", "X", "✓", "Y", "▶", ">", "►", ">", "◄", "<", "⤷", "`", "·", ".", "•", "*", "×", "x", "≥", ">=", "≤", "<=",
	"≠", "!=", "⋮", ":", "◆", "#", "○", "o", "●", "*", "◌", ":", "═", "=", "─", "-", "│", "|", "\u00a0", " ",
)

// clean returns foreign text (of a lesson, a ruleset, a server) fit to be shown on one
// line: tabs become spaces, and what would steer a terminal or hide text a dot.
func (g *Glyphs) clean(s string) string {
	plain := true
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	if g.ascii {
		s = replacements.Replace(s)
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n':
			return ' '
		case g.ascii && r >= 0x7f:
			return '?'
		case r == unicode.ReplacementChar, unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co):
			return '.'
		}
		return r
	}, s)
}
