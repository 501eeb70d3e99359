package dialect

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ftplab/sim/firewall"
	"ftplab/sim/wire"
)

// mustParse reads a text that has no errors.
func mustParse(t failer, name, config string) *firewall.Ruleset {
	t.Helper()
	rs, diagnostics := Parse(name, "test", config)
	if rs == nil {
		t.Fatalf("%s:\n%s\n%s", name, config, FormatDiagnostic(firstError(diagnostics), config))
	}
	return rs
}

const articlePassive = `rule permit tcp source 192.168.10.1 0 source-port eq 21 destination-port gt 1024
rule permit tcp source 192.168.10.1 0 source-port gt 1024 destination-port gt 1024
rule deny ip
`

// The article's list in every language that can say it.
func TestTranslateArticle(t *testing.T) {
	rs := Apply(mustParse(t, "comware", articlePassive), "", "lan", firewall.Inbound)
	for _, c := range []struct{ to, want string }{
		{"ios", `ip access-list extended ACL
 10 permit tcp host 192.168.10.1 eq 21 any gt 1024
 20 permit tcp host 192.168.10.1 gt 1024 any gt 1024
 30 deny ip any any
interface lan
 ip access-group ACL in
`},
		{"asa", `access-list ACL extended permit tcp host 192.168.10.1 eq 21 any4 gt 1024
access-list ACL extended permit tcp host 192.168.10.1 gt 1024 any4 gt 1024
access-list ACL extended deny ip any4 any4
access-list ACL extended permit ip any6 any6
access-group ACL in interface lan
policy-map global_policy
service-policy global_policy global
`},
		{"nft", `		type filter hook prerouting priority filter; policy accept;
		iifname != "lan" accept
		meta l4proto tcp ip saddr 192.168.10.1 tcp sport 21 tcp dport > 1024 accept
		meta l4proto tcp ip saddr 192.168.10.1 tcp sport > 1024 tcp dport > 1024 accept
		drop
`},
	} {
		got, _, err := Translate(rs, c.to)
		if err != nil || !strings.Contains(got, c.want) {
			t.Errorf("to %s (%v):\n%s\nwant:\n%s", c.to, err, got, c.want)
		}
	}
}

// A rule that cannot be said is named with the reason, and nothing is written.
func TestTranslateCannot(t *testing.T) {
	forward := func(rule string) string {
		return "table ip f {\n chain c {\n  type filter hook forward priority 0; policy drop;\n  " + rule + "\n }\n}\n"
	}
	for _, c := range []struct{ name, from, to, config, want string }{
		{"source port to ISA", "comware", "isa", articlePassive, `line 1: "permit tcp source 192.168.10.1 0 source-port eq 21 destination-port gt 1024" cannot be said in isa: a protocol definition names the destination port alone`},
		{"flags to ASA", "ios", "asa", "access-list 101 permit tcp any any established\n", "the ASA's lists do not ask for TCP flags"},
		{"mask with holes to ASA", "ios", "asa", "access-list 101 permit ip 10.0.0.1 0.255.0.255 any\n", "no masks with holes"},
		{"TTL to Comware", "ios", "comware", "access-list 101 permit ip any any ttl eq 1\n", "do not ask for the TTL"},
		{"what is not modelled", "ios", "comware", "access-list 101 permit ip any any time-range work\n", `it says "time-range work", which is not modelled`},
		{"reject", "nft", "comware", forward("tcp dport 21 reject"), "it does not reject"},
		{"NAT", "nft", "ios", forward("accept") + "table ip n {\n chain p {\n  type nat hook postrouting priority 100;\n  oifname \"wan\" masquerade\n }\n}\n", "address translation is not modelled for ios"},
		{"arrival at postrouting", "nft", "iptables", "table ip n {\n chain p {\n  type nat hook postrouting priority 100;\n  iifname \"wg0\" oifname \"eth0\" masquerade\n }\n}\n",
			"POSTROUTING cannot be asked for the interface that a packet came in by"},
		{"filter after DNAT", "nft", "iptables", "table ip n {\n chain p {\n  type nat hook prerouting priority -100;\n  tcp dport 2121 dnat to 10.0.0.1:21\n }\n" +
			" chain f {\n  type filter hook prerouting priority 350; policy drop;\n  tcp dport 21 accept\n }\n}\n", "on the other side of the translation of addresses"},
		{"helper after DNAT", "nft", "iptables", "table ip n {\n ct helper h { type \"ftp\" protocol tcp; }\n chain p {\n  type nat hook prerouting priority -100;\n  tcp dport 2121 dnat to 10.0.0.1:21\n }\n" +
			" chain f {\n  type filter hook prerouting priority 350;\n  tcp dport 21 ct helper set \"h\"\n }\n}\n", "translat"},
		{"state in part", "nft", "ios", forward("tcp dport 21 ct state established accept"), "pass altogether or not at all"},
		{"state negated", "nft", "ios", forward("ct state != new accept"), "does not know the connection's state"},
		{"before routing", "nft", "comware", "table ip f {\n chain c {\n  type filter hook prerouting priority 0;\n  tcp dport 21 drop\n }\n}\n", "asked before or after routing"},
		{"other interface", "nft", "comware", forward("iifname a oifname b accept\n  iifname c accept"), "does not know the other interface"},
		{"security levels", "asa", "ios", "interface g0\n nameif a\n security-level 9\ninterface g1\n nameif b\n security-level 0\naccess-list X extended permit ip any any\naccess-group X in interface a\n",
			"security levels decide by both interfaces"},
		{"read-only to Linux", "isa", "nft", "isa server 2004\naccess rule r allow FTP from any to any\n", "the FTP helper has no counterpart"},
		{"strict to ASPF", "asa", "comware", "access-list X extended permit ip any any\naccess-group X in interface a\npolicy-map p\n class inspection_default\n  inspect ftp strict\nservice-policy p global\n",
			"no counterpart"},
		{"zones to ASA", "comware", "asa", "acl number 3000\n rule permit ip\nsecurity-zone name A\n import interface GE1/0/1\nzone-pair security source A destination A\n packet-filter 3000\n",
			"not to the hook forward"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text, _, err := Translate(mustParse(t, c.from, c.config), c.to)
			if err == nil || text != "" || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, text %q; want the error %q", err, text, c.want)
			}
		})
	}
}

