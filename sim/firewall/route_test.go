package firewall

import (
	"net/netip"
	"testing"

	"ftplab/sim/wire"
)

// TestRouting: what becomes of packets that no rule decides about, and what the device
// answers. The ICMP errors are those of RFC 792 and RFC 1812, section 5.2.7; martians
// are RFC 1812's, section 5.3.7.
func TestRouting(t *testing.T) {
	udp := wire.Packet{Protocol: wire.UDP, SrcPort: 5000, DstPort: 53, TTL: 64}
	icmp := wire.Packet{Protocol: wire.ICMP, ICMPType: icmpEcho, ICMPRest: 7<<16 | 1, TTL: 64}
	syn := wire.Packet{Protocol: wire.TCP, SrcPort: 1026, DstPort: 21, Seq: 10, Flags: wire.SYN, TTL: 64}
	for _, c := range []struct {
		name, src, dst string
		packet         wire.Packet
		ttl            uint8
		action         Action
		reason         Reason
		answer         string
	}{
		{name: "to a neighbour", src: "10.0.0.2", dst: "192.168.10.1", packet: udp, action: ActionForward},
		{name: "no route", src: "10.0.0.2", dst: "8.8.8.8", packet: udp, action: ActionDrop, reason: ReasonNoRoute, answer: "10.0.0.1 > 10.0.0.2 icmp type 3 code 0"},
		{name: "blackhole", src: "10.0.0.2", dst: "172.16.0.1", packet: udp, action: ActionDrop, reason: ReasonNoRoute},
		{name: "the hop limit ran out", src: "10.0.0.2", dst: "192.168.10.1", packet: udp, ttl: 1, action: ActionDrop, reason: ReasonTTL, answer: "10.0.0.1 > 10.0.0.2 icmp type 11 code 0"},
		{name: "our own address from outside", src: "192.168.10.254", dst: "192.168.10.1", packet: udp, action: ActionDrop, reason: ReasonInvalid},
		{name: "from a loopback address", src: "127.0.0.1", dst: "192.168.10.1", packet: udp, action: ActionDrop, reason: ReasonInvalid},
		{name: "an echo request to us", src: "10.0.0.2", dst: "10.0.0.1", packet: icmp, action: ActionLocal, answer: "10.0.0.1 > 10.0.0.2 icmp type 0 code 0"},
		{name: "a SYN to us", src: "10.0.0.2", dst: "192.168.10.254", packet: syn, action: ActionLocal, answer: "192.168.10.254:21 > 10.0.0.2:1026 AR seq 0 ack 11 win 0 len 0"},
		{name: "a datagram to us", src: "10.0.0.2", dst: "10.0.0.1", packet: udp, action: ActionLocal, answer: "10.0.0.1 > 10.0.0.2 icmp type 3 code 3"},
		{name: "broadcast", src: "10.0.0.2", dst: "10.0.0.255", packet: udp, action: ActionLocal},
		{name: "IPv6: no route", src: "2001:db8:a::2", dst: "2001:db8:9::1", packet: udp, action: ActionDrop, reason: ReasonNoRoute, answer: "2001:db8:a::1 > 2001:db8:a::2 icmpv6 type 1 code 0"},
		{name: "IPv6: the hop limit ran out", src: "2001:db8:a::2", dst: "2001:db8:d::1", packet: udp, ttl: 1, action: ActionDrop, reason: ReasonTTL, answer: "2001:db8:a::1 > 2001:db8:a::2 icmpv6 type 3 code 0"},
		{name: "IPv6: a datagram to us", src: "2001:db8:a::2", dst: "2001:db8:d::fe", packet: udp, action: ActionLocal, answer: "2001:db8:d::fe > 2001:db8:a::2 icmpv6 type 1 code 4"},
	} {
		for _, dialect := range []string{"nft", "comware"} {
			d := NewDevice(Config{
				Interfaces: []Interface{
					{Name: "lan", Prefixes: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/24"), netip.MustParsePrefix("2001:db8:a::1/64")}},
					{Name: "srv", Prefixes: []netip.Prefix{netip.MustParsePrefix("192.168.10.254/24"), netip.MustParsePrefix("2001:db8:d::fe/64")}},
				},
				Routes: []Route{{Dst: netip.MustParsePrefix("172.16.0.0/12"), Blackhole: true}},
				Rules:  &Ruleset{Dialect: dialect},
			})
			p := c.packet
			p.Src, p.Dst = netip.MustParseAddr(c.src), netip.MustParseAddr(c.dst)
			if c.ttl != 0 {
				p.TTL = c.ttl
			}
			got := d.Receive(0, 0, &p)
			if got.Action != c.action || got.Reason != c.reason {
				t.Errorf("%s (%s): %v %v, want %v %v", c.name, dialect, got.Action, got.Reason, c.action, c.reason)
			}
			answer := ""
			if len(d.Replies()) > 0 {
				answer = d.Replies()[0].Packet.String()
			}
			if answer != c.answer {
				t.Errorf("%s (%s): answered by %q, want %q", c.name, dialect, answer, c.answer)
			}
		}
	}
}

// TestLongestPrefix: of several routes the longest decides, in whatever order they are
// given.
func TestLongestPrefix(t *testing.T) {
	static := []Route{
		{Dst: netip.MustParsePrefix("0.0.0.0/0"), Interface: 0},
		{Dst: netip.MustParsePrefix("10.1.2.0/24"), Interface: 2},
		{Dst: netip.MustParsePrefix("10.1.0.0/16"), Interface: 1},
		{Dst: netip.MustParsePrefix("10.1.2.3/32"), Interface: 3},
		{Dst: netip.MustParsePrefix("2001:db8::/32"), Interface: 4},
	}
	r := newRoutes(make([]Interface, 5), static)
	for dst, want := range map[string]int16{"8.8.8.8": 0, "10.1.9.9": 1, "10.1.2.9": 2, "10.1.2.3": 3, "2001:db8::1": 4} {
		a := netip.MustParseAddr(dst)
		if got, ok := r.lookup(addressOf(a), familyOf(a)); !ok || got.at != want {
			t.Errorf("%s goes to %+v, want interface %d", dst, got, want)
		}
	}
	if got, ok := r.lookup(address{hi: 1}, 6); ok {
		t.Errorf("there is a route to nowhere: %+v", got)
	}
}

// TestSend: a packet of the device's own passes output and postrouting, and begins a
// connection.
func TestSend(t *testing.T) {
	rules := syntheticRules(5, true)
	rules.Chains[0].Hook = Output
	d := NewDevice(benchmarkConfig(rules))
	p := wire.Packet{Src: netip.MustParseAddr("192.168.10.254"), Dst: server, SrcPort: 4000, DstPort: 2024, Flags: wire.SYN, Protocol: wire.TCP, TTL: 64}
	if got := d.Send(0, &p); got.Action != ActionForward || got.Out != 0 || got.In != -1 || got.State != StateNew || got.Hook != Output {
		t.Errorf("%+v", got)
	}
	if len(d.Changes()) != 1 || d.Changes()[0].Kind != EntryNew {
		t.Errorf("changes %+v", d.Changes())
	}
	p.DstPort = 22
	if got := d.Send(0, &p); got.Action != ActionDrop || got.Hook != Output || got.Reason != ReasonPolicy {
		t.Errorf("to a port that is not allowed: %+v", got)
	}
}

// TestSameSeedSamePorts: the ports that are chosen at random are a function of the
// seed.
func TestSameSeedSamePorts(t *testing.T) {
	ports := func(seed uint64) (ports []uint16) {
		rules := &Ruleset{
			Dialect: "nft", UsesConntrack: true,
			Chains: []Chain{{Family: "ip", Hook: Postrouting, Type: NATChain, Priority: 100, Count: 1}},
			Rules:  []Rule{{Parts: []Part{{Effect: &Effect{Kind: Masquerade}}}}},
		}
		config := benchmarkConfig(rules)
		config.Seed = seed
		d := NewDevice(config)
		for host := byte(2); host < 12; host++ {
			p := wire.Packet{
				Src: netip.AddrFrom4([4]byte{192, 168, 10, host}), Dst: client, SrcPort: 4000, DstPort: 80,
				Flags: wire.SYN, Protocol: wire.TCP, TTL: 64, Window: 1000,
			}
			d.Receive(0, 0, &p)
			ports = append(ports, p.SrcPort)
		}
		return ports
	}
	first, again, other := ports(1), ports(1), ports(2)
	different := false
	seen := map[uint16]bool{}
	for i := range first {
		if first[i] != again[i] || seen[first[i]] || first[i] < 1024 {
			t.Errorf("ports %v, then %v", first, again)
		}
		seen[first[i]] = true
		different = different || first[i] != other[i]
	}
	if first[0] != 4000 || !different {
		t.Errorf("the first keeps its port, others depend on the seed: %v, %v", first, other)
	}
}
