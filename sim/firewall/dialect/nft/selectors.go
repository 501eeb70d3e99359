package nft

import (
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/wire"
)

// valueType is the type of what a selector reads: how values of it are written.
type valueType uint8

const (
	typeNone valueType = iota
	typeAddr4
	typeAddr6
	typePort
	typeProtocol
	typeInterface
	typeMark
	typeState
	typeStatus
	typeDirection
	typeTCPFlags
	typeICMPType
	typeICMPCode
	typeICMPv6Type
	typeICMPv6Code
	typeDSCP
	typeNumber8
	typeNumber16
	typeNumber32
	typeFamily    // nf_proto: ipv4, ipv6
	typeEtherType // ip, ip6, arp
	typeHelper
	typeAddressType
	typePacketType
	typeBoolean // exists, missing
	typeOther   // anything; not looked at
)

// selectorInfo is what a selector looks at.
type selectorInfo struct {
	field firewall.Field
	typ   valueType
	// family is the address family that the packet must have (4, 6), 0 for any.
	family uint8
	// protocol is what the packet must carry, 0 for anything.
	protocol wire.Protocol
	// conntrack says that the selector needs connection tracking.
	conntrack bool
	// absent says that the simulated packets do not have it, or why it makes no
	// difference; a condition on it is then taken as holds says.
	absent string
	holds  bool
}

// selectorOf returns what a selector looks at, false if there is no such selector.
func selectorOf(s *selector) (selectorInfo, bool) {
	proto, name, _ := strings.Cut(s.key, " ")
	switch proto {
	case "ip", "ip6":
		return networkSelector(proto, name)
	case "tcp", "udp", "udplite", "sctp", "dccp", "th", "icmp", "icmpv6", "igmp", "esp", "ah", "comp":
		return transportSelector(proto, name)
	case "ct":
		return ctSelector(s.direction, name)
	case "meta":
		return metaSelector(name)
	case "fib":
		return fibSelector(name)
	case "ether", "vlan", "arp":
		return missing("simulated links have no " + proto + " header"), hasWord(linkFields, name)
	case "rt", "rt0", "rt2", "srh", "hbh", "frag", "dst", "mh", "exthdr":
		return missing("IPv6 extension headers do not occur in simulated packets"), true
	case "socket", "osf", "ipsec":
		return missing(proto + " is not modelled"), true
	case "numgen", "jhash", "symhash":
		return missing("load balancing by " + proto + " is not modelled"), true
	}
	if strings.HasPrefix(proto, "@") {
		return missing("raw octets of a packet are not looked at"), true
	}
	return selectorInfo{}, false
}

// missing is a selector that simulated packets do not have.
func missing(why string) selectorInfo { return selectorInfo{typ: typeOther, absent: why} }

const linkFields = " saddr daddr type id pcp cfi dei htype ptype hlen plen operation "

func networkSelector(proto, name string) (selectorInfo, bool) {
	info := selectorInfo{family: 4}
	address := typeAddr4
	if proto == "ip6" {
		info.family, address = 6, typeAddr6
	}
	switch name {
	case "saddr":
		info.field, info.typ = firewall.SourceAddress, address
	case "daddr":
		info.field, info.typ = firewall.DestinationAddress, address
	case "dscp":
		info.field, info.typ = firewall.DSCP, typeDSCP
	case "version":
		info.field, info.typ = firewall.Family, typeNumber8
	case "ecn", "checksum", "id", "hdrlength", "flowlabel", "option":
		info = missing(proto + " " + name + " is not modelled")
	default:
		if proto == "ip" {
			return ip4Selector(name, info)
		}
		return ip6Selector(name, info)
	}
	return info, true
}

func ip4Selector(name string, info selectorInfo) (selectorInfo, bool) {
	switch name {
	case "protocol":
		info.field, info.typ = firewall.ProtocolField, typeProtocol
	case "ttl":
		info.field, info.typ = firewall.TTL, typeNumber8
	case "length":
		info.field, info.typ = firewall.Length, typeNumber16
	case "frag-off":
		info.field, info.typ = firewall.Fragment, typeNumber16
	default:
		return info, false
	}
	return info, true
}

