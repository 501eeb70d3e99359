package tcp

// Sequence numbers are compared modulo 2^32 (RFC 9293, section 3.4): a is before b
// if going up from a reaches b within half of the space.

func seqBefore(a, b uint32) bool { return int32(a-b) < 0 }

func seqAfter(a, b uint32) bool { return int32(a-b) > 0 }

// seqMax returns the later of the two.
func seqMax(a, b uint32) uint32 {
	if seqBefore(a, b) {
		return b
	}
	return a
}

// seqMin returns the earlier of the two.
func seqMin(a, b uint32) uint32 {
	if seqBefore(a, b) {
		return a
	}
	return b
}
