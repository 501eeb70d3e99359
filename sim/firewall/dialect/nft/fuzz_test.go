package nft

import (
	"path/filepath"
	"strings"
	"testing"

	"ftplab/sim/firewall/dialect/internal/rulestest"
)

// FuzzParse checks that no text crashes the parser or takes it long, and that what is
// printed of a ruleset is read back with the same meaning.
func FuzzParse(f *testing.F) {
	f.Add(helperRuleset)
	files, err := filepath.Glob("testdata/*.nft")
	if err != nil || len(files) == 0 {
		f.Fatalf("no testdata: %v", err)
	}
	for _, file := range files {
		f.Add(readFile(f, file))
	}
	f.Fuzz(func(t *testing.T, config string) {
		if len(config) > 10<<10 {
			return
		}
		rs, diagnostics := Parse("fuzz", config)
		messages(diagnostics, config)
		if rs == nil {
			if len(diagnostics) == 0 {
				t.Fatal("refused without a word")
			}
			return
		}
		for _, d := range diagnostics {
			if d.Line < 1 || d.Column < 1 {
				t.Fatalf("a message without a place: %+v", d)
			}
		}
		printed := Print(rs)
		again, diagnostics := Parse("printed", printed)
		if again == nil {
			t.Fatalf("what is printed is not read back:\n%s\n%s", messages(diagnostics, printed), printed)
		}
		if strings.Contains(printed, "# never matches here") {
			again.UsesConntrack = rs.UsesConntrack // only a rule without effect may have asked for it
		}
		if want, got := rulestest.Meaning(rulestest.Canonical(rs)), rulestest.Meaning(rulestest.Canonical(again)); want != got {
			t.Fatalf("what is printed means something else:\n%s\nnot\n%s\nprinted:\n%s", got, want, printed)
		}
	})
}
