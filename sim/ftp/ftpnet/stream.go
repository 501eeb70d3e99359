package ftpnet

import (
	"fmt"
	"io"
	"time"

	"ftplab/sim/ftp"
)

// stream is one file that is read or written from front to back: standard input or
// output. It implements ftp.Files.
type stream struct {
	r     io.Reader
	w     io.Writer
	at    int64
	block []byte
}

// Open implements ftp.Files; the path does not matter.
func (s *stream) Open(string, ftp.OpenMode, time.Time) (ftp.Handle, ftp.FileInfo, error) {
	return 0, ftp.FileInfo{}, nil
}

// ReadAt implements ftp.Files. A stream has no place but the next.
func (s *stream) ReadAt(_ ftp.Handle, offset int64, limit int) ([]byte, error) {
	if offset != s.at {
		return nil, fmt.Errorf("a stream cannot be read from octet %d", offset)
	}
	if len(s.block) < limit {
		s.block = make([]byte, limit)
	}
	n, err := io.ReadFull(s.r, s.block[:limit])
	s.at += int64(n)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return s.block[:n], err
}

// WriteAt implements ftp.Files.
func (s *stream) WriteAt(_ ftp.Handle, _ int64, b []byte, _ bool) error {
	_, err := s.w.Write(b)
	return err
}

// Close implements ftp.Files; the stream is its owner's to close.
func (s *stream) Close(ftp.Handle, time.Time) error { return nil }
