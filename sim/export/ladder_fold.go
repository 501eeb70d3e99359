package export

import (
	"fmt"
	"strconv"
	"strings"

	"ftplab/sim/event"
)

// fold leaves out what is not worth a row and says in waits how much time passed.
func fold(rows []Row) []Row {
	f := folder{shown: map[repeatKey]bool{}}
	for i := range rows {
		f.add(&rows[i])
	}
	for i := range f.out {
		if row := &f.out[i]; row.octets > 0 {
			row.Label = dataLabel(row)
		}
	}
	return f.out
}

type folder struct {
	out   []Row
	shown map[repeatKey]bool
	// again counts what was said again since the last row, in order.
	again  []repeat
	lastAt event.Time
}

type repeat struct {
	label string
	times int
}

func (f *folder) add(row *Row) {
	if row.Kind == RowPacket {
		if row.hidden && row.End == EndArrived {
			return
		}
		row.key.end, row.key.last = row.End, row.Stops[len(row.Stops)-1]
		if f.shown[row.key] {
			f.repeated(row)
			return
		}
		f.shown[row.key] = true
		if row.again {
			row.Label += " again"
		}
		if f.extends(row) {
			return
		}
	}
	f.wait(row)
	f.out = append(f.out, *row)
	f.lastAt = row.At
}

func (f *folder) repeated(row *Row) {
	for i := range f.again {
		if f.again[i].label == row.Label {
			f.again[i].times++
			return
		}
	}
	f.again = append(f.again, repeat{row.Label, 1})
}

// extends adds a file's next segment to the row of the segments before it.
func (f *folder) extends(row *Row) bool {
	if len(f.out) == 0 || len(f.again) > 0 || row.octets == 0 || row.again {
		return false
	}
	last := &f.out[len(f.out)-1]
	same := last.Kind == RowPacket && last.octets > 0 && !last.fin && !last.again && last.Line == row.Line && last.End == row.End &&
		last.key.src == row.key.src && last.key.dst == row.key.dst && row.At.Sub(f.lastAt) < shortestWait
	if same {
		last.octets += row.octets
		last.packets++
		last.fin = row.fin
		f.lastAt = row.At
	}
	return same
}

// wait adds a row for the time since the last one, if it was long or something was
// said again.
func (f *folder) wait(next *Row) {
	gap := next.At.Sub(f.lastAt)
	if len(f.again) == 0 && (gap < shortestWait || len(f.out) == 0) {
		return
	}
	label := fmt.Sprintf("%.1f s", gap.Seconds())
	var again []string
	for _, r := range f.again {
		text := r.label + " again"
		if r.times > 1 {
			text += " ×" + strconv.Itoa(r.times)
		}
		again = append(again, text)
	}
	if len(again) > 0 {
		label += "   " + strings.Join(again, ", ")
	}
	f.out = append(f.out, Row{Kind: RowWait, Event: next.Event, At: f.lastAt, Label: label})
	f.again = nil
}

// dataLabel says how much of a file a row carries.
func dataLabel(row *Row) string {
	label := "data: " + thousands(row.octets) + " octets"
	if row.packets > 1 {
		label += fmt.Sprintf(" in %d segments", row.packets)
	}
	if row.fin {
		label += " + FIN"
	}
	if row.again {
		label += " again"
	}
	return label
}

func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
