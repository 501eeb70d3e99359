package model

import (
	"net/netip"
	"slices"
	"sort"

	"ftplab/sim"
	"ftplab/sim/event"
	"ftplab/sim/firewall"
	"ftplab/sim/ftp"
	"ftplab/sim/tcp"
	"ftplab/sim/trace"
	"ftplab/sim/wire"
)

// Run is a finished run with what the screens need to find quickly: which packet
// belongs to which connection, where the interesting moments are, and how long each
// wait takes on the screen. It is not safe for concurrent use.
type Run struct {
	Trace  *trace.Trace
	reader *trace.Reader
	plan   plan

	lanes   []lane                // by packet serial minus 1
	origin  []trace.ID            // by packet serial minus 1: the event in which a host sent it first
	sentOn  [laneCount][]trace.ID // the Sent events of each lane, in order
	labels  [laneCount][]label
	judged  []trace.ID // every Judged event
	drops   []trace.ID // those that dropped or rejected, and losses
	inHand  []trace.ID // by event: the last one with a packet that still matters, 0 for none
	busy    []bool     // by node: it sends or receives something
	moments []trace.ID
	talk    []utterance
	rungs   []rung
	pace    pace
	touched map[entryKey][]trace.ID // changes of connection table entries
}

// entryKey is an entry of one firewall's connection table.
type entryKey struct {
	node  trace.NodeID
	entry uint32
}

// Cursor is a place in a run: after an event, at an instant before the next one.
type Cursor struct {
	Event trace.ID
	Time  event.Time
}

// NewRun prepares a trace for the screen.
func NewRun(sc *sim.Scenario, t *trace.Trace) *Run {
	r := &Run{Trace: t, reader: trace.NewReader(t), plan: newPlan(sc, t), touched: map[entryKey][]trace.ID{}}
	r.sortPackets()
	r.findMoments()
	r.findTalk()
	r.findRungs()
	r.pace = newPace(t)
	return r
}

// At returns the cursor at an event.
func (r *Run) At(id trace.ID) Cursor { return Cursor{id, r.Trace.Time(id)} }

// Start and End return the cursors before the first and at the last event.
func (r *Run) Start() Cursor { return Cursor{} }

// End returns the cursor at the last event.
func (r *Run) End() Cursor { return r.At(trace.ID(r.Trace.Len())) }

// AtEnd reports whether nothing happens after the cursor.
func (r *Run) AtEnd(c Cursor) bool { return int(c.Event) >= r.Trace.Len() }

// StepEvent returns the cursor n events further on (or back, if n is negative).
func (r *Run) StepEvent(c Cursor, n int) Cursor {
	return r.At(trace.ID(max(0, min(int(c.Event)+n, r.Trace.Len()))))
}

// Step returns the cursor at the next interesting moment, or with forward false at
// the one before. Before the first one is the start, after the last one the end.
func (r *Run) Step(c Cursor, forward bool) Cursor {
	if forward {
		i := sort.Search(len(r.moments), func(i int) bool { return r.moments[i] > c.Event })
		if i == len(r.moments) {
			return r.End()
		}
		return r.At(r.moments[i])
	}
	i := sort.Search(len(r.moments), func(i int) bool { return r.moments[i] >= c.Event })
	if i == 0 {
		return r.Start()
	}
	return r.At(r.moments[i-1])
}

// FirstDrop returns the cursor at the first packet that a firewall took; false if
// none was.
func (r *Run) FirstDrop() (Cursor, bool) {
	id := r.Trace.FirstDrop()
	return r.At(id), id != 0
}

// until returns how many of the events in a sorted list are at or before id.
func until(list []trace.ID, id trace.ID) int {
	return sort.Search(len(list), func(i int) bool { return list[i] > id })
}

// lane is where on the map a packet moves.
type lane uint8

// The lanes: the two connections of FTP, and all others.
const (
	controlLane lane = iota
	dataLane
	otherLane
	laneCount
)

func (l lane) role() Role { return [...]Role{Control, Data, Other}[l] }

// label is what a host's box says of one of its ports from an event on.
type label struct {
	from      trace.ID
	node      trace.NodeID
	port      uint16
	listening bool
	gone      bool
}

// pair is the two ends of a connection, the smaller one first.
type pair struct{ a, b netip.AddrPort }

func pairOf(a, b netip.AddrPort) pair {
	if a.Compare(b) > 0 {
		a, b = b, a
	}
	return pair{a, b}
}

func pairOfPacket(p *wire.Packet) pair { return pairOf(p.SrcEndpoint(), p.DstEndpoint()) }

