package ftp

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"ftplab/sim/event"
)

// Client is the client's side of one session: it connects, logs in, runs its script
// and quits. It implements Machine.
type Client struct {
	config  *ClientConfig
	effects effectQueue
	now     event.Time // of the input being handled

	local     netip.AddrPort // our end of the control connection
	replies   replyReader
	unread    []Reply // arrived, not yet awaited
	eof, lost bool    // of the control connection

	state    clientState
	expect   expectation // whose reply is awaited
	deadline event.Time  // of the state
	since    event.Time  // when the step that may fail began
	command  string      // the last command line
	rest     []byte      // of a command that was split

	step   int // place in the script
	mode   Mode
	data   clientData
	result Result
}

// clientState says what the client waits for.
type clientState uint8

const (
	clientStarting clientState = iota
	clientConnecting
	clientReply   // a reply; expect says to what
	clientSplit   // the gap between two parts of a command
	clientTLS     // the handshake on the control connection
	clientListen  // its own data listener
	clientDialing // the data connection it opens
	clientTransfer
	clientDataTLS
	clientReceiving
	clientSending
	clientFlushing
	clientAborting
	clientPause
	clientDone
)

// expectation says what the awaited reply answers.
type expectation uint8

const (
	expectGreeting expectation = iota
	expectAUTH
	expectUSER
	expectPASS
	expectPBSZ
	expectPROT
	expectTYPE
	expectCommand
	expectSIZE
	expectMode
	expectREST
	expectPreliminary // 150, after the data connection was established
	expectFinal       // 226
	expectBounce      // 226 of data that went elsewhere
	expectProbe       // what comes after a NOOP
	expectSecondProbe
	expectQUIT
)

// NewClient returns a client that begins with its Start input. Config is shared and
// not changed.
func NewClient(config *ClientConfig) *Client {
	return &Client{
		config:   config,
		deadline: event.Never,
		result:   Result{Phase: PhaseControlConnect, FailAfter: -1},
	}
}

// Clone returns a client in the same state that shares nothing but immutable octets
// and the config.
func (c *Client) Clone() *Client {
	d := *c
	d.effects = c.effects.clone()
	d.replies = c.replies.clone()
	d.unread = append([]Reply(nil), c.unread...)
	d.data.blocks = append([][]byte(nil), c.data.blocks...)
	d.result = c.result.clone()
	return &d
}

// Next implements Machine.
func (c *Client) Next() (Effect, bool) { return c.effects.next() }

// Deadline implements Machine.
func (c *Client) Deadline() event.Time { return c.deadline }

// Result returns how the session went, or how far it has come.
func (c *Client) Result() *Result { return &c.result }

// Done reports whether the session is over.
func (c *Client) Done() bool { return c.state == clientDone }

// Handle implements Machine.
func (c *Client) Handle(now event.Time, in Input) {
	if c.state == clientDone {
		return
	}
	c.now = now
	switch in.Kind {
	case Start:
		c.start()
	case Timer:
		if c.deadline <= now {
			c.deadline = event.Never
			c.onTimer()
		}
	case ControlUp:
		c.onControlUp(in)
	case ControlFailed:
		c.onControlFailed(in)
	case ControlBytes:
		c.onControlBytes(in.Bytes)
	case ControlEOF:
		c.eof = true
	case ControlLost:
		c.eof, c.lost = true, true
	case TLSUp, TLSFailed:
		c.onTLS(in)
	case Stop:
		c.fail(OutcomeLocalError, "stopped")
	default:
		c.onData(in)
	}
	c.readReplies()
}

func (c *Client) start() {
	c.since = c.now
	c.note(Effect{Note: PhaseBegan, Text: PhaseControlConnect})
	c.wait(clientConnecting, c.config.Timeouts.Connect)
	c.effects.push(Effect{
		Kind:  Dial,
		Addr:  c.config.Server,
		Local: netip.AddrPortFrom(netip.Addr{}, c.config.LocalControlPort),
	})
}

func (c *Client) onControlUp(in Input) {
	if c.state != clientConnecting {
		return
	}
	c.local = unmapped(in.Local)
	c.begin(PhaseLogin)
	// The greeting counts from the start of the connection: one step for the person.
	c.await(expectGreeting, c.config.Timeouts.Reply)
}

