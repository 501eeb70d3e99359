package topology

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"ftplab/topology/document"
)

// aliases are other names of modes.
var aliases = map[string]string{"passive": "pasv", "active": "port"}

// ModeName returns the name of a mode: lower case, aliases resolved.
func ModeName(mode string) string {
	mode = strings.ToLower(mode)
	if name, ok := aliases[mode]; ok {
		return name
	}
	return mode
}

// choices reads what may be chosen and what is chosen if nothing is.
func (n *Network) choices(d *document.Decoder) {
	n.Title = d.String(n.base.Get("title"))
	n.Modes = modeNames[:]
	n.Default.Mode = first(n.Modes)
	if list := n.base.Get("modes"); list != nil {
		n.Modes = words(d, list, "a mode", modeNames[:])
		n.Default.Mode = first(n.Modes)
		slices.SortFunc(n.Modes, func(a, b string) int { return slices.Index(modeNames[:], a) - slices.Index(modeNames[:], b) })
	}
	n.Ops = opNames[:3] // NLST tells a learner nothing new: only where it is asked for
	if list := n.base.Get("ops"); list != nil {
		n.Ops = words(d, list, "an operation", opNames[:])
	}
	n.findFirewall(d)
	n.readVariants(d)
	n.readOptions(d)
	n.readDefault(d)
}

