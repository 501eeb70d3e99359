// Command ftplab simulates FTP through firewalls and shows what happens, packet by
// packet: in the terminal, as text, as JSON, as captures for packet dissectors.
//
// This package is flags and wiring: one file for each command, and nothing that a
// test of another package could not reach.
package main

import (
	"os"

	"github.com/spf13/cobra"

	"ftplab/sim/live"
	"ftplab/ui/view"
)

func main() {
	live.Child() // does not return in the process that becomes the program of `live`
	os.Exit(execute(newRoot(), os.Args[1:]))
}

// newRoot builds the command tree.
func newRoot() *cobra.Command {
	var display displayOptions
	root := &cobra.Command{
		Use:   "ftplab",
		Short: "See why FTP works or fails through a firewall",
		Long: `ftplab simulates FTP through firewalls, packet by packet, and shows it in the terminal.

Without a command it opens the lessons. A TARGET is a lesson's id or number (04), a
lesson or scenario file, or linux/ROW: a scenario that mirrors a row of what a real
Linux kernel was seen to do. "-" as a file reads standard input.`,
		Args:          noArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return play(cmd, view.Options{}, display) },
		SilenceErrors: true,
		SilenceUsage:  true,

		SuggestionsMinimumDistance: 2,
	}
	display.addTo(root.Flags())
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{flagError(err)} })
	root.SetHelpCommand(newHelpCommand())
	root.AddCommand(
		newPlayCommand(), newLessonsCommand(), newCheckCommand(), newRunCommand(), newMatrixCommand(), newCompareCommand(), newWhyCommand(),
		newRulesCommand(), newReplayCommand(),
		newServeCommand(), newGetCommand(), newPutCommand(), newListCommand(), newLiveCommand(), newBenchCommand(),
		newCompletionCommand(), newManCommand(), newVersionCommand(), newInfoCommand(), newTraceTopic(),
	)
	root.CompletionOptions.DisableDefaultCmd = true // ours takes the shell as an argument
	return root
}
