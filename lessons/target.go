package lessons

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"ftplab/sim"
	"ftplab/sim/firewall"
	"ftplab/topology"
)

// Selection, Option and Variant are what can be chosen for a run: see package topology.
type (
	Selection = topology.Selection
	Option    = topology.Option
	Variant   = topology.Variant
)

// Target is something that can be run: a lesson, a scenario file, or a built-in
// scenario. It is immutable.
type Target struct {
	// ID and Number are a lesson's; the ID of a scenario is its file or "linux/9".
	ID, Number, Title string
	Modes, Ops        []string
	Options           []Option
	Variants          []Variant
	// Default is what is chosen if nothing is, complete.
	Default Selection
	// Firewall is the node whose rules the variants are, "" if there is none.
	Firewall string
	// Lesson is nil for a plain scenario.
	Lesson *Lesson
	// Warnings are statements in the rules that are not modelled, one line each.
	Warnings []string

	network   *topology.Network
	recording *Recording // nil but for a recording
	original  *Target    // what a recording is of
}

func newTarget(id string, n *topology.Network) *Target {
	return &Target{ID: id, Title: n.Title, Modes: n.Modes, Ops: n.Ops, Options: n.Options, Variants: n.Variants,
		Default: n.Default, Firewall: n.Firewall, Warnings: n.Warnings, network: n}
}

// Name is what reports call the target: a lesson's number if it has one, else its ID.
func (t *Target) Name() string {
	if t.Number != "" {
		return t.Number
	}
	return t.ID
}

// Target returns the lesson as something that can be run.
func (l *Lesson) Target() *Target {
	t := newTarget(l.ID, l.network)
	t.Number, t.Title, t.Lesson = l.Number, l.Title, l
	return t
}

// Scenario makes what a selection describes. What the selection leaves open is taken
// from Default; a name that is not known is an error that lists the known ones.
func (t *Target) Scenario(s Selection) (sim.Scenario, error) {
	sc, err := t.network.Scenario(s)
	sc.Name = t.Title
	return sc, err
}

// Complete fills what a selection leaves open with the defaults, and checks the rest.
func (t *Target) Complete(s Selection) (Selection, error) { return t.network.Complete(s) }

// Places says where the scenario's nodes stand on the map, in the order of its nodes.
func (t *Target) Places(sc sim.Scenario) []topology.Place { return t.network.Places(sc) }

// WithRules returns the target with a further variant, its default: the firewall with
// these rules. Interfaces maps names in the rules to lan, wan, none, or an interface
// of the firewall; a name that is not known is an error that lists the known ones.
func (t *Target) WithRules(rs *firewall.Ruleset, interfaces map[string]string) (*Target, error) {
	n, err := t.network.WithRules(rs, interfaces)
	if err != nil {
		return nil, err
	}
	own := newTarget(t.ID, n)
	own.Number, own.Title, own.Lesson = t.Number, t.Title, t.Lesson
	for _, w := range rs.Diagnostics {
		own.Warnings = append(own.Warnings, fmt.Sprintf("%s:%d:%d: %s", rs.File, w.Line, w.Column, w.Message))
	}
	return own, nil
}

// linuxPrefix begins the names of the built-in scenarios.
const linuxPrefix = "linux/"

// Open returns what a name stands for: a lesson by its id or number ("04", "4"), a
// built-in scenario ("linux/9"), or a lesson or scenario file. Dirs are folders of
// further lessons, as for Catalogue.
func Open(name string, dirs ...string) (*Target, error) {
	if row, ok := strings.CutPrefix(name, linuxPrefix); ok {
		return openLinux(row)
	}
	all, catalogueErr := Catalogue(dirs...)
	for _, l := range all {
		if l.same(name) {
			return l.Target(), nil
		}
	}
	if !looksLikeFile(name) {
		return nil, errors.Join(&topology.UnknownError{What: "lesson", Name: name, Known: names(all)}, catalogueErr)
	}
	return openFile(name)
}

// names lists lessons for people: "04".
func names(all []*Lesson) []string {
	var out []string
	for _, l := range all {
		out = append(out, l.Target().Name())
	}
	return append(out, "linux/ROW", "or a file")
}

func looksLikeFile(name string) bool {
	if strings.ContainsAny(name, `/\.`) {
		return true
	}
	_, err := os.Stat(name)
	return err == nil
}

func openFile(name string) (*Target, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		var problem *fs.PathError
		if errors.As(err, &problem) {
			err = problem.Err
		}
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return OpenText(name, text, os.DirFS(filepath.Dir(name)))
}

// OpenText reads a lesson (Markdown that begins with "---" and a line that ends it) or
// a scenario (YAML) from a text, for a file that was read elsewhere.
func OpenText(file string, text []byte, files fs.FS) (*Target, error) {
	if isLesson(file, text) {
		l, err := Parse(file, text, files)
		if err != nil {
			return nil, err
		}
		return l.Target(), nil
	}
	n, err := topology.Parse(file, text, files)
	if err != nil {
		return nil, err
	}
	t := newTarget(file, n)
	if t.Title == "" {
		t.Title = filepath.Base(file)
	}
	return t, nil
}

func isLesson(file string, text []byte) bool {
	ext := strings.ToLower(filepath.Ext(file))
	return ext == ".md" || ext != ".yaml" && ext != ".yml" && strings.HasPrefix(string(text), "---\n") && strings.Contains(string(text), "\n---\n")
}
