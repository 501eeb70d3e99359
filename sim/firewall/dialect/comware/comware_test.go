package comware

import (
	"strings"
	"testing"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/rulestest"
)

// The sections are those of the H3C ACL, ASPF and zone command references.
func TestParse(t *testing.T) {
	for _, c := range []struct{ name, config, want string }{
		{"rule: automatic numbers", "acl number 3000\nrule 28 permit ip\nrule deny tcp\nstep 5\nrule deny udp\n",
			"ip 3000 (default permit)\n 28: permit\n 30: [tcp] deny\n 35: [udp] deny\n"},
		{"step: renumbers", "acl number 3000\nrule 5 permit ip\nrule 10 deny tcp\nrule 13 deny udp\nrule 15 deny icmp\nstep 2\n",
			"ip 3000 (default permit)\n 0: permit\n 2: [tcp] deny\n 4: [udp] deny\n 6: [icmp] deny\n"},
		{"rule: a repeated number merges", "acl number 3000\nrule 5 permit tcp source 10.0.0.1 0\nrule 5 deny tcp destination-port eq 21\n",
			"ip 3000 (default permit)\n 5: [tcp] [source 10.0.0.1 0] [destination-port eq 21] deny\n"},
		{"rule: options in any order", "acl number 3000\nrule permit tcp established destination-port range telnet ftp logging source any counting destination 10.0.0.9 0.0.0.255\n",
			"ip 3000 (default permit)\n 0: [tcp] [destination 10.0.0.0 0.0.0.255] [destination-port range 21 23] [established] {counting} {logging} permit\n"},
		{"rule: flags, ICMP types, DSCP", "acl advanced 3000\nrule permit tcp syn 1 ack 0\nrule permit icmp icmp-type host-unreachable\nrule permit icmp icmp-type 5 2\nrule deny ip fragment dscp ef\nrule deny 89 precedence flash\n",
			"ip 3000 (default permit)\n 0: [tcp] [ack 0] [syn 1] permit\n 5: [icmp] [icmp-type host-unreachable] [icmp-type host-unreachable] permit\n" +
				" 10: [icmp] [icmp-type 5 2] [icmp-type 5 2] permit\n 15: [fragment] [dscp 46] deny\n 20: [ospf] [precedence 3] deny\n"},
		{"rule: a mask with holes", "acl basic 2000\nrule permit source 10.0.0.5 0.255.0.254\n", "ip 2000 (default permit)\n 0: [source 10.0.0.1 0.255.0.254] permit\n"},
		{"acl: match-order auto", "acl number 3000 match-order auto\nrule permit ip\nrule permit tcp destination-port range 20 30\nrule permit tcp destination-port eq 21\nrule permit ip source 10.0.0.0 0.0.0.255\n",
			"ip 3000 (default permit)\n 10: [tcp] [destination-port eq 21] permit\n 5: [tcp] [destination-port range 20 30] permit\n 15: [source 10.0.0.0 0.0.0.255] permit\n 0: permit\n"},
		{"acl ipv6", "acl ipv6 number 3000\nrule permit tcp source 2001:db8::1 128 destination 2001:db8:1::/48 destination-port eq ftp\nrule deny icmpv6 icmp6-type redirect\n",
			"ip6 3000 (default permit)\n 0: [tcp] [source 2001:db8::1/128] [destination 2001:db8:1::/48] [destination-port eq 21] permit\n 5: [icmpv6] [icmp6-type redirect] [icmp6-type redirect] deny\n"},
		{"acl name, applied twice", "acl advanced name Web\nrule deny ip\ninterface GE 1/0/1\npacket-filter name web inbound\ninterface GigabitEthernet1/0/2\npacket-filter name WEB outbound\n",
			"ip Web inbound GigabitEthernet1/0/1 (default permit)\n 0: deny\nip Web outbound GigabitEthernet1/0/2 (default permit)\n 0: deny\n"},
		{"packet-filter default deny, global", "packet-filter default deny\nacl number 2000\nrule permit\npacket-filter 2000 global outbound\n",
			"ip 2000 outbound  (packet-filter default deny)\n 0: permit\n"},
		{"undo", "acl number 3000\nrule permit tcp source 10.0.0.1 0 destination-port eq 1\nrule deny ip\nundo rule 0 source\nundo rule 5\ninterface GE1/0/1\npacket-filter 3000 inbound\nundo packet-filter 3000 inbound\n",
			"ip 3000 (default permit)\n 0: [tcp] [destination-port eq 1] permit\n"},
		{"V5: firewall", "firewall enable\nfirewall default deny\nacl number 3000\nrule permit ip\ninterface Ethernet1/0\nfirewall packet-filter 3000 inbound\nfirewall aspf 1 outbound\naspf-policy 1\ndetect ftp aging-time 3000\ndetect tcp\n",
			"ip 3000 inbound Ethernet1/0 (firewall default deny)\n 0: permit\naspf Ethernet1/0outbound > ftp true tcp true udp false icmp false []\n"},
		{"V5: the firewall is off by default", "acl number 3000\nrule deny ip\ninterface Ethernet1/0\nfirewall packet-filter 3000 inbound\n", "ip 3000 (default permit)\n 0: deny\n"},
		{"ASPF", "aspf policy 1\ndetect ftp\nport-mapping ftp port 2121\ninterface GE1/0/1\naspf apply policy 1 outbound\n",
			"aspf GigabitEthernet1/0/1outbound > ftp true tcp true udp true icmp true [21 2121]\n"},
		{"zone pairs", "acl number 3000\nrule permit tcp destination-port eq ftp\nsecurity-zone name Trust\nimport interface GE1/0/1\nsecurity-zone name Untrust\nimport interface GE1/0/2\n" +
			"security-zone intra-zone default permit\nzone-pair security source trust destination untrust\npacket-filter 3000\n",
			"ip 3000 (default permit)\n 0: [tcp] [destination-port eq 21] permit\n zone-pairs forward  (no zone pair permits it)\n" +
				" : [source zone trust] [destination zone untrust] jump 3000\n : [source zone Trust] [destination zone Trust] permit\n : [source zone Untrust] [destination zone Untrust] permit\n" +
				"aspf forward Trust>Untrust ftp true tcp true udp true icmp true []\n"},
		{"object groups", "object-group ip address Hosts\n0 network host address 10.0.0.1\nnetwork subnet 10.1.0.0 16\nnetwork range 10.2.0.1 10.2.0.3\nobject-group port Ports\nport eq 21\nport gt 1024\n" +
			"acl number 3000\nrule permit tcp source object-group Hosts destination-port object-group ports\n",
			"ip 3000 (default permit)\n 0: [tcp] [source object-group Hosts] [destination-port object-group Ports] permit\n"},
		{"prompts and display acl", "<H3C> system-view\n[H3C]acl number 3000\n[H3C-acl-adv-3000]rule 7 deny ip (5 times matched)\nBasic ACL 2001, named x, 1 rule,\nACL's step is 5\n rule 5 permit source 10.0.0.0 0.0.0.255 (94 matches)\n rule 5 comment mine\n",
			"ip 3000 (default permit)\n 7: deny\nip 2001 (default permit)\n 5: [source 10.0.0.0 0.0.0.255] permit\n"},
		{"Huawei", "acl 3339\nrule permit tcp source-port eq ftp-data\n", "ip 3339 (default permit)\n 0: [tcp] [source-port eq 20] permit\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rs, diagnostics := Parse("test", c.config)
			if rs == nil {
				t.Fatalf("%v", diagnostics)
			}
			if got := rulestest.Summary(rs); got != c.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, c.want)
			}
		})
	}
}

