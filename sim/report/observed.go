package report

import (
	"strings"

	"ftplab/sim/ftp"
	"ftplab/sim/trace"
)

// ObservedMode returns the mode of the data connection that the outcome is about, or else
// of the last one that a client asked for: pasv, epsv, port or eprt; "" if it asked for
// none, or not in clear.
func ObservedMode(t *trace.Trace) string {
	if _, result, ok := Result(t); ok {
		if mode, err := ftp.ParseMode(result.Asked); err == nil {
			return strings.ToLower(mode.String())
		}
	}
	for id := trace.ID(t.Len()); id > 0; id-- {
		if t.Kind(id) != trace.KindFTP {
			continue
		}
		note := t.Event(id).Body.(trace.FTP)
		if note.Note != ftp.CommandSent && note.Note != ftp.CommandReceived {
			continue
		}
		verb, _, _ := strings.Cut(note.Text, " ")
		if mode, err := ftp.ParseMode(strings.ToLower(verb)); err == nil {
			return strings.ToLower(mode.String())
		}
	}
	return ""
}
