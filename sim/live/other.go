//go:build !linux

package live

import (
	"errors"
	"fmt"
	"os"
	"runtime"
)

// errNotLinux says why there is no program here. It is errors.ErrUnsupported.
func errNotLinux() error {
	return fmt.Errorf("a real program in the simulated network needs the namespaces of Linux, and this is %s: use a virtual machine (%w)", runtime.GOOS, errors.ErrUnsupported)
}

// Child returns: there is no inside on this system.
func Child() {}

// Program is a running program on Linux.
type Program struct{}

// Start returns an error: this system has no network namespaces.
func Start(in Inside, _ Command) (*Program, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	return nil, errNotLinux()
}

// TUN returns nil.
func (p *Program) TUN() *os.File { return nil }

// Go returns an error.
func (p *Program) Go() error { return errNotLinux() }

// Wait returns an error.
func (p *Program) Wait() (status int, err error) { return 0, errNotLinux() }

// Signal returns an error.
func (p *Program) Signal(os.Signal) error { return errNotLinux() }

// Close does nothing.
func (p *Program) Close() error { return nil }

// Listening always reports false.
func (p *Program) Listening(uint16) bool { return false }

// Ended always reports true.
func (p *Program) Ended() bool { return true }

// Stop does nothing.
func (p *Program) Stop() {}
