package nft_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ftplab/sim/firewall/dialect/internal/rulestest"
	"ftplab/sim/firewall/dialect/iptables"
	"ftplab/sim/firewall/dialect/nft"
)

// conditions and verdicts make up random rules; most of them nft takes together.
var (
	conditions = []string{"ip saddr 10.0.0.0/24", "ip daddr != 10.1.0.7", "ip saddr { 10.0.0.1, 10.1.0.0-10.1.0.9 }", "ip6 saddr 2001:db8::/48", "ip daddr @hosts",
		"ip saddr . tcp dport @pairs", "ip saddr . tcp dport { 10.0.0.1 . 21, 10.0.0.7 . 20-25 }", "tcp dport 21", "tcp dport { 20, 21, 40000-40010 }", "tcp sport != 1024-65535",
		"tcp dport > 1024", "udp dport 53", "meta l4proto { tcp, udp }", "th dport { 53, 80 }", "meta l4proto != { tcp, 50 }", "tcp flags syn", "tcp flags & (fin | syn | rst | ack) == syn",
		"tcp flags != syn / fin,syn,rst,ack", "tcp flags ! ack", "tcp flags { syn, syn | ack }", "ct state new", "ct state established,related", "ct state != { new, invalid }",
		"ct state vmap { invalid : drop, established : accept }", "ct direction reply", "ct status dnat", `ct helper "ftp"`, `iifname "lan"`, `iifname != { "lan", "dmz" }`,
		`oifname "w*"`, "icmp type echo-request", "icmpv6 type 128", "ip protocol icmp", "meta nfproto ipv4", "ip ttl < 5", "meta length 20-60", "meta mark 0x1", "meta mark & 0xff == 0x1",
		"ip frag-off & 0x1fff == 0", "fib daddr type local", "tcp dport vmap @ports", "limit rate 5/second", "ip saddr & 255.0.0.3 == 10.0.0.1"}
	effects  = []string{"counter", `log prefix "x "`, "meta mark set 0x1", "ct mark set meta mark", "meta mark set meta mark & 0xff | 0x100", `ct helper set "ftp-standard"`}
	verdicts = []string{"accept", "drop", "reject", "jump other", "goto other", "return", "continue", "reject with tcp reset", "reject with icmpx type admin-prohibited"}
)

// ruleset makes up a table of one family with random rules.
func ruleset(t *rapid.T) string {
	var b strings.Builder
	b.WriteString(`table inet fw {
	ct helper ftp-standard { type "ftp" protocol tcp; }
	set hosts { type ipv4_addr; flags interval; elements = { 10.0.0.0/28, 10.1.0.1 }; }
	set pairs { type ipv4_addr . inet_service; elements = { 10.0.0.1 . 21, 10.0.0.7 . 53 }; }
	map ports { type inet_service : verdict; elements = { 21 : accept, 23 : drop, 53 : jump other }; }
	chain other {
`)
	rules := func() {
		for range rapid.IntRange(1, 5).Draw(t, "rules") {
			words := rapid.SliceOfN(rapid.SampledFrom(conditions), 0, 3).Draw(t, "conditions")
			words = append(words, rapid.SliceOfN(rapid.SampledFrom(effects), 0, 1).Draw(t, "effects")...)
			words = append(words, rapid.SampledFrom(verdicts).Draw(t, "verdict"))
			rule := strings.Join(words, " ")
			if strings.Contains(b.String(), "chain forward") || !strings.Contains(rule, "other") && !strings.Contains(rule, "@ports") {
				b.WriteString("\t\t" + rule + "\n")
			}
		}
	}
	rules()
	fmt.Fprintf(&b, "\t}\n\tchain forward {\n\t\ttype filter hook forward priority 0; policy %s;\n", rapid.SampledFrom([]string{"accept", "drop"}).Draw(t, "policy"))
	rules()
	b.WriteString("\t}\n}\n")
	return b.String()
}

// TestPrintedMeansTheSame checks that a random ruleset, printed and read back, does the
// same with random packets; written for iptables too, unless that cannot be.
func TestPrintedMeansTheSame(t *testing.T) {
	taken, translated := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		config := ruleset(rt)
		original, _ := nft.Parse("random", config)
		if original == nil {
			return // conditions that exclude each other
		}
		taken++
		printed := nft.Print(original)
		again, diagnostics := nft.Parse("printed", printed)
		if again == nil {
			rt.Fatalf("not read back: %v\n%s", diagnostics, printed)
		}
		interfaces := []string{"lan", "dmz", "wan"}
		if difference := rulestest.Difference(original, again, interfaces, 1, 300); difference != "" {
			rt.Fatalf("%s\n%s\nbecame\n%s", difference, config, printed)
		}
		if len(changes(iptables.Inexpressible(original))) > 0 {
			return
		}
		translated++
		printed = iptables.Print(original)
		again, diagnostics = iptables.Parse("printed", printed)
		if again == nil {
			rt.Fatalf("not read back: %v\n%s", diagnostics, printed)
		}
		if difference := rulestest.Difference(original, again, interfaces, 1, 300); difference != "" {
			rt.Fatalf("%s\n%s\nbecame\n%s", difference, config, printed)
		}
	})
	t.Logf("%d rulesets, %d also for iptables", taken, translated)
	if taken == 0 || translated == 0 {
		t.Error("no random ruleset was taken")
	}
}
