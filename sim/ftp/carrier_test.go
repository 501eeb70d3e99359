package ftp

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"ftplab/sim/event"
)

// backToBack carries a client and a session over a line without losses: every octet
// arrives after the delay, in order. It is to the machines what the simulated host
// and the real sockets are.
type backToBack struct {
	t       *testing.T
	client  *Client
	session *Session
	ends    [2]*end
	queue   event.Queue
	inputs  []delivery
	now     event.Time
	delay   time.Duration
	log     strings.Builder

	// dropData says whose data SYNs vanish: the one of DialData by this end.
	dropData  [2]bool
	resetData [2]bool // or are refused
	// dropControl makes the control bytes that contain it vanish, dropDial the control
	// connection's SYNs.
	dropControl string
	dropDial    bool
	// bounce has a third party accept and read all data.
	bounce, toThirdParty bool
	notes                []Effect
	// keepInputs keeps what each machine was told.
	keepInputs bool
	told       [2][]recordedInput
}

// end is one machine with the sockets a carrier keeps for it.
type end struct {
	machine  Machine
	name     string
	addr     netip.Addr
	listen   uint16 // port of the data listener; 0 is none
	dataUp   bool
	finSent  bool
	wantsTLS [2]bool
	timerAt  event.Time
	epoch    int // of the data connection: stale events are not delivered
	gone     bool
}

type delivery struct {
	to    int
	in    Input
	epoch int // -1: not about the data connection
}

const (
	clientEnd = iota
	serverEnd
	timerEvent = 2 // queue item kind: Index is the end
)

func newBackToBack(t *testing.T, client *ClientConfig, server *ServerConfig, files FileSystem) *backToBack {
	b := &backToBack{t: t, client: NewClient(client), session: NewSession(server, files), delay: 5 * time.Millisecond}
	b.ends = [2]*end{
		{machine: b.client, name: "C", addr: netip.MustParseAddr("10.0.0.2"), timerAt: event.Never},
		{machine: b.session, name: "S", addr: netip.MustParseAddr("192.168.10.1"), timerAt: event.Never},
	}
	if client.Server.Addr().Is6() {
		b.ends[0].addr = netip.MustParseAddr("2001:db8::2")
		b.ends[1].addr = client.Server.Addr()
	}
	return b
}

func (b *backToBack) deliver(to int, after time.Duration, epoch int, in Input) {
	b.inputs = append(b.inputs, delivery{to, in, epoch})
	b.queue.Push(b.now.Add(after), 0, uint64(len(b.inputs)-1))
}

// run goes on until nothing happens any more, or the virtual time limit.
func (b *backToBack) run() {
	b.t.Helper()
	b.handle(clientEnd, Input{Kind: Start})
	for steps := 0; b.queue.Len() > 0; steps++ {
		if steps > 2_000_000 {
			b.t.Fatalf("does not come to an end\n%s", b.log.String())
		}
		item := b.queue.Pop()
		b.now = item.At
		if item.Kind == timerEvent {
			e := b.ends[item.Index]
			if e.timerAt == item.At && !e.gone {
				e.timerAt = event.Never
				b.handle(int(item.Index), Input{Kind: Timer})
			}
			continue
		}
		d := b.inputs[item.Index]
		if d.epoch >= 0 && d.epoch != b.ends[d.to].epoch {
			continue
		}
		if d.in.Kind == DataUp {
			b.ends[d.to].dataUp = true
		}
		b.handle(d.to, d.in)
	}
}

func (b *backToBack) handle(who int, in Input) {
	e := b.ends[who]
	if e.gone {
		return
	}
	if b.keepInputs {
		b.told[who] = append(b.told[who], recordedInput{b.now, in})
	}
	e.machine.Handle(b.now, in)
	for {
		effect, ok := e.machine.Next()
		if !ok {
			break
		}
		b.perform(who, effect)
	}
	if at := e.machine.Deadline(); at != e.timerAt && at != event.Never {
		e.timerAt = at
		b.queue.Push(max(at, b.now), timerEvent, uint64(who))
		e.timerAt = max(at, b.now)
	} else if at == event.Never {
		e.timerAt = event.Never
	}
}

