package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"

	"ftplab/sim/live"
)

func TestMain(m *testing.M) {
	live.Child()
	testscript.Main(m, map[string]func(){"ftplab": main})
}

// TestScripts runs the scripts in testdata/script: each is the command as a person or
// a program uses it. Besides testscript's own commands they have `json`.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			// Nothing of the person who runs the tests may reach the command.
			for _, name := range []string{"XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"} {
				env.Setenv(name, env.WorkDir+"/home")
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"json": compareJSON, "status": status},
	})
}

// compareJSON is `json stdout|FILE PATH=VALUE...`: what a member of a JSON object is,
// written as JSON. PATH is names and places joined by dots.
func compareJSON(ts *testscript.TestScript, negate bool, args []string) {
	if negate || len(args) < 2 {
		ts.Fatalf("usage: json stdout|FILE PATH=VALUE...")
	}
	var object any
	if err := json.Unmarshal([]byte(ts.ReadFile(args[0])), &object); err != nil {
		ts.Fatalf("%s: %v", args[0], err)
	}
	for _, arg := range args[1:] {
		path, want, ok := strings.Cut(arg, "=")
		if !ok {
			ts.Fatalf("%q is not of the form PATH=VALUE", arg)
		}
		member, err := lookup(object, strings.Split(path, "."))
		if err != nil {
			ts.Fatalf("%s: %v", path, err)
		}
		got, err := json.Marshal(member)
		ts.Check(err)
		if string(got) != want {
			ts.Fatalf("%s is %s, want %s", path, got, want)
		}
	}
}

func lookup(v any, path []string) (any, error) {
	for i, name := range path {
		switch inner := v.(type) {
		case map[string]any:
			member, ok := inner[name]
			if !ok {
				return nil, fmt.Errorf("there is no %s", strings.Join(path[:i+1], "."))
			}
			v = member
		case []any:
			var place int
			if _, err := fmt.Sscan(name, &place); err != nil || place >= len(inner) {
				return nil, fmt.Errorf("there is no place %s in a list of %d", name, len(inner))
			}
			v = inner[place]
		default:
			return nil, fmt.Errorf("%s is neither an object nor a list", strings.Join(path[:i], "."))
		}
	}
	return v, nil
}

// status is `status N COMMAND ARG...`: runs a command and expects its exit status.
func status(ts *testscript.TestScript, negate bool, args []string) {
	if negate || len(args) < 2 {
		ts.Fatalf("usage: status N COMMAND ARG...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if exit, ok := err.(interface{ ExitCode() int }); ok {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("the exit status is %d, want %s", code, args[0])
	}
}

// TestManualNamesEveryCommand: the manual page is made from the commands, and none is
// left out.
func TestManualNamesEveryCommand(t *testing.T) {
	var page strings.Builder
	root := newRoot()
	if err := writeManual(&page, root); err != nil {
		t.Fatal(err)
	}
	for _, command := range root.Commands() {
		if command.IsAvailableCommand() && !strings.Contains(page.String(), "ftplab "+command.Name()) {
			t.Errorf("the manual page does not name %q", command.Name())
		}
		if command.Short == "" {
			t.Errorf("%q has no short description", command.Name())
		}
	}
}

func TestHasPlace(t *testing.T) {
	for line, want := range map[string]bool{
		"rules.txt:3:1: error: no": true, "-:1:2: x": true, "no such file: x": false, "a:b:c:d": false, "a:1:b: c": false, "": false,
	} {
		if hasPlace(line) != want {
			t.Errorf("hasPlace(%q) is %v", line, !want)
		}
	}
}

func TestWriteOutputLeavesNothingBehind(t *testing.T) {
	name := t.TempDir() + "/out"
	if err := writeOutput(name, func(io.Writer) error { return os.ErrInvalid }); err == nil {
		t.Fatal("a failure was not reported")
	}
	if _, err := os.Stat(name); err == nil {
		t.Error("half a file was left")
	}
}

// TestMistakesAreOneLine: a panic of ours ends in one line and status 2.
func TestMistakesAreOneLine(t *testing.T) {
	root := newRoot()
	root.AddCommand(&cobra.Command{Use: "break", Run: func(*cobra.Command, []string) { panic("oh\nno") }})
	var problems strings.Builder
	root.SetErr(&problems)
	if status := execute(root, []string{"break"}); status != exitUnusable || strings.Contains(problems.String(), "goroutine") ||
		!strings.HasPrefix(problems.String(), "ftplab: a mistake in ftplab itself: oh") {
		t.Errorf("status %d, %q", status, problems.String())
	}
}
