// Package nft reads and writes the language of nftables: ruleset files, commands as
// they are typed, and what `nft list ruleset` prints. It follows nft 1.0.6.
package nft

import (
	"fmt"
	"sort"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/text"
)

// Name is the dialect's name.
const Name = "nft"

// Parse reads a ruleset. File names the text in messages. The ruleset is nil if
// there is an error among the diagnostics. As nft does, Parse reports a syntax error
// alone: what follows it in the text is not judged.
func Parse(file, config string) (*firewall.Ruleset, []firewall.Diagnostic) {
	b := &builder{file: file, text: config, lines: newLineIndex(config), byName: map[string]*table{}}
	if len(config) > maxText {
		b.fail(place{}, "split it into several files", "the text is longer than %d octets", maxText)
		return nil, b.diagnostics()
	}
	p := &parser{toks: tokens(config)}
	p.parseFile()
	if p.err != nil {
		b.fail(p.err.at, p.err.hint, "%s", p.err.message)
		return nil, b.diagnostics()
	}
	for _, n := range p.notices {
		b.warn(n.at, n.hint, "%s", n.message)
	}
	rs := b.build(p.cmds)
	if b.failed() {
		return nil, b.diagnostics()
	}
	rs.Diagnostics = b.diagnostics()
	return rs, rs.Diagnostics
}

// message is an error or a warning about a place.
type message struct {
	at            place
	severity      firewall.Severity
	message, hint string
}

func (b *builder) fail(at place, hint, format string, args ...any) {
	b.errors++
	b.add(firewall.Error, at, hint, format, args...)
}

func (b *builder) warn(at place, hint, format string, args ...any) {
	b.add(firewall.Warning, at, hint, format, args...)
}

func (b *builder) add(severity firewall.Severity, at place, hint, format string, args ...any) {
	b.messages = append(b.messages, message{at: at, severity: severity, message: fmt.Sprintf(format, args...), hint: hint})
}

func (b *builder) failed() bool { return b.errors > 0 }

// full reports whether there were so many errors that going on is pointless.
func (b *builder) full() bool { return b.errors > text.MaxErrors }

// diagnostics returns the messages in the order of the text; after an error the
// errors alone.
func (b *builder) diagnostics() []firewall.Diagnostic {
	failed := b.failed()
	if failed {
		b.dropKernelErrors()
	}
	sort.SliceStable(b.messages, func(i, j int) bool { return b.messages[i].at.from < b.messages[j].at.from })
	report := text.Report{File: b.file}
	for _, m := range b.messages {
		line, column := b.lines.position(m.at.from)
		endLine, end := b.lines.position(max(m.at.to, m.at.from))
		if endLine != line {
			end = column + 1
		}
		problem := &text.Problem{Column: column, EndColumn: end, Message: m.message, Hint: m.hint}
		if m.severity == firewall.Error {
			report.Error(line, problem)
		} else if !failed {
			report.Warn(line, problem)
		}
	}
	return report.Diagnostics()
}

// dropKernelErrors leaves out what the kernel would say if nft itself refuses the text:
// then the kernel is not asked.
func (b *builder) dropKernelErrors() {
	var own []message
	refused := false
	for _, m := range b.messages {
		if m.severity == firewall.Error && !strings.HasPrefix(m.message, kernelError) {
			refused = true
			own = append(own, m)
		}
	}
	if refused {
		b.messages = own
	}
}
