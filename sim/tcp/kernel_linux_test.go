package tcp

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ftplab/sim/event"
	"ftplab/sim/wire"
)

// needKernel skips the test where there is no real kernel to talk to: it takes root, ip
// and TUN devices. With FTPLAB_REQUIRE_PEERS=1 that is a failure.
func needKernel(t testing.TB) {
	t.Helper()
	missing := ""
	if _, err := exec.LookPath("ip"); err != nil {
		missing = "ip is not installed"
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		missing = "there is no /dev/net/tun"
	}
	if os.Geteuid() != 0 {
		missing = "not root"
	}
	if missing == "" {
		return
	}
	if os.Getenv("FTPLAB_REQUIRE_PEERS") == "1" {
		t.Fatalf("the real kernel is required: %s", missing)
	}
	t.Skipf("no real kernel to talk to: %s", missing)
}

// The addresses of the kernel and of us, beyond its TUN device.
var (
	kernelIPs = [2]netip.Addr{netip.MustParseAddr("10.9.0.1"), netip.MustParseAddr("fd09::1")}
	ourIPs    = [2]netip.Addr{netip.MustParseAddr("10.9.0.2"), netip.MustParseAddr("fd09::2")}
)

// kernelNet is a link, in real time, between Conns and the TCP of a real kernel. One
// goroutine runs all of it but the kernel's applications.
type kernelNet struct {
	t              testing.TB
	inside         chan func() // to be run by a thread in the namespace: it makes sockets
	namespace, tun int         // descriptors
	start          time.Time
	now            event.Time // of the batch in hand
	queue          event.Queue
	flying         []wire.Packet // by index of the queue's items
	free           []uint64
	octets         []byte
	nodes          map[uint16]*kernelPeer // by our port
	order          []*kernelPeer
	checks         bool // of what must hold, after each step
}

// kernelPeer is one of our connections with the kernel, and its application.
type kernelPeer struct {
	c    *Conn
	addr netip.AddrPort
	cfg  Config
	fate func(toKernel bool, p *wire.Packet) fate
	// step lets the application do what it can, and returns when it wants to do more.
	step   func(now event.Time, c *Conn) event.Time
	stepAt event.Time
	// cross makes the connection when the kernel's SYN has left, for a simultaneous open.
	cross func(now event.Time) *Conn
}

const (
	arrivesHere = iota
	arrivesInKernel
)

// newKernelNet makes a network namespace with a TUN device. With minRTO, "10ms", the
// kernel repeats sooner than after its usual 200 ms.
func newKernelNet(t testing.TB, minRTO string) *kernelNet {
	t.Helper()
	k := &kernelNet{t: t, inside: make(chan func()), start: time.Now(), octets: make([]byte, 1<<16), nodes: map[uint16]*kernelPeer{}}
	ready := make(chan error)
	go func() {
		runtime.LockOSThread() // for ever: the thread ends with its goroutine, and the namespace with both
		ready <- k.open(minRTO)
		for f := range k.inside {
			f()
		}
	}()
	if err := <-ready; errors.Is(err, unix.EPERM) && os.Getenv("FTPLAB_REQUIRE_PEERS") != "1" {
		t.Skipf("no real kernel to talk to: %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		close(k.inside)
		unix.Close(k.tun)
		unix.Close(k.namespace)
	})
	return k
}

func (k *kernelNet) open(minRTO string) error {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("unshare: %w", err)
	}
	var err error
	if k.namespace, err = unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
		return err
	}
	if k.tun, err = unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0); err != nil {
		return fmt.Errorf("/dev/net/tun: %w", err)
	}
	request, err := unix.NewIfreq("tun0")
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(k.tun, unix.TUNSETIFF, request); err != nil {
		return fmt.Errorf("TUNSETIFF: %w", err)
	}
	batch := fmt.Sprintf("addr add %v/24 dev tun0\naddr add %v/64 dev tun0 nodad\nlink set tun0 up txqueuelen 10000\n", kernelIPs[0], kernelIPs[1])
	if minRTO != "" {
		batch += fmt.Sprintf("route add %v/32 dev tun0 rto_min %s\nroute add %v/128 dev tun0 rto_min %s\n", ourIPs[0], minRTO, ourIPs[1], minRTO)
	}
	ip := exec.Command("ip", "-batch", "-")
	ip.Stdin = strings.NewReader(batch)
	if output, err := ip.CombinedOutput(); err != nil {
		return fmt.Errorf("ip: %w\n%s", err, output)
	}
	return nil
}

// do runs f where its sockets are the namespace's.
func (k *kernelNet) do(f func()) {
	done := make(chan struct{})
	k.inside <- func() { f(); close(done) }
	<-done
}

// spawn dials from the namespace without waiting, and hands over the connection. It takes a
// thread of its own, which joins the namespace.
func (k *kernelNet) spawn(dial func() (net.Conn, error), then func(net.Conn, error)) {
	go func() {
		runtime.LockOSThread()
		if err := unix.Setns(k.namespace, unix.CLONE_NEWNET); err != nil {
			then(nil, err)
			return
		}
		then(dial())
	}()
}

// add lets a peer take part; its connection begins when there is one, or with a SYN.
func (k *kernelNet) add(p *kernelPeer) {
	k.nodes[p.addr.Port()] = p
	k.order = append(k.order, p)
}