func ip6Selector(name string, info selectorInfo) (selectorInfo, bool) {
	switch name {
	case "nexthdr":
		info.field, info.typ = firewall.ProtocolField, typeProtocol
	case "hoplimit":
		info.field, info.typ = firewall.TTL, typeNumber8
	case "length":
		info = missing("ip6 length is not modelled")
	default:
		return info, false
	}
	return info, true
}

// protocolOf returns the protocol number of a transport header's name, 0 for th.
func protocolOf(header string) wire.Protocol {
	switch header {
	case "tcp":
		return wire.TCP
	case "udp":
		return wire.UDP
	case "icmp":
		return wire.ICMP
	case "icmpv6":
		return wire.ICMPv6
	case "igmp":
		return 2
	case "dccp":
		return 33
	case "esp":
		return 50
	case "ah":
		return 51
	case "comp":
		return 108
	case "sctp":
		return 132
	case "udplite":
		return 136
	}
	return 0
}

func transportSelector(proto, name string) (selectorInfo, bool) {
	info := selectorInfo{protocol: protocolOf(proto)}
	hasPorts := !strings.HasPrefix(proto, "icmp") && hasWord(" tcp udp udplite sctp dccp th ", proto)
	switch {
	case name == "sport" && hasPorts:
		info.field, info.typ = firewall.SourcePort, typePort
	case name == "dport" && hasPorts:
		info.field, info.typ = firewall.DestinationPort, typePort
	case name == "flags" && proto == "tcp":
		info.field, info.typ = firewall.TCPFlags, typeTCPFlags
	case name == "type" && proto == "icmp":
		info.field, info.typ = firewall.ICMPTypeField, typeICMPType
	case name == "code" && proto == "icmp":
		info.field, info.typ = firewall.ICMPCodeField, typeICMPCode
	case name == "type" && proto == "icmpv6":
		info.field, info.typ = firewall.ICMPTypeField, typeICMPv6Type
	case name == "code" && proto == "icmpv6":
		info.field, info.typ = firewall.ICMPCodeField, typeICMPv6Code
	case hasWord(" option sequence ackseq doff reserved window checksum urgptr length csumcov vtag chunk type id gateway mtu "+
		"param-problem max-delay taddr daddr mrt group spi nexthdr hdrlength cpi flags code ", name):
		return missing(proto + " " + name + " is not modelled"), true
	default:
		return info, false
	}
	return info, true
}

func ctSelector(direction, name string) (selectorInfo, bool) {
	info := selectorInfo{conntrack: true}
	switch name {
	case "state":
		info.field, info.typ = firewall.State, typeState
	case "status":
		info.field, info.typ = firewall.Status, typeStatus
	case "direction":
		info.field, info.typ = firewall.Direction, typeDirection
	case "mark":
		info.field, info.typ = firewall.CTMark, typeMark
	case "helper":
		info.field, info.typ = firewall.HelperField, typeHelper
	case "protocol":
		info.field, info.typ = firewall.CTProtocol, typeProtocol
	case "l3proto":
		info.field, info.typ = firewall.Family, typeFamily
	case "saddr", "ip saddr", "ip6 saddr":
		info.field = ctField(direction, firewall.CTOriginalSource, firewall.CTReplySource)
		info.typ, info.family = ctAddress(name)
	case "daddr", "ip daddr", "ip6 daddr":
		info.field = ctField(direction, firewall.CTOriginalDestination, firewall.CTReplyDestination)
		info.typ, info.family = ctAddress(name)
	case "proto-src":
		info.field, info.typ = ctField(direction, firewall.CTOriginalSourcePort, firewall.CTReplySourcePort), typePort
	case "proto-dst":
		info.field, info.typ = ctField(direction, firewall.CTOriginalDestinationPort, firewall.CTReplyDestinationPort), typePort
	case "zone", "label", "labels", "expiration", "bytes", "packets", "avgpkt", "id", "count", "event", "secmark", "timeout", "expectation":
		info = missing("ct " + name + " is not modelled")
		info.conntrack = true
	default:
		return info, false
	}
	return info, true
}

