package iptables

import (
	"fmt"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/netfilter"
)

// ruleLines writes one rule of the ruleset, which may become several.
func (s *section) ruleLines(t *printedTable, chain *printedChain, c *firewall.Chain, r *firewall.Rule) {
	alternatives := netfilter.Alternatives(withProtocol(r.Parts), s.choices)
	if alternatives == nil {
		s.leaveOut(chain, r, "its alternatives are too many for rules of their own")
		return
	}
	for _, parts := range alternatives {
		w := ruleWriter{section: s, table: t, out: chain, chain: c, rule: r}
		w.write(parts)
	}
}

// leaveOut writes a comment in place of a rule.
func (s *section) leaveOut(chain *printedChain, r *firewall.Rule, why string) {
	s.cannot(firewall.Error, r.Line, "the rule cannot be said in iptables: %s", why)
	chain.lines = append(chain.lines, fmt.Sprintf("# left out: %s (%s)", oneLine(r.Text), why))
}

// withProtocol puts a condition on the protocol before one on ports that stands
// without: to iptables ports are those of one protocol.
func withProtocol(parts []firewall.Part) []firewall.Part {
	for i, part := range parts {
		m := part.Match
		if m == nil {
			continue
		}
		if m.Field == firewall.ProtocolField && !m.Negate {
			return parts
		}
		if hasPort(m) {
			both := firewall.Match{Field: firewall.ProtocolField, Ranges: []firewall.Range{{Low: 6, High: 6}, {Low: 17, High: 17}}}
			return append(append(append([]firewall.Part(nil), parts[:i]...), firewall.Part{Match: &both}), parts[i:]...)
		}
	}
	return parts
}

func hasPort(m *firewall.Match) bool {
	for i := range m.AnyOf {
		if hasPort(&m.AnyOf[i]) {
			return true
		}
	}
	for _, f := range m.Key {
		if f == firewall.SourcePort || f == firewall.DestinationPort {
			return true
		}
	}
	return m.Field == firewall.SourcePort || m.Field == firewall.DestinationPort
}

// ruleWriter writes one rule of iptables, once for each of its targets.
type ruleWriter struct {
	*section
	table *printedTable
	out   *printedChain
	chain *firewall.Chain
	rule  *firewall.Rule
	// base are -s, -d, -i, -o, -p and -f, by their letter; matches the rest in order.
	base    map[byte]string
	matches []string
	// early are the matches that can stand before connection tracking.
	early    []string
	protocol uint64
	targets  []string
	helper   string
	notes    []string
	failure  string
	never    bool
	// icmpType is a type that waits for its code.
	icmpType *firewall.Match
}

// write writes the rule that some parts make.
func (w *ruleWriter) write(parts []firewall.Part) {
	w.base = map[byte]string{}
	w.findProtocol(parts)
	translates := false
	for _, part := range parts {
		switch {
		case part.Match != nil:
			w.condition(part.Match)
		case part.Effect.Kind == firewall.VerdictMap || part.Effect.Map != 0:
			w.lookup(parts, part.Effect)
			return
		default:
			translates = w.effect(part.Effect) || translates
		}
	}
	w.flushICMP()
	if !translates {
		w.verdict()
	}
	w.finish()
}

// findProtocol notes the protocol that the rule requires, whose match has its ports.
func (w *ruleWriter) findProtocol(parts []firewall.Part) {
	for _, part := range parts {
		if m := part.Match; m != nil && m.Field == firewall.ProtocolField && !m.Negate && len(m.Ranges) == 1 && m.Ranges[0].Low == m.Ranges[0].High {
			w.protocol = m.Ranges[0].Low
		}
	}
}

