package live

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ftplab/sim/wire"
)

// patience is how long a test waits for what should come at once.
const patience = 30 * time.Second

var (
	client4 = netip.MustParseAddr("192.168.20.2")
	client6 = netip.MustParseAddr("fd00:20::2")
	server4 = netip.MustParseAddr("192.168.10.1")
	server6 = netip.MustParseAddr("fd00:10::1")
)

// noRaceDelay lets a program end at once when the tests run with -race.
const noRaceDelay = "GORACE=atexit_sleep_ms=0"

// dualStack is an inside with both IP versions.
func dualStack() Inside {
	return Inside{
		Interface: "eth0",
		Prefixes:  []netip.Prefix{netip.PrefixFrom(client4, 24), netip.PrefixFrom(client6, 64)},
		Names: []Name{
			{Addr: client4, Names: []string{"client"}},
			{Addr: server4, Names: []string{"server", "ftp.example.net"}},
			{Addr: server6, Names: []string{"server"}},
		},
	}
}

// role is the command that plays one of the roles of TestMain.
func role(t *testing.T, name string, args ...string) Command {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), roleVariable+"="+name, noRaceDelay)
	return Command{Path: self, Args: args, Env: env, Stderr: os.Stderr}
}

// start starts a program that has not begun yet. Where the system does not allow that,
// the test is skipped; with FTPLAB_REQUIRE_PEERS=1 it fails.
func start(t *testing.T, in Inside, c Command) *Program {
	t.Helper()
	p, err := Start(in, c)
	var refused *SetupError
	if errors.As(err, &refused) && os.Getenv("FTPLAB_REQUIRE_PEERS") != "1" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func begin(t *testing.T, p *Program) {
	t.Helper()
	if err := p.Go(); err != nil {
		t.Fatal(err)
	}
}

// wantStatus waits for the program's end.
func wantStatus(t *testing.T, p *Program, want int) {
	t.Helper()
	status, err := p.Wait()
	if err != nil || status != want {
		t.Errorf("status %d, error %v, want %d", status, err, want)
	}
}

// output makes a pipe of which a program has the writing end. Once the program has it,
// release must be called, so that the pipe ends with the program.
func output(t *testing.T) (r *os.File, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	if err := r.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return r, w
}

// readPacket reads the next packet that the program's kernel sends.
func readPacket(t *testing.T, p *Program) []byte {
	t.Helper()
	if err := p.TUN().SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 65536)
	n, err := p.TUN().Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return b[:n]
}

func parse(t *testing.T, b []byte) wire.Packet {
	t.Helper()
	p, err := wire.Parse(b)
	if err != nil {
		t.Fatalf("%v in % x", err, b)
	}
	if p.BadChecksum {
		t.Errorf("bad checksum in % x", b)
	}
	return p
}

// TestAsOrdinaryUser runs the tests of this file again without root's privileges.
func TestAsOrdinaryUser(t *testing.T) {
	if !isPrivileged() {
		t.Skip("only root can become somebody else; the other tests run as the user that there is")
	}
	c := onStage(t, "open", "", "-test.v", "-test.run=^Test(Program|Wire|Status|Start|Nothing|Idle)")
	c.Env = append(c.Env, "FTPLAB_REQUIRE_PEERS=1") // the stage has all that it takes
	text, err := c.CombinedOutput()
	if err != nil || !bytes.Contains(text, []byte("--- PASS: TestProgramSeesItsInside")) {
		t.Errorf("%v\n%s", err, text)
	}
}

// TestAsRootWithSharedMounts has mounts that are shared with other namespaces, as systemd
// makes them: ours must not be.
func TestAsRootWithSharedMounts(t *testing.T) {
	if !isPrivileged() {
		t.Skip("an ordinary user cannot share mounts")
	}
	text, err := onStage(t, "shared", "", "-test.v", "-test.run=^TestNothingIsLeft").CombinedOutput()
	if err != nil || !bytes.Contains(text, []byte("--- PASS: TestNothingIsLeft")) {
		t.Errorf("%v\n%s", err, text)
	}
}

