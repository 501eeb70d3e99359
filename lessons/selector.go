package lessons

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/ftp"
	"ftplab/sim/trace"
	"ftplab/sim/wire"
	"ftplab/topology"
)

// unknownWord is the error for a word that is none of the known ones.
type unknownWord = topology.UnknownError

func modeName(name string) string { return topology.ModeName(name) }

// subject is what a selector looks for.
type subject uint8

const (
	atStart subject = iota
	atEnd
	atDrop
	atSegment
	atCommand
	atReply
	atExpectation
	atConnection
	atSocket
	atGivenUp
	atTransferred
	atProbe
	atOutcome
)

// fate is what happened to a segment.
type fate uint8

const (
	sent fate = iota
	arrived
	forwarded
	dropped
	lost
)

var fates = map[string]fate{"sent": sent, "arrived": arrived, "forwarded": forwarded, "dropped": dropped, "lost": lost}

// selector names one event of a run: "second segment S of data from server arrived".
type selector struct {
	subject subject
	nth     int    // which one in order of time, from 1; -1 is the last
	word    string // verb, reply code, what happened to a table's entry, outcome
	atOther bool   // of a command or reply: where it was received

	fate    fate
	flags   wire.Flags // of a segment, without PSH and URG
	payload bool       // any segment that carries data
	channel string     // "", "control" or "data"
	from    string     // node that a segment, by its source address, comes from
	at      string     // node where it happened
	op      trace.SocketOp
}

