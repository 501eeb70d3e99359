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
	outcome, reply := o.outcome()
	if reply != nil {
		o.result.ServerReply = reply.Line()
	}
	o.result.Outcome, o.result.OK = outcome, outcome == OutcomeOK
	if o.result.OK {
		o.result.FailAfter = -1
	} else {
		o.fails()
	}
	if o.result.Bytes == 0 && o.data.bytes > 0 {
		o.result.Bytes, o.result.Data = o.data.bytes, o.data.blocks
	}
	return &o.result
}

// outcome returns the outcome's word, and the reply that it comes from, if it does.
func (o *Onlooker) outcome() (string, *Reply) {
	switch {
	case !o.control.up:
		return controlOutcome(o.control.failure), nil
	case o.cutCommand():
		o.result.Phase = PhaseDataSetup
		return OutcomeHang, nil
	case o.data.asked != "" || o.data.dialled || o.data.up:
		return o.dataOutcome()
	case o.control.refusal != nil && !o.quitting:
		return strconv.Itoa(o.control.refusal.Code), o.control.refusal
	case o.control.lost:
		return OutcomeControlReset, nil
	case o.control.ended && !o.quitting:
		return OutcomeControlClosed, nil
	case o.pending > 0 && !o.quitting:
		return OutcomeHang, nil
	}
	return OutcomeOK, nil
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
func (o *Onlooker) dataOutcome() (string, *Reply) {
	d := &o.data
	switch {
	case d.ended && d.final != nil && !d.late:
		return OutcomeOK, d.final
	case d.final != nil && d.final.Class() == 2 && !d.dialled && !d.up:
		return OutcomeBounce + strconv.Itoa(d.final.Code), d.final // the data went to a third party
	case d.refusal != nil && d.refusal.Code != 425 && d.begun && !d.dialled && !d.up:
		return OutcomeBounce + strconv.Itoa(d.refusal.Code), d.refusal // or would have
	case d.dialled && !d.up:
		return dialOutcome(d.failure), nil
	case d.refusal != nil && d.refusal.Class() == 5 && d.command == "" && o.isActive():
		return "500", d.refusal // whatever the code: the reply has it
	case d.refusal != nil:
		return strconv.Itoa(d.refusal.Code), d.refusal
	case o.control.lost && !d.ended:
		return OutcomeControlReset, nil
	case d.up && d.failure != NoFailure:
		return OutcomeDataError, nil
	case d.up && !d.ended:
		return OutcomeDataStall, nil
	case d.ended:
		return OutcomeControlLostAfterData, nil
	case d.command != "" && o.isActive():
		return OutcomeConnectTimeout, nil
	case o.control.ended:
		return OutcomeControlClosed, nil
	}
	return OutcomeHang, nil
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
