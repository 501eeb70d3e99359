package live

import (
	"net/netip"
	"strings"
	"testing"
)

func prefixes(texts ...string) []netip.Prefix {
	var all []netip.Prefix
	for _, s := range texts {
		all = append(all, netip.MustParsePrefix(s))
	}
	return all
}

func TestCheck(t *testing.T) {
	server := Name{Addr: netip.MustParseAddr("192.168.10.1"), Names: []string{"server", "ftp.example.net"}}
	tests := []struct {
		name string
		in   Inside
		want string // part of the error, "" for none
	}{
		{"IPv4", Inside{Interface: "eth0", Prefixes: prefixes("192.168.20.2/24"), Names: []Name{server}}, ""},
		{"both versions", Inside{Interface: "eth0.2", Prefixes: prefixes("10.0.0.2/8", "fd00::2/64"), MTU: 1280}, ""},
		{"smallest MTU of IPv4", Inside{Interface: "e", Prefixes: prefixes("10.0.0.2/8"), MTU: 68}, ""},
		{"largest MTU", Inside{Interface: "a-name_of_15.ok", Prefixes: prefixes("10.0.0.2/32"), MTU: 65535}, ""},

		{"no interface", Inside{Prefixes: prefixes("10.0.0.2/8")}, `"" cannot be the name of an interface`},
		{"loopback", Inside{Interface: "lo", Prefixes: prefixes("10.0.0.2/8")}, `"lo" cannot be`},
		{"name for all", Inside{Interface: "all", Prefixes: prefixes("10.0.0.2/8")}, `"all" cannot be`},
		{"a path", Inside{Interface: "../x", Prefixes: prefixes("10.0.0.2/8")}, `"../x" cannot be`},
		{"a pattern of the kernel", Inside{Interface: "tun%d", Prefixes: prefixes("10.0.0.2/8")}, `"tun%d" cannot be`},
		{"16 octets", Inside{Interface: "0123456789abcdef", Prefixes: prefixes("10.0.0.2/8")}, "1 to 15"},
		{"no address", Inside{Interface: "eth0"}, "needs an address"},
		{"zero prefix", Inside{Interface: "eth0", Prefixes: make([]netip.Prefix, 1)}, "is not an address"},
		{"4 in 6", Inside{Interface: "eth0", Prefixes: []netip.Prefix{netip.PrefixFrom(netip.MustParseAddr("::ffff:10.0.0.2"), 104)}}, "is not an address"},
		{"RFC 791: MTU", Inside{Interface: "eth0", Prefixes: prefixes("10.0.0.2/8"), MTU: 67}, "67 octets: 68 to 65535"},
		{"RFC 8200 section 5: MTU", Inside{Interface: "eth0", Prefixes: prefixes("10.0.0.2/8", "fd00::2/64"), MTU: 1279}, "1279 octets: 1280 to 65535"},
		{"negative MTU", Inside{Interface: "eth0", Prefixes: prefixes("10.0.0.2/8"), MTU: -1}, "-1 octets"},
		{"large MTU", Inside{Interface: "eth0", Prefixes: prefixes("10.0.0.2/8"), MTU: 65536}, "65536 octets"},
		{"address without name", Inside{Interface: "eth0", Prefixes: prefixes("10.0.0.2/8"), Names: []Name{{Addr: server.Addr}}}, "192.168.10.1 has no name"},
		{"name without address", Inside{Interface: "eth0", Prefixes: prefixes("10.0.0.2/8"), Names: []Name{{Names: []string{"x"}}}}, `["x"] have no address`},
		{"a line of its own", Inside{Interface: "eth0", Prefixes: prefixes("10.0.0.2/8"), Names: []Name{{Addr: server.Addr, Names: []string{"a\n10.0.0.1 b"}}}}, "cannot be the name of a host"},
		{"a comment", Inside{Interface: "eth0", Prefixes: prefixes("10.0.0.2/8"), Names: []Name{{Addr: server.Addr, Names: []string{"#a"}}}}, "cannot be the name of a host"},
		{"empty name", Inside{Interface: "eth0", Prefixes: prefixes("10.0.0.2/8"), Names: []Name{{Addr: server.Addr, Names: []string{""}}}}, "cannot be the name of a host"},
		{"letters beyond ASCII", Inside{Interface: "eth0", Prefixes: prefixes("10.0.0.2/8"), Names: []Name{{Addr: server.Addr, Names: []string{"müller"}}}}, "cannot be the name of a host"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.in.check()
			if tt.want == "" && err != nil {
				t.Errorf("error %v, want none", err)
			}
			if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestHosts(t *testing.T) {
	in := Inside{
		Prefixes: prefixes("fd00::2/64", "10.0.0.2/8"),
		Names: []Name{
			{Addr: netip.MustParseAddr("192.168.10.1"), Names: []string{"server", "ftp.example.net"}},
			{Addr: netip.MustParseAddr("10.0.0.2"), Names: []string{"client4"}},
			{Addr: netip.MustParseAddr("fd00::2"), Names: []string{"client", "client6"}},
		},
	}
	want := "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n" +
		"192.168.10.1\tserver ftp.example.net\n10.0.0.2\tclient4\nfd00::2\tclient client6\n"
	if got := in.hosts(); got != want {
		t.Errorf("hosts:\n%s\nwant:\n%s", got, want)
	}
	if got := in.hostname(); got != "client" {
		t.Errorf("host name %q, want that of the first address", got)
	}
	if got := (Inside{Prefixes: in.Prefixes}).hostname(); got != "" {
		t.Errorf("host name %q without names", got)
	}
}
