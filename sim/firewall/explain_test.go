package firewall

import (
	"net/netip"
	"testing"

	"ftplab/sim/wire"
)

// TestWhy: the words of a rule that missed, for every kind of condition and in the
// operator words of each language.
func TestWhy(t *testing.T) {
	ten := netip.MustParsePrefix("10.0.0.0/24")
	network := []AddressTest{{Base: ten.Addr(), Care: maskOf(ten).addr(4)}}
	sets := []Set{{Name: "ports", Elements: []SetElement{{Key: []Match{{Ranges: []Range{{22, 22}}}}}}}}
	for _, c := range []struct {
		match Match
		field Field
		why   string
	}{
		{Match{Field: SourcePort, Ranges: []Range{{21, 21}}, Text: "source-port eq 21"}, SourcePort, "2024 is not eq 21"},
		{Match{Field: DestinationPort, Ranges: []Range{{1025, 65535}}, Text: "tcp dport > 1024"}, DestinationPort, "21 is not > 1024"},
		{Match{Field: DestinationPort, Ranges: []Range{{1024, 65535}}, Text: "--dport 1024:65535"}, DestinationPort, "21 is not 1024:65535"},
		{Match{Field: DestinationPort, Negate: true, Ranges: []Range{{21, 21}}, Text: "tcp dport != 21"}, DestinationPort, "21 is not != 21"},
		{Match{Field: DestinationPort, Negate: true, Ranges: []Range{{21, 21}}, Text: "! --dport 21"}, DestinationPort, "21 is 21, which the rule excludes"},
		{Match{Field: SourceAddress, Addresses: network, Text: "source 10.0.0.0 0.0.0.255"}, SourceAddress, "192.168.10.1 is not 10.0.0.0 0.0.0.255"},
		{Match{Field: ProtocolField, Ranges: []Range{{17, 17}}, Text: "udp"}, ProtocolField, "tcp is not udp"},
		{Match{Field: TCPFlags, Mask: 0x14, AnyBit: true, Text: "established"}, TCPFlags, "S is not established"},
		{Match{Field: State, Mask: 6, AnyBit: true, Text: "ct state established,related"}, State, "new is not established,related"},
		{Match{Field: InInterface, Names: []string{"wan"}, Text: `iifname "wan"`}, InInterface, `lan is not "wan"`},
		{Match{Field: Status, Mask: uint32(StatusDNAT), AnyBit: true, Text: "--ctstate DNAT"}, Status, "no status is not DNAT"},
		{Match{Field: HelperField, Names: []string{"ftp"}, Text: `ct helper "ftp"`}, HelperField, "the connection was not expected by a helper"},
		{Match{Field: ICMPTypeField, Ranges: []Range{{8, 8}}, Text: "icmp-type echo"}, ICMPTypeField, "tcp has no icmp-type"},
		{Match{Set: 1, Key: []Field{DestinationPort}, Text: "tcp dport @ports"}, DestinationPort, "21 is not @ports"},
		{Match{AnyOf: []Match{{Field: SourcePort, Ranges: []Range{{20, 20}}}, {Field: DestinationPort, Ranges: []Range{{20, 20}}}}, Text: "--ports 20"}, SourcePort, "2024 . 21 is not 20"},
		{Match{Field: DestinationPort, Ranges: []Range{{22, 22}, {80, 90}}}, DestinationPort, "21 is not 22 or 80-90"},
		{Match{Field: Constant, Negate: true, Text: "destination zone Nowhere"}, Constant, "it never matches"},
	} {
		rules := &Ruleset{
			Dialect: "nft", UsesConntrack: true, Sets: sets,
			Chains: []Chain{{Family: "ip", Hook: Forward, Count: 1, Policy: Verdict{Kind: Drop}}},
			Rules:  []Rule{{Line: 7, Text: "the rule", Parts: []Part{{Match: &c.match}}, Verdict: Verdict{Kind: Accept}}},
		}
		d := NewDevice(benchmarkConfig(rules))
		p := wire.Packet{Src: server, Dst: client, SrcPort: 2024, DstPort: 21, Protocol: wire.TCP, Flags: wire.SYN, TTL: 64}
		if got := d.Receive(0, 0, &p); got.Action != ActionDrop || got.Reason != ReasonPolicy {
			t.Errorf("%q: %+v", c.match.Text, got)
			continue
		}
		missed := d.Explain()
		if len(missed) != 1 || missed[0].Field != c.field || missed[0].Why != c.why || missed[0].Line != 7 {
			t.Errorf("%q: %+v, want %v, %q", c.match.Text, missed, c.field, c.why)
		}
	}
}

