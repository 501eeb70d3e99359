package node

import (
	"math/rand/v2"
	"net/netip"

	"ftplab/sim/event"
	"ftplab/sim/firewall"
	"ftplab/sim/ftp"
	"ftplab/sim/tcp"
	"ftplab/sim/trace"
	"ftplab/sim/wire"
)

// HostConfig describes a host.
type HostConfig struct {
	Interfaces []firewall.Interface
	Routes     []firewall.Route // connected networks need none
	TCP        tcp.Config
}

// Host is an end system: TCP endpoints, listeners, and the programs that use them.
type Host struct {
	w      *World
	id     trace.NodeID
	config HostConfig
	out    []int32 // by interface: the direction that leaves through it, -1 for none
	random *rand.Rand

	conns     []conn // slots; a free one has no tcp
	free      []uint32
	byTuple   map[tuple]uint32 // an index beside conns, never iterated
	lastTuple tuple            // of the packet before: bulk data comes in runs
	lastConn  uint32
	listeners []listener
	programs  []program
	timers    []event.Time // by program: when its timer item is due

	dirty []uint32 // connections to settle
	ipID  uint16
}

// tuple names a connection on its host.
type tuple struct{ local, remote netip.AddrPort }

// listener waits for connections to local; an invalid address means any.
type listener struct {
	local   netip.AddrPort
	owner   uint32 // program
	channel ftp.Channel
	session uint16
	open    bool
}

// program is what runs on a host and uses its connections, by slot.
type program interface {
	start()
	timer()
	deadline() event.Time
	opened(slot uint32)                    // a dialled or accepted connection is established
	failed(slot uint32, f tcp.Failure)     // a dialled connection could not be
	received(slot uint32, data []byte)     // data arrived in order
	ended(slot uint32)                     // the peer will send no more
	lost(slot uint32, failure tcp.Failure) // an established connection broke
	room(slot uint32)                      // asked for by conn.wantRoom
	flushed(slot uint32)                   // asked for by conn.wantFlush
}

// AddHost adds a host and returns its number. Nodes must be added in the order in
// which the trace lists them.
func (w *World) AddHost(config HostConfig) trace.NodeID {
	config.TCP.NoDelay = true // as FTP programs do: a command waits for no acknowledgment
	h := &Host{
		w: w, id: trace.NodeID(len(w.nodes)), config: config, out: noLinks(len(config.Interfaces)),
		random:  rand.New(rand.NewPCG(w.random.Uint64(), w.random.Uint64())),
		byTuple: map[tuple]uint32{},
	}
	w.nodes = append(w.nodes, endpoint{host: h})
	return h.id
}

// add gives a program a place on the host and starts it at an instant.
func (h *Host) add(p program, start event.Time) uint32 {
	h.programs = append(h.programs, p)
	h.timers = append(h.timers, event.Never)
	i := uint32(len(h.programs) - 1)
	if start != event.Never {
		h.w.push(start, itemStart, at(h.id, i))
	}
	return i
}

// programTimer wakes a program whose deadline has come.
func (h *Host) programTimer(i uint32) {
	if h.timers[i] > h.w.now {
		return // an earlier item took over
	}
	h.timers[i] = event.Never
	p := h.programs[i]
	if at := p.deadline(); at <= h.w.now {
		p.timer()
		h.drain()
	}
	h.armProgram(i)
}

func (h *Host) armProgram(i uint32) {
	due := h.programs[i].deadline()
	if due < h.timers[i] {
		h.timers[i] = due
		h.w.push(due, itemProgram, at(h.id, i))
	}
}

// receive takes a packet off a link.
func (h *Host) receive(p *wire.Packet) {
	if !h.owns(p.Dst) || p.IsFragment() || p.BadChecksum {
		return
	}
	switch p.Protocol {
	case wire.TCP:
		h.receiveTCP(p)
	case wire.ICMP, wire.ICMPv6:
		h.receiveICMP(p)
	case wire.UDP:
		h.refuseUDP(p)
	}
	h.drain()
}

func (h *Host) receiveTCP(p *wire.Packet) {
	key := tuple{p.DstEndpoint(), p.SrcEndpoint()}
	if i, ok := h.lookup(key); ok {
		c := &h.conns[i]
		if !c.tcp.MayReopen(p) {
			c.tcp.Receive(h.w.now, p)
			h.touch(i)
			return
		}
		h.forget(i) // RFC 9293, 3.6.1: a new SYN may reopen a connection in TIME-WAIT
	}
	if p.Flags&(wire.SYN|wire.ACK|wire.RST|wire.FIN) == wire.SYN {
		if l, ok := h.listening(p.DstEndpoint()); ok {
			h.accept(l, key, p)
			return
		}
	}
	if reset, ok := tcp.ResetFor(p); ok {
		h.send(&reset, tcp.ResetSegment)
	}
}

func (h *Host) lookup(key tuple) (uint32, bool) {
	if key == h.lastTuple {
		return h.lastConn, true
	}
	i, ok := h.byTuple[key]
	if ok {
		h.lastTuple, h.lastConn = key, i
	}
	return i, ok
}

func (h *Host) owns(a netip.Addr) bool { return ownedBy(h.config.Interfaces, a) }

// ownedBy reports whether an address is one of these interfaces'.
func ownedBy(interfaces []firewall.Interface, a netip.Addr) bool {
	for i := range interfaces {
		for _, prefix := range interfaces[i].Prefixes {
			if prefix.Addr() == a {
				return true
			}
		}
	}
	return false
}

func (h *Host) listening(local netip.AddrPort) (*listener, bool) {
	for i := range h.listeners {
		l := &h.listeners[i]
		if l.open && l.local.Port() == local.Port() && (!l.local.Addr().IsValid() || l.local.Addr() == local.Addr()) {
			return l, true
		}
	}
	return nil, false
}

// route returns the direction that packets to a leave through, and the address they
// leave from; false if there is no way.
func (h *Host) route(a netip.Addr) (trace.LinkID, netip.Addr, bool) {
	i, ok := routeOf(h.config.Interfaces, h.config.Routes, a)
	if !ok || h.out[i] < 0 {
		return 0, netip.Addr{}, false
	}
	for _, prefix := range h.config.Interfaces[i].Prefixes {
		if prefix.Addr().Is4() == a.Is4() {
			return trace.LinkID(h.out[i]), prefix.Addr(), true
		}
	}
	return 0, netip.Addr{}, false
}

// routeOf returns the interface that packets to a leave through: that of the longest
// prefix among the connected networks and the routes.
func routeOf(interfaces []firewall.Interface, routes []firewall.Route, a netip.Addr) (int, bool) {
	best, bits := -1, -1
	for i := range interfaces {
		for _, prefix := range interfaces[i].Prefixes {
			if prefix.Masked().Contains(a) && prefix.Bits() > bits {
				best, bits = i, prefix.Bits()
			}
		}
	}
	for _, r := range routes {
		if r.Dst.Contains(a) && r.Dst.Bits() > bits && !r.Blackhole {
			best, bits = r.Interface, r.Dst.Bits()
		}
	}
	return best, best >= 0
}

// send gives a packet of the host's own its identification and puts it on the way.
func (h *Host) send(p *wire.Packet, sending tcp.Sending) trace.ID {
	link, _, ok := h.route(p.Dst)
	if !ok {
		return 0
	}
	h.ipID++
	p.ID, p.TTL, p.Serial = h.ipID, 64, 0
	return h.w.transmit(h.id, link, p, sending)
}
