package model

import (
	"fmt"
	"strings"
	"time"

	"ftplab/sim/firewall"
	"ftplab/sim/ftp"
	"ftplab/sim/narrate"
	"ftplab/sim/trace"
	"ftplab/sim/wire"
)

// utterance is an entry of the conversation: a line that was said, or what became of
// a data connection.
type utterance struct {
	id   trace.ID
	kind utteranceKind
	text string
	wait time.Duration // before it, if that is worth a line
}

type utteranceKind uint8

const (
	clientSaid utteranceKind = iota
	serverSaid
	dataPassed
	packetDropped
	personDid
	clientEnded
)

// findTalk collects the conversation as the client knows it, and what became of the
// data connections, which the client does not see.
func (r *Run) findTalk() {
	for i := range r.Trace.Len() {
		id := trace.ID(i + 1)
		u := utterance{id: id}
		var ok bool
		switch r.Trace.Kind(id) {
		case trace.KindFTP:
			ok = u.ftp(r.Trace.Event(id).Body.(trace.FTP))
		case trace.KindJudged:
			e := r.Trace.Event(id)
			ok = u.judged(r, r.byFirewall(e.Node), e.Body.(trace.Judged))
		case trace.KindArrived:
			ok = u.arrived(r, id)
		case trace.KindProbe:
			b := r.Trace.Event(id).Body.(trace.Probe)
			u.kind, u.text, ok = dataPassed, fmt.Sprintf("probe of port %d: %s", b.To.Port(), openWord(&b)), true
		case trace.KindEnded:
			b := r.Trace.Event(id).Body.(trace.Ended)
			u.kind, u.text, ok = clientEnded, ResultWords(&b.Result), true
		}
		if ok {
			r.talk = append(r.talk, u)
		}
	}
	before := trace.ID(0)
	for i := range r.talk {
		r.talk[i].wait = r.longestWait(before, r.talk[i].id)
		before = r.talk[i].id
	}
}

// longestWait returns the longest folded wait after one event and up to another.
func (r *Run) longestWait(from, to trace.ID) time.Duration {
	gap := r.Trace.Time(to).Sub(r.Trace.Time(from))
	if gap < foldedFrom {
		return 0
	}
	longest := time.Duration(0)
	for id := from + 1; id <= to; id++ {
		longest = max(longest, r.Trace.Time(id).Sub(r.Trace.Time(id-1)))
	}
	if longest < foldedFrom {
		return 0
	}
	return gap
}

func (u *utterance) ftp(b trace.FTP) bool {
	u.text = b.Text
	switch b.Note {
	case ftp.CommandSent:
		u.kind = clientSaid
	case ftp.ReplyReceived:
		u.kind = serverSaid
	case ftp.UserAction:
		u.kind = personDid
	case ftp.TransferDone:
		u.kind, u.text = dataPassed, fmt.Sprintf("data: %d octets %s", b.Count, sideWord(b.Server))
	default:
		return false
	}
	return b.Note == ftp.TransferDone || !b.Server
}

func sideWord(server bool) string {
	if server {
		return "at the server"
	}
	return "at the client"
}

func openWord(b *trace.Probe) string {
	if b.Open {
		return "open"
	}
	if b.Failure == ftp.Refused || b.Failure == ftp.RefusedICMP {
		return "closed"
	}
	return "filtered"
}

// byFirewall names a firewall where there are several: " by fws".
func (r *Run) byFirewall(node trace.NodeID) string {
	firewalls := 0
	for i := range r.Trace.Nodes {
		if r.Trace.Nodes[i].Kind == trace.Firewall {
			firewalls++
		}
	}
	if firewalls < 2 {
		return ""
	}
	return " by " + r.nodeName(node)
}

func (u *utterance) judged(r *Run, by string, b trace.Judged) bool {
	p := &b.Packet
	l := r.laneOfSerial(p.Serial)
	name := [...]string{"control", "data", "probe"}[l]
	kind := r.kindOfPacket(p)
	if dropped(b.Decision.Action) {
		u.kind = packetDropped
		verb := "dropped"
		if b.Decision.Action == firewall.ActionReject {
			verb = "rejected"
		}
		u.text = fmt.Sprintf("%s: %s %s%s", name, kind, verb, by)
		return true
	}
	u.kind = dataPassed
	u.text = fmt.Sprintf("data: %d\x00%d %s passed%s", p.SrcPort, p.DstPort, kind, by)
	return l == dataLane && p.Flags&wire.SYN != 0 && b.Decision.Action == firewall.ActionForward
}

// arrived notes a data connection's SYN where no firewall says anything about it.
func (u *utterance) arrived(r *Run, id trace.ID) bool {
	p, _ := r.Trace.PacketOf(id)
	if len(r.judged) > 0 || p.Flags&wire.SYN == 0 || r.laneOfSerial(p.Serial) != dataLane {
		return false
	}
	u.kind = dataPassed
	u.text = fmt.Sprintf("data: %d\x00%d %s arrived", p.SrcPort, p.DstPort, narrate.Flags(p.Flags))
	return true
}

// conversation returns the lines of the conversation up to an event.
func (r *Run) conversation(g *Glyphs, upTo trace.ID, width int) []Line {
	var lines []Line
	for i := range r.talk {
		u := &r.talk[i]
		if u.id > upTo {
			break
		}
		if u.wait > 0 {
			lines = append(lines, text(g.Later+" "+lasting(u.wait), Faint))
		}
		lines = append(lines, wrap(u.line(g), width, 4)...)
	}
	if len(lines) == 0 {
		lines = append(lines, text("(nothing has been said yet)", Faint))
	}
	return lines
}

func (u *utterance) line(g *Glyphs) Line {
	said := g.clean(strings.ReplaceAll(u.text, "\x00", g.Arrow))
	switch u.kind {
	case clientSaid:
		return Line{{"C " + g.Arrow + " ", FromClient}, {g.masked(said), Plain}}
	case serverSaid:
		return Line{{"S " + g.Back + " ", FromServer}, {said, Plain}}
	case packetDropped:
		return Line{{g.Cross + " ", Drop}, {said, Drop}}
	case personDid:
		return Line{{"> ", Strong}, {said, Strong}}
	case clientEnded:
		return Line{{"= ", Strong}, {said, Strong}}
	}
	return Line{{"  " + g.Bullet + " ", Data}, {said, Data}}
}
