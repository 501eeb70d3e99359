package sim

import (
	"fmt"
	"slices"

	"ftplab/sim/tcp"
	"ftplab/sim/trace"
)

// Real is what is known of a real host.
type Real struct {
	// Program is what was started there, as a person would type it.
	Program string
	// ControlPort is the port of FTP's control connections; 0 means 21.
	ControlPort uint16
}

// ClientNode returns the node of the first client; "" if there is none.
func (sc *Scenario) ClientNode() string {
	if len(sc.Clients) == 0 {
		return ""
	}
	return sc.Clients[0].Node
}

// ServerNode returns the node of the first server; "" if there is none.
func (sc *Scenario) ServerNode() string {
	if len(sc.Servers) == 0 {
		return ""
	}
	return sc.Servers[0].Node
}

// WithReal returns the scenario with a real system in the place of a host: the programs
// there are gone, the run has no end of its own, and the other hosts' TCP is that of
// tcp.LiveConfig, with what the scenario says of options and of opening connections.
func (sc Scenario) WithReal(name, program string) (Scenario, error) {
	i := slices.IndexFunc(sc.Nodes, func(n Node) bool { return n.Name == name })
	if i < 0 || sc.Nodes[i].Kind != trace.Host {
		return sc, fmt.Errorf("scenario %q: %q is not a host", sc.Name, name)
	}
	port := uint16(0)
	for _, s := range sc.Servers {
		if port == 0 || s.Node == name {
			port = s.Port
		}
	}
	sc.Until = 0 // when it is over is not known before
	sc.Nodes = slices.Clone(sc.Nodes)
	for k := range sc.Nodes {
		if n := &sc.Nodes[k]; k == i {
			n.Real = &Real{Program: program, ControlPort: port}
		} else if n.Kind == trace.Host {
			n.TCP = liveTCP(n.TCP)
		}
	}
	sc.Servers = slices.DeleteFunc(slices.Clone(sc.Servers), func(s Server) bool { return s.Node == name })
	sc.Services = slices.DeleteFunc(slices.Clone(sc.Services), func(s Service) bool { return s.Node == name })
	sc.Probes = slices.DeleteFunc(slices.Clone(sc.Probes), func(p Probe) bool { return p.Node == name })
	sc.Clients = slices.DeleteFunc(slices.Clone(sc.Clients), func(c Client) bool { return c.Node == name })
	return sc, nil
}

// liveTCP returns tcp.LiveConfig with what a scenario may say of a host.
func liveTCP(said tcp.Config) tcp.Config {
	live := tcp.LiveConfig()
	if said == (tcp.Config{}) {
		return live
	}
	live.MSS, live.NoSACK, live.NoWindowScale = said.MSS, said.NoSACK, said.NoWindowScale
	live.SYNRetries, live.SYNLinearTimeouts, live.SYNACKRetries = said.SYNRetries, said.SYNLinearTimeouts, said.SYNACKRetries
	return live
}
