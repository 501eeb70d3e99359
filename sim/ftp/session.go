package ftp

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"ftplab/sim/event"
)

// Session is the server's side of one control connection. It implements Machine.
type Session struct {
	config  *ServerConfig
	profile *profile
	files   FileSystem
	effects effectQueue
	now     event.Time // of the input being handled

	peer, local netip.AddrPort // of the control connection; peer is the client
	lines       lineReader
	waiting     []string // commands that wait for the end of a transfer, in order
	waitingSize int      // their octets

	command  string // that is being run
	login    loginState
	dir      string // working directory
	ascii    bool   // TYPE A; else TYPE I
	restart  int64  // REST position, octets; 0 is none
	rename   string // path of RNFR, or ""
	facts    factSet
	epsvOnly bool // EPSV ALL was sent
	security security

	data     dataConnection
	transfer transfer

	busy     busyState
	idleAt   event.Time // when a session without commands is closed
	busyAt   event.Time // when what the session waits for is given up
	paceAt   event.Time // when the next chunk may be sent
	controls controlState
}

// busyState says what the session waits for before it takes the next command.
type busyState uint8

const (
	idle           busyState = iota
	busyListening            // Listen was asked for
	busyConnecting           // the transfer waits for its data connection
	busyDataTLS              // and for TLS on it
	busySending              // RETR, LIST ...
	busyFlushing             // all was written and FinishData asked for
	busyReceiving            // STOR ...
	busyControlTLS           // AUTH was answered
)

// controlState is how far the end of the control connection has come.
type controlState struct {
	eof      bool // the peer sends no more
	lost     bool // the connection broke
	quitting bool // QUIT was answered: close after the transfer
	stopping bool // the carrier shuts down: close after the transfer
	closed   bool
}

// security is what RFC 4217 switches.
type security struct {
	controlTLS bool
	bufferSize bool // PBSZ was sent
	private    bool // PROT P
}

// limits of what a client may send ahead while a transfer runs
const (
	maxWaitingCommands = 128
	maxWaitingOctets   = 64 << 10
)

// NewSession returns the server's side of a new control connection. It does nothing
// before its Start input, which carries both ends' addresses. Config is shared and
// not changed.
func NewSession(config *ServerConfig, files FileSystem) *Session {
	p := profileFor(config.Profile)
	return &Session{
		config:  config,
		profile: p,
		files:   files,
		lines:   lineReader{raw: p.rawTelnet},
		dir:     "/",
		ascii:   true, // RFC 959, section 5.1: the default is ASCII
		facts:   allFacts,
		idleAt:  event.Never,
		busyAt:  event.Never,
		paceAt:  event.Never,
	}
}

// Clone returns a session in the same state that shares nothing but immutable
// octets and the config. Files is the clone of what the session serves, with the same
// handles.
func (s *Session) Clone(files FileSystem) *Session {
	c := *s
	c.files = files
	c.effects = s.effects.clone()
	c.lines = s.lines.clone()
	c.waiting = append([]string(nil), s.waiting...)
	c.data.early = append([][]byte(nil), s.data.early...)
	return &c
}

// Next implements Machine.
func (s *Session) Next() (Effect, bool) { return s.effects.next() }

// Deadline implements Machine.
func (s *Session) Deadline() event.Time { return min(s.idleAt, s.busyAt, s.paceAt) }

// User returns the name of who is logged in, or "".
func (s *Session) User() string {
	if !s.login.done {
		return ""
	}
	return s.login.name
}

// InTransfer reports whether a transfer runs or waits for its data connection.
func (s *Session) InTransfer() bool { return s.transfer.kind != noTransfer }

// Handle implements Machine.
func (s *Session) Handle(now event.Time, in Input) {
	if s.controls.closed {
		return
	}
	s.now = now
	switch in.Kind {
	case Start:
		s.peer, s.local = unmapped(in.Addr), unmapped(in.Local)
		s.restartIdle()
		s.say(saidGreeting, s.config.Banner)
	case Timer:
		s.onTimer()
	case ControlBytes:
		s.onControlBytes(in.Bytes)
	case ControlEOF:
		s.controls.eof = true
		s.onControlGone()
	case ControlLost:
		s.controls.lost = true
		s.onControlGone()
	case Stop:
		s.controls.stopping = true
	case TLSUp, TLSFailed:
		s.onTLS(in)
	case ListenReady, ListenFailed:
		s.onListen(in)
	case DataUp, DataFailed, DataBytes, DataEOF, DataLost, DataRoom, DataFlushed:
		s.onData(in)
	}
	s.runWaiting()
	s.closeIfOver()
}

