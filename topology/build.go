package topology

import (
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"strings"
	"time"

	"ftplab/sim"
	"ftplab/sim/event"
	"ftplab/sim/firewall"
	"ftplab/sim/tcp"
	"ftplab/sim/trace"
	"ftplab/topology/document"
)

// Limits of a scenario: more is a mistake, or not for one machine.
const (
	maxNodes      = 256
	maxInterfaces = 256 // of a node
)

// builder makes a sim.Scenario of a document, all but its name and seed. It goes on after a mistake, so that a
// person sees all of them at once.
type builder struct {
	document.Decoder
	files    fs.FS
	warnings []string
	mistaken bool // mistakes were found before
	sc       sim.Scenario
}

func (b *builder) build(tree *document.Node, sel Selection) {
	b.sc.Until = event.Time(b.Duration(tree.Get("until")))
	b.nodes(tree)
	b.links(tree.Get("links"))
	b.programs(tree, sel)
	if len(b.sc.Clients) == 0 && len(b.sc.Probes) == 0 && !b.mistaken && !b.Failed() {
		b.Fail(tree, "nothing happens here: there is no client and no probe")
	}
}

var nodeKeys = append([]string{"kind", "interfaces", "gateway", "routes", "sysctl", "position", "mss", "profile"}, ruleKeys...)

func (b *builder) nodes(tree *document.Node) {
	nodes := tree.Get("nodes")
	if nodes == nil {
		b.Fail(tree, "a scenario needs nodes")
		return
	}
	if !b.Mapping(nodes, "nodes") {
		return
	}
	if len(nodes.Keys) > maxNodes {
		b.Fail(nodes, "more than %d nodes", maxNodes)
		return
	}
	for i, name := range nodes.Keys {
		b.node(name, nodes.Values[i])
	}
}

func (b *builder) node(name, v *document.Node) {
	if !b.Map(v, "a node", nodeKeys...) {
		return
	}
	if name.Text == "" || strings.ContainsAny(name.Text, " \t.:") {
		b.Fail(name, "%q cannot be the name of a node", name.Text).Hint = "one word without dots or colons"
	}
	b.position(v.Get("position"))
	n := sim.Node{Name: name.Text, Interfaces: b.interfaces(v)}
	n.Routes = b.routes(v, n.Interfaces)
	place := len(b.sc.Nodes)
	b.sc.Nodes = append(b.sc.Nodes, n)
	node := &b.sc.Nodes[place]
	kind := v.Get("kind")
	b.Word(kind, "a kind of node", "host", "firewall")
	if meansFirewall(kind) {
		node.Kind = trace.Firewall
		node.Options = b.options(v)
		node.Rules = b.rules(v, node)
		return
	}
	for _, key := range ruleKeys {
		if r := v.Get(key); r != nil {
			b.Fail(r, "%s is a host, and a host has no %s", name.Text, key).Hint = "kind: firewall"
			return
		}
	}
	node.TCP = b.tcp(v)
}

// meansFirewall reports whether a kind of node, nil if none is said, is a firewall, or a
// wrong word for one: who says a kind at all hardly means a host. What else is wrong
// with the node and the rules for it is then found at once.
func meansFirewall(kind *document.Node) bool {
	if kind == nil || kind.Kind != document.Scalar {
		return false
	}
	return !strings.EqualFold(kind.Text, "host") && document.Suggest(kind.Text, []string{"host"}) == ""
}

// position checks where a node stands on the map; Network.Places reads it.
func (b *builder) position(v *document.Node) {
	if v == nil {
		return
	}
	place := b.List(v)
	if len(place) != 2 {
		b.Fail(v, "a position is a column and a row").Hint = "position: [1, 0]"
		return
	}
	for _, number := range place {
		b.Int(number, 0, maxNodes)
	}
}

