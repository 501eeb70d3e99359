package comware

import (
	"fmt"
	"slices"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/acl"
	"ftplab/sim/firewall/dialect/internal/text"
)

// interfaces writes what is applied everywhere and to each interface.
func (p *printer) interfaces(lists []acl.List) {
	var order []string
	blocks := map[string][]string{}
	seen := map[string]bool{}
	add := func(iface, statement string) {
		if !seen[iface] {
			seen[iface] = true
			order = append(order, iface)
		}
		if statement != "" && !slices.Contains(blocks[iface], statement) {
			blocks[iface] = append(blocks[iface], statement)
		}
	}
	if p.own {
		for _, in := range p.rs.Interfaces {
			add(in.Name, "")
		}
	}
	var global []string
	for i := range lists {
		l := &lists[i]
		for _, at := range l.Places {
			statement := p.filterWords(l) + " "
			switch {
			case at.Interface == "":
				global = append(global, statement+"global "+at.Hook.String())
			default:
				add(at.Interface, statement+at.Hook.String())
			}
		}
	}
	for i := range p.rs.Inspections {
		in := &p.rs.Inspections[i]
		if in.Hook == firewall.Forward {
			continue // of a zone pair
		}
		add(in.Interface, fmt.Sprintf("aspf apply policy %d %s", p.policy(in), in.Hook))
	}
	for _, statement := range global {
		p.line("%s", statement)
	}
	for _, name := range order {
		p.line("interface %s", InterfaceName(name))
		for _, statement := range blocks[name] {
			p.line(" %s", statement)
		}
	}
}

// filterWords is the statement that applies a list, without a direction. A bare list
// gets its name when it is applied.
func (p *printer) filterWords(l *acl.List) string {
	family := ""
	if l.IPv6() {
		family = "ipv6 "
	}
	return "packet-filter " + family + p.labels[l.Chain.Family+" "+l.Chain.Name]
}

// policy returns the number of the ASPF policy for an inspection.
func (p *printer) policy(in *firewall.Inspection) int {
	want := aspfPolicy{ftp: in.FTP, tcp: in.TCP, udp: in.UDP, all: in.TCP && in.UDP && in.ICMP}
	for i, have := range p.policies {
		if have == want {
			return i + 1
		}
	}
	p.policies = append(p.policies, want)
	return len(p.policies)
}

// writePolicies writes the ASPF policies in use and the ports of FTP. A policy that
// does not track every transport protocol is one of V5.
func (p *printer) writePolicies() error {
	for i := range p.rs.Inspections {
		in := &p.rs.Inspections[i]
		onInterface := in.Interface != "" && (in.Hook == firewall.Inbound || in.Hook == firewall.Outbound)
		if !onInterface && !p.own {
			return &text.Unsayable{Dialect: Name, Why: fmt.Sprintf("ASPF inspects an interface and a direction, not %q", in.Text)}
		}
		if in.Strict || in.ReadOnly {
			return &text.Unsayable{Dialect: Name, Why: fmt.Sprintf("ASPF has no counterpart of %q", in.Text)}
		}
		p.policy(in)
	}
	for i, policy := range p.policies {
		if policy.all {
			p.line("aspf policy %d", i+1)
		} else {
			p.line("aspf-policy %d", i+1)
			if policy.tcp {
				p.line(" detect tcp")
			}
			if policy.udp {
				p.line(" detect udp")
			}
		}
		if policy.ftp {
			p.line(" detect ftp")
		}
	}
	var ports []uint16
	for _, in := range p.rs.Inspections {
		for _, n := range in.Ports {
			if n != 21 && !slices.Contains(ports, n) {
				ports = append(ports, n)
				p.line("port-mapping ftp port %d", n)
			}
		}
	}
	return nil
}

// zones writes the security zones and zone pairs of a ruleset of this dialect.
func (p *printer) zones() {
	var order []string
	members := map[string][]string{}
	for _, in := range p.rs.Interfaces {
		if in.Zone == "" {
			continue
		}
		if members[in.Zone] == nil {
			order = append(order, in.Zone)
		}
		members[in.Zone] = append(members[in.Zone], in.Name)
	}
	for _, zone := range order {
		p.line("security-zone name %s", zone)
		for _, name := range members[zone] {
			p.line(" import interface %s", name)
		}
	}
	filters, intraZone := p.zoneFilters()
	if intraZone {
		p.line("security-zone intra-zone default permit")
	}
	var pairs []string
	inspected := map[string]int{}
	for i := range p.rs.Inspections {
		in := &p.rs.Inspections[i]
		if in.Hook != firewall.Forward {
			continue
		}
		key := orAny(in.FromZone) + " destination " + orAny(in.ToZone)
		if !slices.Contains(pairs, key) {
			pairs = append(pairs, key)
		}
		inspected[strings.ToLower(key)] = p.policy(in)
	}
	for _, key := range pairs {
		p.line("zone-pair security source %s", key)
		lower := strings.ToLower(key)
		for _, place := range filters[lower] {
			c := &p.rs.Chains[place]
			p.line(" %s", p.filterWords(&acl.List{Chain: *c}))
		}
		p.line(" aspf apply policy %d", inspected[lower])
	}
}

func orAny(zone string) string {
	if zone == "" {
		return "any"
	}
	return zone
}

// zoneFilters returns the lists of each zone pair, and whether packets within a zone
// pass.
func (p *printer) zoneFilters() (filters map[string][]int, intraZone bool) {
	filters = map[string][]int{}
	for _, c := range p.rs.Chains {
		if c.Table != "zones" {
			continue
		}
		for _, r := range p.rs.Rules[c.First : c.First+c.Count] {
			if r.Verdict.Kind != firewall.Jump {
				intraZone = true
				continue
			}
			if w := strings.Fields(strings.ToLower(r.Text)); len(w) > 5 { // zone-pair security source A destination B
				key := w[3] + " destination " + w[5]
				filters[key] = append(filters[key], r.Verdict.Chain)
			}
		}
	}
	return filters, intraZone
}
