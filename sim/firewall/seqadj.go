package firewall

import "ftplab/sim/wire"

// seqAdjust is how many octets the device has added to one direction of a connection:
// before the sequence number position, and after it (nf_conntrack_seqadj). Only the
// last change is kept apart.
type seqAdjust struct {
	position      uint32
	before, after int32
}

// add notes that the segment at seq grew by delta octets. A retransmission of the
// last such segment changes nothing.
func (a *seqAdjust) add(seq uint32, delta int32) {
	if a.before == a.after || before(a.position, seq) {
		a.position = seq
		a.before = a.after
		a.after += delta
	}
}

// offset returns what was added before the sender's own sequence number seq.
func (a *seqAdjust) offset(seq uint32) uint32 {
	if after(seq, a.position) {
		return uint32(a.after)
	}
	return uint32(a.before)
}

// undo takes a number of the receiver's sequence space back into the sender's own.
func (a *seqAdjust) undo(seq uint32) uint32 {
	if after(seq-uint32(a.before), a.position) {
		return seq - uint32(a.after)
	}
	return seq - uint32(a.before)
}

// adjustSegment moves a segment's numbers into the sequence space of its receiver.
func (e *entry) adjustSegment(w *way) {
	p, dir := w.packet, w.dir()
	if seq := p.Seq + e.adjust[dir].offset(p.Seq); seq != p.Seq {
		p.Seq = seq
		w.decision.Rewritten = true
	}
	if p.Flags&wire.ACK == 0 {
		return
	}
	if ack := e.adjust[dir^1].undo(p.Ack); ack != p.Ack {
		p.Ack = ack
		w.decision.Rewritten = true
	}
	for i := range p.Options.Blocks[:min(int(p.Options.NumBlocks), len(p.Options.Blocks))] {
		b := &p.Options.Blocks[i]
		moved := wire.SACKBlock{Left: e.adjust[dir^1].undo(b.Left), Right: e.adjust[dir^1].undo(b.Right)}
		if moved != *b {
			*b = moved
			w.decision.Rewritten = true
		}
	}
}
