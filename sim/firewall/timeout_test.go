package firewall

import (
	"testing"
	"time"

	"ftplab/sim/event"
	"ftplab/sim/wire"
)

// connection drives a TCP connection through a device, from the client behind
// interface 1 to the server behind interface 0.
type connection struct {
	t      *testing.T
	device *Device
	now    event.Time
	seq    [2]uint32
}

func newConnection(t *testing.T, sysctl map[string]int) *connection {
	rules := &Ruleset{
		Dialect: "nft", UsesConntrack: true,
		Chains: []Chain{{Family: "ip", Hook: Prerouting, Priority: -150, Count: 1, Policy: Verdict{Kind: Accept}}},
		Rules:  []Rule{{Parts: []Part{{Effect: &Effect{Kind: SetHelper, Text: "ftp"}}}}},
	}
	config := benchmarkConfig(rules)
	config.Options.Sysctl = sysctl
	return &connection{t: t, device: NewDevice(config), seq: [2]uint32{1000, 5000}}
}

// send sends a segment from the client (0) or the server (1).
func (c *connection) send(end int, flags wire.Flags, payload string) Decision {
	p := wire.Packet{
		Src: client, Dst: server, SrcPort: 1026, DstPort: 21, Seq: c.seq[end], Flags: flags, Window: 65535,
		Protocol: wire.TCP, TTL: 64, Payload: []byte(payload),
	}
	if end == 1 {
		p.Src, p.Dst, p.SrcPort, p.DstPort = p.Dst, p.Src, p.DstPort, p.SrcPort
	}
	if flags&wire.ACK != 0 {
		p.Ack = c.seq[1-end]
	}
	c.seq[end] += p.SegmentLen()
	return c.device.Receive(c.now, 1-end, &p)
}

func (c *connection) handshake() {
	c.send(0, wire.SYN, "")
	c.send(1, wire.SYN|wire.ACK, "")
	c.send(0, wire.ACK, "")
}

// life is how long the only entry has to live.
func (c *connection) life() time.Duration {
	c.t.Helper()
	e, ok := c.device.Entry(1)
	if !ok {
		c.t.Fatal("there is no entry")
	}
	return e.Expires.Sub(c.now)
}

// TestTimeouts: T4, the life of an entry in each state.
func TestTimeouts(t *testing.T) {
	const day = 24 * time.Hour
	for _, step := range []struct {
		name string
		do   func(c *connection)
		want time.Duration
	}{
		{"SYN_SENT", func(c *connection) { c.send(0, wire.SYN, "") }, 120 * time.Second},
		{"SYN_RECV", func(c *connection) { c.send(0, wire.SYN, ""); c.send(1, wire.SYN|wire.ACK, "") }, 60 * time.Second},
		{"ESTABLISHED", func(c *connection) { c.handshake() }, 5 * day},
		{"unacknowledged", func(c *connection) { c.handshake(); c.send(0, wire.ACK, "USER a\r\n") }, 300 * time.Second},
		{"acknowledged", func(c *connection) { c.handshake(); c.send(0, wire.ACK, "USER a\r\n"); c.send(1, wire.ACK, "") }, 5 * day},
		{"FIN_WAIT", func(c *connection) { c.handshake(); c.send(0, wire.FIN|wire.ACK, "") }, 120 * time.Second},
		{"CLOSE_WAIT", func(c *connection) { c.handshake(); c.send(0, wire.FIN|wire.ACK, ""); c.send(1, wire.ACK, "") }, 60 * time.Second},
		{"LAST_ACK", func(c *connection) {
			c.handshake()
			c.send(0, wire.FIN|wire.ACK, "")
			c.send(1, wire.FIN|wire.ACK, "")
		}, 30 * time.Second},
		{"TIME_WAIT", func(c *connection) {
			c.handshake()
			c.send(0, wire.FIN|wire.ACK, "")
			c.send(1, wire.FIN|wire.ACK, "")
			c.send(0, wire.ACK, "")
		}, 120 * time.Second},
		{"CLOSE", func(c *connection) { c.handshake(); c.send(0, wire.RST|wire.ACK, "") }, 10 * time.Second},
		{"retransmitted", func(c *connection) {
			c.handshake()
			for range 5 {
				c.seq[0] = 1001
				c.send(0, wire.ACK, "USER a\r\n")
			}
		}, 300 * time.Second},
		{"a repeated SYN gains nothing", func(c *connection) {
			c.send(0, wire.SYN, "")
			c.now = c.now.Add(100 * time.Second)
			c.seq[0] = 1000
			c.send(0, wire.SYN, "")
		}, 20 * time.Second},
		{"picked up", func(c *connection) { c.send(0, wire.ACK, "") }, 300 * time.Second},
	} {
		t.Run(step.name, func(t *testing.T) {
			c := newConnection(t, nil)
			step.do(c)
			if got := c.life(); got != step.want {
				t.Errorf("it lives %v, want %v", got, step.want)
			}
			// The entry is there until then, and gone at that instant.
			end := c.now.Add(step.want)
			c.device.Expire(end - 1)
			if _, ok := c.device.Entry(1); !ok {
				t.Fatal("it ended too early")
			}
			c.device.Expire(end)
			if _, ok := c.device.Entry(1); ok || len(c.device.Changes()) != 1 || c.device.Changes()[0].Kind != EntryGone {
				t.Errorf("it did not end: %+v", c.device.Changes())
			}
		})
	}
}

