package trace

import (
	"net/netip"

	"ftplab/sim/event"
	"ftplab/sim/firewall"
	"ftplab/sim/tcp"
	"ftplab/sim/wire"
)

// record is the fixed part of an event: 32 bytes, no pointers.
type record struct {
	time   event.Time
	cause  ID
	packet uint32 // place in packets plus 1, 0 if the event has no packet
	index  uint32 // row in the table of the kind
	extra  uint32 // Sent: transit time in ns, capped
	node   NodeID
	link   LinkID
	kind   Kind
	detail uint8 // Sent: tcp.Sending; Lost: LossReason; packets' TTL goes in ttl
	ttl    uint8
}

// packetRow is a packet without its addresses and bytes: 36 bytes, no pointers.
type packetRow struct {
	flow, seq, ack uint32
	blob, offset   uint32
	length         uint32
	extension      uint32 // 1 + row in extensions, 0 if none
	window, id     uint16
	flags, ttl     uint8
}

// flow is what the packets of one direction of a connection share.
type flow struct {
	src, dst         netip.Addr
	srcPort, dstPort uint16
	protocol         wire.Protocol
}

// extension is what few packets have: options, fragments, ICMP.
type extension struct {
	options            wire.Options
	fragmentOffset     uint16
	moreFragments      bool
	badChecksum        bool
	icmpType, icmpCode uint8
	tos                uint8
	icmpRest           uint32
}

// Recorder writes a trace. The zero value is not usable: see NewRecorder.
type Recorder struct {
	t *Trace
	// Cause is the event that new events name as their cause. Its setter is the
	// code that handles an event.
	Cause ID

	flows  map[flow]uint32
	recent []recent // by link: packets of one direction come in runs
}

// recent is what was last recorded on a link, to find again what is the same.
type recent struct {
	flow      flow
	flowIndex uint32
	// decision is the last one without missed rules, decisionRow its row plus 1.
	decision    firewall.Decision
	decisionRow uint32
}

// NewRecorder returns a recorder for a run on these nodes and links.
func NewRecorder(nodes []Node, links []Link) *Recorder {
	return &Recorder{t: &Trace{Nodes: nodes, Links: links}, flows: map[flow]uint32{}, recent: make([]recent, 2*len(links))}
}

// Trace ends the recording and returns what was recorded.
func (r *Recorder) Trace() *Trace { return r.t }

// Snapshot returns what was recorded so far, while the recording goes on. Rows are only
// ever added, behind those that the snapshot has, so the two share them.
func (r *Recorder) Snapshot() *Trace {
	t := *r.t
	return &t
}

// Len returns the number of events so far.
func (r *Recorder) Len() int { return int(r.t.events.n) }

func (r *Recorder) add(now event.Time, kind Kind, node NodeID) *record {
	row, _ := r.t.events.add()
	row.time, row.kind, row.node, row.cause = now, kind, node, r.Cause
	return row
}

func (r *Recorder) last() ID { return ID(r.t.events.n) }

// Blob registers bytes that an application wrote and returns their number, which
// packets carry in Packet.Blob. The bytes must never change again.
func (r *Recorder) Blob(data []byte) uint32 {
	r.t.blobs = append(r.t.blobs, data)
	return uint32(len(r.t.blobs))
}

// Sent records that node put p on link, to arrive after transit. It numbers the
// packet if it has no number yet.
func (r *Recorder) Sent(now event.Time, node NodeID, link LinkID, p *wire.Packet, arrives event.Time, sending tcp.Sending) ID {
	if p.Serial == 0 {
		p.Serial = r.packet(link, p)
	}
	row := r.add(now, KindSent, node)
	row.packet, row.link, row.detail, row.ttl = p.Serial, link, uint8(sending), p.TTL
	row.extra = uint32(min(arrives-now, 1<<32-1))
	return r.last()
}

