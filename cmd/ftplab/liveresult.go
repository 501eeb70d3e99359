package main

import (
	"cmp"
	"io"
	"os"

	"github.com/spf13/cobra"

	"ftplab/lessons"
	"ftplab/sim/report"
	"ftplab/ui/view"
)

// finish writes what was asked for, says what became of it and shows it.
func (o *liveOptions) finish(cmd *cobra.Command, name string, s *liveSession) error {
	recording := &lessons.Recording{Node: s.node, Program: s.text, Changes: s.changes}
	recording.Inputs, recording.Until = s.network.Inputs()
	recording.TLS = s.network.TLS()
	tr := s.network.Trace()
	s.selection.Mode = cmp.Or(report.ObservedMode(tr), s.selection.Mode)
	s.selection.Op = cmp.Or(report.ObservedOp(tr), s.selection.Op)
	if !o.server {
		s.selection.TLS = report.ObservedTLS(tr)
	}
	run := report.New(reported(s.target, s.selection), tr)
	if err := o.files.write(s.target, run, tr); err != nil {
		return err
	}
	if o.report != "" {
		if err := writeOutput(o.report, run.WriteJSON); err != nil {
			return err
		}
	}
	if o.files.save != "" {
		saved, err := newSession(cmd, &o.selectors, name, s.target, s.selection)
		if err != nil {
			return err
		}
		saved.SetLive(recording)
		if err := writeOutput(o.files.save, saved.Write); err != nil {
			return err
		}
	}
	if s.output != nil {
		if err := copyOutput(cmd.OutOrStdout(), s.output); err != nil {
			return err
		}
	}
	if !o.quiet {
		if err := run.WriteResult(cmd.ErrOrStderr()); err != nil {
			return err
		}
	}
	if o.play || o.noPlay || !hasTerminal() {
		return nil
	}
	shown := s.target.WithRecording(recording, s.selection)
	return play(cmd, view.Options{Start: shown, Selection: s.selection}, o.display)
}

// copyOutput repeats what the program wrote while the terminal was taken.
func copyOutput(w io.Writer, f *os.File) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err := io.Copy(w, f)
	return err
}
