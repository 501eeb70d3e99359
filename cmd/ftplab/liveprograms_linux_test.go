package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"ftplab/sim/report"
)

// TestLiveStatus: the exit status is the program's own, or says as a shell does that there
// is none; what came of it is that of its sessions.
func TestLiveStatus(t *testing.T) {
	t.Parallel() // it waits, mostly
	curl := livePeer(t, "curl")
	needLive(t)
	fetch := curl + " -sS -o /dev/null ftp://server"
	for name, test := range map[string]struct {
		command []string
		status  int
		outcome string // "" if there is no report
		said    string
	}{
		"a program that does not exist":          {[]string{"no-such-program"}, 127, "", "no such program in PATH"},
		"a file that is no program":              {[]string{"/etc/passwd"}, 126, "", "permission denied"},
		"a program that uses no network":         {[]string{"sh", "-c", "exit 3"}, 3, "no_session", "result: no_session\n"},
		"a program that leaves another behind":   {[]string{"sh", "-c", "sleep 60 & exit 4"}, 4, "no_session", ""},
		"a program that ends by a signal":        {[]string{"sh", "-c", "kill -9 $$"}, 137, "no_session", ""},
		"a name that nobody has":                 {[]string{"sh", "-c", curl + " -sS ftp://nobody/"}, 6, "no_session", "Could not resolve host"},
		"a transfer, and a status of its own":    {[]string{"sh", "-c", fetch + "/pub/readme.txt; exit 5"}, 5, "ok", "result: ok"},
		"a file that is not there":               {[]string{"sh", "-c", fetch + "/pub/nothing"}, 78, "550", "result: 550"},
		"a login that is refused":                {[]string{"sh", "-c", curl + " -sS -u joe:secret ftp://server/"}, 67, "530", "result: 530"},
		"a connection to nothing that listens":   {[]string{"sh", "-c", curl + " -sS http://server:8021/"}, 7, "no_session", ""},
		"a port that the firewall's rules block": {[]string{"sh", "-c", curl + " -sS -m 1 http://server/"}, 28, "no_session", "dropped"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := "12"
			if strings.Contains(name, "nothing that listens") {
				target = "linux/1"
			}
			ran := runLive(t.TempDir(), target, "", test.command)
			if ran.status != test.status {
				t.Errorf("status %d, want %d", ran.status, test.status)
			}
			if got := ran.report.Outcome; got != test.outcome {
				t.Errorf("outcome %q, want %q", got, test.outcome)
			}
			if !strings.Contains(ran.output, test.said) {
				t.Errorf("it does not say %q", test.said)
			}
			if t.Failed() {
				t.Log(ran.output)
			}
		})
	}
}

// waitForText waits until a file has a text.
func waitForText(t *testing.T, name, text string) {
	t.Helper()
	for until := time.Now().Add(20 * time.Second); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		if content, err := os.ReadFile(name); err == nil && strings.Contains(string(content), text) {
			return
		}
	}
	t.Fatalf("%s never has %q", name, text)
}

const (
	closedRules = `*filter
:FORWARD DROP [0:0]
-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A FORWARD -d 192.168.10.1 -p tcp --dport 21 -m conntrack --ctstate NEW -j ACCEPT
COMMIT
`
	openRules = `*filter
:FORWARD DROP [0:0]
-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A FORWARD -d 192.168.10.1 -p tcp -m multiport --dports 21,2024 -m conntrack --ctstate NEW -j ACCEPT
COMMIT
`
)

// TestLiveRulesChange: a client fails until the rules' file lets it through; what was saved
// runs the same again.
func TestLiveRulesChange(t *testing.T) {
	t.Parallel() // it waits, mostly
	curl, lftp := livePeer(t, "curl"), livePeer(t, "lftp")
	needLive(t)
	t.Run("the connection that hangs comes through", func(t *testing.T) {
		rulesChange(t, curl+" -sSv --max-time 20 -o fetched ftp://server/pub/readme.txt 2>progress", ":2024...")
	})
	t.Run("the client begins anew", func(t *testing.T) {
		rulesChange(t, lftp+" -d -c 'set net:timeout 2; set net:reconnect-interval-base 1; open server; "+
			"get pub/readme.txt -o fetched' 2>progress", "Timeout - reconnecting")
	})
}

// rulesChange runs a client that fetches a file, and opens the firewall when the client has
// said something.
func rulesChange(t *testing.T, client, said string) {
	t.Parallel()
	folder := t.TempDir()
	rules, fetched, saved := filepath.Join(folder, "rules"), filepath.Join(folder, "fetched"), filepath.Join(folder, "saved.json")
	if err := os.WriteFile(rules, []byte(closedRules), 0o600); err != nil {
		t.Fatal(err)
	}
	began := make(chan liveRun, 1)
	go func() {
		began <- runLive(folder, "12", "", []string{"sh", "-c", "cd " + folder + "; " + client}, "--firewall", rules, "--save", saved)
	}()
	waitForText(t, filepath.Join(folder, "progress"), said)
	if err := os.WriteFile(rules, []byte(openRules), 0o600); err != nil {
		t.Fatal(err)
	}
	ran := <-began
	if ran.err != nil {
		t.Fatalf("%v\n%s", ran.err, ran.output)
	}
	run := &ran.report
	if run.Outcome != "ok" || ran.status != 0 || run.FirstDrop == nil || run.FirstDrop.Dport != 2024 {
		t.Errorf("status %d, outcome %s, first drop %v\n%s", ran.status, run.Outcome, reportedDrop(run.FirstDrop), ran.output)
	}
	if content, err := os.ReadFile(fetched); err != nil || len(content) != 496 {
		t.Errorf("the client has %d octets, %v", len(content), err)
	}
	if !strings.Contains(ran.output, "are in force") {
		t.Errorf("that the rules have changed was not said\n%s", ran.output)
	}
	again := simulated(t, saved)
	again.Stats, run.Stats = report.Stats{}, report.Stats{}
	if !reflect.DeepEqual(again, run) {
		a, _ := json.Marshal(run)
		b, _ := json.Marshal(again)
		t.Errorf("saved, it was\n%s\nrun again, it is\n%s", a, b)
	}
	for _, command := range [][]string{{"why", saved}, {"run", saved}, {"run", saved, "--format", "plain"}} {
		if out, err := exec.Command("ftplab", command...).CombinedOutput(); err != nil || !strings.Contains(string(out), "the rules of "+rules) {
			t.Errorf("%v: %v\n%s", command, err, out)
		}
	}
}
