package cisco

import "ftplab/sim/firewall/dialect/internal/text"

// Protocols returns the keywords for IP protocols that IOS and ASA share; ip (and in
// IPv6 lists ipv6) is not among them.
func Protocols() []text.Name { return protocols[:] }

// TCPPorts returns the keywords for TCP ports of IOS and ASA ("Cisco IOS Security
// Command Reference", access-list (IP extended); "ASA CLI Guide", addresses,
// protocols and ports). The name that IOS prints comes first.
func TCPPorts() []text.Name { return tcpPorts[:] }

// UDPPorts returns the keywords for UDP ports of IOS and ASA.
func UDPPorts() []text.Name { return udpPorts[:] }

// PortNames returns the keywords for the ports of a protocol: TCP's for 6, UDP's for 17,
// both for any other number.
func PortNames(protocol int) []text.Name {
	switch protocol {
	case 6:
		return TCPPorts()
	case 17:
		return UDPPorts()
	}
	return append(append([]text.Name(nil), tcpPorts[:]...), udpPorts[:]...)
}

var protocols = [...]text.Name{
	{Name: "ahp", Number: 51}, {Name: "ah", Number: 51}, {Name: "eigrp", Number: 88}, {Name: "esp", Number: 50}, {Name: "gre", Number: 47},
	{Name: "icmp", Number: 1}, {Name: "icmp6", Number: 58}, {Name: "igmp", Number: 2}, {Name: "igrp", Number: 9}, {Name: "ipinip", Number: 4},
	{Name: "ipsec", Number: 50}, {Name: "nos", Number: 94}, {Name: "ospf", Number: 89}, {Name: "pcp", Number: 108}, {Name: "pim", Number: 103},
	{Name: "pptp", Number: 47}, {Name: "sctp", Number: 132}, {Name: "snp", Number: 109}, {Name: "tcp", Number: 6}, {Name: "udp", Number: 17},
}

var tcpPorts = [...]text.Name{
	{Name: "aol", Number: 5190}, {Name: "bgp", Number: 179}, {Name: "chargen", Number: 19}, {Name: "cifs", Number: 3020},
	{Name: "citrix-ica", Number: 1494}, {Name: "cmd", Number: 514}, {Name: "rsh", Number: 514}, {Name: "ctiqbe", Number: 2748},
	{Name: "daytime", Number: 13}, {Name: "discard", Number: 9}, {Name: "domain", Number: 53}, {Name: "drip", Number: 3949},
	{Name: "echo", Number: 7}, {Name: "exec", Number: 512}, {Name: "finger", Number: 79}, {Name: "ftp", Number: 21},
	{Name: "ftp-data", Number: 20}, {Name: "gopher", Number: 70}, {Name: "h323", Number: 1720}, {Name: "hostname", Number: 101},
	{Name: "https", Number: 443}, {Name: "ident", Number: 113}, {Name: "imap4", Number: 143}, {Name: "irc", Number: 194},
	{Name: "kerberos", Number: 750}, {Name: "klogin", Number: 543}, {Name: "kshell", Number: 544}, {Name: "ldap", Number: 389},
	{Name: "ldaps", Number: 636}, {Name: "login", Number: 513}, {Name: "lotusnotes", Number: 1352}, {Name: "lpd", Number: 515},
	{Name: "msrpc", Number: 135}, {Name: "netbios-ssn", Number: 139}, {Name: "nfs", Number: 2049}, {Name: "nntp", Number: 119},
	{Name: "onep-plain", Number: 15001}, {Name: "onep-tls", Number: 15002}, {Name: "pcanywhere-data", Number: 5631},
	{Name: "pim-auto-rp", Number: 496}, {Name: "pop2", Number: 109}, {Name: "pop3", Number: 110}, {Name: "pptp", Number: 1723},
	{Name: "rtsp", Number: 554}, {Name: "sip", Number: 5060}, {Name: "smtp", Number: 25}, {Name: "sqlnet", Number: 1521},
	{Name: "ssh", Number: 22}, {Name: "sunrpc", Number: 111}, {Name: "rpc", Number: 111}, {Name: "syslog", Number: 514}, {Name: "tacacs", Number: 49},
	{Name: "talk", Number: 517}, {Name: "telnet", Number: 23}, {Name: "time", Number: 37}, {Name: "uucp", Number: 540},
	{Name: "whois", Number: 43}, {Name: "www", Number: 80}, {Name: "http", Number: 80},
}

