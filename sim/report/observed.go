package report

import (
	"strings"

	"ftplab/sim/ftp"
	"ftplab/sim/trace"
)

// ObservedMode returns the mode of the data connection that the outcome is about, or else
// of the last one that a client asked for: pasv, epsv, port or eprt; "" if it asked for
// none.
func ObservedMode(t *trace.Trace) string {
	if _, result, ok := Result(t); ok {
		if mode, err := ftp.ParseMode(result.Asked); err == nil {
			return strings.ToLower(mode.String())
		}
	}
	return lastCommand(t, func(verb string) string {
		if mode, err := ftp.ParseMode(verb); err == nil {
			return strings.ToLower(mode.String())
		}
		return ""
	})
}

// ObservedOp returns what the last transfer that a client asked for was: list, retr or
// stor; "" if it asked for none.
func ObservedOp(t *trace.Trace) string {
	return lastCommand(t, func(verb string) string {
		switch verb {
		case "RETR":
			return "retr"
		case "STOR", "APPE", "STOU":
			return "stor"
		case "LIST", "NLST", "MLSD":
			return "list"
		}
		return ""
	})
}

// lastCommand returns what the last command means of those that mean something.
func lastCommand(t *trace.Trace, meaning func(verb string) string) string {
	for id := trace.ID(t.Len()); id > 0; id-- {
		if t.Kind(id) != trace.KindFTP {
			continue
		}
		note := t.Event(id).Body.(trace.FTP)
		if note.Note != ftp.CommandSent && note.Note != ftp.CommandReceived {
			continue
		}
		verb, _, _ := strings.Cut(note.Text, " ")
		if word := meaning(strings.ToUpper(verb)); word != "" {
			return word
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
