package firewall

import "strings"

// conditionKind says how a condition's value is compared.
type conditionKind uint8

const (
	constantCondition  conditionKind = iota // holds unless negated
	rangeCondition                          // one range of numbers
	rangesCondition                         // several
	addressCondition                        // addresses
	bitsCondition                           // bits under a mask
	interfaceCondition                      // interfaces by name
	nameCondition                           // other names: helpers, kinds of address
	setCondition                            // values of a set
	anyOfCondition                          // one of several conditions
)

// condition is a Match made ready for a device: names resolved to its interfaces,
// addresses to numbers.
type condition struct {
	kind   conditionKind
	field  Field
	negate bool
	// laterFragment is the answer about a transport field of a later fragment, which
	// has none.
	laterFragment bool
	anyBit        bool
	mask, bits    uint32
	low, high     uint64
	// detail holds what only some kinds need.
	detail *conditionDetail
}

type conditionDetail struct {
	match      *Match
	ranges     []Range
	addresses  []addressTest
	interfaces []bool // by place, of the device's interfaces
	set        *lookup
	anyOf      []condition
}

// addressTest is an AddressTest in numbers: either base under care or from..to.
type addressTest struct {
	family     uint8
	isRange    bool
	base, care address
	from, to   address
}

func (t *addressTest) contains(family uint8, a address) bool {
	if family != t.family {
		return false
	}
	if t.isRange {
		return !a.less(t.from) && !t.to.less(a)
	}
	return a.and(t.care) == t.base
}

// compileMatch makes a condition of a match. The verdict of the rule it stands in
// decides, for the languages in which it matters, what a transport condition says
// about a later fragment.
func (c *compiler) compileMatch(m *Match, verdict VerdictKind) condition {
	cond := condition{
		field: m.Field, negate: m.Negate, anyBit: m.AnyBit, mask: m.Mask, bits: m.Bits,
		laterFragment: c.permitsLaterFragments && verdict == Accept,
		detail:        &conditionDetail{match: m},
	}
	switch {
	case len(m.AnyOf) > 0:
		cond.kind = anyOfCondition
		for i := range m.AnyOf {
			cond.detail.anyOf = append(cond.detail.anyOf, c.compileMatch(&m.AnyOf[i], verdict))
		}
	case m.Set != 0:
		cond.kind = setCondition
		key := m.Key
		if len(key) == 0 && m.Field != FieldNone {
			key = []Field{m.Field}
		}
		cond.detail.set = c.compileSet(m.Set-1, key)
	case m.Field == RateLimit || m.Field == Constant || m.Field == FieldNone:
		cond.kind = constantCondition
	case m.Field == InInterface || m.Field == OutInterface:
		cond.kind = interfaceCondition
		cond.detail.interfaces = c.interfacesNamed(m.Names)
	case m.Field == HelperField || m.Field == AddressType:
		cond.kind = nameCondition
	case len(m.Addresses) > 0:
		cond.kind = addressCondition
		cond.detail.addresses = compileAddresses(m.Addresses)
	case len(m.Ranges) == 1:
		cond.kind = rangeCondition
		cond.low, cond.high = m.Ranges[0].Low, m.Ranges[0].High
	case len(m.Ranges) > 1:
		cond.kind = rangesCondition
		cond.detail.ranges = m.Ranges
	default:
		cond.kind = bitsCondition
	}
	return cond
}

func compileAddresses(tests []AddressTest) []addressTest {
	compiled := make([]addressTest, len(tests))
	for i, t := range tests {
		if t.From.IsValid() {
			compiled[i] = addressTest{family: familyOf(t.From), isRange: true, from: addressOf(t.From), to: addressOf(t.To)}
			continue
		}
		care := addressOf(t.Care)
		compiled[i] = addressTest{family: familyOf(t.Base), care: care, base: addressOf(t.Base).and(care)}
	}
	return compiled
}

// interfacesNamed says of each of the device's interfaces whether one of the names
// (or prefixes ending in "+" or "*") is its.
func (c *compiler) interfacesNamed(names []string) []bool {
	named := make([]bool, len(c.interfaces))
	for i, in := range c.interfaces {
		for _, name := range names {
			named[i] = named[i] || interfaceMatches(name, in.Name)
		}
	}
	return named
}

func interfaceMatches(pattern, name string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "+"); ok {
		return strings.HasPrefix(name, prefix)
	}
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(name, prefix)
	}
	return pattern == name
}

