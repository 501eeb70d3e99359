package topology

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"ftplab/sim"
	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect"
	"ftplab/sim/ftp"
	"ftplab/sim/trace"
	"ftplab/topology/document"
)

var update = flag.Bool("update", false, "write the golden files anew")

// formatExample is the example of FORMAT.md.
func formatExample(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(text)
	if found == nil {
		t.Fatal("FORMAT.md has no example")
	}
	return string(found[1])
}

func TestFormatExample(t *testing.T) {
	n, err := Parse("example.yaml", []byte(formatExample(t)), nil)
	if err != nil {
		t.Fatal(err)
	}
	sc, err := n.Scenario(Selection{})
	if err != nil {
		t.Fatal(err)
	}
	if len(sc.Nodes) != 3 || sc.Nodes[1].Kind != trace.Firewall || sc.Nodes[1].Rules == nil {
		t.Errorf("nodes: %+v", sc.Nodes)
	}
	if l := sc.Links[1]; l.Delay != 20*time.Millisecond || l.BitsPerSecond != 20_000_000 || l.Loss != 0.005 {
		t.Errorf("link: %+v", l)
	}
	if c := sc.Servers[0].Config; c.PasvMinPort != 50000 || c.ConnectTimeout != 5*time.Second || c.AnonymousUpload != "/incoming" {
		t.Errorf("server: %+v", c)
	}
	if c := sc.Clients[0].Config; c.Mode != ftp.ModePASV || c.LocalControlPort != 1026 || c.Path != "/pub/readme.txt" {
		t.Errorf("client: %+v", c)
	}
	for mode, want := range map[string]string{"pasv": "ok", "active": "425"} {
		sc, err := n.Scenario(Selection{Mode: mode})
		if err != nil {
			t.Fatal(err)
		}
		tr, err := sim.Run(sc)
		if err != nil {
			t.Fatal(err)
		}
		if got := outcome(tr); got != want {
			t.Errorf("%s ends in %s, not %s", mode, got, want)
		}
	}
}

func outcome(tr *trace.Trace) string {
	for id := trace.ID(tr.Len()); id > 0; id-- {
		if e, ok := tr.Event(id).Body.(trace.Ended); ok {
			return e.Result.Outcome
		}
	}
	return "no result"
}

// TestFormatListsEveryKey keeps FORMAT.md complete.
func TestFormatListsEveryKey(t *testing.T) {
	text, err := os.ReadFile("FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, keys := range [][]string{fileKeys, nodeKeys, serverKeys, clientKeys, {"on", "to", "source_port", "start", "timeout", "banner"}} {
		for _, key := range keys {
			if !strings.Contains(string(text), "`"+key+"`") && !strings.Contains(string(text), key+":") {
				t.Errorf("FORMAT.md does not explain %q", key)
			}
		}
	}
	for _, name := range hostSysctls {
		if !strings.Contains(string(text), name[strings.LastIndex(name, ".")+1:]) {
			t.Errorf("FORMAT.md does not explain %q", name)
		}
	}
}

// TestErrors compares what is said about the wrong files of testdata/errors with
// testdata/errors.golden.
func TestErrors(t *testing.T) {
	files, err := filepath.Glob("testdata/errors/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	var got strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(file)
		n, err := Parse(name, text, os.DirFS("testdata/errors"))
		if err == nil {
			t.Errorf("%s is taken for right: %+v", name, n)
		}
		var errs document.Errors
		if !errors.As(err, &errs) {
			t.Errorf("%s: the error is a %T", name, err)
		}
		for _, e := range errs {
			if e.Line == 0 {
				t.Errorf("%s: no line in %q", name, e.Error())
			}
		}
		fmt.Fprintln(&got, err)
	}
	const golden = "testdata/errors.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("messages changed (-update writes them anew):\n%s", diff)
	}
}

func TestUnknownChoicesListTheKnown(t *testing.T) {
	n, err := Parse("example.yaml", []byte(formatExample(t)), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		sel  Selection
		want string
	}{
		{Selection{Mode: "pasive"}, `unknown mode "pasive": did you mean pasv? (known: pasv, epsv, port, eprt)`},
		{Selection{Op: "get"}, `unknown operation "get" (known: retr, list, stor)`},
		{Selection{Firewall: "acl"}, `unknown firewall "acl" (known: stateful, none)`},
		{Selection{Set: map[string]string{"dataport": "7"}}, `unknown option "dataport": did you mean data_port? (known: data_port)`},
		{Selection{Set: map[string]string{"data_port": "many"}}, `--set data_port: "many" is not a port (ports are 1 to 65535)`},
	} {
		if _, err := n.Scenario(c.sel); err == nil || err.Error() != c.want {
			t.Errorf("%+v: error\n%v, want\n%s", c.sel, err, c.want)
		}
	}
}

