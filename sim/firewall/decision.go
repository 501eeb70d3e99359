package firewall

// Action is what becomes of a packet (the contract's verdict words).
type Action uint8

// The actions.
const (
	ActionForward  Action = iota // sent on, through Decision.Out
	ActionDrop                   // silently discarded
	ActionReject                 // discarded, with an answer in Device.Replies
	ActionLocal                  // delivered to the device itself
	ActionConsumed               // taken by the device as part of its own work
)

var actionNames = [...]string{"forward", "drop", "reject", "local", "consumed"}

// String returns the action's word.
func (a Action) String() string { return actionNames[a] }

// Reason is why a packet was not passed on (or, for forward, ReasonNone or ReasonRule).
type Reason uint8

// The reasons.
const (
	ReasonNone          Reason = iota
	ReasonRule                 // Decision.Rule decided
	ReasonPolicy               // no rule of Decision.Chain decided; its policy did
	ReasonHelperPartial        // the FTP helper saw half a command (nf_conntrack_ftp)
	ReasonHelperClash          // the expectation is another connection's
	ReasonNoRoute              // no route, or a blackhole
	ReasonInvalid              // the device itself refuses it
	ReasonTTL                  // the hop limit ran out
	ReasonNAT                  // no free port to translate to
	ReasonInspection           // a vendor's inspection refuses it
	ReasonTable                // the connection table is full or clashes
)

var reasonNames = [...]string{"", "rule", "policy", "helper-partial", "helper-clash", "no-route", "invalid", "ttl", "nat", "inspection", "table"}

// String returns the reason's word as reports print it.
func (r Reason) String() string { return reasonNames[r] }

// CTState is the state that connection tracking gives to a packet.
type CTState uint8

// The states are bits, so that a condition can name several.
const (
	StateNone CTState = 0 // no connection tracking
	StateNew  CTState = 1 << (iota - 1)
	StateEstablished
	StateRelated
	StateInvalid
	StateUntracked
)

// String returns the state's word, "" for StateNone.
func (s CTState) String() string {
	switch s {
	case StateNew:
		return "new"
	case StateEstablished:
		return "established"
	case StateRelated:
		return "related"
	case StateInvalid:
		return "invalid"
	case StateUntracked:
		return "untracked"
	}
	return ""
}

// MaxPolicies is of how many chains a Decision remembers whether the policy was asked.
const MaxPolicies = 64

// MaxHits is how many matching rules a Decision remembers.
const MaxHits = 10

// Decision is a device's answer for one packet. It is a comparable value without
// pointers: equal decisions are recorded once.
type Decision struct {
	Action Action
	Reason Reason
	Hook   Hook // where it was decided
	State  CTState
	// Reply says that the packet goes against the connection's original direction.
	Reply bool
	// Rewritten says that the device changed the packet (NAT, helper).
	Rewritten bool
	// In and Out are interfaces of the device, by place; -1 is none.
	In, Out int16
	// Chain and Rule are places in the ruleset; -1 is none. Rule is the rule that
	// decided; Chain the chain whose policy did or that holds the rule.
	Chain, Rule int16
	// Hits are the rules that matched on the way, in order, NumHits of them (the
	// first MaxHits). The deciding rule is among them.
	NumHits uint8
	Hits    [MaxHits]int16
	// Policies are the base chains whose policy was asked on the way, whatever it said:
	// the bits of their places in the ruleset, of the first MaxPolicies.
	Policies uint64
	// Entry and Expectation name the connection and the expectation that the packet
	// belongs to or matched, by their numbers in this device; 0 is none.
	Entry, Expectation uint32
}

// Missed is a rule that was looked at and did not match, and the field that missed.
type Missed struct {
	Rule  int
	Line  int
	Text  string
	Field Field
	// Why says it in words: "2024 is not eq 21".
	Why string
}