// What the translation changes beside the rules is said.
func TestTranslateNotes(t *testing.T) {
	for _, c := range []struct{ from, to, config, want string }{
		{"comware", "nft", "acl number 3000\n rule permit ip\ninterface GigabitEthernet 2/1/10\n packet-filter 3000 inbound\n", "GigabitEthernet2/1/10 is called gi2-1-10"},
		{"comware", "asa", articlePassive, "the ASA tracks every connection"},
		{"nft", "ios", "table ip f {\n chain i {\n  type filter hook input priority 0; policy drop;\n }\n chain c {\n  type filter hook forward priority 0; policy drop;\n  iifname lan accept\n }\n}\n",
			"the chain i is about packets of the firewall itself"},
		{"ios", "comware", "access-list 101 permit tcp any any eq 21\n", "fragments other than the first"},
	} {
		_, notes, err := Translate(mustParse(t, c.from, c.config), c.to)
		if err != nil || !slices.ContainsFunc(notes, func(note string) bool { return strings.Contains(note, c.want) }) {
			t.Errorf("%s to %s: notes %q (%v), want one with %q", c.from, c.to, notes, err, c.want)
		}
	}
}

// edge is a device with an outer and an inner interface.
func edge(rs *firewall.Ruleset) *firewall.Device {
	return firewall.NewDevice(firewall.Config{
		Interfaces: []firewall.Interface{
			{Name: "Ethernet1", Prefixes: []netip.Prefix{netip.MustParsePrefix("203.0.113.1/24")}},
			{Name: "Ethernet2", Prefixes: []netip.Prefix{netip.MustParsePrefix("192.0.2.1/24")}},
		},
		Routes: []firewall.Route{
			{Dst: netip.MustParsePrefix("10.0.0.0/8"), Via: netip.MustParseAddr("192.0.2.9"), Interface: 1},
			{Dst: netip.MustParsePrefix("0.0.0.0/0"), Via: netip.MustParseAddr("203.0.113.9"), Interface: 0},
		},
		Rules: rs,
	})
}

// traffic says which packets are drawn.
type traffic struct {
	flags     []wire.Flags
	icmpTypes []uint8
}

