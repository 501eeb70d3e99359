package sim

import (
	"fmt"
	"math/rand/v2"

	"ftplab/sim/event"
	"ftplab/sim/node"
	"ftplab/sim/tls"
	"ftplab/sim/trace"
	"ftplab/sim/wire"
)

// Stepper is a run that goes on a piece at a time, for who has to wait for its inputs: a
// real program in the network. Run with the same inputs gives the same trace.
type Stepper struct {
	builder
	until event.Time
	over  bool
}

// NewStepper returns a run at its beginning. It fails as Run does.
func NewStepper(sc Scenario) (*Stepper, error) {
	s := &Stepper{builder: builder{sc: &sc, ids: map[string]trace.NodeID{}}, until: sc.Until}
	if s.until == 0 {
		s.until = defaultUntil
	}
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("scenario %q: %w", sc.Name, err)
	}
	s.rec = trace.NewRecorder(s.nodes, s.links)
	s.world = node.New(s.rec, sc.Seed)
	if sc.TLS != nil {
		s.world.UseTLS(playTapes(sc.TLS))
	}
	s.build()
	return s, nil
}

// playTapes returns how to make endpoints that do again what is on the tapes.
func playTapes(rest []tls.Tape) func(bool, *rand.Rand) tls.Endpoint {
	return func(bool, *rand.Rand) tls.Endpoint {
		var next tls.Tape
		if len(rest) > 0 {
			next, rest = rest[0], rest[1:]
		}
		return tls.NewPlayer(next)
	}
}

// UseTLS has the simulated programs use another TLS than tls.Conn: start returns an end
// of a new connection. It is called before anything happens.
func (s *Stepper) UseTLS(start func(server bool, random *rand.Rand) tls.Endpoint) {
	s.world.UseTLS(start)
}

// Advance lets happen what happens up to an instant, that one included.
func (s *Stepper) Advance(to event.Time) {
	if !s.over {
		s.over = !s.world.Advance(min(to, s.until)) || to > s.until
	}
}

// NextAt is when something happens next if nothing comes from outside; event.Never if
// nothing does.
func (s *Stepper) NextAt() event.Time { return s.world.NextAt() }

// Apply advances to the instant of an input and lets it happen. One that comes after the
// run has ended changes nothing. It fails if the input does not fit the scenario.
func (s *Stepper) Apply(in Input) error {
	id, ok := s.ids[in.Node]
	if !ok {
		return fmt.Errorf("scenario %q: there is no node %q", s.sc.Name, in.Node)
	}
	s.Advance(in.At)
	if s.over {
		return nil
	}
	real := s.sc.Nodes[id].Real != nil
	switch {
	case in.Packet == nil && !in.Ended:
		if err := s.is(in.Node, trace.Firewall); err != nil {
			return fmt.Errorf("scenario %q: %w", s.sc.Name, err)
		}
		s.world.Change(in.At, node.RuleChange{Node: id, Rules: in.Rules, Options: in.Options, Text: in.Text})
	case !real:
		return fmt.Errorf("scenario %q: node %q is not a real host", s.sc.Name, in.Node)
	case in.Ended:
		s.world.EndProgram(in.At, id, in.Text)
	default:
		if p, err := wire.Parse(in.Packet); err == nil {
			s.world.Inject(in.At, id, &p)
		}
	}
	return nil
}

// Delivered returns the packets that came to real hosts since it was asked last.
func (s *Stepper) Delivered() []node.Delivery { return s.world.Delivered() }

// Trace returns what has happened so far. It does not change any more when the run goes
// on; a reader in another goroutine needs no lock once it has it.
func (s *Stepper) Trace() *trace.Trace { return s.rec.Snapshot() }

// ClientsDone reports whether every simulated client has come to its result, and when the
// last one did.
func (s *Stepper) ClientsDone() (event.Time, bool) { return s.world.ClientsDone() }
