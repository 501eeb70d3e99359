package tcp

import (
	"slices"

	"ftplab/sim/wire"
)

// maxBlocks is how many SACK blocks fit beside no other option (RFC 2018, section 3).
const maxBlocks = 4

// inbox is what has arrived: in order and not read, or too early.
type inbox struct {
	ready  ring[[]byte]
	unread uint32 // octets in ready
	// early is what arrived beyond a hole, sorted, without overlaps.
	early []span
	// blocks are the contiguous ranges of early to report, the one that arrived last
	// first (RFC 2018, section 4).
	blocks    [maxBlocks]wire.SACKBlock
	numBlocks int
	// duplicate is a range that arrived twice, to be reported once (RFC 2883).
	duplicate    wire.SACKBlock
	hasDuplicate bool
	finTaken     bool // the peer's FIN is behind what is ready
	urgent       bool // urgent data arrived and nobody asked yet
}

// span is a piece of the stream that arrived too early.
type span struct {
	data []byte
	seq  uint32
	fin  bool // the peer's FIN follows
}

func (s *span) end() uint32 { return s.seq + uint32(len(s.data)) }

// endWithFIN is the end in sequence space.
func (s *span) endWithFIN() uint32 {
	if s.fin {
		return s.end() + 1
	}
	return s.end()
}

// read takes the next piece that is ready.
func (b *inbox) read() ([]byte, bool) {
	if b.ready.n == 0 {
		return nil, false
	}
	place := b.ready.at(0)
	data := *place
	*place = nil
	b.ready.pop()
	b.unread -= uint32(len(data))
	return data, true
}

// deliver appends what is next in the stream.
func (c *Conn) deliver(data []byte) {
	if len(data) == 0 {
		return
	}
	*c.inbox.ready.push() = data
	c.inbox.unread += uint32(len(data))
	c.rcv.nxt += uint32(len(data))
}

// deliverEarly delivers what the last delivery closed the hole before, and reports
// whether the peer's FIN came with it.
func (c *Conn) deliverEarly() bool {
	b := &c.inbox
	n := 0
	for ; n < len(b.early) && !seqAfter(b.early[n].seq, c.rcv.nxt); n++ {
		s := &b.early[n]
		if old := c.rcv.nxt - s.seq; old < uint32(len(s.data)) {
			c.deliver(s.data[old:])
		}
		if s.fin && s.end() == c.rcv.nxt {
			b.early, b.numBlocks = nil, 0
			return true
		}
	}
	b.early = slices.Delete(b.early, 0, n)
	kept := 0
	for _, block := range b.blocks[:b.numBlocks] {
		if seqAfter(block.Left, c.rcv.nxt) {
			b.blocks[kept] = block
			kept++
		}
	}
	b.numBlocks = kept
	return false
}

// keepEarly keeps a piece that arrived beyond a hole. What of it is there already
// stays as it is; the rest fills the holes between.
func (c *Conn) keepEarly(s span) {
	b := &c.inbox
	if len(s.data) == 0 && !s.fin {
		return
	}
	arrived := s
	i, _ := slices.BinarySearchFunc(b.early, s.seq, func(e span, seq uint32) int { return int(int32(e.seq - seq)) })
	if i > 0 && seqAfter(b.early[i-1].end(), s.seq) {
		before := b.early[i-1].end()
		c.noteDuplicate(s.seq, seqMin(before, s.end()))
		s.cutFront(before)
	}
	for len(s.data) > 0 || s.fin {
		if i == len(b.early) || !seqBefore(b.early[i].seq, s.end()) {
			// Nothing that is there overlaps the rest.
			if i < len(b.early) && b.early[i].seq == s.seq && len(s.data) == 0 {
				break
			}
			b.early = slices.Insert(b.early, i, s)
			break
		}
		next := &b.early[i]
		if seqBefore(s.seq, next.seq) {
			gap := span{seq: s.seq, data: s.data[:next.seq-s.seq]}
			end := next.end()
			b.early = slices.Insert(b.early, i, gap)
			i++
			s.cutFront(end)
		} else {
			c.noteDuplicate(s.seq, seqMin(next.end(), s.end()))
			s.cutFront(next.end())
		}
		i++
	}
	c.reportBlock(arrived)
}

// cutFront drops what of the piece lies before seq. A FIN that lies before it too is
// dropped as well.
func (s *span) cutFront(seq uint32) {
	if n := seq - s.seq; n <= uint32(len(s.data)) {
		s.data, s.seq = s.data[n:], seq
		return
	}
	s.data, s.fin = nil, false
}

// reportBlock puts the contiguous range around what just arrived first among the SACK
// blocks (RFC 2018, section 4).
func (c *Conn) reportBlock(arrived span) {
	b := &c.inbox
	block := wire.SACKBlock{Left: arrived.seq, Right: arrived.endWithFIN()}
	for i := range b.early { // sorted by where they begin
		if e := &b.early[i]; !seqAfter(e.seq, block.Right) {
			block.Right = seqMax(block.Right, e.endWithFIN())
		}
	}
	for i := len(b.early) - 1; i >= 0; i-- {
		if e := &b.early[i]; seqBefore(e.seq, block.Left) && !seqBefore(e.endWithFIN(), block.Left) {
			block.Left = e.seq
		}
	}
	blocks := [maxBlocks]wire.SACKBlock{block}
	n := 1
	for _, old := range b.blocks[:b.numBlocks] {
		inside := !seqBefore(old.Left, block.Left) && !seqAfter(old.Right, block.Right)
		if !inside && n < maxBlocks {
			blocks[n] = old
			n++
		}
	}
	b.blocks, b.numBlocks = blocks, n
}

// noteDuplicate notes octets that arrived twice.
func (c *Conn) noteDuplicate(left, right uint32) {
	if c.sackOK && seqBefore(left, right) {
		c.inbox.duplicate = wire.SACKBlock{Left: left, Right: right}
		c.inbox.hasDuplicate = true
	}
}

// sackOptions fills in the SACK option: the duplicate first, once, then the blocks.
func (c *Conn) sackOptions(o *wire.Options) {
	if !c.sackOK {
		return
	}
	b := &c.inbox
	n := 0
	if b.hasDuplicate {
		o.Blocks[0] = b.duplicate
		n = 1
		b.hasDuplicate = false
	}
	n += copy(o.Blocks[n:c.maxBlocks()], b.blocks[:b.numBlocks])
	o.NumBlocks = uint8(n)
}

// sackRoom is how many octets the SACK option takes of the next segment.
func (c *Conn) sackRoom() int {
	n := c.inbox.numBlocks
	if c.inbox.hasDuplicate {
		n++
	}
	if n == 0 || !c.sackOK {
		return 0
	}
	return 4 + 8*min(n, c.maxBlocks())
}

// maxBlocks is how many SACK blocks fit beside the other options (RFC 2018, section 3).
func (c *Conn) maxBlocks() int {
	if c.ts.ok {
		return maxBlocks - 1
	}
	return maxBlocks
}
