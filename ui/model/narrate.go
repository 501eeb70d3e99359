package model

import (
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/ftp"
	"ftplab/sim/narrate"
	"ftplab/sim/report"
	"ftplab/sim/trace"
	"ftplab/sim/wire"
)

// Narrate says what happened in an event.
func (r *Run) Narrate(g *Glyphs, id trace.ID) Line {
	if id == 0 {
		return text("Nothing has happened yet.", Plain)
	}
	e := r.Trace.Event(id)
	switch b := e.Body.(type) {
	case trace.Judged:
		return r.narrateVerdict(g, e, &b)
	case trace.Ended:
		role := Pass
		if !b.Result.OK {
			role = Drop
		}
		return Line{{g.clean(r.nodeName(e.Node)) + " ended: ", Plain}, {g.clean(ResultWords(&b.Result)), role}}
	}
	if p, ok := r.Trace.PacketOf(id); ok && len(p.Payload) > 0 && r.laneOfSerial(p.Serial) == controlLane {
		return r.narrateLine(g, e, &p)
	}
	said := narrate.Event(r.Trace, id)
	line := Line{{g.clean(said.Who) + " ", Strong}}
	return append(line, g.marked(said.What, Plain)...)
}

// narrateLine says that a segment with a line of the control connection was sent or came.
func (r *Run) narrateLine(g *Glyphs, e trace.Event, p *wire.Packet) Line {
	first, _, _ := strings.Cut(string(p.Payload), "\r\n")
	verb := map[trace.Kind]string{trace.KindSent: " sent ", trace.KindArrived: " received ", trace.KindLost: " lost "}[e.Kind]
	return Line{
		{g.clean(r.nodeName(e.Node)) + verb, Strong}, {g.clean(g.masked(first)), Code},
		{g.clean("  " + p.SrcEndpoint().String() + " → " + p.DstEndpoint().String()), Plain},
	}
}

// narrateVerdict says which packet a firewall judged and why.
func (r *Run) narrateVerdict(g *Glyphs, e trace.Event, b *trace.Judged) Line {
	return append(r.narrateAction(g, e, b), g.marked(narrate.Verdict(r.Trace.RulesAt(e.Node, e.ID), b), Plain)...)
}

// narrateAction says which packet a firewall judged and what it did.
func (r *Run) narrateAction(g *Glyphs, e trace.Event, b *trace.Judged) Line {
	sign, role, verb := g.Tick, Pass, "passed"
	switch b.Decision.Action {
	case firewall.ActionDrop:
		sign, role, verb = g.Cross, Drop, "dropped"
	case firewall.ActionReject:
		sign, role, verb = g.Cross, Drop, "rejected"
	case firewall.ActionLocal, firewall.ActionConsumed:
		sign, role, verb = g.Bullet, Plain, "took"
	}
	return Line{
		{g.clean(sign + " " + r.nodeName(e.Node) + " " + verb + " "), role},
		{g.clean(narrate.Packet(&b.Packet)) + ": ", Plain},
	}
}

// narrateShortly says what happened in an event without what the rules show: of a rule
// that decided, the line alone.
func (r *Run) narrateShortly(g *Glyphs, id trace.ID) Line {
	b, ok := trace.Judged{}, false
	if id != 0 {
		b, ok = r.Trace.Event(id).Body.(trace.Judged)
	}
	if !ok {
		return r.Narrate(g, id)
	}
	e := r.Trace.Event(id)
	why := r.ruleName(e.Node, id, &b.Decision)
	if why == "" {
		why = narrate.Decider(r.Trace.RulesAt(e.Node, id), &b.Decision)
	}
	if b.Decision.State != firewall.StateNone {
		why += ", state " + b.Decision.State.String()
	}
	return append(r.narrateAction(g, e, &b), g.marked(why, Plain)...)
}

// marked returns a text in which what stands between backquotes is code.
func (g *Glyphs) marked(s string, role Role) Line {
	var line Line
	for s = g.clean(s); s != ""; {
		before, rest, ok := strings.Cut(s, "`")
		quoted, after, closed := strings.Cut(rest, "`")
		if !ok || !closed {
			return append(line, Span{s, role})
		}
		if before != "" {
			line = append(line, Span{before, role})
		}
		line = append(line, Span{quoted, Code})
		s = after
	}
	return line
}

// missedWords says why a rule missed: "source port 2024 is not eq 21".
func missedWords(m *firewall.Missed) string {
	field := strings.ReplaceAll(m.Field.String(), "-", " ")
	if field == "" || strings.HasPrefix(m.Why, field) {
		return m.Why
	}
	return field + " " + m.Why
}

// ResultWords says how a client ended: "ok: 226 Transfer complete.", "no answer to the
// connection after 4.0 s".
func ResultWords(r *ftp.Result) string {
	words := report.OutcomeWords(r.Outcome)
	switch {
	case r.ServerReply != "" && strings.HasPrefix(r.ServerReply, words):
		return r.ServerReply // 425, 530 ...: the reply says it itself
	case r.ServerReply != "":
		return words + ": " + r.ServerReply
	case !r.OK && r.FailAfter > 0:
		return words + ", " + lasting(r.FailAfter) + " after the failing step"
	}
	return words
}
