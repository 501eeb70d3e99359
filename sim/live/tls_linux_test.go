package live_test

import (
	"bytes"
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"ftplab/lessons"
	"ftplab/lessons/session"
	"ftplab/sim/export"
	"ftplab/sim/live"
	"ftplab/sim/report"
	"ftplab/sim/trace"
)

// TestRecordedTLSIsTheSameAgain: what curl said to real TLS runs again from a session
// file, to the byte, although no key of it can be made again.
func TestRecordedTLSIsTheSameAgain(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		lacks(t, err)
	}
	target, err := lessons.Open("linux/1")
	if err != nil {
		t.Fatal(err)
	}
	selection, err := target.Complete(lessons.Selection{Mode: "epsv", TLS: true})
	if err != nil {
		t.Fatal(err)
	}
	lives, recording := recordLive(t, target, selection, curl,
		"--silent", "--show-error", "--ssl-reqd", "--insecure", "--max-time", "20", "--output", "/dev/null", "ftp://192.168.10.1/file3k.bin")
	if run := report.New(report.Selection{}, lives); run.Outcome != "ok" || run.Transfer.Bytes != 3000 || !report.ObservedTLS(lives) {
		t.Errorf("outcome %s, %d octets, TLS %v", run.Outcome, run.Transfer.Bytes, report.ObservedTLS(lives))
	}
	want := jsonLines(t, lives)

	kept := session.New("linux/1", selection)
	kept.SetLive(recording)
	if got := runAgain(t, kept); got != want {
		t.Error("the session runs otherwise than it was recorded")
	}
	for i := range kept.Live.TLS[0].Steps {
		said := &kept.Live.TLS[0].Steps[i].Plain
		*said = bytes.ReplaceAll(*said, []byte("anonymous"), []byte("somebody!"))
	}
	if got := runAgain(t, kept); !strings.Contains(got, "USER somebody!") {
		t.Error("what the session has of TLS is not what it runs")
	}
}

// recordLive runs a program as a target's client and returns what happened, and the
// recording of it.
func recordLive(t *testing.T, target *lessons.Target, selection lessons.Selection, program string, args ...string) (*trace.Trace, *lessons.Recording) {
	t.Helper()
	sc, err := target.Scenario(selection)
	if err != nil {
		t.Fatal(err)
	}
	recording := &lessons.Recording{Node: sc.ClientNode(), Program: "curl"}
	if sc, err = sc.WithReal(recording.Node, recording.Program); err != nil {
		t.Fatal(err)
	}
	inside := live.Inside{Interface: "eth0", Prefixes: []netip.Prefix{netip.MustParsePrefix("10.0.0.2/24")}}
	p, err := live.Start(inside, live.Command{Path: program, Args: args, Stderr: os.Stderr})
	if refused := (*live.SetupError)(nil); errors.As(err, &refused) {
		lacks(t, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	network, err := live.NewNetwork(sc, recording.Node, p.TUN())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Go(); err != nil {
		t.Fatal(err)
	}
	network.Begin()
	ran := make(chan error, 1)
	go func() { ran <- network.Run() }()
	status, err := p.Wait()
	if status != 0 || err != nil {
		t.Errorf("curl ended with %d, %v", status, err)
	}
	awaitRest(t, network)
	network.End("curl ended")
	if err := <-ran; err != nil {
		t.Fatal(err)
	}
	recording.Inputs, recording.Until = network.Inputs()
	recording.TLS = network.TLS()
	return network.Trace(), recording
}

// awaitRest waits until the server has closed the control connection.
func awaitRest(t *testing.T, network *live.Network) {
	t.Helper()
	for until := time.Now().Add(10 * time.Second); time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		if strings.Contains(jsonLines(t, network.Trace()), `"to":"TIME-WAIT"`) {
			return
		}
	}
	t.Error("the connections do not end")
}

func jsonLines(t *testing.T, tr *trace.Trace) string {
	t.Helper()
	var b strings.Builder
	if err := export.WriteJSONLines(&b, tr); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// runAgain writes a session, reads it and runs it.
func runAgain(t *testing.T, s *session.Session) string {
	t.Helper()
	var b bytes.Buffer
	if err := s.Write(&b); err != nil {
		t.Fatal(err)
	}
	read, err := session.Read("session.json", b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	target, selection, err := read.Open()
	if err != nil {
		t.Fatal(err)
	}
	_, tr, err := target.Run(selection)
	if err != nil {
		t.Fatal(err)
	}
	return jsonLines(t, tr)
}

// lacks skips a test for want of something that it takes; FTPLAB_REQUIRE_PEERS=1 makes it
// fail instead.
func lacks(t *testing.T, why error) {
	t.Helper()
	if os.Getenv("FTPLAB_REQUIRE_PEERS") == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}