// holds reports whether the condition is met.
func (d *Device) holds(c *condition, s *subject) bool {
	switch c.kind {
	case rangeCondition:
		v, ok := d.number(c.field, s)
		if !ok {
			return s.fragment == 2 && c.laterFragment
		}
		return (v >= c.low && v <= c.high) != c.negate
	case addressCondition:
		return d.holdsAddress(c, s)
	case bitsCondition:
		v, ok := d.number(c.field, s)
		if !ok {
			return s.fragment == 2 && c.laterFragment
		}
		if c.anyBit {
			return (uint32(v)&c.mask != 0) != c.negate
		}
		return (uint32(v)&c.mask == c.bits) != c.negate
	case interfaceCondition:
		at := s.in
		if c.field == OutInterface {
			at = s.out
		}
		return (at != noInterface && c.detail.interfaces[at]) != c.negate
	case rangesCondition:
		v, ok := d.number(c.field, s)
		if !ok {
			return s.fragment == 2 && c.laterFragment
		}
		return inRanges(c.detail.ranges, v) != c.negate
	case setCondition:
		_, found, ok := d.find(c.detail.set, s)
		if !ok {
			return s.fragment == 2 && c.laterFragment
		}
		return found != c.negate
	case anyOfCondition:
		for i := range c.detail.anyOf {
			if d.holds(&c.detail.anyOf[i], s) {
				return true
			}
		}
		return false
	case nameCondition:
		return d.holdsName(c, s)
	}
	return !c.negate
}

func inRanges(ranges []Range, v uint64) bool {
	for _, r := range ranges {
		if v >= r.Low && v <= r.High {
			return true
		}
	}
	return false
}

// holdsAddress compares an address. Tests of the other family say nothing about the
// packet: if there are no others, the packet does not have the field.
func (d *Device) holdsAddress(c *condition, s *subject) bool {
	a, ok := d.addressField(c.field, s)
	if !ok {
		return false
	}
	comparable := false
	for i := range c.detail.addresses {
		t := &c.detail.addresses[i]
		if t.contains(s.family, a) {
			return !c.negate
		}
		comparable = comparable || t.family == s.family
	}
	return comparable && c.negate
}

func (d *Device) holdsName(c *condition, s *subject) bool {
	var name string
	if c.field == HelperField {
		if name = d.helperOf(s); name == "" {
			return false
		}
	} else {
		name = d.addressType(c.detail.match.Name, s)
	}
	for _, want := range c.detail.match.Names {
		if want == name {
			return !c.negate
		}
	}
	return c.negate
}

// number returns the value of a numeric field, false if the packet does not have it.
func (d *Device) number(f Field, s *subject) (uint64, bool) {
	switch f {
	case DestinationPort:
		return uint64(s.dstPort), s.hasPorts()
	case SourcePort:
		return uint64(s.srcPort), s.hasPorts()
	case ProtocolField:
		return uint64(s.protocol), true
	case State:
		return uint64(s.state), true
	case TCPFlags:
		return uint64(s.flags), s.hasFlags()
	case Family:
		return uint64(s.family), true
	case Fragment:
		return uint64(s.fragment), true
	case ICMPTypeField:
		return uint64(s.icmpType), s.hasICMP()
	case ICMPCodeField:
		return uint64(s.icmpCode), s.hasICMP()
	case Mark:
		return uint64(s.mark), true
	case TTL:
		return uint64(s.ttl), true
	case Length:
		return uint64(s.length), true
	case DSCP:
		return uint64(s.tos >> 2), true
	}
	return d.connectionNumber(f, s)
}

// addressField returns the value of an address field, false if the packet does not
// have it.
func (d *Device) addressField(f Field, s *subject) (address, bool) {
	switch f {
	case SourceAddress:
		return s.src, true
	case DestinationAddress:
		return s.dst, true
	}
	return d.connectionAddress(f, s)
}

// addressType returns the kind of the packet's source or destination address, in
// the words of `ip route`.
func (d *Device) addressType(which string, s *subject) string {
	a := s.dst
	if which == "source" {
		a = s.src
	}
	switch {
	case d.routes.isBroadcast(a, s.family):
		return "broadcast"
	case a.isMulticast(s.family):
		return "multicast"
	case d.routes.isLocal(a, s.family):
		return "local"
	}
	return "unicast"
}
