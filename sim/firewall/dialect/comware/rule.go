package comware

import (
	"math/bits"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/acl"
	"ftplab/sim/firewall/dialect/internal/text"
)

// slot is the place of an option within a rule. Their order is the order in which
// conditions are asked, so that the first one that misses is the one that a person
// would name: protocol, addresses, ports, flags, the rest.
type slot int

const (
	slotProtocol slot = iota
	slotSource
	slotDestination
	slotSourcePort
	slotDestinationPort
	slotEstablished
	slotACK
	slotFIN
	slotPSH
	slotRST
	slotSYN
	slotURG
	slotICMPType
	slotFragment
	slotDSCP
	slotPrecedence
	slotToS
	slotTimeRange
	slotVPNInstance
	slotCounting
	slotLogging
	slotFlowLogging
	numSlots
)

// option is what a rule says in one slot. An option that is set but has no text
// ("source any") says that every packet will do.
type option struct {
	set   bool
	text  string // in canonical words
	parts []firewall.Part
	width uint64 // of a port option: how many ports; orders match-order auto
}

// rule is one rule of a list as it stands after every line about it.
type rule struct {
	id           int
	line, column int
	text         string // as written, from permit or deny on
	permit       bool
	comment      string
	protocol     int // IP protocol number, -1 for ip
	options      [numSlots]option
	sequence     int // order of configuration
}

// anyProtocol is the number of the keyword ip: every protocol.
const anyProtocol = -1

// canonical returns the rule without its number as the device would print it.
func (r *rule) canonical() string {
	words := []string{action(r.permit)}
	for _, o := range r.options {
		if o.text != "" {
			words = append(words, o.text)
		}
	}
	return strings.Join(words, " ")
}

func action(permit bool) string {
	if permit {
		return "permit"
	}
	return "deny"
}

// merge puts the options of a later line with the same number over the rule's own
// (H3C: editing a rule in match order config changes what the line names only).
func (r *rule) merge(later *rule) {
	r.permit = later.permit
	r.line, r.column = later.line, later.column
	for i, o := range later.options {
		if !o.set {
			o = r.options[i].elsewhere()
		}
		r.options[i] = o
	}
	if later.options[slotProtocol].set {
		r.protocol = later.protocol
	}
	r.text = r.canonical()
}

// elsewhere returns the option without its column, for a rule whose line is another
// one now.
func (o option) elsewhere() option {
	parts := make([]firewall.Part, len(o.parts))
	for i, part := range o.parts {
		if part.Match != nil {
			m := *part.Match
			m.Column = 0
			part.Match = &m
		}
		parts[i] = part
	}
	o.parts = parts
	return o
}

// parts returns the rule's conditions and side effects in the order of the slots.
func (r *rule) parts(profile Profile) []firewall.Part {
	var parts []firewall.Part
	var flags []firewall.Match
	for i, o := range r.options {
		if slot(i) >= slotACK && slot(i) <= slotURG && profile.AnyFlag {
			for _, p := range o.parts {
				flags = append(flags, *p.Match)
			}
		} else {
			parts = append(parts, o.parts...)
		}
		if slot(i) == slotURG && len(flags) > 0 {
			parts = append(parts, anyOf(flags))
		}
	}
	if profile.RulesSkipFragments && !r.options[slotFragment].set {
		parts = append(parts, acl.If(firewall.Match{
			Field:  firewall.Fragment,
			Ranges: []firewall.Range{{Low: acl.NotFragment, High: acl.FirstFragment}},
			Text:   "no fragment",
		}))
	}
	return parts
}

func anyOf(flags []firewall.Match) firewall.Part {
	if len(flags) == 1 {
		return acl.If(flags[0])
	}
	texts := make([]string, len(flags))
	for i, f := range flags {
		texts[i] = f.Text
	}
	return acl.If(firewall.Match{Field: firewall.TCPFlags, AnyOf: flags, Text: strings.Join(texts, " "), Column: flags[0].Column})
}

