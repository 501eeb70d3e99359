package nft

import (
	"fmt"
	"strconv"
	"strings"

	"ftplab/sim/firewall"
)

// Print writes a ruleset of any dialect as nftables reads it, in the form in which
// `nft list ruleset` prints. What nftables cannot say is left out, and a comment in
// its place says so: see Inexpressible.
func Print(rs *firewall.Ruleset) string {
	p := newPrinter(rs)
	p.print()
	return p.out.String()
}

// Inexpressible returns what Print leaves out of a ruleset, each at its line in the
// ruleset's text: errors for what changes the meaning, warnings for what makes no
// difference here.
func Inexpressible(rs *firewall.Ruleset) []firewall.Diagnostic {
	p := newPrinter(rs)
	p.print()
	return p.left
}

// printer writes a ruleset.
type printer struct {
	rs   *firewall.Ruleset
	out  strings.Builder
	left []firewall.Diagnostic
	// names are the names of chains in the output, by place.
	names []string
	// tables are the tables of the output, in order.
	tables []printedTable
	// tableOf is the table of each chain, by place.
	tableOf []int
}

// printedTable is a table of the output.
type printedTable struct {
	family, name string
	chains       []int
	helpers      []printedHelper
}

// printedHelper is a ct helper object of the output.
type printedHelper struct{ name, kind, protocol string }

func newPrinter(rs *firewall.Ruleset) *printer {
	p := &printer{rs: rs, names: make([]string, len(rs.Chains)), tableOf: make([]int, len(rs.Chains))}
	for i := range rs.Chains {
		c := &rs.Chains[i]
		t := p.table(c)
		p.tableOf[i] = t
		p.tables[t].chains = append(p.tables[t].chains, i)
		p.names[i] = p.uniqueName(t, c)
	}
	for i := range p.tables {
		p.findHelpers(&p.tables[i])
	}
	return p
}

// table returns the output's table of a chain.
func (p *printer) table(c *firewall.Chain) int {
	name, family := "fw", c.Family
	if p.isNetfilter() {
		name = identifier(c.Table, "fw")
	}
	if family == "" {
		family = "ip"
	}
	for i, t := range p.tables {
		if t.name == name && t.family == family {
			return i
		}
	}
	p.tables = append(p.tables, printedTable{family: family, name: name})
	return len(p.tables) - 1
}

// isNetfilter reports whether the ruleset has netfilter's tables: other devices' lists
// call each other wherever they are.
func (p *printer) isNetfilter() bool { return p.rs.Dialect == Name || p.rs.Dialect == "iptables" }

// identifier makes a name that nft accepts of any name.
func identifier(name, otherwise string) string {
	if name == "" {
		return otherwise
	}
	valid := []byte(name)
	for i, c := range valid {
		if !isLetter(c) && !isDigit(c) && c != '_' && c != '-' && c != '.' && c != '/' {
			valid[i] = '_'
		}
	}
	switch first := valid[0]; {
	case !isLetter(first) && first != '_' && first != '.':
		return "acl_" + string(valid)
	case isReserved(name):
		return name + "_"
	}
	return string(valid)
}

// uniqueName names a chain so that no other of its table is named so; a chain in
// braces has no name.
func (p *printer) uniqueName(table int, c *firewall.Chain) string {
	if c.Name == "" && p.rs.Dialect == Name {
		return ""
	}
	name := identifier(c.Name, "acl")
	if isVendor(c.Hook) {
		name += "_" + strings.TrimPrefix(identifier(c.Interface, "all"), "acl_") + map[firewall.Hook]string{firewall.Inbound: "_in", firewall.Outbound: "_out"}[c.Hook]
	}
	for candidate, n := name, 2; ; n++ {
		taken := false
		for _, other := range p.tables[table].chains {
			taken = taken || p.names[other] == candidate
		}
		if !taken {
			return candidate
		}
		candidate = fmt.Sprintf("%s_%d", name, n)
	}
}

// isVendor reports whether a hook is that of a vendor's interface list.
func isVendor(h firewall.Hook) bool { return h == firewall.Inbound || h == firewall.Outbound }

// findHelpers finds the helper objects that a table needs: those it has, and one of
// each kind that its rules set and none has.
func (p *printer) findHelpers(t *printedTable) {
	for _, h := range p.rs.Helpers {
		if h.Table == t.name {
			t.helpers = append(t.helpers, printedHelper{h.Name, h.Kind, ""})
		}
	}
	for _, i := range t.chains {
		c := &p.rs.Chains[i]
		for k := c.First; k < c.First+c.Count; k++ {
			r := &p.rs.Rules[k]
			for _, part := range r.Parts {
				if part.Effect != nil && part.Effect.Kind == firewall.SetHelper {
					t.needHelper(part.Effect.Text, helperProtocol(r, part.Effect.Text))
				}
			}
		}
	}
	for i := range t.helpers {
		if t.helpers[i].protocol == "" { // no rule sets it
			t.helpers[i].protocol = helperProtocol(&firewall.Rule{}, t.helpers[i].kind)
		}
	}
}

