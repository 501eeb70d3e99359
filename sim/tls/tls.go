// Package tls is the outside of a TLS 1.3 connection (RFC 8446): records and a
// handshake that look right on the wire, and whose contents a firewall cannot read.
//
// It protects nothing. A run must give the same bytes on every machine, which the real
// crypto/tls does not promise, so the key is derived from the two random numbers in the
// hellos, and only the octets' opacity is real. What is served on real sockets
// (package ftpnet) and to real programs (package live) speaks the real TLS; what that
// did in a run is kept on a Tape, so that the run can be repeated.
package tls

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math/rand/v2"
)

// The content types of records (RFC 8446, section 5.1).
const (
	changeCipherSpec = 20
	alert            = 21
	handshake        = 22
	applicationData  = 23
	heartbeat        = 24
)

const (
	maxPlaintext  = 1 << 14
	maxCiphertext = maxPlaintext + 256
	overhead      = 17 // the inner content type and the tag of AES-128-GCM
	finishedSize  = 36 // a Finished message with SHA-256
	// flightSize is about what EncryptedExtensions, a certificate with its signature, and
	// Finished take.
	flightSize = 1130
)

// ErrBroken says that what arrived is not what a TLS peer would send.
var ErrBroken = errors.New("tls: unexpected record")

// Conn is an Endpoint that is the same in every run with the same random numbers.
type Conn struct {
	server  bool
	random  *rand.Rand
	state   state
	inbox   []byte // an incomplete record
	session [32]byte
	hello   [2][32]byte // the client's and the server's random
	in, out *rand.ChaCha8
	eof     bool // the peer has said close_notify
	closed  bool // we have
}

type state uint8

const (
	waitHello state = iota
	waitServerFlight
	waitFinished
	up
)

// New returns an end of a connection. The server's waits for the client's hello. Random
// makes what a real end would choose.
func New(server bool, random *rand.Rand) *Conn { return &Conn{server: server, random: random} }

// Up reports whether the handshake is done.
func (c *Conn) Up() bool { return c.state == up }

// EOF reports whether the peer said that it will send no more under TLS.
func (c *Conn) EOF() bool { return c.eof }

// Start returns what the client sends first; nothing for a server.
func (c *Conn) Start() []byte {
	if c.server {
		return nil
	}
	fill(c.random, c.hello[0][:])
	fill(c.random, c.session[:])
	c.state = waitHello
	return record(nil, handshake, 0x0301, clientHello(c.hello[0], c.session, c.random))
}

// Receive takes octets from the peer. It returns what they say in clear, and what must
// be sent in answer.
func (c *Conn) Receive(b []byte) (plain, answer []byte, err error) {
	c.inbox = append(c.inbox, b...)
	for {
		// Who is asked to go back to clear may do so without a close_notify.
		c.eof = c.eof || c.closed && len(c.inbox) > 0 && !IsRecord(c.inbox[0])
		if c.eof {
			plain = append(plain, c.inbox...)
			c.inbox = nil
			return plain, answer, nil
		}
		kind, body, rest, ok := cut(c.inbox)
		if !ok {
			if len(c.inbox) >= 5 && int(binary.BigEndian.Uint16(c.inbox[3:])) > maxCiphertext {
				return plain, answer, ErrBroken
			}
			return plain, answer, nil
		}
		opened, sent, err := c.take(kind, body)
		plain, answer = append(plain, opened...), append(answer, sent...)
		c.inbox = rest
		if err != nil {
			return plain, answer, err
		}
	}
}

// take handles one record.
func (c *Conn) take(kind byte, body []byte) (plain, answer []byte, err error) {
	switch {
	case kind == changeCipherSpec:
		return nil, nil, nil // for the sake of middleboxes only (RFC 8446, D.4)
	case c.state == waitHello && kind == handshake && c.server:
		return nil, c.serverFlight(body), c.checkHello(body, 1)
	case c.state == waitHello && kind == handshake:
		if err := c.checkHello(body, 2); err != nil {
			return nil, nil, err
		}
		copy(c.hello[1][:], body[6:38])
		c.deriveKeys()
		c.state = waitServerFlight
		return nil, nil, nil
	case kind != applicationData || c.state == waitHello:
		return nil, nil, ErrBroken
	}
	inner, content, err := c.open(body)
	if err != nil {
		return nil, nil, err
	}
	switch c.state {
	case waitServerFlight:
		c.state = up
		answer = record(nil, changeCipherSpec, 0x0303, []byte{1})
		return nil, append(answer, c.seal(inner[:0], make([]byte, finishedSize), handshake)...), nil
	case waitFinished:
		c.state = up
		return nil, nil, nil
	}
	if content == alert {
		c.eof = true
		return nil, nil, nil
	}
	return inner, nil, nil
}

