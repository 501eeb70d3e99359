package nft

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestBounds checks that what would take too long is refused, and said so.
func TestBounds(t *testing.T) {
	doubling := "define x0 = { 1, 2 }\n"
	for i := 1; i < 60; i++ {
		doubling += fmt.Sprintf("define x%d = { $x%d, $x%d }\n", i, i-1, i-1)
	}
	bits := "define y0 = 1\n"
	for i := 1; i < 60; i++ {
		bits += fmt.Sprintf("define y%d = $y%d | $y%d\n", i, i-1, i-1)
	}
	for _, test := range []struct{ name, config, want string }{
		{"defines that double", doubling + "table ip t { chain c { tcp dport $x59 accept; }; }\n", "defines stand for more"},
		{"values that double", bits + "table ip t { chain c { meta mark $y59 accept; }; }\n", "defines stand for more"},
		{"braces", "table ip t { chain c { tcp dport " + strings.Repeat("{", 100000), "nested too deeply"},
		{"parentheses", "table ip t { chain c { tcp dport " + strings.Repeat("(", 100000), "nested too deeply"},
		{"blocks", "table ip t { chain c { " + strings.Repeat("jump { ", 100000), "nested too deeply"},
		{"hashes", "table ip t { chain c { " + strings.Repeat("jhash ", 100000), "nested too deeply"},
		{"meters", "table ip t { chain c { " + strings.Repeat("meter a { ip saddr ", 100000), "nested too deeply"},
		{"elements", "table ip t { set s { type inet_service; elements = { " + strings.Repeat("1,", maxElements+1) + "1 }; }; }\n", "more than 65536 elements"},
		{"a long text", strings.Repeat("# a comment\n", maxText/12+1), "longer than"},
		{"a long concatenation", "table ip t { chain c { ip saddr" + strings.Repeat(" . ip saddr", 100000) + " accept; }; }\n", "more than 5 fields"},
		{"a circle of chains", "table ip t { chain a { jump b; }; chain b { jump a; }; }\n", "Too many levels"},
		{"calls 17 deep", callsDeep(17), "Too many levels"},
	} {
		t.Run(test.name, func(t *testing.T) {
			rs, diagnostics := Parse("bounds.nft", test.config)
			if rs != nil || len(diagnostics) == 0 || !strings.Contains(diagnostics[0].Message, test.want) {
				t.Fatalf("got %.300v, want an error with %q", diagnostics, test.want)
			}
		})
	}
	if rs, diagnostics := Parse("bounds.nft", callsDeep(16)); rs == nil {
		t.Errorf("calls 16 deep: %v", diagnostics)
	}
}

func callsDeep(n int) string {
	var b strings.Builder
	b.WriteString("table ip t {\n")
	for i := 0; i < n; i++ {
		fmt.Fprintf(&b, "chain c%d { jump c%d; }\n", i, i+1)
	}
	fmt.Fprintf(&b, "chain c%d { accept; }\n}\n", n)
	return b.String()
}

// TestLinear checks that ten times the text takes about ten times the processor's time.
func TestLinear(t *testing.T) {
	for _, test := range []struct {
		name string
		line func(i int) string
	}{
		{"rules", func(int) string { return "add rule ip t c ip saddr 10.0.0.0/8 tcp dport { 21, 40000-40010 } accept\n" }},
		{"inserts", func(int) string { return "insert rule ip t c tcp dport 21 accept\n" }},
		{"chains", func(i int) string { return fmt.Sprintf("add chain ip t c%d\nadd rule ip t c%d jump d\n", i, i) }},
		{"sets", func(i int) string { return fmt.Sprintf("add set ip t s%d { type ipv4_addr; }\n", i) }},
		{"tables", func(i int) string { return fmt.Sprintf("add table ip t%d\n", i) }},
		{"errors", func(i int) string { return fmt.Sprintf("add rule ip t none%d accept\n", i) }},
		{"unknown words", func(int) string { return "add rule ip t c tcp dport fttp accept\n" }},
		{"comments", func(int) string { return "# a line that says nothing\n" }},
		{"defines", func(i int) string { return fmt.Sprintf("define d%d = %d\n", i, i%65536) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			small, large := parseTime(t, 100<<10, test.line), parseTime(t, 1000<<10, test.line)
			if limit := 40 * max(small, 10*time.Millisecond); large > limit {
				t.Errorf("100 kB take %v of the processor, 1 MB %v", small, large)
			}
		})
	}
}

// parseTime returns the least time of the processor that reading a text of so many
// octets took.
func parseTime(t *testing.T, octets int, line func(i int) string) time.Duration {
	var b strings.Builder
	b.WriteString("table ip t { chain c { }; chain d { }; }\n")
	for i := 0; b.Len() < octets; i++ {
		b.WriteString(line(i))
	}
	least := time.Hour
	for range 3 {
		before := userTime(t)
		Parse("linear.nft", b.String())
		least = min(least, userTime(t)-before)
	}
	return least
}

func userTime(t *testing.T) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano())
}
