package session_test

import (
	"strings"
	"testing"

	"ftplab/lessons"
	"ftplab/lessons/session"
	"ftplab/sim"
	"ftplab/sim/export"
	"ftplab/sim/firewall/dialect"
	"ftplab/sim/tls"
	"ftplab/sim/trace"
)

// TestLiveRunIsKept: what a real program did, and which firewalls were chosen meanwhile,
// runs again to the byte. The program's packets here are those of a simulated client.
func TestLiveRunIsKept(t *testing.T) {
	target, err := lessons.Open("12")
	if err != nil {
		t.Fatal(err)
	}
	selection, err := target.Complete(lessons.Selection{Mode: "pasv"})
	if err != nil {
		t.Fatal(err)
	}
	rules, _ := dialect.Parse("iptables", "open.rules", "*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n")
	recording := record(t, target, selection)
	recording.Changes = []lessons.Change{
		{At: recording.Until / 2, Variant: "stateful"},
		{At: recording.Until * 3 / 4, Rules: rules},
	}
	want := recorded(t, target.WithRecording(recording, selection), selection)
	if !strings.Contains(want, "open.rules") || !strings.Contains(want, "firewall: stateful") {
		t.Fatalf("the changes are not in the run:\n%s", want)
	}
	s := session.New("12", selection)
	s.SetLive(recording)
	again, chosen, err := reopened(t, s).Open()
	if err != nil {
		t.Fatal(err)
	}
	if !again.Recorded() || recorded(t, again, chosen) != want {
		t.Error("the reopened run differs")
	}
}

// record returns what a simulated client sent, as if it were a real program.
func record(t *testing.T, target *lessons.Target, selection lessons.Selection) *lessons.Recording {
	t.Helper()
	sc, tr, err := target.Run(selection)
	if err != nil {
		t.Fatal(err)
	}
	r := &lessons.Recording{Node: sc.ClientNode(), Program: "curl", Until: tr.End()}
	for id := trace.ID(1); int(id) <= tr.Len(); id++ {
		if e := tr.Event(id); e.Kind == trace.KindSent && tr.Nodes[e.Node].Name == r.Node {
			p := e.Body.(trace.Sent).Packet
			r.Inputs = append(r.Inputs, sim.Input{At: e.Time, Node: r.Node, Packet: p.Append(nil)})
		}
	}
	r.Inputs = append(r.Inputs, sim.Input{At: r.Until, Node: r.Node, Ended: true, Text: "curl ended with status 0"})
	return r
}

// recorded runs a recording and returns its whole trace.
func recorded(t *testing.T, target *lessons.Target, selection lessons.Selection) string {
	t.Helper()
	_, tr, err := target.Run(selection)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := export.WriteJSONLines(&b, tr); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A recording in which time goes back, or on for ever, is refused.
func TestLiveTimesAreChecked(t *testing.T) {
	for name, live := range map[string]session.Live{
		"back":        {Node: "client", Until: 100, Inputs: []session.Input{{At: 50}, {At: 40}}},
		"behind":      {Node: "client", Until: 100, Inputs: []session.Input{{At: 101}}},
		"negative":    {Node: "client", Until: -1},
		"for ever":    {Node: "client", Until: 1 << 62},
		"late change": {Node: "client", Until: 100, Changes: []session.Change{{At: 200, Variant: "none"}}},
	} {
		s := session.New("12", lessons.Selection{})
		s.Live = &live
		if _, _, err := s.Open(); err == nil {
			t.Errorf("%s: it opens", name)
		}
	}
}

// TestLiveTLSIsKept: what TLS connections did runs again from the file, and nothing else:
// here a tape on which the client says something else than its packets do.
func TestLiveTLSIsKept(t *testing.T) {
	target, err := lessons.Open("12")
	if err != nil {
		t.Fatal(err)
	}
	selection, err := target.Complete(lessons.Selection{Mode: "pasv", TLS: true})
	if err != nil {
		t.Fatal(err)
	}
	recording := record(t, target, selection)
	recording.TLS = []tls.Tape{{
		{},
		{Plain: []byte("NOOP\r\nCCC\r\n"), Sent: []byte("a flight"), Up: true},
		{Sent: []byte("sealed"), Up: true},
		{Plain: []byte("QUIT\r\n"), Up: true, EOF: true, Err: "an error"},
	}}
	want := recorded(t, target.WithRecording(recording, selection), selection)
	for _, said := range []string{`"note":"command-received","text":"NOOP"`, `"note":"command-sent","text":"NOOP"`} {
		if !strings.Contains(want, said) {
			t.Errorf("the run has no %s", said)
		}
	}
	s := session.New("12", selection)
	s.SetLive(recording)
	again, chosen, err := reopened(t, s).Open()
	if err != nil {
		t.Fatal(err)
	}
	if recorded(t, again, chosen) != want {
		t.Error("the reopened run differs")
	}
}
