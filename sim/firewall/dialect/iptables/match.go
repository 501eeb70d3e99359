package iptables

import (
	"strconv"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/text"
)

// match makes the conditions of one match.
func (r *ruleBuilder) match(m *matchUse) *text.Problem {
	switch {
	case m.module.why != "":
		return r.unmodelledMatch(m)
	case m.module.name == "limit":
		r.limit(m)
		return nil
	}
	if len(m.uses) == 0 {
		return r.emptyMatch(m)
	}
	if m.module.name != "comment" {
		if problem := r.checkTransport(m); problem != nil {
			return problem
		}
	}
	for _, u := range inOrder(m) {
		var problem *text.Problem
		switch m.module.name {
		case "tcp", "udp", "udplite", "dccp", "sctp":
			problem = r.transport(u)
		case "icmp", "icmp6":
			problem = r.icmp(u)
		case "conntrack":
			problem = r.conntrack(u)
		case "state":
			problem = r.states(u)
		case "helper":
			r.helper(u)
		case "multiport":
			problem = r.multiport(u)
		case "iprange":
			problem = r.ipRange(u)
		case "comment":
			problem = r.comment(u)
		case "addrtype":
			problem = r.addressType(u)
		case "mark", "connmark":
			problem = r.mark(u, m.module.name)
		default:
			problem = r.headerField(u)
		}
		if problem != nil {
			return problem
		}
	}
	return nil
}

// inOrder returns the options in the order in which the module looks at them, which
// is that of its own list.
func inOrder(m *matchUse) []use {
	ordered := make([]use, 0, len(m.uses))
	for _, o := range m.module.options {
		for _, u := range m.uses {
			if u.option == o.name {
				ordered = append(ordered, u)
			}
		}
	}
	return ordered
}

// emptyMatch checks a match without options: most need one.
func (r *ruleBuilder) emptyMatch(m *matchUse) *text.Problem {
	switch m.module.name {
	case "tcp", "udp", "udplite", "dccp", "sctp":
		return r.checkTransport(m)
	}
	return text.At(m.word, "%s: at least one option is required", m.module.name).WithHint("such as %s", m.module.options[0].name)
}

// checkTransport refuses ports and types without the protocol that has them.
func (r *ruleBuilder) checkTransport(m *matchUse) *text.Problem {
	name := m.module.name
	switch name {
	case "tcp", "udp", "udplite", "dccp", "sctp", "icmp", "icmp6":
		u, ok := r.spec.baseUse("protocol")
		if own := protocolMatch(r.protocol, r.family); own != nil && own.name == name {
			return nil
		}
		if ok && u.negate { // ! -p tcp -m tcp: accepted, and it compares in vain
			return nil
		}
		return text.At(m.word, "%s match requires '-p %s'", strings.ToUpper(name), name).WithHint("write -p %s before -m %s", name, name)
	case "multiport":
		switch r.protocol {
		case 6, 17, 33, 132, 136:
			return nil
		}
		return text.At(m.word, "multiport needs `-p tcp', `-p udp', `-p udplite', `-p sctp' or `-p dccp'")
	}
	return nil
}

// transport makes the conditions on ports and TCP flags.
func (r *ruleBuilder) transport(u use) *text.Problem {
	switch u.option {
	case "--source-port", "--destination-port":
		field := firewall.SourcePort
		if u.option == "--destination-port" {
			field = firewall.DestinationPort
		}
		ports, problem := portRange(u.args[0])
		if problem != nil {
			return problem
		}
		r.condition(u, firewall.Match{Field: field, Ranges: []firewall.Range{ports}})
	case "--syn":
		const fin, syn, rst, ack = 1, 2, 4, 16
		r.condition(u, firewall.Match{Field: firewall.TCPFlags, Mask: fin | syn | rst | ack, Bits: syn})
	case "--tcp-flags":
		mask, problem := tcpFlags(u.args[0])
		if problem != nil {
			return problem
		}
		bits, problem := tcpFlags(u.args[1])
		if problem != nil {
			return problem
		}
		r.condition(u, firewall.Match{Field: firewall.TCPFlags, Mask: mask, Bits: bits})
	default:
		r.constant(u, "options and kinds of "+strings.TrimPrefix(u.option, "--")+" are not looked at by rules", false)
	}
	return nil
}

func tcpFlags(w text.Word) (uint32, *text.Problem) {
	names := []text.Name{{Name: "FIN", Number: 1}, {Name: "SYN", Number: 2}, {Name: "RST", Number: 4}, {Name: "PSH", Number: 8}, {Name: "ACK", Number: 16}, {Name: "URG", Number: 32},
		{Name: "ALL", Number: 63}, {Name: "NONE", Number: 0}}
	var bits uint32
	for _, part := range splitList(w) {
		n, ok := text.Lookup(names, part.Text)
		if !ok {
			return 0, text.At(part, "Unknown TCP flag `%s'", part.Text).WithHint("the flags are %s", strings.Join(text.Names(names), ", "))
		}
		bits |= uint32(n)
	}
	return bits, nil
}

