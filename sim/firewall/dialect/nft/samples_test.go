package nft

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/rulestest"
	"ftplab/sim/firewall/dialect/internal/text"
)

// sampleDir holds rulesets of real machines. It lies beside the project and may be
// absent.
const sampleDir = "../../../../../shared/samples/nftables"

func sampleFiles(t *testing.T, pattern string) []string {
	files, err := filepath.Glob(filepath.Join(sampleDir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skip("no samples beside the project")
	}
	return files
}

func readFile(t *testing.T, name string) string {
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func messages(diagnostics []firewall.Diagnostic, config string) string {
	var b strings.Builder
	for _, d := range diagnostics {
		if d.Severity == firewall.Error {
			b.WriteString(text.Format(d, config))
		}
	}
	return b.String()
}

// refusedSamples are the sample files that are refused, and why.
var refusedSamples = map[string]string{
	"ftp_wrong_undefined_helper.txt": "sets a helper that it does not declare, as its first line says",
}

func TestSamplesParseAndPrintBack(t *testing.T) {
	parsed, refused := 0, 0
	for _, pattern := range []string{"*.txt", "canonical/*.txt"} {
		for _, file := range sampleFiles(t, pattern) {
			config := readFile(t, file)
			rs, diagnostics := Parse(filepath.Base(file), config)
			if why, ok := refusedSamples[filepath.Base(file)]; ok && pattern == "*.txt" {
				if rs != nil {
					t.Errorf("%s parses, but %s", file, why)
				}
				refused++
				continue
			}
			if rs == nil {
				t.Errorf("%s", messages(diagnostics, config))
				continue
			}
			parsed++
			roundTrip(t, file, rs)
		}
	}
	t.Logf("%d files parse, %d are refused", parsed, refused)
}

// roundTrip checks that a ruleset is printed so that it is read back with the same
// meaning.
func roundTrip(t *testing.T, name string, rs *firewall.Ruleset) {
	t.Helper()
	printed := Print(rs)
	again, diagnostics := Parse("printed", printed)
	if again == nil {
		t.Errorf("%s: what is printed is not read back:\n%s", name, messages(diagnostics, printed))
		return
	}
	if diff := cmp.Diff(rulestest.Meaning(rs), rulestest.Meaning(again)); diff != "" {
		t.Errorf("%s: what is printed means something else:\n%s", name, diff)
	}
}
