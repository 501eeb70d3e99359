package acl

import (
	"fmt"
	"strings"
)

// Namer gives the lists of a ruleset names that a language takes, each its own.
type Namer struct {
	taken map[string]bool
}

// Name returns name if it is a valid name and not taken, else one like it: letters,
// digits, "-" and "_" alone, a letter first, at most 63 octets.
func (n *Namer) Name(name string) string {
	if n.taken == nil {
		n.taken = map[string]bool{}
	}
	clean := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return '_'
	}, name)
	if clean == "" || clean[0] < 'A' || clean[0] == '_' {
		clean = "ACL" + clean
	}
	const longest = 55
	clean = clean[:min(len(clean), longest)]
	unique := clean
	for i := 2; n.taken[strings.ToLower(unique)]; i++ {
		unique = fmt.Sprintf("%s-%d", clean, i)
	}
	n.Take(unique)
	return unique
}

// Take says that a name is in use.
func (n *Namer) Take(name string) {
	if n.taken == nil {
		n.taken = map[string]bool{}
	}
	n.taken[strings.ToLower(name)] = true
}
