package firewall

import (
	"time"

	"ftplab/sim/wire"
)

// session is what a vendor's inspection remembers of a connection beside the entry in
// the table.
type session struct {
	kind string // Inspection.Kind of what opened it
	// bound is the interface whose lists alone its packets skip (ASPF), or
	// noInterface for all.
	bound int16
	// ftp says that the control connection is read.
	ftp, strict, readOnly bool
	lines                 [2]lineReader
	unanswered            bool // a command that has had no reply (strict)
}

// followsBothWays says that all packets of a session skip the lists, not only those
// that come back and those of data connections.
func (s *session) followsBothWays() bool {
	return s.kind == "asa" || s.kind == "isa" || s.kind == "zone"
}

// demandsSYN says that a TCP session begins with a SYN alone. An ASPF without
// `tcp syn-check` takes any segment.
func demandsSYN(kind string) bool { return kind != "aspf" }

// refusesStray says that a TCP segment of no session is dropped even if the lists
// permit it.
func refusesStray(kind string) bool { return kind == "asa" || kind == "isa" || kind == "zone" }

// inspection is an Inspection made ready for a device.
type inspection struct {
	*Inspection
	// in and out say by which interfaces a packet may come and go that opens a
	// session; nil is any. With either, one of the two suffices.
	in, out []bool
	either  bool
	at      int16 // place of Interface, or noInterface
}

func (c *compiler) compileInspection(from *Inspection) inspection {
	i := inspection{Inspection: from, at: noInterface}
	if from.Interface != "" {
		named := c.interfacesNamed([]string{from.Interface})
		for at := range named {
			if named[at] {
				i.at = int16(at)
			}
		}
		switch from.Hook {
		case Inbound:
			i.in = named
		case Outbound:
			i.out = named
		default:
			i.in, i.out, i.either = named, named, true
		}
		return i
	}
	i.in, i.out = c.interfacesIn(from.FromZone), c.interfacesIn(from.ToZone)
	return i
}

// interfacesIn says which interfaces are in a zone; nil for any zone.
func (c *compiler) interfacesIn(zone string) []bool {
	if zone == "" {
		return nil
	}
	in := make([]bool, len(c.interfaces))
	for at := range c.interfaces {
		for _, known := range c.rules.Interfaces {
			if known.Zone == zone && (known.Name == c.interfaces[at].Name || known.NameIf == c.interfaces[at].Name) {
				in[at] = true
			}
		}
	}
	return in
}

// covers reports whether a packet that goes this way may open a session.
func (i *inspection) covers(s *subject) bool {
	in := i.in == nil || i.in[s.in]
	out := i.out == nil || i.out[s.out]
	if i.either {
		return in || out
	}
	return in && out
}

// isFTP reports whether a packet goes to a port of FTP control connections.
func (i *inspection) isFTP(s *subject) bool {
	if !i.FTP || s.protocol != wire.TCP {
		return false
	}
	if len(i.Ports) == 0 {
		return s.dstPort == 21
	}
	for _, port := range i.Ports {
		if port == s.dstPort {
			return true
		}
	}
	return false
}

// tracks reports whether sessions of the packet's protocol are tracked.
func (i *inspection) tracks(s *subject) bool {
	switch s.protocol {
	case wire.TCP:
		return i.TCP || i.isFTP(s)
	case wire.UDP:
		return i.UDP
	case wire.ICMP:
		return i.ICMP && s.icmpType == icmpEcho
	case wire.ICMPv6:
		return i.ICMP && s.icmpType == icmpv6Echo
	}
	return false
}

// vendorSettings are the timers of sessions and how strictly TCP is taken. The timers
// are those that ASPF, CBAC and the ASA have in common or by default: SYN 30 s, FIN
// 5 s, TCP an hour, UDP 30 s.
func vendorSettings(inspections []Inspection) settings {
	s := newSettings(Options{})
	s.liberal, s.strictNumbers = true, true
	s.loose = false
	for _, i := range inspections {
		s.loose = s.loose || !demandsSYN(i.Kind)
	}
	const hour = time.Hour
	s.tcp = tcpTimeouts{maxRetrans: hour, unacknowledged: hour}
	for state := range s.tcp.state {
		s.tcp.state[state] = 5 * time.Second
	}
	s.tcp.state[tcpSynSent], s.tcp.state[tcpSynRecv], s.tcp.state[tcpSynSent2] = 30*time.Second, 30*time.Second, 30*time.Second
	s.tcp.state[tcpEstablished], s.tcp.state[tcpCloseWait], s.tcp.state[tcpFinWait] = hour, hour, hour
	s.udp, s.udpStream, s.icmp, s.icmpv6 = 30*time.Second, 30*time.Second, 10*time.Second, 10*time.Second
	return s
}