// lookup writes a rule for each element of a map. The elements of a map exclude each
// other, but for one that is everything, which comes last.
func (w *ruleWriter) lookup(parts []firewall.Part, e *firewall.Effect) {
	set := &w.rs.Sets[e.Map-1]
	for i := range set.Elements {
		element := &set.Elements[i]
		r := *w.rule
		var own []firewall.Part
		for _, part := range parts {
			if part.Effect != e {
				own = append(own, part)
			}
		}
		for k := range element.Key {
			m := element.Key[k]
			m.Field = e.Key[k]
			own = append(own, firewall.Part{Match: &m})
		}
		if e.Kind == firewall.VerdictMap {
			if element.Verdict.Kind == firewall.Continue {
				w.leaveOut(w.out, w.rule, "an element of a map that goes on with the next rule")
				return
			}
			r.Verdict = element.Verdict
		} else {
			target := *e
			target.Map, target.Key = 0, nil
			target.ToFrom, target.ToTo, target.PortFrom, target.PortTo = element.Value, element.Value, element.ValuePort, element.ValuePort
			own = append(own, firewall.Part{Effect: &target})
		}
		r.Parts = own
		w.ruleLines(w.table, w.out, w.chain, &r)
	}
}

// finish writes the lines: one for each target, with the same conditions.
func (w *ruleWriter) finish() {
	switch {
	case w.failure != "":
		w.leaveOut(w.out, w.rule, w.failure)
		return
	case w.never:
		w.out.lines = append(w.out.lines, "# never matches here: "+oneLine(w.rule.Text))
		return
	}
	for _, note := range w.notes {
		w.out.lines = append(w.out.lines, "# left out: "+oneLine(note))
	}
	w.placeHelper()
	if len(w.targets) == 0 && w.helper != "" {
		return // it was moved as a whole
	}
	targets := w.targets
	if len(targets) == 0 {
		targets = []string{""}
	}
	conditions := w.conditions(w.matches)
	for _, target := range targets {
		w.out.lines = append(w.out.lines, join(conditions, w.comment(), target))
	}
}

func join(words ...string) string {
	var all []string
	for _, word := range words {
		if word != "" {
			all = append(all, word)
		}
	}
	return strings.Join(all, " ")
}

// conditions writes the conditions in the order in which iptables-save has them.
func (w *ruleWriter) conditions(matches []string) string {
	var all []string
	for _, letter := range []byte("sdiopf") {
		if words := w.base[letter]; words != "" {
			all = append(all, words)
		}
	}
	return join(append(all, matches...)...)
}

func (w *ruleWriter) comment() string {
	if w.rule.Comment == "" {
		return ""
	}
	s := strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, w.rule.Comment)
	return "-m comment --comment " + quoteWord(s[:min(len(s), 255)])
}

// placeHelper puts the choice of a helper before connection tracking, where iptables
// has it: without the conditions on a connection, which is not known there yet.
func (w *ruleWriter) placeHelper() {
	if w.helper == "" {
		return
	}
	if w.table.name == "raw" {
		w.targets = append(w.targets, "-j CT --helper "+quoteWord(w.helper))
		return
	}
	if w.protocol == 0 {
		w.cannot(firewall.Error, w.rule.Line, "iptables chooses a helper only for packets of one protocol")
		return
	}
	hook := "PREROUTING"
	if w.chain.Hook == firewall.Output {
		hook = "OUTPUT"
	}
	if w.base['o'] != "" && hook == "PREROUTING" {
		w.cannot(firewall.Error, w.rule.Line, "iptables chooses helpers before it is known where a packet leaves")
		return
	}
	w.table.helpers[hook] = append(w.table.helpers[hook], join(w.conditions(w.early), w.comment(), "-j CT --helper "+quoteWord(w.helper)))
}

func (w *ruleWriter) fail(format string, args ...any) {
	if w.failure == "" {
		w.failure = fmt.Sprintf(format, args...)
	}
}

// note leaves out a part that makes no difference here.
func (w *ruleWriter) note(what string) {
	w.notes = append(w.notes, what)
	w.cannot(firewall.Warning, w.rule.Line, "left out: %s", what)
}

