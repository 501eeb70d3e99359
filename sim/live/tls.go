package live

import (
	"crypto/tls"
	"errors"
	"io"
	"iter"
	"math/rand/v2"
	"net"
	"os"
	"time"

	"ftplab/sim"
	"ftplab/sim/ftp/ftpnet"
	simtls "ftplab/sim/tls"
)

// tlsEnds makes the simulated programs' ends of TLS connections, with crypto/tls, and
// keeps what they do: another time they would choose other keys.
type tlsEnds struct {
	server, client *tls.Config
	ends           []*tlsEnd
	recorders      []*simtls.Recorder
}

// newTLSEnds makes the certificate of the scenario's servers: it is for all names and
// addresses of the network. The clients take any.
func newTLSEnds(sc *sim.Scenario) (*tlsEnds, error) {
	var names []string
	for _, n := range sc.Nodes {
		names = append(names, n.Name)
		for _, f := range n.Interfaces {
			for _, p := range f.Prefixes {
				names = append(names, p.Addr().String())
			}
		}
	}
	certificate, err := ftpnet.SelfSigned(names, time.Now())
	if err != nil {
		return nil, err
	}
	return &tlsEnds{
		server: &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
		// Servers may want the data connection to resume the control connection's session.
		client: &tls.Config{
			InsecureSkipVerify: true, ServerName: "server", MinVersion: tls.VersionTLS12,
			ClientSessionCache: tls.NewLRUClientSessionCache(8),
		},
	}, nil
}

// start returns an end of a new connection.
func (t *tlsEnds) start(server bool, _ *rand.Rand) simtls.Endpoint {
	e := &tlsEnd{}
	if server {
		e.conn = tls.Server(&e.octets, t.server)
	} else {
		e.conn, e.speaksFirst = tls.Client(&e.octets, t.client), true
	}
	e.handshake, e.stop = iter.Pull(e.shakeHands)
	t.ends = append(t.ends, e)
	t.recorders = append(t.recorders, simtls.NewRecorder(e))
	return t.recorders[len(t.recorders)-1]
}

// tapes returns what the ends have done, in the order in which they were made.
func (t *tlsEnds) tapes() []simtls.Tape {
	var tapes []simtls.Tape
	for _, r := range t.recorders {
		tapes = append(tapes, r.Tape())
	}
	return tapes
}

// close gives up the handshakes that are not done.
func (t *tlsEnds) close() {
	for _, e := range t.ends {
		e.stop()
	}
}

// tlsEnd is an end of a connection of crypto/tls, as a state machine.
//
// A handshake of crypto/tls blocks until it is done, so it is a coroutine, which stops
// whenever it has taken all octets and wants more. Once the connection is up, reading is
// tried again with each octets that come: crypto/tls takes a deadline that has passed as
// no more than that.
type tlsEnd struct {
	conn        *tls.Conn
	octets      octets
	handshake   func() (struct{}, bool) // goes on; false if it is done
	stop        func()
	speaksFirst bool
	up          bool
	eof, closed bool // the peer has said close_notify; we have
	err         error
}

// shakeHands is the coroutine.
func (e *tlsEnd) shakeHands(wantMore func(struct{}) bool) {
	e.octets.await = func() bool { return wantMore(struct{}{}) }
	e.err = e.conn.Handshake()
	e.octets.await = nil
	e.up = e.err == nil
}

// Start returns the ClientHello, or nothing for a server.
func (e *tlsEnd) Start() []byte {
	if e.speaksFirst {
		e.handshake()
	}
	return e.octets.taken()
}

// Receive takes octets of the peer, as any Endpoint's.
func (e *tlsEnd) Receive(b []byte) (plain, answer []byte, err error) {
	e.octets.in = append(e.octets.in, b...)
	if !e.up {
		e.handshake()
	}
	if e.up && e.err == nil && !e.eof {
		plain = e.read()
	}
	if e.eof {
		plain = append(plain, e.octets.in...)
		e.octets.in = nil
	}
	return plain, e.octets.taken(), e.err
}

// read returns what the octets that have come say in clear.
func (e *tlsEnd) read() []byte {
	var plain []byte
	buffer := make([]byte, 16<<10) // what a record carries at most (RFC 8446, section 5.1)
	for {
		if e.closed && e.octets.isClear() {
			e.eof = true // a client that was asked to go back to clear and did so at once
			return plain
		}
		n, err := e.conn.Read(buffer)
		plain = append(plain, buffer[:n]...)
		switch {
		case err == nil:
		case errors.Is(err, os.ErrDeadlineExceeded):
			return plain
		case errors.Is(err, io.EOF):
			e.eof = true
			return plain
		default:
			e.err = err
			return plain
		}
	}
}

// Seal returns the records that carry b.
func (e *tlsEnd) Seal(b []byte) []byte {
	switch {
	case e.closed:
		return b
	case !e.up:
		return nil
	}
	if _, err := e.conn.Write(b); err != nil {
		e.err = err
	}
	return e.octets.taken()
}

// CloseNotify returns the record that says that nothing more will be sent under TLS.
func (e *tlsEnd) CloseNotify() []byte {
	if e.closed || !e.up {
		return nil
	}
	e.closed = true
	if err := e.conn.CloseWrite(); err != nil {
		e.err = err
	}
	return e.octets.taken()
}

// Up reports whether the handshake is done.
func (e *tlsEnd) Up() bool { return e.up }

// EOF reports whether the peer will send no more under TLS.
func (e *tlsEnd) EOF() bool { return e.eof }

// octets is the transport under a connection: what came and what is to be sent.
type octets struct {
	in, out []byte
	left    int         // of the record that is being read
	await   func() bool // waits for more to come; false if there will be none. nil: do not wait
}

// recordHeader is the length of a record's header, which ends with the length of the
// rest (RFC 8446, section 5.1).
const recordHeader = 5

// Read returns octets of one record at most, so that none are taken that come in clear
// after the last record.
func (o *octets) Read(b []byte) (int, error) {
	for len(o.in) == 0 || o.left == 0 && len(o.in) < recordHeader {
		if o.await == nil {
			return 0, os.ErrDeadlineExceeded
		}
		if !o.await() {
			o.await = nil
			return 0, net.ErrClosed
		}
	}
	if o.left == 0 {
		o.left = recordHeader + int(o.in[3])<<8 + int(o.in[4])
	}
	n := copy(b, o.in[:min(o.left, len(o.in))])
	o.in, o.left = o.in[n:], o.left-n
	return n, nil
}

// isClear reports whether what comes next is no record.
func (o *octets) isClear() bool { return o.left == 0 && len(o.in) > 0 && !simtls.IsRecord(o.in[0]) }

// Write keeps what is to be sent.
func (o *octets) Write(b []byte) (int, error) {
	o.out = append(o.out, b...)
	return len(b), nil
}

// taken returns what is to be sent, once.
func (o *octets) taken() []byte {
	b := o.out
	o.out = nil
	return b
}

// The rest of a net.Conn means nothing here.

func (o *octets) Close() error                     { return nil }
func (o *octets) LocalAddr() net.Addr              { return nil }
func (o *octets) RemoteAddr() net.Addr             { return nil }
func (o *octets) SetDeadline(time.Time) error      { return nil }
func (o *octets) SetReadDeadline(time.Time) error  { return nil }
func (o *octets) SetWriteDeadline(time.Time) error { return nil }