func unmapped(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// onControlBytes cuts what arrived into lines and takes each.
func (s *Session) onControlBytes(b []byte) {
	for len(b) > 0 && s.accepting() {
		line, status, used := s.lines.next(b)
		b = b[used:]
		switch status {
		case lineReady:
			s.submit(string(line))
		case lineTooLong:
			s.note(Effect{Note: CommandReceived, Text: "(a line over the limit)"})
			s.say(saidLineTooLong)
			if s.profile.longLineCloses {
				s.close()
			}
		case lineEndless:
			s.close()
		}
	}
	if len(s.lines.answers) > 0 {
		s.send(s.lines.answers)
		s.lines.answers = nil
	}
}

// accepting reports whether commands are still taken from the control connection.
func (s *Session) accepting() bool {
	return !s.controls.closed && !s.controls.lost && !s.controls.quitting && s.busy != busyControlTLS
}

// submit runs a command line, or has it wait while a transfer runs (RFC 959, section
// 4.1.3 lets ABOR, STAT and QUIT be sent then).
func (s *Session) submit(line string) {
	if s.busy == idle && len(s.waiting) == 0 {
		s.execute(line)
		return
	}
	if s.transfer.kind != noTransfer && !s.profile.allWait && s.actsAtOnce(line) {
		s.execute(line)
		return
	}
	s.waiting = append(s.waiting, line)
	s.waitingSize += len(line)
	if len(s.waiting) > maxWaitingCommands || s.waitingSize > maxWaitingOctets {
		s.say(saidTooManyPending)
		s.close()
	}
}

func (s *Session) actsAtOnce(line string) bool {
	verb, _, _ := strings.Cut(line, " ")
	switch upperASCII(verb) {
	case "ABOR", "STAT", "QUIT":
		return true
	}
	return false
}

// runWaiting takes the commands that waited, as far as they go.
func (s *Session) runWaiting() {
	for s.busy == idle && len(s.waiting) > 0 && s.accepting() {
		line := s.waiting[0]
		s.waiting = s.waiting[1:]
		s.waitingSize -= len(line)
		s.execute(line)
	}
}

// execute parses and runs one command line (RFC 959, section 5.3).
func (s *Session) execute(line string) {
	s.restartIdle()
	verb, arg, _ := strings.Cut(line, " ")
	verb = upperASCII(verb)
	s.note(Effect{Note: CommandReceived, Text: maskPassword(line)})
	switch {
	case line == "" && s.profile.ignoreEmptyLine:
		return
	case !s.profile.rawTelnet && strings.IndexByte(line, 0) >= 0:
		s.refuse(saidBadCharacter)
		return
	case !s.profile.rawTelnet && strings.IndexByte(line, '\r') >= 0:
		s.refuse(saidBadLine)
		return
	case !s.profile.rawTelnet && !s.login.done && strings.Contains(arg, "HTTP/"):
		s.say(saidNotHTTP)
		s.close()
		return
	}
	if verb == vsftpdAbort && s.profile.rawTelnet {
		verb = "ABOR"
	}
	s.command = line
	c := s.lookup(verb)
	switch {
	case c == nil && s.profile.laxArguments && !s.login.done:
		s.refuse(saidPleaseLogIn)
	case c == nil:
		s.refuse(saidUnknownCommand)
	case !s.login.done && c.flags&beforeLogin == 0:
		s.refuse(saidPleaseLogIn)
	case arg == "" && c.missing != saidNothing:
		s.refuse(c.missing, c.syntax)
	case strings.TrimRight(arg, " ") != "" && c.flags&noArgument != 0:
		s.refuse(saidNoArgumentAllowed, c.syntax)
	default:
		if c.flags&isPath == 0 && !s.profile.laxArguments {
			arg = strings.TrimRight(arg, " ")
		}
		c.run(s, arg)
	}
}

func (s *Session) lookup(verb string) *command {
	for i := range s.profile.commands {
		if s.profile.commands[i].verb == verb {
			return &s.profile.commands[i]
		}
	}
	return nil
}

// upperASCII is strings.ToUpper for octets that need not be UTF-8.
func upperASCII(text string) string {
	b := []byte(text)
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}

// maskPassword hides what must not stand in a record, also in lines that are not
// quite PASS: what was mistyped is a password still.
func maskPassword(line string) string {
	start := 0
	for start < len(line) && !isLetter(line[start]) {
		start++
	}
	end := start + len("PASS")
	if end > len(line) || end < len(line) && isLetter(line[end]) {
		return line
	}
	if verb := upperASCII(line[start:end]); verb != "PASS" && verb != "ACCT" || end == len(line) {
		return line
	}
	return line[:end] + " ****"
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// say sends a one-line reply.
func (s *Session) say(p phrase, args ...any) { s.reply(s.phrased(p, args)) }

// refuse is say for a command that was not accepted, and notes which check refused it.
func (s *Session) refuse(p phrase, args ...any) {
	code, text := s.phrased(p, args)
	why := refusals[p]
	if why == "" {
		why = text
	}
	s.note(Effect{Note: CommandRefused, Text: why})
	s.reply(code, text)
}

// phrased puts a phrase into the profile's words. Text arguments may come from the
// peer: they are cleaned of control characters.
func (s *Session) phrased(p phrase, args []any) (code int, text string) {
	w := s.words(p)
	if strings.IndexByte(w.text, '%') < 0 {
		return w.code, w.text
	}
	for i, arg := range args {
		if t, ok := arg.(string); ok {
			args[i] = cleanText(t)
		}
	}
	return w.code, fmt.Sprintf(w.text, args...)
}

// words returns what the profile says, or ftplab's own words where it has none.
func (s *Session) words(p phrase) words {
	if w := s.profile.words[p]; w.code != 0 {
		return w
	}
	return ownWords[p]
}

// reply sends "code text".
func (s *Session) reply(code int, text string) {
	s.sendLines(code, fmt.Sprintf("%d %s", code, text))
}

// replyLines sends a multi-line reply: "code-first", the lines as they are, "code last".
func (s *Session) replyLines(code int, first string, lines []string, last string) {
	all := make([]string, 0, len(lines)+2)
	all = append(all, fmt.Sprintf("%d-%s", code, first))
	all = append(all, lines...)
	s.sendLines(code, append(all, fmt.Sprintf("%d %s", code, last))...)
}

func (s *Session) sendLines(code int, lines ...string) {
	if s.controls.lost || s.controls.closed {
		return
	}
	var b []byte
	for _, line := range lines {
		s.note(Effect{Note: ReplySent, Text: line, Code: code})
		b = appendEscaped(b, line)
		b = append(b, '\r', '\n')
	}
	s.send(b)
}

func (s *Session) send(b []byte) {
	if !s.controls.lost {
		s.effects.push(Effect{Kind: Send, Bytes: b})
	}
}

func (s *Session) note(e Effect) {
	e.Kind = Note
	s.effects.push(e)
}

func (s *Session) ask(kind EffectKind) { s.effects.push(Effect{Kind: kind}) }

// restartIdle starts the idle timer anew. It does not run while the session is busy.
func (s *Session) restartIdle() {
	s.idleAt = event.Never
	if s.config.IdleTimeout > 0 && s.busy == idle {
		s.idleAt = s.now.Add(s.config.IdleTimeout)
	}
}

// setBusy says what the session waits for, and for how long; 0 is for ever.
func (s *Session) setBusy(b busyState, timeout time.Duration) {
	s.busy = b
	s.busyAt = event.Never
	if timeout > 0 {
		s.busyAt = s.now.Add(timeout)
	}
	s.restartIdle()
}

func (s *Session) onTimer() {
	switch {
	case s.paceAt <= s.now:
		s.paceAt = event.Never
		s.sendMore()
	case s.busyAt <= s.now:
		s.busyAt = event.Never
		s.onBusyTimeout()
	case s.idleAt <= s.now:
		s.idleAt = event.Never
		s.note(Effect{Note: GaveUp, Text: "idle timeout"})
		s.say(saidIdleTimeout, s.config.IdleTimeout)
		s.close()
	}
}

// onControlGone handles the end or loss of the control connection. Lines that
// arrived whole are still answered after an end; a transfer ends with it (RFC 959,
// section 4.1.1, QUIT: an unexpected close is ABOR and QUIT).
func (s *Session) onControlGone() {
	if s.controls.lost {
		s.waiting, s.waitingSize = nil, 0
	}
	if s.transfer.kind != noTransfer && !s.profile.outlivesControl {
		s.abandon()
	}
}

// closeIfOver closes the session when nothing is left to do.
func (s *Session) closeIfOver() {
	c := &s.controls
	if c.closed || s.busy != idle {
		return
	}
	switch {
	case c.lost, c.quitting, c.eof && len(s.waiting) == 0:
		s.close()
	case c.stopping && len(s.waiting) == 0:
		s.say(saidShuttingDown)
		s.close()
	}
}

// close ends the session: what is pending is sent, then the connections close.
func (s *Session) close() { s.endWith(CloseControl) }

func (s *Session) endWith(kind EffectKind) {
	if s.controls.closed {
		return
	}
	s.abandon()
	s.ask(kind)
	s.ask(Done)
	s.controls.closed = true
	s.idleAt, s.busyAt, s.paceAt = event.Never, event.Never, event.Never
}