func TestSelection(t *testing.T) {
	n, err := Parse("example.yaml", []byte(formatExample(t)), nil)
	if err != nil {
		t.Fatal(err)
	}
	sel, err := n.Complete(Selection{Mode: "Active", Firewall: "NONE"})
	if err != nil {
		t.Fatal(err)
	}
	if sel.Mode != "port" || sel.Firewall != "none" || sel.Op != "retr" || sel.Seed != 1 {
		t.Errorf("complete selection: %+v", sel)
	}
	sc, err := n.Scenario(Selection{Mode: "eprt", Op: "stor", Firewall: "none", TLS: true, Seed: 7, Set: map[string]string{"data_port": "4000"}})
	if err != nil {
		t.Fatal(err)
	}
	c := sc.Clients[0].Config
	if c.Mode != ftp.ModeEPRT || c.Op != ftp.OpStore || c.Path != "/incoming/up.bin" || len(c.LocalData) != 3000 || !c.TLS || c.LocalDataPort != 4000 {
		t.Errorf("client: %+v", c)
	}
	if sc.Seed != 7 || sc.Nodes[1].Rules != nil {
		t.Errorf("seed %d, rules %v", sc.Seed, sc.Nodes[1].Rules)
	}
	if n.Options[0].Default != "1027" {
		t.Errorf("the option's default is %q", n.Options[0].Default)
	}
}

