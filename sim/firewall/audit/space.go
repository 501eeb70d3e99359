package audit

import (
	"math/bits"
	"net/netip"
	"slices"
)

// number is an unsigned 128-bit integer: an address of either family, or a port.
type number struct{ hi, lo uint64 }

func small(n uint64) number { return number{lo: n} }

func (a number) less(b number) bool { return a.hi < b.hi || a.hi == b.hi && a.lo < b.lo }

func (a number) next() number {
	lo, carry := bits.Add64(a.lo, 1, 0)
	return number{a.hi + carry, lo}
}

func (a number) previous() number {
	lo, borrow := bits.Sub64(a.lo, 1, 0)
	return number{a.hi - borrow, lo}
}

func addressNumber(a netip.Addr) number {
	if a.Is4() {
		b := a.As4()
		return small(uint64(b[0])<<24 | uint64(b[1])<<16 | uint64(b[2])<<8 | uint64(b[3]))
	}
	b := a.As16()
	var n number
	for i := range 8 {
		n.hi = n.hi<<8 | uint64(b[i])
		n.lo = n.lo<<8 | uint64(b[8+i])
	}
	return n
}

func (a number) address(family Family) netip.Addr {
	if family == IPv4 {
		return netip.AddrFrom4([4]byte{byte(a.lo >> 24), byte(a.lo >> 16), byte(a.lo >> 8), byte(a.lo)})
	}
	var b [16]byte
	for i := range 8 {
		b[i], b[8+i] = byte(a.hi>>(56-8*i)), byte(a.lo>>(56-8*i))
	}
	return netip.AddrFrom16(b)
}

// span is an inclusive range of numbers.
type span struct{ low, high number }

// size is how many numbers are in the span, to the precision of a float64.
func (s span) size() float64 {
	lo, borrow := bits.Sub64(s.high.lo, s.low.lo, 0)
	hi, _ := bits.Sub64(s.high.hi, s.low.hi, borrow)
	return float64(hi)*(1<<32)*(1<<32) + float64(lo) + 1
}

// The ordered properties of a packet.
const (
	dimSource = iota
	dimDestination
	dimProtocol
	dimSourcePort
	dimDestinationPort
	dimICMPType
	dimICMPCode
	orderedDims
)

// The properties with few values: each value is a bit.
const (
	dimFlags    = iota // the 64 sets of TCP flags
	dimState           // place of a bit of firewall.CTState, and 5 for none
	dimFragment        // no fragment, first, later
	dimReply           // original, reply direction
	dimIn              // interfaces by place in the universe, the last is any other
	dimOut
	dimHelper     // no helper, ftp
	dimTranslated // its destination is as it was sent, or translated
	finiteDims
)

// box is a set of packets: the product of a range in each ordered property and a set in
// each finite one. It is never empty.
type box struct {
	spans [orderedDims]span
	sets  [finiteDims]uint64
}

// intersect returns the packets that are in both, if any are.
func (a *box) intersect(b *box) (box, bool) {
	c := *a
	for d := range c.spans {
		if c.spans[d].low.less(b.spans[d].low) {
			c.spans[d].low = b.spans[d].low
		}
		if b.spans[d].high.less(c.spans[d].high) {
			c.spans[d].high = b.spans[d].high
		}
		if c.spans[d].high.less(c.spans[d].low) {
			return box{}, false
		}
	}
	for d := range c.sets {
		if c.sets[d] &= b.sets[d]; c.sets[d] == 0 {
			return box{}, false
		}
	}
	return c, true
}

// subtract appends to pieces the packets of a that are not in b, as disjoint boxes.
func (a *box) subtract(b *box, pieces []box) []box {
	if _, ok := a.intersect(b); !ok {
		return append(pieces, *a)
	}
	rest := *a
	for d := range rest.sets {
		if outside := rest.sets[d] &^ b.sets[d]; outside != 0 {
			piece := rest
			piece.sets[d] = outside
			pieces = append(pieces, piece)
			rest.sets[d] &= b.sets[d]
		}
	}
	for d := range rest.spans {
		if rest.spans[d].low.less(b.spans[d].low) {
			piece := rest
			piece.spans[d].high = b.spans[d].low.previous()
			pieces = append(pieces, piece)
			rest.spans[d].low = b.spans[d].low
		}
		if b.spans[d].high.less(rest.spans[d].high) {
			piece := rest
			piece.spans[d].low = b.spans[d].high.next()
			pieces = append(pieces, piece)
			rest.spans[d].high = b.spans[d].high
		}
	}
	return pieces
}

// volume is the number of different packets in the box, to the precision of a float64.
func (a *box) volume() float64 {
	v := 1.0
	for d := range a.spans {
		v *= a.spans[d].size()
	}
	for d := range a.sets {
		v *= float64(bits.OnesCount64(a.sets[d]))
	}
	return v
}

// region is a set of packets as disjoint boxes.
type region []box

func (r region) volume() float64 {
	v := 0.0
	for i := range r {
		v += r[i].volume()
	}
	return v
}

// budget bounds an analysis: the pairs of boxes that it may compare.
type budget struct {
	left int
	hit  bool
}

func (b *budget) spend(n int) bool {
	b.left -= n
	if b.left < 0 {
		b.hit = true
	}
	return !b.hit
}

// intersect returns the packets that are in both regions.
func (r region) intersect(s region, b *budget) region {
	var out region
	for i := range r {
		if !b.spend(len(s)) {
			return out
		}
		for j := range s {
			if c, ok := r[i].intersect(&s[j]); ok {
				out = append(out, c)
			}
		}
	}
	return out
}

// subtract returns the packets of r that are not in s.
func (r region) subtract(s region, b *budget) region {
	rest := r
	for j := range s {
		if !b.spend(len(rest)) {
			return rest
		}
		first := slices.IndexFunc(rest, func(a box) bool { _, meets := a.intersect(&s[j]); return meets })
		if first < 0 {
			continue
		}
		next := slices.Clone(rest[:first])
		for i := first; i < len(rest); i++ {
			next = rest[i].subtract(&s[j], next)
		}
		rest = next
	}
	return rest
}
