package tcp

import (
	"ftplab/sim/event"
	"ftplab/sim/wire"
)

// ICMPError is what an ICMP error message means to TCP.
type ICMPError uint8

// The meanings (RFC 1122, section 4.2.3.9; Linux: icmp_err_convert).
const (
	ICMPIgnored         ICMPError = iota // not an error, or not for TCP (fragmentation needed)
	ICMPPortUnreachable                  // ICMP 3/3 and 3/2, ICMPv6 1/4
	ICMPHostUnreachable                  // ICMP 3/0 and 3/1, ICMPv6 1/0, 1/2, 1/3: no way there
	ICMPProhibited                       // the other destination unreachable codes: a filter
	ICMPTimeExceeded                     // the TTL or hop limit ran out
)

// ICMPErrorOf says what an ICMP or ICMPv6 message means to a connection one of whose
// segments it quotes.
func ICMPErrorOf(p *wire.Packet) ICMPError {
	switch p.Protocol {
	case wire.ICMP:
		switch {
		case p.ICMPType == 11:
			return ICMPTimeExceeded
		case p.ICMPType != 3 || p.ICMPCode == 4:
			return ICMPIgnored
		case p.ICMPCode <= 1:
			return ICMPHostUnreachable
		case p.ICMPCode <= 3:
			return ICMPPortUnreachable
		}
		return ICMPProhibited
	case wire.ICMPv6:
		switch {
		case p.ICMPType == 3:
			return ICMPTimeExceeded
		case p.ICMPType != 1:
			return ICMPIgnored
		case p.ICMPCode == 4:
			return ICMPPortUnreachable
		case p.ICMPCode == 0 || p.ICMPCode == 2 || p.ICMPCode == 3:
			return ICMPHostUnreachable
		}
		return ICMPProhibited
	}
	return ICMPIgnored
}

// ReceiveICMP handles an ICMP error that quotes a segment of ours with the sequence
// number quotedSeq. As in Linux it ends a connection that we are opening; a listener's
// half-open one only ends when there is no way to the peer; on an established one it
// changes nothing. One that quotes what is not outstanding is ignored (RFC 5927,
// section 4.1).
func (c *Conn) ReceiveICMP(now event.Time, e ICMPError, quotedSeq uint32) {
	outstanding := !seqBefore(quotedSeq, c.snd.una) && !seqAfter(quotedSeq, c.snd.nxt)
	opening := c.state == SynSent || c.state == SynReceived
	if e == ICMPIgnored || !opening || !outstanding {
		return
	}
	switch {
	case c.passive && e != ICMPHostUnreachable:
	case e == ICMPPortUnreachable:
		c.fail(RefusedICMP)
	default:
		c.fail(Unreachable)
	}
}
