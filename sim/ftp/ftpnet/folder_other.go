//go:build !unix

package ftpnet

import (
	"io/fs"

	"ftplab/sim/ftp"
)

const nonBlocking = 0

func describeOwner(*ftp.FileInfo, fs.FileInfo) {}
