package asa

import (
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/cisco"
	"ftplab/sim/firewall/dialect/internal/text"
)

// classMap is a class-map: which connections an inspection looks at.
type classMap struct {
	ports []uint16 // match port tcp eq
}

// policyMap is a policy-map with the inspections of its classes.
type policyMap struct {
	name    string
	line    int
	inspect []inspect
}

// inspect is one "inspect ..." of a class in a policy.
type inspect struct {
	line   int
	text   string
	class  string
	what   string // ftp, icmp
	strict bool
}

// servicePolicy is a policy applied everywhere or to an interface.
type servicePolicy struct {
	line   int
	word   text.Word
	text   string
	nameif string // "" for global
}

// classMapStatement reads "class-map NAME".
func (p *parser) classMapStatement(c *text.Cursor) *text.Problem {
	c.Next()
	if c.Peek().Is("type") {
		p.view = otherView
		p.warn(text.NotModelled(c.Words))
		return nil
	}
	w := c.Next()
	if w.Text == "" {
		return text.At(w, "the name of the class map is missing")
	}
	if p.classes[w.Text] == nil {
		p.classes[w.Text] = &classMap{}
	}
	p.view, p.class = classView, p.classes[w.Text]
	return end(c)
}

// classMember reads "match port tcp eq P|range P P", "match default-inspection-traffic".
func (p *parser) classMember(c *text.Cursor) (bool, *text.Problem) {
	if !c.Accept("match") {
		return false, nil
	}
	switch {
	case c.Accept("port", "tcp"):
		if w := c.Peek(); !w.Is("eq") && !w.Is("range") {
			return true, text.Expected("a port operator", w, "eq", "range")
		}
		ports, err := cisco.ReadPorts(c, 6, false)
		if err != nil {
			return true, err
		}
		r := ports.Ranges[0]
		const most = 64
		if r.High-r.Low >= most {
			return true, text.At(c.Last(), "inspection of more than %d ports is not modelled", most)
		}
		for n := r.Low; n <= r.High; n++ {
			p.class.ports = append(p.class.ports, uint16(n))
		}
	case c.Accept("default-inspection-traffic"):
	default:
		p.warn(text.At(c.Peek(), "match %s is not modelled: the class is taken as the default inspection traffic", c.Peek().Text))
	}
	return true, nil
}

// policyMapStatement reads "policy-map NAME".
func (p *parser) policyMapStatement(c *text.Cursor) *text.Problem {
	c.Next()
	if c.Peek().Is("type") {
		p.view = otherView
		p.warn(text.NotModelled(c.Words))
		return nil
	}
	w := c.Next()
	if w.Text == "" {
		return text.At(w, "the name of the policy map is missing")
	}
	p.known, p.policed = true, true
	policy := p.policies[w.Text]
	if policy == nil {
		policy = &policyMap{name: w.Text, line: p.line}
		p.policies[w.Text] = policy
		p.policyOrder = append(p.policyOrder, policy)
	}
	p.view, p.policy, p.inClass = policyView, policy, ""
	return end(c)
}

// policyMember reads "class NAME" and "[no] inspect PROTOCOL".
func (p *parser) policyMember(c *text.Cursor) (bool, *text.Problem) {
	negated := c.Accept("no")
	w := c.Peek()
	switch {
	case w.Is("class") && !negated:
		c.Next()
		p.inClass = c.Next().Text
		return true, nil
	case !w.Is("inspect"):
		c.Seek(0)
		if p.indent > 0 {
			p.warn(text.NotModelled(c.Words))
			return true, nil
		}
		return false, nil
	}
	in := inspect{line: p.line, text: text.Join(c.Words), class: p.inClass}
	if p.inClass == "" {
		return true, text.At(w, "inspect stands outside a class").WithHint("begin with class inspection_default")
	}
	c.Next()
	protocol := c.Next()
	in.what = protocol.Lower()
	switch in.what {
	case "ftp":
		in.strict = c.Accept("strict")
		if !c.Done() {
			p.warn(text.At(c.Peek(), "the inspection map %q is not modelled: its commands and files are not checked", c.Peek().Text))
		}
	case "icmp":
	case "":
		return true, text.At(protocol, "the protocol is missing").WithHint("write inspect ftp")
	default:
		if near := text.Suggest(in.what, []string{"ftp", "icmp"}); near != "" && in.what != "tftp" {
			return true, text.At(protocol, "%q is not a protocol that is inspected", protocol.Text).WithHint("did you mean %s?", near)
		}
		if !negated {
			p.warn(text.At(protocol, "inspection of %s is not modelled", protocol.Text))
		}
	}
	if negated {
		kept := p.policy.inspect[:0]
		for _, old := range p.policy.inspect {
			if old.what != in.what || old.class != in.class {
				kept = append(kept, old)
			}
		}
		p.policy.inspect = kept
		return true, nil
	}
	p.policy.inspect = append(p.policy.inspect, in)
	return true, nil
}

