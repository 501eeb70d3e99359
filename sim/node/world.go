// Package node is the network while it runs: hosts and firewalls, the links between
// them, and the loop that takes one event after the other.
//
// Everything that happens is told to a trace.Recorder, with its cause: the state
// machines of the packages tcp, ftp and firewall return facts, and it is here that
// they are written down.
package node

import (
	"math/rand/v2"

	"ftplab/sim/event"
	"ftplab/sim/firewall"
	"ftplab/sim/tls"
	"ftplab/sim/trace"
)

// The kinds of items in the queue.
const (
	itemArrival  uint32 = iota // Index: link direction; the packet at the head of its ring
	itemConn                   // Index: host and connection; its TCP timer
	itemIdleConn               // the same, of one in TIME-WAIT
	itemProgram                // Index: host and program; its machine's timer
	itemStart                  // Index: host and program; its beginning
	itemExpiry                 // Index: firewall; entries of its tables time out
)

// at packs a node and a place within it into an item's index.
func at(node trace.NodeID, place uint32) uint64 { return uint64(node)<<32 | uint64(place) }

// World is a network in motion. Build one with New, add programs, then Run.
type World struct {
	now    event.Time
	queue  event.Queue
	rec    *trace.Recorder
	random *rand.Rand

	nodes []endpoint
	links []direction

	// busy counts the queued items that keep the run going: all but the expiry of
	// table entries and the timers of connections that only wait in TIME-WAIT.
	busy int
	// waiting counts the programs that have yet to come to a result.
	waiting int
	// real is how many of them are not simulated; doneAt when the last result came.
	real   int
	doneAt event.Time
	// endAt is when a run whose programs are all done stops at the latest.
	endAt event.Time

	delivered []Delivery // to real hosts

	newTLS  func(server bool, random *rand.Rand) tls.Endpoint
	secrets map[[32]byte]*secret // by the ClientHello's random; never iterated

	stats Stats
}

// endpoint is a node: exactly one of the three is set.
type endpoint struct {
	host     *Host
	firewall *Firewall
	real     *Real
}

// Stats counts what a run did.
type Stats struct {
	Events     int // events in the trace
	Packets    int // different packets
	PacketHops int // packets put on a link
}

// Linger is how long a run goes on at most after every program has come to its
// result, so that the connections' ends can be seen.
const Linger event.Time = 10e9

// New returns a world that records into rec. Seed makes its random choices.
func New(rec *trace.Recorder, seed uint64) *World {
	return &World{
		rec: rec, random: rand.New(rand.NewPCG(seed, 0x667470)), endAt: event.Never,
		newTLS:  func(server bool, random *rand.Rand) tls.Endpoint { return tls.New(server, random) },
		secrets: map[[32]byte]*secret{},
	}
}

// Now returns the present instant.
func (w *World) Now() event.Time { return w.now }

// Stats returns what was done so far.
func (w *World) Stats() Stats {
	s := w.stats
	s.Events = w.rec.Len()
	s.Packets = w.rec.Trace().Packets()
	return s
}

// RuleChange replaces a firewall's rules, as an administrator would; the connection
// table is kept. Text says it for people.
type RuleChange struct {
	Node    trace.NodeID
	Rules   *firewall.Ruleset
	Options firewall.Options
	Text    string
}

// Change makes a change at an instant, which must not be before Now.
func (w *World) Change(now event.Time, c RuleChange) {
	w.now = now
	w.rec.Cause = 0
	w.nodes[c.Node].firewall.device.Load(c.Rules, c.Options)
	w.rec.Body(w.now, c.Node, trace.Input{Text: c.Text, Rules: c.Rules})
}

// push schedules an item that keeps the run going.
func (w *World) push(at event.Time, kind uint32, index uint64) {
	w.busy++
	w.queue.Push(at, kind, index)
}

// Run goes on until nothing is left to do, Linger after the last program has come
// to its result, or at until, whatever is first.
func (w *World) Run(until event.Time) {
	for w.busy > 0 && w.queue.NextAt() <= min(until, w.endAt) {
		w.step()
	}
}

// Advance does all that is due up to an instant, that one included. It reports whether
// the run goes on to there; if not, it has ended as Run does.
func (w *World) Advance(to event.Time) bool {
	for w.queue.NextAt() <= min(to, w.endAt) {
		w.step()
	}
	return to <= w.endAt
}

// NextAt is when something is due next; event.Never if nothing is.
func (w *World) NextAt() event.Time { return w.queue.NextAt() }

func (w *World) step() {
	item := w.queue.Pop()
	w.now = item.At
	switch item.Kind {
	case itemArrival:
		w.busy--
		w.arrival(trace.LinkID(item.Index))
	case itemConn:
		w.busy--
		w.nodes[item.Index>>32].host.connTimer(uint32(item.Index))
	case itemIdleConn:
		w.nodes[item.Index>>32].host.connTimer(uint32(item.Index))
	case itemProgram:
		w.busy--
		w.nodes[item.Index>>32].host.programTimer(uint32(item.Index))
	case itemExpiry:
		w.nodes[item.Index].firewall.expire()
	case itemStart:
		w.busy--
		w.rec.Cause = 0
		w.nodes[item.Index>>32].host.programs[uint32(item.Index)].start()
	}
}

// arrival hands the packet at the head of a link to the node at its end. The packet
// stays in the link's ring while it is handled: nothing is sent on a link because of
// what comes out of it.
func (w *World) arrival(id trace.LinkID) {
	l := &w.links[id]
	f := l.first()
	w.rec.Cause = w.rec.Arrived(w.now, l.to, id, &f.packet, f.sent)
	switch to := &w.nodes[l.to]; {
	case to.host != nil:
		to.host.receive(&f.packet)
	case to.firewall != nil:
		to.firewall.receive(id, l.toInterface, &f.packet)
	default:
		to.real.receive(&f.packet)
	}
	if next := l.pop(); next != event.Never {
		w.push(next, itemArrival, uint64(id))
	}
}

// ClientsDone reports whether every simulated program has come to its result, and when
// the last one did.
func (w *World) ClientsDone() (event.Time, bool) { return w.doneAt, w.waiting == w.real }

// finished notes that a program came to its result.
func (w *World) finished() {
	w.waiting--
	w.doneAt = w.now
	if w.waiting == 0 {
		w.endAt = w.now + Linger
	}
}
