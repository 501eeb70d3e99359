package session_test

import (
	"bytes"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"ftplab/lessons"
	"ftplab/lessons/session"
	"ftplab/sim"
	"ftplab/sim/export"
	"ftplab/sim/firewall/dialect"
)

// lines runs what a session opens and returns its whole trace.
func lines(t *testing.T, target *lessons.Target, selection lessons.Selection) string {
	t.Helper()
	scenario, err := target.Scenario(selection)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := sim.Run(scenario)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := export.WriteJSONLines(&b, tr); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// reopened writes a session and reads it back.
func reopened(t *testing.T, s *session.Session) *session.Session {
	t.Helper()
	var b bytes.Buffer
	if err := s.Write(&b); err != nil {
		t.Fatal(err)
	}
	if !session.Is(b.Bytes()) {
		t.Errorf("a session is not recognised: %s", b.String())
	}
	again, err := session.Read("saved.json", b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s, again); diff != "" {
		t.Errorf("(-written +read):\n%s", diff)
	}
	return again
}

func TestReopenedRunIsTheSame(t *testing.T) {
	target, err := lessons.Open("04")
	if err != nil {
		t.Fatal(err)
	}
	selection, err := target.Complete(lessons.Selection{Mode: "pasv", Seed: 9})
	if err != nil {
		t.Fatal(err)
	}
	again, chosen, err := reopened(t, session.New("04", selection)).Open()
	if err != nil {
		t.Fatal(err)
	}
	if lines(t, target, selection) != lines(t, again, chosen) {
		t.Error("the reopened run differs")
	}
}

func TestRulesAreKept(t *testing.T) {
	target, err := lessons.Open("04")
	if err != nil {
		t.Fatal(err)
	}
	rules, _ := dialect.Parse("comware", "mine.txt", "rule deny tcp source-port eq 21\nrule permit ip\n")
	own, err := target.WithRules(rules, nil)
	if err != nil {
		t.Fatal(err)
	}
	selection, err := own.Complete(lessons.Selection{})
	if err != nil {
		t.Fatal(err)
	}
	s := session.New("04", selection)
	s.SetRules(rules, nil)
	again, chosen, err := reopened(t, s).Open()
	if err != nil {
		t.Fatal(err)
	}
	if lines(t, own, selection) != lines(t, again, chosen) {
		t.Error("the reopened run differs")
	}
}

const scenario = `title: two hosts
nodes:
  client: {kind: host, interfaces: {eth0: 10.0.0.2/24}, gateway: 10.0.0.1}
  fw: {kind: firewall, interfaces: {lan: 10.0.0.1/24, wan: 192.168.10.254/24}, dialect: comware, rules_file: rules.txt, apply: wan inbound}
  server: {kind: host, interfaces: {eth0: 192.168.10.1/24}, gateway: 192.168.10.254}
links:
  - ends: [client, fw lan]
  - ends: [fw wan, server]
servers: {server: {}}
clients: {client: {server: 192.168.10.1}}
`

// TestFilesOfAScenarioAreKept: a session needs nothing but itself.
func TestFilesOfAScenarioAreKept(t *testing.T) {
	files := fstest.MapFS{"rules.txt": {Data: []byte("rule permit ip\n")}}
	target, err := lessons.OpenText("net.yaml", []byte(scenario), files)
	if err != nil {
		t.Fatal(err)
	}
	selection, err := target.Complete(lessons.Selection{})
	if err != nil {
		t.Fatal(err)
	}
	s := session.New("net.yaml", selection)
	if err := s.SetSource("net.yaml", []byte(scenario), files); err != nil {
		t.Fatal(err)
	}
	if s.Source.Files["rules.txt"] != "rule permit ip\n" {
		t.Errorf("files kept: %v", s.Source.Files)
	}
	again, chosen, err := reopened(t, s).Open()
	if err != nil {
		t.Fatal(err)
	}
	if lines(t, target, selection) != lines(t, again, chosen) {
		t.Error("the reopened run differs")
	}
}

func TestReadRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                                       "saved.json:1:1: ",
		"{":                                      "saved.json:1:",
		"{\n \"schema\": 7}":                     "saved.json:2:",
		`{"schema": "ftplab.session/1", "x": 1}`: `unknown field "x"`,
		`{"schema": "ftplab.session/2"}`:         `this ftplab reads "ftplab.session/1"`,
		`{"schema": "ftplab.session/1"}`:         "names no target",
	} {
		if _, err := session.Read("saved.json", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	s, err := session.Read("saved.json", []byte(`{"schema": "ftplab.session/1", "target": "04", "rules": {"file": "r", "dialect": "nft", "text": "tabel"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Open(); err == nil || !strings.Contains(err.Error(), "rules cannot be read") {
		t.Errorf("broken rules: %v", err)
	}
}

func TestIs(t *testing.T) {
	for text, want := range map[string]bool{
		"{\"schema\": \"ftplab.session/1\"}": true, " \n{ \"schema\":\"ftplab.session/9\"": true,
		"{}": false, "title: x": false, "": false, "---\n\"ftplab.session/1\"": false,
	} {
		if session.Is([]byte(text)) != want {
			t.Errorf("Is(%q) is %v", text, !want)
		}
	}
}

// FuzzRead: no text makes reading or opening a session panic.
func FuzzRead(f *testing.F) {
	f.Add(`{"schema": "ftplab.session/1", "target": "04", "selection": {"mode": "pasv"}}`)
	f.Add(`{"schema": "ftplab.session/1", "target": "x", "source": {"file": "x", "text": "title: x\nnodes: {}"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := session.Read("x", []byte(text)); err == nil && s.Source != nil {
			_, _, _ = s.Open()
		}
	})
}
