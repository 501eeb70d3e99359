package tcp

import (
	"fmt"
	"strings"
	"time"

	"ftplab/sim/event"
	"ftplab/sim/wire"
)

// failer is the part of testing.TB that a property has too.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// side is one of the two hosts of a testNet.
type side int

const (
	client side = iota
	server
)

// logged is a segment as it left, and whether the network dropped it.
type logged struct {
	at      event.Time
	from    side
	p       wire.Packet
	sending Sending
	dropped bool
}

// fate is what the network does to a segment: it arrives once after each of the
// delays; an empty list drops it.
type fate []time.Duration

// testNet carries segments between two Conns, deterministically. The server's listener
// answers a SYN when it has no live connection; each side reads at once into got
// unless it is told not to.
type testNet struct {
	t       failer
	now     event.Time
	queue   event.Queue
	flying  []wire.Packet // by index of the queue's items
	conn    [2]*Conn
	cfg     [2]Config
	iss     uint32
	refuses bool // the server has no listener
	// fate decides what happens to the n-th segment (from 0) that this side sends;
	// nil is delivery after delay.
	fate func(from side, n int, p *wire.Packet) fate
	// split says after how many octets of its payload the network cuts a segment in
	// two, 0 if it does not; nil is never.
	split  func(p *wire.Packet) int
	delay  time.Duration
	sent   [2]int
	log    []logged
	got    [2][]byte
	unread [2]bool // this side does not read now
	clones bool    // a connection is replaced by its clone before each call of Emit
	calls  []func()
	// watched, if not nil, follow each side from its segments alone.
	watched *[2]watched
}

const (
	itemArrival = iota
	itemTimer
	itemCall
)

func newTestNet(t failer, delay time.Duration) *testNet {
	n := &testNet{t: t, delay: delay, iss: 1000, cfg: [2]Config{DefaultConfig(), DefaultConfig()}}
	return n
}

// dial lets the client begin a connection.
func (n *testNet) dial() {
	n.conn[client] = Dial(n.now, clientAddr, serverAddr, n.iss, n.cfg[client])
	n.settle(client)
}

// settle lets a side read and send, and sets its timer.
func (n *testNet) settle(s side) {
	n.emit(s)
	for !n.unread[s] {
		data, ok := n.conn[s].Read()
		if !ok {
			break
		}
		n.got[s] = append(n.got[s], data...)
	}
	n.emit(s)
	c := n.conn[s]
	if due := c.Deadline(); due != event.Never {
		n.queue.Push(due, itemTimer, uint64(s))
	}
	checkInvariants(n.t, c)
}

func (n *testNet) emit(s side) {
	for range 100_000 {
		if n.clones {
			n.conn[s] = n.conn[s].Clone()
		}
		var p wire.Packet
		sending, ok := n.conn[s].Emit(n.now, &p)
		if !ok {
			return
		}
		n.send(s, p, sending)
	}
	n.t.Fatalf("Emit does not end in %v", n.conn[s].State())
}

func (n *testNet) send(s side, p wire.Packet, sending Sending) {
	if n.watched != nil {
		n.watched[s].sent(&p)
	}
	if n.split != nil {
		if at := n.split(&p); at > 0 {
			first, second := cut(p, at)
			n.carry(s, first, sending)
			p = second
		}
	}
	n.carry(s, p, sending)
}

// cut returns the two halves of a segment.
func cut(p wire.Packet, at int) (first, second wire.Packet) {
	first, second = p, p
	first.Payload, second.Payload = p.Payload[:at], p.Payload[at:]
	first.Flags &^= wire.FIN | wire.PSH
	second.Seq += uint32(at)
	second.BlobOffset += uint32(at)
	return first, second
}

