package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"ftplab/lessons"
	"ftplab/ui/view"
)

// displayOptions are the flags of the terminal application.
type displayOptions struct {
	ascii, noColor bool
}

func (o *displayOptions) addTo(flags *pflag.FlagSet) {
	flags.BoolVar(&o.ascii, "ascii", false, "draw with ASCII signs alone")
	flags.BoolVar(&o.noColor, "no-color", os.Getenv("NO_COLOR") != "", "draw without colours (also: NO_COLOR)")
}

func newPlayCommand() *cobra.Command {
	var s selectors
	var display displayOptions
	var at string
	cmd := &cobra.Command{
		Use:               "play [TARGET]",
		Short:             "Open the terminal application in a lesson or scenario",
		Example:           "  ftplab play 04 --mode pasv --at drop",
		ValidArgsFunction: completeTarget,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageError{fmt.Errorf("want one TARGET, not %d", len(args))}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkAt(at); err != nil {
				return usageError{err}
			}
			if len(args) == 0 {
				return play(cmd, view.Options{}, display)
			}
			target, selection, err := s.open(cmd, args[0])
			if err != nil {
				return err
			}
			return play(cmd, view.Options{Start: target, Selection: selection, At: at}, display)
		},
	}
	s.addTo(cmd.Flags())
	display.addTo(cmd.Flags())
	cmd.Flags().StringVar(&at, "at", "", "begin at `drop|EVENT`: the first drop, or an event's number")
	return cmd
}

// checkAt refuses what is neither "drop" nor an event's number.
func checkAt(at string) error {
	if at == "" || at == "drop" {
		return nil
	}
	if n, err := strconv.ParseUint(at, 10, 32); err != nil || n == 0 {
		return fmt.Errorf("--at %q is neither drop nor an event's number", at)
	}
	return nil
}

// hasTerminal reports whether the application can be seen and used. It reads keys from
// the terminal of the process itself, so standard input may be a file or a pipe: the
// TARGET or the rules.
func hasTerminal() bool {
	if !term.IsTerminal(int(os.Stdout.Fd())) {
		return false
	}
	if term.IsTerminal(int(os.Stdin.Fd())) {
		return true
	}
	keyboard, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	keyboard.Close()
	return true
}

// play opens the terminal application.
func play(cmd *cobra.Command, options view.Options, display displayOptions) error {
	if !hasTerminal() {
		return errors.New("the application needs a terminal: use ftplab run, matrix or why for text")
	}
	all, err := lessons.Catalogue(lessonFolder())
	if len(all) == 0 && err != nil {
		return err
	}
	options.Catalogue = all
	options.ASCII, options.NoColor, options.StateDir = display.ascii, display.noColor, stateFolder()
	return errors.Join(view.Run(cmd.Context(), options), err)
}
