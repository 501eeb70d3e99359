package firewall_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"ftplab/sim/firewall"
	"ftplab/sim/wire"
)

// kernelRouter is a real Linux router: a network namespace of this thread, a TUN device
// for each interface, and real rules.
type kernelRouter struct {
	config *firewall.Config
	tun    []int // by interface
	log    int   // netlink socket of the state reports
	reset  int   // netlink socket to empty the tables
	buffer []byte
}

// observer reports the connection state of every packet after tracking. It is loaded
// only beside rules that track connections, as it makes the kernel track.
const observer = `table inet observer {
  chain state { type filter hook prerouting priority -199; policy accept;
    ct state invalid log group 5 queue-threshold 1 snaplen 1 prefix "invalid"
    ct state untracked log group 5 queue-threshold 1 snaplen 1 prefix "untracked"
    ct state new log group 5 queue-threshold 1 snaplen 1 prefix "new"
    ct state established ct direction original log group 5 queue-threshold 1 snaplen 1 prefix "established"
    ct state established ct direction reply log group 5 queue-threshold 1 snaplen 1 prefix "established reply"
    ct state related ct direction original log group 5 queue-threshold 1 snaplen 1 prefix "related"
    ct state related ct direction reply log group 5 queue-threshold 1 snaplen 1 prefix "related reply"
  }
}
`

// newKernelRouter moves the calling thread, which must be locked to its goroutine and
// end with it, into a namespace of its own.
func newKernelRouter(config *firewall.Config, rules, dialect string, sysctl map[string]int) (*kernelRouter, error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return nil, fmt.Errorf("unshare: %w", err)
	}
	k := &kernelRouter{config: config, buffer: make([]byte, 1<<16)}
	batch := "link set lo up\n"
	for _, in := range config.Interfaces {
		fd, err := openTUN(in.Name)
		if err != nil {
			return nil, err
		}
		k.tun = append(k.tun, fd)
		if err := writeSysctl("net/ipv6/conf/"+in.Name+"/addr_gen_mode", 1); err != nil {
			return nil, err
		}
		for _, p := range in.Prefixes {
			batch += fmt.Sprintf("addr add %s dev %s", p, in.Name)
			if p.Addr().Is6() {
				batch += " nodad" // else it cannot be a source until a busy kernel has time
			}
			batch += "\n"
		}
		batch += "link set " + in.Name + " up\n"
	}
	for _, r := range config.Routes {
		batch += fmt.Sprintf("route add %s dev %s\n", r.Dst, config.Interfaces[r.Interface].Name)
	}
	settings := map[string]int{
		"net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1, "net.ipv4.conf.all.rp_filter": 0,
		"net.ipv4.conf.default.rp_filter": 0, "net.ipv4.conf.all.send_redirects": 0,
		"net.ipv4.icmp_ratelimit": 0, "net.ipv6.icmp.ratelimit": 0,
		"net.ipv4.icmp_msgs_per_sec": 1 << 30, "net.ipv4.icmp_msgs_burst": 1 << 30,
	}
	for _, in := range config.Interfaces {
		settings["net.ipv4.conf."+in.Name+".rp_filter"] = 0
		settings["net.ipv4.conf."+in.Name+".send_redirects"] = 0
	}
	for name, value := range settings {
		if err := writeSysctl(strings.ReplaceAll(name, ".", "/"), value); err != nil {
			return nil, err
		}
	}
	if err := feed(batch, "ip", "-batch", "-"); err != nil {
		return nil, err
	}
	if err := k.load(rules, dialect); err != nil {
		return nil, err
	}
	for name, value := range sysctl { // some exist only once connections are tracked
		if err := writeSysctl(strings.ReplaceAll(name, ".", "/"), value); err != nil {
			return nil, err
		}
	}
	k.drain()
	return k, nil
}

func (k *kernelRouter) load(rules, dialect string) error {
	if k.config.Rules.UsesConntrack {
		if err := k.openSockets(); err != nil {
			return err
		}
		if err := feed(observer, "nft", "-f", "-"); err != nil {
			return err
		}
	}
	if dialect == "iptables" {
		return feed(rules, "iptables-restore")
	}
	return feed(rules, "nft", "-f", "-")
}

func openTUN(name string) (int, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("/dev/net/tun: %w", err)
	}
	request, err := unix.NewIfreq(name)
	if err != nil {
		return -1, err
	}
	request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		return -1, fmt.Errorf("TUNSETIFF %s: %w", name, err)
	}
	return fd, nil
}

func writeSysctl(name string, value int) error {
	return os.WriteFile("/proc/sys/"+name, []byte(fmt.Sprint(value)), 0)
}

func feed(input string, command ...string) error {
	c := exec.Command(command[0], command[1:]...)
	c.Stdin = strings.NewReader(input)
	if output, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(command, " "), err, output)
	}
	return nil
}

func (k *kernelRouter) close() {
	for _, fd := range k.tun {
		unix.Close(fd)
	}
	if k.log != 0 {
		unix.Close(k.log)
		unix.Close(k.reset)
	}
}

// Netlink of netfilter (linux/netfilter/nfnetlink*.h).
const (
	subsystemConntrack   = 1
	subsystemExpectation = 2
	subsystemLog         = 4
	deleteMessage        = 2 // of conntrack and expectations
	logConfig            = 1
	logGroup             = 5
	logPrefix            = 10
)

