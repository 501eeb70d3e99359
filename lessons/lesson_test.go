package lessons

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"ftplab/sim"
	"ftplab/sim/firewall/dialect"
	"ftplab/topology"
	"ftplab/topology/document"
)

var update = flag.Bool("update", false, "write the golden files anew")

// formatExample is the example of FORMAT.md.
func formatExample(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)````markdown\n(.*?)````").FindSubmatch(text)
	if found == nil {
		t.Fatal("FORMAT.md has no example")
	}
	return string(found[1])
}

func TestFormatExample(t *testing.T) {
	l, err := Parse("one-port.md", []byte(formatExample(t)), nil)
	if err != nil {
		t.Fatal(err)
	}
	if l.ID != "one-port" || l.Minutes != 5 || l.Goal == "" || len(l.Needs) != 1 || len(l.Steps) != 2 || len(l.Claims) != 2 || l.Intro == "" {
		t.Errorf("read %+v", l)
	}
	results := l.Check()
	if len(results) < 6 {
		t.Errorf("only %d checks", len(results))
	}
	for _, r := range results {
		if !r.OK {
			t.Error(r)
		}
	}
}

// TestFormatListsEverything keeps FORMAT.md complete.
func TestFormatListsEverything(t *testing.T) {
	text, err := os.ReadFile("FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range append(append([]string{}, lessonKeys...), runKeys...) {
		if !strings.Contains(string(text), "`"+key+"`") {
			t.Errorf("FORMAT.md does not explain %q", key)
		}
	}
	for _, fact := range traceFacts {
		if !strings.Contains(string(text), "`trace."+fact.name) {
			t.Errorf("FORMAT.md does not explain trace.%s", fact.name)
		}
	}
	var unknown *topology.UnknownError
	if _, err := parseSelectors("nonsense"); !errors.As(err, &unknown) {
		t.Fatal(err)
	}
	for _, word := range unknown.Known {
		if !strings.Contains(string(text), "`"+word) {
			t.Errorf("FORMAT.md does not explain at: %s", word)
		}
	}
}

// TestClaimsCanFail makes every claim of the example false in turn, and the story with it.
func TestClaimsCanFail(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"outcome: connect_timeout", `outcome: "425"`, "one-port.md:44:7: retr with pasv through acl: \"With port 21 alone the answer from the passive port is denied.\": outcome is connect_timeout, not 425"},
		{"first_drop.sport: 2024", "first_drop.sport: {above: 2024}", "first_drop.sport is 2024, not above 2024"},
		{"first_drop.rule.line: 2", "first_drop.rule.line: {one_of: [1, 3]}", "first_drop.rule.line is 2, not one of 1, 3"},
		{"first_drop: null", "first_drop: {not: null}", "first_drop is null, not not null"},
		{"first_drop: null", "trace.drops: {between: [1, 2]}", "trace.drops is 0, not between 1 and 2"},
		{"rule permit tcp source-port eq 2024", "rule permit tcp source-port eq 2025", "outcome is connect_timeout, not ok"},
		{"segment SA of data dropped", "segment SA of data lost", "which happens in no run in which it is told"},
		{"reply 227 or reply 229", "outcome", "comes before \"The port is named\" in time"},
	} {
		text := strings.Replace(formatExample(t), c.from, c.to, 1)
		l, err := Parse("one-port.md", []byte(text), nil)
		if err != nil {
			t.Errorf("%s: %v", c.to, err)
			continue
		}
		var messages []string
		for _, r := range l.Check() {
			if !r.OK {
				messages = append(messages, r.String())
			}
		}
		if !strings.Contains(strings.Join(messages, "\n"), c.want) {
			t.Errorf("with %q:\n%s\nwant %s", c.to, strings.Join(messages, "\n"), c.want)
		}
	}
}

