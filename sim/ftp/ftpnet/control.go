package ftpnet

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"time"

	"ftplab/sim/ftp"
)

// Limits of a control connection.
const (
	controlWriteTimeout = time.Minute     // a peer that reads no replies is gone
	controlLinger       = 2 * time.Second // for the peer's FIN after our last reply
	maxUnsentReplies    = 256
)

// controlOp is what the reader of a control connection shall do once.
type controlOp uint8

const (
	opNone controlOp = iota
	opRead
	opStartTLS
	opStopTLS
)

// control is the control connection. Its reader does one thing at a time, as it is
// told, and its writer works through a queue; all decisions are the carrier's.
type control struct {
	c    *carrier
	tcp  net.Conn
	conn net.Conn // tcp, or TLS over it

	records *recordConn // below TLS; the reader's

	ops   chan controlOp
	doing controlOp // what the reader was told and has not reported
	next  controlOp // what it shall do instead of reading on

	out     chan outgoing
	flushed chan struct{} // for the operation that waits for the writer
	closing bool
}

// outgoing is something for the writer, in order.
type outgoing struct {
	conn    net.Conn
	bytes   []byte
	urgent  bool
	flushed chan struct{} // closed when everything before was written
}

func newControl(c *carrier, conn net.Conn) *control {
	keepUrgentInline(conn)
	k := &control{
		c: c, tcp: conn, conn: conn,
		ops: make(chan controlOp, 1),
		out: make(chan outgoing, maxUnsentReplies),
	}
	c.workers.Go(k.read)
	c.workers.Go(k.write)
	k.issue(opRead)
	return k
}

// send queues bytes for the peer; false means that it reads too slowly.
func (k *control) send(bytes []byte, urgent bool) bool {
	return k.queue(outgoing{conn: k.conn, bytes: bytes, urgent: urgent})
}

func (k *control) queue(o outgoing) bool {
	if k.closing {
		return true
	}
	select {
	case k.out <- o:
		return true
	default:
		return false
	}
}

// issue gives the reader, who is idle, something to do.
func (k *control) issue(op controlOp) {
	k.doing = op
	k.ops <- op
}

// want has the reader do op next. If it reads, it is interrupted: after AUTH the
// peer's next bytes are the handshake's. False means that the peer reads too slowly.
func (k *control) want(op controlOp) bool {
	k.flushed = make(chan struct{})
	if !k.queue(outgoing{flushed: k.flushed}) {
		return false
	}
	switch k.doing {
	case opNone:
		k.issue(op)
	case opRead:
		k.next = op
		k.tcp.SetReadDeadline(time.Unix(1, 0))
	}
	return true
}

// reported is called when the reader has done what it was told.
func (k *control) reported(h happened) {
	k.doing = opNone
	if h.conn != nil {
		k.conn = h.conn
	}
}

// goOn gives an idle reader its next operation.
func (k *control) goOn() {
	if k.doing != opNone {
		return
	}
	op := opRead
	if k.next != opNone {
		op, k.next = k.next, opNone
		k.tcp.SetReadDeadline(time.Time{})
	}
	k.issue(op)
}

// close sends what is queued, then FIN.
func (k *control) close() {
	if !k.closing {
		k.closing = true
		close(k.out)
	}
}

// abort resets the connection.
func (k *control) abort() {
	reset(k.tcp)
	k.close()
}

// read is the reader's goroutine.
func (k *control) read() {
	conn, buffer := k.conn, make([]byte, 4096)
	for {
		var op controlOp
		select {
		case op = <-k.ops:
		case <-k.c.ended:
			k.discard()
			return
		}
		h := happened{control: true}
		switch op {
		case opRead:
			h.in = readInput(conn, buffer)
		case opStartTLS:
			h = k.shakeHands()
		case opStopTLS:
			h = k.endTLS(conn)
		}
		if h.conn != nil {
			conn = h.conn
		}
		over := h.in.Kind == ftp.ControlEOF || h.in.Kind == ftp.ControlLost
		if !k.c.tell(h) || over {
			if !over {
				k.discard()
			}
			return
		}
	}
}

// readInput reads once. An interrupted read is no input: Timer, which says nothing.
func readInput(conn net.Conn, buffer []byte) ftp.Input {
	n, err := conn.Read(buffer)
	switch {
	case n > 0:
		return ftp.Input{Kind: ftp.ControlBytes, Bytes: buffer[:n]}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return ftp.Input{Kind: ftp.Timer}
	case errors.Is(err, io.EOF):
		return ftp.Input{Kind: ftp.ControlEOF}
	}
	return ftp.Input{Kind: ftp.ControlLost, Err: failureOf(err)}
}

