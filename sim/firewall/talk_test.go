package firewall_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"ftplab/sim/wire"
)

// talk makes up random but plausible packets between a client's and a server's network
// and a third party: FTP sessions with their data connections, and everything that
// can go wrong with them. It is told what came out of the router, so that the peers
// answer to the addresses and numbers that they saw.
type talk struct {
	rng      *rand.Rand
	six      bool
	clientIn int // interfaces of the router
	serverIn int
	otherIn  int
	pieces   bool // fragments too: a kernel that tracks connections would join them
	flows    []*flow
	queue    []planned
	// data are the data connections that were announced, as the dialling side saw it.
	data []dial
	last []sentPacket
	now  planned
}

// flow is a TCP conversation; end 0 opened it.
type flow struct {
	ends    [2]endpoint
	control bool
}

// endpoint is what one end of a flow believes.
type endpoint struct {
	in        int // the router's interface on its side
	own, peer netip.AddrPort
	seq, ack  uint32
	window    uint16
}

type planned struct {
	flow    *flow
	end     int
	flags   wire.Flags
	payload string
	plain   bool // nothing shall be wrong with it
}

type dial struct {
	to         netip.AddrPort
	fromClient bool
}

type sentPacket struct {
	in     int
	packet wire.Packet
	out    *wire.Packet // nil if it did not come through
	outAt  int
}

var (
	client4, client6 = netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("2001:db8:a::2")
	server4, server6 = netip.MustParseAddr("192.168.10.1"), netip.MustParseAddr("2001:db8:d::1")
	third4, third6   = netip.MustParseAddr("198.51.100.66"), netip.MustParseAddr("2001:db8:e::66")
)

func newTalk(seed uint64, six bool, clientIn, serverIn int) *talk {
	return &talk{rng: rand.New(rand.NewPCG(seed, 0)), six: six, clientIn: clientIn, serverIn: serverIn, otherIn: 2}
}

func (t *talk) addresses() (client, server, third netip.Addr) {
	if t.six {
		return client6, server6, third6
	}
	return client4, server4, third4
}

// pick returns one of the choices.
func pick[T any](t *talk, choices ...T) T { return choices[t.rng.IntN(len(choices))] }

func (t *talk) chance(percent int) bool { return t.rng.IntN(100) < percent }

// next returns the next packet and the interface it comes in by.
func (t *talk) next() (in int, p wire.Packet) {
	if len(t.queue) == 0 && len(t.last) > 0 && t.chance(12) {
		return t.keep(t.noise())
	}
	for {
		for len(t.queue) == 0 {
			t.plan()
		}
		t.now, t.queue = t.queue[0], t.queue[1:]
		if !t.looped(t.now) {
			return t.keep(t.build(t.now))
		}
	}
}

// looped reports whether a packet would come from the router's own IPv6 address, on an
// end that never learned of its translation. The kernel takes it (in IPv4 it is a
// martian), and its answer goes through the loopback interface, which the device does
// not have.
func (t *talk) looped(n planned) bool {
	own := n.flow.ends[n.end].own.Addr()
	return own == netip.MustParseAddr("2001:db8:c::1") || own == routerAddress(true)
}

func (t *talk) keep(in int, p wire.Packet) (int, wire.Packet) {
	t.last = append(t.last, sentPacket{in: in, packet: p})
	return in, p
}

// observe tells what became of the last packet: how it came out of which interface,
// nil if it did not.
func (t *talk) observe(at int, out *wire.Packet) {
	last := &t.last[len(t.last)-1]
	last.out, last.outAt = out, at
	f := t.now.flow
	if f == nil || out == nil || out.Protocol != wire.TCP {
		return
	}
	receiver := &f.ends[1-t.now.end]
	if receiver.in == at {
		receiver.own, receiver.peer = out.DstEndpoint(), out.SrcEndpoint()
		if out.Flags&wire.SYN != 0 || out.Seq == receiver.ack {
			receiver.ack = out.Seq + out.SegmentLen()
		}
	}
	if f.control {
		t.overhear(string(out.Payload), out.SrcEndpoint().Addr(), t.now.end == 1)
	}
}

var (
	sixNumbers = regexp.MustCompile(`(\d+),(\d+),(\d+),(\d+),(\d+),(\d+)`)
	delimited  = regexp.MustCompile(`\|[12]?\|([0-9a-f.:]*)\|(\d+)\|`)
)

