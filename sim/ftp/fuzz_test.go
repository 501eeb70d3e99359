package ftp

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"ftplab/sim/event"
)

// fuzzInputs turns octets into inputs for a machine: the first octet of each group
// says what happened, the next how much time passed or how long its bytes are.
func fuzzInputs(data []byte, each func(wait time.Duration, in Input)) {
	addrs := []netip.AddrPort{
		netip.MustParseAddrPort("10.0.0.2:40001"), netip.MustParseAddrPort("192.168.10.1:20"),
		netip.MustParseAddrPort("[2001:db8::9]:5"), {},
	}
	for len(data) > 1 {
		kind, size := InputKind(data[0]%uint8(Stop+2)), int(data[1])
		data = data[2:]
		in := Input{Kind: kind, Addr: addrs[size%len(addrs)], Local: addrs[0], Err: Failure(size % 9), Channel: Channel(size & 1)}
		wait := time.Duration(0)
		switch kind {
		case ControlBytes, DataBytes:
			size = min(size, len(data))
			in.Bytes, data = data[:size], data[size:]
		case Timer:
			wait = time.Duration(size) * time.Second
		}
		each(wait, in)
	}
}

const fuzzSeed = "USER ftplab\r\nPASS s3cret\r\nTYPE I\r\nPASV\r\nRETR f\r\nEPSV\r\nSTOR x\r\nABOR\r\nQUIT\r\n"

// FuzzSession: whatever comes, in whatever order, a session does not panic, comes to
// an end of what it wants done, keeps little, and says nothing after its end.
func FuzzSession(f *testing.F) {
	group := func(kind InputKind, text string) string {
		return string([]byte{byte(kind), byte(len(text))}) + text
	}
	f.Add([]byte(group(Start, "")+group(ControlBytes, fuzzSeed)), false)
	f.Add([]byte(group(Start, "")+group(ControlBytes, fuzzSeed[:52])+group(ListenReady, "")+group(DataUp, "")+group(DataRoom, "")+group(DataFlushed, "")), true)
	f.Add([]byte(group(ControlBytes, "USER ftp\r\nPASS x\r\nPORT 10,0,0,2,4,3\r\nLIST\r\n")+group(DataFailed, "")+group(Timer, "")), true)
	f.Add([]byte(group(ControlBytes, "AUTH TLS\r\n")+group(TLSUp, "")+group(ControlBytes, "PBSZ 0\r\nPROT P\r\nCCC\r\n")), false)
	f.Fuzz(func(t *testing.T, data []byte, vsftpd bool) {
		config := ownServer()
		if vsftpd {
			config = VSFTPDConfig()
			config.Users = ownServer().Users
		}
		config.TLS = len(data)%2 == 0
		tree := NewTree()
		tree.AddFile("/f", Pattern(1000))
		tree.AddDir("/dir/sub")
		tree.MaxBytes = 4 << 20
		s := NewSession(&config, tree)
		now := event.Time(0)
		closed := false
		drain := func() {
			for n := 0; ; n++ {
				e, ok := s.Next()
				if !ok {
					return
				}
				if closed {
					t.Fatalf("asks for %v after Done", e.Kind)
				}
				if n > 10000 {
					t.Fatal("asks without end")
				}
				closed = e.Kind == Done
				if e.Kind == Send && strings.Contains(strings.ReplaceAll(string(e.Bytes), "\r\n", ""), "\n") {
					t.Fatalf("a bare LF in %q", e.Bytes)
				}
				if e.Note == ReplySent && strings.Contains(e.Text, "%!") && !strings.Contains(string(data), "%!") {
					t.Fatalf("a format without its argument: %q", e.Text)
				}
				if e.Kind == Note && strings.HasPrefix(e.Text, "PASS s3cret") {
					t.Fatalf("the password is noted: %q", e.Text)
				}
			}
		}
		fuzzInputs(data, func(wait time.Duration, in Input) {
			now = now.Add(wait)
			s.Handle(now, in)
			drain()
			if len(s.waiting) > maxWaitingCommands || s.data.earlySize > maxEarlyData || len(s.lines.partial) > MaxCommandLine {
				t.Fatalf("keeps %d commands, %d octets of data, %d of a line", len(s.waiting), s.data.earlySize, len(s.lines.partial))
			}
		})
		// Left alone, it ends by its own timers.
		for n := 0; !closed && s.Deadline() != event.Never; n++ {
			if n > 1000 {
				t.Fatalf("does not end: busy %d", s.busy)
			}
			now = max(now, s.Deadline())
			s.Handle(now, Input{Kind: Timer})
			drain()
		}
		if !closed && s.busy != busyListening && s.idleAt == event.Never && s.peer.IsValid() {
			t.Fatalf("waits for ever: busy %d", s.busy)
		}
	})
}

