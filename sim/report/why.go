package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"

	"ftplab/sim/event"
	"ftplab/sim/firewall"
	"ftplab/sim/ftp"
	"ftplab/sim/tcp"
	"ftplab/sim/trace"
	"ftplab/sim/wire"
)

// Explanation is the chain of causes behind what became of a run.
type Explanation struct {
	Question string
	Causes   []Cause
	// Advice is what would make it work, one way a line; empty if nothing failed.
	Advice []string
}

// Cause is one link of the chain: who did what, and the event in which it did.
type Cause struct {
	Event trace.ID
	At    event.Time
	Who   string // "client said"
	What  string // "PASV"
	// Drop marks the verdict that took the packet.
	Drop bool
}

// Why explains the first client's failure: from what the person asked for, over the
// commands that led to it and the packet that a firewall took, to the end.
func Why(t *trace.Trace) Explanation {
	end, result, ended := Result(t)
	if ended && result.OK {
		return Explanation{Question: "Why did the transfer work?", Causes: withChanges(t, workingCauses(t, end))}
	}
	x := Explanation{Question: "Why did the transfer fail?"}
	drop := decisiveDrop(t, end)
	goal := drop
	if goal == 0 {
		goal = end
	}
	if goal == 0 {
		return x
	}
	x.Causes = chainCauses(t, goal, drop)
	if ended && goal != end {
		x.Causes = append(x.Causes, endCause(t, drop, end, &result))
	}
	x.Causes = withChanges(t, x.Causes)
	x.Advice = advice(t, drop, &result)
	return x
}

// withChanges puts what was changed from outside meanwhile in its place among the causes.
func withChanges(t *trace.Trace, causes []Cause) []Cause {
	if len(causes) == 0 {
		return nil
	}
	for id, last := causes[0].Event, causes[len(causes)-1].Event; id < last; id++ {
		if t.Kind(id) != trace.KindInput {
			continue
		}
		e := t.Event(id)
		at, _ := slices.BinarySearchFunc(causes, id, func(c Cause, id trace.ID) int { return cmp.Compare(c.Event, id) })
		causes = slices.Insert(causes, at, Cause{Event: id, At: e.Time, Who: "you changed", What: e.Body.(trace.Input).Text})
	}
	return causes
}

// decisiveDrop returns the first drop before the end that the client's session
// caused; 0 if there is none.
func decisiveDrop(t *trace.Trace, end trace.ID) trace.ID {
	if end == 0 {
		end = trace.ID(t.Len())
	}
	for id := trace.ID(1); id < end; id++ {
		if t.Kind(id) != trace.KindJudged || !IsDrop(t.Event(id).Body.(trace.Judged).Decision.Action) {
			continue
		}
		for _, cause := range t.Chain(id) {
			if t.Kind(cause) == trace.KindFTP || t.Kind(cause) == trace.KindSocket {
				return id
			}
		}
	}
	return 0
}

// chainCauses tells the chain of causes that ends in goal, without the steps that a
// person would not mention.
func chainCauses(t *trace.Trace, goal, drop trace.ID) []Cause {
	chain := t.Chain(goal)
	keep := worthTelling(t, chain)
	var causes []Cause
	for i, id := range chain {
		if !keep[i] {
			continue
		}
		e := t.Event(id)
		cause := Cause{Event: id, At: e.Time, Drop: id == drop}
		switch body := e.Body.(type) {
		case trace.FTP:
			cause.Who, cause.What = noteWords(t, &e, &body)
		case trace.Sent:
			cause.Who, cause.What = sentWords(t, &e, &body.Packet)
		case trace.Judged:
			d := NewDrop(t, id)
			cause.Who, cause.What = d.Node+" "+d.Verb()+" it", d.By()+missedWords(d.Missed)
		case trace.Ended:
			cause.Who, cause.What = "result", OutcomeWords(body.Result.Outcome)
		default:
			continue
		}
		causes = append(causes, cause)
	}
	return causes
}

// maxCommands is how many commands before the goal are told.
const maxCommands = 3

// worthTelling marks what a person would mention, from the end of the chain back to
// what was asked for: the commands, the reply to the last of them, the packets after
// the last thing said, and the verdict.
func worthTelling(t *trace.Trace, chain []trace.ID) []bool {
	keep := make([]bool, len(chain))
	commands, spoken := 0, false
	for i := len(chain) - 1; i >= 0; i-- {
		e := t.Event(chain[i])
		switch body := e.Body.(type) {
		case trace.FTP:
			spoken = true
			switch body.Note {
			case ftp.UserAction:
				keep[i] = true
				return keep
			case ftp.CommandSent:
				keep[i] = commands < maxCommands
				commands++
			case ftp.ReplySent:
				keep[i] = commands == 0
			}
		case trace.Sent:
			keep[i] = !spoken && t.Nodes[e.Node].Kind == trace.Host
		case trace.Judged:
			keep[i] = i == len(chain)-1
		case trace.Ended:
			keep[i] = true
		}
	}
	return keep
}