func (k *kernelRouter) openSockets() (err error) {
	for _, fd := range []*int{&k.log, &k.reset} {
		*fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
		if err != nil {
			return fmt.Errorf("netlink: %w", err)
		}
		if err := unix.Bind(*fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
			return err
		}
	}
	bind := []byte{5, 0, 1, 0, 1, 0, 0, 0} // NFULA_CFG_CMD: bind
	if err := k.request(k.log, subsystemLog<<8|logConfig, logGroup, bind); err != nil {
		return err
	}
	mode := []byte{10, 0, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0} // NFULA_CFG_MODE: one octet of the packet
	threshold := []byte{8, 0, 5, 0, 0, 0, 0, 1}         // NFULA_CFG_QTHRESH: report each at once
	if err := k.request(k.log, subsystemLog<<8|logConfig, logGroup, append(mode, threshold...)); err != nil {
		return err
	}
	return unix.SetNonblock(k.log, true)
}

// request sends a netfilter message and waits for its acknowledgement.
func (k *kernelRouter) request(fd int, kind, resource uint16, attributes []byte) error {
	m := make([]byte, 20, 20+len(attributes))
	m = append(m, attributes...)
	binary.NativeEndian.PutUint32(m, uint32(len(m)))
	binary.NativeEndian.PutUint16(m[4:], kind)
	binary.NativeEndian.PutUint16(m[6:], unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	m[16] = unix.AF_UNSPEC
	binary.BigEndian.PutUint16(m[18:], resource)
	if _, err := unix.Write(fd, m); err != nil {
		return err
	}
	n, err := unix.Read(fd, k.buffer)
	if err != nil {
		return err
	}
	if n >= 20 {
		if code := int32(binary.NativeEndian.Uint32(k.buffer[16:])); code != 0 {
			return fmt.Errorf("netlink message %#x: %w", kind, unix.Errno(-code))
		}
	}
	return nil
}

// flush empties the expectations and the connection table.
func (k *kernelRouter) flush() error {
	if k.log == 0 {
		return nil
	}
	if err := k.request(k.reset, subsystemExpectation<<8|deleteMessage, 0, nil); err != nil {
		return err
	}
	return k.request(k.reset, subsystemConntrack<<8|deleteMessage, 0, nil)
}

// emission is a packet that left the router.
type emission struct {
	out    int
	octets []byte
	packet wire.Packet
}

// inject hands the router a packet and returns what left it and the state it was given,
// "" if none was reported. Mostly all of it is there when the write returns, but a busy
// kernel leaves the work to a thread: expected says how many packets to wait for.
func (k *kernelRouter) inject(in int, octets []byte, expected int) (left []emission, state string, err error) {
	if _, err := unix.Write(k.tun[in], octets); err != nil {
		return nil, "", fmt.Errorf("write: %w", err)
	}
	if k.log != 0 {
		if state, err = k.readState(); err != nil {
			return nil, "", err
		}
	}
	for {
		more, err := k.drain()
		if err != nil {
			return nil, "", err
		}
		left = append(left, more...)
		if len(left) >= expected || !wait(k.tun...) {
			return left, state, nil
		}
	}
}

// patience is how long a packet may take through the router, in milliseconds.
const patience = 1000

// wait returns when one of the descriptors can be read, false if none can in time.
func wait(descriptors ...int) bool {
	poll := make([]unix.PollFd, len(descriptors))
	for i, fd := range descriptors {
		poll[i] = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
	}
	for {
		n, err := unix.Poll(poll, patience)
		if !errors.Is(err, unix.EINTR) {
			return n > 0 && err == nil
		}
	}
}

// readState returns the state that was reported for the packet. Of several reports the
// first is the packet's own, later ones are those of answers to the router itself.
func (k *kernelRouter) readState() (state string, err error) {
	for {
		n, err := unix.Read(k.log, k.buffer)
		switch {
		case err == nil:
			if state == "" {
				state = prefixIn(k.buffer[:n])
			}
		case !errors.Is(err, unix.EAGAIN):
			return "", fmt.Errorf("nflog: %w", err)
		case state != "" || !wait(k.log):
			return state, nil
		}
	}
}

func (k *kernelRouter) drain() ([]emission, error) {
	var left []emission
	for out, fd := range k.tun {
		for {
			n, err := unix.Read(fd, k.buffer)
			if errors.Is(err, unix.EAGAIN) {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("read: %w", err)
			}
			octets := bytes.Clone(k.buffer[:n])
			p, err := wire.Parse(octets)
			if err != nil {
				return nil, fmt.Errorf("the kernel sent what cannot be read: %w", err)
			}
			if p.Protocol == wire.ICMPv6 && p.ICMPType >= 130 && p.ICMPType <= 143 {
				continue // neighbour discovery and multicast of the router's own
			}
			left = append(left, emission{out, octets, p})
		}
	}
	return left, nil
}

// prefixIn finds the prefix in a log message.
func prefixIn(message []byte) string {
	const headers = int(unsafe.Sizeof(unix.NlMsghdr{})) + 4
	for at := headers; at+4 <= len(message); {
		length := int(binary.NativeEndian.Uint16(message[at:]))
		if length < 4 || at+length > len(message) {
			return ""
		}
		if binary.NativeEndian.Uint16(message[at+2:]) == logPrefix {
			return strings.TrimRight(string(message[at+4:at+length]), "\x00")
		}
		at += (length + 3) &^ 3
	}
	return ""
}