// constant makes a condition that is known when reading.
func (r *ruleBuilder) constant(u use, why string, holds bool) {
	word := "never holds"
	if holds != u.negate {
		word = "always holds"
	}
	r.warn(u.word, "%s; this condition is taken as one that %s", why, word)
	r.condition(u, firewall.Match{Field: firewall.Constant, Negate: !holds})
}

// icmp makes the conditions on an ICMP type and code.
func (r *ruleBuilder) icmp(u use) *text.Problem {
	types := icmpTypes
	if r.family == "ip6" {
		types = icmpv6Types
	}
	w := u.args[0]
	if w.Text == "any" && !u.negate {
		return nil
	}
	number, code := icmpType{}, -1
	kind, codeText, hasCode := strings.Cut(w.Text, "/")
	if n, err := strconv.ParseUint(kind, 0, 8); err == nil {
		number, code = icmpType{number: uint8(n), code: -1}, -1
		if hasCode {
			c, err := strconv.ParseUint(codeText, 0, 8)
			if err != nil {
				return text.At(w, "Invalid ICMP code `%s'", codeText)
			}
			code = int(c)
		}
	} else {
		found, problem := findICMP(types, w)
		if problem != nil {
			return problem
		}
		number, code = found, found.code
	}
	kindMatch := firewall.Match{Field: firewall.ICMPTypeField, Ranges: one(uint64(number.number))}
	if code < 0 {
		r.condition(u, kindMatch)
		return nil
	}
	codeMatch := firewall.Match{Field: firewall.ICMPCodeField, Ranges: one(uint64(code))}
	if !u.negate {
		r.condition(u, kindMatch)
		r.condition(u, codeMatch)
		return nil
	}
	kindMatch.Negate, codeMatch.Negate = true, true
	kindMatch.Text, codeMatch.Text = u.text(), u.text()
	u.negate = false
	r.condition(u, firewall.Match{AnyOf: []firewall.Match{kindMatch, codeMatch}})
	r.rule.Parts[len(r.rule.Parts)-1].Match.Text = kindMatch.Text
	return nil
}

// multiport makes the condition of up to 15 ports.
func (r *ruleBuilder) multiport(u use) *text.Problem {
	const slots = 15
	var ranges []firewall.Range
	used := 0
	for _, w := range splitList(u.args[0]) {
		ports, problem := portRange(w)
		if problem != nil {
			return problem
		}
		used++
		if strings.Contains(w.Text, ":") {
			used++
		}
		ranges = append(ranges, ports)
	}
	if used > slots {
		return text.At(u.args[0], "too many ports specified").WithHint("one -m multiport holds %d ports; a range counts as two", slots)
	}
	source := firewall.Match{Field: firewall.SourcePort, Ranges: ranges, Text: u.text()}
	destination := firewall.Match{Field: firewall.DestinationPort, Ranges: ranges, Text: u.text()}
	switch {
	case u.option == "--source-ports":
		r.condition(u, source)
	case u.option == "--destination-ports":
		r.condition(u, destination)
	case u.negate:
		r.condition(u, source)
		r.condition(u, destination)
	default:
		r.condition(u, firewall.Match{AnyOf: []firewall.Match{source, destination}})
	}
	return nil
}

func (r *ruleBuilder) ipRange(u use) *text.Problem {
	field := firewall.SourceAddress
	if u.option == "--dst-range" {
		field = firewall.DestinationAddress
	}
	t, problem := addressRange(u.args[0], r.family)
	switch {
	case problem != nil:
		return problem
	case t.To.Less(t.From):
		r.warn(u.args[0], "range %s is reversed and will never match: write the lower address first", u.args[0].Text)
		r.condition(u, firewall.Match{Field: firewall.Constant, Negate: true})
	default:
		r.condition(u, firewall.Match{Field: field, Addresses: []firewall.AddressTest{t}})
	}
	return nil
}

// addressRange reads ADDRESS[-ADDRESS].
func addressRange(w text.Word, family string) (firewall.AddressTest, *text.Problem) {
	low, high, isRange := strings.Cut(w.Text, "-")
	from, problem := address(text.Word{Text: low, Column: w.Column}, family, false)
	if problem != nil {
		return firewall.AddressTest{}, problem
	}
	to := from
	if isRange {
		if to, problem = address(text.Word{Text: high, Column: w.Column + len(low) + 1}, family, false); problem != nil {
			return firewall.AddressTest{}, problem
		}
	}
	return firewall.AddressTest{From: from, To: to}, nil
}

func (r *ruleBuilder) comment(u use) *text.Problem {
	const longest = 255
	if len(u.args[0].Text) > longest {
		return text.At(u.args[0], "COMMENT must be shorter than %d characters", longest+1)
	}
	r.rule.Comment = u.args[0].Text
	return nil
}

