package report

import (
	"bufio"
	"fmt"
	"io"

	"ftplab/sim/firewall"
	"ftplab/sim/ftp"
	"ftplab/sim/trace"
	"ftplab/sim/wire"
)

// Difference is where two runs part.
type Difference struct {
	// Left and Right are the events in which the runs first differ; 0 where a run
	// has no more. Both are 0 when the runs do not differ.
	Left, Right trace.ID
	// SamePacket says that one and the same packet met two fates: both events are
	// verdicts.
	SamePacket bool
}

// Compare finds the first verdict in which two runs differ. Runs that hand different
// packets to a firewall before that, because the client does something else, part
// there.
func Compare(left, right *trace.Trace) Difference {
	l, r := newVerdictReader(left), newVerdictReader(right)
	for {
		a, moreLeft := l.next()
		b, moreRight := r.next()
		switch {
		case !moreLeft && !moreRight:
			return Difference{}
		case !moreLeft || !moreRight:
			return Difference{Left: a.event, Right: b.event}
		case a.packet != b.packet || a.node != b.node:
			return Difference{Left: a.event, Right: b.event}
		case a.action != b.action:
			return Difference{Left: a.event, Right: b.event, SamePacket: true}
		}
	}
}

// verdict is what Compare compares: nothing that depends on the ruleset's text.
type verdict struct {
	event  trace.ID
	node   string
	packet packetKey
	action firewall.Action
}

// packetKey is a packet as it arrived at the firewall.
type packetKey struct {
	src, dst string
	protocol wire.Protocol
	flags    wire.Flags
	seq, ack uint32
	payload  string
}

type verdictReader struct {
	t    *trace.Trace
	last trace.ID
}

func newVerdictReader(t *trace.Trace) *verdictReader { return &verdictReader{t: t} }

func (r *verdictReader) next() (verdict, bool) {
	for int(r.last) < r.t.Len() {
		r.last++
		if r.t.Kind(r.last) != trace.KindJudged {
			continue
		}
		e := r.t.Event(r.last)
		judged := e.Body.(trace.Judged)
		p := judged.Packet
		if e.Cause != 0 && r.t.Kind(e.Cause) == trace.KindArrived {
			p, _ = r.t.PacketOf(e.Cause)
		}
		return verdict{r.last, r.t.Nodes[e.Node].Name, keyOf(&p), judged.Decision.Action}, true
	}
	return verdict{}, false
}

func keyOf(p *wire.Packet) packetKey {
	return packetKey{p.SrcEndpoint().String(), p.DstEndpoint().String(), p.Protocol, p.Flags, p.Seq, p.Ack, string(p.Payload)}
}

// Side is one of two runs that are compared.
type Side struct {
	Name  string // as it was chosen: "mode=pasv,firewall=acl"
	Run   *Run
	Trace *trace.Trace
}

// WriteComparison writes where two runs part and how each one ends.
func WriteComparison(w io.Writer, left, right Side) error {
	b := bufio.NewWriter(w)
	d := Compare(left.Trace, right.Trace)
	switch {
	case d == Difference{}:
		fmt.Fprintln(b, "No verdict differs.")
	case d.SamePacket:
		p, _ := left.Trace.PacketOf(d.Left)
		if cause := left.Trace.Cause(d.Left); cause != 0 && left.Trace.Kind(cause) == trace.KindArrived {
			p, _ = left.Trace.PacketOf(cause)
		}
		fmt.Fprintf(b, "Same packet, different fate: %s\n", p.String())
	default:
		fmt.Fprintln(b, "The client does something else before any verdict differs.")
	}
	for _, side := range []struct {
		Side
		label string
		at    trace.ID
	}{{left, "left ", d.Left}, {right, "right", d.Right}} {
		fmt.Fprintf(b, "\n%s  %s\n", side.label, side.Name)
		if side.at != 0 {
			writeVerdict(b, side.Trace, side.at, d.SamePacket)
		}
		writeResult(b, side.Run, "       ")
	}
	return b.Flush()
}

// writeVerdict says what a firewall decided at id; with the packet, unless it has
// been named.
func writeVerdict(b *bufio.Writer, t *trace.Trace, id trace.ID, named bool) {
	e := t.Event(id)
	judged := e.Body.(trace.Judged)
	v := NewDrop(t, id)
	packet := ""
	if !named {
		packet = " " + judged.Packet.String() + ","
	}
	verb := "lets it through"
	switch {
	case IsDrop(judged.Decision.Action):
		verb = v.Verb() + " it"
	case judged.Decision.Action != firewall.ActionForward:
		verb = "keeps it: " + judged.Decision.Action.String()
	}
	fmt.Fprintf(b, "       #%d %.3f s%s %s (%s) %s", id, e.Time.Seconds(), packet, v.Node, v.Hook, verb)
	if v.Rule != nil || v.Policy != "" || IsDrop(judged.Decision.Action) {
		fmt.Fprintf(b, ": %s", v.By())
	}
	if v.State != nil {
		fmt.Fprintf(b, ", state %s", *v.State)
	}
	fmt.Fprintln(b)
	for _, m := range v.Missed {
		fmt.Fprintf(b, "         line %d `%s` missed: %s\n", m.Line, m.Text, m.Why)
	}
	if x := judged.Decision.Expectation; x != 0 {
		if made, from := expectation(t, e.Node, x, id); made != 0 {
			fmt.Fprintf(b, "         because of the expectation made at #%d from `%s`\n", made, from)
		}
	}
}

// expectation finds the event before id that made a node's expectation, and the text
// it was made from.
func expectation(t *trace.Trace, node trace.NodeID, number uint32, before trace.ID) (trace.ID, string) {
	for id := before; id > 0; id-- {
		if t.Kind(id) != trace.KindTracked {
			continue
		}
		e := t.Event(id)
		change := e.Body.(trace.Tracked).Change
		if e.Node == node && change.Kind == firewall.ExpectNew && change.Expect.ID == number {
			return id, change.Expect.From
		}
	}
	return 0, ""
}

// clientNote reports whether an event is something that a client noted.
func clientNote(t *trace.Trace, id trace.ID) (trace.FTP, bool) {
	if t.Kind(id) != trace.KindFTP {
		return trace.FTP{}, false
	}
	note := t.Event(id).Body.(trace.FTP)
	return note, !note.Server && note.Note != ftp.NoteNone
}
