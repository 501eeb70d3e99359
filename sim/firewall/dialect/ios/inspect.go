package ios

import (
	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/acl"
	"ftplab/sim/firewall/dialect/internal/text"
)

// inspectName is a set of CBAC inspections ("ip inspect name W ...").
type inspectName struct {
	ftp, tcp, udp, icmp bool
}

// applied is a set of inspections applied to an interface.
type applied struct {
	line int
	word text.Word
	text string
	hook firewall.Hook
}

// inspectStatement reads "ip inspect name W PROTOCOL [alert on|off] [audit-trail on|off]
// [timeout SECONDS]".
func (p *parser) inspectStatement(c *text.Cursor) *text.Problem {
	c.Next()
	w := c.Next()
	if w.Text == "" {
		return text.At(w, "the name of the inspection is missing")
	}
	set := p.inspects[w.Text]
	if set == nil {
		set = &inspectName{}
		p.inspects[w.Text] = set
	}
	p.known = true
	switch protocol := c.Next(); {
	case protocol.Text == "":
		return text.At(protocol, "the protocol is missing").WithHint("write ip inspect name %s ftp", w.Text)
	case protocol.Is("ftp"):
		set.ftp = true
	case protocol.Is("tcp"):
		set.tcp = true
	case protocol.Is("udp"):
		set.udp = true
	case protocol.Is("icmp"):
		set.icmp = true
	default:
		if near := text.Suggest(protocol.Text, []string{"ftp", "tcp", "udp", "icmp"}); near != "" && !knownApplication(protocol) {
			return text.At(protocol, "%q is not a protocol that is inspected", protocol.Text).WithHint("did you mean %s?", near)
		}
		p.warn(text.At(protocol, "inspection of %s is not modelled: only what inspect tcp and udp track passes", protocol.Text))
	}
	for c.Accept("alert") || c.Accept("audit-trail") {
		c.Next()
	}
	if c.Accept("timeout") {
		p.warn(text.At(c.Last(), "timeout is not modelled: the timers are the defaults"))
	}
	return nil
}

// knownApplication reports whether a word is one of CBAC's application protocols, of
// which some are spelled much like the ones above.
func knownApplication(w text.Word) bool {
	for _, known := range []string{"tftp", "ftps", "sctp", "rtp", "ntp", "smtp", "http", "sip"} {
		if w.Is(known) {
			return true
		}
	}
	return false
}

// portMapStatement reads "ip port-map ftp port [tcp] N [list N]".
func (p *parser) portMapStatement(c *text.Cursor) *text.Problem {
	if !c.Accept("ftp") {
		p.warn(text.NotModelled(c.Words))
		return nil
	}
	if !c.Accept("port") {
		return text.Expected("the word port", c.Peek(), "port")
	}
	c.Accept("tcp")
	n, err := text.Number("port", c.Next(), 1, acl.MaxPort)
	if err != nil {
		return err
	}
	if c.Accept("list") {
		p.warn(text.At(c.Last(), "a port map for some hosts only is not modelled: it is taken for every host"))
		c.Next()
	}
	p.known = true
	p.ftpPorts = append(p.ftpPorts, uint16(n))
	return end(c)
}

// applyInspect reads "ip inspect W in|out" on an interface.
func (p *parser) applyInspect(c *text.Cursor) *text.Problem {
	a := applied{line: p.line, text: text.Join(c.Words)}
	c.Seek(c.Pos() + 2)
	a.word = c.Next()
	hook, err := direction(c)
	if err != nil {
		return err
	}
	a.hook = hook
	p.known = true
	p.port.inspect = append(p.port.inspect, a)
	return end(c)
}

// buildInspections makes the inspections of CBAC.
func (p *parser) buildInspections(rules *firewall.Ruleset) {
	for _, in := range p.portOrder {
		for _, a := range in.inspect {
			set := p.inspects[a.word.Text]
			if set == nil {
				p.line = a.line
				p.warn(text.At(a.word, "the inspection %q is not in the text: nothing is inspected", a.word.Text))
				continue
			}
			if *set == (inspectName{}) {
				continue // what it names is not modelled, and has its warning
			}
			rules.Inspections = append(rules.Inspections, firewall.Inspection{
				Kind: "cbac", Interface: in.config.Name, Hook: a.hook, FTP: set.ftp, TCP: set.tcp, UDP: set.udp, ICMP: set.icmp,
				Ports: p.controlPorts(), Line: a.line, Text: a.text,
			})
		}
	}
}

// controlPorts are the ports of FTP control connections: 21 and the mapped ones.
func (p *parser) controlPorts() []uint16 {
	if len(p.ftpPorts) == 0 {
		return nil
	}
	return append([]uint16{21}, p.ftpPorts...)
}
