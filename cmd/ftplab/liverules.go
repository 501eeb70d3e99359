package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"ftplab/lessons"
)

// rulesFile is the file of --firewall; "" if it is none, or cannot be read again.
func (o *liveOptions) rulesFile() string {
	if o.rules == nil || o.firewall == "-" {
		return ""
	}
	return o.firewall
}

// reload replaces the firewall's rules by what the file says now. What cannot be read is
// said, and changes nothing.
func (o *liveOptions) reload(cmd *cobra.Command, s *liveSession) {
	rules, err := readRules(cmd, o.firewall, o.dialect)
	if err == nil {
		err = s.change(lessons.Change{Rules: rules, Interfaces: o.sides})
	}
	if err != nil {
		writeError(cmd.ErrOrStderr(), cmd, err)
		return
	}
	if !o.quiet {
		fmt.Fprintf(cmd.ErrOrStderr(), "ftplab: the rules of %s are in force\n", o.firewall)
	}
}

// change has another firewall from now on.
func (s *liveSession) change(c lessons.Change) error {
	in, err := s.target.Input(c, s.selection)
	if err != nil {
		return err
	}
	if c.At, err = s.network.Change(in); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes = append(s.changes, c)
	return nil
}

// fileWatch notices that a file has changed.
type fileWatch struct {
	name    string
	seen    os.FileInfo
	unsaved bool // it has changed, and may go on to
}

func newFileWatch(name string) *fileWatch {
	w := &fileWatch{name: name}
	w.changed()
	w.unsaved = false
	return w
}

// changed reports, once for each change, that the file is another one or was written to,
// and has stayed as it is since it was asked last: a file that somebody is writing is
// left alone. A file that is not there has not changed.
func (w *fileWatch) changed() bool {
	if w.name == "" {
		return false
	}
	now, err := os.Stat(w.name)
	if err != nil {
		return false
	}
	was := w.seen
	w.seen = now
	if was == nil || !os.SameFile(was, now) || !was.ModTime().Equal(now.ModTime()) || was.Size() != now.Size() {
		w.unsaved = true
		return false
	}
	changed := w.unsaved
	w.unsaved = false
	return changed
}
