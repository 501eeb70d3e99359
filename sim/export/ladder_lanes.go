package export

import (
	"ftplab/sim/trace"
)

// lanes returns the nodes that took part: those on the way from the first FTP client
// to its server, in that order, then the others as the trace lists them.
func lanes(t *trace.Trace) []Lane {
	client, server, active := cast(t)
	var order []trace.NodeID
	if client != trace.NoNode && server != trace.NoNode {
		order = path(t, client, server)
	}
	placed := make([]bool, len(t.Nodes))
	for _, n := range order {
		placed[n] = true
	}
	for n := range t.Nodes {
		if active[n] && !placed[n] {
			order = append(order, trace.NodeID(n))
		}
	}
	result := make([]Lane, len(order))
	for i, n := range order {
		result[i] = Lane{Node: n, Name: t.Nodes[n].Name, Firewall: t.Nodes[n].Kind == trace.Firewall}
	}
	return result
}

// cast finds the first FTP client, the first server and who sent or got a packet.
func cast(t *trace.Trace) (client, server trace.NodeID, active []bool) {
	client, server = trace.NoNode, trace.NoNode
	active = make([]bool, len(t.Nodes))
	for id := trace.ID(1); int(id) <= t.Len(); id++ {
		switch t.Kind(id) {
		case trace.KindFTP:
			e := t.Event(id)
			isServer := e.Body.(trace.FTP).Server
			if isServer && server == trace.NoNode {
				server = e.Node
			}
			if !isServer && client == trace.NoNode {
				client = e.Node
			}
		case trace.KindSent, trace.KindArrived:
			active[t.Event(id).Node] = true
		}
	}
	if server == trace.NoNode {
		server = farthest(t, client, active)
	}
	return client, server, active
}

// farthest returns the host that took part and is the most links away, for a run in
// which no server was reached.
func farthest(t *trace.Trace, from trace.NodeID, active []bool) trace.NodeID {
	best, length := trace.NoNode, 0
	if from == trace.NoNode {
		return best
	}
	for n := range t.Nodes {
		if way := path(t, from, trace.NodeID(n)); len(way) > length && t.Nodes[n].Kind == trace.Host {
			best, length = trace.NodeID(n), len(way)
		}
	}
	return best
}

// path returns the nodes on a shortest way, both ends included; nil if there is none.
func path(t *trace.Trace, from, to trace.NodeID) []trace.NodeID {
	previous := make([]trace.NodeID, len(t.Nodes))
	for i := range previous {
		previous[i] = trace.NoNode
	}
	previous[from] = from
	queue := []trace.NodeID{from}
	for len(queue) > 0 && previous[to] == trace.NoNode {
		n := queue[0]
		queue = queue[1:]
		for _, link := range t.Links {
			for _, next := range neighbour(link, n) {
				if previous[next] == trace.NoNode {
					previous[next] = n
					queue = append(queue, next)
				}
			}
		}
	}
	if previous[to] == trace.NoNode {
		return nil
	}
	var way []trace.NodeID
	for n := to; ; n = previous[n] {
		way = append([]trace.NodeID{n}, way...)
		if n == from {
			return way
		}
	}
}

// neighbour returns the node at the other end of link, if n is at one of them.
func neighbour(link trace.Link, n trace.NodeID) []trace.NodeID {
	switch n {
	case link.A:
		return []trace.NodeID{link.B}
	case link.B:
		return []trace.NodeID{link.A}
	}
	return nil
}
