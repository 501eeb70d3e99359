package node

import (
	"ftplab/sim/event"
	"ftplab/sim/firewall"
	"ftplab/sim/ftp"
	"ftplab/sim/tcp"
	"ftplab/sim/trace"
	"ftplab/sim/wire"
)

// Real is a host that is not simulated: a real system whose packets come from outside
// (World.Inject) and that is handed those which arrive (World.Delivered). What happens
// in it is not known; what its packets show of it is recorded as if it were, and what
// they say under TLS as the simulated end understands it.
type Real struct {
	w      *World
	id     trace.NodeID
	config RealConfig
	out    []int32 // by interface: the direction that leaves through it, -1 for none

	conns    map[tuple]*sighting // never iterated
	sessions []*realSession
	// cause is the last event that was recorded here: the cause of what has no other.
	cause trace.ID
}

// RealConfig describes a real host.
type RealConfig struct {
	Interfaces []firewall.Interface
	Routes     []firewall.Route
	// ControlPort is the port of FTP's control connections.
	ControlPort uint16
	// Program is what a person started there: "curl ftp://192.168.10.1/".
	Program string
	// OnlyClient says that no other host has a client: what comes of the run is what comes
	// of the program.
	OnlyClient bool
}

// Delivery is a packet that came to a real host.
type Delivery struct {
	Node   trace.NodeID
	Packet wire.Packet
}

// AddReal adds a real host and returns its number, as AddHost does. A world with one
// goes on until the instant that Run is given.
func (w *World) AddReal(config RealConfig) trace.NodeID {
	r := &Real{
		w: w, id: trace.NodeID(len(w.nodes)), config: config, out: noLinks(len(config.Interfaces)),
		conns: map[tuple]*sighting{},
	}
	w.nodes = append(w.nodes, endpoint{real: r})
	_, _ = w.random.Uint64(), w.random.Uint64() // so that the other nodes choose as beside a simulated host
	w.busy++
	w.waiting++
	w.real++
	return r.id
}

// Inject has a real host send a packet at an instant, which must not be before Now. It
// reports whether the host has a way for the packet; the others are nobody's business:
// neighbour discovery, multicast.
func (w *World) Inject(now event.Time, id trace.NodeID, p *wire.Packet) bool {
	r := w.nodes[id].real
	i, ok := routeOf(r.config.Interfaces, r.config.Routes, p.Dst)
	if !ok || r.out[i] < 0 || p.Dst.IsMulticast() || !ownedBy(r.config.Interfaces, p.Src) {
		return false
	}
	w.now = now
	w.rec.Cause = r.cause
	r.sends(p)
	p.Serial = 0
	if len(p.Payload) > 0 {
		p.Blob, p.BlobOffset = w.rec.Blob(p.Payload), 0
	}
	r.sent(p, w.transmit(id, trace.LinkID(r.out[i]), p, tcp.Fresh))
	return true
}

// EndProgram records that the program of a real host has ended, in the words of text,
// and what came of its sessions.
func (w *World) EndProgram(now event.Time, id trace.NodeID, text string) {
	w.now = now
	r := w.nodes[id].real
	w.rec.Cause = r.cause
	r.note(0, ftp.Effect{Note: ftp.UserAction, Text: text})
	if r.config.OnlyClient && len(r.sessions) == 0 {
		w.rec.Body(now, id, trace.Ended{Result: ftp.Result{Outcome: ftp.OutcomeNoSession, Phase: ftp.PhaseControlConnect, FailAfter: -1}})
	}
	for _, s := range r.sessions {
		if s.onlooker == nil {
			continue
		}
		w.rec.Cause = s.cause
		w.rec.Body(now, id, trace.Ended{Session: s.number, Result: *s.onlooker.Result(now)})
		s.onlooker = nil
	}
}

// Delivered returns the packets that came to real hosts since it was asked last.
func (w *World) Delivered() []Delivery {
	d := w.delivered
	w.delivered = w.delivered[len(w.delivered):]
	return d
}

// receive takes a packet off a link.
func (r *Real) receive(p *wire.Packet) {
	r.cause = r.w.rec.Cause
	if !ownedBy(r.config.Interfaces, p.Dst) {
		return
	}
	r.w.delivered = append(r.w.delivered, Delivery{r.id, *p})
	r.receives(p)
}

// begin records what the person started, once, when the first packet shows it.
func (r *Real) begin() {
	if r.cause == 0 && r.config.Program != "" {
		r.note(0, ftp.Effect{Note: ftp.UserAction, Text: r.config.Program})
	}
}

// note records a note; it is the cause of what follows.
func (r *Real) note(session uint16, e ftp.Effect) {
	w := r.w
	w.rec.Cause = w.rec.Body(w.now, r.id, trace.FTP{
		Session: session, Server: r.isServer(session), Note: e.Note, Text: e.Text, Code: e.Code, Addr: e.Addr, Count: e.Count,
	})
	r.cause = w.rec.Cause
}

func (r *Real) isServer(session uint16) bool {
	return session > 0 && r.sessions[session-1].server
}
