package text

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"ftplab/sim/firewall"
)

// Limits of one text's messages. Beyond them one last message says how many more
// there were.
const (
	MaxErrors   = 50
	MaxWarnings = 500
)

// Problem is what is wrong with a statement, at which of its words. It is an error,
// so that a parser can return it from wherever it finds it.
type Problem struct {
	// Column and EndColumn are the offending word's, 1-based, EndColumn after it.
	Column, EndColumn int
	// Message says what is wrong; Hint, if not "", what to do.
	Message, Hint string
}

// Error returns the message.
func (p *Problem) Error() string { return p.Message }

// WithHint sets the hint and returns p.
func (p *Problem) WithHint(format string, args ...any) *Problem {
	p.Hint = fmt.Sprintf(format, args...)
	return p
}

// At returns a problem at a word.
func At(w Word, format string, args ...any) *Problem {
	return &Problem{Column: w.Column, EndColumn: w.End(), Message: fmt.Sprintf(format, args...)}
}

// NotModelled returns the warning that a whole statement is valid but not modelled.
func NotModelled(words []Word) *Problem {
	if len(words) == 0 {
		return &Problem{Column: 1, EndColumn: 1, Message: "the statement is not modelled: it is left out"}
	}
	const shown = 4 // words that the message repeats
	name := Join(words[:min(shown, len(words))])
	if len(words) > shown {
		name += " ..."
	}
	p := At(words[0], "%q is not modelled: the statement is left out", name)
	p.EndColumn = words[len(words)-1].End()
	return p
}

// Expected returns the problem that something else stands where what was expected,
// with the nearest candidate in the spelling as its hint.
func Expected(what string, w Word, candidates ...string) *Problem {
	if w.Text == "" {
		return At(w, "%s is missing", what).WithHint("%s", oneOf(candidates))
	}
	p := At(w, "%q is not %s", w.Text, what)
	if near := Suggest(w.Text, candidates); near != "" {
		return p.WithHint("did you mean %s?", near)
	}
	return p.WithHint("%s", oneOf(candidates))
}

func oneOf(candidates []string) string {
	const most = 12
	switch n := len(candidates); {
	case n == 0:
		return ""
	case n == 1:
		return "write " + candidates[0]
	case n > most:
		return "expected " + strings.Join(candidates[:most], ", ") + " ..."
	}
	last := len(candidates) - 1
	return "expected " + strings.Join(candidates[:last], ", ") + " or " + candidates[last]
}

// Report collects the messages about one text.
type Report struct {
	File        string
	diagnostics []firewall.Diagnostic
	errors      int
	warnings    int
}

// Error records a problem of a line. An err that is not a *Problem has no column.
func (r *Report) Error(line int, err error) {
	r.errors++
	if r.errors <= MaxErrors {
		r.add(firewall.Error, line, err)
	}
}

// Warn records a warning about a line.
func (r *Report) Warn(line int, err error) {
	r.warnings++
	if r.warnings <= MaxWarnings {
		r.add(firewall.Warning, line, err)
	}
}

// Failed reports whether there was an error.
func (r *Report) Failed() bool { return r.errors > 0 }

// Full reports whether there were so many errors that reading on is pointless.
func (r *Report) Full() bool { return r.errors > MaxErrors }

func (r *Report) add(severity firewall.Severity, line int, err error) {
	d := firewall.Diagnostic{Severity: severity, File: r.File, Line: line, Column: 1, EndColumn: 1, Message: err.Error()}
	if p, ok := err.(*Problem); ok {
		d.Column, d.EndColumn, d.Hint = p.Column, p.EndColumn, p.Hint
	}
	d.Message, d.Hint = brief(d.Message), brief(d.Hint)
	r.diagnostics = append(r.diagnostics, d)
}

// Limits of a message: longer words of the text that it repeats are shortened to
// shownWord characters, and the whole to longestMessage.
const (
	longestWord    = 60
	shownWord      = 40
	longestMessage = 400
)

