package model

import (
	"testing"

	"pgregory.net/rapid"

	"ftplab/sim/ftp"
	"ftplab/sim/trace"
	"ftplab/ui/internal/lab"
)

func TestTwoRunsOfOneScenarioAreTheSame(t *testing.T) {
	for name, r := range labRuns(t) {
		a := Align(r, r)
		if !a.Same() {
			t.Errorf("%s differs from itself", name)
		}
	}
}

// The access list and the inspecting firewall pass the same packets up to the SYN-ACK
// of the data connection, though they have other rules and one keeps a table.
func TestFirewallsPartAtTheFirstOtherVerdict(t *testing.T) {
	acl, inspect := newRun(t, ftp.ModePASV, lab.ACL), newRun(t, ftp.ModePASV, lab.Inspect)
	a := Align(acl, inspect)
	from, to := a.Parting()
	drop, _ := acl.FirstDrop()
	if from != drop.Event {
		t.Errorf("they part at #%d, the drop is #%d", from, drop.Event)
	}
	p, _ := acl.Trace.PacketOf(from)
	q, _ := inspect.Trace.PacketOf(to)
	if !samePacket(&p, &q) {
		t.Errorf("they part at different packets: %+v and %+v", p, q)
	}
	if got := a.Carry(acl.At(from)); got != inspect.At(to) {
		t.Errorf("the cursor at the parting becomes %+v, want %+v", got, inspect.At(to))
	}
	if got := a.Carry(acl.End()); got != inspect.At(to) {
		t.Errorf("the cursor after the parting becomes %+v, want %+v", got, inspect.At(to))
	}
}

// Before the parting the cursor stays at the same event, however the numbers shift.
func TestCarryKeepsThePlace(t *testing.T) {
	inspect, acl := newRun(t, ftp.ModePASV, lab.Inspect), newRun(t, ftp.ModePASV, lab.ACL)
	there, back := Align(inspect, acl), Align(acl, inspect)
	_, parting := there.Parting()
	rapid.Check(t, func(t *rapid.T) {
		id := trace.ID(rapid.IntRange(0, int(parting)-1).Draw(t, "event"))
		c := back.Carry(acl.At(id))
		if id > 0 && (inspect.Trace.Kind(c.Event) != acl.Trace.Kind(id) || inspect.Trace.Time(c.Event) != acl.Trace.Time(id)) {
			t.Fatalf("#%d becomes #%d, another event", id, c.Event)
		}
		if again := there.Carry(c); again != acl.At(id) {
			t.Fatalf("#%d comes back as #%d", id, again.Event)
		}
	})
}

// Another mode is another run from the first command that differs.
func TestModesPartAtTheCommand(t *testing.T) {
	pasv, port := newRun(t, ftp.ModePASV, ""), newRun(t, ftp.ModePORT, "")
	a := Align(pasv, port)
	from, _ := a.Parting()
	if from == 0 {
		t.Fatal("they do not part")
	}
	for id := trace.ID(1); id < from; id++ {
		if e := pasv.Trace.Event(id); e.Kind == trace.KindFTP && e.Body.(trace.FTP).Text == "PASV" {
			t.Errorf("they part at #%d, after the command #%d", from, id)
		}
	}
}
