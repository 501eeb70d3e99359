package live

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// roleVariable makes the test binary one of the programs below instead of the tests.
const roleVariable = "LIVE_TEST_ROLE"

// nextRoleVariable has the role for after the stage.
const nextRoleVariable = "LIVE_TEST_NEXT_ROLE"

func TestMain(m *testing.M) {
	Child()
	switch role := os.Getenv(roleVariable); role {
	case "":
		os.Exit(m.Run())
	case "describe":
		describe()
	case "datagram":
		datagram(os.Args[1])
	case "flood":
		packets, _ := strconv.Atoi(os.Args[2])
		flood(os.Args[1], packets)
	case "answer":
		answer(os.Args[1])
	case "dial":
		net.Dial("tcp", os.Args[1]) // the test looks at its SYN alone
	case "exit":
		status, _ := strconv.Atoi(os.Args[1])
		os.Exit(status)
	case "wait":
		wait()
	case "leave":
		leave()
	case "family":
		members, _ := strconv.Atoi(os.Args[1])
		family(members)
	case "interrupted":
		interrupted()
	case "parent":
		parent(os.Args[1], os.Args[2])
	case "stage":
		stage(os.Args[1], os.Args[2:])
	default:
		cannotPlay("no role %q", role)
	}
}

// cannotPlay ends a role that cannot be played.
func cannotPlay(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(99)
}

// view is what a program sees of its inside.
type view struct {
	Args, Env    []string
	Dir          string
	UID, GID     int
	Capabilities string // the sets in /proc/self/status that are not empty
	OpenFiles    []string
	Host         string
	Interfaces   []interfaceView
	Routes       []string
	Texts        map[string]string // of files
	Lookup       map[string]string // the addresses of a name, or "no such host"
}

type interfaceView struct {
	Name      string
	MTU       int
	Up        bool
	Addresses []string
}

// describe prints what it sees.
func describe() {
	v := view{Args: os.Args, UID: os.Getuid(), GID: os.Getgid(), Texts: map[string]string{}, Lookup: map[string]string{}}
	for _, variable := range os.Environ() {
		if strings.Contains(variable, "LIVE") {
			v.Env = append(v.Env, variable)
		}
	}
	v.Dir, _ = os.Getwd()
	v.Host, _ = os.Hostname()
	v.OpenFiles = openFiles()
	v.Capabilities = capabilities()
	v.Interfaces, v.Routes = network()
	for _, name := range []string{"/etc/hosts", "/proc/sys/net/ipv4/ip_unprivileged_port_start"} {
		text, err := os.ReadFile(name)
		if err != nil {
			cannotPlay("%v", err)
		}
		v.Texts[name] = string(text)
	}
	for _, name := range []string{"client", "server", "ftp.example.net", "localhost", "unknown.example.net"} {
		addresses, err := net.LookupHost(name)
		slices.Sort(addresses)
		v.Lookup[name] = strings.Join(addresses, " ")
		if missing := (&net.DNSError{}); errors.As(err, &missing) && missing.IsNotFound && !missing.IsTemporary {
			v.Lookup[name] = "no such host"
		} else if err != nil {
			v.Lookup[name] = err.Error()
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(v); err != nil {
		cannotPlay("%v", err)
	}
}

// openFiles lists this process's open files beyond the first three, without those of
// Go's own runtime.
func openFiles() []string {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		cannotPlay("%v", err)
	}
	var files []string
	for _, e := range entries {
		target, err := os.Readlink("/proc/self/fd/" + e.Name())
		number, _ := strconv.Atoi(e.Name())
		runtimes := strings.HasPrefix(target, "anon_inode:[event") // epoll and its wake-up
		if err == nil && number > 2 && !runtimes {
			files = append(files, target)
		}
	}
	return files
}

func capabilities() string {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		cannotPlay("%v", err)
	}
	var held []string
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		if slices.Contains([]string{"CapPrm", "CapEff", "CapAmb"}, name) && strings.Trim(value, "0\t\n") != "" {
			held = append(held, name)
		}
	}
	return strings.Join(held, " ")
}

func network() (interfaces []interfaceView, routes []string) {
	links, err := netlink.LinkList()
	if err != nil {
		cannotPlay("%v", err)
	}
	for _, l := range links {
		i := interfaceView{Name: l.Attrs().Name, MTU: l.Attrs().MTU, Up: l.Attrs().Flags&net.FlagUp != 0}
		addresses, err := netlink.AddrList(l, netlink.FAMILY_ALL)
		if err != nil {
			cannotPlay("%v", err)
		}
		for _, a := range addresses {
			tentative := ""
			if a.Flags&unix.IFA_F_TENTATIVE != 0 {
				tentative = " tentative"
			}
			i.Addresses = append(i.Addresses, a.IPNet.String()+tentative)
		}
		slices.Sort(i.Addresses)
		interfaces = append(interfaces, i)
		all, err := netlink.RouteList(l, netlink.FAMILY_ALL)
		if err != nil {
			cannotPlay("%v", err)
		}
		for _, r := range all {
			routes = append(routes, fmt.Sprintf("%v dev %s", r.Dst, i.Name))
		}
	}
	slices.Sort(routes)
	return interfaces, routes
}

