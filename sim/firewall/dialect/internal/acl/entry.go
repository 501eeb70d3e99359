package acl

import (
	"fmt"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/text"
	"ftplab/sim/wire"
)

// MaxLines is how many lines of an access list a single rule may take.
const MaxLines = 1024

// Entry is a rule in the form in which every access list can write it: one value or
// one range for each field. A rule that lists several values is several entries.
type Entry struct {
	Rule    *firewall.Rule
	Verdict firewall.Verdict
	// Family is 4 or 6, 0 if the rule itself does not say.
	Family int
	// Protocol is an IP protocol number, -1 for every one.
	Protocol int
	// Source and Destination have one address test each, nil for any.
	Source, Destination *firewall.AddressTest
	// SourcePort and DestinationPort are nil for any.
	SourcePort, DestinationPort *PortTest
	// Flags must all hold.
	Flags []FlagTest
	// ICMPType and ICMPCode are -1 for any.
	ICMPType, ICMPCode int
	// Fragment says which fragments are meant.
	Fragment FragmentTest
	// DSCP and TTL are nil for any.
	DSCP, TTL *firewall.Range
	// In and Out are interfaces, nil for any.
	In, Out []string
	// State is a test of the connection's state, nil for any.
	State *firewall.Match
	// Never says that no packet matches.
	Never bool
	// Log and Count are side effects; NotModelled are the words of those options that
	// are not modelled.
	Log, Count  bool
	NotModelled []string
}

// PortTest is a range of ports, or with NotEqual everything but one port.
type PortTest struct {
	NotEqual  bool
	Low, High uint16
}

// FlagTest is a condition on TCP control bits: with Any one of Mask is set, else the
// bits under Mask are Bits.
type FlagTest struct {
	Mask, Bits wire.Flags
	Any        bool
}

// IsEstablished reports whether the test is what vendors call established.
func (f FlagTest) IsEstablished() bool { return f.Any && f.Mask == wire.ACK|wire.RST }

// FragmentTest says which fragments an entry matches.
type FragmentTest uint8

// The tests of fragments.
const (
	AnyFragment       FragmentTest = iota
	OnlyLaterFragment              // not the first
	NoLaterFragment                // whole packets and first fragments
)

// Expand returns a rule as entries. The error names what no access list of the
// dialect can say.
func Expand(dialect string, rule *firewall.Rule) ([]Entry, error) {
	entries := []Entry{{Rule: rule, Verdict: rule.Verdict, Protocol: -1, ICMPType: -1, ICMPCode: -1}}
	for _, part := range rule.Parts {
		if part.Effect != nil {
			why := applyEffect(entries, part.Effect)
			if why != "" {
				return nil, &text.Unsayable{Dialect: dialect, Rule: rule, Why: why}
			}
			continue
		}
		alternatives, why := alternativesOf(part.Match)
		if why == "" && len(alternatives)*len(entries) > MaxLines {
			why = fmt.Sprintf("it takes more than %d lines", MaxLines)
		}
		if why != "" {
			return nil, &text.Unsayable{Dialect: dialect, Rule: rule, Why: why}
		}
		var next []Entry
		for _, e := range entries {
			for _, restrict := range alternatives {
				narrowed := e
				narrowed.Flags = append([]FlagTest(nil), e.Flags...)
				if why := restrict(&narrowed); why != "" {
					return nil, &text.Unsayable{Dialect: dialect, Rule: rule, Why: why}
				}
				next = append(next, narrowed)
			}
		}
		entries = next
	}
	return entries, nil
}

func applyEffect(entries []Entry, effect *firewall.Effect) (why string) {
	for i := range entries {
		e := &entries[i]
		switch effect.Kind {
		case firewall.Log:
			e.Log = true
		case firewall.Count:
			e.Count = true
		case firewall.NotModelled:
			e.NotModelled = append(e.NotModelled[:len(e.NotModelled):len(e.NotModelled)], effect.Text)
		case firewall.NoTrack, firewall.SetHelper:
			return "an access list does not steer connection tracking"
		case firewall.SNAT, firewall.DNAT, firewall.Masquerade, firewall.Redirect:
			return "an access list does not translate addresses"
		case firewall.VerdictMap:
			return "an access list has no verdict maps"
		default:
			return "an access list does not mark packets"
		}
	}
	return ""
}

