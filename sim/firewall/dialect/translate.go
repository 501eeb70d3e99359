package dialect

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/asa"
	"ftplab/sim/firewall/dialect/comware"
	"ftplab/sim/firewall/dialect/internal/text"
	"ftplab/sim/firewall/dialect/ios"
	"ftplab/sim/firewall/dialect/iptables"
	"ftplab/sim/firewall/dialect/isa"
	"ftplab/sim/firewall/dialect/nft"
)

// Translate writes a ruleset's policy in another dialect. What cannot be said there is
// an error that names the rule and says why: nothing is left out. The notes say where
// the other device does a little more or less than the text can tell it, in words for
// people.
//
// Three things have to be turned into each other: a vendor's list of an interface and
// netfilter's chain at a hook; a vendor's inspection and netfilter's states with the
// FTP helper; a list for everything that passes and one list for each interface.
func Translate(rs *firewall.Ruleset, name string) (config string, notes []string, err error) {
	l, err := find(name)
	if err != nil {
		return "", nil, err
	}
	t := &translation{to: l.name, rs: rs}
	from := rs.Dialect
	switch {
	case from == l.name:
	case isLinux(from) && !isLinux(l.name), from == isa.Name && !isLinux(l.name):
		err = t.toLists()
	case isLinux(l.name) && !isLinux(from):
		t.applyFreeList()
		err = t.toHooks()
	case !isLinux(from):
		err = t.toVendor()
	}
	if err != nil {
		return "", nil, err
	}
	if from != l.name {
		t.noteFragments(from)
		t.noteNames()
		t.noteIPv6()
	}
	config, err = l.print(t.rs)
	if err != nil {
		return "", nil, err
	}
	return config, t.notes, nil
}

// CannotSay returns the error of Translate or Print as a message about the rule that
// cannot be said, in the ruleset's own text; false if the error is about no rule.
func CannotSay(rs *firewall.Ruleset, err error) (firewall.Diagnostic, bool) {
	var unsayable *text.Unsayable
	if !errors.As(err, &unsayable) || unsayable.Rule == nil || unsayable.Rule.Line < 1 {
		return firewall.Diagnostic{}, false
	}
	column := max(1, unsayable.Rule.Column)
	return firewall.Diagnostic{
		Severity: firewall.Error, File: rs.File, Line: unsayable.Rule.Line, Column: column, EndColumn: column, Message: unsayable.Message(),
	}, true
}

// FreeInterface is what Translate and the comparison of rulesets call the interface of a
// list that its text applies to none.
const FreeInterface = "filtered"

// applyFreeList applies the only list of a text that says of no interface where it is
// asked, so that it is asked on Linux, too: a chain that nothing calls would do nothing.
func (t *translation) applyFreeList() {
	if len(t.rs.Chains) != 1 || t.rs.Chains[0].Hook != firewall.HookNone || t.rs.Chains[0].Count == 0 {
		return
	}
	t.rs = Apply(t.rs, "", FreeInterface, firewall.Inbound)
	t.note("the list is applied to no interface: here it judges what comes in by %q; write the interface's name there", FreeInterface)
}

func isLinux(name string) bool { return name == nft.Name || name == iptables.Name }

// translation is a ruleset on its way to another dialect.
type translation struct {
	to    string
	rs    *firewall.Ruleset // replaced, never changed: rulesets are shared
	notes []string
}

func (t *translation) note(format string, args ...any) {
	if note := fmt.Sprintf(format, args...); !slices.Contains(t.notes, note) {
		t.notes = append(t.notes, note)
	}
}

// cannot is the error that a rule cannot be said; nil stands for the whole ruleset.
func (t *translation) cannot(rule *firewall.Rule, format string, args ...any) error {
	return &text.Unsayable{Dialect: t.to, Rule: rule, Why: fmt.Sprintf(format, args...)}
}

// copyRuleset makes the ruleset one of the translation's own, whose chains may be
// changed.
func (t *translation) copyRuleset() {
	own := *t.rs
	own.Chains = slices.Clone(own.Chains)
	own.Inspections = slices.Clone(own.Inspections)
	own.Interfaces = slices.Clone(own.Interfaces)
	t.rs = &own
}

