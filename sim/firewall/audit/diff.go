package audit

import (
	"math/bits"
	"net/netip"
	"slices"

	"ftplab/sim/firewall"
	"ftplab/sim/wire"
)

// Difference is a packet that two rulesets treat differently, with what each does.
type Difference struct {
	// Setup are packets that go before it, if the difference is only in an established
	// connection.
	Setup []wire.Packet
	// Packet comes in through In and would leave through Out. In is "" for a packet that
	// the device itself sends, Out for one that is sent to it.
	Packet  wire.Packet
	In, Out string
	// Left and Right are the verdicts of the two, by the very device that runs them.
	Left, Right Judgement
}

// Judgement is what one ruleset does with the packet, and why.
type Judgement struct {
	Decision firewall.Decision
	Missed   []firewall.Missed
	// After is the packet as it leaves, if it does.
	After wire.Packet
}

// Comparison is the result of comparing two rulesets.
type Comparison struct {
	// First is a packet on which they differ; nil if they agree on every packet.
	First *Difference
	// Notes say what was not looked at; Incomplete that the budget was hit.
	Notes      []string
	Incomplete bool
}

// comparison is two rulesets in one universe.
type comparison struct {
	*Comparison
	u           *universe
	left, right *firewall.Ruleset
	server      netip.Addr
	unproved    bool // the conditions differ, but no packet that was tried shows it
}

// Compare finds a packet that two rulesets treat differently. They may be of different
// dialects; interfaces are the same if they have the same name. It looks at packets that
// open a connection, and if they agree on those at packets of established connections,
// of either direction; none of them is a fragment. Packets to and from the device itself
// are compared where both rulesets can speak of them.
//
// IPv4 comes first, unless the server's address is an IPv6 one.
func Compare(left, right *firewall.Ruleset, o Options) *Comparison {
	b := &budget{left: o.Budget}
	if o.Budget == 0 {
		b.left = DefaultBudget
	}
	families := []Family{IPv4, IPv6}
	if o.Server.Is6() {
		slices.Reverse(families)
	}
	c := &comparison{Comparison: &Comparison{}, left: left, right: right, server: o.Server}
	for _, family := range families {
		c.u = newUniverse(family, b, left, right)
		if c.First == nil {
			c.First = c.search()
		}
	}
	if c.First == nil {
		c.noteLimits()
	}
	c.Incomplete = b.hit
	return c.Comparison
}

func (c *comparison) search() *Difference {
	paths := []path{forwarded}
	if isNetfilter(c.left) && isNetfilter(c.right) {
		paths = append(paths, received, sent)
	}
	for _, p := range paths {
		for _, m := range []moment{{p, firewall.StateNew, false}, {p, firewall.StateEstablished, false}, {p, firewall.StateEstablished, true}} {
			if d := c.differ(m); d != nil {
				return d
			}
		}
	}
	return c.differInTranslation()
}

// isNetfilter reports whether a ruleset has words for packets to and from the device
// itself, and for translations.
func isNetfilter(rs *firewall.Ruleset) bool { return rs.Dialect == "nft" || rs.Dialect == "iptables" }

// noteLimits says what "no difference" leaves out.
func (c *comparison) noteLimits() {
	if c.unproved {
		c.Notes = append(c.Notes, "the conditions of the two are not the same, but on the packets tried both did the same")
	}
	if readsFTP(c.left) || readsFTP(c.right) {
		c.Notes = append(c.Notes, "data connections that an FTP inspection lets in are not compared")
	}
	var itself, translating bool
	for _, rs := range []*firewall.Ruleset{c.left, c.right} {
		for i := range rs.Chains {
			chain := &rs.Chains[i]
			judges := chain.Count > 0 || chain.Policy.Kind == firewall.Drop
			itself = itself || judges && (chain.Hook == firewall.Input || chain.Hook == firewall.Output)
			translating = translating || chain.Type == firewall.NATChain && chain.Count > 0
		}
	}
	if itself && !(isNetfilter(c.left) && isNetfilter(c.right)) {
		c.Notes = append(c.Notes, "what the firewall itself sends and receives is not compared: one of the two has no words for it")
	}
	if translating {
		c.Notes = append(c.Notes, "of translated packets, examples of what each rule translates were compared")
	}
}

// moment is when in a connection, and on which path, packets are compared.
type moment struct {
	path  path
	state firewall.CTState
	reply bool // from the side that answered
}

// differ looks for a difference among packets of one moment.
func (c *comparison) differ(m moment) *Difference {
	var tables [2]*table
	for i, rs := range []*firewall.Ruleset{c.left, c.right} {
		a := &analysis{rs: rs, u: c.u}
		start := a.withState(c.u.everything(), m.state, false)
		start.sets[dimHelper], start.sets[dimFragment], start.sets[dimReply], start.sets[dimTranslated] = 1, 1, 1, 1
		if m.reply {
			start.sets[dimReply] = 1 << 1
		}
		t := compile(rs, c.u, m.path, region{start}.subtract(region{c.u.otherICMP()}, c.u.budget))
		for _, n := range t.notes {
			if !slices.Contains(c.Notes, n) {
				c.Notes = append(c.Notes, n)
			}
		}
		tables[i] = t
	}
	if d := c.witnessOf(tables[0].permit, tables[1].permit, m); d != nil {
		return d
	}
	for _, answer := range answers(c.left, c.right) {
		if d := c.witnessOf(tables[0].rejected(answer), tables[1].rejected(answer), m); d != nil {
			return d
		}
	}
	return nil
}