// brief shortens the words that a message repeats from the text, which may be megabytes
// long. What a word ends with (a quote, a colon) stays.
func brief(message string) string {
	if len(message) <= longestWord {
		return message
	}
	words := strings.Split(message, " ")
	for i, w := range words {
		runes := []rune(w[:min(len(w), 4*(shownWord+1))])
		if len(w) <= longestWord || len(runes) <= shownWord {
			continue
		}
		rest := strings.TrimRight(w, "\"':;,.)]}")
		words[i] = string(runes[:shownWord]) + "…" + w[max(len(rest), len(w)-3):]
	}
	message = strings.Join(words, " ")
	if runes := []rune(message); len(runes) > longestMessage {
		message = string(runes[:longestMessage]) + "…"
	}
	return message
}

// Diagnostics returns the messages in the order of the lines, with a last one where
// there were too many.
func (r *Report) Diagnostics() []firewall.Diagnostic {
	all := slices.Clone(r.diagnostics)
	slices.SortStableFunc(all, func(a, b firewall.Diagnostic) int { return a.Line - b.Line })
	last := 1
	if len(all) > 0 {
		last = all[len(all)-1].Line
	}
	if r.errors > MaxErrors {
		all = append(all, firewall.Diagnostic{Severity: firewall.Error, File: r.File, Line: last, Column: 1, EndColumn: 1,
			Message: fmt.Sprintf("too many errors: reading stopped after %d", MaxErrors)})
	}
	if n := r.warnings - MaxWarnings; n > 0 {
		all = append(all, firewall.Diagnostic{Severity: firewall.Warning, File: r.File, Line: last, Column: 1, EndColumn: 1,
			Message: fmt.Sprintf("%d more warnings are not shown", n)})
	}
	return all
}

// Warnings returns the warnings among the messages.
func (r *Report) Warnings() []firewall.Diagnostic {
	var warnings []firewall.Diagnostic
	for _, d := range r.Diagnostics() {
		if d.Severity == firewall.Warning {
			warnings = append(warnings, d)
		}
	}
	return warnings
}

// Format writes a message about text the way compilers do:
//
//	FILE:LINE:COL: error: MESSAGE
//	    3 | Rele deny ip
//	      | ^^^^
//	hint: ...
//
// Control characters of the text are shown as '?', so that no text can steer the
// terminal that shows it; a long line is cut around the offending word.
func Format(d firewall.Diagnostic, text string) string {
	var b strings.Builder
	severity := "warning"
	if d.Severity == firewall.Error {
		severity = "error"
	}
	fmt.Fprintf(&b, "%s:%d:%d: %s: %s\n", d.File, d.Line, d.Column, severity, printable(d.Message))
	if line, ok := lineOf(text, d.Line); ok {
		before, word, after := excerpt(line, d.Column-1, d.EndColumn-1)
		fmt.Fprintf(&b, "%5d | %s%s%s\n", d.Line, before, word, after)
		carets := max(1, utf8.RuneCountInString(word))
		fmt.Fprintf(&b, "      | %s%s\n", strings.Repeat(" ", utf8.RuneCountInString(before)), strings.Repeat("^", carets))
	}
	if d.Hint != "" {
		fmt.Fprintf(&b, "hint: %s\n", printable(d.Hint))
	}
	return b.String()
}

// excerpt returns what is shown of a line: before, within and after [from, to).
func excerpt(line string, from, to int) (before, word, after string) {
	const room = 60 // octets on either side of the word
	from = min(max(from, 0), len(line))
	to = min(max(to, from), len(line))
	before, word, after = line[:from], line[from:to], line[to:]
	if len(before) > room {
		before = "..." + before[len(before)-room:]
	}
	if len(word) > room {
		word = word[:room]
		after = "..."
	}
	if len(after) > room {
		after = after[:room] + "..."
	}
	return printable(before), printable(word), printable(after)
}

// printable replaces tabs by spaces and what is not printable by '?'.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case r == utf8.RuneError || !unicode.IsPrint(r):
			return '?'
		}
		return r
	}, s)
}

func lineOf(text string, number int) (string, bool) {
	if number < 1 {
		return "", false
	}
	lines := Lines(text)
	if number > len(lines) {
		return "", false
	}
	return lines[number-1], true
}
