package firewall

import (
	"net/netip"

	"ftplab/sim/wire"
)

// ownTTL is the hop limit of the device's own packets.
const ownTTL = 64

// icmpErrors are the type and code of each answer, for ICMP and ICMPv6 (RFC 792, 1812,
// 4443; nft's icmpx for the codes that have no counterpart).
var icmpErrors = [TCPReset]struct{ kind, code, kind6, code6 uint8 }{
	ICMPPortUnreachable:  {icmpUnreachable, 3, icmpv6Unreachable, 4},
	ICMPNetUnreachable:   {icmpUnreachable, 0, icmpv6Unreachable, 0},
	ICMPHostUnreachable:  {icmpUnreachable, 1, icmpv6Unreachable, 3},
	ICMPProtoUnreachable: {icmpUnreachable, 2, icmpv6Unreachable, 4},
	ICMPNetProhibited:    {icmpUnreachable, 9, icmpv6Unreachable, 1},
	ICMPHostProhibited:   {icmpUnreachable, 10, icmpv6Unreachable, 1},
	ICMPAdminProhibited:  {icmpUnreachable, 13, icmpv6Unreachable, 1},
}

// reject answers a packet that a rule rejected.
func (d *Device) reject(w *way, with RejectWith) {
	if w.packet.BadChecksum {
		return
	}
	if with == TCPReset {
		if answer, ok := resetFor(w.packet); ok {
			d.closeAfterReset(w)
			d.answer(w, answer, true)
		}
		return
	}
	kind := icmpErrors[with]
	if w.subject.family == 6 {
		d.sendError(w, kind.kind6, kind.code6)
	} else {
		d.sendError(w, kind.kind, kind.code)
	}
}

// resetFor returns the reset that answers a segment (RFC 9293, section 3.10.7.1),
// false if nothing may: a reset is never answered.
func resetFor(p *wire.Packet) (wire.Packet, bool) {
	if p.Protocol != wire.TCP || p.FragmentOffset != 0 || p.Flags&wire.RST != 0 {
		return wire.Packet{}, false
	}
	answer := wire.Packet{
		Src: p.Dst, Dst: p.Src, SrcPort: p.DstPort, DstPort: p.SrcPort,
		Protocol: wire.TCP, TTL: ownTTL, Flags: wire.RST,
	}
	if p.Flags&wire.ACK != 0 {
		answer.Seq = p.Ack
	} else {
		answer.Ack = p.Seq + p.SegmentLen()
		answer.Flags |= wire.ACK
	}
	return answer, true
}

// closeAfterReset ends a connection's life soon: the device has reset it.
func (d *Device) closeAfterReset(w *way) {
	if w.subject.slot == noSlot || w.subject.slot == fresh {
		return
	}
	e := &d.table.entries[w.subject.slot]
	if e.tcp.state == tcpClose {
		return
	}
	e.tcp.state = tcpClose
	e.expires = d.now.Add(d.settings.tcp.state[tcpClose])
	d.table.schedule(w.subject.slot)
	w.entryChanged = true
}

// sendError answers a packet with an ICMP error, unless there must be none (RFC 1122,
// section 3.2.2; RFC 4443, section 2.4).
func (d *Device) sendError(w *way, kind, code uint8) {
	p := w.packet
	switch {
	case p.FragmentOffset != 0,
		isICMP(p.Protocol) && isICMPError(p.Protocol, p.ICMPType),
		w.subject.dst.isMulticast(w.subject.family) || d.routes.isBroadcast(w.subject.dst, w.subject.family),
		p.Src.IsUnspecified() || p.Src.IsMulticast() || p.Src.IsLoopback():
		return
	}
	from, ok := d.errorSource(w)
	if !ok {
		return
	}
	answer := wire.Packet{
		Src: from, Dst: p.Src, Protocol: wire.ICMP, TTL: ownTTL,
		ICMPType: kind, ICMPCode: code, Payload: wire.Quote(p),
	}
	if w.subject.family == 6 {
		answer.Protocol = wire.ICMPv6
	} else {
		answer.TOS = p.TOS&0x1e | 0xc0 // internetwork control (RFC 1812, section 4.3.2.5)
	}
	d.answer(w, answer, true)
}

// errorSource is the address that an error about the packet comes from: the one it
// was sent to if that is the device's own, else one of the interface of the way back
// (IPv4) or of the one it came in by (IPv6).
func (d *Device) errorSource(w *way) (netip.Addr, bool) {
	s := w.subject
	if d.routes.isLocal(s.dst, s.family) {
		return w.packet.Dst, true
	}
	if s.family == 6 && s.in != noInterface {
		return d.routes.sourceFor(s.in, w.packet.Src)
	}
	back, ok := d.routes.lookup(s.src, s.family)
	if !ok || back.blackhole {
		return netip.Addr{}, false
	}
	towards := w.packet.Src
	if back.via.IsValid() {
		towards = back.via
	}
	return d.routes.sourceFor(back.at, towards)
}

// answer sends a packet that the device gives in answer to another. An attached one
// belongs to that one's connection, in the other direction, as its error does.
func (d *Device) answer(w *way, p wire.Packet, attached bool) {
	if w.answers || d.routes.isLocal(addressOf(p.Dst), w.subject.family) {
		return // not an answer to an answer, nor to the device itself
	}
	d.replies = append(d.replies, Reply{Packet: p})
	last := &d.replies[len(d.replies)-1]
	own := way{packet: &last.Packet, subject: new(subject), answers: true}
	own.start(noInterface, d.program)
	if attached && w.subject.slot != noSlot {
		own.subject.slot = w.subject.slot
		own.subject.reply = !w.subject.reply
		own.subject.state = StateRelated
		own.decision.Expectation = w.decision.Expectation
	}
	d.originate(&own)
	d.finish(&own)
	last.Decision = own.decision
	if own.decision.Action != ActionForward {
		d.replies = d.replies[:len(d.replies)-1]
	}
}
