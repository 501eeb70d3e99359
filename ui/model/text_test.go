package model

import (
	"strings"
	"testing"

	"github.com/rivo/uniseg"
	"pgregory.net/rapid"
)

// anyText draws text with signs of no, one and two columns.
func anyText() *rapid.Generator[string] {
	return rapid.StringOf(rapid.SampledFrom([]rune("ab cd  e世界é\u0301─→✗")))
}

// wrap keeps every word, in its role, and no line is wider than asked for.
func TestWrapKeepsWordsWithinWidth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		line := Line{{anyText().Draw(t, "first"), Plain}, {anyText().Draw(t, "second"), Code}}
		width := rapid.IntRange(4, 30).Draw(t, "width")
		hang := rapid.IntRange(0, 6).Draw(t, "hang")
		var got strings.Builder
		for _, l := range wrap(line, width, hang) {
			if l.Width() > width {
				t.Fatalf("%q is %d columns wide, not %d", l.String(), l.Width(), width)
			}
			got.WriteString(strings.ReplaceAll(l.String(), " ", ""))
		}
		if want := strings.ReplaceAll(line.String(), " ", ""); got.String() != want {
			t.Fatalf("wrapped %q, want %q", got.String(), want)
		}
	})
}

func TestWrapHangsTheLinesAfterTheFirst(t *testing.T) {
	got := wrap(text("one two three", Plain), 7, 2)
	var lines []string
	for _, l := range got {
		lines = append(lines, l.String())
	}
	if want := "one two|  three"; strings.Join(lines, "|") != want {
		t.Errorf("got %q, want %q", strings.Join(lines, "|"), want)
	}
}

func TestFitCutsToWidth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, width := anyText().Draw(t, "text"), rapid.IntRange(0, 20).Draw(t, "width")
		for _, g := range []*Glyphs{UnicodeGlyphs(), ASCIIGlyphs()} {
			if got := g.fit(s, width); Width(got) > width {
				t.Fatalf("fit(%q, %d) = %q", s, width, got)
			}
			l := Line{{s, Plain}, {s, Code}}
			if got := g.Fit(l, width); got.Width() > width {
				t.Fatalf("Fit(%q, %d) = %q", l.String(), width, got.String())
			}
		}
	})
}

// What comes from a ruleset or a server must not steer the terminal.
func TestCleanTakesAwayWhatSteersATerminal(t *testing.T) {
	tests := []struct{ in, unicode, ascii string }{
		{"plain text", "plain text", "plain text"},
		{"a\tb", "a b", "a b"},
		{"\x1b[31mred\x1b[0m", ".[31mred.[0m", ".[31mred.[0m"},
		{"\u202egnp.exe", ".gnp.exe", "?gnp.exe"},
		{"bell\a del\x7f nul\x00 c1\u009b", "bell. del. nul. c1.", "bell. del? nul. c1?"},
		{"227 → 2024 …", "227 → 2024 …", "227 -> 2024 ..."},
		{"naïve", "naïve", "na?ve"},
		{"\xff\xfe", "..", "??"},
	}
	for _, tt := range tests {
		if got := UnicodeGlyphs().clean(tt.in); got != tt.unicode {
			t.Errorf("clean(%q) = %q, want %q", tt.in, got, tt.unicode)
		}
		if got := ASCIIGlyphs().clean(tt.in); got != tt.ascii {
			t.Errorf("ASCII clean(%q) = %q, want %q", tt.in, got, tt.ascii)
		}
	}
}

func FuzzMarkdown(f *testing.F) {
	f.Add("A *word*, `code`.\n\n- one\n  1. two\n\n```\ncode\n```\n> quoted\n\n# head\n---\n<b>html</b>", 20)
	f.Add("世界 \x1b[31m \u202e", 3)
	f.Fuzz(func(t *testing.T, source string, width int) {
		width = 3 + min(max(width, 0), 200)
		for _, l := range ASCIIGlyphs().markdown(source, width) {
			if l.Width() > width+8 { // lists within lists may leave no room
				t.Errorf("%q is %d columns wide, not %d", l.String(), l.Width(), width)
			}
			for _, c := range l.String() {
				if c < ' ' || c >= 0x7f {
					t.Errorf("%q has %q in it", l.String(), c)
				}
			}
		}
	})
}

func TestMarkdown(t *testing.T) {
	source := "The *answer* comes from `2024`,\nwhich no permit names.\n\n- one\n- two lines of\n  text\n\n1. first\n\n```\ndeny ip\n```\n"
	want := []string{
		"The answer comes from", "2024, which no permit", "names.", "",
		"• one", "• two lines of text", "", "1. first", "", "  deny ip",
	}
	var got []string
	lines := UnicodeGlyphs().markdown(source, 21)
	for _, l := range lines {
		got = append(got, l.String())
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if roles := lines[0]; roles[1] != (Span{"answer", Strong}) || lines[1][0] != (Span{"2024", Code}) {
		t.Errorf("emphasis and code have the roles of %v %v", roles, lines[1])
	}
}

// The signs that are not looked up are cut as those that are.
func TestFirstSignIsAGraphemeCluster(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOfN(rapid.SampledFrom([]rune("a─→\u0301\u200d️世👩é✗…")), 1, 6, -1).Draw(t, "text")
		sign, rest, width := FirstSign(s)
		wantSign, wantRest, wantWidth, _ := uniseg.FirstGraphemeClusterInString(s, -1)
		if sign != wantSign || rest != wantRest || width != wantWidth {
			t.Fatalf("FirstSign(%q) = %q %q %d, want %q %q %d", s, sign, rest, width, wantSign, wantRest, wantWidth)
		}
	})
}
