package netfilter

import "strings"

// A trailing "+" or "*" makes a prefix of a name in firewall.Match.Names. Where a
// language takes the sign for a letter of the name, a backslash stands before it: no
// interface has one in its name, so that such a condition never holds.

// LiteralName returns a name for firewall.Match.Names whose last letter is no sign.
func LiteralName(name string) string {
	if n := len(name); n > 0 && (name[n-1] == '+' || name[n-1] == '*') {
		return name[:n-1] + `\` + name[n-1:]
	}
	return name
}

// InterfaceName takes a name of firewall.Match.Names apart: the name, or with prefix
// what names begin with.
func InterfaceName(name string) (base string, prefix bool) {
	for _, sign := range [...]string{"+", "*"} {
		if literal, ok := strings.CutSuffix(name, `\`+sign); ok {
			return literal + sign, false
		}
		if base, ok := strings.CutSuffix(name, sign); ok {
			return base, true
		}
	}
	return name, false
}
