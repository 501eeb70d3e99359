package firewall

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"ftplab/sim/event"
	"ftplab/sim/wire"
)

// Rules and packets over a small universe, so that they meet often: eight addresses,
// a few ports, every combination of flags.
var (
	smallAddress = rapid.Custom(func(t *rapid.T) netip.Addr {
		return netip.AddrFrom4([4]byte{10, 0, 0, byte(rapid.IntRange(2, 9).Draw(t, "host"))})
	})
	smallPort = rapid.Custom(func(t *rapid.T) uint16 { return uint16(rapid.IntRange(18, 26).Draw(t, "port")) })
)

func smallPacket(t *rapid.T) wire.Packet {
	p := wire.Packet{
		Src: smallAddress.Draw(t, "src"), Dst: smallAddress.Draw(t, "dst"), TTL: 64,
		Protocol: rapid.SampledFrom([]wire.Protocol{wire.TCP, wire.TCP, wire.UDP, wire.ICMP, 50}).Draw(t, "protocol"),
	}
	switch p.Protocol {
	case wire.TCP, wire.UDP:
		p.SrcPort, p.DstPort = smallPort.Draw(t, "sport"), smallPort.Draw(t, "dport")
		p.Flags = wire.Flags(rapid.IntRange(0, 63).Draw(t, "flags"))
	case wire.ICMP:
		p.ICMPType = uint8(rapid.IntRange(0, 12).Draw(t, "type"))
	}
	if rapid.IntRange(0, 9).Draw(t, "fragment") == 0 {
		p.FragmentOffset, p.SrcPort, p.DstPort, p.Flags = 64, 0, 0, 0
	}
	return p
}

func smallMatch(t *rapid.T, sets int) Match {
	m := Match{Negate: rapid.IntRange(0, 3).Draw(t, "negate") == 0}
	switch m.Field = rapid.SampledFrom([]Field{SourceAddress, DestinationAddress, SourcePort, DestinationPort, ProtocolField, TCPFlags, InInterface, ICMPTypeField}).Draw(t, "field"); m.Field {
	case SourceAddress, DestinationAddress:
		for range rapid.IntRange(1, 2).Draw(t, "tests") {
			if rapid.Bool().Draw(t, "range") {
				a, b := smallAddress.Draw(t, "from"), smallAddress.Draw(t, "to")
				if b.Less(a) {
					a, b = b, a
				}
				m.Addresses = append(m.Addresses, AddressTest{From: a, To: b})
			} else {
				care := netip.AddrFrom4([4]byte{255, 255, 255, rapid.Byte().Draw(t, "care")})
				m.Addresses = append(m.Addresses, AddressTest{Base: smallAddress.Draw(t, "base"), Care: care})
			}
		}
	case SourcePort, DestinationPort:
		if sets > 0 && rapid.IntRange(0, 3).Draw(t, "set") == 0 {
			m.Set, m.Key = rapid.IntRange(1, sets).Draw(t, "which"), []Field{m.Field}
			break
		}
		for range rapid.IntRange(1, 3).Draw(t, "ranges") {
			low := smallPort.Draw(t, "low")
			m.Ranges = append(m.Ranges, Range{uint64(low), uint64(low) + uint64(rapid.IntRange(0, 4).Draw(t, "more"))})
		}
	case ProtocolField:
		n := uint64(rapid.SampledFrom([]wire.Protocol{wire.TCP, wire.UDP, wire.ICMP}).Draw(t, "protocol"))
		m.Ranges = []Range{{n, n}}
	case ICMPTypeField:
		m.Ranges = []Range{{0, 8}}
	case TCPFlags:
		m.Mask = uint32(rapid.IntRange(0, 63).Draw(t, "mask"))
		m.Bits, m.AnyBit = m.Mask&uint32(rapid.IntRange(0, 63).Draw(t, "bits")), rapid.Bool().Draw(t, "any")
	case InInterface:
		m.Names = rapid.SampledFrom([][]string{{"lan"}, {"wan"}, {"lan", "wan"}, {"w+"}, {"nothing"}}).Draw(t, "names")
	}
	return m
}

