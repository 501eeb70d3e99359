package tcp

import (
	"ftplab/sim/event"
	"ftplab/sim/wire"
)

// write is what one call of Write queued and has not been put into segments.
type write struct {
	data   []byte
	offset uint32 // octets of it that were taken
	blob   uint32
}

// segment is a segment that was sent and not wholly acknowledged: a piece of the
// stream, with the FIN on the last one.
type segment struct {
	data       []byte
	blob       uint32
	blobOffset uint32
	sentAt     event.Time // the last time
	seq        uint32
	fin        bool
	push       bool
	urgent     bool

	// The scoreboard's view of it. retransmitted is only set with lost: the
	// retransmission is thought to be on its way.
	sacked, lost, retransmitted bool
	everRetransmitted           bool

	left departure // what BBR measures by
}

// length is the segment's length in sequence space.
func (s *segment) length() uint32 {
	if s.fin {
		return uint32(len(s.data)) + 1
	}
	return uint32(len(s.data))
}

func (s *segment) end() uint32 { return s.seq + s.length() }

// trimFront drops the first n octets of the payload: they were acknowledged.
func (s *segment) trimFront(n uint32) {
	n = min(n, uint32(len(s.data)))
	s.data = s.data[n:]
	s.blobOffset += n
	s.seq += n
}

// take removes the next n octets from the write queue for a new segment. They are a
// slice of what was written, unless they straddle writes and must be copied.
func (c *Conn) take(n int, s *segment) {
	first := c.writes.at(0)
	from := int(first.offset)
	if rest := len(first.data) - from; rest >= n {
		s.data = first.data[from : from+n : from+n]
		s.blob, s.blobOffset = first.blob, first.offset
		first.offset += uint32(n)
		if rest == n {
			s.push = true
			c.dropWrite()
		}
	} else {
		s.data = make([]byte, 0, n)
		for len(s.data) < n {
			first = c.writes.at(0)
			rest := first.data[first.offset:]
			rest = rest[:min(len(rest), n-len(s.data))]
			s.data = append(s.data, rest...)
			first.offset += uint32(len(rest))
			if int(first.offset) == len(first.data) {
				c.dropWrite()
			}
		}
		s.push = true
	}
	c.snd.unsent -= n
	c.snd.taken += uint64(n)
	s.urgent = c.snd.taken == c.snd.urgentEnd && n > 0
}

// dropWrite forgets a write that was taken whole.
func (c *Conn) dropWrite() {
	c.writes.at(0).data = nil
	c.writes.pop()
}

// mergeSmall lets the i-th segment, which is about to be retransmitted, carry those
// that follow as well, as long as all fit into one segment, were not SACKed and lie
// in the peer's window (Linux: tcp_retrans_try_collapse, sysctl tcp_retrans_collapse).
//
// A line that was sent in two pieces so becomes whole when it is retransmitted; but
// not if the peer has SACKed the second piece.
func (c *Conn) mergeSmall(i int) {
	s := c.segments.at(i)
	for i+1 < c.segments.n {
		next := c.segments.at(i + 1)
		fits := len(s.data)+len(next.data) <= int(c.snd.mss)
		inWindow := !seqAfter(next.end(), c.snd.una+c.snd.wnd)
		if s.fin || s.sacked || next.sacked || s.urgent || !fits || !inWindow {
			return
		}
		if len(next.data) > 0 {
			s.data = append(s.data[:len(s.data):len(s.data)], next.data...)
			s.blob, s.blobOffset = 0, 0
		}
		s.fin, s.push, s.urgent = next.fin, s.push || next.push, next.urgent
		s.everRetransmitted = s.everRetransmitted || next.everRetransmitted
		c.board.forget(next)
		c.segments.remove(i + 1)
		c.board.hint = min(c.board.hint, i)
		c.limitDuplicates()
	}
}

// fill writes the segment into a packet.
func (s *segment) fill(p *wire.Packet) {
	p.Seq = s.seq
	p.Payload = s.data
	p.Blob, p.BlobOffset = s.blob, s.blobOffset
	if s.fin {
		p.Flags |= wire.FIN
	}
	if s.push {
		p.Flags |= wire.PSH
	}
	if s.urgent {
		p.Flags |= wire.URG
	}
}
