package firewall

// invalidCause is why connection tracking calls a packet invalid.
type invalidCause uint8

// The causes. The kernel has one word for them all, which tells a person little.
const (
	notInvalid         invalidCause = iota
	invalidChecksum                 // of the transport header
	invalidFlags                    // no segment has them together
	invalidFirst                    // nothing begins a connection this way
	invalidOrder                    // not in this state of the connection
	invalidWindow                   // outside of what the other side has offered or sent
	invalidReset                    // older than what was acknowledged
	invalidFragment                 // it cannot be told whose a later fragment is
	invalidUnrelated                // an ICMP error about no connection
	invalidUnknown                  // an ICMP type that does not exist
	invalidUntrackable              // nothing to know a connection by
)

var invalidCauses = [...]string{
	"", "its checksum is wrong", "no segment has these flags together", "no connection begins with it",
	"it does not follow in this state of the connection", "it lies outside of the connection's window",
	"the reset is older than what was acknowledged", "a later fragment tells of no connection",
	"the error is about no connection in the table", "there is no such ICMP type", "it shows nothing to know a connection by",
}

// String says the cause in words.
func (c invalidCause) String() string { return invalidCauses[c] }

// markInvalid makes the packet one that belongs to no connection, and says why.
func (s *subject) markInvalid(cause invalidCause) {
	s.state, s.invalid = StateInvalid, cause
}

// refuse is trackInvalid with its cause.
func (s *subject) refuse(cause invalidCause) tracking {
	s.invalid = cause
	return trackInvalid
}

// WhyInvalid says why the packet of the last Receive or Send has the state invalid, ""
// if it has not. It may be called only until the next Receive, Send or Expire.
func (d *Device) WhyInvalid() string {
	if d.subject.state != StateInvalid {
		return ""
	}
	return d.subject.invalid.String()
}