// discard reads what the peer still sends, so that the close does not become a reset
// that takes our last reply with it.
func (k *control) discard() {
	k.tcp.SetReadDeadline(time.Now().Add(controlLinger))
	io.Copy(io.Discard, k.tcp)
}

// shakeHands puts TLS over the connection, when everything in clear was written.
func (k *control) shakeHands() happened {
	h := happened{control: true, in: ftp.Input{Kind: ftp.TLSFailed, Channel: ftp.Control}}
	select {
	case <-k.flushed:
	case <-k.c.ended:
		return h
	}
	k.records = &recordConn{Conn: k.tcp}
	conn := k.c.tls(k.records)
	if err := conn.Handshake(); err != nil {
		k.c.log.Info("TLS handshake failed", "channel", "control", "error", err)
		return h
	}
	h.in.Kind, h.conn = ftp.TLSUp, conn
	return h
}

// endTLS goes back to clear (CCC): our close_notify, the peer's, then plain bytes.
// Some clients, curl among them, do not send theirs.
func (k *control) endTLS(conn net.Conn) happened {
	h := happened{control: true, in: ftp.Input{Kind: ftp.Timer}, conn: k.tcp}
	select {
	case <-k.flushed:
	case <-k.c.ended:
		return h
	}
	secured, ok := conn.(*tls.Conn)
	if !ok {
		return h
	}
	secured.CloseWrite()
	k.records.ending = true
	io.Copy(io.Discard, secured)
	if plain := k.records.plain; plain != nil {
		h.conn = &prefixedConn{Conn: k.tcp, prefix: plain}
	}
	return h
}

// write is the writer's goroutine. When the queue is closed it ends our side of the
// connection.
func (k *control) write() {
	last, broken := k.tcp, false
	for o := range k.out {
		switch {
		case o.flushed != nil:
			close(o.flushed)
		case broken:
		default:
			last = o.conn
			if err := k.writeOne(o); err != nil {
				broken = true
				k.c.workers.Go(func() {
					k.c.tell(happened{in: ftp.Input{Kind: ftp.ControlLost, Err: failureOf(err)}})
				})
			}
		}
	}
	if secured, ok := last.(*tls.Conn); ok && !broken {
		secured.CloseWrite()
	}
	closeWrite(k.tcp)
	k.tcp.SetReadDeadline(time.Now().Add(controlLinger))
}

func (k *control) writeOne(o outgoing) error {
	k.tcp.SetWriteDeadline(time.Now().Add(controlWriteTimeout))
	if o.urgent && o.conn == k.tcp {
		return writeUrgent(k.tcp, o.bytes)
	}
	_, err := o.conn.Write(o.bytes)
	return err
}

// recordConn reads no further than the end of a TLS record, so that nothing that
// comes in clear after close_notify is swallowed by TLS's buffer (CCC).
type recordConn struct {
	net.Conn
	header [5]byte
	have   int // of the header
	left   int // of the record
	// ending looks at the first octet of every record: one that no record begins with
	// is the first of what comes in clear, and the end of TLS.
	ending bool
	plain  []byte
}

// Content types of TLS records (RFC 8446, section 5.1).
const (
	firstContentType = 20 // change_cipher_spec
	lastContentType  = 24 // heartbeat (RFC 6520)
)

// Read returns octets of one record at most.
func (r *recordConn) Read(b []byte) (int, error) {
	want := r.left
	if want == 0 {
		want = len(r.header) - r.have
	}
	if r.ending && r.left == 0 && r.have == 0 {
		want = 1
	}
	n, err := r.Conn.Read(b[:min(len(b), want)])
	if r.ending && r.left == 0 && r.have == 0 && n == 1 && (b[0] < firstContentType || b[0] > lastContentType) {
		r.plain = []byte{b[0]}
		return 0, io.EOF
	}
	if r.left > 0 {
		r.left -= n
		return n, err
	}
	r.have += copy(r.header[r.have:], b[:n])
	if r.have == len(r.header) {
		r.have, r.left = 0, int(binary.BigEndian.Uint16(r.header[3:]))
	}
	return n, err
}

// prefixedConn has octets that were read already.
type prefixedConn struct {
	net.Conn
	prefix []byte
}

// Read returns the prefix first.
func (p *prefixedConn) Read(b []byte) (int, error) {
	if len(p.prefix) > 0 {
		n := copy(b, p.prefix)
		p.prefix = p.prefix[n:]
		return n, nil
	}
	return p.Conn.Read(b)
}
