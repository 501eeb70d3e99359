package ftp

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"ftplab/sim/event"
)

// recordedEvent is one line of a recorded session with a real server
// (testdata/transcripts): what the client sent (C), the server answered (S), what
// went over the data connection (D), and remarks (N).
type recordedEvent struct {
	Kind  string   `json:"t"`
	Text  string   `json:"text"`
	Code  int      `json:"code"`
	Lines []string `json:"lines"`
	EOF   string   `json:"eof"`
	None  string   `json:"none"`
	Dir   string   `json:"dir"`
	Bytes octets   `json:"bytes"`
	End   string   `json:"end"`
	OOB   bool     `json:"oob"`
}

// octets is a number, or a string like ">=200000" for a transfer that was cut.
type octets int

func (o *octets) UnmarshalJSON(b []byte) error {
	n, err := strconv.Atoi(strings.Trim(string(b), `">=`))
	*o = octets(n)
	return err
}

type recordedSession struct {
	file, name string
	events     []recordedEvent
}

// recordedSessions reads the sessions of the files that match the pattern.
func recordedSessions(t *testing.T, pattern string) []recordedSession {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "transcripts", pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts match %s: %v", pattern, err)
	}
	var sessions []recordedSession
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var e recordedEvent
			if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			if name, ok := strings.CutPrefix(e.Text, "--- session: "); ok && e.Kind == "N" {
				base := strings.TrimSuffix(filepath.Base(file), ".jsonl")
				sessions = append(sessions, recordedSession{file: base, name: name})
				continue
			}
			last := &sessions[len(sessions)-1]
			last.events = append(last.events, e)
		}
		if err := lines.Err(); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		f.Close()
	}
	return sessions
}

var repeated = regexp.MustCompile(`\{(.)\*(\d+)\}`)

// sent returns the segments that a recorded C event sent.
func (e recordedEvent) sent() [][]byte {
	text := strings.TrimSuffix(e.Text, " without end of line")
	text, byByte := strings.CutSuffix(text, " (one byte per segment)")
	text = repeated.ReplaceAllStringFunc(text, func(m string) string {
		parts := repeated.FindStringSubmatch(m)
		n, _ := strconv.Atoi(parts[2])
		return strings.Repeat(parts[1], n)
	})
	var segments [][]byte
	for _, part := range strings.Split(text, " | pause | ") {
		segments = append(segments, unescape(part))
	}
	if byByte {
		whole := segments[0]
		segments = nil
		for i := range whole {
			segments = append(segments, whole[i:i+1])
		}
	}
	return segments
}

// unescape undoes \r, \n, \t and \xNN.
func unescape(text string) []byte {
	var out []byte
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			out = append(out, text[i])
			continue
		}
		i++
		switch text[i] {
		case 'r':
			out = append(out, '\r')
		case 'n':
			out = append(out, '\n')
		case 't':
			out = append(out, '\t')
		case 'x':
			n, _ := strconv.ParseUint(text[i+1:i+3], 16, 8)
			out = append(out, byte(n))
			i += 2
		default:
			out = append(out, text[i])
		}
	}
	return out
}

func escape(b []byte) string {
	var s strings.Builder
	for _, c := range b {
		switch {
		case c == '\r':
			s.WriteString(`\r`)
		case c == '\n':
			s.WriteString(`\n`)
		case c < ' ' || c > '~':
			fmt.Fprintf(&s, `\x%02x`, c)
		default:
			s.WriteByte(c)
		}
	}
	return s.String()
}

// unsteady is what differs between two runs: ports, dates, owners, a client's port.
var unsteady = []struct {
	pattern     *regexp.Regexp
	replacement string
}{
	{regexp.MustCompile(`\((\d+,\d+,\d+,\d+),\d+,\d+\)`), "($1,P,P)"},
	{regexp.MustCompile(`\(\|\|\|\d+\|\)`), "(|||P|)"},
	{regexp.MustCompile(`[A-Z][a-z][a-z] \d\d [ \d]\d[:\d]\d\d`), "DATE"},
	{regexp.MustCompile(`client count was \d+`), "client count was N"},
	{regexp.MustCompile(`^213 20261122\d{6}`), "213 DATE"},
	{regexp.MustCompile(`([-d][-rwx]{9}) +\d+ \S+ +\S+ +`), "$1 N O G "},
}

func steady(line string) string {
	for _, u := range unsteady {
		line = u.pattern.ReplaceAllString(line, u.replacement)
	}
	return line
}

// serverPlayer plays the client's side of a recorded session to a Session and writes
// the dialogue down.
type serverPlayer struct {
	t       *testing.T
	session *Session
	events  []recordedEvent
	at      int // in events
	now     event.Time

	replies  []string // lines of the session, not yet compared
	closed   bool
	peer     netip.AddrPort
	dataPeer netip.AddrPort
	refuse   bool // PORT to a closed port
	late     bool // the client connects only when told to
	connects int  // if positive: how many PASV the client connects to, and one
	listens  bool // the server has a listener
	stalled  bool // the client does not read
	wantRoom bool
	wantEnd  bool // FinishData was asked for
	received []byte
	dataOpen bool
	dataLost bool // the session reset it
}

