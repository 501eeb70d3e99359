package ftp

import (
	"strconv"
	"strings"

	"ftplab/sim/event"
)

// Onlooker follows a session that a real program holds: it is told what the program's
// host sees of the two connections, and notes what a Client (or, on the server's side,
// a Session) would have noted. It never asks for anything but notes.
//
// What it cannot see it does not guess: after AUTH TLS the control connection says
// nothing any more, and only the connections themselves are left to judge by.
type Onlooker struct {
	server   bool // the program is the server
	effects  effectQueue
	now      event.Time
	commands lineReader
	replies  replyReader

	opaque   bool     // TLS: the lines cannot be read
	awaited  []string // the verbs of the commands that have no final reply yet
	quitting bool
	control  onlookerControl
	data     onlookerData
	since    event.Time // when the step that may fail began
	result   Result
}

// onlookerControl is what has become of the control connection.
type onlookerControl struct {
	up, ended, lost bool
	failure         Failure
	refusal         *Reply // the last reply that refused something, of no data transfer
}

// onlookerData is one attempt to move data, from the command that asks for a
// connection to the final reply.
type onlookerData struct {
	asked          string // PASV, EPSV, PORT or EPRT; "" if nothing was asked for
	command        string // the transfer command
	dialled, up    bool
	started, ended bool // octets may flow; they have all come
	late           bool // the program went on without the final reply
	failure        Failure
	refusal        *Reply
	final          *Reply
	bytes          int64
	blocks         [][]byte
}

// NewOnlooker returns one for the program's side of a session.
func NewOnlooker(server bool) *Onlooker {
	return &Onlooker{server: server, result: Result{FailAfter: -1}}
}

// Next returns the notes, as of a Machine.
func (o *Onlooker) Next() (Effect, bool) { return o.effects.next() }

// Begin tells that the program opens the control connection, or that it was opened to
// it.
func (o *Onlooker) Begin(now event.Time) {
	o.now = now
	o.begin(PhaseControlConnect)
}

// Dialled tells that the program opens the data connection.
func (o *Onlooker) Dialled(now event.Time) {
	o.now = now
	o.data.dialled = true
	if !o.server {
		o.begin(PhaseDataConnect)
	}
}

// Handle tells what came to the program: the kinds are those from ControlUp to
// ControlLost and from DataUp to DataLost, and DataFlushed.
func (o *Onlooker) Handle(now event.Time, in Input) {
	o.now = now
	switch in.Kind {
	case ControlUp:
		o.control.up = true
		o.begin(PhaseLogin)
	case ControlFailed:
		o.control.failure = in.Err
	case ControlBytes:
		o.readControl(in.Bytes, o.server)
	case ControlEOF:
		o.control.ended = true
	case ControlLost:
		o.control.lost = true
	case DataUp:
		o.data.up = true
		if o.data.command != "" {
			o.startTransfer()
		}
	case DataFailed:
		o.data.failure = in.Err
	case DataBytes:
		o.data.bytes += int64(len(in.Bytes))
		o.data.blocks = appendBlock(o.data.blocks, in.Bytes)
	case DataEOF, DataFlushed:
		o.endTransfer()
	case DataLost:
		o.data.failure = in.Err
	}
}

// Wrote tells what the program sent on a channel, each octet once.
func (o *Onlooker) Wrote(now event.Time, channel Channel, b []byte) {
	o.now = now
	if channel == Data {
		o.data.bytes += int64(len(b))
		return
	}
	o.readControl(b, !o.server)
}

func (o *Onlooker) readControl(b []byte, fromClient bool) {
	switch {
	case o.opaque:
	case fromClient:
		o.readCommands(b)
	default:
		o.readReplies(b)
	}
}

func (o *Onlooker) readCommands(b []byte) {
	for len(b) > 0 {
		line, status, used := o.commands.next(b)
		b = b[used:]
		if status == lineReady {
			o.onCommand(string(line))
		}
	}
	o.commands.answers = nil
}