func ctField(direction string, original, reply firewall.Field) firewall.Field {
	if direction == "reply" {
		return reply
	}
	return original
}

// ctAddress is the type of an address of a connection, and its family; without one it
// is the rule's.
func ctAddress(name string) (valueType, uint8) {
	switch {
	case strings.HasPrefix(name, "ip6"):
		return typeAddr6, 6
	case strings.HasPrefix(name, "ip "):
		return typeAddr4, 4
	}
	return typeAddr4, 0
}

func metaSelector(name string) (selectorInfo, bool) {
	info := selectorInfo{}
	switch name {
	case "l4proto":
		info.field, info.typ = firewall.ProtocolField, typeProtocol
	case "nfproto":
		info.field, info.typ = firewall.Family, typeFamily
	case "protocol":
		info.field, info.typ = firewall.Family, typeEtherType
	case "mark":
		info.field, info.typ = firewall.Mark, typeMark
	case "iif", "iifname":
		info.field, info.typ = firewall.InInterface, typeInterface
	case "oif", "oifname":
		info.field, info.typ = firewall.OutInterface, typeInterface
	case "length":
		info.field, info.typ = firewall.Length, typeNumber16
	case "pkttype":
		info.field, info.typ = firewall.Constant, typePacketType
	case "nftrace", "priority", "random", "iiftype", "oiftype", "skuid", "skgid", "rtclassid", "ibriport", "ibrname", "obriport", "obrname",
		"ibrpvid", "ibrvproto", "cpu", "iifgroup", "oifgroup", "cgroup", "secpath", "ipsec", "time", "day", "hour", "iifkind", "oifkind",
		"sdif", "sdifname", "secmark", "broute":
		return missing("meta " + name + " is not modelled"), true
	default:
		return info, false
	}
	return info, true
}

func fibSelector(name string) (selectorInfo, bool) {
	tuple, result, _ := strings.Cut(name, " > ")
	if result != "type" {
		return selectorInfo{typ: typeBoolean, absent: "routes are not looked up by rules: the way back is taken to be as the packet came", holds: true}, true
	}
	if !strings.Contains(tuple, "saddr") && !strings.Contains(tuple, "daddr") {
		return selectorInfo{}, false
	}
	return selectorInfo{field: firewall.AddressType, typ: typeAddressType}, true
}

// startsSelector reports whether a word begins a selector.
func startsSelector(word string) bool {
	switch word {
	case "ip", "ip6", "tcp", "udp", "udplite", "sctp", "dccp", "th", "icmp", "icmpv6", "igmp", "esp", "ah", "comp",
		"ct", "meta", "fib", "ether", "vlan", "arp", "rt", "rt0", "rt2", "srh", "hbh", "frag", "dst", "mh", "exthdr",
		"socket", "osf", "ipsec", "numgen", "jhash", "symhash":
		return true
	}
	return isBareMeta(word)
}

// isBareMeta reports whether a meta key may stand without the word meta.
func isBareMeta(word string) bool {
	switch word {
	case "mark", "iif", "iifname", "iiftype", "oif", "oifname", "oiftype", "skuid", "skgid", "nftrace", "rtclassid", "ibriport",
		"ibrname", "obriport", "obrname", "pkttype", "cpu", "iifgroup", "oifgroup", "cgroup", "time", "day", "hour":
		return true
	}
	return false
}

// selector reads a selector.
func (p *parser) selector() *expr {
	t := p.next()
	if !p.enter() {
		return &expr{at: t.at}
	}
	defer p.leave()
	e := &expr{kind: exSelector, at: t.at, sel: &selector{key: t.text}}
	switch {
	case isBareMeta(t.text):
		e.sel.key = "meta " + t.text
	case t.text == "ct":
		p.ctKey(e.sel)
	case t.text == "fib":
		p.fibKey(e.sel)
	case t.text == "numgen" || t.text == "symhash" || t.text == "jhash":
		p.hashKey(e.sel, t.text)
	case t.text == "rt" || t.text == "ipsec" || t.text == "osf" || t.text == "socket":
		p.lookupKey(e.sel, t.text)
	case t.text == "exthdr":
		p.next()
	default:
		p.headerKey(e.sel, t)
	}
	e.at = e.at.through(p.last().at)
	return e
}