// sortPackets finds the lane of every packet. A host's packet belongs to the
// connection that its addresses name; a packet that a firewall made or rewrote to
// that of the packet it was made from.
func (r *Run) sortPackets() {
	channels := r.channels()
	r.lanes = make([]lane, r.Trace.Packets())
	r.origin = make([]trace.ID, r.Trace.Packets())
	known := make([]bool, r.Trace.Packets())
	r.busy = make([]bool, len(r.Trace.Nodes))
	r.inHand = make([]trace.ID, r.Trace.Len()+1)
	for i := range r.Trace.Len() {
		id := trace.ID(i + 1)
		kind := r.Trace.Kind(id)
		if kind == trace.KindTracked {
			r.noteTouched(id)
		}
		r.inHand[id] = r.packetInHand(id)
		p, ok := r.Trace.PacketOf(id)
		if !ok {
			continue
		}
		if e := r.Trace.Event(id); int(e.Node) < len(r.busy) {
			r.busy[e.Node] = true
		}
		if s := p.Serial - 1; !known[s] {
			known[s] = true
			r.lanes[s], r.origin[s] = r.laneOf(id, &p, channels)
		}
		switch kind {
		case trace.KindSent:
			l := r.lanes[p.Serial-1]
			r.sentOn[l] = append(r.sentOn[l], id)
		case trace.KindLost:
			r.drops = append(r.drops, id)
		case trace.KindJudged:
			r.judged = append(r.judged, id)
			if dropped(r.Trace.Event(id).Body.(trace.Judged).Decision.Action) {
				r.drops = append(r.drops, id)
			}
		}
	}
}

func dropped(a firewall.Action) bool {
	return a == firewall.ActionDrop || a == firewall.ActionReject
}

func (r *Run) noteTouched(id trace.ID) {
	e := r.Trace.Event(id)
	if c := e.Body.(trace.Tracked).Change; c.Kind == firewall.EntryNew || c.Kind == firewall.EntryUpdate {
		key := entryKey{e.Node, c.Entry.ID}
		r.touched[key] = append(r.touched[key], id)
	}
}

// laneOf returns the lane of a packet that is seen for the first time in event id,
// and the event in which its host sent it.
func (r *Run) laneOf(id trace.ID, p *wire.Packet, channels map[pair]ftp.Channel) (lane, trace.ID) {
	host := int(r.Trace.Event(id).Node)
	if host < len(r.Trace.Nodes) && r.Trace.Nodes[host].Kind == trace.Host {
		if channel, ok := channels[pairOfPacket(p)]; ok {
			return laneOfChannel(channel), id
		}
	}
	for cause := r.Trace.Cause(id); cause != 0; cause = r.Trace.Cause(cause) {
		if before, ok := r.Trace.PacketOf(cause); ok && before.Serial != p.Serial {
			if r.Trace.Kind(id) == trace.KindJudged {
				return r.lanes[before.Serial-1], r.origin[before.Serial-1]
			}
			return r.lanes[before.Serial-1], id // an answer of the firewall's own
		}
	}
	return otherLane, id
}

func laneOfChannel(c ftp.Channel) lane {
	if c == ftp.Data {
		return dataLane
	}
	return controlLane
}

// channels returns which connections are FTP's, and collects what the hosts' boxes
// say of their ports. A connection that is being accepted belongs to nobody yet, so
// the end that dialled it says what it is.
func (r *Run) channels() map[pair]ftp.Channel {
	channels := map[pair]ftp.Channel{}
	var events []trace.ID
	for i := range r.Trace.Len() {
		id := trace.ID(i + 1)
		switch r.Trace.Kind(id) {
		case trace.KindTCP:
			if b := r.Trace.Event(id).Body.(trace.TCP); b.Session > 0 {
				channels[pairOf(b.Local, b.Remote)] = b.Channel
			}
			events = append(events, id)
		case trace.KindSocket:
			events = append(events, id)
		}
	}
	for _, id := range events {
		r.noteLabel(id, channels)
	}
	return channels
}

func (r *Run) noteLabel(id trace.ID, channels map[pair]ftp.Channel) {
	e := r.Trace.Event(id)
	switch b := e.Body.(type) {
	case trace.TCP:
		l := otherLane
		if channel, ok := channels[pairOf(b.Local, b.Remote)]; ok {
			l = laneOfChannel(channel)
		}
		r.labels[l] = append(r.labels[l], label{from: id, node: e.Node, port: b.Local.Port(), gone: b.To == tcp.Closed || b.To == tcp.TimeWait})
	case trace.Socket:
		listens := b.Op == trace.OpListen || b.Op == trace.OpUnlisten
		if listens && b.Local.Port() != 0 {
			l := laneOfChannel(b.Channel)
			if b.Session == 0 {
				l = otherLane
			}
			r.labels[l] = append(r.labels[l], label{from: id, node: e.Node, port: b.Local.Port(), listening: true, gone: b.Op == trace.OpUnlisten})
		}
	}
}

// label returns the port that a host's box shows on a lane after event id: the one
// that was opened last, if it is not gone.
func (r *Run) label(node trace.NodeID, l lane, id trace.ID) (label, bool) {
	list := r.labels[l]
	n := sort.Search(len(list), func(i int) bool { return list[i].from > id })
	for i := n - 1; i >= 0; i-- {
		if list[i].node != node {
			continue
		}
		if list[i].gone && list[i].listening && slices.ContainsFunc(list[:i], func(b label) bool { return b.node == node && !b.listening }) {
			continue // the connection that was accepted outlives its listener
		}
		return list[i], true
	}
	return label{}, false
}
