package iptables

import (
	"net/netip"
	"strconv"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/netfilter"
	"ftplab/sim/firewall/dialect/internal/text"
)

// splitList splits a word at its commas; each part has its column.
func splitList(w text.Word) []text.Word {
	var parts []text.Word
	column := w.Column
	for _, s := range strings.Split(w.Text, ",") {
		parts = append(parts, text.Word{Text: s, Column: column})
		column += len(s) + 1
	}
	return parts
}

// protocolNumber reads a protocol's name or number; all is 0.
func protocolNumber(w text.Word) (uint64, *text.Problem) {
	if strings.EqualFold(w.Text, "all") {
		return 0, nil
	}
	if n, err := strconv.ParseUint(w.Text, 0, 8); err == nil {
		return n, nil
	}
	if n, ok := netfilter.Protocol(w.Text); ok {
		return uint64(n), nil
	}
	p := text.At(w, "unknown protocol \"%s\" specified", w.Text)
	if near := text.Suggest(w.Text, netfilter.ProtocolNames()); near != "" {
		return 0, p.WithHint("did you mean %s?", near)
	}
	return 0, p
}

// addressTest reads ADDRESS, ADDRESS/LENGTH or ADDRESS/MASK.
func addressTest(w text.Word, family string) (firewall.AddressTest, *text.Problem) {
	host, mask, masked := strings.Cut(w.Text, "/")
	a, problem := address(text.Word{Text: host, Column: w.Column}, family, masked)
	if problem != nil {
		return firewall.AddressTest{}, problem
	}
	if !masked {
		return text.Host(a), nil
	}
	maskWord := text.Word{Text: mask, Column: w.Column + len(host) + 1}
	if n, err := strconv.Atoi(mask); err == nil {
		if n < 0 || n > a.BitLen() {
			return firewall.AddressTest{}, text.At(maskWord, "invalid mask `%s' specified", mask).WithHint("a prefix has 0 to %d bits", a.BitLen())
		}
		return text.Prefix(netip.PrefixFrom(a, n)), nil
	}
	m, err := netip.ParseAddr(mask)
	if err != nil || m.BitLen() != a.BitLen() {
		return firewall.AddressTest{}, text.At(maskWord, "invalid mask `%s' specified", mask).WithHint("write a prefix length, or a mask like 255.255.255.0")
	}
	return firewall.AddressTest{Base: maskedAddr(a, m), Care: m}, nil
}

// maskedAddr is an address with the bits outside of a mask cleared.
func maskedAddr(a, mask netip.Addr) netip.Addr {
	octets, bits := a.AsSlice(), mask.AsSlice()
	for i := range octets {
		octets[i] &= bits[i]
	}
	masked, _ := netip.AddrFromSlice(octets)
	return masked
}

// address reads an address. As inet_aton does, iptables takes fewer than four
// numbers for an IPv4 network's leading ones.
func address(w text.Word, family string, network bool) (netip.Addr, *text.Problem) {
	a, err := netip.ParseAddr(w.Text)
	switch {
	case err == nil && a.Zone() == "" && a.Is4() == (family == "ip"):
		return a, nil
	case err == nil && a.Is4():
		return a, text.At(w, "host/network `%s' not found", w.Text).WithHint("ip6tables has IPv6 addresses; for IPv4 write iptables")
	case err == nil:
		return a, text.At(w, "host/network `%s' not found", w.Text).WithHint("iptables has IPv4 addresses; for IPv6 write ip6tables")
	}
	if short := w.Text + strings.Repeat(".0", max(0, 3-strings.Count(w.Text, "."))); family == "ip" && w.Text != "" {
		if a, err := netip.ParseAddr(short); err == nil {
			return a, nil
		}
	}
	p := text.At(w, "host/network `%s' not found", w.Text)
	if strings.Trim(w.Text, "0123456789.:/") != "" {
		return a, p.WithHint("host names are not looked up: write the address")
	}
	return a, p.WithHint("an IPv4 address is four numbers from 0 to 255")
}

// portNumber reads a port or a service's name.
func portNumber(w text.Word) (uint64, *text.Problem) {
	if n, err := strconv.ParseUint(w.Text, 0, 16); err == nil {
		return n, nil
	}
	if n, ok := netfilter.Service(w.Text); ok {
		return uint64(n), nil
	}
	p := text.At(w, "invalid port/service `%s' specified", w.Text)
	if strings.Trim(w.Text, "0123456789") == "" {
		return 0, p.WithHint("a port is a number from 0 to 65535")
	}
	if near := text.Suggest(w.Text, netfilter.ServiceNames()); near != "" {
		return 0, p.WithHint("did you mean %s?", near)
	}
	return 0, p.WithHint("write the port's number")
}

// portRange reads PORT or [PORT]:[PORT].
func portRange(w text.Word) (firewall.Range, *text.Problem) {
	low, high, isRange := strings.Cut(w.Text, ":")
	r := firewall.Range{Low: 0, High: 65535}
	var problem *text.Problem
	if low != "" || !isRange {
		if r.Low, problem = portNumber(text.Word{Text: low, Column: w.Column}); problem != nil {
			return r, problem
		}
	}
	switch {
	case !isRange:
		r.High = r.Low
	case high != "":
		if r.High, problem = portNumber(text.Word{Text: high, Column: w.Column + len(low) + 1}); problem != nil {
			return r, problem
		}
	}
	if r.High < r.Low {
		return r, text.At(w, "invalid portrange (min > max)").WithHint("write the lower port first")
	}
	return r, nil
}

// numberRange reads N or [N]:[N].
func numberRange(w text.Word, greatest uint64) (firewall.Range, *text.Problem) {
	low, high, isRange := strings.Cut(w.Text, ":")
	r := firewall.Range{High: greatest}
	var err error
	if low != "" || !isRange {
		if r.Low, err = strconv.ParseUint(low, 0, 64); err != nil || r.Low > greatest {
			return r, text.At(w, "Bad value \"%s\"", w.Text).WithHint("a number from 0 to %d", greatest)
		}
	}
	switch {
	case !isRange:
		r.High = r.Low
	case high != "":
		if r.High, err = strconv.ParseUint(high, 0, 64); err != nil || r.High > greatest || r.High < r.Low {
			return r, text.At(w, "Bad range \"%s\"", w.Text).WithHint("a number from 0 to %d, the lower one first", greatest)
		}
	}
	return r, nil
}

// markMask reads VALUE[/MASK]; without a mask it is all bits.
func markMask(w text.Word) (value, mask uint32, problem *text.Problem) {
	v, m, masked := strings.Cut(w.Text, "/")
	n, err := strconv.ParseUint(v, 0, 32)
	if err != nil {
		return 0, 0, text.At(w, "Bad mark value \"%s\"", w.Text).WithHint("a mark is a number of 32 bits, with a mask after / if need be")
	}
	if !masked {
		return uint32(n), 1<<32 - 1, nil
	}
	bits, err := strconv.ParseUint(m, 0, 32)
	if err != nil {
		return 0, 0, text.At(w, "Bad mark mask \"%s\"", m)
	}
	return uint32(n), uint32(bits), nil
}

// quoteWord writes a word so that a shell, and iptables-restore, read it back.
func quoteWord(s string) string {
	plain := s != ""
	for i := 0; i < len(s) && plain; i++ {
		plain = isNameByte(s[i]) || strings.IndexByte("-./:,+=@%!", s[i]) >= 0
	}
	if plain {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