// samePolicy checks that two rulesets judge packets alike.
func samePolicy(t *rapid.T, a, b *firewall.Ruleset, kinds traffic) {
	for range 40 {
		p := wire.Packet{
			Src: netip.MustParseAddr(fmt.Sprintf("10.0.%d.%d", rapid.IntRange(0, 4).Draw(t, "src"), rapid.IntRange(1, 3).Draw(t, "host"))),
			Dst: netip.MustParseAddr(fmt.Sprintf("172.16.%d.1", rapid.IntRange(0, 2).Draw(t, "dst"))), TTL: 64,
			Protocol: rapid.SampledFrom([]wire.Protocol{wire.TCP, wire.UDP, wire.ICMP, 47}).Draw(t, "protocol"),
		}
		at := 1
		if rapid.Bool().Draw(t, "turn") {
			p.Src, p.Dst, at = p.Dst, p.Src, 0
		}
		switch p.Protocol {
		case wire.TCP:
			p.Flags = rapid.SampledFrom(kinds.flags).Draw(t, "flags")
			fallthrough
		case wire.UDP:
			p.SrcPort = uint16(rapid.SampledFrom([]int{20, 21, 80, 1024, 1025, 65535}).Draw(t, "sport"))
			p.DstPort = uint16(rapid.SampledFrom([]int{20, 21, 80, 1024, 1025, 65535}).Draw(t, "dport"))
		case wire.ICMP:
			p.ICMPType = rapid.SampledFrom(kinds.icmpTypes).Draw(t, "type")
		}
		pa, pb := p, p
		da, db := edge(a).Receive(0, at, &pa), edge(b).Receive(0, at, &pb)
		if (da.Action == firewall.ActionForward) != (db.Action == firewall.ActionForward) {
			t.Fatalf("%s %v, flags %q, ports %d %d, by interface %d: %s in %s, %s in %s", p.Protocol, p, p.Flags, p.SrcPort, p.DstPort, at,
				da.Action, a.Dialect, db.Action, b.Dialect)
		}
	}
}

// statelessRules draws lists of rules that every stateless language can say.
func statelessRules(t *rapid.T, write func(permit bool, protocol, source, destination, sport, dport, rest string)) {
	for range rapid.IntRange(1, 6).Draw(t, "rules") {
		permit := rapid.Bool().Draw(t, "permit")
		protocol := oneOfWords(t, "protocol", "ip", "tcp", "udp", "icmp")
		network := func(label, base string) string {
			if rapid.Bool().Draw(t, label) {
				return ""
			}
			return fmt.Sprintf("%s.%d", base, rapid.IntRange(0, 4).Draw(t, label))
		}
		source, destination := network("source", "10.0"), network("destination", "172.16")
		if rapid.Bool().Draw(t, "swap") {
			source, destination = destination, source
		}
		sport, dport, rest := "", "", ""
		if protocol == "tcp" || protocol == "udp" {
			sport, dport = oneOfWords(t, "sport", "", "eq 21", "gt 1024", "lt 1024", "neq 20"), oneOfWords(t, "dport", "", "eq 21", "range 20 80", "gt 1024")
		}
		if protocol == "tcp" {
			rest = oneOfWords(t, "rest", "", "", "established")
		}
		write(permit, protocol, source, destination, sport, dport, rest)
	}
}

func verbOf(permit bool) string {
	if permit {
		return "permit"
	}
	return "deny"
}

func statelessComware(t *rapid.T) string {
	var b strings.Builder
	b.WriteString("acl number 3000\n")
	tag := 0
	statelessRules(t, func(permit bool, protocol, source, destination, sport, dport, rest string) {
		fmt.Fprintf(&b, " rule %s %s", verbOf(permit), protocol)
		for _, o := range []struct{ keyword, value, suffix string }{
			{"source", source, ".0 0.0.0.255"}, {"destination", destination, ".0 0.0.0.255"}, {"source-port", sport, ""}, {"destination-port", dport, ""}, {"", rest, ""},
		} {
			if o.value != "" {
				fmt.Fprintf(&b, " %s %s%s", o.keyword, o.value, o.suffix)
			}
		}
		tag++
		fmt.Fprintf(&b, " vpn-instance v%d\n", tag) // no two rules may say the same
	})
	text := strings.NewReplacer(func() (pairs []string) {
		for i := tag; i > 0; i-- {
			pairs = append(pairs, fmt.Sprintf(" vpn-instance v%d", i), "")
		}
		return pairs
	}()...).Replace(b.String())
	lines := strings.Split(text, "\n")
	seen := map[string]bool{}
	lines = slices.DeleteFunc(lines, func(line string) bool { dup := seen[line]; seen[line] = true; return dup })
	text = strings.Join(lines, "\n")
	if rapid.Bool().Draw(t, "default deny") {
		text += "\npacket-filter default deny"
	}
	return text + "\ninterface Ethernet1\n packet-filter 3000 " + oneOfWords(t, "direction", "inbound", "outbound") +
		"\ninterface Ethernet2\n packet-filter 3000 " + oneOfWords(t, "direction", "inbound", "outbound") + "\n"
}

