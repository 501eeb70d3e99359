// Package narrate says in words what an event of a run was: the terminal application
// takes its sentences from here.
package narrate

import (
	"fmt"
	"net/netip"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/ftp"
	"ftplab/sim/tcp"
	"ftplab/sim/trace"
	"ftplab/sim/wire"
)

// Line is one event in words: who did it, and what.
type Line struct {
	ID   trace.ID
	Who  string // "client said", "switch dropped it"
	What string // "PASV", "rule 3 `deny ip`"
}

// String joins both halves.
func (l Line) String() string { return strings.TrimSpace(l.Who + " " + l.What) }

// Event says what an event was.
func Event(t *trace.Trace, id trace.ID) Line {
	e := t.Event(id)
	n := "the network"
	if e.Node != trace.NoNode {
		n = t.Nodes[e.Node].Name
	}
	line := Line{ID: id}
	switch b := e.Body.(type) {
	case trace.Sent:
		line.Who, line.What = n+" sent", Packet(&b.Packet)+sendingNote(b.Sending)
	case trace.Arrived:
		line.Who, line.What = n+" received", Packet(&b.Packet)
	case trace.Lost:
		line.Who, line.What = "the link lost", Packet(&b.Packet)+" ("+b.Why.String()+")"
	case trace.Judged:
		line.Who, line.What = n+" "+actionWord(b.Decision.Action), Verdict(t.RulesAt(e.Node, id), &b)
	case trace.TCP:
		line.Who, line.What = n, fmt.Sprintf("%v → %v: %v", b.Local, b.Remote, b.To)
	case trace.Socket:
		line.Who, line.What = n+" "+socketWord(b.Op), socketWhat(&b)
	case trace.FTP:
		line.Who, line.What = noteWho(n, &b), noteWhat(&b)
	case trace.Tracked:
		line.Who, line.What = n, Change(&b.Change)
	case trace.Input:
		line.Who, line.What = "you changed", b.Text
	case trace.Probe:
		line.Who, line.What = n+" probed", probeWhat(&b)
	case trace.Ended:
		line.Who, line.What = n+" ended", b.Result.Outcome
	}
	return line
}

// Flags spells the flags of a TCP segment as teachers write them: "SYN,ACK".
func Flags(f wire.Flags) string {
	names := [...]struct {
		flag wire.Flags
		name string
	}{{wire.SYN, "SYN"}, {wire.FIN, "FIN"}, {wire.RST, "RST"}, {wire.PSH, "PSH"}, {wire.ACK, "ACK"}, {wire.URG, "URG"}}
	var set []string
	for _, n := range names {
		if f&n.flag != 0 {
			set = append(set, n.name)
		}
	}
	return strings.Join(set, ",")
}

// Packet says what a packet is, from where and to where.
func Packet(p *wire.Packet) string {
	switch p.Protocol {
	case wire.TCP:
		s := fmt.Sprintf("%s %v → %v", Flags(p.Flags), p.SrcEndpoint(), p.DstEndpoint())
		if n := len(p.Payload); n > 0 {
			s += fmt.Sprintf(" (%d bytes)", n)
		}
		return s
	case wire.ICMP, wire.ICMPv6:
		return fmt.Sprintf("%s %v → %v", ICMP(p), p.Src, p.Dst)
	}
	return p.String()
}

// ICMP names an ICMP message.
func ICMP(p *wire.Packet) string {
	if p.Protocol == wire.ICMP && p.ICMPType == 3 {
		if name, ok := map[uint8]string{0: "network", 1: "host", 2: "protocol", 3: "port", 9: "network prohibited", 10: "host prohibited", 13: "admin-prohibited"}[p.ICMPCode]; ok {
			return "ICMP " + name + " unreachable"
		}
	}
	return fmt.Sprintf("ICMP type %d code %d", p.ICMPType, p.ICMPCode)
}

func sendingNote(s tcp.Sending) string {
	switch s {
	case tcp.Fresh, tcp.PureACK, tcp.ResetSegment:
		return ""
	}
	return " (" + s.String() + ")"
}

func actionWord(a firewall.Action) string {
	switch a {
	case firewall.ActionForward:
		return "passed it"
	case firewall.ActionDrop:
		return "dropped it"
	case firewall.ActionReject:
		return "rejected it"
	case firewall.ActionLocal:
		return "took it"
	}
	return "consumed it"
}

// Verdict says what decided about a packet: the rule with its line, the policy, or
// the device itself, and which rules were looked at in vain.
func Verdict(rules *firewall.Ruleset, b *trace.Judged) string {
	d := &b.Decision
	s := Decider(rules, d)
	if len(b.Missed) > 0 {
		s += " (" + missedSummary(b.Missed) + ")"
	}
	if d.State != firewall.StateNone {
		s += ", state " + d.State.String()
	}
	return s
}

