package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"ftplab/lessons"
)

func newCompletionCommand() *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:       "completion SHELL",
		Short:     "Print a script that completes commands in bash, zsh, fish or powershell",
		Example:   "  source <(ftplab completion bash)",
		ValidArgs: shells,
		Args:      exactArgs(1, "SHELL: "+strings.Join(shells, ", ")),
		RunE: func(cmd *cobra.Command, args []string) error {
			root, out := cmd.Root(), cmd.OutOrStdout()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(out, true)
			case "zsh":
				return root.GenZshCompletion(out)
			case "fish":
				return root.GenFishCompletion(out, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(out)
			}
			return usageError{fmt.Errorf("unknown shell %q (known: %s)", args[0], strings.Join(shells, ", "))}
		},
	}
}

// completeTarget offers the lessons and the built-in scenarios, and files.
func completeTarget(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	all, _ := lessons.Catalogue(lessonFolder()) // what cannot be read cannot be offered
	for _, l := range all {
		names = append(names, l.Target().Name()+"\t"+l.Title)
	}
	for _, row := range lessons.Rows() {
		names = append(names, "linux/"+row)
	}
	return names, cobra.ShellCompDirectiveDefault
}