func statelessIOS(t *rapid.T) string {
	var b strings.Builder
	b.WriteString("ip access-list extended L\n")
	statelessRules(t, func(permit bool, protocol, source, destination, sport, dport, rest string) {
		side := func(network, ports string) string {
			if network == "" {
				return "any " + ports
			}
			return network + ".0 0.0.0.255 " + ports
		}
		fmt.Fprintf(&b, " %s %s %s %s %s\n", verbOf(permit), protocol, side(source, sport), side(destination, dport), rest)
	})
	fmt.Fprintf(&b, "interface Ethernet1\n ip access-group L %s\ninterface Ethernet2\n ip access-group L %s\n", oneOfWords(t, "direction", "in", "out"), oneOfWords(t, "direction", "in", "out"))
	return b.String()
}

// A stateless policy judges every packet alike in each language it is translated to.
func TestTranslateKeepsStatelessPolicy(t *testing.T) {
	all := traffic{[]wire.Flags{wire.SYN, wire.SYN | wire.ACK, wire.ACK, wire.RST, wire.FIN | wire.ACK}, []uint8{0, 3, 8}}
	for _, c := range []struct {
		from   string
		config func(*rapid.T) string
	}{{"comware", statelessComware}, {"ios", statelessIOS}} {
		for _, to := range []string{"comware", "ios", "iptables", "nft"} {
			t.Run(c.from+" to "+to, func(t *testing.T) {
				rapid.Check(t, func(rt *rapid.T) {
					checkTranslation(rt, c.from, to, c.config(rt), all)
				})
			})
		}
	}
}

func checkTranslation(t *rapid.T, from, to, config string, kinds traffic) {
	rs := mustParse(t, from, config)
	text, _, err := Translate(rs, to)
	if err != nil {
		t.Fatalf("%v\n%s", err, config)
	}
	translated, diagnostics := Parse(to, "translated", text)
	if translated == nil {
		t.Fatalf("the translation does not parse:\n%s\n%s", text, FormatDiagnostic(firstError(diagnostics), text))
	}
	t.Logf("%s:\n%s\n%s:\n%s", from, config, to, text)
	samePolicy(t, rs, translated, kinds)
}

// What netfilter says about new connections in its forward chain, a vendor's lists and
// inspection say as well: whether a connection may be opened.
func TestTranslateKeepsStatefulPolicy(t *testing.T) {
	first := traffic{[]wire.Flags{wire.SYN}, []uint8{8}} // of a connection
	for _, to := range []string{"comware", "ios", "asa", "iptables"} {
		t.Run(to, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				checkTranslation(rt, "nft", to, statefulNFT(rt), first)
			})
		})
	}
}

func statefulNFT(t *rapid.T) string {
	var b strings.Builder
	policy := oneOfWords(t, "policy", "accept", "drop")
	fmt.Fprintf(&b, "table ip fw {\n chain forward {\n  type filter hook forward priority filter; policy %s;\n  ct state established,related accept\n", policy)
	b.WriteString("  iifname \"Ethernet2\" tcp dport 9 accept\n  iifname \"Ethernet1\" tcp dport 9 accept\n")
	for range rapid.IntRange(1, 5).Draw(t, "rules") {
		fmt.Fprintf(&b, " %s%s%s%s%s %s\n", oneOfWords(t, "in", "", " iifname \"Ethernet1\"", " iifname \"Ethernet2\" oifname \"Ethernet1\"", " oifname \"Ethernet2\""),
			oneOfWords(t, "saddr", "", " ip saddr 10.0.1.0/24", " ip saddr != 10.0.2.0/24"),
			oneOfWords(t, "dport", "", " tcp dport { 21, 80 }", " tcp dport 1024-65535", " udp dport 21", " tcp dport != 21"),
			oneOfWords(t, "new", "", " ct state new"), oneOfWords(t, "counter", "", " counter"), oneOfWords(t, "verdict", "accept", "drop"))
	}
	return b.String() + " }\n}\n"
}
