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
	storing := map[uint16]bool{} // by session: its last transfer command goes to the server
	for i := range r.Trace.Len() {
		id := trace.ID(i + 1)
		u := utterance{id: id}
		var ok bool
		switch r.Trace.Kind(id) {
		case trace.KindFTP:
			b := r.Trace.Event(id).Body.(trace.FTP)
			if b.Note == ftp.CommandSent && isTransfer(b.Text) {
				storing[b.Session] = isStore(b.Text)
			}
			ok = u.ftp(b, storing[b.Session])
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
		r.talk[i].wait = r.waitBetween(before, r.talk[i].id)
		before = r.talk[i].id
	}
}

// waitBetween returns how long nothing happened after one event and up to another: the
// sum of the waits that are worth a word, each as long as the time line says.
func (r *Run) waitBetween(from, to trace.ID) time.Duration {
	wait := time.Duration(0)
	for id := from + 1; id <= to; id++ {
		if gap := r.Trace.Time(id).Sub(r.Trace.Time(id - 1)); gap >= foldedFrom {
			wait += gap
		}
	}
	return wait
}

// isTransfer reports whether a command moves something over a data connection; isStore
// whether it moves it to the server.
func isTransfer(command string) bool {
	switch verbOf(command) {
	case "RETR", "LIST", "NLST", "MLSD":
		return true
	}
	return isStore(command)
}

func isStore(command string) bool {
	switch verbOf(command) {
	case "STOR", "STOU", "APPE":
		return true
	}
	return false
}

func verbOf(command string) string {
	verb, _, _ := strings.Cut(command, " ")
	return strings.ToUpper(verb)
}

func (u *utterance) ftp(b trace.FTP, storing bool) bool {
	u.text = b.Text
	switch b.Note {
	case ftp.CommandSent:
		u.kind = clientSaid
	case ftp.ReplyReceived:
		u.kind = serverSaid
	case ftp.UserAction:
		u.kind = personDid
	case ftp.TransferDone:
		u.kind, u.text = dataPassed, fmt.Sprintf("data: %d octets %s", b.Count, sideWord(b.Server, storing))
	default:
		return false
	}
	return b.Note == ftp.TransferDone || !b.Server
}

// sideWord says what one end of a data connection did: the server sends unless a file is
// stored.
func sideWord(server, storing bool) string {
	who, did := "client", "received"
	if server {
		who = "server"
	}
	if server != storing {
		did = "sent"
	}
	return did + " by the " + who
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