// Each error names line and column of the offending word, and says what to do.
func TestParseErrors(t *testing.T) {
	for _, c := range []struct {
		config       string
		line, column int
		message      string
		hint         string
	}{
		{"rule permit tcp\nRele deny ip\n", 2, 1, `"Rele" is not a statement`, "did you mean rule?"},
		{"rule permti ip\n", 1, 6, `"permti" is not what a rule does`, "did you mean permit?"},
		{"rule permit tpc source any\n", 1, 13, `"tpc" is not a protocol`, "did you mean tcp?"},
		{"rule permit source any\n", 1, 13, "the protocol is missing", "an advanced ACL's rule names it first: rule permit ip ..."},
		{"rule permit tcp source 192.168.10.1 source-port eq 21\n", 1, 37, `"source-port" is not an IPv4 address`, "a wildcard mask follows the address: write source 192.168.10.1 0 for this one host"},
		{"rule permit tcp source 10.0.0.0/8\n", 1, 24, `"10.0.0.0/8" is not how Comware writes a network`, "write source 10.0.0.0 0.255.255.255"},
		{"rule permit tcp source-port eq 70000\n", 1, 32, "port 70000 is out of range", "expected a number from 0 to 65535"},
		{"rule permit tcp source-port eq fpt\n", 1, 32, `"fpt" is not a port`, "did you mean ftp?"},
		{"rule permit ip source-port eq 21\n", 1, 16, "source-port needs the protocol tcp or udp", "write rule permit tcp ... source-port"},
		{"rule permit udp established\n", 1, 17, "established needs the protocol tcp", "write rule permit tcp ... established"},
		{"rule permit tcp s any\n", 1, 17, `"s" is ambiguous`, "expected source, source-port or syn"},
		{"rule permit tcp established established\n", 1, 29, "established is given twice", "a rule takes each option once; write two rules"},
		{"permit tcp\n", 1, 1, `"permit" does not begin a statement`, "write rule permit ..."},
		{"acl number 1999\n", 1, 12, "ACL number 1999 is out of range", "expected a number from 2000 to 5999"},
		{"acl basic 3000\n rule permit tcp\n", 1, 11, "ACL 3000 is not basic", "basic ACLs are 2000 to 2999, advanced ones 3000 to 3999"},
		{"acl number 2000\nrule permit destination any\n", 2, 13, "a basic ACL looks at source addresses only: destination is not one of its options", "use an advanced ACL (3000 to 3999)"},
		{"acl number 3000 match-order auto\nrule 5 permit ip\nrule 5 deny ip\n", 3, 6, "rule 5 exists and cannot be edited in match order auto", "remove it first: undo rule 5"},
		{"acl number 3000\nrule permit ip\nrule permit ip\n", 3, 1, "rule 0 says the same", "the device refuses a second rule with the same content: leave it out"},
		{"acl number 3000\nundo rule 5\n", 2, 11, "there is no rule 5", ""},
		{"packet-filter 3000 inbound\n", 1, 1, "packet-filter stands outside an interface", "begin with interface GigabitEthernet 2/1/10, or write packet-filter ... global inbound"},
		{"interface GE1/0/1\npacket-filter 3000 inwards\n", 2, 20, `"inwards" is not a direction`, "expected inbound or outbound"},
		{"detect ftp\n", 1, 1, "detect stands outside an ASPF policy", "begin with aspf policy 1"},
		{"aspf policy 1\ndetect fpt\n", 2, 8, `"fpt" is not a protocol that ASPF detects`, "did you mean ftp?"},
		{"acl number 3000\nrule permit ip extra\n", 2, 16, `"extra" is not an option of a rule`, "expected source, destination, source-port, destination-port, established, ack, fin, psh, rst, syn, urg, icmp-type ..."},
		{"hello world\n", 1, 1, "there is no Comware statement in the text", "begin with acl number 3000, or with a rule: rule permit tcp ..."},
	} {
		rulestest.Refusal{Text: c.config, Line: c.line, Column: c.column, Message: c.message, Hint: c.hint}.Check(t, Parse)
	}
}

