// Package session keeps what is needed to run something again elsewhere: which lesson
// or scenario, what was chosen in it, the texts of the files that it came from, and what
// a real program in it did. A run is a function of these, so the trace itself is not
// kept.
package session

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"ftplab/lessons"
	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect"
)

// Schema names the form of a session file and its version.
const Schema = "ftplab.session/1"

// Session is a saved run.
type Session struct {
	Schema string `json:"schema"`
	// Target is the lesson's or scenario's name; Source is its text if it is a file.
	Target    string    `json:"target"`
	Source    *Source   `json:"source,omitempty"`
	Selection Selection `json:"selection"`
	// Rules replace those of the target's firewall, if not nil.
	Rules *Rules `json:"rules,omitempty"`
	// Live is what a real program did in it, if one did.
	Live *Live `json:"live,omitempty"`
}

// Source is a lesson or scenario file, with the files that it names.
type Source struct {
	File  string            `json:"file"`
	Text  string            `json:"text"`
	Files map[string]string `json:"files,omitempty"`
}

// Selection is what was chosen, as lessons.Selection has it.
type Selection struct {
	Mode     string            `json:"mode"`
	Firewall string            `json:"firewall"`
	Op       string            `json:"op"`
	TLS      bool              `json:"tls"`
	Set      map[string]string `json:"set,omitempty"`
	Seed     uint64            `json:"seed"`
}

// Rules are a firewall's rules from a file.
type Rules struct {
	File    string `json:"file"`
	Dialect string `json:"dialect"`
	Text    string `json:"text"`
	// Interfaces maps names in the rules to sides, as lessons.Target.WithRules takes them.
	Interfaces map[string]string `json:"interfaces,omitempty"`
}

// New returns the session of a run of a built-in target. SetSource and SetRules add the
// texts of files.
func New(target string, selection lessons.Selection) *Session {
	return &Session{Schema: Schema, Target: target, Selection: Selection(selection)}
}

// SetSource keeps a lesson or scenario file and the files it names, which lie in files.
func (s *Session) SetSource(file string, text []byte, files fs.FS) error {
	recorder := &recordingFS{files: files, read: map[string]string{}}
	if _, err := lessons.OpenText(file, text, recorder); err != nil {
		return err
	}
	s.Source = &Source{File: file, Text: string(text), Files: recorder.read}
	return nil
}

// SetRules keeps the rules of a firewall and the mapping of their interfaces.
func (s *Session) SetRules(rules *firewall.Ruleset, interfaces map[string]string) {
	s.Rules = newRules(rules, interfaces)
}

func newRules(rules *firewall.Ruleset, interfaces map[string]string) *Rules {
	return &Rules{File: rules.File, Dialect: rules.Dialect, Text: rules.Text, Interfaces: interfaces}
}

func (r *Rules) parse() (*firewall.Ruleset, error) {
	rules, diagnostics := dialect.Parse(r.Dialect, r.File, r.Text)
	if rules == nil {
		return nil, fmt.Errorf("%s: the session's rules cannot be read: %s", r.File, diagnostics[0].Message)
	}
	return rules, nil
}

// Write writes the session as JSON.
func (s *Session) Write(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(s)
}

// Is reports whether a text is meant as a session file.
func Is(text []byte) bool {
	text = bytes.TrimLeft(text, " \t\r\n")
	return bytes.HasPrefix(text, []byte("{")) && bytes.Contains(text[:min(len(text), 200)], []byte(`"ftplab.session/`))
}

// Read reads a session file. File is the name that messages give to it.
func Read(file string, text []byte) (*Session, error) {
	var s Session
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&s); err != nil {
		line, column := place(text, errorOffset(err, decoder))
		return nil, fmt.Errorf("%s:%d:%d: not a session file: %v", file, line, column, err)
	}
	switch {
	case s.Schema != Schema:
		return nil, fmt.Errorf("%s:1:1: the session is of form %q, this ftplab reads %q", file, s.Schema, Schema)
	case s.Target == "":
		return nil, fmt.Errorf("%s:1:1: the session names no target", file)
	}
	return &s, nil
}

// errorOffset is how far reading came.
func errorOffset(err error, decoder *json.Decoder) int64 {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return syntax.Offset
	case errors.As(err, &kind):
		return kind.Offset
	}
	return decoder.InputOffset()
}

// place turns an offset into a line and a column, both from 1.
func place(text []byte, offset int64) (line, column int) {
	before := text[:min(max(int(offset), 0), len(text))]
	line = 1 + bytes.Count(before, []byte("\n"))
	return line, len(before) - bytes.LastIndexByte(before, '\n')
}

// Open returns the target and what was chosen in it. Dirs are folders of further
// lessons, as for lessons.Open.
func (s *Session) Open(dirs ...string) (*lessons.Target, lessons.Selection, error) {
	target, err := s.target(dirs)
	if err != nil {
		return nil, lessons.Selection{}, err
	}
	if s.Rules != nil {
		rules, err := s.Rules.parse()
		if err != nil {
			return nil, lessons.Selection{}, err
		}
		if target, err = target.WithRules(rules, s.Rules.Interfaces); err != nil {
			return nil, lessons.Selection{}, err
		}
	}
	if s.Live == nil {
		return target, lessons.Selection(s.Selection), nil
	}
	recording, err := s.Live.recording()
	if err != nil {
		return nil, lessons.Selection{}, err
	}
	chosen, err := target.Complete(lessons.Selection(s.Selection))
	if err != nil {
		return nil, lessons.Selection{}, err
	}
	return target.WithRecording(recording, chosen), chosen, nil
}

func (s *Session) target(dirs []string) (*lessons.Target, error) {
	if s.Source == nil {
		return lessons.Open(s.Target, dirs...)
	}
	return lessons.OpenText(s.Source.File, []byte(s.Source.Text), textFS(s.Source.Files))
}