// onStage is this executable in the role, on a stage of the kind.
func onStage(t *testing.T, kind, role string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	// Neither t.TempDir nor the go command's folders are for others to look in.
	folder, err := os.MkdirTemp("", "live")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	copied := filepath.Join(folder, "live.test")
	if err := errors.Join(os.WriteFile(copied, text, 0o755), os.Chmod(copied, 0o755), os.Chmod(folder, 0o755)); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(copied, append([]string{kind}, args...)...)
	c.Dir = "/"
	c.Env = append(os.Environ(), roleVariable+"=stage", nextRoleVariable+"="+role, "TMPDIR=/tmp", "HOME=/", noRaceDelay)
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if kind == "limited" {
		everyone := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 65536}}
		c.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		c.SysProcAttr.UidMappings, c.SysProcAttr.GidMappings = everyone, everyone
		c.SysProcAttr.GidMappingsEnableSetgroups = true
	}
	return c
}

// TestRefusedWithAdvice has the refusals that can be had for real; errors_test.go has
// the others.
func TestRefusedWithAdvice(t *testing.T) {
	if !isPrivileged() {
		t.Skip("only root can make a system that refuses")
	}
	tests := []struct{ stage, want string }{
		{"closed", "chmod 0666 /dev/net/tun"},
		{"missing", "/dev/net/tun is missing: let root run modprobe tun"},
		{"limited", "sysctl user.max_user_namespaces=10000"},
		{"readonly", "/proc/sys is read-only here"},
	}
	for _, tt := range tests {
		t.Run(tt.stage, func(t *testing.T) {
			text, err := onStage(t, tt.stage, "parent", "exit", "/bin/true").CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(string(text), tt.want) || strings.Count(string(text), "\n") != 1 {
				t.Errorf("%v, %q, want status 2 and one line with %q", err, text, tt.want)
			}
		})
	}
}

func TestProgramSeesItsInside(t *testing.T) {
	everyRoute := []string{
		"0.0.0.0/0 dev eth0", "192.168.20.0/24 dev eth0", "::/0 dev eth0", "fd00:20::/64 dev eth0",
	}
	loopback := interfaceView{Name: "lo", MTU: 65536, Up: true, Addresses: []string{"127.0.0.1/8", "::1/128"}}
	dualHosts := "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n192.168.20.2\tclient\n192.168.10.1\tserver ftp.example.net\nfd00:10::1\tserver\n"
	only4 := Inside{Interface: "wan.1", Prefixes: prefixes("192.168.20.2/24"), MTU: 576}
	only6 := Inside{Interface: "eth0", Prefixes: prefixes("fd00:20::2/64"), MTU: 9000}
	noNames := "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
	nobody := map[string]string{"client": "no such host", "server": "no such host", "ftp.example.net": "no such host", "localhost": "127.0.0.1 ::1", "unknown.example.net": "no such host"}
	outside, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name       string
		in         Inside
		host       string
		interfaces []interfaceView
		routes     []string
		hosts      string
		lookup     map[string]string
	}{
		{"both versions", dualStack(), "client",
			[]interfaceView{loopback, {Name: "eth0", MTU: 1500, Up: true, Addresses: []string{"192.168.20.2/24", "fd00:20::2/64"}}},
			everyRoute, dualHosts,
			map[string]string{"client": "192.168.20.2", "server": "192.168.10.1 fd00:10::1", "ftp.example.net": "192.168.10.1", "localhost": "127.0.0.1 ::1", "unknown.example.net": "no such host"}},
		{"IPv4 alone", only4, outside,
			[]interfaceView{loopback, {Name: "wan.1", MTU: 576, Up: true, Addresses: []string{"192.168.20.2/24"}}},
			[]string{"0.0.0.0/0 dev wan.1", "192.168.20.0/24 dev wan.1"}, noNames, nobody},
		{"IPv6 alone", only6, outside,
			[]interfaceView{loopback, {Name: "eth0", MTU: 9000, Up: true, Addresses: []string{"fd00:20::2/64"}}},
			[]string{"::/0 dev eth0", "fd00:20::/64 dev eth0"}, noNames, nobody},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := role(t, "describe", "--flag", "two words", "")
			c.Dir = "/"
			r, w := output(t)
			c.Stdout = w
			p := start(t, tt.in, c)
			w.Close()
			begin(t, p)
			began := time.Now()
			var got view
			if err := json.NewDecoder(r).Decode(&got); err != nil {
				t.Fatal(err)
			}
			wantStatus(t, p, 0)
			// A name server that does not answer takes five seconds.
			if took := time.Since(began); took > 4*time.Second {
				t.Errorf("the program took %v to look up five names", took)
			}
			want := view{
				Args: append([]string{c.Path}, c.Args...), Env: []string{roleVariable + "=describe"}, Dir: "/",
				UID: os.Getuid(), GID: os.Getgid(), Host: tt.host,
				OpenFiles: inheritedFiles(t), Interfaces: tt.interfaces, Routes: tt.routes, Lookup: tt.lookup,
				Texts: map[string]string{"/etc/hosts": tt.hosts, "/proc/sys/net/ipv4/ip_unprivileged_port_start": "0\n"},
			}
			if os.Geteuid() == 0 {
				want.Capabilities = "CapPrm CapEff"
			}
			got.Env = ours(got.Env)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the program sees (-want +got):\n%s", diff)
			}
		})
	}
}

