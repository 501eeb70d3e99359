package report

import (
	"bufio"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"strings"
	"unicode/utf8"
)

// MatrixSchema names the form of Matrix's JSON and its version.
const MatrixSchema = "ftplab.matrix/1"

// Matrix is the outcome of every mode with every variant of the firewall.
type Matrix struct {
	Schema string `json:"schema"`
	Target string `json:"target"`
	// Cells are the runs, row by row: all variants with the first mode, then with the
	// second ...
	Cells []*Run `json:"cells"`
	Title string `json:"-"`
}

// NewMatrix returns a matrix without cells.
func NewMatrix(target, title string) *Matrix {
	return &Matrix{Schema: MatrixSchema, Target: target, Title: title, Cells: []*Run{}}
}

// WriteJSON writes one object on one line.
func (m *Matrix) WriteJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(m)
}

// grid is the matrix as a table: modes down, variants across. Failures that a
// firewall's verdict explains refer to a note below the table.
type grid struct {
	modes, variants []string
	cells           [][]*Run
	notes           []string
	noteOf          map[*Run]int // 1-based
}

func (m *Matrix) grid() *grid {
	g := &grid{noteOf: map[*Run]int{}}
	place := func(list *[]string, name string) int {
		for i, known := range *list {
			if known == name {
				return i
			}
		}
		*list = append(*list, name)
		return len(*list) - 1
	}
	for _, run := range m.Cells {
		place(&g.modes, run.Mode)
		place(&g.variants, run.Firewall)
	}
	g.cells = make([][]*Run, len(g.modes))
	for i := range g.cells {
		g.cells[i] = make([]*Run, len(g.variants))
	}
	for _, run := range m.Cells {
		g.cells[place(&g.modes, run.Mode)][place(&g.variants, run.Firewall)] = run
	}
	for _, row := range g.cells {
		for _, run := range row {
			if run != nil && !run.OK() {
				g.noteOf[run] = place(&g.notes, failureNote(run)) + 1
			}
		}
	}
	return g
}

// failureNote says why a run failed: what was dropped and by what, or what the
// server said.
func failureNote(run *Run) string {
	switch {
	case run.FirstDrop != nil:
		return fmt.Sprintf("%s %s %s by %s", run.FirstDrop.Node, run.FirstDrop.Verb(), run.FirstDrop.Packet(), run.FirstDrop.By())
	case run.ServerReply != nil:
		return "the server said " + *run.ServerReply
	}
	return OutcomeWords(run.Outcome) + " " + PhaseWords(run.Phase)
}

// cellText is what stands in a cell: "ok", or the outcome, the wait and the note.
func (g *grid) cellText(run *Run) string {
	switch {
	case run == nil:
		return ""
	case run.OK():
		return "ok"
	}
	text := "✗ " + run.Outcome
	if run.FailureClass == "delayed" && run.FailAfter != nil {
		text += fmt.Sprintf(" %.1f s", *run.FailAfter)
	}
	return fmt.Sprintf("%s [%d]", text, g.noteOf[run])
}

// WriteText writes the matrix as a table for a terminal, with the reasons below it.
func (m *Matrix) WriteText(w io.Writer) error {
	b := bufio.NewWriter(w)
	g := m.grid()
	if m.Title != "" {
		fmt.Fprintf(b, "%s\n\n", m.Title)
	}
	widths := g.widths()
	g.textRow(b, widths, "", g.variants)
	rule := make([]string, len(g.variants))
	for i := range rule {
		rule[i] = strings.Repeat("─", widths[i+1])
	}
	g.textRow(b, widths, strings.Repeat("─", widths[0]), rule)
	for i, mode := range g.modes {
		cells := make([]string, len(g.variants))
		for j, run := range g.cells[i] {
			cells[j] = g.cellText(run)
		}
		g.textRow(b, widths, strings.ToUpper(mode), cells)
	}
	if len(g.notes) > 0 {
		fmt.Fprintln(b)
	}
	for i, note := range g.notes {
		fmt.Fprintf(b, "[%d] %s\n", i+1, note)
	}
	return b.Flush()
}