func noteWords(t *trace.Trace, e *trace.Event, note *trace.FTP) (who, what string) {
	name := t.Nodes[e.Node].Name
	text := HidePassword(note.Text)
	switch note.Note {
	case ftp.UserAction:
		return "you typed", text
	case ftp.GaveUp:
		return name + " gave up", text
	}
	if a, verb, err := ftp.ParseAnnouncement(text); err == nil && verb != "" {
		text += fmt.Sprintf("  = port %d", a.Addr.Port())
	}
	return name + " said", text
}

func sentWords(t *trace.Trace, e *trace.Event, p *wire.Packet) (who, what string) {
	name := t.Nodes[e.Node].Name
	ends := fmt.Sprintf("%v → %v", p.SrcEndpoint(), p.DstEndpoint())
	switch {
	case p.Protocol == wire.ICMP || p.Protocol == wire.ICMPv6:
		return name + " sent", fmt.Sprintf("%v type %d code %d to %v", p.Protocol, p.ICMPType, p.ICMPCode, p.Dst)
	case p.Flags&(wire.SYN|wire.ACK) == wire.SYN:
		return name + " opened", ends + "  SYN"
	case p.Flags&wire.SYN != 0:
		return name + " answered", fmt.Sprintf("SYN,ACK from port %d", p.SrcPort)
	case p.Flags&wire.RST != 0:
		return name + " refused", ends + "  RST"
	}
	return name + " sent", fmt.Sprintf("%s  %s, %d octets", ends, p.Flags, len(p.Payload))
}

// missedWords says which rules missed and why, shortly.
func missedWords(missed []Missed) string {
	if len(missed) == 0 {
		return ""
	}
	fields, lines := []string{}, []string{}
	for _, m := range missed {
		lines = append(lines, fmt.Sprint(m.Line))
		word := strings.ReplaceAll(m.Field, "-", " ")
		if len(fields) == 0 || fields[len(fields)-1] != word {
			fields = append(fields, word)
		}
	}
	plural := ""
	if len(lines) > 1 {
		plural = "s"
	}
	return fmt.Sprintf("  (line%s %s missed: %s)", plural, strings.Join(lines, ", "), strings.Join(fields, ", "))
}

// endCause says how the client came to its result after the drop.
func endCause(t *trace.Trace, drop, end trace.ID, result *ftp.Result) Cause {
	e := t.Event(end)
	cause := Cause{Event: end, At: e.Time, Who: t.Nodes[e.Node].Name + " gave up"}
	if result.FailureClass() == "immediate" {
		cause.Who = t.Nodes[e.Node].Name + " was told"
	}
	var tries []string
	if client, server := synsSent(t, drop, e.Node, end); client > 0 || server > 0 {
		if client > 0 {
			tries = append(tries, count(client, "SYN"))
		}
		if server > 0 {
			tries = append(tries, count(server, "SYN")+" of the server")
		}
	}
	what := OutcomeWords(result.Outcome)
	if result.ServerReply != "" {
		cause.Who, what = "server said", result.ServerReply
	}
	if len(tries) > 0 {
		what += ", after " + strings.Join(tries, " and ")
	}
	if result.FailAfter >= 0 {
		what += fmt.Sprintf(", %.1f s after the failing step", result.FailAfter.Seconds())
	}
	cause.What = what
	return cause
}