// TestModesInOneOrder checks that the order of `modes` chooses the default and nothing
// else: modes are listed alike everywhere.
func TestModesInOneOrder(t *testing.T) {
	for _, c := range []struct{ listed, modes, standard string }{
		{"[eprt, port, epsv, pasv]", "[pasv epsv port eprt]", "eprt"},
		{"[active, pasv]", "[pasv port]", "port"},
		{"[pasv]", "[pasv]", "pasv"},
	} {
		n, err := Parse("example.yaml", []byte(formatExample(t)+"modes: "+c.listed+"\n"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(n.Modes); got != c.modes || n.Default.Mode != c.standard {
			t.Errorf("modes: %s is %s with the default %s, not %s with %s", c.listed, got, n.Default.Mode, c.modes, c.standard)
		}
	}
}

// TestInherit checks `network` and `change`: the file on top wins, paths reach below.
func TestInherit(t *testing.T) {
	files := fstest.MapFS{
		"base.yaml": {Data: []byte(formatExample(t))},
		"own.txt":   {Data: []byte("rule deny ip\n")},
	}
	n, err := Parse("top.yaml", []byte(`title: on top
network: base.yaml
modes: [port]
change:
  nodes.client.sysctl.net.ipv4.tcp_sack: no
  clients.client.split: 12
  servers.server.port: 2121
  links.2.loss: 0
options:
  delay: {title: the short link's, sets: links.1.delay}
services:
  web: {on: server, port: 80}
variants:
  - {name: own, rules_file: own.txt, apply: wan inbound}
`), files)
	if err != nil {
		t.Fatal(err)
	}
	sc, err := n.Scenario(Selection{})
	if err != nil {
		t.Fatal(err)
	}
	if sc.Name != "on top" || !sc.Nodes[0].TCP.NoSACK || sc.Clients[0].Config.Split != 12 || sc.Servers[0].Port != 2121 {
		t.Errorf("changes were not made: %+v", sc)
	}
	if sc.Links[0].Loss != 0 || sc.Links[1].Loss != 0 || len(sc.Services) != 1 || len(n.Options) != 2 || n.Options[1].Default != "1ms" {
		t.Errorf("not added to what was there: %+v, %+v", sc, n.Options)
	}
	chain := sc.Nodes[1].Rules.Chains[0]
	if chain.Hook != firewall.Inbound || chain.Interface != "wan" || sc.Nodes[1].Rules.File != "own.txt" {
		t.Errorf("list applied at %q %v of %s", chain.Interface, chain.Hook, sc.Nodes[1].Rules.File)
	}
}

func TestRulesAreTheTextShown(t *testing.T) {
	n, err := Parse("example.yaml", []byte(formatExample(t)), nil)
	if err != nil {
		t.Fatal(err)
	}
	sc, err := n.Scenario(Selection{})
	if err != nil {
		t.Fatal(err)
	}
	rs := sc.Nodes[1].Rules
	lines := strings.Split(rs.Text, "\n")
	if lines[0] != "table ip fw {" {
		t.Errorf("the text begins with %q", lines[0])
	}
	for _, r := range rs.Rules {
		if !strings.Contains(lines[r.Line-1], r.Text) {
			t.Errorf("rule %q is not in line %d: %q", r.Text, r.Line, lines[r.Line-1])
		}
	}
}

func TestWithRules(t *testing.T) {
	n, err := Parse("example.yaml", []byte(formatExample(t)), nil)
	if err != nil {
		t.Fatal(err)
	}
	parse := func(text string) *firewall.Ruleset {
		rs, diagnostics := dialect.Parse("", "own.txt", text)
		if rs == nil {
			t.Fatal(diagnostics)
		}
		return rs
	}
	nft := parse(`table ip fw {
  chain forward { type filter hook forward priority 0; policy drop;
    iifname { "eth7", "wan" } accept
    iifname "ppp*" accept
  }
}
`)
	own, err := n.WithRules(nft, map[string]string{"eth7": "LAN"})
	if err != nil {
		t.Fatal(err)
	}
	if v := own.Variants; v[0].Name != "own.txt" || !v[0].Default || v[1].Default || len(v) != 3 || own.Default.Firewall != "own.txt" {
		t.Errorf("variants %+v", v)
	}
	sc, err := own.Scenario(Selection{})
	if err != nil {
		t.Fatal(err)
	}
	if names := sc.Nodes[1].Rules.UsedInterfaces(); fmt.Sprint(names) != "[lan wan ppp*]" {
		t.Errorf("interfaces are %v", names)
	}
	if names := nft.UsedInterfaces(); fmt.Sprint(names) != "[eth7 wan ppp*]" {
		t.Errorf("the original was changed: %v", names)
	}
	if sc, err := own.Scenario(Selection{Firewall: "none"}); err != nil || sc.Nodes[1].Rules != nil {
		t.Errorf("the other variants are gone: %v", err)
	}
	for _, c := range []struct {
		text       string
		interfaces map[string]string
		want       string
	}{
		{nft.Text, nil, `own.txt: interface "eth7" is not in this network (known: lan, wan): say where it is with --if eth7=lan or wan, or none`},
		{nft.Text, map[string]string{"eth7": "dmz"}, `unknown side or interface "dmz" (known: lan, wan, none)`},
		{nft.Text, map[string]string{"eth8": "lan"}, `unknown interface of own.txt "eth8": did you mean eth7? (known: eth7, wan, ppp*)`},
		{"rule deny ip\n", nil, `own.txt: the list is bound to no interface, and A client behind a stateful firewall does not say to which of lan, wan`},
	} {
		if _, err := n.WithRules(parse(c.text), c.interfaces); err == nil || err.Error() != c.want {
			t.Errorf("%.20q with %v: error\n%v, want\n%s", c.text, c.interfaces, err, c.want)
		}
	}
}

// TestWithRulesOnASide checks that a list at a side with two interfaces is bound to both.
func TestWithRulesOnASide(t *testing.T) {
	text := strings.Replace(formatExample(t), "      wan: {address: 203.0.113.1/24, side: wan}\n",
		"      wan: {address: 203.0.113.1/24, side: wan}\n      dmz: {address: 198.51.100.1/24, side: wan}\n", 1)
	n, err := Parse("example.yaml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	rs, diagnostics := dialect.Parse("comware", "own.txt", "acl advanced 3000\n rule permit ip\ninterface GigabitEthernet1/0/1\n packet-filter 3000 inbound\n")
	if rs == nil {
		t.Fatal(diagnostics)
	}
	own, err := n.WithRules(rs, map[string]string{"GigabitEthernet1/0/1": "wan"})
	if err != nil {
		t.Fatal(err)
	}
	sc, err := own.Scenario(Selection{})
	if err != nil {
		t.Fatal(err)
	}
	var bound []string
	for _, c := range sc.Nodes[1].Rules.Chains {
		if c.Hook == firewall.Inbound {
			bound = append(bound, c.Interface)
		}
	}
	if fmt.Sprint(bound) != "[wan dmz]" {
		t.Errorf("bound to %v", bound)
	}
}

func TestLayout(t *testing.T) {
	n, err := Parse("example.yaml", []byte(formatExample(t)), nil)
	if err != nil {
		t.Fatal(err)
	}
	sc, err := n.Scenario(Selection{})
	if err != nil {
		t.Fatal(err)
	}
	sc.Nodes = append(sc.Nodes, sim.Node{Name: "lonely"}, sim.Node{Name: "printer"})
	sc.Links = append(sc.Links, sim.Link{A: sim.Port{Node: "fw"}, B: sim.Port{Node: "printer"}})
	want := []Place{{0, 0}, {1, 0}, {2, 0}, {3, 0}, {2, 1}}
	if diff := cmp.Diff(want, Layout(sc)); diff != "" {
		t.Error(diff)
	}
	if got := Layout(sim.Scenario{}); len(got) != 0 {
		t.Errorf("nothing is placed at %v", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(formatExample(f)))
	files, _ := filepath.Glob("testdata/errors/*.yaml")
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		n, err := Parse("f", text, nil)
		if err != nil {
			return
		}
		// What was found in order makes a scenario in every variant.
		for _, v := range n.Variants {
			if _, err := n.Scenario(Selection{Firewall: v.Name}); err != nil {
				t.Fatalf("variant %q: %v", v.Name, err)
			}
		}
	})
}

func BenchmarkScenario(b *testing.B) {
	n, err := Parse("example.yaml", []byte(formatExample(b)), nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := n.Scenario(Selection{}); err != nil {
			b.Fatal(err)
		}
	}
}
