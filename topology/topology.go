// Package topology is networks as data: it reads scenario files, checks them, makes
// scenarios of them that package sim can run, and places their nodes on the map.
//
// A scenario file is YAML (see package document for which part of it). It says which
// hosts and firewalls there are, how they are linked, what runs on them, what may be
// chosen (mode, operation, firewall, options) and what is chosen if nothing is.
// FORMAT.md in this folder describes every key, with an example that is tested.
//
// The rules of a firewall are always parsed from the text that is shown, and a
// mistake in them is reported at its line of the file that holds them.
package topology

import (
	"io/fs"
	"maps"
	"slices"

	"ftplab/sim"
	"ftplab/sim/firewall"
	"ftplab/topology/document"
)

// Names of the modes and operations of a client.
var (
	modeNames = [...]string{"pasv", "epsv", "port", "eprt"}
	opNames   = [...]string{"retr", "list", "stor", "nlst"}
)

// Variant is a named choice of firewall.
type Variant struct {
	Name, Title string
	Default     bool
}

// Option is something that a person may set for a run, with --set NAME=VALUE.
type Option struct {
	Name, Title string
	// Path is what it sets in the file: keys joined by dots, "clients.user.split".
	Path string
	// Default is the value that the file gives it; "" if it gives none.
	Default string
}

// Selection is what was chosen for a run. The zero value is every default.
type Selection struct {
	// Mode is pasv, epsv, port or eprt; passive and active are taken for pasv and port.
	Mode string
	// Firewall is the name of a variant.
	Firewall string
	// Op is retr, list, stor or nlst.
	Op string
	// TLS makes the client say AUTH TLS first (RFC 4217).
	TLS bool
	// Set gives values to options by their names.
	Set map[string]string
	// Seed of everything random; 0 is the file's own.
	Seed uint64
}

// clone returns a copy that shares nothing.
func (s Selection) clone() Selection {
	s.Set = maps.Clone(s.Set)
	return s
}

// Network is a scenario file that was read and found in order: every variant, mode
// and operation of it makes a scenario. It is immutable.
type Network struct {
	Title    string
	Modes    []string // those that may be chosen, in the order for a table
	Ops      []string
	Variants []Variant // at least one
	Options  []Option
	// Default is what is chosen if nothing is, complete.
	Default Selection
	// Firewall is the node whose rules the variants replace, "" if there is none.
	Firewall string
	// Warnings are statements in the rules that are valid but not modelled, one line each.
	Warnings []string

	base     *document.Node // with what `network` names and `change` changes already in it
	variants []variant
	files    fs.FS
}

// variant is what stands behind a Variant: a part of the file (nil for the file as it
// is), or rules that came from elsewhere.
type variant struct {
	node  *document.Node
	rules *firewall.Ruleset
}

// Parse reads a scenario file. File is the name that messages give to it. Files holds
// the files that it names with rules_file and network, by paths relative to it; nil if
// it may name none. The error is a document.Errors.
func Parse(file string, text []byte, files fs.FS) (*Network, error) {
	node, err := document.Parse(file, text)
	if err != nil {
		return nil, err
	}
	return Decode(node, files)
}

// keys of a scenario file.
var fileKeys = []string{"title", "network", "change", "nodes", "links", "servers", "clients", "services", "probes",
	"modes", "ops", "default", "firewall", "variants", "options", "seed", "until"}

// Decode reads a scenario from a document, as Parse does from a text.
func Decode(node *document.Node, files fs.FS) (*Network, error) {
	var d document.Decoder
	if node.Kind == document.Null {
		d.Fail(node, "the file is empty").Hint = "a scenario has nodes, links, servers and clients"
		return nil, d.Err()
	}
	if !d.Map(node, "a scenario", fileKeys...) {
		return nil, d.Err()
	}
	n := &Network{files: files, base: inherit(&d, node, files, 0)}
	if n.base == nil || d.Failed() && n.base.Get("nodes") == nil {
		return nil, d.Err() // all else would follow from this
	}
	n.choices(&d)
	n.checkAll(&d)
	if err := d.Err(); err != nil {
		return nil, err
	}
	return n, nil
}

// maxInherit is how many files may stand behind each other with `network`.
const maxInherit = 4

// inherit puts what a scenario says on top of the scenario that it names with
// `network`, and makes its changes; nil if that one cannot be read.
func inherit(d *document.Decoder, node *document.Node, files fs.FS, depth int) *document.Node {
	merged := node.Clone()
	if from := node.Get("network"); from != nil {
		parent := readParent(d, from, files, depth)
		if parent == nil {
			return nil
		}
		for i, k := range node.Keys {
			layer(parent, k.Text, node.Values[i].Clone())
		}
		merged = parent
	}
	change(d, merged, node.Get("change"))
	return merged
}

