package dialect

import (
	"strings"
	"testing"
	"unicode/utf8"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/audit"
)

// seeds are texts from which the fuzzer starts: one that uses much of each language,
// and some that are broken in typical ways.
func seeds() map[string][]string {
	return map[string][]string{
		"comware": {
			"rule permit tcp source 192.168.10.1 0 source-port eq 21 destination-port gt 1024\nRele deny ip\n",
			"acl number 3000 name X match-order auto\n rule 5 permit udp destination-port range 1 2\n rule 5 comment c\n step 2 start 1\nundo acl 3000\n",
			"acl ipv6 advanced 3001\n rule permit icmpv6 source 2001:db8::/32 icmp6-type echo-request\n#\nsecurity-zone name A\n import interface GE1/0/1\n" +
				"zone-pair security source A destination any\n packet-filter ipv6 3001\n aspf apply policy 1\naspf policy 1\n detect ftp\n",
			"firewall enable\nfirewall default deny\ninterface e1/0\n firewall packet-filter 2000 inbound\nacl 2000\n rule deny source any fragment logging\n",
			"object-group ip address G\n network subnet 10.0.0.0 8\n network group-object G\nobject-group port P\n port gt 65535\n",
			"Advanced ACL 3000, 1 rule\nACL's step is 5\n rule 0 permit tcp ack 1 syn 0 established (5 times matched)\n[H3C]undo rule 0\n",
		},
		"ios": {
			"access-list 101 permit tcp 10.0.0.0 0.0.0.255 gt 1023 any eq ftp 80 established log\ninterface s0/0\n ip access-group 101 in\n",
			"ip access-list extended X\n 10 permit tcp any any match-any +ack -fin\n no 10\n remark r\n permit object-group S object-group N any\n" +
				"object-group service S\n tcp-udp source gt 1 eq 53\n group-object S\nobject-group network N\n 10.0.0.0 /8\n",
			"class-map type inspect match-all C\n match protocol dns\n match access-group name X\npolicy-map type inspect P\n class type inspect C\n  inspect\n" +
				"zone security a\nzone-pair security z source a destination b\n service-policy type inspect P\ninterface e0\n zone-member security a\n",
			"ip inspect name F ftp timeout 5\nip port-map ftp port 2121\ninterface e0\n ip inspect F out\nipv6 access-list Y\n permit icmp any host ::1 nd-na sequence 5\n",
			"Extended IP access list 101\n    10 deny   1.2.3.4, wildcard bits 0.0.0.255 (3 matches)\nip access-list resequence 101 1 1\n",
		},
		"asa": {
			"interface e0\n nameif inside\n security-level 100\naccess-list A line 1 extended permit tcp any4 host 1.2.3.4 eq ftp log 3 interval 5 inactive\naccess-group A global\n",
			"object service S\n service tcp source eq 1 destination range 2 3\nobject-group service G tcp-udp\n port-object eq 21\n group-object G\n" +
				"access-list A permit object S any object-group G object-group G\naccess-list A deny icmp6 any any6 echo\n",
			"class-map C\n match port tcp range 21 25\npolicy-map P\n class C\n  inspect ftp strict M\n  no inspect ftp\nservice-policy P interface x\nfixup protocol ftp 2121\n",
			"access-list A; 2 elements\naccess-list A line 1 extended permit ip object-group X any (hitcnt=0) 0x1\n  access-list A line 1 extended permit ip host 1.1.1.1 any (hitcnt=0) 0x2\n",
		},
		"isa": {
			"isa server 2004\nnetwork \"a b\" interface lan\nprotocol P tcp 1-2 secondary udp 3\naccess rule r allow P,FTP from \"a b\" to any read-only off\n",
			"isa server 2000\npublishing rule x \"FTP Server\" server 10.0.0.1 from 10.0.0.0/8 # why\n",
		},
	}
}

// fuzzDialect checks what holds for every text: no crash, messages that point into the
// text, and of what parses a print that parses to the same meaning.
func fuzzDialect(f *testing.F, name string) {
	for _, config := range seeds()[name] {
		f.Add(config)
	}
	f.Fuzz(func(t *testing.T, config string) {
		const most = 1 << 14
		if len(config) > most {
			return
		}
		rs, diagnostics := Parse(name, "fuzz", config)
		lines := strings.Split(config, "\n")
		for _, d := range diagnostics {
			if d.Line < 1 || d.Line > len(lines) || d.Column < 1 || d.EndColumn < d.Column || d.Column > len(lines[d.Line-1])+1 {
				t.Fatalf("a message points nowhere: %+v", d)
			}
			if s := FormatDiagnostic(d, config); !utf8.ValidString(s) || strings.ContainsAny(s, "\x1b\r\x00") {
				t.Fatalf("a message could steer the terminal: %q", s)
			}
		}
		if (rs == nil) != hasError(diagnostics) {
			t.Fatalf("ruleset %v, messages %v", rs != nil, diagnostics)
		}
		if rs == nil || !printsBack(config) {
			return
		}
		checkRuleset(t, rs)
		roundTrip(t, rs)
	})
}

