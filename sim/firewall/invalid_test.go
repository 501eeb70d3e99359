package firewall

import (
	"testing"

	"ftplab/sim/wire"
)

// TestWhyInvalid: each way in which connection tracking comes to call a packet invalid,
// in words, in what the rules missed as well.
func TestWhyInvalid(t *testing.T) {
	segment := func(flags wire.Flags, seq, ack uint32) wire.Packet {
		return wire.Packet{Src: client, Dst: server, SrcPort: 1026, DstPort: 21, Protocol: wire.TCP, Flags: flags, Seq: seq, Ack: ack, Window: 1000, TTL: 64}
	}
	back := func(p wire.Packet) wire.Packet {
		p.Src, p.Dst, p.SrcPort, p.DstPort = p.Dst, p.Src, p.DstPort, p.SrcPort
		return p
	}
	handshake := []wire.Packet{segment(wire.SYN, 99, 0), back(segment(wire.SYN|wire.ACK, 499, 100)), segment(wire.ACK, 100, 500)}
	with := func(p wire.Packet, change func(*wire.Packet)) wire.Packet {
		change(&p)
		return p
	}
	icmp := func(kind uint8, payload ...byte) wire.Packet {
		return wire.Packet{Src: client, Dst: server, Protocol: wire.ICMP, ICMPType: kind, Payload: payload, TTL: 64}
	}
	for _, c := range []struct {
		name   string
		before []wire.Packet
		packet wire.Packet
		want   string
	}{
		{"new", nil, segment(wire.SYN, 99, 0), ""},
		{"established", handshake, segment(wire.ACK|wire.PSH, 100, 500), ""},
		{"checksum", nil, with(segment(wire.SYN, 99, 0), func(p *wire.Packet) { p.BadChecksum = true }), "its checksum is wrong"},
		{"SYN and FIN", nil, segment(wire.SYN|wire.FIN, 99, 0), "no segment has these flags together"},
		{"SYN-ACK first", nil, segment(wire.SYN|wire.ACK, 99, 1), "no connection begins with it"},
		{"SYN-ACK of the client", handshake[:1], segment(wire.SYN|wire.ACK, 99, 1), "it does not follow in this state of the connection"},
		{"beyond the window", handshake, segment(wire.ACK, 5000, 500), "it lies outside of the connection's window"},
		{"acknowledges what was not sent", handshake, segment(wire.ACK, 100, 900), "it lies outside of the connection's window"},
		{"later fragment", nil, with(segment(wire.ACK, 1, 1), func(p *wire.Packet) { p.FragmentOffset = 10 }), "a later fragment tells of no connection"},
		{"error about nothing", nil, icmp(3), "the error is about no connection in the table"},
		{"type 99", nil, icmp(99), "there is no such ICMP type"},
		{"answer to no question", nil, icmp(0), "no connection begins with it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rules := &Ruleset{
				Dialect: "nft", UsesConntrack: true,
				Chains: []Chain{{Family: "ip", Hook: Forward, Count: 2, Policy: Verdict{Kind: Accept}}},
				Rules: []Rule{
					{Parts: []Part{{Match: &Match{Field: State, Mask: uint32(StateNew | StateEstablished), AnyBit: true, Text: "ct state new,established"}}}, Verdict: Verdict{Kind: Accept}},
					{Verdict: Verdict{Kind: Drop}},
				},
			}
			d := NewDevice(benchmarkConfig(rules))
			arrive := func(p wire.Packet) Decision {
				in := 0
				if p.Src == server {
					in = 1
				}
				return d.Receive(0, in, &p)
			}
			for _, p := range c.before {
				if got := arrive(p); got.Action != ActionForward {
					t.Fatalf("%v: %+v", p.String(), got)
				}
			}
			got := arrive(c.packet)
			if why := d.WhyInvalid(); why != c.want || (why != "") != (got.State == StateInvalid) {
				t.Fatalf("invalid because %q, want %q; state %v", why, c.want, got.State)
			}
			if c.want == "" {
				return
			}
			missed := d.Explain()
			if want := "invalid (" + c.want + ") is not new,established"; len(missed) != 1 || missed[0].Why != want {
				t.Errorf("%+v, want %q", missed, want)
			}
		})
	}
}
