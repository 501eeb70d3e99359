package session

import (
	"fmt"
	"time"

	"ftplab/lessons"
	"ftplab/sim"
	"ftplab/sim/event"
	"ftplab/sim/tls"
)

// Live is what a real program did, and what else came from outside.
type Live struct {
	Node    string `json:"node"`     // the host on which it ran
	Program string `json:"program"`  // as a person would type it
	Until   int64  `json:"until_ns"` // when it ended, in nanoseconds
	// Inputs are the packets that the host sent, and the end of the program.
	Inputs []Input `json:"inputs"`
	// TLS is what the TLS connections of the simulated programs did.
	TLS []TLS `json:"tls,omitempty"`
	// Changes are the other firewalls that were chosen meanwhile.
	Changes []Change `json:"changes,omitempty"`
}

// Input is one thing that came from the program's host.
type Input struct {
	At     int64  `json:"t_ns"`
	Packet []byte `json:"packet,omitempty"` // the IP datagram, in base64
	Ended  bool   `json:"ended,omitempty"`
	Text   string `json:"text,omitempty"`
}

// TLS is what a TLS connection did, call by call: see tls.Tape.
type TLS struct {
	Steps []TLSStep `json:"steps"`
}

// TLSStep is what a call came to.
type TLSStep struct {
	Plain []byte `json:"plain,omitempty"` // in base64, as Sent
	Sent  []byte `json:"sent,omitempty"`
	Up    bool   `json:"up,omitempty"`
	EOF   bool   `json:"eof,omitempty"`
	Err   string `json:"error,omitempty"`
}

// Change is another firewall: a variant of the target, or rules.
type Change struct {
	At      int64  `json:"t_ns"`
	Variant string `json:"firewall,omitempty"`
	Rules   *Rules `json:"rules,omitempty"`
}

// SetLive keeps a recording.
func (s *Session) SetLive(r *lessons.Recording) {
	s.Live = &Live{Node: r.Node, Program: r.Program, Until: int64(r.Until), Inputs: []Input{}}
	for _, in := range r.Inputs {
		s.Live.Inputs = append(s.Live.Inputs, Input{At: int64(in.At), Packet: in.Packet, Ended: in.Ended, Text: in.Text})
	}
	for _, tape := range r.TLS {
		kept := TLS{Steps: []TLSStep{}}
		for _, step := range tape {
			kept.Steps = append(kept.Steps, TLSStep(step))
		}
		s.Live.TLS = append(s.Live.TLS, kept)
	}
	for _, c := range r.Changes {
		change := Change{At: int64(c.At), Variant: c.Variant}
		if c.Rules != nil {
			change.Rules = newRules(c.Rules, c.Interfaces)
		}
		s.Live.Changes = append(s.Live.Changes, change)
	}
}

// longestRun is what a recording may last at most.
const longestRun = 30 * 24 * time.Hour

// check refuses what no recorder has written: time goes on, and ends.
func (l *Live) check() error {
	if l.Until < 0 || l.Until > int64(longestRun) {
		return fmt.Errorf("the recording ends at %d ns: it may last %v at most", l.Until, longestRun)
	}
	last := int64(0)
	for i, in := range l.Inputs {
		if in.At < last || in.At > l.Until {
			return fmt.Errorf("input %d of the recording is at %d ns, before the one before it or after the end", i+1, in.At)
		}
		last = in.At
	}
	for i, c := range l.Changes {
		if c.At < 0 || c.At > l.Until {
			return fmt.Errorf("change %d of the recording is at %d ns, after its end", i+1, c.At)
		}
	}
	return nil
}

func (l *Live) recording() (*lessons.Recording, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	r := &lessons.Recording{Node: l.Node, Program: l.Program, Until: event.Time(l.Until)}
	for _, in := range l.Inputs {
		r.Inputs = append(r.Inputs, sim.Input{At: event.Time(in.At), Node: l.Node, Packet: in.Packet, Ended: in.Ended, Text: in.Text})
	}
	for _, kept := range l.TLS {
		var tape tls.Tape
		for _, step := range kept.Steps {
			tape = append(tape, tls.Step(step))
		}
		r.TLS = append(r.TLS, tape)
	}
	for _, c := range l.Changes {
		change := lessons.Change{At: event.Time(c.At), Variant: c.Variant}
		if c.Rules != nil {
			rules, err := c.Rules.parse()
			if err != nil {
				return nil, err
			}
			change.Rules, change.Interfaces = rules, c.Rules.Interfaces
		}
		r.Changes = append(r.Changes, change)
	}
	return r, nil
}
