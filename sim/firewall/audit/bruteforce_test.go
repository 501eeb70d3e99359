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
	"ftplab/sim/firewall/dialect/nft"
	"ftplab/sim/wire"
)

// smallUniverse is every packet over a few addresses, ports and flags that lie at the
// corners of what randomNft writes.
func smallUniverse() []wire.Packet {
	var packets []wire.Packet
	for src := range byte(3) {
		for dst := range byte(4) {
			for _, protocol := range []wire.Protocol{wire.TCP, wire.UDP} {
				for _, sport := range []uint16{20, 1025} {
					for _, dport := range []uint16{20, 21, 22, 1024, 1025} {
						for _, flags := range []wire.Flags{wire.SYN, wire.ACK, wire.SYN | wire.ACK, wire.RST | wire.ACK} {
							p := wire.Packet{
								Src: netip.AddrFrom4([4]byte{10, 0, 0, src + 1}), Dst: netip.AddrFrom4([4]byte{10, 0, 1, dst}), TTL: 64,
								Protocol: protocol, SrcPort: sport, DstPort: dport, Flags: flags, Seq: 1, Ack: 1,
							}
							if protocol == wire.UDP {
								p.Flags, p.Seq, p.Ack = 0, 0, 0
							}
							if protocol == wire.TCP || flags == wire.SYN { // UDP has none: once
								packets = append(packets, p)
							}
						}
					}
				}
			}
		}
	}
	return packets
}

// fates runs every packet, by itself, through a device with these rules: whether it is
// forwarded, and its connection state.
func fates(rs *firewall.Ruleset, packets []wire.Packet) (forwarded []bool, states []firewall.CTState) {
	config := firewall.Config{
		Name: "f", Interfaces: []firewall.Interface{{Name: "lan"}, {Name: "wan"}}, Rules: rs,
		Routes: []firewall.Route{
			{Dst: netip.MustParsePrefix("10.0.0.0/24"), Interface: 0},
			{Dst: netip.MustParsePrefix("10.0.1.0/31"), Interface: 1},
			{Dst: netip.MustParsePrefix("10.0.1.2/31"), Interface: 0},
		},
	}
	device := firewall.NewDevice(config)
	for _, p := range packets {
		if rs.UsesConntrack {
			device = firewall.NewDevice(config) // no packet shall know the one before
		}
		d := device.Receive(event.Time(1), 0, &p)
		forwarded, states = append(forwarded, d.Action == firewall.ActionForward), append(states, d.State)
	}
	return forwarded, states
}

// randomNft writes a ruleset with sets, negation, concatenation, verdict maps, chains
// that are jumped and gone to, connection state and both interfaces.
func randomNft(r *rand.Rand, tracked bool) string {
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	conditions := []func() string{
		func() string {
			return "ip saddr " + pick("10.0.0.1", "!= 10.0.0.2", "10.0.0.2/31", "@hosts", "!= @hosts")
		},
		func() string {
			return "ip daddr " + pick("10.0.1.0/31", "10.0.1.1-10.0.1.2", "!= { 10.0.1.0, 10.0.1.3 }")
		},
		func() string {
			return "tcp dport " + pick("21", "!= 21", "20-21", "{ 20, 1024-65535 }", "!= { 21, 22 }", "> 1024")
		},
		func() string { return "tcp sport " + pick("20", "!= 20", ">= 1024") },
		func() string { return "udp dport " + pick("21", "< 22") },
		func() string { return "meta l4proto " + pick("tcp", "udp", "!= tcp", "{ tcp, udp }") },
		func() string { return "ip saddr . tcp dport " + pick("@pairs", "!= @pairs") },
		func() string { return "oifname " + pick(`"wan"`, `"lan"`, `!= "wan"`) },
		func() string { return "iifname " + pick(`"lan"`, `"wan"`, `!= "wan"`) },
		func() string {
			return pick("tcp flags & (syn | ack) == syn", "tcp flags syn / syn,ack", "tcp flags & ack != 0")
		},
	}
	if tracked {
		conditions = append(conditions, func() string {
			return "ct state " + pick("new", "invalid", "established,related", "!= new", "{ new, invalid }")
		})
	}
	rule := func(targets ...string) string {
		var words []string
		for range r.IntN(3) {
			words = append(words, conditions[r.IntN(len(conditions))]())
		}
		verdicts := []string{"accept", "drop", "accept", "drop", "reject", "return"}
		for _, target := range targets {
			verdicts = append(verdicts, "jump "+target, "goto "+target,
				"tcp dport vmap { 20 : accept, 21 : goto "+target+", 22 : return, 1024-65535 : jump "+target+" }",
				"ip saddr vmap { 10.0.0.1 : drop, 10.0.0.2 : continue, 10.0.0.3 : return }")
		}
		return strings.Join(append(words, verdicts[r.IntN(len(verdicts))]), " ")
	}
	chain := func(head string, targets ...string) string {
		var b strings.Builder
		for range 1 + r.IntN(4) {
			fmt.Fprintf(&b, "    %s\n", rule(targets...))
		}
		return head + b.String() + "  }\n"
	}
	policy := func() string { return pick("accept", "drop") }
	return "table inet t {\n" +
		"  set hosts { type ipv4_addr; flags interval; elements = { 10.0.0.1, 10.0.0.3-10.0.0.9 } }\n" +
		"  set pairs { type ipv4_addr . inet_service; elements = { 10.0.0.1 . 21, 10.0.0.2 . 1025 } }\n" +
		chain("  chain last {\n") + chain("  chain sub {\n", "last") +
		chain("  chain forward { type filter hook forward priority 0; policy "+policy()+";\n", "sub", "last") +
		chain("  chain post { type filter hook postrouting priority 10; policy accept;\n", "last") + "}\n"
}

