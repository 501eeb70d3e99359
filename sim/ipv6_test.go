package sim

import (
	"net/netip"
	"testing"

	"ftplab/sim/firewall"
	"ftplab/sim/ftp"
	"ftplab/sim/trace"
)

// overIPv6 is a client, a firewall and a server that know only IPv6.
func overIPv6(rules *firewall.Ruleset, mode ftp.Mode) Scenario {
	face := func(name, prefix string) firewall.Interface {
		return firewall.Interface{Name: name, Prefixes: []netip.Prefix{netip.MustParsePrefix(prefix)}}
	}
	everywhere := netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	config := ftp.DefaultClientConfig(netip.MustParseAddrPort("[2001:db8:10::1]:21"))
	config.Mode = mode
	return Scenario{
		Name: "IPv6", Seed: 1,
		Nodes: []Node{
			{Name: "client", Interfaces: []firewall.Interface{face("eth0", "2001:db8::2/64")}, Routes: []firewall.Route{{Dst: everywhere}}},
			{Name: "fw", Kind: trace.Firewall, Interfaces: []firewall.Interface{face("wan", "2001:db8::1/64"), face("lan", "2001:db8:10::fe/64")}, Rules: rules},
			{Name: "server", Interfaces: []firewall.Interface{face("eth0", "2001:db8:10::1/64")}, Routes: []firewall.Route{{Dst: everywhere}}},
		},
		Links: []Link{
			{A: Port{"client", "eth0"}, B: Port{"fw", "wan"}, Delay: 1e6},
			{A: Port{"fw", "lan"}, B: Port{"server", "eth0"}, Delay: 1e6},
		},
		Servers: []Server{{Node: "server", Config: ftp.DefaultServerConfig()}},
		Clients: []Client{{Node: "client", Config: config}},
	}
}

// TestIPv6 shows which modes can name an IPv6 address (RFC 2428), and that the helper
// reads them.
func TestIPv6(t *testing.T) {
	inspect := rules(t, `table ip6 fw {
  ct helper ftp-std { type "ftp" protocol tcp; }
  chain pre { type filter hook prerouting priority -150; tcp dport 21 ct helper set "ftp-std"; }
  chain forward { type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname "wan" tcp dport 21 ct state new accept
  }
}
`)
	for mode, works := range map[ftp.Mode]bool{ftp.ModeEPSV: true, ftp.ModeEPRT: true, ftp.ModePASV: false, ftp.ModePORT: false} {
		for name, rules := range map[string]*firewall.Ruleset{"no rules": nil, "inspect": inspect} {
			r := result(t, mustRun(t, overIPv6(rules, mode)))
			if r.OK != works {
				t.Errorf("%v, %s: %s (%s)", mode, name, r.Outcome, r.Detail)
			}
		}
	}
}
