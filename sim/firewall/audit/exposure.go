package audit

import (
	"net/netip"

	"ftplab/sim/firewall"
	"ftplab/sim/wire"
)

// Exposure is what an arbitrary host can do to a server behind the firewall.
type Exposure struct {
	Server netip.Addr `json:"server"`
	// Connect are the server's ports to which a connection can be opened: the SYN gets
	// to the server and the SYN-ACK gets back.
	Connect      Ports `json:"connect"`
	ConnectCount int   `json:"connect_count"`
	// Forwards are the translations by which some of these are reached.
	Forwards []Forward `json:"forwards,omitempty"`
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

// Forward is a rule that translates the destination of what comes in.
type Forward struct {
	RuleRef
	// Ports are the ports that hosts send to, ToPorts those of the server that they reach.
	Ports   Ports `json:"ports"`
	ToPorts Ports `json:"to_ports"`
}

// exposure works out what an arbitrary host reaches on server.
func (a *analysis) exposure(server netip.Addr, behind string) *Exposure {
	x := &Exposure{Server: server}
	q := &question{analysis: a, server: server, path: a.pathTo(server)}
	q.settleWays(behind)
	for _, w := range q.ways {
		in := q.packet(w)
		x.Connect = append(x.Connect, portsOf(q.connect(in, noRule), dimDestinationPort)...)
		x.Probe = append(x.Probe, portsOf(q.permitted(q.strays(in), noRule), dimDestinationPort)...)
		switch {
		case readsFTP(a.rs) && !isNetfilter(a.rs): // its data connections pass whatever the lists say
			x.Expected = Ports{{a.lowestExpected(), allPorts - 1}}
		case readsFTP(a.rs):
			related := q.withState(q.flagged(in, wire.SYN), firewall.StateRelated, true)
			x.Expected = append(x.Expected, portsOf(q.permitted(related, noRule), dimDestinationPort)...)
		}
		outward := q.outward(w)
		x.Outward = append(x.Outward, portsOf(outward, dimDestinationPort)...)
		x.OutwardFrom = append(x.OutwardFrom, portsOf(outward, dimSourcePort)...)
	}
	q.translations(x)
	for _, ports := range []*Ports{&x.Connect, &x.Probe, &x.Outward, &x.OutwardFrom, &x.Expected} {
		*ports = ports.joined()
	}
	if !x.Connect.meets(a.controlPorts()) {
		x.Expected = nil
	}
	x.ConnectCount, x.ProbeCount = x.Connect.Count(), x.Probe.Count()
	x.OutwardCount, x.ExpectedCount = x.Outward.Count(), x.Expected.Count()
	return x
}

// question is what is asked about one server.
type question struct {
	*analysis
	server netip.Addr
	path   path
	// ways are those by which hosts reach some of its ports (all ways, if none does), and
	// guarded those on which the rules close any: what is translated may pass there.
	ways, guarded []way
}

// pathTo returns the path that packets to a server take: to the device itself, if its
// rules are about packets to itself alone, as a server's own firewall is, or if the
// address is one that its rules translate.
func (a *analysis) pathTo(server netip.Addr) path {
	var asked [2]bool
	for i := range a.rs.Chains {
		c := &a.rs.Chains[i]
		judges := c.Type == firewall.FilterChain && (c.Count > 0 || c.Policy.Kind == firewall.Drop)
		asked[0] = asked[0] || judges && (c.Hook == firewall.Forward || c.Hook == firewall.Inbound || c.Hook == firewall.Outbound)
		asked[1] = asked[1] || judges && c.Hook == firewall.Input
	}
	if asked[1] && !asked[0] {
		a.note("the rules are about packets to the host itself: %v counts as its address", server)
		return received
	}
	if a.translates(server) {
		a.note("%v is an address whose packets the rules translate: what they do not translate counts as sent to the firewall itself", server)
		return received
	}
	return forwarded
}

// translates reports whether a rule translates packets to this very address.
func (a *analysis) translates(server netip.Addr) bool {
	for i := range a.rs.Rules {
		r := &a.rs.Rules[i]
		if e := translation(r); e == nil || e.Kind != firewall.DNAT {
			continue
		}
		for _, part := range r.Parts {
			if part.Match != nil && names(part.Match, firewall.DestinationAddress, server) {
				return true
			}
		}
	}
	return false
}

// names reports whether a condition asks for one address alone in a field.
func names(m *firewall.Match, field firewall.Field, address netip.Addr) bool {
	if m.Field != field || m.Negate {
		return false
	}
	for _, t := range m.Addresses {
		one := netip.PrefixFrom(address, address.BitLen())
		if t.Base == address && addressNumber(t.Care) == fill(number{}, one.Bits()) {
			return true
		}
	}
	return false
}

// packet is every TCP packet to the server that comes this way.
func (q *question) packet(w way) box {
	b := q.u.everything()
	n := addressNumber(q.server)
	b.spans[dimDestination] = span{n, n}
	b.sets[dimIn], b.sets[dimOut] = 1<<w.in, 1<<w.out
	b.spans[dimProtocol] = span{small(uint64(wire.TCP)), small(uint64(wire.TCP))}
	b.sets[dimFragment], b.sets[dimReply], b.sets[dimHelper], b.sets[dimTranslated] = 1, 1, 1, 1
	return b
}

// connect returns the packets with SYN among b whose SYN-ACK comes back as well: as they
// are after the translation by a rule, or of those that none translates.
func (q *question) connect(b box, rule int) region {
	return q.answered(q.permitted(q.withState(q.flagged(b, wire.SYN), firewall.StateNew, false), rule), q.path)
}

// outward returns the packets by which the server opens connections this way.
func (q *question) outward(w way) region {
	b := q.packet(w)
	b.mirror()
	path := q.path
	if path == received {
		path = sent
	}
	syn := q.permittedOn(path, q.withState(q.flagged(b, wire.SYN), firewall.StateNew, false), noRule)
	return q.answered(syn, path)
}

// answered keeps the packets with SYN that passed on a path and whose answers pass, too.
func (q *question) answered(syn region, p path) region {
	if len(syn) == 0 || q.sessionsReturn() {
		return syn
	}
	back := map[path]path{forwarded: forwarded, received: sent, sent: received}[p]
	start := syn[0]
	for d := range start.spans {
		for i := range syn {
			start.spans[d].low = lower(start.spans[d].low, syn[i].spans[d].low)
			start.spans[d].high = higher(start.spans[d].high, syn[i].spans[d].high)
		}
	}
	answer := q.withState(q.flagged(start, wire.SYN|wire.ACK), firewall.StateEstablished, false)
	answer.mirror()
	answer.sets[dimReply] = 1 << 1
	answers := q.permittedOn(back, answer, noRule)
	for i := range answers {
		answers[i].mirror()
		// What the answer shares with its SYN is addresses and ports.
		answers[i].sets = syn[0].sets
	}
	return syn.intersect(answers, q.u.budget)
}

func lower(a, b number) number {
	if b.less(a) {
		return b
	}
	return a
}

func higher(a, b number) number {
	if a.less(b) {
		return b
	}
	return a
}

// translations adds what is reached by translations of the destination: the server, to
// whatever address hosts send; and whoever it is that gets what hosts send to the server.
func (q *question) translations(x *Exposure) {
	chains := q.natChains()
	for rule := range q.rs.Rules {
		e := translation(&q.rs.Rules[rule])
		if e == nil || !q.onPath(rule, chains) || q.u.budget.hit {
			continue
		}
		var f Forward
		for _, w := range q.guarded {
			for _, r := range []reached{q.elsewhere(e, rule, w), q.here(e, rule, w)} {
				f.Ports, f.ToPorts = append(f.Ports, r.from...), append(f.ToPorts, r.to...)
				x.Connect, x.Probe = append(x.Connect, r.connect...), append(x.Probe, r.probe...)
				x.Expected = append(x.Expected, r.expected...)
			}
		}
		if len(f.ToPorts) > 0 {
			f.RuleRef, f.Ports, f.ToPorts = q.ref(rule), f.Ports.joined(), f.ToPorts.joined()
			x.Forwards = append(x.Forwards, f)
		}
	}
}

// reached is what a translation lets arbitrary hosts reach on one way: ports of the
// server, and how the rule gets there.
type reached struct{ connect, probe, expected, from, to Ports }

// here follows packets that a rule's translation sends to the server from any address.
func (q *question) here(e *firewall.Effect, rule int, w way) reached {
	if q.path == received && e.Kind != firewall.Redirect {
		return reached{}
	}
	start := q.packet(w)
	if q.path == forwarded {
		start.spans[dimDestination] = q.u.everything().spans[dimDestination]
	}
	syn := q.withState(q.flagged(start, wire.SYN), firewall.StateNew, false)
	to := portsOf(q.answered(q.atServer(q.permitted(syn, rule), true), q.path), dimDestinationPort)
	return reached{
		connect: to, to: to, from: q.asked(e, rule, q.path, syn, to),
		probe: portsOf(q.atServer(q.permitted(q.strays(start), rule), true), dimDestinationPort),
	}
}

// elsewhere follows packets to the server that a rule's translation sends to others, by
// any interface: it is they who are reached by the server's address.
func (q *question) elsewhere(e *firewall.Effect, rule int, w way) reached {
	if e.Kind == firewall.Redirect {
		return reached{}
	}
	start := q.packet(w)
	start.sets[dimOut] = q.u.everything().sets[dimOut]
	syn := q.withState(q.flagged(start, wire.SYN), firewall.StateNew, false)
	there := q.answered(q.atServer(q.permittedOn(forwarded, syn, rule), false), forwarded)
	if len(there) == 0 {
		return reached{}
	}
	to := portsOf(there, dimDestinationPort)
	from := q.asked(e, rule, forwarded, syn, to)
	r := reached{connect: from, probe: from, from: from, to: to}
	if readsFTP(q.rs) { // the helper translates the data connection, too
		related := there[0]
		all := q.u.everything()
		related.spans[dimSourcePort], related.spans[dimDestinationPort] = all.spans[dimSourcePort], all.spans[dimDestinationPort]
		r.expected = portsOf(q.permittedOn(forwarded, q.withState(related, firewall.StateRelated, true), noRule), dimDestinationPort)
	}
	return r
}

// asked returns the ports that hosts send to, of packets that a rule translates so that
// they come to these ports.
func (q *question) asked(e *firewall.Effect, rule int, p path, syn box, to Ports) Ports {
	if len(to) == 0 || !changesPort(q.rs, e) {
		return to
	}
	var from Ports
	t := &table{rs: q.rs, u: q.u, path: p, chains: chainsOf(q.rs, p, true), nat: allRules}
	for _, item := range t.run(region{syn}).items {
		if item.rule == rule {
			from = append(from, portsOf(item.region, dimDestinationPort)...)
		}
	}
	return from.joined()
}

// atServer keeps what is sent to the server, or all but that.
func (q *question) atServer(r region, wanted bool) region {
	b := q.u.everything()
	n := addressNumber(q.server)
	b.spans[dimDestination] = span{n, n}
	if wanted {
		return r.intersect(region{b}, q.u.budget)
	}
	return r.subtract(region{b}, q.u.budget)
}

// changesPort reports whether a translation sends packets to another port.
func changesPort(rs *firewall.Ruleset, e *firewall.Effect) bool {
	if e.Map != 0 {
		for _, element := range rs.Sets[e.Map-1].Elements {
			if element.ValuePort != 0 {
				return true
			}
		}
	}
	return e.PortFrom != 0
}

// natChains are the chains that translate the destination of what comes in.
func (a *analysis) natChains() []int {
	var chains []int
	for i := range a.rs.Chains {
		if c := &a.rs.Chains[i]; c.Type == firewall.NATChain && c.Hook == firewall.Prerouting {
			chains = append(chains, i)
		}
	}
	return chains
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

// permitted returns what comes through of the packets to the server.
func (q *question) permitted(b box, rule int) region { return q.permittedOn(q.path, b, rule) }

func (q *question) permittedOn(p path, b box, rule int) region {
	t := compileNAT(q.rs, q.u, p, region{b}.subtract(region{q.toItself(&b)}, q.u.budget), rule)
	q.addNotes(t)
	return t.permit
}

// toItself is what the server would send to its own address: an arbitrary host is
// another one.
func (q *question) toItself(b *box) box {
	self := q.u.everything()
	n := addressNumber(q.server)
	self.spans[dimSource], self.spans[dimDestination] = span{n, n}, span{n, n}
	if d := b.spans[dimDestination]; d.low != d.high && b.spans[dimSource].low != b.spans[dimSource].high {
		self.spans[dimDestination] = d // sent anywhere, it leads to the server
	}
	return self
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
		if setsHelper(&rs.Rules[i]) {
			return true
		}
	}
	return false
}

func setsHelper(r *firewall.Rule) bool {
	for _, part := range r.Parts {
		if e := part.Effect; e != nil && e.Kind == firewall.SetHelper && e.Text == "ftp" {
			return true
		}
	}
	return false
}

// lowestExpected is the lowest port of a data connection that a vendor's inspection opens.
func (a *analysis) lowestExpected() uint16 {
	for i := range a.rs.Inspections {
		if in := &a.rs.Inspections[i]; in.FTP && !in.Strict {
			return 0
		}
	}
	return 1024 // a strict inspection ends the session of one who announces a lower one
}

// controlPorts are the ports of the control connections that are read for data
// connections.
func (a *analysis) controlPorts() Ports {
	var ports Ports
	for i := range a.rs.Inspections {
		in := &a.rs.Inspections[i]
		for _, n := range in.Ports {
			ports = append(ports, PortRange{n, n})
		}
		if in.FTP && len(in.Ports) == 0 {
			ports = append(ports, PortRange{21, 21})
		}
	}
	t := &table{rs: a.rs, u: a.u}
	for i := range a.rs.Rules {
		if setsHelper(&a.rs.Rules[i]) {
			ports = append(ports, portsOf(t.conditions(&a.rs.Rules[i]), dimDestinationPort)...)
		}
	}
	return ports.joined()
}
