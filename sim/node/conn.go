package node

import (
	"net/netip"

	"ftplab/sim/event"
	"ftplab/sim/ftp"
	"ftplab/sim/tcp"
	"ftplab/sim/trace"
	"ftplab/sim/wire"
)

// conn is a TCP connection of a host, in a slot.
type conn struct {
	tcp     *tcp.Conn // nil: the slot is free
	tuple   tuple
	owner   uint32 // program
	channel ftp.Channel
	session uint16
	link    trace.LinkID // where its segments leave
	state   tcp.State    // as last recorded
	cause   trace.ID     // why it was touched last
	sent    trace.ID     // its last segment: the cause of what its timer does
	armed   event.Time   // when its timer item is due

	isUp, toldEOF, toldEnd bool
	wantRoom, wantFlush    bool
	isDirty                bool
}

const (
	firstEphemeral = 32768 // Linux: net.ipv4.ip_local_port_range
	lastEphemeral  = 60999
)

// listen opens a listener and returns its address; port 0 of l.local means one of the
// ephemeral ports.
func (h *Host) listen(l listener) (netip.AddrPort, bool) {
	local := l.local
	if local.Port() == 0 {
		local = netip.AddrPortFrom(local.Addr(), h.ephemeral())
	} else if _, taken := h.listening(local); taken {
		return local, false
	}
	l.local, l.open = local, true
	for i := range h.listeners {
		if !h.listeners[i].open {
			h.listeners[i] = l
			return local, true
		}
	}
	h.listeners = append(h.listeners, l)
	return local, true
}

func (h *Host) unlisten(local netip.AddrPort) {
	for i := range h.listeners {
		if l := &h.listeners[i]; l.open && l.local == local {
			l.open = false
		}
	}
}

// ephemeral picks a local port that nothing uses.
func (h *Host) ephemeral() uint16 {
	for {
		port := uint16(firstEphemeral + h.random.IntN(lastEphemeral-firstEphemeral+1))
		if !h.portUsed(port) {
			return port
		}
	}
}

func (h *Host) portUsed(port uint16) bool {
	for i := range h.conns {
		if h.conns[i].tcp != nil && h.conns[i].tuple.local.Port() == port {
			return true
		}
	}
	for i := range h.listeners {
		if h.listeners[i].open && h.listeners[i].local.Port() == port {
			return true
		}
	}
	return false
}

// dial begins a connection for a program. It fails at once if there is no route or
// the same connection exists already.
func (h *Host) dial(local, remote netip.AddrPort, owner uint32) (uint32, ftp.Failure) {
	link, from, ok := h.route(remote.Addr())
	if !ok {
		return 0, ftp.Unreachable
	}
	if !local.Addr().IsValid() || local.Addr().IsUnspecified() {
		local = netip.AddrPortFrom(from, local.Port())
	}
	if local.Port() == 0 {
		local = netip.AddrPortFrom(local.Addr(), h.ephemeral())
	}
	key := tuple{local, remote}
	if old, taken := h.lookup(key); taken {
		if h.conns[old].tcp.State() != tcp.TimeWait {
			return 0, ftp.AddressInUse
		}
		h.forget(old) // as with Linux's tcp_tw_reuse
	}
	i := h.slot(conn{
		tcp:   tcp.Dial(h.w.now, local, remote, h.random.Uint32(), h.config.TCP),
		tuple: key, owner: owner, link: link,
	})
	h.touch(i)
	return i, ftp.NoFailure
}

// accept answers a SYN that came to a listener.
func (h *Host) accept(l *listener, key tuple, syn *wire.Packet) {
	link, _, ok := h.route(key.remote.Addr())
	if !ok {
		return
	}
	h.touch(h.slot(conn{
		tcp:   tcp.Accept(h.w.now, syn, h.random.Uint32(), h.config.TCP),
		tuple: key, owner: l.owner, link: link, channel: l.channel, session: l.session,
	}))
}

// slot gives a connection a slot and indexes it.
func (h *Host) slot(c conn) uint32 {
	c.armed, c.sent = event.Never, h.w.rec.Cause
	c.state = tcp.Closed
	var i uint32
	if n := len(h.free); n > 0 {
		i, h.free = h.free[n-1], h.free[:n-1]
		h.conns[i] = c
	} else {
		i = uint32(len(h.conns))
		h.conns = append(h.conns, c)
	}
	h.byTuple[c.tuple] = i
	h.lastTuple = tuple{}
	return i
}

// forget frees a slot. A timer item that is still queued for it finds nothing to do,
// or asks the slot's next connection in vain.
func (h *Host) forget(i uint32) {
	delete(h.byTuple, h.conns[i].tuple)
	h.lastTuple = tuple{}
	h.conns[i] = conn{isDirty: h.conns[i].isDirty}
	h.free = append(h.free, i)
}

