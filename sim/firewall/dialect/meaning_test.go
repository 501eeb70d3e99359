package dialect

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/acl"
)

// failer is what *testing.T and *rapid.T have in common.
type failer interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// meaning writes what a vendor's ruleset does, without how it says it: two texts with
// one meaning give one string. Rules are taken apart into entries of one value each.
func meaning(t failer, rs *firewall.Ruleset) string {
	t.Helper()
	var b strings.Builder
	special := func(c *firewall.Chain) bool {
		return c.Hook == firewall.Forward || called(rs, c) || c.Table == "access-group"
	}
	lists, err := acl.Lists("meaning", rs, acl.Kind{Joined: true}, special)
	if err != nil {
		t.Fatalf("meaning: %v", err)
	}
	for _, l := range lists {
		fmt.Fprintf(&b, "list %s %q policy %v at %v\n", l.Chain.Family, l.Chain.Name, l.Chain.Policy.Kind, sorted(l.Places))
		for n := len(l.Entries) - 1; n >= 0 && l.Entries[n].IsAny() && l.Entries[n].Verdict.Kind == l.Chain.Policy.Kind; n-- {
			l.Entries = l.Entries[:n] // the policy says the same
		}
		for _, e := range l.Entries {
			fmt.Fprintf(&b, "  %s\n", entryMeaning(&e))
		}
	}
	for i := range rs.Chains {
		if c := &rs.Chains[i]; special(c) {
			fmt.Fprintf(&b, "chain %q hook %q at %q policy %v\n", c.Name, c.Hook, c.Interface, c.Policy.Kind)
			for _, r := range rs.Rules[c.First : c.First+c.Count] {
				b.WriteString(ruleMeaning(t, rs, &r))
			}
		}
	}
	var inspections []string
	for _, in := range rs.Inspections {
		in.Line, in.Text = 0, ""
		inspections = append(inspections, fmt.Sprintf("inspection %+v\n", in))
	}
	slices.Sort(inspections)
	b.WriteString(strings.Join(slices.Compact(inspections), ""))
	for _, in := range rs.Interfaces {
		in.Line = 0
		fmt.Fprintf(&b, "interface %+v\n", in)
	}
	return b.String()
}

// called reports whether a rule jumps to the chain.
func called(rs *firewall.Ruleset, c *firewall.Chain) bool {
	return slices.ContainsFunc(rs.Rules, func(r firewall.Rule) bool {
		return r.Verdict.Kind == firewall.Jump && &rs.Chains[r.Verdict.Chain] == c
	})
}

func sorted(places []acl.Place) []string {
	var words []string
	for _, at := range places {
		words = append(words, at.Hook.String()+" "+at.Interface)
	}
	slices.Sort(words)
	return words
}

func entryMeaning(e *acl.Entry) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v family %d proto %d", e.Verdict.Kind, e.Family, e.Protocol)
	for _, a := range []*firewall.AddressTest{e.Source, e.Destination} {
		if a == nil {
			b.WriteString(" any")
		} else {
			fmt.Fprintf(&b, " %v/%v", a.Base, a.Care)
		}
	}
	for _, p := range []*acl.PortTest{e.SourcePort, e.DestinationPort} {
		if p == nil {
			b.WriteString(" any")
		} else {
			fmt.Fprintf(&b, " %+v", *p)
		}
	}
	mask, bits, rest, ok := e.CombinedFlags()
	fmt.Fprintf(&b, " flags %v %v %v %v icmp %d %d fragment %d", mask, bits, rest, ok, e.ICMPType, e.ICMPCode, e.Fragment)
	for _, r := range []*firewall.Range{e.DSCP, e.TTL} {
		if r != nil {
			fmt.Fprintf(&b, " %v", *r)
		}
	}
	fmt.Fprintf(&b, " log %v %q in %v out %v", e.Log, e.NotModelled, e.In, e.Out)
	return b.String()
}

func ruleMeaning(t failer, rs *firewall.Ruleset, r *firewall.Rule) string {
	t.Helper()
	target := ""
	verdict := r.Verdict
	if verdict.Kind == firewall.Jump {
		target = rs.Chains[verdict.Chain].Name
		verdict.Chain = 0
	}
	entries, err := acl.Expand("meaning", &firewall.Rule{Parts: positive(r.Parts), Verdict: verdict})
	if err != nil {
		t.Fatalf("meaning of %q: %v", r.Text, err)
	}
	var b strings.Builder
	for _, e := range entries {
		if !e.Never && e.InFamily(0) {
			fmt.Fprintf(&b, "  %s %s\n", target, entryMeaning(&e))
		}
	}
	return b.String()
}

// positive turns excluded interfaces into wanted ones with a mark, which entries can
// hold.
func positive(parts []firewall.Part) []firewall.Part {
	turned := slices.Clone(parts)
	for i, p := range turned {
		if p.Match != nil && p.Match.Negate && len(p.Match.Names) > 0 {
			m := *p.Match
			m.Negate = false
			m.Names = append([]string{"not"}, m.Names...)
			turned[i].Match = &m
		}
	}
	return turned
}

// roundTrip prints a ruleset in its own dialect, reads the text again, and fails the
// test if that does not mean the same or prints otherwise.
func roundTrip(t failer, rs *firewall.Ruleset) {
	t.Helper()
	first, err := Print(rs, rs.Dialect)
	if err != nil {
		t.Fatalf("print: %v", err)
	}
	if first == "" && meaning(t, rs) == "" {
		return // definitions alone, which nothing uses
	}
	again, diagnostics := Parse(rs.Dialect, "again", first)
	if again == nil {
		t.Fatalf("the printed text does not parse:\n%s\n%s", first, FormatDiagnostic(firstError(diagnostics), first))
	}
	if want, got := meaning(t, rs), meaning(t, again); want != got {
		t.Fatalf("the printed text means something else.\nprinted:\n%s\n(-meant +means):\n%s", first, cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")))
	}
	second, err := Print(again, rs.Dialect)
	if err != nil || second != first {
		t.Fatalf("printing again gives another text (%v):\n%s\nafter:\n%s", err, second, first)
	}
}

func firstError(diagnostics []firewall.Diagnostic) firewall.Diagnostic {
	for _, d := range diagnostics {
		if d.Severity == firewall.Error {
			return d
		}
	}
	return firewall.Diagnostic{Message: "no error"}
}
