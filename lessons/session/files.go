package session

import (
	"io"
	"io/fs"
	"path"
	"strings"
	"time"
)

// recordingFS remembers the text of every file that was read through it.
type recordingFS struct {
	files fs.FS
	read  map[string]string
}

// Open opens a file and remembers its text; folders are passed through.
func (r *recordingFS) Open(name string) (fs.File, error) {
	if text, err := fs.ReadFile(r.files, name); err == nil {
		r.read[name] = string(text)
	}
	return r.files.Open(name)
}

// textFS is files by name, as a session holds them.
type textFS map[string]string

// Open opens a file for reading.
func (t textFS) Open(name string) (fs.File, error) {
	text, ok := t[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &textFile{name: path.Base(name), Reader: strings.NewReader(text), size: int64(len(text))}, nil
}

// textFile is an open file of a textFS.
type textFile struct {
	io.Reader
	name string
	size int64
}

func (f *textFile) Stat() (fs.FileInfo, error) { return f, nil }
func (f *textFile) Close() error               { return nil }

// The rest makes it an fs.FileInfo.

func (f *textFile) Name() string       { return f.name }
func (f *textFile) Size() int64        { return f.size }
func (f *textFile) Mode() fs.FileMode  { return 0o444 }
func (f *textFile) ModTime() time.Time { return time.Time{} }
func (f *textFile) IsDir() bool        { return false }
func (f *textFile) Sys() any           { return nil }
