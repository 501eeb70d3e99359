package tls

// Endpoint is one end of a TLS connection, without I/O: what is to be sent is returned.
// It stands between the octets of a transport and those of a program from the first of
// the handshake on; after close_notify each direction goes on in clear (RFC 4217,
// section 6.3, has a use for that: CCC).
//
// There are three: Conn, which only looks like TLS and is the same in every run; the
// real one of package live; and Player, which repeats what another one did.
type Endpoint interface {
	// Start returns what the client sends first; nothing for a server.
	Start() []byte
	// Receive takes octets from the peer, and keeps none of them. It returns what they
	// say in clear, which is the caller's, and what must be sent in answer, even with an
	// error. After an error the connection is of no use any more.
	Receive(b []byte) (plain, answer []byte, err error)
	// Seal returns the records that carry b; nothing before the handshake is done.
	Seal(b []byte) []byte
	// CloseNotify returns the record that says that nothing more will be sent under
	// TLS; nothing before the handshake is done, or the second time.
	CloseNotify() []byte
	// Up reports whether the handshake is done.
	Up() bool
	// EOF reports whether the peer said that it will send no more under TLS
	// (close_notify).
	EOF() bool
}

// IsRecord reports whether a record can begin with an octet: whether it is a content
// type (RFC 8446, section 5.1; RFC 6520). No line of FTP begins with one.
func IsRecord(first byte) bool { return changeCipherSpec <= first && first <= heartbeat }