// inheritedFiles are those that any program finds open that is started here.
func inheritedFiles(t *testing.T) []string {
	t.Helper()
	self := role(t, "describe")
	c := exec.Command(self.Path)
	c.Env, c.Stderr = self.Env, os.Stderr
	text, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	var got view
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	return got.OpenFiles
}

// ours leaves out what the stage added to the environment.
func ours(env []string) []string {
	var left []string
	for _, variable := range env {
		if !strings.HasPrefix(variable, nextRoleVariable) {
			left = append(left, variable)
		}
	}
	return left
}

func TestWireOut(t *testing.T) {
	tests := []struct {
		name     string
		src, dst netip.Addr
		ttl      uint8
	}{
		{"IPv4", client4, server4, 64},
		{"IPv6", client6, server6, 64},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := start(t, dualStack(), role(t, "datagram", netip.AddrPortFrom(tt.dst, 9).String()))
			begin(t, p)
			b := readPacket(t, p)
			got := parse(t, b)
			want := wire.Packet{
				Src: tt.src, Dst: tt.dst, SrcPort: 1234, DstPort: 9, TTL: tt.ttl, Protocol: wire.UDP,
				ID:      got.ID, // the kernel's choice
				Payload: []byte("hello"),
			}
			octets := want.Append(nil)
			if tt.dst.Is6() {
				copy(octets[1:4], b[1:4]) // so is the flow label (RFC 6437)
			} else {
				octets[6] |= 0x40 // the kernel looks for the path's MTU (RFC 1191)
				checkHeader(t, b)
				copy(octets[10:12], b[10:12])
			}
			if !bytes.Equal(b, octets) {
				t.Errorf("read  % x\nwant  % x", b, octets)
			}
			wantStatus(t, p, 0)
		})
	}
}

// checkHeader adds up the header of an IPv4 packet (RFC 791, section 3.1).
func checkHeader(t *testing.T, b []byte) {
	t.Helper()
	var sum uint32
	for i := 0; i < 20; i += 2 {
		sum += uint32(b[i])<<8 | uint32(b[i+1])
	}
	if sum>>16+sum&0xffff != 0xffff {
		t.Errorf("bad header checksum in % x", b)
	}
}

// TestWireSYN: RFC 9293, section 3.7.1. The TCP is the kernel's with its own options.
func TestWireSYN(t *testing.T) {
	p := start(t, dualStack(), role(t, "dial", "ftp.example.net:21"))
	begin(t, p)
	syn := parse(t, readPacket(t, p))
	if syn.Flags != wire.SYN || syn.DstEndpoint() != netip.AddrPortFrom(server4, 21) || syn.Src != client4 {
		t.Errorf("%v, want a SYN to port 21 of the server", &syn)
	}
	if syn.Options.MSS != 1460 {
		t.Errorf("MSS %d, want 1460 for an MTU of 1500", syn.Options.MSS)
	}
	reset := wire.Packet{
		Src: syn.Dst, Dst: syn.Src, SrcPort: syn.DstPort, DstPort: syn.SrcPort, TTL: 64, Protocol: wire.TCP,
		Flags: wire.RST | wire.ACK, Ack: syn.Seq + 1,
	}
	if _, err := p.TUN().Write(reset.Append(nil)); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, p, 0) // without the RST it would wait for two minutes
}

