package iptables

import (
	"fmt"
	"slices"
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
	var written []string
	for _, parts := range alternatives {
		w := ruleWriter{section: s, table: t, chain: c, rule: r}
		w.write(parts)
		if own, ok := appended(r.Text, c.Name); w.never && len(alternatives) == 1 && s.rs.Dialect == Name && ok {
			w.lines = []string{own} // what is not modelled may match on the device, and is asked there
		}
		for _, line := range w.lines {
			if !slices.Contains(written, line) { // alternatives begin alike
				written = append(written, line)
			}
		}
	}
	chain.lines = append(chain.lines, written...)
}

// appended returns what a rule of iptables says after "-A CHAIN"; ok is false if it is
// written otherwise.
func appended(text, chain string) (words string, ok bool) {
	rest, ok := strings.CutPrefix(text, "-A")
	if !ok {
		return "", false
	}
	rest, ok = strings.CutPrefix(strings.TrimLeft(rest, " \t"), chain)
	words = strings.Trim(rest, " \t")
	return oneLine(words), ok && words != "" && words != rest
}

// leaveOut writes a comment in place of a rule.
func (s *section) leaveOut(chain *printedChain, r *firewall.Rule, why string) {
	chain.lines = append(chain.lines, s.leftOut(r, why))
}

// leftOut records that a rule is left out and returns the comment that says so.
func (s *section) leftOut(r *firewall.Rule, why string) string {
	s.cannot(firewall.Error, r.Line, "the rule cannot be said in iptables: %s", why)
	return fmt.Sprintf("# left out: %s (%s)", oneLine(r.Text), why)
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
	chain *firewall.Chain
	rule  *firewall.Rule
	// base are -s, -d, -i, -o, -p and -f, by their letter; matches the rest in order.
	base    map[byte]string
	matches []string
	// early are the matches that can stand before connection tracking.
	early    []string
	protocol uint64
	// lines are what was written. A side effect stands in a line of its own, with the
	// conditions before it: it takes place whether or not those after it hold.
	lines   []string
	marked  bool // a mark was set
	helper  string
	failure string
	never   bool
	// exceptions are conditions of which none may hold, where iptables has only one
	// negation in a rule.
	exceptions []string
	// icmpType is a type that waits for its code.
	icmpType *firewall.Match
}

// write writes the rule that some parts make.
func (w *ruleWriter) write(parts []firewall.Part) {
	w.base = map[byte]string{}
	w.findProtocol(parts)
	final := false
	for i, part := range parts {
		switch {
		case part.Match != nil:
			w.condition(part.Match)
		case part.Effect.Kind == firewall.VerdictMap || part.Effect.Map != 0:
			w.flushICMP()
			w.lookup(parts[:i], part.Effect)
			final = true
		default:
			w.flushICMP()
			final = w.effect(part.Effect) || final
		}
		if final {
			break
		}
	}
	w.flushICMP()
	if !final {
		w.verdict()
	}
	if w.failure != "" && !w.never {
		w.lines = []string{w.leftOut(w.rule, w.failure)}
	} else if w.never && len(w.lines) == 0 {
		w.lines = []string{"# never matches here: " + oneLine(w.rule.Text)}
	}
}

// findProtocol notes the protocol that the rule requires, whose match has its ports.
func (w *ruleWriter) findProtocol(parts []firewall.Part) {
	for _, part := range parts {
		if m := part.Match; m != nil && m.Field == firewall.ProtocolField && !m.Negate && len(m.Ranges) == 1 && m.Ranges[0].Low == m.Ranges[0].High {
			w.protocol = m.Ranges[0].Low
		}
	}
}

// lookup writes a rule for each element of a map, with the conditions before it. The
// elements of a map exclude each other, but for one that is everything, which comes last.
func (w *ruleWriter) lookup(before []firewall.Part, e *firewall.Effect) {
	set := &w.rs.Sets[e.Map-1]
	found := &printedChain{}
	for i := range set.Elements {
		element := &set.Elements[i]
		r := *w.rule
		r.Parts = nil
		for _, part := range before {
			if part.Match != nil {
				r.Parts = append(r.Parts, part)
			}
		}
		for k := range element.Key {
			m := element.Key[k]
			m.Field = e.Key[k]
			r.Parts = append(r.Parts, firewall.Part{Match: &m})
		}
		if e.Kind == firewall.VerdictMap {
			if element.Verdict.Kind == firewall.Continue {
				w.fail("an element of a map that goes on in its rule")
				return
			}
			r.Verdict = element.Verdict
		} else {
			target := *e
			target.Map, target.Key = 0, nil
			target.ToFrom, target.ToTo, target.PortFrom, target.PortTo = element.Value, element.Value, element.ValuePort, element.ValuePort
			r.Parts = append(r.Parts, firewall.Part{Effect: &target})
		}
		w.ruleLines(w.table, found, w.chain, &r)
	}
	w.lines = append(w.lines, found.lines...)
}

