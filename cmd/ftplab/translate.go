package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"ftplab/sim/firewall/dialect"
)

func newRulesTranslateCommand() *cobra.Command {
	var from, to string
	cmd := &cobra.Command{
		Use:   "translate FILE --to DIALECT",
		Short: "Write the policy of a file of rules in another dialect",
		Long: `Write what a file of rules does in the language of another firewall: to standard
output, with notes on standard error where the other device does a little more or less
than its text can tell. Nothing is left out: a rule that cannot be said there is an
error that names it, and the status is 1.`,
		Example: "  ftplab rules translate docs/passive.acl --to nft\n  iptables-save | ftplab rules translate - --to ios",
		Args:    exactArgs(1, "FILE"),
		RunE:    func(cmd *cobra.Command, args []string) error { return translateRules(cmd, args[0], from, to) },
	}
	addDialectFlag(cmd, &from)
	cmd.Flags().StringVar(&to, "to", "", "the other `DIALECT`: "+strings.Join(dialect.Names(), ", "))
	return cmd
}

func translateRules(cmd *cobra.Command, file, from, to string) error {
	if to == "" {
		return usageError{fmt.Errorf("--to DIALECT is missing: one of %s", strings.Join(dialect.Names(), ", "))}
	}
	to = strings.ToLower(to)
	if err := oneOf("to", to, dialect.Names()...); err != nil {
		return usageError{err}
	}
	rules, err := readRules(cmd, file, from)
	if err != nil {
		return err
	}
	text, notes, err := dialect.Translate(rules, to)
	if cannot, ok := dialect.CannotSay(rules, err); ok {
		return notHeldError{text: diagnosticLine(cannot)}
	}
	if err != nil {
		return notHeldError{text: file + ": " + err.Error()}
	}
	for _, w := range rules.Diagnostics {
		fmt.Fprintln(cmd.ErrOrStderr(), diagnosticLine(w))
	}
	for _, note := range notes {
		fmt.Fprintf(cmd.ErrOrStderr(), "note: %s\n", note)
	}
	_, err = fmt.Fprint(cmd.OutOrStdout(), text)
	return err
}