// interfaces reads a mapping from names to addresses.
func (b *builder) interfaces(node *document.Node) []firewall.Interface {
	list := node.Get("interfaces")
	if list == nil {
		b.Fail(node, "a node needs interfaces").Hint = "interfaces: {eth0: 10.0.0.2/24}"
		return nil
	}
	if !b.Mapping(list, "interfaces") {
		return nil
	}
	if len(list.Keys) > maxInterfaces {
		b.Fail(list, "more than %d interfaces", maxInterfaces)
		return nil
	}
	var out []firewall.Interface
	for i, k := range list.Keys {
		v := list.Values[i]
		if v.Kind == document.Map {
			b.Map(v, "an interface", "address", "side")
			if side := v.Get("side"); side != nil {
				b.Word(side, "a side of a firewall", sideNames[:]...)
			}
			v = v.Get("address")
		}
		f := firewall.Interface{Name: k.Text}
		for _, address := range b.List(v) {
			if p := b.InterfacePrefix(address); p.IsValid() {
				f.Prefixes = append(f.Prefixes, p)
			}
		}
		if len(f.Prefixes) == 0 && !b.Failed() {
			b.Fail(k, "interface %s has no address", k.Text)
		}
		out = append(out, f)
	}
	return out
}

// routes reads `gateway` and `routes`.
func (b *builder) routes(node *document.Node, interfaces []firewall.Interface) []firewall.Route {
	var out []firewall.Route
	if g := node.Get("gateway"); g != nil {
		for _, via := range b.List(g) {
			if r, ok := b.via(via, interfaces); ok {
				r.Dst = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
				if r.Via.Is6() {
					r.Dst = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
				}
				out = append(out, r)
			}
		}
	}
	list := node.Get("routes")
	if list == nil || !b.Mapping(list, "routes") {
		return out
	}
	for i, k := range list.Keys {
		dst := b.Network(k)
		v := list.Values[i]
		if strings.EqualFold(v.Text, "blackhole") {
			out = append(out, firewall.Route{Dst: dst, Blackhole: true})
			continue
		}
		r, ok := b.via(v, interfaces)
		if !ok || !dst.IsValid() {
			continue
		}
		if dst.Addr().Is4() != r.Via.Is4() {
			b.Fail(v, "%s leads to %s: one is IPv4, the other IPv6", dst, r.Via)
		}
		r.Dst = dst
		out = append(out, r)
	}
	return out
}

// via reads a next hop, which must be a neighbour.
func (b *builder) via(v *document.Node, interfaces []firewall.Interface) (firewall.Route, bool) {
	addr := b.Addr(v)
	if !addr.IsValid() {
		return firewall.Route{}, false
	}
	for i, f := range interfaces {
		for _, p := range f.Prefixes {
			if p.Contains(addr) {
				return firewall.Route{Via: addr, Interface: i}, true
			}
		}
	}
	b.Fail(v, "%s is in no network of this node's interfaces", addr)
	return firewall.Route{}, false
}

// options reads the switches of a firewall.
func (b *builder) options(node *document.Node) firewall.Options {
	o := firewall.Options{Profile: b.String(node.Get("profile"))}
	list := node.Get("sysctl")
	if list == nil || !b.Mapping(list, "sysctl") {
		return o
	}
	o.Sysctl = map[string]int{}
	for i, k := range list.Keys {
		o.Sysctl[k.Text] = int(b.Int(list.Values[i], -1<<31, 1<<31-1))
	}
	return o
}

// tcp reads how a host's TCP differs from Linux's defaults, by the kernel's names.
func (b *builder) tcp(node *document.Node) tcp.Config {
	c := tcp.DefaultConfig()
	if mss := node.Get("mss"); mss != nil {
		c.MSS = uint16(b.Int(mss, 88, 65495))
	}
	if p := node.Get("profile"); p != nil {
		b.Fail(p, "a host has no profile").Hint = "profiles are for firewalls and servers"
	}
	list := node.Get("sysctl")
	if list == nil || !b.Mapping(list, "sysctl") {
		return c
	}
	seconds := func(v *document.Node) time.Duration { return time.Duration(b.Int(v, 1, 3600)) * time.Second }
	for i, k := range list.Keys {
		v := list.Values[i]
		switch k.Text {
		case "net.ipv4.tcp_sack":
			c.NoSACK = !b.Bool(v)
		case "net.ipv4.tcp_window_scaling":
			c.NoWindowScale = !b.Bool(v)
		case "net.ipv4.tcp_syn_retries":
			c.SYNRetries = uint8(b.Int(v, 0, 127))
		case "net.ipv4.tcp_syn_linear_timeouts":
			c.SYNLinearTimeouts = uint8(b.Int(v, 0, 127))
		case "net.ipv4.tcp_synack_retries":
			c.SYNACKRetries = uint8(b.Int(v, 0, 127))
		case "net.ipv4.tcp_retries2":
			c.MaxRetries = uint8(b.Int(v, 0, 127))
		case "net.ipv4.tcp_fin_timeout":
			c.FINWait2 = seconds(v)
		default:
			e := b.Fail(k, "a host has no sysctl %q here", k.Text)
			e.Hint = document.Suggest(k.Text, hostSysctls[:])
		}
	}
	return c
}

