package node

import (
	"net/netip"

	"ftplab/sim/ftp"
	"ftplab/sim/tcp"
	"ftplab/sim/trace"
)

// realSession is a control connection of a real host with its data connections.
type realSession struct {
	number   uint16
	server   bool          // the host is the server's
	onlooker *ftp.Onlooker // nil once the program has ended
	control  *sighting
	cause    trace.ID // the last note
	// announced is the address that PORT, EPRT, 227 or 229 said last, and the note of it.
	announced netip.AddrPort
	said      trace.ID
}

// classify says what a new connection is: a control connection by its port, a data
// connection of the session that announced its address, or else of the last session
// with the same peer. The recorder's cause is then what made the program open it.
func (r *Real) classify(s *sighting) {
	far, near := s.tuple.remote, s.tuple.local
	if s.dialled && far.Port() == r.config.ControlPort || !s.dialled && near.Port() == r.config.ControlPort {
		s.session = &realSession{
			number: uint16(len(r.sessions) + 1), server: !s.dialled, onlooker: ftp.NewOnlooker(!s.dialled), control: s,
			cause: r.w.rec.Cause,
		}
		r.sessions = append(r.sessions, s.session)
		return
	}
	listener := near
	if s.dialled {
		listener = far
	}
	for i := len(r.sessions) - 1; i >= 0; i-- {
		session := r.sessions[i]
		if session.isOver() || session.control.tuple.remote.Addr() != far.Addr() && session.announced != listener {
			continue
		}
		if s.session == nil || session.announced.Port() == listener.Port() {
			s.session, s.channel = session, ftp.Data
		}
		if session.announced.Port() == listener.Port() {
			break
		}
	}
	if s.dialled && s.session != nil && s.session.said != 0 {
		r.w.rec.Cause = s.session.said
	}
}

func (s *realSession) isOver() bool {
	state := s.control.tcp.State()
	return state == tcp.Closed || state == tcp.TimeWait
}

// pump records what the session's onlooker has noted.
func (r *Real) pump(s *realSession) {
	for {
		e, ok := s.onlooker.Next()
		if !ok {
			return
		}
		if e.Note == ftp.AddressAnnounced {
			e.Addr = s.whole(e.Addr)
			r.note(s.number, e)
			s.announced, s.said = e.Addr, r.cause
		} else {
			r.note(s.number, e)
		}
		s.cause = r.cause
	}
}

// whole adds to the port of a 229 the host that it goes without saying: the server.
func (s *realSession) whole(a netip.AddrPort) netip.AddrPort {
	if a.Addr().IsValid() {
		return a
	}
	host := s.control.tuple.remote.Addr()
	if s.server {
		host = s.control.tuple.local.Addr()
	}
	return netip.AddrPortFrom(host, a.Port())
}
