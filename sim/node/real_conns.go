package node

import (
	"ftplab/sim/ftp"
	"ftplab/sim/tcp"
	"ftplab/sim/trace"
	"ftplab/sim/wire"
)

// sighting is a TCP connection of a real host, as far as its packets show it.
type sighting struct {
	tuple   tuple
	tcp     *tcp.Onlooker
	state   tcp.State // as last recorded
	session *realSession
	channel ftp.Channel
	dialled bool
	cause   trace.ID // its last event

	hello        []byte  // the TLS client's first octets
	secret       *secret // nil as long as they have not come
	cameUnderTLS int64   // octets

	isUp, toldLeft, toldEOF, toldEnd bool
}

// sends notes what a packet that the host is about to send shows. Afterwards the
// recorder's cause is that of the packet.
func (r *Real) sends(p *wire.Packet) {
	r.begin()
	if p.Protocol != wire.TCP || p.IsFragment() {
		return
	}
	s := r.sighting(tuple{p.SrcEndpoint(), p.DstEndpoint()}, p, true)
	if s == nil {
		return
	}
	r.w.rec.Cause = s.cause
	wasFlushed := s.tcp.Flushed()
	fresh := s.tcp.Sent(p)
	switch {
	case s.onlooker() == nil || len(fresh) == 0:
	case s.isSecret():
		r.underTLS(s, fresh, true)
	default:
		if s.channel == ftp.Control {
			r.w.rec.Cause = s.session.cause
		}
		s.onlooker().Wrote(r.w.now, s.channel, fresh)
		r.pump(s.session)
	}
	r.tellLeft(s, p)
	r.follow(s, wasFlushed)
}

// tellLeft tells the session, once, that the program has closed the control connection, or
// has broken off either: the system sends RST when it will not hear the rest.
func (r *Real) tellLeft(s *sighting, p *wire.Packet) {
	o := s.onlooker()
	leaves := p.Flags&wire.RST != 0 || p.Flags&wire.FIN != 0 && s.channel == ftp.Control
	if o == nil || !leaves || s.toldLeft {
		return
	}
	s.toldLeft = true
	s.toldEnd = s.toldEnd || s.isUp && p.Flags&wire.RST != 0 // nothing has happened to the program
	o.Left(r.w.now, s.channel)
}

// sent remembers the event of a packet that the host sent.
func (r *Real) sent(p *wire.Packet, id trace.ID) {
	r.cause = id
	if s := r.conns[tuple{p.SrcEndpoint(), p.DstEndpoint()}]; s != nil && p.Protocol == wire.TCP {
		s.cause = id
	}
}

// receives notes what a packet that came to the host shows.
func (r *Real) receives(p *wire.Packet) {
	switch {
	case p.IsFragment() || p.BadChecksum:
	case p.Protocol == wire.TCP:
		s := r.sighting(tuple{p.DstEndpoint(), p.SrcEndpoint()}, p, false)
		if s == nil {
			return
		}
		s.cause = r.w.rec.Cause
		wasFlushed := s.tcp.Flushed()
		s.tcp.Received(p)
		r.follow(s, wasFlushed)
	case p.Protocol == wire.ICMP || p.Protocol == wire.ICMPv6:
		r.receivesICMP(p)
	}
}

func (r *Real) receivesICMP(p *wire.Packet) {
	inner, err := wire.ParseQuote(p.Payload)
	if err != nil || inner.Protocol != wire.TCP {
		return
	}
	if s := r.conns[tuple{inner.SrcEndpoint(), inner.DstEndpoint()}]; s != nil {
		s.cause = r.w.rec.Cause
		s.tcp.ReceivedICMP(tcp.ICMPErrorOf(p), inner.Seq)
		r.follow(s, s.tcp.Flushed())
	}
}

