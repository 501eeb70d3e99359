package firewall

// connectionNumber returns the value of a numeric field of the packet's connection.
func (d *Device) connectionNumber(f Field, s *subject) (uint64, bool) {
	if s.slot == noSlot {
		return 0, false
	}
	e := &d.table.entries[s.slot]
	switch f {
	case Direction:
		if s.reply {
			return 1, true
		}
		return 0, true
	case Status:
		return uint64(e.status), true
	case CTMark:
		return uint64(e.mark), true
	case CTProtocol:
		return uint64(e.tuples[original].protocol), true
	case CTOriginalSourcePort:
		return uint64(e.tuples[original].srcPort), true
	case CTOriginalDestinationPort:
		return uint64(e.tuples[original].dstPort), true
	case CTReplySourcePort:
		return uint64(e.tuples[reply].srcPort), true
	case CTReplyDestinationPort:
		return uint64(e.tuples[reply].dstPort), true
	}
	return 0, false
}

// connectionAddress returns the value of an address field of the packet's connection.
func (d *Device) connectionAddress(f Field, s *subject) (address, bool) {
	if s.slot == noSlot {
		return address{}, false
	}
	e := &d.table.entries[s.slot]
	switch f {
	case CTOriginalSource:
		return e.tuples[original].src, true
	case CTOriginalDestination:
		return e.tuples[original].dst, true
	case CTReplySource:
		return e.tuples[reply].src, true
	case CTReplyDestination:
		return e.tuples[reply].dst, true
	}
	return address{}, false
}

// helperOf returns the name of the helper that expected the packet's connection: its
// master's, as `ct helper` and `-m helper` mean it; "" if none did.
func (d *Device) helperOf(s *subject) string {
	if s.slot == noSlot {
		return ""
	}
	return d.table.entries[s.slot].masterHelper
}
