package ftp

import "bytes"

// Telnet commands (RFC 854) as they occur on a control connection.
const (
	telnetSE   = 240
	telnetDM   = 242 // data mark, the end of the Synch
	telnetIP   = 244 // interrupt process
	telnetSB   = 250
	telnetWILL = 251
	telnetWONT = 252
	telnetDO   = 253
	telnetDONT = 254
	telnetIAC  = 255
)

// Limits of one command line, in octets without its line end.
const (
	// MaxCommandLine is the longest command line that is taken; a longer one is
	// answered by 500 and skipped.
	MaxCommandLine = 4096
	// maxSkippedLine is how much of a line without an end is skipped before the
	// session ends.
	maxSkippedLine = 64 << 10
)

// lineStatus is what scanning the control stream came to.
type lineStatus uint8

const (
	lineNone    lineStatus = iota // no complete line yet
	lineReady                     // a line
	lineTooLong                   // a line passed MaxCommandLine; said once for each line
	lineEndless                   // a line passed maxSkippedLine: give up on the peer
)

// lineReader cuts the control stream into lines and takes the Telnet commands out
// of it (RFC 1123, section 4.1.2.12). A line ends at LF; one CR before it is part of
// the line end.
type lineReader struct {
	// raw leaves Telnet commands in the line, as vsftpd does.
	raw bool

	partial  []byte // decoded octets of a line that has not ended
	skipping bool   // this line was too long
	skipped  int
	telnet   telnetState
	verb     byte   // WILL, WONT, DO or DONT whose option comes next
	answers  []byte // refusals of Telnet options, to be sent
}

type telnetState uint8

const (
	telnetData telnetState = iota
	telnetCommand
	telnetOption
	telnetSubnegotiation
	telnetSubnegotiationIAC
)

// next reads from b up to the end of a line. It returns how much of b it used; the
// line is valid until the next call.
func (r *lineReader) next(b []byte) (line []byte, status lineStatus, used int) {
	// The usual case: one whole line without Telnet commands.
	if len(r.partial) == 0 && !r.skipping && r.telnet == telnetData {
		end := bytes.IndexByte(b, '\n')
		if end >= 0 && end <= MaxCommandLine && (r.raw || bytes.IndexByte(b[:end], telnetIAC) < 0) {
			return r.trim(b[:end]), lineReady, end + 1
		}
	}
	for i, c := range b {
		c, keep := r.decode(c)
		switch {
		case !keep:
		case c == '\n':
			line, status = r.endLine()
			if status != lineNone {
				return line, status, i + 1
			}
		case r.skipping:
			r.skipped++
			if r.skipped > maxSkippedLine {
				return nil, lineEndless, i + 1
			}
		case len(r.partial) >= MaxCommandLine:
			r.partial, r.skipping, r.skipped = r.partial[:0], true, 0
			return nil, lineTooLong, i + 1
		default:
			r.partial = append(r.partial, c)
		}
	}
	return nil, lineNone, len(b)
}

func (r *lineReader) endLine() ([]byte, lineStatus) {
	if r.skipping {
		r.skipping = false
		return nil, lineNone
	}
	line := r.trim(r.partial)
	r.partial = r.partial[:0]
	return line, lineReady
}

// trim takes one CR off the end and, from the start, octets that are what a Synch
// leaves when its IAC was taken out as urgent data. vsftpd takes all CRs, and no
// Telnet.
func (r *lineReader) trim(line []byte) []byte {
	if r.raw {
		return bytes.TrimRight(line, "\r")
	}
	line = bytes.TrimSuffix(line, []byte{'\r'})
	for len(line) > 0 && line[0] >= telnetSE {
		line = line[1:]
	}
	return line
}

// decode takes one octet of the stream; keep says whether c belongs to the line.
func (r *lineReader) decode(in byte) (c byte, keep bool) {
	if r.raw {
		return in, true
	}
	switch r.telnet {
	case telnetCommand:
		r.telnet = telnetData
		switch {
		case in == telnetIAC:
			return telnetIAC, true
		case in >= telnetWILL:
			r.telnet, r.verb = telnetOption, in
			return 0, false
		case in == telnetSB:
			r.telnet = telnetSubnegotiation
			return 0, false
		case in >= telnetSE:
			return 0, false
		}
		// Not a Telnet command: a name in Latin-1 with an unescaped 0xff.
		r.keepOctet(telnetIAC)
		return in, true
	case telnetOption:
		r.telnet = telnetData
		r.refuse(in)
		return 0, false
	case telnetSubnegotiation:
		if in == telnetIAC {
			r.telnet = telnetSubnegotiationIAC
		}
		return 0, false
	case telnetSubnegotiationIAC:
		r.telnet = telnetSubnegotiation
		if in == telnetSE {
			r.telnet = telnetData
		}
		return 0, false
	}
	if in == telnetIAC {
		r.telnet = telnetCommand
		return 0, false
	}
	return in, true
}

func (r *lineReader) keepOctet(c byte) {
	if !r.skipping && len(r.partial) < MaxCommandLine {
		r.partial = append(r.partial, c)
	}
}

// refuse answers an offered or asked-for option: this end has none.
func (r *lineReader) refuse(option byte) {
	const maxAnswers = 64 // a peer that negotiates without end is not answered without end
	if len(r.answers) >= maxAnswers*3 {
		return
	}
	switch r.verb {
	case telnetWILL:
		r.answers = append(r.answers, telnetIAC, telnetDONT, option)
	case telnetDO:
		r.answers = append(r.answers, telnetIAC, telnetWONT, option)
	}
}

// reset forgets everything that was read and not yet handed out (RFC 4217: what
// came before the TLS handshake does not count after it).
func (r *lineReader) reset() { *r = lineReader{raw: r.raw} }

func (r *lineReader) clone() lineReader {
	c := *r
	c.partial = bytes.Clone(r.partial)
	c.answers = bytes.Clone(r.answers)
	return c
}

// appendEscaped appends text to a control line with every 0xff doubled.
func appendEscaped(b []byte, text string) []byte {
	for i := 0; i < len(text); i++ {
		if text[i] == telnetIAC {
			b = append(b, telnetIAC)
		}
		b = append(b, text[i])
	}
	return b
}
