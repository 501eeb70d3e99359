package firewall

import (
	"time"

	"ftplab/sim/wire"
)

// tcpState is the state of a TCP connection as the device in the middle sees it, in
// the kernel's order.
type tcpState uint8

const (
	tcpNone tcpState = iota
	tcpSynSent
	tcpSynRecv
	tcpEstablished
	tcpFinWait
	tcpCloseWait
	tcpLastAck
	tcpTimeWait
	tcpClose
	tcpSynSent2 // both sides have sent a SYN
	numTCPStates

	tcpIgnore  // a packet that may be either valid or not: let it pass, learn nothing
	tcpInvalid // a packet that is not part of the connection
)

var tcpStateNames = [...]string{"NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE", "SYN_SENT2"}

// String returns the state's name as `conntrack -L` prints it.
func (s tcpState) String() string { return tcpStateNames[s] }

// segmentKind is what a segment means to the state machine.
type segmentKind uint8

const (
	synSegment segmentKind = iota
	synAckSegment
	finSegment
	ackSegment
	rstSegment
	noneSegment
)

func kindOf(f wire.Flags) segmentKind {
	switch {
	case f&wire.RST != 0:
		return rstSegment
	case f&wire.SYN != 0 && f&wire.ACK != 0:
		return synAckSegment
	case f&wire.SYN != 0:
		return synSegment
	case f&wire.FIN != 0:
		return finSegment
	case f&wire.ACK != 0:
		return ackSegment
	}
	return noneSegment
}

// tcpTransitions is nf_conntrack_proto_tcp's table: direction, kind of segment, state.
var tcpTransitions = func() (t [2][6][numTCPStates]tcpState) {
	const (
		no, ss, sr, es, fw = tcpNone, tcpSynSent, tcpSynRecv, tcpEstablished, tcpFinWait
		cw, la, tw, cl, s2 = tcpCloseWait, tcpLastAck, tcpTimeWait, tcpClose, tcpSynSent2
		ig, iv             = tcpIgnore, tcpInvalid
	)
	//                                               no  ss  sr  es  fw  cw  la  tw  cl  s2
	t[original][synSegment] = [numTCPStates]tcpState{ss, ss, ig, ig, ig, ig, ig, ss, ss, s2}
	t[original][synAckSegment] = [numTCPStates]tcpState{iv, iv, sr, iv, iv, iv, iv, iv, iv, sr}
	t[original][finSegment] = [numTCPStates]tcpState{iv, iv, fw, fw, la, la, la, tw, cl, iv}
	t[original][ackSegment] = [numTCPStates]tcpState{es, iv, es, es, cw, cw, tw, tw, cl, iv}
	t[original][rstSegment] = [numTCPStates]tcpState{iv, cl, cl, cl, cl, cl, cl, cl, cl, cl}
	t[original][noneSegment] = [numTCPStates]tcpState{iv, iv, iv, iv, iv, iv, iv, iv, iv, iv}
	t[reply][synSegment] = [numTCPStates]tcpState{iv, s2, iv, iv, iv, iv, iv, ss, iv, s2}
	t[reply][synAckSegment] = [numTCPStates]tcpState{iv, sr, ig, ig, ig, ig, ig, ig, ig, sr}
	t[reply][finSegment] = [numTCPStates]tcpState{iv, iv, fw, fw, la, la, la, tw, cl, iv}
	t[reply][ackSegment] = [numTCPStates]tcpState{iv, ig, sr, es, cw, cw, tw, tw, cl, ig}
	t[reply][rstSegment] = [numTCPStates]tcpState{iv, cl, cl, cl, cl, cl, cl, cl, cl, cl}
	t[reply][noneSegment] = [numTCPStates]tcpState{iv, iv, iv, iv, iv, iv, iv, iv, iv, iv}
	return t
}()

// tcpTrack is what is remembered of a TCP connection.
type tcpTrack struct {
	seen  [2]tcpSide // by direction of the sender
	state tcpState
	// The last segment that was looked at, or the one that was ignored.
	lastKind  segmentKind
	lastDir   direction
	lastFlags sideFlags
	lastScale uint8
	retrans   uint8 // how often the last one was repeated
	lastWin   uint16
	lastSeq   uint32
	lastAck   uint32
	lastEnd   uint32
}

// tcpSide is what is remembered of one sender, in its own sequence space.
type tcpSide struct {
	end       uint32 // highest sequence number it sent, plus one
	maxEnd    uint32 // highest the other side allows it
	maxWindow uint32 // the largest it offered
	maxAck    uint32 // highest it acknowledged
	scale     uint8
	flags     sideFlags
}

type sideFlags uint8

const (
	sideScale          sideFlags = 1 << iota // offered window scaling
	sideSACK                                 // offered selective acknowledgement
	sideClosing                              // sent the first FIN
	sideLiberal                              // picked up in the middle: its window is unknown
	sideUnacknowledged                       // sent what is not yet acknowledged
	sideMaxAck                               // maxAck is set
	sideSimultaneous                         // of lastFlags: both sides opened
	sideChallenge                            // of lastFlags: a challenge ACK may come (RFC 5961)
)

