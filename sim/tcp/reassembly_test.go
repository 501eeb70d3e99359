package tcp

import (
	"bytes"
	"testing"

	"ftplab/sim/wire"

	"pgregory.net/rapid"
)

// TestReassembly: pieces of a stream that overlap in every way and arrive in any order
// give the stream, once. The acknowledgments tell the truth: what they acknowledge or
// SACK has arrived, and what has just arrived is in the first block that is no
// duplicate.
func TestReassembly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stream := make([]byte, rapid.IntRange(1, 60).Draw(t, "length"))
		for i := range stream {
			stream[i] = byte(i + 1)
		}
		_, c := connect(DefaultConfig())
		first := c.rcv.nxt
		arrived := make([]bool, len(stream)+1) // the last is the FIN
		var got []byte
		pieces := rapid.IntRange(1, 40).Draw(t, "pieces")
		for i := range pieces + 1 {
			from := rapid.IntRange(0, len(stream)).Draw(t, "from")
			to := rapid.IntRange(from, len(stream)).Draw(t, "to")
			if i == pieces {
				from, to = 0, len(stream) // at last all of it
			}
			p := wire.Packet{
				Src: clientAddr.Addr(), SrcPort: clientAddr.Port(), Dst: serverAddr.Addr(), DstPort: serverAddr.Port(),
				Protocol: wire.TCP, Flags: wire.ACK, Seq: first + uint32(from), Ack: c.snd.nxt, Payload: stream[from:to],
			}
			if to == len(stream) && (i == pieces || rapid.Bool().Draw(t, "FIN")) {
				p.Flags |= wire.FIN
				arrived[to] = true
			}
			for j := from; j < to; j++ {
				arrived[j] = true
			}
			c.Receive(0, &p)
			checkReport(t, c, &p, first, arrived)
			checkInvariants(t, c)
			for {
				data, ok := c.Read()
				if !ok {
					break
				}
				got = append(got, data...)
			}
		}
		if !bytes.Equal(got, stream) || !c.EOF() {
			t.Fatalf("read %v, EOF %v", got, c.EOF())
		}
	})
}

// checkReport checks the acknowledgment that answers p.
func checkReport(t *rapid.T, c *Conn, p *wire.Packet, first uint32, arrived []bool) {
	var a wire.Packet
	if _, ok := c.Emit(0, &a); !ok {
		return
	}
	expect := 0
	for expect < len(arrived) && arrived[expect] {
		expect++
	}
	if a.Ack-first != uint32(expect) {
		t.Fatalf("%d is acknowledged, %d arrived", a.Ack-first, expect)
	}
	reported := p.SegmentLen() == 0 || a.Ack-p.Seq >= p.SegmentLen()
	for _, b := range a.Options.Blocks[:a.Options.NumBlocks] {
		for s := b.Left; s != b.Right; s++ {
			if s-first >= uint32(len(arrived)) || !arrived[s-first] {
				t.Fatalf("%d of block %d-%d has not arrived", s-first, b.Left-first, b.Right-first)
			}
		}
		reported = reported || !seqAfter(b.Left, seqMax(p.Seq, a.Ack)) && !seqBefore(b.Right, p.Seq+p.SegmentLen())
	}
	if !reported {
		t.Fatalf("%d-%d arrived, the acknowledgment is %d with %v", p.Seq-first, p.Seq+p.SegmentLen()-first, a.Ack-first, a.Options)
	}
}
