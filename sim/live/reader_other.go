//go:build !linux

package live

import "os"

// reader is not used: there is no TUN device to read.
type reader struct{}

func newReader(*os.File) *reader { return &reader{} }

func (*reader) read() ([][]byte, error) { return nil, errNotLinux() }
