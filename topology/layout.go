package topology

import (
	"ftplab/sim"
	"ftplab/topology/document"
)

// Place is where a node stands on the map: Column counts from the left, Row from the
// top, both from 0.
type Place struct{ Column, Row int }

// Layout places the nodes of a scenario, in its order: from left to right by the
// number of links from the (first) client, nodes of one column below each other. A
// node that no link leads to comes last.
func Layout(sc sim.Scenario) []Place {
	hops := hopsFrom(sc, start(sc))
	width := 0
	for _, h := range hops {
		width = max(width, h+1)
	}
	places := make([]Place, len(sc.Nodes))
	rows := make([]int, width+1)
	for _, i := range mainFirst(sc, hops) {
		column := hops[i]
		if column < 0 {
			column = width
		}
		places[i] = Place{Column: column, Row: rows[column]}
		rows[column]++
	}
	return places
}

// start is the node that stands at the left: the first client's, or else the first.
func start(sc sim.Scenario) int {
	if len(sc.Clients) > 0 {
		return max(0, nodePlace(sc, sc.Clients[0].Node))
	}
	return 0
}

func nodePlace(sc sim.Scenario, name string) int {
	for i, n := range sc.Nodes {
		if n.Name == name {
			return i
		}
	}
	return -1
}

// hopsFrom counts the links from a node to every other, -1 for those out of reach.
func hopsFrom(sc sim.Scenario, from int) []int {
	hops := make([]int, len(sc.Nodes))
	for i := range hops {
		hops[i] = -1
	}
	if len(hops) == 0 {
		return hops
	}
	hops[from] = 0
	for queue := []int{from}; len(queue) > 0; queue = queue[1:] {
		for _, l := range sc.Links {
			a, b := nodePlace(sc, l.A.Node), nodePlace(sc, l.B.Node)
			if b == queue[0] {
				a, b = b, a
			}
			if a == queue[0] && b >= 0 && hops[b] < 0 {
				hops[b] = hops[a] + 1
				queue = append(queue, b)
			}
		}
	}
	return hops
}

// mainFirst returns the places of the nodes with those on the way from the client to
// the server before the others, so that the way is one straight row.
func mainFirst(sc sim.Scenario, hops []int) []int {
	var order []int
	onWay := make([]bool, len(sc.Nodes))
	if len(sc.Servers) > 0 {
		if server := nodePlace(sc, sc.Servers[0].Node); server >= 0 && hops[server] >= 0 {
			back := hopsFrom(sc, server)
			for i := range sc.Nodes {
				onWay[i] = hops[i] >= 0 && hops[i]+back[i] == hops[server]
			}
		}
	}
	for _, wanted := range []bool{true, false} {
		for i := range sc.Nodes {
			if onWay[i] == wanted {
				order = append(order, i)
			}
		}
	}
	return order
}

// Places is Layout with the positions that the file gives to its nodes.
func (n *Network) Places(sc sim.Scenario) []Place {
	places := Layout(sc)
	var d document.Decoder // what is wrong was found when the file was read
	for i, node := range sc.Nodes {
		if v := d.List(n.base.Get("nodes").Get(node.Name).Get("position")); len(v) == 2 {
			places[i] = Place{Column: int(d.Int(v[0], 0, maxNodes)), Row: int(d.Int(v[1], 0, maxNodes))}
		}
	}
	return places
}
