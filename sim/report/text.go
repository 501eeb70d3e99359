package report

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"ftplab/sim/ftp"
	"ftplab/sim/trace"
)

// WriteJSON writes the run object on one line.
func (r *Run) WriteJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(r)
}

// WriteText writes the run for a terminal: the dialogue, the first drop in the place
// where it happened, and the result.
func (r *Run) WriteText(w io.Writer, t *trace.Trace) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "%s: %s, firewall %s, %s%s, seed %d\n\n", r.Target, strings.ToUpper(r.Mode), r.Firewall, r.Op, tlsWord(r.TLS), r.Seed)
	for id := trace.ID(1); int(id) <= t.Len(); id++ {
		if r.FirstDrop != nil && id == r.FirstDrop.Event {
			writeDrop(b, r.FirstDrop)
		}
		if line := dialogueLine(t, id); line != "" {
			fmt.Fprintln(b, line)
		}
	}
	fmt.Fprintln(b)
	writeResult(b, r, "")
	return b.Flush()
}

// WriteResult writes the end of what WriteText writes: the result and the first drop.
func (r *Run) WriteResult(w io.Writer) error {
	b := bufio.NewWriter(w)
	if r.FirstDrop != nil {
		writeDrop(b, r.FirstDrop)
	}
	writeResult(b, r, "")
	return b.Flush()
}

func tlsWord(tls bool) string {
	if tls {
		return " over TLS"
	}
	return ""
}

// dialogueLine returns what the client said, heard or opened at id; "" for the rest.
func dialogueLine(t *trace.Trace, id trace.ID) string {
	now := t.Time(id).Seconds()
	if note, ok := clientNote(t, id); ok {
		text := HidePassword(note.Text)
		switch note.Note {
		case ftp.CommandSent:
			return fmt.Sprintf("%9.3f  C → %s", now, text)
		case ftp.ReplyReceived:
			return fmt.Sprintf("%9.3f  S ← %s", now, text)
		case ftp.TransferDone:
			return fmt.Sprintf("%9.3f  data: %d octets", now, note.Count)
		case ftp.GaveUp:
			return fmt.Sprintf("%9.3f  client gives up: %s", now, text)
		}
		return ""
	}
	if t.Kind(id) == trace.KindInput {
		return fmt.Sprintf("%9.3f  you changed %s", now, t.Event(id).Body.(trace.Input).Text)
	}
	if t.Kind(id) != trace.KindSocket {
		return ""
	}
	e := t.Event(id)
	s := e.Body.(trace.Socket)
	if s.Channel != ftp.Data || s.Op != trace.OpConnected && s.Op != trace.OpAccept && s.Op != trace.OpFailed {
		return ""
	}
	return fmt.Sprintf("%9.3f  data: %s %s, %v with %v", now, t.Nodes[e.Node].Name, socketWords(s.Op), s.Local, s.Remote)
}

func socketWords(op trace.SocketOp) string {
	switch op {
	case trace.OpConnected:
		return "connected"
	case trace.OpAccept:
		return "accepted"
	}
	return "could not connect"
}

// writeDrop shows a drop with the rules that were looked at.
func writeDrop(b *bufio.Writer, d *Drop) {
	fmt.Fprintf(b, "%9.3f  ✗ %s %s %s   (%s)\n", d.T, d.Node, d.Verb(), d.Packet(), d.Where())
	for _, m := range d.Missed {
		fmt.Fprintf(b, "             line %-3d %s\n               missed: %s\n", m.Line, m.Text, m.Why)
	}
	if d.Rule != nil {
		fmt.Fprintf(b, "           ▶ line %-3d %s\n", d.Rule.Line, d.Rule.Text)
	} else {
		fmt.Fprintf(b, "           ▶ %s\n", d.By())
	}
	if d.State != nil {
		fmt.Fprintf(b, "             state %s\n", *d.State)
	}
}

func writeResult(b *bufio.Writer, r *Run, indent string) {
	fmt.Fprintf(b, "%sresult: %s", indent, r.Outcome)
	if !r.OK() && r.Outcome != ftp.OutcomeNoSession {
		fmt.Fprintf(b, " %s", PhaseWords(r.Phase))
	}
	if r.FailAfter != nil {
		fmt.Fprintf(b, ", %.1f s after the failing step", *r.FailAfter)
	}
	if r.ServerReply != nil {
		fmt.Fprintf(b, " (%s)", *r.ServerReply)
	}
	fmt.Fprintln(b)
	if r.Transfer.SHA256 != nil {
		fmt.Fprintf(b, "%s%d octets, sha256 %s\n", indent, r.Transfer.Bytes, *r.Transfer.SHA256)
	}
}

