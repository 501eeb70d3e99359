package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

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
		p := arrived(r.t, r.last)
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

// WriteComparison writes what two runs have in common, where they part, and how each
// one ends.
func WriteComparison(w io.Writer, left, right Side) error {
	b := bufio.NewWriter(w)
	d := Compare(left.Trace, right.Trace)
	if (d == Difference{}) {
		fmt.Fprintln(b, "No verdict differs.")
	} else {
		writeCommon(b, dialogueUntil(left.Trace, d.Left), dialogueUntil(right.Trace, d.Right))
	}
	if d.SamePacket {
		p := arrived(left.Trace, d.Left)
		fmt.Fprintf(b, "Same packet, different fate: %s\n\n", p.String())
	}
	for i, side := range []struct {
		Side
		label string
		at    trace.ID
	}{{left, "left ", d.Left}, {right, "right", d.Right}} {
		if i > 0 {
			fmt.Fprintln(b)
		}
		fmt.Fprintf(b, "%s  %s\n", side.label, side.Name)
		switch {
		case d.SamePacket:
			writeVerdict(b, side.Trace, side.at)
		case side.at != 0:
			fmt.Fprintf(b, "       #%d %.3f s goes another way: %s\n", side.at, side.Trace.Time(side.at).Seconds(), packetWords(side.Trace, side.at))
			if side.Run.FirstDrop != nil {
				writeDrop(b, side.Run.FirstDrop)
			}
		}
		writeResult(b, side.Run, "       ")
	}
	return b.Flush()
}

// writeCommon writes the dialogue that both runs have before they part.
func writeCommon(b *bufio.Writer, left, right dialogue) {
	n := 0
	for n < len(left) && n < len(right) && left[n] == right[n] {
		n++
	}
	if n > 0 {
		fmt.Fprintln(b, "What both runs have in common:")
	}
	for _, line := range left[:n] {
		fmt.Fprintln(b, line)
	}
	if n > 0 {
		fmt.Fprintln(b)
	}
}

// dialogue is what the client said, heard and opened, one line each.
type dialogue []string

// dialogueUntil returns the dialogue before an event; all of it for 0.
func dialogueUntil(t *trace.Trace, end trace.ID) dialogue {
	if end == 0 {
		end = trace.ID(t.Len()) + 1
	}
	var lines dialogue
	for id := trace.ID(1); id < end; id++ {
		if line := dialogueLine(t, id); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// arrived returns the packet of a verdict as it came to the firewall.
func arrived(t *trace.Trace, id trace.ID) wire.Packet {
	if cause := t.Cause(id); cause != 0 && t.Kind(cause) == trace.KindArrived {
		id = cause
	}
	p, _ := t.PacketOf(id)
	return p
}

// packetWords names the packet of a verdict: by its text, if it carries any.
func packetWords(t *trace.Trace, id trace.ID) string {
	p := arrived(t, id)
	if len(p.Payload) > 0 && !IsBinary(p.Payload) && len(p.Payload) < 200 {
		return HidePassword(strings.TrimRight(string(p.Payload), "\r\n"))
	}
	return p.String()
}

// writeVerdict says what a firewall decided at id, and why.
func writeVerdict(b *bufio.Writer, t *trace.Trace, id trace.ID) {
	e := t.Event(id)
	judged := e.Body.(trace.Judged)
	v := NewDrop(t, id)
	verb := "lets it through"
	switch {
	case IsDrop(judged.Decision.Action):
		verb = v.Verb() + " it"
	case judged.Decision.Action != firewall.ActionForward:
		verb = "keeps it: " + judged.Decision.Action.String()
	}
	fmt.Fprintf(b, "       #%d %.3f s %s %s", id, e.Time.Seconds(), v.Node, verb)
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