// run carries segments until finished says so, or patience is over.
func (k *kernelNet) run(patience time.Duration, finished func() bool) {
	k.t.Helper()
	for end := time.Now().Add(patience); !finished(); {
		if time.Now().After(end) {
			for _, p := range k.order {
				if p.c != nil && !p.c.Dead() {
					k.t.Logf("port %d: %+v", p.addr.Port(), p.c.Info())
				}
			}
			k.t.Fatalf("not finished after %v", patience)
		}
		k.now = event.Time(time.Since(k.start))
		k.deliver()
		next := k.now.Add(20 * time.Millisecond)
		for _, p := range k.order {
			if p.c != nil {
				k.settle(p)
				next = min(next, p.c.Deadline(), p.stepAt)
			}
		}
		if k.queue.Len() > 0 {
			next = min(next, k.queue.NextAt())
		}
		k.wait(next)
		k.receive()
	}
}

// wait returns when the kernel has sent something, or at the time of the next event.
func (k *kernelNet) wait(next event.Time) {
	timeout := unix.NsecToTimespec(max(0, int64(next)-int64(time.Since(k.start))))
	_, err := unix.Ppoll([]unix.PollFd{{Fd: int32(k.tun), Events: unix.POLLIN}}, &timeout, nil)
	if err != nil && !errors.Is(err, unix.EINTR) {
		k.t.Fatal("poll:", err)
	}
}

// receive takes what the kernel has sent.
func (k *kernelNet) receive() {
	k.now = event.Time(time.Since(k.start))
	for {
		n, err := unix.Read(k.tun, k.octets)
		if errors.Is(err, unix.EAGAIN) {
			return
		}
		if err != nil {
			k.t.Fatal("read:", err)
		}
		p, err := wire.Parse(slices.Clone(k.octets[:n]))
		if err != nil || p.BadChecksum {
			k.t.Fatalf("the kernel sent what cannot be read: %v %v", &p, err)
		}
		if peer := k.nodes[p.DstPort]; p.Protocol == wire.TCP && peer != nil {
			if k.checks {
				k.checkOctets(&p, k.octets[:n])
			}
			if peer.c == nil && peer.cross != nil {
				peer.c = peer.cross(k.now)
				k.settle(peer)
			}
			k.carry(peer, arrivesHere, &p)
		}
	}
}

// checkOctets compares what we would have written for a segment of the kernel's with its
// own octets: all its options, in its order and with its padding.
func (k *kernelNet) checkOctets(p *wire.Packet, octets []byte) {
	header := len(octets) - 20 - p.Options.Len() - len(p.Payload)
	ours := p.Append(nil)
	if sum := header + 16; header >= 20 && bytes.Equal(ours[sum:sum+2], []byte{0, 0}) && bytes.Equal(octets[sum:sum+2], []byte{0xff, 0xff}) {
		// A checksum that comes to 0 Linux writes as the other zero of ones' complement
		// (skb_checksum_help, CSUM_MANGLED_0), as UDP has to.
		copy(ours[sum:], octets[sum:sum+2])
	}
	if header < 20 || !bytes.Equal(ours[header:], octets[header:]) {
		k.t.Fatalf("the kernel's segment is\n%x, we would write it as\n%x", octets, ours)
	}
}

// carry hands a segment to the network.
func (k *kernelNet) carry(peer *kernelPeer, where uint32, p *wire.Packet) {
	for _, delay := range peer.fate(where == arrivesInKernel, p) {
		if len(k.free) == 0 {
			k.free = append(k.free, uint64(len(k.flying)))
			k.flying = append(k.flying, wire.Packet{})
		}
		i := k.free[len(k.free)-1]
		k.free = k.free[:len(k.free)-1]
		k.flying[i] = *p
		k.queue.Push(k.now.Add(delay), where, i)
	}
}

// deliver lets what is due arrive.
func (k *kernelNet) deliver() {
	for k.queue.Len() > 0 && k.queue.NextAt() <= k.now {
		item := k.queue.Pop()
		p := k.flying[item.Index]
		k.flying[item.Index] = wire.Packet{}
		k.free = append(k.free, item.Index)
		if item.Kind == arrivesInKernel {
			k.octets = p.Append(k.octets[:0])[:cap(k.octets)]
			if _, err := unix.Write(k.tun, k.octets[:p.Len()]); err != nil {
				k.t.Fatal("write:", err)
			}
			continue
		}
		k.arrive(k.nodes[p.DstPort], &p)
	}
}

// arrive is what a host does with a segment.
func (k *kernelNet) arrive(peer *kernelPeer, p *wire.Packet) {
	isSYN := p.Flags&(wire.SYN|wire.ACK|wire.RST) == wire.SYN
	switch {
	case peer.c == nil && isSYN:
		peer.c = Accept(k.now, p, p.Seq*3, peer.cfg)
	case peer.c == nil || peer.c.State() == Closed:
		if r, ok := ResetFor(p); ok {
			k.carry(peer, arrivesInKernel, &r)
		}
		return
	default:
		peer.c.Receive(k.now, p)
	}
	k.settle(peer)
}

// settle lets timers go off, the application run and segments leave.
func (k *kernelNet) settle(peer *kernelPeer) {
	c := peer.c
	if c.Deadline() <= k.now {
		c.Tick(k.now)
	}
	k.emit(peer)
	peer.stepAt = peer.step(k.now, c)
	k.emit(peer)
	if k.checks {
		checkInvariants(k.t, c)
	}
}

func (k *kernelNet) emit(peer *kernelPeer) {
	var p wire.Packet
	for {
		if _, ok := peer.c.Emit(k.now, &p); !ok {
			return
		}
		k.carry(peer, arrivesInKernel, &p)
	}
}
