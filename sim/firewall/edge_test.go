package firewall_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/nft"
	"ftplab/sim/wire"
)

// edgeCases is testdata/edge_cases.json: packets and what a real Linux 6.18 did.
type edgeCases struct {
	Rulesets map[string]struct{ Profile, NFT string }
	Vectors  []edgeVector
}

type edgeVector struct {
	Group, Name, Ruleset string
	Sysctl               map[string]int
	Packets              []edgePacket
}

type edgePacket struct {
	In, Src, Dst, Flags, Payload string
	SPort, DPort, Win            uint16
	Seq, Ack                     uint32
	BadCsum                      bool
	DPortFrom                    *int `json:"dport_from"`
	Kernel                       kernelAnswer
}

type kernelAnswer struct {
	Verdict, Out, State, At, Dir string
	Mods                         map[string]any
	Events                       []string
	Replies                      []map[string]any
}

func (p *edgePacket) packet() wire.Packet {
	octets := make([]byte, 0, len(p.Payload)) // Latin-1
	for _, r := range p.Payload {
		octets = append(octets, byte(r))
	}
	win := p.Win
	if win == 0 {
		win = 65535
	}
	return wire.Packet{
		Src: netip.MustParseAddr(p.Src), Dst: netip.MustParseAddr(p.Dst), SrcPort: p.SPort, DstPort: p.DPort,
		Seq: p.Seq, Ack: p.Ack, Window: win, Flags: parseFlags(p.Flags), TTL: 64, Protocol: wire.TCP,
		BadChecksum: p.BadCsum, Payload: octets,
	}
}

func parseFlags(s string) wire.Flags {
	var f wire.Flags
	for _, c := range s {
		f |= map[rune]wire.Flags{'S': wire.SYN, 'A': wire.ACK, 'F': wire.FIN, 'R': wire.RST, 'P': wire.PSH, 'U': wire.URG}[c]
	}
	return f
}

// The routers of the laboratory: one in front of the clients, one of the server.
var profiles = map[string]firewall.Config{
	"fwc": {
		Interfaces: []firewall.Interface{inter("lan", "10.0.0.1/24"), inter("wan", "203.0.113.1/24"), inter("oth", "198.51.100.254/24")},
		Routes:     []firewall.Route{{Dst: netip.MustParsePrefix("0.0.0.0/0"), Interface: 1}},
	},
	"fws": {
		Interfaces: []firewall.Interface{inter("lan", "192.168.10.254/24"), inter("wan", "203.0.113.2/24"), inter("oth", "198.51.100.254/24")},
		Routes:     []firewall.Route{{Dst: netip.MustParsePrefix("0.0.0.0/0"), Interface: 1}},
	},
}

// kernelProfile is a router of the laboratory with IPv6 addresses as well.
func kernelProfile(name string) firewall.Config {
	config := profiles[name]
	six := map[string][]string{"fwc": {"2001:db8:a::1/64", "2001:db8:c::1/64", "2001:db8:e::fe/64"}, "fws": {"2001:db8:d::fe/64", "2001:db8:c::2/64", "2001:db8:e::fe/64"}}[name]
	config.Interfaces = append([]firewall.Interface(nil), config.Interfaces...)
	for i := range config.Interfaces {
		in := &config.Interfaces[i]
		*in = inter(in.Name, in.Prefixes[0].String(), six[i])
	}
	config.Routes = append(append([]firewall.Route(nil), config.Routes...), firewall.Route{Dst: inter("", "::/0").Prefixes[0], Interface: 1})
	return config
}

func inter(name string, prefixes ...string) firewall.Interface {
	i := firewall.Interface{Name: name}
	for _, p := range prefixes {
		i.Prefixes = append(i.Prefixes, netip.MustParsePrefix(p))
	}
	return i
}

func placeOf(c *firewall.Config, name string) int {
	for i := range c.Interfaces {
		if c.Interfaces[i].Name == name {
			return i
		}
	}
	return -1
}

