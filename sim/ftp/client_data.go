package ftp

import (
	"bytes"
	"fmt"
	"net/netip"
	"time"

	"ftplab/sim/event"
)

// activeGrace is what the client waits for a data connection beyond the time for a
// reply, as the lab's client does.
const activeGrace = time.Second

// abortGrace is how long the client waits for a second reply to ABOR.
const abortGrace = 500 * time.Millisecond

// clientData is the data connection of a step and what goes over it.
type clientData struct {
	listening bool
	target    netip.AddrPort
	up        bool
	eof       bool    // the peer sent its FIN
	err       Failure // the connection broke before the transfer began

	preliminary bool       // 150 has come
	since       event.Time // the transfer command was sent
	resuming    bool       // append after offset
	offset      int64      // in the file, where the next octet belongs
	bytes       int64      // of this transfer
	blocks      [][]byte   // that were received and not put in a file

	file    Handle // of ClientConfig.Files
	open    bool
	moving  bool // the transfer has begun
	aborted int  // replies to ABOR so far
}

// onData handles what happens to the listener and the data connection.
func (c *Client) onData(in Input) {
	switch in.Kind {
	case ListenReady, ListenFailed:
		c.onListen(in)
	case DataUp:
		c.onDataUp(in)
	case DataFailed:
		c.onDataFailed(in)
	case DataBytes:
		c.onDataBytes(in.Bytes)
	case DataEOF:
		c.data.eof = true
		if c.state == clientReceiving {
			c.endOfData()
		} else if c.state == clientAborting {
			c.closeData()
		}
	case DataLost:
		c.onDataLost(in)
	case DataRoom:
		if c.state == clientSending {
			c.sendChunk()
		}
	case DataFlushed:
		if c.state == clientFlushing {
			c.endOfData()
		}
	}
}

func (c *Client) onDataUp(in Input) {
	if c.data.up || c.state != clientDialing && c.state != clientTransfer && !(c.state == clientReply && c.data.listening) {
		c.effects.push(Effect{Kind: AbortData})
		return
	}
	c.data.up = true
	c.result.DataPeer = unmapped(in.Addr)
	if c.data.listening {
		c.data.listening = false
		c.effects.push(Effect{Kind: CloseListener})
	}
	switch c.state {
	case clientDialing:
		c.restOrOp()
	case clientTransfer:
		if c.data.preliminary {
			c.startData()
			return
		}
		c.await(expectPreliminary, c.config.Timeouts.Reply)
	}
}

func (c *Client) onDataFailed(in Input) {
	if c.state != clientDialing {
		return
	}
	detail := "data connect to " + c.data.target.String() + ": "
	switch in.Err {
	case Refused:
		c.fail(OutcomeRefusedRST, detail+in.Err.String())
	case RefusedICMP:
		c.fail(OutcomeRefusedICMP, detail+in.Err.String()+" by ICMP")
	case TimedOut:
		c.fail(OutcomeConnectTimeout, "data connect to "+c.data.target.String()+" timed out")
	default:
		c.fail(OutcomeUnreachable, detail+in.Err.String())
	}
}

// onTransferReply takes a reply that came before the server's connection.
func (c *Client) onTransferReply(reply Reply) {
	if reply.Class() != 1 {
		c.refused(reply)
		return
	}
	c.data.preliminary = true
	if c.config.PortAddr.IsValid() && c.config.PortAddr != c.local.Addr() {
		c.await(expectBounce, c.config.Timeouts.Reply)
	}
}

// onPreliminary takes the reply to the transfer command.
func (c *Client) onPreliminary(reply Reply) {
	if reply.Class() != 1 {
		c.refused(reply)
		return
	}
	c.data.preliminary = true
	c.startData()
}

// startData begins the transfer: the connection and the 150 are there.
func (c *Client) startData() {
	c.since = c.data.since
	if err := c.openLocal(); err != nil {
		c.fail(OutcomeLocalError, "cannot open "+c.current().LocalPath+": "+err.Error())
		return
	}
	if c.config.TLS {
		c.wait(clientDataTLS, c.config.Timeouts.TLS)
		c.effects.push(Effect{Kind: StartTLS, Channel: Data})
		return
	}
	c.move()
}

