package ftp

import (
	"net/netip"
	"time"
)

// Outcomes of a session, in the words of the lab's truth table. A refusal's outcome
// is the code of the reply ("425", "500", "550"); OutcomeBounce with the code of the
// final reply appended ("bounce_226") says that the server sent the data to a third
// party.
const (
	OutcomeOK                    = "ok"
	OutcomeConnectTimeout        = "connect_timeout"
	OutcomeRefusedRST            = "refused_rst"
	OutcomeRefusedICMP           = "refused_icmp"
	OutcomeUnreachable           = "unreachable"
	OutcomeHang                  = "hang"
	OutcomeControlConnectTimeout = "control_connect_timeout"
	OutcomeControlRefused        = "control_refused"
	OutcomeControlUnreachable    = "control_unreachable"
	OutcomeControlClosed         = "control_closed"
	OutcomeControlReset          = "control_reset"
	OutcomeControlLostAfterData  = "control_lost_after_data"
	OutcomeDataStall             = "data_stall"
	OutcomeDataError             = "data_error"
	OutcomeBounce                = "bounce_"
	// OutcomeNoSession is said of a real program that has opened no control connection.
	OutcomeNoSession = "no_session"
	// OutcomeBadReply is a reply that is none, or names no address where one is due.
	OutcomeBadReply = "bad_reply"
	// OutcomeLocalError is a failure on the client's own side: a port that is taken, a
	// file that cannot be opened.
	OutcomeLocalError = "local_error"
)

// Phases of a session, in the words of the lab.
const (
	PhaseControlConnect = "control_connect"
	PhaseLogin          = "login"
	PhaseCommand        = "command" // of a script, without a data connection
	PhaseDataSetup      = "data_setup"
	PhaseDataConnect    = "data_connect"
	PhaseTransfer       = "transfer"
	PhaseFinalReply     = "final_reply"
)

// Result is how a client's session went.
type Result struct {
	Outcome string // one of the Outcome words or a reply code; "" while it runs
	Phase   string // the phase that it ended in
	Detail  string // for people
	OK      bool
	// FailAfter is the time from the start of the failing step; -1 when none failed.
	FailAfter time.Duration
	// ServerReply is the failing or the final reply, LastReply the last line of the
	// last one that came; "" when there was none.
	ServerReply, LastReply string
	Replies                []Reply

	// Asked is what a real program asked for the data connection with that the outcome
	// is about: PASV, EPSV, PORT or EPRT; "" if nothing, or if it is no client.
	Asked string
	// Announced is the last address said in PORT, EPRT, 227 or 229 (there with the
	// server's own host), DataPeer who was on the other end of the data connection.
	Announced, DataPeer netip.AddrPort

	// Bytes counts the octets of the last transfer. Data is what it received, unless a
	// file took it: the blocks as they arrived, shared, never written to.
	Bytes int64
	Data  [][]byte
	// Transfers are all data transfers of the session, the last one included.
	Transfers []TransferResult
}

// TransferResult is one data transfer of a session.
type TransferResult struct {
	Step  int // place in the script
	Bytes int64
	Data  [][]byte
	OK    bool
}

// immediate is less than what somebody who waits for something would wait.
const immediate = 700 * time.Millisecond

// FailureClass returns "none", "immediate" (the failing step took less than 0.7 s) or
// "delayed".
func (r *Result) FailureClass() string {
	switch {
	case r.OK:
		return "none"
	case r.FailAfter < immediate:
		return "immediate"
	}
	return "delayed"
}

// clone returns a result that shares nothing but immutable octets.
func (r *Result) clone() Result {
	c := *r
	c.Replies = append([]Reply(nil), r.Replies...)
	c.Data = append([][]byte(nil), r.Data...)
	c.Transfers = append([]TransferResult(nil), r.Transfers...)
	return c
}

// appendBlock appends b to blocks. Blocks that follow each other in memory, as the
// segments of one file do, become one.
func appendBlock(blocks [][]byte, b []byte) [][]byte {
	if len(b) == 0 {
		return blocks
	}
	if n := len(blocks); n > 0 {
		if joined, ok := joinAdjacent(blocks[n-1], b); ok {
			blocks[n-1] = joined
			return blocks
		}
	}
	return append(blocks, b)
}
