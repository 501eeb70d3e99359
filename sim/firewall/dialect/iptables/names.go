package iptables

import "ftplab/sim/firewall/dialect/internal/text"

// icmpType is a name that iptables has for an ICMP type, or a type and code.
type icmpType struct {
	name   string
	number uint8
	code   int // -1: any
}

var icmpTypes = []icmpType{
	{"echo-reply", 0, -1}, {"pong", 0, -1}, {"destination-unreachable", 3, -1}, {"network-unreachable", 3, 0}, {"host-unreachable", 3, 1},
	{"protocol-unreachable", 3, 2}, {"port-unreachable", 3, 3}, {"fragmentation-needed", 3, 4}, {"source-route-failed", 3, 5},
	{"network-unknown", 3, 6}, {"host-unknown", 3, 7}, {"network-prohibited", 3, 9}, {"host-prohibited", 3, 10}, {"TOS-network-unreachable", 3, 11},
	{"TOS-host-unreachable", 3, 12}, {"communication-prohibited", 3, 13}, {"host-precedence-violation", 3, 14}, {"precedence-cutoff", 3, 15},
	{"source-quench", 4, -1}, {"redirect", 5, -1}, {"network-redirect", 5, 0}, {"host-redirect", 5, 1}, {"TOS-network-redirect", 5, 2},
	{"TOS-host-redirect", 5, 3}, {"echo-request", 8, -1}, {"ping", 8, -1}, {"router-advertisement", 9, -1}, {"router-solicitation", 10, -1},
	{"time-exceeded", 11, -1}, {"ttl-exceeded", 11, -1}, {"ttl-zero-during-transit", 11, 0}, {"ttl-zero-during-reassembly", 11, 1},
	{"parameter-problem", 12, -1}, {"ip-header-bad", 12, 0}, {"required-option-missing", 12, 1}, {"timestamp-request", 13, -1}, {"timestamp-reply", 14, -1},
	{"address-mask-request", 17, -1}, {"address-mask-reply", 18, -1},
}

var icmpv6Types = []icmpType{
	{"destination-unreachable", 1, -1}, {"no-route", 1, 0}, {"communication-prohibited", 1, 1}, {"beyond-scope", 1, 2}, {"address-unreachable", 1, 3},
	{"port-unreachable", 1, 4}, {"failed-policy", 1, 5}, {"reject-route", 1, 6}, {"packet-too-big", 2, -1}, {"time-exceeded", 3, -1}, {"ttl-exceeded", 3, -1},
	{"ttl-zero-during-transit", 3, 0}, {"ttl-zero-during-reassembly", 3, 1}, {"parameter-problem", 4, -1}, {"bad-header", 4, 0}, {"unknown-header-type", 4, 1},
	{"unknown-option", 4, 2}, {"echo-request", 128, -1}, {"ping", 128, -1}, {"echo-reply", 129, -1}, {"pong", 129, -1}, {"mld-listener-query", 130, -1},
	{"mld-listener-report", 131, -1}, {"mld-listener-done", 132, -1}, {"mld-listener-reduction", 132, -1}, {"router-solicitation", 133, -1},
	{"router-advertisement", 134, -1}, {"neighbour-solicitation", 135, -1}, {"neighbor-solicitation", 135, -1}, {"neighbour-advertisement", 136, -1},
	{"neighbor-advertisement", 136, -1}, {"redirect", 137, -1},
}

// findICMP finds a type by its name.
func findICMP(types []icmpType, w text.Word) (icmpType, *text.Problem) {
	var names []string
	for _, t := range types {
		if t.name == w.Text {
			return t, nil
		}
		names = append(names, t.name)
	}
	p := text.At(w, "Unknown ICMP type `%s'", w.Text)
	if near := text.Suggest(w.Text, names); near != "" {
		return icmpType{}, p.WithHint("did you mean %s?", near)
	}
	return icmpType{}, p.WithHint("write its number: 8, or 3/4 for a type and code")
}

var dscpClasses = []text.Name{{Name: "CS0", Number: 0}, {Name: "BE", Number: 0}, {Name: "CS1", Number: 8}, {Name: "CS2", Number: 16}, {Name: "CS3", Number: 24},
	{Name: "CS4", Number: 32}, {Name: "CS5", Number: 40}, {Name: "CS6", Number: 48}, {Name: "CS7", Number: 56}, {Name: "AF11", Number: 10}, {Name: "AF12", Number: 12},
	{Name: "AF13", Number: 14}, {Name: "AF21", Number: 18}, {Name: "AF22", Number: 20}, {Name: "AF23", Number: 22}, {Name: "AF31", Number: 26}, {Name: "AF32", Number: 28},
	{Name: "AF33", Number: 30}, {Name: "AF41", Number: 34}, {Name: "AF42", Number: 36}, {Name: "AF43", Number: 38}, {Name: "EF", Number: 46}}
