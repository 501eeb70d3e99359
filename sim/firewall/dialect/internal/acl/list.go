package acl

import (
	"fmt"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/text"
	"ftplab/sim/wire"
)

// List is an access list as a printer writes it: its entries, and where it is applied.
type List struct {
	Chain  firewall.Chain // one of the chains that stand for it
	Places []Place
	// Entries are those of one family, in order. Every entry with ports or flags has a
	// protocol that has them, and none is one that never matches.
	Entries []Entry
	// Inherited says that each entry is one rule of the ruleset, in the order of their
	// numbers, so that the numbers can stay.
	Inherited bool
}

// Place is an interface and a direction to which a list is applied; with Interface ""
// it is applied to every interface.
type Place struct {
	Hook      firewall.Hook
	Interface string
}

// IPv6 reports whether the list is one of IPv6.
func (l *List) IPv6() bool { return l.Chain.Family == "ip6" }

// Kind is what the access lists of a language are like.
type Kind struct {
	// Joined lists are of both IP versions; otherwise a chain of both becomes two.
	Joined bool
	// Forward says that the language has one list for all that passes the firewall,
	// beside those of interfaces.
	Forward bool
}

// Lists returns the access lists of a ruleset: its chains that are applied to
// interfaces or to nothing, but for those that skip leaves out.
func Lists(dialect string, rs *firewall.Ruleset, kind Kind, skip func(c *firewall.Chain) bool) ([]List, error) {
	var lists []List
	for i := range rs.Chains {
		c := &rs.Chains[i]
		if skip(c) {
			continue
		}
		if c.Hook != firewall.HookNone && c.Hook != firewall.Inbound && c.Hook != firewall.Outbound && !(kind.Forward && c.Hook == firewall.Forward) {
			return nil, &text.Unsayable{Dialect: dialect, Rule: firstRule(rs, c), Why: fmt.Sprintf("an access list is applied to an interface, not to the hook %s", c.Hook)}
		}
		families := []string{c.Family}
		if c.Family == "inet" && !kind.Joined {
			families = []string{"ip", "ip6"}
		}
		for _, family := range families {
			one := *c
			one.Family = family
			if same := find(lists, &one); same != nil {
				if c.Hook != firewall.HookNone {
					same.Places = append(same.Places, Place{c.Hook, c.Interface})
				}
				continue
			}
			l := List{Chain: one}
			if c.Hook != firewall.HookNone {
				l.Places = []Place{{c.Hook, c.Interface}}
			}
			if err := l.fill(dialect, rs); err != nil {
				return nil, err
			}
			lists = append(lists, l)
		}
	}
	return lists, nil
}

func firstRule(rs *firewall.Ruleset, c *firewall.Chain) *firewall.Rule {
	if c.Count == 0 {
		return nil
	}
	return &rs.Rules[c.First]
}

// find returns the list that stands for the same rules.
func find(lists []List, c *firewall.Chain) *List {
	for i := len(lists) - 1; i >= 0; i-- {
		l := &lists[i].Chain
		if l.First == c.First && l.Count == c.Count && l.Name == c.Name && l.Line == c.Line && l.Family == c.Family {
			return &lists[i]
		}
		if l.First+l.Count < c.First {
			return nil // the chains of one list are neighbours
		}
	}
	return nil
}

func (l *List) fill(dialect string, rs *firewall.Ruleset) error {
	l.Inherited = true
	previous := -1
	for i := l.Chain.First; i < l.Chain.First+l.Chain.Count; i++ {
		rule := &rs.Rules[i]
		switch rule.Verdict.Kind {
		case firewall.Accept, firewall.Drop:
		case firewall.Continue:
			continue // it only counts or logs: nothing is decided by it
		case firewall.Reject:
			return &text.Unsayable{Dialect: dialect, Rule: rule, Why: "an access list drops in silence, it does not reject"}
		default:
			return &text.Unsayable{Dialect: dialect, Rule: rule, Why: "an access list permits or denies, it does not jump"}
		}
		entries, err := Expand(dialect, rule)
		if err != nil {
			return err
		}
		before := len(l.Entries)
		for _, e := range entries {
			if err := l.add(dialect, e); err != nil {
				return err
			}
		}
		number := -1
		if w := (text.Word{Text: rule.ID}); text.IsNumber(w) && len(rule.ID) < 10 {
			n, _ := text.Number("", w, 0, 1<<31)
			number = int(n)
		}
		l.Inherited = l.Inherited && len(l.Entries) == before+1 && number > previous
		previous = number
	}
	return nil
}

