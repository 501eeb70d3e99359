package node

import (
	"net/netip"

	"ftplab/sim/event"
	"ftplab/sim/ftp"
	"ftplab/sim/tcp"
	"ftplab/sim/trace"
)

// none is a connection slot or session that is not there.
const none = -1

// ftpServer is the program that waits on the control port and starts a session for
// each connection.
type ftpServer struct {
	h        *Host
	me       uint32
	control  netip.AddrPort
	config   *ftp.ServerConfig
	files    ftp.FileSystem
	sessions uint16
}

// AddFTPServer runs an FTP server on a host from the beginning. It changes files when
// clients do.
func (w *World) AddFTPServer(node trace.NodeID, port uint16, config *ftp.ServerConfig, files ftp.FileSystem) {
	h := w.nodes[node].host
	s := &ftpServer{h: h, control: netip.AddrPortFrom(netip.Addr{}, port), config: config, files: files}
	s.me = h.add(s, 0)
}

func (s *ftpServer) start() { s.h.listen(listener{local: s.control, owner: s.me}) }

// opened hands an accepted control connection to a new session.
func (s *ftpServer) opened(slot uint32) {
	s.sessions++
	c := &s.h.conns[slot]
	m := &ftpMachine{
		h: s.h, server: true, session: s.sessions, control: int32(slot), data: none,
		machine: ftp.NewSession(s.config, s.files),
	}
	m.me = s.h.add(m, event.Never)
	c.owner, c.session = m.me, m.session
	m.socket(trace.OpAccept, ftp.Control, c.tuple, ftp.NoFailure)
	m.handle(ftp.Input{Kind: ftp.Start, Addr: c.tuple.remote, Local: c.tuple.local})
}

func (s *ftpServer) timer()                     {}
func (s *ftpServer) deadline() event.Time       { return event.Never }
func (s *ftpServer) failed(uint32, tcp.Failure) {}
func (s *ftpServer) received(uint32, []byte)    {}
func (s *ftpServer) ended(uint32)               {}
func (s *ftpServer) lost(uint32, tcp.Failure)   {}
func (s *ftpServer) room(uint32)                {}
func (s *ftpServer) flushed(uint32)             {}

// ftpMachine carries an ftp.Machine, a client or a server's session, over the
// host's connections.
type ftpMachine struct {
	h       *Host
	me      uint32
	machine ftp.Machine
	client  *ftp.Client // the same machine, if it is a client
	server  bool
	session uint16

	control, data int32       // slots; none if not open
	secure        [2]*secured // by channel; nil in clear
	listener      netip.AddrPort
	cause         trace.ID // what the machine heard last: the cause of its timers
	done          bool
}

// AddFTPClient runs an FTP client on a host from an instant on.
func (w *World) AddFTPClient(node trace.NodeID, begin event.Time, session uint16, config *ftp.ClientConfig) {
	h := w.nodes[node].host
	client := ftp.NewClient(config)
	m := &ftpMachine{h: h, machine: client, client: client, session: session, control: none, data: none}
	m.me = h.add(m, begin)
	w.waiting++
}

func (m *ftpMachine) start() { m.handle(ftp.Input{Kind: ftp.Start}); m.h.drain() }

func (m *ftpMachine) deadline() event.Time { return m.machine.Deadline() }

func (m *ftpMachine) timer() {
	m.h.w.rec.Cause = m.cause
	m.handle(ftp.Input{Kind: ftp.Timer})
}

func (m *ftpMachine) opened(slot uint32) {
	c := &m.h.conns[slot]
	in := ftp.Input{Kind: ftp.ControlUp, Addr: c.tuple.remote, Local: c.tuple.local}
	op := trace.OpConnected
	if int32(slot) != m.control && int32(slot) != m.data {
		// It came to the data listener.
		c.channel, c.session = ftp.Data, m.session
		op = trace.OpAccept
		if m.data != none {
			m.socket(op, ftp.Data, c.tuple, ftp.NoFailure)
			c.tcp.Abort(m.h.w.now) // one data connection at a time
			m.h.touch(slot)
			return
		}
		m.data = int32(slot)
	}
	if c.channel == ftp.Data {
		in.Kind = ftp.DataUp
	}
	m.socket(op, c.channel, c.tuple, ftp.NoFailure)
	m.handle(in)
}

func (m *ftpMachine) failed(slot uint32, failure tcp.Failure) {
	c := &m.h.conns[slot]
	kind := ftp.ControlFailed
	switch {
	case c.channel == ftp.Data && int32(slot) == m.data:
		kind, m.data, m.secure[ftp.Data] = ftp.DataFailed, none, nil
	case int32(slot) == m.control:
		m.control = none
	default:
		return // given up already, or never accepted
	}
	m.socket(trace.OpFailed, c.channel, c.tuple, failureOf(failure))
	m.handle(ftp.Input{Kind: kind, Addr: c.tuple.remote, Err: failureOf(failure)})
}

func (m *ftpMachine) received(slot uint32, data []byte) {
	switch int32(slot) {
	case m.control:
		m.hear(ftp.Control, data)
	case m.data:
		m.hear(ftp.Data, data)
	}
}

func (m *ftpMachine) ended(slot uint32) {
	switch int32(slot) {
	case m.control:
		m.handle(ftp.Input{Kind: ftp.ControlEOF})
	case m.data:
		if c := m.secure[ftp.Data]; c == nil || !c.EOF() { // else it is said already
			m.handle(ftp.Input{Kind: ftp.DataEOF})
		}
	}
}

func (m *ftpMachine) lost(slot uint32, failure tcp.Failure) {
	switch int32(slot) {
	case m.control:
		m.control = none
		m.handle(ftp.Input{Kind: ftp.ControlLost, Err: failureOf(failure)})
	case m.data:
		m.data, m.secure[ftp.Data] = none, nil
		m.handle(ftp.Input{Kind: ftp.DataLost, Err: failureOf(failure)})
	}
}

func (m *ftpMachine) room(slot uint32) {
	if int32(slot) == m.data {
		m.handle(ftp.Input{Kind: ftp.DataRoom})
	}
}

func (m *ftpMachine) flushed(slot uint32) {
	if int32(slot) == m.data {
		m.handle(ftp.Input{Kind: ftp.DataFlushed})
	}
}

// handle tells the machine what happened and does what it asks for.
func (m *ftpMachine) handle(in ftp.Input) {
	if m.done {
		return
	}
	m.cause = m.h.w.rec.Cause
	m.machine.Handle(m.h.w.now, in)
	for !m.done {
		e, ok := m.machine.Next()
		if !ok {
			break
		}
		m.do(&e)
	}
	m.h.armProgram(m.me)
}

// socket records what was done with a connection.
func (m *ftpMachine) socket(op trace.SocketOp, channel ftp.Channel, t tuple, failure ftp.Failure) {
	m.h.w.rec.Cause = m.h.w.rec.Body(m.h.w.now, m.h.id, trace.Socket{
		Op: op, Channel: channel, Session: m.session, Local: t.local, Remote: t.remote, Failure: failure,
	})
}

// failureOf names a transport's failure as FTP knows it.
func failureOf(f tcp.Failure) ftp.Failure {
	switch f {
	case tcp.NoFailure:
		return ftp.NoFailure
	case tcp.Refused:
		return ftp.Refused
	case tcp.RefusedICMP:
		return ftp.RefusedICMP
	case tcp.Unreachable:
		return ftp.Unreachable
	case tcp.TimedOut:
		return ftp.TimedOut
	case tcp.Reset:
		return ftp.Reset
	}
	return ftp.OtherFailure
}