func (b *backToBack) perform(who int, f Effect) {
	e, other := b.ends[who], b.ends[1-who]
	local := netip.AddrPortFrom(e.addr, 1026)
	remote := netip.AddrPortFrom(other.addr, 21)
	switch f.Kind {
	case Note:
		b.record(who, f)
	case Dial:
		if b.dropDial {
			return
		}
		b.deliver(who, 2*b.delay, -1, Input{Kind: ControlUp, Local: local})
		b.deliver(1-who, 2*b.delay, -1, Input{Kind: Start, Addr: local, Local: remote})
	case Send, SendUrgent:
		if b.dropControl != "" && strings.Contains(string(f.Bytes), b.dropControl) {
			return
		}
		b.deliver(1-who, b.delay, -1, Input{Kind: ControlBytes, Bytes: f.Bytes})
	case CloseControl:
		b.deliver(1-who, b.delay, -1, Input{Kind: ControlEOF})
	case AbortControl:
		b.deliver(1-who, b.delay, -1, Input{Kind: ControlLost, Err: Reset})
	case Listen:
		e.listen = f.Local.Port()
		if e.listen == 0 {
			e.listen = 2024
		}
		b.deliver(who, 0, -1, Input{Kind: ListenReady, Addr: netip.AddrPortFrom(e.addr, e.listen)})
	case CloseListener:
		e.listen = 0
	case DialData:
		b.dialData(who, f)
	case AbandonData:
		e.epoch++
	case SendData, FinishData, CloseData, AbortData:
		b.onDataConnection(who, f)
	case StartTLS:
		e.wantsTLS[f.Channel] = true
		if other.wantsTLS[f.Channel] {
			e.wantsTLS[f.Channel], other.wantsTLS[f.Channel] = false, false
			b.deliver(who, 3*b.delay, -1, Input{Kind: TLSUp, Channel: f.Channel})
			b.deliver(1-who, 3*b.delay, -1, Input{Kind: TLSUp, Channel: f.Channel})
		}
	case Done:
		e.gone = true
	}
}

func (b *backToBack) onDataConnection(who int, f Effect) {
	e, other := b.ends[who], b.ends[1-who]
	peerEpoch := other.epoch
	if b.toThirdParty {
		peerEpoch = 1 << 30 // to nobody here
	}
	switch f.Kind {
	case SendData:
		b.deliver(1-who, b.delay, peerEpoch, Input{Kind: DataBytes, Bytes: f.Bytes})
		if f.More {
			b.deliver(who, b.delay, e.epoch, Input{Kind: DataRoom})
		}
	case FinishData:
		e.finSent = true
		b.deliver(1-who, b.delay, peerEpoch, Input{Kind: DataEOF})
		b.deliver(who, 2*b.delay, e.epoch, Input{Kind: DataFlushed})
	case CloseData:
		if e.dataUp && !e.finSent {
			b.deliver(1-who, b.delay, peerEpoch, Input{Kind: DataEOF})
		}
		b.endData(e)
	case AbortData:
		if e.dataUp {
			b.deliver(1-who, b.delay, peerEpoch, Input{Kind: DataLost, Err: Reset})
		}
		b.endData(e)
	}
}

func (b *backToBack) endData(e *end) {
	e.dataUp, e.finSent = false, false
	e.epoch++
}

func (b *backToBack) dialData(who int, f Effect) {
	e, other := b.ends[who], b.ends[1-who]
	local := netip.AddrPortFrom(e.addr, f.Local.Port())
	switch {
	case b.bounce && f.Addr.Addr() != other.addr:
		b.toThirdParty = true
		b.deliver(who, 2*b.delay, e.epoch, Input{Kind: DataUp, Addr: f.Addr, Local: local})
	case b.dropData[who] || f.Addr.Addr() != other.addr:
	case b.resetData[who] || other.listen != f.Addr.Port():
		b.deliver(who, 2*b.delay, e.epoch, Input{Kind: DataFailed, Err: Refused})
	default:
		e.finSent, other.finSent = false, false
		b.deliver(who, 2*b.delay, e.epoch, Input{Kind: DataUp, Addr: f.Addr, Local: local})
		b.deliver(1-who, 2*b.delay, other.epoch, Input{Kind: DataUp, Addr: local, Local: f.Addr})
	}
}

// record writes the dialogue as both ends note it.
func (b *backToBack) record(who int, f Effect) {
	b.notes = append(b.notes, f)
	switch f.Note {
	case CommandSent:
		fmt.Fprintf(&b.log, "C: %s\n", f.Text)
	case ReplySent:
		fmt.Fprintf(&b.log, "S: %s\n", f.Text)
	case TransferDone:
		fmt.Fprintf(&b.log, "%s: # %d octets over the data connection\n", b.ends[who].name, f.Count)
	case GaveUp:
		fmt.Fprintf(&b.log, "%s: # gave up after %v: %s\n", b.ends[who].name, b.now.Sub(0).Round(time.Millisecond), f.Text)
	}
}
