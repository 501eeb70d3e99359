package ftp

import (
	"errors"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// resolve returns the absolute path of what the client named. Nothing is above "/".
func (s *Session) resolve(name string) string {
	if !strings.HasPrefix(name, "/") {
		name = s.dir + "/" + name
	}
	return path.Clean(name)
}

// reason says an error of the file system in words, without the server's own paths.
func reason(err error) string {
	for _, known := range []error{
		fs.ErrNotExist, fs.ErrExist, fs.ErrPermission,
		ErrIsDirectory, ErrNotDirectory, ErrNotEmpty, ErrNoSpace, ErrBadName,
	} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return "input or output error"
}

// readyForData refuses a transfer command that came without PORT or PASV.
func (s *Session) readyForData() bool {
	switch {
	case s.data.mode == noDataMode:
		s.refuse(saidNoDataConnection)
		return false
	case s.config.RequireTLS && !s.security.private:
		s.refuse(saidDataTLSNeeded)
		return false
	}
	return true
}

// retrieve handles RETR. A refusal leaves PASV or PORT as they are: the client need
// not ask again.
func (s *Session) retrieve(arg string) {
	if !s.readyForData() {
		return
	}
	restart := s.restart
	s.restart = 0
	if restart > 0 && s.ascii {
		s.refuse(saidRestartASCII)
		return
	}
	h, info, err := s.files.Open(s.resolve(arg), ForReading, s.wallClock())
	switch {
	case isNotExist(err):
		s.refuse(saidFileMissing)
		return
	case err != nil:
		s.refuse(saidOpenFailed, reason(err))
		return
	case restart > info.Size && !s.profile.laxArguments:
		_ = s.files.Close(h, s.wallClock()) // nothing was written
		s.refuse(saidRestartBeyond, restart, info.Size)
		return
	}
	s.begin(transfer{kind: sendingTransfer, name: arg, size: info.Size, file: h, open: true, offset: restart})
}

func (s *Session) store(arg string)  { s.upload(arg, Replace) }
func (s *Session) appendTo(a string) { s.upload(a, Update) }

// upload handles STOR and APPE.
func (s *Session) upload(arg string, mode OpenMode) {
	if !s.readyForData() {
		return
	}
	restart := s.restart
	s.restart = 0
	name := s.resolve(arg)
	switch {
	case restart > 0 && s.ascii:
		s.refuse(saidRestartASCII)
		return
	case restart > 0 && mode == Update && !s.profile.laxArguments:
		s.refuse(saidRestartAppend)
		return
	case restart > 0 && mode == Replace:
		mode = Update
	case mode == Update:
		restart = -1 // at the end
	}
	if mode = s.allowedMode(name, mode); mode == ForReading {
		s.refuse(saidPermissionDenied)
		return
	}
	h, info, err := s.files.Open(name, mode, s.wallClock())
	if err != nil {
		s.refuse(saidCreateFailed, reason(err))
		return
	}
	if restart > info.Size && !s.profile.laxArguments {
		_ = s.files.Close(h, s.wallClock())
		s.refuse(saidRestartBeyond, restart, info.Size)
		return
	}
	if restart < 0 || restart > info.Size {
		restart = info.Size
	}
	s.begin(transfer{kind: receivingTransfer, name: arg, file: h, open: true, offset: restart})
}

// allowedMode returns the mode as far as the user may write: anonymous may only
// create. ForReading is a refusal.
func (s *Session) allowedMode(name string, mode OpenMode) OpenMode {
	switch {
	case s.login.mayWrite:
		return mode
	case s.mayCreate(name):
		return CreateNew
	}
	return ForReading
}

// storeUnique handles STOU (RFC 1123, section 4.1.2.9, for the reply).
func (s *Session) storeUnique(arg string) {
	if !s.readyForData() {
		return
	}
	restart := s.restart
	s.restart = 0
	if restart > 0 && !s.profile.laxArguments {
		s.refuse(saidRestartAppend)
		return
	}
	base := arg
	if base == "" {
		base = "STOU"
	}
	if !s.mayCreate(s.resolve(base)) {
		s.refuse(saidPermissionDenied)
		return
	}
	const tries = 1000
	for i := 1; i <= tries; i++ {
		name := base + "." + strconv.Itoa(i)
		h, _, err := s.files.Open(s.resolve(name), CreateNew, s.wallClock())
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			s.refuse(saidCreateFailed, reason(err))
			return
		}
		s.begin(transfer{kind: receivingTransfer, name: name, unique: true, file: h, open: true})
		return
	}
	s.refuse(saidCreateFailed, "no unique name is free")
}

// list handles LIST.
func (s *Session) list(arg string) {
	s.sendListing(arg, func(b []byte, t listTarget, f FileInfo) []byte {
		return appendListLine(b, f, f.Name, s.wallClock())
	})
}

// nameList handles NLST: names that RETR takes as they are.
func (s *Session) nameList(arg string) {
	s.sendListing(arg, func(b []byte, t listTarget, f FileInfo) []byte {
		return append(append(b, t.prefix...), f.Name...)
	})
}

func (s *Session) sendListing(arg string, line func([]byte, listTarget, FileInfo) []byte) {
	if !s.readyForData() {
		return
	}
	t, err := s.listTarget(arg)
	if err != nil && !s.profile.emptyWhenMissing {
		s.refuse(saidListMissing)
		return
	}
	var b []byte
	for _, f := range t.entries {
		b = append(line(b, t, f), '\r', '\n')
	}
	s.beginListing(arg, b)
}

func (s *Session) beginListing(name string, content []byte) {
	s.restart = 0
	s.begin(transfer{kind: sendingTransfer, listing: true, name: name, content: content, size: int64(len(content))})
}

