package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"ftplab/sim/report"
)

func newCompareCommand() *cobra.Command {
	var left, right string
	cmd := &cobra.Command{
		Use:   "compare TARGET --left K=V,... --right K=V,...",
		Short: "Run a target twice and show the first packet that fares differently",
		Long: `Run a target twice, with the selectors of --left and of --right, and show the first
packet whose verdict differs, and why. The names of K are those of run's flags: mode,
firewall, op, tls, seed, dialect, and the target's options.`,
		Example:           "  ftplab compare 04 --left mode=pasv,firewall=acl --right mode=pasv,firewall=inspect",
		Args:              exactArgs(1, "TARGET"),
		ValidArgsFunction: completeTarget,
		RunE: func(cmd *cobra.Command, args []string) error {
			if left == "" && right == "" {
				return usageError{errors.New("want --left K=V,... or --right K=V,...: what to compare")}
			}
			l, err := runSide(cmd, args[0], left)
			if err != nil {
				return err
			}
			r, err := runSide(cmd, args[0], right)
			if err != nil {
				return err
			}
			return report.WriteComparison(cmd.OutOrStdout(), l, r)
		},
	}
	cmd.Flags().StringVar(&left, "left", "", "selectors of the first run, such as mode=pasv,firewall=acl")
	cmd.Flags().StringVar(&right, "right", "", "selectors of the second run")
	return cmd
}

// runSide runs one side of a comparison.
func runSide(cmd *cobra.Command, name, choices string) (report.Side, error) {
	s, err := parseSelectors(choices)
	if err != nil {
		return report.Side{}, usageError{err}
	}
	target, selection, err := s.open(cmd, name)
	if err != nil {
		return report.Side{}, err
	}
	run, tr, err := simulate(target, selection)
	title := fmt.Sprintf("mode=%s,firewall=%s,op=%s", selection.Mode, selection.Firewall, selection.Op)
	return report.Side{Name: title, Run: run, Trace: tr}, err
}

// parseSelectors reads K=V,K=V. A name that is no selector is an option of the target.
func parseSelectors(choices string) (*selectors, error) {
	s := &selectors{}
	for _, choice := range strings.FieldsFunc(choices, func(r rune) bool { return r == ',' }) {
		name, value, ok := strings.Cut(choice, "=")
		if !ok {
			return nil, fmt.Errorf("%q is not of the form K=V", choice)
		}
		var err error
		switch name {
		case "mode":
			s.mode = value
		case "firewall":
			s.firewall = value
		case "dialect":
			s.dialect = value
		case "op":
			s.op = value
		case "if":
			s.interfaces = append(s.interfaces, value)
		case "tls":
			s.tls, err = strconv.ParseBool(value)
		case "seed":
			s.seed, err = strconv.ParseUint(value, 10, 64)
		default:
			s.set = append(s.set, choice)
		}
		if err != nil {
			return nil, fmt.Errorf("%q: the value cannot be used", choice)
		}
	}
	return s, nil
}
