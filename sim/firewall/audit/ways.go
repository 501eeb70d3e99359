package audit

import (
	"slices"
	"strings"

	"ftplab/sim/firewall"
)

// way is a pair of interfaces, by place: where a packet to the server comes in and goes
// out.
type way struct{ in, out int }

// allPorts is how many ports there are.
const allPorts = 1 << 16

// settleWays finds the ways on which an arbitrary host comes to the server: those on
// which rules close some of its ports, else those on which they close all. A way on which
// every port is open, beside such ones, comes from a side that the rules trust; it is
// noted and left out.
func (q *question) settleWays(behind string) {
	var restricted, closed, open []way
	for _, w := range q.candidates(behind) {
		switch portsOf(q.connect(q.packet(w), noRule), dimDestinationPort).Count() {
		case 0:
			closed = append(closed, w)
		case allPorts:
			open = append(open, w)
		default:
			restricted = append(restricted, w)
		}
	}
	q.guarded = slices.Concat(restricted, closed)
	switch {
	case len(restricted) > 0:
		q.ways = restricted
	case len(closed) > 0:
		q.ways = closed
	default:
		q.ways, q.guarded = open, open
		return
	}
	if len(open) > 0 {
		var ways []string
		for _, w := range open {
			words := "in by " + q.interfaceName(w.in)
			if q.path == forwarded {
				words += " and out by " + q.interfaceName(w.out)
			}
			ways = append(ways, words)
		}
		q.note("every port is open to packets %s: that side counts as trusted; the exposure is that to the others", strings.Join(ways, ", "))
	}
}

func (a *analysis) interfaceName(place int) string {
	if place < len(a.u.interfaces) {
		return a.u.interfaces[place]
	}
	return "any other interface"
}

// candidates lists the pairs of interfaces between which a connection to the server may
// come: in towards the world, out towards the server. A ruleset that names no interface
// has one way.
func (q *question) candidates(behind string) []way {
	other := len(q.u.interfaces)
	if q.path == received {
		var ways []way
		for in := range other + 1 {
			if !q.isLoopback(in) {
				ways = append(ways, way{in, other})
			}
		}
		return ways
	}
	if other == 0 {
		return []way{{other, other}}
	}
	isServerSide := q.serverSide(behind)
	var ways []way
	for in := range other + 1 {
		for out := range other + 1 {
			distinct := in != out || in == other // there may be two that the rules do not name
			if distinct && !q.isLoopback(in) && !q.isLoopback(out) && isServerSide(out) {
				ways = append(ways, way{in, out})
			}
		}
	}
	return ways
}

// serverSide says which interfaces the server may be behind: the one that is said; or the
// only one that lists are applied to, unless the rules show that they guard the server
// from what comes in there; or any.
func (q *question) serverSide(behind string) func(place int) bool {
	filtered := q.filtered()
	switch {
	case behind != "":
		place := len(q.u.interfaces)
		for i, name := range q.u.interfaces {
			if name == behind {
				place = i
			}
		}
		return func(at int) bool { return at == place }
	case filtered < 0:
		return func(int) bool { return true }
	case q.isOutside(filtered):
		q.note("the rules guard %v from what comes in by %s: it counts as a server on the other side", q.server, q.u.interfaces[filtered])
		return func(at int) bool { return at != filtered }
	}
	return func(at int) bool { return at == filtered }
}

// isOutside reports whether the only filtered interface is not the server's: its lists
// name the server where the other side's address stands and never as its own, or it is
// an interface that ASA trusts less than the others.
func (q *question) isOutside(filtered int) bool {
	name := q.u.interfaces[filtered]
	var asOther, asOwn bool
	for i := range q.rs.Chains {
		c := &q.rs.Chains[i]
		if c.Interface != name {
			continue
		}
		own, other := firewall.SourceAddress, firewall.DestinationAddress
		if c.Hook == firewall.Outbound {
			own, other = other, own
		}
		for _, r := range q.rs.Rules[c.First : c.First+c.Count] {
			for _, part := range r.Parts {
				if part.Match != nil {
					asOwn = asOwn || q.isNear(part.Match, own)
					asOther = asOther || q.isNear(part.Match, other)
				}
			}
		}
	}
	if asOwn || asOther {
		return asOther && !asOwn
	}
	level, others := -1, -1
	for _, in := range q.rs.Interfaces {
		if in.NameIf == name {
			level = in.SecurityLevel
		} else if in.NameIf != "" {
			others = max(others, in.SecurityLevel)
		}
	}
	return level >= 0 && level < others
}

// isNear reports whether a condition asks for the server's address, or for a network
// that it is in.
func (q *question) isNear(m *firewall.Match, field firewall.Field) bool {
	if m.Field != field || m.Negate {
		return false
	}
	n := addressNumber(q.server)
	for _, s := range q.u.spansOf(m) {
		if everything := q.u.everything().spans[dimSource]; s != everything && !n.less(s.low) && !s.high.less(n) {
			return true
		}
	}
	return false
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
