package tls

import (
	"errors"
	"slices"
)

// Tape is what an endpoint did: what each call of Start, Receive, Seal and CloseNotify
// came to, in their order. A run in which all else is the same makes the same calls.
type Tape []Step

// Step is what a call of an endpoint's method came to.
type Step struct {
	Plain []byte // what was received says in clear
	Sent  []byte // what was to be sent
	Up    bool   // afterwards, as EOF
	EOF   bool
	Err   string // the error in words, "" if there was none
}

// Recorder is an endpoint that keeps what another one does.
type Recorder struct {
	Endpoint
	tape Tape
}

// NewRecorder returns a recorder of an endpoint that has done nothing yet.
func NewRecorder(e Endpoint) *Recorder { return &Recorder{Endpoint: e} }

// Tape returns what the endpoint has done so far.
func (r *Recorder) Tape() Tape { return slices.Clip(r.tape) }

// Start is that of the endpoint, kept.
func (r *Recorder) Start() []byte { return r.keep(nil, r.Endpoint.Start(), nil) }

// Receive is that of the endpoint, kept.
func (r *Recorder) Receive(b []byte) (plain, answer []byte, err error) {
	plain, answer, err = r.Endpoint.Receive(b)
	r.keep(plain, answer, err)
	return plain, answer, err
}

// Seal is that of the endpoint, kept.
func (r *Recorder) Seal(b []byte) []byte { return r.keep(nil, r.Endpoint.Seal(b), nil) }

// CloseNotify is that of the endpoint, kept.
func (r *Recorder) CloseNotify() []byte { return r.keep(nil, r.Endpoint.CloseNotify(), nil) }

// keep adds a step to the tape and returns what is to be sent.
func (r *Recorder) keep(plain, sent []byte, err error) []byte {
	step := Step{Plain: plain, Sent: sent, Up: r.Up(), EOF: r.EOF()}
	if err != nil {
		step.Err = err.Error()
	}
	r.tape = append(r.tape, step)
	return sent
}

// ErrTapeEnd says that more happens on a connection than was recorded.
var ErrTapeEnd = errors.New("tls: nothing more was recorded of this connection")

// Player is an endpoint that does again what is on a tape, whatever it is given.
type Player struct {
	rest Tape
	last Step
}

// NewPlayer returns a player at the beginning of a tape.
func NewPlayer(t Tape) *Player { return &Player{rest: t} }

// next takes a step off the tape.
func (p *Player) next() {
	if len(p.rest) == 0 {
		p.last = Step{Up: p.last.Up, EOF: p.last.EOF, Err: ErrTapeEnd.Error()}
		return
	}
	p.last, p.rest = p.rest[0], p.rest[1:]
}

// Start returns what was sent first.
func (p *Player) Start() []byte {
	p.next()
	return p.last.Sent
}

// Receive returns what was received, and what was answered.
func (p *Player) Receive([]byte) (plain, answer []byte, err error) {
	p.next()
	if p.last.Err != "" {
		err = errors.New(p.last.Err)
	}
	return p.last.Plain, p.last.Sent, err
}

// Seal returns what was sent.
func (p *Player) Seal([]byte) []byte {
	p.next()
	return p.last.Sent
}

// CloseNotify returns what was sent.
func (p *Player) CloseNotify() []byte {
	p.next()
	return p.last.Sent
}

// Up reports whether the handshake was done.
func (p *Player) Up() bool { return p.last.Up }

// EOF reports whether the peer had said close_notify.
func (p *Player) EOF() bool { return p.last.EOF }
