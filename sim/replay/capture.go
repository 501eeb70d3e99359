package replay

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"ftplab/sim/event"
	"ftplab/sim/wire"
)

// Frame is one captured frame.
type Frame struct {
	Number    int        // from 1
	At        event.Time // since the first frame of the capture; never runs backwards
	Interface string     // name in a pcapng file, "" if it has none
	Packet    wire.Packet
	// Err says why the frame is not a packet that can be judged: no IP, cut short.
	Err error
}

// capture reads frames one after the other.
type capture struct {
	next   func() (data []byte, info gopacket.CaptureInfo, err error)
	link   func(info gopacket.CaptureInfo) layers.LinkType
	name   func(info gopacket.CaptureInfo) string
	number int
	first  int64 // nanoseconds since 1970
	last   event.Time
}

// openCapture recognises pcap and pcapng by their first octets.
func openCapture(r io.Reader) (*capture, error) {
	buffered := bufio.NewReaderSize(r, 1<<16)
	magic, err := buffered.Peek(4)
	if err != nil {
		return nil, errors.New("not a capture: it has fewer than 4 octets")
	}
	if bytes.Equal(magic, []byte{0x0a, 0x0d, 0x0d, 0x0a}) {
		return openPcapng(buffered)
	}
	switch binary.LittleEndian.Uint32(magic) {
	case 0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1:
		return openPcap(buffered)
	}
	return nil, fmt.Errorf("not a capture: it begins with % x, neither pcap nor pcapng", magic)
}

func openPcap(r io.Reader) (*capture, error) {
	reader, err := pcapgo.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("pcap header: %w", err)
	}
	return &capture{
		next: reader.ReadPacketData,
		link: func(gopacket.CaptureInfo) layers.LinkType { return reader.LinkType() },
		name: func(gopacket.CaptureInfo) string { return "" },
	}, nil
}

func openPcapng(r io.Reader) (*capture, error) {
	options := pcapgo.DefaultNgReaderOptions
	options.WantMixedLinkType = true
	reader, err := pcapgo.NewNgReader(r, options)
	if err != nil {
		return nil, fmt.Errorf("pcapng header: %w", err)
	}
	return &capture{
		next: reader.ReadPacketData,
		link: func(info gopacket.CaptureInfo) layers.LinkType {
			if i, err := reader.Interface(info.InterfaceIndex); err == nil {
				return i.LinkType
			}
			return reader.LinkType()
		},
		name: func(info gopacket.CaptureInfo) string {
			i, err := reader.Interface(info.InterfaceIndex)
			if err != nil {
				return ""
			}
			return i.Name
		},
	}, nil
}

// read returns the next frame; io.EOF after the last. A frame that is not IP or is cut
// short has Err set; another error means that the file itself is broken from here on.
func (c *capture) read() (Frame, error) {
	data, info, err := c.safeNext()
	if err != nil {
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return Frame{}, io.EOF
		}
		return Frame{}, fmt.Errorf("after frame %d: %w", c.number, err)
	}
	c.number++
	now := info.Timestamp.UnixNano()
	if c.number == 1 {
		c.first = now
	}
	c.last = max(c.last, event.Time(now-c.first))
	f := Frame{Number: c.number, At: c.last, Interface: c.name(info)}
	datagram, err := wire.Datagram(wire.LinkType(c.link(info)), data)
	if err != nil {
		f.Err = err
		return f, nil
	}
	f.Packet, f.Err = wire.Parse(bytes.Clone(datagram))
	return f, nil
}

// safeNext turns a panic of the capture library on a broken file into an error.
func (c *capture) safeNext() (data []byte, info gopacket.CaptureInfo, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the capture is broken: %v", r)
		}
	}()
	return c.next()
}
