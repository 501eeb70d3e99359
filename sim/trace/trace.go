package trace

import (
	"sort"

	"ftplab/sim/event"
	"ftplab/sim/firewall"
	"ftplab/sim/tcp"
	"ftplab/sim/wire"
)

// Trace is the record of a finished run. It is immutable and may be read from any
// number of goroutines.
type Trace struct {
	Nodes []Node
	Links []Link

	events     table[record]
	packets    table[packetRow]
	flows      []flow
	extensions []extension
	decisions  []decisionRow
	bodies     []Body
	blobs      [][]byte
	inputs     []ID // the events of KindInput
}

type decisionRow struct {
	decision firewall.Decision
	missed   []firewall.Missed
}

// Len returns the number of events; their IDs are 1 to Len.
func (t *Trace) Len() int { return int(t.events.n) }

// Packets returns the number of different packets in the trace. Their serial
// numbers are 1 to Packets.
func (t *Trace) Packets() int { return int(t.packets.n) }

// Bytes returns how much memory the rows of the trace take, in octets, without the
// application data that it shares.
func (t *Trace) Bytes() int64 {
	const (
		recordSize, packetSize     = 32, 36
		flowSize, extensionSize    = 56, 48
		decisionSize, bodySizeRule = 80, 128
	)
	return int64(t.events.n)*recordSize + int64(t.packets.n)*packetSize + int64(len(t.flows))*flowSize +
		int64(len(t.extensions))*extensionSize + int64(len(t.decisions))*decisionSize + int64(len(t.bodies))*bodySizeRule
}

// Time returns the instant of an event; that of ID 0 is 0.
func (t *Trace) Time(id ID) event.Time {
	if id == 0 {
		return 0
	}
	return t.events.at(uint32(id - 1)).time
}

// End returns the instant of the last event.
func (t *Trace) End() event.Time { return t.Time(ID(t.Len())) }

// Kind returns an event's kind without building its body.
func (t *Trace) Kind(id ID) Kind { return t.events.at(uint32(id - 1)).kind }

// Cause returns the event that made an event happen, 0 for a beginning.
func (t *Trace) Cause(id ID) ID { return t.events.at(uint32(id - 1)).cause }

// At returns the last event that happened at or before now, 0 if none did.
func (t *Trace) At(now event.Time) ID {
	n := sort.Search(t.Len(), func(i int) bool { return t.events.at(uint32(i)).time > now })
	return ID(n)
}

// Event returns an event with its typed body. It panics if there is no such event.
func (t *Trace) Event(id ID) Event {
	row := t.events.at(uint32(id - 1))
	e := Event{ID: id, Time: row.time, Kind: row.kind, Node: row.node, Cause: row.cause}
	switch row.kind {
	case KindSent:
		e.Body = Sent{t.packetOf(row), row.link, row.time + event.Time(row.extra), tcp.Sending(row.detail)}
	case KindArrived:
		e.Body = Arrived{t.packetOf(row), row.link}
	case KindLost:
		e.Body = Lost{t.packetOf(row), row.link, LossReason(row.detail)}
	case KindJudged:
		d := &t.decisions[row.index]
		e.Body = Judged{t.packetOf(row), d.decision, d.missed}
	default:
		e.Body = t.bodies[row.index]
	}
	return e
}

// RulesAt returns the rules that a firewall has when event id happens; nil for none.
func (t *Trace) RulesAt(node NodeID, id ID) *firewall.Ruleset {
	rules := t.Nodes[node].Rules
	for _, change := range t.inputs {
		if change > id {
			break
		}
		if row := t.events.at(uint32(change - 1)); row.node == node {
			rules = t.bodies[row.index].(Input).Rules
		}
	}
	return rules
}

// NodeAt returns a node with the rules that it has when event id happens.
func (t *Trace) NodeAt(node NodeID, id ID) Node {
	n := t.Nodes[node]
	n.Rules = t.RulesAt(node, id)
	return n
}

// PacketOf returns the packet that a Sent, Arrived, Lost or Judged event is about;
// false for other kinds.
func (t *Trace) PacketOf(id ID) (wire.Packet, bool) {
	row := t.events.at(uint32(id - 1))
	if row.packet == 0 {
		return wire.Packet{}, false
	}
	return t.packetOf(row), true
}

func (t *Trace) packetOf(row *record) wire.Packet {
	p := t.Packet(row.packet)
	p.TTL = row.ttl
	return p
}

// Packet returns the packet with this serial number, as it was first sent.
func (t *Trace) Packet(serial uint32) wire.Packet {
	row := t.packets.at(serial - 1)
	f := &t.flows[row.flow]
	p := wire.Packet{
		Src: f.src, Dst: f.dst, SrcPort: f.srcPort, DstPort: f.dstPort, Protocol: f.protocol,
		Seq: row.seq, Ack: row.ack, Window: row.window, ID: row.id, Flags: wire.Flags(row.flags), TTL: row.ttl,
		Blob: row.blob, BlobOffset: row.offset, Serial: serial,
	}
	if row.length > 0 {
		p.Payload = t.blobs[row.blob-1][row.offset : row.offset+row.length : row.offset+row.length]
	}
	if row.extension > 0 {
		x := &t.extensions[row.extension-1]
		p.Options, p.FragmentOffset, p.MoreFragments, p.BadChecksum = x.options, x.fragmentOffset, x.moreFragments, x.badChecksum
		p.ICMPType, p.ICMPCode, p.TOS, p.ICMPRest = x.icmpType, x.icmpCode, x.tos, x.icmpRest
	}
	return p
}

// Chain returns the causes of an event from the first beginning to the event itself.
func (t *Trace) Chain(id ID) []ID {
	var chain []ID
	for ; id != 0; id = t.Cause(id) {
		chain = append(chain, id)
	}
	for i, j := 0, len(chain)-1; i < j; i, j = i+1, j-1 {
		chain[i], chain[j] = chain[j], chain[i]
	}
	return chain
}

// FirstDrop returns the first Judged event in which a firewall dropped or rejected a
// packet; 0 if none did.
func (t *Trace) FirstDrop() ID {
	for i := uint32(0); i < t.events.n; i++ {
		row := t.events.at(i)
		if row.kind != KindJudged {
			continue
		}
		if a := t.decisions[row.index].decision.Action; a == firewall.ActionDrop || a == firewall.ActionReject {
			return ID(i + 1)
		}
	}
	return 0
}

// From and To return the two ends of one direction of a link.
func (t *Trace) From(l LinkID) NodeID {
	if l%2 == 0 {
		return t.Links[l/2].A
	}
	return t.Links[l/2].B
}

// To returns the node that packets on l go to.
func (t *Trace) To(l LinkID) NodeID { return t.From(l ^ 1) }
