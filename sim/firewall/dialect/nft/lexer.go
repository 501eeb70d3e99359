package nft

import (
	"net/netip"
	"sort"
	"strings"
)

// tokenKind is what the scanner of nft calls a token.
type tokenKind uint8

const (
	tokEOF tokenKind = iota
	tokNewline
	tokWord     // a keyword, a name, an address, a time: nft's STRING
	tokNumber   // decimal or 0x
	tokQuoted   // "...", text without the quotes
	tokWildcard // eth*
	tokPunct    // operators and brackets
	tokJunk     // an octet that begins no token
)

// place is a span of the text in octets, [from, to).
type place struct{ from, to int }

// to returns the span from the beginning of p to the end of q.
func (p place) through(q place) place { return place{p.from, max(p.to, q.to)} }

// token is one token of the text.
type token struct {
	kind tokenKind
	text string // without quotes; for a newline the comment before it
	at   place
}

// is reports whether the token is this punctuation or this bare word.
func (t token) is(text string) bool {
	return (t.kind == tokPunct || t.kind == tokWord) && t.text == text
}

// describe names the token as nft's messages do.
func (t token) describe() string {
	switch t.kind {
	case tokEOF:
		return "end of file"
	case tokNewline:
		return "newline"
	case tokNumber:
		return "number"
	case tokQuoted:
		return "quoted string"
	case tokWildcard:
		return "string with a trailing asterisk"
	case tokJunk:
		return "junk"
	case tokPunct:
		switch t.text {
		case ",":
			return "comma"
		case ":":
			return "colon"
		case ";":
			return "semicolon"
		case "{", "}", "(", ")", "[", "]", "=", "$", "|":
			return "'" + t.text + "'"
		}
		return t.text
	}
	if isReserved(t.text) {
		return t.text
	}
	return "string"
}

// lexer cuts a text into tokens.
type lexer struct {
	text string
	pos  int
	// comment is the comment that was read on the present line, without its '#'.
	comment string
}

// tokens returns the tokens of a text; the last one is tokEOF.
func tokens(text string) []token {
	l := lexer{text: text}
	all := make([]token, 0, len(text)/5+1)
	for {
		t := l.next()
		all = append(all, t)
		if t.kind == tokEOF {
			return all
		}
	}
}

// next reads a token. Longest match wins, as in nft's scanner.
func (l *lexer) next() token {
	l.skipBlanks()
	start := l.pos
	if start >= len(l.text) {
		return token{kind: tokEOF, text: l.takeComment(), at: place{start, start}}
	}
	rest := l.text[start:]
	c := rest[0]
	switch {
	case c == '\n':
		return token{kind: tokNewline, text: l.takeComment(), at: l.advance(1)}
	case c == '"':
		if end := strings.IndexByte(rest[1:], '"'); end >= 0 {
			return token{kind: tokQuoted, text: rest[1 : 1+end], at: l.advance(end + 2)}
		}
		return token{kind: tokJunk, text: "\"", at: l.advance(1)}
	case c == '[' && len(rest) > 1: // [2001:db8::1] is one word
		if n := addressLength(rest[1:]); n > 0 && isIPv6(rest[1:1+n]) && strings.HasPrefix(rest[1+n:], "]") {
			return token{kind: tokWord, text: rest[1 : 1+n], at: l.advance(n + 2)}
		}
	}
	word, number := wordLength(rest), numberLength(rest)
	address := addressLength(rest)
	span := timeLength(rest)
	switch longest := max(word, number, address, span); {
	case longest == 0:
		return l.punctuation()
	case longest == address || longest == span && span > number:
		return token{kind: tokWord, text: rest[:longest], at: l.advance(longest)}
	case longest == number:
		return token{kind: tokNumber, text: rest[:longest], at: l.advance(longest)}
	case word < len(rest) && rest[word] == '*':
		return token{kind: tokWildcard, text: rest[:word+1], at: l.advance(word + 1)}
	default:
		return token{kind: tokWord, text: rest[:word], at: l.advance(word)}
	}
}

func (l *lexer) advance(n int) place {
	at := place{l.pos, l.pos + n}
	l.pos += n
	return at
}

func (l *lexer) takeComment() string {
	c := l.comment
	l.comment = ""
	return c
}

// skipBlanks skips spaces, tabs, comments and line ends that a backslash hides.
func (l *lexer) skipBlanks() {
	for l.pos < len(l.text) {
		switch rest := l.text[l.pos:]; {
		case rest[0] == ' ' || rest[0] == '\t':
			l.pos++
		case rest[0] == '\r' && strings.HasPrefix(rest, "\r\n"):
			l.pos++
		case strings.HasPrefix(rest, "\\\n"):
			l.pos += 2
		case strings.HasPrefix(rest, "\\\r\n"):
			l.pos += 3
		case rest[0] == '#':
			end := strings.IndexByte(rest, '\n')
			if end < 0 {
				end = len(rest)
			}
			l.comment = strings.TrimSpace(rest[1:end])
			l.pos += end
		default:
			return
		}
	}
}