func (n *testNet) carry(s side, p wire.Packet, sending Sending) {
	delays := fate{n.delay}
	if n.fate != nil {
		delays = n.fate(s, n.sent[s], &p)
	}
	n.sent[s]++
	n.log = append(n.log, logged{at: n.now, from: s, p: p, sending: sending, dropped: len(delays) == 0})
	for _, d := range delays {
		n.flying = append(n.flying, p)
		n.queue.Push(n.now.Add(d), itemArrival, uint64(len(n.flying)-1)<<1|uint64(1-s))
	}
}

// later does something when some time has passed.
func (n *testNet) later(after time.Duration, f func()) {
	n.calls = append(n.calls, f)
	n.queue.Push(n.now.Add(after), itemCall, uint64(len(n.calls)-1))
}

// run lets the network run until nothing is left to happen, or until time d.
func (n *testNet) run(until time.Duration) {
	for n.queue.Len() > 0 && n.queue.NextAt() <= event.Time(until) {
		item := n.queue.Pop()
		n.now = item.At
		switch item.Kind {
		case itemArrival:
			n.arrive(side(item.Index&1), &n.flying[item.Index>>1])
		case itemTimer:
			if c := n.conn[item.Index]; c.Deadline() <= n.now {
				c.Tick(n.now)
				n.settle(side(item.Index))
			}
		case itemCall:
			n.calls[item.Index]()
		}
	}
	n.now = max(n.now, event.Time(until))
}

func (n *testNet) arrive(to side, p *wire.Packet) {
	c := n.conn[to]
	if n.watched != nil {
		n.watched[to].received(p)
	}
	isSYN := p.Flags&(wire.SYN|wire.ACK|wire.RST) == wire.SYN
	if to == server && isSYN && !n.refuses && (c == nil || c.Dead()) {
		n.conn[server] = Accept(n.now, p, 5000, n.cfg[server])
		n.settle(server)
		return
	}
	if c == nil || c.State() == Closed {
		if r, ok := ResetFor(p); ok {
			n.send(to, r, ResetSegment)
		}
		return
	}
	c.Receive(n.now, p)
	n.settle(to)
}

// do calls f on a side's connection and lets it send.
func (n *testNet) do(s side, f func(c *Conn)) {
	f(n.conn[s])
	n.settle(s)
}

func (n *testNet) write(s side, text string) {
	n.do(s, func(c *Conn) { c.Write(n.now, []byte(text), 1) })
}

// establish dials and runs until both ends are ESTABLISHED.
func (n *testNet) establish() {
	n.t.Helper()
	n.dial()
	n.run(n.now.Sub(0) + 10*n.delay)
	for s, c := range n.conn {
		if c == nil || c.State() != Established {
			n.t.Fatalf("side %d is not ESTABLISHED after the handshake:\n%s", s, n.transcript(0))
		}
	}
}

