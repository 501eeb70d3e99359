package firewall_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"ftplab/sim/event"
	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/iptables"
	"ftplab/sim/firewall/dialect/nft"
	"ftplab/sim/wire"
)

// needKernel skips the test where there is no real kernel to ask: it takes root, nft,
// iptables and TUN devices. With FTPLAB_REQUIRE_PEERS=1 that is a failure.
func needKernel(t *testing.T) {
	t.Helper()
	missing := ""
	for _, tool := range []string{"ip", "nft", "iptables-restore"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing = tool + " is not installed"
		}
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		missing = "there is no /dev/net/tun"
	}
	if os.Geteuid() != 0 {
		missing = "not root"
	}
	if missing == "" {
		return
	}
	if os.Getenv("FTPLAB_REQUIRE_PEERS") == "1" {
		t.Fatalf("the real kernel is required: %s", missing)
	}
	t.Skipf("no real kernel to compare with: %s", missing)
}

// The rulesets with which the kernel is compared: the files of testdata/rulesets, with
// the switches of the kernel that some are run with as well.
var kernelVariants = []struct {
	file   string
	six    bool
	sysctl map[string]int
}{
	{file: "row3.fws.nft"}, {file: "row4.fws.nft"}, {file: "row5.fws.nft"}, {file: "row6.fwc.nft"}, {file: "row7.fwc.nft"},
	{file: "row8.fws.nft"}, {file: "row9.fws.nft"}, {file: "row10.fwc.nft"}, {file: "row11.fwc.nft"},
	{file: "row11.fwc.nft", sysctl: map[string]int{"net.netfilter.nf_conntrack_tcp_loose": 0}},
	{file: "row11.fwc.nft", sysctl: map[string]int{"net.netfilter.nf_conntrack_tcp_be_liberal": 1}},
	{file: "row13.fwc.nft"}, {file: "row15.fws.nft"}, {file: "row16b.fws.nft"},
	{file: "row17.fws.nft"}, {file: "row17c.fwc.nft"}, {file: "row18.fws.nft"}, {file: "row18b.fws.nft"}, {file: "row18c.fwc.nft"},
	{file: "maps.fwc.nft"}, {file: "sameprio.fws.nft"}, {file: "notrack.fws.nft"}, {file: "pool.fwc.nft"}, {file: "fields.fwc.nft"},
	{file: "inet6helper.fwc.nft"}, {file: "inet6helper.fwc.nft", six: true}, {file: "nat66helper.fwc.nft", six: true}, {file: "pool6.fwc.nft", six: true},
	{file: "helper.fws.iptables"}, {file: "nat.fwc.iptables"}, {file: "stateless.fwc.iptables"},
}

// packetsPerVariant gives at least 100,000 packets in all. FTPLAB_KERNEL_PACKETS asks
// for another number for each variant, FTPLAB_KERNEL_SEED for other packets.
func packetsPerVariant(t *testing.T) int {
	if testing.Short() {
		return 300
	}
	return environment(t, "FTPLAB_KERNEL_PACKETS", 6000)
}

