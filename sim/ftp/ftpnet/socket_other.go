//go:build !unix

package ftpnet

import (
	"net"
	"syscall"
)

func reuseAddress(_, _ string, _ syscall.RawConn) error { return nil }

func keepUrgentInline(net.Conn) {}

// writeUrgent writes in band: the system's call for urgent data is not portable.
func writeUrgent(conn net.Conn, b []byte) error {
	_, err := conn.Write(b)
	return err
}