// restriction narrows an entry by one alternative of a condition; it returns why that
// cannot be said, or "".
type restriction func(e *Entry) string

// alternativesOf returns the alternatives of a condition: the rule matches if one of
// them holds. None at all is a condition that never holds.
func alternativesOf(m *firewall.Match) (alternatives []restriction, why string) {
	if len(m.AnyOf) > 0 {
		for i := range m.AnyOf {
			more, why := alternativesOf(&m.AnyOf[i])
			if why != "" {
				return nil, why
			}
			alternatives = append(alternatives, more...)
		}
		return alternatives, ""
	}
	if m.Set != 0 {
		return nil, "an access list has no named sets"
	}
	switch m.Field {
	case firewall.Constant, firewall.RateLimit:
		never := m.Negate
		return []restriction{func(e *Entry) string { e.Never = e.Never || never; return "" }}, ""
	case firewall.Family, firewall.ProtocolField, firewall.ICMPTypeField, firewall.ICMPCodeField:
		return numberAlternatives(m)
	case firewall.SourceAddress, firewall.DestinationAddress:
		return addressAlternatives(m)
	case firewall.SourcePort, firewall.DestinationPort:
		return portAlternatives(m), ""
	case firewall.TCPFlags:
		return flagAlternatives(m), ""
	case firewall.Fragment:
		return fragmentAlternative(m)
	case firewall.DSCP, firewall.TTL:
		return rangeAlternatives(m)
	case firewall.InInterface, firewall.OutInterface:
		return interfaceAlternative(m)
	case firewall.State:
		return []restriction{func(e *Entry) string {
			if e.State != nil {
				return "it asks twice for the connection's state"
			}
			e.State = m
			return ""
		}}, ""
	}
	return nil, fmt.Sprintf("an access list cannot ask for %q", m.Text)
}

// numberAlternatives are the single values of a numeric condition.
func numberAlternatives(m *firewall.Match) (alternatives []restriction, why string) {
	if m.Negate {
		return nil, fmt.Sprintf("it excludes a %s", m.Field)
	}
	const most = 64
	for _, r := range m.Ranges {
		if r.High-r.Low >= most {
			return nil, fmt.Sprintf("it names a range of the %s", m.Field)
		}
		for n := r.Low; n <= r.High; n++ {
			value := int(n)
			alternatives = append(alternatives, func(e *Entry) string { return e.setNumber(m.Field, value) })
		}
	}
	return alternatives, ""
}

func (e *Entry) setNumber(field firewall.Field, value int) string {
	at, unset := &e.Protocol, -1
	switch field {
	case firewall.Family:
		at, unset = &e.Family, 0
	case firewall.ICMPTypeField:
		at = &e.ICMPType
	case firewall.ICMPCodeField:
		at = &e.ICMPCode
	}
	if *at != unset && *at != value {
		e.Never = true
	}
	*at = value
	return ""
}

func addressAlternatives(m *firewall.Match) (alternatives []restriction, why string) {
	tests := m.Addresses
	if m.Negate {
		if tests, why = complement(tests); why != "" {
			return nil, why
		}
	}
	for _, test := range tests {
		for _, t := range prefixes(test) {
			alternatives = append(alternatives, func(e *Entry) string {
				at := &e.Source
				if m.Field == firewall.DestinationAddress {
					at = &e.Destination
				}
				if *at != nil {
					return "it asks twice for the " + m.Field.String()
				}
				*at = &t
				return ""
			})
		}
	}
	return alternatives, ""
}

