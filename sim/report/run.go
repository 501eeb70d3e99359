// Package report says what came of a run: the object that `ftplab run --format json`
// prints, the same for people, the matrix of all modes and firewalls, the chain of
// causes behind a failure, and where two runs part.
//
// Everything in here is read from a trace. Nothing is simulated, so a report can be
// made of any trace at any time.
package report

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"ftplab/sim/event"
	"ftplab/sim/firewall"
	"ftplab/sim/ftp"
	"ftplab/sim/trace"
)

// Schema names the form of Run's JSON and its version.
const Schema = "ftplab.run/1"

// Selection is what was run: the target and the choices made in it.
type Selection struct {
	Target   string `json:"target"`
	Mode     string `json:"mode"`     // pasv, epsv, port or eprt
	Firewall string `json:"firewall"` // a variant's name or a file's
	Op       string `json:"op"`       // list, retr or stor
	TLS      bool   `json:"tls"`
	Seed     uint64 `json:"seed"`
}

// Run is what came of a run. Its JSON has the members in this order.
type Run struct {
	Schema string `json:"schema"`
	Selection
	Outcome      string `json:"outcome"`       // ok, connect_timeout, 425 ...
	Phase        string `json:"phase"`         // the step in which it came to that
	FailureClass string `json:"failure_class"` // none, immediate (under 0.7 s) or delayed
	// FailAfter is the time from the failing step to the failure in seconds; nil if
	// nothing failed.
	FailAfter *float64 `json:"fail_after_s"`
	// ServerReply is the failing or final reply, nil when none came; LastReply the
	// last line that the client received.
	ServerReply *string  `json:"server_reply"`
	LastReply   *string  `json:"last_reply"`
	Replies     []Reply  `json:"replies"`
	Transfer    Transfer `json:"transfer"`
	FirstDrop   *Drop    `json:"first_drop"` // nil if every packet was let through
	Stats       Stats    `json:"stats"`
}

// Reply is one reply of the server as the client received it.
type Reply struct {
	T    float64 `json:"t"` // seconds
	Code int     `json:"code"`
	Text string  `json:"text"`
}

// Transfer is what went over the data connection.
type Transfer struct {
	Bytes int64 `json:"bytes"` // octets
	// SHA256 is the hash of what was received, in hexadecimal; nil if the transfer did
	// not end or was an upload.
	SHA256 *string `json:"sha256"`
}

// Stats counts what the run did and what it cost.
type Stats struct {
	Events     int     `json:"events"`
	Packets    int     `json:"packets"`     // different packets
	PacketHops int     `json:"packet_hops"` // packets put on a link
	SimSeconds float64 `json:"sim_s"`       // virtual time
	Wall       float64 `json:"wall_s"`      // of the simulator, seconds
	CPU        float64 `json:"cpu_s"`
	TraceBytes int64   `json:"trace_bytes"`
}

// New describes a finished run. What it cost is the caller's to add (SetCost), who
// has a clock.
func New(selection Selection, t *trace.Trace) *Run {
	r := &Run{Schema: Schema, Selection: selection, Replies: []Reply{}, Stats: newStats(t)}
	r.setResult(t)
	if id := t.FirstDrop(); id != 0 {
		drop := NewDrop(t, id)
		r.FirstDrop = &drop
	}
	return r
}

// SetCost records the wall clock and CPU time that the run took.
func (r *Run) SetCost(wall, cpu time.Duration) {
	r.Stats.Wall, r.Stats.CPU = wall.Seconds(), cpu.Seconds()
}

// OK reports whether the client did what it was asked to.
func (r *Run) OK() bool { return r.Outcome == ftp.OutcomeOK }

func newStats(t *trace.Trace) Stats {
	s := Stats{Events: t.Len(), Packets: t.Packets(), SimSeconds: t.End().Seconds(), TraceBytes: t.Bytes()}
	for id := trace.ID(1); int(id) <= t.Len(); id++ {
		if t.Kind(id) == trace.KindSent {
			s.PacketHops++
		}
	}
	return s
}

// setResult takes over the first client's result.
func (r *Run) setResult(t *trace.Trace) {
	_, result, ok := Result(t)
	if !ok {
		r.Outcome, r.FailureClass = ftp.OutcomeHang, "delayed"
		r.Phase = lastPhase(t)
		waited := t.End().Seconds()
		r.FailAfter = &waited
		return
	}
	r.Outcome, r.Phase = result.Outcome, result.Phase
	r.FailureClass = result.FailureClass()
	if result.FailAfter >= 0 && !result.OK {
		seconds := event.Time(result.FailAfter).Seconds()
		r.FailAfter = &seconds
	}
	r.ServerReply, r.LastReply = optional(result.ServerReply), optional(result.LastReply)
	for _, reply := range result.Replies {
		r.Replies = append(r.Replies, Reply{reply.At.Seconds(), reply.Code, reply.Text})
	}
	r.Transfer = newTransfer(&result)
}

// Result returns the result of the session with the lowest number, and its event. A real
// client may begin another session when one has failed: then it is the last in which it
// asked for data.
func Result(t *trace.Trace) (found trace.ID, result ftp.Result, ok bool) {
	var best trace.Ended
	for id := trace.ID(t.Len()); id > 0; id-- {
		if t.Kind(id) != trace.KindEnded {
			continue
		}
		if ended := t.Event(id).Body.(trace.Ended); found == 0 || comesBefore(&ended, &best) {
			found, best = id, ended
		}
	}
	return found, best.Result, found != 0
}

// comesBefore reports whether a, which happened before b, is rather the result of the run.
func comesBefore(a, b *trace.Ended) bool {
	asked := a.Result.Asked != ""
	switch {
	case asked != (b.Result.Asked != ""):
		return asked
	case asked:
		return a.Session > b.Session
	}
	return a.Session <= b.Session
}

// lastPhase returns the phase that a client without a result was in.
func lastPhase(t *trace.Trace) string {
	phase := ftp.PhaseControlConnect
	for id := trace.ID(1); int(id) <= t.Len(); id++ {
		if t.Kind(id) != trace.KindFTP {
			continue
		}
		if note := t.Event(id).Body.(trace.FTP); note.Note == ftp.PhaseBegan && !note.Server {
			phase = note.Text
		}
	}
	return phase
}

// newTransfer hashes what was received, if the data connection ended as it should.
func newTransfer(result *ftp.Result) Transfer {
	transfer := Transfer{Bytes: result.Bytes}
	if result.Phase != ftp.PhaseFinalReply {
		return transfer
	}
	hash, length := sha256.New(), int64(0)
	for _, chunk := range result.Data {
		hash.Write(chunk)
		length += int64(len(chunk))
	}
	if length == result.Bytes {
		sum := hex.EncodeToString(hash.Sum(nil))
		transfer.SHA256 = &sum
	}
	return transfer
}

// optional returns nil for "".
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// IsDrop reports whether a packet with this verdict went no further.
func IsDrop(a firewall.Action) bool { return a == firewall.ActionDrop || a == firewall.ActionReject }