// TestErrors compares what is said about lessons with one mistake each with
// testdata/errors.golden.
func TestErrors(t *testing.T) {
	var got strings.Builder
	for _, c := range []struct{ name, from, to string }{
		{"no-front-matter", "---\nid", "id"},
		{"no-end", "\n---\nWhat", "\nWhat"},
		{"unknown-key", "minutes: 5", "minuets: 5"},
		{"network-key", "links:", "linsk:"},
		{"no-goal", "goal: Open one passive port in an ACL and no other.\n", ""},
		{"bad-id", "id: one-port", "id: one port"},
		{"minutes", "minutes: 5", "minutes: five"},
		{"rules", "rule deny ip\n  - name: open", "rele deny ip\n  - name: open"},
		{"no-at", "at: reply 227 or reply 229\n", ""},
		{"event", "at: reply 227 or reply 229", "at: reply 227 or repyl 229"},
		{"reply", "at: reply 227 or reply 229", "at: reply 22"},
		{"flags", "segment SA of data", "segment SX of data"},
		{"words", "segment SA of data dropped", "segment SA dropped of"},
		{"change", "segment SA of data dropped", "expectation made"},
		{"when", "when: mode pasv epsv, firewall acl", "when: mode passiv, firewall acl"},
		{"variant", "when: mode pasv epsv, firewall acl", "when: firewall alc"},
		{"condition", "when: mode pasv epsv, firewall acl", "when: weather fine"},
		{"header", "when: mode pasv epsv\n", "where: here\n"},
		{"no-text", "\nIt does not.\n", ""},
		{"claim-key", "says: One more", "say: One more"},
		{"claim-fact", "first_drop.flags: SA", "first_drop.flag: SA"},
		{"claim-trace", "first_drop.flags: SA", "trace.hits.switch: 3"},
		{"claim-trace-fact", "first_drop.flags: SA", "trace.dataa_syn.from: server"},
		{"claim-condition", "first_drop.flags: SA", "first_drop.flags: {like: SA}"},
		{"claim-between", "first_drop.flags: SA", "first_drop.t: {between: [1]}"},
		{"claim-run", "run: {mode: [pasv, epsv], firewall: open}", "run: {mode: pasiv, firewall: open}"},
		{"claim-run-key", "run: {mode: [pasv, epsv], firewall: open}", "run: {mood: pasv}"},
		{"claim-option", "run: {mode: [pasv, epsv], firewall: open}", "run: {set: {split: 12}}"},
		{"claim-empty", "    expect: {outcome: ok, first_drop: null}\n", ""},
	} {
		text := formatExample(t)
		if !strings.Contains(text, c.from) {
			t.Fatalf("%s: the example has no %q", c.name, c.from)
		}
		l, err := Parse(c.name, []byte(strings.Replace(text, c.from, c.to, 1)), nil)
		var errs document.Errors
		if !errors.As(err, &errs) {
			t.Errorf("%s: lesson %v, error %v", c.name, l, err)
			continue
		}
		fmt.Fprintln(&got, err)
	}
	const golden = "testdata/errors.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("messages changed (-update writes them anew):\n%s", diff)
	}
}

func TestCatalogue(t *testing.T) {
	all, err := Catalogue(filepath.Join(t.TempDir(), "not there"))
	if err != nil {
		t.Fatal(err)
	}
	var numbers []string
	for _, l := range all {
		numbers = append(numbers, l.Number)
	}
	if want := []string{"01", "02", "03", "04", "05", "12"}; !reflect.DeepEqual(numbers, want) {
		t.Errorf("the lessons are %v, not %v", numbers, want)
	}
}

// TestDefaults are promises: the first variant is the default, and every lesson has
// those that its place in the course calls for.
func TestDefaults(t *testing.T) {
	for _, c := range []struct{ number, first, also string }{
		{"01", "none", ""}, {"02", "none", "log"}, {"03", "none", "log"},
		{"04", "acl", "none stateful inspect"}, {"05", "acl", "none stateful inspect"}, {"12", "inspect", "stateful acl none"},
	} {
		target, err := Open(c.number)
		if err != nil {
			t.Fatal(err)
		}
		if target.Default.Op != "retr" || target.Default.Seed != 1 || target.Name() != c.number {
			t.Errorf("%s: default %+v, name %s", c.number, target.Default, target.Name())
		}
		if v := target.Variants[0]; v.Name != c.first || !v.Default {
			t.Errorf("%s: the first variant is %+v", c.number, v)
		}
		for _, name := range strings.Fields(c.also) {
			if _, err := target.Scenario(Selection{Firewall: name}); err != nil {
				t.Errorf("%s: %v", c.number, err)
			}
		}
	}
}

