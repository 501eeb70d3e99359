package ftpnet

import (
	"sync"
	"time"

	"ftplab/sim/ftp"
)

// sharedTree lets many sessions use one ftp.Tree, one at a time.
type sharedTree struct {
	mu   sync.Mutex
	tree *ftp.Tree
}

// Stat implements ftp.FileSystem, as all that follows.
func (s *sharedTree) Stat(path string) (ftp.FileInfo, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tree.Stat(path)
}

func (s *sharedTree) List(path string) ([]ftp.FileInfo, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tree.List(path)
}

func (s *sharedTree) Open(path string, mode ftp.OpenMode, now time.Time) (ftp.Handle, ftp.FileInfo, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tree.Open(path, mode, now)
}

func (s *sharedTree) ReadAt(h ftp.Handle, offset int64, limit int) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tree.ReadAt(h, offset, limit)
}

func (s *sharedTree) WriteAt(h ftp.Handle, offset int64, b []byte, keep bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tree.WriteAt(h, offset, b, keep)
}

func (s *sharedTree) Close(h ftp.Handle, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tree.Close(h, now)
}

func (s *sharedTree) MakeDir(path string, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tree.MakeDir(path, now)
}

func (s *sharedTree) RemoveDir(path string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tree.RemoveDir(path)
}

func (s *sharedTree) Remove(path string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tree.Remove(path)
}

func (s *sharedTree) Rename(from, to string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tree.Rename(from, to)
}

func (s *sharedTree) SetModified(path string, modified time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tree.SetModified(path, modified)
}

func (s *sharedTree) SetPerm(path string, perm uint32) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tree.SetPerm(path, perm)
}
