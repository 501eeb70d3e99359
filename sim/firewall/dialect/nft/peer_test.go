package nft

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ftplab/sim/firewall/dialect/internal/rulestest"
)

// needNFT skips a test where the real nft cannot be run in a network namespace of its
// own; with FTPLAB_REQUIRE_PEERS=1 that is a failure.
func needNFT(t *testing.T) {
	t.Helper()
	why := ""
	switch _, err := exec.LookPath("nft"); {
	case os.Getuid() != 0:
		why = "only root can make a network namespace"
	case err != nil:
		why = "nft is not installed"
	case exec.Command("unshare", "-n", "nft", "list", "ruleset").Run() != nil:
		why = "nft does not run in a network namespace"
	default:
		return
	}
	if os.Getenv("FTPLAB_REQUIRE_PEERS") == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// realNFT loads a ruleset into the real nft and returns what it lists.
func realNFT(config string) (listing, errors string) {
	cmd := exec.Command("unshare", "-n", "sh", "-c", "nft -f - && nft -a list ruleset")
	cmd.Stdin = strings.NewReader(config)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", errs.String() + err.Error()
	}
	return out.String(), ""
}

// checkPeer checks that the real nft takes what is printed of a text and lists it with
// the same meaning.
func checkPeer(t *testing.T, name, config string) {
	t.Helper()
	rs, diagnostics := Parse(name, config)
	if rs == nil {
		t.Errorf("%s", messages(diagnostics, config))
		return
	}
	printed := Print(rs)
	listing, errors := realNFT(printed)
	if errors != "" {
		t.Errorf("%s: nft refuses what is printed: %s", name, errors)
		return
	}
	again, diagnostics := Parse("listing", listing)
	if again == nil {
		t.Errorf("%s: what nft lists is not read: %s", name, messages(diagnostics, listing))
		return
	}
	want, got := rulestest.Meaning(rulestest.Canonical(rs)), rulestest.Meaning(rulestest.Canonical(again))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: nft lists another meaning:\n%s", name, diff)
	}
}

func TestRealToolAcceptsWhatIsPrinted(t *testing.T) {
	needNFT(t)
	files, err := filepath.Glob("testdata/*.nft")
	if err != nil || len(files) == 0 {
		t.Fatalf("no testdata: %v", err)
	}
	for _, file := range files {
		checkPeer(t, file, readFile(t, file))
	}
}

// TestReservedWords asks the real nft which of our reserved words can be a name.
func TestReservedWords(t *testing.T) {
	needNFT(t)
	cmd := exec.Command("unshare", "-n", "sh", "-c", "nft add table ip t; while read w; do nft -c add chain ip t $w 2>/dev/null && echo $w; done; true")
	words := strings.Fields(readFile(t, "testdata/words.txt"))
	cmd.Stdin = strings.NewReader(strings.Join(words, "\n") + "\n")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	free := map[string]bool{}
	for _, w := range strings.Fields(string(out)) {
		free[w] = true
	}
	for _, w := range words {
		if isReserved(w) == free[w] {
			t.Errorf("%s: reserved here %v, free there %v", w, isReserved(w), free[w])
		}
	}
}

func TestRealToolAcceptsSamples(t *testing.T) {
	needNFT(t)
	for _, file := range sampleFiles(t, "canonical/*.txt") {
		checkPeer(t, filepath.Base(file), readFile(t, file))
	}
}
