package firewall

import (
	"strings"

	"ftplab/sim/wire"
)

// helperFTP is the name of the one helper that inspects.
const helperFTP = "ftp"

// ftpMemory is what the FTP helper remembers of a control connection: the sequence
// numbers just after the last line ends, at most two for each direction.
type ftpMemory struct {
	afterNewline [2][2]uint32
	known        [2]uint8
}

// atLineStart reports whether a line is known to begin at seq.
func (m *ftpMemory) atLineStart(dir direction, seq uint32) bool {
	for i := range m.known[dir] {
		if m.afterNewline[dir][i] == seq {
			return true
		}
	}
	return false
}

// remember notes that a line begins at seq. The older of the two is replaced, unless
// it is the newer one.
func (m *ftpMemory) remember(dir direction, seq uint32) {
	if m.atLineStart(dir, seq) {
		return
	}
	lines := &m.afterNewline[dir]
	if m.known[dir] < 2 {
		lines[m.known[dir]] = seq
		m.known[dir]++
		return
	}
	oldest := 1
	if before(lines[0], lines[1]) {
		oldest = 0
	}
	if after(seq, lines[oldest]) {
		lines[oldest] = seq
	}
}

// inspectFTP reads a segment of a control connection and expects what it announces
// (nf_conntrack_ftp). It reports whether the packet goes on.
func (d *Device) inspectFTP(w *way, e *entry) bool {
	s, p := w.subject, w.packet
	if s.state != StateEstablished || len(p.Payload) == 0 {
		return true // until there has been traffic both ways
	}
	dir, data := w.dir(), p.Payload
	lineEnd := data[len(data)-1] == '\n'
	next := p.Seq + uint32(len(data))
	reason := ReasonNone
	if e.ftp.atLineStart(dir, p.Seq) {
		own := e.tuples[dir].src
		scanner := scanner{family: s.family, own: own, strict: d.settings.strictNumbers}
		found, result := scanner.scan(data, dir)
		if result == scanPartial {
			return d.drop(w, HelperHook, ReasonHelperPartial)
		}
		// Someone else's address is not expected: bounce, or a server behind NAT.
		if result == scanMatch && (found.address == own || d.settings.ftpLoose) {
			reason = d.announce(w, e, found)
		}
	}
	if lineEnd {
		e.ftp.remember(dir, next)
	}
	return reason == ReasonNone || d.drop(w, HelperHook, reason)
}

// announce expects the connection that was announced, translated as the control
// connection is.
func (d *Device) announce(w *way, e *entry, found announcement) Reason {
	dir := w.dir()
	towards := &e.tuples[dir^1] // the data connection goes the other way
	x := expectation{
		master: w.subject.slot, src: towards.src, dst: towards.dst,
		port: found.port, family: w.subject.family, from: firstLine(w.packet.Payload),
	}
	if found.address != e.tuples[dir].src {
		x.dst = found.address
	}
	if e.status&natMask != 0 {
		return d.announceTranslated(w, e, x, found)
	}
	switch d.expect(x) {
	case expectBusy:
		return ReasonHelperClash
	case expectFull:
		return ReasonTable
	}
	w.decision.Expectation = d.expected.lastID
	return ReasonNone
}

// firstLine returns the text up to the line end.
func firstLine(data []byte) string {
	const longest = 120
	line, _, _ := strings.Cut(string(data[:min(len(data), longest)]), "\r\n")
	return strings.TrimRight(line, "\n")
}

// leave is the last step of a packet's way: its helper, the sequence numbers of a
// connection whose octets were changed, and the table (nf_confirm).
func (d *Device) leave(w *way) bool {
	s := w.subject
	if s.slot == noSlot {
		return true
	}
	e := &d.table.entries[s.slot]
	adjust := e.has(statusSeqAdjust)
	if (e.helper != "" || adjust) && s.protocol == wire.TCP && !(s.state == StateRelated && s.reply) {
		if e.helper == helperFTP && !d.inspectFTP(w, e) {
			return false
		}
		if adjust {
			e.adjustSegment(w)
		}
	}
	return d.confirm(w)
}