func TestUsersFolder(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("own.md", formatExample(t))
	write("same.md", strings.Replace(formatExample(t), "id: one-port\n", "id: acl-active\nnumber: \"04\"\n", 1))
	write("broken.md", "no lesson")
	all, err := Catalogue(dir)
	if err == nil || !strings.Contains(err.Error(), "broken.md:1:1: a lesson begins with its front matter") {
		t.Errorf("error %v", err)
	}
	if len(all) != 7 || all[6].ID != "one-port" {
		t.Errorf("%d lessons, the last is %s", len(all), all[len(all)-1].ID)
	}
	target, err := Open("4", dir)
	if err != nil {
		t.Fatal(err)
	}
	if target.Title != "One passive port" || !strings.Contains(strings.Join(target.Lesson.Warnings, " "), `replaces the lesson "acl-active"`) {
		t.Errorf("04 is %q with the warnings %q", target.Title, target.Lesson.Warnings)
	}
	if again, err := Open("04"); err != nil || again.Title == target.Title {
		t.Errorf("the built-in lesson was changed: %v, %v", again, err)
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	scenario := filepath.Join(dir, "net.yaml")
	lesson := filepath.Join(dir, "lesson.md")
	front, _, _ := strings.Cut(strings.TrimPrefix(formatExample(t), "---\n"), "claims:")
	front = regexp.MustCompile(`(?m)^(id|goal|minutes|needs):.*\n`).ReplaceAllString(front, "")
	for name, text := range map[string]string{scenario: front, lesson: formatExample(t)} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, title := range map[string]string{
		"04": "The ACL for active mode", "4": "The ACL for active mode", "acl-active": "The ACL for active mode",
		"linux/8b": "row 8b: row 8 + server may open any NEW connection outward, no helper",
		scenario:   "One passive port", lesson: "One passive port",
	} {
		target, err := Open(name)
		if err != nil || target.Title != title {
			t.Errorf("Open(%q): %v, %v", name, target, err)
		}
	}
	for name, want := range map[string]string{
		"99":                          `unknown lesson "99" (known: 01, 02, 03, 04, 05, 12, linux/ROW, or a file)`,
		"linux/99":                    `unknown row "99"`,
		"linux/lab":                   `unknown row "lab"`,
		"linux/../course/x":           `unknown row`,
		filepath.Join(dir, "no.yaml"): "no such file",
		dir:                           "is a directory",
	} {
		if _, err := Open(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Open(%q): error %v, want %s", name, err, want)
		}
	}
}

// TestForeignRules puts a real configuration with its own interface names into lesson 04.
func TestForeignRules(t *testing.T) {
	target, err := Open("04")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		text       string
		interfaces map[string]string
		mode, want string
	}{
		// Bare rules are bound as the lesson's own are.
		{"rule permit tcp source-port eq 21\nrule permit tcp source-port eq 2024\nrule deny ip\n", nil, "pasv", "ok"},
		{"rule permit tcp source-port eq 21\nrule permit tcp source-port eq 2024\nrule deny ip\n", nil, "port", "425"},
		// The lab's rulesets speak of lan and wan.
		{"table ip fw {\n chain forward { type filter hook forward priority 0; policy drop;\n iifname \"wan\" accept\n }\n}\n", nil, "pasv", "control_connect_timeout"},
		{"-A FORWARD -i eth1 -j ACCEPT\n-A FORWARD -i eth0 -p tcp --dport 21 -j ACCEPT\n-P FORWARD DROP\n", map[string]string{"eth0": "wan", "eth1": "lan"}, "port", "425"},
	} {
		rs, diagnostics := dialect.Parse("", "own.txt", c.text)
		if rs == nil {
			t.Fatal(diagnostics)
		}
		own, err := target.WithRules(rs, c.interfaces)
		if err != nil {
			t.Fatal(err)
		}
		sc, err := own.Scenario(Selection{Mode: c.mode})
		if err != nil {
			t.Fatal(err)
		}
		tr, err := sim.Run(sc)
		if err != nil {
			t.Fatal(err)
		}
		f := newFacts("own", own.Default, &sc, tr)
		if got := f.get("outcome"); got != c.want {
			t.Errorf("%s: %s ends in %s, not %s", c.text, c.mode, got, c.want)
		}
	}
}

// TestSameBytes runs every lesson twice, in every mode and variant: the traces must be
// equal to the byte.
func TestSameBytes(t *testing.T) {
	all, err := Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range all {
		target := l.Target()
		for _, mode := range target.Modes {
			for _, v := range target.Variants {
				var first any
				for range 2 {
					sc, err := target.Scenario(Selection{Mode: mode, Firewall: v.Name})
					if err != nil {
						t.Fatal(err)
					}
					tr, err := sim.Run(sc)
					if err != nil {
						t.Fatal(err)
					}
					if first != nil && !reflect.DeepEqual(first, any(tr)) {
						t.Errorf("%s, %s through %s: two runs differ", l.Number, mode, v.Name)
					}
					first = tr
				}
			}
		}
	}
}

// TestArticlesTypo sees to it that what lesson 04 quotes is what the parser says.
func TestArticlesTypo(t *testing.T) {
	target, err := Open("04")
	if err != nil {
		t.Fatal(err)
	}
	sc, err := target.Scenario(Selection{})
	if err != nil {
		t.Fatal(err)
	}
	rules := sc.Nodes[1].Rules
	printed := strings.Replace(rules.Text, "Rule deny ip", "Rele deny ip", 1)
	if printed == rules.Text {
		t.Fatal("the third line is not as expected")
	}
	rs, diagnostics := dialect.Parse("comware", "article.txt", printed)
	if rs != nil || len(diagnostics) == 0 {
		t.Fatal("the typo was taken for a rule")
	}
	for _, line := range strings.Split(strings.TrimSpace(dialect.FormatDiagnostic(diagnostics[0], printed)), "\n") {
		if !strings.Contains(target.Lesson.Intro, strings.TrimSpace(line)) {
			t.Errorf("the lesson does not quote %q", line)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(formatExample(f)))
	files := fstest.MapFS{}
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := Parse("f", text, files)
		if (l == nil) == (err == nil) {
			t.Fatalf("lesson %v with error %v", l, err)
		}
	})
}

func FuzzSelector(f *testing.F) {
	for _, s := range []string{"start", "second segment SA of data from server at switch dropped", "reply 227 or reply 229", "expectation used", "socket listen of data"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := parseSelectors(text); err == nil && len(s) == 0 {
			t.Fatalf("%q selects nothing", text)
		}
	})
}
