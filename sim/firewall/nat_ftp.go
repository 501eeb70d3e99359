package firewall

import "fmt"

// announceTranslated expects a connection whose control connection is translated: the
// announcement is rewritten to the address that the other side sees, and the data
// connection will be translated alike (nf_nat_ftp).
func (d *Device) announceTranslated(w *way, e *entry, x expectation, found announcement) Reason {
	dir := w.dir()
	x.follow, x.dir, x.savedPort = true, dir^1, x.port
	port, ok := d.expectSomePort(x)
	if !ok || port == 0 {
		return ReasonNAT
	}
	w.decision.Expectation = d.expected.lastID
	text := found.format(e.tuples[dir^1].dst, port, w.subject.family)
	w.replacePayload(found.at, found.length, text)
	if delta := len(text) - found.length; delta != 0 {
		e.status |= statusSeqAdjust
		e.adjust[dir].add(w.packet.Seq, int32(delta))
	}
	return ReasonNone
}

// expectSomePort makes the expectation for the announced port or, if another
// connection expects that, for a random higher one (nf_nat_exp_find_port).
func (d *Device) expectSomePort(x expectation) (uint16, bool) {
	asked, above := x.port, 65535-uint32(x.port)
	for attempts := min(above, maxAttempts); ; attempts-- {
		switch d.expect(x) {
		case expectMade:
			return x.port, true
		case expectFull:
			return 0, false
		}
		if attempts == 0 || above == 0 {
			return 0, false
		}
		x.port = asked + uint16(d.random16()*above>>16)
	}
}

// format writes an announcement as the kernel does, whatever form it had.
func (a *announcement) format(to address, port uint16, family uint8) string {
	switch {
	case a.kind == announce229:
		return fmt.Sprintf("|||%d|", port)
	case a.kind == announceEPRT && family == 4:
		return fmt.Sprintf("|1|%s|%d|", to.addr(4), port)
	case a.kind == announceEPRT:
		return fmt.Sprintf("|2|%s|%d|", to.addr(6).StringExpanded(), port)
	}
	// The first four octets of whatever address it is.
	v := uint32(to.lo)
	if family == 6 {
		v = uint32(to.hi >> 32)
	}
	return fmt.Sprintf("%d,%d,%d,%d,%d,%d", v>>24, v>>16&0xff, v>>8&0xff, v&0xff, port>>8, port&0xff)
}

// replacePayload puts text in the place of length octets of the payload.
func (w *way) replacePayload(at, length int, text string) {
	p := w.packet
	payload := make([]byte, 0, len(p.Payload)-length+len(text))
	payload = append(payload, p.Payload[:at]...)
	payload = append(payload, text...)
	p.Payload = append(payload, p.Payload[at+length:]...)
	p.Blob, p.BlobOffset = 0, 0
	w.subject.length = uint16(p.Len())
	w.decision.Rewritten = true
}

// followMaster translates an expected connection as its control connection
// (nf_nat_follow_master).
func (d *Device) followMaster(e, master *entry, x *expectation) {
	back := &master.tuples[x.dir^1]
	d.setUp(fresh, natRange{mapAddress: true, low: back.dst, high: back.dst}, changeSource)
	d.setUp(fresh, natRange{
		mapAddress: true, low: back.src, high: back.src,
		mapPort: true, portLow: x.savedPort, portHigh: x.savedPort,
	}, changeDestination)
}
