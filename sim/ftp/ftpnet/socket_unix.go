//go:build unix

package ftpnet

import (
	"net"
	"syscall"
)

// reuseAddress lets many sessions share the local port of active data connections,
// and use it again while old connections are in TIME-WAIT.
func reuseAddress(_, _ string, raw syscall.RawConn) error {
	var failed error
	err := raw.Control(func(fd uintptr) {
		failed = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
	})
	if err != nil {
		return err
	}
	return failed
}

// keepUrgentInline leaves the urgent octet of a Telnet Synch in the stream, where the
// line reader expects it.
func keepUrgentInline(conn net.Conn) {
	if raw := rawConn(conn); raw != nil {
		raw.Control(func(fd uintptr) {
			syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_OOBINLINE, 1)
		})
	}
}

// writeUrgent writes with the last octet as TCP urgent data.
func writeUrgent(conn net.Conn, b []byte) error {
	raw := rawConn(conn)
	if raw == nil {
		_, err := conn.Write(b)
		return err
	}
	var failed error
	err := raw.Write(func(fd uintptr) bool {
		failed = syscall.Sendmsg(int(fd), b, nil, nil, syscall.MSG_OOB)
		return failed != syscall.EAGAIN
	})
	if err != nil {
		return err
	}
	return failed
}

func rawConn(conn net.Conn) syscall.RawConn {
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}