// findSession finds the session of a packet that came in: one in the table, or a data
// connection that an inspection expects. It reports whether the packet goes on.
func (d *Device) findSession(w *way) bool {
	s := w.subject
	if !d.program.tracks || s.fragment == 2 {
		return true
	}
	w.hook = Inbound
	if isICMP(s.protocol) && isICMPError(s.protocol, s.icmpType) {
		if d.trackError(w); s.state == StateInvalid {
			s.state = StateNone
		}
		return true
	}
	key := tupleOf(s, w.packet)
	if _, _, known := d.table.find(key); !known && !d.isExpected(key) {
		return true
	}
	return d.continueSession(w)
}

// continueSession takes a packet of a session, or the first of an expected one, to the
// tracker.
func (d *Device) continueSession(w *way) bool {
	s := w.subject
	if !d.resolve(w) {
		return d.drop(w, HelperHook, ReasonTable)
	}
	kind := d.table.entries[s.slot].session.kind
	switch d.handle(w) {
	case trackValid:
		if e := &d.table.entries[s.slot]; s.reply && !e.has(StatusSeenReply) {
			e.status |= StatusSeenReply
			w.entryChanged = true
		}
		return true
	case trackAgain: // reopened: a session anew, if the lists permit it
	default:
		if refusesStray(kind) {
			s.slot, s.reply, s.state = noSlot, false, StateInvalid
			return d.drop(w, HelperHook, ReasonInspection)
		}
	}
	s.slot, s.reply, s.state = noSlot, false, StateNone
	return true
}

// bypasses reports whether a packet skips the lists of an interface (noInterface: the
// forward chain), because it belongs to a session.
func (d *Device) bypasses(w *way, at int16) bool {
	s := w.subject
	if s.slot == noSlot || s.state == StateNew {
		return false
	}
	e := &d.table.entries[s.slot]
	if e.session.bound != noInterface && e.session.bound != at {
		return false
	}
	return s.reply || s.state == StateRelated || e.has(StatusExpected) || e.session.followsBothWays()
}

// openSession opens the session of a packet that was permitted, if an inspection
// covers it. It reports whether the packet goes on.
func (d *Device) openSession(w *way) bool {
	s := w.subject
	if !d.program.tracks || s.slot != noSlot || s.fragment == 2 {
		return true
	}
	opened := d.sessionFor(s)
	if opened == nil {
		return true
	}
	if s.protocol == wire.TCP && demandsSYN(opened.kind) && kindOf(s.flags) != synSegment {
		return !refusesStray(opened.kind) || d.drop(w, HelperHook, ReasonInspection)
	}
	if !d.resolve(w) {
		return d.drop(w, HelperHook, ReasonTable)
	}
	if s.slot == noSlot || d.handle(w) != trackValid {
		s.slot, s.state = noSlot, StateNone
		return true
	}
	d.table.entries[s.slot].session = opened
	return true
}

// sessionFor returns the session that the inspections open for a packet, nil for none.
func (d *Device) sessionFor(s *subject) *session {
	var opened *session
	for i := range d.program.inspections {
		in := &d.program.inspections[i]
		if !in.covers(s) || !in.tracks(s) {
			continue
		}
		if opened == nil {
			opened = &session{kind: in.Kind, bound: noInterface}
			if in.Kind == "aspf" {
				opened.bound = in.at
			}
		}
		opened.join(in, s)
	}
	return opened
}

// join adds what one more inspection does with the session.
func (s *session) join(i *inspection, about *subject) {
	if i.isFTP(about) {
		s.ftp = true
		s.strict = s.strict || i.Strict
		s.readOnly = s.readOnly || i.ReadOnly
	}
}