// TestKernelEdgeCases compares verdict, egress, state, direction, dropping rule,
// rewriting, answers and events with what the kernel did, packet by packet.
func TestKernelEdgeCases(t *testing.T) {
	text, err := os.ReadFile("testdata/edge_cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases edgeCases
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases.Vectors) != 275 {
		t.Fatalf("%d vectors, want 275", len(cases.Vectors))
	}
	for _, v := range cases.Vectors {
		t.Run(v.Group+"/"+v.Name, func(t *testing.T) {
			from := cases.Rulesets[v.Ruleset]
			rules, diagnostics := nft.Parse(v.Ruleset, from.NFT)
			for _, d := range diagnostics {
				if d.Severity == firewall.Error {
					t.Fatalf("ruleset: %+v", d)
				}
			}
			config := profiles[from.Profile]
			config.Rules, config.Options.Sysctl, config.Seed = rules, v.Sysctl, 1
			runEdgeVector(t, config, v)
		})
	}
}

func runEdgeVector(t *testing.T, config firewall.Config, v edgeVector) {
	d := firewall.NewDevice(config)
	var sent []wire.Packet
	log := eventLog{pending: map[uint32]bool{}, state: map[uint32]string{}}
	random := false // a port that the kernel chose at random comes up
	for i, from := range v.Packets {
		p := from.packet()
		if from.DPortFrom != nil {
			random = true
			p.DstPort = chosenPort(t, &sent[*from.DPortFrom])
		}
		for _, later := range v.Packets[i:] {
			random = random || later.DPortFrom != nil && *later.DPortFrom <= i
		}
		before := p
		decision := d.Receive(0, placeOf(&config, from.In), &p)
		sent = append(sent, p)
		got := answerOf(d, &config, decision, &before, &p, &log)
		want := normalise(from.Kernel)
		if random {
			got, want = withoutPorts(got), withoutPorts(want)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("packet %d, %s %s:%d > %s:%d %q: kernel -, device +\n%s", i, from.Flags, from.Src, from.SPort, from.Dst, from.DPort, from.Payload, diff)
		}
	}
}

// chosenPort is the port that the device chose for a packet: in its PORT line or as
// its source port.
func chosenPort(t *testing.T, p *wire.Packet) uint16 {
	if fields := strings.Split(strings.TrimSpace(string(p.Payload)), ","); len(fields) == 6 {
		high, err1 := strconv.Atoi(fields[4])
		low, err2 := strconv.Atoi(fields[5])
		if err1 != nil || err2 != nil {
			t.Fatalf("no port in %q", p.Payload)
		}
		return uint16(high<<8 | low)
	}
	return p.SrcPort
}

// answerOf puts what the device did into the form of the kernel's answers.
func answerOf(d *firewall.Device, config *firewall.Config, decision firewall.Decision, before, after *wire.Packet, log *eventLog) kernelAnswer {
	a := kernelAnswer{Verdict: decision.Action.String(), State: decision.State.String(), Mods: modsOf(before, after)}
	if decision.Action == firewall.ActionForward {
		a.Out = config.Interfaces[decision.Out].Name
	} else {
		a.Mods = nil
	}
	if a.Verdict == "reject" {
		a.Verdict = "drop"
	}
	if a.State == "" {
		a.State = "none"
	}
	if decision.Entry != 0 || decision.State == firewall.StateNew || decision.State == firewall.StateRelated {
		a.Dir = "original"
		if decision.Reply {
			a.Dir = "reply"
		}
	}
	switch {
	case decision.Hook == firewall.HelperHook:
		a.At = "helper"
	case decision.Action == firewall.ActionLocal || decision.Action == firewall.ActionForward:
	case decision.Rule >= 0:
		a.At = config.Rules.Chains[decision.Chain].Name + "/" + config.Rules.Rules[decision.Rule].Comment
	case decision.Chain >= 0:
		a.At = config.Rules.Chains[decision.Chain].Name + "/policy drop"
	default:
		a.At = decision.Hook.String()
	}
	a.Events = log.eventsOf(d, decision)
	for _, r := range d.Replies() {
		m := map[string]any{"out": config.Interfaces[r.Decision.Out].Name, "src": r.Packet.Src.String(), "dst": r.Packet.Dst.String()}
		if r.Packet.Protocol == wire.TCP {
			m["sport"], m["dport"] = float64(r.Packet.SrcPort), float64(r.Packet.DstPort)
			m["seq"], m["ack"], m["flags"] = float64(r.Packet.Seq), float64(r.Packet.Ack), r.Packet.Flags.String()
		} else {
			m["icmp"] = fmt.Sprintf("%d/%d", r.Packet.ICMPType, r.Packet.ICMPCode)
		}
		a.Replies = append(a.Replies, m)
	}
	return a
}

