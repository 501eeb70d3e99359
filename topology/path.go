package topology

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ftplab/topology/document"
)

// change makes the changes of a mapping from paths to values.
func change(d *document.Decoder, node, changes *document.Node) {
	if changes == nil || !d.Mapping(changes, "change") {
		return
	}
	for i, path := range changes.Keys {
		if !setPath(node, path.Text, changes.Values[i]) {
			d.Fail(path, "%q leads to nothing that can be changed", path.Text).Hint = "keys joined by dots, such as clients.user.split"
		}
	}
}

// changeable are the parts of a file that a path can lead into.
var changeable = []string{"nodes", "links", "servers", "clients", "services", "probes", "until"}

// setPath sets a value of a scenario by its path. A sysctl's name has dots of its own.
func setPath(node *document.Node, path string, value *document.Node) bool {
	first, _, _ := strings.Cut(path, ".")
	if !slices.Contains(changeable, first) {
		return false
	}
	return node.Set(path, value.Clone(), "sysctl")
}

// partKeys are the keys of the entries of each part of a file.
var partKeys = map[string]struct {
	what string
	keys []string
}{
	"nodes":    {"a node", nodeKeys},
	"links":    {"a link", linkKeys},
	"servers":  {"a server", serverKeys},
	"clients":  {"a client", clientKeys},
	"services": {"a service", serviceKeys},
	"probes":   {"a probe", probeKeys},
}

// checkPath says what is wrong with a path that is to lead to a value of a scenario,
// with a hint; "" if nothing is. The value itself need not be there: an option may set
// what the file leaves at its default.
func checkPath(base *document.Node, path string) (problem, hint string) {
	const example = "such as clients.user.split"
	part, rest, _ := strings.Cut(path, ".")
	switch {
	case path == "":
		return "it sets nothing", "sets: a path " + example
	case !slices.Contains(changeable, part):
		return fmt.Sprintf("nothing can be set below %q", part), suggestOr(part, changeable, "a path "+example)
	case part == "until" && rest == "":
		return "", ""
	}
	name, rest, _ := strings.Cut(rest, ".")
	if known := entryNames(base.Get(part)); !slices.Contains(known, name) {
		return fmt.Sprintf("there is no %q in %s", name, part), suggestOr(name, known, "there are "+strings.Join(known, ", "))
	}
	key, below, deeper := strings.Cut(rest, ".")
	if key == "" {
		return fmt.Sprintf("%s is %s as a whole", path, partKeys[part].what), "say which of its keys, a path " + example
	}
	if of := partKeys[part]; !slices.Contains(of.keys, key) {
		return fmt.Sprintf("%s has no %q", of.what, key), suggestOr(key, of.keys, "it may have "+strings.Join(of.keys, ", "))
	}
	host := part == "nodes" && !meansFirewall(base.Get(part).Get(name).Get("kind"))
	if host && key == "sysctl" && !slices.Contains(hostSysctls[:], below) {
		return fmt.Sprintf("a host has no sysctl %q here", below), suggestOr(below, hostSysctls[:], "it may have "+strings.Join(hostSysctls[:], ", "))
	}
	trial := &document.Node{Kind: document.Map}
	trial.Put(part, base.Get(part).Clone())
	if !setPath(trial, path, document.Text("", "")) || deeper && below == "" {
		return fmt.Sprintf("there is nothing below %s.%s.%s", part, name, key), "a path " + example
	}
	return "", ""
}

// entryNames are the names of a mapping's entries, or the numbers of a list's.
func entryNames(part *document.Node) []string {
	var names []string
	switch {
	case part == nil:
	case part.Kind == document.Map:
		for _, k := range part.Keys {
			names = append(names, k.Text)
		}
	case part.Kind == document.List:
		for i := range part.Values {
			names = append(names, strconv.Itoa(i+1))
		}
	}
	return names
}

// suggestOr is the known word that was meant, or else what there is.
func suggestOr(word string, known []string, otherwise string) string {
	if s := document.Suggest(word, known); s != "" {
		return s
	}
	return otherwise
}
