package node

import (
	"net/netip"
	"strings"
	"time"

	"ftplab/sim/event"
	"ftplab/sim/ftp"
	"ftplab/sim/tcp"
	"ftplab/sim/trace"
)

// service is a TCP server that says its banner and listens to whatever comes.
type service struct {
	h      *Host
	me     uint32
	port   uint16
	banner []byte
}

// AddService runs a TCP service on a host from the beginning.
func (w *World) AddService(node trace.NodeID, port uint16, banner string) {
	h := w.nodes[node].host
	s := &service{h: h, port: port, banner: []byte(banner)}
	s.me = h.add(s, 0)
}

func (s *service) start() {
	s.h.listen(listener{local: netip.AddrPortFrom(netip.Addr{}, s.port), owner: s.me})
}

func (s *service) opened(slot uint32) {
	if len(s.banner) > 0 {
		s.h.conns[slot].tcp.Write(s.h.w.now, s.banner, s.h.w.rec.Blob(s.banner))
	}
}

func (s *service) ended(slot uint32)          { s.h.conns[slot].tcp.Close(s.h.w.now) }
func (s *service) timer()                     {}
func (s *service) deadline() event.Time       { return event.Never }
func (s *service) failed(uint32, tcp.Failure) {}
func (s *service) received(uint32, []byte)    {}
func (s *service) lost(uint32, tcp.Failure)   {}
func (s *service) room(uint32)                {}
func (s *service) flushed(uint32)             {}

// Probe is one attempt to open a TCP connection, as a port scanner makes it.
type Probe struct {
	Local   netip.AddrPort // port 0: ephemeral
	Target  netip.AddrPort
	Timeout time.Duration // after which the port counts as filtered
}

// bannerWait is how long a probe that got through waits for the service to speak.
const bannerWait = 500 * time.Millisecond

// probe is the program that makes a Probe.
type probe struct {
	h      *Host
	me     uint32
	config Probe
	slot   int32
	due    event.Time
	result trace.Probe
	done   bool
}

// AddProbe makes a probe from a host at an instant.
func (w *World) AddProbe(node trace.NodeID, begin event.Time, config Probe) {
	p := &probe{h: w.nodes[node].host, config: config, slot: none, due: event.Never}
	p.me = p.h.add(p, begin)
	w.waiting++
}

func (p *probe) start() {
	p.due = p.h.w.now.Add(p.config.Timeout)
	p.result.From, p.result.To = p.config.Local, p.config.Target
	slot, failure := p.h.dial(p.config.Local, p.config.Target, p.me)
	if failure != ftp.NoFailure {
		p.end(failure)
		return
	}
	p.slot = int32(slot)
	p.result.From = p.h.conns[slot].tuple.local
	p.h.armProgram(p.me)
	p.h.drain()
}

func (p *probe) deadline() event.Time { return p.due }

func (p *probe) timer() {
	failure := ftp.TimedOut
	if p.result.Open {
		failure = ftp.NoFailure
	}
	p.end(failure)
}

func (p *probe) opened(uint32) {
	p.result.Open = true
	p.due = p.h.w.now.Add(bannerWait)
	p.h.armProgram(p.me)
}

func (p *probe) received(_ uint32, data []byte) {
	p.result.Banner += strings.ToValidUTF8(string(data), ".")
	p.end(ftp.NoFailure)
}

func (p *probe) failed(_ uint32, f tcp.Failure) { p.end(failureOf(f)) }
func (p *probe) lost(_ uint32, f tcp.Failure)   { p.end(failureOf(f)) }
func (p *probe) ended(uint32)                   { p.end(ftp.NoFailure) }
func (p *probe) room(uint32)                    {}
func (p *probe) flushed(uint32)                 {}

// end records the result, once, and resets the connection as a scanner does.
func (p *probe) end(failure ftp.Failure) {
	if p.done {
		return
	}
	p.done, p.due = true, event.Never
	p.result.Failure = failure
	w := p.h.w
	w.rec.Cause = w.rec.Body(w.now, p.h.id, p.result)
	if p.slot != none && p.h.conns[p.slot].tcp != nil {
		p.h.conns[p.slot].tcp.Abort(w.now)
		p.h.touch(uint32(p.slot))
	}
	w.finished()
}