// machineList handles MLSD (RFC 3659, section 7).
func (s *Session) machineList(arg string) {
	if !s.readyForData() {
		return
	}
	name := s.resolve(arg)
	entries, err := s.files.List(name)
	switch {
	case errors.Is(err, ErrNotDirectory):
		if _, err := s.files.Stat(name); err == nil {
			s.refuse(saidNotADirectory)
			return
		}
		s.refuse(saidListMissing)
		return
	case err != nil:
		s.refuse(saidListMissing)
		return
	}
	var b []byte
	for _, f := range entries {
		b = append(appendFacts(b, s.facts, f, s.login.mayWrite, f.Name), '\r', '\n')
	}
	s.beginListing(arg, b)
}

// machineStatus handles MLST.
func (s *Session) machineStatus(arg string) {
	name := s.resolve(arg)
	f, err := s.files.Stat(name)
	if err != nil {
		s.refuse(saidListMissing)
		return
	}
	line := " " + string(appendFacts(nil, s.facts, f, s.login.mayWrite, cleanText(name)))
	s.replyLines(250, "Listing", []string{line}, "End")
}

func (s *Session) workingDirectory(string) { s.say(saidWorkingDirectory, quotePath(s.dir)) }

func (s *Session) changeDirectory(arg string) {
	name := s.resolve(arg)
	f, err := s.files.Stat(name)
	if err != nil || !f.Dir {
		s.refuse(saidDirectoryMissing)
		return
	}
	s.dir = name
	s.say(saidDirectoryChanged)
}

func (s *Session) changeUp(string) { s.changeDirectory("..") }

// writable returns fs.ErrPermission for a user who may not change what is served.
func (s *Session) writable() error {
	if s.login.mayWrite {
		return nil
	}
	return fs.ErrPermission
}

func (s *Session) makeDirectory(arg string) {
	name := s.resolve(arg)
	err := s.writable()
	if err == nil {
		err = s.files.MakeDir(name, s.wallClock())
	}
	if err != nil {
		s.refuse(saidMakeDirFailed, reason(err))
		return
	}
	s.say(saidDirectoryMade, quotePath(name))
}

func (s *Session) removeDirectory(arg string) {
	err := s.writable()
	if err == nil {
		err = s.files.RemoveDir(s.resolve(arg))
	}
	if err != nil {
		s.refuse(saidRemoveDirFailed, reason(err))
		return
	}
	s.say(saidRemoveDirDone)
}

func (s *Session) deleteFile(arg string) {
	err := s.writable()
	if err == nil {
		err = s.files.Remove(s.resolve(arg))
	}
	if err != nil {
		s.refuse(saidDeleteFailed, reason(err))
		return
	}
	s.say(saidDeleted)
}

// renameFrom handles RNFR; RNTO follows, not necessarily at once.
func (s *Session) renameFrom(arg string) {
	name := s.resolve(arg)
	if _, err := s.files.Stat(name); err != nil {
		s.rename = ""
		s.refuse(saidRenameMissing)
		return
	}
	s.rename = name
	s.say(saidRenameReady)
}

func (s *Session) renameTo(arg string) {
	from := s.rename
	s.rename = ""
	if from == "" {
		s.refuse(saidRenameFirst)
		return
	}
	err := s.writable()
	if err == nil {
		err = s.files.Rename(from, s.resolve(arg))
	}
	if err != nil {
		s.refuse(saidRenameFailed, reason(err))
		return
	}
	s.say(saidRenamed)
}

// fileSize handles SIZE (RFC 3659, section 4).
func (s *Session) fileSize(arg string) {
	f, err := s.files.Stat(s.resolve(arg))
	switch {
	case s.ascii && !s.profile.sizeInASCII:
		s.refuse(saidSizeASCII)
	case err != nil || f.Dir:
		s.refuse(saidSizeFailed)
	default:
		s.say(saidSize, f.Size)
	}
}

// modificationTime handles MDTM (RFC 3659, section 3).
func (s *Session) modificationTime(arg string) {
	if stamp, name, ok := strings.Cut(arg, " "); ok && s.profile.laxArguments {
		if when, ok := parseTime(stamp); ok && s.login.mayWrite && s.files.SetModified(s.resolve(name), when) == nil {
			s.say(saidModifiedSet)
			return
		}
	}
	f, err := s.files.Stat(s.resolve(arg))
	if err != nil || f.Dir {
		s.refuse(saidModifiedFailed)
		return
	}
	s.say(saidModified, formatTime(f.Modified))
}

// modifyTime handles MFMT (draft-somers-ftp-mfxx).
func (s *Session) modifyTime(arg string) {
	stamp, name, _ := strings.Cut(arg, " ")
	when, ok := parseTime(stamp)
	if !ok || name == "" {
		s.refuse(saidTimeSyntax)
		return
	}
	err := s.writable()
	switch {
	case err != nil:
		s.refuse(saidPermissionDenied)
	case s.files.SetModified(s.resolve(name), when) != nil:
		s.refuse(saidModifiedFailed)
	default:
		s.say(saidModifiedSet, formatTime(when), name)
	}
}

// restartAt handles REST (RFC 3659, section 5). The position survives everything but
// the next transfer.
func (s *Session) restartAt(arg string) {
	n, err := strconv.ParseUint(arg, 10, 63)
	switch {
	case err != nil && !s.profile.laxArguments:
		s.refuse(saidRestartSyntax)
		return
	case err != nil:
		n = 0
	case s.ascii && n > 0 && !s.profile.laxArguments:
		s.refuse(saidRestartASCII)
		return
	}
	s.restart = int64(n)
	s.say(saidRestart, s.restart)
}
