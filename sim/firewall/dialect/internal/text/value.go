package text

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
	"strconv"

	"ftplab/sim/firewall"
)

// Number reads a decimal number between low and high. What names it in the message
// ("port", "rule ID").
func Number(what string, w Word, low, high uint64) (uint64, *Problem) {
	if w.Text == "" {
		return 0, At(w, "%s is missing", what).WithHint("expected a number from %d to %d", low, high)
	}
	n, err := strconv.ParseUint(w.Text, 10, 64)
	switch {
	case err != nil && !allDigits(w.Text):
		return 0, At(w, "%q is not a number", w.Text).WithHint("%s is a number from %d to %d", what, low, high)
	case err != nil || n < low || n > high:
		return 0, At(w, "%s %s is out of range", what, w.Text).WithHint("expected a number from %d to %d", low, high)
	}
	return n, nil
}

func allDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// IsNumber reports whether a word is written in digits alone.
func IsNumber(w Word) bool { return allDigits(w.Text) }

// IPv4 reads a dotted IPv4 address.
func IPv4(what string, w Word) (netip.Addr, *Problem) {
	a, err := netip.ParseAddr(w.Text)
	if w.Text == "" {
		return netip.Addr{}, At(w, "%s is missing", what).WithHint("expected an IPv4 address such as 192.168.10.1")
	}
	if err != nil || !a.Is4() {
		return netip.Addr{}, At(w, "%q is not an IPv4 address", w.Text).WithHint("%s is four numbers from 0 to 255 with dots between them", what)
	}
	return a, nil
}

// Host is the test for one address.
func Host(a netip.Addr) firewall.AddressTest { return Prefix(netip.PrefixFrom(a, a.BitLen())) }

// Prefix is the test for the addresses of a network.
func Prefix(p netip.Prefix) firewall.AddressTest {
	p = p.Masked()
	return firewall.AddressTest{Base: p.Addr(), Care: Netmask(p.Addr().BitLen(), p.Bits())}
}

// Netmask returns the mask of this length in an address of size bits (32 or 128).
func Netmask(size, length int) netip.Addr {
	if size == 32 {
		return fromUint32(^uint32(0) << (32 - length))
	}
	var octets [16]byte
	for i := range octets {
		octets[i] = byte(uint(0xff00) >> min(8, max(0, length-8*i)))
	}
	return netip.AddrFrom16(octets)
}

// Masked is the test for the addresses that equal base under a netmask (IPv4),
// contiguous or not: the ones of the mask are the bits that count.
func Masked(base, mask netip.Addr) firewall.AddressTest {
	care := toUint32(mask)
	return firewall.AddressTest{Base: fromUint32(toUint32(base) & care), Care: mask}
}

// Wildcard is the test for the addresses that equal base where a wildcard mask
// (IPv4) has zeros: the ones of the wildcard are the bits that do not count.
func Wildcard(base, wildcard netip.Addr) firewall.AddressTest {
	return Masked(base, Inverse(wildcard))
}

// Inverse returns the IPv4 mask with every bit flipped: a netmask's wildcard mask.
func Inverse(mask netip.Addr) netip.Addr { return fromUint32(^toUint32(mask)) }

// PrefixOf returns the network that a test stands for, false if it is not one.
func PrefixOf(t firewall.AddressTest) (netip.Prefix, bool) {
	if !t.Base.IsValid() || !t.Care.IsValid() {
		return netip.Prefix{}, false
	}
	octets := t.Care.AsSlice()
	length := 0
	for _, o := range octets {
		n := bits.LeadingZeros8(^o)
		length += n
		if n < 8 {
			break
		}
	}
	if Netmask(8*len(octets), length) != t.Care {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(t.Base, length), true
}

// IsNetmask reports whether an IPv4 mask is ones followed by zeros.
func IsNetmask(mask netip.Addr) bool {
	inverse := ^toUint32(mask)
	return inverse&(inverse+1) == 0
}

func toUint32(a netip.Addr) uint32 {
	octets := a.As4()
	return binary.BigEndian.Uint32(octets[:])
}

func fromUint32(v uint32) netip.Addr {
	var octets [4]byte
	binary.BigEndian.PutUint32(octets[:], v)
	return netip.AddrFrom4(octets)
}