// TestNftAgainstBruteForce compares the regions of random rulesets, and what is found
// about their rules, with devices that judge every packet of a small universe: with the
// rules and without the rule that was found shadowed, impossible or redundant.
func TestNftAgainstBruteForce(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 5))
	packets := smallUniverse()
	found, needed := 0, 0
	for list := range 60 {
		tracked := list%4 == 3
		text := randomNft(random, tracked)
		for errorsIn(text) { // nft refuses a rule for both TCP and UDP
			text = randomNft(random, tracked)
		}
		rs := parse(t, text)
		u := newUniverse(IPv4, &budget{left: DefaultBudget}, rs)
		permit := compile(rs, u, forwarded, region{u.everything()}).permit
		forwarded, states := fates(rs, packets)
		for i := range packets {
			out := 1
			if packets[i].Dst.As4()[3] >= 2 {
				out = 0
			}
			if want := permit.holdsTracked(u, &packets[i], states[i], "lan", []string{"lan", "wan"}[out]); forwarded[i] != want {
				t.Fatalf("ruleset %d:\n%s%v, state %v, out %d: the device forwards: %v, the analysis: %v", list, text, &packets[i], states[i], out, forwarded[i], want)
			}
		}
		report := Audit(rs, Options{})
		if report.Incomplete {
			t.Fatalf("ruleset %d: the budget was hit\n%s", list, text)
		}
		for _, f := range report.Rules {
			if f.Kind == Partly {
				continue
			}
			found++
			if without, _ := fates(withoutRule(rs, f.Rule), packets); !slices.Equal(without, forwarded) {
				t.Errorf("ruleset %d: %v, but packets fare differently without it\n%s", list, f, text)
			}
		}
		needed += rulesNeeded(t, rs, report, packets, forwarded, text)
	}
	if found < 50 || needed < 30 {
		t.Errorf("only %d rules without effect and %d with one: the rulesets are too tame", found, needed)
	}
	t.Logf("%d packets through 60 rulesets; %d rules without effect, %d with one", len(packets), found, needed)
}

func errorsIn(text string) bool {
	_, diagnostics := nft.Parse("rules", text)
	return slices.ContainsFunc(diagnostics, func(d firewall.Diagnostic) bool { return d.Severity == firewall.Error })
}

// rulesNeeded counts the rules without which a packet of the small universe fares
// differently; none of them may have been found to be without effect.
func rulesNeeded(t *testing.T, rs *firewall.Ruleset, report *Report, packets []wire.Packet, forwarded []bool, text string) int {
	t.Helper()
	needed := 0
	for rule := range rs.Rules {
		if !(&analysis{rs: rs}).decides(rule) {
			continue
		}
		without, _ := fates(withoutRule(rs, rule), packets)
		if slices.Equal(without, forwarded) {
			continue
		}
		needed++
		if slices.ContainsFunc(report.Rules, func(f Finding) bool { return f.Rule == rule && f.Kind != Partly }) {
			t.Errorf("line %d is needed, but was reported\n%s", rs.Rules[rule].Line, text)
		}
	}
	return needed
}

// withoutRule returns the ruleset with one rule that does nothing.
func withoutRule(rs *firewall.Ruleset, rule int) *firewall.Ruleset {
	without := *rs
	without.Rules = slices.Clone(rs.Rules)
	without.Rules[rule].Verdict, without.Rules[rule].Parts = firewall.Verdict{Kind: firewall.Continue}, nil
	return &without
}

// holdsTracked reports whether a packet in a connection state that goes from one
// interface to another is in the region.
func (r region) holdsTracked(u *universe, p *wire.Packet, state firewall.CTState, in, out string) bool {
	place := func(name string) uint64 {
		if i := slices.Index(u.interfaces, name); i >= 0 {
			return 1 << i
		}
		return 1 << len(u.interfaces)
	}
	one := u.packetBox(p)
	one.sets[dimIn], one.sets[dimOut] = place(in), place(out)
	one.sets[dimReply], one.sets[dimHelper], one.sets[dimTranslated] = 1, 1, 1
	one.sets[dimState] = 1 << stateNone
	for i := range stateNone {
		if state&(1<<i) != 0 {
			one.sets[dimState] = 1 << i
		}
	}
	return len(r.intersect(region{one}, &budget{left: DefaultBudget})) > 0
}
