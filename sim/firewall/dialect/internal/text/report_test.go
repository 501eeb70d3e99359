package text

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

// A message repeats the beginning of a long word, and what stands around it.
func TestMessagesAreShort(t *testing.T) {
	long := strings.Repeat("x", 3<<20)
	for _, c := range []struct{ name, message, want string }{
		{"short", `"xyz" is not a number`, `"xyz" is not a number`},
		{"an IPv6 prefix", `"2001:0db8:0000:0000:0000:0000:0000:0001/128" is not it`, `"2001:0db8:0000:0000:0000:0000:0000:0001/128" is not it`},
		{"quoted", `"` + long + `" is not a number`, `"` + long[:39] + `…" is not a number`},
		{"at the end", "unknown option \"" + long + "\":", "unknown option \"" + long[:39] + "…\":"},
		{"bare", "bad argument " + long, "bad argument " + long[:40] + "…"},
		{"wide characters", strings.Repeat("→", 1000), strings.Repeat("→", 40) + "…"},
		{"quotes alone", strings.Repeat(`"`, 1000), strings.Repeat(`"`, 40) + `…"""`},
		{"many words", strings.Repeat("ab ", 1<<20), strings.Repeat("ab ", 133) + "a…"},
	} {
		r := Report{File: "rules"}
		r.Error(1, &Problem{Column: 1, EndColumn: 2, Message: c.message, Hint: c.message})
		r.Warn(1, errors.New(c.message))
		for _, d := range r.Diagnostics() {
			if d.Message != c.want || d.Hint != "" && d.Hint != c.want {
				t.Errorf("%s: %.200q, hint %.200q", c.name, d.Message, d.Hint)
			}
			if !utf8.ValidString(d.Message) {
				t.Errorf("%s: a character was cut", c.name)
			}
		}
	}
}