// What is valid but not modelled, or most likely meant otherwise, is a warning.
func TestParseWarnings(t *testing.T) {
	for _, c := range []struct{ config, want string }{
		{"rule permit ip source 10.0.0.0 255.255.255.0\n", "255.255.255.0 looks like a netmask"},
		{"rule permit ip time-range work\n", "time-range is not modelled: the rule always applies"},
		{"rule permit ip\nip address 10.0.0.1 255.0.0.0\n", `"ip address 10.0.0.1 255.0.0.0" is not modelled`},
		{"interface GE1/0/1\npacket-filter 3000 inbound\n", "ACL 3000 is not in the text: nothing is filtered by it"},
		{"acl number 3000\nrule deny ip\ninterface e1/0\nfirewall packet-filter 3000 inbound\n", "the firewall is not enabled"},
		{"interface GE1/0/1\naspf apply policy 3 inbound\n", "ASPF policy 3 is not in the text"},
		{"security-zone name Trust\n", "no interface is in the security zone Trust: it filters nothing"},
		{"acl mac 4000\nrule deny\n", "link layer and user-defined ACLs are not modelled"},
	} {
		rs, diagnostics := Parse("f", c.config)
		if rs == nil || len(rs.Diagnostics) != 1 || !strings.Contains(rs.Diagnostics[0].Message, c.want) {
			t.Errorf("%q: %v, want the warning %q", c.config, diagnostics, c.want)
		}
	}
}

// The rules of a list with an error in its first line are not looked at: one error, not
// a cascade.
func TestNoCascade(t *testing.T) {
	_, diagnostics := Parse("f", "acl nubmer 3000\nrule permit ip\nrule deny ip\ninterface GE1/0/1\n")
	if len(diagnostics) != 1 {
		t.Errorf("%v", diagnostics)
	}
}

func TestProfiles(t *testing.T) {
	rs, _ := ParseProfile("f", "rule permit tcp ack 1 syn 1\n", Profile{AnyFlag: true, RulesSkipFragments: true})
	parts := rs.Rules[0].Parts
	if len(parts) != 3 || len(parts[1].Match.AnyOf) != 2 || parts[2].Match.Field != firewall.Fragment {
		t.Errorf("%s", rulestest.Summary(rs))
	}
}

func TestInterfaceName(t *testing.T) {
	for given, want := range map[string]string{
		"GigabitEthernet 2/1/10": "GigabitEthernet2/1/10", "gigabitethernet2/1/10": "GigabitEthernet2/1/10", "GE2/1/10": "GigabitEthernet2/1/10",
		"gi 1/0/1": "GigabitEthernet1/0/1", "Vlan-int 100": "Vlan-interface100", "XGE1/0/1": "Ten-GigabitEthernet1/0/1", "lan": "lan", "t1": "t1",
	} {
		if got := InterfaceName(given); got != want {
			t.Errorf("InterfaceName(%q) = %q, want %q", given, got, want)
		}
	}
}
