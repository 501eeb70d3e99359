package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ftplab/lessons"
	"ftplab/sim"
	"ftplab/sim/export"
	"ftplab/ui/control"
	"ftplab/ui/model"
	"ftplab/ui/view"
)

var update = flag.Bool("update", false, "write what documents show anew")

// example is a shell session in a document: "$ ftplab ..." and what it prints.
var example = regexp.MustCompile("(?s)```console\n(.*?)```")

// keyTable is where the README lists the keys.
var keyTable = regexp.MustCompile("(?s)<!-- keys -->\n.*?<!-- /keys -->")

// TestDocumentsShowRealOutput runs the examples of the documents and compares what they
// print with what the document says. With -update the documents are written anew.
func TestDocumentsShowRealOutput(t *testing.T) {
	root := filepath.Join("..", "..")
	for _, name := range []string{"README.md"} {
		path := filepath.Join(root, name)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		fresh := example.ReplaceAllStringFunc(string(text), func(block string) string { return rerun(t, block) })
		fresh = keyTable.ReplaceAllLiteralString(fresh, "<!-- keys -->\n"+keys()+"<!-- /keys -->")
		compareOrWrite(t, path, []byte(fresh))
	}
}

// rerun runs every command of an example from the module's root.
func rerun(t *testing.T, block string) string {
	t.Helper()
	t.Chdir(filepath.Join("..", ".."))
	defer t.Chdir(filepath.Join("cmd", "ftplab"))
	var out strings.Builder
	out.WriteString("```console\n")
	for line := range strings.Lines(block) {
		command, ok := strings.CutPrefix(strings.TrimSpace(line), "$ ftplab ")
		if !ok {
			continue
		}
		var printed bytes.Buffer
		cmd := newRoot()
		cmd.SetOut(&printed)
		cmd.SetErr(&printed)
		arguments, word, _ := strings.Cut(command, " | grep ")
		execute(cmd, strings.Fields(arguments))
		fmt.Fprintf(&out, "$ ftplab %s\n", command)
		for line := range strings.Lines(strings.TrimPrefix(printed.String(), "\n")) {
			if strings.Contains(line, word) {
				out.WriteString(line)
			}
		}
	}
	out.WriteString("```")
	return out.String()
}

// keys lists the keys of a lesson as a Markdown table.
func keys() string {
	var b strings.Builder
	b.WriteString("| key | what it does |\n|---|---|\n")
	for _, binding := range model.Keys() {
		onLesson := false
		for _, page := range binding.Pages {
			onLesson = onLesson || page == model.LessonPage
		}
		if !onLesson {
			continue
		}
		var names []string
		for _, k := range binding.Keys {
			names = append(names, "`"+string(k)+"`")
		}
		fmt.Fprintf(&b, "| %s | %s |\n", strings.Join(names, " "), binding.Help)
	}
	return b.String()
}

// pictures are the screens that the documents show: what is pressed after opening a
// lesson at its first drop, and how large the terminal is.
var pictures = []struct {
	file, lesson string
	selection    lessons.Selection
	keys         []model.Key
	size         model.Size
}{
	{"lesson.svg", "04", lessons.Selection{Mode: "pasv"}, nil, model.Size{Width: 100, Height: 32}},
	{"why.svg", "04", lessons.Selection{Mode: "pasv"}, []model.Key{"w"}, model.Size{Width: 80, Height: 24}},
	{"wide.svg", "12", lessons.Selection{Mode: "pasv", Firewall: "stateful"}, nil, model.Size{Width: 160, Height: 48}},
}

// TestPicturesAreTheRealScreen draws the pictures in docs from the application itself.
func TestPicturesAreTheRealScreen(t *testing.T) {
	all, err := lessons.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pictures {
		target, err := lessons.Open(p.lesson)
		if err != nil {
			t.Fatal(err)
		}
		app, err := control.New(control.Options{Lessons: all, Start: target, Selection: p.selection, At: "drop", Glyphs: model.UnicodeGlyphs()})
		if err != nil {
			t.Fatal(err)
		}
		app.Screen(p.size)
		for _, k := range p.keys {
			app.Press(k)
		}
		screen := app.Screen(p.size)
		compareOrWrite(t, filepath.Join("..", "..", "docs", p.file), []byte(view.SVG(&screen)))
	}
}

func compareOrWrite(t *testing.T, path string, fresh []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, fresh, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(have), string(fresh)); diff != "" {
		t.Errorf("%s is not what is printed now (-shown +printed); go test ./cmd/ftplab -update writes it anew:\n%s", path, diff)
	}
}

// TestLadderPicture draws the sequence diagram of the README.
func TestLadderPicture(t *testing.T) {
	target, err := lessons.Open("04")
	if err != nil {
		t.Fatal(err)
	}
	scenario, err := target.Scenario(lessons.Selection{Mode: "pasv"})
	if err != nil {
		t.Fatal(err)
	}
	tr, err := sim.Run(scenario)
	if err != nil {
		t.Fatal(err)
	}
	var picture bytes.Buffer
	if err := export.NewLadder(tr, "Lesson 04, passive mode").WriteSVG(&picture); err != nil {
		t.Fatal(err)
	}
	compareOrWrite(t, filepath.Join("..", "..", "docs", "ladder.svg"), picture.Bytes())
}
