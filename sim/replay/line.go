package replay

import (
	"unicode/utf8"

	"ftplab/sim/firewall"
	"ftplab/sim/wire"
)

// Line is a verdict as `replay --format jsonl` prints it.
type Line struct {
	N       int            `json:"n"`
	T       float64        `json:"t"` // seconds since the first frame
	In      string         `json:"in"`
	Verdict string         `json:"verdict"`
	Out     *string        `json:"out"`
	State   *string        `json:"state"`
	Invalid string         `json:"invalid,omitempty"` // why the state is invalid
	Rule    *Rule          `json:"rule"`
	Reason  string         `json:"reason"`
	Missed  []Missed       `json:"missed"`
	Changed map[string]any `json:"changed"`
}

// Rule names a rule by its place in the text.
type Rule struct {
	Line int    `json:"line"`
	Text string `json:"text"`
}

// Missed is a rule that was looked at in vain.
type Missed struct {
	Line  int    `json:"line"`
	Text  string `json:"text"`
	Field string `json:"field"`
	Why   string `json:"why"`
}

// Line returns the verdict in the form that is printed. It must not be called on a
// verdict with Err set.
func (v *Verdict) Line(rules *firewall.Ruleset) Line {
	d := &v.Decision
	l := Line{
		N: v.Frame.Number, T: v.Frame.At.Seconds(), In: v.In, Verdict: d.Action.String(),
		Out: optional(v.Out), State: optional(d.State.String()), Invalid: v.Invalid, Reason: d.Reason.String(), Missed: []Missed{},
	}
	if rules != nil && d.Rule >= 0 && int(d.Rule) < len(rules.Rules) {
		r := &rules.Rules[d.Rule]
		l.Rule = &Rule{r.Line, r.Text}
	}
	for _, m := range v.Missed {
		l.Missed = append(l.Missed, Missed{m.Line, m.Text, m.Field.String(), m.Why})
	}
	if d.Rewritten && d.Action == firewall.ActionForward {
		l.Changed = changes(&v.Frame.Packet, &v.After)
	}
	return l
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// changes lists the fields that the firewall rewrote, with their new values; nil if
// there are none. Octets of a payload that are not UTF-8 are read as Latin-1.
func changes(before, after *wire.Packet) map[string]any {
	changed := map[string]any{}
	note := func(name string, differs bool, value any) {
		if differs {
			changed[name] = value
		}
	}
	note("src", before.Src != after.Src, after.Src.String())
	note("dst", before.Dst != after.Dst, after.Dst.String())
	note("sport", before.SrcPort != after.SrcPort, after.SrcPort)
	note("dport", before.DstPort != after.DstPort, after.DstPort)
	note("seq", before.Seq != after.Seq, after.Seq)
	note("ack", before.Ack != after.Ack, after.Ack)
	note("payload", string(before.Payload) != string(after.Payload), text(after.Payload))
	if len(changed) == 0 {
		return nil
	}
	return changed
}

func text(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return string(runes)
}
