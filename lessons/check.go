package lessons

import (
	"fmt"
	"maps"
	"slices"

	"ftplab/sim"
	"ftplab/sim/trace"
)

// Result is what came of one check: a claim in one of its runs, or a step of the story.
type Result struct {
	Lesson *Lesson
	// Claim is the sentence, or what was checked of the story.
	Claim string
	Run   Selection
	OK    bool
	// Line and Column are the place in the lesson's file; Message says what is wrong,
	// "" if nothing.
	Line, Column int
	Message      string
}

// String says the result in one line: "course/04.md:31:7: pasv through acl: outcome is
// ok, not connect_timeout".
func (r Result) String() string {
	if r.OK {
		return fmt.Sprintf("%s:%d: ok: %s", r.Lesson.File, r.Line, r.Claim)
	}
	return fmt.Sprintf("%s:%d:%d: %s: %s", r.Lesson.File, r.Line, r.Column, describe(r.Run), r.Message)
}

// describe says in words which run it was.
func describe(s Selection) string {
	text := s.Mode + " through " + s.Firewall
	if s.Op != "" {
		text = s.Op + " with " + text
	}
	if s.TLS {
		text += " with TLS"
	}
	for _, name := range slices.Sorted(maps.Keys(s.Set)) {
		text += ", " + name + "=" + s.Set[name]
	}
	return text
}

// Check runs every claim of a lesson in every run that it is about, and checks the
// story: every step must be found in at least one run in which it is told, and in no
// run may it go back in time.
func (l *Lesson) Check() []Result {
	c := checker{lesson: l, target: l.Target(), runs: map[string]*facts{}}
	for _, claim := range l.Claims {
		for _, sel := range claim.Runs {
			c.claim(claim, sel)
		}
	}
	c.story()
	return c.results
}

type checker struct {
	lesson  *Lesson
	target  *Target
	runs    map[string]*facts
	results []Result
}

// run simulates a selection, once.
func (c *checker) run(sel Selection) (*facts, error) {
	key := describe(sel) + fmt.Sprint(sel.Seed)
	if f := c.runs[key]; f != nil {
		return f, nil
	}
	sc, err := c.target.Scenario(sel)
	if err != nil {
		return nil, err
	}
	tr, err := sim.Run(sc)
	if err != nil {
		return nil, err
	}
	f := newFacts(c.target.Name(), sel, &sc, tr)
	c.runs[key] = f
	return f, nil
}

func (c *checker) add(what string, sel Selection, line, column int, message string) {
	c.results = append(c.results, Result{Lesson: c.lesson, Claim: what, Run: sel, OK: message == "", Line: line, Column: column, Message: message})
}

func (c *checker) claim(claim Claim, sel Selection) {
	f, err := c.run(sel)
	if err != nil {
		c.add(claim.Says, sel, claim.Line, 1, err.Error())
		return
	}
	failed := false
	for _, e := range claim.expect {
		if got := f.get(e.path); !e.test.holds(got) {
			failed = true
			c.add(claim.Says, sel, e.line, e.column, fmt.Sprintf("%q: %s is %s, not %s", claim.Says, e.path, got, e.test))
		}
	}
	if !failed {
		c.add(claim.Says, sel, claim.Line, 1, "")
	}
}

// story checks the steps in every mode with every variant.
func (c *checker) story() {
	found := make([]bool, len(c.lesson.Steps))
	told := make([]bool, len(c.lesson.Steps))
	sel := c.target.Default
	for _, mode := range c.target.Modes {
		for _, variant := range c.target.Variants {
			for _, op := range c.target.Ops {
				sel.Mode, sel.Firewall, sel.Op = mode, variant.Name, op
				c.storyOf(sel, told, found)
			}
		}
	}
	for i, s := range c.lesson.Steps {
		message := ""
		if told[i] && !found[i] {
			message = fmt.Sprintf("the step %q is tied to %q, which happens in no run in which it is told", s.Title, s.At)
		}
		c.add("the step \""+s.Title+"\" happens", c.target.Default, s.Line, 1, message)
	}
}

func (c *checker) storyOf(sel Selection, told, found []bool) {
	sel.Set = maps.Clone(sel.Set)
	f, err := c.run(sel)
	if err != nil {
		c.add("the story", sel, 1, 1, err.Error())
		return
	}
	var last trace.ID
	var before string
	for i, s := range c.lesson.Steps {
		if !s.runs.holds(sel) {
			continue
		}
		told[i] = true
		id, ok := s.Find(f.tr)
		if !ok {
			continue
		}
		found[i] = true
		if id < last {
			c.add("the story goes forward", sel, s.Line, 1, fmt.Sprintf("the step %q comes before %q in time", s.Title, before))
		}
		last, before = id, s.Title
	}
}
