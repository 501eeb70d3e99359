package export

import (
	"bytes"
	"fmt"
	"strings"

	"ftplab/sim/report"
	"ftplab/sim/wire"
)

// packetLabel says in a few words what a packet is.
func packetLabel(p *wire.Packet, line Line) string {
	switch p.Protocol {
	case wire.ICMP, wire.ICMPv6:
		return icmpLabel(p)
	case wire.TCP:
	default:
		return fmt.Sprintf("%v, %d octets", p.Protocol, len(p.Payload))
	}
	switch {
	case p.Flags&wire.SYN != 0 && p.Flags&wire.ACK != 0:
		return "SYN,ACK"
	case p.Flags&wire.SYN != 0:
		return fmt.Sprintf("SYN %d→%d", p.SrcPort, p.DstPort)
	case p.Flags&wire.RST != 0:
		return "RST"
	case len(p.Payload) > 0 && line == ControlLine && p.Flags&wire.FIN != 0:
		return controlText(p.Payload) + " + FIN"
	case len(p.Payload) > 0 && line == ControlLine:
		return controlText(p.Payload)
	case len(p.Payload) > 0:
		return fmt.Sprintf("%d octets", len(p.Payload))
	case p.Flags&wire.FIN != 0:
		return "FIN"
	case p.Flags == wire.ACK:
		return "ACK"
	}
	return p.Flags.String()
}

// controlText returns the line of a control connection's segment, or how much of
// what is not text it holds.
func controlText(payload []byte) string {
	if report.IsBinary(payload) {
		return fmt.Sprintf("TLS, %d octets", len(payload))
	}
	lines := strings.Split(string(bytes.TrimRight(payload, "\r\n")), "\n")
	text := report.HidePassword(strings.TrimRight(lines[0], "\r"))
	if len(lines) > 1 {
		text += fmt.Sprintf(" (and %d more)", len(lines)-1)
	}
	return text
}

// icmpLabel names an ICMP message.
func icmpLabel(p *wire.Packet) string {
	type kind struct{ protocol, typ, code uint8 }
	words := map[kind]string{
		{1, 3, 0}: "net unreachable", {1, 3, 1}: "host unreachable", {1, 3, 2}: "protocol unreachable",
		{1, 3, 3}: "port unreachable", {1, 3, 9}: "net prohibited", {1, 3, 10}: "host prohibited",
		{1, 3, 13}: "admin prohibited", {1, 11, 0}: "time exceeded",
		{58, 1, 0}: "no route", {58, 1, 1}: "admin prohibited", {58, 1, 3}: "address unreachable",
		{58, 1, 4}: "port unreachable", {58, 1, 5}: "policy fail", {58, 1, 6}: "reject route", {58, 3, 0}: "time exceeded",
	}
	if text, ok := words[kind{uint8(p.Protocol), p.ICMPType, p.ICMPCode}]; ok {
		return "ICMP " + text
	}
	return fmt.Sprintf("ICMP type %d code %d", p.ICMPType, p.ICMPCode)
}
