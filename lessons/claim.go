package lessons

import (
	"fmt"
	"slices"
	"strings"

	"ftplab/topology/document"
)

// Claim is a sentence of a lesson with the check that the simulator runs for it.
type Claim struct {
	Says string
	// Runs are the runs in which it holds, complete.
	Runs []Selection
	Line int // of its sentence in the lesson's file

	expect []expectation
}

// expectation is a fact of a run and what it must be.
type expectation struct {
	path   string
	test   test
	line   int
	column int
}

var claimKeys = []string{"says", "run", "expect"}

// claims reads the list of claims.
func (l *Lesson) claims(d *document.Decoder, list *document.Node) {
	for _, v := range d.List(list) {
		if !d.Map(v, "a claim", claimKeys...) {
			continue
		}
		c := Claim{Says: d.String(v.Get("says")), Line: v.Line}
		if c.Says == "" {
			d.Fail(v, "a claim says something").Hint = "says: a sentence"
		}
		runs := d.List(v.Get("run"))
		if len(runs) == 0 {
			runs = []*document.Node{v.Get("run")}
		}
		for _, run := range runs {
			c.Runs = append(c.Runs, l.runs(d, run)...)
		}
		expect := v.Get("expect")
		if expect == nil {
			d.Fail(v, "a claim without expect proves nothing").Hint = "expect: {outcome: ok}"
		}
		if expect != nil && d.Mapping(expect, "expect") {
			for i, k := range expect.Keys {
				if err := checkPath(k.Text); err != nil {
					d.Fail(k, "%v", err)
				}
				c.expect = append(c.expect, expectation{k.Text, readTest(d, expect.Values[i]), k.Line, k.Column})
			}
		}
		l.Claims = append(l.Claims, c)
	}
}

var runKeys = []string{"mode", "firewall", "op", "tls", "set", "seed"}

// runs reads which runs a claim is about: every combination of the modes, firewalls
// and operations it names; "all" is every one there is.
func (l *Lesson) runs(d *document.Decoder, v *document.Node) []Selection {
	base := l.network.Default
	if v == nil {
		return []Selection{base}
	}
	if !d.Map(v, "a run", runKeys...) {
		return nil
	}
	t := l.Target()
	var variants []string
	for _, variant := range t.Variants {
		variants = append(variants, variant.Name)
	}
	base.TLS = d.Bool(v.Get("tls"))
	if s := v.Get("seed"); s != nil {
		base.Seed = uint64(d.Int(s, 1, 1<<62))
	}
	if set := v.Get("set"); set != nil && d.Mapping(set, "set") {
		base.Set = map[string]string{}
		for i, k := range set.Keys {
			base.Set[k.Text] = d.String(set.Values[i])
		}
	}
	var out []Selection
	for _, mode := range choices(d, v.Get("mode"), base.Mode, t.Modes) {
		for _, firewall := range choices(d, v.Get("firewall"), base.Firewall, variants) {
			for _, op := range choices(d, v.Get("op"), base.Op, t.Ops) {
				sel := base
				sel.Mode, sel.Firewall, sel.Op = modeName(mode), firewall, op
				complete, err := l.network.Complete(sel)
				if err != nil {
					d.Fail(v, "%v", err)
					return nil
				}
				out = append(out, complete)
			}
		}
	}
	return out
}

func choices(d *document.Decoder, v *document.Node, absent string, all []string) []string {
	if v == nil {
		return []string{absent}
	}
	names := d.Strings(v)
	if len(names) == 1 && names[0] == "all" {
		return all
	}
	if len(names) > 1 && names[0] == "not" {
		return slices.DeleteFunc(slices.Clone(all), func(name string) bool { return slices.Contains(names[1:], name) })
	}
	return names
}

// test is what a fact must be: equal to a text, or a condition.
type test struct {
	operator string // "", contains, not, above, below, from-to, one_of, starts
	words    []string
	low      float64
	high     float64
}

// readTest reads a value, or a mapping with one condition.
func readTest(d *document.Decoder, v *document.Node) test {
	if v.Kind != document.Map {
		return test{words: []string{scalarText(d, v)}}
	}
	if len(v.Keys) != 1 || !d.Map(v, "a condition", "contains", "starts", "not", "above", "below", "between", "one_of") {
		d.Fail(v, "one condition: contains, starts, not, above, below, between or one_of")
		return test{}
	}
	t := test{operator: v.Keys[0].Text}
	values := []*document.Node{v.Values[0]}
	if v.Values[0].Kind == document.List {
		values = v.Values[0].Values
	}
	numbers := map[string]int{"above": 1, "below": 1, "between": 2}[t.operator]
	switch {
	case numbers > 0 && len(values) == numbers:
		t.low = number(d, values[0])
		t.high = number(d, values[numbers-1])
	case numbers > 0 || len(values) == 0 || len(values) > 1 && t.operator != "one_of":
		d.Fail(v, "%s needs %d values, not %d", t.operator, max(1, numbers), len(values))
	default:
		for _, value := range values {
			t.words = append(t.words, scalarText(d, value))
		}
	}
	return t
}

// scalarText returns a scalar as facts are compared: null is "null".
func scalarText(d *document.Decoder, v *document.Node) string {
	if v.Kind == document.Null {
		return "null"
	}
	return d.String(v)
}

func number(d *document.Decoder, v *document.Node) float64 {
	var x float64
	if _, err := fmt.Sscan(d.String(v), &x); err != nil {
		d.Fail(v, "%q is no number", v.Text)
	}
	return x
}

// holds reports whether a fact, as facts are written, passes.
func (t test) holds(fact string) bool {
	var x float64
	_, notNumber := fmt.Sscan(fact, &x)
	switch t.operator {
	case "contains":
		return strings.Contains(fact, t.words[0])
	case "starts":
		return strings.HasPrefix(fact, t.words[0])
	case "not":
		return fact != t.words[0]
	case "above":
		return notNumber == nil && x > t.low
	case "below":
		return notNumber == nil && x < t.low
	case "between":
		return notNumber == nil && x >= t.low && x <= t.high
	case "one_of":
		return slices.Contains(t.words, fact)
	}
	return fact == t.words[0]
}

// String says the condition in words.
func (t test) String() string {
	switch t.operator {
	case "":
		return t.words[0]
	case "above", "below":
		return fmt.Sprintf("%s %v", t.operator, t.low)
	case "between":
		return fmt.Sprintf("between %v and %v", t.low, t.high)
	case "one_of":
		return "one of " + strings.Join(t.words, ", ")
	}
	return t.operator + " " + t.words[0]
}