// touch marks a connection for settling, because of what is the cause now.
func (h *Host) touch(i uint32) {
	c := &h.conns[i]
	c.cause = h.w.rec.Cause
	if !c.isDirty {
		c.isDirty = true
		h.dirty = append(h.dirty, i)
	}
}

// drain settles every touched connection: programs hear what happened, segments
// leave, timers are set.
func (h *Host) drain() {
	for n := 0; n < len(h.dirty); n++ {
		i := h.dirty[n]
		h.conns[i].isDirty = false
		if h.conns[i].tcp != nil {
			h.w.rec.Cause = h.conns[i].cause
			h.settle(i)
		}
	}
	h.dirty = h.dirty[:0]
}

func (h *Host) settle(i uint32) {
	h.noteState(i)
	if !h.conns[i].isUp {
		h.emit(i) // the handshake's last segment leaves before the program speaks
	}
	h.tell(i)
	h.emit(i)
	h.noteState(i)
	if c := &h.conns[i]; c.tcp.Dead() && c.toldEnd {
		h.forget(i)
		return
	}
	h.armConn(i)
}

// emit sends what the connection has to send.
func (h *Host) emit(i uint32) {
	var p wire.Packet
	for {
		sending, ok := h.conns[i].tcp.Emit(h.w.now, &p)
		if !ok {
			return
		}
		h.ipID++
		p.ID, p.TTL, p.Serial = h.ipID, 64, 0
		h.conns[i].sent = h.w.transmit(h.id, h.conns[i].link, &p, sending)
	}
}

// noteState records a change of the TCP state.
func (h *Host) noteState(i uint32) {
	c := &h.conns[i]
	to := c.tcp.State()
	if to == c.state {
		return
	}
	h.w.rec.Body(h.w.now, h.id, trace.TCP{
		Local: c.tuple.local, Remote: c.tuple.remote, Channel: c.channel, Session: c.session,
		From: c.state, To: to, Failure: c.tcp.Err(),
	})
	c.state = to
}

// tell lets the owner know what happened, in the order in which a program would
// find it out.
func (h *Host) tell(i uint32) {
	owner := h.programs[h.conns[i].owner]
	if c := &h.conns[i]; !c.isUp && established(c.tcp.State()) {
		c.isUp = true
		owner.opened(i)
		owner = h.programs[h.conns[i].owner] // a server may have handed it to a session
	}
	for {
		data, ok := h.conns[i].tcp.Read()
		if !ok {
			break
		}
		owner.received(i, data)
	}
	if c := &h.conns[i]; !c.toldEOF && c.tcp.EOF() {
		c.toldEOF = true
		owner.ended(i)
	}
	if c := &h.conns[i]; c.wantRoom && c.tcp.Room() > 0 {
		c.wantRoom = false
		owner.room(i)
	}
	if c := &h.conns[i]; c.wantFlush && c.tcp.Flushed() {
		c.wantFlush = false
		owner.flushed(i)
	}
	h.tellEnd(i, owner)
}

// tellEnd lets the owner know that a connection failed or broke, once.
func (h *Host) tellEnd(i uint32, owner program) {
	c := &h.conns[i]
	if c.toldEnd || !c.tcp.Dead() {
		return
	}
	c.toldEnd = true
	switch failure := c.tcp.Err(); {
	case !c.isUp:
		owner.failed(i, failure)
	case failure != tcp.NoFailure:
		owner.lost(i, failure)
	}
}

func established(s tcp.State) bool {
	return s != tcp.Closed && s != tcp.SynSent && s != tcp.SynReceived
}

// armConn makes sure that the connection's timer is seen in time. A connection in
// TIME-WAIT does not keep the run going.
func (h *Host) armConn(i uint32) {
	c := &h.conns[i]
	due := c.tcp.Deadline()
	if due >= c.armed {
		return
	}
	c.armed = due
	if c.tcp.State() == tcp.TimeWait {
		h.w.queue.Push(due, itemIdleConn, at(h.id, i))
	} else {
		h.w.push(due, itemConn, at(h.id, i))
	}
}

// connTimer handles a timer item. Items are never taken back: one that comes too
// early for the deadline of the moment is set again.
func (h *Host) connTimer(i uint32) {
	c := &h.conns[i]
	if c.tcp == nil || h.w.now != c.armed {
		return
	}
	c.armed = event.Never
	if c.tcp.Deadline() > h.w.now {
		h.armConn(i)
		return
	}
	h.w.rec.Cause = c.sent
	c.tcp.Tick(h.w.now)
	h.touch(i)
	h.drain()
}