// widths returns the columns' widths, the modes' first.
func (g *grid) widths() []int {
	widths := make([]int, 1+len(g.variants))
	for i, mode := range g.modes {
		widths[0] = max(widths[0], utf8.RuneCountInString(mode))
		for j, run := range g.cells[i] {
			widths[j+1] = max(widths[j+1], utf8.RuneCountInString(g.cellText(run)))
		}
	}
	for j, variant := range g.variants {
		widths[j+1] = max(widths[j+1], utf8.RuneCountInString(variant))
	}
	return widths
}

func (g *grid) textRow(b *bufio.Writer, widths []int, head string, cells []string) {
	line := pad(head, widths[0])
	for i, cell := range cells {
		line += "   " + pad(cell, widths[i+1])
	}
	fmt.Fprintln(b, strings.TrimRight(line, " "))
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(width-utf8.RuneCountInString(s), 0))
}

// WriteMarkdown writes the matrix as a Markdown table with the reasons below it.
func (m *Matrix) WriteMarkdown(w io.Writer) error {
	b := bufio.NewWriter(w)
	g := m.grid()
	escape := strings.NewReplacer("|", `\|`, "\n", " ").Replace
	if m.Title != "" {
		fmt.Fprintf(b, "## %s\n\n", escape(m.Title))
	}
	fmt.Fprintf(b, "| |%s\n|---|%s\n", cellsOf(g.variants, escape), strings.Repeat("---|", len(g.variants)))
	for i, mode := range g.modes {
		texts := make([]string, len(g.variants))
		for j, run := range g.cells[i] {
			texts[j] = g.cellText(run)
		}
		fmt.Fprintf(b, "| **%s** |%s\n", strings.ToUpper(mode), cellsOf(texts, escape))
	}
	if len(g.notes) > 0 {
		fmt.Fprintln(b)
	}
	for i, note := range g.notes {
		fmt.Fprintf(b, "%d. %s\n", i+1, note)
	}
	return b.Flush()
}

func cellsOf(texts []string, escape func(string) string) string {
	var b strings.Builder
	for _, text := range texts {
		b.WriteString(" " + escape(text) + " |")
	}
	return b.String()
}

const htmlStyle = `body{font:16px/1.4 system-ui,sans-serif;margin:2em;color:#111;background:#fff}
table{border-collapse:collapse}th,td{border:1px solid #888;padding:.4em .8em;text-align:left}
th{background:#eee}.ok{background:#e6f4e6}.failed{background:#fbe6e6}code,.failed{font-family:ui-monospace,monospace}`

// WriteHTML writes the matrix as a page of its own that needs nothing else.
func (m *Matrix) WriteHTML(w io.Writer) error {
	b := bufio.NewWriter(w)
	g := m.grid()
	title := html.EscapeString(m.Title)
	fmt.Fprintf(b, "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>%s</title>\n<style>%s</style></head>\n<body>\n<h1>%s</h1>\n", title, htmlStyle, title)
	fmt.Fprint(b, "<table>\n<tr><th scope=\"col\">mode</th>")
	for _, variant := range g.variants {
		fmt.Fprintf(b, "<th scope=\"col\">%s</th>", html.EscapeString(variant))
	}
	fmt.Fprint(b, "</tr>\n")
	for i, mode := range g.modes {
		fmt.Fprintf(b, "<tr><th scope=\"row\">%s</th>", html.EscapeString(strings.ToUpper(mode)))
		for _, run := range g.cells[i] {
			class := "failed"
			if run != nil && run.OK() {
				class = "ok"
			}
			fmt.Fprintf(b, "<td class=\"%s\">%s</td>", class, html.EscapeString(g.cellText(run)))
		}
		fmt.Fprint(b, "</tr>\n")
	}
	fmt.Fprint(b, "</table>\n<ol>\n")
	for _, note := range g.notes {
		fmt.Fprintf(b, "<li>%s</li>\n", html.EscapeString(note))
	}
	fmt.Fprint(b, "</ol>\n</body>\n</html>\n")
	return b.Flush()
}
