package ftp

import (
	"strconv"
	"strings"

	"ftplab/sim/event"
)

// Result judges the session as it stands, in the words that a Client uses of its own.
// It is asked once, when the program has ended.
func (o *Onlooker) Result(now event.Time) *Result {
	o.now = now
	outcome := o.outcome()
	o.result.Outcome, o.result.OK = outcome, outcome == OutcomeOK
	if !o.result.OK {
		o.result.FailAfter = o.now.Sub(o.since)
	}
	if o.result.Bytes == 0 && o.data.bytes > 0 {
		o.result.Bytes, o.result.Data = o.data.bytes, o.data.blocks
	}
	return &o.result
}

func (o *Onlooker) outcome() string {
	switch {
	case !o.control.up:
		return controlOutcome(o.control.failure)
	case o.cutCommand():
		o.result.Phase = PhaseDataSetup
		return OutcomeHang
	case o.data.asked != "" || o.data.dialled || o.data.up:
		return o.dataOutcome()
	case o.control.refusal != nil && !o.quitting:
		o.result.ServerReply = o.control.refusal.Line()
		return strconv.Itoa(o.control.refusal.Code)
	case o.control.lost:
		return OutcomeControlReset
	case o.control.ended && !o.quitting:
		return OutcomeControlClosed
	case o.pending > 0 && !o.quitting:
		return OutcomeHang
	}
	return OutcomeOK
}

// cutCommand reports whether the program has sent only a part of a command that asks for
// a data connection.
func (o *Onlooker) cutCommand() bool {
	verb, _, _ := strings.Cut(string(o.commands.partial), " ")
	return asksForData(upperASCII(verb))
}

// controlOutcome names why the control connection did not come about.
func controlOutcome(f Failure) string {
	switch f {
	case Refused, RefusedICMP:
		return OutcomeControlRefused
	case NoFailure, TimedOut:
		return OutcomeControlConnectTimeout
	}
	return OutcomeControlUnreachable
}

// dataOutcome judges the last attempt to move data.
func (o *Onlooker) dataOutcome() string {
	d := &o.data
	switch {
	case d.ended && (d.final != nil && !d.late || o.opaque):
		return OutcomeOK
	case d.final != nil && d.final.Class() == 2 && !d.dialled && !d.up:
		return OutcomeBounce + strconv.Itoa(d.final.Code) // the data went to a third party
	case d.dialled && !d.up:
		return dialOutcome(d.failure)
	case d.refusal != nil && d.refusal.Class() == 5 && d.command == "" && o.isActive():
		return "500" // whatever the code: the reply has it
	case d.refusal != nil:
		return strconv.Itoa(d.refusal.Code)
	case o.control.lost && !d.ended:
		return OutcomeControlReset
	case d.up && d.failure != NoFailure:
		return OutcomeDataError
	case d.up && !d.ended:
		return OutcomeDataStall
	case d.ended:
		return OutcomeControlLostAfterData
	case d.command != "" && o.isActive():
		return OutcomeConnectTimeout
	case o.control.ended:
		return OutcomeControlClosed
	}
	return OutcomeHang
}

// dialOutcome names why the program could not open the data connection.
func dialOutcome(f Failure) string {
	switch f {
	case Refused:
		return OutcomeRefusedRST
	case RefusedICMP:
		return OutcomeRefusedICMP
	case Unreachable:
		return OutcomeUnreachable
	}
	return OutcomeConnectTimeout
}
