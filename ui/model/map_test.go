package model

import (
	"strings"
	"testing"

	"ftplab/sim/event"
	"ftplab/sim/ftp"
	"ftplab/sim/trace"
	"ftplab/sim/wire"
	"ftplab/ui/internal/lab"
)

func (r *Run) mapText(c Cursor, size Size) string {
	var b strings.Builder
	for _, l := range r.drawMap(UnicodeGlyphs(), c, size) {
		b.WriteString(l.String() + "\n")
	}
	return b.String()
}

// row returns the row of the map in which a text stands, "" if it is not there.
func row(m, text string) string {
	for _, line := range strings.Split(m, "\n") {
		if strings.Contains(line, text) {
			return line
		}
	}
	return ""
}

// find returns the first Sent event of a packet with these flags on a lane.
func (r *Run) find(l lane, flags wire.Flags) trace.ID {
	for _, id := range r.sentOn[l] {
		if p, _ := r.Trace.PacketOf(id); p.Flags == flags {
			return id
		}
	}
	return 0
}

// Between two events a packet moves from the one who sent it to the one who gets it.
func TestPacketMovesAlongItsLink(t *testing.T) {
	r := newRun(t, ftp.ModePASV, "")
	for _, tt := range []struct {
		flags wire.Flags
		label string
		right bool
	}{{wire.SYN, "[SYN]►", true}, {wire.SYN | wire.ACK, "◄[SYN,ACK]", false}} {
		id := r.find(dataLane, tt.flags)
		sent := r.Trace.Event(id).Body.(trace.Sent)
		last, moved := -1, 0
		for i := range 20 {
			at := r.Trace.Time(id) + (sent.Arrives-r.Trace.Time(id)-1)/20*event.Time(i)
			line := row(r.mapText(Cursor{id, at}, Size{120, 8}), tt.label)
			x := strings.Index(line, tt.label)
			switch {
			case x < 0:
				t.Fatalf("%s is not on the map after %d/20 of its way", tt.label, i)
			case last >= 0 && tt.right && x < last, last >= 0 && !tt.right && x > last:
				t.Errorf("%s moves from %d to %d", tt.label, last, x)
			case x != last:
				moved++
			}
			last = x
		}
		if moved < 5 {
			t.Errorf("%s has stood in %d places only", tt.label, moved)
		}
	}
}

func TestDropStopsAtTheFirewallWithItsRule(t *testing.T) {
	r := newRun(t, ftp.ModePASV, lab.ACL)
	c, _ := r.FirstDrop()
	for _, width := range []int{80, 120, 200} {
		m := r.mapText(c, Size{width, 8})
		if line := row(m, "✗◄[SYN,ACK]"); !strings.Contains(line, "2024") {
			t.Errorf("%d columns: the SYN-ACK is not stopped:\n%s", width, m)
		}
		if row(m, "deny ip") == "" {
			t.Errorf("%d columns: the rule is not named:\n%s", width, m)
		}
	}
	later := c
	later.Time += 500_000_000
	if !strings.Contains(r.mapText(later, Size{80, 8}), "✗") {
		t.Error("the cross is gone while everybody waits")
	}
	next := r.Step(c, true) // the client asks again
	if strings.Contains(r.mapText(next, Size{80, 8}), "✗") {
		t.Error("the cross is still there when the next SYN leaves")
	}
}

func TestLostPacketIsShownOnItsLink(t *testing.T) {
	r := labRuns(t)["lossy"]
	for _, id := range r.drops {
		if b := r.Trace.Event(id).Body.(trace.Lost); b.Why == trace.LossRandom {
			if m := r.mapText(r.At(id), Size{100, 8}); !strings.Contains(m, "✗ [") {
				t.Errorf("#%d:\n%s", id, m)
			}
			return
		}
	}
	t.Error("nothing was lost")
}

// The boxes say which ports are in use, and which wait.
func TestPortsOfTheBoxes(t *testing.T) {
	r := newRun(t, ftp.ModePASV, "")
	var listens, ends trace.ID
	for id := trace.ID(1); int(id) <= r.Trace.Len(); id++ {
		if b, ok := r.Trace.Event(id).Body.(trace.Socket); ok && b.Channel == ftp.Data {
			if b.Op == trace.OpListen {
				listens = id
			}
			if b.Op == trace.OpAccept {
				ends = id
			}
		}
	}
	if m := r.mapText(r.At(listens), Size{80, 8}); !strings.Contains(m, "│2024◌") {
		t.Errorf("the server does not wait on port 2024:\n%s", m)
	}
	if m := r.mapText(r.At(ends), Size{80, 8}); !strings.Contains(m, "│dat 1027 ") || !strings.Contains(m, "┤2024 ") {
		t.Errorf("the data connection is not there:\n%s", m)
	}
}

// The map never fails to draw, whatever its size and wherever the cursor is.
func TestMapFitsAnySize(t *testing.T) {
	for name, r := range labRuns(t) {
		for width := 0; width <= 90; width += 3 {
			for _, c := range []Cursor{r.Start(), r.At(trace.ID(r.Trace.Len() / 2)), r.End()} {
				for i, l := range r.drawMap(UnicodeGlyphs(), c, Size{width, 9}) {
					if l.Width() > width {
						t.Errorf("%s: row %d is %d columns wide, not %d", name, i, l.Width(), width)
					}
				}
			}
		}
	}
}

// However small the screen, the page asks for a larger one and keeps to its size.
func TestTooSmallFitsAnySize(t *testing.T) {
	r := newRun(t, ftp.ModePASV, "")
	for width := 0; width < 80; width += 3 {
		for height := 0; height < 24; height++ {
			s := Lesson(&LessonInput{
				Size: Size{width, height}, Glyphs: UnicodeGlyphs(), Run: r, Step: -1,
				Heading: Heading{Number: "04", Title: "The ACL for active mode", Mode: "pasv", Variant: "acl", VariantTitle: "the list"},
			})
			for _, p := range s.Panes {
				if p.Rect.X < 0 || p.Rect.X+p.Rect.Width > width || p.Rect.Y+p.Rect.Height > height {
					t.Fatalf("%dx%d: a pane at %+v", width, height, p.Rect)
				}
				for _, l := range p.Lines {
					if l.Width() > p.Rect.Width {
						t.Fatalf("%dx%d: %q is too wide", width, height, l.String())
					}
				}
			}
			if width > 30 && height > 0 && !strings.Contains(s.Text(NoticePane), "need 80x24") {
				t.Fatalf("%dx%d: it says %q", width, height, s.Text(NoticePane))
			}
		}
	}
}
