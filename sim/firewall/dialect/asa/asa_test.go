package asa

import (
	"fmt"
	"strings"
	"testing"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/rulestest"
)

// summary writes a ruleset in a few lines: each chain with where it is applied, its
// rules with conditions and verdict, and what is inspected.
func summary(rs *firewall.Ruleset) string {
	var b strings.Builder
	for _, c := range rs.Chains {
		b.WriteString(c.Name)
		if c.Hook != firewall.HookNone {
			fmt.Fprintf(&b, " %s %s", c.Hook, c.Interface)
		}
		b.WriteString("\n")
		for _, r := range rs.Rules[c.First : c.First+c.Count] {
			for _, p := range r.Parts {
				if p.Match != nil {
					fmt.Fprintf(&b, " [%s]", p.Match.Text)
				} else {
					fmt.Fprintf(&b, " {%s}", p.Effect.Text)
				}
			}
			switch r.Verdict.Kind {
			case firewall.Accept:
				b.WriteString(" permit\n")
			case firewall.Drop:
				b.WriteString(" deny\n")
			default:
				fmt.Fprintf(&b, " jump %s\n", rs.Chains[r.Verdict.Chain].Name)
			}
		}
	}
	for _, in := range rs.Inspections[1:] { // the first says that everything is tracked
		fmt.Fprintf(&b, "inspect %s ftp %v strict %v icmp %v %v\n", in.Interface, in.FTP, in.Strict, in.ICMP, in.Ports)
	}
	return b.String()
}

const defaultPolicy = "inspect  ftp true strict false icmp false []\n"

// The sections are those of the ASA firewall configuration guide.
func TestParse(t *testing.T) {
	for _, c := range []struct{ name, config, want string }{
		{"extended ACL", "access-list OUT extended permit tcp any host 192.168.10.1 eq ftp log 4 interval 30\naccess-list OUT permit udp 10.0.0.0 255.0.0.0 gt 1023 any4\naccess-list OUT extended deny ip any6 any inactive\naccess-group OUT in interface outside\n",
			"OUT inbound outside\n [tcp] [host 192.168.10.1] [eq 21] {log} permit\n [udp] [10.0.0.0 255.0.0.0] [any4] [gt 1023] permit\n [any6] [inactive] deny\n" + defaultPolicy},
		{"line", "access-list A extended permit ip any any\naccess-list A line 1 extended deny tcp any any\n", "A\n [tcp] deny\n permit\n" + defaultPolicy},
		{"objects", "object network S\n host 192.168.10.1\nobject service FTP\n service tcp destination eq ftp\naccess-list A extended permit object FTP any object S\n",
			"A\n [tcp] [object S] [eq 21] permit\n" + defaultPolicy},
		{"object groups", "object-group network N\n network-object host 10.0.0.1\n network-object 10.1.0.0 255.255.0.0\nobject-group service P tcp\n port-object eq ftp\n port-object range 1024 2048\n" +
			"object-group protocol T\n protocol-object tcp\n protocol-object udp\nobject-group icmp-type I\n icmp-object echo\n" +
			"access-list A extended permit tcp any object-group N object-group P\naccess-list A extended deny object-group T any any eq 53\naccess-list A extended permit icmp any any object-group I\n",
			"A\n [tcp] [object-group N] [object-group P] permit\n [tcp] [eq 53] deny\n [udp] [eq 53] deny\n [icmp] [echo] permit\n" + defaultPolicy},
		{"names", "names\nname 10.0.0.9 box\naccess-list A extended permit ip host box any\n", "A\n [host 10.0.0.9] permit\n" + defaultPolicy},
		{"access-group global", "access-list A extended permit tcp any any\naccess-list G extended permit udp any any\naccess-group G global\naccess-group A in interface x\ninterface g0\n nameif x\ninterface g1\n nameif y\n security-level 0\n",
			"A\n [tcp] permit\nG\n [udp] permit\nA inbound x\n jump A\n jump G\nG inbound y\n jump G\nsecurity-levels forward \n" + defaultPolicy},
		{"security levels", "interface g0\n nameif inside\n security-level 100\ninterface g1\n nameif outside\n security-level 0\ninterface g2\n nameif dmz\n security-level 50\naccess-list A extended permit ip any any\naccess-group A in interface outside\n",
			"A inbound outside\n permit\nsecurity-levels forward \n [inside (level 100)] [an interface it may open connections to] permit\n [outside (level 0)] [an interface it may open connections to] permit\n [dmz (level 50)] [an interface it may open connections to] permit\n" + defaultPolicy},
		{"inspect ftp strict, another port", "class-map f\n match port tcp eq 2121\npolicy-map p\n class inspection_default\n  inspect ftp strict\n  inspect icmp\n class f\n  inspect ftp\nservice-policy p global\n",
			"inspect  ftp true strict true icmp false []\ninspect  ftp false strict false icmp true []\ninspect  ftp true strict false icmp false [2121]\n"},
		{"inspection off", "access-list A extended permit ip any any\nno service-policy global_policy global\n", "A\n permit\n"},
		{"PIX: fixup", "fixup protocol ftp strict 2121\n", "inspect  ftp true strict true icmp false [2121]\n"},
		{"show access-list", "access-list A; 3 elements; name hash: 0x1\naccess-list A line 1 remark r\naccess-list A line 2 extended permit tcp object-group G any eq ssh (hitcnt=3) 0x2\n" +
			"  access-list A line 2 extended permit tcp host 10.0.0.1 any eq ssh (hitcnt=1) 0x3\n  access-list A line 2 extended permit tcp host 10.0.0.2 any eq ssh (hitcnt=2) 0x4\n",
			"A\n [tcp] [host 10.0.0.1] [eq 22] permit\n [tcp] [host 10.0.0.2] [eq 22] permit\n" + defaultPolicy},
	} {
		t.Run(c.name, func(t *testing.T) {
			rs, diagnostics := Parse("test", c.config)
			if rs == nil {
				t.Fatalf("%v", diagnostics)
			}
			if got := summary(rs); got != c.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, c.want)
			}
		})
	}
}

