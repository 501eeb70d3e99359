// Package sim runs a scenario and returns what happened.
//
// Run is a pure function: the same scenario, inputs and seed give the same trace,
// to the byte, on every machine. There is one goroutine, virtual time, and no
// randomness but the seeded one.
package sim

import (
	"net/netip"
	"time"

	"ftplab/sim/event"
	"ftplab/sim/firewall"
	"ftplab/sim/ftp"
	"ftplab/sim/tcp"
	"ftplab/sim/tls"
	"ftplab/sim/trace"
)

// Scenario is all that a run depends on but the inputs.
type Scenario struct {
	Name  string
	Nodes []Node
	Links []Link
	// Servers, Clients, Services and Probes are the programs on the hosts.
	Servers  []Server
	Clients  []Client
	Services []Service
	Probes   []Probe
	// TLS is what the TLS connections of simulated programs did when the scenario ran
	// with the real TLS, in the order in which they began: they do it again. nil is
	// tls.Conn.
	TLS []tls.Tape
	// Seed of everything random: initial sequence numbers, ephemeral ports, loss.
	Seed uint64
	// Until ends the run at this instant even if something is still going on;
	// 0 means after 30 simulated days. A run also ends when nothing is left to do.
	Until event.Time
}

// Node is a host or a firewall.
type Node struct {
	Name       string
	Kind       trace.NodeKind
	Interfaces []firewall.Interface
	// Routes of the node; connected networks need none.
	Routes []firewall.Route
	// Rules and Options of a firewall; without rules it is a plain router.
	Rules   *firewall.Ruleset
	Options firewall.Options
	// TCP of a host; the zero value means tcp.DefaultConfig.
	TCP tcp.Config
	// Real, if not nil, says that the host is a real system: it is not simulated, and
	// its packets come as inputs.
	Real *Real
}

// Link joins two interfaces. Each direction has its own queue.
type Link struct {
	A, B          Port
	Delay         time.Duration
	BitsPerSecond int64 // 0: unlimited
	// QueueLimit is how many octets may wait to be sent in one direction; 0: 256 KiB.
	QueueLimit int
	// Loss is the probability that a packet is lost, 0..1.
	Loss float64
}

// Port is an interface of a node, by names.
type Port struct{ Node, Interface string }

// Server is an FTP server.
type Server struct {
	Node   string
	Port   uint16 // of the control connection; 0 means 21
	Config ftp.ServerConfig
	// Files is what it serves; nil means ftp.DefaultTree. A run works on a copy.
	Files *ftp.Tree
}

// Client is an FTP client that does one thing (or its script) and ends.
type Client struct {
	Node   string
	Start  event.Time
	Config ftp.ClientConfig
}

// Service is any other TCP service: it accepts, says Banner and waits.
type Service struct {
	Node   string
	Port   uint16
	Name   string // "mysql"
	Banner string
}

// Probe is a single attempt to open a TCP connection, as a port scanner makes it.
type Probe struct {
	Node       string
	Name       string // "mysql": what claims and reports call it
	Start      event.Time
	SourcePort uint16 // 0: ephemeral
	Target     netip.AddrPort
	// Timeout after which the port counts as filtered; 0 means 3 s.
	Timeout time.Duration
}

// Input is something from outside at an instant of the run: other rules for a firewall,
// a packet of a real host, or the end of its program. It comes after all that happens in
// the network at the same instant.
type Input struct {
	At event.Time
	// Node is the firewall whose rules are replaced by Rules (with Options). Its
	// connection table is kept, as when an administrator loads new rules. Or it is the
	// real host that sends Packet or whose program has Ended.
	Node    string
	Rules   *firewall.Ruleset
	Options firewall.Options
	// Packet is an IP datagram, whole. It is kept and must not change.
	Packet []byte
	Ended  bool
	// Text says it for people: "firewall: stateful with inspection".
	Text string
}
