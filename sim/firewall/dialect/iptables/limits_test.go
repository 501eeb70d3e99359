package iptables

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestBounds checks that what would take too long is refused, and said so.
func TestBounds(t *testing.T) {
	doubling := "X0=abcdefgh\n"
	for i := 1; i < 60; i++ {
		doubling += fmt.Sprintf("X%d=$X%d$X%d\n", i, i-1, i-1)
	}
	for _, test := range []struct{ name, config, want string }{
		{"variables that double", doubling + "iptables -A INPUT -s $X59\n", "is not set"},
		{"words", "iptables -A INPUT" + strings.Repeat(" -v", 2000) + "\n", "more than 1024 words"},
		{"a long text", strings.Repeat("# a comment\n", maxText/12+1), "longer than"},
		{"a quote", "iptables -A INPUT -m comment --comment \"" + strings.Repeat("x", 100000) + "\n", "not closed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			rs, diagnostics := Parse("bounds.sh", test.config)
			if rs != nil || len(diagnostics) == 0 || !strings.Contains(diagnostics[0].Message, test.want) {
				t.Fatalf("got %.300v, want an error with %q", diagnostics, test.want)
			}
		})
	}
}

// TestLinear checks that ten times the text takes about ten times the processor's time.
func TestLinear(t *testing.T) {
	for _, test := range []struct {
		name string
		line func(i int) string
	}{
		{"rules", func(int) string { return "-A FORWARD -s 10.0.0.0/8 -p tcp -m tcp --dport 21 -j ACCEPT\n" }},
		{"inserts", func(int) string { return "-I FORWARD -j ACCEPT\n" }},
		{"chains", func(i int) string { return fmt.Sprintf(":c%d - [0:0]\n-A FORWARD -j c%d\n", i, i) }},
		{"new chains", func(i int) string { return fmt.Sprintf("-N c%d\n-A c%d -j ACCEPT\n-F c%d\n-X c%d\n", i, i, i, i) }},
		{"tables", func(int) string { return "*filter\n" }},
		{"errors", func(int) string { return "-A FORWARD -p tcp --dprot 21\n" }},
		{"continued lines", func(int) string { return "-A FORWARD \\\n-j ACCEPT\n" }},
		{"one long line", func(int) string { return "\\\n" }},
		{"comments", func(int) string { return "# a line that says nothing\n" }},
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
	b.WriteString("*filter\n:FORWARD ACCEPT [0:0]\n")
	for i := 0; b.Len() < octets; i++ {
		b.WriteString(line(i))
	}
	least := time.Hour
	for range 3 {
		before := userTime(t)
		Parse("linear", b.String())
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