// datagram sends "hello" over UDP, from port 1234.
func datagram(to string) {
	peer, err := net.ResolveUDPAddr("udp", to)
	if err != nil {
		cannotPlay("%v", err)
	}
	c, err := net.DialUDP("udp", &net.UDPAddr{Port: 1234}, peer)
	if err != nil {
		cannotPlay("%v", err)
	}
	if _, err := c.Write([]byte("hello")); err != nil {
		cannotPlay("%v", err)
	}
}

// flood sends numbered datagrams as fast as it can.
func flood(to string, packets int) {
	c, err := net.Dial("udp", to)
	if err != nil {
		cannotPlay("%v", err)
	}
	for i := range packets {
		if _, err := c.Write([]byte(strconv.Itoa(i))); err != nil {
			cannotPlay("%v", err)
		}
	}
}

// answer waits for a datagram at the address, prints it, and sends it back.
func answer(at string) {
	c, err := net.ListenPacket("udp", at)
	if err != nil {
		cannotPlay("%v", err)
	}
	fmt.Println("listening")
	b := make([]byte, 65536)
	n, from, err := c.ReadFrom(b)
	if err != nil {
		cannotPlay("%v", err)
	}
	fmt.Printf("%v %s\n", from, b[:n])
	if _, err := c.WriteTo(b[:n], from); err != nil {
		cannotPlay("%v", err)
	}
}

// wait says that it runs, and does until its input ends.
func wait() {
	fmt.Println("waiting")
	bufio.NewReader(os.Stdin).ReadString(0)
}

// leave starts a family of other programs and ends when its input does.
func leave() {
	startFamily(3)
	bufio.NewReader(os.Stdin).ReadString(0)
}

// family starts its descendants and stays; the youngest says that they are all there.
func family(descendants int) {
	if descendants > 0 {
		startFamily(descendants)
	} else {
		fmt.Println("waiting")
	}
	for {
		unix.Pause() // until a signal, and Go's runtime sends some to itself
	}
}

// startFamily starts so many programs, each the child of the one before, in sessions of
// their own as daemons are.
func startFamily(members int) {
	self, _ := os.Executable()
	c := exec.Command(self, strconv.Itoa(members-1))
	c.Env = append(os.Environ(), roleVariable+"=family")
	c.Stdout = os.Stdout
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := c.Start(); err != nil {
		cannotPlay("%v", err)
	}
}

// interrupted waits for SIGINT and exits with 7.
func interrupted() {
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt)
	fmt.Println("waiting")
	<-c
	os.Exit(7)
}

// stage is root in a mount namespace of its own. It makes a system of the kind, and runs
// this executable with the arguments, most often as an ordinary user.
func stage(kind string, args []string) {
	steps := []error{unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")}
	switch kind {
	case "shared": // mounts, and nothing else is different
		steps = append(steps, unix.Mount("", "/", "", unix.MS_REC|unix.MS_SHARED, ""))
	case "limited": // to no user namespaces; the limit is that of the one this process is in
		steps = append(steps, os.WriteFile("/proc/sys/user/max_user_namespaces", []byte("0"), 0), becomeOrdinary())
	case "missing": // /dev/net/tun
		steps = append(steps, replaceDevNet(), becomeOrdinary())
	case "closed":
		steps = append(steps, replaceDevNet(), makeTUN(0o600), becomeOrdinary())
	case "readonly": // /proc/sys
		steps = append(steps, replaceDevNet(), makeTUN(0o666),
			unix.Mount("/proc/sys", "/proc/sys", "", unix.MS_BIND, ""),
			unix.Mount("", "/proc/sys", "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""),
			becomeOrdinary())
	case "open":
		steps = append(steps, replaceDevNet(), makeTUN(0o666), becomeOrdinary())
	default:
		cannotPlay("no stage %q", kind)
	}
	if err := errors.Join(steps...); err != nil {
		cannotPlay("stage: %v", err)
	}
	os.Setenv(roleVariable, os.Getenv(nextRoleVariable))
	self, _ := os.Executable()
	cannotPlay("stage: %v", syscall.Exec(self, append([]string{self}, args...), os.Environ()))
}

func replaceDevNet() error { return unix.Mount("stage", "/dev/net", "tmpfs", 0, "mode=755") }

func makeTUN(mode uint32) error {
	const misc, tun = 10, 200 // Documentation/admin-guide/devices.txt
	err := unix.Mknod("/dev/net/tun", unix.S_IFCHR|mode, int(unix.Mkdev(misc, tun)))
	return errors.Join(err, os.Chmod("/dev/net/tun", os.FileMode(mode)))
}

func becomeOrdinary() error {
	const somebody = 61234 // whom no system has
	return errors.Join(syscall.Setgroups(nil), syscall.Setgid(somebody), syscall.Setuid(somebody))
}

// parent is a process that starts a program, as ftplab does. It leaves signals to it.
func parent(role, path string) {
	signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	p, err := Start(
		Inside{Interface: "eth0", Prefixes: []netip.Prefix{netip.MustParsePrefix("192.0.2.1/24")}},
		Command{Path: path, Env: append(os.Environ(), roleVariable+"="+role), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr},
	)
	if err == nil {
		err = p.Go()
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	status, err := p.Wait()
	if err != nil {
		cannotPlay("%v", err)
	}
	os.Exit(status)
}
