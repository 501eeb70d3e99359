// Package lessons is the course as data: lessons are Markdown files with YAML front
// matter, which say a network, a story tied to what happens in it, and claims that the
// simulator checks. The built-in course lies in the folder course beside this package,
// the built-in scenarios linux/ROW in the folder linux.
//
// FORMAT.md in this folder describes how a lesson is written. Reading is strict: an
// unknown key, a step that is tied to nothing, a claim about a fact that does not exist
// are errors with file, line and column.
package lessons

import (
	"bytes"
	"io/fs"
	"slices"
	"strings"

	"ftplab/sim/trace"
	"ftplab/topology"
	"ftplab/topology/document"
)

// Lesson is a lesson that was read. It is immutable.
type Lesson struct {
	ID     string // "acl-active": one word, never changed once published
	Number string // "04": its place in the course; "" if it has none
	Title  string
	// Goal is what the learner can do afterwards, in a sentence.
	Goal    string
	Minutes int
	// Needs are the lessons that should be done before, by number or id.
	Needs []string
	// Article is what the article said, the sentences that the lesson tests; "" if none.
	Article string
	// Intro is the Markdown before the first step.
	Intro string
	// Steps are the story, in its order.
	Steps []Step
	// Claims are what the lesson says, with what to check.
	Claims []Claim
	// Warnings are what a person should know about this file and can do without: it
	// replaces a built-in lesson, or its rules have parts that are not modelled.
	Warnings []string
	// File is where it was read from.
	File string

	network *topology.Network
}

// Step is a section of the story, tied to an event of the run.
type Step struct {
	Title string
	// Text is Markdown.
	Text string
	// At says which event it is about and When in which runs it is told, as written.
	At, When string
	Line     int // of its heading

	event []selector // any of them
	runs  restriction
}

// Find returns the event that the step is about, false if the run has none.
func (s Step) Find(tr *trace.Trace) (trace.ID, bool) {
	for _, sel := range s.event {
		if id, ok := sel.find(tr); ok {
			return id, true
		}
	}
	return 0, false
}

// StepsFor returns the steps that are told in the run that a selection describes, in
// the story's order.
func (l *Lesson) StepsFor(sel Selection) []Step {
	if complete, err := l.network.Complete(sel); err == nil {
		sel = complete
	}
	var out []Step
	for _, s := range l.Steps {
		if s.runs.holds(sel) {
			out = append(out, s)
		}
	}
	return out
}

var lessonKeys = []string{"id", "number", "minutes", "goal", "needs", "article", "claims"}

// Parse reads a lesson. File is the name that messages give to it; files holds the
// files that it names, by paths relative to it, nil if it may name none. The error is a
// document.Errors.
func Parse(file string, text []byte, files fs.FS) (*Lesson, error) {
	front, body, bodyLine, problem := split(file, text)
	if problem != nil {
		return nil, document.Errors{problem}
	}
	node, err := document.Parse(file, front)
	if err != nil {
		return nil, err
	}
	var d document.Decoder
	if node.Kind != document.Map {
		d.Fail(node, "the front matter must say at least id, title and goal")
		return nil, d.Err()
	}
	scenario := node.Clone()
	scenario.Remove(lessonKeys...)
	network, err := topology.Decode(scenario, files)
	if err != nil {
		d.Add(withKeys(err)...)
		return nil, d.Err()
	}
	l := &Lesson{File: file, Title: network.Title, Warnings: network.Warnings, network: network}
	l.frontMatter(&d, node)
	l.story(&d, body, bodyLine)
	l.claims(&d, node.Get("claims"))
	if err := d.Err(); err != nil {
		return nil, err
	}
	return l, nil
}

// withKeys lets the message about an unknown key of the front matter know a lesson's
// own keys.
func withKeys(err error) []*document.Error {
	errs, ok := err.(document.Errors)
	if !ok {
		return []*document.Error{{Message: err.Error()}}
	}
	for _, e := range errs {
		word, unknown := strings.CutPrefix(e.Message, "a scenario has no ")
		if !unknown {
			continue
		}
		e.Message = "a lesson has no " + word
		if s := document.Suggest(strings.Trim(word, `"`), lessonKeys); s != "" {
			e.Hint = s
		}
	}
	return errs
}

func (l *Lesson) frontMatter(d *document.Decoder, node *document.Node) {
	for _, c := range []struct {
		key      string
		value    *string
		required bool
	}{
		{"id", &l.ID, true}, {"number", &l.Number, false}, {"goal", &l.Goal, true}, {"article", &l.Article, false},
	} {
		v := node.Get(c.key)
		*c.value = strings.TrimSpace(d.String(v))
		if c.required && *c.value == "" {
			d.Fail(node, "the front matter says no %s", c.key)
		}
	}
	if l.Title == "" {
		d.Fail(node, "the front matter says no title")
	}
	if id := node.Get("id"); strings.ContainsAny(l.ID, " \t/\\.") {
		d.Fail(id, "%q cannot be an id", l.ID).Hint = "one word, such as my-lesson"
	}
	if m := node.Get("minutes"); m != nil {
		l.Minutes = int(d.Int(m, 1, 600))
	}
	l.Needs = d.Strings(node.Get("needs"))
}

// split takes a lesson apart: the front matter, with the line of its first "---" so
// that line numbers hold, and the body with the number of its first line.
func split(file string, text []byte) (front, body []byte, bodyLine int, problem *document.Error) {
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	if !bytes.HasPrefix(text, []byte("---\n")) {
		return nil, nil, 0, &document.Error{File: file, Line: 1, Column: 1,
			Message: "a lesson begins with its front matter", Hint: "a line ---, then YAML, then a line --- again"}
	}
	line, at := 2, 4
	for at < len(text) {
		end := bytes.IndexByte(text[at:], '\n')
		next := len(text)
		if end >= 0 {
			next = at + end + 1
		}
		if bytes.Equal(bytes.TrimRight(text[at:next], " \n"), []byte("---")) {
			return text[:at], text[next:], line + 1, nil
		}
		at = next
		line++
	}
	return nil, nil, 0, &document.Error{File: file, Line: 1, Column: 1, Message: "the front matter never ends", Hint: "a line --- ends it"}
}

// same reports whether a name is the lesson's: its id, or its number with or without
// leading zeros.
func (l *Lesson) same(name string) bool {
	return name == l.ID || l.Number != "" && strings.TrimLeft(name, "0") == strings.TrimLeft(l.Number, "0")
}

// sortLessons puts lessons into the order of the course: by number, those without one
// last, by id.
func sortLessons(all []*Lesson) {
	slices.SortStableFunc(all, func(a, b *Lesson) int {
		if (a.Number == "") != (b.Number == "") {
			return strings.Compare(b.Number, a.Number)
		}
		if c := compareNumbers(a.Number, b.Number); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
}

// compareNumbers orders numbers of any length; what is no number comes after them.
func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}
