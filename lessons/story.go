package lessons

import (
	"slices"
	"strings"

	"ftplab/topology/document"
)

// story reads the body: the introduction and a section for each step. A section begins
// with a heading of the second level and the lines that tie it to the run:
//
//	## The answer is dropped
//	at: segment SA of data dropped
//	when: mode pasv epsv, firewall acl
func (l *Lesson) story(d *document.Decoder, body []byte, firstLine int) {
	lines := strings.Split(string(body), "\n")
	var heads []int
	fenced := false
	for i, line := range lines {
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
		}
		if !fenced && strings.HasPrefix(line, "## ") {
			heads = append(heads, i)
		}
	}
	end := len(lines)
	if len(heads) > 0 {
		end = heads[0]
	}
	l.Intro = strings.TrimSpace(strings.Join(lines[:end], "\n"))
	for i, at := range heads {
		end := len(lines)
		if i+1 < len(heads) {
			end = heads[i+1]
		}
		l.Steps = append(l.Steps, l.step(d, lines[at:end], firstLine+at))
	}
	if len(l.Steps) == 0 {
		d.Add(&document.Error{File: l.File, Line: firstLine, Message: "the lesson tells no story", Hint: "sections that begin with ## and a line at:"})
	}
}

// step reads one section.
func (l *Lesson) step(d *document.Decoder, lines []string, line int) Step {
	s := Step{Title: strings.TrimSpace(strings.TrimPrefix(lines[0], "## ")), Line: line}
	rest := lines[1:]
	fail := func(row int, message, hint string) {
		d.Add(&document.Error{File: l.File, Line: line + row, Column: 1, Message: message, Hint: hint})
	}
	for len(rest) > 0 && strings.TrimSpace(rest[0]) != "" {
		row := len(lines) - len(rest)
		key, value, ok := strings.Cut(rest[0], ":")
		value = strings.TrimSpace(value)
		switch {
		case ok && key == "at" && s.At == "":
			s.At = value
			selectors, err := parseSelectors(value)
			if err != nil {
				fail(row, err.Error(), "FORMAT.md lists what a step can be tied to")
			}
			s.event = selectors
		case ok && key == "when" && s.When == "":
			s.When = value
			runs, err := l.parseRestriction(value)
			if err != nil {
				fail(row, err.Error(), "such as: mode pasv epsv, firewall acl")
			}
			s.runs = runs
		default:
			fail(row, "after the heading of a step come at: and when:, then an empty line", "")
			return s
		}
		rest = rest[1:]
	}
	if s.At == "" {
		fail(0, "the step \""+s.Title+"\" is tied to nothing", "at: start, at: reply 227, at: first drop ...")
	}
	s.Text = strings.TrimSpace(strings.Join(rest, "\n"))
	if s.Text == "" {
		fail(0, "the step \""+s.Title+"\" says nothing", "")
	}
	return s
}

// restriction says in which runs a step is told: an empty list is no restriction.
type restriction struct {
	modes, firewalls, ops []string
	tls, plain            bool
}

func (r restriction) holds(sel Selection) bool {
	in := func(list []string, word string) bool { return len(list) == 0 || slices.Contains(list, word) }
	return in(r.modes, sel.Mode) && in(r.firewalls, sel.Firewall) && in(r.ops, sel.Op) &&
		(!r.tls || sel.TLS) && (!r.plain || !sel.TLS)
}

// parseRestriction reads "mode pasv epsv, firewall not none, tls".
func (l *Lesson) parseRestriction(text string) (restriction, error) {
	var r restriction
	t := l.Target()
	var variants []string
	for _, v := range t.Variants {
		variants = append(variants, v.Name)
	}
	for _, part := range strings.Split(text, ",") {
		fields := strings.Fields(part)
		if len(fields) == 0 {
			continue
		}
		var err error
		switch fields[0] {
		case "mode":
			names := slices.Clone(fields[1:])
			for i, name := range names {
				names[i] = modeName(name)
			}
			r.modes, err = pick("mode", names, t.Modes)
		case "firewall":
			r.firewalls, err = pick("firewall", fields[1:], variants)
		case "op":
			r.ops, err = pick("operation", fields[1:], t.Ops)
		case "tls":
			r.tls = true
		case "plain":
			r.plain = true
		default:
			return r, &unknownWord{What: "condition", Name: fields[0], Known: []string{"mode", "firewall", "op", "tls", "plain"}}
		}
		if err != nil {
			return r, err
		}
	}
	return r, nil
}

// pick returns the named ones of what is known, or with "not" in front the others.
func pick(what string, names, known []string) ([]string, error) {
	negated := len(names) > 0 && names[0] == "not"
	if negated {
		names = names[1:]
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, &unknownWord{What: what, Name: name, Known: known}
		}
	}
	if len(names) == 0 {
		return nil, &unknownWord{What: what, Name: "", Known: known}
	}
	if !negated {
		return names, nil
	}
	return slices.DeleteFunc(slices.Clone(known), func(k string) bool { return slices.Contains(names, k) }), nil
}
