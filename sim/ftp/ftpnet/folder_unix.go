//go:build unix

package ftpnet

import (
	"io/fs"
	"strconv"
	"syscall"

	"ftplab/sim/ftp"
)

// nonBlocking keeps an open of a pipe from waiting for its other end.
const nonBlocking = syscall.O_NONBLOCK

// describeOwner fills in who owns a file, by number as ftp servers do, and its links.
func describeOwner(d *ftp.FileInfo, info fs.FileInfo) {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		d.Owner = strconv.FormatUint(uint64(stat.Uid), 10)
		d.Group = strconv.FormatUint(uint64(stat.Gid), 10)
		d.Links = int(stat.Nlink)
	}
}
