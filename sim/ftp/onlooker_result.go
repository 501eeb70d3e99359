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
	d := o.judged()
	outcome, reply := o.outcome(d)
	if reply != nil {
		o.result.ServerReply = reply.Line()
	}
	o.result.Outcome, o.result.OK = outcome, outcome == OutcomeOK
	if !o.server {
		o.result.Asked = d.asked
	}
	switch {
	case o.result.OK:
	case d.broken && o.control.up:
		o.result.Phase, o.result.FailAfter = d.brokeIn, d.took
	case o.control.over:
		o.result.FailAfter = o.control.overAt.Sub(o.since)
	default:
		o.result.FailAfter = o.now.Sub(o.since)
	}
	if o.result.Bytes == 0 && d.bytes > 0 {
		o.result.Bytes, o.result.Data = d.bytes, d.blocks
	}
	return &o.result
}

// judged is the attempt that the outcome is about: the last one, unless the program made
// nothing of it and went, having tried another way before. (curl has a time for all of its
// connecting; when that is over it still asks for PASV after EPSV, and closes the
// connection in the same instant.)
func (o *Onlooker) judged() *onlookerData {
	if o.before != nil && o.before.asked != "" && o.hasLeft() && o.data.isUnused() {
		return o.before
	}
	return &o.data
}

// hasLeft reports whether it was the program that ended the session.
func (o *Onlooker) hasLeft() bool { return o.quitting || o.control.closed }

// isUnused reports whether the program has made nothing of what it asked for, though
// nobody refused it.
func (d *onlookerData) isUnused() bool {
	return !d.dialled && !d.up && d.command == "" && d.refusal == nil
}

// outcome returns the outcome's word, and the reply that it comes from, if it does.
func (o *Onlooker) outcome(d *onlookerData) (string, *Reply) {
	switch {
	case !o.control.up:
		return controlOutcome(o.control.failure), nil
	case o.cutCommand():
		o.result.Phase, d.brokeIn = PhaseDataSetup, PhaseDataSetup
		return OutcomeHang, nil
	case d.up && d.command == "" && o.control.refusal != nil: // it asks for the SIZE first, say
		d.brokeIn = PhaseCommand
		return strconv.Itoa(o.control.refusal.Code), o.control.refusal
	case d.asked != "" || d.dialled || d.up:
		return o.dataOutcome(d)
	case o.control.refusal != nil:
		return strconv.Itoa(o.control.refusal.Code), o.control.refusal
	case o.control.lost:
		return OutcomeControlReset, nil
	case o.control.ended && !o.quitting:
		return OutcomeControlClosed, nil
	case (len(o.pending) > 0 || o.silent) && !o.quitting:
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

// dataOutcome judges an attempt to move data.
func (o *Onlooker) dataOutcome(d *onlookerData) (string, *Reply) {
	switch {
	case d.ended && d.final != nil && !d.late:
		return OutcomeOK, d.final
	case d.final != nil && d.final.Class() == 2 && !d.dialled && !d.up:
		return OutcomeBounce + strconv.Itoa(d.final.Code), d.final // the data went to a third party
	case d.refusal != nil && d.refusal.Code != 425 && d.begun && !d.dialled && !d.up:
		return OutcomeBounce + strconv.Itoa(d.refusal.Code), d.refusal // or would have
	case d.dialled && !d.up:
		return dialOutcome(d.failure), nil
	case d.refusal != nil && d.refusal.Class() == 5 && d.command == "" && d.isActive():
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
	case d.command != "" && d.isActive():
		return OutcomeConnectTimeout, nil
	case d.announced && d.isUnused() && o.hasLeft():
		return OutcomeBadReply, nil // the program does not like the address: tnftp wants the server's own
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