func (c *Client) openLocal() error {
	step := c.current()
	if step.LocalPath == "" || c.config.Files == nil {
		return nil
	}
	mode := ForReading
	if step.Op.receives() {
		mode = Replace
		if c.data.offset > 0 {
			mode = Update
		}
	}
	h, _, err := c.config.Files.Open(step.LocalPath, mode, TreeTime())
	if err != nil {
		return err
	}
	c.data.file, c.data.open = h, true
	early := c.data.blocks
	c.data.blocks = nil
	for _, b := range early {
		if err := c.keep(b); err != nil {
			return err
		}
	}
	return nil
}

// move sends or receives.
func (c *Client) move() {
	c.data.moving = true
	if c.current().Op.sends() {
		c.wait(clientSending, c.config.Timeouts.Data)
		c.sendChunk()
		return
	}
	c.effects.push(Effect{Kind: ReceiveData})
	c.wait(clientReceiving, c.config.Timeouts.Data)
	switch {
	case c.data.err != NoFailure:
		c.fail(OutcomeDataError, "data connection: "+c.data.err.String())
	case c.data.eof:
		c.endOfData()
	}
}

func (c *Client) onDataBytes(b []byte) {
	if c.current().Op.sends() || !c.data.up {
		return
	}
	c.data.bytes += int64(len(b))
	if c.state == clientReceiving {
		c.deadline = c.after(c.config.Timeouts.Data)
	}
	if err := c.keep(b); err != nil {
		c.fail(OutcomeLocalError, "cannot write "+c.current().LocalPath+": "+err.Error())
		return
	}
	if limit := c.current().AbortAfter; limit > 0 && c.data.bytes >= limit && c.state == clientReceiving {
		c.abort()
	}
}

// keep stores what was received.
func (c *Client) keep(b []byte) error {
	if c.data.open {
		err := c.config.Files.WriteAt(c.data.file, c.data.offset, b, c.config.KeepBytes)
		c.data.offset += int64(len(b))
		return err
	}
	if !c.config.KeepBytes {
		b = bytes.Clone(b)
	}
	c.data.blocks = appendBlock(c.data.blocks, b)
	return nil
}

func (c *Client) onDataLost(in Input) {
	if !c.data.up {
		return
	}
	c.data.up = false
	switch c.state {
	case clientReceiving, clientSending, clientFlushing, clientDataTLS:
		c.since = c.data.since
		c.fail(OutcomeDataError, "data connection: "+in.Err.String())
	default:
		c.data.err = in.Err
	}
}

// sendChunk sends the next octets of what is uploaded, or FIN after the last.
func (c *Client) sendChunk() {
	limit := c.config.ChunkSize
	if limit <= 0 {
		limit = 64 << 10
	}
	b, more, err := c.nextChunk(limit)
	if err != nil {
		c.fail(OutcomeLocalError, "cannot read "+c.current().LocalPath+": "+err.Error())
		return
	}
	c.data.bytes += int64(len(b))
	c.data.offset += int64(len(b))
	if len(b) > 0 {
		c.deadline = c.after(c.config.Timeouts.Data)
		c.effects.push(Effect{Kind: SendData, Bytes: b, More: more})
	}
	if !more {
		c.effects.push(Effect{Kind: FinishData})
		c.wait(clientFlushing, c.config.Timeouts.Data)
	}
}

// nextChunk returns up to limit octets; more says that there may be others.
func (c *Client) nextChunk(limit int) (b []byte, more bool, err error) {
	if c.data.open {
		b, err = c.config.Files.ReadAt(c.data.file, c.data.offset, limit)
		return b, len(b) > 0, err
	}
	all := c.current().LocalData
	if c.data.offset >= int64(len(all)) {
		return nil, false, nil
	}
	b = all[c.data.offset:]
	b = b[:min(len(b), limit)]
	return b, c.data.offset+int64(len(b)) < int64(len(all)), nil
}

// endOfData closes the data connection, then awaits the final reply: some servers
// say 226 only after they have seen our FIN.
func (c *Client) endOfData() {
	c.closeData()
	c.begin(PhaseFinalReply)
	c.since = c.now
	c.await(expectFinal, c.config.Timeouts.Reply)
}

