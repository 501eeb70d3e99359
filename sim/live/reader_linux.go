package live

import (
	"os"
	"syscall"
)

const (
	maxPacket = 1 << 16
	maxBatch  = 64
)

// reader reads packets as they come, as many at once as there are.
type reader struct {
	file   *os.File
	buffer []byte
}

func newReader(f *os.File) *reader { return &reader{f, make([]byte, maxPacket)} }

// read waits for packets. Each has memory of its own.
func (r *reader) read() ([][]byte, error) {
	raw, err := r.file.SyscallConn()
	if err != nil {
		return nil, err
	}
	var packets [][]byte
	var failure error
	err = raw.Read(func(fd uintptr) bool {
		for len(packets) < maxBatch {
			size, err := syscall.Read(int(fd), r.buffer)
			if err == syscall.EINTR {
				continue
			}
			if err == syscall.EAGAIN {
				break
			}
			if err != nil || size <= 0 {
				failure = err
				return true
			}
			packets = append(packets, append([]byte(nil), r.buffer[:size]...))
		}
		return len(packets) > 0
	})
	if err != nil {
		return packets, err
	}
	return packets, failure
}
