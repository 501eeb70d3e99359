package ftp

import "bytes"

// asciiConverter converts between the server's lines, which end in LF, and the
// network's, which end in CR LF (RFC 959, section 3.1.1.1), over any cutting into
// blocks. The zero value is the start of a file.
type asciiConverter struct {
	lastCR bool // the octet before was CR
}

// toNetwork puts a CR before each LF that has none. It returns b itself when there
// is nothing to put, else new memory.
func (c *asciiConverter) toNetwork(b []byte) []byte {
	if len(b) == 0 {
		return b
	}
	var out []byte
	for rest := b; ; {
		end := bytes.IndexByte(rest, '\n')
		if end < 0 {
			if out == nil {
				out = b
			} else {
				out = append(out, rest...)
			}
			break
		}
		if out == nil {
			out = make([]byte, 0, len(b)+bytes.Count(b, []byte{'\n'}))
		}
		out = append(out, rest[:end]...)
		if end > 0 && rest[end-1] != '\r' || end == 0 && !c.lastCR {
			out = append(out, '\r')
		}
		out = append(out, '\n')
		c.lastCR = false
		rest = rest[end+1:]
	}
	c.lastCR = b[len(b)-1] == '\r'
	return out
}

// fromNetwork takes the CR before each LF away. It returns b itself when there is no
// CR, else new memory. A CR at the end of b is held back until the next octet is
// known.
func (c *asciiConverter) fromNetwork(b []byte) []byte {
	if !c.lastCR && bytes.IndexByte(b, '\r') < 0 {
		return b
	}
	out := make([]byte, 0, len(b)+1)
	for _, octet := range b {
		if c.lastCR && octet != '\n' {
			out = append(out, '\r')
		}
		c.lastCR = octet == '\r'
		if !c.lastCR {
			out = append(out, octet)
		}
	}
	return out
}

// flush returns the CR that was held back at the end of the file.
func (c *asciiConverter) flush() []byte {
	if !c.lastCR {
		return nil
	}
	c.lastCR = false
	return []byte{'\r'}
}
