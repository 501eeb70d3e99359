package ftp

import (
	"bytes"
	"strconv"
	"strings"

	"ftplab/sim/event"
)

// Limits of what a client takes from a server, so that no server can make it grow.
const (
	maxReplyLine  = 8 << 10 // octets; the rest of a longer line is dropped
	maxReplyLines = 2000    // lines of one reply
)

// Reply is one reply of a server as the client received it.
type Reply struct {
	At   event.Time // when its last line arrived
	Code int        // 0 when the line does not begin with three digits
	Text string     // the last line without its code
	// Lines are all lines of a multi-line reply, with their codes; nil for one line.
	Lines []string
}

// Line returns the reply's last line as it arrived: "226 Transfer complete.".
func (r Reply) Line() string {
	if r.Code == 0 {
		return r.Text
	}
	return strconv.Itoa(r.Code) + " " + r.Text
}

// Class returns the first digit of the code (RFC 959, section 4.2): 1 preliminary,
// 2 completion, 3 intermediate, 4 transient negative, 5 permanent negative.
func (r Reply) Class() int { return r.Code / 100 }

// replyReader cuts what a server sends into replies (RFC 959, section 4.2): a line
// "xyz-" begins a reply that ends with a line "xyz ".
type replyReader struct {
	partial []byte
	code    string   // of the multi-line reply that is being read, or ""
	lines   []string // of it
}

// next reads from b up to the end of one line. Line is that line, without its line
// end, when there was one; done says that it was the last of a reply.
func (r *replyReader) next(b []byte) (line string, reply Reply, haveLine, done bool, used int) {
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		r.keep(b)
		return "", Reply{}, false, false, len(b)
	}
	r.keep(b[:end])
	line = string(bytes.TrimSuffix(r.partial, []byte{'\r'}))
	r.partial = r.partial[:0]
	reply, done = r.line(line)
	return line, reply, true, done, end + 1
}

func (r *replyReader) keep(b []byte) {
	room := maxReplyLine - len(r.partial)
	r.partial = append(r.partial, b[:min(len(b), room)]...)
}

func (r *replyReader) line(line string) (Reply, bool) {
	code, rest, ok := splitCode(line)
	switch {
	case r.code == "" && !ok:
		return Reply{Text: line}, true
	case r.code == "" && rest != "" && rest[0] == '-':
		r.code, r.lines = code, []string{line}
		return Reply{}, false
	case r.code != "":
		if len(r.lines) < maxReplyLines {
			r.lines = append(r.lines, line)
		}
		if !ok || code != r.code || rest != "" && rest[0] != ' ' {
			return Reply{}, false
		}
	}
	n, _ := strconv.Atoi(code)
	reply := Reply{Code: n, Text: strings.TrimPrefix(rest, " "), Lines: r.lines}
	r.code, r.lines = "", nil
	return reply, true
}

// splitCode splits "xyz..." after its three digits.
func splitCode(line string) (code, rest string, ok bool) {
	if len(line) < 3 || !isDigit(line[0]) || !isDigit(line[1]) || !isDigit(line[2]) {
		return "", line, false
	}
	return line[:3], line[3:], true
}

func (r *replyReader) clone() replyReader {
	return replyReader{partial: bytes.Clone(r.partial), code: r.code, lines: append([]string(nil), r.lines...)}
}

// cleanText returns text fit to stand in a reply: control characters, which would
// let a peer end the line and forge a reply of its own, become '?'. It works octet by
// octet: names need not be UTF-8.
func cleanText(text string) string {
	clean := []byte(nil)
	for i := 0; i < len(text); i++ {
		if text[i] >= ' ' && text[i] != 0x7f {
			continue
		}
		if clean == nil {
			clean = []byte(text)
		}
		clean[i] = '?'
	}
	if clean == nil {
		return text
	}
	return string(clean)
}

// quotePath doubles the quotes of a path for a 257 reply (RFC 959, appendix II).
func quotePath(path string) string {
	return `"` + strings.ReplaceAll(cleanText(path), `"`, `""`) + `"`
}
