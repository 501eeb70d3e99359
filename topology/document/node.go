// Package document reads YAML as people write it in scenario and lesson files: every
// value knows its place, what is not expected is an error, and all errors are found
// at once.
//
// The YAML is a plain subset: mappings, lists, scalars and block text. Anchors,
// aliases, tags and merge keys are refused, because a scenario that says what it
// means is easier to read and to point at. A scalar stays the text that was written
// until a Decoder is asked what it means, so that 010 is what the reader sees.
package document

import (
	"slices"
	"strconv"
	"strings"
)

// Kind is what a Node is.
type Kind uint8

// The kinds of node. Null is a key without a value, "~" or "null".
const (
	Null Kind = iota
	Scalar
	List
	Map
)

var kindNames = [...]string{"nothing", "a value", "a list", "a mapping"}

// String says it for messages: "a list".
func (k Kind) String() string { return kindNames[k] }

// Node is a value of a document with its place.
type Node struct {
	Kind Kind
	// Text is a Scalar's text, without quotes; that of block text has no indentation.
	Text string
	// Quoted says that the scalar was in quotes or is block text: it is a string even
	// if it looks like a number.
	Quoted bool
	// Block says that the scalar is literal block text ("|"): line i of Text, from 0,
	// is line Line+1+i of the file.
	Block bool
	// Keys and Values are a Map's, in the order of the text; Values alone are a List's.
	Keys   []*Node
	Values []*Node
	// Line and Column are where it begins, from 1; both 0 for a node that was made
	// and not read.
	Line, Column int
	// File is the name that messages give to the text.
	File string

	indent []int // of block text, by line: how many columns were taken off
}

// Text makes a scalar that is in no file; file is the name that messages give to its
// origin, such as "--set".
func Text(file, text string) *Node {
	return &Node{Kind: Scalar, Text: text, File: file}
}

// At gives n the place of another node and returns it.
func (n *Node) At(other *Node) *Node {
	n.File, n.Line, n.Column = other.File, other.Line, other.Column
	return n
}

// Get returns the value of a key of a map, or nil.
func (n *Node) Get(key string) *Node {
	if n == nil {
		return nil
	}
	for i, k := range n.Keys {
		if k.Text == key {
			return n.Values[i]
		}
	}
	return nil
}

// Lookup returns what is at a path as Set takes it, or nil.
func (n *Node) Lookup(path string) *Node {
	if n != nil && n.Kind == List {
		place, rest, more := n.element(path)
		switch {
		case place < 0:
			return nil
		case more:
			return n.Values[place].Lookup(rest)
		}
		return n.Values[place]
	}
	if n == nil || n.Kind != Map {
		return nil
	}
	if v := n.Get(path); v != nil {
		return v
	}
	for i, k := range n.Keys {
		if rest, ok := strings.CutPrefix(path, k.Text+"."); ok {
			return n.Values[i].Lookup(rest)
		}
	}
	return nil
}

// Remove takes keys out of a map.
func (n *Node) Remove(keys ...string) {
	if n == nil {
		return
	}
	kept := 0
	for i, k := range n.Keys {
		if !slices.Contains(keys, k.Text) {
			n.Keys[kept], n.Values[kept] = k, n.Values[i]
			kept++
		}
	}
	if n.Kind == Map {
		n.Keys, n.Values = n.Keys[:kept], n.Values[:kept]
	}
}

// Place returns where the given line and column (both from 1) of a scalar's text are
// in the file.
func (n *Node) Place(line, column int) (int, int) {
	switch {
	case n.Line == 0:
		return line, column
	case !n.Block:
		return n.Line, n.Column
	case line-1 < len(n.indent):
		column += n.indent[line-1]
	}
	return n.Line + line, column
}

// Clone returns a deep copy.
func (n *Node) Clone() *Node {
	if n == nil {
		return nil
	}
	c := *n
	c.Keys = cloneAll(n.Keys)
	c.Values = cloneAll(n.Values)
	return &c
}

func cloneAll(nodes []*Node) []*Node {
	if nodes == nil {
		return nil
	}
	out := make([]*Node, len(nodes))
	for i, n := range nodes {
		out[i] = n.Clone()
	}
	return out
}

// Set puts value at a path of keys joined by dots, "clients.user.split", making the
// mappings on the way that are not there. A key that itself has dots, such as a
// sysctl's, is found if it is there, and else made of what is left of the path below
// a mapping of that kind (open). Elements of a list are counted from 1: "links.2.loss".
// It reports whether the path leads anywhere: one through a scalar does not.
func (n *Node) Set(path string, value *Node, open ...string) bool {
	if n.Kind == List {
		place, rest, more := n.element(path)
		switch {
		case place < 0:
			return false
		case more:
			return n.Values[place].Set(rest, value, open...)
		}
		n.Values[place] = value
		return true
	}
	if n.Kind == Null {
		n.Kind = Map
	}
	if n.Kind != Map || path == "" {
		return false
	}
	for i, k := range n.Keys {
		if k.Text == path {
			n.Values[i] = value
			return true
		}
		if rest, ok := strings.CutPrefix(path, k.Text+"."); ok {
			if slices.Contains(open, k.Text) {
				return n.Values[i].Put(rest, value)
			}
			return n.Values[i].Set(rest, value, open...)
		}
	}
	key, rest, more := strings.Cut(path, ".")
	if !more {
		return n.Put(key, value)
	}
	child := &Node{Kind: Map, Line: value.Line, Column: value.Column, File: value.File}
	n.Put(key, child)
	if slices.Contains(open, key) {
		return child.Put(rest, value)
	}
	return child.Set(rest, value, open...)
}

// element reads the number that a path through a list begins with: the place of the
// element, -1 if there is none, and what follows.
func (n *Node) element(path string) (place int, rest string, more bool) {
	number, rest, more := strings.Cut(path, ".")
	place, err := strconv.Atoi(number)
	if err != nil || place < 1 || place > len(n.Values) {
		return -1, "", false
	}
	return place - 1, rest, more
}

// Put sets the value of a key of a map, and reports whether n is one.
func (n *Node) Put(key string, value *Node) bool {
	if n.Kind == Null {
		n.Kind = Map
	}
	if n.Kind != Map {
		return false
	}
	for i, k := range n.Keys {
		if k.Text == key {
			n.Values[i] = value
			return true
		}
	}
	n.Keys = append(n.Keys, &Node{Kind: Scalar, Text: key, Line: value.Line, Column: value.Column, File: value.File})
	n.Values = append(n.Values, value)
	return true
}
