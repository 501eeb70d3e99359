package acl

import (
	"fmt"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/text"
)

// MaxRules is how many rules, and how many chains, a ruleset may have: a decision
// names them in 16 bits.
const MaxRules = 1<<15 - 1

// CheckSize returns the problem that a ruleset has more rules or chains than can be
// told apart, or nil.
func CheckSize(rules *firewall.Ruleset) *text.Problem {
	if len(rules.Rules) <= MaxRules && len(rules.Chains) <= MaxRules {
		return nil
	}
	return &text.Problem{Column: 1, EndColumn: 1,
		Message: fmt.Sprintf("the text makes %d rules in %d lists: more than %d cannot be told apart", len(rules.Rules), len(rules.Chains), MaxRules),
		Hint:    "object groups and repeated lists multiply rules; split the text"}
}
