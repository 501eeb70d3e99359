package node

import (
	"math/rand/v2"

	"ftplab/sim/ftp"
	"ftplab/sim/tls"
)

// secured is TLS on a channel.
type secured struct {
	tls.Endpoint
	hello  []byte  // the first octets of the TLS client
	secret *secret // nil as long as the other end is not known to be real
}

// UseTLS has the programs of simulated hosts use TLS of another kind than tls.Conn.
// Random is the host's.
func (w *World) UseTLS(start func(server bool, random *rand.Rand) tls.Endpoint) { w.newTLS = start }

// startTLS begins a handshake on a channel, on which early has come already. The server
// of the control connection is the TLS server on both (RFC 4217, section 7).
func (m *ftpMachine) startTLS(channel ftp.Channel, early []byte) {
	c := &secured{Endpoint: m.h.w.newTLS(m.server, m.h.random)}
	m.secure[channel] = c
	hello := c.Start()
	c.recognize(m.h.w, hello)
	m.writeSecured(channel, hello, nil)
	if len(early) > 0 {
		m.hear(channel, early)
	}
}

// hear takes what arrived on a channel and tells the machine what it says in clear:
// nothing as long as it is only TLS's own.
func (m *ftpMachine) hear(channel ftp.Channel, data []byte) {
	c := m.secure[channel]
	if c == nil {
		m.handle(ftp.Input{Kind: bytesOn(channel), Bytes: data})
		return
	}
	wasUp, wasEOF := c.Up(), c.EOF()
	if m.server {
		c.recognize(m.h.w, data)
	}
	plain, answer, err := c.Receive(data)
	m.writeSecured(channel, answer, nil)
	if !wasUp && c.Up() {
		m.handle(ftp.Input{Kind: ftp.TLSUp, Channel: channel})
	}
	if len(plain) > 0 {
		c.secret.opened(plain)
		m.handle(ftp.Input{Kind: bytesOn(channel), Bytes: plain})
	}
	switch {
	case m.secure[channel] != c:
		// The machine has ended the connection meanwhile.
	case err != nil:
		m.breakTLS(channel, c.Up())
	case !c.EOF() || wasEOF:
	case channel == ftp.Control:
		m.stopTLS(channel) // CCC, or the end
	default:
		m.handle(ftp.Input{Kind: ftp.DataEOF})
	}
}

// bytesOn is the kind of input that octets on a channel are.
func bytesOn(channel ftp.Channel) ftp.InputKind {
	if channel == ftp.Data {
		return ftp.DataBytes
	}
	return ftp.ControlBytes
}

// breakTLS gives up a channel on which something else came than TLS.
func (m *ftpMachine) breakTLS(channel ftp.Channel, wasUp bool) {
	m.secure[channel] = nil
	switch {
	case !wasUp:
		m.handle(ftp.Input{Kind: ftp.TLSFailed, Channel: channel})
	case channel == ftp.Data:
		m.endData(ftp.AbortData)
		m.handle(ftp.Input{Kind: ftp.DataLost, Err: ftp.OtherFailure})
	default:
		m.endControl(ftp.AbortControl)
		m.handle(ftp.Input{Kind: ftp.ControlLost, Err: ftp.OtherFailure})
	}
}

// write says data on a channel, under TLS if there is TLS on it.
func (m *ftpMachine) write(channel ftp.Channel, data []byte) {
	if c := m.secure[channel]; c != nil {
		m.writeSecured(channel, c.Seal(data), data)
		return
	}
	m.writeRaw(channel, data)
}

// writeSecured puts octets of TLS on a connection, which say plain.
func (m *ftpMachine) writeSecured(channel ftp.Channel, data, plain []byte) {
	m.writeRaw(channel, data)
	m.secure[channel].secret.sealed(len(data), plain)
}

// stopTLS ends TLS on a channel with a close_notify. What the peer still says under TLS
// is understood.
func (m *ftpMachine) stopTLS(channel ftp.Channel) {
	if c := m.secure[channel]; c != nil {
		m.writeSecured(channel, c.CloseNotify(), nil)
	}
}