var ordinals = map[string]int{"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "last": -1}

// parseSelectors reads alternatives: "reply 227 or reply 229".
func parseSelectors(text string) ([]selector, error) {
	var out []selector
	for _, part := range strings.Split(text, " or ") {
		s, err := parseSelector(strings.Fields(part))
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func parseSelector(words []string) (selector, error) {
	s := selector{nth: 1}
	if len(words) > 0 && ordinals[words[0]] != 0 {
		s.nth, words = ordinals[words[0]], words[1:]
	}
	if len(words) == 0 {
		return s, fmt.Errorf("at: names no event")
	}
	subjectWord, words := words[0], words[1:]
	next := func() string {
		if len(words) == 0 {
			return ""
		}
		w := words[0]
		words = words[1:]
		return w
	}
	switch subjectWord {
	case "start":
		s.subject = atStart
	case "end":
		s.subject = atEnd
	case "drop":
		s.subject = atDrop
	case "segment":
		s.subject = atSegment
		if err := s.segment(next()); err != nil {
			return s, err
		}
	case "command":
		s.subject, s.word = atCommand, strings.ToUpper(next())
	case "reply":
		s.subject, s.word = atReply, next()
		if code, err := strconv.Atoi(s.word); err != nil || code < 100 || code > 659 {
			return s, fmt.Errorf("%q is no reply code", s.word)
		}
	case "expectation":
		return s.tableChange(atExpectation, next(), words, "new", "used", "gone")
	case "connection":
		return s.tableChange(atConnection, next(), words, "new", "gone")
	case "socket":
		s.subject = atSocket
		if err := s.socket(next()); err != nil {
			return s, err
		}
	case "transfer":
		s.subject = atTransferred
	case "giving-up":
		s.subject = atGivenUp
	case "probe":
		s.subject = atProbe
	case "outcome":
		s.subject, s.word = atOutcome, next()
	default:
		return s, &unknownWord{What: "event", Name: subjectWord, Known: []string{"start", "end", "drop", "segment", "command", "reply", "expectation",
			"connection", "socket", "transfer", "giving-up", "probe", "outcome"}}
	}
	return s.details(words)
}

func (s selector) tableChange(subject subject, word string, words []string, known ...string) (selector, error) {
	s.subject, s.word = subject, word
	if !slices.Contains(known, word) {
		return s, &unknownWord{What: "change of the table", Name: word, Known: known}
	}
	return s.details(words)
}

// segment reads the flags of a segment, "SA", or "data" for any that carries some.
func (s *selector) segment(word string) error {
	if word == "payload" {
		s.payload = true
		return nil
	}
	letters := map[rune]wire.Flags{'S': wire.SYN, 'A': wire.ACK, 'F': wire.FIN, 'R': wire.RST}
	for _, r := range word {
		if letters[r] == 0 {
			return fmt.Errorf("%q are no flags of a segment: S, A, F, R, or payload for one with data", word)
		}
		s.flags |= letters[r]
	}
	if s.flags == 0 {
		return fmt.Errorf("a segment needs flags: S, SA, A, F, R, or payload for one with data")
	}
	return nil
}

func (s *selector) socket(word string) error {
	ops := []trace.SocketOp{trace.OpListen, trace.OpUnlisten, trace.OpDial, trace.OpAccept, trace.OpConnected, trace.OpFailed, trace.OpClose, trace.OpAbort}
	var known []string
	for _, op := range ops {
		if op.String() == word {
			s.op = op
			return nil
		}
		known = append(known, op.String())
	}
	return &unknownWord{What: "use of a socket", Name: word, Known: known}
}

// details reads "of data from server at switch dropped".
func (s selector) details(words []string) (selector, error) {
	for i := 0; i < len(words); i++ {
		var argument string
		switch words[i] {
		case "of", "from", "at":
			if i+1 == len(words) {
				return s, fmt.Errorf("%q needs a word after it", words[i])
			}
			argument = words[i+1]
		}
		switch word := words[i]; {
		case word == "of" && (argument == "data" || argument == "control"):
			s.channel = argument
			i++
		case word == "from":
			s.from = argument
			i++
		case word == "at":
			s.at = argument
			i++
		case s.subject == atSegment && slices.Contains([]string{"sent", "arrived", "forwarded", "dropped", "lost"}, word):
			s.fate = fates[word]
		case (s.subject == atCommand || s.subject == atReply) && (word == "sent" || word == "received"):
			s.atOther = (word == "received") == (s.subject == atCommand)
		default:
			return s, fmt.Errorf("%q does not fit there", word)
		}
	}
	return s, nil
}

// find returns the event that the selector names.
func (s selector) find(tr *trace.Trace) (trace.ID, bool) {
	switch s.subject {
	case atStart:
		return min(1, trace.ID(tr.Len())), tr.Len() > 0
	case atEnd:
		return trace.ID(tr.Len()), tr.Len() > 0
	}
	v := newView(tr)
	var last trace.ID
	count := 0
	for id := trace.ID(1); id <= trace.ID(tr.Len()); id++ {
		if !s.matches(v, id) {
			continue
		}
		count++
		last = id
		if count == s.nth {
			return id, true
		}
	}
	return last, s.nth < 0 && last != 0
}

var kindOf = [...]trace.Kind{
	atDrop: trace.KindJudged, atCommand: trace.KindFTP, atReply: trace.KindFTP, atExpectation: trace.KindTracked,
	atConnection: trace.KindTracked, atSocket: trace.KindSocket, atGivenUp: trace.KindFTP, atTransferred: trace.KindFTP,
	atProbe: trace.KindProbe, atOutcome: trace.KindEnded,
}

var fateKinds = [...]trace.Kind{sent: trace.KindSent, arrived: trace.KindArrived, forwarded: trace.KindJudged, dropped: trace.KindJudged, lost: trace.KindLost}

func (s selector) matches(v *view, id trace.ID) bool {
	kind := v.tr.Kind(id)
	if s.subject == atSegment {
		return kind == fateKinds[s.fate] && s.matchesSegment(v, v.tr.Event(id))
	}
	if kind != kindOf[s.subject] {
		return false
	}
	e := v.tr.Event(id)
	if s.at != "" && v.name(e.Node) != s.at {
		return false
	}
	switch b := e.Body.(type) {
	case trace.Judged:
		return isDrop(b.Decision)
	case trace.FTP:
		return s.matchesNote(b)
	case trace.Tracked:
		return s.matchesChange(b.Change.Kind)
	case trace.Socket:
		return b.Op == s.op && (s.channel == "" || (b.Channel == ftp.Data) == (s.channel == "data"))
	case trace.Ended:
		return s.word == "" || b.Result.Outcome == s.word
	}
	return true // a probe
}

func (s selector) matchesSegment(v *view, e trace.Event) bool {
	p, _ := v.tr.PacketOf(e.ID)
	if judged, ok := e.Body.(trace.Judged); ok && isDrop(judged.Decision) != (s.fate == dropped) {
		return false
	}
	if s.fate == sent && s.at == "" && v.tr.Nodes[e.Node].Kind == trace.Firewall {
		return false // sent on; or the firewall's own, which has to be asked for
	}
	const looked = wire.SYN | wire.ACK | wire.FIN | wire.RST
	switch {
	case p.Protocol != wire.TCP || s.at != "" && v.name(e.Node) != s.at:
		return false
	case s.payload && len(p.Payload) == 0 || !s.payload && p.Flags&looked != s.flags:
		return false
	case s.from != "" && v.owner(p.Src) != s.from:
		return false
	case s.channel != "" && v.isData(&p) != (s.channel == "data"):
		return false
	}
	return true
}

func (s selector) matchesNote(b trace.FTP) bool {
	wanted := map[subject][2]ftp.NoteKind{
		atCommand:     {ftp.CommandSent, ftp.CommandReceived},
		atReply:       {ftp.ReplyReceived, ftp.ReplySent},
		atGivenUp:     {ftp.GaveUp, ftp.GaveUp},
		atTransferred: {ftp.TransferDone, ftp.TransferDone},
	}[s.subject]
	note := wanted[0]
	if s.atOther {
		note = wanted[1]
	}
	if b.Note != note {
		return false
	}
	switch s.subject {
	case atCommand:
		verb, _, _ := strings.Cut(b.Text, " ")
		return strings.EqualFold(verb, s.word)
	case atReply:
		return strconv.Itoa(b.Code) == s.word
	}
	return true
}

func (s selector) matchesChange(kind firewall.ChangeKind) bool {
	if s.subject == atExpectation {
		return kind == firewall.ExpectNew && s.word == "new" || kind == firewall.ExpectUsed && s.word == "used" ||
			kind == firewall.ExpectGone && s.word == "gone"
	}
	return kind == firewall.EntryNew && s.word == "new" || kind == firewall.EntryGone && s.word == "gone"
}

func isDrop(d firewall.Decision) bool {
	return d.Action == firewall.ActionDrop || d.Action == firewall.ActionReject
}
