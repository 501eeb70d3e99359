package firewall

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"ftplab/sim/event"
	"ftplab/sim/wire"
)

// syntheticRules makes a forward chain of n rules that differ in addresses and ports,
// as access lists do; the packets of the benchmarks match none of them but the last.
func syntheticRules(n int, tracked bool) *Ruleset {
	rules := &Ruleset{Dialect: "nft", UsesConntrack: tracked}
	add := func(verdict VerdictKind, parts ...Part) {
		rules.Rules = append(rules.Rules, Rule{Line: len(rules.Rules) + 1, Parts: parts, Verdict: Verdict{Kind: verdict}})
	}
	if tracked {
		add(Accept, Part{Match: &Match{Field: State, Mask: uint32(StateEstablished | StateRelated), AnyBit: true}})
	}
	number := func(f Field, low, high uint64) Part {
		return Part{Match: &Match{Field: f, Ranges: []Range{{low, high}}}}
	}
	prefix := func(f Field, a string) Part {
		p := netip.MustParsePrefix(a)
		care := maskOf(p)
		return Part{Match: &Match{Field: f, Addresses: []AddressTest{{Base: p.Addr(), Care: care.addr(4)}}}}
	}
	for i := len(rules.Rules); i < n-1; i++ {
		parts := []Part{number(ProtocolField, 6, 6)}
		switch i % 4 {
		case 0:
			parts = append(parts, prefix(SourceAddress, fmt.Sprintf("172.16.%d.0/24", i%250)), number(DestinationPort, uint64(i), uint64(i)))
		case 1:
			parts = append(parts, number(DestinationPort, uint64(10000+i), uint64(10000+i)))
		case 2:
			parts = append(parts, prefix(DestinationAddress, fmt.Sprintf("10.%d.%d.0/24", i/250, i%250)), number(SourcePort, 20, 21))
		case 3:
			parts = append(parts, prefix(SourceAddress, fmt.Sprintf("192.0.%d.0/24", i%250)), prefix(DestinationAddress, "198.51.100.0/24"))
		}
		add(Drop, parts...)
	}
	add(Accept, number(ProtocolField, 6, 6), number(DestinationPort, 2024, 2024))
	rules.Chains = []Chain{{Family: "ip", Name: "forward", Hook: Forward, Policy: Verdict{Kind: Drop}, Count: len(rules.Rules)}}
	return rules
}

func benchmarkConfig(rules *Ruleset) Config {
	return Config{
		Interfaces: []Interface{
			{Name: "lan", Prefixes: []netip.Prefix{netip.MustParsePrefix("192.168.10.254/24")}},
			{Name: "wan", Prefixes: []netip.Prefix{netip.MustParsePrefix("203.0.113.2/24")}},
		},
		Routes: []Route{{Dst: netip.MustParsePrefix("0.0.0.0/0"), Interface: 1}},
		Rules:  rules,
	}
}

func dataSegment() wire.Packet {
	return wire.Packet{
		Src: client, Dst: server, SrcPort: 1027, DstPort: 2024, Seq: 1, Ack: 1, Flags: wire.ACK, Window: 65535,
		Protocol: wire.TCP, TTL: 64, Payload: make([]byte, 1000),
	}
}

// aclRules makes a list of 5-tuple rules as in access lists: prefixes of /16 to /32 of
// two networks, a small range of destination ports, TCP or UDP.
func aclRules(n int, rng *rand.Rand) *Ruleset {
	rules := &Ruleset{Dialect: "nft"}
	prefix := func(f Field, base uint32) Part {
		care := ^uint32(0) << (32 - 16 - rng.IntN(17))
		test := AddressTest{Base: address{lo: uint64(base & care)}.addr(4), Care: address{lo: uint64(care)}.addr(4)}
		return Part{Match: &Match{Field: f, Addresses: []AddressTest{test}}}
	}
	for range n {
		port := uint64(rng.IntN(1024))
		rules.Rules = append(rules.Rules, Rule{
			Parts: []Part{
				prefix(SourceAddress, 0x0a000000|rng.Uint32()&0xffffff), prefix(DestinationAddress, 0xc0a80000|rng.Uint32()&0xffff),
				{Match: &Match{Field: ProtocolField, Ranges: []Range{{6, 6}}}},
				{Match: &Match{Field: DestinationPort, Ranges: []Range{{port, port + uint64(rng.IntN(64))}}}},
			},
			Verdict: Verdict{Kind: Drop},
		})
	}
	rules.Chains = []Chain{{Family: "ip", Name: "forward", Hook: Forward, Count: n}}
	return rules
}

