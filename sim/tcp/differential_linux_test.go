package tcp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ftplab/sim/event"
	"ftplab/sim/wire"
)

// ending is how a conversation with the kernel ends.
type ending uint8

const (
	weCloseFirst ending = iota
	kernelClosesFirst
	bothClose   // each sends its FIN when it has written all
	weAbort     // with a RST, when all has arrived on both sides
	kernelReset // the same from the kernel
	endings
)

// conversation is what one of our connections and a program on the kernel say to each
// other, over which network, and how it ends. The same seed gives the same.
type conversation struct {
	seed       uint64
	six        int // an index of ourIPs and kernelIPs
	weDial     bool
	crossing   bool // both dial: a simultaneous open
	cfg        Config
	kernelRoom int // SO_RCVBUF; 0 is the kernel's choice
	kernelMSS  int // TCP_MAXSEG; 0 is the kernel's choice
	noDelay    bool
	ours       [][]byte // what we write, by write
	kernels    [][]byte
	pause      time.Duration // between what our application does
	end        ending

	loss, repetition, late float64 // probabilities
	delay, jitter          time.Duration
}

func newConversation(seed uint64) *conversation {
	r := rand.New(rand.NewPCG(seed, 5))
	pick := func(n ...int) int { return n[r.IntN(len(n))] }
	cfg := DefaultConfig()
	if r.IntN(2) == 0 {
		cfg = LiveConfig()
	}
	cfg.MSS = uint16(pick(1460, 1460, 536, 100))
	cfg.NoSACK, cfg.NoWindowScale, cfg.NoDelay = r.IntN(4) == 0, r.IntN(4) == 0, r.IntN(2) == 0
	cfg.Timestamps, cfg.RACK = r.IntN(2) == 0, r.IntN(2) == 0
	cfg.ReceiveBuffer = uint32(pick(64240, 6<<20, 5000, 1460, 300))
	cfg.MinRTO, cfg.TimeWait = 10*time.Millisecond, 5*time.Second
	c := &conversation{
		seed: seed, six: r.IntN(2), weDial: r.IntN(2) == 0, cfg: cfg,
		kernelRoom: pick(0, 0, 1000, 20000), kernelMSS: pick(0, 0, 536, 100), noDelay: r.IntN(2) == 0,
		pause: time.Duration(pick(0, 0, 200, 2000)) * time.Microsecond,
		end:   ending(r.IntN(int(endings))),
		loss:  float64(pick(0, 1, 5, 10)) / 100, repetition: float64(pick(0, 2, 10)) / 100, late: float64(pick(0, 2, 20)) / 100,
		delay: time.Duration(pick(0, 100, 3000)) * time.Microsecond, jitter: time.Duration(pick(300, 5000)) * time.Microsecond,
	}
	if r.IntN(8) == 0 {
		c.weDial, c.crossing = true, true
		c.cfg.NoWindowScale = false // Linux scales its window then although we cannot
		c.delay = 10 * time.Millisecond
	}
	mss := int(cfg.MSS)
	if c.kernelMSS > 0 {
		mss = min(mss, c.kernelMSS)
	}
	c.ours, c.kernels = drawWrites(r, pick, 50*mss), drawWrites(r, pick, 50*mss)
	return c
}

// drawWrites draws what a program writes, in large and small pieces, none longer than
// most; there is at least one octet.
func drawWrites(r *rand.Rand, pick func(...int) int, most int) [][]byte {
	var writes [][]byte
	for range r.IntN(12) {
		writes = append(writes, randomOctets(r.Uint64(), min(pick(1, 7, 100, 1460, 3000, 20000, 60000), most)))
	}
	return append(writes, randomOctets(r.Uint64(), 1))
}

// network is the fate of the conversation's segments. A RST always arrives: it is said
// only once.
func (c *conversation) network() func(bool, *wire.Packet) fate {
	r := rand.New(rand.NewPCG(c.seed, 6))
	return func(_ bool, p *wire.Packet) fate {
		if p.Flags&wire.RST != 0 {
			return fate{c.delay}
		}
		copies := 1
		if r.Float64() < c.loss {
			copies = 0
		} else if r.Float64() < c.repetition {
			copies = 2
		}
		var f fate
		for range copies {
			d := c.delay
			if r.Float64() < c.late {
				d += time.Duration(r.Int64N(int64(c.jitter)))
			}
			f = append(f, d)
		}
		return f
	}
}

