// Package firewall decides what happens to a packet, and says why.
//
// A Ruleset is what a dialect's parser (package dialect) makes of the text of a
// real configuration. A Device is a firewall that runs one: its rules, its
// connection table with expectations, its FTP inspection and its NAT. Neither
// knows of links, time or the trace: a Device is handed a packet and an instant
// and returns a Decision with its reason.
package firewall

import "net/netip"

// Ruleset is a parsed configuration. It is immutable after parsing and may be
// shared by any number of devices.
type Ruleset struct {
	// Dialect is the name of the language of Text: comware, ios, asa, iptables,
	// nft or isa.
	Dialect string
	// Text is the configuration exactly as it was given and as it is shown.
	// Rule.Line counts its lines from 1.
	Text string
	// File is the name that messages give to Text.
	File string
	// Chains in the order of the text.
	Chains []Chain
	// Rules of all chains in the order of the text. A rule's place in here is its
	// number in every Decision.
	Rules []Rule
	// Sets are the named sets and maps (nft sets, object groups), by place.
	Sets []Set
	// Helpers are the declared connection-tracking helper objects (nft).
	Helpers []HelperObject
	// Inspections are the vendors' stateful inspections (ASPF, CBAC, ASA inspect, ISA).
	Inspections []Inspection
	// Interfaces maps what the text says of its interfaces, by name: zone, security
	// level and so on, for the dialects that say it.
	Interfaces []InterfaceConfig
	// UsesConntrack says that the device tracks connections: for Linux when any
	// rule has a ct or nat expression.
	UsesConntrack bool
	// Diagnostics are the warnings: statements that are valid but not modelled.
	Diagnostics []Diagnostic
}

// Hook is a place on a packet's way through a device at which rules are asked.
type Hook uint8

// The hooks in the order of a packet's way. Inbound and Outbound are a vendor's
// interface lists; the five in between are netfilter's; Routing and HelperHook
// are not for rules: they name where the device itself may drop.
const (
	HookNone Hook = iota
	Inbound
	Prerouting
	Routing
	Input
	Forward
	Output
	Postrouting
	HelperHook
	Outbound
)

var hookNames = [...]string{"", "inbound", "prerouting", "routing", "input", "forward", "output", "postrouting", "helper", "outbound"}

// String returns the hook's name as reports print it.
func (h Hook) String() string { return hookNames[h] }

// ChainType says what the rules of a base chain may do (nft chain types, iptables tables).
type ChainType uint8

// The types of base chains.
const (
	FilterChain ChainType = iota
	NATChain
	RouteChain
)

// Chain is an ordered list of rules: a vendor's access list, or a netfilter chain.
type Chain struct {
	// Table and Family are the netfilter table ("filter", "fw") and its family
	// ("ip", "ip6", "inet"); for a vendor's list Family is "ip" or "ip6".
	Table, Family string
	// Name is the chain's or list's name or number as written.
	Name string
	Line int // 1-based line of its declaration; 0 if it has none (bare rule lines)
	// Hook is where a base chain is called, HookNone for a chain that is only
	// jumped to or a list that is not applied anywhere.
	// In a vendor's ruleset a Forward chain is asked between routing and the outbound
	// list: it says between which interfaces packets may pass at all (zone pairs,
	// security levels, ISA's policy). A packet of an inspected session skips it.
	Hook     Hook
	Type     ChainType
	Priority int // netfilter: lower is earlier
	// Interface, for a vendor's list, is the interface it is applied to; ""
	// means every interface. A list that is applied twice is two Chains that
	// share Rules (same First and Count).
	Interface string
	// Policy is what happens to a packet that no rule decided: Accept or Drop.
	// PolicyText is how the device would say so ("default permit", "policy drop",
	// "implicit deny").
	Policy     Verdict
	PolicyText string
	// PolicyLine is the 1-based line that sets the policy, 0 if none does.
	PolicyLine int
	// First and Count are the chain's rules within Ruleset.Rules.
	First, Count int
}

// Rule is one line of a chain: conditions, side effects and a verdict.
type Rule struct {
	Chain int // place in Ruleset.Chains (the first chain that holds it)
	// ID is the rule's own number or handle in its language ("0", "5", "10"), ""
	// where it has none.
	ID string
	// Line and Column are where the rule begins in Text, 1-based.
	Line, Column int
	// Text is the rule as written, without indentation and line end; in Comware also
	// without the keyword and number that begin every rule ("deny ip").
	Text string
	// Comment is the rule's own comment, "" if none.
	Comment string
	// Parts are the conditions and side effects in the order in which the device
	// evaluates them. Evaluation stops at the first condition that does not hold.
	Parts []Part
	// Verdict applies when every condition held.
	Verdict Verdict
}