func (l *lexer) punctuation() token {
	rest := l.text[l.pos:]
	for _, p := range [...]string{"==", "!=", "<=", ">=", "<<", ">>"} {
		if strings.HasPrefix(rest, p) {
			return token{kind: tokPunct, text: p, at: l.advance(2)}
		}
	}
	if strings.IndexByte(",.:;{}[]()<>=^&|!/-*@$+", rest[0]) >= 0 {
		return token{kind: tokPunct, text: rest[:1], at: l.advance(1)}
	}
	return token{kind: tokJunk, text: rest[:1], at: l.advance(1)}
}

// wordLength returns the length of the name that s begins with: a letter or one of
// "_." and then letters, digits and "/-_.". A lone dot is an operator.
func wordLength(s string) int {
	if !isLetter(s[0]) && s[0] != '_' && s[0] != '.' {
		return 0
	}
	n := 1
	for n < len(s) && (isLetter(s[n]) || isDigit(s[n]) || strings.IndexByte("/-_.", s[n]) >= 0) {
		n++
	}
	if n == 1 && s[0] == '.' {
		return 0
	}
	return n
}

func numberLength(s string) int {
	n := 0
	if len(s) > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X') && isHex(s[2]) {
		for n = 3; n < len(s) && isHex(s[n]); n++ {
		}
		return n
	}
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n
}

// timeLength returns the length of a time such as 1d2h3m4s that s begins with.
func timeLength(s string) int {
	total := 0
	for _, unit := range [...]string{"d", "h", "m", "s", "ms"} {
		digits := 0
		for total+digits < len(s) && isDigit(s[total+digits]) {
			digits++
		}
		after := s[total+digits:]
		if digits == 0 || !strings.HasPrefix(after, unit) || unit == "m" && strings.HasPrefix(after, "ms") {
			continue
		}
		total += digits + len(unit)
	}
	return total
}

// maxAddressLength is the longest text of an IPv6 address with an IPv4 tail.
const maxAddressLength = 45

// addressLength returns the length of the IPv4, IPv6 or MAC address that s begins
// with, 0 if there is none.
func addressLength(s string) int {
	if n := ipv4Length(s); n > 0 {
		return n
	}
	if !isHex(s[0]) && s[0] != ':' {
		return 0
	}
	n, colons := 0, 0
	for n < len(s) && n <= maxAddressLength && (s[n] == ':' || isHex(s[n]) || s[n] == '.' && colons > 1) {
		if s[n] == ':' {
			colons++
		}
		n++
	}
	switch {
	case colons < 2:
		return 0
	case isMAC(s[:n]), isIPv6(s[:n]):
		return n
	case s[n-1] == ':' && isIPv6(s[:n-1]):
		return n - 1 // the colon belongs to a map's element
	}
	return 0
}

// ipv4Length returns the length of four numbers with dots between them that s begins
// with. nft cuts an address out by its shape; its numbers are checked later.
func ipv4Length(s string) int {
	n := 0
	for part := 0; part < 4; part++ {
		if part > 0 {
			if n >= len(s) || s[n] != '.' {
				return 0
			}
			n++
		}
		digits := 0
		for digits < 3 && n+digits < len(s) && isDigit(s[n+digits]) {
			digits++
		}
		if digits == 0 {
			return 0
		}
		n += digits
	}
	return n
}

func isIPv6(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.Is6()
}

func isMAC(s string) bool {
	groups := 1
	width := 0
	for i := 0; i < len(s); i++ {
		if s[i] == ':' {
			if width == 0 {
				return false
			}
			groups, width = groups+1, 0
			continue
		}
		width++
		if s[i] == '.' || width > 2 {
			return false
		}
	}
	return groups == 6 && width > 0
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isHex(c byte) bool {
	return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// lineIndex finds lines and columns of places in a text.
type lineIndex struct{ starts []int }

func newLineIndex(text string) lineIndex {
	starts := []int{0}
	for i := 0; i < len(text); i++ {
		if text[i] == '\n' {
			starts = append(starts, i+1)
		}
	}
	return lineIndex{starts}
}

// position returns the 1-based line and column of an offset.
func (x lineIndex) position(offset int) (line, column int) {
	line = sort.Search(len(x.starts), func(i int) bool { return x.starts[i] > offset })
	return line, offset - x.starts[line-1] + 1
}
