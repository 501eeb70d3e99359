package live

import (
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"ftplab/sim"
	"ftplab/sim/export"
	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect"
	"ftplab/sim/trace"
	"ftplab/sim/wire"
)

// networkPair is a Network whose device is one end of a pair of sockets: the test is the
// kernel at the other end.
type networkPair struct {
	*Network
	scenario sim.Scenario
	kernel   *os.File
	ran      chan error
}

func address(s string) []firewall.Interface {
	return []firewall.Interface{{Name: "eth0", Prefixes: []netip.Prefix{netip.MustParsePrefix(s)}}}
}

// newNetworkPair begins a network of a real client, a firewall and a server, 1 ms apart.
func newNetworkPair(t *testing.T) *networkPair {
	t.Helper()
	everywhere := netip.MustParsePrefix("0.0.0.0/0")
	sc := sim.Scenario{
		Nodes: []sim.Node{
			{Name: "client", Kind: trace.Host, Interfaces: address("10.0.0.2/24"), Routes: []firewall.Route{{Dst: everywhere, Via: netip.MustParseAddr("10.0.0.1")}}},
			{Name: "fw", Kind: trace.Firewall, Interfaces: []firewall.Interface{
				{Name: "lan", Prefixes: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/24")}},
				{Name: "wan", Prefixes: []netip.Prefix{netip.MustParsePrefix("192.168.10.254/24")}},
			}},
			{Name: "server", Kind: trace.Host, Interfaces: address("192.168.10.1/24"), Routes: []firewall.Route{{Dst: everywhere, Via: netip.MustParseAddr("192.168.10.254")}}},
		},
		Links: []sim.Link{
			{A: sim.Port{Node: "client", Interface: "eth0"}, B: sim.Port{Node: "fw", Interface: "lan"}, Delay: time.Millisecond},
			{A: sim.Port{Node: "fw", Interface: "wan"}, B: sim.Port{Node: "server", Interface: "eth0"}, Delay: time.Millisecond},
		},
		Servers: []sim.Server{{Node: "server"}},
		Seed:    1,
	}
	sc, err := sc.WithReal("client", "a test")
	if err != nil {
		t.Fatal(err)
	}
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_DGRAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	device, kernel := os.NewFile(uintptr(fds[0]), "device"), os.NewFile(uintptr(fds[1]), "kernel")
	t.Cleanup(func() { device.Close(); kernel.Close() })
	n, err := NewNetwork(sc, "client", device)
	if err != nil {
		t.Fatal(err)
	}
	n.Begin()
	started := &networkPair{Network: n, scenario: sc, kernel: kernel, ran: make(chan error, 1)}
	go func() { started.ran <- n.Run() }()
	return started
}

// sendSYN opens a connection to the server's control port.
func (n *networkPair) sendSYN(t *testing.T, port uint16) {
	t.Helper()
	p := wire.Packet{
		Src: netip.MustParseAddr("10.0.0.2"), Dst: netip.MustParseAddr("192.168.10.1"), SrcPort: port, DstPort: 21,
		Protocol: wire.TCP, Flags: wire.SYN, Seq: 1000, Window: 64240, TTL: 64,
	}
	if _, err := n.kernel.Write(p.Append(nil)); err != nil {
		t.Fatal(err)
	}
}

// receive waits for the next packet to the client.
func (n *networkPair) receive(t *testing.T, patience time.Duration) (wire.Packet, bool) {
	t.Helper()
	n.kernel.SetReadDeadline(time.Now().Add(patience))
	b := make([]byte, 2000)
	size, err := n.kernel.Read(b)
	if err != nil {
		return wire.Packet{}, false
	}
	p, err := wire.Parse(b[:size])
	if err != nil {
		t.Fatal(err)
	}
	return p, true
}

// end ends the program and waits for Run.
func (n *networkPair) end(t *testing.T) {
	t.Helper()
	n.End("the test ended")
	select {
	case err := <-n.ran:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Run goes on after End")
	}
}

// What the real host sends is answered, and the inputs run again to the same trace.
func TestNetworkAnswersAndRecords(t *testing.T) {
	n := newNetworkPair(t)
	n.sendSYN(t, 40000)
	p, ok := n.receive(t, patience)
	if !ok || p.Flags != wire.SYN|wire.ACK || p.Ack != 1001 || p.DstPort != 40000 {
		t.Fatalf("the answer is %v, %v", p.String(), ok)
	}
	n.end(t)
	inputs, until := n.Inputs()
	again := n.scenario
	again.Until = until
	tr, err := sim.Run(again, inputs...)
	if err != nil {
		t.Fatal(err)
	}
	if live, run := jsonLines(t, n.Trace()), jsonLines(t, tr); live != run {
		t.Errorf("live:\n%s\nrun again:\n%s", live, run)
	}
}

func jsonLines(t *testing.T, tr *trace.Trace) string {
	t.Helper()
	var b strings.Builder
	if err := export.WriteJSONLines(&b, tr); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Other rules are in force at once.
func TestNetworkChange(t *testing.T) {
	n := newNetworkPair(t)
	rules, diagnostics := dialect.Parse("iptables", "closed.rules", "*filter\n:FORWARD DROP [0:0]\nCOMMIT\n")
	if rules == nil {
		t.Fatal(diagnostics)
	}
	if _, err := n.Change(sim.Input{Node: "fw", Rules: rules, Text: "closed"}); err != nil {
		t.Fatal(err)
	}
	n.sendSYN(t, 40001)
	if p, ok := n.receive(t, 100*time.Millisecond); ok {
		t.Errorf("through a closed firewall came %v", p.String())
	}
	if _, err := n.Change(sim.Input{Node: "nobody", Rules: rules}); err == nil {
		t.Error("a firewall that is not there has other rules")
	}
	n.end(t)
	if n.Trace().FirstDrop() == 0 {
		t.Error("nothing was dropped")
	}
	_, until := n.Inputs()
	if _, err := n.Change(sim.Input{Node: "fw", Rules: rules}); err == nil {
		t.Error("after the end there are other rules")
	}
	if n.Now() != until {
		t.Error("time goes on after the end, and a recording would last longer than the run")
	}
}

// What is no packet of the host's own is nobody's business, and breaks nothing.
func TestNetworkIgnoresChatter(t *testing.T) {
	n := newNetworkPair(t)
	other := wire.Packet{Src: netip.MustParseAddr("10.0.0.99"), Dst: netip.MustParseAddr("192.168.10.1"), Protocol: wire.UDP, SrcPort: 1, DstPort: 2, TTL: 64}
	multicast := wire.Packet{Src: netip.MustParseAddr("10.0.0.2"), Dst: netip.MustParseAddr("224.0.0.251"), Protocol: wire.UDP, SrcPort: 1, DstPort: 2, TTL: 1}
	for _, b := range [][]byte{{}, {0x45}, []byte("no packet at all, but long enough for a header"), other.Append(nil), multicast.Append(nil)} {
		if _, err := n.kernel.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	n.sendSYN(t, 40002)
	if _, ok := n.receive(t, patience); !ok {
		t.Error("no answer after chatter")
	}
	n.end(t)
}
