package ftpnet

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"

	"ftplab/sim/ftp"
)

// failureOf names a socket's error as the machines know it.
func failureOf(err error) ftp.Failure {
	switch {
	case err == nil:
		return ftp.NoFailure
	case errors.Is(err, syscall.ECONNREFUSED):
		return ftp.Refused
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return ftp.Unreachable
	case errors.Is(err, syscall.ETIMEDOUT), errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return ftp.TimedOut
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return ftp.Reset
	case errors.Is(err, syscall.EADDRINUSE), errors.Is(err, syscall.EADDRNOTAVAIL):
		return ftp.AddressInUse
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return ftp.NotPermitted
	}
	return ftp.OtherFailure
}

// failureIsPassing reports whether accepting may work again in a moment.
func failureIsPassing(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ECONNABORTED)
}

// listenInRange listens at a port from local's to last, beginning at a random one;
// without a range at local's own, or at any if that is 0.
func listenInRange(local netip.AddrPort, last uint16) (net.Listener, error) {
	first := local.Port()
	n := 1
	if first != 0 && last > first {
		n = int(last-first) + 1
	}
	start := rand.IntN(n)
	var firstErr error
	for i := range n {
		port := first + uint16((start+i)%n)
		l, err := net.Listen("tcp", netip.AddrPortFrom(local.Addr(), port).String())
		if err == nil {
			return l, nil
		}
		if firstErr == nil {
			firstErr = err
		}
	}
	return nil, firstErr
}

// dialFrom connects from a local address. A port that is not allowed or not free, as
// after a connection that has just ended between the same two ports, gives way to any.
func dialFrom(ctx context.Context, local, remote netip.AddrPort) (net.Conn, error) {
	conn, err := dialOnce(ctx, local, remote)
	if local.Port() == 0 || err == nil {
		return conn, err
	}
	switch failureOf(err) {
	case ftp.AddressInUse, ftp.NotPermitted:
		return dialOnce(ctx, netip.AddrPortFrom(local.Addr(), 0), remote)
	}
	return nil, err
}

func dialOnce(ctx context.Context, local, remote netip.AddrPort) (net.Conn, error) {
	var dialer net.Dialer
	if local.Port() != 0 || local.Addr().IsValid() {
		// An invalid address is the wildcard of the peer's family.
		dialer.LocalAddr = &net.TCPAddr{IP: local.Addr().AsSlice(), Zone: local.Addr().Zone(), Port: int(local.Port())}
	}
	if local.Port() != 0 {
		dialer.Control = reuseAddress
	}
	return dialer.DialContext(ctx, "tcp", net.JoinHostPort(remote.Addr().String(), strconv.Itoa(int(remote.Port()))))
}

// closeWrite sends FIN.
func closeWrite(conn net.Conn) error {
	if tcp, ok := conn.(interface{ CloseWrite() error }); ok {
		return tcp.CloseWrite()
	}
	return conn.Close()
}

// reset closes a connection with RST.
func reset(conn net.Conn) {
	if tcp, ok := conn.(interface{ SetLinger(int) error }); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
}
