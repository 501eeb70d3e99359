package export

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"ftplab/sim/event"
	"ftplab/sim/ftp"
	"ftplab/sim/report"
	"ftplab/sim/tcp"
	"ftplab/sim/trace"
	"ftplab/sim/wire"
)

// Ladder is the sequence diagram of a run: a lane for each node that took part, a
// row for each packet worth seeing. Bare acknowledgments are left out, what is said
// again and ends as before is folded into waits, a file is one row.
type Ladder struct {
	Title string
	Lanes []Lane // from left to right: the client, what is between, the server, others
	Rows  []Row
}

// Lane is a node.
type Lane struct {
	Node     trace.NodeID
	Name     string
	Firewall bool
}

// RowKind is what a row of a ladder shows.
type RowKind uint8

// The kinds of row.
const (
	RowPacket RowKind = iota
	RowWait           // time passed: Label says how much, and what was said again
	RowResult         // the client came to its result
)

// Line is what kind of conversation a packet belongs to. Each is drawn differently,
// with or without colour.
type Line uint8

// The kinds of line.
const (
	ControlLine Line = iota
	DataLine
	OtherLine // a probe, an ICMP error, a connection that is not FTP's
)

// End is what became of a packet.
type End uint8

// The ends of a packet.
const (
	EndArrived End = iota
	EndDropped
	EndRejected
	EndLost
	EndUnderway // the run ended first
)

// Row is one row of a ladder.
type Row struct {
	Kind  RowKind
	Event trace.ID // that the row begins with
	At    event.Time
	Line  Line
	Label string
	// Stops are the lanes the packet came to, from its sender to where it ended.
	Stops []int
	End   End
	// Note says why it ended, or how it was rewritten on the way; "" for nothing.
	Note string

	key     repeatKey
	again   bool // sent again
	hidden  bool // a bare acknowledgment
	octets  int  // of a file's data
	fin     bool
	packets int
}

// repeatKey is equal for the packets of which only the first is worth a row.
type repeatKey struct {
	src, dst netip.AddrPort
	protocol wire.Protocol
	seq      uint32
	flags    wire.Flags
	length   int
	icmpType uint8
	end      End
	last     int
}

// shortestWait is how much time must pass between rows to be worth a row.
const shortestWait = 500 * time.Millisecond

// NewLadder draws up the ladder of a run.
func NewLadder(t *trace.Trace, title string) *Ladder {
	b := ladderBuilder{t: t, channels: channels(t), bySerial: map[uint32]int{}}
	l := &Ladder{Title: title, Lanes: lanes(t)}
	b.lane = make([]int, len(t.Nodes))
	for i := range b.lane {
		b.lane[i] = -1
	}
	for i, lane := range l.Lanes {
		b.lane[lane.Node] = i
	}
	for id := trace.ID(1); int(id) <= t.Len(); id++ {
		b.event(id)
	}
	l.Rows = fold(b.rows)
	return l
}

// flowKey is a connection's two ends as one of them sees them.
type flowKey struct{ local, remote netip.AddrPort }

// channels says which connections are control and which data connections, as the
// programs at either end see them.
func channels(t *trace.Trace) map[flowKey]ftp.Channel {
	flows := map[flowKey]ftp.Channel{}
	for id := trace.ID(1); int(id) <= t.Len(); id++ {
		if t.Kind(id) != trace.KindSocket {
			continue
		}
		s := t.Event(id).Body.(trace.Socket)
		if s.Local.IsValid() && s.Remote.IsValid() {
			flows[flowKey{s.Local, s.Remote}] = s.Channel
		}
	}
	return flows
}

type ladderBuilder struct {
	t        *trace.Trace
	lane     []int // by node; -1 for none
	channels map[flowKey]ftp.Channel
	rows     []Row
	bySerial map[uint32]int // packet to row; a rewritten packet keeps its row
}

// event adds what one event says to the rows.
func (b *ladderBuilder) event(id trace.ID) {
	switch b.t.Kind(id) {
	case trace.KindSent:
		e := b.t.Event(id)
		sent := e.Body.(trace.Sent)
		if _, known := b.bySerial[sent.Packet.Serial]; !known {
			b.begin(&e, &sent)
		}
	case trace.KindArrived:
		e := b.t.Event(id)
		body := e.Body.(trace.Arrived)
		if row := b.row(body.Packet.Serial); row != nil {
			row.Stops = append(row.Stops, b.lane[e.Node])
			row.End = EndArrived
		}
	case trace.KindLost:
		lost := b.t.Event(id).Body.(trace.Lost)
		if row := b.row(lost.Packet.Serial); row != nil && lost.Why != trace.LossNoListener {
			row.End, row.Note = EndLost, "lost: "+lost.Why.String()
		}
	case trace.KindJudged:
		b.judged(id)
	case trace.KindEnded:
		e := b.t.Event(id)
		result := e.Body.(trace.Ended).Result
		label := "result: " + result.Outcome
		b.rows = append(b.rows, Row{Kind: RowResult, Event: id, At: e.Time, Label: label, Stops: []int{b.lane[e.Node]}})
	}
}

