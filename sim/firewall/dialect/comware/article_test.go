package comware

import (
	"strings"
	"testing"

	"ftplab/sim/firewall"
)

const articleActive = `Rule permit TCP source 192.168.10.1 0 source-port EQ 21 destination-port GT 1024
Rule permit TCP source 192.168.10.1 0 source-port EQ 20 destination-port GT 1024
Rule deny ip
`

// The article's list is bare rule lines; its last one is misspelled.
func TestArticle(t *testing.T) {
	rules, diagnostics := Parse("article", articleActive)
	if rules == nil || len(diagnostics) != 0 {
		t.Fatalf("diagnostics: %v", diagnostics)
	}
	if len(rules.Chains) != 1 || len(rules.Rules) != 3 {
		t.Fatalf("%d chains, %d rules", len(rules.Chains), len(rules.Rules))
	}
	chain := rules.Chains[0]
	if chain.Name != "" || chain.Hook != firewall.HookNone || chain.Policy.Kind != firewall.Accept || chain.PolicyText != "default permit" {
		t.Errorf("chain: %+v", chain)
	}
	first := rules.Rules[0]
	if first.Line != 1 || first.Column != 1 || first.ID != "0" || first.Text != "permit TCP source 192.168.10.1 0 source-port EQ 21 destination-port GT 1024" {
		t.Errorf("first rule: %+v", first)
	}
	var texts []string
	for _, p := range first.Parts {
		texts = append(texts, p.Match.Field.String()+"="+p.Match.Text)
	}
	want := "protocol=tcp source-address=source 192.168.10.1 0 source-port=source-port eq 21 destination-port=destination-port gt 1024"
	if got := strings.Join(texts, " "); got != want {
		t.Errorf("parts:\n%s\nwant:\n%s", got, want)
	}
	if r := first.Parts[3].Match.Ranges[0]; r.Low != 1025 || r.High != 65535 {
		t.Errorf("gt 1024 is %v", r)
	}
	if last := rules.Rules[2]; len(last.Parts) != 0 || last.Verdict.Kind != firewall.Drop || last.ID != "10" || last.Line != 3 {
		t.Errorf("last rule: %+v", last)
	}
}

func TestArticleTypo(t *testing.T) {
	rules, diagnostics := Parse("article", strings.Replace(articleActive, "Rule deny", "Rele deny", 1))
	if rules != nil || len(diagnostics) != 1 {
		t.Fatalf("rules %v, diagnostics %v", rules, diagnostics)
	}
	d := diagnostics[0]
	if d.Severity != firewall.Error || d.Line != 3 || d.Column != 1 || d.EndColumn != 5 || d.Hint != "did you mean rule?" {
		t.Errorf("diagnostic: %+v", d)
	}
}
