package ftp

import (
	"net/netip"
	"testing"
)

// BenchmarkShortSession is a whole session of a client and a server without a
// network between them: login, PASV, LIST, QUIT.
func BenchmarkShortSession(b *testing.B) {
	server, client := labServerConfig(), labClientConfig()
	client.Op, client.Path = OpList, ""
	tree := labTree()
	b.ReportAllocs()
	for b.Loop() {
		direct(b, NewClient(&client), NewSession(&server, tree))
	}
}

// direct carries a passive session with nothing in between.
func direct(b *testing.B, c *Client, s *Session) {
	local, remote := netip.MustParseAddrPort("10.0.0.2:1026"), netip.MustParseAddrPort("192.168.10.1:21")
	data := netip.MustParseAddrPort("10.0.0.2:1027")
	c.Handle(0, Input{Kind: Start})
	for moved := true; moved; {
		moved = false
		for e, ok := c.Next(); ok; e, ok = c.Next() {
			moved = true
			switch e.Kind {
			case Dial:
				c.Handle(0, Input{Kind: ControlUp, Local: local})
				s.Handle(0, Input{Kind: Start, Addr: local, Local: remote})
			case Send:
				s.Handle(0, Input{Kind: ControlBytes, Bytes: e.Bytes})
			case DialData:
				c.Handle(0, Input{Kind: DataUp, Addr: e.Addr})
				s.Handle(0, Input{Kind: DataUp, Addr: data})
			}
		}
		for e, ok := s.Next(); ok; e, ok = s.Next() {
			moved = true
			switch e.Kind {
			case Send:
				c.Handle(0, Input{Kind: ControlBytes, Bytes: e.Bytes})
			case Listen:
				s.Handle(0, Input{Kind: ListenReady, Addr: e.Local})
			case SendData:
				c.Handle(0, Input{Kind: DataBytes, Bytes: e.Bytes})
			case FinishData:
				c.Handle(0, Input{Kind: DataEOF})
				s.Handle(0, Input{Kind: DataFlushed})
			}
		}
	}
	if r := c.Result(); !r.OK {
		b.Fatalf("%+v", r)
	}
}