// overhear learns where a data connection will go from a line as its reader saw it.
func (t *talk) overhear(line string, sender netip.Addr, fromServer bool) {
	d := dial{fromClient: fromServer}
	if m := sixNumbers.FindStringSubmatch(line); m != nil {
		addr, err := netip.ParseAddr(strings.Join(m[1:5], "."))
		high, _ := strconv.Atoi(m[5])
		low, _ := strconv.Atoi(m[6])
		if err != nil || t.six {
			return
		}
		d.to = netip.AddrPortFrom(addr, uint16(high<<8+low))
	} else if m := delimited.FindStringSubmatch(line); m != nil {
		addr, err := netip.ParseAddr(m[1])
		if err != nil {
			addr = sender
		}
		port, _ := strconv.Atoi(m[2])
		if addr.Is6() != t.six {
			return
		}
		d.to = netip.AddrPortFrom(addr, uint16(port))
	} else {
		return
	}
	t.data = append(t.data, d)
}

// plan puts something to do into the queue.
func (t *talk) plan() {
	switch n := t.rng.IntN(100); {
	case len(t.flows) == 0 || n < 6 && len(t.flows) < 6:
		t.openControl()
	case n < 30:
		t.line(0, t.command())
	case n < 50:
		t.line(1, t.reply())
	case n < 68:
		t.openData()
	case n < 74:
		t.close(pick(t, t.flows...))
	case n < 82:
		f := pick(t, t.flows...)
		t.queue = append(t.queue, planned{flow: f, end: t.rng.IntN(2), flags: wire.ACK | wire.PSH, payload: strings.Repeat("x", t.rng.IntN(30))})
	case n < 88:
		f := pick(t, t.flows...)
		t.queue = append(t.queue, planned{flow: f, end: t.rng.IntN(2), flags: t.strangeFlags()})
	default:
		f := pick(t, t.flows...)
		t.queue = append(t.queue, planned{flow: f, end: t.rng.IntN(2), flags: wire.ACK})
	}
}

func (t *talk) strangeFlags() wire.Flags {
	if t.chance(30) {
		return wire.Flags(t.rng.IntN(64))
	}
	return pick(t, wire.SYN, wire.SYN|wire.ACK, wire.FIN|wire.ACK, wire.RST, wire.RST|wire.ACK, wire.ACK, 0, wire.FIN, wire.SYN|wire.FIN)
}

func (t *talk) newFlow(client, server netip.AddrPort, clientOpens, control bool) *flow {
	window := func() uint16 { return pick(t, uint16(65535), 65535, 65535, 512, 100) }
	a := endpoint{in: t.clientIn, own: client, peer: server, seq: t.rng.Uint32(), window: window()}
	b := endpoint{in: t.serverIn, own: server, peer: client, seq: t.rng.Uint32(), window: window()}
	f := &flow{ends: [2]endpoint{a, b}, control: control}
	if !clientOpens {
		f.ends = [2]endpoint{b, a}
	}
	t.flows = append(t.flows, f)
	return f
}

func (t *talk) handshake(f *flow) {
	t.queue = append(t.queue,
		planned{flow: f, flags: wire.SYN, plain: true},
		planned{flow: f, end: 1, flags: wire.SYN | wire.ACK, plain: true},
		planned{flow: f, flags: wire.ACK, plain: true})
}

func (t *talk) openControl() {
	client, server, third := t.addresses()
	if t.chance(15) {
		client = client.Next()
	}
	target := server
	if t.chance(8) {
		target = pick(t, third, server.Next(), routerAddress(t.six))
	}
	f := t.newFlow(netip.AddrPortFrom(client, pick(t, uint16(1026), 1026, 3026, 1027)),
		netip.AddrPortFrom(target, pick(t, uint16(21), 21, 21, 21, 2121, 2025)), true, true)
	if t.chance(90) {
		t.handshake(f)
	}
	if t.chance(80) {
		t.queue = append(t.queue,
			planned{flow: f, end: 1, flags: wire.ACK | wire.PSH, payload: "220 hi\r\n", plain: true},
			planned{flow: f, flags: wire.ACK | wire.PSH, payload: "USER a\r\n", plain: true},
			planned{flow: f, end: 1, flags: wire.ACK | wire.PSH, payload: "331 pw\r\n", plain: true})
	}
}

