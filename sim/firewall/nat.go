package firewall

import (
	"ftplab/sim/wire"
)

// manipulation is which half of a packet NAT changes.
type manipulation uint8

const (
	changeSource      manipulation = iota // at postrouting and input
	changeDestination                     // at prerouting and output
)

func manipulationAt(h Hook) manipulation {
	if h == Postrouting || h == Input {
		return changeSource
	}
	return changeDestination
}

// natRange is what a translation may choose from.
type natRange struct {
	mapAddress        bool
	low, high         address
	mapPort           bool
	portLow, portHigh uint16
	random            bool // a random port even if the packet's own is free
	persistent        bool // the same address for all destinations
}

// translate is netfilter's NAT at a hook: the rules are asked once for each
// connection, its later packets follow (nf_nat_inet_fn). It reports whether the
// packet goes on.
func (d *Device) translate(w *way) bool {
	s := w.subject
	if s.slot == noSlot {
		return true
	}
	m := manipulationAt(w.hook)
	if s.state == StateRelated && isICMP(s.protocol) {
		return d.translateError(w, m)
	}
	if s.state != StateEstablished && !d.table.entries[s.slot].settled(m) && !d.askTranslations(w, m) {
		return false
	}
	e := &d.table.entries[s.slot]
	if w.hook == Postrouting && e.masqueradedTo != 0 && e.masqueradedTo-1 != s.out && !s.reply {
		d.endEntry(s.slot) // the route changed: its address is no longer ours to use
		return d.drop(w, w.hook, ReasonNAT)
	}
	d.manipulate(w, m)
	return true
}

func isICMP(p wire.Protocol) bool { return p == wire.ICMP || p == wire.ICMPv6 }

// settled reports whether the translation of that half has been decided.
func (e *entry) settled(m manipulation) bool {
	if m == changeSource {
		return e.has(statusSNATDone)
	}
	return e.has(statusDNATDone)
}

// askTranslations asks the nat chains of the hook, and leaves the address as it is if
// no rule says otherwise.
func (d *Device) askTranslations(w *way, m manipulation) bool {
	for _, chain := range d.program.translations[w.familyIndex()][w.hook] {
		if o := d.ask(w, chain); o.verdict != Accept {
			return d.decide(w, chain, o)
		}
		if d.table.entries[w.subject.slot].settled(m) {
			return true
		}
	}
	e := &d.table.entries[w.subject.slot]
	own := e.tuples[reply].dst
	if m == changeDestination {
		own = e.tuples[reply].src
	}
	d.setUp(w.subject.slot, natRange{mapAddress: true, low: own, high: own}, m)
	return true
}

// setUp decides the translation of one half of a connection that has not left the
// device yet (nf_nat_setup_info).
func (d *Device) setUp(slot int32, r natRange, m manipulation) {
	e := &d.table.entries[slot]
	if e.has(StatusConfirmed) {
		return
	}
	current := e.tuples[reply].mustInverse()
	chosen := d.chooseTuple(e, current, r, m)
	if chosen != current {
		e.tuples[reply] = chosen.mustInverse()
		if m == changeSource {
			e.status |= StatusSNAT
		} else {
			e.status |= StatusDNAT
		}
	}
	if m == changeSource {
		e.status |= statusSNATDone
	} else {
		e.status |= statusDNATDone
	}
}

// manipulate changes the packet as its connection's translation says.
func (d *Device) manipulate(w *way, m manipulation) {
	s := w.subject
	e := &d.table.entries[s.slot]
	needed := StatusSNAT
	if (m == changeDestination) != s.reply {
		needed = StatusDNAT
	}
	if !e.has(needed) {
		return
	}
	d.keep(w)
	w.readdress(e.tuples[w.dir()^1].mustInverse(), m)
}

// readdress gives the packet the source or the destination of a tuple.
func (w *way) readdress(target tuple, m manipulation) {
	p, s := w.packet, w.subject
	if m == changeSource {
		s.src, p.Src = target.src, target.src.addr(s.family)
	} else {
		s.dst, p.Dst = target.dst, target.dst.addr(s.family)
	}
	switch {
	case s.hasPorts() && m == changeSource:
		s.srcPort, p.SrcPort = target.srcPort, target.srcPort
	case s.hasPorts():
		s.dstPort, p.DstPort = target.dstPort, target.dstPort
	case s.hasICMP() && !isICMPError(s.protocol, s.icmpType):
		p.ICMPRest = p.ICMPRest&0xffff | uint32(target.srcPort)<<16
	}
	w.decision.Rewritten = true
}

// translateError changes an ICMP error about a translated connection, outside and
// inside (nf_nat_icmp_reply_translation).
func (d *Device) translateError(w *way, m manipulation) bool {
	s, p := w.subject, w.packet
	e := &d.table.entries[s.slot]
	if s.protocol == wire.ICMP && s.icmpType == icmpRedirect && e.status&natMask != 0 {
		return d.drop(w, w.hook, ReasonNAT) // its gateway would make no sense
	}
	needed := StatusSNAT
	if (m == changeDestination) != s.reply {
		needed = StatusDNAT
	}
	if !e.has(needed) {
		return true
	}
	d.keep(w)
	// What is quoted went the other way: its other half changes.
	target := e.tuples[w.dir()^1]
	if quoted, err := wire.ParseQuote(p.Payload); err == nil {
		src, dst := quoted.SrcEndpoint(), quoted.DstEndpoint()
		if newSrc, newDst := target.endpoints(); m == changeSource {
			dst = newDst
		} else {
			src = newSrc
		}
		p.Payload = wire.RewriteQuote(p.Payload, src, dst)
	}
	outer := target.mustInverse()
	if m == changeSource {
		s.src, p.Src = outer.src, outer.src.addr(s.family)
	} else {
		s.dst, p.Dst = outer.dst, outer.dst.addr(s.family)
	}
	w.decision.Rewritten = true
	return true
}

// settleSource remembers where a connection's source was mapped to, so that others
// from the same source are mapped alike.
func (d *Device) settleSource(slot int32) {
	e := &d.table.entries[slot]
	if !e.has(statusSNATDone) {
		return
	}
	key := e.source()
	e.bySource = noSlot
	if newest, ok := d.table.sources[key]; ok {
		e.bySource = newest
	}
	d.table.sources[key] = slot
}

func (e *entry) source() sourceKey {
	t := &e.tuples[original]
	return sourceKey{t.src, t.srcPort, t.protocol, t.family}
}

func (d *Device) forgetSource(slot int32) {
	t := &d.table
	e := &t.entries[slot]
	at, ok := t.sources[e.source()]
	if !ok || !e.has(statusSNATDone) {
		return
	}
	if at == slot {
		if e.bySource == noSlot {
			delete(t.sources, e.source())
		} else {
			t.sources[e.source()] = e.bySource
		}
		return
	}
	for at != noSlot && t.entries[at].bySource != slot {
		at = t.entries[at].bySource
	}
	if at != noSlot {
		t.entries[at].bySource = e.bySource
	}
}