// transcript prints the log from the i-th segment on, with sequence numbers relative to
// the initial ones.
func (n *testNet) transcript(from int) string {
	var b strings.Builder
	for _, l := range n.log[from:] {
		iss, peer := n.iss, uint32(5000)
		arrow := ">"
		if l.from == server {
			iss, peer = peer, iss
			arrow = "<"
		}
		fmt.Fprintf(&b, "%.3f %s %s", l.at.Seconds(), arrow, l.p.Flags)
		fmt.Fprintf(&b, " seq %d", int32(l.p.Seq-iss))
		if l.p.Flags&wire.ACK != 0 {
			fmt.Fprintf(&b, " ack %d", int32(l.p.Ack-peer))
		}
		fmt.Fprintf(&b, " len %d", len(l.p.Payload))
		for _, block := range l.p.Options.Blocks[:l.p.Options.NumBlocks] {
			fmt.Fprintf(&b, " sack %d-%d", block.Left-peer, block.Right-peer)
		}
		fmt.Fprintf(&b, " %s", l.sending)
		if l.dropped {
			b.WriteString(" DROPPED")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// ending prints the end of the log.
func (n *testNet) ending() string { return n.transcript(max(0, len(n.log)-40)) }

// sentBy returns what a side sent from the i-th entry of the log on.
func (n *testNet) sentBy(s side, from int) []logged {
	var out []logged
	for _, l := range n.log[from:] {
		if l.from == s {
			out = append(out, l)
		}
	}
	return out
}

// checkInvariants checks what must hold whatever the network does.
func checkInvariants(t failer, c *Conn) {
	t.Helper()
	var sacked, lost, retransmitted int
	next := c.snd.una
	for i := range c.segments.n {
		s := c.segments.at(i)
		if s.seq != next {
			t.Fatalf("segment %d begins at %d, the one before it ended at %d", i, s.seq, next)
		}
		next = s.end()
		if s.length() == 0 {
			t.Fatalf("segment %d is empty", i)
		}
		if s.sacked && s.lost || s.retransmitted && !s.lost {
			t.Fatalf("segment %d has flags that exclude each other: %+v", i, *s)
		}
		if !s.sacked && !s.lost && c.sackOK && seqBefore(s.seq, c.board.marked) {
			t.Fatalf("segment %d lies below the mark %d and is not lost", i, c.board.marked)
		}
		if s.lost && !s.retransmitted && i < c.board.hint {
			t.Fatalf("segment %d is to be retransmitted and lies before the hint %d", i, c.board.hint)
		}
		sacked += count(s.sacked)
		lost += count(s.lost)
		retransmitted += count(s.retransmitted)
	}
	if c.segments.n > 0 && next != c.snd.nxt {
		t.Fatalf("the queue ends at %d, SND.NXT is %d", next, c.snd.nxt)
	}
	b := &c.board
	if lost != b.lost || retransmitted != b.retransmitted || c.sackOK && sacked != b.sacked {
		t.Fatalf("scoreboard %+v, counted sacked %d lost %d retransmitted %d", *b, sacked, lost, retransmitted)
	}
	if f := c.inFlight(); f < 0 || f > c.segments.n {
		t.Fatalf("%d segments in flight of %d", f, c.segments.n)
	}
	if c.segments.n > 0 && c.timer.retransmitKind != timerData {
		t.Fatalf("%d segments are outstanding and the retransmission timer is %d", c.segments.n, c.timer.retransmitKind)
	}
	waits := c.snd.unsent > 0 || c.closeQueued && !c.finSent
	if established := c.state >= Established && c.state != TimeWait; waits && established && c.Deadline() == event.Never {
		t.Fatalf("%d octets wait in %v and no timer is set", c.snd.unsent, c.state)
	}
	if c.usesRACK() {
		if c.board.mode == sending && c.board.lost > 0 {
			t.Fatalf("%d segments are lost and nothing is done about it", c.board.lost)
		}
		checkResent(t, c)
	}
	if c.bbr != nil {
		checkModel(t, c)
	}
	var unread uint32
	for i := range c.inbox.ready.n {
		unread += uint32(len(*c.inbox.ready.at(i)))
	}
	if unread != c.inbox.unread {
		t.Fatalf("%d octets are unread, counted %d", unread, c.inbox.unread)
	}
	for i, e := range c.inbox.early {
		if !seqAfter(e.endWithFIN(), c.rcv.nxt) || i > 0 && seqBefore(e.seq, c.inbox.early[i-1].end()) {
			t.Fatalf("the queue of early pieces is not in order: %+v", c.inbox.early)
		}
	}
}

// checkResent checks that RACK waits for each retransmission that is on its way: it would
// not notice the loss of one that it has forgotten.
func checkResent(t failer, c *Conn) {
	t.Helper()
	known := map[resent]bool{}
	last := resent{at: -1}
	for i := range c.rack.resent.n {
		r := *c.rack.resent.at(i)
		if r.at < last.at {
			t.Fatalf("the retransmissions are not in order: %v after %v", r, last)
		}
		known[r], last = true, r
	}
	for i := range c.segments.n {
		s := c.segments.at(i)
		if s.retransmitted && !known[resent{s.sentAt, s.end()}] {
			t.Fatalf("the retransmission of segment %d at %v is forgotten", i, s.sentAt)
		}
	}
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}
