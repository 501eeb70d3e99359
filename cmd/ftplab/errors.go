package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ftplab/sim/live"
)

// Exit statuses: see exitStatus.
const (
	exitOK       = 0
	exitNotHeld  = 1 // a claim or check did not hold; rules have errors
	exitUnusable = 2 // arguments, files or dialects that cannot be used
)

// usageError is a wrong use of the command line.
type usageError struct{ error }

// notHeldError ends a command with status 1: it did its work, and the answer is no.
type notHeldError struct {
	// text is what standard error says; "" when the command has said it all.
	text string
}

func (e notHeldError) Error() string { return e.text }

// programError ends `live` with the status of the program that ran in it. There is
// nothing to say about it.
type programError struct{ status int }

func (e programError) Error() string { return "" }

// execute runs the command and returns the exit status.
func execute(root *cobra.Command, args []string) int {
	root.SetArgs(args)
	command, err := guarded(root)
	if err == nil {
		return exitOK
	}
	writeError(root.ErrOrStderr(), command, err)
	return exitStatus(err)
}

// guarded runs the command; a panic becomes an error, so that nobody who came to learn
// meets a stack trace. With FTPLAB_TRACEBACK set it stays a panic.
func guarded(root *cobra.Command) (command *cobra.Command, err error) {
	if os.Getenv("FTPLAB_TRACEBACK") == "" {
		defer func() {
			if mistake := recover(); mistake != nil {
				command = root
				err = fmt.Errorf("a mistake in ftplab itself: %v (FTPLAB_TRACEBACK=1 shows where)", mistake)
			}
		}()
	}
	return root.ExecuteContextC(context.Background())
}

// exitStatus is 1 when the answer is no, 2 for everything that could not be used. `live`
// ends with its program's.
func exitStatus(err error) int {
	var program programError
	if errors.As(err, &program) {
		return program.status
	}
	var command *live.CommandError
	if errors.As(err, &command) {
		return command.Status
	}
	var no notHeldError
	if errors.As(err, &no) {
		return exitNotHeld
	}
	return exitUnusable
}

// writeError writes one line for each error. Lines that begin with a place
// (FILE:LINE:COL:) stand as they are, so that editors can jump there. A wrong use of
// the command line says where the right one is described.
func writeError(w io.Writer, command *cobra.Command, err error) {
	text := err.Error()
	var wrong usageError
	if errors.As(err, &wrong) {
		text += "; see " + command.CommandPath() + " --help"
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.TrimSpace(line) == "":
		case hasPlace(line):
			fmt.Fprintln(w, line)
		default:
			fmt.Fprintln(w, "ftplab: "+line)
		}
	}
}

// hasPlace reports whether a message begins with FILE:LINE:COL:.
func hasPlace(line string) bool {
	parts := strings.SplitN(line, ":", 4)
	return len(parts) == 4 && isNumber(parts[1]) && isNumber(parts[2])
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// oneOf checks the value of a flag that has few.
func oneOf(flag, value string, known ...string) error {
	for _, k := range known {
		if value == k {
			return nil
		}
	}
	return fmt.Errorf("--%s %q is not one of %s", flag, value, strings.Join(known, ", "))
}

// flagError says in words for people what is wrong with a flag: the library's own
// message speaks of the types and functions of Go.
func flagError(err error) error {
	var unknown *pflag.NotExistError
	var bare *pflag.ValueRequiredError
	var bad *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "":
		return fmt.Errorf("unknown flag --%s", unknown.GetSpecifiedName())
	case errors.As(err, &unknown):
		return fmt.Errorf("unknown flag -%s", unknown.GetSpecifiedName())
	case errors.As(err, &bare):
		return fmt.Errorf("--%s needs a value", bare.GetFlag().Name)
	case errors.As(err, &bad):
		flag := bad.GetFlag()
		return fmt.Errorf("--%s: %q is not %s", flag.Name, bad.GetValue(), valuesOf(flag.Value.Type()))
	}
	return err
}

// valuesOf names the values that a flag of this type takes.
func valuesOf(flagType string) string {
	switch flagType {
	case "bool":
		return "true or false"
	case "duration":
		return "a time such as 30s or 5m"
	case "int":
		return "a whole number of at most 18 digits"
	case "uint64":
		return fmt.Sprintf("a number from 0 to %d", uint64(math.MaxUint64))
	}
	return "a " + flagType
}
