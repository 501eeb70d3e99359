package model

import (
	"strings"

	"ftplab/sim"
	"ftplab/sim/trace"
)

// plan says where the nodes stand on the map: the way from the client to the server
// from left to right, and beside it what else is linked to it.
type plan struct {
	way      []trace.NodeID
	links    []int // by place in way: the link to the next node
	branches []branch
}

// branch is a node that hangs off the way.
type branch struct {
	node trace.NodeID
	at   int // place in way of the node that it is linked to
	link int
}

// newPlan finds the way from the first client to the first server.
func newPlan(sc *sim.Scenario, t *trace.Trace) plan {
	from, to := trace.NodeID(0), trace.NodeID(max(len(t.Nodes)-1, 0))
	named := func(name string, node *trace.NodeID) {
		for i := range t.Nodes {
			if t.Nodes[i].Name == name {
				*node = trace.NodeID(i)
			}
		}
	}
	if len(sc.Probes) > 0 {
		named(sc.Probes[0].Node, &from)
	}
	if len(sc.Clients) > 0 {
		named(sc.Clients[0].Node, &from)
	}
	if len(sc.Services) > 0 {
		named(sc.Services[0].Node, &to)
	}
	if len(sc.Servers) > 0 {
		named(sc.Servers[0].Node, &to)
	}
	var p plan
	p.findWay(t, from, to)
	p.findBranches(t)
	return p
}

// findWay finds the shortest way; if there is none, the way is the first node alone.
func (p *plan) findWay(t *trace.Trace, from, to trace.NodeID) {
	if len(t.Nodes) == 0 {
		return
	}
	// Backwards from the end, so that following the links leads there.
	next := make([]int, len(t.Nodes)) // link towards the end, plus 1
	seen := make([]bool, len(t.Nodes))
	seen[to] = true
	for queue := []trace.NodeID{to}; len(queue) > 0; queue = queue[1:] {
		for i := range t.Links {
			other, ok := across(&t.Links[i], queue[0])
			if ok && !seen[other] {
				seen[other], next[other] = true, i+1
				queue = append(queue, other)
			}
		}
	}
	p.way = []trace.NodeID{from}
	for at := from; at != to && seen[at]; {
		link := next[at] - 1
		p.links = append(p.links, link)
		at, _ = across(&t.Links[link], at)
		p.way = append(p.way, at)
	}
}

// across returns the node at the other end of a link; false if node is at neither.
func across(l *trace.Link, node trace.NodeID) (trace.NodeID, bool) {
	switch node {
	case l.A:
		return l.B, true
	case l.B:
		return l.A, true
	}
	return 0, false
}

func (p *plan) findBranches(t *trace.Trace) {
	for i := range t.Links {
		for place, node := range p.way {
			if other, ok := across(&t.Links[i], node); ok && p.place(other) < 0 {
				p.branches = append(p.branches, branch{other, place, i})
			}
		}
	}
}

// place returns a node's place in the way, -1 if it is not on it.
func (p *plan) place(node trace.NodeID) int {
	for i, n := range p.way {
		if n == node {
			return i
		}
	}
	return -1
}

// address returns the first address of a node, "" if it has none.
func address(n *trace.Node) string {
	for _, i := range n.Interfaces {
		for _, prefix := range i.Prefixes {
			return prefix.Addr().String()
		}
	}
	return ""
}

// shortInterface shortens a vendor's long interface names as its own tools do.
func shortInterface(name string) string {
	for _, s := range [...]struct{ long, short string }{
		{"Ten-GigabitEthernet", "XGE"}, {"TenGigabitEthernet", "Te"}, {"GigabitEthernet", "GE"},
		{"FastEthernet", "Fa"}, {"Ethernet", "Eth"}, {"Vlan-interface", "Vlan"},
	} {
		if rest, ok := strings.CutPrefix(name, s.long); ok {
			return s.short + rest
		}
	}
	return name
}

// rulesSummaries say in a few words what a firewall runs, the fullest first: "acl 3000
// GE2/1/10 inbound" and "GE2/1/10 inbound", "nft, 6 rules", "no rules".
func rulesSummaries(n *trace.Node) []string {
	if n.Rules == nil || len(n.Rules.Rules) == 0 && len(n.Rules.Chains) == 0 && len(n.Rules.Inspections) == 0 {
		return []string{"no rules"}
	}
	rs := n.Rules
	var full, short []string
	for i := range rs.Chains {
		c := &rs.Chains[i]
		if !isVendor(rs.Dialect) || c.Hook.String() == "" {
			continue
		}
		where := strings.TrimSpace(shortInterface(c.Interface) + " " + c.Hook.String())
		full = append(full, strings.TrimSpace("acl "+c.Name)+" "+where)
		short = append(short, where)
	}
	switch {
	case len(full) == 1:
		return []string{full[0], short[0], rs.Dialect}
	case len(full) > 1:
		return []string{plural(len(full), "packet filter")}
	}
	return []string{rs.Dialect + ", " + plural(len(rs.Rules), "rule"), rs.Dialect}
}

// firstFitting returns the first text that takes at most width columns, else the last
// one cut.
func (g *Glyphs) firstFitting(texts []string, width int) string {
	for _, s := range texts {
		if s = g.clean(s); Width(s) <= width {
			return s
		}
	}
	return g.fit(g.clean(texts[len(texts)-1]), width)
}

// isVendor reports whether a dialect applies lists to interfaces.
func isVendor(dialect string) bool { return dialect != "iptables" && dialect != "nft" }
