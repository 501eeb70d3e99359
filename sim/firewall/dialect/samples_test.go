package dialect

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ftplab/sim/firewall"
)

// samples is where real configurations lie beside the repository, by dialect.
const samples = "../../../../shared/samples"

// refused are the samples that do not parse, each with the first error and why that is
// right.
var refused = map[string]struct{ first, why string }{
	"comware/01_seed_active.txt":  {`"Rele" is not a statement`, "the article's own typing error, which the device refuses"},
	"comware/02_seed_passive.txt": {`"Rele" is not a statement`, "the article's own typing error, which the device refuses"},

	"cisco_ios/batfish_aclIos.txt":              {`"acl" is not an access list number`, "IOS takes a number here; the file tries another tool's tolerance"},
	"cisco_ios/batfish_ios-acl.txt":             {`"AL" is not an access list number`, "IOS takes a number here; the file tries another tool's tolerance"},
	"cisco_ios/batfish_ios-inspect.txt":         {`"ogn2" is not an IPv4 address`, "the word object-group is missing"},
	"cisco_ios/batfish_nxos_ip_access_list.txt": {`"acl_global_options" is not a kind of access list`, "NX-OS, not IOS: ip access-list without standard or extended"},
	"cisco_ios/ciscoconfparse_sample_01.txt":    {`"any" is not an IPv4 address`, "permit esp host any any: host takes an address"},
	"cisco_ios/hand_09_dell_ftp_server.txt":     {`"allow-ftp-server" is not a kind of access list`, "Dell's dialect, not IOS"},
	"cisco_ios/ntc_cisco_ios_show_access-list.txt": {`a standard access list looks at source addresses only`,
		"the fixture has extended entries in a standard list"},
	"cisco_ios/ntc_cisco_ios_show_ip_access-lists_1104.txt": {`"snmp" is not a port`, "the fixture has tcp ... eq snmp, which is a name of udp alone"},
}

// directories are the folders of samples that are read here, with their dialects. The
// packages nft and iptables ask the real tools about theirs.
var directories = map[string]string{"comware": "comware", "cisco_ios": "ios", "cisco_asa": "asa"}

// Every sample parses, and then prints and parses back to the same meaning, or is
// refused with a reason.
func TestSamples(t *testing.T) {
	if _, err := os.Stat(samples); err != nil {
		t.Skip("no samples beside the repository")
	}
	counts := map[string]int{}
	seen := map[string]bool{}
	for directory, name := range directories {
		files, err := filepath.Glob(filepath.Join(samples, directory, "*.txt"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no samples of %s: %v", directory, err)
		}
		for _, file := range files {
			key := directory + "/" + filepath.Base(file)
			seen[key] = true
			t.Run(key, func(t *testing.T) {
				config, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				rs, diagnostics := Parse(name, filepath.Base(file), string(config))
				first := firstError(diagnostics)
				if want, listed := refused[key]; listed {
					if rs != nil || !strings.Contains(first.Message, want.first) {
						t.Fatalf("want the error %q (%s), got %q", want.first, want.why, first.Message)
					}
					counts["refused"]++
					return
				}
				if rs == nil {
					t.Fatalf("refused:\n%s", FormatDiagnostic(first, string(config)))
				}
				counts["parsed"]++
				checkRuleset(t, rs)
				roundTrip(t, rs)
			})
		}
	}
	for key := range refused {
		if !seen[key] {
			t.Errorf("%s is listed as refused but is not there", key)
		}
	}
	t.Logf("%d samples parsed, %d refused with a reason", counts["parsed"], counts["refused"])
}

// checkRuleset checks what holds for every ruleset.
func checkRuleset(t failer, rs *firewall.Ruleset) {
	t.Helper()
	lines := strings.Count(rs.Text, "\n") + 1
	for i, r := range rs.Rules {
		if r.Line < 1 || r.Line > lines || r.Column < 1 || r.Text == "" || strings.TrimSpace(r.Text) != r.Text {
			t.Errorf("rule %d: line %d, column %d, text %q", i, r.Line, r.Column, r.Text)
		}
		for _, p := range r.Parts {
			if (p.Match == nil) == (p.Effect == nil) {
				t.Errorf("rule %d (%s): a part is neither a condition nor an effect", i, r.Text)
			}
			if p.Match != nil && p.Match.Text == "" {
				t.Errorf("rule %d (%s): a condition on %s has no text", i, r.Text, p.Match.Field)
			}
		}
		if c := rs.Chains[r.Chain]; i < c.First || i >= c.First+c.Count {
			t.Errorf("rule %d (%s) is not in its chain %q", i, r.Text, c.Name)
		}
	}
	for _, d := range rs.Diagnostics {
		if d.Severity != firewall.Warning || d.Line < 1 || d.Line > lines || d.Message == "" {
			t.Errorf("diagnostic %+v", d)
		}
	}
}

// The recognition of a dialect finds the one of every sample's folder, alone or beside
// the one other language that reads the text alike.
func TestRecogniseSamples(t *testing.T) {
	if _, err := os.Stat(samples); err != nil {
		t.Skip("no samples beside the repository")
	}
	others := map[string]string{ // what else is right, and why
		"cisco_ios/batfish_aclIos.txt":                                        "asa",     // a named list in the ASA's way
		"cisco_ios/batfish_ios-acl.txt":                                       "ios asa", // both ways in one file
		"cisco_ios/hand_02_groupstudy_active.txt":                             "ios asa", // one line that both read alike
		"nftables/mattbucci_agent-sandbox__network_nftables_vm-rules.nft.txt": "",        // comments alone
	}
	for directory, name := range map[string]string{"comware": "comware", "cisco_ios": "ios", "cisco_asa": "asa", "iptables": "iptables", "nftables": "nft"} {
		files, _ := filepath.Glob(filepath.Join(samples, directory, "*.txt"))
		for _, file := range files {
			config, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			key := directory + "/" + filepath.Base(file)
			want, other := others[key]
			if !other {
				want = name
			}
			if got := strings.Join(Recognise(string(config)), " "); got != want {
				t.Errorf("%s: recognised as %q, want %q", key, got, want)
			}
		}
	}
}