func (c *Client) closeData() {
	if c.data.up {
		c.effects.push(Effect{Kind: CloseData})
		c.data.up = false
	}
}

// onFinal takes the reply that ends the transfer.
func (c *Client) onFinal(reply Reply) {
	if reply.Class() != 2 {
		c.refused(reply)
		return
	}
	c.result.ServerReply = reply.Line()
	c.endTransfer(true)
	c.nextStep()
}

// interrupts looks at a reply that came while data moves, and reports whether it ends
// the transfer: a refusal ends an upload at once; a download may still have data on
// the way, but not for ever.
func (c *Client) interrupts(reply Reply) bool {
	refusal := reply.Class() >= 4
	switch c.state {
	case clientSending, clientFlushing:
		if refusal {
			c.cutData()
			return true
		}
		if c.state == clientFlushing {
			c.endOfData()
			return true
		}
	case clientReceiving:
		if wait := c.after(c.config.Timeouts.Reply); refusal && wait < c.deadline {
			c.deadline = wait
		}
	}
	return false
}

// cutData resets the data connection and goes on to the final reply, which is there.
func (c *Client) cutData() {
	if c.data.up {
		c.effects.push(Effect{Kind: AbortData})
		c.data.up = false
	}
	c.endOfData()
}

// onDataTimeout gives up a transfer that does not move.
func (c *Client) onDataTimeout() {
	if len(c.unread) > 0 && c.unread[0].Class() >= 4 {
		c.cutData()
		return
	}
	c.gaveUp("data timeout")
	c.since = c.data.since
	c.fail(OutcomeDataStall, fmt.Sprintf("no data within %.0f s", c.config.Timeouts.Data.Seconds()))
}

// abort sends ABOR as RFC 959, section 4.1.3, wants it: behind the Telnet Synch, so
// that a server that does not read commands during a transfer notices.
func (c *Client) abort() {
	c.since = c.now
	c.command = "ABOR"
	c.effects.push(Effect{Kind: Send, Bytes: []byte{telnetIAC, telnetIP}})
	c.effects.push(Effect{Kind: SendUrgent, Bytes: []byte{telnetIAC, telnetDM}})
	c.note(Effect{Note: CommandSent, Text: "ABOR"})
	c.effects.push(Effect{Kind: Send, Bytes: []byte("ABOR\r\n")})
	c.wait(clientAborting, c.config.Timeouts.Reply)
}

// onAbortReply counts the replies: 426 for the transfer and 226 for ABOR, or 226 for
// a transfer that had ended and 225 or 226 for ABOR.
func (c *Client) onAbortReply(reply Reply) {
	c.result.ServerReply = reply.Line()
	c.data.aborted++
	if c.data.aborted >= 2 || reply.Code == 225 || reply.Class() == 5 {
		c.endAbort()
		return
	}
	if reply.Class() == 2 {
		c.deadline = c.now.Add(abortGrace)
	}
}

func (c *Client) endAbort() {
	if c.data.aborted == 0 {
		c.gaveUp("reply timeout")
		c.fail(OutcomeHang, "no reply to ABOR")
		return
	}
	c.closeData()
	c.endTransfer(true)
	c.nextStep()
}

// endTransfer keeps what the step's transfer came to.
func (c *Client) endTransfer(ok bool) {
	if c.data.open {
		if err := c.config.Files.Close(c.data.file, TreeTime()); err != nil && ok {
			c.data.open = false
			c.fail(OutcomeLocalError, "cannot write "+c.current().LocalPath+": "+err.Error())
			return
		}
		c.data.open = false
	}
	if !c.data.moving && c.data.bytes == 0 {
		c.dropData()
		return
	}
	c.note(Effect{Note: TransferDone, Text: c.current().line(), Count: c.data.bytes})
	c.result.Bytes, c.result.Data = c.data.bytes, c.data.blocks
	c.result.Transfers = append(c.result.Transfers, TransferResult{
		Step: c.step, Bytes: c.data.bytes, Data: c.data.blocks, OK: ok,
	})
	c.dropData()
}

// dropData closes the listener and the data connection of the step.
func (c *Client) dropData() {
	if c.data.listening {
		c.effects.push(Effect{Kind: CloseListener})
	}
	c.closeData()
	c.data = clientData{}
}