// ourProgram is what our side of a conversation does.
type ourProgram struct {
	*conversation
	random   *rand.Rand
	written  int
	received []byte
	expected int // octets from the kernel
	nextAt   event.Time
}

func newOurProgram(c *conversation) *ourProgram {
	return &ourProgram{conversation: c, random: rand.New(rand.NewPCG(c.seed, 7)), expected: len(bytes.Join(c.kernels, nil))}
}

// step does one thing when its time has come, and returns when it comes again.
func (o *ourProgram) step(now event.Time, c *Conn) event.Time {
	if o.finished(c) {
		return event.Never
	}
	if now < o.nextAt {
		return o.nextAt
	}
	o.nextAt = now.Add(max(o.pause, 50*time.Microsecond))
	for range 1 + o.random.IntN(20) {
		data, ok := c.Read()
		if !ok {
			break
		}
		o.received = append(o.received, data...)
	}
	opening := c.State() == SynSent || c.State() == SynReceived
	if opening || c.State() == Closed {
		return o.nextAt
	}
	complete := len(o.received) == o.expected
	abrupt := o.end == weAbort || o.end == kernelReset
	if left := len(o.ours) - o.written; left > 1 || left == 1 && (complete || !abrupt) {
		// Before an abrupt end the last write says that we have got everything.
		if c.Room() > 0 {
			c.Write(now, o.ours[o.written], 0)
			o.written++
		}
		return o.nextAt
	} else if left > 0 {
		return o.nextAt
	}
	switch o.end {
	case weCloseFirst, bothClose:
		c.CloseWrite(now)
	case kernelClosesFirst:
		if c.EOF() {
			c.CloseWrite(now)
		}
	case weAbort:
		if complete && c.Flushed() {
			c.Abort(now)
		}
	}
	return o.nextAt
}

// finished reports whether our side has come to its end.
func (o *ourProgram) finished(c *Conn) bool {
	return c != nil && (c.State() == Closed || c.State() == TimeWait) && (c.EOF() || c.Err() != NoFailure || o.end == weAbort)
}

// kernelResult is what the kernel's program has seen.
type kernelResult struct {
	received []byte
	err      error
}

// kernelProgram is what the kernel's side of a conversation does with its socket.
func (c *conversation) kernelProgram(conn *net.TCPConn) kernelResult {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(conversationPatience))
	if err := conn.SetNoDelay(c.noDelay); err != nil {
		return kernelResult{err: err}
	}
	wrote := make(chan error, 1)
	go func() {
		for _, data := range c.kernels {
			if _, err := conn.Write(data); err != nil {
				wrote <- err
				return
			}
		}
		if c.end == kernelClosesFirst || c.end == bothClose {
			wrote <- conn.CloseWrite()
			return
		}
		wrote <- nil
	}()
	var r kernelResult
	if c.end == kernelReset {
		r.received = make([]byte, len(bytes.Join(c.ours, nil)))
		_, r.err = io.ReadFull(conn, r.received)
		r.err = errors.Join(r.err, <-wrote, conn.SetLinger(0)) // so that close sends a RST
		return r
	}
	r.received, r.err = io.ReadAll(conn)
	if err := <-wrote; r.err == nil {
		r.err = err
	}
	return r
}

// setSocket sets what must be set before a socket of the kernel is connected.
func (c *conversation) setSocket(_, _ string, socket syscall.RawConn) (err error) {
	controlErr := socket.Control(func(fd uintptr) {
		if c.kernelRoom > 0 {
			err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, c.kernelRoom)
		}
		if c.kernelMSS > 0 {
			err = errors.Join(err, unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, c.kernelMSS))
		}
	})
	return errors.Join(err, controlErr)
}

const conversationPatience = 60 * time.Second

