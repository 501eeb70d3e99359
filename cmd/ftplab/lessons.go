package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"ftplab/lessons"
)

func newLessonsCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "lessons",
		Short: "List the lessons",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := oneOf("format", format, "text", "json"); err != nil {
				return usageError{err}
			}
			all, err := lessons.Catalogue(lessonFolder())
			if len(all) == 0 && err != nil {
				return err
			}
			write := writeLessons
			if format == "json" {
				write = writeLessonsJSON
			}
			if failed := write(cmd.OutOrStdout(), all); failed != nil {
				return failed
			}
			return err // some of the user's own lessons may not be readable
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "text or json")
	return cmd
}

// lessonEntry is a lesson as `lessons --format json` lists it.
type lessonEntry struct {
	ID       string         `json:"id"`
	Number   string         `json:"number"`
	Title    string         `json:"title"`
	Modes    []string       `json:"modes"`
	Ops      []string       `json:"ops"`
	Options  []string       `json:"options"`
	Variants []variantEntry `json:"variants"`
}

type variantEntry struct {
	Name    string `json:"name"`
	Title   string `json:"title"`
	Default bool   `json:"default"`
}

func writeLessonsJSON(w io.Writer, all []*lessons.Lesson) error {
	entries := []lessonEntry{}
	for _, l := range all {
		target := l.Target()
		entry := lessonEntry{ID: target.ID, Number: target.Number, Title: target.Title, Modes: target.Modes, Ops: target.Ops, Options: []string{}, Variants: []variantEntry{}}
		for _, o := range target.Options {
			entry.Options = append(entry.Options, o.Name)
		}
		for _, v := range target.Variants {
			entry.Variants = append(entry.Variants, variantEntry{v.Name, v.Title, v.Default})
		}
		entries = append(entries, entry)
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(entries)
}

func writeLessons(w io.Writer, all []*lessons.Lesson) error {
	b := bufio.NewWriter(w)
	for _, l := range all {
		fmt.Fprintf(b, "%-4s %-40s %3d min\n", l.Number, l.Title, l.Minutes)
		fmt.Fprintf(b, "     %s\n", l.Goal)
		fmt.Fprint(b, "     firewalls:")
		for _, v := range l.Target().Variants {
			fmt.Fprintf(b, " %s", v.Name)
			if v.Default {
				fmt.Fprint(b, "*")
			}
		}
		fmt.Fprint(b, "\n\n")
	}
	fmt.Fprintln(b, "* is the default. Try: ftplab run 04 --mode pasv, or ftplab play 04")
	return b.Flush()
}
