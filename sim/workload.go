package sim

import (
	"fmt"
	"net/netip"
	"time"

	"ftplab/sim/event"
	"ftplab/sim/firewall"
	"ftplab/sim/ftp"
	"ftplab/sim/trace"
)

// Workload is the scenario of the benchmarks: sessions independent triples of client,
// router and server, 100 Mbit/s and 5 ms a link, each client fetching one file of size
// octets in active mode. Rules, if not nil, are those of every router, whose
// interfaces are lan (to the client) and wan (to the server).
//
// It is the work of the ns-3 program that ftplab is measured against.
func Workload(sessions, size int, rules *firewall.Ruleset) Scenario {
	sc := Scenario{Name: fmt.Sprintf("%d sessions of %d bytes", sessions, size), Seed: 1}
	files := ftp.NewTree()
	files.AddFile("/file", ftp.Pattern(size))
	for i := range sessions {
		sc.addTriple(i, rules, files)
	}
	return sc
}

// addTriple adds session i: its networks are 10.x.y.0/30 and 172.x.y.0/30.
func (sc *Scenario) addTriple(i int, rules *firewall.Ruleset, files *ftp.Tree) {
	const delay, rate = 5 * time.Millisecond, 100_000_000
	at := func(net byte, host byte) netip.Addr {
		return netip.AddrFrom4([4]byte{net, byte(i >> 14), byte(i >> 6), byte(i<<2) | host})
	}
	prefix := func(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, 30) }
	everywhere := netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	iface := func(name string, a netip.Addr) firewall.Interface {
		return firewall.Interface{Name: name, Prefixes: []netip.Prefix{prefix(a)}}
	}
	client, router, server := fmt.Sprint("client", i), fmt.Sprint("router", i), fmt.Sprint("server", i)
	sc.Nodes = append(sc.Nodes,
		Node{Name: client, Interfaces: []firewall.Interface{iface("eth0", at(10, 1))}, Routes: []firewall.Route{{Dst: everywhere, Via: at(10, 2)}}},
		Node{Name: router, Kind: trace.Firewall, Interfaces: []firewall.Interface{iface("lan", at(10, 2)), iface("wan", at(172, 2))}, Rules: rules},
		Node{Name: server, Interfaces: []firewall.Interface{iface("eth0", at(172, 1))}, Routes: []firewall.Route{{Dst: everywhere, Via: at(172, 2)}}},
	)
	link := Link{Delay: delay, BitsPerSecond: rate}
	link.A, link.B = Port{client, "eth0"}, Port{router, "lan"}
	sc.Links = append(sc.Links, link)
	link.A, link.B = Port{router, "wan"}, Port{server, "eth0"}
	sc.Links = append(sc.Links, link)

	sc.Servers = append(sc.Servers, Server{Node: server, Config: ftp.DefaultServerConfig(), Files: files})
	config := ftp.DefaultClientConfig(netip.AddrPortFrom(at(172, 1), 21))
	config.Mode = ftp.ModePORT
	config.Path = "/file"
	sc.Clients = append(sc.Clients, Client{Node: client, Start: event.Time(i) * 1000, Config: config})
}
