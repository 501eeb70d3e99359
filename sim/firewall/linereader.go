package firewall

import "bytes"

// maxLine is the longest line of a control connection that an inspection reads; what
// is beyond is not looked at.
const maxLine = 512

// lineReader puts the lines of one direction of a control connection together from
// its segments.
type lineReader struct {
	next  uint32 // the sequence number that continues what was read
	known bool
	text  []byte // of the line that has not ended yet
}

// inspectedLine is a line with its end, and where it begins in the segment that ended
// it: below 0 if in an earlier one.
type inspectedLine struct {
	text []byte
	at   int
}

// read takes a segment and returns the lines that end in it; false if octets before it
// are missing, so that it cannot be read.
func (r *lineReader) read(seq uint32, data []byte) ([]inspectedLine, bool) {
	if !r.known {
		r.next, r.known = seq, true
	}
	skip := 0
	switch {
	case after(seq, r.next):
		return nil, false
	case before(seq, r.next):
		skip = min(int(r.next-seq), len(data)) // a repetition
	}
	var lines []inspectedLine
	at := skip
	for at < len(data) {
		end := bytes.IndexByte(data[at:], '\n')
		if end < 0 {
			r.text = append(r.text, data[at:min(len(data), at+max(0, maxLine-len(r.text)))]...)
			break
		}
		begin := at - len(r.text)
		line := append(r.text, data[at:at+end+1]...)
		lines = append(lines, inspectedLine{bytes.Clone(line[:min(len(line), maxLine)]), begin})
		r.text = r.text[:0]
		at += end + 1
	}
	r.next += uint32(len(data) - skip)
	return lines, true
}