// WritePlain writes the run as sentences, one a line, without any drawing: for screen
// readers and braille displays.
func (r *Run) WritePlain(w io.Writer, t *trace.Trace) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "Run of %s in %s mode with firewall %s, operation %s%s, seed %d.\n", r.Target, modeWords(r.Mode), r.Firewall, r.Op, tlsWord(r.TLS), r.Seed)
	for id := trace.ID(1); int(id) <= t.Len(); id++ {
		if r.FirstDrop != nil && id == r.FirstDrop.Event {
			plainDrop(b, r.FirstDrop)
		}
		if sentence := plainSentence(t, id); sentence != "" {
			fmt.Fprintf(b, "At %.3f seconds %s\n", t.Time(id).Seconds(), sentence)
		}
	}
	fmt.Fprintf(b, "Result: %s", OutcomeWords(r.Outcome))
	if !r.OK() && r.Outcome != ftp.OutcomeNoSession {
		fmt.Fprintf(b, ", %s", PhaseWords(r.Phase))
	}
	if r.FailAfter != nil {
		fmt.Fprintf(b, ", %.1f seconds after the failing step", *r.FailAfter)
	}
	fmt.Fprintln(b, ".")
	if r.ServerReply != nil {
		fmt.Fprintf(b, "The server's last word was: %s\n", *r.ServerReply)
	}
	if r.Transfer.SHA256 != nil {
		fmt.Fprintf(b, "%d octets were received.\n", r.Transfer.Bytes)
	}
	return b.Flush()
}

func modeWords(mode string) string {
	switch mode {
	case "pasv":
		return "passive (PASV)"
	case "epsv":
		return "extended passive (EPSV)"
	case "port":
		return "active (PORT)"
	case "eprt":
		return "extended active (EPRT)"
	}
	return mode
}

func plainSentence(t *trace.Trace, id trace.ID) string {
	if note, ok := clientNote(t, id); ok {
		text := HidePassword(note.Text)
		switch note.Note {
		case ftp.UserAction:
			return "the person asks for: " + text
		case ftp.CommandSent:
			return "the client says: " + text
		case ftp.ReplyReceived:
			return "the client hears: " + text
		case ftp.TransferDone:
			return fmt.Sprintf("the transfer of %d octets is done.", note.Count)
		case ftp.GaveUp:
			return "the client gives up: " + text
		}
		return ""
	}
	if t.Kind(id) == trace.KindInput {
		return "somebody changes " + t.Event(id).Body.(trace.Input).Text + "."
	}
	if t.Kind(id) != trace.KindSocket {
		return ""
	}
	e := t.Event(id)
	s := e.Body.(trace.Socket)
	if s.Channel != ftp.Data {
		return ""
	}
	name := t.Nodes[e.Node].Name
	switch s.Op {
	case trace.OpDial:
		return fmt.Sprintf("%s begins to open the data connection to %v.", name, s.Remote)
	case trace.OpConnected:
		return fmt.Sprintf("the data connection of %s to %v is established.", name, s.Remote)
	case trace.OpFailed:
		return fmt.Sprintf("the data connection of %s to %v has failed.", name, s.Remote)
	}
	return ""
}

func plainDrop(b *bufio.Writer, d *Drop) {
	fmt.Fprintf(b, "At %.3f seconds the firewall %s %s a packet from %s to %s", d.T, d.Node, d.Verb(),
		hostPort(d.Src, d.Sport), hostPort(d.Dst, d.Dport))
	if d.Flags != "" {
		fmt.Fprintf(b, " with the flags %s", flagWords(d.Flags))
	}
	fmt.Fprintln(b, ".")
	for _, m := range d.Missed {
		fmt.Fprintf(b, "Line %d of the rules did not match: %s.\n", m.Line, m.Why)
	}
	fmt.Fprintf(b, "It was %s by %s.\n", d.Verb(), d.By())
}

// flagWords spells flag letters out: "SYN and ACK".
func flagWords(letters string) string {
	var words []string
	for _, letter := range letters {
		switch letter {
		case 'S':
			words = append(words, "SYN")
		case 'A':
			words = append(words, "ACK")
		case 'F':
			words = append(words, "FIN")
		case 'R':
			words = append(words, "RST")
		case 'P':
			words = append(words, "PSH")
		case 'U':
			words = append(words, "URG")
		}
	}
	return strings.Join(words, " and ")
}
