// Package tcp is one end of a TCP connection after RFC 9293, without I/O or clock.
//
// A Conn is told what happens (Receive, Tick, Write, ...) and asked what must leave
// (Emit); it never calls anyone. It behaves as Linux 6.x does where the RFCs leave a
// choice: SYN schedule, delayed acknowledgments, the smallest retransmission
// timeout, merging of small segments on retransmission. Payloads are never copied:
// what was written is sent as slices of itself, and what arrives is read as it came.
//
// Where things are:
//
//	conn.go        opening, the application's calls
//	config.go      what can be chosen, and Linux's choices
//	state.go       states, failures, reasons for which a segment leaves
//	close.go       closing, aborting, failing, the RST of a closed port
//	icmp.go        what an ICMP error does
//	receive.go     a segment arrives (RFC 9293, section 3.10.7)
//	handshake.go   the same before the connection is established, and options
//	ack.go         what an acknowledgment does to the send side
//	scoreboard.go  which segments are where, by SACK or duplicate ACKs (RFC 2018, 6675)
//	recovery.go    when to retransmit and how much may be in flight (RFC 5681, 6582)
//	rack.go        the same by time (RFC 8985)
//	lossprobe.go   a segment more instead of waiting for the retransmission timer (RFC 8985)
//	bbr.go         the congestion control BBR: the model and its states
//	bbrloss.go     what losses mean to it
//	delivery.go    how much gets through in how much time
//	pacing.go      when segments leave, by that
//	undo.go        what to do when nothing was lost after all (RFC 3522, 4015)
//	rto.go         the retransmission and persist timers (RFC 6298)
//	send.go        Emit: which segment leaves next
//	segment.go     the queue of what was sent, and Linux's merging
//	timestamps.go  the timestamps option and what it tells (RFC 7323)
//	reassembly.go  the receive queues and SACK blocks
//	delayack.go    when to acknowledge
//	window.go      what window to offer
//	timer.go       Deadline, Tick and the kernel's timer wheel
//	info.go        the state for people to look at
package tcp

import (
	"net/netip"

	"ftplab/sim/event"
	"ftplab/sim/wire"
)

// Conn is one end of a connection. It is owned by one caller and holds no pointers
// but to its queues, to its own state of BBR and to immutable payloads; see Clone.
//
// After each call that may change it, call Emit until it returns false, then ask
// Deadline. Times handed to it must never go back.
type Conn struct {
	cfg           Config
	local, remote netip.AddrPort
	state         State
	failure       Failure
	passive       bool // opened by Accept

	snd      sendSpace
	rcv      receiveSpace
	writes   ring[write]
	segments ring[segment]
	board    scoreboard
	cong     congestion
	rtt      roundTrip
	timer    timers
	ack      ackPolicy
	inbox    inbox
	answer   reset // a RST that must leave
	ts       timestamps
	rack     rack
	probe    lossProbe
	undo     undo
	bbr      *bbr // nil if Reno controls the congestion

	synPending    bool // a SYN or SYN-ACK must leave
	synSent       bool // it left before
	probePending  bool // a window probe must leave
	closeQueued   bool // a FIN follows what was written
	finSent       bool
	receiveClosed bool // Close was called: nobody will read
	sackOK        bool // both sides said SACK-permitted
	scaleOK       bool // both sides said window scale
}

// sendSpace is the send sequence space (RFC 9293, section 3.3.1).
type sendSpace struct {
	iss, una, nxt uint32
	wnd           uint32 // octets, scaled
	maxWnd        uint32 // the largest that was offered
	wl1           uint32 // SEG.SEQ of the last window update
	smallEnd      uint32 // just past the last segment shorter than the MSS that was sent
	mss           uint32 // octets of payload in a full segment that carries no SACK option
	unsent        int    // octets written and not yet sent
	urgentEnd     uint64 // total octets up to the end of urgent data
	taken         uint64 // octets of the stream that were put into segments
	lastSent      event.Time
	// retransmissions counts all, of the whole connection; probes the window probes
	// in a row without an answer.
	retransmissions uint32
	probes          uint8
	scale           uint8
}

// receiveSpace is the receive sequence space.
type receiveSpace struct {
	irs, nxt uint32
	wup      uint32 // RCV.NXT when the last acknowledgment was sent
	wnd      uint32 // the window offered in it, octets
	scale    uint8
}

// rightEdge is the first sequence number that we did not offer to take.
func (r *receiveSpace) rightEdge() uint32 { return r.wup + r.wnd }

// offered is how much of the window we offered is still open.
func (r *receiveSpace) offered() uint32 {
	if n := r.rightEdge() - r.nxt; int32(n) > 0 {
		return n
	}
	return 0
}

// Dial begins an active open: the SYN, with the initial sequence number iss, is
// what Emit returns first. Both addresses must be of one family.
func Dial(now event.Time, local, remote netip.AddrPort, iss uint32, cfg Config) *Conn {
	c := newConn(now, local, remote, iss, cfg)
	c.state = SynSent
	c.synPending = true
	c.startRetransmitTimer(now, timerSYN, c.rtt.rto)
	return c
}

