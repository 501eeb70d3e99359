// Package export writes a run in other programs' forms: pcapng for packet
// dissectors, ladders (text, Mermaid, SVG) for people and slides, and JSON lines for
// scripts.
package export

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"ftplab/sim/event"
	"ftplab/sim/report"
	"ftplab/sim/trace"
	"ftplab/sim/wire"
)

// CapturePoint is an interface of a node, by name.
type CapturePoint struct{ Node, Interface string }

// String returns the point as users write it: "switch:GigabitEthernet2/1/10".
func (c CapturePoint) String() string { return c.Node + ":" + c.Interface }

// ParseCapturePoint reads NODE:IF. The node's name ends at the first colon.
func ParseCapturePoint(s string) (CapturePoint, error) {
	node, name, ok := strings.Cut(s, ":")
	if !ok || node == "" || name == "" {
		return CapturePoint{}, fmt.Errorf("capture point %q is not of the form NODE:INTERFACE", s)
	}
	return CapturePoint{node, name}, nil
}

// WritePcapNG writes every packet of a run once, on the interface of the node that
// sent it first; a packet that a firewall rewrote is written again, on the firewall's
// interface. That keeps one time order in the file, which dissectors need to follow a
// connection.
//
// Times are nanoseconds since the start of the run, as if it had begun at the Unix
// epoch. Frames are raw IP. The reason for which a packet was dropped or lost is its
// comment; the nodes' names are in a name resolution block.
func WritePcapNG(w io.Writer, t *trace.Trace) error {
	c := newCapture(w, t)
	seen := make([]bool, t.Packets()+1)
	return c.write(nil, func(e *trace.Event) (frame, bool) {
		sent, ok := e.Body.(trace.Sent)
		if !ok || seen[sent.Packet.Serial] {
			return frame{}, false
		}
		seen[sent.Packet.Serial] = true
		point := nearEnd(t, sent.Link)
		return frame{packet: sent.Packet, point: point, direction: pcapgo.NgEpbFlagDirectionOutbound}, true
	})
}

// WritePcapNGAt writes what a capture on one interface would see: every packet that
// leaves or arrives there. It fails if there is no such interface, and says which
// there are.
func WritePcapNGAt(w io.Writer, t *trace.Trace, at CapturePoint) error {
	if err := checkPoint(t, at); err != nil {
		return err
	}
	c := newCapture(w, t)
	return c.write([]CapturePoint{at}, func(e *trace.Event) (frame, bool) {
		switch body := e.Body.(type) {
		case trace.Sent:
			return frame{body.Packet, at, pcapgo.NgEpbFlagDirectionOutbound}, nearEnd(t, body.Link) == at
		case trace.Arrived:
			return frame{body.Packet, at, pcapgo.NgEpbFlagDirectionInbound}, nearEnd(t, body.Link^1) == at
		}
		return frame{}, false
	})
}

// frame is a packet as it is written.
type frame struct {
	packet    wire.Packet
	point     CapturePoint
	direction pcapgo.NgEpbFlag
}

// nearEnd returns the interface at which packets on link leave their sender.
func nearEnd(t *trace.Trace, link trace.LinkID) CapturePoint {
	l := t.Links[link/2]
	node, i := l.A, l.AInterface
	if link%2 == 1 {
		node, i = l.B, l.BInterface
	}
	return CapturePoint{t.Nodes[node].Name, t.Nodes[node].Interfaces[i].Name}
}

func checkPoint(t *trace.Trace, at CapturePoint) error {
	var known []string
	for link := range t.Links {
		for direction := range 2 {
			point := nearEnd(t, trace.LinkID(2*link+direction))
			if point == at {
				return nil
			}
			known = append(known, point.String())
		}
	}
	return fmt.Errorf("there is no interface %s to capture on; there are %s", at, strings.Join(known, ", "))
}

// capture is a pcapng file that is being written.
type capture struct {
	t        *trace.Trace
	w        io.Writer
	comments map[uint32][]string // by packet
	points   map[CapturePoint]int
	buffer   []byte
}

func newCapture(w io.Writer, t *trace.Trace) *capture {
	return &capture{t: t, w: w, comments: packetComments(t), points: map[CapturePoint]int{}}
}

// packetComments says of each packet that did not arrive what became of it. The
// packet of a verdict may be a rewritten one that was never sent; the comment belongs
// to the one that arrived at the firewall.
func packetComments(t *trace.Trace) map[uint32][]string {
	comments := map[uint32][]string{}
	for id := trace.ID(1); int(id) <= t.Len(); id++ {
		switch t.Kind(id) {
		case trace.KindJudged:
			if !report.IsDrop(t.Event(id).Body.(trace.Judged).Decision.Action) {
				continue
			}
			of := id
			if cause := t.Cause(id); cause != 0 && t.Kind(cause) == trace.KindArrived {
				of = cause
			}
			drop := report.NewDrop(t, id)
			p, _ := t.PacketOf(of)
			comments[p.Serial] = append(comments[p.Serial], drop.String())
		case trace.KindLost:
			lost := t.Event(id).Body.(trace.Lost)
			comments[lost.Packet.Serial] = append(comments[lost.Packet.Serial], "lost: "+lost.Why.String())
		}
	}
	return comments
}

// write writes the file: its interfaces (those of all links, if points is nil), the
// names, then every event of which pick makes a frame.
func (c *capture) write(points []CapturePoint, pick func(*trace.Event) (frame, bool)) error {
	if points == nil {
		for link := range c.t.Links {
			points = append(points, nearEnd(c.t, trace.LinkID(2*link)), nearEnd(c.t, trace.LinkID(2*link+1)))
		}
	}
	if len(points) == 0 {
		return fmt.Errorf("there is no link to capture on")
	}
	options := pcapgo.NgWriterOptions{SectionInfo: pcapgo.NgSectionInfo{Application: "ftplab"}}
	file, err := pcapgo.NewNgWriterInterface(c.w, c.newInterface(points[0]), options)
	if err != nil {
		return err
	}
	for _, point := range points[1:] {
		if _, err := file.AddInterface(c.newInterface(point)); err != nil {
			return err
		}
	}
	// The names go through our own writer, between two flushes of the library's.
	if err := file.Flush(); err != nil {
		return err
	}
	if _, err := c.w.Write(nameResolutionBlock(c.t)); err != nil {
		return err
	}
	for id := trace.ID(1); int(id) <= c.t.Len(); id++ {
		if kind := c.t.Kind(id); kind != trace.KindSent && kind != trace.KindArrived {
			continue
		}
		e := c.t.Event(id)
		if f, ok := pick(&e); ok {
			if err := c.writeFrame(file, e.Time, &f); err != nil {
				return err
			}
		}
	}
	return file.Flush()
}

func (c *capture) newInterface(point CapturePoint) pcapgo.NgInterface {
	c.points[point] = len(c.points)
	return pcapgo.NgInterface{Name: point.String(), LinkType: layers.LinkType(wire.LinkRaw)}
}

func (c *capture) writeFrame(file *pcapgo.NgWriter, now event.Time, f *frame) error {
	c.buffer = f.packet.Append(c.buffer[:0])
	info := gopacket.CaptureInfo{
		Timestamp:     time.Unix(0, int64(now)),
		CaptureLength: len(c.buffer), Length: len(c.buffer),
		InterfaceIndex: c.points[f.point],
	}
	options := pcapgo.NgPacketOptions{Comments: c.comments[f.packet.Serial], Flags: &pcapgo.NgEpbFlags{Direction: f.direction}}
	return file.WritePacketWithOptions(info, c.buffer, options)
}