// onCommand notes a command and what it begins.
func (o *Onlooker) onCommand(line string) {
	verb, _, _ := strings.Cut(line, " ")
	verb = upperASCII(verb)
	o.awaited = append(o.awaited, verb)
	o.data.late = o.data.late || o.data.ended && o.data.final == nil && verb != "ABOR" && verb != "STAT"
	switch {
	case asksForData(verb):
		o.data = onlookerData{asked: verb}
		o.begin(PhaseDataSetup)
	case movesData(verb):
		o.data.command = line
		if o.data.up || o.isActive() {
			o.startTransfer()
		}
	case verb == "QUIT":
		o.quitting = true
	}
	said, kind := CommandSent, verb
	if o.server {
		said = CommandReceived
	}
	o.note(Effect{Note: said, Text: maskPassword(line)})
	if a, announces, err := ParseAnnouncement(line); announces != "" && err == nil {
		o.result.Announced = a.Addr
		o.note(Effect{Note: AddressAnnounced, Text: kind, Addr: a.Addr})
	}
	if verb != "QUIT" { // a program that quits has failed before
		o.since = o.now
	}
}

func (o *Onlooker) isActive() bool { return o.data.asked == "PORT" || o.data.asked == "EPRT" }

func asksForData(verb string) bool {
	switch verb {
	case "PASV", "EPSV", "PORT", "EPRT", "LPRT", "LPSV":
		return true
	}
	return false
}

func movesData(verb string) bool {
	return verb == "RETR" || verb == "LIST" || verb == "NLST" || verb == "MLSD" || stores(verb)
}

func stores(verb string) bool { return verb == "STOR" || verb == "APPE" || verb == "STOU" }

func (o *Onlooker) readReplies(b []byte) {
	for len(b) > 0 && !o.opaque {
		line, reply, haveLine, done, used := o.replies.next(b)
		b = b[used:]
		if !haveLine {
			return
		}
		digits, _, _ := splitCode(line)
		code, _ := strconv.Atoi(digits)
		said := ReplyReceived
		if o.server {
			said = ReplySent
		}
		o.note(Effect{Note: said, Text: line, Code: code})
		if done {
			reply.At = o.now
			o.onReply(reply)
		}
	}
}

// onReply takes a whole reply.
func (o *Onlooker) onReply(reply Reply) {
	o.result.Replies = append(o.result.Replies, reply)
	o.result.LastReply = reply.Line()
	verb := "" // of the command that it answers; none if it comes unasked
	if len(o.awaited) > 0 {
		verb = o.awaited[0]
	}
	if reply.Class() != 1 && len(o.awaited) > 0 {
		o.awaited = o.awaited[1:]
	}
	switch {
	case reply.Code == 234 && verb == "AUTH":
		o.opaque = true
	case reply.Code == 227 || reply.Code == 229:
		o.onPassive(reply)
	case reply.Class() >= 4:
		o.onRefusal(verb, reply)
	case movesData(verb) && o.data.final == nil && reply.Class() == 2:
		o.data.final = &reply
	}
}

// onPassive notes the address that a server said. That of a 229 is a port alone: who
// knows the control connection adds the host.
func (o *Onlooker) onPassive(reply Reply) {
	a, verb, err := ParseAnnouncement(reply.Line())
	if err != nil || verb == "" {
		return
	}
	o.result.Announced = a.Addr
	o.note(Effect{Note: AddressAnnounced, Text: verb, Addr: a.Addr})
}

func (o *Onlooker) onRefusal(verb string, reply Reply) {
	switch {
	case asksForData(verb) || movesData(verb):
		if o.data.refusal == nil {
			o.data.refusal = &reply
		}
	default:
		o.control.refusal = &reply
	}
}

func (o *Onlooker) startTransfer() {
	if o.data.started {
		return
	}
	o.data.started = true
	if !o.server {
		o.begin(PhaseTransfer)
	}
}

// endTransfer notes that all octets have come, or were taken by the peer.
func (o *Onlooker) endTransfer() {
	if o.data.ended || !o.data.up {
		return
	}
	o.data.ended = true
	o.note(Effect{Note: TransferDone, Text: o.data.command, Count: o.data.bytes})
	o.result.Bytes, o.result.Data = o.data.bytes, o.data.blocks
	o.result.Transfers = append(o.result.Transfers, TransferResult{
		Step: len(o.result.Transfers), Bytes: o.data.bytes, Data: o.data.blocks, OK: true,
	})
	if !o.server {
		o.begin(PhaseFinalReply)
	}
}

func (o *Onlooker) begin(phase string) {
	o.result.Phase, o.since = phase, o.now
	if !o.server {
		o.note(Effect{Note: PhaseBegan, Text: phase})
	}
}

func (o *Onlooker) note(e Effect) {
	e.Kind = Note
	o.effects.push(e)
}
