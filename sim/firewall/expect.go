package firewall

import (
	"net/netip"
	"time"

	"ftplab/sim/event"
)

// expectationLife is how long an expectation of the FTP helper lasts.
const expectationLife = 5 * time.Minute

// expectation is a connection that a helper has read about: from src, any port, to
// dst and port. All are TCP.
type expectation struct {
	id       uint32
	master   int32 // slot of the control connection
	src, dst address
	port     uint16
	family   uint8
	expires  event.Time
	from     string // the text that announced it
	// anySource lets it come from any host, not only src.
	anySource bool
	// follow says that the connection is to be translated as its master; the expected
	// packet goes in direction dir of the master, to savedPort before translation.
	follow    bool
	dir       direction
	savedPort uint16
	next      int32 // with the same key, or noSlot
}

// expectations is the table of what is expected, found by destination.
type expectations struct {
	all    []expectation
	free   []int32
	index  map[expectationKey]int32 // newest
	slots  map[uint32]int32         // by id
	lastID uint32
}

type expectationKey struct {
	dst          address
	port, family uint16
}

func newExpectations() expectations {
	return expectations{index: make(map[expectationKey]int32), slots: make(map[uint32]int32)}
}

func (x *expectation) key() expectationKey {
	return expectationKey{x.dst, x.port, uint16(x.family)}
}

func (x *expectation) info(master uint32) ExpectInfo {
	return ExpectInfo{
		ID: x.id, Master: master,
		Src: netip.AddrPortFrom(x.src.addr(x.family), 0), Dst: netip.AddrPortFrom(x.dst.addr(x.family), x.port),
		Expires: x.expires, From: x.from,
	}
}

// expectResult says whether an expectation could be made.
type expectResult uint8

const (
	expectMade expectResult = iota
	expectBusy              // another connection expects the same
	expectFull
)

// expect adds an expectation (nf_ct_expect_related). The same one of the same master
// is replaced; a control connection has at most one, and a new one evicts it.
func (d *Device) expect(x expectation) expectResult {
	for at := d.expectedAt(x.key()); at != noSlot; {
		other := &d.expected.all[at]
		next := other.next
		if other.src == x.src || other.anySource || x.anySource {
			if other.master != x.master {
				return expectBusy
			}
			d.endExpectation(at, ExpectGone)
			break
		}
		at = next
	}
	master := &d.table.entries[x.master]
	if master.expecting != noSlot {
		d.endExpectation(master.expecting, ExpectGone)
	}
	if len(d.expected.slots) >= d.settings.maxExpectations {
		return expectFull
	}
	d.addExpectation(x)
	return expectMade
}

func (d *Device) expectedAt(key expectationKey) int32 {
	if at, ok := d.expected.index[key]; ok {
		return at
	}
	return noSlot
}

func (d *Device) addExpectation(x expectation) {
	t, master := &d.expected, &d.table.entries[x.master]
	t.lastID++
	x.id = t.lastID
	x.expires = d.now.Add(expectationLife)
	x.next = d.expectedAt(x.key())
	var slot int32
	if n := len(t.free); n > 0 {
		slot = t.free[n-1]
		t.free = t.free[:n-1]
		t.all[slot] = x
	} else {
		slot = int32(len(t.all))
		t.all = append(t.all, x)
	}
	t.index[x.key()] = slot
	t.slots[x.id] = slot
	master.expecting = slot
	d.table.deadlines.push(deadline{x.expires, x.id, expectationDeadline})
	d.changes = append(d.changes, Change{Kind: ExpectNew, Expect: x.info(master.id)})
}

// endExpectation removes an expectation: used, expired, evicted or without master.
func (d *Device) endExpectation(slot int32, why ChangeKind) {
	t := &d.expected
	x := &t.all[slot]
	if t.index[x.key()] == slot {
		if x.next == noSlot {
			delete(t.index, x.key())
		} else {
			t.index[x.key()] = x.next
		}
	} else {
		at := t.index[x.key()]
		for t.all[at].next != slot {
			at = t.all[at].next
		}
		t.all[at].next = x.next
	}
	master := &d.table.entries[x.master]
	master.expecting = noSlot
	delete(t.slots, x.id)
	t.free = append(t.free, slot)
	d.changes = append(d.changes, Change{Kind: why, Expect: x.info(master.id)})
}

// takeExpectation returns the expectation that a first packet meets, used up; nil if
// there is none. It is valid until the next expectation is made.
func (d *Device) takeExpectation(key tuple) *expectation {
	if len(d.expected.slots) == 0 || key.protocol != protocolTCP {
		return nil
	}
	at := d.expectedAt(expectationKey{key.dst, key.dstPort, key.family})
	for ; at != noSlot; at = d.expected.all[at].next {
		if x := &d.expected.all[at]; x.src == key.src || x.anySource {
			d.endExpectation(at, ExpectUsed)
			return x
		}
	}
	return nil
}

// isExpected reports whether a first packet meets an expectation.
func (d *Device) isExpected(key tuple) bool {
	if len(d.expected.slots) == 0 || key.protocol != protocolTCP {
		return false
	}
	for at := d.expectedAt(expectationKey{key.dst, key.dstPort, key.family}); at != noSlot; at = d.expected.all[at].next {
		if x := &d.expected.all[at]; x.src == key.src || x.anySource {
			return true
		}
	}
	return false
}
