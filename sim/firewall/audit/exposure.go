package audit

import (
	"fmt"
	"net/netip"
	"sort"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/wire"
)

// Ports is a set of ports as sorted, disjoint inclusive ranges.
type Ports []PortRange

// PortRange is an inclusive range of ports.
type PortRange struct {
	From uint16 `json:"from"`
	To   uint16 `json:"to"`
}

// Count returns how many ports are in the set.
func (p Ports) Count() int {
	n := 0
	for _, r := range p {
		n += int(r.To) - int(r.From) + 1
	}
	return n
}

// String prints the set: "21, 1025-65535", or "none".
func (p Ports) String() string {
	if len(p) == 0 {
		return "none"
	}
	var parts []string
	for _, r := range p {
		if r.From == r.To {
			parts = append(parts, fmt.Sprint(r.From))
		} else {
			parts = append(parts, fmt.Sprintf("%d-%d", r.From, r.To))
		}
	}
	return strings.Join(parts, ", ")
}

// portsOf joins ranges of a region's property d.
func portsOf(r region, d int) Ports {
	var all Ports
	for i := range r {
		s := r[i].spans[d]
		all = append(all, PortRange{uint16(s.low.lo), uint16(s.high.lo)})
	}
	sort.Slice(all, func(i, j int) bool { return all[i].From < all[j].From })
	var joined Ports
	for _, next := range all {
		if n := len(joined); n > 0 && int(next.From) <= int(joined[n-1].To)+1 {
			joined[n-1].To = max(joined[n-1].To, next.To)
			continue
		}
		joined = append(joined, next)
	}
	return joined
}

// Exposure is what an arbitrary host can do to a server behind the firewall.
type Exposure struct {
	Server netip.Addr `json:"server"`
	// Connect are the server's ports to which a connection can be opened: the SYN gets
	// to the server and the SYN-ACK gets back.
	Connect      Ports `json:"connect"`
	ConnectCount int   `json:"connect_count"`
	// Probe are the ports that some TCP packet without a connection reaches, such as
	// the bare ACK of a scan.
	Probe      Ports `json:"probe"`
	ProbeCount int   `json:"probe_count"`
	// Outward are the ports of arbitrary hosts to which the server can open connections,
	// and OutwardFrom the server's ports that it can do so from.
	Outward      Ports `json:"outward"`
	OutwardCount int   `json:"outward_count"`
	OutwardFrom  Ports `json:"outward_from"`
	// Expected are the ports that an FTP expectation can open, one at a time, to the
	// host that the control connection comes from: whatever port the 227 names.
	Expected      Ports `json:"expected"`
	ExpectedCount int   `json:"expected_count"`
}

// exposure works out what an arbitrary host reaches on server.
func (a *analysis) exposure(server netip.Addr) *Exposure {
	x := &Exposure{Server: server}
	var connect, probe, outward, expected region
	for _, way := range a.serverWays(server) {
		in := a.packet(server, way, true)
		connect = append(connect, a.twoWay(in)...)
		probe = append(probe, a.permitted(a.strays(in))...)
		if readsFTP(a.rs) {
			expected = append(expected, a.permitted(a.withState(a.flagged(in, wire.SYN), firewall.StateRelated, true))...)
		}
		outward = append(outward, a.twoWay(a.packet(server, way, false))...)
	}
	x.Connect, x.Probe = portsOf(connect, dimDestinationPort), portsOf(probe, dimDestinationPort)
	x.Outward, x.OutwardFrom = portsOf(outward, dimDestinationPort), portsOf(outward, dimSourcePort)
	if x.Connect.has(21) {
		x.Expected = portsOf(expected, dimDestinationPort)
	}
	x.ConnectCount, x.ProbeCount = x.Connect.Count(), x.Probe.Count()
	x.OutwardCount, x.ExpectedCount = x.Outward.Count(), x.Expected.Count()
	return x
}

// allPorts is how many ports there are.
const allPorts = 1 << 16

// serverWays keeps the ways on which an arbitrary host comes to the server: those on
// which rules open some of its ports. A way on which every port is open, beside such
// ones, comes from a side that the rules trust; it is noted and left out. If no way
// leads to the server, it may be anywhere.
func (a *analysis) serverWays(server netip.Addr) []way {
	var restricted, open []way
	for _, way := range a.ways() {
		switch portsOf(a.twoWay(a.packet(server, way, true)), dimDestinationPort).Count() {
		case 0:
		case allPorts:
			open = append(open, way)
		default:
			restricted = append(restricted, way)
		}
	}
	if len(restricted) == 0 {
		if len(open) == 0 {
			return a.ways()
		}
		return open
	}
	if len(open) > 0 {
		var ways []string
		for _, w := range open {
			ways = append(ways, "in by "+a.interfaceName(w.in)+" and out by "+a.interfaceName(w.out))
		}
		a.notes = append(a.notes, "every port is open to packets "+strings.Join(ways, ", ")+": that side counts as trusted; the exposure is that to the others")
	}
	return restricted
}

func (a *analysis) interfaceName(place int) string {
	if place < len(a.u.interfaces) {
		return a.u.interfaces[place]
	}
	return "any other interface"
}

func (p Ports) has(port uint16) bool {
	for _, r := range p {
		if r.From <= port && port <= r.To {
			return true
		}
	}
	return false
}

// way is a pair of interfaces, by place: where a packet to the server comes in and goes
// out.
type way struct{ in, out int }

