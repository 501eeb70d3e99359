package text

import (
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ftplab/sim/firewall"
)

func TestWords(t *testing.T) {
	words := Words("\t rule  permit tcp\r", 10)
	want := []Word{{"rule", 13}, {"permit", 19}, {"tcp", 26}}
	if len(words) != len(want) {
		t.Fatalf("%v", words)
	}
	for i, w := range words {
		if w != want[i] {
			t.Errorf("word %d: %v, want %v", i, w, want[i])
		}
	}
}

func TestLines(t *testing.T) {
	for given, want := range map[string]string{"": "", "a": "a", "a\n": "a", "a\n\nb": "a||b", "a\r\nb\r\n": "a|b", "\n": ""} {
		if got := strings.Join(Lines(given), "|"); got != want {
			t.Errorf("Lines(%q) = %q, want %q", given, got, want)
		}
	}
}

func TestCursor(t *testing.T) {
	c := NewCursor(Words("ip access-group 101 in", 0))
	if c.Accept("ip", "route") || !c.Accept("IP", "Access-Group") || c.Last().Text != "access-group" {
		t.Fatal("Accept reads all of the keywords or none")
	}
	if c.Next().Text != "101" || c.Since(1) != "access-group 101" || c.Next().Text != "in" || !c.Done() {
		t.Fatal("Next")
	}
	if missing := c.Next(); missing.Text != "" || missing.Column != 23 {
		t.Errorf("a missing word is at the end: %v", missing)
	}
}

func TestSuggest(t *testing.T) {
	candidates := []string{"rule", "packet-filter", "destination-port", "permit", "eq"}
	for given, want := range map[string]string{
		"Rele": "rule", "ruel": "rule", "rle": "rule", "rules": "rule", "packetfilter": "packet-filter", "destinatoin-prot": "destination-port",
		"prmit": "permit", "e": "", "qe": "", "walk": "", "": "", strings.Repeat("x", 1000): "",
	} {
		if got := Suggest(given, candidates); got != want {
			t.Errorf("Suggest(%q) = %q, want %q", given, got, want)
		}
	}
}

func TestKeyword(t *testing.T) {
	for _, c := range []struct{ word, want, message, hint string }{
		{"SOURCE", "source", "", ""}, {"dest", "destination", "", ""}, {"source", "source", "", ""},
		{"sour", "", `"sour" is ambiguous`, "expected source or source-port"}, {"dset", "", `"dset" is not an option`, "expected source, source-port or destination"},
		{"", "", "an option is missing", "expected source, source-port or destination"},
	} {
		got, err := Keyword("an option", Word{Text: c.word, Column: 1}, true, "source", "source-port", "destination")
		if got != c.want || (err != nil) != (c.message != "") || err != nil && (err.Message != c.message || err.Hint != c.hint) {
			t.Errorf("%q: %q, %+v", c.word, got, err)
		}
	}
}

// The formatted message has the compilers' form, its caret stands under the word, and
// nothing in it can steer a terminal.
func TestFormat(t *testing.T) {
	d := firewall.Diagnostic{Severity: firewall.Error, File: "f", Line: 2, Column: 2, EndColumn: 6, Message: "bad \x1b[31m", Hint: "h"}
	const want = "f:2:2: error: bad ?[31m\n    2 |  Rele d?ny\n      |  ^^^^\nhint: h\n"
	if got := Format(d, "one\n\tRele d\x07ny\n"); got != want {
		t.Errorf("got:\n%q\nwant:\n%q", got, want)
	}
	d.Line, d.Column, d.EndColumn, d.Message, d.Severity = 1, 1001, 1005, "m", firewall.Warning
	long := Format(d, strings.Repeat("x", 1000)+"Rele"+strings.Repeat("y", 1000))
	lines := strings.Split(long, "\n")
	if !strings.HasPrefix(lines[0], "f:1:1001: warning: m") || len(lines[1]) > 160 || strings.Index(lines[1], "Rele") != strings.Index(lines[2], "^^^^") {
		t.Errorf("%s", long)
	}
}

// After the 50th error, and the 500th warning, one message counts the rest.
func TestReportIsBounded(t *testing.T) {
	r := Report{File: "f"}
	for i := range 1000 {
		r.Error(1000-i, At(Word{"x", 1}, "e"))
		r.Warn(i+1, At(Word{"x", 1}, "w"))
	}
	all := r.Diagnostics()
	if len(all) != MaxErrors+MaxWarnings+2 || !r.Full() || !strings.Contains(all[len(all)-1].Message, "500 more warnings") {
		t.Errorf("%d messages, the last: %+v", len(all), all[len(all)-1])
	}
	for i := 1; i < MaxErrors+MaxWarnings; i++ {
		if all[i].Line < all[i-1].Line {
			t.Fatalf("the messages are not in the order of the lines")
		}
	}
}

func TestNumber(t *testing.T) {
	for word, want := range map[string]string{
		"0": "", "65535": "", "65536": "port 65536 is out of range", "-1": `"-1" is not a number`, "0x10": `"0x10" is not a number`,
		"99999999999999999999999": "port 99999999999999999999999 is out of range", "": "port is missing", "+1": `"+1" is not a number`,
	} {
		got := ""
		if _, err := Number("port", Word{Text: word}, 0, 65535); err != nil {
			got = err.Message
		}
		if got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}

// A network is the same through its mask, its wildcard mask and its test.
func TestMasks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		length := rapid.IntRange(0, 32).Draw(t, "length")
		octets := rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "address")
		a, _ := netip.AddrFromSlice(octets)
		mask := Netmask(32, length)
		want := netip.PrefixFrom(a, length).Masked()
		if !IsNetmask(mask) || Inverse(Inverse(mask)) != mask {
			t.Fatalf("mask %v", mask)
		}
		if test := Masked(a, mask); test != Wildcard(a, Inverse(mask)) || test != Prefix(want) {
			t.Fatalf("%v", test)
		}
		if got, ok := PrefixOf(Prefix(want)); !ok || got != want {
			t.Fatalf("PrefixOf: %v, want %v", got, want)
		}
		six := netip.PrefixFrom(netip.MustParseAddr("2001:db8::ffff"), rapid.IntRange(0, 128).Draw(t, "length 6")).Masked()
		if got, ok := PrefixOf(Prefix(six)); !ok || got != six {
			t.Fatalf("PrefixOf: %v, want %v", got, six)
		}
	})
	if _, ok := PrefixOf(Wildcard(netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("0.255.0.0"))); ok {
		t.Error("a mask with holes is no network")
	}
}

func TestNames(t *testing.T) {
	if n, ok := Lookup(LinuxServices(), "FTP"); !ok || n != 21 || NameOf(LinuxServices(), 20) != "ftp-data" || NameOf(LinuxServices(), 54321) != "54321" {
		t.Error("ports by name")
	}
	seen := map[string]bool{}
	for _, p := range Protocols() {
		if seen[p.Name] || p.Number > 255 {
			t.Errorf("protocol %v", p)
		}
		seen[p.Name] = true
	}
}
