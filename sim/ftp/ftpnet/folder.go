package ftpnet

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"sort"
	"strings"
	"syscall"
	"time"

	"ftplab/sim/ftp"
)

// folder is a directory on disk as one session sees it. Nothing outside it can be
// reached: os.Root follows symbolic links only as long as they stay inside.
type folder struct {
	root *os.Root
	open []*openFile // by ftp.Handle; nil is free
}

type openFile struct {
	*os.File
	block []byte // of ReadAt, used again
}

// newFolder returns a file system of its own for a session; root is shared.
func newFolder(root *os.Root) *folder { return &folder{root: root} }

// local returns the path below the root for a path of a session.
func local(name string) string {
	if name = strings.TrimPrefix(name, "/"); name == "" {
		return "."
	}
	return name
}

// fault turns a system's error into one that a session has a reply for.
func fault(err error) error {
	for _, known := range []struct {
		system error
		ftp    error
	}{
		{syscall.EISDIR, ftp.ErrIsDirectory},
		{syscall.ENOTDIR, ftp.ErrNotDirectory},
		{syscall.ENOTEMPTY, ftp.ErrNotEmpty},
		{syscall.ENOSPC, ftp.ErrNoSpace},
		{syscall.EDQUOT, ftp.ErrNoSpace},
		{syscall.EFBIG, ftp.ErrNoSpace},
		{syscall.ENAMETOOLONG, ftp.ErrBadName},
		{syscall.EINVAL, ftp.ErrBadName},
	} {
		if errors.Is(err, known.system) {
			return known.ftp
		}
	}
	return err
}

// Stat implements ftp.FileSystem.
func (f *folder) Stat(name string) (ftp.FileInfo, error) {
	info, err := f.root.Stat(local(name))
	if err != nil {
		return ftp.FileInfo{}, fault(err)
	}
	return describe(path.Base(name), info), nil
}

func describe(name string, info fs.FileInfo) ftp.FileInfo {
	d := ftp.FileInfo{
		Name:     name,
		Size:     info.Size(),
		Modified: info.ModTime(),
		Perm:     uint32(info.Mode().Perm()),
		Dir:      info.IsDir(),
		Owner:    "ftp",
		Group:    "ftp",
		Links:    1,
	}
	describeOwner(&d, info)
	return d
}

// List implements ftp.FileSystem. What a link points to outside the folder, or
// nowhere, is not listed: it cannot be had.
func (f *folder) List(name string) ([]ftp.FileInfo, error) {
	dir, err := f.root.Open(local(name))
	if err != nil {
		return nil, fault(err)
	}
	defer dir.Close()
	entries, err := dir.ReadDir(-1)
	if err != nil {
		return nil, fault(err)
	}
	list := make([]ftp.FileInfo, 0, len(entries))
	for _, entry := range entries {
		info, err := entry.Info()
		if err == nil && info.Mode()&fs.ModeSymlink != 0 {
			info, err = f.root.Stat(path.Join(local(name), entry.Name()))
		}
		if err == nil {
			list = append(list, describe(entry.Name(), info))
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Name < list[j].Name })
	return list, nil
}

// Open implements ftp.FileSystem, for regular files: opening a pipe would wait for
// its other end.
func (f *folder) Open(name string, mode ftp.OpenMode, _ time.Time) (ftp.Handle, ftp.FileInfo, error) {
	flags := os.O_RDONLY
	switch mode {
	case ftp.Replace:
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	case ftp.Update:
		flags = os.O_WRONLY | os.O_CREATE
	case ftp.CreateNew:
		flags = os.O_WRONLY | os.O_CREATE | os.O_EXCL
	}
	file, err := f.root.OpenFile(local(name), flags|nonBlocking, 0o644)
	if err != nil {
		return 0, ftp.FileInfo{}, fault(err)
	}
	info, err := file.Stat()
	switch {
	case err != nil:
	case info.IsDir():
		err = ftp.ErrIsDirectory
	case !info.Mode().IsRegular():
		err = fs.ErrPermission
	}
	if err != nil {
		file.Close()
		return 0, ftp.FileInfo{}, fault(err)
	}
	return f.handle(&openFile{File: file}), describe(path.Base(name), info), nil
}

func (f *folder) handle(file *openFile) ftp.Handle {
	for i, used := range f.open {
		if used == nil {
			f.open[i] = file
			return ftp.Handle(i)
		}
	}
	f.open = append(f.open, file)
	return ftp.Handle(len(f.open) - 1)
}

// ReadAt implements ftp.FileSystem. Its block is used again by the next call.
func (f *folder) ReadAt(h ftp.Handle, offset int64, limit int) ([]byte, error) {
	file := f.open[h]
	if len(file.block) < limit {
		file.block = make([]byte, limit)
	}
	n, err := file.File.ReadAt(file.block[:limit], offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fault(err)
	}
	return file.block[:n], nil
}

// WriteAt implements ftp.FileSystem.
func (f *folder) WriteAt(h ftp.Handle, offset int64, b []byte, _ bool) error {
	_, err := f.open[h].File.WriteAt(b, offset)
	return fault(err)
}

// Close implements ftp.FileSystem; the system keeps the time of the last write.
func (f *folder) Close(h ftp.Handle, _ time.Time) error {
	file := f.open[h]
	f.open[h] = nil
	return fault(file.File.Close())
}

// MakeDir implements ftp.FileSystem.
func (f *folder) MakeDir(name string, _ time.Time) error {
	return fault(f.root.Mkdir(local(name), 0o755))
}

// RemoveDir implements ftp.FileSystem.
func (f *folder) RemoveDir(name string) error { return f.remove(name, true) }

// Remove implements ftp.FileSystem. A link is removed, not what it points to.
func (f *folder) Remove(name string) error { return f.remove(name, false) }

func (f *folder) remove(name string, dir bool) error {
	info, err := f.root.Lstat(local(name))
	switch {
	case err != nil:
		return fault(err)
	case name == "/":
		return fs.ErrPermission
	case dir && !info.IsDir():
		return ftp.ErrNotDirectory
	case !dir && info.IsDir():
		return ftp.ErrIsDirectory
	}
	return fault(f.root.Remove(local(name)))
}

// Rename implements ftp.FileSystem.
func (f *folder) Rename(from, to string) error {
	if from == "/" || to == "/" {
		return fs.ErrPermission
	}
	return fault(f.root.Rename(local(from), local(to)))
}

// SetModified implements ftp.FileSystem.
func (f *folder) SetModified(name string, modified time.Time) error {
	return fault(f.root.Chtimes(local(name), modified, modified))
}

// SetPerm implements ftp.FileSystem.
func (f *folder) SetPerm(name string, perm uint32) error {
	return fault(f.root.Chmod(local(name), fs.FileMode(perm&0o777)))
}

// closeAll closes what a session has left open.
func (f *folder) closeAll() {
	for h, file := range f.open {
		if file != nil {
			file.File.Close()
			f.open[h] = nil
		}
	}
}
