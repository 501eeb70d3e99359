package nft

import (
	"testing"

	"ftplab/sim/firewall"
)

// The ruleset that most of the lessons' stateful firewalls have: a helper, a
// translation and a stateful forward chain.
const helperRuleset = `table ip fw {
  ct helper ftp-std { type "ftp" protocol tcp; }
  chain sethelper { type filter hook prerouting priority -150; tcp dport 21 ct helper set "ftp-std" comment "set-helper"; }
  chain post { type nat hook postrouting priority 100; oifname "wan" counter masquerade comment "masq"; }
  chain forward { type filter hook forward priority 0; policy drop;
    ct state established,related counter accept comment "est-rel"
    iifname "lan" ct state new counter accept comment "out-new"
    counter drop comment "final-drop"
  }
}
`

func TestParseHelperRuleset(t *testing.T) {
	rs, diagnostics := Parse("fw.nft", helperRuleset)
	if len(diagnostics) != 0 {
		t.Fatalf("diagnostics: %v", diagnostics)
	}
	if len(rs.Chains) != 3 || len(rs.Rules) != 5 || !rs.UsesConntrack {
		t.Fatalf("%d chains, %d rules, conntrack %v", len(rs.Chains), len(rs.Rules), rs.UsesConntrack)
	}
	forward := rs.Chains[2]
	if forward.Hook != firewall.Forward || forward.Policy.Kind != firewall.Drop || forward.First != 2 || forward.Count != 3 || forward.PolicyLine != 5 {
		t.Errorf("forward: %+v", forward)
	}
	set := rs.Rules[0]
	if set.Line != 3 || set.Column != 64 || set.Comment != "set-helper" {
		t.Errorf("rule at %d:%d, comment %q", set.Line, set.Column, set.Comment)
	}
	if e := set.Parts[len(set.Parts)-1].Effect; e == nil || e.Kind != firewall.SetHelper || e.Text != "ftp" {
		t.Errorf("effect: %+v", e)
	}
	established := rs.Rules[2].Parts[0].Match
	if want := uint32(firewall.StateEstablished | firewall.StateRelated); established.Mask != want || !established.AnyBit {
		t.Errorf("ct state established,related: %+v", established)
	}
}
