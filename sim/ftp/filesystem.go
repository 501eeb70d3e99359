package ftp

import (
	"errors"
	"io/fs"
	"time"
)

// File system errors beside fs.ErrNotExist, fs.ErrExist and fs.ErrPermission. A
// Session turns each into the reply that RFC 959 has for it.
var (
	ErrIsDirectory  = errors.New("is a directory")
	ErrNotDirectory = errors.New("not a directory")
	ErrNotEmpty     = errors.New("directory not empty")
	ErrNoSpace      = errors.New("no space left")
	ErrBadName      = errors.New("not a usable name")
)

// FileInfo describes a file or a directory.
type FileInfo struct {
	Name     string // last element of the path; "/" for the root
	Size     int64  // octets
	Modified time.Time
	Perm     uint32 // the nine permission bits of Unix
	Dir      bool
	Owner    string // user name or number
	Group    string
	Links    int
}

// Handle names an open file within its FileSystem.
type Handle int32

// OpenMode says what a file is opened for.
type OpenMode uint8

// The ways to open a file.
const (
	ForReading OpenMode = iota
	// Replace creates the file or empties it.
	Replace
	// Update creates the file or keeps what is in it.
	Update
	// CreateNew fails with fs.ErrExist if the name is taken.
	CreateNew
)

// Files is what a machine reads and writes. Paths are absolute, cleaned, with '/'
// between elements; "/" is the root and nothing is above it. A call does not block
// longer than the disk does. Instants that are written are given by the caller,
// because a Tree has no clock.
type Files interface {
	// Open opens a file; its size at this moment is in the FileInfo.
	Open(path string, mode OpenMode, now time.Time) (Handle, FileInfo, error)
	// ReadAt returns up to limit octets at the offset, none at the end. A Tree never
	// writes to them again; another file system not before the next call with this
	// handle.
	ReadAt(h Handle, offset int64, limit int) ([]byte, error)
	// WriteAt writes b at the offset, which is at most the file's size. Keep says that
	// nobody will write to b again, so that it may be stored without a copy.
	WriteAt(h Handle, offset int64, b []byte, keep bool) error
	// Close ends the use of a handle.
	Close(h Handle, now time.Time) error
}

// FileSystem is what a Session serves: a Tree in memory, or a folder on disk
// (package ftpnet).
type FileSystem interface {
	Files
	Stat(path string) (FileInfo, error)
	// List returns what is in a directory, in the order of the names' octets.
	List(path string) ([]FileInfo, error)
	MakeDir(path string, now time.Time) error
	RemoveDir(path string) error
	Remove(path string) error
	Rename(from, to string) error
	SetModified(path string, modified time.Time) error
	SetPerm(path string, perm uint32) error
}

// isNotExist reports whether the name, or a directory on the way to it, is missing.
func isNotExist(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrNotDirectory)
}
