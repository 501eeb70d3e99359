// Package simtest builds the small networks that tests of the packages around the
// simulator run: a client, a switch or a router with rules, a server.
package simtest

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"ftplab/sim"
	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/comware"
	"ftplab/sim/firewall/dialect/nft"
	"ftplab/sim/ftp"
	"ftplab/sim/trace"
)

// ActiveACL is an H3C access list for active mode, on the interface towards the server.
const ActiveACL = `acl number 3000
 rule permit tcp source 192.168.10.1 0 source-port eq 21 destination-port gt 1023
 rule permit tcp source 192.168.10.1 0 source-port eq 20 destination-port gt 1023
 rule deny ip
interface GigabitEthernet2/1/10
 packet-filter 3000 inbound
`

// Inspecting is a stateful nftables ruleset with the FTP helper, Stateful the same
// without it.
const (
	Inspecting = `table ip fw {
  ct helper ftp-std { type "ftp" protocol tcp; }
  chain sethelper { type filter hook prerouting priority -150; tcp dport 21 ct helper set "ftp-std"; }
  chain forward { type filter hook forward priority 0; policy drop;
    ct state established,related accept
    tcp dport 21 ct state new accept
    counter drop
  }
}
`
	Stateful = `table ip fw {
  chain forward { type filter hook forward priority 0; policy drop;
    ct state established,related accept
    tcp dport 21 ct state new accept
  }
}
`
	Masquerading = `table ip nat {
  ct helper ftp-std { type "ftp" protocol tcp; }
  chain sethelper { type filter hook prerouting priority -150; tcp dport 21 ct helper set "ftp-std"; }
  chain post { type nat hook postrouting priority 100; oifname "lan" masquerade; }
}
`
	Rejecting = `table ip fw {
  chain forward { type filter hook forward priority 0;
    ct state established,related accept
    tcp dport 21 ct state new accept
    reject with icmp type admin-prohibited
  }
}
`
)

// Lab is a client and a server on the two sides of a firewall named switch.
type Lab struct {
	Mode  ftp.Mode
	Op    ftp.Op // default retr
	Path  string // default /pub/readme.txt
	Rules string // comware if it begins with acl, else nft; "" is a plain router
	Loss  float64
	Seed  uint64
	TLS   bool
}

// Scenario returns the scenario of the lab.
func (l Lab) Scenario(t testing.TB) sim.Scenario {
	t.Helper()
	server := ftp.DefaultServerConfig()
	server.PasvMinPort, server.PasvMaxPort = 2024, 2024
	server.ConnectTimeout, server.AcceptTimeout = 4*time.Second, 4*time.Second
	server.TLS, server.AnonymousUpload = l.TLS, "/incoming"
	client := ftp.DefaultClientConfig(netip.MustParseAddrPort("192.168.10.1:21"))
	client.LocalControlPort, client.LocalDataPort = 1026, 1027
	client.Mode, client.TLS = l.Mode, l.TLS
	if l.Op != "" {
		client.Op = l.Op
	}
	if l.Path != "" {
		client.Path = l.Path
	}
	if l.Op == ftp.OpStore {
		client.LocalData = make([]byte, 3000)
	}
	wan, lan := "wan", "lan"
	if isComware(l.Rules) {
		wan, lan = "GigabitEthernet2/1/1", "GigabitEthernet2/1/10"
	}
	return sim.Scenario{
		Name: "lab",
		Nodes: []sim.Node{
			{Name: "client", Interfaces: interfaces("eth0", "10.0.0.2/24"), Routes: defaultRoute("10.0.0.1")},
			{Name: "switch", Kind: trace.Firewall, Rules: parse(t, l.Rules), Interfaces: []firewall.Interface{
				interfaces(wan, "10.0.0.1/24")[0], interfaces(lan, "192.168.10.254/24")[0],
			}},
			{Name: "server", Interfaces: interfaces("eth0", "192.168.10.1/24"), Routes: defaultRoute("192.168.10.254")},
		},
		Links: []sim.Link{
			{A: sim.Port{Node: "client", Interface: "eth0"}, B: sim.Port{Node: "switch", Interface: wan}, Delay: time.Millisecond, Loss: l.Loss},
			{A: sim.Port{Node: "switch", Interface: lan}, B: sim.Port{Node: "server", Interface: "eth0"}, Delay: time.Millisecond},
		},
		Servers: []sim.Server{{Node: "server", Config: server}},
		Clients: []sim.Client{{Node: "client", Config: client}},
		Seed:    l.Seed,
	}
}

// Run runs the lab.
func (l Lab) Run(t testing.TB) *trace.Trace {
	t.Helper()
	tr, err := sim.Run(l.Scenario(t))
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func interfaces(name, prefix string) []firewall.Interface {
	return []firewall.Interface{{Name: name, Prefixes: []netip.Prefix{netip.MustParsePrefix(prefix)}}}
}

func defaultRoute(via string) []firewall.Route {
	return []firewall.Route{{Dst: netip.MustParsePrefix("0.0.0.0/0"), Via: netip.MustParseAddr(via)}}
}

func isComware(rules string) bool { return strings.HasPrefix(rules, "acl") }

func parse(t testing.TB, text string) *firewall.Ruleset {
	t.Helper()
	if text == "" {
		return nil
	}
	parse := nft.Parse
	if isComware(text) {
		parse = comware.Parse
	}
	rules, diagnostics := parse("rules", text)
	if rules == nil {
		t.Fatalf("rules: %v", diagnostics)
	}
	return rules
}
