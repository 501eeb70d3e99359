package acl

import "strings"

// InterfaceType is a type of interface: its name in full as the device prints it, and
// a short form that is not a prefix of it ("" if there is none).
type InterfaceType struct{ Full, Short string }

// InterfaceName returns an interface's name as a device prints it: the type in full,
// the number without a blank. An abbreviation must fit one type alone (or be its
// short form); a name of an unknown type keeps its letters.
func InterfaceName(types []InterfaceType, name string) string {
	name = strings.Join(strings.Fields(name), "")
	digit := strings.IndexAny(name, "0123456789")
	if digit < 0 {
		digit = len(name)
	}
	kind, number := name[:digit], name[digit:]
	lower, match := strings.ToLower(kind), ""
	for _, t := range types {
		switch {
		case strings.EqualFold(kind, t.Full), t.Short != "" && strings.EqualFold(kind, t.Short):
			return t.Full + number
		case lower != "" && strings.HasPrefix(strings.ToLower(t.Full), lower):
			if match != "" {
				match = kind // several types begin so
			} else {
				match = t.Full
			}
		}
	}
	if match == "" {
		return name
	}
	return match + number
}
