package isa

import (
	"fmt"
	"strings"
	"testing"

	"ftplab/sim/firewall"
)

const policy = `# an office
isa server 2004
network Internal interface lan
network "The Internet" interface wan
protocol "FTP by range" tcp 21 secondary tcp 1024-65535
access rule out allow FTP, HTTP from Internal to "The Internet"
access rule "by range" allow "FTP by range" from Internal to 203.0.113.0/24
publishing rule server "FTP Server" server 192.168.10.1 from "The Internet" read-only off
access rule rest deny all from any to any
`

func TestParse(t *testing.T) {
	rs, diagnostics := Parse("test", policy)
	if rs == nil || len(diagnostics) != 0 {
		t.Fatalf("%v", diagnostics)
	}
	var b strings.Builder
	for _, r := range rs.Rules {
		fmt.Fprintf(&b, "%s line %d:", r.ID, r.Line)
		for _, p := range r.Parts {
			fmt.Fprintf(&b, " %s=%s", p.Match.Field, p.Match.Text)
		}
		fmt.Fprintf(&b, " %v\n", r.Verdict.Kind == firewall.Accept)
	}
	for _, in := range rs.Inspections[1:] {
		fmt.Fprintf(&b, "%q>%q read-only %v\n", in.FromZone, in.ToZone, in.ReadOnly)
	}
	const want = `1 line 6: protocol=tcp in-interface=Internal out-interface=The Internet destination-port=21 true
1 line 6: protocol=tcp in-interface=Internal out-interface=The Internet destination-port=80 true
2 line 7: protocol=tcp in-interface=Internal destination-address=203.0.113.0/24 destination-port=21 true
2 line 7: protocol=tcp in-interface=Internal destination-address=203.0.113.0/24 destination-port=1024-65535 true
3 line 8: protocol=tcp in-interface=The Internet destination-address=192.168.10.1 destination-port=21 true
4 line 9: false
"Internal">"The Internet" read-only true
"The Internet">"" read-only false
`
	if b.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", b.String(), want)
	}
	if c := rs.Chains[0]; c.Hook != firewall.Forward || c.Policy.Kind != firewall.Drop || c.PolicyText != "default rule: deny" {
		t.Errorf("chain %+v", c)
	}
}

// Each error names line and column of the offending word, and says what to do.
func TestParseErrors(t *testing.T) {
	const head = "isa server 2004\nnetwork Internal interface lan\n"
	for _, c := range []struct {
		config       string
		line, column int
		message      string
		hint         string
	}{
		{"network Internal interface lan\n", 1, 1, "the first statement must be isa server", "begin with isa server 2004"},
		{"", 1, 1, "the text does not say that it is ISA Server's", "begin with isa server 2004"},
		{"isa server 2005\n", 1, 12, `"2005" is not a version of ISA Server`, "did you mean 2000?"},
		{head + "acess rule x allow FTP from any to any\n", 3, 1, `"acess" is not a statement`, "did you mean access?"},
		{head + "access rule x allow FTP from Interal to any\n", 3, 30, `"Interal" is not a network or an address`, "did you mean Internal?"},
		{head + "access rule x allow FPT from any to any\n", 3, 21, `"FPT" is not a protocol`, `define it: protocol "FPT" tcp PORT`},
		{head + "access rule \"x allow\n", 3, 13, "the name's closing quote is missing", `end the name with "`},
		{head + "protocol P tcp 1-2 filter ftp\n", 3, 27, "the FTP access filter takes one TCP port", `write protocol "P" tcp 21 filter ftp`},
		{head + "protocol FTP tcp 2121\n", 3, 10, "the protocol FTP is defined already", "take another name"},
		{head + "publishing rule x FTP server lan from any\n", 3, 30, `"lan" is not an address`, "write server 192.168.10.1"},
		{head + "access rule x allow FTP from any to any read-only maybe\n", 3, 51, `"maybe" is not on or off`, "expected on or off"},
	} {
		rs, diagnostics := Parse("f", c.config)
		if rs != nil || len(diagnostics) != 1 {
			t.Errorf("%q: %v", c.config, diagnostics)
			continue
		}
		d := diagnostics[0]
		if d.Line != c.line || d.Column != c.column || d.Message != c.message || d.Hint != c.hint {
			t.Errorf("%q:\n got %d:%d %q, hint %q\nwant %d:%d %q, hint %q", c.config, d.Line, d.Column, d.Message, d.Hint, c.line, c.column, c.message, c.hint)
		}
	}
}

// The filter has one switch for the same two networks.
func TestReadOnlyConflict(t *testing.T) {
	rs, _ := Parse("f", "isa server 2004\naccess rule a allow FTP from any to any\naccess rule b allow \"FTP Server\" from any to any read-only off\n")
	if rs == nil || len(rs.Diagnostics) != 1 || rs.Diagnostics[0].Line != 3 || len(rs.Inspections) != 2 {
		t.Errorf("%+v", rs)
	}
}