// effect writes a side effect as a target; it reports whether that is a translation,
// which is also a verdict.
func (w *ruleWriter) effect(e *firewall.Effect) bool {
	switch e.Kind {
	case firewall.Log:
		target := "-j LOG"
		if e.Text != "" {
			target += " --log-prefix " + quoteWord(e.Text[:min(len(e.Text), 29)])
		}
		w.target(target)
	case firewall.NoTrack:
		w.onlyTable("raw", "packets are left untracked")
		w.target("-j CT --notrack")
	case firewall.SetHelper:
		w.helper = e.Text
	case firewall.SetMark:
		w.target(fmt.Sprintf("-j MARK --set-xmark 0x%x/0x%x", e.Value, e.Mask))
	case firewall.SetCTMark:
		w.target(fmt.Sprintf("-j CONNMARK --set-xmark 0x%x/0x%x", e.Value, e.Mask))
	case firewall.SaveMark:
		w.target("-j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff")
	case firewall.RestoreMark:
		w.target("-j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff")
	case firewall.SNAT, firewall.DNAT, firewall.Masquerade, firewall.Redirect:
		w.translation(e)
		return true
	case firewall.NotModelled:
		if w.rs.Dialect == Name && !strings.HasPrefix(e.Text, "-j SET ") {
			w.target(e.Text)
		} else {
			w.note(e.Text)
		}
	}
	return false
}

func (w *ruleWriter) target(words string) { w.targets = append(w.targets, words) }

func (w *ruleWriter) onlyTable(name, what string) {
	if w.table.name != name {
		w.fail("%s only in the table %s", what, name)
	}
}

// translation writes a translation.
func (w *ruleWriter) translation(e *firewall.Effect) {
	w.onlyTable("nat", "addresses are translated")
	if e.ToFrom.IsValid() && e.ToFrom.Is4() != (w.family == "ip") {
		w.never = true
		return
	}
	ports := ""
	if e.PortFrom != 0 {
		ports = fmt.Sprint(e.PortFrom)
		if e.PortTo > e.PortFrom {
			ports += fmt.Sprintf("-%d", e.PortTo)
		}
	}
	words := ""
	switch e.Kind {
	case firewall.SNAT:
		words = "-j SNAT --to-source " + w.natTarget(e, ports)
	case firewall.DNAT:
		words = "-j DNAT --to-destination " + w.natTarget(e, ports)
	case firewall.Masquerade:
		words = "-j MASQUERADE"
	case firewall.Redirect:
		words = "-j REDIRECT"
	}
	if ports != "" && (e.Kind == firewall.Masquerade || e.Kind == firewall.Redirect) {
		words += " --to-ports " + ports
	}
	if e.Random {
		words += " --random"
	}
	if e.Persistent && (e.Kind == firewall.SNAT || e.Kind == firewall.DNAT) {
		words += " --persistent"
	}
	w.target(words)
}

func (w *ruleWriter) natTarget(e *firewall.Effect, ports string) string {
	s := ""
	if e.ToFrom.IsValid() {
		s = e.ToFrom.String()
		if e.ToTo.IsValid() && e.ToTo != e.ToFrom {
			s += "-" + e.ToTo.String()
		}
		if e.ToFrom.Is6() && ports != "" {
			s = "[" + s + "]"
		}
	}
	if ports != "" {
		s += ":" + ports
	}
	return s
}

// verdict writes the rule's verdict as its last target.
func (w *ruleWriter) verdict() {
	v := w.rule.Verdict
	switch v.Kind {
	case firewall.Accept:
		w.target("-j ACCEPT")
	case firewall.Drop:
		if w.table.name == "nat" {
			w.fail("nothing is dropped in the table nat")
		}
		w.target("-j DROP")
	case firewall.Reject:
		w.onlyTable("filter", "packets are rejected")
		w.target("-j REJECT --reject-with " + w.rejectName(v.With))
	case firewall.Return:
		w.target("-j RETURN")
	case firewall.Queue:
		w.target("-j NFQUEUE --queue-num 0")
	case firewall.Jump:
		w.target("-j " + quoteWord(w.call(w.table, v.Chain).name))
	case firewall.Goto:
		w.target("-g " + quoteWord(w.call(w.table, v.Chain).name))
	}
}

// rejectName is how iptables names an answer; IPv6 has fewer.
func (w *ruleWriter) rejectName(with firewall.RejectWith) string {
	for _, k := range rejectKinds {
		if k.family == w.family && k.with == with {
			if with == firewall.TCPReset && w.protocol != 6 {
				w.fail("a reset answers TCP alone")
			}
			return k.name
		}
	}
	if with == firewall.ICMPNetProhibited || with == firewall.ICMPHostProhibited {
		return "icmp6-adm-prohibited"
	}
	return "icmp6-port-unreachable"
}
