package firewall

import (
	"net/netip"
	"testing"
)

// TestScan holds the search for announcements to nf_conntrack_ftp of Linux 6.18, by
// what it does with a whole segment. "strict" is the answer of later kernels where it
// differs.
func TestScan(t *testing.T) {
	const none, partial = "none", "partial"
	for _, c := range []struct {
		rule, data   string
		dir          direction
		want, strict string
	}{
		{"C1 a prefix of a pattern alone", "P", original, partial, ""},
		{"C1 a prefix of a pattern alone", "pOr", original, partial, ""},
		{"C1 a pattern alone", "PORT", original, partial, ""},
		{"C1 a prefix of the second pattern", "EPR", original, partial, ""},
		{"C1 a prefix of a reply", "22", reply, partial, ""},
		{"C1 not a prefix", "PA", original, none, ""},
		{"C1 not a prefix", "\r\n", original, none, ""},
		{"C2 letters of either case", "port 10,0,0,2,4,3\r\n", original, "10.0.0.2:1027", ""},
		{"C2 text before the skip character", "PORTxyz 10,0,0,2,4,3\r\n", original, "10.0.0.2:1027", ""},
		{"C2 no skip character", "PORT10,0,0,2,4,3\r\n", original, partial, ""},
		{"C2 a tab is none", "PORT\t10,0,0,2,4,3\r\n", original, partial, ""},
		{"C2 227 begins at the first digit", "227 =10,0,0,2,4,3 x", reply, "10.0.0.2:1027", ""},
		{"C2 227 with a digit before", "227 Mode 2 (10,0,0,2,4,3)", reply, partial, ""},
		{"C2 227 without a digit", "227 sorry\r\n", reply, partial, ""},
		{"C3 empty argument", "PORT \r\n", original, partial, ""},
		{"D1 LF alone", "PORT 10,0,0,2,4,3\n", original, partial, ""},
		{"D1 CR alone", "PORT 10,0,0,2,4,3\r", original, "10.0.0.2:1027", ""},
		{"D1 a blank before CR", "PORT 10,0,0,2,4,3 \r\n", original, partial, ""},
		{"D1 five numbers", "PORT 10,0,0,2,4\r\n", original, partial, ""},
		{"D1 seven numbers", "PORT 10,0,0,2,4,3,9\r\n", original, partial, ""},
		{"D1 an empty number is 0", "PORT 10,,,2,4,3\r\n", original, "10.0.0.2:1027", ""},
		{"D1 leading zeros", "PORT 010,000,0,2,004,003\r\n", original, "10.0.0.2:1027", ""},
		{"D1 227 ends at any other character", "227 (10,0,0,2,4,3", reply, partial, ""},
		{"D1 227 ends at any other character", "227 (10,0,0,2,4,3\n", reply, "10.0.0.2:1027", ""},
		{"D2 an octet over 255", "PORT 266,0,0,2,4,3\r\n", original, "10.0.0.2:1027", partial},
		{"D2 a port octet of 256", "PORT 10,0,0,2,256,3\r\n", original, "10.0.0.2:3", partial},
		{"D2 a low octet over 255", "PORT 10,0,0,2,3,259\r\n", original, "10.0.0.2:771", partial},
		{"D3 EPRT", "EPRT |1|10.0.0.2|1027|", original, "10.0.0.2:1027", ""},
		{"D3 another delimiter", "EPRT !1!10.0.0.2!1027!", original, "10.0.0.2:1027", ""},
		{"D3 a digit as delimiter", "EPRT 11110.0.0.21102711", original, partial, ""},
		{"D3 the other family", "EPRT |2|2001:db8::1|1027|", original, partial, ""},
		{"D3 no last delimiter", "EPRT |1|10.0.0.2|1027\r\n", original, partial, ""},
		{"D3 port 65537", "EPRT |1|10.0.0.2|65537|", original, "10.0.0.2:1", partial},
		{"D3 port 0", "EPRT |1|10.0.0.2|0|", original, partial, ""},
		{"D3 port 65536", "EPRT |1|10.0.0.2|65536|", original, partial, ""},
		{"D4 229 is the sender's own address", "229 (|||2024|)", reply, "10.0.0.2:2024", ""},
		{"D4 229 with an address", "229 (|1|10.0.0.2|2024|)", reply, partial, ""},
		{"D4 229 without parenthesis", "229 |||2024|\r\n", reply, partial, ""},
		{"D4 229 port 66563", "229 (|||66563|)", reply, "10.0.0.2:1027", partial},
		{"D5 any port", "PORT 10,0,0,2,0,22\r\n", original, "10.0.0.2:22", ""},
		{"D6 227-", "227-Entering (10,0,0,2,4,3)\r\n", reply, none, ""},
		{"D6 228", "228 Entering (4,4,10,0,0,2,2,4,3)\r\n", reply, none, ""},
		{"B1 a command from the server", "PORT 10,0,0,2,4,3\r\n", reply, none, ""},
	} {
		own := addressOf(netip.MustParseAddr("10.0.0.2"))
		for _, strict := range []bool{false, true} {
			want := c.want
			if strict && c.strict != "" {
				want = c.strict
			}
			a, result := scanner{family: 4, own: own, strict: strict}.scan([]byte(c.data), c.dir)
			got := [...]string{none, partial, ""}[result]
			if result == scanMatch {
				got = netip.AddrPortFrom(a.address.addr(4), a.port).String()
			}
			if got != want {
				t.Errorf("%s: %q (strict %v) gives %s, want %s", c.rule, c.data, strict, got, want)
			}
		}
	}
}

