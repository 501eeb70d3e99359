package firewall

import "ftplab/sim/wire"

// window is what the window check says about a segment.
type window uint8

const (
	windowAccept  window = iota
	windowIgnore         // let it pass, learn nothing
	windowInvalid        // it is not of this connection
)

// maxAckWindow is how far behind an acknowledgement may be at least.
const maxAckWindow = 66000

// window checks a segment against what both sides sent and allowed (tcp_in_window,
// after Guido van Rooij, "Real Stateful TCP Packet Filtering in IP Filter", 2000), and
// learns from it. The acknowledgement is taken back into the receiver's own sequence
// space where the device added or removed octets.
func (t *tcpTrack) window(e *entry, p *wire.Packet, dir direction, kind segmentKind, liberal bool) window {
	sender, receiver := &t.seen[dir], &t.seen[dir^1]
	seq, end := p.Seq, p.Seq+p.SegmentLen()
	ack, sack := p.Ack, p.Ack
	if receiver.flags&sideSACK != 0 {
		sack = highestSACK(&p.Options, sack)
	}
	offset := e.adjust[dir^1].offset(ack - 1)
	ack, sack = ack-offset, sack-offset

	if t.learnSender(p, dir, sack) {
		return windowAccept
	}
	if p.Flags&wire.ACK == 0 || p.Flags&wire.RST != 0 && ack == 0 {
		ack, sack = receiver.end, receiver.end // pretend
	}
	if p.Flags&wire.RST != 0 && seq == 0 && t.state == tcpSynSent {
		seq, end = sender.end, sender.end // it answers a SYN
	}
	if verdict := t.compare(dir, seq, end, sack); verdict != windowAccept {
		if liberal || sender.flags&sideLiberal != 0 {
			return windowAccept
		}
		return verdict
	}
	t.learn(p, dir, end, ack, sack)
	if kind == ackSegment {
		t.countRepeats(p.Window, dir, seq, ack, end)
	}
	return windowAccept
}

// learnSender takes the first segment of a side, or a SYN that begins again. It
// reports whether there is nothing more to check.
func (t *tcpTrack) learnSender(p *wire.Packet, dir direction, sack uint32) bool {
	sender, receiver := &t.seen[dir], &t.seen[dir^1]
	end := p.Seq + p.SegmentLen()
	if sender.maxWindow == 0 {
		if p.Flags&wire.SYN != 0 {
			t.initSender(p, dir, end)
			return p.Flags&wire.ACK == 0 // simultaneous open
		}
		sender.end = end
		sender.maxWindow = max(uint32(p.Window)<<sender.scale, 1)
		sender.maxEnd = end + sender.maxWindow
		if receiver.maxWindow == 0 {
			receiver.end, receiver.maxEnd = sack, sack
		} else if sack == receiver.end+1 {
			receiver.end++ // the answer to a keepalive
		}
		return false
	}
	if p.Flags&wire.SYN != 0 && after(end, sender.end) && (t.state == tcpSynSent || t.state == tcpSynRecv) {
		t.initSender(p, dir, end)
		return dir == reply && p.Flags&wire.ACK == 0
	}
	return false
}

func (t *tcpTrack) initSender(p *wire.Packet, dir direction, end uint32) {
	sender, receiver := &t.seen[dir], &t.seen[dir^1]
	sender.end, sender.maxEnd = end, end
	sender.maxWindow = max(uint32(p.Window), 1)
	sender.readOptions(&p.Options)
	if dir == reply && (sender.flags&sideScale == 0 || receiver.flags&sideScale == 0) {
		sender.scale, receiver.scale = 0, 0 // RFC 7323: only if both offer it
	}
}

// compare checks the four bounds.
func (t *tcpTrack) compare(dir direction, seq, end, sack uint32) window {
	sender, receiver := &t.seen[dir], &t.seen[dir^1]
	ackNotOld := after(sack, receiver.end-max(sender.maxWindow, maxAckWindow)-1)
	if !before(seq, sender.maxEnd+1) {
		overshot := end - sender.maxEnd + 1
		if receiver.maxWindow != 0 && after(end, sender.end-receiver.maxWindow-1) && ackNotOld &&
			overshot <= receiver.maxWindow && before(sack, receiver.end+1) {
			// More than the window allows, but the peer may take it: remember where it
			// ends, or its acknowledgement would be over the upper bound for ever.
			sender.end = end
			sender.flags |= sideUnacknowledged
			return windowIgnore
		}
		return windowInvalid
	}
	switch {
	case !before(sack, receiver.end+1):
		return windowInvalid // acknowledges what was not sent
	case receiver.maxWindow != 0 && !after(end, sender.end-receiver.maxWindow-1):
		return windowIgnore // too old
	case !ackNotOld:
		return windowIgnore
	}
	return windowAccept
}

// learn updates both sides after a segment in the window.
func (t *tcpTrack) learn(p *wire.Packet, dir direction, end, ack, sack uint32) {
	sender, receiver := &t.seen[dir], &t.seen[dir^1]
	win := uint32(p.Window)
	if p.Flags&wire.SYN == 0 {
		win <<= sender.scale
	}
	sender.maxWindow = max(sender.maxWindow, win+(sack-ack))
	if after(end, sender.end) {
		sender.end = end
		sender.flags |= sideUnacknowledged
	}
	if p.Flags&wire.ACK != 0 && (sender.flags&sideMaxAck == 0 || after(ack, sender.maxAck)) {
		sender.maxAck = ack
		sender.flags |= sideMaxAck
	}
	if receiver.maxWindow != 0 && after(end, sender.maxEnd) {
		receiver.maxWindow += end - sender.maxEnd
	}
	if after(sack+win, receiver.maxEnd-1) {
		receiver.maxEnd = sack + win
		if win == 0 {
			receiver.maxEnd++
		}
	}
	if ack == receiver.end {
		receiver.flags &^= sideUnacknowledged
	}
}

// countRepeats counts identical acknowledgements or data, for the shorter timeout.
func (t *tcpTrack) countRepeats(win uint16, dir direction, seq, ack, end uint32) {
	if t.lastDir == dir && t.lastSeq == seq && t.lastAck == ack && t.lastEnd == end && t.lastWin == win {
		t.retrans++
		return
	}
	t.lastDir, t.lastSeq, t.lastAck, t.lastEnd, t.lastWin = dir, seq, ack, end, win
	t.retrans = 0
}

// highestSACK returns the highest right edge of the SACK blocks, or ack.
func highestSACK(o *wire.Options, ack uint32) uint32 {
	for _, b := range o.Blocks[:min(int(o.NumBlocks), len(o.Blocks))] {
		if after(b.Right, ack) {
			ack = b.Right
		}
	}
	return ack
}