func (c *Client) onControlFailed(in Input) {
	if c.state != clientConnecting {
		return
	}
	switch in.Err {
	case Refused, RefusedICMP:
		c.fail(OutcomeControlRefused, "control connection refused")
	case TimedOut:
		c.fail(OutcomeControlConnectTimeout, "control connection timed out")
	default:
		c.fail(OutcomeControlUnreachable, "control connection: "+in.Err.String())
	}
}

// onControlBytes keeps the replies until they are awaited: a server may send them
// before the data connection has come to its end.
func (c *Client) onControlBytes(b []byte) {
	for len(b) > 0 {
		line, reply, haveLine, done, used := c.replies.next(b)
		b = b[used:]
		if !haveLine {
			return
		}
		digits, _, _ := splitCode(line)
		code, _ := strconv.Atoi(digits) // 0 for a line in the middle without one
		c.note(Effect{Note: ReplyReceived, Text: line, Code: code})
		if c.state == clientReply {
			c.deadline = c.after(c.replyTimeout()) // each line has its own time
		}
		if !done {
			continue
		}
		reply.At = c.now
		c.result.Replies = append(c.result.Replies, reply)
		c.result.LastReply = reply.Line()
		c.unread = append(c.unread, reply)
	}
}

// readReplies gives the replies that came to who awaits them, then the end of the
// connection.
func (c *Client) readReplies() {
	for len(c.unread) > 0 {
		reply := c.unread[0]
		if !c.takesReply() && !c.interrupts(reply) {
			break
		}
		c.unread = c.unread[1:]
		c.onReply(reply)
	}
	if c.eof && len(c.unread) == 0 && (c.takesReply() || c.state == clientTransfer) {
		c.onControlEnd()
	}
}

// takesReply reports whether a reply is awaited. After the 150 of an active transfer
// only a refusal is: the 226 may be here before the data connection.
func (c *Client) takesReply() bool {
	switch c.state {
	case clientReply, clientAborting:
		return true
	case clientTransfer:
		return !c.data.preliminary || len(c.unread) > 0 && c.unread[0].Class() >= 4
	}
	return false
}

func (c *Client) onControlEnd() {
	switch {
	case c.state == clientReply && c.expect >= expectProbe:
		c.finish()
	case c.lost:
		c.fail(OutcomeControlReset, "control connection reset waiting for reply to "+c.verb())
	default:
		c.fail(OutcomeControlClosed, "control connection closed (FIN) waiting for reply to "+c.verb())
	}
}

// verb is the first word of the last command, for messages.
func (c *Client) verb() string {
	if c.command == "" {
		return "CONNECT"
	}
	verb, _, _ := strings.Cut(c.command, " ")
	return verb
}

func (c *Client) onTimer() {
	reply := c.config.Timeouts.Reply
	switch c.state {
	case clientConnecting:
		c.gaveUp("connect timeout (control)")
		c.fail(OutcomeControlConnectTimeout, "control connection timed out")
	case clientReply:
		c.onReplyTimeout()
	case clientSplit:
		c.sendRest()
	case clientTLS, clientDataTLS:
		c.gaveUp("TLS handshake")
		c.onTLS(Input{Kind: TLSFailed})
	case clientListen:
		c.onListen(Input{Kind: ListenFailed, Err: TimedOut})
	case clientDialing:
		c.gaveUp("connect timeout (data)")
		c.effects.push(Effect{Kind: AbandonData})
		c.fail(OutcomeConnectTimeout, "data connect to "+c.data.target.String()+" timed out")
	case clientTransfer:
		c.gaveUp("reply timeout")
		c.fail(OutcomeHang, fmt.Sprintf("neither data connection nor reply within %.0f s", reply.Seconds()))
	case clientReceiving, clientSending, clientFlushing:
		c.onDataTimeout()
	case clientAborting:
		c.endAbort()
	case clientPause:
		c.nextStep()
	}
}

func (c *Client) onReplyTimeout() {
	switch c.expect {
	case expectProbe, expectSecondProbe, expectQUIT:
		c.finish()
		return
	}
	c.gaveUp("reply timeout")
	c.fail(OutcomeHang, fmt.Sprintf("no reply to %s within %.0f s", c.verb(), c.config.Timeouts.Reply.Seconds()))
}