// servicePolicyStatement reads "service-policy NAME global|interface NAMEIF".
func (p *parser) servicePolicyStatement(c *text.Cursor) *text.Problem {
	s := servicePolicy{line: p.line, text: text.Join(c.Words)}
	c.Next()
	s.word = c.Next()
	where, err := text.Keyword("where the policy applies", c.Next(), true, "global", "interface")
	if err != nil {
		return err
	}
	if where == "interface" {
		if s.nameif = c.Next().Text; s.nameif == "" {
			return text.At(c.Peek(), "the interface is missing")
		}
	}
	p.known, p.policed = true, true
	p.servicePolicies = append(p.servicePolicies, s)
	return nil
}

// noStatement takes back what is on by default, and reads PIX's "fixup protocol ftp
// [strict] [PORT]".
func (p *parser) noStatement(c *text.Cursor) *text.Problem {
	negated := c.Accept("no")
	switch {
	case c.Accept("service-policy"):
		p.policed, p.known = true, true
		name := c.Next().Text
		kept := p.servicePolicies[:0]
		for _, s := range p.servicePolicies {
			if s.word.Text != name {
				kept = append(kept, s)
			}
		}
		p.servicePolicies = kept
		return nil
	case c.Accept("fixup", "protocol", "ftp"):
		p.policed, p.known = true, true
		if negated {
			return nil
		}
		policy := &policyMap{name: "fixup", line: p.line}
		in := inspect{line: p.line, text: text.Join(c.Words), what: "ftp", class: "fixup", strict: c.Accept("strict")}
		if w := c.Peek(); text.IsNumber(w) {
			n, err := text.Number("port", c.Next(), 1, 65535)
			if err != nil {
				return err
			}
			p.classes["fixup"] = &classMap{ports: []uint16{uint16(n)}}
		}
		policy.inspect = []inspect{in}
		p.policies["fixup"] = policy
		p.servicePolicies = append(p.servicePolicies, servicePolicy{line: p.line, word: text.Word{Text: "fixup"}, text: in.text})
		return nil
	}
	p.warn(text.NotModelled(c.Words))
	return nil
}

// buildInspections makes the inspections: the ASA always tracks TCP and UDP; FTP and
// ICMP where a service policy says so. A text without a word about service policies
// has the default one, which inspects FTP.
func (p *parser) buildInspections(rules *firewall.Ruleset) {
	base := firewall.Inspection{Kind: "asa", TCP: true, UDP: true, Text: "the ASA tracks every connection"}
	rules.Inspections = append(rules.Inspections, base)
	if !p.policed {
		rules.Inspections = append(rules.Inspections, firewall.Inspection{
			Kind: "asa", TCP: true, UDP: true, FTP: true, Text: "default service-policy global_policy: inspect ftp",
		})
		return
	}
	applied := p.servicePolicies
	if policy := p.policies["global_policy"]; len(applied) == 0 && policy != nil {
		applied = []servicePolicy{{line: policy.line, word: text.Word{Text: policy.name}, text: "service-policy global_policy global"}}
	}
	used := map[string]bool{}
	for _, s := range applied {
		policy := p.policies[s.word.Text]
		if policy == nil {
			p.line = s.line
			p.warn(text.At(s.word, "the policy map %q is not in the text: nothing is inspected", s.word.Text))
			continue
		}
		used[policy.name] = true
		for _, in := range policy.inspect {
			if in.what != "ftp" && in.what != "icmp" {
				continue
			}
			i := firewall.Inspection{
				Kind: "asa", Interface: p.nameif(s.nameif), FTP: in.what == "ftp", Strict: in.strict, ICMP: in.what == "icmp", TCP: true, UDP: true,
				Line: in.line, Text: in.text,
			}
			if m := p.classes[in.class]; m != nil {
				i.Ports = m.ports
			}
			rules.Inspections = append(rules.Inspections, i)
		}
	}
	for _, policy := range p.policyOrder {
		if !used[policy.name] {
			p.line = policy.line
			p.warn(&text.Problem{Column: 1, EndColumn: 1, Message: "no service-policy applies the policy map " + policy.name})
		}
	}
}

// nameif returns an interface's name as its own statement writes it.
func (p *parser) nameif(name string) string {
	for _, in := range p.ports {
		if strings.EqualFold(in.config.NameIf, name) {
			return in.config.NameIf
		}
	}
	return name
}
