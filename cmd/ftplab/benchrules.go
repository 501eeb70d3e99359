package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect"
)

// benchVariant is a firewall that the workload's routers can have. Their interfaces are
// lan, to the client, and wan, to the server.
type benchVariant struct{ name, rules string }

// benchVariants let the workload through, which fetches its files in active mode.
func benchVariants() []benchVariant {
	const helper = `  ct helper ftp-std { type "ftp" protocol tcp; }
  chain sethelper { type filter hook prerouting priority -150; tcp dport 21 ct helper set "ftp-std"; }
`
	const stateful = `  chain forward { type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname "lan" tcp dport 21 ct state new accept
`
	return []benchVariant{
		{"none", ""},
		{"acl", `table ip fw {
  chain forward { type filter hook forward priority 0; policy drop;
    iifname "wan" tcp sport { 20, 21 } accept
    iifname "lan" tcp dport { 20, 21 } accept
  }
}
`},
		{"stateful", "table ip fw {\n" + stateful + "    iifname \"wan\" tcp sport 20 ct state new accept\n  }\n}\n"},
		{"inspect", "table ip fw {\n" + helper + stateful + "  }\n}\n"},
		{"nat", "table ip fw {\n" + helper + stateful + `  }
  chain post { type nat hook postrouting priority 100; oifname "wan" masquerade; }
}
`},
	}
}

// benchRules returns the rules of a variant, or of a file.
func benchRules(cmd *cobra.Command, name string) (*firewall.Ruleset, error) {
	var known []string
	for _, v := range benchVariants() {
		known = append(known, v.name)
		if v.name != name {
			continue
		}
		if v.rules == "" {
			return nil, nil
		}
		rules, diagnostics := dialect.Parse("nft", v.name, v.rules)
		if rules == nil {
			return nil, fmt.Errorf("%s", diagnosticLine(diagnostics[0]))
		}
		return rules, nil
	}
	if !isFile(name) {
		return nil, usageError{fmt.Errorf("--firewall %q is neither a file nor one of %s", name, strings.Join(known, ", "))}
	}
	return readRules(cmd, name, "")
}
