package model

import (
	"net/netip"
	"strconv"
	"time"

	"ftplab/sim/event"
	"ftplab/sim/firewall"
	"ftplab/sim/trace"
)

// isStateful reports whether a firewall remembers connections at an event, so that its tables are
// worth a pane.
func (r *Run) isStateful(node trace.NodeID, id trace.ID) bool {
	rules := r.Trace.RulesAt(node, id)
	return rules != nil && (rules.UsesConntrack || len(rules.Inspections) > 0)
}

// tablesOf returns the connection table and the expectations of a firewall at a cursor.
func (r *Run) tablesOf(g *Glyphs, node trace.NodeID, c Cursor, width int) []Line {
	state := &r.reader.StateAt(c.Event).Devices[node]
	var lines []Line
	for i := range state.Expectations {
		lines = append(lines, expectationLines(g, &state.Expectations[i], c.Time, width)...)
	}
	for i := range state.Connections {
		e := &state.Connections[i]
		lines = append(lines, r.connectionLines(g, node, e, c, width)...)
	}
	if len(lines) == 0 {
		return []Line{text("(no connections yet)", Faint)}
	}
	return lines
}

// expectationLines writes `expect 10.0.0.2:any → 192.168.10.1:2024  299 s  from "227 …"`.
func expectationLines(g *Glyphs, x *firewall.ExpectInfo, now event.Time, width int) []Line {
	line := Line{{"expect ", Match}, {anyPort(x.Src) + " " + g.Arrow + " " + anyPort(x.Dst), Strong}}
	line = append(line, Span{"  " + left(x.Expires, now), Plain})
	if x.From != "" {
		line = append(line, Span{`  from "` + g.clean(x.From) + `"`, Faint})
	}
	return wrap(line, width, 2)
}

// anyPort writes an endpoint with "any" for a port that is not told.
func anyPort(a netip.AddrPort) string {
	switch {
	case a.Port() != 0:
		return a.String()
	case !a.Addr().IsValid() || a.Addr().IsUnspecified():
		return "any"
	case a.Addr().Is6():
		return "[" + a.Addr().String() + "]:any"
	}
	return a.Addr().String() + ":any"
}

// left writes how long an entry has left.
func left(expires, now event.Time) string {
	if expires == event.Never {
		return "for ever"
	}
	s := max(expires.Sub(now), 0)
	return strconv.FormatInt(int64(s/time.Second), 10) + " s"
}

// connectionLines writes an entry of the connection table in the manner of `conntrack
// -L`: the original direction, the state, the time that is left.
func (r *Run) connectionLines(g *Glyphs, node trace.NodeID, e *trace.Connection, c Cursor, width int) []Line {
	role := Control
	if e.Master != 0 {
		role = Data
	}
	line := Line{
		{e.Protocol.String() + " ", Plain},
		{e.OriginalSrc.String() + " " + g.Arrow + " " + e.OriginalDst.String(), role},
	}
	if e.SourceNAT || e.DestinationNAT {
		line = append(line, Span{" (answers " + e.ReplySrc.String() + " " + g.Arrow + " " + e.ReplyDst.String() + ")", Plain})
	}
	state := e.State
	if e.Master != 0 {
		state += " related"
	}
	line = append(line, Span{" " + state, Strong}, Span{" " + left(r.expires(node, e, c), c.Time), Plain})
	if !e.SeenReply {
		line = append(line, Span{" unreplied", Faint})
	}
	if e.Helper != "" {
		line = append(line, Span{" helper " + g.clean(e.Helper), Match})
	}
	return wrap(line, width, 2)
}

// expires returns when an entry times out. Every packet of a connection begins its
// timeout anew, though only changes are recorded: the time that it was given at the
// last change counts from when it was last seen.
func (r *Run) expires(node trace.NodeID, e *trace.Connection, c Cursor) event.Time {
	changes := r.touched[entryKey{node, e.ID}]
	n := until(changes, c.Event)
	if n == 0 || e.Expires == event.Never {
		return e.Expires
	}
	return e.LastSeen.Add(e.Expires.Sub(r.Trace.Time(changes[n-1])))
}
