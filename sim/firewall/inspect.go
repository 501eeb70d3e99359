package firewall

import (
	"bytes"
	"strings"

	"ftplab/sim/wire"
)

// inspectSession reads a segment of an FTP control connection as a vendor's device
// does: line by line, wherever the segments begin. It reports whether the packet goes
// on.
func (d *Device) inspectSession(w *way) bool {
	s, p := w.subject, w.packet
	if s.slot == noSlot || s.state == StateRelated || s.protocol != wire.TCP || len(p.Payload) == 0 {
		return true
	}
	e := &d.table.entries[s.slot]
	if !e.session.ftp {
		return true
	}
	dir := w.dir()
	lines, ok := e.session.lines[dir].read(p.Seq, p.Payload)
	if !ok {
		return d.drop(w, HelperHook, ReasonInspection) // it will come again, in order
	}
	for _, line := range lines {
		if dir == original {
			ok = d.inspectCommand(w, e, line)
		} else {
			ok = d.inspectReply(w, e, line)
		}
		if !ok {
			return d.closeSession(w)
		}
		e = &d.table.entries[s.slot]
	}
	return true
}

// uploads are the commands that ISA Server's read-only switch refuses.
const uploads = " STOR STOU APPE DELE MKD XMKD RMD XRMD RNFR RNTO "

func verbOf(line []byte) string {
	end := bytes.IndexAny(line, " \r\n")
	return strings.ToUpper(string(line[:max(end, 0)]))
}

// inspectCommand looks at a line of the client. It is false if the connection is to be
// closed.
func (d *Device) inspectCommand(w *way, e *entry, line inspectedLine) bool {
	s := e.session
	verb := verbOf(line.text)
	if s.strict {
		// The checks of `inspect ftp strict`: one command at a time, ended by CR LF,
		// and no reply in the client's direction.
		_, asReply := d.scannerOf(w, original).scan(line.text, reply)
		if s.unanswered || asReply != scanNothing || !bytes.HasSuffix(line.text, []byte("\r\n")) {
			return false
		}
		s.unanswered = true
	}
	if s.kind == "isa" && (verb == "AUTH" || s.readOnly && verb != "" && strings.Contains(uploads, " "+verb+" ")) {
		return w.maskVerb(line.at, len(verb))
	}
	return d.inspectAnnouncement(w, e, line.text, original)
}

// inspectReply looks at a line of the server.
func (d *Device) inspectReply(w *way, e *entry, line inspectedLine) bool {
	s := e.session
	if s.strict {
		s.unanswered = false
		if _, asCommand := d.scannerOf(w, reply).scan(line.text, original); asCommand != scanNothing {
			return false
		}
		if bytes.HasPrefix(line.text, []byte("215")) {
			w.maskText(line.at+4, len(bytes.TrimRight(line.text, "\r\n"))-4)
		}
	}
	return d.inspectAnnouncement(w, e, line.text, reply)
}

func (d *Device) scannerOf(w *way, dir direction) scanner {
	e := &d.table.entries[w.subject.slot]
	return scanner{family: w.subject.family, own: e.tuples[dir].src, strict: true}
}

// inspectAnnouncement expects the data connection that a line announces. It is false
// if the line is one that a strict inspection refuses.
func (d *Device) inspectAnnouncement(w *way, e *entry, line []byte, dir direction) bool {
	s := e.session
	scanner := d.scannerOf(w, dir)
	found, result := scanner.scan(line, dir)
	if result == scanNothing {
		return true
	}
	if result == scanPartial {
		return !s.strict
	}
	if found.port < 1024 && s.strict {
		return false
	}
	if found.address != scanner.own {
		return true // someone else's address: not expected
	}
	towards := &e.tuples[dir^1]
	x := expectation{
		master: w.subject.slot, src: towards.src, dst: towards.dst, port: found.port,
		family: w.subject.family, from: firstLine(line),
		// CBAC opens the client's port to any host until the SYN comes.
		anySource: s.kind == "cbac" && dir == original,
	}
	if d.expect(x) == expectMade {
		w.decision.Expectation = d.expected.lastID
	}
	return true
}

// maskVerb replaces a command's verb by X, so that the server refuses it (500). It is
// false if the verb has gone through in an earlier segment.
func (w *way) maskVerb(at, length int) bool {
	if at+length <= 0 {
		return false
	}
	w.maskText(at, length)
	return true
}

func (w *way) maskText(at, length int) {
	begin, end := max(at, 0), min(at+length, len(w.packet.Payload))
	if begin >= end {
		return
	}
	w.replacePayload(begin, end-begin, strings.Repeat("X", end-begin))
}

// closeSession ends a session whose commands are not as they should be: the packet is
// dropped and both ends get a reset.
func (d *Device) closeSession(w *way) bool {
	p := w.packet
	forward := wire.Packet{
		Src: p.Src, Dst: p.Dst, SrcPort: p.SrcPort, DstPort: p.DstPort, Seq: p.Seq,
		Protocol: wire.TCP, Flags: wire.RST, TTL: ownTTL,
	}
	if back, ok := resetFor(p); ok {
		d.answer(w, back, false)
		d.answer(w, forward, false)
	}
	d.endEntry(w.subject.slot)
	d.drop(w, HelperHook, ReasonInspection)
	w.decision.Action = ActionReject
	return false
}
