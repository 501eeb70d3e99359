package sim

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"ftplab/sim/event"
	"ftplab/sim/firewall"
	"ftplab/sim/ftp"
	"ftplab/sim/node"
	"ftplab/sim/tcp"
	"ftplab/sim/trace"
)

const (
	defaultUntil      = event.Time(30 * 24 * time.Hour)
	defaultQueueLimit = 256 << 10 // octets
	defaultProbeTime  = 3 * time.Second
)

// Run runs a scenario with changes from outside and returns what happened. It fails
// only if the scenario contradicts itself: a name that is not there, two links at one
// interface. Sessions of the trace are numbered like the scenario's clients, from 1.
func Run(sc Scenario, inputs ...Input) (*trace.Trace, error) {
	t, _, err := RunStats(sc, inputs...)
	return t, err
}

// Stats counts what a run did.
type Stats = node.Stats

// RunStats is Run, and returns as well what the run counted.
func RunStats(sc Scenario, inputs ...Input) (*trace.Trace, Stats, error) {
	s, err := NewStepper(sc)
	if err != nil {
		return nil, Stats{}, err
	}
	sorted := slices.Clone(inputs)
	slices.SortStableFunc(sorted, func(a, b Input) int { return cmp.Compare(a.At, b.At) })
	for _, in := range sorted {
		if err := s.Apply(in); err != nil {
			return nil, Stats{}, err
		}
	}
	s.world.Run(s.until)
	return s.rec.Trace(), s.world.Stats(), nil
}

// builder makes a world of a scenario.
type builder struct {
	sc    *Scenario
	ids   map[string]trace.NodeID
	nodes []trace.Node
	links []trace.Link
	rec   *trace.Recorder
	world *node.World
}

// check resolves every name, before anything is built.
func (b *builder) check() error {
	for _, n := range b.sc.Nodes {
		if _, twice := b.ids[n.Name]; twice {
			return fmt.Errorf("two nodes are named %q", n.Name)
		}
		b.ids[n.Name] = trace.NodeID(len(b.nodes))
		b.nodes = append(b.nodes, trace.Node{Name: n.Name, Kind: n.Kind, Rules: n.Rules, Interfaces: n.Interfaces})
	}
	used := map[Port]bool{}
	for _, l := range b.sc.Links {
		var link trace.Link
		for _, end := range []struct {
			port Port
			node *trace.NodeID
			i    *int16
		}{{l.A, &link.A, &link.AInterface}, {l.B, &link.B, &link.BInterface}} {
			id, i, err := b.port(end.port)
			if err != nil {
				return err
			}
			if used[end.port] {
				return fmt.Errorf("two links at interface %s of %s", end.port.Interface, end.port.Node)
			}
			used[end.port] = true
			*end.node, *end.i = id, i
		}
		b.links = append(b.links, link)
	}
	return b.checkPrograms()
}

// checkPrograms sees that every program is on a host.
func (b *builder) checkPrograms() error {
	var places []string
	for _, s := range b.sc.Servers {
		places = append(places, s.Node)
	}
	for _, c := range b.sc.Clients {
		places = append(places, c.Node)
	}
	for _, s := range b.sc.Services {
		places = append(places, s.Node)
	}
	for _, p := range b.sc.Probes {
		places = append(places, p.Node)
	}
	for _, name := range places {
		if err := b.is(name, trace.Host); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) is(name string, kind trace.NodeKind) error {
	id, ok := b.ids[name]
	if !ok {
		return fmt.Errorf("there is no node %q", name)
	}
	if b.nodes[id].Kind != kind {
		return fmt.Errorf("node %q is not a %v", name, kind)
	}
	return nil
}

func (b *builder) port(p Port) (trace.NodeID, int16, error) {
	id, ok := b.ids[p.Node]
	if !ok {
		return 0, 0, fmt.Errorf("a link leads to %q, which is not a node", p.Node)
	}
	for i, f := range b.nodes[id].Interfaces {
		if f.Name == p.Interface {
			return id, int16(i), nil
		}
	}
	return 0, 0, fmt.Errorf("node %q has no interface %q", p.Node, p.Interface)
}

func (b *builder) build() {
	for i, n := range b.sc.Nodes {
		if n.Kind == trace.Firewall {
			b.world.AddFirewall(firewall.Config{
				Name: n.Name, Interfaces: n.Interfaces, Routes: n.Routes, Rules: n.Rules, Options: n.Options,
				Seed: b.sc.Seed<<16 + uint64(i),
			})
			continue
		}
		if n.Real != nil {
			port := n.Real.ControlPort
			if port == 0 {
				port = 21
			}
			b.world.AddReal(node.RealConfig{
				Interfaces: n.Interfaces, Routes: n.Routes, ControlPort: port, Program: n.Real.Program, OnlyClient: len(b.sc.Clients) == 0,
			})
			continue
		}
		config := n.TCP
		if config == (tcp.Config{}) {
			config = tcp.DefaultConfig()
		}
		b.world.AddHost(node.HostConfig{Interfaces: n.Interfaces, Routes: n.Routes, TCP: config})
	}
	for i, l := range b.sc.Links {
		limit := l.QueueLimit
		if limit == 0 {
			limit = defaultQueueLimit
		}
		t := b.links[i]
		b.world.AddLink(t.A, t.AInterface, t.B, t.BInterface, node.LinkConfig{
			Delay: event.Time(l.Delay), BitsPerSecond: l.BitsPerSecond, QueueLimit: limit, Loss: l.Loss,
			Seed: b.sc.Seed<<16 + uint64(i),
		})
	}
	b.programs()
}

func (b *builder) programs() {
	for _, s := range b.sc.Servers {
		port := s.Port
		if port == 0 {
			port = 21
		}
		var files *ftp.Tree
		if s.Files != nil {
			files = s.Files.Clone()
		} else {
			files = ftp.DefaultTree()
		}
		config := s.Config
		config.KeepBytes = true
		b.world.AddFTPServer(b.ids[s.Node], port, &config, files)
	}
	for _, s := range b.sc.Services {
		b.world.AddService(b.ids[s.Node], s.Port, s.Banner)
	}
	for i, c := range b.sc.Clients {
		config := c.Config
		config.KeepBytes = true // payloads in a run are never written to again
		b.world.AddFTPClient(b.ids[c.Node], c.Start, uint16(i+1), &config)
	}
	for _, p := range b.sc.Probes {
		timeout := p.Timeout
		if timeout == 0 {
			timeout = defaultProbeTime
		}
		b.world.AddProbe(b.ids[p.Node], p.Start, node.Probe{
			Local: netip.AddrPortFrom(netip.Addr{}, p.SourcePort), Target: p.Target, Timeout: timeout,
		})
	}
}