// add puts an entry into the list, as one or two lines, or leaves it out if it can
// match nothing there.
func (l *List) add(dialect string, e Entry) error {
	family := e.Family
	switch l.Chain.Family {
	case "ip":
		family = 4
	case "ip6":
		family = 6
	}
	if e.Never || !e.InFamily(family) {
		return nil
	}
	if len(e.Flags) > 0 && e.Protocol == -1 {
		e.Protocol = int(wire.TCP)
	}
	if e.ICMPType >= 0 && e.Protocol == -1 {
		e.Protocol = int(icmpOf(family))
	}
	hasPorts := e.SourcePort != nil || e.DestinationPort != nil
	switch {
	case hasPorts && e.Protocol == -1:
		for _, p := range []wire.Protocol{wire.TCP, wire.UDP} {
			one := e
			one.Protocol = int(p)
			l.Entries = append(l.Entries, one)
		}
		return nil
	case hasPorts && e.Protocol != int(wire.TCP) && e.Protocol != int(wire.UDP):
		if e.Protocol == int(wire.ICMP) || e.Protocol == int(wire.ICMPv6) {
			return nil // no such packet
		}
		return &text.Unsayable{Dialect: dialect, Rule: e.Rule, Why: "ports belong to tcp and udp"}
	case len(e.Flags) > 0 && e.Protocol != int(wire.TCP):
		return nil // no such packet
	case e.ICMPType >= 0 && e.Protocol != int(icmpOf(family)) && (family != 0 || e.Protocol != int(wire.ICMPv6)):
		return nil // no such packet
	case e.ICMPCode >= 0 && e.ICMPType < 0:
		return &text.Unsayable{Dialect: dialect, Rule: e.Rule, Why: "it names an ICMP code without a type"}
	}
	l.Entries = append(l.Entries, e)
	return nil
}

func icmpOf(family int) wire.Protocol {
	if family == 6 {
		return wire.ICMPv6
	}
	return wire.ICMP
}

// InFamily reports whether packets of an IP version (0: of either) can match.
func (e *Entry) InFamily(family int) bool {
	for _, own := range []int{e.Family, familyOf(e.Source), familyOf(e.Destination)} {
		switch {
		case own == 0 || own == family:
		case family == 0:
			family = own
		default:
			return false
		}
	}
	return true
}

// familyOf is the IP version of an address test, 0 for none.
func familyOf(t *firewall.AddressTest) int {
	switch {
	case t == nil:
		return 0
	case t.Base.Is4():
		return 4
	}
	return 6
}

// IsAny reports whether the entry matches every packet.
func (e *Entry) IsAny() bool {
	return e.Protocol == -1 && e.Source == nil && e.Destination == nil && e.SourcePort == nil && e.DestinationPort == nil &&
		len(e.Flags) == 0 && e.ICMPType < 0 && e.Fragment == AnyFragment && e.DSCP == nil && e.TTL == nil &&
		e.In == nil && e.Out == nil && e.State == nil && len(e.NotModelled) == 0
}

// Decided reports whether an entry matches every packet, so that the list's default is
// never asked.
func (l *List) Decided() bool {
	for i := range l.Entries {
		if l.Entries[i].IsAny() {
			return true
		}
	}
	return false
}

// CombinedFlags returns the flag tests that fix bits as one mask and value; ok is
// false if they contradict each other. The tests that ask for any of several bits
// are in rest.
func (e *Entry) CombinedFlags() (mask, bits wire.Flags, rest []FlagTest, ok bool) {
	for _, t := range e.Flags {
		switch {
		case t.Any && t.Mask&(t.Mask-1) != 0:
			rest = append(rest, t)
			continue
		case t.Any:
			t.Bits = t.Mask
		}
		if (bits^t.Bits)&mask&t.Mask != 0 {
			return 0, 0, nil, false
		}
		mask, bits = mask|t.Mask, bits|t.Bits
	}
	return mask, bits, rest, true
}

// PortText writes a port test with the operators eq, neq, gt, lt and range.
func (t *PortTest) PortText() string {
	switch {
	case t.NotEqual:
		return fmt.Sprintf("neq %d", t.Low)
	case t.Low == t.High:
		return fmt.Sprintf("eq %d", t.Low)
	case t.High == MaxPort && t.Low > 0:
		return fmt.Sprintf("gt %d", t.Low-1)
	case t.Low == 0 && t.High < MaxPort:
		return fmt.Sprintf("lt %d", t.High+1)
	}
	return fmt.Sprintf("range %d %d", t.Low, t.High)
}

// OnlySaid returns why an entry cannot be written by an access list that knows
// addresses, ports, flags, ICMP types and DSCP alone; "" if it can.
func (e *Entry) OnlySaid() string {
	switch {
	case e.State != nil:
		return "an access list does not know the connection's state"
	case e.In != nil:
		return "an access list is applied to an interface, it does not ask for it"
	case e.Out != nil:
		return "an access list does not know the other interface"
	case e.Fragment == NoLaterFragment:
		return "an access list cannot leave out later fragments"
	}
	return ""
}
