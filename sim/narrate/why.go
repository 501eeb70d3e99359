package narrate

import (
	"fmt"

	"ftplab/sim/firewall"
	"ftplab/sim/ftp"
	"ftplab/sim/trace"
	"ftplab/sim/wire"
)

// Why returns the chain of causes that explains how the run ended, in order of time:
// from what the person asked for to the packet that was dropped, and the result. A run
// without a drop gives the chain of its result.
func Why(t *trace.Trace) []Line {
	end := ended(t)
	drop := t.FirstDrop()
	from := drop
	if from == 0 {
		from = end
	}
	var lines []Line
	for _, id := range t.Chain(from) {
		if line, ok := telling(t, id); ok {
			lines = append(lines, line)
		}
	}
	if drop != 0 && end != 0 {
		lines = append(lines, Line{ID: end, Who: t.Nodes[t.Event(end).Node].Name + " ended with", What: ending(t, end)})
	}
	return lines
}

// ended returns the last client's result, 0 if none came to one.
func ended(t *trace.Trace) trace.ID {
	for id := trace.ID(t.Len()); id > 0; id-- {
		if t.Kind(id) == trace.KindEnded {
			return id
		}
	}
	return 0
}

// telling says an event of a chain if it tells a person something: what was said and
// opened, the first packets of connections, and verdicts that stopped one.
func telling(t *trace.Trace, id trace.ID) (Line, bool) {
	e := t.Event(id)
	line := Event(t, id)
	switch b := e.Body.(type) {
	case trace.FTP:
		switch b.Note {
		case ftp.UserAction, ftp.CommandSent, ftp.ReplySent, ftp.GaveUp, ftp.CommandRefused:
			return line, true
		}
	case trace.Socket:
		if b.Op == trace.OpDial && b.Channel == ftp.Data {
			return line, true
		}
	case trace.Sent:
		p := &b.Packet
		handshake := p.Protocol == wire.TCP && p.Flags&wire.SYN != 0
		origin := e.Cause == 0 || t.Kind(e.Cause) != trace.KindJudged
		if handshake && origin {
			return line, true
		}
	case trace.Judged:
		stopped := b.Decision.Action == firewall.ActionDrop || b.Decision.Action == firewall.ActionReject
		return line, stopped
	case trace.Tracked:
		return line, b.Change.Kind == firewall.ExpectNew
	case trace.Input:
		return line, true
	case trace.Ended:
		line.Who, line.What = t.Nodes[e.Node].Name+" ended with", ending(t, id)
		return line, true
	}
	return line, false
}

// ending says a client's result.
func ending(t *trace.Trace, id trace.ID) string {
	r := t.Event(id).Body.(trace.Ended).Result
	switch {
	case r.OK:
		return fmt.Sprintf("ok: %s", r.ServerReply)
	case r.ServerReply != "":
		return fmt.Sprintf("%s: %s", r.Outcome, r.ServerReply)
	case r.FailAfter >= 0:
		return fmt.Sprintf("%s after %.1f s", r.Outcome, r.FailAfter.Seconds())
	}
	return r.Outcome
}