func portAlternatives(m *firewall.Match) (alternatives []restriction) {
	var tests []PortTest
	single := len(m.Ranges) == 1 && m.Ranges[0].Low == m.Ranges[0].High
	switch {
	case m.Negate && single:
		tests = []PortTest{{NotEqual: true, Low: uint16(m.Ranges[0].Low), High: uint16(m.Ranges[0].Low)}}
	default:
		for _, r := range normalise(m.Ranges, m.Negate, MaxPort) {
			tests = append(tests, PortTest{Low: uint16(r.Low), High: uint16(r.High)})
		}
	}
	if len(tests) == 0 {
		return []restriction{func(e *Entry) string { e.Never = true; return "" }}
	}
	for _, t := range tests {
		alternatives = append(alternatives, func(e *Entry) string {
			at := &e.SourcePort
			if m.Field == firewall.DestinationPort {
				at = &e.DestinationPort
			}
			if *at != nil {
				return "it asks twice for the " + m.Field.String()
			}
			*at = &t
			return ""
		})
	}
	return alternatives
}

// flagAlternatives are the flag tests of a condition; a negated one of several bits is
// that one of the bits is otherwise.
func flagAlternatives(m *firewall.Match) (alternatives []restriction) {
	mask, bits := wire.Flags(m.Mask), wire.Flags(m.Bits)
	var tests []FlagTest
	switch {
	case m.AnyBit && !m.Negate:
		tests = []FlagTest{{Mask: mask, Any: true}}
	case m.AnyBit:
		tests = []FlagTest{{Mask: mask}}
	case !m.Negate:
		tests = []FlagTest{{Mask: mask, Bits: bits}}
	default:
		for bit := wire.FIN; bit <= wire.URG; bit <<= 1 {
			if mask&bit != 0 {
				tests = append(tests, FlagTest{Mask: bit, Bits: ^bits & bit})
			}
		}
	}
	for _, t := range tests {
		alternatives = append(alternatives, func(e *Entry) string { e.Flags = append(e.Flags, t); return "" })
	}
	return alternatives
}

func fragmentAlternative(m *firewall.Match) ([]restriction, string) {
	var wanted [3]bool // by the numbers of firewall.Fragment
	for _, r := range m.Ranges {
		for n := r.Low; n <= min(r.High, LaterFragment); n++ {
			wanted[n] = true
		}
	}
	for n := range wanted {
		wanted[n] = wanted[n] != m.Negate
	}
	test := AnyFragment
	switch wanted {
	case [3]bool{true, true, true}:
	case [3]bool{false, false, true}:
		test = OnlyLaterFragment
	case [3]bool{true, true, false}:
		test = NoLaterFragment
	default:
		return nil, "it tells first fragments from whole packets"
	}
	return []restriction{func(e *Entry) string {
		e.Never = e.Never || e.Fragment != AnyFragment && e.Fragment != test
		e.Fragment = test
		return ""
	}}, ""
}

func rangeAlternatives(m *firewall.Match) (alternatives []restriction, why string) {
	high := uint64(63)
	if m.Field == firewall.TTL {
		high = 255
	}
	for _, r := range normalise(m.Ranges, m.Negate, high) {
		alternatives = append(alternatives, func(e *Entry) string {
			at := &e.DSCP
			if m.Field == firewall.TTL {
				at = &e.TTL
			}
			if *at != nil {
				return "it asks twice for the " + m.Field.String()
			}
			*at = &r
			return ""
		})
	}
	return alternatives, ""
}

func interfaceAlternative(m *firewall.Match) ([]restriction, string) {
	if m.Negate {
		return nil, fmt.Sprintf("it excludes an interface (%s)", m.Text)
	}
	return []restriction{func(e *Entry) string {
		at := &e.In
		if m.Field == firewall.OutInterface {
			at = &e.Out
		}
		if *at != nil {
			return "it asks twice for the " + m.Field.String()
		}
		*at = m.Names
		return ""
	}}, ""
}