// needHelper makes sure that the table has an object for a kind of helper.
func (t *printedTable) needHelper(kind, protocol string) {
	for i := range t.helpers {
		h := &t.helpers[i]
		if h.kind == kind && (h.protocol == protocol || h.protocol == "") {
			h.protocol = protocol
			return
		}
	}
	name := identifier(kind, "helper") + "-standard"
	if t.hasHelper(name) {
		name = identifier(kind, "helper") + "-" + protocol
	}
	t.helpers = append(t.helpers, printedHelper{name, kind, protocol})
}

func (t *printedTable) hasHelper(name string) bool {
	for _, h := range t.helpers {
		if h.name == name {
			return true
		}
	}
	return false
}

// helper returns the name of the table's object for a kind of helper.
func (t *printedTable) helper(kind, protocol string) string {
	for _, h := range t.helpers {
		if h.kind == kind && h.protocol == protocol {
			return h.name
		}
	}
	return ""
}

// helperProtocol returns the transport protocol for which a rule sets a kind of
// helper: the one that its conditions require, else the helper's usual one.
func helperProtocol(r *firewall.Rule, kind string) string {
	for _, part := range r.Parts {
		if part.Match == nil || part.Match.Field != firewall.ProtocolField {
			continue
		}
		switch n, ok := single(part.Match); {
		case ok && n == 6:
			return "tcp"
		case ok && n == 17:
			return "udp"
		}
	}
	switch kind {
	case "tftp", "amanda", "netbios-ns", "snmp", "snmp_trap", "RAS", "sip":
		return "udp"
	}
	return "tcp"
}

// cannot records what is left out, about a line of the ruleset's text.
func (p *printer) cannot(severity firewall.Severity, line int, format string, args ...any) {
	p.left = append(p.left, firewall.Diagnostic{Severity: severity, File: p.rs.File, Line: line, Column: 1, EndColumn: 1,
		Message: fmt.Sprintf(format, args...)})
}

// print writes all tables.
func (p *printer) print() {
	for _, in := range p.rs.Inspections {
		p.cannot(firewall.Error, in.Line, "nftables has no inspection of sessions by interface: %s", in.Text)
		fmt.Fprintf(&p.out, "# left out: %s\n", oneLine(in.Text))
	}
	for i := range p.tables {
		t := &p.tables[i]
		switch t.family {
		case "ip", "ip6", "inet":
			p.printTable(t)
		default:
			fmt.Fprintf(&p.out, "# left out: table %s %s, whose packets are not modelled\n", t.family, t.name)
			p.cannot(firewall.Warning, p.rs.Chains[t.chains[0]].Line, "tables of the family %s are not modelled", t.family)
		}
	}
}

func (p *printer) printTable(t *printedTable) {
	fmt.Fprintf(&p.out, "table %s %s {\n", t.family, t.name)
	first := true
	gap := func() {
		if !first {
			p.out.WriteByte('\n')
		}
		first = false
	}
	for _, h := range t.helpers {
		gap()
		fmt.Fprintf(&p.out, "\tct helper %s {\n\t\ttype %s protocol %s\n\t\tl3proto %s\n\t}\n", h.name, quote(h.kind), h.protocol, t.family)
	}
	for i := range p.rs.Sets {
		s := &p.rs.Sets[i]
		if p.isNamed(s) && s.Table == t.name && p.usedIn(i, t) {
			gap()
			p.printSet(s)
		}
	}
	for _, i := range t.chains {
		if p.names[i] == "" {
			continue
		}
		gap()
		p.printChain(i)
	}
	p.out.WriteString("}\n")
}

// isNamed reports whether a set is one that the output declares under its name; others
// stand where they are used. A map to what is not modelled has lost its values, and
// nothing that is written uses it.
func (p *printer) isNamed(s *firewall.Set) bool {
	if s.Name == "" || s.Declaration == "" {
		return false
	}
	_, data := declaredTypes(s)
	for _, typ := range data {
		if typ != typeAddr4 && typ != typeAddr6 && typ != typePort {
			return mapsToVerdicts(s)
		}
	}
	return true
}

func mapsToVerdicts(s *firewall.Set) bool {
	first, _, _ := strings.Cut(s.Declaration, "\n")
	return strings.HasSuffix(first, " : verdict")
}

// usedIn reports whether the table is the one that a named set stands in: two tables
// of different families may have one name.
func (p *printer) usedIn(set int, t *printedTable) bool {
	alone := true
	for i := range p.tables {
		alone = alone && (p.tables[i].name != t.name || &p.tables[i] == t)
	}
	if alone {
		return true
	}
	for _, i := range t.chains {
		c := &p.rs.Chains[i]
		for _, r := range p.rs.Rules[c.First : c.First+c.Count] {
			for _, part := range r.Parts {
				if part.Match != nil && part.Match.Set == set+1 || part.Effect != nil && part.Effect.Map == set+1 {
					return true
				}
			}
		}
	}
	return false
}

