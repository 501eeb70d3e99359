package ftp

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// AddressError says why a PORT or EPRT argument, or a 227 or 229 reply, names no
// data address.
type AddressError struct {
	// Offset is the place in the parsed text, in octets from 0, where it went wrong.
	Offset int
	// Reason is for people: "number 3 is 256, over 255".
	Reason string
	// Family reports an address family that EPRT does not know (RFC 2428, section 2:
	// answered by 522, not 501).
	Family bool
}

// Error returns the reason and the place.
func (e *AddressError) Error() string {
	return fmt.Sprintf("%s (at octet %d)", e.Reason, e.Offset+1)
}

// Announcement is a data address as it was said on the control connection.
type Announcement struct {
	// Addr is what was said. A 229 reply says a port alone: Addr.Addr() is then
	// invalid, and the address is that of the control connection's peer.
	Addr netip.AddrPort
	// Start and End bound the octets that say it, [Start, End), in the parsed text.
	Start, End int
}

// ParsePORT reads the argument of PORT (RFC 959, section 4.1.2: h1,h2,h3,h4,p1,p2):
// exactly six decimal numbers 0..255 and five commas, nothing around them. The port
// may be 0, which is for the caller to refuse. Errors are *AddressError.
func ParsePORT(arg string) (netip.AddrPort, error) {
	addr, end, err := parseSixNumbers(arg, 0)
	if err != nil {
		return netip.AddrPort{}, err
	}
	if end != len(arg) {
		return netip.AddrPort{}, &AddressError{Offset: end, Reason: "something follows the sixth number"}
	}
	return addr, nil
}

// parseSixNumbers reads h1,h2,h3,h4,p1,p2 at text[at:] and returns where it ends.
func parseSixNumbers(text string, at int) (addr netip.AddrPort, end int, err error) {
	var n [6]byte
	for i := range n {
		if i > 0 {
			if at >= len(text) || text[at] != ',' {
				return addr, at, &AddressError{Offset: at, Reason: fmt.Sprintf("no comma after number %d of 6", i)}
			}
			at++
		}
		start := at
		value := 0
		for at < len(text) && isDigit(text[at]) && at-start < 4 {
			value = value*10 + int(text[at]-'0')
			at++
		}
		switch {
		case at == start:
			return addr, at, &AddressError{Offset: at, Reason: fmt.Sprintf("number %d of 6 is missing", i+1)}
		case value > 255 || at-start > 3:
			return addr, start, &AddressError{Offset: start, Reason: fmt.Sprintf("number %d is %s, over 255", i+1, text[start:at])}
		}
		n[i] = byte(value)
	}
	host := netip.AddrFrom4([4]byte(n[:4]))
	return netip.AddrPortFrom(host, uint16(n[4])<<8|uint16(n[5])), at, nil
}

// FormatPORT returns the argument of PORT for an IPv4 address, which is also what
// stands in the parentheses of a 227 reply. It panics for an IPv6 address, which PORT
// cannot say.
func FormatPORT(addr netip.AddrPort) string {
	b := make([]byte, 0, 24)
	for _, n := range addr.Addr().Unmap().As4() {
		b = strconv.AppendUint(b, uint64(n), 10)
		b = append(b, ',')
	}
	b = strconv.AppendUint(b, uint64(addr.Port()>>8), 10)
	b = append(b, ',')
	return string(strconv.AppendUint(b, uint64(addr.Port()&0xff), 10))
}

// ParseEPRT reads the argument of EPRT (RFC 2428, section 2:
// <d>family<d>address<d>port<d>), with any printable delimiter 33..126. Port 0 is an
// error. Errors are *AddressError; its Family is set for a family other than 1
// (IPv4) and 2 (IPv6).
func ParseEPRT(arg string) (netip.AddrPort, error) {
	none := netip.AddrPort{}
	if arg == "" || arg[0] < 33 || arg[0] > 126 {
		return none, &AddressError{Reason: "no printable delimiter at the start"}
	}
	fields := strings.Split(arg[1:], arg[:1])
	if len(fields) != 4 || fields[3] != "" {
		return none, &AddressError{Reason: fmt.Sprintf("not of the form %[1]sfamily%[1]saddress%[1]sport%[1]s", arg[:1])}
	}
	family, host, port := fields[0], fields[1], fields[2]
	hostAt := 2 + len(family)
	if family != "1" && family != "2" {
		_, err := strconv.ParseUint(family, 10, 16)
		return none, &AddressError{Offset: 1, Reason: "the address family is neither 1 (IPv4) nor 2 (IPv6)", Family: err == nil}
	}
	addr, err := netip.ParseAddr(host)
	if err != nil || addr.Zone() != "" || addr.Is4() != (family == "1") {
		return none, &AddressError{Offset: hostAt, Reason: "not an address of the family that was named"}
	}
	n, ok := parsePort(port)
	if !ok {
		return none, &AddressError{Offset: hostAt + len(host) + 1, Reason: "the port is not a number 1..65535"}
	}
	return netip.AddrPortFrom(addr, n), nil
}