// noteFragments says what becomes of fragments other than the first.
func (t *translation) noteFragments(from string) {
	lets := func(name string) bool { return name == ios.Name || name == asa.Name }
	if lets(from) == lets(t.to) || from == isa.Name || t.to == isa.Name {
		return
	}
	for _, r := range t.rs.Rules {
		for _, p := range r.Parts {
			if r.Verdict.Kind == firewall.Accept && p.Match != nil && (p.Match.Field == firewall.SourcePort || p.Match.Field == firewall.DestinationPort) {
				t.note("fragments other than the first: a permit line about ports lets them pass on IOS and ASA, and only there")
				return
			}
		}
	}
}

// noteNames says which interfaces the other language calls otherwise: it takes what is
// written for short for the whole.
func (t *translation) noteNames() {
	full := map[string]func(string) string{comware.Name: comware.InterfaceName, ios.Name: ios.InterfaceName}[t.to]
	if full == nil {
		return
	}
	for _, name := range t.interfaceNames() {
		if own := full(name); own != name {
			t.note("the interface %s is called %s here", name, own)
		}
	}
}

// noteIPv6 says what becomes of IPv6 where the text is about IPv4 alone: ISA Server's
// rules are about both.
func (t *translation) noteIPv6() {
	if t.to != isa.Name {
		return
	}
	for _, c := range t.rs.Chains {
		if c.Family == "ip" {
			t.note("what is about IPv4 alone is said of every packet: ISA Server's rules judge IPv6 as well")
			return
		}
	}
}

// toVendor prepares a vendor's ruleset for another vendor.
func (t *translation) toVendor() error {
	t.copyRuleset()
	if t.rs.Dialect == asa.Name {
		if err := t.fromASA(); err != nil {
			return err
		}
	}
	if t.to == ios.Name {
		if err := t.spreadLists(); err != nil {
			return err
		}
	}
	if t.to == asa.Name && t.rs.Dialect != asa.Name {
		t.note("the ASA tracks every connection: what answers a permitted one passes without a rule")
	}
	if t.to == isa.Name {
		t.note("ISA Server tracks every connection: what answers an allowed one passes without a rule")
	}
	kind := map[string]string{comware.Name: "aspf", ios.Name: "cbac"}[t.to]
	for i := range t.rs.Inspections {
		if in := &t.rs.Inspections[i]; kind != "" && in.Kind != kind && in.Kind != "zone" {
			if kind == "aspf" {
				t.note("answers skip the lists of the inspected interface alone with ASPF, where %s lets them skip all", t.rs.Dialect)
			}
			in.Kind = kind
		}
	}
	return nil
}

// spreadLists applies a list of all interfaces to each that the text names, as IOS has
// none for all.
func (t *translation) spreadLists() error {
	names := t.interfaceNames()
	chains := slices.Clone(t.rs.Chains)
	for place, c := range t.rs.Chains {
		if c.Interface != "" || c.Hook != firewall.Inbound && c.Hook != firewall.Outbound {
			continue
		}
		if len(names) == 0 {
			return t.cannot(nil, "a list is applied to an interface, and the text names none for %q", c.Name)
		}
		t.note("the list of all interfaces is applied to those that the text names")
		for i, name := range names {
			if slices.ContainsFunc(t.rs.Chains, func(o firewall.Chain) bool { return o.Interface == name && o.Hook == c.Hook && o.Family == c.Family }) {
				return t.cannot(nil, "%s has a list of its own beside the one of all interfaces, and takes one alone", name)
			}
			if i == 0 { // jumps know the chain by its place
				chains[place].Interface = name
				continue
			}
			one := c
			one.Interface = name
			chains = append(chains, one)
		}
	}
	t.rs.Chains = chains
	return nil
}

// fromASA takes what only the ASA has out of its ruleset: the calls of the global list,
// security levels that decide nothing, and inspection on all interfaces at once.
func (t *translation) fromASA() error {
	if err := t.inlineCalls(); err != nil {
		return err
	}
	if err := t.dropLevels(); err != nil {
		return err
	}
	if t.to == asa.Name || t.to == isa.Name {
		return nil
	}
	names := t.interfaceNames()
	var spread []firewall.Inspection
	for _, in := range t.rs.Inspections {
		if in.Interface != "" && in.Hook != firewall.HookNone {
			spread = append(spread, in)
			continue
		}
		at := names
		if in.Interface != "" {
			at = []string{in.Interface}
		}
		for _, name := range at {
			one := in
			one.Interface, one.Hook = name, firewall.Inbound
			spread = append(spread, one)
		}
	}
	t.rs.Inspections = merge(spread)
	if len(names) == 0 {
		t.note("the ASA tracks every connection; the text names no interface on which %s could", t.to)
	}
	return nil
}

