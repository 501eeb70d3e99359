package audit

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"ftplab/sim/event"
	"ftplab/sim/firewall"
	"ftplab/sim/wire"
)

// corners are the ports that randomForwards writes, and those beside them.
func corners() []uint16 {
	return []uint16{19, 20, 21, 22, 23, 79, 80, 81, 2120, 2121, 2122, 3999, 4000, 4010, 4011}
}

// randomForwards writes a router's ruleset with translations of the destination and
// forward rules, for a server behind lan.
func randomForwards(r *rand.Rand) string {
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	rules := func(n int, rule func() string) string {
		var b strings.Builder
		for range 1 + r.IntN(n) {
			fmt.Fprintf(&b, "    %s\n", rule())
		}
		return b.String()
	}
	port := func() string { return "tcp dport " + pick("21", "80", "2121", "20-22", "4000-4010", "{ 21, 80 }") }
	nat := func() string {
		return pick("", `iifname "wan" `) + pick("", "ip daddr 203.0.113.2 ", "ip daddr 203.0.113.0/24 ", "ip saddr 198.51.100.7 ") + port() +
			" dnat to " + pick("192.168.10.1", "192.168.10.1:21", "192.168.10.1:80", "192.168.10.7", "192.168.10.1:4000-4010")
	}
	forward := func() string {
		return pick("", `iifname "wan" `, `oifname "lan" `) + pick("", "", "ip daddr 192.168.10.1 ", "ip saddr != 198.51.100.7 ") +
			pick(port()+" ", port()+" ", "ct status dnat ") + pick("accept", "accept", "drop")
	}
	return "table ip fw {\n  chain pre { type nat hook prerouting priority -100;\n" + rules(4, nat) + "  }\n" +
		"  chain forward { type filter hook forward priority 0; policy drop;\n" +
		pick("    ct state established,related accept\n", "    ct state established,related accept\n", "    tcp sport 21 ct state established accept\n") +
		rules(4, forward) + "  }\n}\n"
}

// reachedPorts opens connections from outside to an address, through a real device, and
// returns the server's ports that answer, and the ports of that address from which
// somebody else answers.
func reachedPorts(rs *firewall.Ruleset, to netip.Addr) (outer, inner []uint16) {
	sources := []uint16{21, 80, 1026, 2121, 4000} // rules about ports may let answers to these in
	for _, from := range []string{"198.51.100.7", "198.51.100.8"} {
		for in := 1; in <= 2; in++ {
			for n := range len(corners()) * len(sources) {
				port, source := corners()[n/len(sources)], sources[n%len(sources)]
				device := firewall.NewDevice(firewall.Config{
					Name: "f", Rules: rs,
					Interfaces: []firewall.Interface{
						{Name: "lan", Prefixes: []netip.Prefix{netip.MustParsePrefix("192.168.10.254/24")}},
						{Name: "wan", Prefixes: []netip.Prefix{netip.MustParsePrefix("203.0.113.2/24")}}, {Name: "dmz"},
					},
					Routes: []firewall.Route{{Dst: netip.MustParsePrefix("0.0.0.0/0"), Interface: in}},
				})
				syn := wire.Packet{Src: netip.MustParseAddr(from), Dst: to, SrcPort: source, DstPort: port, TTL: 64, Protocol: wire.TCP, Flags: wire.SYN, Seq: 1, Window: 1000}
				if d := device.Receive(event.Time(1), in, &syn); d.Action != firewall.ActionForward || d.Out != 0 {
					continue
				}
				answer := wire.Packet{Src: syn.Dst, Dst: syn.Src, SrcPort: syn.DstPort, DstPort: syn.SrcPort, TTL: 64, Protocol: wire.TCP, Flags: wire.SYN | wire.ACK, Seq: 9, Ack: 2, Window: 1000}
				if device.Receive(event.Time(2), 0, &answer).Action == firewall.ActionForward {
					if syn.Dst == server {
						inner = append(inner, syn.DstPort)
					} else {
						outer = append(outer, port)
					}
				}
			}
		}
	}
	return outer, inner
}

// TestExposureAgainstBruteForce compares the exposure of a server, and the ports of the
// firewall's address that lead to it, with connections through devices.
func TestExposureAgainstBruteForce(t *testing.T) {
	random := rand.New(rand.NewPCG(13, 17))
	others := []netip.Addr{netip.MustParseAddr("203.0.113.2"), netip.MustParseAddr("203.0.113.9"), netip.MustParseAddr("192.0.2.99")}
	exposed := 0
	for list := range 150 {
		text := randomForwards(random)
		rs := parse(t, text)
		report := Audit(rs, Options{Server: server, Behind: "lan"})
		if slices.ContainsFunc(report.Notes, func(n string) bool { return strings.Contains(n, "counts as trusted") }) || report.Incomplete {
			continue
		}
		asked, direct := reachedPorts(rs, server)
		reached := slices.Concat(asked, direct)
		for _, to := range others {
			_, inner := reachedPorts(rs, to)
			reached = append(reached, inner...)
		}
		var forwards Ports
		for _, f := range report.Exposure.Forwards {
			forwards = append(forwards, f.Ports...)
		}
		for _, port := range corners() {
			got := report.Exposure.Connect.meets(Ports{{port, port}})
			want := slices.Contains(reached, port)
			// A device chooses one port of a range; and where 192.168.10.7 is, only it knows.
			isGuess := strings.Contains(text, ":4000-4010") && port >= 4000 && port <= 4010 ||
				strings.Contains(text, "192.168.10.7") && forwards.meets(Ports{{port, port}})
			if got != want && !(isGuess && got) {
				t.Errorf("ruleset %d:\n%sport %d of the server: reached %v, the analysis: %v", list, text, port, want, got)
			}
			if want {
				exposed++
			}
		}
	}
	if exposed < 200 {
		t.Errorf("only %d ports were reached: the rulesets are too tame", exposed)
	}
}