func modsOf(before, after *wire.Packet) map[string]any {
	mods := map[string]any{}
	if before.Src != after.Src {
		mods["src"] = after.Src.String()
	}
	if before.Dst != after.Dst {
		mods["dst"] = after.Dst.String()
	}
	number := func(name string, a, b uint32) {
		if a != b {
			mods[name] = float64(b)
		}
	}
	number("sport", uint32(before.SrcPort), uint32(after.SrcPort))
	number("dport", uint32(before.DstPort), uint32(after.DstPort))
	number("seq", before.Seq, after.Seq)
	number("ack", before.Ack, after.Ack)
	if string(before.Payload) != string(after.Payload) {
		mods["payload"] = string(after.Payload)
	}
	if len(mods) == 0 {
		return nil
	}
	return mods
}

// eventLog writes changes as `conntrack -E` reports them. The kernel reports a change
// of a connection only when a packet of it comes through, and its TCP state only if
// that changed.
type eventLog struct {
	pending map[uint32]bool   // updates that are not reported yet
	state   map[uint32]string // as last reported
}

func (log *eventLog) eventsOf(d *firewall.Device, decision firewall.Decision) []string {
	through := decision.Action == firewall.ActionForward || decision.Action == firewall.ActionLocal
	var events []string
	for _, c := range d.Changes() {
		switch c.Kind {
		case firewall.EntryNew:
			events = append(events, "ct-new "+entryText(c.Entry))
			log.state[c.Entry.ID] = c.Entry.State
		case firewall.EntryGone:
			events = append(events, "ct-destroy "+entryText(c.Entry))
			delete(log.pending, c.Entry.ID)
		case firewall.EntryUpdate:
			log.pending[c.Entry.ID] = true
		case firewall.ExpectNew:
			events = append(events, "exp-new "+expectText(c.Expect))
		case firewall.ExpectUsed, firewall.ExpectGone:
			events = append(events, "exp-destroy "+expectText(c.Expect))
		}
	}
	if e, ok := d.Entry(decision.Entry); ok && through && log.pending[decision.Entry] {
		state := e.State
		if state == log.state[e.ID] {
			e.State = ""
		}
		log.state[e.ID] = state
		delete(log.pending, e.ID)
		events = append(events, "ct-update "+entryText(e))
	}
	return events
}

func entryText(e firewall.EntryInfo) string {
	s := fmt.Sprintf("%s>%s reply %s>%s", e.OriginalSrc, e.OriginalDst, e.ReplySrc, e.ReplyDst)
	if e.State != "" {
		s += " " + e.State
	}
	for _, bit := range []struct {
		set  bool
		name string
	}{{e.Master != 0, "EXPECTED"}, {e.Assured, "ASSURED"}, {e.SourceNAT, "SNAT"}, {e.DestinationNAT, "DNAT"}} {
		if bit.set {
			s += " " + bit.name
		}
	}
	return s
}

func expectText(x firewall.ExpectInfo) string {
	return fmt.Sprintf("%s:*>%s", x.Src.Addr(), x.Dst)
}

// normalise takes out of the kernel's answer what the device says in other words.
func normalise(k kernelAnswer) kernelAnswer {
	switch {
	case strings.HasPrefix(k.At, "kernel: conntrack helper"):
		k.At = "helper"
	case k.Verdict == "local":
		k.At = ""
	}
	for i, e := range k.Events {
		k.Events[i] = strings.TrimSuffix(e, " SEQ_ADJ")
	}
	for _, r := range k.Replies {
		if f, ok := r["flags"].(string); ok {
			r["flags"] = parseFlags(f).String()
		}
	}
	return k
}

var portNumber = regexp.MustCompile(`:\d+|,\d+,\d+\r`)

// withoutPorts takes the ports out of an answer that depends on a random one.
func withoutPorts(a kernelAnswer) kernelAnswer {
	for i, e := range a.Events {
		a.Events[i] = portNumber.ReplaceAllString(e, ":?")
	}
	for _, key := range []string{"sport", "dport"} {
		if _, ok := a.Mods[key]; ok {
			a.Mods[key] = "?"
		}
	}
	if p, ok := a.Mods["payload"].(string); ok {
		a.Mods["payload"] = portNumber.ReplaceAllString(p, "?")
	}
	return a
}