// parseRule reads what follows permit or deny.
func (p *parser) parseRule(c *text.Cursor, l *list, r *rule) *text.Problem {
	r.protocol = anyProtocol
	if l.kind == advanced {
		if err := p.parseProtocol(c, l, r); err != nil {
			return err
		}
	}
	for !c.Done() {
		if err := p.parseOption(c, l, r); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) parseProtocol(c *text.Cursor, l *list, r *rule) *text.Problem {
	every, table := "ip", protocols4
	if l.ipv6 {
		every, table = "ipv6", protocols6
	}
	w := c.Next()
	r.options[slotProtocol] = option{set: true}
	o := &r.options[slotProtocol]
	if text.IsNumber(w) {
		n, err := text.Number("protocol", w, 0, 255)
		if err != nil {
			return err
		}
		r.protocol, o.text = int(n), text.NameOf(table, uint16(n))
	} else {
		name, err := text.Keyword("a protocol", w, true, append(text.Names(table), every)...)
		if err != nil {
			if _, misplaced := text.Keyword("", w, true, optionWords()...); misplaced == nil || w.Text == "" {
				err = text.At(w, "the protocol is missing").WithHint("an advanced ACL's rule names it first: rule %s %s ...", action(r.permit), every)
			}
			return err
		}
		o.text = name
		if name == every {
			return nil
		}
		n, _ := text.Lookup(table, name)
		r.protocol = int(n)
	}
	o.parts = []firewall.Part{acl.If(acl.Protocol(uint8(r.protocol), o.text, w.Column))}
	return nil
}

func optionWords() []string {
	return []string{"source", "destination", "source-port", "destination-port", "established", "ack", "fin", "psh", "rst", "syn", "urg",
		"icmp-type", "icmp6-type", "fragment", "dscp", "precedence", "tos", "time-range", "vpn-instance", "counting", "logging", "flow-logging"}
}

// optionSlot returns the slot of an option's keyword.
func optionSlot(keyword string) slot {
	switch keyword {
	case "source":
		return slotSource
	case "destination":
		return slotDestination
	case "source-port":
		return slotSourcePort
	case "destination-port":
		return slotDestinationPort
	case "established":
		return slotEstablished
	case "ack":
		return slotACK
	case "fin":
		return slotFIN
	case "psh":
		return slotPSH
	case "rst":
		return slotRST
	case "syn":
		return slotSYN
	case "urg":
		return slotURG
	case "icmp-type", "icmp6-type":
		return slotICMPType
	case "fragment":
		return slotFragment
	case "dscp":
		return slotDSCP
	case "precedence":
		return slotPrecedence
	case "tos":
		return slotToS
	case "time-range":
		return slotTimeRange
	case "vpn-instance":
		return slotVPNInstance
	case "counting":
		return slotCounting
	case "logging":
		return slotLogging
	}
	return slotFlowLogging
}

func (p *parser) parseOption(c *text.Cursor, l *list, r *rule) *text.Problem {
	w := c.Next()
	keyword, err := text.Keyword("an option of a rule", w, true, optionWords()...)
	if err != nil {
		return err
	}
	s := optionSlot(keyword)
	if r.options[s].set {
		return text.At(w, "%s is given twice", keyword).WithHint("a rule takes each option once; write two rules")
	}
	if l.kind == basic && s != slotSource && s < slotFragment {
		return text.At(w, "a basic ACL looks at source addresses only: %s is not one of its options", keyword).
			WithHint("use an advanced ACL (3000 to 3999)")
	}
	o := option{set: true}
	switch s {
	case slotSource, slotDestination:
		o, err = p.parseAddress(c, l, keyword, w)
	case slotSourcePort, slotDestinationPort:
		o, err = p.parsePort(c, keyword, w, r)
	case slotEstablished:
		m := acl.Established(w.Column)
		o.text, o.parts = keyword, []firewall.Part{acl.If(m)}
		err = needsTCP(r, keyword, w)
	case slotACK, slotFIN, slotPSH, slotRST, slotSYN, slotURG:
		o, err = parseFlag(c, keyword, w, r)
	case slotICMPType:
		o, err = parseICMPType(c, keyword, w, r, l)
	case slotFragment:
		o.text = keyword
		o.parts = []firewall.Part{acl.If(acl.Number(firewall.Fragment, acl.LaterFragment, keyword, w.Column))}
	case slotDSCP, slotPrecedence, slotToS:
		o, err = p.parseService(c, keyword, w)
	case slotTimeRange, slotVPNInstance:
		o, err = p.parseNotModelled(c, keyword, w)
	case slotCounting:
		o.text, o.parts = keyword, []firewall.Part{acl.Do(firewall.Count, keyword)}
	default:
		o.text, o.parts = keyword, []firewall.Part{acl.Do(firewall.Log, keyword)}
	}
	r.options[s] = o
	return err
}

// depth is how specific an option's addresses are: the number of bits that count.
func (o *option) depth() int {
	if len(o.parts) == 0 || o.parts[0].Match == nil || len(o.parts[0].Match.Addresses) != 1 {
		return 0
	}
	n := 0
	for _, b := range o.parts[0].Match.Addresses[0].Care.AsSlice() {
		n += bits.OnesCount8(b)
	}
	return n
}
