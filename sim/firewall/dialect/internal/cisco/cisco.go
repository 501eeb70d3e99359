// Package cisco is what the parsers of Cisco's two languages, IOS and ASA, share:
// keywords, ports, ICMP types, TCP flags, services and pasted prompts.
package cisco

import (
	"fmt"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/acl"
	"ftplab/sim/firewall/dialect/internal/text"
	"ftplab/sim/wire"
)

// AnyProtocol stands for the keyword ip: every protocol.
const AnyProtocol = -1

// MaxMembers is how many members the object groups of one text may have, counted in
// every group that contains them.
const MaxMembers = 1 << 18

// SkipPrompt returns where the statement begins after a prompt such as
// "Router(config)#", "ciscoasa#" or "Router>".
func SkipPrompt(line string) int {
	start := text.Indent(line)
	end := strings.IndexAny(line[start:], "#> \t")
	if end <= 0 || line[start+end] != '#' && line[start+end] != '>' {
		return start
	}
	name := line[start : start+end]
	if strings.Trim(name, "!") == "" {
		return start
	}
	return start + end + 1
}

// WithoutHits removes what show access-list prints behind an entry: "(94 matches)",
// "(hitcnt=7) 0x58cf0d8a", "(tag = WORD)".
func WithoutHits(words []text.Word) []text.Word {
	for i, w := range words {
		if strings.HasPrefix(w.Text, "(hitcnt") || strings.HasPrefix(w.Text, "(") && i+1 < len(words) && (strings.HasPrefix(words[i+1].Text, "match") || words[i+1].Text == "=") {
			return words[:i]
		}
	}
	return words
}

// Ports is a condition on a port as written. The zero value is no condition.
type Ports struct {
	Set    bool
	Negate bool
	Ranges []firewall.Range
	Text   string
	Column int
}

// Match returns the condition on a field.
func (p Ports) Match(field firewall.Field) firewall.Match {
	if len(p.Ranges) == 0 {
		return acl.Never(p.Text, p.Column)
	}
	return firewall.Match{Field: field, Ranges: p.Ranges, Negate: p.Negate, Text: p.Text, Column: p.Column}
}

// IsPortOperator reports whether a word begins a condition on a port.
func IsPortOperator(w text.Word) bool {
	return w.Is("eq") || w.Is("neq") || w.Is("gt") || w.Is("lt") || w.Is("range")
}

// ReadPorts reads "eq P...", "neq P...", "gt P", "lt P" or "range P P"; eq and neq
// take several ports only with several.
func ReadPorts(c *text.Cursor, protocol int, several bool) (Ports, *text.Problem) {
	start := c.Pos()
	operator := c.Next()
	p := Ports{Set: true, Negate: operator.Is("neq"), Column: operator.Column}
	first, err := portNumber(c.Next(), protocol)
	if err != nil {
		return p, err
	}
	words := []string{operator.Lower(), fmt.Sprint(first)}
	switch {
	case operator.Is("range"):
		w := c.Next()
		last, err := portNumber(w, protocol)
		if err != nil {
			return p, err
		}
		if last < first {
			first, last = last, first
		}
		p.Ranges = []firewall.Range{acl.PortRange("range", first, last)}
		words = []string{"range", fmt.Sprint(first), fmt.Sprint(last)}
	case operator.Is("gt"), operator.Is("lt"):
		p.Ranges = []firewall.Range{acl.PortRange(operator.Lower(), first, 0)}
	default:
		p.Ranges = []firewall.Range{acl.PortRange("eq", first, 0)}
		for several {
			next, err := portNumber(c.Peek(), protocol)
			if err != nil {
				break
			}
			c.Next()
			p.Ranges = append(p.Ranges, acl.PortRange("eq", next, 0))
			words = append(words, fmt.Sprint(next))
		}
	}
	p.Text = strings.Join(words, " ")
	if c.Pos()-start > 2+maxPortsInList {
		return p, text.At(operator, "there are more than %d ports", maxPortsInList)
	}
	return p, nil
}

const maxPortsInList = 256

func portNumber(w text.Word, protocol int) (uint16, *text.Problem) {
	if w.Text != "" && !text.IsNumber(w) {
		table := PortNames(protocol)
		if n, ok := text.Lookup(table, w.Text); ok {
			return n, nil
		}
		err := text.Expected("a port", w, text.Names(table)...)
		if n, ok := text.Lookup(PortNames(AnyProtocol), w.Text); ok {
			err.Hint = fmt.Sprintf("it is a name of the other transport protocol; write %d", n)
		}
		return 0, err
	}
	n, err := text.Number("port", w, 0, acl.MaxPort)
	return uint16(n), err
}

// Service is what a rule or an object says about protocol, ports and ICMP type.
type Service struct {
	Protocol            int // IP protocol number or AnyProtocol
	Source, Destination Ports
	ICMP                *ICMP
}