// BenchmarkFilter is the time of a verdict alone: which of so many rules is the first
// that matches one of 256 different packets. "miss" packets match none, "hit" packets
// are made from a rule.
func BenchmarkFilter(b *testing.B) {
	for _, n := range []int{5, 50, 1000, 10000} {
		for _, hit := range []bool{false, true} {
			name := fmt.Sprintf("%d-rules/miss", n)
			if hit {
				name = fmt.Sprintf("%d-rules/hit", n)
			}
			b.Run(name, func(b *testing.B) {
				rng := rand.New(rand.NewPCG(1, uint64(n)))
				d := NewDevice(benchmarkConfig(aclRules(n, rng)))
				ways := filterPackets(d, hit, rng)
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					w := &ways[i&(len(ways)-1)]
					w.decision.NumHits = 0
					d.ask(w, 0)
					i++
				}
			})
		}
	}
}

func filterPackets(d *Device, hit bool, rng *rand.Rand) []way {
	ways := make([]way, 256)
	for i := range ways {
		p := dataSegment()
		p.Src, p.Dst = address{lo: uint64(0x0a000000 | rng.Uint32()&0xffffff)}.addr(4), address{lo: uint64(0xc0a80000 | rng.Uint32()&0xffff)}.addr(4)
		p.DstPort = uint16(40000 + rng.IntN(20000))
		if hit {
			parts := d.config.Rules.Rules[rng.IntN(len(d.config.Rules.Rules))].Parts
			p.Src, p.Dst = parts[0].Match.Addresses[0].Base, parts[1].Match.Addresses[0].Base
			p.DstPort = uint16(parts[3].Match.Ranges[0].Low)
		}
		ways[i] = way{packet: &p, subject: new(subject)}
		ways[i].start(1, d.program)
	}
	return ways
}

// BenchmarkVerdict is the time from a packet's arrival to the decision to forward it,
// without connection tracking: the last of so many rules decides.
func BenchmarkVerdict(b *testing.B) {
	for _, n := range []int{5, 50, 1000, 10000} {
		b.Run(fmt.Sprintf("%d-rules", n), func(b *testing.B) {
			d := NewDevice(benchmarkConfig(syntheticRules(n, false)))
			p := dataSegment()
			b.ReportAllocs()
			for b.Loop() {
				p.TTL = 64
				if got := d.Receive(0, 1, &p); got.Action != ActionForward {
					b.Fatalf("%+v", got)
				}
			}
		})
	}
}

// BenchmarkEstablished is the same for a segment of an established connection.
func BenchmarkEstablished(b *testing.B) {
	d := NewDevice(benchmarkConfig(syntheticRules(50, true)))
	syn, answer := dataSegment(), dataSegment()
	syn.Flags, syn.Payload, syn.Ack, syn.Seq = wire.SYN, nil, 0, 0
	d.Receive(0, 1, &syn)
	answer.Src, answer.Dst, answer.SrcPort, answer.DstPort = server, client, 2024, 1027
	answer.Seq, answer.Flags, answer.Payload = 0, wire.SYN|wire.ACK, nil
	d.Receive(0, 0, &answer)
	p := dataSegment()
	now := event.Time(0)
	b.ReportAllocs()
	for b.Loop() {
		p.TTL = 64
		now++
		if got := d.Receive(now, 1, &p); got.Action != ActionForward || got.State != StateEstablished {
			b.Fatalf("%+v", got)
		}
	}
}

// BenchmarkNewDevice is what loading rules costs.
func BenchmarkNewDevice(b *testing.B) {
	for _, n := range []int{5, 50, 1000} {
		b.Run(fmt.Sprintf("%d-rules", n), func(b *testing.B) {
			config := benchmarkConfig(syntheticRules(n, true))
			b.ReportAllocs()
			for b.Loop() {
				NewDevice(config)
			}
		})
	}
}