// Arrived records that p came to node over link; sent is the event that sent it.
func (r *Recorder) Arrived(now event.Time, node NodeID, link LinkID, p *wire.Packet, sent ID) ID {
	row := r.add(now, KindArrived, node)
	row.packet, row.link, row.ttl, row.cause = p.Serial, link, p.TTL, sent
	return r.last()
}

// Lost records that p was lost on link (or, for LossNoListener, at node).
func (r *Recorder) Lost(now event.Time, node NodeID, link LinkID, p *wire.Packet, why LossReason) ID {
	row := r.add(now, KindLost, node)
	row.packet, row.link, row.detail, row.ttl = p.Serial, link, uint8(why), p.TTL
	return r.last()
}

// Judged records a firewall's decision about p, which it saw as p is now. If the
// firewall rewrote the packet, p.Serial must have been set to 0 first.
func (r *Recorder) Judged(now event.Time, node NodeID, link LinkID, p *wire.Packet, d *firewall.Decision, missed []firewall.Missed) ID {
	if p.Serial == 0 {
		p.Serial = r.packet(link, p)
	}
	row := r.add(now, KindJudged, node)
	row.packet, row.link, row.ttl = p.Serial, link, p.TTL
	row.index = r.decision(link, d, missed)
	return r.last()
}

// decision returns the row of d: equal decisions in a row share one.
func (r *Recorder) decision(link LinkID, d *firewall.Decision, missed []firewall.Missed) uint32 {
	last := &r.recent[link]
	if len(missed) == 0 && last.decisionRow != 0 && last.decision == *d {
		return last.decisionRow - 1
	}
	r.t.decisions = append(r.t.decisions, decisionRow{*d, missed})
	place := uint32(len(r.t.decisions) - 1)
	last.decisionRow = 0
	if len(missed) == 0 {
		last.decision, last.decisionRow = *d, place+1
	}
	return place
}

// Body records an event of one of the kinds that have no packet: TCP, Socket, FTP,
// Tracked, Input, Probe and Ended.
func (r *Recorder) Body(now event.Time, node NodeID, body Body) ID {
	row := r.add(now, body.kind(), node)
	r.t.bodies = append(r.t.bodies, body)
	row.index = uint32(len(r.t.bodies) - 1)
	if row.kind == KindInput {
		r.t.inputs = append(r.t.inputs, r.last())
	}
	return r.last()
}

// packet adds a row for p and returns its number.
func (r *Recorder) packet(link LinkID, p *wire.Packet) uint32 {
	row, place := r.t.packets.add()
	row.flow = r.flow(link, p)
	row.seq, row.ack, row.window, row.id, row.flags, row.ttl = p.Seq, p.Ack, p.Window, p.ID, uint8(p.Flags), p.TTL
	if n := len(p.Payload); n > 0 {
		row.length = uint32(n)
		row.blob, row.offset = p.Blob, p.BlobOffset
		if p.Blob == 0 {
			row.blob = r.Blob(p.Payload)
		}
	}
	if !p.Options.IsZero() || p.IsFragment() || p.BadChecksum || p.TOS != 0 || p.Protocol == wire.ICMP || p.Protocol == wire.ICMPv6 {
		r.t.extensions = append(r.t.extensions, extension{
			options: p.Options, fragmentOffset: p.FragmentOffset, moreFragments: p.MoreFragments, badChecksum: p.BadChecksum,
			icmpType: p.ICMPType, icmpCode: p.ICMPCode, tos: p.TOS, icmpRest: p.ICMPRest,
		})
		row.extension = uint32(len(r.t.extensions))
	}
	return place + 1
}

func (r *Recorder) flow(link LinkID, p *wire.Packet) uint32 {
	key := flow{p.Src, p.Dst, p.SrcPort, p.DstPort, p.Protocol}
	last := &r.recent[link]
	if last.flow == key {
		return last.flowIndex
	}
	i, ok := r.flows[key]
	if !ok {
		i = uint32(len(r.t.flows))
		r.t.flows = append(r.t.flows, key)
		r.flows[key] = i
	}
	last.flow, last.flowIndex = key, i
	return i
}