func TestWireIn(t *testing.T) {
	for _, tt := range []struct {
		name     string
		src, dst netip.Addr
	}{{"IPv4", server4, client4}, {"IPv6", server6, client6}} {
		t.Run(tt.name, func(t *testing.T) {
			// Port 21 is one that only root has elsewhere.
			c := role(t, "answer", netip.AddrPortFrom(tt.dst, 21).String())
			r, w := output(t)
			c.Stdout = w
			p := start(t, dualStack(), c)
			w.Close()
			begin(t, p)
			lines := bufio.NewReader(r)
			if line, err := lines.ReadString('\n'); err != nil || line != "listening\n" {
				t.Fatalf("%q, %v", line, err)
			}
			payload := bytes.Repeat([]byte("0123456789"), 140)
			sent := wire.Packet{Src: tt.src, Dst: tt.dst, SrcPort: 4000, DstPort: 21, TTL: 60, Protocol: wire.UDP, Payload: payload}
			if _, err := p.TUN().Write(sent.Append(nil)); err != nil {
				t.Fatal(err)
			}
			want := fmt.Sprintf("%v %s\n", sent.SrcEndpoint(), payload)
			if line, err := lines.ReadString('\n'); err != nil || line != want {
				t.Errorf("received %q, %v, want %q", line, err, want)
			}
			back := parse(t, readPacket(t, p))
			if back.SrcEndpoint() != sent.DstEndpoint() || back.DstEndpoint() != sent.SrcEndpoint() || !bytes.Equal(back.Payload, payload) {
				t.Errorf("answered %v", &back)
			}
			wantStatus(t, p, 0)
		})
	}
}

// TestWireKeepsAll: when nobody reads for a while, what the program sends must not be
// lost here, where no report could say why.
func TestWireKeepsAll(t *testing.T) {
	const packets = 5000
	p := start(t, dualStack(), role(t, "flood", netip.AddrPortFrom(server4, 9).String(), fmt.Sprint(packets)))
	begin(t, p)
	wantStatus(t, p, 0)
	for i := range packets {
		if got := parse(t, readPacket(t, p)); string(got.Payload) != fmt.Sprint(i) {
			t.Fatalf("read datagram %q, want %d", got.Payload, i)
		}
	}
}

// TestStartMany has programs side by side, each with the same addresses, and calls all
// that may be called by several goroutines at once.
func TestStartMany(t *testing.T) {
	var all sync.WaitGroup
	for range 4 {
		c := role(t, "wait")
		input, _ := output(t)
		c.Stdin = input
		p := start(t, dualStack(), c)
		begin(t, p)
		for _, do := range []func(){
			func() { wantStatus(t, p, 128+15) },
			func() {
				if err := p.Signal(syscall.SIGTERM); err != nil {
					t.Error(err)
				}
				if status, err := p.Wait(); status != 128+15 || err != nil {
					t.Errorf("status %d, error %v", status, err)
				}
				p.Close()
			},
		} {
			all.Go(do)
		}
	}
	all.Wait()
}

// TestIdleIsSilent: no router is solicited, no group joined, no address probed.
func TestIdleIsSilent(t *testing.T) {
	for _, in := range []Inside{dualStack(), {Interface: "eth0", Prefixes: prefixes("192.168.20.2/24")}} {
		c := role(t, "wait")
		input, stdin := output(t)
		c.Stdin = input
		p := start(t, in, c)
		begin(t, p)
		if err := p.TUN().SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 65536)
		if n, err := p.TUN().Read(b); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read % x, %v from an idle program", b[:n], err)
		}
		stdin.Close()
		wantStatus(t, p, 0)
	}
}

func TestStatus(t *testing.T) {
	for _, want := range []int{0, 1, 42, 255} {
		p := start(t, dualStack(), role(t, "exit", fmt.Sprint(want)))
		begin(t, p)
		wantStatus(t, p, want)
		wantStatus(t, p, want) // and again
		if err := p.Signal(os.Interrupt); !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("a signal after the end: %v", err)
		}
	}
}

