package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func newManCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "man",
		Short:   "Print the manual page",
		Example: "  ftplab man | man -l -",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return writeManual(cmd.OutOrStdout(), cmd.Root()) },
	}
}

// writeManual writes the manual page in roff (man(7)), made from the commands
// themselves.
func writeManual(w io.Writer, root *cobra.Command) error {
	b := bufio.NewWriter(w)
	fmt.Fprint(b, ".TH FTPLAB 1\n.SH NAME\n")
	fmt.Fprintf(b, "ftplab \\- %s\n", roff(root.Short))
	fmt.Fprint(b, ".SH SYNOPSIS\n.B ftplab\n[\\fICOMMAND\\fR]\n.SH DESCRIPTION\n")
	manText(b, root.Long)
	fmt.Fprint(b, ".SH COMMANDS\n")
	manCommands(b, root)
	fmt.Fprint(b, ".SH EXIT STATUS\n.TP\n0\nDone. A transfer that failed is a result, not an error.\n")
	fmt.Fprint(b, ".TP\n1\nA claim or check did not hold, or the rules that were checked have errors.\n")
	fmt.Fprint(b, ".TP\n2\nArguments, files or dialects that cannot be used.\n")
	return b.Flush()
}

func manCommands(b *bufio.Writer, parent *cobra.Command) {
	for _, command := range parent.Commands() {
		if !command.IsAvailableCommand() {
			continue
		}
		if command.HasSubCommands() {
			manCommands(b, command)
			continue
		}
		fmt.Fprintf(b, ".SS \"%s\"\n", roff(command.UseLine()))
		text := command.Long
		if text == "" {
			text = command.Short + "."
		}
		manText(b, text)
		command.LocalFlags().VisitAll(func(f *pflag.Flag) { manFlag(b, f) })
		if command.Example != "" {
			fmt.Fprintf(b, ".PP\n.nf\n%s\n.fi\n", roff(command.Example))
		}
	}
}

func manFlag(b *bufio.Writer, f *pflag.Flag) {
	name, usage := pflag.UnquoteUsage(f)
	fmt.Fprintf(b, ".TP\n\\fB\\-\\-%s\\fR", roff(f.Name))
	if name != "" {
		fmt.Fprintf(b, " \\fI%s\\fR", roff(name))
	}
	fmt.Fprintf(b, "\n%s\n", roff(usage))
}

// manText writes paragraphs; an empty line begins a new one.
func manText(b *bufio.Writer, text string) {
	for i, paragraph := range strings.Split(strings.TrimSpace(text), "\n\n") {
		if i > 0 {
			fmt.Fprint(b, ".PP\n")
		}
		fmt.Fprintln(b, roff(paragraph))
	}
}

// roff escapes text: backslashes, hyphens, and lines that would be requests.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