func environment(t *testing.T, name string, preset int) int {
	text := os.Getenv(name)
	if text == "" {
		return preset
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// TestKernelAgrees sends the same random packets through the real kernel and through
// the device. Verdict, egress, state, every octet of what leaves, and the answers of
// the device itself must be equal.
func TestKernelAgrees(t *testing.T) {
	needKernel(t)
	for number, v := range kernelVariants {
		name := v.file
		if v.six {
			name += "/ipv6"
		}
		for key, value := range v.sysctl {
			name += fmt.Sprintf("/%s=%d", key[strings.LastIndex(key, ".")+1:], value)
		}
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("testdata", "rulesets", v.file))
			if err != nil {
				t.Fatal(err)
			}
			parts := strings.Split(v.file, ".")
			parse := nft.Parse
			if parts[2] == "iptables" {
				parse = iptables.Parse
			}
			rules, diagnostics := parse(v.file, string(text))
			if rules == nil {
				t.Fatalf("cannot parse: %+v", diagnostics)
			}
			config := kernelProfile(parts[1])
			config.Rules, config.Options.Sysctl, config.Seed = rules, v.sysctl, 1
			c := comparison{config: config, six: v.six, clientIn: placeOf(&config, "lan"), serverIn: placeOf(&config, "wan")}
			if parts[1] == "fws" {
				c.clientIn, c.serverIn = c.serverIn, c.clientIn
			}
			failure := make(chan error)
			go func() {
				runtime.LockOSThread() // and never unlocked: the thread ends with its namespace
				seed := uint64(environment(t, "FTPLAB_KERNEL_SEED", 1))<<48 + uint64(number)<<32
				failure <- c.run(packetsPerVariant(t), seed, string(text), parts[2])
			}()
			if err := <-failure; err != nil {
				t.Fatal(err)
			}
			t.Logf("%d packets in %d conversations; cut short: %d by a random port, %d by the kernel's flaw", c.packets, c.talks, c.random, c.flawed)
		})
	}
}

// comparison runs conversations through both.
type comparison struct {
	config                         firewall.Config
	six                            bool
	clientIn, serverIn             int
	packets, talks, random, flawed int
}

func (c *comparison) run(packets int, seed uint64, text, dialect string) error {
	kernel, err := newKernelRouter(&c.config, text, dialect, c.config.Options.Sysctl)
	if err != nil {
		return err
	}
	defer kernel.close()
	for c.packets < packets {
		c.talks++
		if err := kernel.flush(); err != nil {
			return err
		}
		if err := c.converse(kernel, seed+uint64(c.talks)); err != nil {
			return fmt.Errorf("conversation %d: %w", c.talks, err)
		}
	}
	return nil
}

func (c *comparison) converse(kernel *kernelRouter, seed uint64) error {
	device := firewall.NewDevice(c.config)
	talk := newTalk(seed, c.six, c.clientIn, c.serverIn)
	talk.pieces = !c.config.Rules.UsesConntrack && !c.six
	var history strings.Builder
	resized := false // a helper changed the length of a segment
	for n := range 20 + talk.rng.IntN(60) {
		in, sent := talk.next()
		p := sent
		decision := device.Receive(event.Time(n)*1e6, in, &p)
		expected := len(device.Replies())
		if decision.Action == firewall.ActionForward {
			expected++
		}
		left, state, err := kernel.inject(in, sent.Append(nil), expected)
		if err != nil {
			return err
		}
		c.packets++
		theirs := kernelSight{state: state, tracked: c.config.Rules.UsesConntrack}
		theirs.sort(left, sent.TTL)
		if theirs.forwarded != nil {
			talk.observe(theirs.forwarded.out, &theirs.forwarded.packet)
		} else {
			talk.observe(-1, nil)
		}
		resized = resized || decision.Action == firewall.ActionForward && len(p.Payload) != len(sent.Payload)
		fmt.Fprintf(&history, "%d. %s: %s ttl %d %.40q -> %v %v\n", n, c.config.Interfaces[in].Name, sent.String(), sent.TTL, sent.Payload, decision.Action, decision.State)
		if difference := theirs.compare(device, decision, &p); difference != "" {
			if theirs.randomPort(&sent, &p, decision) {
				c.random++
				return nil
			}
			if resized && errorTowardsServer(&sent, decision, device) {
				c.flawed++
				return nil
			}
			return fmt.Errorf("packet %d: %s\ndecision %+v\n%s", n, difference, decision, history.String())
		}
	}
	return nil
}

// kernelSight is what was seen of the kernel.
type kernelSight struct {
	state     string
	tracked   bool
	forwarded *emission
	answers   []emission
}

