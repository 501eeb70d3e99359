package model

import (
	"ftplab/sim/firewall"
	"ftplab/sim/ftp"
	"ftplab/sim/tcp"
	"ftplab/sim/trace"
	"ftplab/sim/wire"
)

// findMoments lists the events that a step moves between: what is said on the
// control connection, what opens, carries or ends a connection, and every drop. An
// acknowledgment that says nothing else is left out, and so is the middle of a long
// row of data segments.
func (r *Run) findMoments() {
	rowOfData := map[pair]int{} // how many segments a data connection has carried
	for i := range r.Trace.Len() {
		if id := trace.ID(i + 1); r.isMoment(id, rowOfData) {
			r.moments = append(r.moments, id)
		}
	}
}

func (r *Run) isMoment(id trace.ID, rowOfData map[pair]int) bool {
	switch r.Trace.Kind(id) {
	case trace.KindLost, trace.KindInput, trace.KindProbe, trace.KindEnded:
		return true
	case trace.KindSent, trace.KindArrived:
		return r.isMovingMoment(id, rowOfData)
	case trace.KindJudged:
		j := r.Trace.Event(id).Body.(trace.Judged)
		return dropped(j.Decision.Action) || j.Decision.Rewritten ||
			j.Packet.Flags&wire.SYN != 0 && j.Decision.Action == firewall.ActionForward
	case trace.KindTracked:
		return r.Trace.Event(id).Body.(trace.Tracked).Change.Kind == firewall.ExpectNew
	case trace.KindFTP:
		b := r.Trace.Event(id).Body.(trace.FTP)
		switch b.Note {
		case ftp.UserAction, ftp.GaveUp, ftp.CommandRefused, ftp.TransferDone:
			return true
		}
	}
	return false
}

// longRow is how many data segments in a row are moments of their own.
const longRow = 2

// isMovingMoment reports whether a packet that leaves or reaches a host is a moment.
// What passes through a firewall is not: the verdict is.
func (r *Run) isMovingMoment(id trace.ID, rowOfData map[pair]int) bool {
	e := r.Trace.Event(id)
	if r.Trace.Nodes[e.Node].Kind != trace.Host {
		return false
	}
	p, _ := r.Trace.PacketOf(id)
	if p.Protocol != wire.TCP || p.Flags&(wire.SYN|wire.FIN|wire.RST) != 0 {
		return true
	}
	if sent, ok := e.Body.(trace.Sent); ok && sent.Sending != tcp.Fresh && sent.Sending != tcp.PureACK {
		return true // a repetition or a probe
	}
	if len(p.Payload) == 0 {
		return r.opensConnection(id)
	}
	if r.lanes[p.Serial-1] != dataLane {
		return true
	}
	if e.Kind == trace.KindSent {
		rowOfData[pairOfPacket(&p)]++
	}
	return rowOfData[pairOfPacket(&p)] <= longRow
}

// opensConnection reports whether an acknowledgment is the third part of a handshake:
// the first segment that its sender sends after the SYN-ACK came.
func (r *Run) opensConnection(id trace.ID) bool {
	if r.Trace.Kind(id) != trace.KindSent {
		return false
	}
	for cause := r.Trace.Cause(id); cause != 0; cause = r.Trace.Cause(cause) {
		if p, ok := r.Trace.PacketOf(cause); ok {
			return p.Flags&wire.SYN != 0 && p.Flags&wire.ACK != 0
		}
	}
	return false
}