// otherICMP is the ICMP of the other family, which nobody sends.
func (u *universe) otherICMP() box {
	b, protocol := u.everything(), small(uint64(wire.ICMPv6))
	if u.family == IPv6 {
		protocol = small(uint64(wire.ICMP))
	}
	b.spans[dimProtocol] = span{protocol, protocol}
	return b
}

// witnessOf looks for a packet that is in one of two regions, and that shows the
// difference.
func (c *comparison) witnessOf(left, right region, m moment) *Difference {
	left, right = free(left, c.u), free(right, c.u)
	for _, pair := range [][2]region{{left, right}, {right, left}} {
		only := pair[0].subtract(pair[1], c.u.budget)
		c.unproved = c.unproved || len(only) > 0
		for i := range only {
			if d := c.witness(&only[i], m); d != nil {
				return d
			}
		}
	}
	return nil
}

// free lets the connection state of a region go: two rulesets are compared on packets,
// and each gives its own state to a packet.
func free(r region, u *universe) region {
	all := u.everything()
	out := slices.Clone(r)
	for i := range out {
		out[i].sets[dimState] = all.sets[dimState]
	}
	return out
}

// differInTranslation tries examples of what each translating rule takes.
func (c *comparison) differInTranslation() *Difference {
	start := c.u.everything()
	start.sets[dimHelper], start.sets[dimFragment], start.sets[dimReply], start.sets[dimTranslated] = 1, 1, 1, 1
	for _, rs := range []*firewall.Ruleset{c.left, c.right} {
		for i := range rs.Chains {
			chain := &rs.Chains[i]
			if chain.Type != firewall.NATChain || chain.Hook != firewall.Prerouting && chain.Hook != firewall.Postrouting {
				continue
			}
			t := (&table{rs: rs, u: c.u, chains: []int{i}, nat: allRules}).run(region{start})
			for _, item := range t.items {
				for k := range item.region {
					if d := c.witness(&item.region[k], moment{forwarded, firewall.StateNew, false}); d != nil && item.rule >= 0 {
						return d
					}
				}
			}
		}
	}
	return nil
}

// witness makes a packet of a box and runs it through both devices; nil if they agree on
// it after all, because of something that the boxes do not know.
func (c *comparison) witness(b *box, m moment) *Difference {
	for _, p := range c.u.examples(b, c.server) {
		d := &Difference{Packet: p}
		if m.path != sent {
			ins := b.sets[dimIn]
			if bits.OnesCount64(b.sets[dimOut]) == 1 && ins != b.sets[dimOut] {
				ins &^= b.sets[dimOut] // it must be free to leave there
			}
			d.In = c.u.interfaceOf(ins, "in", "")
		}
		if m.path != received {
			d.Out = c.u.interfaceOf(b.sets[dimOut], "out", d.In)
		}
		switch {
		case m.state == firewall.StateEstablished && m.reply:
			q := p
			q.Src, q.Dst, q.SrcPort, q.DstPort = p.Dst, p.Src, p.DstPort, p.SrcPort
			d.Setup = opening(&q)
		case m.state == firewall.StateEstablished:
			d.Setup = opening(&p)
		}
		d.Left, d.Right = run(c.left, d), run(c.right, d)
		if d.Left.differs(&d.Right) || d.Left.Decision.Action == firewall.ActionReject && answerOf(c.left, &d.Left) != answerOf(c.right, &d.Right) {
			return d
		}
	}
	return nil
}

// answerOf returns how a ruleset rejects the packet that it rejected.
func answerOf(rs *firewall.Ruleset, j *Judgement) firewall.RejectWith {
	if rule := int(j.Decision.Rule); rule >= 0 && rule < len(rs.Rules) {
		return rs.Rules[rule].Verdict.With
	}
	return firewall.ICMPPortUnreachable
}

// differs reports whether two judgements are different for the packet: another verdict,
// or other addresses or ports on what leaves.
func (j *Judgement) differs(k *Judgement) bool {
	if j.Decision.Action != k.Decision.Action {
		return true
	}
	a, b := &j.After, &k.After
	return j.Decision.Action == firewall.ActionForward && (a.Src != b.Src || a.Dst != b.Dst || a.SrcPort != b.SrcPort || a.DstPort != b.DstPort)
}

// interfaceOf names one interface of a set that is not taken; other is the name of one
// that no ruleset mentions.
func (u *universe) interfaceOf(set uint64, other, taken string) string {
	for i, name := range u.interfaces {
		if set&(1<<i) != 0 && name != taken {
			return name
		}
	}
	return other
}
