// Package ftpnet carries the FTP machines of package ftp over real sockets: the
// server that curl logs in to and the client of `ftplab get` run the very engine of
// the lessons.
//
// Each session has one goroutine that owns its machine: the carrier. Readers, writers
// and dialers of the session's connections are goroutines of their own that tell the
// carrier what happened and wait when it is busy; they never touch the machine.
package ftpnet

import (
	"crypto/tls"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"ftplab/sim/event"
	"ftplab/sim/ftp"
)

// carrier does for one machine what it asks for, and tells it what happened.
type carrier struct {
	machine ftp.Machine
	tls     func(net.Conn) *tls.Conn // as the server or the client that this end is
	log     *slog.Logger
	epoch   time.Time                // of the machine's time
	note    func(ftp.Effect)         // what the machine notes, in the carrier's goroutine
	dial    func() (net.Conn, error) // the client's control connection
	moved   func(octets int)         // over the data connection; nil is not counted
	// dataPort, if set, is the local port of active data connections where the machine
	// says 20: port L-1 beside a control port L that is not 21.
	dataPort *uint16

	// background counts what may outlive the session for a moment: connections that
	// wait for the peer's last FIN.
	background *sync.WaitGroup

	events  chan happened // unbuffered: who tells waits until the carrier listens
	ended   chan struct{} // closed when the carrier listens no more
	stop    chan struct{} // closed to let the session end in order
	kill    chan struct{} // closed to end it now
	orderly sync.Once     // closes stop
	forced  sync.Once     // closes kill
	workers sync.WaitGroup

	control  *control
	listener *dataListener
	data     *dataConn
	dialing  *dialing
	pending  []ftp.Input // to be told before anything else
	done     bool
}

// happened is an input for the machine and what it is about: what comes from a
// connection that the machine has given up is not told.
type happened struct {
	in       ftp.Input
	control  bool // the reader of the control connection reports
	data     *dataConn
	listener *dataListener
	dialing  *dialing
	conn     net.Conn // that was accepted, dialed or put under TLS
}

func newCarrier(machine ftp.Machine, log *slog.Logger, epoch time.Time, background *sync.WaitGroup) *carrier {
	return &carrier{
		machine:    machine,
		log:        log,
		epoch:      epoch,
		note:       func(ftp.Effect) {},
		background: background,
		events:     make(chan happened),
		ended:      make(chan struct{}),
		stop:       make(chan struct{}),
		kill:       make(chan struct{}),
	}
}

func (c *carrier) now() event.Time { return event.Time(time.Since(c.epoch)) }

// tell passes an event to the carrier and waits until it takes it; false means that
// the carrier has ended.
func (c *carrier) tell(h happened) bool {
	select {
	case c.events <- h:
		return true
	case <-c.ended:
		return false
	}
}

// run carries the machine until it is done. Start is its first input.
func (c *carrier) run(start ftp.Input) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	stop, kill := c.stop, c.kill
	c.handle(start)
	for !c.done {
		timer.Reset(c.untilDeadline())
		select {
		case h := <-c.events:
			c.take(h)
		case <-timer.C:
			if c.machine.Deadline() <= c.now() {
				c.handle(ftp.Input{Kind: ftp.Timer})
			}
		case <-stop:
			stop = nil
			c.handle(ftp.Input{Kind: ftp.Stop})
		case <-kill:
			kill = nil
			c.cut()
		}
	}
	c.finish()
}

// untilDeadline is how long the carrier may sleep.
func (c *carrier) untilDeadline() time.Duration {
	const longest = time.Hour
	deadline := c.machine.Deadline()
	if deadline == event.Never {
		return longest
	}
	return min(longest, max(0, deadline.Sub(c.now())))
}

// cut ends the session without waiting for anybody.
func (c *carrier) cut() {
	if c.control != nil {
		c.control.abort()
	}
	c.dropData((*dataConn).abort)
	c.handle(ftp.Input{Kind: ftp.ControlLost, Err: ftp.OtherFailure})
	c.done = true
}

// handle tells the machine one thing, does what it asks for, and then what that led to.
func (c *carrier) handle(in ftp.Input) {
	c.pending = append(c.pending, in)
	for len(c.pending) > 0 {
		next := c.pending[0]
		c.pending = c.pending[1:]
		c.machine.Handle(c.now(), next)
		for {
			effect, ok := c.machine.Next()
			if !ok {
				break
			}
			c.perform(effect)
		}
	}
}

