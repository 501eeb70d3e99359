package live

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// build makes the inside and returns its TUN device.
func (in Inside) build() (tun int, err error) {
	if name := in.hostname(); name != "" {
		if err := unix.Sethostname([]byte(name)); err != nil {
			return -1, &stepError{step: stepHostname, err: err}
		}
	}
	if err := in.mountFiles(); err != nil {
		return -1, err
	}
	tun, err = openTUN(in.Interface)
	if err != nil {
		return -1, err
	}
	if err := in.writeSysctls(); err != nil {
		return -1, err
	}
	return tun, in.configure()
}

// openTUN makes a TUN device (Documentation/networking/tuntap.rst). It does not block,
// and it is asked for no offloads.
func openTUN(name string) (fd int, err error) {
	fd, err = unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return -1, &stepError{step: stepOpenTUN, err: err}
	}
	request, err := unix.NewIfreq(name)
	if err == nil {
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
	}
	if err != nil {
		return -1, &stepError{step: stepMakeTUN, detail: name, err: err}
	}
	return fd, nil
}

// setting is a file below /proc/sys and its text.
type setting struct{ name, value string }

// writeSysctls makes the interface one on which nothing happens by itself, and lets an
// ordinary user's server have port 21.
func (in Inside) writeSysctls() error {
	settings := []setting{{"net/ipv4/ip_unprivileged_port_start", "0"}}
	if _, err := os.Stat("/proc/sys/net/ipv6"); err == nil {
		folder := "net/ipv6/conf/" + in.Interface + "/"
		disabled := "1"
		if in.hasVersion(netip.Addr.Is6) {
			disabled = "0" // in case this system has it off by default
		}
		settings = append(settings,
			setting{folder + "disable_ipv6", disabled},
			setting{folder + "addr_gen_mode", "1"}, // no link-local address: nobody to solicit routers
			setting{folder + "accept_ra", "0"},
			setting{folder + "accept_dad", "0"},
		)
	}
	for _, s := range settings {
		if err := os.WriteFile("/proc/sys/"+s.name, []byte(s.value), 0); err != nil {
			return &stepError{step: stepSysctl, detail: s.name, err: err}
		}
	}
	return nil
}

// queueLen is how many packets may wait in the TUN device to be read. The links with
// limited queues are in the simulator, where a packet that is lost has a reason; here
// none must be, even when the simulator is late.
const queueLen = 10000

// configure gives the interface its addresses and routes, by rtnetlink(7).
func (in Inside) configure() error {
	link, err := netlink.LinkByName(in.Interface)
	if err != nil {
		return &stepError{step: stepNetwork, detail: in.Interface, err: err}
	}
	loopback, err := netlink.LinkByName("lo")
	if err != nil {
		return &stepError{step: stepNetwork, detail: "lo", err: err}
	}
	doing := []struct {
		what string
		err  func() error
	}{
		{"lo", func() error { return netlink.LinkSetUp(loopback) }},
		{"MTU", func() error { return netlink.LinkSetMTU(link, in.mtu()) }},
		{"queue", func() error { return netlink.LinkSetTxQLen(link, queueLen) }},
		{"addresses", func() error { return in.addAddresses(link) }},
		{in.Interface, func() error { return netlink.LinkSetUp(link) }},
		{"routes", func() error { return in.addRoutes(link) }},
		{"addresses in use", in.awaitAddresses},
	}
	for _, d := range doing {
		if err := d.err(); err != nil {
			return &stepError{step: stepNetwork, detail: d.what, err: err}
		}
	}
	return nil
}

func (in Inside) addAddresses(link netlink.Link) error {
	for _, p := range in.Prefixes {
		address := &netlink.Addr{IPNet: ipNet(p)}
		if p.Addr().Is6() {
			address.Flags = unix.IFA_F_NODAD // usable at once, and without a question to the network
		}
		if err := netlink.AddrAdd(link, address); err != nil {
			return err
		}
	}
	return nil
}