// smallRules makes three chains; the first is the forward chain and may jump to the
// second, both to the third.
func smallRules(t *rapid.T) *Ruleset {
	rules := &Ruleset{Dialect: rapid.SampledFrom([]string{"nft", "ios"}).Draw(t, "dialect")}
	for range rapid.IntRange(0, 2).Draw(t, "sets") {
		set := Set{}
		for port := uint64(18); port < 27; port += uint64(rapid.IntRange(1, 4).Draw(t, "gap")) {
			set.Elements = append(set.Elements, SetElement{Key: []Match{{Ranges: []Range{{port, port}}}}})
		}
		rules.Sets = append(rules.Sets, set)
	}
	for chain := range 3 {
		first := len(rules.Rules)
		for range rapid.IntRange(0, 12).Draw(t, "rules") {
			r := Rule{Line: len(rules.Rules) + 1, Chain: chain}
			for range rapid.IntRange(0, 3).Draw(t, "conditions") {
				m := smallMatch(t, len(rules.Sets))
				r.Parts = append(r.Parts, Part{Match: &m})
				if rapid.IntRange(0, 5).Draw(t, "count") == 0 {
					r.Parts = append(r.Parts, Part{Effect: &Effect{Kind: Count}})
				}
			}
			r.Verdict.Kind = rapid.SampledFrom([]VerdictKind{Accept, Drop, Continue, Return, Jump, Goto}).Draw(t, "verdict")
			if r.Verdict.Kind == Jump || r.Verdict.Kind == Goto {
				if r.Verdict.Chain = chain + rapid.IntRange(1, 2).Draw(t, "target"); r.Verdict.Chain > 2 {
					r.Verdict = Verdict{Kind: Continue}
				}
			}
			rules.Rules = append(rules.Rules, r)
		}
		policy := rapid.SampledFrom([]VerdictKind{Accept, Drop}).Draw(t, "policy")
		c := Chain{Family: "ip", Policy: Verdict{Kind: policy}, First: first, Count: len(rules.Rules) - first}
		if chain == 0 {
			c.Hook = Forward
		}
		rules.Chains = append(rules.Chains, c)
	}
	return rules
}

// plainly is the meaning of a ruleset, written as simply as possible: which rule
// decides about a packet (-1: the policy), and which matched on the way.
func plainly(rules *Ruleset, chain int, p *wire.Packet, in string) (deciding int, hits []int, decided bool) {
	c := &rules.Chains[chain]
	for i := c.First; i < c.First+c.Count; i++ {
		r := &rules.Rules[i]
		matched := true
		for _, part := range r.Parts {
			matched = matched && (part.Match == nil || holdsPlainly(rules, part.Match, r, p, in))
		}
		if !matched {
			continue
		}
		hits = append(hits, i)
		switch r.Verdict.Kind {
		case Accept, Drop:
			return i, hits, true
		case Return:
			return -1, hits, false
		case Jump, Goto:
			at, more, ok := plainly(rules, r.Verdict.Chain, p, in)
			hits = append(hits, more...)
			if ok || r.Verdict.Kind == Goto {
				return at, hits, ok
			}
		}
	}
	return -1, hits, false
}

