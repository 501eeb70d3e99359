package ios

import (
	"strings"
	"testing"

	"ftplab/sim/firewall/dialect/internal/rulestest"
)

// The sections are those of the Cisco IOS Security Command Reference.
func TestParse(t *testing.T) {
	for _, c := range []struct{ name, config, want string }{
		{"access-list (IP extended)", "access-list 101 permit tcp any gt 1023 host 10.0.0.1 eq ftp established log\naccess-list 101 deny ip 10.0.0.0 0.0.0.255 any\ninterface s0/0.1\nip access-group 101 in\n",
			"ip 101 inbound Serial0/0.1 (implicit deny)\n 10: [tcp] [host 10.0.0.1] [gt 1023] [eq 21] [established] {log} permit\n 20: [10.0.0.0 0.0.0.255] deny\n"},
		{"access-list (IP standard)", "access-list 7 remark who\naccess-list 7 permit 10.0.0.1\naccess-list 7 deny 10.0.0.0 0.0.0.255 log\naccess-list 7 permit any\n",
			"ip 7 (implicit deny)\n 10: [host 10.0.0.1] permit\n 20: [10.0.0.0 0.0.0.255] {log} deny\n 30: permit\n"},
		{"ip access-list: sequence numbers", "ip access-list extended X\n permit tcp any any\n 5 deny udp any any\n permit icmp any any\n no 10\n no permit icmp any any\n 7 permit ip any any\n",
			"ip X (implicit deny)\n 5: [udp] deny\n 7: permit\n"},
		{"ip access-list resequence", "ip access-list standard X\n 1 permit any\n 2 deny any\nip access-list resequence X 100 5\n", "ip X (implicit deny)\n 100: permit\n 105: deny\n"},
		{"permit: several ports", "access-list 101 permit tcp any eq 20 21 any neq telnet www\n", "ip 101 (implicit deny)\n 10: [tcp] [eq 20 21] [neq 23 80] permit\n"},
		{"permit: flags", "ip access-list extended X\n permit tcp any any match-all +ack -fin\n permit tcp any any match-any +ack -fin\n permit tcp any any syn\n permit tcp any any ack psh\n",
			"ip X (implicit deny)\n 10: [tcp] [match-all +ack -fin] permit\n 20: [tcp] [match-any +ack -fin] permit\n 30: [tcp] [syn] permit\n 40: [tcp] [ack psh] permit\n"},
		{"permit: ICMP, fragments, DSCP, TTL", "ip access-list extended X\n permit icmp any any echo\n permit icmp any any 3 1\n deny ip any any fragments\n deny ip any any dscp ef\n deny ip any any ttl lt 5\n",
			"ip X (implicit deny)\n 10: [icmp] [echo] permit\n 20: [icmp] [3 1] [3 1] permit\n 30: [fragments] deny\n 40: [dscp 46] deny\n 50: [ttl lt 5] deny\n"},
		{"object-group", "object-group network N\n host 10.0.0.1\n 10.1.0.0 255.255.0.0\n 10.2.0.0 /16\nobject-group service S\n tcp eq 80\n tcp 443\n udp source gt 1023 eq 53\n icmp echo\n" +
			"ip access-list extended X\n permit object-group S object-group N any\n",
			"ip X (implicit deny)\n 10: [tcp] [object-group N] [the group's ports] permit\n 10: [udp] [object-group N] [gt 1023] [eq 53] permit\n 10: [icmp] [object-group N] [echo] permit\n"},
		{"ipv6 access-list", "ipv6 access-list S\n permit tcp any host 2001:db8::1 eq ftp\n sequence 5 deny ipv6 2001:db8::/32 any\ninterface gi0/0\nipv6 traffic-filter S in\n",
			"ip6 S inbound GigabitEthernet0/0 (implicit deny)\n 5: [2001:db8::/32] deny\n 10: [tcp] [host 2001:db8::1] [eq 21] permit\n : [icmp] [nd-na] permit\n : [icmp] [nd-ns] permit\n"},
		{"ip access-group: an empty list permits", "ip access-list extended X\ninterface e0\nip access-group X out\n", "ip X outbound Ethernet0 (an empty list permits everything)\n"},
		{"ip inspect (CBAC)", "ip inspect name F ftp timeout 3600\nip inspect name F udp\nip port-map ftp port tcp 2121\ninterface e0\nip inspect F out\n",
			"cbac Ethernet0outbound > ftp true tcp false udp true icmp false [21 2121]\n"},
		{"show access-lists", "Extended IP access list 102\n    10 permit tcp any host 192.168.1.100 eq ftp (3 matches)\n    20 deny   ip any any log\nStandard IP access list 1\n    30 deny   192.168.1.0, wildcard bits 0.0.0.255\n",
			"ip 102 (implicit deny)\n 10: [tcp] [host 192.168.1.100] [eq 21] permit\n 20: {log} deny\nip 1 (implicit deny)\n 30: [192.168.1.0 0.0.0.255] deny\n"},
		{"prompts", "R1>enable\nR1#conf t\nR1(config)# access-list 100 deny tcp any any eq 20\nR1(config)#interface fa0/0\nR1(config-if)#ip access-group 100 in\n",
			"ip 100 inbound FastEthernet0/0 (implicit deny)\n 10: [tcp] [eq 20] deny\n"},
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

// The zone-based policy firewall: classes in order, the first that fits decides; what
// falls through is dropped; interfaces of one zone and of none talk freely.
func TestZones(t *testing.T) {
	rs, diagnostics := Parse("test", `ip access-list extended WEB
 deny tcp host 10.0.0.9 any
 permit tcp any any eq 80
class-map type inspect match-any FTP
 match protocol ftp
class-map type inspect match-all HTTP
 match protocol tcp
 match access-group name WEB
policy-map type inspect OUT
 class type inspect FTP
  inspect
 class type inspect HTTP
  inspect
 class class-default
  drop
zone security in
zone security out
zone-pair security io source in destination out
 service-policy type inspect OUT
interface e0
 zone-member security in
interface e1
 zone-member security out
`)
	if rs == nil || len(diagnostics) != 0 {
		t.Fatalf("%v", diagnostics)
	}
	const want = `ip WEB (implicit deny)
 10: [tcp] [host 10.0.0.9] deny
 20: [tcp] [eq 80] permit
 OUT/FTP ()
 : [tcp] [eq 21] permit
 OUT/HTTP ()
 10: [tcp] [tcp] [host 10.0.0.9] return
 20: [tcp] [tcp] [eq 80] permit
 OUT ()
 : jump OUT/FTP
 : jump OUT/HTTP
 : deny
 zone-pairs forward  (zones: what no policy passes is dropped)
 : [in no zone] [in no zone] permit
 : [zone in] [zone in] permit
 : [zone out] [zone out] permit
 : [zone in] [zone out] jump OUT
zone forward in>out ftp true tcp true udp false icmp false []
`
	if got := rulestest.Summary(rs); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
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
		{"access-list 101 permti tcp any any\n", 1, 17, `"permti" is not permit or deny`, "did you mean permit?"},
		{"acces-list 101 permit tcp any any\n", 1, 1, `"acces-list" is not a statement`, "did you mean access-list?"},
		{"access-list 200 permit ip any any\n", 1, 13, "200 is not the number of an IP access list", "standard lists are 1-99 and 1300-1999, extended ones 100-199 and 2000-2699"},
		{"access-list 101 permit tcp any\n", 1, 31, "the destination address is missing", "write any, host ADDRESS or ADDRESS WILDCARD"},
		{"access-list 101 permit tcp 10.0.0.1 any eq 21\n", 1, 37, `"any" is not an IPv4 address`, "a wildcard mask follows the address; for one host write host 10.0.0.1"},
		{"access-list 101 permit ip 10.0.0.0/8 any\n", 1, 27, `"10.0.0.0/8" is not how IOS writes a network`, "write 10.0.0.0 0.255.255.255"},
		{"access-list 101 permit ip any any eq 21\n", 1, 35, "a port needs the protocol tcp or udp", "write permit tcp ... eq 21"},
		{"access-list 101 permit udp any any established\n", 1, 36, "established needs the protocol tcp", "write permit tcp ... established"},
		{"access-list 101 permit tcp any any eq snmp\n", 1, 39, `"snmp" is not a port`, "it is a name of the other transport protocol; write 161"},
		{"access-list 101 permit tcp any any eq 21 fragments\n", 1, 42, "fragments cannot be asked for together with ports", "later fragments carry no ports; write a line of its own"},
		{"permit tcp any any\n", 1, 1, `"permit" stands outside an access list`, "write access-list 101 permit ..., or begin with ip access-list extended NAME"},
		{"ip access-list FTP\n permit tcp any any\n deny ip any any\n", 1, 16, `"FTP" is not a kind of access list`, "write ip access-list extended FTP"},
		{"ip access-list extended X\n 10 permit ip any any\n 10 deny ip any any\n", 3, 2, "there is an entry 10 already, in line 2", "remove it first (no 10), or take another number"},
		{"ip access-group 101 in\n", 1, 4, "access-group stands outside an interface", "begin with interface GigabitEthernet0/1"},
		{"interface e0\nip access-group 101 inbound\n", 2, 21, `"inbound" is not a direction`, "expected in or out"},
		{"ip inspect name F fpt\n", 1, 19, `"fpt" is not a protocol that is inspected`, "did you mean ftp?"},
		{"hello world\n", 1, 1, "there is no IOS statement in the text", "begin with access-list 101 permit ..., or with ip access-list extended NAME"},
	} {
		rulestest.Refusal{Text: c.config, Line: c.line, Column: c.column, Message: c.message, Hint: c.hint}.Check(t, Parse)
	}
}

// What is valid but not modelled, or most likely meant otherwise, is a warning.
func TestParseWarnings(t *testing.T) {
	for _, c := range []struct{ config, want string }{
		{"access-list 101 permit ip 10.0.0.0 255.255.255.0 any\n", "255.255.255.0 looks like a netmask"},
		{"access-list 102 permit icmp any 128.88.0.0 255.255.255.255\n", "255.255.255.255 is the wildcard mask of every address: 128.88.0.0 does not count"},
		{"access-list 101 permit ip any any time-range work\n", "time-range is not modelled"},
		{"access-list 101 permit ip any any\nrouter ospf 1\n", `"router ospf 1" is not modelled`},
		{"interface e0\nip access-group 101 in\n", `the access list "101" is not in the text: it permits everything`},
		{"ip inspect name F http\n", "inspection of http is not modelled"},
		{"ip access-list extended X\n permit object-group S any any\n", `the object group "S" is not in the text above`},
	} {
		rs, diagnostics := Parse("f", c.config)
		if rs == nil || len(rs.Diagnostics) != 1 || !strings.Contains(rs.Diagnostics[0].Message, c.want) {
			t.Errorf("%q: %v, want the warning %q", c.config, diagnostics, c.want)
		}
	}
}