// before reports whether a comes before b in sequence space.
func before(a, b uint32) bool { return int32(a-b) < 0 }
func after(a, b uint32) bool  { return int32(a-b) > 0 }

// validFlags reports whether the combination of control bits makes sense.
func validFlags(f wire.Flags) bool {
	switch f & (wire.FIN | wire.SYN | wire.RST | wire.ACK | wire.URG) {
	case wire.SYN, wire.SYN | wire.URG, wire.SYN | wire.ACK, wire.RST, wire.RST | wire.ACK,
		wire.FIN | wire.ACK, wire.FIN | wire.ACK | wire.URG, wire.ACK, wire.ACK | wire.URG:
		return true
	}
	return false
}

// trackTCP takes a segment through the state machine (nf_conntrack_tcp_packet).
func (d *Device) trackTCP(w *way) tracking {
	p := w.packet
	switch {
	case p.BadChecksum && d.settings.checksum && w.hook == Prerouting:
		return w.subject.refuse(invalidChecksum)
	case !validFlags(p.Flags):
		return w.subject.refuse(invalidFlags)
	}
	e := &d.table.entries[w.subject.slot]
	if !e.has(StatusConfirmed) && !d.beginTCP(e, p) {
		return w.subject.refuse(invalidFirst)
	}
	t := &e.tcp
	dir, kind, old := w.dir(), kindOf(p.Flags), t.state
	next := tcpTransitions[dir][kind][old]
	inWindow := false // without looking
	switch next {
	case tcpSynSent:
		if old >= tcpTimeWait {
			if (t.seen[0].flags|t.seen[1].flags)&sideClosing != 0 || t.lastDir == dir && t.lastKind == rstSegment {
				d.endEntry(w.subject.slot) // reopened (RFC 1122, section 4.2.2.13)
				return trackAgain
			}
			t.ignore(p, dir, kind, old)
			return trackValid
		}
	case tcpIgnore:
		if !t.resynchronise(p, dir, kind) {
			t.ignore(p, dir, kind, old)
			return trackValid
		}
		old, next = tcpSynSent, tcpSynRecv
	case tcpInvalid:
		return w.subject.refuse(invalidOrder)
	case tcpTimeWait:
		if old == tcpLastAck && kind == ackSegment && t.lastDir != dir && t.lastKind == synSegment && t.lastFlags&sideChallenge != 0 {
			t.lastFlags &^= sideChallenge
			return trackValid
		}
	case tcpSynSent2:
		t.lastFlags |= sideSimultaneous
	case tcpSynRecv:
		if dir == reply && kind == ackSegment && t.lastFlags&sideSimultaneous != 0 {
			next = tcpEstablished
		}
	case tcpClose:
		if kind == rstSegment {
			var ok bool
			if next, inWindow, ok = d.judgeReset(e, p, dir, old); !ok {
				return w.subject.refuse(invalidReset)
			}
		}
	}
	if !inWindow {
		switch t.window(e, p, dir, kind, d.settings.liberal) {
		case windowIgnore:
			return trackValid
		case windowInvalid:
			d.shortenAfterClose(w, e, dir, kind)
			return w.subject.refuse(invalidWindow)
		}
	}
	d.settleTCP(w, e, dir, kind, old, next)
	return trackValid
}

// beginTCP makes the track of a connection from its first segment, false if it cannot
// begin one (tcp_new).
func (d *Device) beginTCP(e *entry, p *wire.Packet) bool {
	next := tcpTransitions[original][kindOf(p.Flags)][tcpNone]
	if next >= numTCPStates || next != tcpSynSent && !d.settings.loose {
		return false
	}
	e.tcp = tcpTrack{lastKind: noneSegment}
	side := &e.tcp.seen[original]
	side.end = p.Seq + p.SegmentLen()
	side.maxWindow = max(uint32(p.Window), 1)
	side.maxEnd = side.end
	if next == tcpSynSent {
		side.readOptions(&p.Options)
		return true
	}
	// The beginning was missed: assume SACK and any scale.
	side.maxEnd += side.maxWindow
	side.flags = sideSACK | sideLiberal
	e.tcp.seen[reply].flags = sideSACK | sideLiberal
	return true
}

// readOptions takes what a SYN offers. A segment without any options changes nothing.
func (s *tcpSide) readOptions(o *wire.Options) {
	if o.IsZero() {
		return
	}
	s.scale = 0
	s.flags &= sideLiberal
	if o.SACKPermitted {
		s.flags |= sideSACK
	}
	if o.HasScale {
		s.scale = min(o.WindowScale, 14)
		s.flags |= sideScale
	}
}

// resynchronise takes a SYN/ACK that answers a SYN which was ignored before: both
// ends agree and the device was wrong. It reports whether that is so.
func (t *tcpTrack) resynchronise(p *wire.Packet, dir direction, kind segmentKind) bool {
	if kind != synAckSegment || t.lastKind != synSegment || t.lastDir == dir || p.Ack != t.lastEnd {
		return false
	}
	t.lastFlags &^= sideChallenge
	t.seen[t.lastDir] = tcpSide{
		end: t.lastEnd, maxEnd: t.lastEnd, maxWindow: max(uint32(t.lastWin), 1),
		maxAck: t.seen[t.lastDir].maxAck, scale: t.lastScale, flags: t.lastFlags,
	}
	t.seen[dir] = tcpSide{flags: t.seen[dir].flags & sideLiberal}
	return true
}

