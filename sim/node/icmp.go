package node

import (
	"ftplab/sim/tcp"
	"ftplab/sim/wire"
)

// The ICMP types and codes that a host answers with (RFC 792; RFC 4443).
const (
	icmpEchoReply       = 0
	icmpUnreachable     = 3
	icmpEcho            = 8
	icmpPortUnreachable = 3 // a code of icmpUnreachable

	icmpv6Unreachable     = 1
	icmpv6PortUnreachable = 4 // a code of icmpv6Unreachable
	icmpv6Echo            = 128
	icmpv6EchoReply       = 129
)

// receiveICMP answers an echo request, and tells a connection about an error that quotes
// one of its segments.
func (h *Host) receiveICMP(p *wire.Packet) {
	switch {
	case p.Protocol == wire.ICMP && p.ICMPType == icmpEcho:
		h.answerEcho(p, icmpEchoReply)
		return
	case p.Protocol == wire.ICMPv6 && p.ICMPType == icmpv6Echo:
		h.answerEcho(p, icmpv6EchoReply)
		return
	}
	meaning := tcp.ICMPErrorOf(p)
	if meaning == tcp.ICMPIgnored {
		return
	}
	inner, err := wire.ParseQuote(p.Payload)
	if err != nil || inner.Protocol != wire.TCP {
		return
	}
	if i, ok := h.lookup(tuple{inner.SrcEndpoint(), inner.DstEndpoint()}); ok {
		h.conns[i].tcp.ReceiveICMP(h.w.now, meaning, inner.Seq)
		h.touch(i)
	}
}

// answerEcho sends back what a ping carries.
func (h *Host) answerEcho(p *wire.Packet, kind uint8) {
	h.answer(p, wire.Packet{
		Protocol: p.Protocol, TOS: p.TOS, ICMPType: kind, ICMPRest: p.ICMPRest,
		Payload: p.Payload, Blob: p.Blob, BlobOffset: p.BlobOffset,
	})
}

// refuseUDP says that nothing listens at the port of a datagram: no program of a
// simulated host speaks UDP.
func (h *Host) refuseUDP(p *wire.Packet) {
	refusal := wire.Packet{Protocol: wire.ICMP, ICMPType: icmpUnreachable, ICMPCode: icmpPortUnreachable, Payload: wire.Quote(p)}
	if p.Is6() {
		refusal.Protocol, refusal.ICMPType, refusal.ICMPCode = wire.ICMPv6, icmpv6Unreachable, icmpv6PortUnreachable
	}
	h.answer(p, refusal)
}

// answer sends a packet to the sender of p, if that is one.
func (h *Host) answer(p *wire.Packet, with wire.Packet) {
	if p.Src.IsUnspecified() || p.Src.IsMulticast() || p.Src.IsLoopback() {
		return
	}
	with.Src, with.Dst = p.Dst, p.Src
	h.send(&with, tcp.Fresh)
}
