package firewall

import (
	"net/netip"
	"testing"

	"ftplab/sim/wire"
)

var (
	client = netip.MustParseAddr("10.0.0.2")
	server = netip.MustParseAddr("192.168.10.1")
)

// comwareDevice runs the article's passive ACL inbound on the server's side.
func comwareDevice() *Device {
	port := func(f Field, text string, low, high uint64) Part {
		return Part{Match: &Match{Field: f, Ranges: []Range{{low, high}}, Text: text}}
	}
	tcp := Part{Match: &Match{Field: ProtocolField, Ranges: []Range{{6, 6}}, Text: "tcp"}}
	rules := &Ruleset{
		Dialect: "comware",
		Chains:  []Chain{{Family: "ip", Name: "3000", Hook: Inbound, Interface: "lan", Policy: Verdict{Kind: Accept}, Count: 3}},
		Rules: []Rule{
			{Line: 1, Text: "rule permit tcp source-port eq 21", Parts: []Part{tcp, port(SourcePort, "source-port eq 21", 21, 21)}, Verdict: Verdict{Kind: Accept}},
			{Line: 2, Text: "rule permit tcp source-port eq 20", Parts: []Part{tcp, port(SourcePort, "source-port eq 20", 20, 20)}, Verdict: Verdict{Kind: Accept}},
			{Line: 3, Text: "rule deny ip", Verdict: Verdict{Kind: Drop}},
		},
	}
	return NewDevice(Config{
		Interfaces: []Interface{
			{Name: "lan", Prefixes: []netip.Prefix{netip.MustParsePrefix("192.168.10.254/24")}},
			{Name: "wan", Prefixes: []netip.Prefix{netip.MustParsePrefix("203.0.113.2/24")}},
		},
		Routes: []Route{{Dst: netip.MustParsePrefix("0.0.0.0/0"), Via: netip.MustParseAddr("203.0.113.1"), Interface: 1}},
		Rules:  rules,
	})
}

func TestInterfaceListDropsAndExplains(t *testing.T) {
	d := comwareDevice()
	p := wire.Packet{Src: server, Dst: client, SrcPort: 2024, DstPort: 1027, Protocol: wire.TCP, Flags: wire.SYN | wire.ACK, TTL: 64}
	got := d.Receive(0, 0, &p)
	if got.Action != ActionDrop || got.Reason != ReasonRule || got.Rule != 2 || got.Hook != Inbound {
		t.Fatalf("decision = %+v", got)
	}
	missed := d.Explain()
	want := []string{"2024 is not eq 21", "2024 is not eq 20"}
	if len(missed) != 2 || missed[0].Why != want[0] || missed[1].Why != want[1] || missed[0].Field != SourcePort {
		t.Fatalf("missed = %+v", missed)
	}
	p = wire.Packet{Src: client, Dst: server, SrcPort: 1027, DstPort: 2024, Protocol: wire.TCP, Flags: wire.SYN, TTL: 64}
	if got := d.Receive(0, 1, &p); got.Action != ActionForward || got.Out != 0 || p.TTL != 63 {
		t.Fatalf("the other direction: %+v", got)
	}
}
