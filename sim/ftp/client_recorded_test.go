package ftp

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"ftplab/sim/event"
)

// recordedServer answers a Client with what a real server answered in a recorded
// session. Data connections always work; their content does not matter.
type recordedServer struct {
	t       *testing.T
	client  *Client
	now     event.Time
	replies map[string][][]string // by command line: what came after it, in order
	tail    []string              // replies of the transfer that is running, after 150
	sent    []string
}

// recordedScript turns the client's side of a recorded session into a script, and the
// server's into what follows each command.
func recordedScript(rec recordedSession) (script []Step, replies map[string][][]string, login bool) {
	replies = map[string][][]string{}
	mode := ModePASV
	last := ""
	for _, e := range rec.events {
		switch {
		case e.Kind == "S" && len(e.Lines) > 0:
			if last == "" {
				replies["CONNECT"] = [][]string{e.Lines}
			} else {
				n := len(replies[last])
				replies[last][n-1] = append(replies[last][n-1], e.Lines...)
			}
		case e.Kind == "C" && !e.OOB && strings.HasSuffix(e.Text, `\r\n`) && strings.Count(e.Text, `\n`) == 1 && !strings.ContainsAny(e.Text, "{"):
			line := strings.TrimSuffix(e.Text, `\r\n`)
			last = line
			if strings.TrimSpace(line) == "" || strings.Contains(line, `\`) {
				last = "(not sent)" // a client does not say this
			}
			replies[last] = append(replies[last], nil)
			verb, arg, _ := strings.Cut(last, " ")
			switch verb {
			case "(not":
			case "USER", "PASS":
				login = login || line == "PASS s3cret"
				if login && verb == "USER" && len(script) > 0 {
					script = append(script, Step{Op: OpCommand, Path: line, MayFail: true})
				}
			case "QUIT":
			case "PASV":
				mode = ModePASV
			case "PORT", "EPRT":
				if strings.Contains(arg, "own listener") || strings.HasPrefix(arg, "127,0,0,1,1") {
					mode = ModePORT
				}
			case "EPSV":
				mode = ModeEPSV
			case "RETR", "LIST", "NLST", "MLSD", "STOR", "APPE", "STOU":
				script = append(script, Step{Op: Op(strings.ToLower(verb)), Path: arg, Mode: mode, LocalData: []byte("x"), MayFail: true})
			case "REST", "ABOR":
			default:
				script = append(script, Step{Op: OpCommand, Path: line, MayFail: true})
			}
		}
	}
	return script, replies, login
}

func (s *recordedServer) feed(in Input) {
	s.client.Handle(s.now, in)
	for {
		f, ok := s.client.Next()
		if !ok {
			return
		}
		s.perform(f)
	}
}

func (s *recordedServer) perform(f Effect) {
	switch f.Kind {
	case Dial:
		s.feed(Input{Kind: ControlUp, Local: netip.MustParseAddrPort("127.0.0.1:1026")})
		s.answer("CONNECT")
	case Send:
		s.answer(strings.TrimSuffix(string(f.Bytes), "\r\n"))
	case Listen:
		s.feed(Input{Kind: ListenReady, Addr: netip.MustParseAddrPort("127.0.0.1:1027")})
	case DialData:
		s.feed(Input{Kind: DataUp, Addr: f.Addr})
	case ReceiveData:
		s.feed(Input{Kind: DataBytes, Bytes: []byte("data")})
		s.feed(Input{Kind: DataEOF})
	case SendData:
		if f.More {
			s.feed(Input{Kind: DataRoom})
		}
	case FinishData:
		s.feed(Input{Kind: DataFlushed})
	case CloseData:
		if len(s.tail) > 0 {
			tail := s.tail
			s.tail = nil
			s.reply(tail)
		}
	}
}

// answer sends what the server said to this line; to a line that was not recorded
// (TYPE I, a mode) what any server says.
func (s *recordedServer) answer(line string) {
	s.sent = append(s.sent, line)
	verb, _, _ := strings.Cut(line, " ")
	queue := s.replies[line]
	if verb == "PASV" && len(queue) == 0 {
		queue = [][]string{{"227 Entering Passive Mode (127,0,0,1,4,1)."}}
	}
	var lines []string
	if len(queue) > 0 {
		lines, s.replies[line] = queue[0], queue[1:]
	}
	if len(lines) == 0 {
		switch verb {
		case "EPSV":
			lines = []string{"229 ok (|||1025|)"}
		case "PASV":
			lines = []string{"227 ok (127,0,0,1,4,1)"}
		case "QUIT":
			lines = []string{"221 bye"}
		case "RETR", "LIST", "NLST", "MLSD", "STOR", "APPE", "STOU":
			lines = []string{"425 nobody knows what came here"}
		default:
			lines = []string{"200 ok"}
		}
	}
	if lines[0][0] == '1' {
		if verb == "RETR" || verb == "LIST" || verb == "NLST" || verb == "MLSD" || verb == "STOR" || verb == "APPE" || verb == "STOU" {
			first := 1
			for first < len(lines) && (lines[first-1][3] == '-' || lines[first][:1] == " ") {
				first++
			}
			s.tail = append([]string(nil), lines[first:]...)
			if len(s.tail) == 0 {
				s.tail = []string{"226 not recorded"}
			}
			lines = lines[:first]
			if s.client.mode.Active() {
				s.feed(Input{Kind: DataUp, Addr: netip.MustParseAddrPort("127.0.0.1:20")})
			}
		}
	}
	s.reply(lines)
}

func (s *recordedServer) reply(lines []string) {
	// One octet at a time: replies come in any pieces.
	for _, c := range unescape(strings.Join(lines, `\r\n`) + `\r\n`) {
		s.feed(Input{Kind: ControlBytes, Bytes: []byte{c}})
	}
}

// TestClientAgainstRecordedServers plays what vsftpd, proftpd, pure-ftpd and
// pyftpdlib answered to the client: it understands every reply, in any pieces, goes
// through the whole script, and reports the codes that were recorded.
func TestClientAgainstRecordedServers(t *testing.T) {
	for _, rec := range recordedSessions(t, "*.jsonl") {
		script, replies, login := recordedScript(rec)
		if !login || len(script) == 0 {
			continue // no session that a client would have had
		}
		if rec.name == "bare LF ends a line" && strings.HasPrefix(rec.file, "pyftpd") {
			continue // it breaks its own reply in two
		}
		t.Run(rec.file+"/"+rec.name, func(t *testing.T) {
			config := DefaultClientConfig(netip.MustParseAddrPort("127.0.0.1:21"))
			config.User, config.Password, config.Script = "ftplab", "s3cret", script
			s := &recordedServer{t: t, client: NewClient(&config), replies: replies}
			s.feed(Input{Kind: Start})
			for step := 0; !s.client.Done(); step++ {
				if s.client.Deadline() == event.Never || step > 100 {
					t.Fatalf("the client waits for ever after %q", s.sent)
				}
				s.now = s.client.Deadline()
				s.feed(Input{Kind: Timer})
			}
			r := s.client.Result()
			switch {
			case strings.Contains(rec.name, "QUIT"), r.OK:
			case r.Outcome == OutcomeHang: // the record has no reply either
			default:
				t.Errorf("%s in %s: %s (after %q)", r.Outcome, r.Phase, r.Detail, s.sent)
			}
			for _, reply := range r.Replies {
				if reply.Code == 0 {
					t.Errorf("not understood: %q", reply.Text)
				}
			}
			if s.now.Sub(0) > time.Hour {
				t.Errorf("took %v", s.now.Sub(0))
			}
		})
	}
}
