package tcp

import (
	"time"

	"ftplab/sim/event"
	"ftplab/sim/wire"
)

// timestampsLen is what the timestamps option takes of each segment, in octets.
const timestampsLen = 12

// timestamps is what the option keeps of the peer's (RFC 7323, section 4.3).
type timestamps struct {
	ok       bool   // both sides said it: each segment but a RST carries it
	recent   uint32 // TS.Recent: what we echo
	recentAt event.Time
	echo     uint32 // the last segment's echo of ours; 0 is none
}

// timestampAt is the timestamp clock: milliseconds, beginning with 1, because 0 as an
// echo means none to Linux.
func timestampAt(now event.Time) uint32 {
	return uint32(time.Duration(now)/time.Millisecond) + 1
}

// roundTrip is the round-trip time that the echo tells of, at the resolution of the
// clock.
func (ts *timestamps) roundTrip(now event.Time) (time.Duration, bool) {
	elapsed := int32(timestampAt(now) - ts.echo)
	return time.Duration(elapsed) * time.Millisecond, ts.echo != 0 && elapsed >= 0
}

// maxTimestampAge is for how long a timestamp can be compared with: after it, one in
// milliseconds may have gone around (RFC 7323, section 5.5).
const maxTimestampAge = 24 * 24 * time.Hour

// isOldDuplicate is the protection against wrapped sequence numbers (RFC 7323, section
// 5): a segment with a timestamp from before the last one was sent long ago. A RST is
// believed without it.
func (c *Conn) isOldDuplicate(now event.Time, p *wire.Packet) bool {
	return c.ts.ok && p.Options.HasTimestamps && p.Flags&wire.RST == 0 &&
		seqBefore(p.Options.TSVal, c.ts.recent) && now.Sub(c.ts.recentAt) < maxTimestampAge
}

// takeTimestamp notes the timestamps of an acceptable segment. The one to echo is that
// of the earliest segment that the next acknowledgment covers (RFC 7323, section 4.3).
// A segment without any is taken as it is, as Linux does.
func (c *Conn) takeTimestamp(now event.Time, p *wire.Packet) {
	c.ts.echo = 0
	if !c.ts.ok || !p.Options.HasTimestamps {
		return
	}
	if !seqAfter(p.Seq, c.rcv.wup) {
		c.ts.recent, c.ts.recentAt = p.Options.TSVal, now
	}
	c.ts.echo = p.Options.TSEcr
}
