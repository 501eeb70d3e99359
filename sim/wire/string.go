package wire

import (
	"fmt"
	"strconv"
	"strings"
)

func itoa(n int) string { return strconv.Itoa(n) }

// String prints the packet on one line in the manner of tcpdump, with the flags
// as letters: "10.0.0.2:1026 > 192.168.10.1:21 SA seq 0 ack 1 win 64240 len 0".
func (p *Packet) String() string {
	var b strings.Builder
	switch p.Protocol {
	case TCP:
		fmt.Fprintf(&b, "%v > %v %s seq %d", p.SrcEndpoint(), p.DstEndpoint(), flagsOrNone(p.Flags), p.Seq)
		if p.Flags&ACK != 0 {
			fmt.Fprintf(&b, " ack %d", p.Ack)
		}
		fmt.Fprintf(&b, " win %d len %d", p.Window, len(p.Payload))
	case UDP:
		fmt.Fprintf(&b, "%v > %v udp len %d", p.SrcEndpoint(), p.DstEndpoint(), len(p.Payload))
	case ICMP, ICMPv6:
		fmt.Fprintf(&b, "%v > %v %v type %d code %d", p.Src, p.Dst, p.Protocol, p.ICMPType, p.ICMPCode)
	default:
		fmt.Fprintf(&b, "%v > %v %v len %d", p.Src, p.Dst, p.Protocol, len(p.Payload))
	}
	if p.IsFragment() {
		fmt.Fprintf(&b, " fragment at %d", int(p.FragmentOffset)*8)
	}
	return b.String()
}

func flagsOrNone(f Flags) string {
	if f == 0 {
		return "none"
	}
	return f.String()
}
