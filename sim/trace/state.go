package trace

import (
	"math/bits"
	"net/netip"
	"slices"

	"ftplab/sim/event"
	"ftplab/sim/firewall"
	"ftplab/sim/ftp"
	"ftplab/sim/tcp"
)

// State is what the events up to one of them add up to.
type State struct {
	ID   ID // the last event that is in it
	Time event.Time
	// InFlight are the packets that were sent and have not arrived, oldest first.
	InFlight []Flight
	// Endpoints are the TCP endpoints that are or were open, in order of opening.
	Endpoints []Endpoint
	// Devices are the firewalls' tables, by node; hosts have an empty one.
	Devices []DeviceState
	// Lines is how many events of KindFTP have happened: the dialogue so far is
	// Reader.FTP()[:Lines].
	Lines int
	// Dropped and Lost count the packets that firewalls and links took.
	Dropped, Lost int
}

// Flight is a packet on a link.
type Flight struct {
	Sent    ID // the event that sent it
	Serial  uint32
	Link    LinkID
	Departs event.Time
	Arrives event.Time
}

// Endpoint is one end of a TCP connection.
type Endpoint struct {
	Node          NodeID
	Local, Remote netip.AddrPort
	Channel       ftp.Channel
	Session       uint16
	State         tcp.State
}

// DeviceState is what a firewall holds.
type DeviceState struct {
	// Hits counts for each rule how many packets it matched.
	Hits []uint32
	// PolicyHits counts for each chain how many packets its policy decided.
	PolicyHits []uint32
	// Connections and Expectations are the tables, in order of creation. Their
	// Expires is that of the last change recorded; a connection's is refreshed by
	// each packet without a change: see LastSeen.
	Connections  []Connection
	Expectations []firewall.ExpectInfo
	// Last is the last decision, LastEvent its event; 0 if none yet.
	Last      firewall.Decision
	LastEvent ID
}

// Connection is an entry of a connection table.
type Connection struct {
	firewall.EntryInfo
	LastSeen event.Time
}

func (s *State) clone() *State {
	c := *s
	c.InFlight = slices.Clone(s.InFlight)
	c.Endpoints = slices.Clone(s.Endpoints)
	c.Devices = slices.Clone(s.Devices)
	for i := range c.Devices {
		d := &c.Devices[i]
		d.Hits, d.PolicyHits = slices.Clone(d.Hits), slices.Clone(d.PolicyHits)
		d.Connections, d.Expectations = slices.Clone(d.Connections), slices.Clone(d.Expectations)
	}
	return &c
}

// keyframeEvery is the distance of keyframes in events: a seek folds at most this many.
const keyframeEvery = 4096

// Reader finds the state of a trace at any event. It is not safe for concurrent
// use; any number of readers may share a trace.
type Reader struct {
	t         *Trace
	keyframes []*State // the state before event 1 + i*keyframeEvery
	ftp       []ID
	current   *State
}

// NewReader returns a reader at the beginning of t.
func NewReader(t *Trace) *Reader {
	start := &State{Devices: make([]DeviceState, len(t.Nodes))}
	for i, n := range t.Nodes {
		start.Devices[i].load(n.Rules)
	}
	r := &Reader{t: t, keyframes: []*State{start}, current: start.clone()}
	for i := 0; i < t.Len(); i++ {
		if id := ID(i + 1); t.Kind(id) == KindFTP {
			r.ftp = append(r.ftp, id)
		}
	}
	return r
}

// Trace returns the trace that is read.
func (r *Reader) Trace() *Trace { return r.t }

// FTP returns the events of KindFTP in order: commands, replies and other notes.
func (r *Reader) FTP() []ID { return r.ftp }

// StateAt returns the state after event id (0: before the first). The caller must
// not change it, and may use it until the next call.
func (r *Reader) StateAt(id ID) *State {
	frame := r.keyframe(id)
	if r.current.ID > id || r.current.ID < frame.ID {
		r.current = frame.clone()
	}
	for r.current.ID < id {
		r.t.apply(r.current)
	}
	return r.current
}

