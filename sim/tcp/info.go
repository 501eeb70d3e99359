package tcp

import (
	"time"

	"ftplab/sim/event"
)

// Info is the state of a connection for people to look at. Sequence numbers are as
// on the wire; sizes are in octets.
type Info struct {
	State   State
	Failure Failure

	ISS, SndUna, SndNxt uint32
	IRS, RcvNxt         uint32
	SndWnd              uint32 // the peer's window
	RcvWnd              uint32 // what is left of the window we offered
	MSS                 uint32 // payload of a full segment that carries no SACK option
	SndScale, RcvScale  uint8  // window scale shift counts
	SACK, Timestamps    bool   // both sides speak it

	Cwnd     uint32 // congestion window
	Ssthresh uint32 // slow start threshold; math.MaxUint32 until the first loss
	InFlight int    // segments thought to be on the way
	Lost     int    // segments taken for lost
	SACKed   int    // segments known to have arrived early, or duplicate ACKs
	Recovery bool   // fast recovery, or recovery after a timeout

	SRTT, RTTVar, RTO time.Duration
	Retransmissions   uint32 // of data or FIN, since the beginning
	Unsent            int    // octets written and not sent
	Unread            int    // octets arrived and not read
	Early             int    // pieces that arrived beyond a hole

	// RetransmitAt, AckAt and EndAt are when the retransmission (or persist), the
	// delayed acknowledgment and the TIME-WAIT or FIN-WAIT-2 timer go off.
	RetransmitAt, AckAt, EndAt event.Time
}

// Info returns the state of the connection for people to look at.
func (c *Conn) Info() Info {
	ssthresh := ^uint32(0)
	if c.cong.ssthresh < maxWindow {
		ssthresh = uint32(c.cong.ssthresh) * c.snd.mss
	}
	return Info{
		State: c.state, Failure: c.failure,
		ISS: c.snd.iss, SndUna: c.snd.una, SndNxt: c.snd.nxt,
		IRS: c.rcv.irs, RcvNxt: c.rcv.nxt,
		SndWnd: c.snd.wnd, RcvWnd: c.rcv.offered(), MSS: c.snd.mss,
		SndScale: c.snd.scale, RcvScale: c.rcv.scale, SACK: c.sackOK, Timestamps: c.ts.ok,
		Cwnd: uint32(c.cong.cwnd) * c.snd.mss, Ssthresh: ssthresh,
		InFlight: c.inFlight(), Lost: c.board.lost, SACKed: c.board.sacked,
		Recovery: c.board.mode != sending,
		SRTT:     c.rtt.srtt, RTTVar: c.rtt.rttvar, RTO: c.rtt.rto,
		Retransmissions: c.snd.retransmissions,
		Unsent:          c.snd.unsent, Unread: int(c.inbox.unread), Early: len(c.inbox.early),
		RetransmitAt: c.timer.retransmit, AckAt: c.timer.delayedACK, EndAt: c.timer.linger,
	}
}
