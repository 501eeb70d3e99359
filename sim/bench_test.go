package sim

import (
	"fmt"
	"testing"
)

// BenchmarkSession runs whole sessions with the full trace and reports the cost of a
// packet-hop.
func BenchmarkSession(b *testing.B) {
	for _, w := range []struct{ sessions, size int }{{1, 1 << 10}, {10, 1_000_000}, {100, 1_000_000}, {1, 10_000_000}} {
		b.Run(fmt.Sprintf("%dx%d", w.sessions, w.size), func(b *testing.B) {
			sc := Workload(w.sessions, w.size, nil)
			var hops, events int
			var bytes int64
			b.ReportAllocs()
			for b.Loop() {
				t, stats, err := RunStats(sc)
				if err != nil {
					b.Fatal(err)
				}
				hops, events, bytes = stats.PacketHops, t.Len(), t.Bytes()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(hops), "ns/packet-hop")
			b.ReportMetric(float64(bytes)/float64(events), "bytes/event")
		})
	}
}
