package ftpnet

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"time"

	"ftplab/sim/ftp"
)

// dataBlock is how much is read from a data connection at a time.
const dataBlock = 64 << 10

// dataLinger is how long a data connection may wait for the peer's FIN after ours.
const dataLinger = 5 * time.Second

// dataConn is an established data connection.
type dataConn struct {
	c      *carrier
	tcp    net.Conn
	conn   net.Conn // tcp, or TLS over it; changed by the carrier alone
	writes chan write
	closed chan struct{}
}

// write is something for the writer, in order.
type write struct {
	conn net.Conn
	ftp.Effect
}

func newDataConn(c *carrier, conn net.Conn) *dataConn {
	d := &dataConn{c: c, tcp: conn, conn: conn, writes: make(chan write, 2), closed: make(chan struct{})}
	c.workers.Go(d.write)
	return d
}

func (d *dataConn) tell(in ftp.Input) bool {
	return d.c.tell(happened{in: in, data: d})
}

// perform sends, finishes or receives.
func (d *dataConn) perform(e ftp.Effect) {
	if e.Kind == ftp.ReceiveData {
		conn := d.conn
		d.c.workers.Go(func() { d.read(conn) })
		return
	}
	// The machine has one block under way at a time, and FIN behind the last.
	d.writes <- write{d.conn, e}
}

// read tells the carrier what arrives. While the machine uses one buffer the other
// is filled.
func (d *dataConn) read(conn net.Conn) {
	var buffers [2][]byte
	for i := 0; ; i ^= 1 {
		if buffers[i] == nil {
			buffers[i] = make([]byte, dataBlock)
		}
		n, err := conn.Read(buffers[i])
		if n > 0 && !d.tell(ftp.Input{Kind: ftp.DataBytes, Bytes: buffers[i][:n]}) {
			return
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			d.tell(ftp.Input{Kind: ftp.DataEOF})
			return
		default:
			d.tell(ftp.Input{Kind: ftp.DataLost, Err: failureOf(err)})
			return
		}
	}
}

// write is the writer's goroutine.
func (d *dataConn) write() {
	for {
		var w write
		select {
		case w = <-d.writes:
		case <-d.closed:
			return
		}
		var err error
		in := ftp.Input{Kind: ftp.DataRoom}
		if w.Kind == ftp.FinishData {
			in.Kind = ftp.DataFlushed
			err = finishWriting(w.conn, d.tcp)
		} else {
			_, err = w.conn.Write(w.Bytes)
		}
		if err != nil {
			in = ftp.Input{Kind: ftp.DataLost, Err: failureOf(err)}
		}
		if (w.Kind == ftp.FinishData || w.More || err != nil) && !d.tell(in) || err != nil {
			return
		}
	}
}

// finishWriting sends close_notify, if there is TLS, and FIN.
func finishWriting(conn, tcp net.Conn) error {
	if secured, ok := conn.(*tls.Conn); ok {
		if err := secured.CloseWrite(); err != nil {
			return err
		}
	}
	return closeWrite(tcp)
}

// startTLS shakes hands; the machine's own timer bounds it.
func (d *dataConn) startTLS() {
	secured := d.c.tls(d.tcp)
	d.c.workers.Go(func() {
		h := happened{in: ftp.Input{Kind: ftp.TLSUp, Channel: ftp.Data}, data: d, conn: secured}
		if err := secured.Handshake(); err != nil {
			d.c.log.Info("TLS handshake failed", "channel", "data", "error", err)
			h.in.Kind, h.conn = ftp.TLSFailed, nil
		}
		d.c.tell(h)
	})
}

// close closes the connection when the peer has seen all of it: a socket that is
// closed with unread bytes resets, and takes what is under way with it.
func (d *dataConn) close() {
	close(d.closed)
	conn, tcp := d.conn, d.tcp
	d.c.background.Go(func() {
		defer tcp.Close()
		tcp.SetDeadline(time.Now().Add(dataLinger))
		finishWriting(conn, tcp) // a FIN that was sent already is not sent again
		io.Copy(io.Discard, tcp)
	})
}

// abort resets the connection.
func (d *dataConn) abort() {
	close(d.closed)
	reset(d.tcp)
}

// dropData ends the data connection, if there is one, in one of these ways.
func (c *carrier) dropData(end func(*dataConn)) {
	if c.data == nil {
		return
	}
	end(c.data)
	c.data = nil
	if c.listener != nil {
		c.listener.more()
	}
}

// dataListener accepts data connections, one at a time.
type dataListener struct {
	net.Listener
	next chan struct{} // to accept one more
}

func (l *dataListener) more() {
	select {
	case l.next <- struct{}{}:
	default:
	}
}

// listen opens a data listener, in a range of ports at a random place first, so that
// the next port is hard to guess (RFC 2577, section 8).
func (c *carrier) listen(e ftp.Effect) {
	c.closeListener()
	inner, err := listenInRange(e.Local, e.PortMax)
	if err != nil {
		c.log.Warn("no data listener", "error", err)
		c.pending = append(c.pending, ftp.Input{Kind: ftp.ListenFailed, Err: failureOf(err)})
		return
	}
	l := &dataListener{Listener: inner, next: make(chan struct{}, 1)}
	c.listener = l
	l.more()
	c.workers.Go(func() {
		for range l.next {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if !c.tell(happened{listener: l, conn: conn}) {
				conn.Close()
				return
			}
		}
	})
	c.pending = append(c.pending, ftp.Input{Kind: ftp.ListenReady, Addr: addrPort(l.Addr())})
}

func (c *carrier) closeListener() {
	if c.listener == nil {
		return
	}
	c.listener.Close()
	close(c.listener.next)
	c.listener = nil
}

// accepted takes a connection that came to the data listener.
func (c *carrier) accepted(h happened) {
	if h.listener != c.listener || c.data != nil {
		h.conn.Close()
		return
	}
	c.useData(h.conn)
}

// useData makes conn the data connection and tells the machine.
func (c *carrier) useData(conn net.Conn) {
	c.data = newDataConn(c, conn)
	c.handle(ftp.Input{Kind: ftp.DataUp, Addr: addrPort(conn.RemoteAddr()), Local: addrPort(conn.LocalAddr())})
}

// dialing is an attempt to open a data connection.
type dialing struct{ cancel context.CancelFunc }

// dialData connects from the port that the machine wants, if the system allows it.
func (c *carrier) dialData(e ftp.Effect) {
	c.abandonDial()
	ctx, cancel := context.WithCancel(context.Background())
	d := &dialing{cancel}
	c.dialing = d
	local := e.Local
	if c.dataPort != nil && local.Port() != 0 {
		local = netip.AddrPortFrom(local.Addr(), *c.dataPort)
	}
	c.workers.Go(func() {
		conn, err := dialFrom(ctx, local, e.Addr)
		h := happened{dialing: d, conn: conn}
		if err != nil {
			h.in = ftp.Input{Kind: ftp.DataFailed, Addr: e.Addr, Err: failureOf(err)}
		}
		if !c.tell(h) && conn != nil {
			conn.Close()
		}
	})
}

func (c *carrier) abandonDial() {
	if c.dialing != nil {
		c.dialing.cancel()
		c.dialing = nil
	}
}

// dialed takes the end of an attempt.
func (c *carrier) dialed(h happened) {
	h.dialing.cancel()
	if h.dialing != c.dialing {
		if h.conn != nil {
			h.conn.Close()
		}
		return
	}
	c.dialing = nil
	if h.conn == nil {
		c.handle(h.in)
		return
	}
	c.useData(h.conn)
}
