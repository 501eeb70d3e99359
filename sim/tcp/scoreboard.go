package tcp

import (
	"ftplab/sim/event"
	"ftplab/sim/wire"
)

// scoreboard counts what the flags of the segments say (RFC 6675, section 3), so
// that the number in flight is known without looking. Without SACK, each duplicate
// acknowledgment stands for one segment that arrived, we do not know which.
type scoreboard struct {
	sacked        int // segments known to have arrived out of order
	lost          int // segments taken for lost
	retransmitted int // of the lost, those sent again
	// hint is a segment before which none is lost and not retransmitted.
	hint int
	// marked is the sequence number below which all that was not SACKed is marked lost.
	marked uint32

	mode          recoveryMode
	recoveryPoint uint32 // SND.NXT when recovery began
	// retransmitNow lets one retransmission leave whatever the congestion window is
	// (RFC 6675, section 5, step 4.3).
	retransmitNow bool
}

// inFlight is the estimate of how many segments are on the way: the pipe of RFC 6675.
func (c *Conn) inFlight() int {
	b := &c.board
	return c.segments.n - b.sacked - b.lost + b.retransmitted
}

// forget takes a segment that leaves the queue out of the counts.
func (b *scoreboard) forget(s *segment) {
	if s.sacked {
		b.sacked--
	}
	if s.lost {
		b.lost--
	}
	if s.retransmitted {
		b.retransmitted--
	}
}

// acknowledged keeps the marks within reach of SND.UNA after n segments left the
// queue: far behind it, comparing modulo 2^32 would turn over.
func (b *scoreboard) acknowledged(una uint32, n int) {
	b.hint = max(0, b.hint-n)
	b.marked = seqMax(b.marked, una)
	if b.mode == sending && seqAfter(una, b.recoveryPoint) {
		b.recoveryPoint = una - 1
	}
}

// countDuplicate lets a duplicate acknowledgment stand for a segment that arrived.
func (c *Conn) countDuplicate() {
	c.board.sacked++
	c.limitDuplicates()
}

// limitDuplicates keeps the count below what can have arrived: not the segments that
// are lost, of which there is one at least.
func (c *Conn) limitDuplicates() {
	if !c.sackOK {
		c.board.sacked = max(0, min(c.board.sacked, c.segments.n-max(1, c.board.lost)))
	}
}

// applySACK marks the segments that the blocks cover, and returns how many were not
// marked before. Blocks of octets that were never sent, or were acknowledged already
// (RFC 2883), are passed over.
func (c *Conn) applySACK(now event.Time, o *wire.Options) int {
	marked := 0
	for _, block := range o.Blocks[:min(int(o.NumBlocks), len(o.Blocks))] {
		valid := seqBefore(block.Left, block.Right) && !seqBefore(block.Left, c.snd.una) && !seqAfter(block.Right, c.snd.nxt)
		if !valid {
			continue
		}
		for i := c.segmentFrom(block.Left); i < c.segments.n; i++ {
			s := c.segments.at(i)
			if seqAfter(s.end(), block.Right) {
				break
			}
			if !s.sacked {
				c.arrived(now, s)
				c.board.forget(s)
				s.lost, s.retransmitted, s.sacked = false, false, true
				c.board.sacked++
				marked++
			}
		}
	}
	return marked
}

// segmentFrom returns the index of the first segment that begins at seq or after it.
func (c *Conn) segmentFrom(seq uint32) int {
	low, high := 0, c.segments.n
	for low < high {
		middle := int(uint(low+high) / 2)
		if seqBefore(c.segments.at(middle).seq, seq) {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

// markLost takes the i-th segment for lost.
func (c *Conn) markLost(i int) {
	s := c.segments.at(i)
	if s.sacked || s.lost {
		return
	}
	s.lost = true
	if c.bbr != nil {
		c.bbr.rate.now.lost++
	}
	if c.board.lost == 0 {
		c.board.hint = i
	}
	c.board.lost++
	c.board.hint = min(c.board.hint, i)
}

// markLostBySACK takes for lost what was not SACKed while duplicateThreshold segments
// after it were (RFC 6675, IsLost; counted in segments, as Linux does).
func (c *Conn) markLostBySACK() {
	above, i := 0, c.segments.n-1
	for ; i >= 0 && above < duplicateThreshold; i-- {
		if c.segments.at(i).sacked {
			above++
		}
	}
	if above < duplicateThreshold {
		return
	}
	top := i
	for ; i >= 0; i-- {
		s := c.segments.at(i)
		if seqBefore(s.seq, c.board.marked) {
			break
		}
		c.markLost(i)
	}
	if top >= 0 {
		c.board.marked = seqMax(c.board.marked, c.segments.at(top).end())
	}
}

// markAllLost takes everything for lost that was not SACKed, as after a timeout.
func (c *Conn) markAllLost() {
	b := &c.board
	// A receiver that had SACKed the oldest segment would have acknowledged it: it
	// has thrown away what it SACKed, as it may (RFC 2018, section 8).
	reneged := c.segments.at(0).sacked
	b.sacked, b.lost, b.retransmitted, b.hint = 0, 0, 0, 0
	for i := range c.segments.n {
		s := c.segments.at(i)
		s.sacked = s.sacked && !reneged
		s.lost, s.retransmitted = !s.sacked, false
		if s.sacked {
			b.sacked++
		} else {
			b.lost++
		}
	}
	b.marked = c.snd.nxt
}