func (r *ruleBuilder) addressType(u use) *text.Problem {
	if len(u.args) == 0 {
		r.warn(u.word, "%s is not modelled: the address is looked up for all interfaces", u.option)
		return nil
	}
	m := firewall.Match{Field: firewall.AddressType, Name: "destination"}
	if u.option == "--src-type" {
		m.Name = "source"
	}
	for _, w := range splitList(u.args[0]) {
		names := []string{"UNSPEC", "UNICAST", "LOCAL", "BROADCAST", "ANYCAST", "MULTICAST", "BLACKHOLE", "UNREACHABLE", "PROHIBIT", "THROW", "NAT", "XRESOLVE"}
		if !hasWord(strings.Join(names, " "), strings.ToUpper(w.Text)) {
			return text.Expected("a kind of address", w, names...)
		}
		m.Names = append(m.Names, strings.ToLower(w.Text))
	}
	r.condition(u, m)
	return nil
}

func (r *ruleBuilder) mark(u use, module string) *text.Problem {
	field := firewall.Mark
	if module == "connmark" {
		field = firewall.CTMark
		r.rule.conntrack = true
	}
	value, mask, problem := markMask(u.args[0])
	if problem != nil {
		return problem
	}
	m := firewall.Match{Field: field, Mask: mask, Bits: value}
	if mask == 1<<32-1 {
		m = firewall.Match{Field: field, Ranges: one(uint64(value))}
	}
	r.condition(u, m)
	return nil
}

// headerField makes conditions on the length, TTL and DSCP, and on a rate.
func (r *ruleBuilder) headerField(u use) *text.Problem {
	w := u.args[0]
	switch u.option {
	case "--length":
		lengths, problem := numberRange(w, 65535)
		if problem == nil {
			r.condition(u, firewall.Match{Field: firewall.Length, Ranges: []firewall.Range{lengths}})
		}
		return problem
	case "--dscp-class":
		n, ok := text.Lookup(dscpClasses, w.Text)
		if !ok {
			return text.Expected("a DSCP class", w, text.Names(dscpClasses)...)
		}
		r.condition(u, firewall.Match{Field: firewall.DSCP, Ranges: one(uint64(n))})
		return nil
	}
	field, greatest := firewall.TTL, uint64(255)
	if u.option == "--dscp" {
		field, greatest = firewall.DSCP, 63
	}
	n, problem := numberRange(w, greatest)
	if problem != nil {
		return problem
	}
	switch {
	case strings.HasSuffix(u.option, "-lt") && n.Low == 0:
		r.constant(u, "no TTL is less than 0", false)
		return nil
	case strings.HasSuffix(u.option, "-lt"):
		n = firewall.Range{Low: 0, High: n.Low - 1}
	case strings.HasSuffix(u.option, "-gt"):
		n = firewall.Range{Low: n.Low + 1, High: max(n.Low+1, 255)}
	}
	r.condition(u, firewall.Match{Field: field, Ranges: []firewall.Range{n}})
	return nil
}

// unmodelledMatch takes a match that is not modelled as one that holds or does not.
func (r *ruleBuilder) unmodelledMatch(m *matchUse) *text.Problem {
	switch m.module.name {
	case "connlimit", "connbytes", "connlabel":
		r.rule.conntrack = true
	}
	holds := unmodelledHolds(m)
	word := "never holds"
	if holds {
		word = "always holds"
	}
	r.warn(m.word, "%s; this condition is taken as one that %s", m.module.why, word)
	r.rule.Parts = append(r.rule.Parts, firewall.Part{Match: &firewall.Match{Field: firewall.Constant, Negate: !holds, Text: m.text(), Column: m.word.Column}})
	return nil
}

// limit takes a rate limit as one that is never exceeded.
func (r *ruleBuilder) limit(m *matchUse) {
	r.warn(m.word, "rate limits are not modelled: the rate is taken never to be exceeded")
	r.rule.Parts = append(r.rule.Parts, firewall.Part{Match: &firewall.Match{Field: firewall.RateLimit, Text: m.text(), Column: m.word.Column}})
}

// text returns the match as it was written.
func (m *matchUse) text() string {
	words := "-m " + m.module.name
	for _, u := range m.uses {
		words += " " + u.text()
	}
	return words
}

// unmodelledHolds says what a match that is not modelled is taken as: limits are never
// reached, lists never hold the address, contents are never found.
func unmodelledHolds(m *matchUse) bool {
	holds, negated := false, false
	for _, u := range m.uses {
		negated = negated || u.negate
		switch u.option {
		case "--set": // recent: adds the address, always
			holds = m.module.name == "recent"
		case "--hashlimit-upto", "--hashlimit", "--connlimit-upto", "--quota":
			holds = true
		case "--pol":
			holds = u.args[0].Text == "none"
		case "--pkt-type":
			holds = u.args[0].Text == "unicast" || u.args[0].Text == "host"
		case "--invert":
			negated = true
		}
	}
	if m.module.name == "rpfilter" {
		holds = true
	}
	return holds != negated
}
