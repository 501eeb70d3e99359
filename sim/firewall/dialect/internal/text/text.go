// Package text is what the parsers of all dialects share: lines and words with
// their columns, messages about a place in the text, spelling hints, and the names
// of ports and protocols.
package text

import "strings"

// MaxLineLength is the longest line, in octets, that a parser reads. A longer line
// is an error; no device's command line comes near it.
const MaxLineLength = 64 << 10

// Word is a word of a line.
type Word struct {
	Text   string
	Column int // 1-based, in octets, within the line
}

// End returns the column after the word.
func (w Word) End() int { return w.Column + len(w.Text) }

// Is reports whether the word is this keyword, in any case.
func (w Word) Is(keyword string) bool { return strings.EqualFold(w.Text, keyword) }

// Lower returns the word in lower case.
func (w Word) Lower() string { return strings.ToLower(w.Text) }

// Lines splits a text at its line ends, which are not part of the lines: LF, or CR
// LF. A line end at the very end does not start another line.
func Lines(text string) []string {
	lines := strings.Split(text, "\n")
	if last := len(lines) - 1; lines[last] == "" {
		lines = lines[:last]
	}
	for i, line := range lines {
		lines[i] = strings.TrimSuffix(line, "\r")
	}
	return lines
}

// Words splits a line at blanks. Column 1 is the line's first octet; offset
// is added to every column, for a line whose beginning was cut off.
func Words(line string, offset int) []Word {
	var words []Word
	for i := 0; i < len(line); {
		if isSpace(line[i]) {
			i++
			continue
		}
		start := i
		for i < len(line) && !isSpace(line[i]) {
			i++
		}
		words = append(words, Word{Text: line[start:i], Column: offset + start + 1})
	}
	return words
}

// Indent returns the number of blanks that a line begins with.
func Indent(line string) int {
	for i := 0; i < len(line); i++ {
		if !isSpace(line[i]) {
			return i
		}
	}
	return len(line)
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r' }

// Cursor reads the words of one statement from left to right.
type Cursor struct {
	Words []Word
	pos   int
	end   int // the column after the statement, where a missing word belongs
}

// NewCursor returns a cursor at the first of the words.
func NewCursor(words []Word) *Cursor {
	c := &Cursor{Words: words, end: 1}
	if n := len(words); n > 0 {
		c.end = words[n-1].End()
	}
	return c
}

// Done reports whether every word was read.
func (c *Cursor) Done() bool { return c.pos >= len(c.Words) }

// Peek returns the next word without reading it; at the end it is an empty word at
// the column after the statement.
func (c *Cursor) Peek() Word { return c.PeekAt(0) }

// PeekAt returns the word n words after the next one.
func (c *Cursor) PeekAt(n int) Word {
	if c.pos+n >= len(c.Words) {
		return Word{Column: c.end}
	}
	return c.Words[c.pos+n]
}

// Next reads a word; at the end it is an empty word.
func (c *Cursor) Next() Word {
	w := c.Peek()
	if !c.Done() {
		c.pos++
	}
	return w
}

// Accept reads the next words if they are these keywords, in any case.
func (c *Cursor) Accept(keywords ...string) bool {
	for i, k := range keywords {
		if !c.PeekAt(i).Is(k) {
			return false
		}
	}
	c.pos += len(keywords)
	return true
}

// Pos returns how many words were read; Seek goes back (or forth) to such a place.
func (c *Cursor) Pos() int { return c.pos }

// Seek goes to a place that Pos returned.
func (c *Cursor) Seek(pos int) { c.pos = pos }

// Last returns the word that was read last; before the first it is an empty word.
func (c *Cursor) Last() Word {
	if c.pos == 0 {
		return Word{Column: 1}
	}
	return c.Words[c.pos-1]
}

// Since returns the words read since pos with single spaces between them.
func (c *Cursor) Since(pos int) string { return Join(c.Words[pos:c.pos]) }

// Join returns the words with single spaces between them.
func Join(words []Word) string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = w.Text
	}
	return strings.Join(texts, " ")
}
