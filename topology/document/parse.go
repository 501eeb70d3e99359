package document

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// What a file may be at most. A scenario of a few hundred lines is a large one, and
// the YAML parser below takes time that grows with the square of nesting and keys.
const (
	MaxBytes  = 256 << 10
	maxTokens = 20_000
	maxDepth  = 32
)

// Parse reads a text that is one YAML document. File is the name that messages give
// to it. The error is an Errors.
func Parse(file string, text []byte) (node *Node, err error) {
	if p := refuse(file, text); p != nil {
		return nil, Errors{p}
	}
	// The parser is a third party's and the text is anybody's: what it does not
	// expect must not end the program.
	defer func() {
		if r := recover(); r != nil {
			node, err = nil, Errors{{File: file, Message: fmt.Sprintf("not YAML that can be read: %v", r)}}
		}
	}()
	tokens := lexer.Tokenize(string(text))
	if p := refuseTokens(file, tokens); p != nil {
		return nil, Errors{p}
	}
	parsed, failure := parser.Parse(tokens, 0)
	if failure != nil {
		return nil, Errors{syntaxError(file, failure)}
	}
	r := reader{file: file, lines: strings.Split(string(text), "\n")}
	var body ast.Node
	for _, doc := range parsed.Docs {
		if doc.Body == nil {
			continue
		}
		if body != nil {
			return nil, Errors{r.errorAt(doc.Body.GetToken(), "a second document begins here: a file holds one")}
		}
		body = doc.Body
	}
	node = r.node(body, 0)
	if len(r.errs) > 0 {
		return nil, r.errs
	}
	return node, nil
}

// refuse says what no YAML parser needs to look at.
func refuse(file string, text []byte) *Error {
	if len(text) > MaxBytes {
		return &Error{File: file, Message: fmt.Sprintf("the file is %d octets long; %d are the limit", len(text), MaxBytes),
			Hint: "put long rules into a file of their own and name it with rules_file"}
	}
	if !utf8.Valid(text) {
		line := 1
		for rest := text; len(rest) > 0; {
			r, n := utf8.DecodeRune(rest)
			if r == utf8.RuneError && n == 1 {
				break
			}
			if r == '\n' {
				line++
			}
			rest = rest[n:]
		}
		return &Error{File: file, Line: line, Message: "not UTF-8"}
	}
	if i := bytes.IndexByte(text, 0); i >= 0 {
		return &Error{File: file, Line: 1 + bytes.Count(text[:i], []byte("\n")), Message: "a NUL octet"}
	}
	return nil
}

// refuseTokens bounds the work of the parser.
func refuseTokens(file string, tokens token.Tokens) *Error {
	if len(tokens) > maxTokens {
		return &Error{File: file, Message: fmt.Sprintf("the file has more than %d values and keys", maxTokens)}
	}
	flow, line, inLine := 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			line, inLine = t.Position.Line, 0
		}
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			flow++
		case token.MappingEndType, token.SequenceEndType:
			flow--
		case token.SequenceEntryType, token.MappingKeyType:
			inLine++
		case token.AnchorType, token.AliasType, token.TagType, token.MergeKeyType:
			return &Error{File: file, Line: t.Position.Line, Column: t.Position.Column,
				Message: fmt.Sprintf("%q: anchors, aliases, tags and merge keys are not used here", t.Value), Hint: "quote the value if it is text"}
		}
		if flow > maxDepth || inLine > maxDepth {
			return &Error{File: file, Line: t.Position.Line, Column: t.Position.Column, Message: "nested too deeply"}
		}
	}
	return nil
}

// syntaxError takes the place and the message out of the parser's error.
func syntaxError(file string, failure error) *Error {
	e := &Error{File: file, Message: failure.Error()}
	if y, ok := failure.(yaml.Error); ok {
		e.Message = y.GetMessage()
		if t := y.GetToken(); t != nil && t.Position != nil {
			e.Line, e.Column = t.Position.Line, t.Position.Column
		}
	}
	return e
}

// reader turns the parser's nodes into ours.
type reader struct {
	file  string
	lines []string
	errs  Errors
}

func (r *reader) errorAt(t *token.Token, format string, args ...any) *Error {
	return &Error{File: r.file, Line: t.Position.Line, Column: t.Position.Column, Message: fmt.Sprintf(format, args...)}
}

func (r *reader) fail(t *token.Token, format string, args ...any) *Node {
	if len(r.errs) < maxErrors {
		r.errs = append(r.errs, r.errorAt(t, format, args...))
	}
	return &Node{File: r.file, Line: t.Position.Line, Column: t.Position.Column}
}

func (r *reader) node(n ast.Node, depth int) *Node {
	if n == nil {
		return &Node{File: r.file, Line: 1, Column: 1}
	}
	t := n.GetToken()
	if depth > maxDepth {
		return r.fail(t, "nested too deeply")
	}
	out := &Node{File: r.file, Line: t.Position.Line, Column: t.Position.Column}
	switch n := n.(type) {
	case *ast.NullNode:
	case *ast.MappingNode:
		r.mapping(out, n.Values, depth)
	case *ast.MappingValueNode:
		r.mapping(out, []*ast.MappingValueNode{n}, depth)
	case *ast.SequenceNode:
		out.Kind = List
		for _, v := range n.Values {
			out.Values = append(out.Values, r.node(v, depth+1))
		}
	case *ast.LiteralNode:
		out.Kind, out.Text, out.Quoted = Scalar, n.Value.Value, true
		r.block(out, n)
	case *ast.StringNode:
		out.Kind, out.Text = Scalar, n.Value
		out.Quoted = t.Type == token.SingleQuoteType || t.Type == token.DoubleQuoteType
	case ast.ScalarNode:
		out.Kind, out.Text = Scalar, t.Value
	default:
		return r.fail(t, "%q is not used here", t.Value)
	}
	return out
}

func (r *reader) mapping(out *Node, values []*ast.MappingValueNode, depth int) {
	out.Kind = Map
	for i, v := range values {
		key := r.node(v.Key, depth+1)
		if key.Kind != Scalar && key.Kind != Null {
			r.fail(v.Key.GetToken(), "a key must be a word")
			continue
		}
		if i == 0 {
			out.Line, out.Column = key.Line, key.Column
		}
		key.Kind = Scalar
		out.Keys = append(out.Keys, key)
		out.Values = append(out.Values, r.node(v.Value, depth+1))
	}
}

// block finds out where the lines of literal text are in the file, so that a message
// about line 3, column 5 of a ruleset can point at the line of the scenario.
func (r *reader) block(out *Node, n *ast.LiteralNode) {
	if !strings.HasPrefix(n.Start.Value, "|") {
		return
	}
	out.Block = true
	for i, line := range strings.Split(out.Text, "\n") {
		at := out.Line + i // out.Line counts from 1: this is the line after it
		if at >= len(r.lines) {
			break
		}
		taken := max(0, len(strings.TrimSuffix(r.lines[at], "\r"))-len(line))
		out.indent = append(out.indent, taken)
	}
}
