package ftp

import (
	"errors"
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

func TestParsePORT(t *testing.T) {
	tests := []struct {
		arg, want string // want "" is an error
	}{
		{"192,168,10,1,7,232", "192.168.10.1:2024"},
		{"0,0,0,0,0,0", "0.0.0.0:0"},
		{"255,255,255,255,255,255", "255.255.255.255:65535"},
		{"010,0,0,2,4,3", "10.0.0.2:1027"},
		{"", ""},
		{"1,2,3", ""},
		{"1,2,3,4,5", ""},
		{"1,2,3,4,5,6,7", ""},
		{"1,2,3,4,5,6,", ""},
		{"1,2,3,4,5,6 ", ""},
		{" 1,2,3,4,5,6", ""},
		{"1,2,3,4,5,256", ""},
		{"256,2,3,4,5,6", ""},
		{"0001,2,3,4,5,6", ""},
		{"99999999999999999999,2,3,4,5,6", ""},
		{"1,2,3,4,5,-6", ""},
		{"1,2,3,4,5,+6", ""},
		{"1,,3,4,5,6", ""},
		{"a,b,c,d,e,f", ""},
		{"1.2.3.4.5.6", ""},
		{"1,2,3,4,5,\xff", ""},
	}
	for _, test := range tests {
		got, err := ParsePORT(test.arg)
		var fault *AddressError
		if (err == nil) != (test.want != "") || err == nil && got.String() != test.want || err != nil && !errors.As(err, &fault) {
			t.Errorf("ParsePORT(%q) = %v, %v; want %q", test.arg, got, err, test.want)
		}
	}
}

// TestAddressErrorsSayWhere: what a learner who mistyped is told.
func TestAddressErrorsSayWhere(t *testing.T) {
	tests := []struct{ arg, want string }{
		{"10,0,0,256,4,1", "number 4 is 256, over 255 (at octet 8)"},
		{"10,0,0", "no comma after number 3 of 6 (at octet 7)"},
		{"10,0,0,2,4,", "number 6 of 6 is missing (at octet 12)"},
		{"10,0,0,2,4,3,5", "something follows the sixth number (at octet 13)"},
	}
	for _, test := range tests {
		if _, err := ParsePORT(test.arg); err == nil || err.Error() != test.want {
			t.Errorf("ParsePORT(%q): %v, want %q", test.arg, err, test.want)
		}
	}
}

func TestParseEPRT(t *testing.T) {
	tests := []struct {
		arg, want string
		family    bool
	}{
		{"|1|132.235.1.2|6275|", "132.235.1.2:6275", false}, // RFC 2428's own examples
		{"|2|1080::8:800:200C:417A|5282|", "[1080::8:800:200c:417a]:5282", false},
		{"!1!10.0.0.2!51200!", "10.0.0.2:51200", false},
		{"~1~10.0.0.2~1~", "10.0.0.2:1", false},
		{"", "", false},
		{" 1 10.0.0.2 1 ", "", false},
		{"|1|10.0.0.2|51200", "", false},
		{"|1|10.0.0.2|51200|x", "", false},
		{"|1|10.0.0.2|51200||", "", false},
		{"|1|10.0.0.2|0|", "", false},
		{"|1|10.0.0.2|65536|", "", false},
		{"|1|10.0.0.2|+5|", "", false},
		{"|1|::1|5|", "", false},
		{"|2|10.0.0.2|5|", "", false},
		{"|2|fe80::1%eth0|5|", "", false},
		{"|1|localhost|5|", "", false},
		{"|3|x|5|", "", true},
		{"|0|x|5|", "", true},
		{"||||", "", false},
		{"junk", "", false},
	}
	for _, test := range tests {
		got, err := ParseEPRT(test.arg)
		var fault *AddressError
		isFamily := errors.As(err, &fault) && fault.Family
		if (err == nil) != (test.want != "") || err == nil && got.String() != test.want || isFamily != test.family {
			t.Errorf("ParseEPRT(%q) = %v, %v; want %q", test.arg, got, err, test.want)
		}
	}
}

func TestParse227(t *testing.T) {
	tests := []struct{ reply, addr, span string }{
		{"227 Entering Passive Mode (192,168,10,1,7,232).", "192.168.10.1:2024", "192,168,10,1,7,232"},
		{"227 Entering Passive Mode (127,0,0,1,9,37)", "127.0.0.1:2341", "127,0,0,1,9,37"},
		{"227 Entering passive mode 10,0,0,1,4,1", "10.0.0.1:1025", "10,0,0,1,4,1"},
		{"Entering Passive Mode =10,0,0,1,4,1", "10.0.0.1:1025", "10,0,0,1,4,1"},
		{"227 user 12 of 50, mode (10,0,0,1,4,1)", "10.0.0.1:1025", "10,0,0,1,4,1"},
		{"227 (300,0,0,1,4,1) or (10,0,0,1,4,1)", "10.0.0.1:1025", "10,0,0,1,4,1"},
		{"227 Entering Passive Mode", "", ""},
		{"227 (10,0,0,1,4)", "", ""},
		{"227 (10,0,0,1,4,256)", "", ""},
	}
	for _, test := range tests {
		got, err := Parse227(test.reply)
		if (err == nil) != (test.addr != "") {
			t.Errorf("Parse227(%q): %v", test.reply, err)
			continue
		}
		if err == nil && (got.Addr.String() != test.addr || test.reply[got.Start:got.End] != test.span) {
			t.Errorf("Parse227(%q) = %v, %q", test.reply, got.Addr, test.reply[got.Start:got.End])
		}
	}
}

func TestParse229(t *testing.T) {
	tests := []struct {
		reply string
		port  uint16
	}{
		{"229 Entering Extended Passive Mode (|||2024|)", 2024},
		{"229 Extended Passive Mode OK (|||65535|)", 65535},
		{"229 (see below) (!!!6446!)", 6446},
		{"229 ok (|||0|)", 0},
		{"229 ok (|||65536|)", 0},
		{"229 ok (||2024|)", 0},
		{"229 ok (|||2024)", 0},
		{"229 ok (|||2024|", 0},
		{"229 ok |||2024|", 0},
		{"229 ok (|1|10.0.0.1|2024|)", 0},
		{"229 ok (", 0},
	}
	for _, test := range tests {
		got, err := Parse229(test.reply)
		if (err == nil) != (test.port != 0) || got.Addr.Port() != test.port {
			t.Errorf("Parse229(%q) = %v, %v; want %d", test.reply, got.Addr, err, test.port)
		}
	}
}

func TestParseAnnouncement(t *testing.T) {
	tests := []struct{ line, verb, span string }{
		{"PORT 10,0,0,2,4,3", "PORT", "10,0,0,2,4,3"},
		{"port 10,0,0,2,4,3", "PORT", "10,0,0,2,4,3"},
		{"EPRT |2|2001:db8::2|1027|", "EPRT", "|2|2001:db8::2|1027|"},
		{"227 Entering Passive Mode (192,168,10,1,7,232).", "227", "192,168,10,1,7,232"},
		{"229 Entering Extended Passive Mode (|||2024|)", "229", "2024"},
		{"PORTS 1", "", ""},
		{"226 done (10,0,0,2,4,3)", "", ""},
		{"PASV", "", ""},
		{"", "", ""},
	}
	for _, test := range tests {
		got, verb, err := ParseAnnouncement(test.line)
		if verb != test.verb || err != nil || test.line[got.Start:got.End] != test.span {
			t.Errorf("ParseAnnouncement(%q) = %q, %q, %v", test.line, verb, test.line[got.Start:got.End], err)
		}
	}
	if _, verb, err := ParseAnnouncement("PORT x"); verb != "PORT" || err == nil {
		t.Errorf("a PORT without an address: %q, %v", verb, err)
	}
}

// TestFormatThenParse: what one end says, the other understands.
func TestFormatThenParse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		port := rapid.Uint16Min(1).Draw(t, "port")
		v4 := netip.AddrPortFrom(netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "v4"))), port)
		v6 := netip.AddrPortFrom(netip.AddrFrom16([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "v6"))), port)
		if got, err := ParsePORT(FormatPORT(v4)); got != v4 || err != nil {
			t.Errorf("PORT %v: %v, %v", v4, got, err)
		}
		if got, err := ParseEPRT(FormatEPRT(v4)); got != v4 || err != nil {
			t.Errorf("EPRT %v: %v, %v", v4, got, err)
		}
		if !v6.Addr().Is4In6() {
			if got, err := ParseEPRT(FormatEPRT(v6)); got != v6 || err != nil {
				t.Errorf("EPRT %v: %v, %v", v6, got, err)
			}
		}
		if got, err := Parse227("Entering Passive Mode (" + FormatPORT(v4) + ")."); got.Addr != v4 || err != nil {
			t.Errorf("227 %v: %v, %v", v4, got, err)
		}
		if got, err := Parse229("Entering Extended Passive Mode " + Format229(port)); got.Addr.Port() != port || err != nil {
			t.Errorf("229 %v: %v, %v", port, got, err)
		}
	})
}