// Accept begins a passive open from a SYN that came to a listener: the SYN-ACK is
// what Emit returns first. The connection is for the application once its State is
// Established; one that never gets there dies by itself.
func Accept(now event.Time, syn *wire.Packet, iss uint32, cfg Config) *Conn {
	c := newConn(now, syn.DstEndpoint(), syn.SrcEndpoint(), iss, cfg)
	c.passive = true
	c.takeSYN(now, syn)
	c.state = SynReceived
	c.synPending = true
	c.startRetransmitTimer(now, timerSYN, c.rtt.rto)
	return c
}

func newConn(now event.Time, local, remote netip.AddrPort, iss uint32, cfg Config) *Conn {
	cfg = cfg.usable()
	c := &Conn{cfg: cfg, local: local, remote: remote, timer: noTimers()}
	c.snd = sendSpace{iss: iss, una: iss, nxt: iss + 1, smallEnd: iss, lastSent: now}
	c.rcv.scale = cfg.WindowScale
	c.rcv.wnd = c.initialWindow()
	c.rtt = roundTrip{rto: cfg.InitialRTO}
	c.cong = newCongestion(cfg.InitialWindow)
	c.board.recoveryPoint, c.board.marked = iss, iss
	c.rack.end, c.rack.highest, c.rack.highestBefore = iss, iss, iss
	c.ack = newAckPolicy(now, cfg.DelayedACK)
	return c
}

// Write queues data for sending. The connection keeps data, and so do the packets
// that Emit fills in: it must never be changed. blob names the write in those
// packets (wire.Packet.Blob); a payload that straddles two writes is a copy and has
// blob 0. Writing may exceed Room. After CloseWrite, Close or a failure, data is
// discarded, as a BSD socket would answer EPIPE.
func (c *Conn) Write(now event.Time, data []byte, blob uint32) {
	if c.closeQueued || c.state == Closed || len(data) == 0 {
		return
	}
	if c.bbr != nil {
		c.noteWrite()
	}
	*c.writes.push() = write{data: data, blob: blob}
	c.snd.unsent += len(data)
}

// WriteUrgent is Write, with the last octet as TCP urgent data (RFC 9293, section
// 3.8.5): the segment that ends with it carries URG, and none goes beyond it.
func (c *Conn) WriteUrgent(now event.Time, data []byte, blob uint32) {
	c.Write(now, data, blob)
	c.snd.urgentEnd = c.snd.taken + uint64(c.snd.unsent)
}

// Room returns how many octets Write may take before SendBuffer is full; 0 or
// more.
func (c *Conn) Room() int {
	if c.closeQueued || c.state == Closed {
		return 0
	}
	return max(0, int(c.cfg.SendBuffer)-c.Unacked())
}

// Unacked returns how many octets were written and not yet acknowledged.
func (c *Conn) Unacked() int {
	n := c.snd.unsent
	if c.state == SynSent || c.state == SynReceived {
		return n // what is outstanding is the SYN
	}
	n += int(c.snd.nxt - c.snd.una)
	if c.finSent && !c.finAcked() {
		n--
	}
	return n
}

// Flushed reports whether everything that was written, and the FIN if the
// connection was closed, has been acknowledged.
func (c *Conn) Flushed() bool {
	return c.Unacked() == 0 && (!c.closeQueued || c.finAcked())
}

func (c *Conn) finAcked() bool { return c.finSent && c.snd.una == c.snd.nxt }

// Read returns the next octets that arrived in order, and opens the window by as
// much; false when there are none now. The slice is shared and must not be written.
func (c *Conn) Read() ([]byte, bool) {
	data, ok := c.inbox.read()
	if ok {
		c.ackAfterRead()
	}
	return data, ok
}

// EOF reports whether the peer's FIN has arrived and everything before it was read.
func (c *Conn) EOF() bool { return c.inbox.finTaken && c.inbox.ready.n == 0 }

// Urgent reports, once for each, whether the peer sent urgent data.
func (c *Conn) Urgent() bool {
	was := c.inbox.urgent
	c.inbox.urgent = false
	return was
}

// State returns the state of the connection.
func (c *Conn) State() State { return c.state }

// Err returns why the connection failed, or NoFailure. What had arrived before can
// still be read.
func (c *Conn) Err() Failure { return c.failure }

// Dead reports whether the connection is CLOSED and has nothing more to send: once
// it is read empty it may be forgotten.
func (c *Conn) Dead() bool { return c.state == Closed && !c.answer.pending }

// Local returns our address and port.
func (c *Conn) Local() netip.AddrPort { return c.local }

// Remote returns the peer's address and port.
func (c *Conn) Remote() netip.AddrPort { return c.remote }

// Clone returns an independent copy that will behave exactly as c does. The two
// share only payloads, which nobody writes.
func (c *Conn) Clone() *Conn {
	d := *c
	if c.bbr != nil {
		model := *c.bbr
		d.bbr = &model
	}
	d.writes = c.writes.clone()
	d.segments = c.segments.clone()
	d.rack.resent = c.rack.resent.clone()
	d.inbox.ready = c.inbox.ready.clone()
	d.inbox.early = append([]span(nil), c.inbox.early...)
	return &d
}
