package export

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"

	"ftplab/sim/trace"
)

// WriteJSONLines writes every event of a run as one JSON object a line, in order.
// EventHelp documents the members.
func WriteJSONLines(w io.Writer, t *trace.Trace) error {
	buffered := bufio.NewWriter(w)
	encoder := json.NewEncoder(buffered)
	encoder.SetEscapeHTML(false)
	for id := trace.ID(1); int(id) <= t.Len(); id++ {
		if err := encoder.Encode(rowOf(t, id)); err != nil {
			return err
		}
	}
	return buffered.Flush()
}

// kindRows is one row of each kind, in the order of trace.Kinds.
func kindRows() []any {
	return []any{sentRow{}, arrivedRow{}, lostRow{}, judgedRow{}, tcpRow{}, socketRow{}, ftpRow{}, trackedRow{}, inputRow{}, probeRow{}, endedRow{}}
}

var kindMeanings = [...]string{
	"a node put a packet on a link",
	"a packet came to a node",
	"a link or a host lost a packet",
	"a firewall decided about a packet",
	"a TCP endpoint changed its state",
	"a program opened, accepted or closed a connection",
	"an FTP client or server noted a command, a reply or another fact",
	"a firewall's connection table or expectations changed",
	"someone changed the network from outside",
	"an attacker's or tester's probe ended",
	"a client came to its result",
}

// EventHelp returns what `ftplab help trace` prints: every kind of event and its
// members, made from the same rows that WriteJSONLines prints.
func EventHelp() string {
	var b strings.Builder
	b.WriteString("Each event is one line, a JSON object with these members:\n\n")
	writeMembers(&b, reflect.TypeFor[eventRow](), "  ")
	b.WriteString("\nEvents about a packet also have:\n\n")
	writeMembers(&b, reflect.TypeFor[packetRow](), "  ")
	b.WriteString("\nThe kinds, and what each has of its own:\n")
	for i, row := range kindRows() {
		fmt.Fprintf(&b, "\n%s: %s", trace.Kind(i), kindMeanings[i])
		if _, packet := reflect.TypeOf(row).FieldByName("packetRow"); packet {
			b.WriteString(" (has a packet)")
		}
		b.WriteString("\n")
		writeMembers(&b, reflect.TypeOf(row), "  ")
	}
	return b.String()
}

// writeMembers lists the members of a row, without those that it embeds.
func writeMembers(b *strings.Builder, row reflect.Type, indent string) {
	for i := range row.NumField() {
		field := row.Field(i)
		if field.Anonymous {
			continue
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		fmt.Fprintf(b, "%s%-12s %s\n", indent, name, field.Tag.Get("doc"))
		inner := field.Type
		for inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct && field.Tag.Get("doc") != "" && inner.PkgPath() == row.PkgPath() {
			writeMembers(b, inner, indent+"  ")
		}
	}
}