var udpPorts = [...]text.Name{
	{Name: "biff", Number: 512}, {Name: "bootpc", Number: 68}, {Name: "bootps", Number: 67}, {Name: "cifs", Number: 3020},
	{Name: "discard", Number: 9}, {Name: "dnsix", Number: 195}, {Name: "domain", Number: 53}, {Name: "echo", Number: 7},
	{Name: "http", Number: 80}, {Name: "isakmp", Number: 500}, {Name: "kerberos", Number: 750}, {Name: "mobile-ip", Number: 434},
	{Name: "nameserver", Number: 42}, {Name: "netbios-dgm", Number: 138}, {Name: "netbios-ns", Number: 137}, {Name: "netbios-ss", Number: 139},
	{Name: "nfs", Number: 2049}, {Name: "non500-isakmp", Number: 4500}, {Name: "ntp", Number: 123}, {Name: "pcanywhere-status", Number: 5632},
	{Name: "pim-auto-rp", Number: 496}, {Name: "radius", Number: 1645}, {Name: "radius-acct", Number: 1646}, {Name: "rip", Number: 520},
	{Name: "ripv6", Number: 521}, {Name: "secureid-udp", Number: 5510}, {Name: "sip", Number: 5060}, {Name: "snmp", Number: 161},
	{Name: "snmptrap", Number: 162}, {Name: "sunrpc", Number: 111}, {Name: "syslog", Number: 514}, {Name: "tacacs", Number: 49},
	{Name: "talk", Number: 517}, {Name: "tftp", Number: 69}, {Name: "time", Number: 37}, {Name: "vxlan", Number: 4789},
	{Name: "who", Number: 513}, {Name: "www", Number: 80}, {Name: "xdmcp", Number: 177},
}

// icmpName is a keyword for an ICMP type, code -1 for every code of it.
type icmpName struct {
	name       string
	kind, code int
}

var icmp4Names = [...]icmpName{
	{"administratively-prohibited", 3, 13}, {"alternate-address", 6, -1}, {"conversion-error", 31, -1}, {"dod-host-prohibited", 3, 10},
	{"dod-net-prohibited", 3, 9}, {"echo", 8, -1}, {"echo-reply", 0, -1}, {"general-parameter-problem", 12, 0}, {"host-isolated", 3, 8},
	{"host-precedence-unreachable", 3, 14}, {"host-redirect", 5, 1}, {"host-tos-redirect", 5, 3}, {"host-tos-unreachable", 3, 12},
	{"host-unknown", 3, 7}, {"host-unreachable", 3, 1}, {"information-reply", 16, -1}, {"information-request", 15, -1},
	{"mask-reply", 18, -1}, {"mask-request", 17, -1}, {"mobile-redirect", 32, -1}, {"net-redirect", 5, 0}, {"net-tos-redirect", 5, 2},
	{"net-tos-unreachable", 3, 11}, {"net-unreachable", 3, 0}, {"network-unknown", 3, 6}, {"no-room-for-option", 12, 2},
	{"option-missing", 12, 1}, {"packet-too-big", 3, 4}, {"parameter-problem", 12, -1}, {"port-unreachable", 3, 3},
	{"precedence-unreachable", 3, 15}, {"protocol-unreachable", 3, 2}, {"reassembly-timeout", 11, 1}, {"redirect", 5, -1},
	{"router-advertisement", 9, -1}, {"router-solicitation", 10, -1}, {"source-quench", 4, -1}, {"source-route-failed", 3, 5},
	{"time-exceeded", 11, -1}, {"timestamp-reply", 14, -1}, {"timestamp-request", 13, -1}, {"traceroute", 30, -1}, {"ttl-exceeded", 11, 0},
	{"unreachable", 3, -1},
}

var icmp6Names = [...]icmpName{
	{"beyond-scope", 1, 2}, {"destination-unreachable", 1, 3}, {"echo", 128, -1}, {"echo-reply", 129, -1}, {"echo-request", 128, -1},
	{"header", 4, 0}, {"hop-limit", 3, 0}, {"membership-query", 130, -1}, {"membership-report", 131, -1}, {"mld-query", 130, -1},
	{"mld-reduction", 132, -1}, {"mld-report", 131, -1}, {"nd-na", 136, -1}, {"nd-ns", 135, -1}, {"neighbor-advertisement", 136, -1},
	{"neighbor-redirect", 137, -1}, {"neighbor-solicitation", 135, -1}, {"next-header", 4, 1}, {"no-admin", 1, 1}, {"no-route", 1, 0},
	{"packet-too-big", 2, -1}, {"parameter-option", 4, 2}, {"parameter-problem", 4, -1}, {"port-unreachable", 1, 4},
	{"reassembly-timeout", 3, 1}, {"redirect", 137, -1}, {"renum-command", 138, -1}, {"router-advertisement", 134, -1},
	{"router-renumbering", 138, -1}, {"router-solicitation", 133, -1}, {"time-exceeded", 3, -1}, {"unreachable", 1, -1},
}
