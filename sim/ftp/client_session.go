package ftp

import (
	"net/netip"
	"strconv"
	"strings"
)

// onReply takes the awaited reply.
func (c *Client) onReply(reply Reply) {
	switch c.state {
	case clientTransfer:
		c.onTransferReply(reply)
		return
	case clientAborting:
		c.onAbortReply(reply)
		return
	}
	positive := reply.Class() == 2 || reply.Class() == 3
	switch c.expect {
	case expectGreeting, expectAUTH, expectUSER, expectPASS, expectPBSZ, expectPROT, expectTYPE:
		if !positive {
			c.refused(reply)
			return
		}
		c.nextLogin(reply)
	case expectCommand:
		if !positive {
			c.refused(reply)
			return
		}
		c.result.ServerReply = reply.Line()
		c.nextStep()
	case expectSIZE:
		c.onSize(reply)
	case expectMode:
		c.onMode(reply)
	case expectREST:
		if !positive {
			c.refused(reply)
			return
		}
		c.sendOp()
	case expectPreliminary:
		c.onPreliminary(reply)
	case expectFinal:
		c.onFinal(reply)
	case expectBounce:
		c.result.ServerReply = reply.Line()
		c.fail(OutcomeBounce+strconv.Itoa(reply.Code), "server connected to third party; "+reply.Line())
	case expectProbe:
		c.await(expectSecondProbe, c.replyTimeoutOf(expectSecondProbe))
	case expectSecondProbe, expectQUIT:
		c.finish()
	}
}

// nextLogin sends what follows in the login: AUTH, USER, PASS, PBSZ, PROT, TYPE.
func (c *Client) nextLogin(reply Reply) {
	if reply.Code/100 == 1 { // RFC 959, section 5.4: 120, ready in some minutes
		return
	}
	switch c.expect {
	case expectGreeting:
		if c.config.TLS {
			c.send("AUTH TLS", expectAUTH)
			return
		}
		c.send("USER "+c.config.User, expectUSER)
	case expectAUTH:
		c.wait(clientTLS, c.config.Timeouts.TLS)
		c.effects.push(Effect{Kind: StartTLS, Channel: Control})
	case expectUSER:
		if reply.Class() == 3 {
			c.send("PASS "+c.config.Password, expectPASS)
			return
		}
		c.afterLogin()
	case expectPASS:
		c.afterLogin()
	case expectPBSZ:
		c.send("PROT P", expectPROT)
	case expectPROT:
		c.send("TYPE I", expectTYPE)
	case expectTYPE:
		c.startStep()
	}
}

func (c *Client) afterLogin() {
	if c.config.TLS {
		c.send("PBSZ 0", expectPBSZ)
		return
	}
	c.send("TYPE I", expectTYPE)
}

func (c *Client) onTLS(in Input) {
	switch c.state {
	case clientTLS:
		if in.Kind == TLSFailed {
			c.fail(OutcomeControlReset, "TLS handshake failed on the control connection")
			return
		}
		c.send("USER "+c.config.User, expectUSER)
	case clientDataTLS:
		if in.Kind == TLSFailed {
			c.fail(OutcomeDataError, "TLS handshake failed on the data connection")
			return
		}
		c.move()
	}
}

// current returns the step that is being done.
func (c *Client) current() *Step { return &c.config.steps()[c.step] }

func (c *Client) nextStep() {
	c.step++
	c.startStep()
}

// startStep begins the step at c.step, or quits after the last.
func (c *Client) startStep() {
	if c.step >= len(c.config.steps()) {
		c.succeed()
		return
	}
	step := c.current()
	if step.Op == OpQuit {
		c.succeed()
		return
	}
	c.note(Effect{Note: UserAction, Text: step.words()})
	c.mode = step.Mode
	if c.mode == ModeUnset {
		c.mode = c.config.Mode
	}
	if c.mode == ModeUnset {
		c.mode = ModePASV
	}
	c.data = clientData{}
	switch {
	case step.Op == OpPause:
		c.wait(clientPause, max(step.Wait, 1))
	case step.Resume && (step.Op.sends() || step.Op == OpRetrieve):
		c.begin(PhaseDataSetup)
		c.send("SIZE "+step.Path, expectSIZE)
	case step.Op.HasData():
		c.begin(PhaseDataSetup)
		c.setUp()
	default:
		c.begin(PhaseCommand)
		c.send(step.line(), expectCommand)
	}
}

// succeed ends the session well.
func (c *Client) succeed() {
	c.result.Outcome, c.result.OK = OutcomeOK, true
	c.send("QUIT", expectQUIT)
}

// onSize looks at what the server has of a file that is to be continued. A server
// that does not say is taken to have nothing.
func (c *Client) onSize(reply Reply) {
	n, err := strconv.ParseInt(strings.TrimSpace(reply.Text), 10, 64)
	known := err == nil && reply.Code == 213
	switch step := c.current(); {
	case known && step.Op == OpRetrieve && n == step.Offset:
		c.result.ServerReply = reply.Line()
		c.nextStep()
		return
	case known && step.Op.sends() && n > 0:
		c.data.offset, c.data.resuming = n, true
	}
	c.setUp()
}