// layer puts the value of a key on top of a scenario: the entries of programs, nodes and
// options are added to those that are there, anything else takes its place.
func layer(below *document.Node, key string, value *document.Node) {
	old := below.Get(key)
	if !slices.Contains(layeredKeys[:], key) || old == nil || old.Kind != document.Map || value.Kind != document.Map {
		below.Put(key, value)
		return
	}
	for i, k := range value.Keys {
		old.Put(k.Text, value.Values[i])
	}
}

var layeredKeys = [...]string{"nodes", "servers", "clients", "services", "probes", "options"}

func readParent(d *document.Decoder, from *document.Node, files fs.FS, depth int) *document.Node {
	name := d.String(from)
	switch {
	case name == "":
		return nil
	case depth == maxInherit:
		d.Fail(from, "%q: more than %d files build on each other", name, maxInherit)
		return nil
	}
	text, ok := readFile(d, from, name, files)
	if !ok {
		return nil
	}
	parent, err := document.Parse(name, text)
	if err != nil {
		addErrors(d, err)
		return nil
	}
	if !d.Map(parent, "a scenario", fileKeys...) {
		return nil
	}
	return inherit(d, parent, files, depth+1)
}

// addErrors takes over the errors of another reader, those that are not there yet.
func addErrors(d *document.Decoder, err error) {
	known, _ := d.Err().(document.Errors)
	errs, ok := err.(document.Errors)
	if !ok && err != nil {
		errs = document.Errors{{Message: err.Error()}}
	}
	for _, e := range errs {
		if !slices.ContainsFunc(known, func(k *document.Error) bool { return *k == *e }) {
			d.Add(e)
		}
	}
}

// readFile reads a file that the scenario names.
func readFile(d *document.Decoder, at *document.Node, name string, files fs.FS) ([]byte, bool) {
	if files == nil || !fs.ValidPath(name) {
		e := d.Fail(at, "%q cannot be read from here", name)
		e.Hint = "name a file beside or below this one"
		return nil, false
	}
	f, err := files.Open(name)
	if err != nil {
		d.Fail(at, "%q cannot be read: %v", name, err)
		return nil, false
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && info.Size() > maxRulesFile {
		d.Fail(at, "%q is larger than %d MiB", name, maxRulesFile>>20)
		return nil, false
	}
	text, err := fs.ReadFile(files, name)
	if err != nil {
		d.Fail(at, "%q cannot be read: %v", name, err)
		return nil, false
	}
	return text, true
}

const maxRulesFile = 4 << 20 // octets

// checkAll makes the scenario of every variant once, so that a mistake is found when
// the file is read and not when somebody chooses it.
func (n *Network) checkAll(d *document.Decoder) {
	seen := map[string]bool{}
	for _, v := range n.Variants {
		sel := n.Default.clone()
		sel.Firewall = v.Name
		b := n.build(sel, d.Failed())
		for _, w := range b.warnings {
			if !seen[w] {
				seen[w] = true
				n.Warnings = append(n.Warnings, w)
			}
		}
		addErrors(d, b.Err())
	}
}

// Scenario makes what a selection describes: every name in it must be known, and the
// errors for those that are not list the known ones.
func (n *Network) Scenario(sel Selection) (sim.Scenario, error) {
	sel, err := n.Complete(sel)
	if err != nil {
		return sim.Scenario{}, err
	}
	b := n.build(sel, false)
	if err := b.Err(); err != nil {
		return sim.Scenario{}, err
	}
	return b.sc, nil
}

// build makes the scenario of a complete selection, or notes what is wrong with it.
// Mistaken says that the file is known to have mistakes: then what may only follow from
// them is not said.
func (n *Network) build(sel Selection, mistaken bool) *builder {
	b := &builder{files: n.files, mistaken: mistaken, sc: sim.Scenario{Name: n.Title, Seed: sel.Seed}}
	tree := n.base.Clone()
	var rules *firewall.Ruleset
	for i, v := range n.Variants {
		if v.Name == sel.Firewall {
			n.applyVariant(&b.Decoder, tree, n.variants[i])
			rules = n.variants[i].rules
		}
	}
	n.applyOptions(tree, sel.Set)
	b.build(tree, sel)
	if rules != nil {
		b.sc.Nodes[nodePlace(b.sc, n.Firewall)].Rules = rules
	}
	return b
}
