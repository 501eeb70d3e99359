package node

import (
	"ftplab/sim/event"
	"ftplab/sim/firewall"
	"ftplab/sim/tcp"
	"ftplab/sim/trace"
	"ftplab/sim/wire"
)

// Firewall is a router with rules, or without any.
type Firewall struct {
	w      *World
	id     trace.NodeID
	device *firewall.Device
	out    []int32    // by interface: the direction that leaves through it, -1 for none
	armed  event.Time // when the next expiry item is due
}

// AddFirewall adds a firewall and returns its number. Nodes must be added in the
// order in which the trace lists them.
func (w *World) AddFirewall(config firewall.Config) trace.NodeID {
	f := &Firewall{w: w, id: trace.NodeID(len(w.nodes)), device: firewall.NewDevice(config), out: noLinks(len(config.Interfaces)), armed: event.Never}
	w.nodes = append(w.nodes, endpoint{firewall: f})
	return f.id
}

func noLinks(n int) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = -1
	}
	return out
}

// receive judges p, which came over link, and does what the device decided.
func (f *Firewall) receive(link trace.LinkID, in int16, p *wire.Packet) {
	serial, ttl := p.Serial, p.TTL
	d := f.device.Receive(f.w.now, int(in), p)
	if d.Rewritten {
		p.Serial = 0
	}
	seen := p
	if d.Hook == firewall.HelperHook {
		arrived := f.w.rec.Trace().Packet(serial) // the helper refuses the packet as it came
		arrived.TTL = ttl
		seen = &arrived
	}
	f.w.rec.Cause = f.w.rec.Judged(f.w.now, f.id, link, seen, &d, f.missed(&d))
	f.changes()
	if d.Action == firewall.ActionForward {
		f.send(d.Out, p)
	}
	for _, r := range f.device.Replies() {
		reply := r.Packet
		reply.Serial = 0
		f.send(r.Decision.Out, &reply)
	}
	f.arm()
}

// missed asks for the reasons of a drop; other decisions are not explained, which
// keeps the common way free of work.
func (f *Firewall) missed(d *firewall.Decision) []firewall.Missed {
	if d.Action == firewall.ActionDrop || d.Action == firewall.ActionReject {
		return f.device.Explain()
	}
	return nil
}

func (f *Firewall) changes() {
	for _, c := range f.device.Changes() {
		f.w.rec.Body(f.w.now, f.id, trace.Tracked{Change: c})
	}
}

func (f *Firewall) send(out int16, p *wire.Packet) {
	if out < 0 || f.out[out] < 0 {
		return
	}
	f.w.transmit(f.id, trace.LinkID(f.out[out]), p, tcp.Fresh)
}

// arm makes sure that the table's next end is seen in time. Expiry items do not keep
// a run going.
func (f *Firewall) arm() {
	at := f.device.NextExpiry()
	if at >= f.armed {
		return
	}
	f.armed = at
	f.w.queue.Push(at, itemExpiry, uint64(f.id))
}

func (f *Firewall) expire() {
	if f.w.now < f.armed {
		return // an earlier item took over
	}
	f.armed = event.Never
	f.w.rec.Cause = 0
	f.device.Expire(f.w.now)
	f.changes()
	f.arm()
}
