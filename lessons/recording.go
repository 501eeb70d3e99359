package lessons

import (
	"errors"
	"fmt"
	"slices"

	"ftplab/sim"
	"ftplab/sim/event"
	"ftplab/sim/firewall"
	"ftplab/sim/tls"
	"ftplab/sim/trace"
)

// Recording is what a real program did in a target's network: all that cannot be
// simulated again.
type Recording struct {
	// Node is the host on which the program ran.
	Node string
	// Program is what was started, as a person would type it.
	Program string
	// Until is when it ended.
	Until event.Time
	// Inputs are the packets that the host sent, and the end of the program.
	Inputs []sim.Input
	// TLS is what the TLS connections of the simulated programs did.
	TLS []tls.Tape
	// Changes are the other firewalls that were chosen meanwhile.
	Changes []Change
}

// Change is another choice of firewall while the network runs.
type Change struct {
	At event.Time
	// Variant is one of the target's, or it is "" and Rules are rules from a file, with
	// Interfaces as Target.WithRules takes them.
	Variant    string
	Rules      *firewall.Ruleset
	Interfaces map[string]string
}

// Input returns the change as an input of a run.
func (t *Target) Input(c Change, chosen Selection) (sim.Input, error) {
	own := t
	what := "the firewall: " + c.Variant
	chosen.Firewall = c.Variant
	if c.Rules != nil {
		what = "the firewall: the rules of " + c.Rules.File
		var err error
		if own, err = t.WithRules(c.Rules, c.Interfaces); err != nil {
			return sim.Input{}, err
		}
		chosen.Firewall = ""
	}
	sc, err := own.Scenario(chosen)
	if err != nil {
		return sim.Input{}, err
	}
	for _, n := range sc.Nodes {
		if n.Name == t.Firewall {
			return sim.Input{At: c.At, Node: n.Name, Rules: n.Rules, Options: n.Options, Text: what}, nil
		}
	}
	return sim.Input{}, errors.New("there is no firewall whose rules could be changed")
}

// WithRecording returns the target as a recording of it: there is nothing to choose any
// more, since what a real program would have done otherwise nobody knows.
func (t *Target) WithRecording(r *Recording, chosen Selection) *Target {
	own := *t
	own.recording, own.original = r, t
	own.Default = chosen
	own.Modes, own.Ops, own.Options = []string{chosen.Mode}, []string{chosen.Op}, nil
	own.Variants = slices.DeleteFunc(slices.Clone(t.Variants), func(v Variant) bool { return v.Name != chosen.Firewall })
	return &own
}

// Recorded reports whether the target is a recording.
func (t *Target) Recorded() bool { return t.recording != nil }

// Run runs what a selection describes, or again what was recorded. It returns the
// scenario as well.
func (t *Target) Run(s Selection) (sim.Scenario, *trace.Trace, error) {
	sc, err := t.Scenario(s)
	if err != nil {
		return sc, nil, err
	}
	if t.recording == nil {
		tr, err := sim.Run(sc)
		return sc, tr, err
	}
	if sc, err = t.recording.scenario(sc); err != nil {
		return sc, nil, err
	}
	inputs := slices.Clone(t.recording.Inputs)
	for _, c := range t.recording.Changes {
		in, err := t.original.Input(c, s)
		if err != nil {
			return sc, nil, err
		}
		inputs = append(inputs, in)
	}
	tr, err := sim.Run(sc, inputs...)
	return sc, tr, err
}

func (r *Recording) scenario(sc sim.Scenario) (sim.Scenario, error) {
	real, err := sc.WithReal(r.Node, r.Program)
	if err != nil {
		return sc, fmt.Errorf("the recording does not fit: %w", err)
	}
	real.Until, real.TLS = r.Until, r.TLS
	return real, nil
}
