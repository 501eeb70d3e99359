package node

import (
	"ftplab/sim/ftp"
	"ftplab/sim/tls"
)

// startTLS begins a handshake on a channel. The server of the control connection is the
// TLS server on both (RFC 4217, section 7).
func (m *ftpMachine) startTLS(channel ftp.Channel) {
	c := tls.New(m.server, m.h.random)
	m.secure[channel] = c
	m.writeRaw(channel, c.Start())
}

// clear takes what arrived on a channel and returns what it says in clear; nil as long as
// it is only TLS's own.
func (m *ftpMachine) clear(channel ftp.Channel, data []byte) []byte {
	c := m.secure[channel]
	if c == nil {
		return data
	}
	wasUp := c.Up()
	plain, answer, err := c.Receive(data)
	m.writeRaw(channel, answer)
	switch {
	case err != nil:
		m.secure[channel] = nil
		m.handle(ftp.Input{Kind: ftp.TLSFailed, Channel: channel})
	case !wasUp && c.Up():
		m.handle(ftp.Input{Kind: ftp.TLSUp, Channel: channel})
	case c.EOF() && channel == ftp.Control:
		m.secure[channel] = nil // CCC: back to clear text
	}
	return plain
}

// opaque returns what must be written on a channel to say data.
func (m *ftpMachine) opaque(channel ftp.Channel, data []byte) []byte {
	if c := m.secure[channel]; c != nil {
		return c.Seal(data)
	}
	return data
}

// stopTLS ends TLS on a channel with a close_notify.
func (m *ftpMachine) stopTLS(channel ftp.Channel) {
	c := m.secure[channel]
	if c == nil || !c.Up() {
		return
	}
	m.writeRaw(channel, c.CloseNotify())
	m.secure[channel] = nil
}