// merge joins the inspections of one interface and direction into one.
func merge(inspections []firewall.Inspection) []firewall.Inspection {
	var merged []firewall.Inspection
	for _, in := range inspections {
		i := slices.IndexFunc(merged, func(m firewall.Inspection) bool { return m.Interface == in.Interface && m.Hook == in.Hook })
		if i < 0 {
			merged = append(merged, in)
			continue
		}
		m := &merged[i]
		m.FTP, m.Strict = m.FTP || in.FTP, m.Strict || in.Strict
		m.TCP, m.UDP, m.ICMP = m.TCP || in.TCP, m.UDP || in.UDP, m.ICMP || in.ICMP
		m.Ports = append(m.Ports[:len(m.Ports):len(m.Ports)], in.Ports...)
	}
	return merged
}

// interfaceNames returns the interfaces that the ruleset names, each once: those to
// which something is applied, and those that it configures.
func (t *translation) interfaceNames() []string {
	var names []string
	add := func(name string) {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, c := range t.rs.Chains {
		add(c.Interface)
	}
	for _, in := range t.rs.Interfaces {
		if in.NameIf != "" {
			add(in.NameIf)
		} else if t.rs.Dialect != asa.Name {
			add(in.Name)
		}
	}
	return names
}

// dropLevels removes the chain of security levels where it decides nothing but that
// packets do not turn around, because every interface has an access list.
func (t *translation) dropLevels() error {
	names := t.interfaceNames()
	t.rs.Chains = slices.Clone(t.rs.Chains)
	for i := range t.rs.Chains {
		c := &t.rs.Chains[i]
		if c.Table != "security-level" {
			continue
		}
		for k := c.First; k < c.First+c.Count; k++ {
			r := &t.rs.Rules[k]
			if len(r.Parts[1].Match.Names) < len(names)-1 {
				return t.cannot(r, "security levels decide by both interfaces")
			}
		}
		if c.Count < len(names) {
			return t.cannot(nil, "security levels decide by both interfaces, and not every interface has an access list")
		}
		t.note("packets that leave by the interface they came in by are not stopped")
		c.Hook, c.Count, c.Table = firewall.HookNone, 0, "unused"
	}
	t.rs.Chains = slices.DeleteFunc(t.rs.Chains, func(c firewall.Chain) bool { return c.Table == "unused" })
	return nil
}

// shortNames gives interfaces names that Linux takes: at most 15 characters, no slash.
func (t *translation) shortNames() {
	const longest = 15
	renamed := map[string]string{}
	taken := map[string]bool{}
	rename := func(name string) string {
		if name == "" || len(name) <= longest && !strings.ContainsAny(name, "/: ") {
			return name
		}
		if short := renamed[name]; short != "" {
			return short
		}
		digit := strings.IndexAny(name, "0123456789")
		if digit < 0 {
			digit = len(name)
		}
		number := strings.NewReplacer("/", "-", ":", "-", " ", "-").Replace(name[digit:])
		short := strings.ToLower(name[:min(digit, 2)]) + number
		short = short[:min(len(short), longest)]
		for n := 2; taken[short]; n++ {
			suffix := fmt.Sprintf("_%d", n)
			short = short[:min(len(short), longest-len(suffix))] + suffix
		}
		renamed[name], taken[short] = short, true
		t.note("the interface %s is called %s here: Linux takes 15 characters without a slash", name, short)
		return short
	}
	for i := range t.rs.Chains {
		t.rs.Chains[i].Interface = rename(t.rs.Chains[i].Interface)
	}
	for i := range t.rs.Inspections {
		t.rs.Inspections[i].Interface = rename(t.rs.Inspections[i].Interface)
	}
	for i := range t.rs.Rules {
		r := &t.rs.Rules[i]
		for k, part := range r.Parts {
			if part.Match == nil || part.Match.Field != firewall.InInterface && part.Match.Field != firewall.OutInterface {
				continue
			}
			m := *part.Match
			m.Names = slices.Clone(m.Names)
			for n, name := range m.Names {
				m.Names[n] = rename(name)
			}
			r.Parts[k].Match = &m
		}
	}
}
