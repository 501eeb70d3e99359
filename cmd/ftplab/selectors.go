package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ftplab/lessons"
	"ftplab/lessons/session"
	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect"
)

// selectors are the flags that choose what is run of a target.
type selectors struct {
	mode, firewall, dialect, op string
	tls                         bool
	interfaces, set             []string
	seed                        uint64

	// rules and sides are those of --firewall FILE, once open has read them.
	rules *firewall.Ruleset
	sides map[string]string
}

// addTo declares the flags.
func (s *selectors) addTo(flags *pflag.FlagSet) {
	flags.StringVar(&s.mode, "mode", "", "pasv (or passive), epsv, port (or active), eprt")
	flags.StringVar(&s.firewall, "firewall", "", "a variant of the target, or a `FILE` of rules that replaces those of its firewall")
	flags.StringVar(&s.dialect, "dialect", "", "language of the rules in FILE: "+strings.Join(dialect.Names(), ", ")+" (default: recognised)")
	flags.StringArrayVar(&s.interfaces, "if", nil, "`NAME=lan|wan`: which side an interface that the rules name is on (repeatable)")
	flags.StringVar(&s.op, "op", "", "list, retr or stor")
	flags.BoolVar(&s.tls, "tls", false, "AUTH TLS first")
	flags.StringArrayVar(&s.set, "set", nil, "`OPTION=VALUE` of the target (repeatable)")
	flags.Uint64Var(&s.seed, "seed", 0, "seed of everything random (default: the target's)")
}

// open finds a target and completes the selection in it. Rules from a file become a
// variant of the target.
func (s *selectors) open(cmd *cobra.Command, name string) (*lessons.Target, lessons.Selection, error) {
	if name == "-" && s.firewall == "-" {
		return nil, lessons.Selection{}, usageError{errors.New("standard input can be the TARGET or the rules, not both")}
	}
	target, selection, err := openTarget(cmd, name)
	if err != nil {
		return nil, selection, err
	}
	set, err := assignments("set", s.set)
	if err != nil {
		return nil, selection, err
	}
	s.over(&selection, set)
	if target, err = s.openFirewall(cmd, target, &selection); err != nil {
		return nil, selection, err
	}
	selection, err = target.Complete(selection)
	return target, selection, err
}

// over lets what the flags say count more than what a saved session says.
func (s *selectors) over(selection *lessons.Selection, set map[string]string) {
	if s.mode != "" {
		selection.Mode = s.mode
	}
	if s.op != "" {
		selection.Op = s.op
	}
	if s.seed != 0 {
		selection.Seed = s.seed
	}
	selection.TLS = selection.TLS || s.tls
	if selection.Set == nil {
		selection.Set = set
		return
	}
	maps.Copy(selection.Set, set)
}

// openFirewall takes --firewall for a variant's name, else for a file's.
func (s *selectors) openFirewall(cmd *cobra.Command, target *lessons.Target, selection *lessons.Selection) (*lessons.Target, error) {
	named := slices.ContainsFunc(target.Variants, func(v lessons.Variant) bool { return strings.EqualFold(v.Name, s.firewall) })
	if s.firewall == "" || named || !isFile(s.firewall) {
		if len(s.interfaces) > 0 || s.dialect != "" {
			return nil, usageError{errors.New("--if and --dialect are about the rules of --firewall FILE")}
		}
		if s.firewall != "" {
			selection.Firewall = s.firewall // a name that is not known is refused, with those that are
		}
		return target, nil
	}
	rules, err := readRules(cmd, s.firewall, s.dialect)
	if err != nil {
		return nil, err
	}
	sides, err := assignments("if", s.interfaces)
	if err != nil {
		return nil, err
	}
	for _, w := range rules.Diagnostics {
		fmt.Fprintln(cmd.ErrOrStderr(), diagnosticLine(w))
	}
	s.rules, s.sides, selection.Firewall = rules, sides, ""
	return target.WithRules(rules, sides)
}

// isFile reports whether a word is meant as a file's name rather than a variant's.
func isFile(word string) bool {
	if word == "-" || strings.ContainsAny(word, `/\.`) {
		return true
	}
	_, err := os.Stat(word)
	return err == nil
}

// isBuiltIn reports whether a name is meant as that of a built-in scenario.
func isBuiltIn(name string) bool { return strings.HasPrefix(name, "linux/") }

// openTarget finds a lesson, a built-in scenario, a file or a saved session, which has
// a selection; "-" is standard input.
func openTarget(cmd *cobra.Command, name string) (*lessons.Target, lessons.Selection, error) {
	builtIn := isBuiltIn(name)
	if builtIn || name != "-" && !strings.ContainsAny(name, `/\.`) {
		target, err := lessons.Open(name, lessonFolder())
		if err == nil || builtIn || !isFile(name) {
			return target, lessons.Selection{}, err
		}
	}
	text, err := readInput(cmd, name)
	if err != nil {
		return nil, lessons.Selection{}, err
	}
	if session.Is(text) {
		saved, err := session.Read(name, text)
		if err != nil {
			return nil, lessons.Selection{}, err
		}
		return saved.Open(lessonFolder())
	}
	target, err := lessons.OpenText(name, text, filesBeside(name))
	return target, lessons.Selection{}, err
}

// filesBeside are the files that a file may name: those in its folder.
func filesBeside(name string) fs.FS {
	if name == "-" {
		return os.DirFS(".")
	}
	return os.DirFS(filepath.Dir(name))
}

// readRules parses a file of rules. Its errors are one line each.
func readRules(cmd *cobra.Command, file, language string) (*firewall.Ruleset, error) {
	if err := knownDialect(language); err != nil {
		return nil, err
	}
	text, err := readInput(cmd, file)
	if err != nil {
		return nil, err
	}
	rules, diagnostics := dialect.Parse(language, file, string(text))
	if rules != nil {
		return rules, nil
	}
	var failures []error
	for _, d := range diagnostics {
		if d.Severity == firewall.Error {
			failures = append(failures, errors.New(diagnosticLine(d)))
		}
	}
	return nil, errors.Join(failures...)
}

// diagnosticLine is a message about a text on one line.
func diagnosticLine(d firewall.Diagnostic) string {
	severity := "error"
	if d.Severity == firewall.Warning {
		severity = "warning"
	}
	line := fmt.Sprintf("%s:%d:%d: %s: %s", d.File, d.Line, d.Column, severity, d.Message)
	if d.Hint != "" {
		line += " (" + d.Hint + ")"
	}
	return strings.ReplaceAll(line, "\n", " ")
}

// assignments reads the values of a flag of the form NAME=VALUE.
func assignments(flag string, values []string) (map[string]string, error) {
	if len(values) == 0 {
		return nil, nil
	}
	pairs := map[string]string{}
	for _, v := range values {
		name, value, ok := strings.Cut(v, "=")
		if !ok || name == "" {
			return nil, usageError{fmt.Errorf("--%s %q is not of the form NAME=VALUE", flag, v)}
		}
		pairs[name] = value
	}
	return pairs, nil
}
