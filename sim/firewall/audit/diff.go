package audit

import (
	"math/bits"
	"net/netip"
	"slices"

	"ftplab/sim/event"
	"ftplab/sim/firewall"
	"ftplab/sim/wire"
)

// Difference is a packet that two rulesets treat differently, with what each does.
type Difference struct {
	// Setup are packets that go before it, if the difference is only in an established
	// connection.
	Setup []wire.Packet
	// Packet comes in through In and would leave through Out.
	Packet  wire.Packet
	In, Out string
	// Left and Right are the verdicts of the two, by the very device that runs them.
	Left, Right Judgement
}

// Judgement is what one ruleset does with the packet, and why.
type Judgement struct {
	Decision firewall.Decision
	Missed   []firewall.Missed
}

// Comparison is the result of comparing two rulesets.
type Comparison struct {
	// First is a packet on which they differ; nil if they agree on every packet.
	First *Difference
	// Notes say what was not looked at; Incomplete that the budget was hit.
	Notes      []string
	Incomplete bool
}

// Compare finds a packet that two rulesets treat differently. They may be of different
// dialects; interfaces are the same if they have the same name. It looks at packets that
// open a connection, and if they agree on those at packets of established connections,
// of either direction; none of them is a fragment.
func Compare(left, right *firewall.Ruleset, family Family, o Options) *Comparison {
	b := &budget{left: o.Budget}
	if o.Budget == 0 {
		b.left = DefaultBudget
	}
	u := newUniverse(family, b, left, right)
	result := &Comparison{}
	unproved := false
	for _, m := range []moment{{firewall.StateNew, false}, {firewall.StateEstablished, false}, {firewall.StateEstablished, true}} {
		d, differ := u.differ(left, right, o.Server, m, result)
		if d != nil {
			result.First = d
			break
		}
		unproved = unproved || differ
	}
	if result.First == nil {
		result.noteLimits(left, right, unproved)
	}
	result.Incomplete = b.hit
	return result
}

// noteLimits says what "no difference" leaves out.
func (c *Comparison) noteLimits(left, right *firewall.Ruleset, unproved bool) {
	if unproved {
		c.Notes = append(c.Notes, "the conditions of the two are not the same, but on the packets tried both did the same")
	}
	if readsFTP(left) || readsFTP(right) {
		c.Notes = append(c.Notes, "data connections that an FTP inspection lets in are not compared")
	}
}

// moment is when in a connection packets are compared.
type moment struct {
	state firewall.CTState
	reply bool // from the side that answered
}

// differ looks for a difference among packets of one moment. Regions says that the two
// are not the same in words, whether or not a packet shows it.
func (u *universe) differ(left, right *firewall.Ruleset, server netip.Addr, m moment, result *Comparison) (d *Difference, regions bool) {
	var permits [2]region
	for i, rs := range []*firewall.Ruleset{left, right} {
		a := &analysis{rs: rs, u: u}
		start := a.withState(u.everything(), m.state, false)
		start.sets[dimHelper], start.sets[dimFragment], start.sets[dimReply] = 1, 1, 1
		if m.reply {
			start.sets[dimReply] = 1 << 1
		}
		t := compile(rs, u, region{start})
		for _, n := range t.notes {
			if !slices.Contains(result.Notes, n) {
				result.Notes = append(result.Notes, n)
			}
		}
		permits[i] = free(t.permit, u)
	}
	for _, pair := range [][2]region{{permits[0], permits[1]}, {permits[1], permits[0]}} {
		only := pair[0].subtract(pair[1], u.budget)
		regions = regions || len(only) > 0
		for i := range only {
			if d := u.witness(&only[i], left, right, server, m); d != nil {
				return d, true
			}
		}
	}
	return nil, regions
}

// free lets the connection state of a region go: two rulesets are compared on packets,
// and each gives its own state to a packet.
func free(r region, u *universe) region {
	all := u.everything()
	out := slices.Clone(r)
	for i := range out {
		out[i].sets[dimState] = all.sets[dimState]
	}
	return out
}

// witness makes a packet of a box and runs it through both devices; nil if they agree on
// it after all, because of something that the boxes do not know.
func (u *universe) witness(b *box, left, right *firewall.Ruleset, server netip.Addr, m moment) *Difference {
	for _, p := range u.examples(b, server) {
		d := &Difference{Packet: p}
		d.In = u.interfaceOf(b.sets[dimIn], "in", "")
		d.Out = u.interfaceOf(b.sets[dimOut], "out", d.In)
		switch {
		case m.state == firewall.StateEstablished && m.reply:
			q := p
			q.Src, q.Dst, q.SrcPort, q.DstPort = p.Dst, p.Src, p.DstPort, p.SrcPort
			d.Setup = opening(&q)
		case m.state == firewall.StateEstablished:
			d.Setup = opening(&p)
		}
		d.Left, d.Right = u.run(left, d), u.run(right, d)
		if d.Left.Decision.Action != d.Right.Decision.Action {
			return d
		}
	}
	return nil
}

// interfaceOf names one interface of a set that is not taken; other is the name of one
// that no ruleset mentions.
func (u *universe) interfaceOf(set uint64, other, taken string) string {
	for i, name := range u.interfaces {
		if set&(1<<i) != 0 && name != taken {
			return name
		}
	}
	return other
}

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

// run hands the setup and the packet to a device with these rules.
func (u *universe) run(rs *firewall.Ruleset, d *Difference) Judgement {
	host := func(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }
	device := firewall.NewDevice(firewall.Config{
		Name:       "firewall",
		Interfaces: []firewall.Interface{{Name: d.In}, {Name: d.Out}},
		Routes:     []firewall.Route{{Dst: host(d.Packet.Src), Interface: 0}, {Dst: host(d.Packet.Dst), Interface: 1}},
		Rules:      rs,
	})
	now := event.Time(0)
	for _, p := range d.Setup {
		in := 0
		if p.Src == d.Packet.Dst {
			in = 1
		}
		now++
		device.Receive(now, in, &p)
	}
	p := d.Packet
	decision := device.Receive(now+1, 0, &p)
	return Judgement{Decision: decision, Missed: device.Explain()}
}