// awaitAddresses waits until the kernel takes packets to the addresses: for those of
// IPv6 it sees to that later, in a thread of its own.
func (in Inside) awaitAddresses() error {
	const patience, pause = 10 * time.Second, time.Millisecond
	until := time.Now().Add(patience)
	for _, p := range in.Prefixes {
		for {
			routes, err := netlink.RouteGet(p.Addr().AsSlice())
			if err == nil && len(routes) > 0 && routes[0].Type == unix.RTN_LOCAL {
				break
			}
			if time.Now().After(until) {
				return errors.Join(fmt.Errorf("%v is not in use after %v", p.Addr(), patience), err)
			}
			time.Sleep(pause)
		}
	}
	return nil
}

// addRoutes makes the interface the way to everywhere. There is no gateway to name: a
// TUN device has no link layer, so all that leaves it reaches the other side.
func (in Inside) addRoutes(link netlink.Link) error {
	ways := []struct {
		is         func(netip.Addr) bool
		everywhere netip.Prefix
	}{
		{netip.Addr.Is4, netip.PrefixFrom(netip.IPv4Unspecified(), 0)},
		{netip.Addr.Is6, netip.PrefixFrom(netip.IPv6Unspecified(), 0)},
	}
	for _, w := range ways {
		if !in.hasVersion(w.is) {
			continue
		}
		route := &netlink.Route{LinkIndex: link.Attrs().Index, Dst: ipNet(w.everywhere)}
		if err := netlink.RouteAdd(route); err != nil {
			return err
		}
	}
	return nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// scratch is where a file system is mounted for a moment. Every system has it.
const scratch = "/tmp"

// mountSource is what stands for the device of our mounts in /proc/mounts.
const mountSource = "ftplab"

// mountFiles puts our files over those that tell programs of names. They are in a file
// system in memory, which lasts as long as they are mounted: nothing is left on disk.
func (in Inside) mountFiles() error {
	failed := func(what string, err error) error {
		return &stepError{step: stepMount, detail: what, err: err}
	}
	// What is mounted here must not appear outside (mount_namespaces(7)).
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return failed("/ as private", err)
	}
	if err := unix.Mount(mountSource, scratch, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=755"); err != nil {
		return failed("a file system in memory", err)
	}
	if err := mountOver("/etc/hosts", in.hosts()); err != nil {
		return failed("/etc/hosts", err)
	}
	optional := []struct{ path, text string }{
		{"/etc/resolv.conf", "# There are no name servers in this network: its names are in /etc/hosts.\noptions timeout:1 attempts:1\n"},
		{"/etc/nsswitch.conf", hostsFromFiles("/etc/nsswitch.conf")},
		// The cache of nscd(8) would answer for the machine outside.
		{"/run/nscd/socket", ""},
		{"/var/run/nscd/socket", ""},
	}
	for _, o := range optional {
		if err := mountOver(o.path, o.text); err != nil && !errors.Is(err, unix.ENOENT) {
			return failed(o.path, err)
		}
	}
	if err := unix.Unmount(scratch, unix.MNT_DETACH); err != nil {
		return failed(scratch+" back", err)
	}
	return nil
}

// mountOver mounts a file with the text over the one at path.
func mountOver(path, text string) error {
	source := scratch + "/" + strings.ReplaceAll(path, "/", "-")
	if err := os.WriteFile(source, []byte(text), 0o644); err != nil {
		return err
	}
	if err := os.Chmod(source, 0o644); err != nil { // whatever the program's umask is
		return err
	}
	return unix.Mount(source, path, "", unix.MS_BIND, "")
}

// hostsLine is where nsswitch.conf(5) says who is asked for the names of hosts.
var hostsLine = regexp.MustCompile(`(?m)^[ \t]*hosts:.*$`)

// hostsFromFiles is the machine's own nsswitch.conf, except that names come from
// /etc/hosts alone: other services (systemd-resolved, Avahi) are reached through sockets
// in the file system and would answer for the network outside, and a name server that
// nobody can ask makes programs try again for a name that does not exist.
func hostsFromFiles(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return "" // then there is nothing to mount over either
	}
	return hostsLine.ReplaceAllString(string(text), "hosts: files")
}
