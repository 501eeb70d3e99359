package ftp

import "bytes"

// asciiConverter converts between the server's lines, which end in LF, and the
// network's, which end in CR LF (RFC 959, section 3.1.1.1), over any cutting into
// blocks. The zero value is the start of a file.
type asciiConverter struct {
	lastCR bool // the octet before was CR
}

// toNetwork puts a CR before each LF that has none, in new memory.
func (c *asciiConverter) toNetwork(b []byte) []byte {
	out := make([]byte, 0, len(b)+bytes.Count(b, []byte{'\n'}))
	for _, octet := range b {
		if octet == '\n' && !c.lastCR {
			out = append(out, '\r')
		}
		c.lastCR = octet == '\r'
		out = append(out, octet)
	}
	return out
}

// fromNetwork takes the CR before each LF away, in new memory. A CR at the end of b
// is held back until the next octet is known.
func (c *asciiConverter) fromNetwork(b []byte) []byte {
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
