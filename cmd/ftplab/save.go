package main

import (
	"errors"

	"github.com/spf13/cobra"

	"ftplab/lessons"
	"ftplab/lessons/session"
)

// saveSession writes what is needed to run the same again: see newSession.
func saveSession(cmd *cobra.Command, s *selectors, file, name string, target *lessons.Target, selection lessons.Selection) error {
	saved, err := newSession(cmd, s, name, target, selection)
	if err != nil {
		return err
	}
	return writeOutput(file, saved.Write)
}

// newSession returns what is needed to run the same again: name is the TARGET that was
// given, target and selection what it was opened as.
func newSession(cmd *cobra.Command, s *selectors, name string, target *lessons.Target, selection lessons.Selection) (*session.Session, error) {
	if name == "-" {
		return nil, errors.New("--save needs a TARGET that can be read again, not standard input")
	}
	saved := session.New(target.Name(), selection)
	if !isBuiltIn(name) && isFile(name) {
		text, err := readInput(cmd, name)
		if err != nil {
			return nil, err
		}
		if session.Is(text) {
			if saved, err = session.Read(name, text); err != nil {
				return nil, err
			}
			saved.Selection = session.Selection(selection)
		} else if err := saved.SetSource(name, text, filesBeside(name)); err != nil {
			return nil, err
		}
	}
	if s.rules != nil {
		saved.SetRules(s.rules, s.sides)
	}
	return saved, nil
}