// routerAddress is the address by which clients know the router in front of a server.
func routerAddress(six bool) netip.Addr {
	if six {
		return netip.MustParseAddr("2001:db8:c::2")
	}
	return netip.MustParseAddr("203.0.113.2")
}

// line sends a line on one of the control connections, now and then in two parts.
func (t *talk) line(end int, text string) {
	var controls []*flow
	for _, f := range t.flows {
		if f.control {
			controls = append(controls, f)
		}
	}
	f := pick(t, controls...)
	if len(text) > 2 && t.chance(6) {
		at := 1 + t.rng.IntN(len(text)-1)
		t.queue = append(t.queue, planned{flow: f, end: end, flags: wire.ACK | wire.PSH, payload: text[:at]})
		text = text[at:]
	}
	t.queue = append(t.queue, planned{flow: f, end: end, flags: wire.ACK | wire.PSH, payload: text})
	if t.chance(30) {
		t.queue = append(t.queue, planned{flow: f, end: 1 - end, flags: wire.ACK})
	}
}

func commas(a netip.Addr, port int) string {
	if a.Is6() {
		return fmt.Sprintf("32,1,13,184,%d,%d", port>>8, port&255)
	}
	return strings.ReplaceAll(a.String(), ".", ",") + fmt.Sprintf(",%d,%d", port>>8, port&255)
}

func (t *talk) command() string {
	client, _, third := t.addresses()
	port := pick(t, 1027, 1027, 1028, 1000, 40000, 0)
	family := "1"
	if t.six {
		family = "2"
	}
	switch t.rng.IntN(16) {
	case 0, 1, 2, 3:
		return "PORT " + commas(client, port) + "\r\n"
	case 4, 5, 6:
		return fmt.Sprintf("EPRT |%s|%s|%d|\r\n", family, client, port)
	case 7:
		return "port " + commas(pick(t, client, third), port) + "\r\nNOOP\r\n"
	case 8:
		return pick(t, "PORT 256,0,0,2,4,3\r\n", "PORT 10,0,0,2,4\r\n", "PORT 010,000,000,002,004,003\r\n", "PORT 266,0,0,2,4,3\r\n", "PORT 10,0,0,2,4,3\n", "PORT  10,0,0,2,4,3\r\n", "EPRT |1|10.0.0.2|66563|\r\n")
	case 9:
		return fmt.Sprintf("EPRT %s%s%s%s%s%d%s\r\n", "!", family, "!", client, "!", port, "!")
	case 10:
		return pick(t, "P", "PO", "PORT", "E", "ABC", "\r\n", "PASV")
	}
	return pick(t, "PASV\r\n", "EPSV\r\n", "NOOP\r\n", "LIST\r\n", "RETR f\r\n", "QUIT\r\n")
}

func (t *talk) reply() string {
	_, server, third := t.addresses()
	port := pick(t, 2024, 2024, 2025, 22, 40005, 0)
	switch t.rng.IntN(14) {
	case 0, 1, 2, 3:
		return "227 Entering Passive Mode (" + commas(server, port) + ").\r\n"
	case 4, 5, 6:
		return fmt.Sprintf("229 Entering Extended Passive Mode (|||%d|)\r\n", port)
	case 7:
		return "227 ok " + commas(pick(t, server, third, routerAddress(t.six)), port) + "\r\n"
	case 8:
		return pick(t, "227 Entering Passive Mode (192,168,10", "227 sorry\r\n", "229 (|||2024)\r\n", "227 Mode 2 (192,168,10,1,7,232)\r\n", "227 =192,168,10,1,7,232 x\r\n", "229 x (!!!2024!)\r\n")
	case 9:
		return pick(t, "2", "22", "227 ", "229", "5", "xyz")
	}
	return pick(t, "200 ok\r\n", "150 x\r\n", "226 done\r\n", "425 no\r\n", "200 ok\r\n227 Entering (192,168,10,1,7,232)\r\n")
}

