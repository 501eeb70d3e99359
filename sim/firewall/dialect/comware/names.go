package comware

import (
	"ftplab/sim/firewall/dialect/internal/acl"
	"ftplab/sim/firewall/dialect/internal/text"
)

// The keywords of ports, protocols and ICMP types are those of the H3C ACL command
// reference, "rule (IPv4 advanced ACL view)" and "rule (IPv6 advanced ACL view)".

var tcpPorts = []text.Name{
	{Name: "chargen", Number: 19}, {Name: "bgp", Number: 179}, {Name: "cmd", Number: 514}, {Name: "daytime", Number: 13},
	{Name: "discard", Number: 9}, {Name: "dns", Number: 53}, {Name: "domain", Number: 53}, {Name: "echo", Number: 7},
	{Name: "exec", Number: 512}, {Name: "finger", Number: 79}, {Name: "ftp", Number: 21}, {Name: "ftp-data", Number: 20},
	{Name: "gopher", Number: 70}, {Name: "hostname", Number: 101}, {Name: "irc", Number: 194}, {Name: "klogin", Number: 543},
	{Name: "kshell", Number: 544}, {Name: "login", Number: 513}, {Name: "lpd", Number: 515}, {Name: "nntp", Number: 119},
	{Name: "pop2", Number: 109}, {Name: "pop3", Number: 110}, {Name: "smtp", Number: 25}, {Name: "sunrpc", Number: 111},
	{Name: "tacacs", Number: 49}, {Name: "talk", Number: 517}, {Name: "telnet", Number: 23}, {Name: "time", Number: 37},
	{Name: "uucp", Number: 540}, {Name: "whois", Number: 43}, {Name: "www", Number: 80},
}

var udpPorts = []text.Name{
	{Name: "biff", Number: 512}, {Name: "bootpc", Number: 68}, {Name: "bootps", Number: 67}, {Name: "discard", Number: 9},
	{Name: "dns", Number: 53}, {Name: "dnsix", Number: 90}, {Name: "echo", Number: 7}, {Name: "mobilip-ag", Number: 434},
	{Name: "mobilip-mn", Number: 435}, {Name: "nameserver", Number: 42}, {Name: "netbios-dgm", Number: 138},
	{Name: "netbios-ns", Number: 137}, {Name: "netbios-ssn", Number: 139}, {Name: "ntp", Number: 123}, {Name: "rip", Number: 520},
	{Name: "snmp", Number: 161}, {Name: "snmptrap", Number: 162}, {Name: "sunrpc", Number: 111}, {Name: "syslog", Number: 514},
	{Name: "tacacs-ds", Number: 65}, {Name: "talk", Number: 517}, {Name: "tftp", Number: 69}, {Name: "time", Number: 37},
	{Name: "who", Number: 513}, {Name: "xdmcp", Number: 177},
}

var protocols4 = []text.Name{
	{Name: "gre", Number: 47}, {Name: "icmp", Number: 1}, {Name: "igmp", Number: 2}, {Name: "ipinip", Number: 4},
	{Name: "ospf", Number: 89}, {Name: "tcp", Number: 6}, {Name: "udp", Number: 17},
}

var protocols6 = []text.Name{
	{Name: "gre", Number: 47}, {Name: "icmpv6", Number: 58}, {Name: "ipv6-ah", Number: 51}, {Name: "ipv6-esp", Number: 50},
	{Name: "ospf", Number: 89}, {Name: "tcp", Number: 6}, {Name: "udp", Number: 17},
}

// icmpName is a keyword for an ICMP type with a code.
type icmpName struct {
	name       string
	kind, code uint8
}

var icmp4Names = []icmpName{
	{"echo", 8, 0}, {"echo-reply", 0, 0}, {"fragmentneed-dfset", 3, 4}, {"host-redirect", 5, 1}, {"host-tos-redirect", 5, 3},
	{"host-unreachable", 3, 1}, {"information-reply", 16, 0}, {"information-request", 15, 0}, {"net-redirect", 5, 0},
	{"net-tos-redirect", 5, 2}, {"net-unreachable", 3, 0}, {"parameter-problem", 12, 0}, {"port-unreachable", 3, 3},
	{"protocol-unreachable", 3, 2}, {"reassembly-timeout", 11, 1}, {"source-quench", 4, 0}, {"source-route-failed", 3, 5},
	{"timestamp-reply", 14, 0}, {"timestamp-request", 13, 0}, {"ttl-exceeded", 11, 0},
}

var icmp6Names = []icmpName{
	{"echo-reply", 129, 0}, {"echo-request", 128, 0}, {"err-header-field", 4, 0}, {"frag-time-exceeded", 3, 1},
	{"hop-limit-exceeded", 3, 0}, {"host-admin-prohib", 1, 1}, {"host-unreachable", 1, 3}, {"neighbor-advertisement", 136, 0},
	{"neighbor-solicitation", 135, 0}, {"network-unreachable", 1, 0}, {"packet-too-big", 2, 0}, {"port-unreachable", 1, 4},
	{"redirect", 137, 0}, {"router-advertisement", 134, 0}, {"router-solicitation", 133, 0}, {"unknown-ipv6-opt", 4, 2},
	{"unknown-next-hdr", 4, 1},
}

// interfaceTypes are the types of interfaces with the short forms that the device
// itself prints ("display interface brief").
var interfaceTypes = []acl.InterfaceType{
	{Full: "GigabitEthernet", Short: "GE"}, {Full: "Ten-GigabitEthernet", Short: "XGE"}, {Full: "Twenty-FiveGigE", Short: "WGE"},
	{Full: "FortyGigE", Short: "FGE"}, {Full: "HundredGigE", Short: "HGE"}, {Full: "M-GigabitEthernet", Short: "MGE"},
	{Full: "Ethernet", Short: "Eth"}, {Full: "Vlan-interface", Short: "Vlan"}, {Full: "Vlanif"}, {Full: "Bridge-Aggregation", Short: "BAGG"},
	{Full: "Route-Aggregation", Short: "RAGG"}, {Full: "LoopBack"}, {Full: "Tunnel"}, {Full: "Dialer"}, {Full: "Serial"},
	{Full: "Virtual-Template", Short: "VT"}, {Full: "Reth"}, {Full: "NULL"}, {Full: "Eth-Trunk"}, {Full: "XGigabitEthernet"},
}