// take passes on what a connection told, unless the machine has given it up.
func (c *carrier) take(h happened) {
	switch {
	case h.listener != nil:
		c.accepted(h)
		return
	case h.dialing != nil:
		c.dialed(h)
		return
	case h.data != nil && h.data != c.data:
		return
	}
	if h.in.Kind == ftp.ControlUp {
		c.control = newControl(c, h.conn)
	}
	if h.in.Kind == ftp.DataBytes {
		c.count(h.in.Bytes)
	}
	if h.in.Kind == ftp.DataLost {
		c.dropData((*dataConn).abort)
	}
	if h.data != nil && h.conn != nil {
		h.data.conn = h.conn
	}
	if h.control {
		c.control.reported(h)
	}
	if h.in.Kind != ftp.Timer { // an interrupted read
		c.handle(h.in)
	}
	if h.control && h.in.Kind != ftp.ControlEOF && h.in.Kind != ftp.ControlLost && !c.done {
		c.control.goOn()
	}
}

// perform does one thing that the machine asks for.
func (c *carrier) perform(e ftp.Effect) {
	switch e.Kind {
	case ftp.Note:
		c.note(e)
	case ftp.Dial:
		c.dialControl()
	case ftp.Send:
		c.send(e.Bytes, false)
	case ftp.SendUrgent:
		c.send(e.Bytes, true)
	case ftp.CloseControl:
		if c.control != nil {
			c.control.close()
		}
	case ftp.AbortControl:
		if c.control != nil {
			c.control.abort()
		}
	case ftp.Listen:
		c.listen(e)
	case ftp.CloseListener:
		c.closeListener()
	case ftp.DialData:
		c.dialData(e)
	case ftp.AbandonData:
		c.abandonDial()
	case ftp.ReceiveData, ftp.SendData, ftp.FinishData:
		if c.data != nil {
			c.count(e.Bytes)
			c.data.perform(e)
		}
	case ftp.CloseData:
		if c.data != nil {
			c.dropData((*dataConn).close)
		}
	case ftp.AbortData:
		if c.data != nil {
			c.dropData((*dataConn).abort)
		}
	case ftp.StartTLS:
		c.startTLS(e.Channel)
	case ftp.StopTLS:
		if !c.control.want(opStopTLS) {
			c.giveUpControl()
		}
	case ftp.Done:
		c.done = true
	}
}

func (c *carrier) send(bytes []byte, urgent bool) {
	if c.control != nil && !c.control.send(bytes, urgent) {
		c.giveUpControl()
	}
}

// giveUpControl tells the machine that its peer does not read what it is sent.
func (c *carrier) giveUpControl() {
	c.pending = append(c.pending, ftp.Input{Kind: ftp.ControlLost, Err: ftp.TimedOut})
}

func (c *carrier) startTLS(channel ftp.Channel) {
	if channel == ftp.Control {
		if !c.control.want(opStartTLS) {
			c.giveUpControl()
		}
		return
	}
	if c.data == nil {
		c.pending = append(c.pending, ftp.Input{Kind: ftp.TLSFailed, Channel: ftp.Data})
		return
	}
	c.data.startTLS()
}

func (c *carrier) count(octets []byte) {
	if c.moved != nil && len(octets) > 0 {
		c.moved(len(octets))
	}
}

// dialControl opens the client's control connection.
func (c *carrier) dialControl() {
	c.workers.Go(func() {
		conn, err := c.dial()
		if err != nil {
			c.tell(happened{in: ftp.Input{Kind: ftp.ControlFailed, Err: failureOf(err)}})
			return
		}
		in := ftp.Input{Kind: ftp.ControlUp, Addr: addrPort(conn.RemoteAddr()), Local: addrPort(conn.LocalAddr())}
		if !c.tell(happened{in: in, conn: conn}) {
			conn.Close()
		}
	})
}

// finish closes what is open and waits for the session's goroutines.
func (c *carrier) finish() {
	const patience = 5 * time.Second // for a peer that does not read our last replies
	c.closeListener()
	c.abandonDial()
	c.dropData((*dataConn).close)
	close(c.ended)
	if c.control != nil {
		c.control.close()
		defer c.control.tcp.Close()
		hurry := time.AfterFunc(patience, func() { reset(c.control.tcp) })
		defer hurry.Stop()
	}
	c.workers.Wait()
}

// addrPort returns the address of a TCP connection's end.
func addrPort(a net.Addr) netip.AddrPort {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := tcp.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap().WithZone(ap.Addr().Zone()), ap.Port())
}
