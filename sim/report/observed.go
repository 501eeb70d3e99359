package report

import (
	"strings"

	"ftplab/sim/ftp"
	"ftplab/sim/trace"
)

// ObservedMode returns the mode of the last data connection that a client asked for:
// pasv, epsv, port or eprt; "" if it asked for none.
func ObservedMode(t *trace.Trace) string {
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

// ObservedTLS reports whether a client asked for TLS and was answered 234.
func ObservedTLS(t *trace.Trace) bool {
	for id := trace.ID(1); int(id) <= t.Len(); id++ {
		if note, ok := clientNote(t, id); ok && note.Note == ftp.ReplyReceived && note.Code == 234 {
			return true
		}
	}
	return false
}
