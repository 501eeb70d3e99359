package topology

import (
	"fmt"
	"slices"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect"
	"ftplab/topology/document"
)

// elsewhere is what an interface of a pasted configuration is mapped to when nothing
// of the network is behind it.
const elsewhere = "none"

// WithRules returns the network with a further variant, which is its default: the
// network's firewall with the rules of a real configuration.
//
// Such a configuration has its own names for the interfaces. Interfaces says which
// side each of them is on, lan or wan, or which interface of the network's firewall it
// is, or "none" if nothing of the network is behind it. Names that the firewall itself
// has, and lan and wan, need no mapping. A list that is bound to no interface is bound
// as the network's own rules are.
func (n *Network) WithRules(rs *firewall.Ruleset, interfaces map[string]string) (*Network, error) {
	if n.Firewall == "" {
		return nil, fmt.Errorf("%s has no firewall whose rules could be replaced", n.Title)
	}
	r := renamer{known: n.firewallInterfaces(), to: map[string][]string{}}
	if err := r.plan(rs, interfaces); err != nil {
		return nil, err
	}
	renamed := r.ruleset(rs)
	if unapplied(renamed) {
		name, hook, ok := n.usualPlace()
		if !ok {
			return nil, fmt.Errorf("%s: the list is bound to no interface, and %s does not say to which of %s", rs.File, n.Title, strings.Join(r.names(), ", "))
		}
		renamed = dialect.Apply(renamed, "", name, hook)
	}
	own := *n
	name := rs.File
	if name == "" {
		name = "rules"
	}
	own.Variants = slices.DeleteFunc(slices.Clone(n.Variants), func(v Variant) bool { return v.Name == name })
	for i := range own.Variants {
		own.Variants[i].Default = false
	}
	own.variants = nil
	for i, v := range n.Variants {
		if v.Name != name {
			own.variants = append(own.variants, n.variants[i])
		}
	}
	own.Variants = append([]Variant{{Name: name, Title: "the rules of " + name, Default: true}}, own.Variants...)
	own.variants = append([]variant{{rules: renamed}}, own.variants...)
	own.Default.Firewall = name
	return &own, nil
}

// sidedInterface is an interface of the network's firewall with the side it is on.
type sidedInterface struct{ name, side string }

func (n *Network) firewallInterfaces() []sidedInterface {
	var out []sidedInterface
	list := n.base.Get("nodes").Get(n.Firewall).Get("interfaces")
	for i, k := range list.Keys {
		side := ""
		if s := list.Values[i].Get("side"); s != nil {
			side = strings.ToLower(s.Text)
		}
		out = append(out, sidedInterface{k.Text, side})
	}
	return out
}

// usualPlace is where the network's own rules are bound: what the firewall or the first
// variant that says it says.
func (n *Network) usualPlace() (string, firewall.Hook, bool) {
	nodes := []*document.Node{n.base.Get("nodes").Get(n.Firewall)}
	for _, v := range n.variants {
		nodes = append(nodes, v.node)
	}
	for _, node := range nodes {
		if where := node.Get("apply"); where != nil {
			name, direction, _ := strings.Cut(where.Text, " ")
			if strings.HasPrefix(strings.TrimSpace(direction), "out") {
				return name, firewall.Outbound, true
			}
			return name, firewall.Inbound, true
		}
	}
	return "", firewall.HookNone, false
}

// renamer gives the interfaces of a ruleset the names they have in the network. One
// name may become several: everything on the wan side.
type renamer struct {
	known []sidedInterface
	to    map[string][]string
}

func (r *renamer) names() []string {
	var out []string
	for _, k := range r.known {
		out = append(out, k.name)
	}
	return out
}

// words returns the sides and interfaces that can be named.
func (r *renamer) words() []string {
	words := slices.Clone(sideNames[:])
	for _, name := range r.names() {
		if !slices.Contains(words, name) {
			words = append(words, name)
		}
	}
	return words
}

