package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect"
)

func newRulesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "Check, translate and audit the rules of a firewall",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newRulesCheckCommand(), newRulesTranslateCommand(), newRulesAuditCommand())
	return cmd
}

func newRulesCheckCommand() *cobra.Command {
	var language string
	cmd := &cobra.Command{
		Use:   "check FILE",
		Short: "Say what is wrong with a file of rules, as FILE:LINE:COL",
		Long: `Read a file of rules. Errors go to standard error and end the command with status 1;
warnings, about what is valid but not modelled, go to standard output.`,
		Example: "  ftplab rules check acl.txt\n  nft list ruleset | ftplab rules check --dialect nft -",
		Args:    exactArgs(1, "FILE"),
		RunE:    func(cmd *cobra.Command, args []string) error { return checkRules(cmd, args[0], language) },
	}
	addDialectFlag(cmd, &language)
	return cmd
}

func addDialectFlag(cmd *cobra.Command, language *string) {
	cmd.Flags().StringVar(language, "dialect", "", "language of the rules (default: recognised from the text)")
}

func checkRules(cmd *cobra.Command, file, language string) error {
	if err := knownDialect(language); err != nil {
		return err
	}
	text, err := readInput(cmd, file)
	if err != nil {
		return err
	}
	rules, diagnostics := dialect.Parse(language, file, string(text))
	if language == "" && len(dialect.Recognise(string(text))) != 1 {
		return fmt.Errorf("%s", diagnosticLine(diagnostics[0]))
	}
	errors := 0
	for _, d := range diagnostics {
		w := cmd.OutOrStdout()
		if d.Severity == firewall.Error {
			errors++
			w = cmd.ErrOrStderr()
		}
		fmt.Fprint(w, dialect.FormatDiagnostic(d, string(text)))
	}
	if errors > 0 {
		return notHeldError{}
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s: %s, %s, %s\n", file, rules.Dialect, plural(len(rules.Rules), "rule"), plural(len(diagnostics), "warning"))
	return nil
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// knownDialect refuses a --dialect that does not exist; "" is recognised from the text.
func knownDialect(language string) error {
	if language == "" {
		return nil
	}
	return oneOf("dialect", strings.ToLower(language), dialect.Names()...)
}
