package main

import (
	"errors"

	"github.com/spf13/cobra"

	"ftplab/lessons"
	"ftplab/lessons/session"
)

// saveSession writes what is needed to run the same again: name is the TARGET that was
// given, target and selection what it was opened as.
func saveSession(cmd *cobra.Command, s *selectors, file, name string, target *lessons.Target, selection lessons.Selection) error {
	if name == "-" {
		return errors.New("--save needs a TARGET that can be read again, not standard input")
	}
	saved := session.New(target.Name(), selection)
	if isFile(name) {
		text, err := readInput(cmd, name)
		if err != nil {
			return err
		}
		if session.Is(text) {
			if saved, err = session.Read(name, text); err != nil {
				return err
			}
			saved.Selection = session.Selection(selection)
		} else if err := saved.SetSource(name, text, filesBeside(name)); err != nil {
			return err
		}
	}
	if s.rules != nil {
		saved.SetRules(s.rules, s.sides)
	}
	return writeOutput(file, saved.Write)
}