func holdsPlainly(rules *Ruleset, m *Match, r *Rule, p *wire.Packet, in string) bool {
	var value uint64
	has := p.FragmentOffset == 0
	transport := true
	switch m.Field {
	case SourcePort, DestinationPort:
		has = has && (p.Protocol == wire.TCP || p.Protocol == wire.UDP)
		value = uint64(p.DstPort)
		if m.Field == SourcePort {
			value = uint64(p.SrcPort)
		}
	case TCPFlags:
		has = has && p.Protocol == wire.TCP
		value = uint64(p.Flags)
	case ICMPTypeField:
		has = has && p.Protocol == wire.ICMP
		value = uint64(p.ICMPType)
	case ProtocolField:
		has, transport, value = true, false, uint64(p.Protocol)
	default:
		has, transport = true, false
	}
	if !has {
		return transport && p.FragmentOffset != 0 && rules.Dialect == "ios" && r.Verdict.Kind == Accept
	}
	found := false
	switch {
	case m.Set != 0:
		for _, e := range rules.Sets[m.Set-1].Elements {
			found = found || e.Key[0].Ranges[0].Low == value
		}
	case m.Field == InInterface:
		for _, name := range m.Names {
			found = found || name == in || name == "w+" && in == "wan"
		}
	case len(m.Addresses) > 0:
		a := p.Dst
		if m.Field == SourceAddress {
			a = p.Src
		}
		for _, test := range m.Addresses {
			if test.From.IsValid() {
				found = found || a.Compare(test.From) >= 0 && a.Compare(test.To) <= 0
				continue
			}
			v, base, care := a.As4(), test.Base.As4(), test.Care.As4()
			found = found || v[3]&care[3] == base[3]&care[3]
		}
	case m.Field == TCPFlags && m.AnyBit:
		found = uint32(value)&m.Mask != 0
	case m.Field == TCPFlags:
		found = uint32(value)&m.Mask == m.Bits
	default:
		for _, r := range m.Ranges {
			found = found || value >= r.Low && value <= r.High
		}
	}
	return found != m.Negate
}

// TestRulesMeanWhatTheySay: for any ruleset and packet the device decides as the plain
// reading does, hits the same rules, and goes on doing so when chains get their
// indexes.
func TestRulesMeanWhatTheySay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := smallRules(t)
		config := benchmarkConfig(rules)
		config.Interfaces[0].Prefixes = []netip.Prefix{netip.MustParsePrefix("10.0.0.1/24")}
		d := NewDevice(config)
		for range 2 * asksBefore {
			p := smallPacket(t)
			in := rapid.IntRange(0, 1).Draw(t, "in")
			want, hits, _ := plainly(rules, 0, &p, config.Interfaces[in].Name)
			sent := p
			got := d.Receive(0, in, &p)
			if got.Hook != Forward {
				t.Fatalf("%v was not asked at forward: %+v", &sent, got)
			}
			if int(got.Rule) != want {
				t.Fatalf("%v: rule %d decides, want %d (%+v)", &sent, got.Rule, want, got)
			}
			kind := rules.Chains[0].Policy.Kind
			if want >= 0 {
				kind = rules.Rules[want].Verdict.Kind
			}
			if (kind == Drop) != (got.Action == ActionDrop) {
				t.Fatalf("%v: %v, want verdict %v", &sent, got.Action, kind)
			}
			for i, hit := range hits[:min(len(hits), MaxHits)] {
				if int(got.NumHits) <= i || int(got.Hits[i]) != hit {
					t.Fatalf("%v: hits %v, want %v", &sent, got.Hits[:got.NumHits], hits)
				}
			}
			explainsOthers(t, d, got)
		}
	})
}

// explainsOthers demands that what is explained as missed was not hit, in ascending
// order within each chain, and that every explanation has words.
func explainsOthers(t *rapid.T, d *Device, got Decision) {
	for _, m := range d.Explain() {
		for _, hit := range got.Hits[:got.NumHits] {
			if int(hit) == m.Rule {
				t.Fatalf("rule %d was hit and is said to have missed: %q", hit, m.Why)
			}
		}
		if m.Why == "" || m.Field == FieldNone {
			t.Fatalf("rule %d missed for no reason", m.Rule)
		}
	}
}

// TestDeadlines: whatever is refreshed, shortened or ended, each end comes at its time
// and in order.
func TestDeadlines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h deadlines
		last := deadline{at: -1}
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			if len(h) > 0 && rapid.Bool().Draw(t, "pop") {
				next := h.pop()
				for _, rest := range h {
					if rest.before(next) {
						t.Fatalf("%+v came before %+v", next, rest)
					}
				}
				last = next
				continue
			}
			h.push(deadline{last.at + event.Time(rapid.IntRange(0, 50).Draw(t, "in")), uint32(rapid.IntRange(1, 9).Draw(t, "id")), deadlineKind(rapid.IntRange(0, 1).Draw(t, "kind"))})
		}
	})
}