// setUp asks for a data connection, in the mode of the step.
func (c *Client) setUp() {
	if !c.mode.Active() {
		c.send(c.mode.String(), expectMode)
		return
	}
	port := c.config.LocalDataPort
	if c.config.PortPort != 0 {
		port = c.config.PortPort
	}
	c.wait(clientListen, c.config.Timeouts.Connect)
	c.data.listening = true
	c.effects.push(Effect{Kind: Listen, Local: netip.AddrPortFrom(c.local.Addr(), port)})
}

// onListen says the address of the listener in PORT or EPRT.
func (c *Client) onListen(in Input) {
	if c.state != clientListen {
		return
	}
	if in.Kind == ListenFailed {
		c.data.listening = false
		c.since = c.now
		c.fail(OutcomeLocalError, "cannot listen for the data connection: "+in.Err.String())
		return
	}
	host := c.local.Addr()
	if c.config.PortAddr.IsValid() {
		host = c.config.PortAddr
	}
	addr := netip.AddrPortFrom(host, in.Addr.Port())
	if c.mode == ModePORT && !host.Unmap().Is4() {
		c.since = c.now
		c.fail(OutcomeLocalError, "PORT cannot say the IPv6 address "+host.String()+": use EPRT (RFC 2428)")
		return
	}
	c.announce(c.mode.String(), addr)
	if c.mode == ModePORT {
		c.send("PORT "+FormatPORT(addr), expectMode)
		return
	}
	c.send("EPRT "+FormatEPRT(addr), expectMode)
}

func (c *Client) announce(verb string, addr netip.AddrPort) {
	c.result.Announced = addr
	c.note(Effect{Note: AddressAnnounced, Text: verb, Addr: addr})
}

// onMode takes the reply to PASV, EPSV, PORT or EPRT.
func (c *Client) onMode(reply Reply) {
	if reply.Class() != 2 && reply.Class() != 3 {
		if reply.Class() == 5 && c.config.Fallback && c.fallBack() {
			return
		}
		c.refused(reply)
		return
	}
	if c.mode.Active() {
		c.restOrOp()
		return
	}
	// Some servers answer EPSV with 227: what counts is the reply.
	parse := Parse227
	if c.mode == ModeEPSV && reply.Code != 227 {
		parse = Parse229
	}
	said, err := parse(reply.Text)
	if err != nil {
		c.result.ServerReply = reply.Line()
		c.fail(OutcomeBadReply, c.command+" -> "+reply.Line()+": "+err.Error())
		return
	}
	addr := said.Addr
	if !addr.Addr().IsValid() {
		addr = netip.AddrPortFrom(c.config.Server.Addr(), addr.Port())
	}
	c.announce(strconv.Itoa(reply.Code), addr)
	if !c.config.UsePasvHost {
		addr = netip.AddrPortFrom(c.config.Server.Addr(), addr.Port())
	}
	c.dialData(addr)
}

// fallBack tries the older command of the same direction.
func (c *Client) fallBack() bool {
	switch {
	case c.mode == ModeEPSV && c.config.Server.Addr().Unmap().Is4():
		c.mode = ModePASV
	case c.mode == ModeEPRT && c.config.Server.Addr().Unmap().Is4():
		c.mode = ModePORT
	default:
		return false
	}
	if c.data.listening {
		c.effects.push(Effect{Kind: CloseListener})
		c.data.listening = false
	}
	c.setUp()
	return true
}

// dialData connects before RETR is sent: a server may say 150 only then.
func (c *Client) dialData(addr netip.AddrPort) {
	c.begin(PhaseDataConnect)
	c.since = c.now
	c.data.target = addr
	c.wait(clientDialing, c.config.Timeouts.Connect)
	c.effects.push(Effect{
		Kind:  DialData,
		Addr:  addr,
		Local: netip.AddrPortFrom(netip.Addr{}, c.config.LocalDataPort),
	})
}

// restOrOp sends REST, if the step begins in the middle, and then the transfer
// command.
func (c *Client) restOrOp() {
	step := c.current()
	if c.data.offset == 0 {
		c.data.offset = step.Offset
	}
	if c.data.offset > 0 && !c.data.resuming && (step.Op == OpRetrieve || step.Op == OpStore) {
		c.begin(PhaseDataSetup)
		c.send("REST "+strconv.FormatInt(c.data.offset, 10), expectREST)
		return
	}
	c.sendOp()
}

// sendOp sends the transfer command.
func (c *Client) sendOp() {
	step := c.current()
	line := step.line()
	if c.data.resuming {
		line = "APPE " + step.Path
	}
	c.begin(PhaseTransfer)
	c.send(line, expectPreliminary)
	c.data.since = c.now
	if c.mode.Active() && !c.data.up {
		// Whichever comes first, the connection or a reply.
		c.wait(clientTransfer, 0)
		if c.config.Timeouts.Reply > 0 {
			c.deadline = c.after(c.config.Timeouts.Reply + activeGrace)
		}
	}
}
