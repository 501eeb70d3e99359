package ftpnet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"ftplab/sim/ftp"
)

// content returns n octets that are the same for the same seed.
func content(n int, seed uint64) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16)}).Read(b)
	return b
}

// lockedBuffer is a log that goroutines write to.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// testServer is a server that runs for one test, which fails if the server leaves
// goroutines or open files behind.
type testServer struct {
	*Server
	address string
	log     *lockedBuffer
}

func startServer(t *testing.T, listen string, options ServerOptions) *testServer {
	t.Helper()
	before := runtime.NumGoroutine()
	log := &lockedBuffer{}
	if options.Config == nil {
		config := ftp.DefaultServerConfig()
		options.Config = &config
	}
	options.Config.Users = []ftp.User{{Name: "ftplab", Password: "s3cret", MayWrite: true}}
	if options.Log == nil {
		options.Log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	server, err := NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	l, err := Listen(listen)
	if err != nil {
		t.Skipf("no such address here: %v", err)
	}
	over := make(chan error, 1)
	go func() { over <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Close()
		if err := <-over; !errors.Is(err, ErrServerClosed) {
			t.Errorf("Serve: %v", err)
		}
		waitFor(t, "goroutines left behind", func() bool { return runtime.NumGoroutine() <= before })
		if strings.Contains(log.String(), "s3cret") {
			t.Error("a password is in the log")
		}
		if t.Failed() {
			t.Log(log.String())
		}
	})
	return &testServer{server, l.Addr().String(), log}
}

// waitFor polls until the condition holds; a test's machine may be slow.
func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			buffer := make([]byte, 1<<16)
			t.Fatalf("%s\n%s", what, buffer[:runtime.Stack(buffer, true)])
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (s *testServer) request(t *testing.T, path string, mode ftp.Mode, tls bool) *Request {
	t.Helper()
	scheme := "ftp"
	if tls {
		scheme = "ftpes"
	}
	target, err := ParseURL(fmt.Sprintf("%s://ftplab:s3cret@%s/%s", scheme, s.address, path))
	if err != nil {
		t.Fatal(err)
	}
	return &Request{Target: target, Mode: mode, InsecureSkipVerify: true}
}

// TestClientAndServerOnLoopback moves files of awkward sizes both ways, in every mode,
// in clear and under TLS, over IPv4 and IPv6, from a folder and from memory.
func TestClientAndServerOnLoopback(t *testing.T) {
	sizes := []int{0, 1, dataBlock - 1, dataBlock, dataBlock + 1, 3_000_001}
	for _, listen := range []string{"127.0.0.1:0", "[::1]:0"} {
		for _, root := range []bool{true, false} {
			options := ServerOptions{Tree: ftp.NewTree()}
			if root {
				options.Root = t.TempDir()
			}
			server := startServer(t, listen, options)
			for _, mode := range ftp.Modes() {
				if server.address[0] == '[' && (mode == ftp.ModePASV || mode == ftp.ModePORT) {
					continue // they cannot name an IPv6 address
				}
				for _, tls := range []bool{false, true} {
					t.Run(fmt.Sprintf("%s/folder=%v/%v/tls=%v", listen, root, mode, tls), func(t *testing.T) {
						roundTrip(t, server, mode, tls, sizes)
					})
				}
			}
		}
	}
}

func roundTrip(t *testing.T, server *testServer, mode ftp.Mode, tls bool, sizes []int) {
	dir := t.TempDir()
	for _, size := range sizes {
		name := fmt.Sprintf("f%d", size)
		want := content(size, uint64(size))
		local := filepath.Join(dir, name)
		if err := os.WriteFile(local, want, 0o600); err != nil {
			t.Fatal(err)
		}
		r := server.request(t, name, mode, tls)
		if _, err := r.Put(t.Context(), local, nil); err != nil {
			t.Fatalf("put %s: %v", name, err)
		}
		got := filepath.Join(dir, "got")
		var moved int64
		r.Progress = func(n, total int64) {
			moved = n
			if total != int64(size) {
				t.Errorf("total %d, want %d", total, size)
			}
		}
		result, err := r.Get(t.Context(), got, nil)
		if err != nil {
			t.Fatalf("get %s: %v", name, err)
		}
		b, err := os.ReadFile(got)
		if err != nil || !bytes.Equal(b, want) || result.Bytes != int64(size) || moved != int64(size) {
			t.Errorf("%s: got %d octets of %d, %d reported, %v", name, len(b), size, moved, err)
		}
	}
	list, _, err := server.request(t, "", mode, tls).List(t.Context(), true)
	if err != nil || strings.Count(string(list), "\r\n") != len(sizes) || !strings.Contains(string(list), "f3000001\r\n") {
		t.Errorf("list: %q, %v", list, err)
	}
}

