package ftp

import (
	"bytes"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"ftplab/sim/event"
)

var update = flag.Bool("update", false, "write the golden files anew")

// goldenSessions are whole sessions of our client with our server, as both note them.
func goldenSessions() []struct {
	name   string
	client func(*ClientConfig)
	server func(*ServerConfig)
} {
	return []struct {
		name   string
		client func(*ClientConfig)
		server func(*ServerConfig)
	}{
		{"passive", nil, nil},
		{"active-extended-tls", func(c *ClientConfig) { c.Mode, c.TLS = ModeEPRT, true }, func(c *ServerConfig) { c.TLS = true }},
		{"script", func(c *ClientConfig) {
			c.User, c.Password = "ftplab", "s3cret"
			c.Script = []Step{
				{Op: "cwd", Path: "/pub"},
				{Op: OpList},
				{Op: OpRetrieve, Path: "readme.txt", Offset: 10, Mode: ModePORT},
				{Op: OpRetrieve, Path: "nosuch", MayFail: true},
				{Op: OpPause, Wait: 2 * time.Second},
				{Op: OpStore, Path: "/incoming/up", LocalData: Pattern(3000), Mode: ModeEPSV},
				{Op: OpStore, Path: "/incoming/up", LocalData: Pattern(5000), Resume: true},
				{Op: OpAppend, Path: "/incoming/up", LocalData: []byte("more")},
				{Op: OpStoreUnique, Path: "/incoming/up", LocalData: []byte("u")},
				{Op: OpCommand, Path: "SIZE /incoming/up"},
				{Op: OpNameList, Path: "/incoming"},
				{Op: OpMachineList, Path: "/incoming"},
				{Op: OpRetrieve, Path: "large.bin", AbortAfter: 100_000},
				{Op: "noop"},
				{Op: OpQuit},
				{Op: "pwd"},
			}
		}, nil},
		{"vsftpd-script", func(c *ClientConfig) {
			c.Script = []Step{{Op: OpList}, {Op: OpRetrieve, Path: "pub/readme.txt", Mode: ModePORT}, {Op: "cwd", Path: "nosuch", MayFail: true}}
		}, func(c *ServerConfig) { *c = VSFTPDConfig() }},
		{"fallback", func(c *ClientConfig) {
			c.Mode, c.Fallback = ModeEPRT, true
		}, func(c *ServerConfig) { c.PortEnable = false }},
		{"login-refused", func(c *ClientConfig) { c.User, c.Password = "ftplab", "wrong" }, nil},
	}
}

func goldenConfigs(client func(*ClientConfig), server func(*ServerConfig)) (ClientConfig, ServerConfig) {
	c, s := DefaultClientConfig(labServer), ownServer()
	c.KeepBytes, s.KeepBytes = true, true
	if server != nil {
		server(&s)
	}
	if client != nil {
		client(&c)
	}
	return c, s
}

func TestGoldenSessions(t *testing.T) {
	for _, g := range goldenSessions() {
		t.Run(g.name, func(t *testing.T) {
			client, server := goldenConfigs(g.client, g.server)
			b := newBackToBack(t, &client, &server, DefaultTree())
			b.run()
			r := b.client.Result()
			got := b.log.String() + "# " + r.Outcome + " in " + r.Phase + "\n"
			file := filepath.Join("testdata", "golden", g.name+".txt")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatalf("%v (run with -update)", err)
			}
			if got != string(want) {
				t.Errorf("the session is not the one in %s:\n%s", file, got)
			}
		})
	}
}

// TestScriptTransfersBytes: what the script of the golden session moved.
func TestScriptTransfersBytes(t *testing.T) {
	script := goldenSessions()[2]
	client, server := goldenConfigs(script.client, script.server)
	tree := DefaultTree()
	b := newBackToBack(t, &client, &server, tree)
	b.run()
	if got := readAll(t, tree, "/incoming/up"); !bytes.Equal(got, append(Pattern(5000), "more"...)) {
		t.Errorf("/incoming/up has %d octets", len(got))
	}
	if got := readAll(t, tree, "/incoming/up.1"); string(got) != "u" {
		t.Errorf("/incoming/up.1 is %q", got)
	}
	transfers := b.client.Result().Transfers
	if got := joined(transfers[1].Data); string(got) != readme[10:] {
		t.Errorf("REST 10: %q", got)
	}
	aborted := transfers[len(transfers)-1]
	if aborted.Bytes < 100_000 || aborted.Bytes >= LargeFileSize {
		t.Errorf("ABOR after %d octets", aborted.Bytes)
	}
}

