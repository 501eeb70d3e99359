package model

import (
	"strings"
	"testing"

	"ftplab/sim/ftp"
	"ftplab/sim/trace"
	"ftplab/sim/wire"
	"ftplab/ui/internal/lab"
)

func linesText(lines []Line) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(l.String() + "\n")
	}
	return b.String()
}

// What the rules mark and what the map draws is about the same packet: the rule that
// dropped something is marked exactly as long as the cross stands on the map.
func TestMarkAndCrossAreAboutThePacketInHand(t *testing.T) {
	g := UnicodeGlyphs()
	for name, r := range labRuns(t) {
		if !r.hasRules(0) {
			continue
		}
		crosses := 0
		for id := trace.ID(0); int(id) <= r.Trace.Len(); id++ {
			node, _ := r.firewallAt(id)
			verdict := r.verdictInHand(node, id)
			marked := strings.Contains(linesText(r.rulesOf(g, node, id, 60).lines), g.Matched)
			cross := strings.Contains(linesText(r.drawMap(g, r.At(id), Size{80, r.mapHeight(true)})), g.Cross)
			if verdict == 0 {
				if marked || cross {
					t.Errorf("%s #%d: no verdict in hand, but marked %v, cross %v", name, id, marked, cross)
				}
				continue
			}
			drop := dropped(r.Trace.Event(verdict).Body.(trace.Judged).Decision.Action)
			if drop && (!marked || !cross) || !drop && cross {
				t.Errorf("%s #%d: the verdict is #%d, marked %v, cross %v", name, id, verdict, marked, cross)
			}
			if cross {
				crosses++
			}
		}
		if len(r.drops) > 0 && crosses == 0 {
			t.Errorf("%s: %d drops, never a cross", name, len(r.drops))
		}
	}
}

// A packet that has only come to the firewall has no verdict: the mark of the one before
// it is gone.
func TestNoMarkForAPacketThatHasOnlyArrived(t *testing.T) {
	r := newRun(t, ftp.ModePASV, lab.ACL)
	node, _ := r.firewallAt(r.End().Event)
	for id := trace.ID(1); int(id) <= r.Trace.Len(); id++ {
		p, ok := r.Trace.PacketOf(id)
		if ok && r.Trace.Kind(id) == trace.KindArrived && r.Trace.Event(id).Node == node && p.Flags == wire.SYN && r.verdictInHand(node, id) != 0 {
			t.Errorf("#%d: the SYN has just arrived and already has the verdict #%d", id, r.verdictInHand(node, id))
		}
	}
}

// After the end of a probe nothing of it is in hand.
func TestNothingInHandAfterTheProbe(t *testing.T) {
	r := labRuns(t)["attacker"]
	for id := trace.ID(1); int(id) <= r.Trace.Len(); id++ {
		if r.Trace.Kind(id) != trace.KindProbe {
			continue
		}
		held := r.inHand[id]
		if held == 0 {
			continue
		}
		if p, ok := r.Trace.PacketOf(held); ok && (p.SrcPort == 3306 || p.DstPort == 3306) {
			t.Errorf("#%d: the probe is over, but its packet #%d is in hand", id, r.inHand[id])
		}
	}
}