func count(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// synsSent counts the SYNs of the connection whose packet was dropped, by who sent
// them: the client's node or another host.
func synsSent(t *trace.Trace, drop trace.ID, client trace.NodeID, end trace.ID) (byClient, byOther int) {
	dropped, ok := t.PacketOf(drop)
	if !ok || dropped.Protocol != wire.TCP {
		return 0, 0
	}
	for id := trace.ID(1); id <= end; id++ {
		if t.Kind(id) != trace.KindSent {
			continue
		}
		e := t.Event(id)
		sent := e.Body.(trace.Sent)
		p := &sent.Packet
		first := sent.Sending == tcp.Fresh || sent.Sending == tcp.SYNAgain
		if t.Nodes[e.Node].Kind != trace.Host || !first || p.Flags&(wire.SYN|wire.ACK) != wire.SYN || !sameConnection(p, &dropped) {
			continue
		}
		if e.Node == client {
			byClient++
		} else {
			byOther++
		}
	}
	return byClient, byOther
}

// sameConnection compares ports alone, which survive most translations.
func sameConnection(a, b *wire.Packet) bool {
	return a.SrcPort == b.SrcPort && a.DstPort == b.DstPort || a.SrcPort == b.DstPort && a.DstPort == b.SrcPort
}

// workingCauses tells why a transfer worked: what was asked for, what was said, the
// expectation that let the data connection in, if there was one, and who opened it past
// which rules.
func workingCauses(t *trace.Trace, end trace.ID) []Cause {
	last := finalReply(t, end)
	causes := chainCauses(t, last, 0)
	causes = append(causes, expectationCauses(t, end)...)
	causes = append(causes, dataCauses(t, last)...)
	slices.SortStableFunc(causes, func(a, b Cause) int { return cmp.Compare(a.Event, b.Event) })
	return slices.CompactFunc(causes, func(a, b Cause) bool { return a.Event == b.Event })
}

// expectationCauses tells which connections FTP helpers expected before end.
func expectationCauses(t *trace.Trace, end trace.ID) []Cause {
	var causes []Cause
	for id := trace.ID(1); id < end; id++ {
		if t.Kind(id) != trace.KindTracked {
			continue
		}
		e := t.Event(id)
		change := e.Body.(trace.Tracked).Change
		if change.Kind != firewall.ExpectNew {
			continue
		}
		causes = append(causes, Cause{Event: id, At: e.Time, Who: t.Nodes[e.Node].Name + " expects", What: fmt.Sprintf("%v → %v, from `%s`", anyPort(change.Expect.Src.Addr().String(), change.Expect.Src.Port()), change.Expect.Dst, change.Expect.From)})
	}
	return causes
}

// dataCauses tells how the last data connection before end was opened: its SYN, the
// answer, and what let each of them pass.
func dataCauses(t *trace.Trace, end trace.ID) []Cause {
	var connected trace.ID
	for id := end - 1; id > 0 && connected == 0; id-- {
		if isDataSocket(t, id, trace.OpConnected) {
			connected = id
		}
	}
	if connected == 0 {
		return nil
	}
	var causes []Cause
	dialed := false
	for _, id := range t.Chain(connected) {
		dialed = dialed || isDataSocket(t, id, trace.OpDial)
		if !dialed {
			continue // how it came to the call is told already
		}
		e := t.Event(id)
		cause := Cause{Event: id, At: e.Time}
		switch body := e.Body.(type) {
		case trace.Sent:
			if t.Nodes[e.Node].Kind != trace.Host || body.Packet.Flags&wire.SYN == 0 {
				continue
			}
			cause.Who, cause.What = sentWords(t, &e, &body.Packet)
		case trace.Judged:
			if t.RulesAt(e.Node, id) == nil {
				continue
			}
			cause.Who, cause.What = t.Nodes[e.Node].Name+" passed it", passedWords(t, id, &body.Decision)
		default:
			continue
		}
		causes = append(causes, cause)
	}
	return causes
}

// isDataSocket reports whether something was done with a socket for data at id.
func isDataSocket(t *trace.Trace, id trace.ID, op trace.SocketOp) bool {
	if t.Kind(id) != trace.KindSocket {
		return false
	}
	s := t.Event(id).Body.(trace.Socket)
	return s.Channel == ftp.Data && s.Op == op
}

// passedWords says what let a packet through: "line 7 `...`, related".
func passedWords(t *trace.Trace, id trace.ID, decision *firewall.Decision) string {
	d := NewDrop(t, id)
	what := "no list looks at it"
	switch {
	case decision.Reason != firewall.ReasonNone:
		what = d.By()
	case decision.Policies != 0:
		rules := t.RulesAt(t.Event(id).Node, id)
		if last := bits.Len64(decision.Policies) - 1; last < len(rules.Chains) {
			what = "the default (" + rules.Chains[last].PolicyText + ")"
		}
	case decision.Expectation != 0:
		what = "the FTP inspection, which expected this connection"
	case decision.Entry != 0:
		what = "the connection table"
	}
	if d.State != nil {
		what += ", " + *d.State
	}
	return what
}

// finalReply returns the last event before end in which the client noted a reply to
// its transfer; end if there is none.
func finalReply(t *trace.Trace, end trace.ID) trace.ID {
	for id := end - 1; id > 0; id-- {
		note, ok := clientNote(t, id)
		if ok && note.Note == ftp.ReplyReceived && (note.Code == 226 || note.Code == 250) {
			return id
		}
	}
	return end
}

func anyPort(host string, port uint16) string {
	if port == 0 {
		return host + ":any"
	}
	return hostPort(host, port)
}

// Write writes the explanation for a terminal.
func (x *Explanation) Write(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintln(b, x.Question)
	width := 0
	for _, c := range x.Causes {
		width = max(width, utf8.RuneCountInString(c.Who))
	}
	for _, c := range x.Causes {
		mark := " "
		if c.Drop {
			mark = "✗"
		}
		fmt.Fprintf(b, "%s %8.3f s  %s  %s  #%d\n", mark, c.At.Seconds(), pad(c.Who, width), c.What, c.Event)
	}
	if len(x.Advice) > 0 {
		fmt.Fprintln(b, "To make it work:")
	}
	for _, line := range x.Advice {
		fmt.Fprintf(b, "  - %s\n", line)
	}
	return b.Flush()
}