// ways lists the pairs of interfaces between which a connection to the server may come:
// in towards the world, out towards the server. Where lists are applied to one interface
// only, the server is behind that one. A ruleset that names no interface has one way.
func (a *analysis) ways() []way {
	other := len(a.u.interfaces)
	if other == 0 {
		return []way{{other, other}}
	}
	filtered := a.filtered()
	var ways []way
	for in := range other + 1 {
		for out := range other + 1 {
			distinct := in != out || in == other // there may be two that the rules do not name
			if distinct && !a.isLoopback(in) && !a.isLoopback(out) && (filtered < 0 || out == filtered) {
				ways = append(ways, way{in, out})
			}
		}
	}
	return ways
}

// isLoopback reports whether a place is the loopback interface, by which nothing is
// forwarded.
func (a *analysis) isLoopback(place int) bool {
	return place < len(a.u.interfaces) && a.u.interfaces[place] == "lo"
}

// filtered returns the place of the only interface that lists are applied to, -1 if
// there is none or there are several.
func (a *analysis) filtered() int {
	place := -1
	for i := range a.rs.Chains {
		name := a.rs.Chains[i].Interface
		if name == "" {
			continue
		}
		for k, known := range a.u.interfaces {
			if known == name && place >= 0 && place != k {
				return -1
			}
			if known == name {
				place = k
			}
		}
	}
	return place
}

// packet is every TCP packet to the server (or from it) that goes this way.
func (a *analysis) packet(server netip.Addr, w way, inward bool) box {
	b := a.u.everything()
	n := addressNumber(server)
	if inward {
		b.spans[dimDestination] = span{n, n}
		b.sets[dimIn], b.sets[dimOut] = 1<<w.in, 1<<w.out
	} else {
		b.spans[dimSource] = span{n, n}
		b.sets[dimIn], b.sets[dimOut] = 1<<w.out, 1<<w.in
	}
	b.spans[dimProtocol] = span{small(uint64(wire.TCP)), small(uint64(wire.TCP))}
	b.sets[dimFragment], b.sets[dimReply], b.sets[dimHelper] = 1, 1, 1
	return b
}

func (a *analysis) flagged(b box, f wire.Flags) box {
	b.sets[dimFlags] = 1 << f
	return b
}

// withState gives a packet the connection state that it has: none where the ruleset does
// not track connections.
func (a *analysis) withState(b box, s firewall.CTState, helper bool) box {
	b.sets[dimState] = 1 << stateNone
	if a.rs.UsesConntrack {
		b.sets[dimState] = 0
		for place := range stateNone {
			if s&(1<<place) != 0 {
				b.sets[dimState] |= 1 << place
			}
		}
	}
	if helper {
		b.sets[dimHelper] = 1 << 1
	}
	return b
}

// strays are the packets that belong to no connection, with any flags.
func (a *analysis) strays(b box) box {
	return a.withState(b, firewall.StateNew|firewall.StateInvalid, false)
}

func (a *analysis) permitted(b box) region {
	t := compile(a.rs, a.u, region{b}.subtract(region{a.toItself(&b)}, a.u.budget))
	a.addNotes(t)
	return t.permit
}

// toItself is what the server would send to its own address: an arbitrary host is
// another one.
func (a *analysis) toItself(b *box) box {
	self := a.u.everything()
	s := b.spans[dimSource]
	if s.low != s.high {
		s = b.spans[dimDestination]
	}
	self.spans[dimSource], self.spans[dimDestination] = s, s
	return self
}

// twoWay returns the packets with SYN among b whose SYN-ACK comes back as well.
func (a *analysis) twoWay(b box) region {
	syn := a.permitted(a.withState(a.flagged(b, wire.SYN), firewall.StateNew, false))
	if len(syn) == 0 || a.sessionsReturn() {
		return syn
	}
	back := a.flagged(b, wire.SYN|wire.ACK)
	back.mirror()
	back.sets[dimReply] = 1 << 1
	answers := a.permitted(a.withState(back, firewall.StateEstablished, false))
	for i := range answers {
		answers[i].mirror()
		// What the answer shares with its SYN is addresses and ports.
		answers[i].sets = syn[0].sets
	}
	return syn.intersect(answers, a.u.budget)
}

// mirror turns the packets of a box round: the answers to them.
func (b *box) mirror() {
	s := &b.spans
	s[dimSource], s[dimDestination] = s[dimDestination], s[dimSource]
	s[dimSourcePort], s[dimDestinationPort] = s[dimDestinationPort], s[dimSourcePort]
	b.sets[dimIn], b.sets[dimOut] = b.sets[dimOut], b.sets[dimIn]
}

// sessionsReturn reports whether a vendor's inspection lets the answers of a session
// through whatever the lists say.
func (a *analysis) sessionsReturn() bool {
	for i := range a.rs.Inspections {
		if a.rs.Inspections[i].TCP || a.rs.Inspections[i].FTP {
			return true
		}
	}
	return a.rs.Dialect == "asa"
}

// readsFTP reports whether the ruleset has FTP inspected anywhere.
func readsFTP(rs *firewall.Ruleset) bool {
	for i := range rs.Inspections {
		if rs.Inspections[i].FTP {
			return true
		}
	}
	for i := range rs.Rules {
		for _, part := range rs.Rules[i].Parts {
			if e := part.Effect; e != nil && e.Kind == firewall.SetHelper && e.Text == "ftp" {
				return true
			}
		}
	}
	return false
}
