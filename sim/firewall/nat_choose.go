package firewall

import (
	"math/bits"

	"ftplab/sim/wire"
)

// Limits of the search for a free port (nf_nat_core).
const (
	maxAttempts    = 128
	harderAttempts = maxAttempts / 4 // from here on a closed connection's port is taken over
)

// chooseTuple returns how the connection shall look after a translation into the
// range, so that its replies look like no other connection's (get_unique_tuple).
func (d *Device) chooseTuple(e *entry, current tuple, r natRange, m manipulation) tuple {
	if m == changeSource && !r.random {
		if r.containsSource(current) {
			if !d.taken(e, current) {
				return current
			}
		} else if mapped, ok := d.sameMapping(current, r); ok && !d.taken(e, mapped) {
			return mapped
		}
	}
	chosen := current
	if r.mapAddress {
		if m == changeSource {
			chosen.src = r.chooseAddress(current)
		} else {
			chosen.dst = r.chooseAddress(current)
		}
	}
	if !r.random {
		if r.mapPort {
			if r.containsPort(chosen, m) && (r.portLow == r.portHigh || !d.taken(e, chosen)) {
				return chosen
			}
		} else if !d.taken(e, chosen) {
			return chosen
		}
	}
	return d.choosePort(e, chosen, r, m)
}

// taken reports whether the replies to a tuple would look like another connection's
// packets.
func (d *Device) taken(e *entry, t tuple) bool {
	slot, _, ok := d.table.find(t.mustInverse())
	return ok && d.table.entries[slot].tuples[original] != e.tuples[original]
}

// sameMapping returns the mapping that an existing connection of the same source has,
// if it is in the range (find_appropriate_src).
func (d *Device) sameMapping(t tuple, r natRange) (tuple, bool) {
	slot, ok := d.table.sources[sourceKey{t.src, t.srcPort, t.protocol, t.family}]
	if !ok {
		return tuple{}, false
	}
	for ; slot != noSlot; slot = d.table.entries[slot].bySource {
		mapped := d.table.entries[slot].tuples[reply].mustInverse()
		mapped.dst, mapped.dstPort = t.dst, t.dstPort
		if r.containsSource(mapped) {
			return mapped, true
		}
	}
	return tuple{}, false
}

func (r *natRange) containsSource(t tuple) bool {
	if r.mapAddress && (t.src.less(r.low) || r.high.less(t.src)) {
		return false
	}
	return !r.mapPort || r.containsPort(t, changeSource)
}

func (r *natRange) containsPort(t tuple, m manipulation) bool {
	port := t.srcPort
	switch wire.Protocol(t.protocol) {
	case wire.TCP, wire.UDP:
		if m == changeDestination {
			port = t.dstPort
		}
	case wire.ICMP, wire.ICMPv6:
	default:
		return true
	}
	return port >= r.portLow && port <= r.portHigh
}

// choosePort searches the range for a free port, from a random place for sources
// (nf_nat_l4proto_unique_tuple).
func (d *Device) choosePort(e *entry, t tuple, r natRange, m manipulation) tuple {
	port := &t.srcPort
	low, size := uint32(0), uint32(0)
	switch wire.Protocol(t.protocol) {
	case wire.ICMP, wire.ICMPv6:
		size = 1 << 16
	case wire.TCP, wire.UDP:
		if m == changeDestination {
			port = &t.dstPort
		}
		if !r.mapPort {
			if m == changeDestination {
				return t
			}
			low, size = privilegeClass(*port)
		}
	default:
		return t
	}
	if r.mapPort {
		low, size = uint32(r.portLow), uint32(r.portHigh)-uint32(r.portLow)+1
	}
	start := uint32(0)
	if r.random || m == changeSource {
		start = d.random16()
	}
	for attempts := min(size, maxAttempts); ; {
		for i := range attempts {
			*port = uint16(low + (start+i)&0xffff%size)
			if !d.takenHarder(e, t, attempts-i) {
				return t
			}
		}
		if attempts >= size || attempts < 16 {
			return t // the table will refuse it
		}
		attempts /= 2
		start = d.random16()
	}
}

// privilegeClass returns the ports that a source port may be exchanged for.
func privilegeClass(port uint16) (low, size uint32) {
	switch {
	case port < 512:
		return 1, 511
	case port < 1024:
		return 600, 1023 - 600 + 1
	}
	return 1024, 65535 - 1024 + 1
}

