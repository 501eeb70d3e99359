package text

import (
	"fmt"

	"ftplab/sim/firewall"
)

// Unsayable is the error of a printer that cannot write a rule in its language.
type Unsayable struct {
	Dialect string
	Rule    *firewall.Rule // nil if it is not about a rule
	Why     string
}

// Error names the rule by its line and text, and says why it cannot be written.
func (u *Unsayable) Error() string {
	if u.Rule == nil {
		return fmt.Sprintf("the ruleset cannot be said in %s: %s", u.Dialect, u.Why)
	}
	return fmt.Sprintf("line %d: %s", u.Rule.Line, u.Message())
}

// Message is the error without the line: the rule's text, and why it cannot be written.
func (u *Unsayable) Message() string {
	if u.Rule == nil {
		return u.Error()
	}
	return fmt.Sprintf("%q cannot be said in %s: %s", brief(u.Rule.Text), u.Dialect, u.Why)
}