// begin starts both programs of a conversation, on ports of their own.
func (c *conversation) begin(t *testing.T, k *kernelNet, number int) (*kernelPeer, *ourProgram, chan kernelResult) {
	ours := netip.AddrPortFrom(ourIPs[c.six], uint16(20000+number))
	kernels := netip.AddrPortFrom(kernelIPs[c.six], uint16(30000+number))
	program := newOurProgram(c)
	peer := &kernelPeer{addr: ours, cfg: c.cfg, fate: c.network(), step: program.step}
	k.add(peer)
	result := make(chan kernelResult, 1)
	talk := func(conn net.Conn, err error) {
		if err != nil {
			result <- kernelResult{err: err}
			return
		}
		result <- c.kernelProgram(conn.(*net.TCPConn))
	}
	switch {
	case c.weDial && !c.crossing:
		var listener net.Listener
		var err error
		k.do(func() {
			listener, err = (&net.ListenConfig{Control: c.setSocket}).Listen(t.Context(), "tcp", kernels.String())
		})
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			conn, err := listener.Accept()
			listener.Close()
			talk(conn, err)
		}()
	default:
		k.spawn(func() (net.Conn, error) {
			d := net.Dialer{Control: c.setSocket, LocalAddr: net.TCPAddrFromAddrPort(kernels)}
			return d.Dial("tcp", ours.String())
		}, talk)
	}
	dial := func(now event.Time) *Conn { return Dial(now, ours, kernels, uint32(c.seed)<<20-1000, c.cfg) }
	if c.crossing {
		peer.cross = dial
	} else if c.weDial {
		peer.c = dial(event.Time(time.Since(k.start)))
	}
	return peer, program, result
}

// check compares what both sides have got with what the other said, and how they end.
func (c *conversation) check(t *testing.T, peer *kernelPeer, o *ourProgram, kernel kernelResult) {
	if want := bytes.Join(c.kernels, nil); !bytes.Equal(o.received, want) {
		t.Errorf("we got %d octets of %d, or other ones", len(o.received), len(want))
	}
	if want := bytes.Join(c.ours, nil); !bytes.Equal(kernel.received, want) {
		t.Errorf("the kernel got %d octets of %d, or other ones", len(kernel.received), len(want))
	}
	wantErr, wantFailure := error(nil), NoFailure
	switch c.end {
	case weAbort:
		wantErr = syscall.ECONNRESET
	case kernelReset:
		wantFailure = Reset
	}
	if !errors.Is(kernel.err, wantErr) {
		t.Errorf("the kernel's program ends with %v, want %v", kernel.err, wantErr)
	}
	if got := peer.c.Err(); got != wantFailure {
		t.Errorf("our connection ends with %v, want %v", got, wantFailure)
	}
}

// TestKernelConversations lets our TCP talk with a real kernel's, many connections at a
// time, over networks that lose, repeat and reorder, with small windows and segments, and
// end in every way: each side must get exactly what the other wrote and see the end.
// FTPLAB_KERNEL_SEED=N holds conversation N alone.
func TestKernelConversations(t *testing.T) {
	needKernel(t)
	first, count := uint64(1), uint64(200)
	if text := os.Getenv("FTPLAB_KERNEL_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal("FTPLAB_KERNEL_SEED:", err)
		}
		first, count = seed, 1
	}
	if testing.Short() {
		count = min(count, 50)
	}
	k := newKernelNet(t, "10ms")
	k.checks = true
	type held struct {
		*conversation
		peer    *kernelPeer
		program *ourProgram
		result  chan kernelResult
		kernel  *kernelResult
	}
	var all []*held
	for seed := first; seed < first+count; seed++ {
		h := &held{conversation: newConversation(seed)}
		h.peer, h.program, h.result = h.begin(t, k, len(all))
		all = append(all, h)
	}
	var open []*held
	k.run(conversationPatience, func() bool {
		open = open[:0]
		for _, h := range all {
			select {
			case r := <-h.result:
				h.kernel = &r
			default:
			}
			if h.kernel == nil || !h.program.finished(h.peer.c) {
				open = append(open, h)
			}
		}
		return len(open) == 0
	})
	for _, h := range all {
		t.Run(fmt.Sprint(h.seed), func(t *testing.T) {
			h.check(t, h.peer, h.program, *h.kernel)
			if t.Failed() {
				t.Logf("%s\nour connection: %+v", strings.ReplaceAll(fmt.Sprintf("%+v", h.cfg), " ", "\n"), h.peer.c.Info())
			}
		})
	}
}