// TestExplainFollowsJumps: of a chain with jumps the rules are explained in the order
// in which they were asked, up to the one that decided.
func TestExplainFollowsJumps(t *testing.T) {
	port := func(n uint64) []Part {
		return []Part{{Match: &Match{Field: DestinationPort, Ranges: []Range{{n, n}}}}}
	}
	rules := &Ruleset{
		Dialect: "nft",
		Chains: []Chain{
			{Family: "ip", Hook: Forward, First: 0, Count: 3, Policy: Verdict{Kind: Accept}},
			{Family: "ip", First: 3, Count: 3},
		},
		Rules: []Rule{
			{Line: 1, Parts: port(1), Verdict: Verdict{Kind: Accept}},
			{Line: 2, Verdict: Verdict{Kind: Jump, Chain: 1}},
			{Line: 3, Verdict: Verdict{Kind: Drop}},
			{Line: 4, Parts: port(2), Verdict: Verdict{Kind: Accept}},
			{Line: 5, Parts: port(21), Verdict: Verdict{Kind: Return}},
			{Line: 6, Verdict: Verdict{Kind: Accept}},
		},
	}
	d := NewDevice(benchmarkConfig(rules))
	p := wire.Packet{Src: server, Dst: client, SrcPort: 2024, DstPort: 21, Protocol: wire.TCP, Flags: wire.SYN, TTL: 64}
	got := d.Receive(0, 0, &p)
	if got.Action != ActionDrop || got.Rule != 2 || got.NumHits != 3 || got.Hits[0] != 1 || got.Hits[1] != 4 || got.Hits[2] != 2 {
		t.Fatalf("%+v", got)
	}
	var lines []int
	for _, m := range d.Explain() {
		lines = append(lines, m.Line)
	}
	if len(lines) != 2 || lines[0] != 1 || lines[1] != 4 {
		t.Errorf("missed lines %v, want 1 and 4", lines)
	}
}

// TestExplainAfterTranslation: the packet is explained as the deciding chain saw it,
// though its source was translated afterwards.
func TestExplainAfterTranslation(t *testing.T) {
	rules := &Ruleset{
		Dialect: "nft", UsesConntrack: true,
		Chains: []Chain{
			{Family: "ip", Hook: Forward, First: 0, Count: 2, Policy: Verdict{Kind: Drop}},
			{Family: "ip", Hook: Postrouting, Type: NATChain, Priority: 100, First: 2, Count: 1, Policy: Verdict{Kind: Accept}},
		},
		Rules: []Rule{
			{Line: 1, Parts: []Part{{Match: &Match{Field: SourceAddress, Addresses: compileHost("203.0.113.2"), Text: "ip saddr 203.0.113.2"}}}, Verdict: Verdict{Kind: Drop}},
			{Line: 2, Verdict: Verdict{Kind: Accept}},
			{Line: 3, Parts: []Part{{Effect: &Effect{Kind: Masquerade}}}, Verdict: Verdict{Kind: Accept}},
		},
	}
	d := NewDevice(benchmarkConfig(rules))
	p := wire.Packet{Src: server, Dst: client, SrcPort: 2024, DstPort: 21, Protocol: wire.TCP, Flags: wire.SYN, TTL: 64}
	if got := d.Receive(0, 0, &p); got.Action != ActionForward || !got.Rewritten || p.Src.String() != "203.0.113.2" {
		t.Fatalf("%+v, source %v", got, p.Src)
	}
	missed := d.Explain()
	if len(missed) != 1 || missed[0].Why != "192.168.10.1 is not 203.0.113.2" {
		t.Errorf("missed %+v", missed)
	}
}

func compileHost(a string) []AddressTest {
	return []AddressTest{{Base: netip.MustParseAddr(a), Care: netip.MustParseAddr("255.255.255.255")}}
}
