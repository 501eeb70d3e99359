package rulestest

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"

	"ftplab/sim/event"
	"ftplab/sim/firewall"
	"ftplab/sim/wire"
)

// Difference says on which packet two rulesets do different things, "" if on none of
// n random ones. The packets have values that the rules ask for, and neighbours of
// them; some answer others, so that connections come about.
func Difference(a, b *firewall.Ruleset, interfaces []string, seed uint64, n int) string {
	rng := rand.New(rand.NewPCG(seed, 1))
	values := corners(a, b)
	left, right := device(a, interfaces), device(b, interfaces)
	var sent []wire.Packet
	var from []int
	for i := range n {
		now := event.Time(i) * event.Time(1e7)
		p, in := values.packet(rng, len(interfaces))
		if len(sent) > 0 && rng.IntN(2) == 0 {
			p, in = answer(rng, sent, from, len(interfaces))
		}
		p.Serial = uint32(i + 1)
		leftPacket, rightPacket := p, p
		x, y := left.Receive(now, in, &leftPacket), right.Receive(now, in, &rightPacket)
		if x.Action != y.Action || x.Out != y.Out || !reflect.DeepEqual(leftPacket, rightPacket) {
			return fmt.Sprintf("packet %d by %s: %+v\n%v at %v (state %v, rule %s)\n%v at %v (state %v, rule %s)\nbecomes %+v\nor      %+v", i, interfaces[in], p,
				x.Action, x.Hook, x.State, ruleText(a, x), y.Action, y.Hook, y.State, ruleText(b, y), leftPacket, rightPacket)
		}
		if x.Action == firewall.ActionForward {
			sent, from = append(sent, leftPacket), append(from, int(x.Out))
		}
	}
	return ""
}

func ruleText(rs *firewall.Ruleset, d firewall.Decision) string {
	if d.Rule < 0 {
		return "none"
	}
	return rs.Rules[d.Rule].Text
}

// device is a router with a network on each interface; the last one leads to all
// others.
func device(rs *firewall.Ruleset, interfaces []string) *firewall.Device {
	config := firewall.Config{Name: "fw", Rules: rs, Seed: 1}
	for i, name := range interfaces {
		config.Interfaces = append(config.Interfaces, firewall.Interface{Name: name, Prefixes: []netip.Prefix{
			netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i), 0, 254}), 24),
			netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 0, byte(i), 15: 254}), 64)}})
	}
	last := len(interfaces) - 1
	config.Routes = []firewall.Route{
		{Dst: netip.MustParsePrefix("0.0.0.0/0"), Via: netip.AddrFrom4([4]byte{10, byte(last), 0, 1}), Interface: last},
		{Dst: netip.MustParsePrefix("::/0"), Via: netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 0, byte(last), 15: 1}), Interface: last}}
	return firewall.NewDevice(config)
}

// cornerValues are values that rules ask for.
type cornerValues struct {
	v4, v6 []netip.Addr
	ports  []uint16
}

// corners collects the values of two rulesets.
func corners(rulesets ...*firewall.Ruleset) *cornerValues {
	c := &cornerValues{ports: []uint16{20, 21, 1024, 1025, 40000, 53}}
	for i := byte(0); i < 3; i++ {
		c.v4 = append(c.v4, netip.AddrFrom4([4]byte{10, i, 0, 1}), netip.AddrFrom4([4]byte{10, i, 0, 7}))
		c.v6 = append(c.v6, netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 0, i, 15: 1}))
	}
	for _, rs := range rulesets {
		for _, r := range rs.Rules {
			for _, part := range r.Parts {
				if part.Match != nil {
					c.add(part.Match)
				}
			}
		}
		for _, s := range rs.Sets {
			for _, e := range s.Elements {
				for k := range e.Key {
					c.add(&e.Key[k])
				}
			}
		}
	}
	return c
}

func (c *cornerValues) add(m *firewall.Match) {
	for i := range m.AnyOf {
		c.add(&m.AnyOf[i])
	}
	for _, t := range m.Addresses {
		for _, a := range [...]netip.Addr{t.Base, t.From, t.To} {
			for _, near := range [...]netip.Addr{a, a.Next(), a.Prev()} {
				switch {
				case !near.IsValid() || near.IsUnspecified() || near.IsMulticast():
				case near.Is4():
					c.v4 = append(c.v4, near)
				default:
					c.v6 = append(c.v6, near)
				}
			}
		}
	}
	for _, r := range m.Ranges {
		for _, n := range [...]uint64{r.Low - 1, r.Low, r.High, r.High + 1} {
			if n > 0 && n < 65536 {
				c.ports = append(c.ports, uint16(n))
			}
		}
	}
}

func pick[T any](rng *rand.Rand, values []T) T { return values[rng.IntN(len(values))] }

// packet makes up a packet and the interface it comes in by.
func (c *cornerValues) packet(rng *rand.Rand, interfaces int) (wire.Packet, int) {
	p := wire.Packet{TTL: 64, Seq: rng.Uint32(), Window: 64240, Payload: make([]byte, rng.IntN(3)*rng.IntN(60))}
	if rng.IntN(4) == 0 {
		p.Src, p.Dst = pick(rng, c.v6), pick(rng, c.v6)
	} else {
		p.Src, p.Dst = pick(rng, c.v4), pick(rng, c.v4)
	}
	if rng.IntN(20) == 0 {
		p.TTL = uint8(1 + rng.IntN(5))
	}
	switch rng.IntN(10) {
	case 0:
		p.Protocol, p.ICMPType, p.ICMPCode = wire.ICMP, pick(rng, []uint8{0, 3, 8, 11, 13}), uint8(rng.IntN(5))
		if p.Is6() {
			p.Protocol, p.ICMPType = wire.ICMPv6, pick(rng, []uint8{1, 128, 129, 135, 136})
		}
	case 1:
		p.Protocol = pick(rng, []wire.Protocol{50, 47, 2})
	case 2, 3:
		p.Protocol, p.SrcPort, p.DstPort = wire.UDP, pick(rng, c.ports), pick(rng, c.ports)
	default:
		p.Protocol, p.SrcPort, p.DstPort = wire.TCP, pick(rng, c.ports), pick(rng, c.ports)
		p.Flags = wire.SYN
		if rng.IntN(3) == 0 {
			p.Flags = wire.Flags(rng.IntN(64))
		}
	}
	return p, rng.IntN(interfaces)
}

// answer makes up a packet that answers one that was forwarded, or repeats it.
func answer(rng *rand.Rand, sent []wire.Packet, from []int, interfaces int) (wire.Packet, int) {
	i := len(sent) - 1 - rng.IntN(min(len(sent), 8))
	p, in := sent[i], from[i]
	if rng.IntN(4) == 0 {
		return p, rng.IntN(interfaces)
	}
	p.Src, p.Dst, p.SrcPort, p.DstPort = p.Dst, p.Src, p.DstPort, p.SrcPort
	p.TTL = 64
	if p.Protocol == wire.TCP {
		ack := p.Seq + p.SegmentLen()
		p.Seq, p.Ack, p.Payload = p.Ack, ack, nil
		switch {
		case p.Flags == wire.SYN:
			p.Flags, p.Seq = wire.SYN|wire.ACK, rng.Uint32()
		default:
			p.Flags = pick(rng, []wire.Flags{wire.ACK, wire.ACK, wire.ACK | wire.FIN, wire.RST})
		}
	}
	return p, in
}