// target writes a line with the conditions so far and a target, "" for none.
func (w *ruleWriter) target(words string) {
	if w.never || w.failure != "" {
		return
	}
	if w.marked && (strings.Contains(join(w.matches...), "-m mark ") || strings.Contains(join(w.matches...), "-m connmark ")) {
		w.fail("a condition on a mark that the rule itself changes")
		return
	}
	line := join(w.conditions(w.matches), w.comment(), words)
	if len(w.exceptions) > 0 {
		line = w.exceptionChain(line)
	}
	w.lines = append(w.lines, line)
}

// exceptionChain makes a chain for a line, which returns for what the rule excepts
// before it comes to the line itself, and returns the jump to it.
func (w *ruleWriter) exceptionChain(line string) string {
	if strings.HasSuffix(line, "-j RETURN") || strings.Contains(line, " -g ") || strings.HasPrefix(line, "-g ") {
		w.fail("several negations in a rule that leaves its chain")
		return line
	}
	chain := &printedChain{name: w.table.uniqueName("except"), policy: "-", source: -1}
	w.table.chains = append(w.table.chains, chain)
	for _, exception := range w.exceptions {
		chain.lines = append(chain.lines, exception+" -j RETURN")
	}
	chain.lines = append(chain.lines, line)
	return "-j " + chain.name
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
	s := strings.NewReplacer("\n", " ", "\r", " ").Replace(w.rule.Comment)
	return "-m comment --comment " + quoteWord(s[:min(len(s), 255)])
}

// placeHelper puts the choice of a helper before connection tracking, where iptables
// has it: without the conditions on a connection, which is not known there yet.
func (w *ruleWriter) placeHelper() {
	hook := ""
	switch w.chain.Hook {
	case firewall.Prerouting:
		hook = "PREROUTING"
	case firewall.Output:
		hook = "OUTPUT"
	}
	switch {
	case w.table.name == "raw":
		w.target("-j CT --helper " + quoteWord(w.helper))
	case w.base['p'] == "" || strings.HasPrefix(w.base['p'], "!"):
		w.fail("a helper for packets of any protocol")
	case hook == "" || w.decidedBefore() || len(w.exceptions) > 0:
		w.fail("a helper that is chosen for some connections only after they are tracked")
	case !w.never && w.failure == "":
		w.table.helpers[hook] = append(w.table.helpers[hook], join(w.conditions(w.early), w.comment(), "-j CT --helper "+quoteWord(w.helper)))
	}
}

// decidedBefore reports whether a rule of the chain decides about packets before this
// one sees them.
func (w *ruleWriter) decidedBefore() bool {
	for i := w.chain.First; i < w.chain.First+w.chain.Count; i++ {
		r := &w.rs.Rules[i]
		if r == w.rule {
			return false
		}
		if r.Verdict.Kind != firewall.Continue {
			return true
		}
		for _, part := range r.Parts {
			if part.Effect != nil && part.Effect.Kind == firewall.VerdictMap {
				return true
			}
		}
	}
	return false
}

func (w *ruleWriter) fail(format string, args ...any) {
	if w.failure == "" {
		w.failure = fmt.Sprintf(format, args...)
	}
}

// note leaves out a part that makes no difference here.
func (w *ruleWriter) note(what string) {
	w.lines = append(w.lines, "# left out: "+oneLine(what))
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
		if w.rs.Dialect != Name && w.afterNAT(w.chain.Hook, w.chain.Priority) {
			w.fail("the helper is chosen after addresses are translated, in iptables before")
		}
		w.placeHelper()
	case firewall.SetMark:
		w.setMark(fmt.Sprintf("-j MARK --set-xmark 0x%x/0x%x", e.Value, e.Mask))
	case firewall.SetCTMark:
		w.setMark(fmt.Sprintf("-j CONNMARK --set-xmark 0x%x/0x%x", e.Value, e.Mask))
	case firewall.SaveMark:
		w.setMark("-j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff")
	case firewall.RestoreMark:
		w.setMark("-j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff")
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

func (w *ruleWriter) setMark(words string) {
	w.target(words)
	w.marked = true
}

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
	default: // a rule that only counts; a side effect has its own line
		if !slices.ContainsFunc(w.rule.Parts, func(part firewall.Part) bool { return part.Effect != nil && part.Effect.Kind != firewall.Count }) {
			w.target("")
		}
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