func hasError(diagnostics []firewall.Diagnostic) bool {
	for _, d := range diagnostics {
		if d.Severity == firewall.Error {
			return true
		}
	}
	return false
}

// printsBack reports whether a text is one whose names survive printing: control
// characters and marks of comments within names do not.
func printsBack(config string) bool {
	return utf8.ValidString(config) && !strings.ContainsAny(config, "!#\\") && strings.IndexFunc(config, func(r rune) bool {
		return r != '\n' && r != '\t' && (r < ' ' || r > '~')
	}) < 0
}

func FuzzComware(f *testing.F) { fuzzDialect(f, "comware") }
func FuzzIOS(f *testing.F)     { fuzzDialect(f, "ios") }
func FuzzASA(f *testing.F)     { fuzzDialect(f, "asa") }
func FuzzISA(f *testing.F)     { fuzzDialect(f, "isa") }

// Recognition reads any text at all, and names only dialects that there are.
func FuzzRecognise(f *testing.F) {
	for _, configs := range seeds() {
		for _, config := range configs {
			f.Add(config)
		}
	}
	f.Fuzz(func(t *testing.T, config string) {
		for _, name := range Recognise(config) {
			if _, err := find(name); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// linuxSeeds are texts of netfilter's two languages, from which translation starts.
func linuxSeeds() []string {
	return []string{
		"*filter\n:FORWARD DROP [0:0]\n-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A FORWARD -i lan -p tcp -m tcp --dport 21 -j ACCEPT\nCOMMIT\n",
		"*filter\n:INPUT DROP [0:0]\n:sub - [0:0]\n-A INPUT -s 10.0.0.0/8 -p tcp -m multiport --dports 20,21,1024:65535 -j sub\n-A sub -j RETURN\nCOMMIT\n" +
			"*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -m tcp --dport 2121 -j DNAT --to-destination 10.0.0.1:21\nCOMMIT\n",
		"table inet fw {\n  set s { type inet_service; elements = { 20-21, 80 } }\n  chain forward {\n    type filter hook forward priority 0; policy drop;\n" +
			"    ct state vmap { established : accept, related : accept }\n    iifname \"lan\" tcp dport @s tcp flags syn / syn,ack accept\n    ip6 saddr 2001:db8::/32 drop\n  }\n}\n",
	}
}

// A text in whatever dialect, translated to whatever other: what is written is read again
// without an error, and where no note says so no packet fares differently.
func FuzzTranslate(f *testing.F) {
	for _, configs := range seeds() {
		for _, config := range configs {
			for to := range Names() {
				f.Add(config, uint8(to))
			}
		}
	}
	for _, config := range linuxSeeds() {
		for to := range Names() {
			f.Add(config, uint8(to))
		}
	}
	f.Fuzz(func(t *testing.T, config string, place uint8) {
		const most = 1 << 11
		to := Names()[int(place)%len(Names())]
		if len(config) > most || !printsBack(config) {
			return
		}
		for _, from := range Recognise(config) {
			rs, _ := Parse(from, "fuzz", config)
			if rs == nil || from == to {
				continue
			}
			translated(t, rs, to)
		}
	})
}

// translated translates a ruleset and checks what comes out.
func translated(t failer, rs *firewall.Ruleset, to string) {
	t.Helper()
	text, notes, err := Translate(rs, to)
	if err != nil {
		return // it says what cannot be said
	}
	again, diagnostics := Parse(to, "again", text)
	if again == nil {
		if strings.TrimSpace(text) == "" || meaningless(rs) {
			return
		}
		t.Fatalf("%s to %s: the translation does not parse:\n%s\n%s", rs.Dialect, to, text, FormatDiagnostic(firstError(diagnostics), text))
	}
	if len(notes) > 0 {
		return
	}
	const few = 200_000
	if c := audit.Compare(rs, again, audit.Options{Budget: few}); c.First != nil {
		t.Fatalf("%s to %s: %v fares differently, and no note says so:\n%s\n%s", rs.Dialect, to, &c.First.Packet, text, rs.Text)
	}
}

// meaningless reports whether a ruleset says nothing about any packet.
func meaningless(rs *firewall.Ruleset) bool {
	for i := range rs.Chains {
		if rs.Chains[i].Count > 0 || rs.Chains[i].Policy.Kind == firewall.Drop {
			return false
		}
	}
	return len(rs.Inspections) == 0
}
