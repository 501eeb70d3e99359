package node

import (
	"net/netip"

	"ftplab/sim/ftp"
	"ftplab/sim/trace"
)

// do carries out one effect of the machine.
func (m *ftpMachine) do(e *ftp.Effect) {
	switch e.Kind {
	case ftp.Note:
		m.note(e)
	case ftp.Dial:
		m.dial(e, ftp.Control)
	case ftp.DialData:
		m.dial(e, ftp.Data)
	case ftp.Send:
		m.write(ftp.Control, e.Bytes)
		if e.Segment && m.control != none {
			m.h.emit(uint32(m.control)) // it leaves before anything else is written
		}
	case ftp.SendUrgent:
		m.writeUrgent(e.Bytes)
	case ftp.SendData:
		m.sendData(e)
	case ftp.Listen:
		m.listen(e)
	case ftp.CloseListener:
		m.closeListener()
	case ftp.AbandonData, ftp.CloseData, ftp.FinishData, ftp.AbortData:
		m.endData(e.Kind)
	case ftp.CloseControl, ftp.AbortControl:
		m.endControl(e.Kind)
	case ftp.StartTLS:
		m.startTLS(e.Channel, e.Bytes)
	case ftp.StopTLS:
		m.stopTLS(e.Channel)
	case ftp.Done:
		m.finish()
	}
}

// handleLater answers an effect at once; the effects that follow from it come after
// those that are pending.
func (m *ftpMachine) handleLater(in ftp.Input) { m.machine.Handle(m.h.w.now, in) }

// note records a fact; what the machine does next happens because of it.
func (m *ftpMachine) note(e *ftp.Effect) {
	w := m.h.w
	w.rec.Cause = w.rec.Body(w.now, m.h.id, trace.FTP{
		Session: m.session, Server: m.server, Note: e.Note, Text: e.Text, Code: e.Code, Addr: e.Addr, Count: e.Count,
	})
	m.cause = w.rec.Cause
}

func (m *ftpMachine) dial(e *ftp.Effect, channel ftp.Channel) {
	m.socket(trace.OpDial, channel, tuple{e.Local, e.Addr}, ftp.NoFailure)
	slot, failure := m.h.dial(e.Local, e.Addr, m.me)
	if failure != ftp.NoFailure {
		m.socket(trace.OpFailed, channel, tuple{e.Local, e.Addr}, failure)
		kind := ftp.ControlFailed
		if channel == ftp.Data {
			kind = ftp.DataFailed
		}
		m.handleLater(ftp.Input{Kind: kind, Addr: e.Addr, Err: failure})
		return
	}
	c := &m.h.conns[slot]
	c.channel, c.session = channel, m.session
	if channel == ftp.Data {
		m.data = int32(slot)
	} else {
		m.control = int32(slot)
	}
}

// writeRaw puts bytes on a connection as they are.
func (m *ftpMachine) writeRaw(channel ftp.Channel, data []byte) {
	slot := m.control
	if channel == ftp.Data {
		slot = m.data
	}
	if slot == none || len(data) == 0 {
		return
	}
	h := m.h
	h.conns[slot].tcp.Write(h.w.now, data, h.w.rec.Blob(data))
	h.touch(uint32(slot))
}

// writeUrgent writes on the control connection with the last byte as urgent data. Under
// TLS there is none: a record cannot be read out of order.
func (m *ftpMachine) writeUrgent(data []byte) {
	if m.secure[ftp.Control] != nil {
		m.write(ftp.Control, data)
		return
	}
	if m.control == none || len(data) == 0 {
		return
	}
	h := m.h
	h.conns[m.control].tcp.WriteUrgent(h.w.now, data, h.w.rec.Blob(data))
	h.touch(uint32(m.control))
}

func (m *ftpMachine) sendData(e *ftp.Effect) {
	m.write(ftp.Data, e.Bytes)
	if e.More && m.data != none {
		m.h.conns[m.data].wantRoom = true
		m.h.touch(uint32(m.data))
	}
}

