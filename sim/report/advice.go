package report

import (
	"fmt"

	"ftplab/sim/firewall"
	"ftplab/sim/ftp"
	"ftplab/sim/trace"
	"ftplab/sim/wire"
)

// advice says what would let the transfer through, from what was dropped.
func advice(t *trace.Trace, drop trace.ID, result *ftp.Result) []string {
	if drop == 0 {
		return replyAdvice(result)
	}
	judged := t.Event(drop).Body.(trace.Judged)
	if judged.Decision.Hook == firewall.HelperHook {
		return []string{"send the command in one segment: the FTP helper reads each segment by itself"}
	}
	p := &judged.Packet
	if p.Protocol != wire.TCP {
		return nil
	}
	if result.Phase == ftp.PhaseControlConnect || result.Phase == ftp.PhaseLogin {
		return []string{fmt.Sprintf("permit the control connection, both directions: TCP port %d", controlPort(p))}
	}
	inspect := "use a firewall that reads the control connection (FTP inspection), which opens this one port for this one peer"
	if ObservedTLS(t) {
		inspect = "do not count on FTP inspection: the control connection is encrypted, no firewall can read the port in it"
	}
	switch {
	case p.Flags&(wire.SYN|wire.ACK) == wire.SYN|wire.ACK:
		return []string{
			fmt.Sprintf("permit the answer: source port %d of %v", p.SrcPort, p.Src),
			"pin the server's passive ports to a short range and permit that", inspect,
		}
	case p.Flags&wire.SYN != 0 && sentByServer(t, drop):
		return []string{
			"use passive mode, in which the client opens the data connection",
			fmt.Sprintf("permit new connections from %v port %d to the client, which opens the client's ports to the server", p.Src, p.SrcPort), inspect,
		}
	case p.Flags&wire.SYN != 0:
		return []string{
			fmt.Sprintf("permit new connections to %v port %d", p.Dst, p.DstPort),
			"pin the server's passive ports to a short range and permit that", inspect,
		}
	}
	return nil
}

// replyAdvice is about failures without a drop.
func replyAdvice(result *ftp.Result) []string {
	switch {
	case result.Outcome == "500" && result.Phase == ftp.PhaseDataSetup:
		return []string{
			"the server refuses to connect to another address than the one it sees: use passive mode",
			"or let the device that translates addresses rewrite the command (FTP helper)",
		}
	case result.Outcome == ftp.OutcomeRefusedRST:
		return []string{"nothing listens at the announced address: check which address and port the server announces"}
	}
	return nil
}

// controlPort returns the port of the server in a packet of the control connection.
func controlPort(p *wire.Packet) uint16 {
	return min(p.SrcPort, p.DstPort)
}

// sentByServer reports whether the host that sent a dropped packet runs the server.
func sentByServer(t *trace.Trace, drop trace.ID) bool {
	var sender trace.NodeID = trace.NoNode
	for _, id := range t.Chain(drop) {
		e := t.Event(id)
		if e.Kind == trace.KindSent && t.Nodes[e.Node].Kind == trace.Host {
			sender = e.Node
		}
	}
	for id := trace.ID(1); int(id) <= t.Len(); id++ {
		if t.Kind(id) != trace.KindFTP {
			continue
		}
		if e := t.Event(id); e.Node == sender {
			return e.Body.(trace.FTP).Server
		}
	}
	return false
}