// FuzzClient: no server can make a client panic, wait without a timer, or grow.
func FuzzClient(f *testing.F) {
	group := func(kind InputKind, text string) string {
		return string([]byte{byte(kind), byte(len(text))}) + text
	}
	hello := group(Start, "") + group(ControlUp, "") + group(ControlBytes, "220 hi\r\n331 ?\r\n230 in\r\n200 ok\r\n")
	f.Add([]byte(hello+group(ControlBytes, "227 (1,2,3,4,5,6)\r\n")+group(DataUp, "")+group(ControlBytes, "150 x\r\n")+group(DataEOF, "")+group(ControlBytes, "226 x\r\n")), byte(1))
	f.Add([]byte(hello+group(ListenReady, "")+group(ControlBytes, "200 x\r\n")+group(DataUp, "")+group(ControlBytes, "150-x\r\n150 y\r\n")+group(DataBytes, "abc")+group(DataEOF, "")), byte(3))
	f.Add([]byte(group(Start, "")+group(ControlUp, "")+group(ControlBytes, "HTTP/1.1 400 Bad\r\n\r\n")), byte(2))
	f.Fuzz(func(t *testing.T, data []byte, mode byte) {
		config := DefaultClientConfig(netip.MustParseAddrPort("192.168.10.1:21"))
		config.Mode = Modes()[mode%4]
		config.TLS = mode&4 != 0
		config.Password = "s3cret"
		config.Script = []Step{
			{Op: OpCommand, Path: "PWD", MayFail: true}, {Op: OpRetrieve, Path: "a", AbortAfter: 100, MayFail: true},
			{Op: OpPause, Wait: time.Second}, {Op: OpStore, Path: "b", LocalData: Pattern(100), Resume: mode&8 != 0, MayFail: true}, {Op: OpList},
		}
		c := NewClient(&config)
		now := event.Time(0)
		started := false
		drain := func() {
			for n := 0; ; n++ {
				e, ok := c.Next()
				if !ok {
					return
				}
				if n > 10000 {
					t.Fatal("asks without end")
				}
				if e.Kind == Note && strings.Contains(e.Text, "s3cret") {
					t.Fatalf("the password is noted: %q", e.Text)
				}
			}
		}
		fuzzInputs(data, func(wait time.Duration, in Input) {
			now = now.Add(wait)
			started = started || in.Kind == Start
			if !started {
				return
			}
			c.Handle(now, in)
			drain()
			if len(c.replies.partial) > maxReplyLine || len(c.replies.lines) > maxReplyLines {
				t.Fatal("keeps a reply without end")
			}
		})
		for n := 0; started && !c.Done(); n++ {
			if c.Deadline() == event.Never || n > 1000 {
				t.Fatalf("does not end: state %d, expects %d", c.state, c.expect)
			}
			now = max(now, c.Deadline())
			c.Handle(now, Input{Kind: Timer})
			drain()
		}
		if started && (c.Result().Outcome == "" || c.Result().OK != (c.Result().Outcome == OutcomeOK)) {
			t.Fatalf("ended with %+v", c.Result())
		}
	})
}