func TestStatusAfterSignal(t *testing.T) {
	tests := []struct {
		role   string
		signal syscall.Signal
		want   int
	}{
		{"wait", syscall.SIGTERM, 128 + 15},
		{"wait", syscall.SIGKILL, 128 + 9},
		{"wait", syscall.SIGINT, 128 + 2},
		{"interrupted", syscall.SIGINT, 7},
	}
	for _, tt := range tests {
		t.Run(tt.role+" "+tt.signal.String(), func(t *testing.T) {
			c := role(t, tt.role)
			input, _ := output(t)
			c.Stdin = input
			r, w := output(t)
			c.Stdout = w
			p := start(t, dualStack(), c)
			w.Close()
			begin(t, p)
			if line, err := bufio.NewReader(r).ReadString('\n'); err != nil || line != "waiting\n" {
				t.Fatalf("%q, %v", line, err)
			}
			if err := p.Signal(tt.signal); err != nil {
				t.Fatal(err)
			}
			wantStatus(t, p, tt.want)
		})
	}
}

// TestStatusOfNoProgram: what cannot be run is reported as a shell does, before or
// after the network was made.
func TestStatusOfNoProgram(t *testing.T) {
	folder := t.TempDir()
	script := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tests := []struct {
		name, path string
		status     int
		want       string
	}{
		{"not in PATH", "ftplab-no-such-program", 127, "ftplab-no-such-program: no such program in PATH"},
		{"no such file", "./no-such-file", 127, "./no-such-file: no such file or directory"},
		{"below a file", "/etc/hosts/x", 127, "/etc/hosts/x: not a directory"},
		{"not executable", script("plain", "text", 0o644), 126, "plain: permission denied"},
		{"a folder", folder, 126, "permission denied"},
		{"no program", script("garbage", "garbage", 0o755), 126, "names its interpreter after #!"},
		{"no interpreter", script("lost", "#!/no/such/interpreter\n", 0o755), 127, "lost: the interpreter that it asks for is missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := Command{Path: tt.path, Dir: folder}
			p, err := Start(dualStack(), c)
			if err == nil {
				defer p.Close()
				err = p.Go()
				wantStatus(t, p, tt.status)
			}
			var refused *SetupError
			if errors.As(err, &refused) {
				start(t, dualStack(), c) // skips, or fails
			}
			var failed *CommandError
			if !errors.As(err, &failed) || failed.Status != tt.status || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want status %d and %q", err, tt.status, tt.want)
			}
		})
	}
}

