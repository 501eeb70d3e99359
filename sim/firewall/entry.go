package firewall

import (
	"time"

	"ftplab/sim/event"
	"ftplab/sim/wire"
)

// Bits of CTStatus that rules cannot ask for, with the kernel's values.
const (
	statusSeqAdjust CTStatus = 1 << 6 // octets were added or removed
	statusSNATDone  CTStatus = 1 << 7 // its source is settled
	statusDNATDone  CTStatus = 1 << 8
	statusDying     CTStatus = 1 << 9
	statusHelper    CTStatus = 1 << 13 // a rule gave it its helper
	natMask                  = StatusSNAT | StatusDNAT
)

// entry is a tracked connection.
type entry struct {
	id     uint32
	status CTStatus
	tuples [2]tuple // by direction, as its packets come in
	// expires is when it ends; before it is confirmed, timeout is how long it will live.
	expires event.Time
	timeout time.Duration
	// queued is the earliest instant at which the table looks at it again.
	queued event.Time
	mark   uint32
	helper string // "ftp", or another name that inspects nothing; "" is none
	// master is the control connection that this one was expected by; masterHelper
	// outlives it. expectation is what it matched.
	master, expectation uint32
	masterHelper        string
	tcp                 tcpTrack
	ftp                 ftpMemory
	adjust              [2]seqAdjust
	session             *session   // of a vendor's inspection; nil for Linux
	udpStream           event.Time // when a UDP connection counts as a stream
	// masqueradedTo is 1 + the interface that a masqueraded connection leaves by.
	masqueradedTo int16
	bySource      int32 // the next entry with the same original source, or noSlot
	packets       [2]uint64
	octets        [2]uint64
	// expecting is its expectation, or noSlot: a helper has one at a time.
	expecting int32
}

func (e *entry) has(bits CTStatus) bool { return e.status&bits == bits }

func (e *entry) protocol() wire.Protocol { return wire.Protocol(e.tuples[original].protocol) }

// info describes the entry for people.
func (e *entry) info() EntryInfo {
	i := EntryInfo{
		ID: e.id, Protocol: e.protocol(),
		Assured: e.has(StatusAssured), SeenReply: e.has(StatusSeenReply),
		Helper: e.helper, Master: e.master, Expires: e.expires, Mark: e.mark,
		SourceNAT: e.has(StatusSNAT), DestinationNAT: e.has(StatusDNAT),
		Packets: e.packets, Octets: e.octets,
	}
	i.OriginalSrc, i.OriginalDst = e.tuples[original].endpoints()
	i.ReplySrc, i.ReplyDst = e.tuples[reply].endpoints()
	if i.Protocol == wire.TCP {
		i.State = e.tcp.state.String()
	}
	return i
}

// table holds the connections. An entry's place (slot) is its identity inside the
// device; slot 0 is the connection of a packet that has not yet left the device and
// is not in the table.
type table struct {
	entries []entry
	free    []int32
	// gone are slots whose entries ended during this call: the packet that is being
	// judged may still belong to one.
	gone      []int32
	index     map[tuple]int32     // slot<<1 | direction
	cache     [cacheSize]cached   // what was found last, by ports
	slots     map[uint32]int32    // by id
	sources   map[sourceKey]int32 // newest translated entry with this original source
	deadlines deadlines
	lastID    uint32
	sweep     int32 // where eviction goes on
}

// fresh is the slot of the unconfirmed connection.
const fresh = 0

// sourceKey is the source half of an original tuple.
type sourceKey struct {
	src                    address
	port, protocol, family uint16
}

func newTable() table {
	return table{
		entries: make([]entry, 1, 8),
		index:   make(map[tuple]int32),
		slots:   make(map[uint32]int32),
		sources: make(map[sourceKey]int32),
	}
}

func (t *table) count() int { return len(t.index) / 2 }

// cacheSize is how many directions of connections are found without the index. Packets
// come in bursts, and comparing a key costs a tenth of hashing it.
const cacheSize = 64

type cached struct {
	key tuple
	at  int32 // as in the index; 0 is empty
}

func (t *table) cached(key *tuple) *cached {
	return &t.cache[(key.srcPort^key.dstPort<<2)%cacheSize]
}

// find returns the connection whose packets look like this when they come in.
func (t *table) find(key tuple) (slot int32, dir direction, ok bool) {
	c := t.cached(&key)
	if c.at != 0 && c.key == key {
		return c.at >> 1, direction(c.at & 1), true
	}
	at, ok := t.index[key]
	if ok {
		*c = cached{key, at}
	}
	return at >> 1, direction(at & 1), ok
}

// forget takes a direction out of the index.
func (t *table) forget(key tuple) {
	if c := t.cached(&key); c.key == key {
		c.at = 0
	}
	delete(t.index, key)
}

// insert moves the fresh entry into the table. It fails if either direction is
// another's already.
func (t *table) insert(now event.Time) (int32, bool) {
	e := &t.entries[fresh]
	if _, taken := t.index[e.tuples[original]]; taken {
		return noSlot, false
	}
	if _, taken := t.index[e.tuples[reply]]; taken {
		return noSlot, false
	}
	t.lastID++
	e.id = t.lastID
	e.status |= StatusConfirmed
	e.expires = now.Add(e.timeout)
	e.queued = event.Never
	var slot int32
	if n := len(t.free); n > 0 {
		slot = t.free[n-1]
		t.free = t.free[:n-1]
		t.entries[slot] = *e
	} else {
		slot = int32(len(t.entries))
		t.entries = append(t.entries, *e)
	}
	t.index[e.tuples[original]] = slot << 1
	t.index[e.tuples[reply]] = slot<<1 | 1
	t.slots[e.id] = slot
	t.schedule(slot)
	return slot, true
}

// schedule makes sure that the table looks at the entry no later than it expires.
func (t *table) schedule(slot int32) {
	e := &t.entries[slot]
	if e.expires < e.queued {
		e.queued = e.expires
		t.deadlines.push(deadline{e.expires, e.id, entryDeadline})
	}
}
