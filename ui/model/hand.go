package model

import (
	"ftplab/sim/tcp"
	"ftplab/sim/trace"
)

// packetInHand returns the last event up to id that is about a packet, 0 if the end that
// is concerned has closed that packet's connection since: then nobody waits for what
// becomes of it. It reads what it said of the event before.
func (r *Run) packetInHand(id trace.ID) trace.ID {
	if _, ok := r.Trace.PacketOf(id); ok {
		return id
	}
	before := r.inHand[id-1]
	if before == 0 {
		return 0
	}
	p, _ := r.Trace.PacketOf(before)
	switch b := r.Trace.Event(id).Body.(type) {
	case trace.TCP:
		if b.To == tcp.Closed && pairOf(b.Local, b.Remote) == pairOfPacket(&p) {
			return 0
		}
	case trace.Probe:
		if pairOf(b.From, b.To) == pairOfPacket(&p) {
			return 0
		}
	}
	return before
}

// verdictInHand returns the Judged event in which a firewall decided about the packet in
// hand at an event, or about the packet that it answers to with a reset or an ICMP
// message; 0 if the firewall has not seen that packet.
func (r *Run) verdictInHand(node trace.NodeID, at trace.ID) trace.ID {
	for id := r.inHand[at]; id != 0; id = r.Trace.Cause(id) {
		if _, ok := r.Trace.PacketOf(id); !ok {
			return 0
		}
		e := r.Trace.Event(id)
		if e.Kind == trace.KindJudged && e.Node == node {
			return id
		}
		if e.Kind == trace.KindSent && r.Trace.Nodes[e.Node].Kind == trace.Host {
			return 0 // a packet begins here
		}
	}
	return 0
}