// TestScanIPv6: EPRT with a colon address (RFC 2428), and what becomes of the IPv4
// forms on an IPv6 connection.
func TestScanIPv6(t *testing.T) {
	own := netip.MustParseAddr("2001:db8::1")
	s := scanner{family: 6, own: addressOf(own)}
	for data, want := range map[string]string{
		"EPRT |2|2001:db8::1|1027|\r\n":                 "[2001:db8::1]:1027",
		"EPRT |2|2001:0db8:0000:0:0:0:0:0001|1027|\r\n": "[2001:db8::1]:1027",
		"EPRT |1|10.0.0.2|1027|\r\n":                    "",
		"EPRT |2|10.0.0.2|1027|\r\n":                    "",
		"EPRT |2|fe80::1%eth0|1027|\r\n":                "",
		"PORT 32,1,13,184,4,3\r\n":                      "[2001:db8::1]:1027",
		"PORT 10,0,0,2,4,3\r\n":                         "[a00:2::1]:1027",
	} {
		a, result := s.scan([]byte(data), original)
		got := ""
		if result == scanMatch {
			got = netip.AddrPortFrom(a.address.addr(6), a.port).String()
		}
		if got != want {
			t.Errorf("%q gives %q, want %q", data, got, want)
		}
	}
}

// TestRememberedLines: B2 and B3, at most two line ends for each direction; the older
// gives way unless what comes is older still.
func TestRememberedLines(t *testing.T) {
	var m ftpMemory
	if m.atLineStart(original, 0) {
		t.Error("the list does not begin empty")
	}
	for _, seq := range []uint32{100, 200, 300, 150} {
		m.remember(original, seq)
	}
	for seq, want := range map[uint32]bool{100: false, 150: false, 200: true, 300: true} {
		if got := m.atLineStart(original, seq); got != want {
			t.Errorf("at %d: %v, want %v", seq, got, want)
		}
	}
	if m.atLineStart(reply, 300) {
		t.Error("the directions share a list")
	}
	m.remember(original, 0xfffffff0-1<<31) // before in sequence space
	m.remember(original, 400)
	if m.atLineStart(original, 200) || !m.atLineStart(original, 400) {
		t.Error("the older of the two was not replaced")
	}
}

func FuzzScan(f *testing.F) {
	for _, seed := range []string{"PORT 10,0,0,2,4,3\r\n", "EPRT |1|10.0.0.2|1027|", "227 (10,0,0,2,4,3)", "229 (|||2024|)", "EPRT |2|::1|1|"} {
		f.Add([]byte(seed), true, false)
		f.Add([]byte(seed), false, true)
	}
	f.Fuzz(func(t *testing.T, data []byte, six, fromServer bool) {
		if len(data) == 0 {
			return
		}
		s := scanner{family: 4, own: address{lo: 0x0a000002}}
		if six {
			s.family = 6
		}
		dir := original
		if fromServer {
			dir = reply
		}
		lax, laxResult := s.scan(data, dir)
		if laxResult == scanMatch && (lax.at <= 0 || lax.length <= 0 || lax.at+lax.length > len(data)) {
			t.Fatalf("%q: numbers at %d, %d long", data, lax.at, lax.length)
		}
		s.strict = true
		strict, strictResult := s.scan(data, dir)
		if strictResult == scanMatch && (laxResult != scanMatch || strict != lax) {
			t.Fatalf("%q: strictly %+v, else %+v %v", data, strict, lax, laxResult)
		}
		if (laxResult == scanNothing) != (strictResult == scanNothing) {
			t.Fatalf("%q: strictness changes what is looked at", data)
		}
	})
}