// sort tells the packet that was forwarded from the router's own: those have a hop
// limit of 64, which a forwarded one never has.
func (k *kernelSight) sort(left []emission, ttl uint8) {
	for i := range left {
		if left[i].packet.TTL == ttl-1 && k.forwarded == nil {
			k.forwarded = &left[i]
		} else {
			k.answers = append(k.answers, left[i])
		}
	}
}

// compare says in what the device differs, "" if in nothing.
func (k *kernelSight) compare(d *firewall.Device, decision firewall.Decision, p *wire.Packet) string {
	forward := decision.Action == firewall.ActionForward
	if forward != (k.forwarded != nil) {
		return fmt.Sprintf("forwarded by the device %v, by the kernel %v (state %s)", forward, k.forwarded != nil, k.state)
	}
	if forward {
		if int(decision.Out) != k.forwarded.out {
			return fmt.Sprintf("egress %d, the kernel's %d", decision.Out, k.forwarded.out)
		}
		if difference := differentOctets("packet", p, k.forwarded); difference != "" {
			return difference
		}
	}
	if k.tracked {
		state := decision.State.String()
		if decision.Reply {
			state += " reply"
		}
		if k.state != state && !(k.state == "" && decision.State == firewall.StateInvalid) {
			return fmt.Sprintf("state %q, the kernel's %q", state, k.state)
		}
	}
	replies := d.Replies()
	if len(replies) != len(k.answers) {
		return fmt.Sprintf("%d answers, the kernel's %d %+v", len(replies), len(k.answers), k.answers)
	}
	for i := range replies {
		if int(replies[i].Decision.Out) != k.answers[i].out {
			return fmt.Sprintf("answer leaves by %d, the kernel's by %d", replies[i].Decision.Out, k.answers[i].out)
		}
		answer := replies[i].Packet
		answer.ID = k.answers[i].packet.ID // the kernel's own counter
		if difference := differentOctets("answer", &answer, &k.answers[i]); difference != "" {
			return difference
		}
	}
	return ""
}

// differentOctets compares what leaves, octet for octet but for what no rule and no
// peer looks at: the urgent pointer, the flow label, and which wrong checksum a wrong
// one is.
func differentOctets(what string, ours *wire.Packet, theirs *emission) string {
	a, b := *ours, theirs.packet
	wrong := a.BadChecksum != b.BadChecksum
	a.BadChecksum, b.BadChecksum = false, false
	if !wrong && bytes.Equal(a.Append(nil), b.Append(nil)) {
		return ""
	}
	return fmt.Sprintf("%s differs:\n ours   %s %x\n kernel %s %x", what, ours, ours.Append(nil), &theirs.packet, theirs.octets)
}

// errorTowardsServer reports whether an ICMP error of the original direction of a
// connection is about. Once the helper has changed such a connection's sequence
// numbers, the kernel (6.18) takes the error for a TCP segment, adjusts "its" numbers
// and so damages or drops it; the device does not.
func errorTowardsServer(sent *wire.Packet, decision firewall.Decision, d *firewall.Device) bool {
	isError := func(p wire.Protocol) bool { return p == wire.ICMP || p == wire.ICMPv6 }
	if isError(sent.Protocol) && decision.State == firewall.StateRelated && !decision.Reply {
		return true
	}
	for _, r := range d.Replies() {
		if isError(r.Packet.Protocol) && r.Decision.State == firewall.StateRelated && !r.Decision.Reply {
			return true
		}
	}
	return false
}

// randomPort reports whether the difference is that both chose a port at random.
func (k *kernelSight) randomPort(sent, ours *wire.Packet, decision firewall.Decision) bool {
	if decision.Action != firewall.ActionForward || k.forwarded == nil {
		return false
	}
	kernel := &k.forwarded.packet
	if ours.SrcPort != sent.SrcPort && kernel.SrcPort != sent.SrcPort && ours.SrcPort != kernel.SrcPort {
		return true
	}
	return !bytes.Equal(ours.Payload, sent.Payload) && !bytes.Equal(kernel.Payload, sent.Payload) && !bytes.Equal(ours.Payload, kernel.Payload)
}
