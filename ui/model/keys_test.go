package model

import (
	"slices"
	"strings"
	"testing"
)

func TestNoKeyHasTwoMeaningsOnAPage(t *testing.T) {
	for page := range numPages {
		meaning := map[Key]Action{}
		for _, b := range Keys() {
			if !b.on(page) {
				continue
			}
			for _, k := range b.Keys {
				if other, taken := meaning[k]; taken {
					t.Errorf("page %d: %s is both %d and %d", page, k, other, b.Action)
				}
				meaning[k] = b.Action
				if got := ActionOf(page, k); got != b.Action {
					t.Errorf("page %d: %s does %d, the table says %d", page, k, got, b.Action)
				}
			}
		}
		if meaning[CtrlC] != Quit || meaning[CtrlL] != Redraw {
			t.Errorf("page %d: Ctrl-C does %d, Ctrl-L %d", page, meaning[CtrlC], meaning[CtrlL])
		}
	}
}

func TestHelpNamesEveryKey(t *testing.T) {
	for page := range numPages {
		var help strings.Builder
		for _, l := range UnicodeGlyphs().helpLines(page, 80) {
			help.WriteString(l.String() + "\n")
		}
		for _, b := range Keys() {
			for _, k := range b.Keys {
				if b.on(page) && !slices.Contains(strings.Fields(help.String()), string(k)) {
					t.Errorf("page %d: the help does not name %s", page, k)
				}
			}
			if b.Help == "" {
				t.Errorf("%v has no help", b.Keys)
			}
		}
	}
}

// However narrow the screen, the help key is in the key bar, and nothing is cut.
func TestKeyBarFits(t *testing.T) {
	for page := range numPages {
		for width := 40; width <= 200; width++ {
			for _, g := range []*Glyphs{UnicodeGlyphs(), ASCIIGlyphs()} {
				bar := g.keyBar(page, width)
				if bar.Width() > width {
					t.Fatalf("page %d: the bar takes %d columns of %d: %q", page, bar.Width(), width, bar.String())
				}
				if page != HelpPage && !strings.Contains(bar.String(), "? help") {
					t.Fatalf("page %d, %d columns: no help in %q", page, width, bar.String())
				}
			}
		}
	}
}