// words reads a list of known words, without repetition.
func words(d *document.Decoder, list *document.Node, what string, known []string) []string {
	var out []string
	for _, v := range d.List(list) {
		if w := word(d, v, what, known); w != "" && !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	if len(out) == 0 {
		d.Fail(list, "the list is empty")
	}
	return out
}

// word reads one of the known words; the modes' aliases are resolved.
func word(d *document.Decoder, v *document.Node, what string, known []string) string {
	if v != nil && v.Kind == document.Scalar {
		v = document.Text(v.File, ModeName(v.Text)).At(v)
	}
	return d.Word(v, what, known...)
}

// findFirewall says which node the variants are about: the one that the file names, or
// the only one there is.
func (n *Network) findFirewall(d *document.Decoder) {
	var firewalls []string
	if nodes := n.base.Get("nodes"); nodes != nil {
		for i, k := range nodes.Keys {
			if meansFirewall(nodes.Values[i].Get("kind")) {
				firewalls = append(firewalls, k.Text)
			}
		}
	}
	if name := n.base.Get("firewall"); name != nil {
		n.Firewall = d.Word(name, "a firewall of this network", firewalls...)
	} else if len(firewalls) == 1 {
		n.Firewall = firewalls[0]
	}
}

var variantKeys = append([]string{"name", "title", "change"}, ruleKeys...)

func (n *Network) readVariants(d *document.Decoder) {
	list := n.base.Get("variants")
	if list == nil {
		n.Variants = []Variant{{Name: "default", Title: "as in the file", Default: true}}
		n.variants = []variant{{}}
		return
	}
	placeless := false
	for _, v := range d.List(list) {
		if !d.Map(v, "a variant", variantKeys...) {
			continue
		}
		name := d.String(v.Get("name"))
		switch {
		case name == "":
			d.Fail(v, "a variant needs a name")
		case slices.ContainsFunc(n.Variants, func(o Variant) bool { return o.Name == name }):
			d.Fail(v.Get("name"), "two variants are named %q", name)
		case n.Firewall == "" && v.Get("change") == nil && n.base.Get("firewall") == nil && !placeless:
			placeless = true // once is enough
			d.Fail(v, "there are several firewalls or none: say which one the variants are about").Hint = "firewall: NAME"
		case v.Get("rules") == nil && v.Get("rules_file") == nil && v.Get("change") == nil:
			d.Fail(v, "variant %q says no rules", name).Hint = "rules: none for a plain router"
		}
		n.Variants = append(n.Variants, Variant{Name: name, Title: d.String(v.Get("title"))})
		n.variants = append(n.variants, variant{node: v})
	}
	if len(n.Variants) == 0 {
		d.Fail(list, "the list of variants is empty")
	}
}

func (n *Network) readOptions(d *document.Decoder) {
	list := n.base.Get("options")
	if list == nil || !d.Mapping(list, "options") {
		return
	}
	for i, k := range list.Keys {
		v := list.Values[i]
		if !d.Map(v, "an option", "title", "sets") {
			continue
		}
		o := Option{Name: k.Text, Title: d.String(v.Get("title")), Path: d.String(v.Get("sets"))}
		if now := n.base.Lookup(o.Path); now != nil && now.Kind == document.Scalar {
			o.Default = now.Text
		}
		if problem, hint := checkPath(n.base, o.Path); problem != "" {
			place := v
			if sets := v.Get("sets"); sets != nil {
				place = sets
			}
			d.Fail(place, "option %q: %s", o.Name, problem).Hint = hint
		}
		n.Options = append(n.Options, o)
	}
}

func (n *Network) readDefault(d *document.Decoder) {
	n.Default = Selection{Mode: n.Default.Mode, Op: first(n.Ops), Seed: 1}
	if len(n.Variants) > 0 {
		n.Default.Firewall = n.Variants[0].Name
	}
	if s := n.base.Get("seed"); s != nil {
		n.Default.Seed = uint64(d.Int(s, 1, 1<<62))
	}
	if def := n.base.Get("default"); def != nil && d.Map(def, "default", "mode", "op", "firewall", "tls") {
		if v := def.Get("mode"); v != nil {
			n.Default.Mode = word(d, v, "a mode of this scenario", n.Modes)
		}
		if v := def.Get("op"); v != nil {
			n.Default.Op = word(d, v, "an operation of this scenario", n.Ops)
		}
		if v := def.Get("firewall"); v != nil {
			n.Default.Firewall = d.Word(v, "a variant of this scenario", variantNames(n.Variants)...)
		}
		n.Default.TLS = d.Bool(def.Get("tls"))
	}
	for i := range n.Variants {
		n.Variants[i].Default = n.Variants[i].Name == n.Default.Firewall
	}
}

func first(s []string) string {
	if len(s) == 0 {
		return ""
	}
	return s[0]
}

func variantNames(variants []Variant) []string {
	names := make([]string, len(variants))
	for i, v := range variants {
		names[i] = v.Name
	}
	return names
}

// UnknownError says that something was chosen that does not exist.
type UnknownError struct {
	What  string // "mode"
	Name  string
	Known []string
}

// Error lists what is known.
func (e *UnknownError) Error() string {
	text := fmt.Sprintf("unknown %s %q", e.What, e.Name)
	if s := document.Suggest(e.Name, e.Known); s != "" {
		text += ": " + s
	}
	if len(e.Known) == 0 {
		return text + " (there is none to choose)"
	}
	return text + " (known: " + strings.Join(e.Known, ", ") + ")"
}

// Complete fills what a selection leaves open with the defaults, and checks the rest.
func (n *Network) Complete(sel Selection) (Selection, error) {
	sel = sel.clone()
	for _, c := range []struct {
		what   string
		value  *string
		absent string
		known  []string
	}{
		{"mode", &sel.Mode, n.Default.Mode, n.Modes},
		{"operation", &sel.Op, n.Default.Op, n.Ops},
		{"firewall", &sel.Firewall, n.Default.Firewall, variantNames(n.Variants)},
	} {
		name := strings.ToLower(*c.value)
		if c.what == "mode" {
			name = ModeName(name)
		}
		if name == "" {
			name = c.absent
		}
		place := slices.IndexFunc(c.known, func(k string) bool { return strings.EqualFold(k, name) })
		if place < 0 {
			return sel, &UnknownError{c.what, *c.value, c.known}
		}
		*c.value = c.known[place]
	}
	for _, name := range sortedKeys(sel.Set) {
		if n.option(name) == nil {
			return sel, &UnknownError{"option", name, n.optionNames()}
		}
	}
	if sel.Seed == 0 {
		sel.Seed = n.Default.Seed
	}
	sel.TLS = sel.TLS || n.Default.TLS
	return sel, nil
}

func (n *Network) option(name string) *Option {
	for i := range n.Options {
		if n.Options[i].Name == name {
			return &n.Options[i]
		}
	}
	return nil
}

func (n *Network) optionNames() []string {
	var names []string
	for _, o := range n.Options {
		names = append(names, o.Name)
	}
	return names
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// applyVariant puts a variant's rules and changes into the document.
func (n *Network) applyVariant(d *document.Decoder, tree *document.Node, v variant) {
	firewall := tree.Get("nodes").Get(n.Firewall)
	if firewall == nil || firewall.Kind != document.Map {
		firewall = &document.Node{Kind: document.Map} // a mistake that was reported
	}
	if v.rules != nil {
		firewall.Remove(ruleKeys...)
	}
	if v.node == nil {
		return
	}
	if v.node.Get("rules") != nil || v.node.Get("rules_file") != nil {
		firewall.Remove(ruleKeys...)
		for _, key := range ruleKeys {
			if value := v.node.Get(key); value != nil {
				firewall.Put(key, value.Clone())
			}
		}
	}
	change(d, tree, v.node.Get("change"))
}

// applyOptions puts the values of options into the document.
func (n *Network) applyOptions(tree *document.Node, set map[string]string) {
	for _, name := range sortedKeys(set) {
		setPath(tree, n.option(name).Path, document.Text("--set "+name, set[name]))
	}
}
