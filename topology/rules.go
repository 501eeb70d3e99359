package topology

import (
	"slices"
	"strings"

	"ftplab/sim"
	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect"
	"ftplab/topology/document"
)

// ruleKeys are the keys of a firewall, or of a variant of it, that make up its rules.
var ruleKeys = []string{"rules", "rules_file", "dialect", "apply"}

// sideNames are the words for the two sides of a firewall: lan is where what it
// protects is.
var sideNames = [...]string{"lan", "wan"}

// rules parses the rules of a firewall. Without any it is a plain router.
func (b *builder) rules(v *document.Node, node *sim.Node) *firewall.Ruleset {
	text, where := v.Get("rules"), v.Get("rules_file")
	switch {
	case text != nil && where != nil:
		b.Fail(where, "rules and rules_file at once")
		return nil
	case where != nil:
		content, ok := readFile(&b.Decoder, where, b.String(where), b.files)
		if !ok {
			return nil
		}
		text = document.Text(where.Text, string(content))
	case text == nil || !text.Quoted && strings.EqualFold(text.Text, "none"):
		return nil
	}
	rs := b.parseRules(text, b.String(v.Get("dialect")), v.Get("dialect"))
	if rs == nil {
		return nil
	}
	return b.apply(rs, v.Get("apply"), text, node)
}

// parseRules parses a text in a dialect ("" is: recognise it) and puts what is wrong
// with it at its place in the scenario file.
func (b *builder) parseRules(text *document.Node, name string, nameNode *document.Node) *firewall.Ruleset {
	if nameNode != nil {
		if name = b.Word(nameNode, "a dialect", dialect.Names()...); name == "" {
			return nil
		}
	}
	rs, diagnostics := dialect.Parse(name, text.File, b.String(text))
	for _, d := range diagnostics {
		e := &document.Error{File: text.File, Message: d.Message, Hint: d.Hint}
		if d.Line > 0 {
			e.Line, e.Column = text.Place(d.Line, d.Column)
		}
		if d.Severity == firewall.Error {
			b.Add(e)
		} else {
			b.warnings = append(b.warnings, e.Error())
		}
	}
	return rs
}

// apply puts a list that is bound to no interface where the file says.
func (b *builder) apply(rs *firewall.Ruleset, where, text *document.Node, node *sim.Node) *firewall.Ruleset {
	if where == nil {
		if unapplied(rs) {
			e := b.Fail(text, "the rules are bound to no interface")
			e.Hint = "apply: INTERFACE inbound"
		}
		return rs
	}
	name, direction, _ := strings.Cut(b.String(where), " ")
	hook := firewall.Inbound
	switch strings.TrimSpace(direction) {
	case "inbound", "in":
	case "outbound", "out":
		hook = firewall.Outbound
	default:
		b.Fail(where, "%q says no direction", where.Text).Hint = "such as " + name + " inbound"
		return rs
	}
	if !slices.ContainsFunc(node.Interfaces, func(f firewall.Interface) bool { return f.Name == name }) {
		b.Fail(where, "%s has no interface %q", node.Name, name).Hint = "it has " + strings.Join(interfaceNames(node.Interfaces), ", ")
		return rs
	}
	if !unapplied(rs) {
		b.Fail(where, "nothing to apply: the rules say themselves which interface they are bound to")
		return rs
	}
	return dialect.Apply(rs, "", name, hook)
}

// unapplied reports whether the rules are one list of a vendor's language that is
// bound to no interface.
func unapplied(rs *firewall.Ruleset) bool {
	return rs.Dialect != "nft" && rs.Dialect != "iptables" && len(rs.Chains) == 1 && rs.Chains[0].Hook == firewall.HookNone
}

func interfaceNames(interfaces []firewall.Interface) []string {
	names := make([]string, len(interfaces))
	for i, f := range interfaces {
		names[i] = f.Name
	}
	return names
}