// Part is a condition (Match is not nil) or a side effect (Effect is not nil).
type Part struct {
	Match  *Match
	Effect *Effect
}

// VerdictKind is what a rule that matches does with the packet.
type VerdictKind uint8

// The kinds of verdict. Continue goes on with the next rule.
const (
	Continue VerdictKind = iota
	Accept
	Drop
	Reject
	Jump
	Goto
	Return
	Queue // treated as accept, with a warning from the parser
)

// Verdict is a rule's decision.
type Verdict struct {
	Kind VerdictKind
	// Chain is the target of Jump and Goto: a place in Ruleset.Chains.
	Chain int
	// With says how a Reject answers.
	With RejectWith
}

// RejectWith is the answer of a reject.
type RejectWith uint8

// The answers that iptables and nftables can give. For IPv6 the ICMP ones are sent
// as their ICMPv6 counterparts (RFC 4443).
const (
	ICMPPortUnreachable  RejectWith = iota // type 3 code 3
	ICMPNetUnreachable                     // type 3 code 0
	ICMPHostUnreachable                    // type 3 code 1
	ICMPProtoUnreachable                   // type 3 code 2
	ICMPNetProhibited                      // type 3 code 9
	ICMPHostProhibited                     // type 3 code 10
	ICMPAdminProhibited                    // type 3 code 13
	TCPReset
)

// Field is the property of a packet that a condition looks at. Its String is the
// word that reports print for a rule that missed.
type Field uint8

// The fields.
const (
	FieldNone Field = iota
	Family          // 4 or 6
	ProtocolField
	SourceAddress
	DestinationAddress
	SourcePort
	DestinationPort
	TCPFlags
	Fragment // 0 not a fragment, 1 first fragment, 2 later fragment
	ICMPTypeField
	ICMPCodeField
	State       // bit set of CTState
	Direction   // 0 original, 1 reply
	Status      // bit set of CTStatus
	HelperField // name of the connection's (or its master's) helper
	CTMark
	CTProtocol
	CTOriginalSource
	CTOriginalDestination
	CTOriginalSourcePort
	CTOriginalDestinationPort
	CTReplySource
	CTReplyDestination
	CTReplySourcePort
	CTReplyDestinationPort
	InInterface
	OutInterface
	Mark
	TTL
	Length // octets of the datagram
	DSCP
	AddressType // "source" or "destination" in Match.Name; local, unicast, multicast ... in Match.Names
	RateLimit   // limit and friends: always holds, with a warning from the parser
	Constant    // a condition known when parsing; Negate says it never holds
)

var fieldNames = [...]string{"", "family", "protocol", "source-address", "destination-address", "source-port", "destination-port", "flags",
	"fragment", "icmp-type", "icmp-code", "state", "direction", "status", "helper", "ct-mark", "ct-protocol",
	"ct-original-source", "ct-original-destination", "ct-original-source-port", "ct-original-destination-port",
	"ct-reply-source", "ct-reply-destination", "ct-reply-source-port", "ct-reply-destination-port",
	"in-interface", "out-interface", "mark", "ttl", "length", "dscp", "address-type", "limit", "constant"}

// String returns the field's name as reports print it.
func (f Field) String() string { return fieldNames[f] }

// CTStatus is the status of a tracked connection, with the kernel's bit values
// (linux/netfilter/nf_conntrack_common.h).
type CTStatus uint32

// The bits of CTStatus that rules can ask for.
const (
	StatusExpected  CTStatus = 1 << iota // it was expected by a helper
	StatusSeenReply                      // packets went both ways
	StatusAssured                        // it is never evicted early
	StatusConfirmed                      // its first packet has left the device
	StatusSNAT                           // its source is translated
	StatusDNAT                           // its destination is translated
)

// Match is one condition: the value of Field is (or with Negate is not) one of
// those that the test lists. Which members are used depends on the field.
//
// A condition on a field that the packet does not have (the port of an ICMP packet,
// the helper of a packet without connection, an address of the other family) does
// not hold, with or without Negate.
type Match struct {
	Field  Field
	Negate bool
	// Ranges are the numbers that satisfy the condition, for numeric fields
	// (ports, protocol, ICMP type, mark, ttl, length, direction, family, fragment).
	Ranges []Range
	// Addresses are the addresses that satisfy it.
	Addresses []AddressTest
	// Mask and Bits test TCPFlags, State and Status: with AnyBit the condition
	// holds if value&Mask != 0, else if value&Mask == Bits.
	Mask, Bits uint32
	AnyBit     bool
	// Names are the strings that satisfy it: interfaces (a trailing "+" or "*" is a
	// prefix), helpers.
	Names []string
	// Name is the argument of the few fields that have one.
	Name string
	// Set, when not 0, is 1 + the place in Ruleset.Sets of the set that holds the
	// values; Key then lists the fields of a concatenation (one field: that one).
	Set int
	Key []Field
	// AnyOf, when not empty, makes this the disjunction of other conditions (ports
	// of either direction, match-any flags); the other members are not used.
	AnyOf []Match
	// Text is the condition as written, for explanations ("source-port eq 21").
	Text string
	// Column is where it begins in the rule's line, 1-based; 0 if unknown.
	Column int
}

