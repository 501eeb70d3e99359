package firewall

import (
	"bytes"
	"net/netip"
)

// This file is nf_conntrack_ftp's reading of a control connection: not a parser of
// FTP but a search for four patterns at the start of a segment, with the exact
// tolerance and the exact blindness of the kernel's.

// announcement is an address and port that was said in a control connection.
type announcement struct {
	kind    announcementKind
	address address
	port    uint16
	// at and length are where the numbers stand in the segment.
	at, length int
}

type announcementKind uint8

const (
	announcePORT announcementKind = iota
	announceEPRT
	announce227
	announce229
)

// scanResult is what a search found.
type scanResult uint8

const (
	scanNothing scanResult = iota
	scanPartial            // a pattern began and did not end as it should
	scanMatch
)

// pattern is one of the commands and replies that announce an address.
type pattern struct {
	text string
	kind announcementKind
	skip byte // the numbers begin after it; 0: at the first digit (RFC 1123, 4.1.2.6)
}

// patternsOf returns what is looked for in each direction.
func patternsOf(dir direction) [2]pattern {
	if dir == original {
		return [2]pattern{{"PORT", announcePORT, ' '}, {"EPRT", announceEPRT, ' '}}
	}
	return [2]pattern{{"227 ", announce227, 0}, {"229 ", announce229, '('}}
}

// scanner reads the segments of connections of one family.
type scanner struct {
	family uint8
	// own is the sender's address, which a 229 does not repeat.
	own address
	// strict refuses numbers out of range, as kernels after 6.18 do.
	strict bool
}

// scan searches a segment for an announcement.
func (s scanner) scan(data []byte, dir direction) (announcement, scanResult) {
	for _, p := range patternsOf(dir) {
		if a, result := s.find(data, p); result != scanNothing {
			return a, result
		}
	}
	return announcement{}, scanNothing
}

// find looks for one pattern (find_pattern).
func (s scanner) find(data []byte, p pattern) (announcement, scanResult) {
	n := min(len(data), len(p.text))
	if !bytes.EqualFold(data[:n], []byte(p.text[:n])) {
		return announcement{}, scanNothing
	}
	a := announcement{kind: p.kind, address: s.own, at: len(p.text)}
	if len(data) <= len(p.text) {
		return a, scanPartial
	}
	if p.skip != 0 {
		at := bytes.IndexByte(data[a.at:], p.skip)
		if at < 0 {
			return a, scanPartial
		}
		a.at += at + 1
	} else {
		a.at += bytes.IndexAny(data[a.at:], "0123456789")
		if a.at < len(p.text) {
			return a, scanPartial
		}
	}
	var ok bool
	switch p.kind {
	case announcePORT:
		ok = s.hostPort(&a, data[a.at:], '\r')
	case announce227:
		ok = s.hostPort(&a, data[a.at:], 0)
	case announceEPRT:
		ok = s.extended(&a, data[a.at:])
	case announce229:
		ok = s.extendedReply(&a, data[a.at:])
	}
	if !ok {
		return a, scanPartial
	}
	return a, scanMatch
}

// numbers reads len(into) decimal numbers between separators, up to the terminator (0:
// any other character). It returns their length, 0 if they are not there. A number
// keeps its low 32 bits; an empty one is 0.
func (s scanner) numbers(data []byte, into []uint32, separator, terminator byte) int {
	field := 0
	for at := 0; at < len(data) && field < len(into); at++ {
		switch c := data[at]; {
		case c >= '0' && c <= '9':
			into[field] = into[field]*10 + uint32(c-'0')
			if s.strict && into[field] > 255 {
				return 0
			}
		case c == separator:
			field++
		case field == len(into)-1 && (c == terminator || terminator == 0):
			return at
		default:
			return 0
		}
	}
	return 0
}

// hostPort reads h1,h2,h3,h4,p1,p2.
func (s scanner) hostPort(a *announcement, data []byte, terminator byte) bool {
	var n [6]uint32
	a.length = s.numbers(data, n[:], ',', terminator)
	a.setIPv4(s.family, n[:4])
	a.port = uint16(n[4]<<8 | n[5])
	return a.length > 0
}

// setIPv4 stores an IPv4 address as the kernel does: in the first four octets of
// whatever address is there. What overflows an octet runs into the next.
func (a *announcement) setIPv4(family uint8, n []uint32) {
	v := n[0]<<24 | n[1]<<16 | n[2]<<8 | n[3]
	if family == 4 {
		a.address = address{lo: uint64(v)}
	} else {
		a.address.hi = uint64(v)<<32 | a.address.hi&0xffffffff
	}
}

func validDelimiter(c byte) bool { return c >= 33 && c <= 126 && (c < '0' || c > '9') }

// extended reads |1|address|port| (RFC 2428).
func (s scanner) extended(a *announcement, data []byte) bool {
	if len(data) <= 3 || !validDelimiter(data[0]) || data[2] != data[0] {
		return false
	}
	delimiter := data[0]
	length := 0
	if s.family == 4 {
		var n [4]uint32
		if data[1] != '1' {
			return false
		}
		length = s.numbers(data[3:], n[:], '.', delimiter)
		a.setIPv4(4, n[:])
	} else {
		length = bytes.IndexByte(data[3:], delimiter)
		if data[1] != '2' || length <= 0 {
			return false
		}
		addr, err := netip.ParseAddr(string(data[3 : 3+length]))
		if err != nil || !addr.Is6() || addr.Zone() != "" {
			return false
		}
		a.address = addressOf(addr)
	}
	return length > 0 && s.delimitedPort(a, data, 3+length+1, delimiter)
}

// extendedReply reads |||port|.
func (s scanner) extendedReply(a *announcement, data []byte) bool {
	if len(data) <= 3 || !validDelimiter(data[0]) || data[1] != data[0] || data[2] != data[0] {
		return false
	}
	return s.delimitedPort(a, data, 3, data[0])
}

// delimitedPort reads the port up to the delimiter. A port keeps its low 16 bits; 0 is
// no port.
func (s scanner) delimitedPort(a *announcement, data []byte, start int, delimiter byte) bool {
	port := uint32(0)
	for at := start; at < len(data); at++ {
		switch c := data[at]; {
		case c == delimiter:
			a.port = uint16(port)
			a.length = at + 1
			return port != 0
		case c >= '0' && c <= '9':
			port = port*10 + uint32(c-'0')
			if port > 65535 {
				if s.strict {
					return false
				}
				port &= 0xffff
			}
		default:
			return false
		}
	}
	return false
}
