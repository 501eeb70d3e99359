package export

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestLadderGolden(t *testing.T) {
	for _, name := range []string{"acl-pasv", "masquerade-port", "reject-pasv", "loss-stor"} {
		ladder := NewLadder(labs()[name].Run(t), "Lab: "+name)
		for extension, write := range map[string]func(io.Writer) error{
			"txt": ladder.WriteText, "mmd": ladder.WriteMermaid, "svg": ladder.WriteSVG,
		} {
			t.Run(name+"."+extension, func(t *testing.T) {
				var b bytes.Buffer
				if err := write(&b); err != nil {
					t.Fatal(err)
				}
				golden(t, name+"."+extension, b.Bytes())
			})
		}
	}
}

// TestLadderFitsThePage checks the promises to those who print: 80 columns, and one
// A4 page of SVG however long the run.
func TestLadderFitsThePage(t *testing.T) {
	size := regexp.MustCompile(`width="([0-9.]+)mm" height="([0-9.]+)mm"`)
	for name, lab := range labs() {
		ladder := NewLadder(lab.Run(t), name)
		var text, svg bytes.Buffer
		if err := errors.Join(ladder.WriteText(&text), ladder.WriteSVG(&svg)); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(text.String()) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
				t.Errorf("%s: %d columns: %s", name, n, line)
			}
		}
		match := size.FindStringSubmatch(svg.String())
		if match == nil {
			t.Fatalf("%s: the SVG has no size in millimetres", name)
		}
		if len(match[1]) > 5 || match[1] > "180.0" || len(match[2]) > 5 || match[2] > "260.0" && len(match[2]) == 5 {
			t.Errorf("%s: the SVG is %s mm by %s mm", name, match[1], match[2])
		}
		if err := wellFormed(&svg); err != nil {
			t.Errorf("%s: the SVG is not XML: %v", name, err)
		}
	}
}

func wellFormed(r io.Reader) error {
	d := xml.NewDecoder(r)
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// TestLadderSaysEachThingOnce: a file is one row, SYNs said again are one wait.
func TestLadderSaysEachThingOnce(t *testing.T) {
	large := NewLadder(labs()["large-retr"].Run(t), "")
	rows, octets := 0, 0
	for _, row := range large.Rows {
		if row.octets > 0 {
			rows++
			octets += row.octets
		}
	}
	if octets != 1<<20 || rows > 3 {
		t.Errorf("a file of 1 MiB is %d octets in %d rows, want all in at most 3", octets, rows)
	}
	blocked := NewLadder(labs()["acl-pasv"].Run(t), "")
	crosses, waits := 0, 0
	for _, row := range blocked.Rows {
		if row.End == EndDropped {
			crosses++
		}
		if row.Kind == RowWait {
			waits++
			if !strings.Contains(row.Label, "SYN 1027→2024 again ×3") {
				t.Errorf("wait: %q", row.Label)
			}
		}
	}
	if crosses != 1 || waits != 1 {
		t.Errorf("%d drops and %d waits shown, want one of each", crosses, waits)
	}
}

func TestMermaidText(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"227 Entering (1,2,3)", "227 Entering (1,2,3)"},
		{"a;b#c", "a#59;b#35;c"},
		{"<script>", "#lt;script#gt;"},
		{"two\nlines", "two lines"},
	} {
		if got := mermaidText(test.text); got != test.want {
			t.Errorf("mermaidText(%q) = %q, want %q", test.text, got, test.want)
		}
	}
}

func TestWrap(t *testing.T) {
	got := strings.Join(wrap("one two three-is-longer four", 8), "|")
	if want := "one two|three-i…|four"; got != want {
		t.Errorf("wrap: %q, want %q", got, want)
	}
}
