// Package dialect reads and writes the configuration languages of real firewalls.
//
// Each language has a package of its own below this one, with a Parse that makes a
// neutral firewall.Ruleset of a text and a Print that writes one. This package knows
// them all: it recognises which language a text is in, formats their messages, and
// translates a policy from one language to another.
package dialect

import (
	"fmt"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/asa"
	"ftplab/sim/firewall/dialect/comware"
	"ftplab/sim/firewall/dialect/internal/text"
	"ftplab/sim/firewall/dialect/ios"
	"ftplab/sim/firewall/dialect/iptables"
	"ftplab/sim/firewall/dialect/isa"
	"ftplab/sim/firewall/dialect/nft"
)

// language is a dialect: its name and what reads and writes it.
type language struct {
	name  string
	parse func(file, config string) (*firewall.Ruleset, []firewall.Diagnostic)
	print func(rs *firewall.Ruleset) (string, error)
	fits  func(lines []string) bool
}

// languages are the dialects in the order in which they are listed.
func languages() []language {
	return []language{
		{comware.Name, comware.Parse, comware.Print, fitsComware},
		{ios.Name, ios.Parse, ios.Print, fitsIOS},
		{asa.Name, asa.Parse, asa.Print, fitsASA},
		{iptables.Name, iptables.Parse, whole(iptables.Name, iptables.Print, iptables.Inexpressible), fitsIPTables},
		{nft.Name, nft.Parse, whole(nft.Name, nft.Print, nft.Inexpressible), fitsNFT},
		{isa.Name, isa.Parse, isa.Print, fitsISA},
	}
}

// whole makes of a printer that leaves out what it cannot say one that refuses to: its
// error is the first thing that would change the meaning.
func whole(name string, print func(*firewall.Ruleset) string, left func(*firewall.Ruleset) []firewall.Diagnostic) func(*firewall.Ruleset) (string, error) {
	return func(rs *firewall.Ruleset) (string, error) {
		for _, d := range left(rs) {
			if d.Severity == firewall.Error {
				return "", fmt.Errorf("line %d: cannot be said in %s: %s", d.Line, name, d.Message)
			}
		}
		return print(rs), nil
	}
}

// Names returns the names of the dialects: comware, ios, asa, iptables, nft, isa.
func Names() []string {
	var names []string
	for _, l := range languages() {
		names = append(names, l.name)
	}
	return names
}

// find returns the dialect with this name, with a message for people if there is none.
func find(name string) (language, error) {
	for _, l := range languages() {
		if strings.EqualFold(l.name, name) {
			return l, nil
		}
	}
	hint := ""
	if near := text.Suggest(name, Names()); near != "" {
		hint = ": did you mean " + near + "?"
	}
	return language{}, fmt.Errorf("%q is not a dialect%s (known are %s)", name, hint, strings.Join(Names(), ", "))
}

// Parse reads a configuration in the dialect with this name; with name "" the dialect
// is recognised from the text, which is an error if none or several fit. The ruleset
// is nil if there is an error among the diagnostics; its own Diagnostics are the
// warnings alone. File names the text in messages ("-" for standard input).
func Parse(name, file, config string) (*firewall.Ruleset, []firewall.Diagnostic) {
	if name == "" && strings.TrimSpace(config) == "" {
		return nil, failure(file, "the text is empty: there are no rules in it", "")
	}
	if name == "" {
		fitting := Recognise(config)
		switch len(fitting) {
		case 1:
			name = fitting[0]
		case 0:
			return nil, failure(file, "the text is in no dialect that is known here", "name one of "+strings.Join(Names(), ", ")+" with --dialect")
		default:
			return nil, failure(file, "the text fits the dialects "+strings.Join(fitting, " and "), "name one of them with --dialect")
		}
	}
	l, err := find(name)
	if err != nil {
		return nil, failure(file, err.Error(), "")
	}
	return l.parse(file, config)
}

// Print writes a ruleset in the dialect with this name, in canonical form. The error
// names the first rule that the dialect cannot say, and why. For a ruleset of another
// dialect see Translate.
func Print(rs *firewall.Ruleset, name string) (string, error) {
	l, err := find(name)
	if err != nil {
		return "", err
	}
	return l.print(rs)
}

func failure(file, message, hint string) []firewall.Diagnostic {
	return []firewall.Diagnostic{{Severity: firewall.Error, File: file, Line: 1, Column: 1, EndColumn: 1, Message: message, Hint: hint}}
}

// FormatDiagnostic writes a message the way compilers do, with the line it is about
// and a caret under the word; config is the text that was parsed.
func FormatDiagnostic(d firewall.Diagnostic, config string) string { return text.Format(d, config) }

// Apply returns the ruleset with one of its lists applied to an interface in a
// direction (firewall.Inbound or firewall.Outbound), for a text that has a list but
// no interface: bare rule lines, or an access list alone. Chain is the list's name or
// number; "" is the first list. A list that is applied already is then applied twice.
// It returns nil if there is no such list.
func Apply(rs *firewall.Ruleset, chain, iface string, hook firewall.Hook) *firewall.Ruleset {
	for i, c := range rs.Chains {
		if chain != "" && c.Name != chain {
			continue
		}
		applied := *rs
		applied.Chains = append([]firewall.Chain(nil), rs.Chains...)
		free := c.Hook == firewall.HookNone
		c.Hook, c.Interface = hook, iface
		if free {
			applied.Chains[i] = c
		} else {
			applied.Chains = append(applied.Chains, c)
		}
		return &applied
	}
	return nil
}
