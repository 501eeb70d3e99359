package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"ftplab/lessons"
	"ftplab/sim"
	"ftplab/sim/live"
)

// attendance is how a program ended.
type attendance struct {
	status int
	err    error
}

// liveSession is a program in a network.
type liveSession struct {
	target    *lessons.Target
	selection lessons.Selection
	scenario  sim.Scenario // with the program in it
	node      string       // where the program runs
	text      string       // the program as a person would type it
	port      uint16       // of the control connection
	program   *live.Program
	network   *live.Network
	output    *os.File // what the program wrote, if the terminal is taken; else nil

	mu      sync.Mutex
	changes []lessons.Change
}

func (s *liveSession) close() {
	s.program.Close()
	if s.output != nil {
		s.output.Close()
	}
}

// start makes the network and has the program begin in it.
func (o *liveOptions) start(target *lessons.Target, selection lessons.Selection, command []string) (*liveSession, error) {
	scenario, err := target.Scenario(selection)
	if err != nil {
		return nil, err
	}
	s := &liveSession{target: target, selection: selection, node: scenario.ClientNode(), text: strings.Join(command, " "), port: 21}
	if o.server {
		s.node = scenario.ServerNode()
	}
	if len(scenario.Servers) > 0 && scenario.Servers[0].Port != 0 {
		s.port = scenario.Servers[0].Port
	}
	inside, err := insideOf(&scenario, s.node)
	if err != nil {
		return nil, err
	}
	if s.scenario, err = scenario.WithReal(s.node, s.text); err != nil {
		return nil, err
	}
	started := live.Command{Path: command[0], Args: command[1:], Env: environment(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	if o.play {
		if s.output, err = os.CreateTemp("", "ftplab-live-"); err != nil {
			return nil, err
		}
		os.Remove(s.output.Name()) // it lives as long as it is open, and nothing is left of it
		started.Stdin, started.Stdout, started.Stderr = nil, s.output, s.output
	}
	if s.program, err = live.Start(inside, started); err != nil {
		return nil, err
	}
	if s.network, err = live.NewNetwork(s.scenario, s.node, s.program.TUN()); err != nil {
		return nil, errors.Join(err, s.program.Close())
	}
	return s, s.begin(o.server)
}

// insideOf describes the network as the program on a node finds it.
func insideOf(sc *sim.Scenario, node string) (live.Inside, error) {
	var inside live.Inside
	i := slices.IndexFunc(sc.Nodes, func(n sim.Node) bool { return n.Name == node })
	if i < 0 || len(sc.Nodes[i].Interfaces) != 1 {
		return inside, errors.New("the program's host needs to be a client or server of the scenario with one interface")
	}
	inside.Interface = "eth0"
	inside.Prefixes = sc.Nodes[i].Interfaces[0].Prefixes
	for _, n := range sc.Nodes {
		for _, f := range n.Interfaces {
			for _, p := range f.Prefixes {
				inside.Names = append(inside.Names, live.Name{Addr: p.Addr(), Names: hostNames(sc, n.Name)})
			}
		}
	}
	return inside, nil
}

// hostNames returns what a node can be called: by its name, and by what it is, if no
// node is named so.
func hostNames(sc *sim.Scenario, node string) []string {
	names := []string{node}
	for _, r := range []struct{ role, node string }{{"client", sc.ClientNode()}, {"server", sc.ServerNode()}} {
		taken := slices.ContainsFunc(sc.Nodes, func(n sim.Node) bool { return n.Name == r.role })
		if r.node == node && !taken {
			names = append(names, r.role)
		}
	}
	return names
}

// environment is this process's own, without proxies: they are not in the network.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return strings.HasSuffix(strings.ToLower(name), "_proxy")
	})
}

// serverPatience is how long a server may take until it listens.
const serverPatience = 15 * time.Second

// begin has the program begin. Time in the network begins with it, or, if it is the
// server, when it listens.
func (s *liveSession) begin(server bool) error {
	if err := s.program.Go(); err != nil {
		return errors.Join(err, s.program.Close())
	}
	for until := time.Now().Add(serverPatience); server && !s.program.Listening(s.port); {
		if time.Now().After(until) || s.program.Ended() {
			return errors.Join(fmt.Errorf("%s does not listen on port %d", s.text, s.port), s.program.Close())
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.network.Begin()
	return nil
}

// attend carries packets until the program has ended and what it left behind has come to
// rest, and returns its exit status.
func (o *liveOptions) attend(cmd *cobra.Command, s *liveSession) (int, error) {
	ran := make(chan error, 1)
	go func() { ran <- s.network.Run() }()
	// The terminal sends its signals to the program, too, which decides what they mean.
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	watch := newFileWatch(o.rulesFile())
	ended := make(chan int, 1)
	var failure error
	go func() {
		status, err := s.program.Wait()
		failure = err
		ended <- status
	}()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	toldToEnd := false
	for {
		select {
		case status := <-ended:
			time.Sleep(aftermath)
			s.network.End(s.endText(status, toldToEnd))
			if toldToEnd {
				status = 0
			}
			return status, errors.Join(failure, <-ran)
		case sig := <-signals:
			if sig == syscall.SIGTERM || sig == syscall.SIGHUP {
				s.program.Signal(sig)
			}
		case <-tick.C:
			if watch.changed() {
				o.reload(cmd, s)
			}
			if since, done := s.network.ClientsDone(); o.server && done && since > serverLinger && !toldToEnd {
				toldToEnd = true
				s.program.Signal(syscall.SIGTERM)
			}
		}
	}
}

const (
	// aftermath is how long the network goes on when the program has ended, so that the
	// ends of its connections are seen.
	aftermath = 300 * time.Millisecond
	// serverLinger is how long a server goes on when the client is done.
	serverLinger = time.Second
)

func (s *liveSession) endText(status int, toldToEnd bool) string {
	name, _, _ := strings.Cut(s.text, " ")
	if toldToEnd {
		return name + " was told to end"
	}
	return fmt.Sprintf("%s ended with status %d", name, status)
}