// ICMP is a condition on the ICMP type, and with Code >= 0 on the code.
type ICMP struct {
	Kind, Code int
	Text       string
	Column     int
}

// Parts returns the service's conditions: those before the addresses (the protocol)
// and those after them. ProtocolText is the protocol as written.
func (s *Service) Parts(protocolText string, column int) (before, after []firewall.Part) {
	if s.Protocol != AnyProtocol {
		before = append(before, acl.If(acl.Protocol(uint8(s.Protocol), protocolText, column)))
	}
	if s.Source.Set {
		after = append(after, acl.If(s.Source.Match(firewall.SourcePort)))
	}
	if s.Destination.Set {
		after = append(after, acl.If(s.Destination.Match(firewall.DestinationPort)))
	}
	if s.ICMP != nil {
		after = append(after, acl.If(acl.Number(firewall.ICMPTypeField, uint64(s.ICMP.Kind), s.ICMP.Text, s.ICMP.Column)))
		if s.ICMP.Code >= 0 {
			after = append(after, acl.If(acl.Number(firewall.ICMPCodeField, uint64(s.ICMP.Code), s.ICMP.Text, s.ICMP.Column)))
		}
	}
	return before, after
}

// Merge joins the services of a group that differ in the destination port alone, so
// that a group of a hundred TCP ports is one condition.
func Merge(services []Service) []Service {
	var merged []Service
	at := map[int]int{} // by protocol: a service with nothing but destination ports
	for _, s := range services {
		plain := s.Destination.Set && !s.Destination.Negate && !s.Source.Set && s.ICMP == nil
		i, ok := at[s.Protocol]
		switch {
		case plain && ok:
			d := &merged[i].Destination
			d.Ranges = append(d.Ranges, s.Destination.Ranges...)
			d.Text = "the group's ports"
		case plain:
			at[s.Protocol] = len(merged)
			s.Destination.Ranges = append([]firewall.Range(nil), s.Destination.Ranges...)
			merged = append(merged, s)
		default:
			merged = append(merged, s)
		}
	}
	return merged
}

// ReadProtocol reads a protocol's keyword or number; ipv6 says that ipv6 is the
// keyword for all.
func ReadProtocol(w text.Word, ipv6 bool) (int, *text.Problem) {
	if w.Is("ip") || ipv6 && w.Is("ipv6") {
		return AnyProtocol, nil
	}
	if ipv6 && w.Is("icmp") {
		return int(wire.ICMPv6), nil
	}
	if n, ok := text.Lookup(Protocols(), w.Text); ok {
		return int(n), nil
	}
	if text.IsNumber(w) {
		n, err := text.Number("protocol", w, 0, 255)
		return int(n), err
	}
	return 0, text.Expected("a protocol", w, append([]string{"ip"}, text.Names(Protocols())...)...)
}

// HasPorts reports whether a protocol has ports.
func HasPorts(protocol int) bool {
	return protocol == int(wire.TCP) || protocol == int(wire.UDP) || protocol == 132
}

// ReadICMP reads an ICMP type by name, or by number with an optional code. It reads
// nothing and returns nil if the next word is neither.
func ReadICMP(c *text.Cursor, ipv6 bool) (*ICMP, *text.Problem) {
	w := c.Peek()
	names := icmp4Names[:]
	if ipv6 {
		names = icmp6Names[:]
	}
	for _, n := range names {
		if w.Is(n.name) {
			c.Next()
			return &ICMP{Kind: n.kind, Code: n.code, Text: n.name, Column: w.Column}, nil
		}
	}
	if !text.IsNumber(w) {
		return nil, nil
	}
	kind, err := text.Number("ICMP type", c.Next(), 0, 255)
	if err != nil {
		return nil, err
	}
	icmp := &ICMP{Kind: int(kind), Code: -1, Text: fmt.Sprint(kind), Column: w.Column}
	if text.IsNumber(c.Peek()) {
		code, err := text.Number("ICMP code", c.Next(), 0, 255)
		if err != nil {
			return nil, err
		}
		icmp.Code, icmp.Text = int(code), fmt.Sprintf("%d %d", kind, code)
	}
	return icmp, nil
}

// ICMPNames returns the keywords for ICMP types, for hints.
func ICMPNames(ipv6 bool) []string {
	table := icmp4Names[:]
	if ipv6 {
		table = icmp6Names[:]
	}
	names := make([]string, len(table))
	for i, n := range table {
		names[i] = n.name
	}
	return names
}

// ICMPText returns the keyword for an ICMP type and code (-1: every code), or the
// numbers.
func ICMPText(kind, code int, ipv6 bool) string {
	table := icmp4Names[:]
	if ipv6 {
		table = icmp6Names[:]
	}
	for _, n := range table {
		if n.kind == kind && n.code == code {
			return n.name
		}
	}
	if code < 0 {
		return fmt.Sprint(kind)
	}
	return fmt.Sprintf("%d %d", kind, code)
}