// plan decides what becomes of every name, and refuses those that mean nothing.
func (r *renamer) plan(rs *firewall.Ruleset, interfaces map[string]string) error {
	used := rs.UsedInterfaces()
	for _, name := range sortedKeys(interfaces) {
		if !slices.Contains(used, name) {
			return &UnknownError{"interface of " + rs.File, name, used}
		}
		targets := r.side(interfaces[name])
		if targets == nil {
			return &UnknownError{"side or interface", interfaces[name], append(r.words(), elsewhere)}
		}
		r.to[name] = targets
	}
	for _, name := range used {
		if r.to[name] != nil || isPattern(name) || name == "lo" {
			continue
		}
		if r.to[name] = r.named(name); r.to[name] == nil {
			r.to[name] = r.side(name)
		}
		if r.to[name] == nil {
			return fmt.Errorf("%s: interface %q is not in this network (known: %s): say where it is with --if %s=lan or wan, or none",
				rs.File, name, strings.Join(r.words(), ", "), name)
		}
	}
	return nil
}

// isPattern reports whether a name stands for all that begin with it.
func isPattern(name string) bool { return strings.HasSuffix(name, "*") || strings.HasSuffix(name, "+") }

// side returns the interfaces that the word of a mapping stands for: those on a side,
// or one by its name; nil if there are none.
func (r *renamer) side(word string) []string {
	if strings.EqualFold(word, elsewhere) {
		return []string{"(not in this network)"}
	}
	var out []string
	for _, k := range r.known {
		if k.side != "" && strings.EqualFold(k.side, word) {
			out = append(out, k.name)
		}
	}
	if out == nil {
		return r.named(word)
	}
	return out
}

// named returns the interface of that name, nil if there is none.
func (r *renamer) named(name string) []string {
	if slices.ContainsFunc(r.known, func(k sidedInterface) bool { return k.name == name }) {
		return []string{name}
	}
	return nil
}

// ruleset returns a copy with the new names. Its text stays as it was written.
func (r *renamer) ruleset(rs *firewall.Ruleset) *firewall.Ruleset {
	out := *rs
	out.Chains, out.Inspections, out.Interfaces = nil, nil, nil
	chains := make([]int, len(rs.Chains)) // new places: Chains may be doubled
	for i, c := range rs.Chains {
		chains[i] = len(out.Chains)
		for _, name := range r.rename(c.Interface) {
			c.Interface = name
			out.Chains = append(out.Chains, c)
		}
	}
	for _, inspection := range rs.Inspections {
		for _, name := range r.rename(inspection.Interface) {
			inspection.Interface = name
			out.Inspections = append(out.Inspections, inspection)
		}
	}
	for _, i := range rs.Interfaces {
		for _, name := range r.rename(i.Name) {
			i.Name = name
			out.Interfaces = append(out.Interfaces, i)
		}
	}
	out.Rules = slices.Clone(rs.Rules)
	for i := range out.Rules {
		rule := &out.Rules[i]
		rule.Chain = chains[rule.Chain]
		rule.Verdict = moved(rule.Verdict, chains)
		rule.Parts = slices.Clone(rule.Parts)
		for j, p := range rule.Parts {
			if p.Match != nil {
				m := r.match(*p.Match)
				rule.Parts[j].Match = &m
			}
		}
	}
	out.Sets = slices.Clone(rs.Sets)
	for i := range out.Sets {
		elements := slices.Clone(out.Sets[i].Elements)
		for j := range elements {
			elements[j].Key = r.matches(elements[j].Key)
			elements[j].Verdict = moved(elements[j].Verdict, chains)
		}
		out.Sets[i].Elements = elements
	}
	return &out
}

// moved is a verdict whose chain has a new place.
func moved(v firewall.Verdict, chains []int) firewall.Verdict {
	if v.Kind == firewall.Jump || v.Kind == firewall.Goto {
		v.Chain = chains[v.Chain]
	}
	return v
}

func (r *renamer) rename(name string) []string {
	if to := r.to[name]; to != nil {
		return to
	}
	return []string{name}
}

func (r *renamer) match(m firewall.Match) firewall.Match {
	if m.Field == firewall.InInterface || m.Field == firewall.OutInterface {
		var names []string
		for _, name := range m.Names {
			names = append(names, r.rename(name)...)
		}
		m.Names = names
	}
	m.AnyOf = r.matches(m.AnyOf)
	return m
}

func (r *renamer) matches(list []firewall.Match) []firewall.Match {
	if list == nil {
		return nil
	}
	out := make([]firewall.Match, len(list))
	for i, m := range list {
		out[i] = r.match(m)
	}
	return out
}
