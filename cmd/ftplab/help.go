package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// newHelpCommand is `ftplab help`: a word that names nothing is a mistake that says
// what there is, not a page of help about something else.
func newHelpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND|TOPIC]",
		Short: "Explain a command or a topic",
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			subject, err := helpSubject(cmd.Root(), args)
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return helpNames(subject), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			subject, err := helpSubject(cmd.Root(), args)
			if err != nil {
				return err
			}
			subject.InitDefaultHelpFlag() // is listed among the flags
			return subject.Help()
		},
	}
}

// helpSubject finds the command or topic that the words name.
func helpSubject(root *cobra.Command, words []string) (*cobra.Command, error) {
	subject := root
	for _, word := range words {
		subcommands := subject.Commands()
		i := slices.IndexFunc(subcommands, func(c *cobra.Command) bool { return c.Name() == word })
		switch {
		case i >= 0:
			subject = subcommands[i]
		case len(subcommands) > 0:
			return nil, fmt.Errorf("there is no help about %q: known are %s", word, strings.Join(helpNames(subject), ", "))
		default:
			return nil, fmt.Errorf("there is no help about %q: %s has no commands of its own", word, subject.CommandPath())
		}
	}
	return subject, nil
}

// helpNames are the commands and topics below a command.
func helpNames(parent *cobra.Command) []string {
	var names []string
	for _, c := range parent.Commands() {
		if c.IsAvailableCommand() || c.IsAdditionalHelpTopicCommand() {
			names = append(names, c.Name())
		}
	}
	return names
}
