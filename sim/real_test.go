package sim

import (
	"net/netip"
	"testing"

	"ftplab/sim/event"
	"ftplab/sim/ftp"
	"ftplab/sim/wire"
)

// asked returns what a real client in the place of the simulated one is answered to a
// packet, within a second.
func asked(t *testing.T, sc Scenario, p wire.Packet) []wire.Packet {
	t.Helper()
	client := sc.ClientNode()
	sc, err := sc.WithReal(client, "a program")
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewStepper(sc)
	if err != nil {
		t.Fatal(err)
	}
	p.TTL = 64
	if err := s.Apply(Input{At: 1, Node: client, Packet: p.Append(nil)}); err != nil {
		t.Fatal(err)
	}
	s.Advance(event.Time(1e9))
	var answers []wire.Packet
	for _, d := range s.Delivered() {
		answers = append(answers, d.Packet)
	}
	return answers
}

// ends returns the addresses of a scenario's client and server.
func ends(sc Scenario) (client, server netip.Addr) {
	for _, n := range sc.Nodes {
		switch n.Name {
		case sc.ClientNode():
			client = n.Interfaces[0].Prefixes[0].Addr()
		case sc.ServerNode():
			server = n.Interfaces[0].Prefixes[0].Addr()
		}
	}
	return client, server
}

// TestHostAnswers: a simulated host answers a ping (RFC 792; RFC 4443, section 4.2) and
// refuses a datagram for a port on which nothing listens (RFC 1122, section 4.1.3.1).
func TestHostAnswers(t *testing.T) {
	for _, version := range []struct {
		name                            string
		scenario                        Scenario
		protocol                        wire.Protocol
		echo, reply, unreachable, noone uint8
	}{
		{"IPv4", Workload(1, 1000, nil), wire.ICMP, 8, 0, 3, 3},
		{"IPv6", overIPv6(nil, ftp.ModeEPSV), wire.ICMPv6, 128, 129, 1, 4},
	} {
		t.Run(version.name, func(t *testing.T) {
			client, server := ends(version.scenario)
			ping := wire.Packet{
				Src: client, Dst: server, Protocol: version.protocol,
				ICMPType: version.echo, ICMPRest: 7<<16 | 1, Payload: []byte("how are you"),
			}
			answers := asked(t, version.scenario, ping)
			if len(answers) != 1 {
				t.Fatalf("a ping is answered by %v", answers)
			}
			a := answers[0]
			if a.Src != ping.Dst || a.Dst != ping.Src || a.ICMPType != version.reply || a.ICMPRest != ping.ICMPRest || string(a.Payload) != string(ping.Payload) {
				t.Errorf("a ping is answered by %v, %q", &a, a.Payload)
			}
			question := wire.Packet{
				Src: client, Dst: server, Protocol: wire.UDP, SrcPort: 4000, DstPort: 53, Payload: []byte("who are you"),
			}
			answers = asked(t, version.scenario, question)
			if len(answers) != 1 {
				t.Fatalf("a datagram is answered by %v", answers)
			}
			a = answers[0]
			quoted, err := wire.ParseQuote(a.Payload)
			if err != nil || a.ICMPType != version.unreachable || a.ICMPCode != version.noone || quoted.SrcEndpoint() != question.SrcEndpoint() ||
				quoted.DstEndpoint() != question.DstEndpoint() {
				t.Errorf("a datagram is answered by %v about %v, %v", &a, &quoted, err)
			}
		})
	}
}

// TestErrorsAreNotAnswered: RFC 1122, section 3.2.2.
func TestErrorsAreNotAnswered(t *testing.T) {
	sc := Workload(1, 1000, nil)
	client, server := ends(sc)
	lost := wire.Packet{Src: server, Dst: client, Protocol: wire.UDP, SrcPort: 53, DstPort: 4000, TTL: 64, Payload: []byte("I am")}
	refusal := wire.Packet{Src: client, Dst: server, Protocol: wire.ICMP, ICMPType: 3, ICMPCode: 3, Payload: wire.Quote(&lost)}
	if answers := asked(t, sc, refusal); len(answers) != 0 {
		t.Errorf("an error is answered by %v", answers)
	}
}

// TestRealSessionHasNoEnd: how long a real program takes is its own affair.
func TestRealSessionHasNoEnd(t *testing.T) {
	sc := Workload(1, 1000, nil)
	sc.Until = event.Time(1)
	client, server := ends(sc)
	ping := wire.Packet{
		Src: client, Dst: server, Protocol: wire.ICMP, ICMPType: 8,
	}
	if answers := asked(t, sc, ping); len(answers) != 1 {
		t.Errorf("when the scenario is over %d answers come", len(answers))
	}
}
