package dialect

import (
	"strings"
	"testing"

	"ftplab/sim/firewall"
)

func TestNames(t *testing.T) {
	if got := strings.Join(Names(), " "); got != "comware ios asa iptables nft isa" {
		t.Errorf("names: %s", got)
	}
}

func TestRecognise(t *testing.T) {
	for _, c := range []struct{ config, want string }{
		{"rule permit tcp source 192.168.10.1 0\nRele deny ip\n", "comware"},
		{"[H3C]acl number 3000\n", "comware"},
		{"firewall default deny\n", "comware"},
		{"access-list 101 permit tcp 10.0.0.0 0.0.0.255 any eq 21\n", "ios"},
		{"access-list 101 permit tcp any any eq 21\n", "ios asa"},
		{"access-list 101 permit tcp 10.0.0.0 255.255.255.0 any\n", "ios asa"},
		{"access-list 101 permit tcp any any eq 21\ninterface e0\n ip access-group 101 in\n", "ios"},
		{"access-list 101 permit tcp any any eq 21\naccess-group 101 in interface outside\n", "asa"},
		{"Router(config)#ip access-list extended X\n", "ios"},
		{"zone-pair security z source a destination b\n", "ios"},
		{"zone-pair security source a destination b\n", "comware"},
		{"-A FORWARD -p tcp -j ACCEPT\n", "iptables"},
		{"# rules\n*filter\n:FORWARD DROP [0:0]\nCOMMIT\n", "iptables"},
		{"iptables -P FORWARD DROP\n", "iptables"},
		{"#!/usr/sbin/nft -f\n", "nft"},
		{"table inet fw {\n chain x {\n }\n}\n", "nft"},
		{"isa server 2004\n", "isa"},
		{"rule permit ip\n-A FORWARD -j DROP\n", "comware iptables"},
		{"hello world\n", ""},
		{"", ""},
	} {
		if got := strings.Join(Recognise(c.config), " "); got != c.want {
			t.Errorf("%q: recognised as %q, want %q", c.config, got, c.want)
		}
	}
}

// Without a name the dialect is recognised; none or several are an error that says so.
func TestParse(t *testing.T) {
	if rs, diagnostics := Parse("", "f", "rule deny ip\n"); rs == nil || rs.Dialect != "comware" {
		t.Errorf("%v", diagnostics)
	}
	for _, c := range []struct{ name, config, message, hint string }{
		{"", "hello\n", "the text is in no dialect that is known here", "name one of comware, ios, asa, iptables, nft, isa with --dialect"},
		{"", "access-list 101 permit tcp any any eq 21\n", "the text fits the dialects ios and asa", "name one of them with --dialect"},
		{"comwre", "rule deny ip\n", `"comwre" is not a dialect: did you mean comware? (known are comware, ios, asa, iptables, nft, isa)`, ""},
	} {
		rs, diagnostics := Parse(c.name, "f", c.config)
		if rs != nil || len(diagnostics) != 1 || diagnostics[0].Message != c.message || diagnostics[0].Hint != c.hint || diagnostics[0].Line != 1 {
			t.Errorf("%q as %q: %+v", c.config, c.name, diagnostics)
		}
	}
}

func TestFormatDiagnostic(t *testing.T) {
	const config = "rule permit ip\nRele deny ip\n"
	_, diagnostics := Parse("", "acl.txt", config)
	const want = "acl.txt:2:1: error: \"Rele\" is not a statement\n    2 | Rele deny ip\n      | ^^^^\nhint: did you mean rule?\n"
	if got := FormatDiagnostic(diagnostics[0], config); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// A list is applied by its name, or the first by ""; a list that is applied already is
// applied twice; the ruleset itself stays as it was.
func TestApply(t *testing.T) {
	rs := mustParse(t, "comware", "acl number 3000\nrule deny ip\nacl number 3001\nrule permit ip\n")
	once := Apply(rs, "3001", "lan", firewall.Inbound)
	if c := once.Chains[1]; c.Hook != firewall.Inbound || c.Interface != "lan" || once.Chains[0].Hook != firewall.HookNone {
		t.Errorf("%+v", once.Chains)
	}
	twice := Apply(once, "3001", "wan", firewall.Outbound)
	if len(twice.Chains) != 3 || twice.Chains[2].First != twice.Chains[1].First || twice.Chains[2].Interface != "wan" || twice.Chains[1].Interface != "lan" {
		t.Errorf("%+v", twice.Chains)
	}
	if first := Apply(rs, "", "lan", firewall.Inbound); first.Chains[0].Hook != firewall.Inbound {
		t.Errorf("%+v", first.Chains)
	}
	if Apply(rs, "3002", "lan", firewall.Inbound) != nil || rs.Chains[1].Hook != firewall.HookNone {
		t.Error("an unknown list is nil, and the ruleset is not changed")
	}
}

// A megabyte of text, of whatever shape, is read in time that grows with its length: a
// parser that went over what it has read for every line would take hours here.
func TestMegabyte(t *testing.T) {
	const size = 1 << 20
	repeat := func(head, line string) string {
		return head + strings.Repeat(line, (size-len(head))/len(line))
	}
	for _, c := range []struct{ name, dialect, config string }{
		{"one long line", "comware", "rule permit ip " + strings.Repeat("x", size)},
		{"one line of many words", "ios", "access-list 101 permit tcp any any eq" + strings.Repeat(" 1", size/2)},
		{"errors", "comware", repeat("rule permit ip\n", "Rele deny ip\n")},
		{"warnings", "ios", repeat("ip access-list extended X\n", "router ospf 1\n")},
		{"the same rule", "comware", repeat("acl number 3000\n", "rule 5 permit ip counting\n")},
		{"steps", "comware", repeat("acl number 3000\nrule permit ip\n", "step 2\nstep 3\n")},
		{"rules added and removed", "comware", repeat("acl number 3000\n", "rule 0 permit ip\nundo rule 0\n")},
		{"lines removed by their text", "ios", repeat("ip access-list extended X\n permit ip any any\n", "no permit tcp any any\n")},
		{"groups of groups", "asa", repeat("object-group network A\n network-object host 10.0.0.1\nobject-group network B\n", " group-object B\n group-object A\n")},
		{"a group in every line", "ios", repeat("object-group service S\n tcp eq 1\n udp eq 2\nip access-list extended X\n", " permit object-group S any any\n")},
		{"a large group in every line", "asa", repeat("object-group service S tcp\n"+strings.Repeat(" port-object eq 9\n", 5000), "access-list X permit tcp any any object-group S\n")},
		{"interfaces", "comware", repeat("", "interface GE1/0/1\npacket-filter 3000 inbound\n")},
		{"quotes", "isa", repeat("isa server 2004\n", "access rule \"x\" allow FTP from any to any\n")},
		{"blank lines", "asa", strings.Repeat("\n", size)},
		{"zeros", "ios", strings.Repeat("\x00", size)},
	} {
		t.Run(c.name, func(t *testing.T) {
			Recognise(c.config)
			rs, diagnostics := Parse(c.dialect, "f", c.config)
			if rs == nil && !hasError(diagnostics) {
				t.Error("refused without an error")
			}
			const most = 600
			if len(diagnostics) > most {
				t.Errorf("%d messages", len(diagnostics))
			}
		})
	}
}
