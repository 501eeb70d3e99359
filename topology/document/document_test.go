package document

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestParseKeepsPlaces(t *testing.T) {
	n, err := Parse("a.yaml", []byte("---\ntitle: 'two words'\nlist:\n- x\n- {k: 010}\nempty:\nrules: |\n\n  deny ip\n    permit\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		node         *Node
		kind         Kind
		text         string
		line, column int
	}{
		{n, Map, "", 2, 1},
		{n.Get("title"), Scalar, "two words", 2, 8},
		{n.Get("list").Values[0], Scalar, "x", 4, 3},
		{n.Get("list").Values[1].Get("k"), Scalar, "010", 5, 7},
		{n.Get("rules"), Scalar, "\ndeny ip\n  permit\n", 7, 8},
	} {
		if c.node.Kind != c.kind || c.node.Text != c.text || c.node.Line != c.line || c.node.Column != c.column {
			t.Errorf("got %v %q at %d:%d, want %v %q at %d:%d", c.node.Kind, c.node.Text, c.node.Line, c.node.Column, c.kind, c.text, c.line, c.column)
		}
	}
	if k := n.Get("empty").Kind; k != Null {
		t.Errorf("a key without a value is %v", k)
	}
	if line, column := n.Get("rules").Place(2, 6); line != 9 || column != 8 {
		t.Errorf("column 6 of line 2 of the rules is at %d:%d of the file, want 9:8", line, column)
	}
	if line, column := n.Get("rules").Place(3, 3); line != 10 || column != 5 {
		t.Errorf("column 3 of line 3 of the rules is at %d:%d of the file, want 10:5", line, column)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"a: 1\na: 2\n", "f:2:1: "},
		{"a: [1\n", "f:1:4: "},
		{"a: &x 1\nb: *x\n", `f:1:4: "&": anchors`},
		{"a: !!str 1\n", "anchors, aliases, tags"},
		{"a: 1\n---\nb: 2\n", "f:3:2: a second document"},
		{strings.Repeat("[", 100), "nested too deeply"},
		{strings.Repeat("- ", 100) + "x", "nested too deeply"},
		{strings.Repeat("a: [x, y]\n", 5000), "values and keys"},
		{"a: \xff\n", "f:1: not UTF-8"},
		{"a: b\nc: \x00\n", "f:2: a NUL octet"},
		{strings.Repeat("#", MaxBytes+1), "octets long"},
		{"[a, b]: c\n", "f:1:"},
	} {
		_, err := Parse("f", []byte(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.30q: error %v, want %q", c.text, err, c.want)
		}
	}
}

func TestEmptyIsNull(t *testing.T) {
	for _, text := range []string{"", "\n", "# nothing\n", "---\n"} {
		n, err := Parse("f", []byte(text))
		if err != nil || n.Kind != Null {
			t.Errorf("%q: %v, %v", text, n, err)
		}
	}
}

func TestDecoder(t *testing.T) {
	n, err := Parse("f", []byte(`
ms: 20ms
seconds: 4
half: 0.5
size: 64KiB
rate: 10Mbit
loss: 1%
yes: YES
port: 21
addr: 192.168.10.1
net: 10.0.0.0/24
`))
	if err != nil {
		t.Fatal(err)
	}
	var d Decoder
	if got := d.Duration(n.Get("ms")); got != 20*time.Millisecond {
		t.Error(got)
	}
	if got := d.Duration(n.Get("seconds")); got != 4*time.Second {
		t.Error(got)
	}
	if got := d.Duration(n.Get("half")); got != 500*time.Millisecond {
		t.Error(got)
	}
	if got := d.Octets(n.Get("size")); got != 65536 {
		t.Error(got)
	}
	if got := d.BitRate(n.Get("rate")); got != 10_000_000 {
		t.Error(got)
	}
	if got := d.Probability(n.Get("loss")); got != 0.01 {
		t.Error(got)
	}
	if !d.Bool(n.Get("yes")) || d.Port(n.Get("port"), false) != 21 {
		t.Error("YES or 21")
	}
	if d.Addr(n.Get("addr")).String() != "192.168.10.1" || d.Network(n.Get("net")).String() != "10.0.0.0/24" {
		t.Error("address or network")
	}
	if d.Err() != nil {
		t.Error(d.Err())
	}
}

func TestDecoderRefuses(t *testing.T) {
	text := `time: soon
size: big
negative: -1
rate: 10Mbps
loss: 101%
bool: maybe
port: 0
addr: 192.168.10.256
prefix: 10.0.0.2/24
word: pasive
int: 1e3
nan: NaN
list: {a: b}
`
	n, err := Parse("f", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var d Decoder
	d.Duration(n.Get("time"))
	d.Octets(n.Get("size"))
	d.Duration(n.Get("negative"))
	d.BitRate(n.Get("rate"))
	d.Probability(n.Get("loss"))
	d.Bool(n.Get("bool"))
	d.Port(n.Get("port"), false)
	d.Addr(n.Get("addr"))
	d.Network(n.Get("prefix"))
	d.Word(n.Get("word"), "a mode", "passive", "active")
	d.Int(n.Get("int"), 0, 10)
	d.Duration(n.Get("nan"))
	d.String(n.Get("list"))
	var errs Errors
	if !errors.As(d.Err(), &errs) || len(errs) != len(n.Keys) {
		t.Fatalf("%d errors for %d mistakes:\n%v", len(errs), len(n.Keys), d.Err())
	}
	for i, e := range errs {
		if e.Line != i+1 || e.Column < 5 {
			t.Errorf("error %d is at line %d, column %d: %v", i+1, e.Line, e.Column, e)
		}
	}
	if want := `f:10:7: "pasive" is not a mode (did you mean passive?)`; errs[9].Error() != want {
		t.Errorf("got  %s\nwant %s", errs[9], want)
	}
}

func TestMapUnknownKey(t *testing.T) {
	n, _ := Parse("f", []byte("nodes: 1\nlinsk: 2\nweather: 3\n"))
	var d Decoder
	d.Map(n, "a scenario", "nodes", "links")
	want := "f:2:1: a scenario has no \"linsk\" (did you mean links?)\nf:3:1: a scenario has no \"weather\" (it may have nodes, links)"
	if d.Err() == nil || d.Err().Error() != want {
		t.Errorf("got  %v\nwant %s", d.Err(), want)
	}
}

func TestSet(t *testing.T) {
	n, _ := Parse("f", []byte("nodes:\n  c:\n    sysctl:\n      net.a.b: 1\n  d:\nlinks: [{a: 1}, {a: 2}]\n"))
	for _, c := range []struct {
		path string
		ok   bool
	}{
		{"nodes.c.sysctl.net.a.b", true},
		{"nodes.c.sysctl.net.a.c", true},
		{"nodes.d.sysctl.net.a.b", true},
		{"nodes.e.sysctl.net.a.b", true},
		{"nodes.c.sysctl.net.a.b.x", true}, // a sysctl of that name
		{"nodes.c.sysctl", true},
		{"nodes.c.sysctl.x", false}, // it is a scalar now
		{"links.1.a", true},
		{"links.2.b", true},
		{"links.2", true},
		{"links.0.a", false},
		{"links.3.a", false},
		{"links.a", false},
		{"", false},
	} {
		if ok := n.Set(c.path, Text("--set", "7"), "sysctl"); ok != c.ok {
			t.Errorf("Set(%q) = %v", c.path, ok)
		} else if ok && n.Lookup(c.path).Text != "7" {
			t.Errorf("Set(%q) set nothing", c.path)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("a: |\n  x\n   y\nb: [1, {c: d}]\n"))
	f.Add([]byte("---\n- >-\n  x\n- 'y'\n- \"z\\n\"\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		n, err := Parse("f", text)
		if (n == nil) == (err == nil) {
			t.Fatalf("node %v with error %v", n, err)
		}
		if n == nil {
			return
		}
		var walk func(n *Node)
		walk = func(n *Node) {
			if n.Kind == Map && len(n.Keys) != len(n.Values) {
				t.Fatalf("%d keys for %d values", len(n.Keys), len(n.Values))
			}
			if n.Line < 1 {
				t.Fatalf("a node without a place: %+v", n)
			}
			for i, line := range strings.Split(n.Text, "\n") {
				n.Place(i+1, len(line))
			}
			for _, v := range n.Values {
				walk(v)
			}
		}
		walk(n)
	})
}