func (b *ladderBuilder) row(serial uint32) *Row {
	i, ok := b.bySerial[serial]
	if !ok {
		return nil
	}
	return &b.rows[i]
}

// begin starts the row of a packet at its sender.
func (b *ladderBuilder) begin(e *trace.Event, sent *trace.Sent) {
	p := &sent.Packet
	b.bySerial[p.Serial] = len(b.rows)
	line := b.line(p)
	b.rows = append(b.rows, Row{
		Event: e.ID, At: e.Time, Line: line, Label: packetLabel(p, line), Stops: []int{b.lane[e.Node]}, End: EndUnderway,
		again:  sent.Sending == tcp.SYNAgain || sent.Sending == tcp.Retransmission || sent.Sending == tcp.FastRetransmission,
		hidden: p.Protocol == wire.TCP && p.Flags == wire.ACK && len(p.Payload) == 0,
		octets: fileOctets(p, line), fin: p.Flags&wire.FIN != 0, packets: 1,
		key: repeatKey{src: p.SrcEndpoint(), dst: p.DstEndpoint(), protocol: p.Protocol, seq: p.Seq, flags: p.Flags, length: len(p.Payload), icmpType: p.ICMPType},
	})
}

// line finds the conversation that a packet belongs to: by the sockets of its sender
// or, when no program got to see the connection, of its receiver.
func (b *ladderBuilder) line(p *wire.Packet) Line {
	if p.Protocol != wire.TCP {
		return OtherLine
	}
	channel, ok := b.channels[flowKey{p.SrcEndpoint(), p.DstEndpoint()}]
	if !ok {
		channel, ok = b.channels[flowKey{p.DstEndpoint(), p.SrcEndpoint()}]
	}
	switch {
	case !ok:
		return OtherLine
	case channel == ftp.Data:
		return DataLine
	}
	return ControlLine
}

// translated makes the connection known under the addresses that a firewall gave it.
func (b *ladderBuilder) translated(before, after *wire.Packet) {
	key := flowKey{after.SrcEndpoint(), after.DstEndpoint()}
	if _, known := b.channels[key]; known || before.Protocol != wire.TCP {
		return
	}
	switch b.line(before) {
	case ControlLine:
		b.channels[key] = ftp.Control
	case DataLine:
		b.channels[key] = ftp.Data
	}
}

func fileOctets(p *wire.Packet, line Line) int {
	if line != DataLine {
		return 0
	}
	return len(p.Payload)
}

// judged notes what a firewall did to a packet.
func (b *ladderBuilder) judged(id trace.ID) {
	e := b.t.Event(id)
	judged := e.Body.(trace.Judged)
	before := judged.Packet
	if e.Cause != 0 && b.t.Kind(e.Cause) == trace.KindArrived {
		before, _ = b.t.PacketOf(e.Cause)
	}
	i, ok := b.bySerial[before.Serial]
	if !ok {
		return
	}
	row := &b.rows[i]
	b.bySerial[judged.Packet.Serial] = i
	b.translated(&before, &judged.Packet)
	switch {
	case report.IsDrop(judged.Decision.Action):
		drop := report.NewDrop(b.t, id)
		row.End, row.Note = EndDropped, drop.By()
		if drop.Rejects {
			row.End = EndRejected
		}
	case judged.Decision.Rewritten:
		if note := rewriteNote(&before, &judged.Packet); note != "" {
			row.Note = b.t.Nodes[e.Node].Name + " rewrites " + note
		}
	}
}

// rewriteNote says what a firewall changed, for a connection's first packet and for
// text; "" for what is changed in every packet.
func rewriteNote(before, after *wire.Packet) string {
	var notes []string
	if before.Flags&(wire.SYN|wire.ACK) == wire.SYN {
		if before.SrcEndpoint() != after.SrcEndpoint() {
			notes = append(notes, fmt.Sprintf("source %v to %v", before.SrcEndpoint(), after.SrcEndpoint()))
		}
		if before.DstEndpoint() != after.DstEndpoint() {
			notes = append(notes, fmt.Sprintf("destination %v to %v", before.DstEndpoint(), after.DstEndpoint()))
		}
	}
	if string(before.Payload) != string(after.Payload) {
		notes = append(notes, "the line to "+controlText(after.Payload))
	}
	return strings.Join(notes, ", ")
}
