package ftpnet

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ftplab/sim/ftp"
)

// The soak of a release is -soak.sessions 200 -soak.time 1m, with and without -race.
var (
	soakSessions = flag.Int("soak.sessions", 12, "concurrent sessions of TestSoak")
	soakTime     = flag.Duration("soak.time", 2*time.Second, "how long TestSoak goes on")
)

// TestSoak has many sessions upload, download, list and break off at once, in all
// modes, in clear and under TLS. No octet is lost; no goroutine, open file or port is
// left behind; memory does not grow with time.
func TestSoak(t *testing.T) {
	config := ftp.DefaultServerConfig()
	server := startServer(t, "127.0.0.1:0", ServerOptions{
		Root: t.TempDir(), Config: &config, MaxSessions: -1, MaxPerAddress: -1, Log: slog.New(slog.DiscardHandler),
	})
	files := openFiles(t)
	var moved, done, aborted atomic.Int64
	began := time.Now()
	until := began.Add(*soakTime)
	var sessions sync.WaitGroup
	for i := range *soakSessions {
		sessions.Go(func() {
			s := soaker{t: t, server: server, random: rand.New(rand.NewPCG(1, uint64(i))), name: fmt.Sprintf("s%d", i), dir: t.TempDir()}
			for n := 0; time.Now().Before(until) && !t.Failed(); n++ {
				if s.random.IntN(4) == 0 {
					s.breakOff()
					aborted.Add(1)
					continue
				}
				moved.Add(s.roundTrip(n))
				done.Add(1)
			}
		})
	}
	watched := watchHeap(until, began.Add(*soakTime/2))
	sessions.Wait()
	first, second := watched()
	t.Logf("%d round trips, %d broken off, %d MB, heap at most %d MB, then %d MB",
		done.Load(), aborted.Load(), moved.Load()>>20, first>>20, second>>20)
	if done.Load() == 0 || aborted.Load() == 0 {
		t.Error("nothing happened")
	}
	if second > first*3/2+32<<20 {
		t.Errorf("memory grows: %d MB in the first half, %d MB in the second", first>>20, second>>20)
	}
	waitFor(t, "sessions left behind", func() bool { return server.Sessions() == 0 })
	server.background.Wait()
	waitFor(t, "open files left behind", func() bool { return openFiles(t) <= files })
}

// watchHeap looks at the heap in use now and then; the result is the most seen before
// and after half-time.
func watchHeap(until, half time.Time) func() (first, second uint64) {
	var first, second uint64
	over := make(chan struct{})
	go func() {
		defer close(over)
		for time.Now().Before(until) {
			time.Sleep(100 * time.Millisecond) // a sample, not a wait for anything
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			if time.Now().Before(half) {
				first = max(first, m.HeapInuse)
			} else {
				second = max(second, m.HeapInuse)
			}
		}
	}()
	return func() (uint64, uint64) {
		<-over
		return first, second
	}
}

// openFiles counts this process's open files, sockets included; 0 where the system
// does not tell.
func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if errors.Is(err, os.ErrNotExist) {
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// soaker is one of the clients.
type soaker struct {
	t      *testing.T
	server *testServer
	random *rand.Rand
	name   string
	dir    string
}

// roundTrip uploads, downloads and compares; it returns the octets moved.
func (s *soaker) roundTrip(n int) int64 {
	modes := ftp.Modes()
	mode, tls := modes[s.random.IntN(len(modes))], s.random.IntN(4) == 0
	want := content(s.random.IntN(400_000), s.random.Uint64())
	request := func() *Request {
		scheme := "ftp"
		if tls {
			scheme = "ftpes"
		}
		target, err := ParseURL(scheme + "://ftplab:s3cret@" + s.server.address + "/" + s.name)
		if err != nil {
			s.t.Error(err)
		}
		return &Request{Target: target, Mode: mode, InsecureSkipVerify: true}
	}
	if _, err := request().Put(s.t.Context(), "-", bytes.NewReader(want)); err != nil {
		s.t.Errorf("%s put %d: %v", s.name, n, err)
		return 0
	}
	local := filepath.Join(s.dir, "got")
	_, err := request().Get(s.t.Context(), local, nil)
	got, readErr := os.ReadFile(local)
	if err != nil || readErr != nil || !bytes.Equal(got, want) {
		s.t.Errorf("%s get %d %v tls=%v: %d octets of %d, %v, %v", s.name, n, mode, tls, len(got), len(want), err, readErr)
	}
	if list, _, err := request().List(s.t.Context(), true); err != nil || !strings.Contains(string(list), s.name) {
		s.t.Errorf("%s list: %q, %v", s.name, list, err)
	}
	return int64(2 * len(want))
}

// breakOff begins something and goes away in the middle of it, in one of many ways.
func (s *soaker) breakOff() {
	conn, err := net.Dial("tcp", s.server.address)
	if err != nil {
		s.t.Error(err)
		return
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Second))
	scripts := []string{
		"", "USER ftplab\r\n", "AUTH TLS\r\nrubbish", "USER ftplab\r\nPASS s3cret\r\nEPSV\r\nRETR " + s.name + "\r\n",
		"USER ftplab\r\nPASS s3cret\r\nPASV\r\nPASV\r\nEPSV\r\nSTOR x-" + s.name + "\r\n",
		"USER ftplab\r\nPASS s3cret\r\nPORT 127,0,0,1,255,255\r\nLIST\r\nSTAT\r\n\xff\xf4\xff\xf2ABOR\r\nNOOP\r\n",
		"GET / HTTP/1.1\r\n\r\n", strings.Repeat("x", 100_000),
	}
	io.WriteString(conn, scripts[s.random.IntN(len(scripts))])
	if s.random.IntN(2) == 0 {
		conn.Read(make([]byte, 1+s.random.IntN(500)))
	}
	if port := passivePort(conn); port != 0 {
		if data, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			data.SetDeadline(time.Now().Add(100 * time.Millisecond))
			io.CopyN(io.Discard, data, int64(s.random.IntN(50_000)))
			data.Close()
		}
	}
	if tcp, ok := conn.(*net.TCPConn); ok && s.random.IntN(2) == 0 {
		tcp.SetLinger(0) // a reset instead of a FIN
	}
}

// passivePort reads what the server has said by now and returns the last port in it.
func passivePort(conn net.Conn) uint16 {
	conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	said, _ := io.ReadAll(conn)
	conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	var port uint16
	for line := range strings.Lines(string(said)) {
		if a, verb, err := ftp.ParseAnnouncement(line); verb == "229" && err == nil {
			port = a.Addr.Port()
		}
	}
	return port
}

// BenchmarkRetrieve moves 64 MiB from a folder over loopback, by our own client.
func BenchmarkRetrieve(b *testing.B) {
	root := b.TempDir()
	const size = 64 << 20
	if err := os.WriteFile(filepath.Join(root, "f"), make([]byte, size), 0o644); err != nil {
		b.Fatal(err)
	}
	server, err := NewServer(ServerOptions{Root: root})
	if err != nil {
		b.Fatal(err)
	}
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go server.Serve(l)
	defer server.Close()
	b.SetBytes(size)
	for b.Loop() {
		target, _ := ParseURL("ftp://" + l.Addr().String() + "/f")
		r := &Request{Target: target}
		if _, err := r.Get(b.Context(), "-", io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}
