package text

import (
	"strconv"
	"strings"
)

// Name ties a keyword to its number in one of the tables.
type Name struct {
	Name   string
	Number uint16
}

// Lookup finds a name, in any case, in a table.
func Lookup(table []Name, name string) (uint16, bool) {
	for _, n := range table {
		if strings.EqualFold(n.Name, name) {
			return n.Number, true
		}
	}
	return 0, false
}

// NameOf returns the first name that a table has for a number, or the number.
func NameOf(table []Name, number uint16) string {
	for _, n := range table {
		if n.Number == number {
			return n.Name
		}
	}
	return strconv.Itoa(int(number))
}

// Names returns the names of a table, for hints.
func Names(table []Name) []string {
	names := make([]string, len(table))
	for i, n := range table {
		names[i] = n.Name
	}
	return names
}

// Protocols returns the IP protocols that have a name in every dialect's reference
// (IANA numbers); aliases come after the usual name.
func Protocols() []Name { return protocols[:] }

// LinuxServices returns the names of ports that Linux systems know (/etc/services),
// for TCP or UDP alike; the aliases come after the usual name.
func LinuxServices() []Name { return linuxServices[:] }

var protocols = [...]Name{
	{"icmp", 1}, {"igmp", 2}, {"ipinip", 4}, {"ipip", 4}, {"ipencap", 4}, {"tcp", 6}, {"egp", 8}, {"igp", 9}, {"igrp", 9},
	{"udp", 17}, {"dccp", 33}, {"ipv6-route", 43}, {"ipv6-frag", 44}, {"gre", 47}, {"esp", 50}, {"ah", 51}, {"ahp", 51},
	{"icmpv6", 58}, {"ipv6-icmp", 58}, {"eigrp", 88}, {"ospf", 89}, {"nos", 94}, {"pim", 103}, {"pcp", 108}, {"vrrp", 112},
	{"l2tp", 115}, {"sctp", 132}, {"udplite", 136},
}

var linuxServices = [...]Name{
	{"tcpmux", 1}, {"echo", 7}, {"discard", 9}, {"systat", 11}, {"daytime", 13}, {"netstat", 15}, {"qotd", 17}, {"chargen", 19},
	{"ftp-data", 20}, {"ftp", 21}, {"ssh", 22}, {"telnet", 23}, {"smtp", 25}, {"mail", 25}, {"time", 37}, {"whois", 43}, {"tacacs", 49},
	{"domain", 53}, {"bootps", 67}, {"bootpc", 68}, {"tftp", 69}, {"gopher", 70}, {"finger", 79}, {"http", 80}, {"www", 80},
	{"kerberos", 88}, {"iso-tsap", 102}, {"pop3", 110}, {"pop-3", 110}, {"sunrpc", 111}, {"auth", 113}, {"ident", 113}, {"nntp", 119}, {"ntp", 123},
	{"epmap", 135}, {"netbios-ns", 137}, {"netbios-dgm", 138}, {"netbios-ssn", 139}, {"imap2", 143}, {"imap", 143}, {"snmp", 161},
	{"snmp-trap", 162}, {"snmptrap", 162}, {"xdmcp", 177}, {"bgp", 179}, {"irc", 194}, {"imap3", 220}, {"ldap", 389}, {"https", 443},
	{"microsoft-ds", 445}, {"kpasswd", 464}, {"urd", 465}, {"submissions", 465}, {"smtps", 465}, {"isakmp", 500}, {"exec", 512}, {"login", 513}, {"who", 513},
	{"shell", 514}, {"syslog", 514}, {"printer", 515}, {"talk", 517}, {"route", 520}, {"uucp", 540}, {"klogin", 543}, {"kshell", 544},
	{"dhcpv6-client", 546}, {"dhcpv6-server", 547}, {"rtsp", 554}, {"nntps", 563}, {"submission", 587}, {"ipp", 631}, {"ldaps", 636}, {"domain-s", 853}, {"rsync", 873},
	{"ftps-data", 989}, {"ftps", 990}, {"telnets", 992}, {"imaps", 993}, {"pop3s", 995}, {"socks", 1080}, {"openvpn", 1194}, {"ms-sql-s", 1433}, {"ms-sql-m", 1434},
	{"l2f", 1701}, {"radius", 1812}, {"radius-acct", 1813}, {"nfs", 2049}, {"iprop", 2121}, {"mysql", 3306}, {"ms-wbt-server", 3389}, {"svn", 3690}, {"iax", 4569},
	{"radmin-port", 4899}, {"sip", 5060}, {"sip-tls", 5061}, {"xmpp-client", 5222}, {"xmpp-server", 5269}, {"mdns", 5353}, {"postgresql", 5432}, {"amqp", 5672},
	{"x11", 6000}, {"ircd", 6667}, {"http-alt", 8080}, {"webcache", 8080}, {"git", 9418},
}
