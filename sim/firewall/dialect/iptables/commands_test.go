package iptables

import (
	"flag"
	"os"
	"os/exec"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "ask the real iptables again and write its answers to testdata")

const (
	commandsFile = "testdata/commands.txt"
	answersFile  = "testdata/commands.golden"
)

// differing are commands whose answer differs on purpose.
var differing = map[string]string{
	"iptables -A INPUT -ptcp --dport 21 -jACCEPT": "iptables reads the protocol's name wrongly where it is attached to -p",
}

// TestCommands compares whether each command is right with what iptables 1.8.9 said.
// Each one is tried in tables with no rules.
func TestCommands(t *testing.T) {
	commands := strings.Split(strings.TrimSpace(readFile(t, commandsFile)), "\n")
	if *update {
		needIPTables(t)
		if err := os.WriteFile(answersFile, []byte(strings.Join(askIPTables(commands), "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	answers := strings.Split(strings.TrimSpace(readFile(t, answersFile)), "\n")
	if len(answers) != len(commands) {
		t.Fatalf("%d answers for %d commands: run the test with -update", len(answers), len(commands))
	}
	for i, c := range commands {
		rs, diagnostics := Parse("commands.sh", c+"\n")
		verdict, _, _ := strings.Cut(answers[i], ":")
		_, differs := differing[c]
		if ok := verdict == "ok"; ok != (rs != nil) && !differs {
			t.Errorf("%s\n  iptables: %s\n  here: %s", c, answers[i], messages(diagnostics, c))
		}
	}
}

// askIPTables returns the real tool's answers: ok, or what it says is wrong.
func askIPTables(commands []string) []string {
	var answers []string
	for _, c := range commands {
		out, err := exec.Command("unshare", "-n", "sh", "-c", c).CombinedOutput()
		answer := "ok"
		if err != nil {
			first, _, _ := strings.Cut(string(out), "\n")
			_, what, found := strings.Cut(first, "(nf_tables):")
			if !found {
				what = first
			}
			answer = "refused: " + strings.TrimSpace(what)
		}
		answers = append(answers, answer)
	}
	return answers
}