func (p *serverPlayer) feed(in Input) {
	p.session.Handle(p.now, in)
	for {
		f, ok := p.session.Next()
		if !ok {
			return
		}
		p.perform(f)
	}
}

func (p *serverPlayer) perform(f Effect) {
	switch f.Kind {
	case Note:
		if f.Note == ReplySent {
			// Not cleaned of doubled 0xff: that is on the wire only.
			p.replies = append(p.replies, f.Text)
		}
	case Listen:
		p.listens = true
		p.feed(Input{Kind: ListenReady, Addr: netip.AddrPortFrom(f.Local.Addr(), 2330)})
		p.connects--
		if !p.late && p.connects != 0 {
			p.feed(Input{Kind: DataUp, Addr: p.dataPeer})
			p.dataOpen = true
		}
	case CloseListener:
		p.listens = false
	case DialData:
		if p.refuse {
			p.feed(Input{Kind: DataFailed, Err: Refused})
			return
		}
		p.dataOpen = true
		p.feed(Input{Kind: DataUp, Addr: f.Addr})
	case SendData:
		p.received = append(p.received, f.Bytes...)
		if !f.More {
			return
		}
		if p.stalled {
			p.wantRoom = true
			return
		}
		p.feed(Input{Kind: DataRoom})
	case FinishData:
		if p.stalled {
			p.wantEnd = true
			return
		}
		p.feed(Input{Kind: DataFlushed})
	case AbortData:
		p.dataLost, p.dataOpen = true, false
	case CloseData:
		p.dataOpen = false
	case CloseControl, AbortControl:
		p.closed = true
	}
}

// nextData returns the next D event, if it comes before the next transfer command.
func (p *serverPlayer) nextData() *recordedEvent {
	for i := p.at + 1; i < len(p.events); i++ {
		switch e := &p.events[i]; {
		case e.Kind == "D":
			return e
		case e.Kind == "C" && !strings.HasPrefix(e.Text, "ABOR"):
			return nil
		}
	}
	return nil
}

// drain lets a client that had stopped reading go on.
func (p *serverPlayer) drain() {
	p.stalled = false
	for p.wantRoom && !p.dataLost {
		p.wantRoom = false
		p.feed(Input{Kind: DataRoom})
	}
	if p.wantEnd {
		p.wantEnd = false
		p.feed(Input{Kind: DataFlushed})
	}
}

func (p *serverPlayer) command(e recordedEvent) {
	p.received = nil
	if d := p.nextData(); d != nil && d.End == "stopped" {
		p.stalled = true
	}
	for _, segment := range e.sent() {
		p.feed(Input{Kind: ControlBytes, Bytes: segment})
	}
	if e.OOB {
		p.feed(Input{Kind: Urgent})
	}
}

// data plays a D event and returns what the session's side of it was.
func (p *serverPlayer) data(e recordedEvent) {
	if e.Dir == "C->S" {
		content := unescape(e.Text)
		if len(content) != int(e.Bytes) {
			content = recordedContent(int(e.Bytes))
		}
		p.feed(Input{Kind: DataBytes, Bytes: content})
		p.feed(Input{Kind: DataEOF})
		return
	}
	if e.End == "stopped" {
		return
	}
	p.drain()
	if e.Text != "" {
		if got, want := steady(escape(p.received)), steady(e.Text); steadyLines(got) != steadyLines(want) {
			p.t.Errorf("event %d: data\n got %s\nwant %s", p.at, got, want)
		}
	}
}

// recordedContent is what the recording client stored when the record does not say.
func recordedContent(n int) []byte {
	return []byte(strings.Repeat("0123456789abcdef", n/16+1)[:n])
}

// steadyLines normalises each line of an escaped listing.
func steadyLines(escaped string) string {
	lines := strings.Split(escaped, `\r\n`)
	for i := range lines {
		lines[i] = steady(lines[i])
	}
	return strings.Join(lines, "\n")
}

// reply compares what the session said with what the server had said.
func (p *serverPlayer) reply(e recordedEvent) {
	switch {
	case e.None != "":
		if len(p.replies) > 0 {
			p.t.Errorf("event %d: got %q, want no reply", p.at, p.replies)
		}
		return
	case e.EOF != "":
		if !p.closed || len(p.replies) > 0 {
			p.t.Errorf("event %d: want the end of the connection, closed %v, replies %q", p.at, p.closed, p.replies)
		}
		return
	}
	for i, want := range e.Lines {
		if len(p.replies) == 0 {
			p.waitForReply(e.Code)
		}
		if len(p.replies) == 0 {
			p.t.Errorf("event %d: no reply, want %q", p.at, e.Lines[i:])
			return
		}
		got := string(appendEscaped(nil, p.replies[0]))
		p.replies = p.replies[1:]
		if steady(escape([]byte(got))) != steady(want) {
			p.t.Errorf("event %d: reply %q, want %q", p.at, escape([]byte(got)), want)
		}
	}
}