// Between interfaces without an access list, connections go from higher levels to
// lower ones; between equal ones only with same-security-traffic.
func TestSecurityLevels(t *testing.T) {
	const config = `interface g0
 nameif a
 security-level 50
interface g1
 nameif b
 security-level 50
interface g2
 nameif c
 security-level 100
`
	for _, c := range []struct{ more, want string }{
		{"", "c>[a b] "},
		{"same-security-traffic permit inter-interface\n", "a>[b] b>[a] c>[a b] "},
		{"same-security-traffic permit intra-interface\n", "a>[a] b>[b] c>[a b c] "},
		{"access-list X extended permit ip any any\naccess-group X in interface a\n", "a>[c] c>[a b] "},
	} {
		rs, diagnostics := Parse("test", config+c.more)
		if rs == nil {
			t.Fatalf("%v", diagnostics)
		}
		got := ""
		for _, r := range rs.Rules {
			if rs.Chains[r.Chain].Table == "security-level" {
				got += fmt.Sprintf("%s>%v ", r.Parts[0].Match.Names[0], r.Parts[1].Match.Names)
			}
		}
		if got != c.want {
			t.Errorf("with %q: %s, want %s", c.more, got, c.want)
		}
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
		{"access-list A extended permti ip any any\n", 1, 24, `"permti" is not permit or deny`, "did you mean permit?"},
		{"acess-list A extended permit ip any any\n", 1, 1, `"acess-list" is not a statement`, "did you mean access-list?"},
		{"access-list A extended permit ip 10.0.0.0 0.0.0.255 any\n", 1, 43, "0.0.0.255 looks like a wildcard mask; the ASA takes a netmask", "write 10.0.0.0 255.255.255.0"},
		{"access-list A extended permit ip 10.0.0.0/8 any\n", 1, 34, `"10.0.0.0/8" is not how the ASA writes an IPv4 network`, "write 10.0.0.0 255.0.0.0"},
		{"access-list A extended permit tcp any any established\n", 1, 43, "established is not an option of an ASA access list", "the ASA tracks connections: leave the line out"},
		{"access-list A extended permit ip any any eq 21\n", 1, 42, "a port needs the protocol tcp or udp", "write permit tcp ... eq 21"},
		{"access-list A extended permit tcp any eq fpt any\n", 1, 42, `"fpt" is not a port`, "did you mean ftp?"},
		{"access-group A into interface x\n", 1, 16, `"into" is not a direction`, "expected in, out or global"},
		{"interface g0\n security-level 101\n", 2, 17, "security level 101 is out of range", "expected a number from 0 to 100"},
		{"interface g0\n nameif a\ninterface g1\n nameif a\n", 4, 9, "another interface has the name a", "line 1 names it"},
		{"policy-map p\n class c\n  inspect fpt\n", 3, 11, `"fpt" is not a protocol that is inspected`, "did you mean ftp?"},
		{"object netwrok X\n", 1, 8, `"netwrok" is not a kind of object`, "did you mean network?"},
		{"hello world\n", 1, 1, "there is no ASA statement in the text", "begin with access-list NAME extended permit ..."},
	} {
		rulestest.Refusal{Text: c.config, Line: c.line, Column: c.column, Message: c.message, Hint: c.hint}.Check(t, Parse)
	}
}

// What is valid but not modelled is a warning.
func TestParseWarnings(t *testing.T) {
	for _, c := range []struct{ config, want string }{
		{"object network X\n host 10.0.0.1\n nat (inside,outside) static 1.2.3.4\n", "nat is not modelled: addresses are not translated"},
		{"static (inside,outside) 1.2.3.4 10.0.0.1\naccess-list A extended permit ip any any\n", `"static (inside,outside) 1.2.3.4 10.0.0.1" is not modelled`},
		{"access-list A extended permit ip any object Z\n", `the object "Z" is not in the text above`},
		{"access-group A in interface x\n", `the access list "A" is not in the text`},
		{"policy-map p\n class inspection_default\n  inspect ftp\nservice-policy q global\n", `the policy map "q" is not in the text`},
		{"policy-map p\n class inspection_default\n  inspect ftp\n", "no service-policy applies the policy map p"},
	} {
		rs, diagnostics := Parse("f", c.config)
		if rs == nil || len(rs.Diagnostics) == 0 || !strings.Contains(rs.Diagnostics[0].Message+rs.Diagnostics[len(rs.Diagnostics)-1].Message, c.want) {
			t.Errorf("%q: %v, want the warning %q", c.config, diagnostics, c.want)
		}
	}
}