func TestStartRejects(t *testing.T) {
	tests := []struct {
		name string
		in   Inside
		c    Command
		want string
	}{
		{"an inside that cannot be", Inside{Interface: "eth0"}, Command{Path: "/bin/true"}, "needs an address"},
		{"no program", dualStack(), Command{}, "no program to run"},
		{"no folder", dualStack(), Command{Path: "/bin/true", Dir: "/no/such/folder"}, "the program's working directory: stat /no/such/folder: no such file"},
		{"a file as folder", dualStack(), Command{Path: "/bin/true", Dir: "/etc/hosts"}, "/etc/hosts is not a directory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Start(tt.in, tt.c)
			if err == nil {
				p.Close()
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

// TestStartAlone: a program that was never told to begin ends with Close.
func TestStartAlone(t *testing.T) {
	p := start(t, dualStack(), role(t, "exit", "0"))
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, p, 128+9)
	if err := p.Go(); err == nil {
		t.Error("a program began after Close")
	}
	if err := p.Close(); err != nil {
		t.Errorf("the second Close: %v", err)
	}
}

// startParent starts ftplab, as it were, with a program that plays the role and has said
// that it waits. It is the leader of a process group, as a shell would have it.
func startParent(t *testing.T, program string) (parent *exec.Cmd, stdout io.Reader) {
	t.Helper()
	start(t, dualStack(), role(t, "exit", "0")) // skips where it is not allowed
	input, _ := output(t)
	r, w := output(t)
	self := role(t, "parent")
	parent = exec.Command(self.Path, program, self.Path)
	parent.Env, parent.Stdin, parent.Stdout, parent.Stderr = self.Env, input, w, os.Stderr
	parent.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() {
		parent.Process.Kill()
		parent.Wait()
	})
	lines := bufio.NewReader(r)
	if line, err := lines.ReadString('\n'); err != nil || line != "waiting\n" {
		t.Fatalf("%q, %v", line, err)
	}
	return parent, lines
}

// TestProgramDiesWithItsParent kills ftplab with SIGKILL.
func TestProgramDiesWithItsParent(t *testing.T) {
	parent, stdout := startParent(t, "wait")
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	// The pipe ends when nobody has it any more.
	if rest, err := io.ReadAll(stdout); err != nil || len(rest) > 0 {
		t.Errorf("the program lives on: %q, %v", rest, err)
	}
}

// TestProgramDecidesOnInterrupt signals all processes of the group, as a terminal does.
func TestProgramDecidesOnInterrupt(t *testing.T) {
	parent, _ := startParent(t, "interrupted")
	if err := syscall.Kill(-parent.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := parent.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Errorf("%v, want the program's own status 7", err)
	}
}

// TestNothingRunsOn: what the program has started ends with it, and all with Close.
func TestNothingRunsOn(t *testing.T) {
	for _, closed := range []bool{false, true} {
		c := role(t, "leave")
		input, stdin := output(t)
		c.Stdin = input
		r, w := output(t)
		c.Stdout = w
		p := start(t, dualStack(), c)
		w.Close()
		begin(t, p)
		lines := bufio.NewReader(r)
		if line, err := lines.ReadString('\n'); err != nil || line != "waiting\n" {
			t.Fatalf("%q, %v", line, err)
		}
		if closed {
			p.Close()
			wantStatus(t, p, 128+9)
		} else {
			stdin.Close()
			wantStatus(t, p, 0)
		}
		// The pipe has ended, because nobody has it any more.
		if err := r.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := lines.ReadByte(); !errors.Is(err, io.EOF) {
			t.Errorf("closed: %t: what the program left lives on: %v", closed, err)
		}
	}
}

// TestNothingIsLeft counts files and goroutines, and looks for mounts, before and after.
func TestNothingIsLeft(t *testing.T) {
	once := func() {
		p := start(t, dualStack(), role(t, "exit", "3"))
		noMounts(t)
		begin(t, p)
		wantStatus(t, p, 3)
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	once() // the runtime's own files and threads are there from now on
	files, goroutines := len(openFiles()), runtime.NumGoroutine()
	for range 5 {
		once()
		if p, err := Start(dualStack(), Command{Path: "/no/such/program"}); err == nil {
			if p.Go() == nil {
				t.Error("there is a program /no/such/program")
			}
			p.Close()
		}
	}
	if now := openFiles(); len(now) != files {
		t.Errorf("%d files were open, now %d: %q", files, len(now), now)
	}
	if now := runtime.NumGoroutine(); now > goroutines {
		t.Errorf("%d goroutines, before %d", now, goroutines)
	}
	noMounts(t)
}

// noMounts sees that nothing of the inside is mounted outside.
func noMounts(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, mountSource+" ") {
			t.Errorf("mounted outside: %s", line)
		}
	}
}

// TestChildMindsTheMachine: the variable alone, outside of a new namespace, does nothing.
func TestChildMindsTheMachine(t *testing.T) {
	before, err := os.ReadFile("/etc/hosts")
	if err != nil {
		t.Fatal(err)
	}
	marker, err := json.Marshal(order{Inside: dualStack(), Executable: "/bin/true", OutsideNetwork: networkNamespace()})
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{string(marker), "", "{", "1"} {
		self := role(t, "exit", "0")
		c := exec.Command(self.Path, self.Path, "0")
		c.Env = append(self.Env, insideVariable+"="+value)
		var exit *exec.ExitError
		if err := c.Run(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
			t.Errorf("%q: %v, want status 1", value, err)
		}
	}
	after, err := os.ReadFile("/etc/hosts")
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("/etc/hosts is another: %v", err)
	}
}

// TestWireOutlivesTheProgram: after the program's end the network stays until Close,
// so that its connections end in order.
func TestWireOutlivesTheProgram(t *testing.T) {
	p := start(t, dualStack(), role(t, "exit", "0"))
	begin(t, p)
	wantStatus(t, p, 0)
	// The kernel still answers: nobody listens there (RFC 9293, section 3.10.7.1).
	syn := wire.Packet{Src: server4, Dst: client4, SrcPort: 4000, DstPort: 21, TTL: 60, Protocol: wire.TCP, Flags: wire.SYN, Seq: 1, Window: 65535}
	if _, err := p.TUN().Write(syn.Append(nil)); err != nil {
		t.Fatal(err)
	}
	if reset := parse(t, readPacket(t, p)); reset.Flags != wire.RST|wire.ACK || reset.Ack != 2 {
		t.Errorf("%v, want a reset", &reset)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.TUN().Write(syn.Append(nil)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a write after Close: %v", err)
	}
}
