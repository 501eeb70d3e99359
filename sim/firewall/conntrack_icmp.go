package firewall

import "ftplab/sim/wire"

// trackEcho handles the ICMP messages that ask and answer: only a question begins a
// connection.
func (d *Device) trackEcho(w *way, e *entry) tracking {
	asks := uint8(e.tuples[original].dstPort >> 8)
	timeout := d.settings.icmp
	if e.protocol() == wire.ICMPv6 {
		timeout = d.settings.icmpv6
		if asks != icmpv6Echo && asks != icmpv6NodeQuery {
			return w.subject.refuse(invalidFirst)
		}
	} else if asks != icmpEcho && asks != icmpTimestamp && asks != icmpInfo && asks != icmpMask {
		return w.subject.refuse(invalidFirst)
	}
	d.refresh(w, e, timeout)
	return trackValid
}

// trackError handles the ICMP messages that are not for trackEcho: an error belongs to
// the connection whose packet it quotes. It reports whether the packet was handled.
func (d *Device) trackError(w *way) bool {
	s := w.subject
	if w.packet.BadChecksum && d.settings.checksum && w.hook == Prerouting {
		s.markInvalid(invalidChecksum)
		return true
	}
	switch {
	case s.protocol == wire.ICMPv6 && isNeighborDiscovery(s.icmpType):
		s.state = StateUntracked
		return true
	case s.protocol == wire.ICMP && s.icmpType > icmpHighest:
		s.markInvalid(invalidUnknown)
		return true
	case !isICMPError(s.protocol, s.icmpType):
		return false
	}
	s.markInvalid(invalidUnrelated)
	quoted, err := wire.ParseQuote(w.packet.Payload)
	if err != nil || quoted.FragmentOffset != 0 || familyOf(quoted.Src) != s.family {
		return true
	}
	var inner subject
	inner.read(&quoted, noInterface)
	key, ok := tupleOf(&inner, &quoted).inverse()
	if !ok {
		return true
	}
	slot, dir, ok := d.table.find(key)
	if !ok || d.table.entries[slot].tuples[dir].dst != s.dst {
		return true // not ours, or sent to someone whom it does not concern
	}
	s.slot, s.reply, s.state = slot, dir == reply, StateRelated
	w.decision.Expectation = d.table.entries[slot].expectation
	return true
}

func isICMPError(protocol wire.Protocol, kind uint8) bool {
	if protocol == wire.ICMPv6 {
		return kind < icmpv6Echo
	}
	switch kind {
	case icmpUnreachable, icmpSourceQuench, icmpRedirect, icmpTimeExceeded, icmpParameter:
		return true
	}
	return false
}

// isNeighborDiscovery reports whether an ICMPv6 message is one of those that are
// never tracked (RFC 4861, 2710).
func isNeighborDiscovery(kind uint8) bool {
	return kind >= 130 && kind <= 137 || kind == 143
}