// Range is an inclusive range of numbers.
type Range struct{ Low, High uint64 }

// AddressTest is a set of addresses: those whose bits under Care equal Base's. A
// prefix cares for its leading bits; a vendor's wildcard may care for any. From and
// To, when valid, are an inclusive range instead.
type AddressTest struct {
	Base, Care netip.Addr
	From, To   netip.Addr
}

// EffectKind is a side effect of a rule.
type EffectKind uint8

// The side effects.
const (
	Count       EffectKind = iota // counter
	Log                           // Text is the prefix
	NoTrack                       // the packet stays untracked
	SetHelper                     // Text is the helper's kind, "ftp"
	SetMark                       // Value under Mask
	SetCTMark                     // Value under Mask
	SaveMark                      // packet mark to connection mark
	RestoreMark                   // connection mark to packet mark
	SNAT
	DNAT
	Masquerade
	Redirect
	VerdictMap // looks Field up in Map; what it finds is the rule's verdict
	NotModelled
)

// Effect is one side effect. The four translations (SNAT, DNAT, Masquerade, Redirect)
// also end the chain with accept, whatever the rule's Verdict says. A SetHelper
// takes effect only where the device's own language lets it: iptables before
// connection tracking (raw), nftables after it.
type Effect struct {
	Kind EffectKind
	Text string
	// Value and Mask of SetMark and SetCTMark: mark = mark&^Mask | Value.
	Value, Mask uint32
	// NAT targets: inclusive ranges; an invalid Addr or port 0 leaves it as it is.
	ToFrom, ToTo       netip.Addr
	PortFrom, PortTo   uint16
	Random, Persistent bool
	// Map of a VerdictMap, or of a translation whose target is looked up: 1 + place in
	// Ruleset.Sets; Key is what is looked up. A key that is not in the map ends the
	// rule, as a condition that does not hold.
	Map int
	Key []Field
}

// Set is a set of (concatenated) values, or a map from them to verdicts or values.
type Set struct {
	Name     string // "" for an anonymous set
	Table    string
	Key      []Field // may be empty for a named set: the fields then come from the use
	Elements []SetElement
	Line     int
	// Declaration is what nft says of a named set besides its elements, one statement
	// a line: "type ipv4_addr . inet_service : verdict", "flags interval".
	Declaration string
}

// SetElement is one element: a condition for each field of the key, and for a map
// what it maps to.
type SetElement struct {
	Key     []Match
	Verdict Verdict
	// Value and ValuePort are the mapped value of a value map (an address, a port).
	Value     netip.Addr
	ValuePort uint16
	Text      string
}

// HelperObject is a declared helper: nft's `ct helper NAME { type "ftp" protocol tcp; }`.
type HelperObject struct {
	Table, Name, Kind string
	Line              int
}

// InterfaceConfig is what a configuration says about one of its interfaces.
type InterfaceConfig struct {
	Name          string // hardware name, "GigabitEthernet2/1/10"
	NameIf        string // ASA nameif
	Zone          string
	SecurityLevel int // ASA, 0..100
	Line          int
}

// Inspection is a vendor's stateful inspection on an interface.
type Inspection struct {
	// Kind is the vendor's feature: "aspf", "cbac", "zone", "asa", "isa".
	Kind string
	// Interface and Hook (Inbound or Outbound) say which packets may open a
	// session; "" means every interface.
	Interface string
	Hook      Hook
	// FromZone and ToZone restrict a zone-pair inspection to packets that enter and
	// leave by interfaces of these zones (Ruleset.Interfaces); "" is any.
	FromZone, ToZone string
	// FTP says that the control connection is read and its data connections are
	// opened; Strict adds the ASA's checks; ReadOnly refuses uploads (ISA).
	FTP, Strict, ReadOnly bool
	// TCP, UDP, ICMP say which sessions are tracked.
	TCP, UDP, ICMP bool
	// Ports are the control ports that count as FTP; empty means 21.
	Ports []uint16
	Line  int
	Text  string
}

// Severity says whether a diagnostic stops the text from being used.
type Severity uint8

// Severities.
const (
	Warning Severity = iota
	Error
)

// Diagnostic is a message about a place in a ruleset's text.
type Diagnostic struct {
	Severity     Severity
	File         string
	Line, Column int // 1-based
	// EndColumn is the column after the offending word, for the caret line.
	EndColumn int
	// Message says what is wrong; Hint, if not "", what to do.
	Message, Hint string
}