func FuzzAddress(f *testing.F) {
	for _, seed := range []string{"10,0,0,2,4,3", "|1|10.0.0.2|1027|", "|2|::1|5|", "227 (1,2,3,4,5,6)", "229 (|||5|)", "PORT 1,2,3,4,5,6"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if addr, err := ParsePORT(text); err == nil {
			if again, err := ParsePORT(FormatPORT(addr)); again != addr || err != nil {
				t.Errorf("PORT %q: %v, then %v", text, addr, again)
			}
		}
		if addr, err := ParseEPRT(text); err == nil && !addr.Addr().Is4In6() {
			if again, err := ParseEPRT(FormatEPRT(addr)); again != addr || err != nil {
				t.Errorf("EPRT %q: %v, then %v", text, addr, again)
			}
		}
		if a, err := Parse227(text); err == nil {
			if again, err := ParsePORT(text[a.Start:a.End]); again != a.Addr || err != nil {
				t.Errorf("227 %q: %v, then %v, %v", text, a, again, err)
			}
		}
		if a, err := Parse229(text); err == nil {
			if port, ok := parsePort(text[a.Start:a.End]); !ok || port != a.Addr.Port() {
				t.Errorf("229 %q: %v", text, a)
			}
		}
		if a, verb, err := ParseAnnouncement(text); verb != "" && err == nil && (a.Start >= a.End || a.End > len(text)) {
			t.Errorf("%q: %+v", text, a)
		}
	})
}