// headerKey reads the field of a header, or a meta key.
func (p *parser) headerKey(s *selector, header token) {
	field := p.peek()
	s.key += " " + field.text
	if _, ok := selectorOf(s); !ok || field.kind != tokWord {
		p.unexpectedHint("", nearestWord(field.text, fieldNames(header.text)...))
		return
	}
	p.next()
	if field.text != "option" && field.text != "chunk" {
		return
	}
	p.next() // the option's name or number
	if t := p.peek(); hasWord(" kind length size count left right tsval tsecr subtype type flags value addr ptr tsn stream ", t.text) && t.kind == tokWord {
		p.next()
	}
}

// fieldNames are the usual fields of a header, for hints.
func fieldNames(header string) []string {
	switch header {
	case "ip":
		return []string{"saddr", "daddr", "protocol", "ttl", "dscp", "length", "frag-off", "ecn", "id"}
	case "ip6":
		return []string{"saddr", "daddr", "nexthdr", "hoplimit", "dscp", "length"}
	case "tcp", "udp", "th", "sctp", "dccp", "udplite":
		return []string{"sport", "dport", "flags", "sequence", "ackseq", "window", "option", "length"}
	case "icmp", "icmpv6":
		return []string{"type", "code", "id", "sequence", "mtu"}
	case "meta":
		return []string{"l4proto", "nfproto", "protocol", "mark", "iifname", "oifname", "iif", "oif", "length", "pkttype", "skuid", "skgid"}
	}
	return nil
}

// ctKey reads [original|reply] [ip|ip6] KEY.
func (p *parser) ctKey(s *selector) {
	if t := p.peek(); t.is("original") || t.is("reply") {
		s.direction = t.text
		p.next()
	}
	if t := p.peek(); t.is("ip") || t.is("ip6") {
		s.key += " " + t.text
		p.next()
	}
	key := p.peek()
	s.key += " " + key.text
	if _, ok := selectorOf(s); !ok || key.kind != tokWord {
		p.unexpectedHint("", nearestWord(key.text, "state", "direction", "status", "mark", "helper", "original", "reply", "count", "zone"))
		return
	}
	p.next()
}

// fibKey reads TUPLE RESULT, where TUPLE is saddr . iif and the like.
func (p *parser) fibKey(s *selector) {
	for {
		flag := p.next()
		if !flag.is("saddr") && !flag.is("daddr") && !flag.is("mark") && !flag.is("iif") && !flag.is("oif") {
			p.unexpectedToken(flag, "saddr, daddr, mark, iif or oif", "")
			return
		}
		s.key += " " + flag.text
		if !p.accept(".") {
			break
		}
		s.key += " ."
	}
	result := p.next()
	if !result.is("oif") && !result.is("oifname") && !result.is("type") {
		p.unexpectedToken(result, "oif, oifname or type", "")
	}
	s.key += " > " + result.text
}

// hashKey reads the arguments of numgen, jhash and symhash.
func (p *parser) hashKey(s *selector, name string) {
	switch name {
	case "numgen":
		p.next() // inc or random
	case "jhash":
		p.expression()
	}
	p.expect("mod")
	p.number()
	for p.peek().is("seed") || p.peek().is("offset") {
		p.next()
		p.number()
	}
	s.key += " mod"
}

// lookupKey reads the rest of rt, ipsec, osf and socket expressions.
func (p *parser) lookupKey(s *selector, name string) {
	for t := p.peek(); t.kind == tokWord; t = p.peek() {
		p.next()
		s.key += " " + t.text
		if t.is("ttl") || t.is("spnum") || t.is("level") {
			p.next()
		}
		if !hasWord(" ip ip6 in out ttl spnum level cgroupv2 ", t.text) {
			return
		}
		if t.is("level") {
			return
		}
	}
	p.unexpected("")
}
