package nft

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"ftplab/sim/firewall"
)

var update = flag.Bool("update", false, "ask the real nft again and write its answers to testdata")

// statementTable is where each statement of testdata/statements.txt is tried: in a
// table with a few sets and objects.
const statementTable = `table inet t {
	ct helper ftp-std {
		type "ftp" protocol tcp
	}
	counter c1 {
	}
	set s4 {
		type ipv4_addr
		elements = { 1.2.3.4 }
	}
	set ports {
		type inet_service
		flags interval
	}
	set ifs {
		type ifname
	}
	set pairs {
		type ipv4_addr . inet_service
	}
	set dyn {
		type ipv4_addr
		flags dynamic,timeout
		timeout 1m
	}
	map vm {
		type inet_service : verdict
	}
	chain c2 {
	}
	chain c {
		type filter hook prerouting priority 0;
		%s
	}
}
`

const (
	statementsFile = "testdata/statements.txt"
	answersFile    = "testdata/statements.golden"
)

// modelErrors are statements whose answer differs on purpose.
var modelErrors = map[string]string{
	"dup to 1.2.3.4":                       "nft wants a table of one family; copies are not modelled in any",
	"masquerade":                           "nft --check does not ask the kernel, which refuses it in this chain",
	"redirect":                             "nft --check does not ask the kernel, which refuses it in this chain",
	"redirect to :80":                      "nft --check does not ask the kernel, which refuses it in this chain",
	"tcp dport 21 redirect to :2121":       "nft --check does not ask the kernel, which refuses it in this chain",
	"tcp dport 21 dnat ip to 10.0.0.1:21":  "nft --check does not ask the kernel, which refuses it in this chain",
	"ip saddr 10.0.0.0/8 dnat to 10.0.0.1": "nft --check does not ask the kernel, which refuses it in this chain",
}

// TestStatements compares what is said of each statement with what nft 1.0.6 said: that
// it is right, or where in its line it is wrong.
func TestStatements(t *testing.T) {
	statements := strings.Split(strings.TrimSpace(readFile(t, statementsFile)), "\n")
	if *update {
		needNFT(t)
		if err := os.WriteFile(answersFile, []byte(strings.Join(askNFT(t, statements), "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	answers := strings.Split(strings.TrimSpace(readFile(t, answersFile)), "\n")
	if len(answers) != len(statements) {
		t.Fatalf("%d answers for %d statements: run the test with -update", len(answers), len(statements))
	}
	for i, s := range statements {
		config := fmt.Sprintf(statementTable, s)
		_, diagnostics := Parse("t.nft", config)
		got := "ok"
		if len(diagnostics) > 0 && diagnostics[0].Severity == firewall.Error {
			got = fmt.Sprintf("%d:%d", diagnostics[0].Line, diagnostics[0].Column)
		}
		if _, differs := modelErrors[s]; got != answers[i] && !differs {
			t.Errorf("%s: got %s, nft says %s\n%s", s, got, answers[i], messages(diagnostics, config))
		}
	}
}

// askNFT returns the real nft's answers to statements.
func askNFT(t *testing.T, statements []string) []string {
	where := regexp.MustCompile(`^\S*?:(\d+:\d+)-\d+: Error`)
	var answers []string
	for _, s := range statements {
		cmd := exec.Command("unshare", "-n", "nft", "-c", "-f", "-")
		cmd.Stdin = strings.NewReader(fmt.Sprintf(statementTable, s))
		out, err := cmd.CombinedOutput()
		answer := "ok"
		if err != nil {
			place := where.FindStringSubmatch(string(out))
			if place == nil {
				t.Fatalf("%s: %s", s, out)
			}
			answer = place[1]
		}
		answers = append(answers, answer)
	}
	return answers
}