// waitForReply does what the recording client must have done for the reply to come:
// end its upload, close the data connection early, or just wait.
func (p *serverPlayer) waitForReply(code int) {
	switch {
	case code == 226 && p.session.busy == busyReceiving:
		p.feed(Input{Kind: DataBytes, Bytes: recordedContent(p.laterSize())})
		p.feed(Input{Kind: DataEOF})
	case code == 426 && p.session.busy == busySending:
		p.feed(Input{Kind: DataLost, Err: Reset})
	case p.session.Deadline() != event.Never:
		p.now = p.session.Deadline()
		p.feed(Input{Kind: Timer})
	}
}

// laterSize returns the size that a later SIZE reported.
func (p *serverPlayer) laterSize() int {
	for _, e := range p.events[p.at:] {
		if n, err := strconv.Atoi(strings.TrimPrefix(strings.Join(e.Lines, ""), "213 ")); err == nil {
			return n
		}
	}
	return 0
}

func (p *serverPlayer) note(text string) {
	switch text {
	case "half-close":
		p.feed(Input{Kind: ControlEOF})
	case "data connect now", "on second:":
		if p.listens {
			p.dataOpen = true
			p.feed(Input{Kind: DataUp, Addr: p.dataPeer})
		}
	case "RST sent":
		p.feed(Input{Kind: DataBytes, Bytes: Pattern(1000)})
		p.feed(Input{Kind: DataLost, Err: Reset})
	case "control closed":
		p.feed(Input{Kind: ControlEOF})
	}
}

func (p *serverPlayer) play() {
	p.feed(Input{Kind: Start, Addr: p.peer, Local: netip.AddrPortFrom(p.peer.Addr(), 21)})
	for p.at = range p.events {
		e := p.events[p.at]
		switch e.Kind {
		case "C":
			p.command(e)
		case "S":
			p.reply(e)
		case "D":
			p.data(e)
		case "N":
			p.note(e.Text)
		}
		if p.t.Failed() {
			return
		}
	}
	if len(p.replies) > 1 { // one QUIT may be unanswered in the record
		p.t.Errorf("replies nobody recorded: %q", p.replies)
	}
}

// vsftpdRecordedTree is what lay on the recorded server before a group of sessions.
func vsftpdRecordedTree(file string) *Tree {
	tree := NewTree()
	if strings.HasSuffix(file, "-data") {
		tree.AddDir("/fx")
	}
	if strings.HasSuffix(file, "-wire") {
		tree.AddDir("/fx")
	}
	if strings.HasSuffix(file, "-abor") {
		tree.AddFile("/small", recordedContent(64))
	}
	return tree
}

// TestVSFTPDProfileRepeatsRecordedSessions plays every session that was recorded
// with vsftpd 3.0.3 to the vsftpd profile: every reply, every listing, every byte of
// ASCII conversion is the same.
func TestVSFTPDProfileRepeatsRecordedSessions(t *testing.T) {
	trees := map[string]*Tree{}
	for _, pattern := range []string{"vsftpd-*.jsonl", "vsftpd6-*.jsonl", "vsftpdidle-*.jsonl"} {
		for _, rec := range recordedSessions(t, pattern) {
			if trees[rec.file] == nil {
				trees[rec.file] = vsftpdRecordedTree(rec.file)
			}
			tree := trees[rec.file]
			t.Run(rec.file+"/"+rec.name, func(t *testing.T) {
				config := VSFTPDConfig()
				config.Users = []User{{Name: "ftplab", Password: "s3cret", MayWrite: true}}
				config.DataPort20 = false
				config.KeepBytes = true
				config.Epoch = time.Date(2026, 11, 22, 15, 45, 0, 0, time.UTC)
				p := &serverPlayer{t: t, session: NewSession(&config, tree), events: rec.events,
					peer: netip.MustParseAddrPort("127.0.0.1:40000")}
				if strings.HasPrefix(rec.file, "vsftpd6") {
					p.peer = netip.MustParseAddrPort("[::1]:40000")
				}
				p.dataPeer = netip.AddrPortFrom(p.peer.Addr(), 40001)
				switch rec.name {
				case "PASV, command sent before data connect", "PASV, nobody connects, RETR (accept timeout 3 s)":
					p.late = true
				case "transfer running: NOOP, STAT, PASV, RETR, PWD in the middle":
					p.connects = 3
				case "RETR and the client does not read":
					p.stalled = true
				case "3rd: too many":
					t.Skip("the limit is the carrier's")
				case "PASV: connection from another address (127.0.0.2)":
					p.dataPeer = netip.MustParseAddrPort("127.0.0.2:40001")
				case "PORT to a closed port":
					p.refuse = true
				}
				p.play()
			})
		}
	}
}