// keyframe returns the last keyframe at or before id, making those that are missing.
func (r *Reader) keyframe(id ID) *State {
	want := int(id) / keyframeEvery
	for len(r.keyframes) <= want {
		next := r.keyframes[len(r.keyframes)-1].clone()
		for end := ID(len(r.keyframes) * keyframeEvery); next.ID < end; {
			r.t.apply(next)
		}
		r.keyframes = append(r.keyframes, next)
	}
	return r.keyframes[want]
}

// apply adds the next event to s.
func (t *Trace) apply(s *State) {
	row := t.events.at(uint32(s.ID))
	s.ID++
	s.Time = row.time
	switch row.kind {
	case KindSent:
		s.InFlight = append(s.InFlight, Flight{Sent: s.ID, Serial: row.packet, Link: row.link, Departs: row.time, Arrives: row.time + event.Time(row.extra)})
	case KindArrived:
		s.land(row)
	case KindLost:
		s.Lost++
		s.land(row)
	case KindJudged:
		s.judged(row, &t.decisions[row.index].decision)
	case KindTCP:
		s.tcp(row.node, t.bodies[row.index].(TCP))
	case KindFTP:
		s.Lines++
	case KindInput:
		s.Devices[row.node].load(t.bodies[row.index].(Input).Rules)
	case KindTracked:
		s.Devices[row.node].tracked(t.bodies[row.index].(Tracked).Change, row.time)
	}
}

// land takes a packet off its link.
func (s *State) land(row *record) {
	for i := range s.InFlight {
		if f := &s.InFlight[i]; f.Serial == row.packet && f.Link == row.link {
			s.InFlight = slices.Delete(s.InFlight, i, i+1)
			return
		}
	}
}

func (s *State) judged(row *record, d *firewall.Decision) {
	dev := &s.Devices[row.node]
	dev.Last, dev.LastEvent = *d, s.ID
	for _, rule := range d.Hits[:d.NumHits] {
		if int(rule) < len(dev.Hits) {
			dev.Hits[rule]++
		}
	}
	for passed := d.Policies; passed != 0; passed &= passed - 1 {
		if chain := bits.TrailingZeros64(passed); chain < len(dev.PolicyHits) {
			dev.PolicyHits[chain]++
		}
	}
	if d.Action == firewall.ActionDrop || d.Action == firewall.ActionReject {
		s.Dropped++
	}
	for i := range dev.Connections {
		if dev.Connections[i].ID == d.Entry {
			dev.Connections[i].LastSeen = row.time
		}
	}
}

func (s *State) tcp(node NodeID, b TCP) {
	for i := range s.Endpoints {
		e := &s.Endpoints[i]
		if e.Node == node && e.Local == b.Local && e.Remote == b.Remote && e.State != tcp.Closed {
			e.State = b.To
			return
		}
	}
	s.Endpoints = append(s.Endpoints, Endpoint{Node: node, Local: b.Local, Remote: b.Remote, Channel: b.Channel, Session: b.Session, State: b.To})
}

// load begins to count the hits of other rules. The tables stay.
func (d *DeviceState) load(rules *firewall.Ruleset) {
	d.Hits, d.PolicyHits = nil, nil
	if rules != nil {
		d.Hits = make([]uint32, len(rules.Rules))
		d.PolicyHits = make([]uint32, len(rules.Chains))
	}
}

func (d *DeviceState) tracked(c firewall.Change, now event.Time) {
	switch c.Kind {
	case firewall.EntryNew:
		d.Connections = append(d.Connections, Connection{c.Entry, now})
	case firewall.EntryUpdate:
		for i := range d.Connections {
			if d.Connections[i].ID == c.Entry.ID {
				d.Connections[i] = Connection{c.Entry, now}
			}
		}
	case firewall.EntryGone:
		d.Connections = slices.DeleteFunc(d.Connections, func(e Connection) bool { return e.ID == c.Entry.ID })
	case firewall.ExpectNew:
		d.Expectations = append(d.Expectations, c.Expect)
	case firewall.ExpectUsed, firewall.ExpectGone:
		d.Expectations = slices.DeleteFunc(d.Expectations, func(e firewall.ExpectInfo) bool { return e.ID == c.Expect.ID })
	}
}
