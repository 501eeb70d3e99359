package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"ftplab/sim/export"
)

func newVersionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Say which ftplab this is",
		Args:  noArgs,
		Run: func(cmd *cobra.Command, _ []string) {
			fmt.Fprintf(cmd.OutOrStdout(), "ftplab %s, %s, %s/%s\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
		},
	}
}

// version is the module's, or the revision it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			return setting.Value
		}
	}
	return "(built from source)"
}

func newInfoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "info",
		Short: "Say which paths are in use",
		Args:  noArgs,
		Run: func(cmd *cobra.Command, _ []string) {
			for _, path := range []struct{ what, folder string }{{"own lessons", lessonFolder()}, {"state", stateFolder()}} {
				note := ""
				if _, err := os.Stat(path.folder); err != nil {
					note = "  (not there yet)"
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%-12s %s%s\n", path.what, path.folder, note)
			}
		},
	}
}

// newTraceTopic is the help topic `ftplab help trace`.
func newTraceTopic() *cobra.Command {
	return &cobra.Command{Use: "trace", Short: "What run --format jsonl prints", Long: export.EventHelp()}
}