// openData opens a data connection where one was announced, or where none was.
func (t *talk) openData() {
	client, server, third := t.addresses()
	d := dial{to: netip.AddrPortFrom(server, pick(t, uint16(2024), 2025, 20, 22)), fromClient: true}
	if t.chance(50) {
		d = dial{to: netip.AddrPortFrom(client, pick(t, uint16(1027), 1028, 1000, 6000))}
	}
	if len(t.data) > 0 && t.chance(80) {
		d = t.data[len(t.data)-1]
		if t.chance(20) {
			d = pick(t, t.data...)
		}
	}
	if t.chance(5) {
		client, server = pick(t, client, third), pick(t, server, third)
	}
	var f *flow
	if d.fromClient {
		f = t.newFlow(netip.AddrPortFrom(client, pick(t, uint16(1027), 1030, 40000)), d.to, true, false)
	} else {
		f = t.newFlow(d.to, netip.AddrPortFrom(server, pick(t, uint16(20), 20, 20, 5555)), false, false)
	}
	if t.chance(70) {
		t.handshake(f)
		return
	}
	first := pick(t, wire.SYN, wire.SYN, wire.ACK, wire.SYN|wire.ACK, wire.RST, wire.RST|wire.ACK, wire.FIN|wire.ACK)
	t.queue = append(t.queue, planned{flow: f, flags: first}, planned{flow: f, flags: wire.SYN, plain: true})
}

func (t *talk) close(f *flow) {
	end := t.rng.IntN(2)
	if t.chance(40) {
		t.queue = append(t.queue, planned{flow: f, end: end, flags: pick(t, wire.RST, wire.RST|wire.ACK)})
		return
	}
	steps := []planned{
		{flow: f, end: end, flags: wire.FIN | wire.ACK}, {flow: f, end: 1 - end, flags: wire.ACK},
		{flow: f, end: 1 - end, flags: wire.FIN | wire.ACK}, {flow: f, end: end, flags: wire.ACK},
	}
	t.queue = append(t.queue, steps[:1+t.rng.IntN(4)]...)
	if t.chance(40) {
		t.queue = append(t.queue, planned{flow: f, flags: wire.SYN})
		f.ends[0].seq += uint32(t.rng.IntN(200000))
		t.handshake(f)
	}
}

// build makes the packet of a plan, sometimes with a fault.
func (t *talk) build(n planned) (int, wire.Packet) {
	e := &n.flow.ends[n.end]
	p := wire.Packet{
		Src: e.own.Addr(), Dst: e.peer.Addr(), SrcPort: e.own.Port(), DstPort: e.peer.Port(),
		Seq: e.seq, Window: e.window, Flags: n.flags, Protocol: wire.TCP, TTL: 64, ID: uint16(1 + t.rng.IntN(65535)),
		Payload: []byte(n.payload),
	}
	if n.flags&wire.ACK != 0 {
		p.Ack = e.ack
	}
	if n.flags&wire.SYN != 0 && t.chance(60) {
		p.Options = wire.Options{MSS: 1460, SACKPermitted: t.chance(70), HasScale: t.chance(60), WindowScale: uint8(t.rng.IntN(15))}
		if !p.Options.HasScale {
			p.Options.WindowScale = 0
		}
	}
	if !n.plain && t.chance(25) || t.chance(2) {
		if t.fault(&p) {
			return e.in, p
		}
	}
	e.seq += p.SegmentLen()
	return e.in, p
}

// fault damages a packet. It reports whether the sender does not count it as sent.
func (t *talk) fault(p *wire.Packet) bool {
	switch t.rng.IntN(9) {
	case 0:
		p.Seq += uint32(pick(t, -1, -6, 5, 1000, -1000, 65535, 70000, 140000, -70000, 1<<30))
		return true
	case 1:
		p.Ack += uint32(pick(t, 1, 5, 5000, -5000, 100000, -100000))
	case 2:
		p.Window = pick(t, uint16(0), 1, 10, 1000, 65535)
	case 3:
		p.Options.NumBlocks = uint8(1 + t.rng.IntN(3))
		p.Options.MSS, p.Options.HasScale, p.Options.SACKPermitted, p.Options.WindowScale = 0, false, false, 0
		for i := range p.Options.NumBlocks {
			left := p.Ack + uint32(t.rng.IntN(3000)) - 200
			p.Options.Blocks[i] = wire.SACKBlock{Left: left, Right: left + uint32(t.rng.IntN(1500))}
		}
	case 4:
		p.BadChecksum = t.chance(50)
		return p.BadChecksum
	case 5:
		p.TTL = pick(t, uint8(1), 5, 9, 30)
	case 6:
		p.Flags ^= pick(t, wire.PSH, wire.URG, wire.RST, wire.FIN, wire.ACK)
	case 7:
		p.TOS = pick(t, uint8(0x10), 0x08, 0xb8)
	case 8:
		p.Seq -= uint32(t.rng.IntN(40))
		return true
	}
	return false
}