func (p *printer) printSet(s *firewall.Set) {
	lines := strings.Split(s.Declaration, "\n")
	word := "set"
	if strings.Contains(lines[0], " : ") {
		word = "map"
	}
	fmt.Fprintf(&p.out, "\t%s %s {\n", word, s.Name)
	for _, line := range lines {
		fmt.Fprintf(&p.out, "\t\t%s\n", line)
	}
	if types, _ := declaredTypes(s); len(s.Elements) > 0 {
		fmt.Fprintf(&p.out, "\t\telements = { %s }\n", strings.Join(p.elements(s, types, mapsToVerdicts(s)), ",\n\t\t\t     "))
	}
	p.out.WriteString("\t}\n")
}

// declaredTypes returns the types of a named set's key and of a map's values.
func declaredTypes(s *firewall.Set) (key, data []valueType) {
	first, _, _ := strings.Cut(s.Declaration, "\n")
	kind, words, _ := strings.Cut(first, " ")
	keyWords, dataWords, isMap := strings.Cut(words, " : ")
	key = namedTypes(keyWords, kind == "typeof")
	if isMap {
		data = namedTypes(dataWords, kind == "typeof")
	}
	return key, data
}

// namedTypes returns the types that names, or with of expressions, stand for.
func namedTypes(words string, of bool) []valueType {
	var types []valueType
	for _, name := range strings.Split(words, " . ") {
		typ := typeOther
		if of {
			parsed := &parser{toks: tokens(name)}
			if e := parsed.primary(); e.kind == exSelector {
				info, _ := selectorOf(e.sel)
				typ = info.typ
			}
		}
		for _, t := range typeNames {
			if t.name == name && !of {
				typ = t.typ
			}
		}
		types = append(types, typ)
	}
	return types
}

func (p *printer) printChain(i int) {
	c := &p.rs.Chains[i]
	fmt.Fprintf(&p.out, "\tchain %s {\n", p.names[i])
	if head := p.hookLine(c); head != "" {
		fmt.Fprintf(&p.out, "\t\t%s\n", head)
	}
	if isVendor(c.Hook) && c.Interface != "" {
		key := "iifname"
		if c.Hook == firewall.Outbound {
			key = "oifname"
		}
		if len(c.Interface) > maxInterfaceName {
			p.cannot(firewall.Error, c.Line, "the interface name %s is longer than Linux has them (%d)", c.Interface, maxInterfaceName)
		}
		fmt.Fprintf(&p.out, "\t\t%s != %s accept\n", key, quote(c.Interface))
	}
	p.printRules(c, "\t\t")
	p.out.WriteString("\t}\n")
}

// maxInterfaceName is the longest name of an interface (IFNAMSIZ - 1).
const maxInterfaceName = 15

// hookLine writes type, hook, priority and policy of a base chain.
func (p *printer) hookLine(c *firewall.Chain) string {
	hook := c.Hook
	switch hook {
	case firewall.HookNone:
		return ""
	case firewall.Inbound:
		hook = firewall.Prerouting
	case firewall.Outbound:
		hook = firewall.Postrouting
	}
	typ := [...]string{"filter", "nat", "route"}[c.Type]
	policy := "accept"
	if c.Policy.Kind == firewall.Drop {
		policy = "drop"
	}
	return fmt.Sprintf("type %s hook %s priority %s; policy %s;", typ, hook, priorityText(hook, p.priority(c)), policy)
}

// priority returns a chain's priority. iptables chooses helpers before connection
// tracking and nftables after it: such a chain is asked later.
func (p *printer) priority(c *firewall.Chain) int {
	const tracking, mangle = -200, -150
	if p.rs.Dialect == Name || c.Priority > tracking {
		return c.Priority
	}
	helper, noTrack := false, false
	for _, i := range p.tables[p.table(c)].chains {
		other := &p.rs.Chains[i]
		for _, r := range p.rs.Rules[other.First : other.First+other.Count] {
			for _, part := range r.Parts {
				helper = helper || part.Effect != nil && part.Effect.Kind == firewall.SetHelper
				noTrack = noTrack || part.Effect != nil && part.Effect.Kind == firewall.NoTrack
			}
		}
	}
	if !helper {
		return c.Priority
	}
	if noTrack {
		p.cannot(firewall.Error, c.Line, "the table %s both chooses helpers, which nftables does after connection tracking, and leaves packets untracked, which it does before", c.Table)
	}
	return mangle
}

// priorityText writes a priority by its name where nft has one at this hook.
func priorityText(hook firewall.Hook, priority int) string {
	for _, n := range priorityNames {
		if n.number != priority || n.name == "dstnat" && hook != firewall.Prerouting || n.name == "srcnat" && hook != firewall.Postrouting {
			continue
		}
		return n.name
	}
	return strconv.Itoa(priority)
}

// quote writes a string in quotes; nft has no way to write a quote within.
func quote(s string) string { return `"` + strings.ReplaceAll(s, `"`, "'") + `"` }

// oneLine makes text fit a comment.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
