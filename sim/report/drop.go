package report

import (
	"fmt"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/trace"
	"ftplab/sim/wire"
)

// Drop is a packet that a firewall did not let through, and why. Addresses are
// those that the judging hook saw; Src and Dst are without ports.
type Drop struct {
	T       float64  `json:"t"` // seconds of virtual time
	Node    string   `json:"node"`
	Hook    string   `json:"hook"`
	In      *string  `json:"in"`  // interface it came in by; nil: the node's own packet
	Out     *string  `json:"out"` // interface it would have left by; nil: not yet known
	Src     string   `json:"src"`
	Sport   uint16   `json:"sport"` // 0 without ports
	Dst     string   `json:"dst"`
	Dport   uint16   `json:"dport"`
	Flags   string   `json:"flags"` // letters in the order S A F R P U
	Rule    *RuleRef `json:"rule"`  // nil: no rule decided
	Reason  string   `json:"reason"`
	State   *string  `json:"state"` // of connection tracking; nil without it
	Missed  []Missed `json:"missed"`
	Rejects bool     `json:"-"` // the sender was told
	// Policy is what decided in the device's words when Reason is policy
	// ("policy drop"), "" otherwise.
	Policy string   `json:"-"`
	Event  trace.ID `json:"-"`
}

// RuleRef names a rule: its 1-based line of the ruleset as shown, and its text.
type RuleRef struct {
	Line int    `json:"line"`
	Text string `json:"text"`
}

// Missed is a rule that was looked at in vain, and the field that missed.
type Missed struct {
	Line  int    `json:"line"`
	Text  string `json:"text"`
	Field string `json:"field"`
	Why   string `json:"why"`
}

// NewDrop describes the Judged event id. It panics if the event is of another kind.
func NewDrop(t *trace.Trace, id trace.ID) Drop {
	e := t.Event(id)
	judged := e.Body.(trace.Judged)
	node := &t.Nodes[e.Node]
	p, decision := &judged.Packet, &judged.Decision
	drop := Drop{
		T: e.Time.Seconds(), Node: node.Name, Hook: decision.Hook.String(),
		In: interfaceName(node, decision.In), Out: interfaceName(node, decision.Out),
		Src: p.Src.String(), Sport: p.SrcPort, Dst: p.Dst.String(), Dport: p.DstPort, Flags: FlagLetters(p),
		Reason: decision.Reason.String(), Missed: []Missed{},
		Rejects: decision.Action == firewall.ActionReject, Event: id,
	}
	if decision.State != firewall.StateNone {
		state := decision.State.String()
		drop.State = &state
	}
	if rules := t.RulesAt(e.Node, id); rules != nil {
		drop.setRule(rules, decision)
	}
	for _, m := range judged.Missed {
		drop.Missed = append(drop.Missed, Missed{Line: m.Line, Text: m.Text, Field: m.Field.String(), Why: m.Why})
	}
	return drop
}

func (d *Drop) setRule(rules *firewall.Ruleset, decision *firewall.Decision) {
	if i := int(decision.Rule); decision.Reason == firewall.ReasonRule && i >= 0 && i < len(rules.Rules) {
		d.Rule = &RuleRef{Line: rules.Rules[i].Line, Text: rules.Rules[i].Text}
	}
	if i := int(decision.Chain); decision.Reason == firewall.ReasonPolicy && i >= 0 && i < len(rules.Chains) {
		d.Policy = rules.Chains[i].PolicyText
	}
	if i := int(decision.Chain); d.Out == nil && decision.Hook == firewall.Outbound && i >= 0 && i < len(rules.Chains) && rules.Chains[i].Interface != "" {
		d.Out = &rules.Chains[i].Interface // the list hangs where the packet was to leave
	}
}

func interfaceName(node *trace.Node, i int16) *string {
	if i < 0 || int(i) >= len(node.Interfaces) {
		return nil
	}
	return &node.Interfaces[i].Name
}

// FlagLetters returns a TCP packet's flags as letters, "" for other protocols.
func FlagLetters(p *wire.Packet) string {
	if p.Protocol != wire.TCP || p.FragmentOffset != 0 {
		return ""
	}
	return p.Flags.String()
}

// By says in a few words what took the packet: "line 3 `deny ip`", "the default
// (policy drop)", "the FTP inspection".
func (d *Drop) By() string {
	switch {
	case d.Rule != nil:
		return fmt.Sprintf("line %d `%s`", d.Rule.Line, d.Rule.Text)
	case d.Policy != "":
		return "the default (" + d.Policy + ")"
	}
	return reasonWords(d.Reason)
}

// Verb is "dropped" or, when the sender was told, "rejected".
func (d *Drop) Verb() string {
	if d.Rejects {
		return "rejected"
	}
	return "dropped"
}

// String says all of it in one line: "dropped at switch (inbound) by line 3
// `deny ip`; line 1 missed: 2024 is not eq 21".
func (d *Drop) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s at %s (%s) by %s", d.Verb(), d.Node, d.Hook, d.By())
	for _, m := range d.Missed {
		fmt.Fprintf(&b, "; line %d missed: %s", m.Line, m.Why)
	}
	return b.String()
}

// Where names the hook with the interface that it looks at: that by which the packet
// would leave for outbound, output and postrouting, that by which it came in for the
// others.
func (d *Drop) Where() string {
	at := d.In
	switch d.Hook {
	case firewall.Outbound.String(), firewall.Output.String(), firewall.Postrouting.String():
		at = d.Out
	}
	if at == nil {
		return d.Hook
	}
	return d.Hook + " " + *at
}

// Packet names the packet: "192.168.10.1:2024 > 10.0.0.2:1027 SA".
func (d *Drop) Packet() string {
	src, dst := hostPort(d.Src, d.Sport), hostPort(d.Dst, d.Dport)
	if d.Flags == "" {
		return src + " > " + dst
	}
	return src + " > " + dst + " " + d.Flags
}

func hostPort(host string, port uint16) string {
	switch {
	case port == 0:
		return host
	case strings.Contains(host, ":"):
		return fmt.Sprintf("[%s]:%d", host, port)
	}
	return fmt.Sprintf("%s:%d", host, port)
}

// reasonWords says a reason that is neither a rule nor a policy for people.
func reasonWords(reason string) string {
	switch reason {
	case firewall.ReasonHelperPartial.String():
		return "the FTP helper, which saw half a command"
	case firewall.ReasonHelperClash.String():
		return "the FTP helper, whose expectation is another connection's"
	case firewall.ReasonNoRoute.String():
		return "routing: there is no route"
	case firewall.ReasonInvalid.String():
		return "the device itself: an invalid packet"
	case firewall.ReasonTTL.String():
		return "the device itself: the hop limit ran out"
	case firewall.ReasonNAT.String():
		return "address translation: no free port"
	case firewall.ReasonInspection.String():
		return "the FTP inspection"
	case firewall.ReasonTable.String():
		return "the connection table"
	}
	return reason
}