var hostSysctls = [...]string{"net.ipv4.tcp_sack", "net.ipv4.tcp_window_scaling", "net.ipv4.tcp_syn_retries",
	"net.ipv4.tcp_syn_linear_timeouts", "net.ipv4.tcp_synack_retries", "net.ipv4.tcp_retries2", "net.ipv4.tcp_fin_timeout"}

var linkKeys = []string{"ends", "delay", "rate", "queue", "loss"}

func (b *builder) links(list *document.Node) {
	used := map[sim.Port]bool{}
	for _, v := range b.List(list) {
		if !b.Map(v, "a link", linkKeys...) {
			continue
		}
		ends := b.List(v.Get("ends"))
		if len(ends) != 2 {
			b.Fail(v, "a link has two ends").Hint = "ends: [client, switch GigabitEthernet2/1/1]"
			continue
		}
		l := sim.Link{
			Delay:         b.Duration(v.Get("delay")),
			BitsPerSecond: b.BitRate(v.Get("rate")),
			QueueLimit:    int(b.Octets(v.Get("queue"))),
			Loss:          b.Probability(v.Get("loss")),
		}
		first, firstOK := b.end(ends[0], &l.A, used)
		second, secondOK := b.end(ends[1], &l.B, used)
		if firstOK && secondOK && len(first.Prefixes) > 0 && len(second.Prefixes) > 0 && !neighbours(first, second) {
			b.Fail(v, "%s and %s share no network: %s, %s", ends[0].Text, ends[1].Text, prefixes(first), prefixes(second))
		}
		b.sc.Links = append(b.sc.Links, l)
	}
}

// end reads one end of a link, "node interface", or "node" alone if it has only one.
func (b *builder) end(v *document.Node, port *sim.Port, used map[sim.Port]bool) (*firewall.Interface, bool) {
	name, wanted, _ := strings.Cut(strings.TrimSpace(b.String(v)), " ")
	wanted = strings.TrimSpace(wanted)
	n := b.find(v, name)
	if n == nil {
		return nil, false
	}
	var names []string
	for i := range n.Interfaces {
		f := &n.Interfaces[i]
		names = append(names, f.Name)
		if f.Name != wanted && !(wanted == "" && len(n.Interfaces) == 1) {
			continue
		}
		*port = sim.Port{Node: name, Interface: f.Name}
		if used[*port] {
			b.Fail(v, "two links at interface %s of %s", f.Name, name)
			return nil, false
		}
		used[*port] = true
		return f, true
	}
	if wanted == "" {
		b.Fail(v, "%s has several interfaces: say which", name).Hint = name + " " + strings.Join(names, ", "+name+" ")
	} else {
		b.Fail(v, "%s has no interface %q", name, wanted).Hint = "it has " + strings.Join(names, ", ")
	}
	return nil, false
}

// find returns the node of that name; v is where it was said.
func (b *builder) find(v *document.Node, name string) *sim.Node {
	var names []string
	for i := range b.sc.Nodes {
		if b.sc.Nodes[i].Name == name {
			return &b.sc.Nodes[i]
		}
		names = append(names, b.sc.Nodes[i].Name)
	}
	e := b.Fail(v, "there is no node %q", name)
	if e.Hint = document.Suggest(name, names); e.Hint == "" {
		e.Hint = "there are " + strings.Join(names, ", ")
	}
	return nil
}

func neighbours(a, b *firewall.Interface) bool {
	return slices.ContainsFunc(a.Prefixes, func(p netip.Prefix) bool {
		return slices.ContainsFunc(b.Prefixes, p.Overlaps)
	})
}

func prefixes(f *firewall.Interface) string {
	var out []string
	for _, p := range f.Prefixes {
		out = append(out, fmt.Sprint(p))
	}
	return strings.Join(out, " ")
}
