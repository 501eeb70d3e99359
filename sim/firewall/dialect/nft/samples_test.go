package nft

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/internal/rulestest"
	"ftplab/sim/firewall/dialect/internal/text"
)

// sampleDir holds rulesets of real machines. It lies beside the project and may be
// absent.
const sampleDir = "../../../../../shared/samples/nftables"

func sampleFiles(t *testing.T, pattern string) []string {
	files, err := filepath.Glob(filepath.Join(sampleDir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skip("no samples beside the project")
	}
	return files
}

func readFile(t testing.TB, name string) string {
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func messages(diagnostics []firewall.Diagnostic, config string) string {
	var b strings.Builder
	for _, d := range diagnostics {
		if d.Severity == firewall.Error {
			b.WriteString(text.Format(d, config))
		}
	}
	return b.String()
}

// refusedSamples are the sample files that are refused, and why.
var refusedSamples = map[string]string{
	"ftp_wrong_undefined_helper.txt": "sets a helper that it does not declare, as its first line says",
}

func TestSamplesParseAndPrintBack(t *testing.T) {
	parsed, refused := 0, 0
	for _, pattern := range []string{"*.txt", "canonical/*.txt"} {
		for _, file := range sampleFiles(t, pattern) {
			config := readFile(t, file)
			rs, diagnostics := Parse(filepath.Base(file), config)
			if why, ok := refusedSamples[filepath.Base(file)]; ok && pattern == "*.txt" {
				if rs != nil {
					t.Errorf("%s parses, but %s", file, why)
				}
				refused++
				continue
			}
			if rs == nil {
				t.Errorf("%s", messages(diagnostics, config))
				continue
			}
			parsed++
			roundTrip(t, file, rs)
		}
	}
	t.Logf("%d files parse, %d are refused", parsed, refused)
}

// roundTrip checks that a ruleset is printed so that it is read back with the same
// meaning.
func roundTrip(t *testing.T, name string, rs *firewall.Ruleset) {
	t.Helper()
	printed := Print(rs)
	again, diagnostics := Parse("printed", printed)
	if again == nil {
		t.Errorf("%s: what is printed is not read back:\n%s", name, messages(diagnostics, printed))
		return
	}
	if diff := cmp.Diff(rulestest.Meaning(rs), rulestest.Meaning(again)); diff != "" {
		t.Errorf("%s: what is printed means something else:\n%s", name, diff)
	}
}

// machineSamples are rejected files whose fault is not in the text but in the machine
// that they were tried on. They parse here.
var machineSamples = map[string]string{
	"CallMeR_pve_configuration_notes__src_debian_debian_ts_nftables.conf.txt":                                                    "the flowtable's interface does not exist there",
	"SadraKhorami_ShitM-Guard__infra_nftables_entry.nft.txt":                                                                     "an interface does not exist there",
	"Tomassone_Universidad__Esercitazioni_SI_NFT_tables_13_09_2023_ruleset.nft.txt":                                              "an interface does not exist there",
	"Ziumper_Netfilter__fw.nft.txt":                                                                                              "an interface does not exist there",
	"nottoBD_mininet-secops__protections_network_port_scan_r1_port_scan_protection.nft.txt":                                      "an interface does not exist there",
	"pkasila_contest-toolkit__infrastructure_gateway_nftables_rules.nft.txt":                                                     "an interface does not exist there",
	"rchars_AdminStuff__Misc_RaspberryPI4B_nftables.conf.txt":                                                                    "an interface does not exist there",
	"yinbaiyuan_houzzkit-f1-opensource__houzzkit-f1-rootfs-u2404_ubuntu-rootfs_usr_share_doc_nftables_examples_overview.nft.txt": "an interface does not exist there",
	"clipos_products_clipos__qemu_bundle.d_nft_rules.nft.txt":                                                                    "a user does not exist there",
	"powerman_sandbox-ai-dev__uid_nftables_uid-ai-dev.nft.txt":                                                                   "a user does not exist there",
	"progmaticltd_homebox__roles_firewall_templates_rules_20-proxy.nft.txt":                                                      "a user does not exist there",
	"universal-ctags_ctags__Units_parser-nftables.r_nftables-secmark.d_input.nft.txt":                                            "its kernel has no SELinux",
}

// elsewhereSamples are rejected files in which nft complains of another place first.
var elsewhereSamples = map[string]string{
	"delejos_conduit-iran-khajubridge__nftables_conduit-region.nft.txt":                                "a rate in a define: the slash is reported, not the word after it",
	"greg2010_wireguard-gateway-operator__k8s_charts_wireguard-gateway-operator_files_gateway.nft.txt": "its interface does not exist there; a service after it is unknown everywhere",
	"shakibamoshiri_vit__nftables-mine_lbing.nft.txt":                                                  "keys of load balancing are not compared with the map's type",
}

// TestRejectedSamples reads what nft 1.0.6 said of each file it refused, and expects an
// error at the same place.
func TestRejectedSamples(t *testing.T) {
	where := regexp.MustCompile(`^(\S+?): \S+?:(\d+):(\d+)-\d+: Error`)
	refused, parsed := 0, 0
	for _, line := range strings.Split(readFile(t, sampleFiles(t, "rejected_by_nft106/ERRORS.txt")[0]), "\n") {
		name, _, _ := strings.Cut(line, ": ")
		if name == "" {
			continue
		}
		config := readFile(t, filepath.Join(sampleDir, "rejected_by_nft106", name))
		rs, diagnostics := Parse(name, config)
		if _, ok := machineSamples[name]; ok {
			if rs == nil {
				t.Errorf("%s", messages(diagnostics, config))
			}
			parsed++
			continue
		}
		if rs != nil {
			t.Errorf("%s parses; nft said: %s", name, line)
			continue
		}
		refused++
		place := where.FindStringSubmatch(line)
		_, elsewhere := elsewhereSamples[name]
		if place == nil || elsewhere {
			continue
		}
		if got := fmt.Sprintf("%d:%d", diagnostics[0].Line, diagnostics[0].Column); got != place[2]+":"+place[3] {
			t.Errorf("%s: error at %s (%s); nft said: %s", name, got, diagnostics[0].Message, line)
		}
	}
	t.Logf("%d files are refused, %d parse because their fault was the machine's", refused, parsed)
}