// ignore remembers a segment that may be of a connection which the device does not
// know of: a SYN in the middle of one, or its answer.
func (t *tcpTrack) ignore(p *wire.Packet, dir direction, kind segmentKind, old tcpState) {
	t.lastKind, t.lastDir = kind, dir
	t.lastSeq, t.lastEnd, t.lastWin = p.Seq, p.Seq+p.SegmentLen(), p.Window
	if kind == synSegment && dir == original {
		var offered tcpSide
		offered.readOptions(&p.Options)
		t.lastFlags, t.lastScale = offered.flags, offered.scale
		if old == tcpLastAck {
			t.lastFlags |= sideChallenge
		}
	}
	if old == tcpSynSent && kind == ackSegment && dir == reply {
		t.lastAck = p.Ack
	}
}

// judgeReset decides about a reset: the state it leads to, whether its window need not
// be looked at, and false if it is invalid.
func (d *Device) judgeReset(e *entry, p *wire.Packet, dir direction, old tcpState) (next tcpState, inWindow, ok bool) {
	t := &e.tcp
	next = tcpClose
	if old >= tcpFinWait && old <= tcpClose {
		return next, true, true // it may be of a later connection already
	}
	other := &t.seen[dir^1]
	established := t.state == tcpEstablished && e.has(StatusAssured)
	if other.flags&sideMaxAck != 0 && t.lastKind != synSegment {
		switch {
		case p.Seq == 0 && !established:
			return next, false, true
		case before(p.Seq, other.maxAck) && !d.settings.ignoreInvalidRST:
			return next, false, false
		case !established || p.Seq == other.maxAck:
			return next, false, true
		case t.lastKind == ackSegment && t.lastDir == dir && p.Seq == t.lastEnd:
			return next, false, true
		}
		next = old // not exact: the receiver may answer with a challenge ACK
	}
	answersSyn := e.has(StatusSeenReply) && t.lastKind == synSegment && t.lastDir != dir
	answersAck := !e.has(StatusAssured) && t.lastKind == ackSegment
	if (answersSyn || answersAck) && p.Ack == t.lastEnd {
		return next, true, true
	}
	if old == tcpSynSent && t.lastKind == ackSegment && t.lastDir == reply && p.Seq == t.lastAck {
		return next, true, true
	}
	return next, false, true
}

// shortenAfterClose lowers the life of a connection that both sides seem to have
// closed out of the device's sight.
func (d *Device) shortenAfterClose(w *way, e *entry, dir direction, kind segmentKind) {
	if !e.has(StatusAssured) || kind != rstSegment && kind != finSegment {
		return
	}
	t := &e.tcp
	if t.lastDir == dir || t.lastKind != finSegment && t.lastKind != rstSegment {
		t.lastKind, t.lastDir = kind, dir
		return
	}
	left := e.expires.Sub(d.now)
	if limit := d.settings.tcp.unacknowledged; left >= 120*time.Second && left > limit {
		e.expires = d.now.Add(limit)
		d.table.schedule(w.subject.slot)
	}
}

// settleTCP takes the connection to its next state, with the life it has there.
func (d *Device) settleTCP(w *way, e *entry, dir direction, kind segmentKind, old, next tcpState) {
	t, limits := &e.tcp, &d.settings.tcp
	t.lastKind, t.lastDir = kind, dir
	t.state = next
	if old != next {
		w.entryChanged = true
		if next == tcpFinWait {
			t.seen[dir].flags |= sideClosing
		}
	}
	timeout := limits.state[next]
	switch {
	case t.retrans >= d.settings.maxRetrans && timeout > limits.maxRetrans:
		timeout = limits.maxRetrans
	case kind == rstSegment:
		timeout = limits.state[tcpClose]
	case (t.seen[0].flags|t.seen[1].flags)&sideUnacknowledged != 0 && timeout > limits.unacknowledged:
		timeout = limits.unacknowledged
	case t.lastWin == 0 && timeout > limits.maxRetrans:
		timeout = limits.maxRetrans
	}
	switch {
	case !e.has(StatusSeenReply):
		if kind == rstSegment {
			d.account(w, e)
			if e.has(StatusConfirmed) {
				d.endEntry(w.subject.slot) // refused: nothing to remember
			}
			return
		}
		if kind == synSegment && old == tcpSynSent {
			return // a repeated SYN does not extend its life
		}
		if next == tcpEstablished && timeout > limits.unacknowledged {
			timeout = limits.unacknowledged // picked up, and no answer yet
		}
	case !e.has(StatusAssured) && (old == tcpSynRecv || old == tcpEstablished) && next == tcpEstablished:
		e.status |= StatusAssured
		w.entryChanged = true
	}
	d.refresh(w, e, timeout)
}
