package acl

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/text"
	"ftplab/sim/wire"
)

// gt and lt are strict, range includes both ends; what no port fulfils is above all
// ports.
func TestPortRange(t *testing.T) {
	none := firewall.Range{Low: 65536, High: 65536}
	for _, c := range []struct {
		operator    string
		first, last uint16
		want        firewall.Range
	}{
		{"eq", 21, 0, firewall.Range{Low: 21, High: 21}}, {"gt", 1024, 0, firewall.Range{Low: 1025, High: 65535}}, {"lt", 1024, 0, firewall.Range{Low: 0, High: 1023}},
		{"range", 20, 21, firewall.Range{Low: 20, High: 21}}, {"gt", 65535, 0, none}, {"lt", 0, 0, none}, {"neq", 21, 0, firewall.Range{Low: 21, High: 21}},
	} {
		if got := PortRange(c.operator, c.first, c.last); got != c.want {
			t.Errorf("%s %d %d: %v, want %v", c.operator, c.first, c.last, got, c.want)
		}
	}
}

// The text of a port test says the same as the test.
func TestPortText(t *testing.T) {
	for _, c := range []struct {
		test PortTest
		want string
	}{
		{PortTest{Low: 21, High: 21}, "eq 21"}, {PortTest{Low: 1025, High: 65535}, "gt 1024"}, {PortTest{Low: 0, High: 1023}, "lt 1024"},
		{PortTest{Low: 0, High: 65535}, "range 0 65535"}, {PortTest{Low: 20, High: 21}, "range 20 21"}, {PortTest{NotEqual: true, Low: 21, High: 21}, "neq 21"},
		{PortTest{Low: 65535, High: 65535}, "eq 65535"}, {PortTest{}, "eq 0"},
	} {
		if got := c.test.PortText(); got != c.want {
			t.Errorf("%+v: %q, want %q", c.test, got, c.want)
		}
	}
}

func contains(tests []firewall.AddressTest, a netip.Addr) bool {
	for _, t := range tests {
		if t.From.IsValid() {
			if !a.Less(t.From) && !t.To.Less(a) {
				return true
			}
			continue
		}
		if text.Masked(a, t.Care).Base == text.Masked(t.Base, t.Care).Base {
			return true
		}
	}
	return false
}

// The networks that a range is written as hold its addresses and no others, and the
// complement holds the rest.
func TestAddressSets(t *testing.T) {
	address := func(t *rapid.T, label string) netip.Addr {
		return netip.AddrFrom4([4]byte{10, 0, rapid.Byte().Draw(t, label), rapid.Byte().Draw(t, label)})
	}
	rapid.Check(t, func(t *rapid.T) {
		var tests, networks []firewall.AddressTest
		for range rapid.IntRange(1, 4).Draw(t, "tests") {
			from, to := address(t, "from"), address(t, "to")
			if to.Less(from) {
				from, to = to, from
			}
			one := firewall.AddressTest{From: from, To: to}
			if rapid.Bool().Draw(t, "network") {
				one = text.Prefix(netip.PrefixFrom(from, rapid.IntRange(0, 32).Draw(t, "length")))
			}
			tests = append(tests, one)
			networks = append(networks, prefixes(one)...)
		}
		rest, why := complement(tests)
		if why != "" {
			t.Fatal(why)
		}
		for range 50 {
			a := address(t, "probe")
			in := contains(tests, a)
			if contains(networks, a) != in || contains(rest, a) == in {
				t.Fatalf("%v: in the tests %v, in the networks %v, in the rest %v", a, in, contains(networks, a), contains(rest, a))
			}
		}
	})
}

func TestComplementOfEverything(t *testing.T) {
	for _, zero := range []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()} {
		rest, why := complement([]firewall.AddressTest{text.Prefix(netip.PrefixFrom(zero, 0))})
		if len(rest) != 0 || why != "" {
			t.Errorf("%v: %v %s", zero, rest, why)
		}
	}
}

// Ranges are joined, or what they leave out is.
func TestNormalise(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var ranges []firewall.Range
		for range rapid.IntRange(0, 5).Draw(t, "ranges") {
			low := uint64(rapid.IntRange(0, 40).Draw(t, "low"))
			ranges = append(ranges, firewall.Range{Low: low, High: low + uint64(rapid.IntRange(0, 9).Draw(t, "more"))})
		}
		in := func(list []firewall.Range, n uint64) bool {
			for _, r := range list {
				if n >= r.Low && n <= r.High {
					return true
				}
			}
			return false
		}
		const high = 31
		kept, left := normalise(ranges, false, high), normalise(ranges, true, high)
		for n := uint64(0); n <= 50; n++ {
			want := in(ranges, n) && n <= high
			if in(kept, n) != want || in(left, n) == want && n <= high || in(left, n) && n > high {
				t.Fatalf("%d in %v: kept %v, left %v", n, ranges, kept, left)
			}
		}
	})
}

// Tests of single bits are put together; a contradiction is found; what asks for any of
// several bits stays apart.
func TestCombinedFlags(t *testing.T) {
	e := Entry{Flags: []FlagTest{{Mask: wire.ACK, Bits: wire.ACK}, {Mask: wire.SYN}, {Mask: wire.RST, Any: true}, {Mask: wire.ACK | wire.RST, Any: true}}}
	mask, bits, rest, ok := e.CombinedFlags()
	if !ok || mask != wire.ACK|wire.SYN|wire.RST || bits != wire.ACK|wire.RST || len(rest) != 1 || !rest[0].IsEstablished() {
		t.Errorf("%v %v %v %v", mask, bits, rest, ok)
	}
	e.Flags = append(e.Flags, FlagTest{Mask: wire.SYN, Bits: wire.SYN})
	if _, _, _, ok := e.CombinedFlags(); ok {
		t.Error("SYN set and not set")
	}
}

func TestNamer(t *testing.T) {
	var n Namer
	for _, c := range []struct{ given, want string }{{"WEB", "WEB"}, {"web", "web-2"}, {"101", "ACL101"}, {"", "ACL"}, {"a b/c", "a_b_c"}, {"\xff", "ACL_"}} {
		if got := n.Name(c.given); got != c.want {
			t.Errorf("Name(%q) = %q, want %q", c.given, got, c.want)
		}
	}
}
