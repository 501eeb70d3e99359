package model

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"ftplab/sim/event"
	"ftplab/sim/narrate"
	"ftplab/sim/trace"
	"ftplab/sim/wire"
)

// seconds writes an instant: "0.412 s", with more digits where they matter.
func seconds(t event.Time) string {
	if t != 0 && t < event.Time(10*time.Millisecond) {
		return fmt.Sprintf("%.6f s", t.Seconds())
	}
	return fmt.Sprintf("%.3f s", t.Seconds())
}

// lasting writes a duration for people: "250 ms", "1.0 s", "19 s", "12 min", "5 days".
func lasting(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 10*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 10*time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d < 10*24*time.Hour:
		return fmt.Sprintf("%.0f h", d.Hours())
	}
	return fmt.Sprintf("%.0f days", d.Hours()/24)
}

// speedName writes a speed: "x1/4", "x1", "x16".
func speedName(halvings int) string {
	if halvings < 0 {
		return "x1/" + strconv.Itoa(1<<-halvings)
	}
	return "x" + strconv.Itoa(1<<halvings)
}

// nodeName returns the name of a node.
func (r *Run) nodeName(n trace.NodeID) string {
	if int(n) >= len(r.Trace.Nodes) {
		return "someone"
	}
	return r.Trace.Nodes[n].Name
}

// kindOfPacket names a packet in a word or two: "SYN,ACK", "PASV", "1460 octets".
func (r *Run) kindOfPacket(p *wire.Packet) string {
	if p.Protocol == wire.ICMP || p.Protocol == wire.ICMPv6 {
		return fmt.Sprintf("%s %d/%d", strings.ToUpper(p.Protocol.String()), p.ICMPType, p.ICMPCode)
	}
	if p.Protocol != wire.TCP {
		return p.Protocol.String()
	}
	if n := len(p.Payload); n > 0 {
		if r.laneOfSerial(p.Serial) == controlLane {
			return quoted(p.Payload)
		}
		return strconv.Itoa(n) + " octets"
	}
	return narrate.Flags(p.Flags)
}

func (r *Run) laneOfSerial(serial uint32) lane {
	if serial == 0 || int(serial) > len(r.lanes) {
		return otherLane
	}
	return r.lanes[serial-1]
}

// quoted returns the first word of a line of the control connection: `PASV`, `227`.
func quoted(payload []byte) string {
	const longest = 8
	for i, c := range payload {
		if c <= ' ' || c >= 0x7f || i == longest {
			return string(payload[:i])
		}
	}
	return string(payload)
}

// packetLabel is what moves along a link: "[SYN]", `[PSH "PASV"]`, "[1460 octets]".
func (r *Run) packetLabel(p *wire.Packet, tight bool) string {
	kind := r.kindOfPacket(p)
	if len(p.Payload) > 0 && p.Protocol == wire.TCP && r.laneOfSerial(p.Serial) == controlLane {
		kind = `"` + kind + `"`
		if !tight {
			kind = "PSH " + kind
		}
	} else if len(p.Payload) > 0 && p.Protocol == wire.TCP && p.Flags&wire.FIN != 0 {
		kind += ",FIN"
	}
	return "[" + kind + "]"
}

// masked hides what a PASS command says.
func (g *Glyphs) masked(line string) string {
	if len(line) > 5 && strings.EqualFold(line[:5], "PASS ") {
		return line[:5] + strings.Repeat(g.Hidden, 4)
	}
	return line
}

// plural returns "1 packet", "2 packets".
func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return strconv.Itoa(n) + " " + word + "s"
}
