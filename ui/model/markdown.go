package model

import (
	"strconv"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	goldmarktext "github.com/yuin/goldmark/text"
)

// markdown returns a Markdown text as lines of at most width columns: paragraphs are
// wrapped, code is kept as it is, what is emphasised or quoted gets its role.
func (g *Glyphs) markdown(source string, width int) []Line {
	m := markdownWriter{g: g, source: []byte(source), width: width}
	root := goldmark.DefaultParser().Parse(goldmarktext.NewReader(m.source))
	m.blocks(root, 0)
	return m.lines
}

type markdownWriter struct {
	g      *Glyphs
	source []byte
	width  int
	lines  []Line
}

// blocks writes the children of a node, with an empty line between them.
func (m *markdownWriter) blocks(parent ast.Node, indent int) {
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		if n.PreviousSibling() != nil && n.Kind() != ast.KindListItem && n.Kind() != ast.KindTextBlock && !isInnerList(n) {
			m.lines = append(m.lines, nil)
		}
		m.block(n, indent)
	}
}

// isInnerList reports whether a list belongs to the item above it.
func isInnerList(n ast.Node) bool {
	return n.Kind() == ast.KindList && n.Parent().Kind() == ast.KindListItem
}

func (m *markdownWriter) block(n ast.Node, indent int) {
	switch n := n.(type) {
	case *ast.Heading:
		m.paragraph(n, indent, Strong)
	case *ast.List:
		m.list(n, indent)
	case *ast.FencedCodeBlock, *ast.CodeBlock:
		for i := range n.Lines().Len() {
			segment := n.Lines().At(i)
			code := strings.TrimRight(string(segment.Value(m.source)), "\r\n")
			m.lines = append(m.lines, m.g.Fit(Line{{spaces(indent+2) + m.g.clean(strings.ReplaceAll(code, "\t", "    ")), Code}}, m.width))
		}
	case *ast.Blockquote:
		m.blocks(n, indent+2)
	case *ast.ThematicBreak:
		m.lines = append(m.lines, Line{{strings.Repeat(m.g.Horizontal, m.width), FrameRole}})
	case *ast.HTMLBlock:
		// Comments for authors are not for the screen.
	default:
		m.paragraph(n, indent, Plain)
	}
}

func (m *markdownWriter) list(list *ast.List, indent int) {
	number := list.Start
	for item := list.FirstChild(); item != nil; item = item.NextSibling() {
		mark := m.g.Bullet + " "
		if list.IsOrdered() {
			mark = strconv.Itoa(number) + ". "
			number++
		}
		first := len(m.lines)
		m.blocks(item, indent+Width(mark))
		if first < len(m.lines) && len(m.lines[first]) > 0 {
			start := &m.lines[first][0] // the spaces of the indent
			*start = Span{spaces(indent) + mark, Plain}
		}
	}
}

// paragraph writes the inline children of a node, wrapped.
func (m *markdownWriter) paragraph(n ast.Node, indent int, role Role) {
	line := m.inline(n, role, nil)
	for _, piece := range wrap(line, m.width-indent, 0) {
		if indent > 0 {
			piece = append(Line{{spaces(indent), Plain}}, piece...)
		}
		m.lines = append(m.lines, piece)
	}
}

func (m *markdownWriter) inline(parent ast.Node, role Role, line Line) Line {
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *ast.Text:
			line = append(line, Span{m.g.clean(string(n.Segment.Value(m.source))), role})
			if n.SoftLineBreak() || n.HardLineBreak() {
				line = append(line, Span{" ", role})
			}
		case *ast.String:
			line = append(line, Span{m.g.clean(string(n.Value)), role})
		case *ast.AutoLink:
			line = append(line, Span{m.g.clean(string(n.URL(m.source))), Code})
		case *ast.CodeSpan:
			line = m.inline(n, Code, line)
		case *ast.Emphasis:
			line = m.inline(n, Strong, line)
		default:
			line = m.inline(n, role, line)
		}
	}
	return line
}