func TestResume(t *testing.T) {
	root := t.TempDir()
	server := startServer(t, "127.0.0.1:0", ServerOptions{Root: root})
	want := content(300_000, 7)
	write := func(name string, b []byte) string {
		t.Helper()
		if err := os.WriteFile(name, b, 0o644); err != nil {
			t.Fatal(err)
		}
		return name
	}
	check := func(name string, moved int64, result *ftp.Result, err error) {
		t.Helper()
		b, readErr := os.ReadFile(name)
		if err != nil || readErr != nil || !bytes.Equal(b, want) || result.Bytes != moved {
			t.Errorf("%s: %d octets, %v, %v, result %+v", name, len(b), err, readErr, result)
		}
	}
	write(filepath.Join(root, "whole"), want)
	write(filepath.Join(root, "part"), want[:100_000])
	r := server.request(t, "whole", ftp.ModeUnset, false)
	r.Resume = true
	local := write(filepath.Join(t.TempDir(), "l"), want[:77_777])
	result, err := r.Get(t.Context(), local, nil)
	check(local, 300_000-77_777, result, err)
	result, err = r.Get(t.Context(), local, nil) // nothing is missing
	check(local, 0, result, err)
	result, err = r.Get(t.Context(), filepath.Join(t.TempDir(), "new"), nil)
	if err != nil || result.Bytes != 300_000 {
		t.Errorf("resuming what is not there: %v, %+v", err, result)
	}
	r.Target.Path = "part"
	result, err = r.Put(t.Context(), local, nil)
	check(filepath.Join(root, "part"), 200_000, result, err)
	r.Target.Path = "fresh"
	result, err = r.Put(t.Context(), local, nil)
	check(filepath.Join(root, "fresh"), 300_000, result, err)
}

func TestStandardInputAndOutput(t *testing.T) {
	server := startServer(t, "127.0.0.1:0", ServerOptions{})
	want := content(200_000, 3)
	r := server.request(t, "incoming/s", ftp.ModePORT, false)
	if _, err := r.Put(t.Context(), "-", bytes.NewReader(want)); err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if _, err := r.Get(t.Context(), "-", &got); err != nil || !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%d octets, %v", got.Len(), err)
	}
}