// sighting finds a packet's connection, or begins one if it is a SYN; nil if it belongs
// to none.
func (r *Real) sighting(key tuple, p *wire.Packet, sent bool) *sighting {
	s := r.conns[key]
	isNew := p.Flags&(wire.SYN|wire.ACK|wire.RST) == wire.SYN
	over := s != nil && (s.tcp.State() == tcp.Closed || s.tcp.State() == tcp.TimeWait)
	if s != nil && (!over || !isNew) {
		return s
	}
	if !isNew {
		return nil
	}
	s = &sighting{tuple: key, tcp: tcp.NewOnlooker(p, sent), dialled: sent, cause: r.w.rec.Cause}
	r.conns[key] = s
	r.classify(s)
	if sent {
		r.socket(s, trace.OpDial, ftp.NoFailure)
		s.cause = r.w.rec.Cause
	}
	if s.session != nil {
		r.opens(s)
	}
	return s
}

// opens tells the session that a connection of it begins.
func (r *Real) opens(s *sighting) {
	switch {
	case s.onlooker() == nil:
		return
	case s.channel == ftp.Control:
		s.onlooker().Begin(r.w.now)
	case s.dialled:
		s.onlooker().Dialled(r.w.now)
	}
	r.pump(s.session)
}

// follow records what has become of a connection and tells its session, in the order in
// which a program would find it out.
func (r *Real) follow(s *sighting, wasFlushed bool) {
	r.noteState(s)
	if !s.isUp && established(s.tcp.State()) {
		s.isUp = true
		op := trace.OpAccept
		if s.dialled {
			op = trace.OpConnected
		}
		r.socket(s, op, ftp.NoFailure)
		r.tell(s, ftp.ControlUp, ftp.DataUp, nil)
	}
	for b, ok := s.tcp.Read(); ok; b, ok = s.tcp.Read() {
		if s.isSecret() {
			r.underTLS(s, b, false)
		} else {
			r.tell(s, ftp.ControlBytes, ftp.DataBytes, b)
		}
	}
	if s.tcp.EOF() && !s.toldEOF {
		s.toldEOF = true
		r.tell(s, ftp.ControlEOF, ftp.DataEOF, nil)
	}
	if s.tcp.Flushed() && !wasFlushed && s.channel == ftp.Data {
		r.tell(s, ftp.DataFlushed, ftp.DataFlushed, nil)
	}
	r.tellEnd(s)
}

// tellEnd tells the session, once, that a connection failed or broke.
func (r *Real) tellEnd(s *sighting) {
	why := s.tcp.Err()
	if s.toldEnd || s.tcp.State() != tcp.Closed || why == tcp.NoFailure {
		return
	}
	s.toldEnd = true
	if s.isUp {
		r.tell(s, ftp.ControlLost, ftp.DataLost, nil)
		return
	}
	r.socket(s, trace.OpFailed, failureOf(why))
	r.tell(s, ftp.ControlFailed, ftp.DataFailed, nil)
}

// tell hands an input to the session: one of two kinds, by channel.
func (r *Real) tell(s *sighting, control, data ftp.InputKind, b []byte) {
	o := s.onlooker()
	if o == nil {
		return
	}
	kind := control
	if s.channel == ftp.Data {
		kind = data
	}
	o.Handle(r.w.now, ftp.Input{Kind: kind, Bytes: b, Addr: s.tuple.remote, Local: s.tuple.local, Err: failureOf(s.tcp.Err())})
	r.pump(s.session)
}

func (r *Real) noteState(s *sighting) {
	to := s.tcp.State()
	if to == s.state {
		return
	}
	r.w.rec.Body(r.w.now, r.id, trace.TCP{
		Local: s.tuple.local, Remote: s.tuple.remote, Channel: s.channel, Session: s.number(),
		From: s.state, To: to, Failure: s.tcp.Err(),
	})
	s.state = to
}

func (r *Real) socket(s *sighting, op trace.SocketOp, failure ftp.Failure) {
	r.w.rec.Cause = r.w.rec.Body(r.w.now, r.id, trace.Socket{
		Op: op, Channel: s.channel, Session: s.number(), Local: s.tuple.local, Remote: s.tuple.remote, Failure: failure,
	})
}

func (s *sighting) number() uint16 {
	if s.session == nil {
		return 0
	}
	return s.session.number
}

// onlooker returns that of the session, nil if there is none any more.
func (s *sighting) onlooker() *ftp.Onlooker {
	if s.session == nil {
		return nil
	}
	return s.session.onlooker
}
