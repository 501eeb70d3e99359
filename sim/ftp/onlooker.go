package ftp

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"ftplab/sim/event"
)

// Onlooker follows a session that a real program holds: it is told what the program's
// host sees of the two connections, and notes what a Client (or, on the server's side,
// a Session) would have noted. It never asks for anything but notes.
//
// It cannot read what is under TLS: who tells it has the other end's clear text, and asks
// Secured when that is wanted.
type Onlooker struct {
	server   bool // the program is the server
	effects  effectQueue
	now      event.Time
	commands lineReader
	replies  replyReader

	secured  bool     // the control connection is under TLS
	silent   bool     // the program has said nothing since
	private  bool     // data connections are, too
	pending  []string // the verbs of commands that have no reply yet; replies come in their order
	quitting bool
	control  onlookerControl
	data     onlookerData
	before   *onlookerData // the attempt before it
	since    event.Time    // when the step that may fail began
	result   Result
}

// onlookerControl is what has become of the control connection.
type onlookerControl struct {
	up, ended, lost bool
	failure         Failure
	refusal         *Reply     // the reply to the last command, of no data transfer, if it was refused
	over            bool       // nothing more can come of it
	overAt          event.Time // since when
	closed          bool       // that was the program's doing
}

// end notes that the control connection is over.
func (c *onlookerControl) end(now event.Time) {
	if !c.over {
		c.over, c.overAt = true, now
	}
}

// onlookerData is one attempt to move data, from the command that asks for a
// connection to the final reply.
type onlookerData struct {
	asked          string // PASV, EPSV, PORT or EPRT; "" if nothing was asked for
	announced      bool   // a 227 or 229 has answered that
	command        string // the transfer command
	dialled, up    bool
	begun          bool // a 1yz reply says so
	started, ended bool // octets may flow; they have all come
	endedAt        event.Time
	late           bool // the program went on without the final reply
	failure        Failure
	refusal        *Reply
	final          *Reply
	bytes          int64
	blocks         [][]byte

	// When something went wrong, or the program would not wait any longer.
	broken  bool
	brokeIn string        // the phase
	took    time.Duration // since the step began
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
		o.control.end(now)
	case ControlBytes:
		o.readControl(in.Bytes, o.server)
	case ControlEOF:
		o.control.ended = true
	case ControlLost:
		o.control.lost = true
		o.breakData()
		o.control.end(now)
	case DataUp:
		o.data.up = true
		if o.data.command != "" {
			o.startTransfer()
		}
	case DataFailed, DataLost:
		o.data.failure = in.Err
		o.breakData()
	case DataBytes:
		o.data.bytes += int64(len(in.Bytes))
		o.data.blocks = appendBlock(o.data.blocks, in.Bytes)
	case DataEOF, DataFlushed:
		o.endTransfer()
	}
}

// Left tells that the program has closed its end of the control connection, or that it has
// broken off the data connection: it does not wait for anything any more.
func (o *Onlooker) Left(now event.Time, channel Channel) {
	o.now = now
	o.breakData()
	if channel == Data {
		return
	}
	o.control.end(now)
	o.control.closed = true
}

// breakData notes, once for each attempt, when something went wrong with it. That it did
// is for Result to say.
func (o *Onlooker) breakData() {
	if d := &o.data; !d.broken {
		d.broken, d.brokeIn, d.took = true, o.result.Phase, o.now.Sub(o.since)
	}
}

// Secured reports whether what goes over a channel from now on is under TLS, or begins
// with a handshake. Afterwards Handle and Wrote are told what it says in clear, when
// that is known.
func (o *Onlooker) Secured(channel Channel) bool {
	return o.secured && (channel == Control || o.private)
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
	if fromClient {
		o.readCommands(b)
	} else {
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
	verb, argument, _ := strings.Cut(line, " ")
	verb = upperASCII(verb)
	o.silent = false
	o.pending = append(o.pending, verb)
	o.leaveData(verb)
	switch {
	case asksForData(verb):
		before := o.data
		o.before, o.data = &before, onlookerData{asked: verb}
		o.begin(PhaseDataSetup)
	case movesData(verb):
		o.data.command = line
		if o.data.up || o.data.isActive() {
			o.startTransfer()
		}
	case verb == "QUIT":
		o.quitting = true
	case verb == "PROT":
		o.private = upperASCII(strings.TrimSpace(argument)) == "P"
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

// leaveData notes what a command says of the attempt at hand: that the program waits no
// longer for the connection, or for the final reply. It may also send a command ahead of
// the reply, but then it has not waited.
func (o *Onlooker) leaveData(verb string) {
	d := &o.data
	if d.ended && d.final == nil && verb != "ABOR" && verb != "STAT" && o.now.Sub(d.endedAt) >= immediate {
		d.late = true
		o.breakData()
	}
	if verb == "QUIT" || verb == "ABOR" || asksForData(verb) {
		o.breakData()
	}
}

func (d *onlookerData) isActive() bool { return d.asked == "PORT" || d.asked == "EPRT" }

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
	for len(b) > 0 {
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
	verb := o.answeredBy(reply)
	o.data.begun = o.data.begun || reply.Class() == 1 && o.data.command != ""
	switch {
	case reply.Code == 234:
		o.secured, o.silent = true, true
	case reply.Code == 227 || reply.Code == 229:
		o.onPassive(reply)
	case reply.Class() >= 4:
		o.onRefusal(verb, reply)
	case movesData(verb) && o.data.final == nil && reply.Class() == 2:
		o.data.final = &reply
	case verb != "QUIT":
		o.control.refusal = nil
	}
}

// answeredBy returns the verb of the command that a reply answers, "" if it answers none.
// Replies come in the order of the commands, except that STAT is answered during a
// transfer (RFC 959, section 4.1.3).
func (o *Onlooker) answeredBy(reply Reply) string {
	if len(o.pending) == 0 {
		return ""
	}
	i := 0
	if stat := slices.Index(o.pending, "STAT"); stat > 0 && movesData(o.pending[0]) && reply.Code/10 == 21 {
		i = stat
	}
	verb := o.pending[i]
	if reply.Class() != 1 {
		o.pending = slices.Delete(o.pending, i, i+1)
	}
	return verb
}

// onPassive notes the address that a server said. That of a 229 is a port alone: who
// knows the control connection adds the host.
func (o *Onlooker) onPassive(reply Reply) {
	a, verb, err := ParseAnnouncement(reply.Line())
	if err != nil || verb == "" {
		return
	}
	o.result.Announced, o.data.announced = a.Addr, true
	o.note(Effect{Note: AddressAnnounced, Text: verb, Addr: a.Addr})
}

func (o *Onlooker) onRefusal(verb string, reply Reply) {
	switch {
	case asksForData(verb) || movesData(verb):
		if o.data.refusal == nil {
			o.data.refusal = &reply
			o.breakData()
		}
	case verb == "PROT":
		o.private = false
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
	o.data.ended, o.data.endedAt = true, o.now
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
