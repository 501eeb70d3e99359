package audit

import (
	"math/bits"
	"net/netip"

	"ftplab/sim/event"
	"ftplab/sim/firewall"
	"ftplab/sim/wire"
)

// examples picks readable packets of a box: the values people know first.
func (u *universe) examples(b *box, server netip.Addr) []wire.Packet {
	var packets []wire.Packet
	for _, flags := range pickFlags(b.sets[dimFlags]) {
		p := wire.Packet{
			Src: u.pickAddress(b.spans[dimSource], server, "10.0.0.2", "2001:db8::2"),
			Dst: u.pickAddress(b.spans[dimDestination], server, "192.168.10.1", "2001:db8:10::1"),
			TTL: 64, Flags: flags, Seq: 1, Window: 65535,
			Protocol: wire.Protocol(pickNumber(b.spans[dimProtocol], uint64(wire.TCP), uint64(wire.UDP), uint64(wire.ICMP))),
		}
		if p.Dst == p.Src { // nobody sends to himself through a firewall
			p.Dst = u.pickAddress(b.spans[dimDestination], server, "10.0.0.2", "2001:db8::2")
		}
		if p.Protocol == wire.TCP || p.Protocol == wire.UDP {
			p.SrcPort = uint16(pickNumber(b.spans[dimSourcePort], 1026, 21, 20, 1024, 80))
			p.DstPort = uint16(pickNumber(b.spans[dimDestinationPort], 21, 20, 1027, 2024, 1024, 80))
		}
		if p.Protocol != wire.TCP {
			p.Flags, p.Seq, p.Window = 0, 0, 0
		}
		if p.Protocol == wire.ICMP || p.Protocol == wire.ICMPv6 {
			p.ICMPType = uint8(pickNumber(b.spans[dimICMPType], 8))
			p.ICMPCode = uint8(pickNumber(b.spans[dimICMPCode], 0))
		}
		if p.Flags&wire.ACK != 0 {
			p.Ack = 1
		}
		packets = append(packets, p)
	}
	return packets
}

// pickFlags returns the flags that people know that are in the set, else the lowest there.
func pickFlags(set uint64) []wire.Flags {
	var known []wire.Flags
	for _, flags := range []wire.Flags{wire.SYN, wire.ACK, wire.SYN | wire.ACK, wire.PSH | wire.ACK, wire.RST} {
		if set&(1<<flags) != 0 {
			known = append(known, flags)
		}
	}
	if len(known) == 0 {
		return []wire.Flags{wire.Flags(bits.TrailingZeros64(set))}
	}
	return known
}

// pickNumber returns the first of the wanted numbers that is in the span, else its lowest.
func pickNumber(s span, wanted ...uint64) uint64 {
	for _, n := range wanted {
		if x := small(n); !x.less(s.low) && !s.high.less(x) {
			return n
		}
	}
	return s.low.lo
}

func (u *universe) pickAddress(s span, server netip.Addr, four, six string) netip.Addr {
	wanted := []netip.Addr{netip.MustParseAddr(four)}
	if u.family == IPv6 {
		wanted[0] = netip.MustParseAddr(six)
	}
	if server.IsValid() && u.has(server) {
		wanted = append(wanted, server)
	}
	for _, a := range wanted {
		if n := addressNumber(a); !n.less(s.low) && !s.high.less(n) {
			return a
		}
	}
	low := s.low
	if low == (number{}) && low.less(s.high) {
		low = low.next() // 0.0.0.0 is nobody's address
	}
	return low.address(u.family)
}

// opening returns the handshake before a packet of an established connection.
func opening(p *wire.Packet) []wire.Packet {
	syn := *p
	syn.Flags, syn.Seq, syn.Ack, syn.Payload = wire.SYN, 0, 0, nil
	answer := syn
	answer.Src, answer.Dst, answer.SrcPort, answer.DstPort = syn.Dst, syn.Src, syn.DstPort, syn.SrcPort
	answer.Flags, answer.Ack = wire.SYN|wire.ACK, 1
	return []wire.Packet{syn, answer}
}

// run hands the setup and the packet to a device with these rules, between two networks
// of which the second leads everywhere else.
func run(rs *firewall.Ruleset, d *Difference) Judgement {
	host := func(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }
	inside, outside := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("198.51.100.1")
	if d.Packet.Src.Is6() {
		inside, outside = netip.MustParseAddr("2001:db8:a::1"), netip.MustParseAddr("2001:db8:b::1")
	}
	config := firewall.Config{Name: "firewall", Rules: rs, Seed: 1}
	faces := [2]firewall.Interface{{Name: d.In, Prefixes: []netip.Prefix{host(inside)}}, {Name: d.Out, Prefixes: []netip.Prefix{host(outside)}}}
	own := netip.Addr{}
	switch {
	case d.In == "":
		own, faces[1].Prefixes, faces[0].Name = d.Packet.Src, []netip.Prefix{host(d.Packet.Src)}, "in"
	case d.Out == "":
		own, faces[0].Prefixes, faces[1].Name = d.Packet.Dst, []netip.Prefix{host(d.Packet.Dst)}, "out"
	}
	config.Interfaces = faces[:]
	if d.Packet.Src != own {
		config.Routes = append(config.Routes, firewall.Route{Dst: host(d.Packet.Src), Interface: 0})
	}
	if d.Packet.Dst != own {
		config.Routes = append(config.Routes, firewall.Route{Dst: host(d.Packet.Dst), Interface: 1})
	}
	config.Routes = append(config.Routes, firewall.Route{Dst: netip.PrefixFrom(unspecified(d.Packet.Src), 0), Interface: 1})
	device := firewall.NewDevice(config)
	now := event.Time(0)
	judge := func(p *wire.Packet) firewall.Decision {
		now++
		switch {
		case p.Src == own:
			return device.Send(now, p)
		case p.Src == d.Packet.Dst:
			return device.Receive(now, 1, p)
		}
		return device.Receive(now, 0, p)
	}
	for _, p := range d.Setup {
		judge(&p)
	}
	p := d.Packet
	decision := judge(&p)
	return Judgement{Decision: decision, Missed: device.Explain(), After: p}
}

// unspecified is the address of a family that stands for none.
func unspecified(a netip.Addr) netip.Addr {
	if a.Is4() {
		return netip.IPv4Unspecified()
	}
	return netip.IPv6Unspecified()
}
