package main

import (
	"github.com/spf13/cobra"

	"ftplab/sim/report"
)

func newMatrixCommand() *cobra.Command {
	var s selectors
	var format string
	cmd := &cobra.Command{
		Use:               "matrix TARGET",
		Short:             "Run every mode with every firewall of a target",
		Example:           "  ftplab matrix 12\n  ftplab matrix 04 --format html > acl.html",
		Args:              exactArgs(1, "TARGET"),
		ValidArgsFunction: completeTarget,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := oneOf("format", format, "text", "json", "markdown", "html"); err != nil {
				return usageError{err}
			}
			matrix, err := runMatrix(cmd, &s, args[0])
			if err != nil {
				return err
			}
			switch w := cmd.OutOrStdout(); format {
			case "json":
				return matrix.WriteJSON(w)
			case "markdown":
				return matrix.WriteMarkdown(w)
			case "html":
				return matrix.WriteHTML(w)
			default:
				return matrix.WriteText(w)
			}
		},
	}
	s.addTo(cmd.Flags())
	cmd.Flags().StringVar(&format, "format", "text", "text, json, markdown or html")
	return cmd
}

// runMatrix runs all modes and variants, or the one that a flag names.
func runMatrix(cmd *cobra.Command, s *selectors, name string) (*report.Matrix, error) {
	target, selection, err := s.open(cmd, name)
	if err != nil {
		return nil, err
	}
	modes, variants := target.Modes, []string{}
	if s.mode != "" {
		modes = []string{selection.Mode}
	}
	for _, v := range target.Variants {
		if s.firewall == "" || v.Name == selection.Firewall {
			variants = append(variants, v.Name)
		}
	}
	matrix := report.NewMatrix(target.Name(), target.Title)
	for _, mode := range modes {
		for _, variant := range variants {
			selection.Mode, selection.Firewall = mode, variant
			run, _, err := simulate(target, selection)
			if err != nil {
				return nil, err
			}
			matrix.Cells = append(matrix.Cells, run)
		}
	}
	return matrix, nil
}