func (c *Conn) checkHello(body []byte, kind byte) error {
	if len(body) < 71 || body[0] != kind {
		return ErrBroken
	}
	return nil
}

// serverFlight answers a ClientHello: ServerHello, and the rest of the handshake in one
// opaque record.
func (c *Conn) serverFlight(client []byte) []byte {
	if c.checkHello(client, 1) != nil {
		return nil
	}
	copy(c.hello[0][:], client[6:38])
	copy(c.session[:], client[39:71])
	fill(c.random, c.hello[1][:])
	c.deriveKeys()
	c.state = waitFinished
	flight := record(nil, handshake, 0x0303, serverHello(c.hello[1], c.session, c.random))
	flight = record(flight, changeCipherSpec, 0x0303, []byte{1})
	return append(flight, c.seal(nil, make([]byte, flightSize), handshake)...)
}

// deriveKeys makes a stream for each direction of the two randoms.
func (c *Conn) deriveKeys() {
	stream := func(label string) *rand.ChaCha8 {
		sum := sha256.New()
		sum.Write([]byte(label))
		sum.Write(c.hello[0][:])
		sum.Write(c.hello[1][:])
		return rand.NewChaCha8([32]byte(sum.Sum(nil)))
	}
	c.out, c.in = stream("client"), stream("server")
	if c.server {
		c.out, c.in = c.in, c.out
	}
}

// Seal returns the records that carry b.
func (c *Conn) Seal(b []byte) []byte {
	if c.closed {
		return b
	}
	if !c.Up() {
		return nil
	}
	var out []byte
	for len(b) > 0 {
		n := min(len(b), maxPlaintext)
		out = c.seal(out, b[:n], applicationData)
		b = b[n:]
	}
	return out
}

// CloseNotify returns the record that says that nothing more will be sent under TLS.
func (c *Conn) CloseNotify() []byte {
	if c.closed || !c.Up() {
		return nil
	}
	c.closed = true
	return c.seal(nil, []byte{1, 0}, alert)
}

// seal appends a record with the octets of plain and their content type, made opaque.
func (c *Conn) seal(out, plain []byte, content byte) []byte {
	body := make([]byte, len(plain)+overhead)
	copy(body, plain)
	body[len(plain)] = content
	scramble(c.out, body)
	return record(out, applicationData, 0x0303, body)
}

// open undoes seal.
func (c *Conn) open(body []byte) (plain []byte, content byte, err error) {
	if len(body) < overhead {
		return nil, 0, ErrBroken
	}
	b := append([]byte(nil), body...)
	scramble(c.in, b)
	n := len(b) - overhead
	for _, zero := range b[n+1:] {
		if zero != 0 {
			return nil, 0, ErrBroken
		}
	}
	return b[:n], b[n], nil
}

func scramble(stream *rand.ChaCha8, b []byte) {
	key := make([]byte, len(b))
	_, _ = stream.Read(key) // never fails
	for i := range b {
		b[i] ^= key[i]
	}
}

func fill(r *rand.Rand, b []byte) {
	for i := range b {
		b[i] = byte(r.Uint32())
	}
}

// cut takes a whole record off the front of b.
func cut(b []byte) (kind byte, body, rest []byte, ok bool) {
	if len(b) < 5 {
		return 0, nil, b, false
	}
	n := int(binary.BigEndian.Uint16(b[3:]))
	if n > maxCiphertext || len(b) < 5+n {
		return 0, nil, b, false
	}
	return b[0], b[5 : 5+n], b[5+n:], true
}

// record appends a record.
func record(out []byte, kind byte, version uint16, body []byte) []byte {
	out = append(out, kind)
	out = binary.BigEndian.AppendUint16(out, version)
	out = binary.BigEndian.AppendUint16(out, uint16(len(body)))
	return append(out, body...)
}
