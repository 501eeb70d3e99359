package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"ftplab/lessons"
)

func newCheckCommand() *cobra.Command {
	var verbose bool
	cmd := &cobra.Command{
		Use:   "check [LESSON|FILE]...",
		Short: "Run every claim of the lessons and see that it holds",
		Long: `Run the claims of lessons, all of them if none is named, and see that each step of
their stories is tied to something that happens. What does not hold goes to standard
error and ends the command with status 1.`,
		ValidArgsFunction: completeTarget,
		RunE: func(cmd *cobra.Command, args []string) error {
			all, err := lessonsToCheck(cmd, args)
			if err != nil {
				return err
			}
			return checkLessons(cmd, all, verbose)
		},
	}
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "print what holds, too")
	return cmd
}

// lessonsToCheck opens the lessons that are named, or all.
func lessonsToCheck(cmd *cobra.Command, names []string) ([]*lessons.Lesson, error) {
	if len(names) == 0 {
		return lessons.Catalogue(lessonFolder())
	}
	var all []*lessons.Lesson
	var failures []error
	for _, name := range names {
		target, _, err := openTarget(cmd, name)
		switch {
		case err != nil:
			failures = append(failures, err)
		case target.Lesson == nil:
			failures = append(failures, fmt.Errorf("%s: a scenario claims nothing: only lessons can be checked", name))
		default:
			all = append(all, target.Lesson)
		}
	}
	return all, errors.Join(failures...)
}

func checkLessons(cmd *cobra.Command, all []*lessons.Lesson, verbose bool) error {
	failed := 0
	for _, l := range all {
		held := 0
		for _, result := range l.Check() {
			switch {
			case !result.OK:
				failed++
				fmt.Fprintln(cmd.ErrOrStderr(), result.String())
			case verbose:
				held++
				fmt.Fprintln(cmd.OutOrStdout(), result.String())
			default:
				held++
			}
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%-4s %-40s %s\n", l.Number, l.Title, plural(held, "check")+" held")
	}
	if failed > 0 {
		return notHeldError{text: plural(failed, "check") + " did not hold"}
	}
	return nil
}
