// Package live runs a real program inside the simulated network.
//
// The program gets a network of its own: a network namespace whose only way out is a
// TUN device, so that all it sends arrives here as IP packets, and what is written
// there arrives in its sockets. Start makes the namespaces and the device, Go lets the
// program begin, and whoever holds Program.TUN is the rest of the world:
//
//	p, err := live.Start(inside, command) // everything is ready, nothing was sent yet
//	...                                   // start reading p.TUN()
//	err = p.Go()                          // the program begins
//	status, err := p.Wait()
//	p.Close()
//
// The namespaces are made by starting this very executable again: main, and TestMain of
// a test that starts programs, must call Child before anything else. An ordinary user
// gets a user namespace, too, in which to make the rest; root does without, so that
// servers can change to other users as they always do. Whatever is changed is changed
// in the namespaces and vanishes with them: the device, its addresses and routes, the
// contents of /etc/hosts, /etc/resolv.conf and /etc/nsswitch.conf, the host name. The
// process that was started for it all stays beside the program: it ends what the program
// leaves running, and everything when this process ends in whatever way.
//
// The TCP of the inside is the kernel's own, with the settings that it has in any new
// namespace. The device does no offloading, so that each packet is one that could have
// been on a wire: whole, not larger than the MTU, with its checksums.
//
// All of this needs Linux. Elsewhere Start returns an error.
package live

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
)

// Inside is what the program finds: its network, and the names of those in it.
type Inside struct {
	// Interface names the TUN device as the program sees it, such as "eth0": 1 to 15
	// letters, digits, and the signs "-", "_" and ".".
	Interface string
	// Prefixes are the interface's addresses with the length of their networks. For
	// each IP version among them there is a default route through the interface; IPv6
	// is off on the interface when it has no IPv6 address.
	Prefixes []netip.Prefix
	// MTU is the largest IP packet in octets, 68 to 65535, with IPv6 at least 1280;
	// 0 stands for 1500.
	MTU int
	// Names are for /etc/hosts, besides localhost. The first name of the first of the
	// interface's own addresses among them is the host name that the program sees.
	Names []Name
}

// Name says who has an address: a line of /etc/hosts.
type Name struct {
	Addr  netip.Addr
	Names []string // the first is the canonical one
}

// Command is the program to run.
type Command struct {
	Path string   // looked up in PATH if there is no "/" in it, as a shell does
	Args []string // without the program's name
	Env  []string // "NAME=value"; nil stands for this process's own
	Dir  string   // the working directory, "" is this process's own
	// Stdin, Stdout and Stderr are the program's; nil is /dev/null.
	Stdin, Stdout, Stderr *os.File
}

// defaultMTU is that of Ethernet, in octets (RFC 894).
const defaultMTU = 1500

// check returns what is wrong with the description, or nil.
func (in Inside) check() error {
	if !validInterface(in.Interface) {
		return fmt.Errorf("%q cannot be the name of an interface: 1 to 15 letters, digits, -, _ and . are (not lo, all or default)", in.Interface)
	}
	if len(in.Prefixes) == 0 {
		return errors.New("the program needs an address")
	}
	for _, p := range in.Prefixes {
		if !p.IsValid() || p.Addr().Is4In6() || p.Addr().Zone() != "" {
			return fmt.Errorf("%v is not an address with the length of its network", p)
		}
	}
	smallest := 68 // RFC 791
	if in.hasVersion(netip.Addr.Is6) {
		smallest = 1280 // RFC 8200, section 5
	}
	if mtu := in.mtu(); mtu < smallest || mtu > 65535 {
		return fmt.Errorf("an MTU of %d octets: %d to 65535 are possible with these addresses", mtu, smallest)
	}
	for _, n := range in.Names {
		if err := n.check(); err != nil {
			return err
		}
	}
	return nil
}

func validInterface(name string) bool {
	switch name {
	case "", ".", "..", "lo", "all", "default": // the last two are folders beside the interfaces' in /proc/sys/net
		return false
	}
	for _, c := range []byte(name) {
		if !isLetterOrDigit(c) && !strings.ContainsRune("-_.", rune(c)) {
			return false
		}
	}
	return len(name) <= 15 // IFNAMSIZ, without its NUL
}

func isLetterOrDigit(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

func (n Name) check() error {
	if !n.Addr.IsValid() {
		return fmt.Errorf("the names %q have no address", n.Names)
	}
	if len(n.Names) == 0 {
		return fmt.Errorf("%v has no name", n.Addr)
	}
	for _, name := range n.Names {
		if name == "" || len(name) > 253 || strings.ContainsFunc(name, func(r rune) bool {
			return r > 0x7f || !isLetterOrDigit(byte(r)) && !strings.ContainsRune("-_.", r)
		}) {
			return fmt.Errorf("%q cannot be the name of a host: 1 to 253 letters, digits, -, _ and . are", name)
		}
	}
	return nil
}

func (in Inside) mtu() int {
	if in.MTU == 0 {
		return defaultMTU
	}
	return in.MTU
}

// hasVersion says whether an address is of the IP version that is asks for.
func (in Inside) hasVersion(is func(netip.Addr) bool) bool {
	for _, p := range in.Prefixes {
		if is(p.Addr()) {
			return true
		}
	}
	return false
}

// hostname is the program's own among the names, "" if there is none.
func (in Inside) hostname() string {
	for _, p := range in.Prefixes {
		for _, n := range in.Names {
			if n.Addr == p.Addr() {
				return n.Names[0]
			}
		}
	}
	return ""
}

// hosts is the text of /etc/hosts (hosts(5)).
func (in Inside) hosts() string {
	var text strings.Builder
	text.WriteString("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n")
	for _, n := range in.Names {
		fmt.Fprintf(&text, "%v\t%s\n", n.Addr, strings.Join(n.Names, " "))
	}
	return text.String()
}
