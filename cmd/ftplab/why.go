package main

import (
	"github.com/spf13/cobra"

	"ftplab/sim/report"
)

func newWhyCommand() *cobra.Command {
	var s selectors
	cmd := &cobra.Command{
		Use:               "why TARGET",
		Short:             "Show the chain of causes of a failure",
		Long:              "Run a target and tell, step by step, what led to its failure (or to its success), and what would make it work.",
		Example:           "  ftplab why 04 --mode pasv",
		Args:              exactArgs(1, "TARGET"),
		ValidArgsFunction: completeTarget,
		RunE: func(cmd *cobra.Command, args []string) error {
			target, selection, err := s.open(cmd, args[0])
			if err != nil {
				return err
			}
			_, tr, err := simulate(target, selection)
			if err != nil {
				return err
			}
			explanation := report.Why(tr)
			return explanation.Write(cmd.OutOrStdout())
		},
	}
	s.addTo(cmd.Flags())
	return cmd
}