func (m *ftpMachine) listen(e *ftp.Effect) {
	m.closeListener()
	local, ok := m.tryListen(e.Local, e.PortMax)
	m.socket(trace.OpListen, ftp.Data, tuple{local: local}, ftp.NoFailure)
	if !ok {
		m.handleLater(ftp.Input{Kind: ftp.ListenFailed, Err: ftp.AddressInUse})
		return
	}
	m.listener = local
	m.handleLater(ftp.Input{Kind: ftp.ListenReady, Addr: local})
}

// tryListen opens a listener at local or, with a range of ports, at a random free one
// of them, as servers do so that the next port is hard to guess (RFC 2577, 8).
func (m *ftpMachine) tryListen(local netip.AddrPort, last uint16) (netip.AddrPort, bool) {
	wanted := listener{local: local, owner: m.me, channel: ftp.Data, session: m.session}
	first := local.Port()
	if last <= first {
		return m.h.listen(wanted)
	}
	n := int(last-first) + 1
	start := m.h.random.IntN(n)
	for i := range n {
		port := first + uint16((start+i)%n)
		wanted.local = netip.AddrPortFrom(local.Addr(), port)
		if got, ok := m.h.listen(wanted); ok {
			return got, true
		}
	}
	return local, false
}

func (m *ftpMachine) closeListener() {
	if !m.listener.IsValid() {
		return
	}
	m.h.unlisten(m.listener)
	m.socket(trace.OpUnlisten, ftp.Data, tuple{local: m.listener}, ftp.NoFailure)
	m.listener = netip.AddrPort{}
}

// endData ends the data connection in one of the four ways.
func (m *ftpMachine) endData(kind ftp.EffectKind) {
	if m.data == none {
		return
	}
	if kind == ftp.FinishData || kind == ftp.CloseData {
		m.stopTLS(ftp.Data)
	}
	slot := uint32(m.data)
	c := &m.h.conns[slot]
	switch kind {
	case ftp.FinishData:
		c.tcp.CloseWrite(m.h.w.now)
		c.wantFlush = true
	case ftp.CloseData:
		m.socket(trace.OpClose, ftp.Data, c.tuple, ftp.NoFailure)
		c.tcp.Close(m.h.w.now)
		m.data = none
	case ftp.AbortData:
		m.socket(trace.OpAbort, ftp.Data, c.tuple, ftp.NoFailure)
		c.tcp.Abort(m.h.w.now)
		m.data = none
	case ftp.AbandonData:
		m.socket(trace.OpClose, ftp.Data, c.tuple, ftp.NoFailure)
		c.tcp.Close(m.h.w.now)
		m.data = none
	}
	if m.data == none {
		m.secure[ftp.Data] = nil
	}
	m.h.touch(slot)
}

func (m *ftpMachine) endControl(kind ftp.EffectKind) {
	if m.control == none {
		return
	}
	slot := uint32(m.control)
	c := &m.h.conns[slot]
	if kind == ftp.AbortControl {
		m.socket(trace.OpAbort, ftp.Control, c.tuple, ftp.NoFailure)
		c.tcp.Abort(m.h.w.now)
	} else {
		m.socket(trace.OpClose, ftp.Control, c.tuple, ftp.NoFailure)
		c.tcp.Close(m.h.w.now)
	}
	m.control = none
	m.h.touch(slot)
}

// finish ends the program: what it left open is closed, as when a process exits.
func (m *ftpMachine) finish() {
	m.closeListener()
	m.endData(ftp.CloseData)
	m.endControl(ftp.CloseControl)
	m.done = true
	if m.client == nil {
		return
	}
	w := m.h.w
	w.rec.Cause = w.rec.Body(w.now, m.h.id, trace.Ended{Session: m.session, Result: *m.client.Result()})
	w.finished()
}
