package export

import (
	"net/netip"

	"ftplab/sim/firewall"
	"ftplab/sim/report"
	"ftplab/sim/trace"
	"ftplab/sim/wire"
)

var noteWords = [...]string{"none", "command-sent", "command-received", "reply-sent", "reply-received", "user-action",
	"phase-began", "address-announced", "transfer-done", "command-refused", "gave-up"}

var changeWords = [...]string{"entry-new", "entry-update", "entry-gone", "expect-new", "expect-used", "expect-gone"}

var channelWords = [...]string{"control", "data"}

var failureWords = [...]string{"none", "refused", "refused-icmp", "unreachable", "timed-out", "reset", "address-in-use",
	"not-permitted", "other"}

// word returns the i-th of a closed list of words, "unknown" past its end.
func word(words []string, i int) string {
	if i < len(words) {
		return words[i]
	}
	return "unknown"
}

// rowOf returns the row that is printed for an event.
func rowOf(t *trace.Trace, id trace.ID) any {
	e := t.Event(id)
	head := eventRow{ID: e.ID, T: e.Time.Seconds(), Kind: e.Kind.String(), Cause: e.Cause}
	if e.Node != trace.NoNode {
		head.Node = t.Nodes[e.Node].Name
	}
	switch body := e.Body.(type) {
	case trace.Sent:
		return sentRow{head, t.Nodes[t.To(body.Link)].Name, int(body.Link), body.Arrives.Seconds(), body.Sending.String(), rowOfPacket(&body.Packet)}
	case trace.Arrived:
		return arrivedRow{head, t.Nodes[t.From(body.Link)].Name, int(body.Link), rowOfPacket(&body.Packet)}
	case trace.Lost:
		return lostRow{head, int(body.Link), body.Why.String(), rowOfPacket(&body.Packet)}
	case trace.Judged:
		return rowOfJudged(t, head, &body)
	case trace.TCP:
		return tcpRow{head, body.Session, word(channelWords[:], int(body.Channel)), body.Local.String(), body.Remote.String(),
			body.From.String(), body.To.String(), body.Failure.String()}
	case trace.Socket:
		return socketRow{head, body.Session, word(channelWords[:], int(body.Channel)), body.Op.String(),
			addrPort(body.Local), addrPort(body.Remote), word(failureWords[:], int(body.Failure))}
	case trace.FTP:
		return rowOfFTP(head, &body)
	case trace.Tracked:
		return rowOfTracked(head, &body.Change)
	case trace.Input:
		return inputRow{head, body.Text}
	case trace.Probe:
		return probeRow{head, addrPort(body.From), addrPort(body.To), body.Open, word(failureWords[:], int(body.Failure)), body.Banner}
	case trace.Ended:
		return endedRow{head, body.Session, body.Result.Outcome, body.Result.Phase}
	}
	return head
}

func rowOfPacket(p *wire.Packet) packetRow {
	row := packetRow{
		Packet: p.Serial, Protocol: p.Protocol.String(), Src: p.Src.String(), SrcPort: p.SrcPort, Dst: p.Dst.String(), DstPort: p.DstPort,
		Flags: report.FlagLetters(p), Seq: p.Seq, Ack: p.Ack, Window: p.Window, Length: len(p.Payload), TTL: p.TTL, MSS: p.Options.MSS,
	}
	if p.Options.HasScale {
		row.WindowScale = &p.Options.WindowScale
	}
	for _, block := range p.Options.Blocks[:p.Options.NumBlocks] {
		row.SACK = append(row.SACK, [2]uint32{block.Left, block.Right})
	}
	if p.Protocol == wire.ICMP || p.Protocol == wire.ICMPv6 {
		row.ICMP = &icmpRow{p.ICMPType, p.ICMPCode}
	}
	if p.IsFragment() {
		row.Fragment = &fragmentRow{p.ID, int(p.FragmentOffset) * 8, p.MoreFragments}
	}
	return row
}

func rowOfJudged(t *trace.Trace, head eventRow, body *trace.Judged) judgedRow {
	verdict := report.NewDrop(t, head.ID) // says of any verdict what the contract asks of a drop
	return judgedRow{
		eventRow: head, Verdict: body.Decision.Action.String(), Hook: verdict.Hook, In: verdict.In, Out: verdict.Out,
		State: verdict.State, Rule: verdict.Rule, Reason: verdict.Reason, Missed: verdict.Missed,
		Rewritten: body.Decision.Rewritten, Entry: body.Decision.Entry, Expectation: body.Decision.Expectation,
		packetRow: rowOfPacket(&body.Packet),
	}
}

func rowOfFTP(head eventRow, body *trace.FTP) ftpRow {
	side := "client"
	if body.Server {
		side = "server"
	}
	return ftpRow{head, body.Session, side, word(noteWords[:], int(body.Note)), report.HidePassword(body.Text), body.Code, addrPort(body.Addr), body.Count}
}

func rowOfTracked(head eventRow, change *firewall.Change) trackedRow {
	row := trackedRow{eventRow: head, Change: word(changeWords[:], int(change.Kind))}
	switch change.Kind {
	case firewall.ExpectNew, firewall.ExpectUsed, firewall.ExpectGone:
		x := &change.Expect
		row.Expectation = &expectationRow{x.ID, x.Master, addrPort(x.Src), addrPort(x.Dst), x.Expires.Seconds(), x.From}
	default:
		c := &change.Entry
		row.Connection = &connectionRow{
			ID: c.ID, Protocol: c.Protocol.String(), Original: [2]string{c.OriginalSrc.String(), c.OriginalDst.String()},
			Reply: [2]string{c.ReplySrc.String(), c.ReplyDst.String()}, State: c.State, Assured: c.Assured,
			Helper: c.Helper, Master: c.Master, Expires: c.Expires.Seconds(),
		}
	}
	return row
}

// addrPort prints an address and port, "" for none; an address that is not known
// beside a port is "*".
func addrPort(a netip.AddrPort) string {
	switch {
	case a.Addr().IsValid():
		return a.String()
	case a.Port() != 0:
		return "*:" + netip.AddrPortFrom(netip.IPv4Unspecified(), a.Port()).String()[len("0.0.0.0:"):]
	}
	return ""
}