// Decider names what decided: "rule 3 `deny ip`", "the policy: default permit".
func Decider(rules *firewall.Ruleset, d *firewall.Decision) string {
	switch {
	case d.Reason == firewall.ReasonRule && rules != nil && d.Rule >= 0 && int(d.Rule) < len(rules.Rules):
		r := &rules.Rules[d.Rule]
		return fmt.Sprintf("line %d `%s`", r.Line, r.Text)
	case d.Reason == firewall.ReasonPolicy && rules != nil && d.Chain >= 0 && int(d.Chain) < len(rules.Chains):
		return "no rule matched: " + rules.Chains[d.Chain].PolicyText
	case d.Reason == firewall.ReasonHelperPartial:
		return "FTP helper: half a command in one segment"
	case d.Reason == firewall.ReasonNoRoute:
		return "no route to the destination"
	case d.Reason == firewall.ReasonNone:
		return "no rules asked"
	}
	return d.Reason.String()
}

func missedSummary(missed []firewall.Missed) string {
	var parts []string
	for i, m := range missed {
		if i == 4 {
			parts = append(parts, fmt.Sprintf("and %d more", len(missed)-i))
			break
		}
		parts = append(parts, fmt.Sprintf("line %d missed: %v", m.Line, m.Field))
	}
	return strings.Join(parts, ", ")
}

func socketWord(o trace.SocketOp) string {
	switch o {
	case trace.OpListen:
		return "listened"
	case trace.OpUnlisten:
		return "stopped listening"
	case trace.OpDial:
		return "opened"
	case trace.OpAccept:
		return "accepted"
	case trace.OpConnected:
		return "connected"
	case trace.OpFailed:
		return "could not connect"
	case trace.OpClose:
		return "closed"
	}
	return "reset"
}

func socketWhat(b *trace.Socket) string {
	var parts []string
	if b.Local.Port() != 0 {
		parts = append(parts, endpoint(b.Local))
	}
	if b.Remote.IsValid() {
		parts = append(parts, endpoint(b.Remote))
	}
	channel := "control"
	if b.Channel == ftp.Data {
		channel = "data"
	}
	return channel + " " + strings.Join(parts, " → ")
}

func endpoint(a netip.AddrPort) string {
	if !a.Addr().IsValid() {
		return fmt.Sprintf("port %d", a.Port())
	}
	return a.String()
}

func noteWho(node string, b *trace.FTP) string {
	switch b.Note {
	case ftp.CommandSent, ftp.ReplySent:
		return node + " said"
	case ftp.CommandReceived, ftp.ReplyReceived:
		return node + " heard"
	case ftp.UserAction:
		return "you asked"
	case ftp.GaveUp:
		return node + " gave up"
	case ftp.CommandRefused:
		return node + " refused"
	}
	return node
}

func noteWhat(b *trace.FTP) string {
	switch b.Note {
	case ftp.AddressAnnounced:
		return fmt.Sprintf("announced %v", b.Addr)
	case ftp.TransferDone:
		return fmt.Sprintf("transferred %d bytes", b.Count)
	case ftp.PhaseBegan:
		return "phase " + b.Text
	}
	if b.Text == "" && b.Code != 0 {
		return fmt.Sprint(b.Code)
	}
	return b.Text
}

// Change says what happened to a connection table.
func Change(c *firewall.Change) string {
	entry := func() string {
		return fmt.Sprintf("%v → %v %s", c.Entry.OriginalSrc, c.Entry.OriginalDst, c.Entry.State)
	}
	expect := func() string { return Expectation(&c.Expect) }
	switch c.Kind {
	case firewall.EntryNew:
		return "new connection " + entry()
	case firewall.EntryUpdate:
		return "connection " + entry()
	case firewall.EntryGone:
		return "forgot connection " + entry()
	case firewall.ExpectNew:
		return "expects " + expect()
	case firewall.ExpectUsed:
		return "expectation used " + expect()
	}
	return "expectation gone " + expect()
}

// Expectation prints an expectation with "any" for what is open.
func Expectation(x *firewall.ExpectInfo) string {
	src := x.Src.String()
	if x.Src.Port() == 0 {
		src = x.Src.Addr().String() + ":any"
	}
	return src + " → " + x.Dst.String()
}

func probeWhat(b *trace.Probe) string {
	state := "filtered"
	switch {
	case b.Open:
		state = "open"
	case b.Failure == ftp.Refused, b.Failure == ftp.RefusedICMP:
		state = "closed"
	}
	if b.Banner != "" {
		state += ", says " + strings.TrimSpace(b.Banner)
	}
	return fmt.Sprintf("%v: %s", b.To, state)
}
