package tcp

import "strconv"

// State is a state of the connection (RFC 9293, section 3.3.2). LISTEN is not among
// them: a listener belongs to the host.
type State uint8

// The states of a connection.
const (
	Closed State = iota
	SynSent
	SynReceived
	Established
	FinWait1
	FinWait2
	CloseWait
	Closing
	LastAck
	TimeWait
)

var stateNames = [...]string{
	"CLOSED", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2",
	"CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT",
}

// String returns the state's name as RFC 9293 writes it: "SYN-SENT".
func (s State) String() string { return nameOf(stateNames[:], int(s), "State") }

// Failure is why a connection could not be made or broke.
type Failure uint8

// The failures, with the errno that a BSD socket would give.
const (
	NoFailure   Failure = iota
	Refused             // ECONNREFUSED: the SYN was answered with a RST
	RefusedICMP         // ECONNREFUSED: it was answered with ICMP port or protocol unreachable
	Unreachable         // EHOSTUNREACH, ENETUNREACH: with another ICMP error
	TimedOut            // ETIMEDOUT: nothing answered for too long
	Reset               // ECONNRESET
)

var failureNames = [...]string{
	"none", "refused", "refused by ICMP", "unreachable", "timed out", "reset by peer",
}

// String says what happened in a few words: "timed out".
func (f Failure) String() string { return nameOf(failureNames[:], int(f), "Failure") }

// Sending says why a segment leaves.
type Sending uint8

// The reasons for which a segment leaves.
const (
	Nothing            Sending = iota
	Fresh                      // a first SYN, SYN-ACK or FIN, or octets that were not sent before
	PureACK                    // an acknowledgment or a window update, without data
	SYNAgain                   // a SYN or SYN-ACK, repeated
	Retransmission             // the retransmission timer went off (RFC 6298)
	FastRetransmission         // acknowledgments told of a loss (RFC 5681, RFC 6675)
	WindowProbe                // asks for the peer's window (RFC 9293, section 3.8.6.1)
	ResetSegment               // a RST
	LossProbe                  // the last segment again, to learn what is missing (RFC 8985, section 7)
)

var sendingNames = [...]string{
	"nothing", "new", "acknowledgment", "SYN again", "retransmission",
	"fast retransmission", "window probe", "reset", "loss probe",
}

// String names the reason in a few words: "fast retransmission".
func (s Sending) String() string { return nameOf(sendingNames[:], int(s), "Sending") }

func nameOf(names []string, i int, kind string) string {
	if i < len(names) {
		return names[i]
	}
	return kind + "(" + strconv.Itoa(i) + ")"
}
