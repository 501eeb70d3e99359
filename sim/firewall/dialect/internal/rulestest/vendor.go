package rulestest

import (
	"fmt"
	"strings"
	"testing"

	"ftplab/sim/firewall"
)

// Summary writes a vendor's ruleset in a few lines: each chain with where it is applied, its
// rules with numbers, conditions and verdict.
func Summary(rs *firewall.Ruleset) string {
	var b strings.Builder
	for _, c := range rs.Chains {
		fmt.Fprintf(&b, "%s %s", c.Family, c.Name)
		if c.Hook != firewall.HookNone {
			fmt.Fprintf(&b, " %s %s", c.Hook, c.Interface)
		}
		fmt.Fprintf(&b, " (%s)\n", c.PolicyText)
		for _, r := range rs.Rules[c.First : c.First+c.Count] {
			fmt.Fprintf(&b, " %s:", r.ID)
			for _, p := range r.Parts {
				if p.Match != nil {
					fmt.Fprintf(&b, " [%s]", p.Match.Text)
				} else {
					fmt.Fprintf(&b, " {%s}", p.Effect.Text)
				}
			}
			switch r.Verdict.Kind {
			case firewall.Accept:
				b.WriteString(" permit\n")
			case firewall.Drop:
				b.WriteString(" deny\n")
			case firewall.Return:
				b.WriteString(" return\n")
			default:
				fmt.Fprintf(&b, " jump %s\n", rs.Chains[r.Verdict.Chain].Name)
			}
		}
	}
	for _, in := range rs.Inspections {
		fmt.Fprintf(&b, "%s %s%s %s>%s ftp %v tcp %v udp %v icmp %v %v\n", in.Kind, in.Interface, in.Hook, in.FromZone, in.ToZone, in.FTP, in.TCP, in.UDP, in.ICMP, in.Ports)
	}
	return b.String()
}

// Refusal is a text that cannot be read, and the one error that says why.
type Refusal struct {
	Text          string
	Line, Column  int
	Message, Hint string
}

// Check sees that parse refuses the text as the Refusal says.
func (r Refusal) Check(t testing.TB, parse func(file, text string) (*firewall.Ruleset, []firewall.Diagnostic)) {
	t.Helper()
	rs, diagnostics := parse("f", r.Text)
	var first firewall.Diagnostic
	errors := 0
	for _, d := range diagnostics {
		if d.Severity == firewall.Error {
			if errors++; errors == 1 {
				first = d
			}
		}
	}
	if rs != nil || errors != 1 {
		t.Errorf("%q: %d errors: %v", r.Text, errors, diagnostics)
		return
	}
	if got := (Refusal{r.Text, first.Line, first.Column, first.Message, first.Hint}); got != r {
		t.Errorf("%q:\n got %d:%d %q, hint %q\nwant %d:%d %q, hint %q", r.Text, got.Line, got.Column, got.Message, got.Hint, r.Line, r.Column, r.Message, r.Hint)
	}
}
