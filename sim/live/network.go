package live

import (
	"errors"
	"os"
	"sync"
	"time"

	"ftplab/sim"
	"ftplab/sim/event"
	"ftplab/sim/tls"
	"ftplab/sim/trace"
)

// Network is a simulated network in real time: a second of the scenario takes a second,
// and the packets of its real host come and go through a TUN device.
//
// All methods may be called from any goroutine; Run by one.
type Network struct {
	node string // the real host
	tun  *os.File

	mu      sync.Mutex
	stepper *sim.Stepper
	tls     *tlsEnds
	start   time.Time
	last    event.Time // of the last input: time does not go back
	inputs  []sim.Input
	ended   bool
	buffer  []byte // of the packet being written
}

// NewNetwork returns the network of a scenario whose host node is Real (see
// sim.Scenario.WithReal) and has the TUN device. Time begins with Begin.
func NewNetwork(sc sim.Scenario, node string, tun *os.File) (*Network, error) {
	stepper, err := sim.NewStepper(sc)
	if err != nil {
		return nil, err
	}
	ends, err := newTLSEnds(&sc)
	if err != nil {
		return nil, err
	}
	stepper.UseTLS(ends.start)
	return &Network{node: node, tun: tun, stepper: stepper, tls: ends}, nil
}

// Begin has time begin. It is called once, before Run.
func (n *Network) Begin() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.start = time.Now()
}

// Run carries packets until End is called, or the device is gone.
func (n *Network) Run() error {
	in := newReader(n.tun)
	for n.settle() {
		packets, err := in.read()
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
		case err != nil:
			return err
		}
		if err := n.take(packets); err != nil {
			return err
		}
	}
	return nil
}

// settle does what is due, and has the next read of the device end when something is
// due again. It returns false when the program has ended.
func (n *Network) settle() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ended {
		return false
	}
	n.stepper.Advance(n.now())
	n.deliver()
	var deadline time.Time
	if next := n.stepper.NextAt(); next != event.Never {
		deadline = n.start.Add(time.Duration(next))
	}
	n.tun.SetReadDeadline(deadline)
	return true
}

// take has the real host send what was read from the device.
func (n *Network) take(packets [][]byte) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range packets {
		if err := n.apply(sim.Input{Node: n.node, Packet: p}); err != nil {
			return err
		}
	}
	return nil
}

// apply lets an input happen now, and keeps it.
func (n *Network) apply(in sim.Input) error {
	if n.ended {
		return nil
	}
	in.At = n.now()
	if err := n.stepper.Apply(in); err != nil {
		return err
	}
	if in.Node == n.node {
		n.inputs = append(n.inputs, in)
	}
	n.deliver()
	return nil
}

// now is the instant of the scenario. It never goes back, nor stands still between two
// inputs; when the program has ended it is that of the end.
func (n *Network) now() event.Time {
	if n.ended {
		return n.last
	}
	n.last = max(n.last+1, event.Time(time.Since(n.start)))
	return n.last
}

// deliver writes to the device what came to the real host. A packet that the device
// refuses is lost: its queue is full, or the program is gone.
func (n *Network) deliver() {
	for _, d := range n.stepper.Delivered() {
		n.buffer = d.Packet.Append(n.buffer[:0])
		_, _ = n.tun.Write(n.buffer)
	}
}

// wake has Run look again at what is due.
func (n *Network) wake() { n.tun.SetReadDeadline(time.Now()) }

// Change replaces a firewall's rules now, and returns when that was. It fails when the
// program has ended.
func (n *Network) Change(in sim.Input) (event.Time, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ended {
		return n.last, errors.New("the program has ended")
	}
	err := n.apply(in)
	n.wake()
	return n.last, err
}

// End ends the run: the program of the real host has ended, as text says.
func (n *Network) End(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ended {
		return
	}
	_ = n.apply(sim.Input{Node: n.node, Ended: true, Text: text}) // it fits: the node is real
	n.ended = true
	n.tls.close()
	n.wake()
}

// Ended reports whether End was called.
func (n *Network) Ended() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ended
}

// Now returns the present instant of the scenario.
func (n *Network) Now() event.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.now()
}

// ClientsDone reports whether every simulated client has come to its result, and for
// how long nothing has happened since.
func (n *Network) ClientsDone() (since time.Duration, done bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	at, done := n.stepper.ClientsDone()
	return time.Since(n.start) - time.Duration(at), done
}

// Trace returns what has happened so far: see sim.Stepper.
func (n *Network) Trace() *trace.Trace {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.stepper.Trace()
}

// Inputs returns the packets of the real host and the end of its program, and the
// instant of the last of them. It is called after End.
func (n *Network) Inputs() ([]sim.Input, event.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.inputs, n.last
}

// TLS returns what the simulated programs' TLS connections did: see sim.Scenario. It is
// called after End.
func (n *Network) TLS() []tls.Tape {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.tls.tapes()
}
