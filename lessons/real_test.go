package lessons_test

import (
	"fmt"
	"slices"
	"testing"

	"ftplab/lessons"
	"ftplab/sim"
	"ftplab/sim/event"
	"ftplab/sim/ftp"
	"ftplab/sim/report"
	"ftplab/sim/trace"
)

// A client that is not simulated, but sends the very packets of a simulated one, must
// come to the same result, as far as its packets show: in every lesson, mode and
// variant, and in the lab's rows, in clear and under TLS.
func TestRealHostThatDoesTheSame(t *testing.T) {
	var targets []*lessons.Target
	all, err := lessons.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range all {
		targets = append(targets, l.Target())
	}
	for _, row := range lessons.Rows() {
		target, err := lessons.Open("linux/" + row)
		if err != nil {
			t.Fatal(err)
		}
		targets = append(targets, target)
	}
	for _, target := range targets {
		for _, v := range target.Variants {
			for _, mode := range target.Modes {
				for _, tls := range []bool{false, true} {
					t.Run(fmt.Sprintf("%s/%s/%s/tls %v", target.Name(), v.Name, mode, tls), func(t *testing.T) {
						sel, err := target.Complete(lessons.Selection{Firewall: v.Name, Mode: mode, TLS: tls})
						if err != nil {
							t.Fatal(err)
						}
						sc, err := target.Scenario(sel)
						if err != nil {
							t.Fatal(err)
						}
						sameWithRealClient(t, sc)
					})
				}
			}
		}
	}
}

func sameWithRealClient(t *testing.T, sc sim.Scenario) {
	t.Helper()
	simulated, err := sim.Run(sc)
	if err != nil {
		t.Fatal(err)
	}
	client := sc.Clients[0].Node
	inputs := packetsOf(simulated, client)
	var others []sim.Client
	for _, c := range sc.Clients {
		if c.Node != client {
			others = append(others, c)
		}
	}
	sc.Clients = others
	sc.Nodes = append([]sim.Node(nil), sc.Nodes...)
	for i := range sc.Nodes {
		if sc.Nodes[i].Name == client {
			sc.Nodes[i].Real = &sim.Real{Program: "a client"}
		}
	}
	sc.Until = simulated.End()
	inputs = append(inputs, sim.Input{At: sc.Until, Node: client, Ended: true, Text: "it ended"})
	real, err := sim.Run(sc, inputs...)
	if err != nil {
		t.Fatal(err)
	}
	a, b := report.New(report.Selection{}, simulated), report.New(report.Selection{}, real)
	if a.Outcome != b.Outcome || a.Phase != b.Phase {
		t.Errorf("real: %s in %s, simulated: %s in %s", b.Outcome, b.Phase, a.Outcome, a.Phase)
	}
	if a.FailureClass != b.FailureClass {
		t.Errorf("real: failed %v after %v s, simulated: %v after %v s", b.FailureClass, number(b.FailAfter), a.FailureClass, number(a.FailAfter))
	}
	if (a.FirstDrop == nil) != (b.FirstDrop == nil) || a.FirstDrop != nil && a.FirstDrop.String() != b.FirstDrop.String() {
		t.Errorf("first drop, real: %v, simulated: %v", b.FirstDrop, a.FirstDrop)
	}
	if a.FirstDrop != nil && b.FirstDrop != nil {
		// A command that is in the dropped packet itself, a part of it or under TLS, is
		// not known of a real client.
		got, want := saidBefore(real), saidBefore(simulated)
		if !slices.Equal(got, want) && !slices.Equal(got, want[:max(len(want)-1, 0)]) {
			t.Errorf("what led to the drop, real: %q, simulated: %q", got, want)
		}
	}
	if a.ServerReply != nil && b.ServerReply != nil && *a.ServerReply != *b.ServerReply || (a.ServerReply == nil) != (b.ServerReply == nil) {
		t.Errorf("reply, real: %v, simulated: %v", word(b.ServerReply), word(a.ServerReply))
	}
	if len(a.Replies) != len(b.Replies) {
		t.Errorf("%d replies, simulated: %d", len(b.Replies), len(a.Replies))
	}
	if a.Transfer.SHA256 != nil && (b.Transfer.SHA256 == nil || *a.Transfer.SHA256 != *b.Transfer.SHA256) {
		t.Errorf("transfer of %d octets differs: %d", a.Transfer.Bytes, b.Transfer.Bytes)
	}
}

// saidBefore returns the client's commands that led to the first drop.
func saidBefore(tr *trace.Trace) (commands []string) {
	for _, id := range tr.Chain(tr.FirstDrop()) {
		if note, ok := tr.Event(id).Body.(trace.FTP); ok && note.Note == ftp.CommandSent {
			commands = append(commands, note.Text)
		}
	}
	return commands
}

// packetsOf returns what a node sent, as inputs.
func packetsOf(tr *trace.Trace, node string) []sim.Input {
	var inputs []sim.Input
	for id := trace.ID(1); int(id) <= tr.Len(); id++ {
		if e := tr.Event(id); e.Kind == trace.KindSent && tr.Nodes[e.Node].Name == node {
			p := e.Body.(trace.Sent).Packet
			inputs = append(inputs, sim.Input{At: event.Time(e.Time), Node: node, Packet: p.Append(nil)})
		}
	}
	return inputs
}

func word(s *string) string {
	if s == nil {
		return "none"
	}
	return *s
}

func number(f *float64) float64 {
	if f == nil {
		return -1
	}
	return *f
}