// FormatEPRT returns the argument of EPRT.
func FormatEPRT(addr netip.AddrPort) string {
	family := "1"
	host := addr.Addr().Unmap()
	if host.Is6() {
		family = "2"
	}
	return "|" + family + "|" + host.WithZone("").String() + "|" + strconv.Itoa(int(addr.Port())) + "|"
}

// Parse227 finds the address in a 227 reply as clients do (RFC 1123, section
// 4.1.2.6): the first run of six numbers with commas, wherever it stands and whatever
// is around it. Errors are *AddressError.
func Parse227(reply string) (Announcement, error) {
	var first error
	for i := 0; i < len(reply); i++ {
		if !isDigit(reply[i]) || i > 0 && isDigit(reply[i-1]) {
			continue
		}
		addr, end, err := parseSixNumbers(reply, i)
		if err == nil {
			return Announcement{Addr: addr, Start: i, End: end}, nil
		}
		// The code and lone numbers in the text are not attempts at an address.
		if first == nil && strings.HasPrefix(strings.TrimLeft(reply[i:], "0123456789"), ",") {
			first = err
		}
	}
	if first == nil {
		first = &AddressError{Offset: len(reply), Reason: "no six numbers in the reply"}
	}
	return Announcement{}, first
}

// Parse229 finds the port in a 229 reply (RFC 2428, section 3: "(<d><d><d>port<d>)").
// Start and End bound the port's digits. Errors are *AddressError.
func Parse229(reply string) (Announcement, error) {
	open := strings.IndexByte(reply, '(')
	for open >= 0 {
		if port, end, ok := parse229Body(reply[open+1:]); ok {
			start := open + 4
			return Announcement{Addr: netip.AddrPortFrom(netip.Addr{}, port), Start: start, End: open + 1 + end}, nil
		}
		next := strings.IndexByte(reply[open+1:], '(')
		if next < 0 {
			break
		}
		open += 1 + next
	}
	return Announcement{}, &AddressError{Offset: max(open, 0), Reason: "no (|||port|) with a port 1..65535 in the reply"}
}

// parse229Body reads "|||port|)" and returns where the port ends.
func parse229Body(s string) (port uint16, end int, ok bool) {
	if len(s) < 6 || s[0] < 33 || s[0] > 126 || s[1] != s[0] || s[2] != s[0] {
		return 0, 0, false
	}
	end = 3
	for end < len(s) && isDigit(s[end]) {
		end++
	}
	port, ok = parsePort(s[3:end])
	ok = ok && end+1 < len(s) && s[end] == s[0] && s[end+1] == ')'
	return port, end, ok
}

// Format229 returns what stands in a 229 reply for the port: "(|||port|)".
func Format229(port uint16) string {
	return "(|||" + strconv.Itoa(int(port)) + "|)"
}

// ParseAnnouncement finds the data address in one line of the control connection,
// without its line end: a PORT or EPRT command (in any case of letters), or a 227 or
// 229 reply. Verb is "PORT", "EPRT", "227", "229", or "" for any other line; err says
// why one of these names no address.
func ParseAnnouncement(line string) (a Announcement, verb string, err error) {
	if len(line) < 5 {
		return Announcement{}, "", nil
	}
	verb = strings.ToUpper(line[:4])
	switch verb {
	case "227 ":
		a, err = Parse227(line)
		return a, "227", err
	case "229 ":
		a, err = Parse229(line)
		return a, "229", err
	case "PORT", "EPRT":
		if line[4] != ' ' {
			return Announcement{}, "", nil
		}
		parse := ParsePORT
		if verb == "EPRT" {
			parse = ParseEPRT
		}
		addr, err := parse(line[5:])
		return Announcement{Addr: addr, Start: 5, End: len(line)}, verb, err
	}
	return Announcement{}, "", nil
}

// parsePort reads a decimal port 1..65535 without a sign.
func parsePort(s string) (uint16, bool) {
	if s == "" || !isDigit(s[0]) {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 16)
	return uint16(n), err == nil && n != 0
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
