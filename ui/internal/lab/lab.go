// Package lab is the small network that the tests of the terminal application run:
// client, switch and server, with the rulesets of an access list and of a firewall
// that inspects FTP.
package lab

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"ftplab/sim"
	"ftplab/sim/event"
	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/comware"
	"ftplab/sim/firewall/dialect/nft"
	"ftplab/sim/ftp"
	"ftplab/sim/trace"
)

// ACL is an access list for active mode, as the article prints it.
const ACL = `acl number 3000
 rule permit tcp source 192.168.10.1 0 source-port eq 21 destination-port gt 1024
 rule permit tcp source 192.168.10.1 0 source-port eq 20 destination-port gt 1024
 rule deny ip
interface GigabitEthernet2/1/10
 packet-filter 3000 inbound
`

// Inspect is a stateful firewall that reads the control connection.
const Inspect = `table ip fw {
  ct helper ftp-std { type "ftp" protocol tcp; }
  chain helpers {
    type filter hook prerouting priority -150;
    tcp dport 21 ct helper set "ftp-std"
  }
  chain forward {
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    tcp dport 21 ct state new accept
  }
}
`

// Rules parses one of the rulesets of this package.
func Rules(tb testing.TB, text string) *firewall.Ruleset {
	tb.Helper()
	parse := nft.Parse
	if text == ACL {
		parse = comware.Parse
	}
	rules, diagnostics := parse("rules", text)
	if rules == nil {
		tb.Fatalf("rules: %+v", diagnostics)
	}
	return rules
}

// Scenario fetches /pub/readme.txt in a mode through a firewall with these rules (""
// for none).
func Scenario(tb testing.TB, mode ftp.Mode, rules string) sim.Scenario {
	tb.Helper()
	serverAddr := netip.MustParseAddr("192.168.10.1")
	sc := sim.Scenario{Name: "lab", Seed: 1}
	sc.Nodes = []sim.Node{
		host("client", "10.0.0.2/24", "10.0.0.1"),
		{Name: "switch", Kind: trace.Firewall, Interfaces: []firewall.Interface{
			port("GigabitEthernet2/1/9", "10.0.0.1/24"), port("GigabitEthernet2/1/10", "192.168.10.254/24"),
		}},
		host("server", "192.168.10.1/24", "192.168.10.254"),
	}
	if rules != "" {
		sc.Nodes[1].Rules = Rules(tb, rules)
	}
	link := func(a, ai, b, bi string) sim.Link {
		return sim.Link{A: sim.Port{Node: a, Interface: ai}, B: sim.Port{Node: b, Interface: bi}, Delay: 5 * time.Millisecond, BitsPerSecond: 100_000_000}
	}
	sc.Links = []sim.Link{
		link("client", "eth0", "switch", "GigabitEthernet2/1/9"),
		link("switch", "GigabitEthernet2/1/10", "server", "eth0"),
	}
	server := ftp.DefaultServerConfig()
	server.PasvMinPort, server.PasvMaxPort = 2024, 2024
	server.ConnectTimeout = 4 * time.Second
	files := ftp.NewTree()
	files.AddFile("/pub/readme.txt", ftp.Pattern(4000))
	sc.Servers = []sim.Server{{Node: "server", Config: server, Files: files}}
	client := ftp.DefaultClientConfig(netip.AddrPortFrom(serverAddr, 21))
	client.LocalControlPort, client.LocalDataPort = 1026, 1027
	client.Mode = mode
	sc.Clients = []sim.Client{{Node: "client", Config: client}}
	return sc
}

// AddAttacker puts a node beside the client that probes the server's MySQL.
func AddAttacker(sc *sim.Scenario) {
	sc.Nodes = append(sc.Nodes, host("attacker", "198.51.100.66/24", "198.51.100.1"))
	sc.Nodes[1].Interfaces = append(sc.Nodes[1].Interfaces, port("GigabitEthernet2/1/11", "198.51.100.1/24"))
	sc.Links = append(sc.Links, sim.Link{A: sim.Port{Node: "attacker", Interface: "eth0"}, B: sim.Port{Node: "switch", Interface: "GigabitEthernet2/1/11"}, Delay: 5 * time.Millisecond})
	sc.Services = append(sc.Services, sim.Service{Node: "server", Port: 3306, Name: "mysql", Banner: "5.0.51a"})
	sc.Probes = append(sc.Probes, sim.Probe{
		Node: "attacker", Start: event.Time(200 * time.Millisecond),
		Target: netip.AddrPortFrom(netip.MustParseAddr("192.168.10.1"), 3306),
	})
}

// Run runs a scenario.
func Run(tb testing.TB, sc sim.Scenario) *trace.Trace {
	tb.Helper()
	t, err := sim.Run(sc)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

func host(name, prefix, gateway string) sim.Node {
	return sim.Node{
		Name: name, Interfaces: []firewall.Interface{port("eth0", prefix)},
		Routes: []firewall.Route{{Dst: netip.MustParsePrefix("0.0.0.0/0"), Via: netip.MustParseAddr(gateway)}},
	}
}

func port(name, prefix string) firewall.Interface {
	return firewall.Interface{Name: name, Prefixes: []netip.Prefix{netip.MustParsePrefix(prefix)}}
}

// String describes a mode and a ruleset, to name tests.
func String(mode ftp.Mode, rules string) string {
	name := map[string]string{"": "none", ACL: "acl", Inspect: "inspect"}[rules]
	return fmt.Sprintf("%v-%s", mode, name)
}
