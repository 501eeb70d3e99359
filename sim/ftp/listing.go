package ftp

import (
	"fmt"
	"path"
	"strings"
	"time"
)

// appendListLine appends one line of LIST, without its line end, as ls -l prints it
// and as every client parses it. Now decides whether the time or the year is shown,
// as ls does: half a year.
func appendListLine(b []byte, f FileInfo, name string, now time.Time) []byte {
	kind := byte('-')
	if f.Dir {
		kind = 'd'
	}
	b = append(b, kind)
	for shift := 6; shift >= 0; shift -= 3 {
		bits := f.Perm >> shift
		for i, letter := range []byte("rwx") {
			if bits&(4>>i) == 0 {
				letter = '-'
			}
			b = append(b, letter)
		}
	}
	when := f.Modified.UTC()
	date := when.Format("Jan 02  2006")
	if age := now.Sub(when); age >= 0 && age < 182*24*time.Hour {
		date = when.Format("Jan 02 15:04")
	}
	return fmt.Appendf(b, " %4d %-8s %-8s %8d %s %s", max(f.Links, 1), f.Owner, f.Group, f.Size, date, name)
}

// factSet is which facts MLST and MLSD print (RFC 3659, section 7.5).
type factSet uint8

const (
	factType factSet = 1 << iota
	factSize
	factModify
	factPerm
	factMode
	allFacts = factType | factSize | factModify | factPerm | factMode
)

// factNames are the facts in the order in which they are printed.
var factNames = [...]struct {
	fact factSet
	name string
}{
	{factType, "type"}, {factSize, "size"}, {factModify, "modify"}, {factPerm, "perm"}, {factMode, "UNIX.mode"},
}

// parseFacts reads the argument of OPTS MLST: "type;size;". Unknown facts are
// ignored (RFC 3659, section 7.9).
func parseFacts(arg string) factSet {
	var set factSet
	for _, name := range strings.Split(arg, ";") {
		for _, known := range factNames {
			if strings.EqualFold(name, known.name) {
				set |= known.fact
			}
		}
	}
	return set
}

// names returns the facts as FEAT and OPTS print them; mark follows those in chosen.
func (set factSet) names(chosen factSet, mark string) string {
	var b strings.Builder
	for _, known := range factNames {
		if set&known.fact == 0 {
			continue
		}
		b.WriteString(known.name)
		if chosen&known.fact != 0 {
			b.WriteString(mark)
		}
		b.WriteByte(';')
	}
	return b.String()
}

// appendFacts appends "fact=value;... name", without a line end.
func appendFacts(b []byte, set factSet, f FileInfo, mayWrite bool, name string) []byte {
	kind, perm := "file", "r"
	if f.Dir {
		kind, perm = "dir", "el"
	}
	switch {
	case mayWrite && f.Dir:
		perm += "cdfmp"
	case mayWrite:
		perm += "adfw"
	}
	for _, known := range factNames {
		if set&known.fact == 0 {
			continue
		}
		b = append(b, known.name...)
		b = append(b, '=')
		switch known.fact {
		case factType:
			b = append(b, kind...)
		case factSize:
			b = fmt.Appendf(b, "%d", f.Size)
		case factModify:
			b = append(b, formatTime(f.Modified)...)
		case factPerm:
			b = append(b, perm...)
		case factMode:
			b = fmt.Appendf(b, "%04o", f.Perm)
		}
		b = append(b, ';')
	}
	b = append(b, ' ')
	return append(b, name...)
}

// timeLayout is a time-val of RFC 3659, section 2.3, always UTC.
const timeLayout = "20060102150405"

func formatTime(t time.Time) string { return t.UTC().Format(timeLayout) }

func parseTime(text string) (time.Time, bool) {
	if len(text) != len(timeLayout) {
		return time.Time{}, false
	}
	t, err := time.Parse(timeLayout, text)
	return t, err == nil
}

// listTarget is what LIST, NLST or STAT was asked about.
type listTarget struct {
	path    string     // absolute
	prefix  string     // of the names NLST prints
	dir     bool       // entries are those of a directory
	entries []FileInfo // in order
}

// listTarget finds what to list. Options as of ls ("-la") are dropped; a pattern in
// the last element picks among the entries.
func (s *Session) listTarget(arg string) (t listTarget, err error) {
	name, all := s.listOptions(arg)
	t.path = s.resolve(name)
	info, err := s.files.Stat(t.path)
	if err != nil && strings.ContainsAny(path.Base(t.path), "*?[") {
		return s.listPattern(t.path, name)
	}
	if err != nil {
		return t, err
	}
	if !info.Dir {
		info.Name = name
		t.entries = []FileInfo{info}
		return t, nil
	}
	t.dir = true
	if name != "" {
		t.prefix = strings.TrimSuffix(name, "/") + "/"
	}
	t.entries, err = s.files.List(t.path)
	if s.profile.dotEntries {
		t.entries = s.withDotEntries(t, info, all)
	}
	return t, err
}

// listOptions drops leading words like "-la", unless a file is named so.
func (s *Session) listOptions(arg string) (name string, all bool) {
	if _, err := s.files.Stat(s.resolve(arg)); arg == "" || err == nil && !s.profile.dotEntries {
		return arg, false
	}
	for strings.HasPrefix(arg, "-") {
		option, rest, _ := strings.Cut(arg, " ")
		all = all || strings.Contains(option, "a")
		arg = strings.TrimLeft(rest, " ")
	}
	return arg, all
}

func (s *Session) listPattern(name, asked string) (listTarget, error) {
	parent, pattern := path.Split(name)
	t := listTarget{path: path.Clean(parent)}
	entries, err := s.files.List(t.path)
	if err != nil {
		return t, err
	}
	prefix, _ := path.Split(asked)
	for _, entry := range entries {
		if ok, err := path.Match(pattern, entry.Name); ok && err == nil {
			entry.Name = prefix + entry.Name
			t.entries = append(t.entries, entry)
		}
	}
	return t, nil
}

// withDotEntries hides names that begin with a dot, or adds "." and "..", as ls
// does without and with -a.
func (s *Session) withDotEntries(t listTarget, dir FileInfo, all bool) []FileInfo {
	var shown []FileInfo
	for _, entry := range t.entries {
		if all || !strings.HasPrefix(entry.Name, ".") {
			shown = append(shown, entry)
		}
	}
	if !all {
		return shown
	}
	parent, err := s.files.Stat(path.Dir(t.path))
	if err != nil {
		parent = dir
	}
	dir.Name, parent.Name = ".", ".."
	at := 0
	for at < len(shown) && shown[at].Name < "." {
		at++
	}
	with := append([]FileInfo(nil), shown[:at]...)
	with = append(with, dir, parent)
	return append(with, shown[at:]...)
}