// takenHarder is taken, but in the last attempts it ends a closed connection that
// stands in the way, if sequence numbers have gone on.
func (d *Device) takenHarder(e *entry, t tuple, attemptsLeft uint32) bool {
	if attemptsLeft > harderAttempts || t.protocol != protocolTCP || e.tcp.state != tcpSynSent {
		return d.taken(e, t)
	}
	slot, dir, ok := d.table.find(t.mustInverse())
	if !ok {
		return false
	}
	other := &d.table.entries[slot]
	if dir == original || other.tcp.state < tcpTimeWait || !other.has(StatusSNAT) ||
		!after(e.tcp.seen[0].end, other.tcp.seen[0].end) {
		return true
	}
	d.endEntry(slot)
	return false
}

// chooseAddress returns an address of the range. Source and destination decide, so
// that a server sees a client under one address (find_best_ips_proto).
func (r *natRange) chooseAddress(t tuple) address {
	if r.low == r.high {
		return r.low
	}
	hash := r.hash(t)
	if t.family == 4 {
		size := uint32(r.high.lo) - uint32(r.low.lo) + 1
		return address{lo: uint64(uint32(r.low.lo) + scale(hash, size))}
	}
	var words [4]uint32
	low, high, dst := r.low.words(), r.high.words(), t.dst.words()
	full := false
	for i := range words {
		first, size := low[i], high[i]-low[i]+1
		if full {
			first, size = 0, ^uint32(0)
		}
		words[i] = first + scale(hash, size)
		full = full || words[i] != high[i]
		if !r.persistent {
			hash ^= bits.ReverseBytes32(dst[i])
		}
	}
	return address{uint64(words[0])<<32 | uint64(words[1]), uint64(words[2])<<32 | uint64(words[3])}
}

// scale maps a hash to 0..size-1.
func scale(hash, size uint32) uint32 { return uint32(uint64(hash) * uint64(size) >> 32) }

// words returns the address as four 32-bit numbers, an IPv4 address in the first.
func (a address) words() [4]uint32 {
	return [4]uint32{uint32(a.hi >> 32), uint32(a.hi), uint32(a.lo >> 32), uint32(a.lo)}
}

// hash is the kernel's jhash2 of the source address, started with the destination, as
// a little-endian machine computes it.
func (r *natRange) hash(t tuple) uint32 {
	src, dst := t.src.words(), t.dst.words()
	if t.family == 4 {
		src = [4]uint32{src[3], 0, 0, 0}
		dst = [4]uint32{dst[3], 0, 0, dst[3]}
	}
	start := bits.ReverseBytes32(dst[3])
	if r.persistent {
		start = 0
	}
	const golden = 0xdeadbeef
	a := uint32(golden + 4*4 + start)
	b, c := a, a
	a += bits.ReverseBytes32(src[0])
	b += bits.ReverseBytes32(src[1])
	c += bits.ReverseBytes32(src[2])
	a, b, c = jenkinsMix(a, b, c)
	a += bits.ReverseBytes32(src[3])
	return jenkinsFinal(a, b, c)
}

func jenkinsMix(a, b, c uint32) (uint32, uint32, uint32) {
	rol := bits.RotateLeft32
	a -= c
	a ^= rol(c, 4)
	c += b
	b -= a
	b ^= rol(a, 6)
	a += c
	c -= b
	c ^= rol(b, 8)
	b += a
	a -= c
	a ^= rol(c, 16)
	c += b
	b -= a
	b ^= rol(a, 19)
	a += c
	c -= b
	c ^= rol(b, 4)
	b += a
	return a, b, c
}

func jenkinsFinal(a, b, c uint32) uint32 {
	rol := bits.RotateLeft32
	c ^= b
	c -= rol(b, 14)
	a ^= c
	a -= rol(c, 11)
	b ^= a
	b -= rol(a, 25)
	c ^= b
	c -= rol(b, 16)
	a ^= c
	a -= rol(c, 4)
	b ^= a
	b -= rol(a, 14)
	c ^= b
	c -= rol(b, 24)
	return c
}

// random16 returns the next 16 random bits of the device (SplitMix64).
func (d *Device) random16() uint32 {
	d.random += 0x9e3779b97f4a7c15
	z := d.random
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return uint32((z ^ z>>31) >> 48)
}