// TestSysctlTimeout: the switch of the truth table's rows 23.
func TestSysctlTimeout(t *testing.T) {
	c := newConnection(t, map[string]int{"net.netfilter.nf_conntrack_tcp_timeout_established": 5})
	c.handshake()
	if got := c.life(); got != 5*time.Second {
		t.Fatalf("it lives %v, want 5 s", got)
	}
	c.now = c.now.Add(6 * time.Second)
	if d := c.send(1, wire.ACK, "late"); d.State != StateNew {
		t.Errorf("a packet after the end: %+v", d)
	}
}

// TestExpectationLife: F5 (300 s from its creation), F2 (a new one evicts the older)
// and F4 (it ends with its control connection).
func TestExpectationLife(t *testing.T) {
	c := newConnection(t, nil)
	c.handshake()
	c.send(0, wire.ACK, "USER a\r\n")
	c.send(1, wire.ACK, "331 pw\r\n")
	kinds := func() (kinds []ChangeKind) {
		for _, change := range c.device.Changes() {
			kinds = append(kinds, change.Kind)
		}
		return kinds
	}
	if d := c.send(0, wire.ACK, "PORT 10,0,0,2,4,3\r\n"); d.Expectation != 1 || len(kinds()) != 1 || kinds()[0] != ExpectNew {
		t.Fatalf("PORT: %+v %v", d, kinds())
	}
	made := c.device.Changes()[0].Expect
	if made.From != "PORT 10,0,0,2,4,3" || made.Dst.String() != "10.0.0.2:1027" || made.Src.String() != "192.168.10.1:0" || made.Master != 1 {
		t.Errorf("expectation %+v", made)
	}
	c.send(1, wire.ACK, "200 ok\r\n")
	c.now = c.now.Add(100 * time.Second)
	c.send(0, wire.ACK, "PORT 10,0,0,2,4,4\r\n")
	if got := kinds(); len(got) != 2 || got[0] != ExpectGone || got[1] != ExpectNew {
		t.Errorf("a second PORT: %v", got)
	}
	c.send(1, wire.ACK, "200 ok\r\n")
	c.send(0, wire.ACK, "") // or the connection would end then as well, unacknowledged
	c.device.Expire(c.now.Add(300*time.Second) - 1)
	if len(kinds()) != 0 {
		t.Errorf("before its time: %v", kinds())
	}
	c.device.Expire(c.now.Add(300 * time.Second))
	if got := kinds(); len(got) != 1 || got[0] != ExpectGone {
		t.Errorf("after 300 s: %v", got)
	}
	c.send(0, wire.ACK, "PORT 10,0,0,2,4,5\r\n")
	c.send(0, wire.RST|wire.ACK, "")
	c.device.Expire(c.now.Add(20 * time.Second))
	if got := kinds(); len(got) != 2 || got[0] != EntryGone || got[1] != ExpectGone {
		t.Errorf("the end of the control connection: %v", got)
	}
	if c.device.NextExpiry() != event.Never {
		t.Errorf("something is left: %v", c.device.NextExpiry())
	}
}

// TestTableFull: a full table evicts what is not assured, and else refuses.
func TestTableFull(t *testing.T) {
	c := newConnection(t, map[string]int{"net.netfilter.nf_conntrack_max": 2})
	c.handshake() // assured
	syn := func(port uint16) Decision {
		p := wire.Packet{Src: client, Dst: server, SrcPort: port, DstPort: 80, Flags: wire.SYN, Window: 1000, Protocol: wire.TCP, TTL: 64}
		return c.device.Receive(c.now, 1, &p)
	}
	syn(2000)
	if d := syn(2001); d.Action != ActionForward || d.Entry != 3 {
		t.Errorf("the third connection: %+v", d)
	}
	if _, ok := c.device.Entry(2); ok {
		t.Error("the half-open connection was not evicted")
	}
	full := newConnection(t, map[string]int{"net.netfilter.nf_conntrack_max": 1})
	full.handshake()
	p := wire.Packet{Src: client, Dst: server, SrcPort: 2000, DstPort: 80, Flags: wire.SYN, Window: 1000, Protocol: wire.TCP, TTL: 64}
	if d := full.device.Receive(0, 1, &p); d.Action != ActionDrop || d.Reason != ReasonTable {
		t.Errorf("a full table: %+v", d)
	}
}

// TestLoadKeepsTable: other rules do not end connections.
func TestLoadKeepsTable(t *testing.T) {
	c := newConnection(t, nil)
	c.handshake()
	c.device.Load(syntheticRules(5, true), Options{})
	if d := c.send(1, wire.ACK, "220 hi\r\n"); d.State != StateEstablished || d.Rule != 0 {
		t.Errorf("after other rules: %+v", d)
	}
	c.device.Load(&Ruleset{Dialect: "comware"}, Options{})
	if len(c.device.Changes()) != 1 || c.device.Changes()[0].Kind != EntryGone {
		t.Errorf("a device of another vendor: %+v", c.device.Changes())
	}
}