func TestRefusals(t *testing.T) {
	server := startServer(t, "127.0.0.1:0", ServerOptions{})
	local := filepath.Join(t.TempDir(), "l")
	tests := []struct {
		name    string
		request func(*Request)
		want    string
	}{
		{"no such file", func(r *Request) { r.Target.Path = "nosuch" }, "RETR nosuch -> 550 No such file."},
		{"wrong password", func(r *Request) { r.Target.Password = "wr0ng" }, "PASS **** -> 530 Login incorrect."},
		{"certificate of nobody", func(r *Request) { r.Target.TLS, r.InsecureSkipVerify = true, false }, "TLS"},
		{"local directory missing", func(r *Request) {}, "cannot open the directory"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := server.request(t, "pub/readme.txt", ftp.ModeUnset, false)
			test.request(r)
			to := local
			if test.name == "local directory missing" {
				to = filepath.Join(local, "no", "such")
			}
			_, err := r.Get(t.Context(), to, nil)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "wr0ng") {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	if _, err := os.Stat(local); err == nil {
		t.Error("a refused download made a local file")
	}
}

func TestCancel(t *testing.T) {
	config := ftp.DefaultServerConfig()
	config.MaxRate, config.ChunkSize = 1000, 500
	server := startServer(t, "127.0.0.1:0", ServerOptions{Config: &config})
	ctx, cancel := context.WithCancel(t.Context())
	r := server.request(t, "pub/large.bin", ftp.ModeUnset, false)
	r.Progress = func(int64, int64) { cancel() }
	began := time.Now()
	if _, err := r.Get(ctx, filepath.Join(t.TempDir(), "l"), nil); !errors.Is(err, context.Canceled) || time.Since(began) > 20*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
	waitFor(t, "the server's session goes on", func() bool { return server.Sessions() == 0 })
}

// TestShutdownLetsATransferEnd: no new sessions, the old one gets its whole file.
func TestShutdownLetsATransferEnd(t *testing.T) {
	config := ftp.DefaultServerConfig()
	config.MaxRate, config.ChunkSize = 1<<20, 64<<10
	server := startServer(t, "127.0.0.1:0", ServerOptions{Config: &config})
	var once sync.Once
	shut := make(chan error, 1)
	r := server.request(t, "pub/large.bin", ftp.ModeUnset, false)
	r.Progress = func(int64, int64) {
		once.Do(func() { go func() { shut <- server.Shutdown(context.Background()) }() })
	}
	var got bytes.Buffer
	result, err := r.Get(t.Context(), "-", &got)
	if !bytes.Equal(got.Bytes(), ftp.Pattern(ftp.LargeFileSize)) {
		t.Errorf("%d octets, %v", got.Len(), err)
	}
	if err != nil || result.ServerReply != "226 Transfer complete." {
		t.Errorf("%v, %+v", err, result)
	}
	if err := <-shut; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if conn, err := net.Dial("tcp", server.address); err == nil {
		conn.Close()
		t.Error("it still listens")
	}
}

func TestLimits(t *testing.T) {
	server := startServer(t, "127.0.0.1:0", ServerOptions{MaxSessions: 3, MaxPerAddress: 2})
	first, second := dialRaw(t, server.address), dialRaw(t, server.address)
	third := &rawClient{t: t, conn: mustDial(t, server.address)}
	if got := third.line(); !strings.HasPrefix(got, "421 ") {
		t.Errorf("the third session: %q", got)
	}
	first.conn.Close()
	waitFor(t, "the place is not given back", func() bool { return server.Sessions() == 1 })
	dialRaw(t, server.address).command("QUIT", "221")
	second.command("QUIT", "221")
}

// TestFolderCannotBeLeft: neither by dots nor by links.
func TestFolderCannotBeLeft(t *testing.T) {
	outside, root := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(root, "in"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "in", "f"), []byte("inside"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{
		"link": outside, "file": filepath.Join(outside, "secret"), "up": "..", "dangling": "nowhere", "good": "in/f",
	} {
		if err := os.Symlink(to, filepath.Join(root, name)); err != nil {
			t.Skip(err)
		}
	}
	server := startServer(t, "127.0.0.1:0", ServerOptions{Root: root})
	c := dialRaw(t, server.address)
	c.login()
	c.command("TYPE I", "200")
	c.command("SIZE good", "213 6")
	for _, path := range []string{"file", "link/secret", "../" + filepath.Base(outside) + "/secret", "/../secret", "up/secret", "/link/secret"} {
		c.command("SIZE "+path, "550")
		c.command("MLST "+path, "550")
		c.command("DELE "+path+"x", "550")
	}
	c.command("CWD link", "550")
	c.command("CWD up", "550")
	c.command("MKD link/x", "550")
	c.command("RNFR in/f", "350")
	c.command("RNTO link/f", "550")
	c.command("CWD ..", "250")
	c.command("PWD", `257 "/"`)
	c.command("DELE file", "250") // the link, not what it points to
	c.command("QUIT", "221")
	if b, err := os.ReadFile(filepath.Join(outside, "secret")); err != nil || string(b) != "secret" {
		t.Errorf("outside: %q, %v", b, err)
	}
	list, _, err := server.request(t, "", ftp.ModeUnset, false).List(t.Context(), true)
	if err != nil || string(list) != "good\r\nin\r\n" {
		t.Errorf("list: %q, %v", list, err)
	}
}

// TestPassivePorts: the range of ports is kept to, and used up only by who listens.
func TestPassivePorts(t *testing.T) {
	probe, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := uint16(probe.Addr().(*net.TCPAddr).Port)
	probe.Close()
	config := ftp.DefaultServerConfig()
	config.PasvMinPort, config.PasvMaxPort = port, port
	server := startServer(t, "127.0.0.1:0", ServerOptions{Config: &config})
	a, b := dialRaw(t, server.address), dialRaw(t, server.address)
	a.login()
	b.login()
	a.command("EPSV", "229 Entering Extended Passive Mode "+ftp.Format229(port))
	b.command("EPSV", "425")
	a.command("ABOR", "225")
	b.command("EPSV", "229")
	b.command("QUIT", "221")
	a.command("QUIT", "221")
}

func TestParseURL(t *testing.T) {
	tests := []struct{ url, want string }{
		{"ftp://host", "host:21 anonymous  tls=false"},
		{"ftp://user@host/a/b", "host:21 user a/b tls=false"},
		{"ftp://us%40er:p%3aw@host:2121/%2Fetc/motd;type=i", "host:2121 us@er /etc/motd tls=false"},
		{"ftpes://[::1]:2121/a%20b", "[::1]:2121 anonymous a b tls=true"},
	}
	for _, test := range tests {
		got, err := ParseURL(test.url)
		if err != nil {
			t.Errorf("%s: %v", test.url, err)
			continue
		}
		if s := fmt.Sprintf("%s %s %s tls=%v", got.Address(), got.User, got.Path, got.TLS); s != test.want {
			t.Errorf("%s: %q, want %q", test.url, s, test.want)
		}
	}
	for _, bad := range []string{"http://h/", "ftps://u:hunter2@h/", "ftp:///x", "host", "", "ftp://h/a%0d%0aDELE%20b", "ftp://u:hunter2@h:99999x/"} {
		if got, err := ParseURL(bad); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %+v, %v", bad, got, err)
		}
	}
}