// recordedInput is what a machine was told in a run.
type recordedInput struct {
	at event.Time
	in Input
}

// TestClonesGoOnAlike clones both machines in the middle of sessions: the clone and
// the original ask for the same things from there on, and do not disturb each other.
func TestClonesGoOnAlike(t *testing.T) {
	for _, g := range goldenSessions() {
		client, server := goldenConfigs(g.client, g.server)
		b := newBackToBack(t, &client, &server, DefaultTree())
		b.keepInputs = true
		b.run()
		for cut := 0; cut < len(b.told[serverEnd]); cut += 3 {
			tree := DefaultTree()
			s := NewSession(&server, tree)
			feedAll(s, b.told[serverEnd][:cut])
			cloneTree := tree.Clone()
			c := s.Clone(cloneTree)
			got := feedAll(c, b.told[serverEnd][cut:])
			want := feedAll(s, b.told[serverEnd][cut:])
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("%s: a session cloned after %d inputs goes on otherwise", g.name, cut)
			}
		}
		for cut := 0; cut < len(b.told[clientEnd]); cut += 3 {
			m := NewClient(&client)
			feedAll(m, b.told[clientEnd][:cut])
			c := m.Clone()
			got := feedAll(c, b.told[clientEnd][cut:])
			before := c.Result().clone()
			want := feedAll(m, b.told[clientEnd][cut:])
			if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(before, *m.Result()) || !reflect.DeepEqual(*c.Result(), before) {
				t.Fatalf("%s: a client cloned after %d inputs goes on otherwise", g.name, cut)
			}
		}
	}
}

// feedAll tells a machine everything and returns what it asked for.
func feedAll(m Machine, inputs []recordedInput) []Effect {
	var effects []Effect
	for _, i := range inputs {
		m.Handle(i.at, i.in)
		for e, ok := m.Next(); ok; e, ok = m.Next() {
			effects = append(effects, e)
		}
	}
	return effects
}

func TestSetVSFTPD(t *testing.T) {
	c := VSFTPDConfig()
	for _, kv := range [][2]string{
		{"pasv_address", "203.0.113.2"}, {"pasv_min_port", "40000"}, {"pasv_max_port", "40010"},
		{"connect_timeout", "60"}, {"port_enable", "NO"}, {"ftpd_banner", "hi"}, {"anon_max_rate", "2000"},
	} {
		mustSet(t, &c, kv[0], kv[1])
	}
	if c.PasvAddress != netip.MustParseAddr("203.0.113.2") || c.PasvMinPort != 40000 || c.PasvMaxPort != 40010 ||
		c.ConnectTimeout != time.Minute || c.PortEnable || c.Banner != "hi" || c.MaxRate != 2000 {
		t.Errorf("%+v", c)
	}
	for _, kv := range [][2]string{
		{"nosuch", "1"}, {"port_enable", "1"}, {"pasv_address", "x"}, {"pasv_min_port", "65536"}, {"connect_timeout", "-1"},
	} {
		if err := c.SetVSFTPD(kv[0], kv[1]); err == nil {
			t.Errorf("%s=%s is accepted", kv[0], kv[1])
		}
	}
}

func TestParseMode(t *testing.T) {
	for name, want := range map[string]Mode{"pasv": ModePASV, "Passive": ModePASV, "EPSV": ModeEPSV, "active": ModePORT, "port": ModePORT, "eprt": ModeEPRT} {
		if got, err := ParseMode(name); got != want || err != nil {
			t.Errorf("ParseMode(%q) = %v, %v", name, got, err)
		}
	}
	if _, err := ParseMode("passiv"); err == nil {
		t.Error("ParseMode takes a mode that is none")
	}
}