func (c *Client) gaveUp(timer string) { c.note(Effect{Note: GaveUp, Text: timer}) }

// send sends a command; its reply is awaited from now.
func (c *Client) send(line string, e expectation) {
	c.since = c.now
	c.command = line
	c.note(Effect{Note: CommandSent, Text: maskPassword(line)})
	b := append(appendEscaped(make([]byte, 0, len(line)+2), line), '\r', '\n')
	if cut := c.splitAt(b, e); cut > 0 {
		c.rest = b[cut:]
		c.expect = e
		c.effects.push(Effect{Kind: Send, Bytes: b[:cut], Segment: true})
		c.wait(clientSplit, 0)
		c.deadline = c.now.Add(c.config.SplitGap)
		return
	}
	c.effects.push(Effect{Kind: Send, Bytes: b})
	c.await(e, c.replyTimeoutOf(e))
}

// splitAt returns where to cut the command of the mode; 0 is not at all.
func (c *Client) splitAt(b []byte, e expectation) int {
	cut := c.config.Split
	if cut < 0 {
		cut += len(b)
	}
	if e != expectMode || cut <= 0 || cut >= len(b) {
		return 0
	}
	return cut
}

func (c *Client) sendRest() {
	c.effects.push(Effect{Kind: Send, Bytes: c.rest, Segment: true})
	c.rest = nil
	c.await(c.expect, c.config.Timeouts.Reply)
}

// await waits for the reply to what was sent.
func (c *Client) await(e expectation, timeout time.Duration) {
	c.expect = e
	c.wait(clientReply, timeout)
}

func (c *Client) replyTimeout() time.Duration { return c.replyTimeoutOf(c.expect) }

func (c *Client) replyTimeoutOf(e expectation) time.Duration {
	switch e {
	case expectQUIT:
		return c.config.Timeouts.Quit
	case expectProbe:
		return 14 * time.Second // longer than any server of the lab retransmits
	case expectSecondProbe:
		return 3 * time.Second
	}
	return c.config.Timeouts.Reply
}

func (c *Client) wait(state clientState, timeout time.Duration) {
	c.state = state
	c.deadline = c.after(timeout)
}

// after returns the instant a timer of this length runs out; 0 is never.
func (c *Client) after(timeout time.Duration) event.Time {
	if timeout <= 0 {
		return event.Never
	}
	return c.now.Add(timeout)
}

// begin notes the start of a phase.
func (c *Client) begin(phase string) {
	c.result.Phase = phase
	c.note(Effect{Note: PhaseBegan, Text: phase})
}

func (c *Client) note(e Effect) {
	e.Kind = Note
	c.effects.push(e)
}

// fail ends the session with an outcome.
func (c *Client) fail(outcome, detail string) {
	r := &c.result
	afterData := c.state == clientReply && c.expect == expectFinal && !isCode(outcome)
	if afterData {
		r.Outcome = OutcomeControlLostAfterData
	} else {
		r.Outcome = outcome
	}
	r.Detail = detail
	r.FailAfter = c.now.Sub(c.since)
	c.endTransfer(false)
	if afterData && c.config.ProbeAfter && outcome == OutcomeHang {
		c.send("NOOP", expectProbe)
		return
	}
	c.finish()
}

// refused ends the step, or the session, with a reply's code as the outcome.
func (c *Client) refused(reply Reply) {
	c.result.ServerReply = reply.Line()
	if reply.Code == 0 {
		c.fail(OutcomeBadReply, "not a reply: "+reply.Text)
		return
	}
	if c.step < len(c.config.steps()) && c.config.steps()[c.step].MayFail && c.loggedIn() {
		c.endTransfer(false)
		c.nextStep()
		return
	}
	c.fail(fmt.Sprintf("%03d", reply.Code), maskPassword(c.command)+" -> "+reply.Line())
}

func (c *Client) loggedIn() bool { return c.expect >= expectCommand }

func isCode(outcome string) bool { return len(outcome) == 3 && isDigit(outcome[0]) }

// finish closes everything.
func (c *Client) finish() {
	c.dropData()
	c.effects.push(Effect{Kind: CloseControl})
	c.effects.push(Effect{Kind: Done})
	c.state, c.deadline = clientDone, event.Never
}
