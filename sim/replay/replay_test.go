package replay_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/nft"
	"ftplab/sim/replay"
)

func TestParseInterface(t *testing.T) {
	i, isDefault, err := replay.ParseInterface("wan=203.0.113.2/24,2001:db8::2/64,default")
	if err != nil || i.Name != "wan" || len(i.Prefixes) != 2 || !isDefault {
		t.Errorf("%+v, default %v, %v", i, isDefault, err)
	}
	for _, bad := range []string{"", "wan", "=1.2.3.4/8", "wan=", "wan=1.2.3.4", "wan=default", "wan=x/24"} {
		if _, _, err := replay.ParseInterface(bad); err == nil {
			t.Errorf("%q is taken for an interface", bad)
		}
	}
}

// lab is the server-side firewall of the captures.
func lab(t testing.TB, text string) replay.Config {
	t.Helper()
	return firewallOf(t, text, "lan=192.168.10.254/24", "wan=203.0.113.2/24")
}

// firewallOf runs nft rules between two interfaces; the second leads everywhere.
func firewallOf(t testing.TB, text string, interfaces ...string) replay.Config {
	t.Helper()
	rs, diagnostics := nft.Parse("rules.nft", text)
	if rs == nil {
		t.Fatal(diagnostics)
	}
	c := replay.Config{Default: 1, Rules: rs}
	for _, s := range interfaces {
		i, _, err := replay.ParseInterface(s)
		if err != nil {
			t.Fatal(err)
		}
		c.Interfaces = append(c.Interfaces, i)
	}
	return c
}

// drops lists the packets from a host that a replay drops, as "S 1027>2024 line 6".
func drops(t testing.TB, c replay.Config, capture []byte, from netip.Addr) []string {
	t.Helper()
	var out []string
	err := replay.Run(c, bytes.NewReader(capture), func(v replay.Verdict) error {
		if v.Err != nil || v.Frame.Packet.Src != from || v.Decision.Action == firewall.ActionForward {
			return nil
		}
		out = append(out, fmt.Sprintf("%s %d>%d %v", v.Frame.Packet.Flags, v.Frame.Packet.SrcPort, v.Frame.Packet.DstPort, v.Decision.Hook))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestCapturesOfTheLab judges captures of real sessions through real Linux firewalls,
// taken on both sides, and compares with what the kernel dropped then. A few captures are
// carried along; all of them are judged where the lab lies beside the project.
func TestCapturesOfTheLab(t *testing.T) {
	for _, root := range []string{filepath.Join("testdata", "lab"), filepath.Join("..", "..", "..", "shared", "oracle")} {
		captures := 0
		for _, row := range []string{"2", "3", "4", "5", "8", "8b", "9"} {
			rules, err := os.ReadFile(filepath.Join(root, "rulesets", row+".fws.nft"))
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			columns, _ := filepath.Glob(filepath.Join(root, "fixtures", row, "*"))
			for _, column := range columns {
				captures++
				sameDrops(t, lab(t, string(rules)), column)
			}
		}
		if captures == 0 && strings.HasPrefix(root, "testdata") {
			t.Error("no captures were judged")
		}
		t.Logf("%s: %d pairs of captures", root, captures)
	}
}

// sameDrops judges both captures of a session and compares with the drops of the day.
func sameDrops(t *testing.T, config replay.Config, session string) {
	t.Helper()
	var outcome struct {
		Drops []struct {
			Router, Hook, Src, Flags string
			Sport, Dport             int
		}
	}
	read(t, filepath.Join(session, "outcome.json"), &outcome)
	for host, file := range map[string]string{"10.0.0.2": "client.pcap", "192.168.10.1": "server.pcap"} {
		var want []string
		for _, d := range outcome.Drops {
			if d.Src == host && d.Router == "fws" {
				want = append(want, fmt.Sprintf("%s %d>%d %s", letters(d.Flags), d.Sport, d.Dport, d.Hook))
			}
		}
		capture, err := os.ReadFile(filepath.Join(session, file))
		if err != nil {
			t.Fatal(err)
		}
		got := drops(t, config, capture, netip.MustParseAddr(host))
		if len(want) >= 12 {
			got = got[:min(len(got), 12)] // the lab kept no more
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s %s:\n got %v\nwant %v", session, file, got, want)
		}
	}
}

// letters puts flags into the order S A F R P U.
func letters(flags string) string {
	var b strings.Builder
	for _, l := range "SAFRPU" {
		if strings.ContainsRune(flags, l) {
			b.WriteRune(l)
		}
	}
	return b.String()
}

func read(t *testing.T, file string, into any) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatal(err)
	}
}

func TestLines(t *testing.T) {
	capture, err := os.ReadFile(filepath.Join("testdata", "lab", "fixtures", "8", "PASV-LIST", "client.pcap"))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := os.ReadFile(filepath.Join("testdata", "lab", "rulesets", "8.fws.nft"))
	if err != nil {
		t.Fatal(err)
	}
	config := lab(t, string(rules))
	var dropped []replay.Line
	err = replay.Run(config, bytes.NewReader(capture), func(v replay.Verdict) error {
		if v.Err != nil {
			return v.Err
		}
		if l := v.Line(config.Rules); l.Verdict == "drop" {
			dropped = append(dropped, l)
		}
		return nil
	})
	if err != nil || len(dropped) == 0 {
		t.Fatalf("%d drops, %v", len(dropped), err)
	}
	l := dropped[0]
	if l.Rule == nil || !strings.Contains(l.Rule.Text, "final-drop") || l.State == nil || *l.State != "new" || l.Out != nil || len(l.Missed) != 2 || l.In != "wan" {
		b, _ := json.Marshal(l)
		t.Errorf("the first drop: %s", b)
	}
}

// TestWrongChecksum: a packet whose checksum is wrong on the wire is invalid for Linux, and
// the line says that this is why.
func TestWrongChecksum(t *testing.T) {
	capture, err := os.ReadFile(filepath.Join("testdata", "lab", "fixtures", "8", "PASV-LIST", "server.pcap"))
	if err != nil {
		t.Fatal(err)
	}
	capture = bytes.Clone(capture[:24+16+14+20+20]) // the first frame's headers: Ethernet, IPv4, TCP
	const window = 24 + 16 + 14 + 20 + 14
	capture[window] ^= 0x55 // the checksum is not that of this window
	binary.LittleEndian.PutUint32(capture[24+8:], 14+20+20)
	binary.LittleEndian.PutUint32(capture[24+12:], 14+20+20)
	ip := capture[24+16+14:]
	binary.BigEndian.PutUint16(ip[2:], 40) // without the TCP options
	ip[20+12] = 5 << 4
	config := lab(t, "table ip fw {\n  chain forward { type filter hook forward priority 0; ct state new accept; drop; }\n}\n")
	var lines []replay.Line
	if err := replay.Run(config, bytes.NewReader(capture), func(v replay.Verdict) error {
		lines = append(lines, v.Line(config.Rules))
		return v.Err
	}); err != nil {
		t.Fatal(err)
	}
	if len(lines) != 1 || lines[0].Verdict != "drop" || *lines[0].State != "invalid" || lines[0].Invalid != "its checksum is wrong" {
		t.Errorf("%+v", lines)
	}
}

func TestBrokenCaptures(t *testing.T) {
	whole, err := os.ReadFile(filepath.Join("testdata", "lab", "fixtures", "8", "PASV-LIST", "client.pcap"))
	if err != nil {
		t.Fatal(err)
	}
	config := lab(t, "table ip fw {\n  chain forward { type filter hook forward priority 0; }\n}\n")
	for name, capture := range map[string][]byte{
		"empty": nil, "text": []byte("this is no capture"), "header only": whole[:24], "cut in a frame": whole[:150],
	} {
		frames := 0
		err := replay.Run(config, bytes.NewReader(capture), func(replay.Verdict) error { frames++; return nil })
		if (err == nil) != (name == "header only") {
			t.Errorf("%s: %d frames, error %v", name, frames, err)
		}
	}
}

func FuzzRun(f *testing.F) {
	for _, file := range []string{"client.pcap", "server.pcap"} {
		capture, err := os.ReadFile(filepath.Join("testdata", "lab", "fixtures", "9", "PORT-LIST", file))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(capture)
	}
	rules, err := os.ReadFile(filepath.Join("testdata", "lab", "rulesets", "9.fws.nft"))
	if err != nil {
		f.Fatal(err)
	}
	config := lab(f, string(rules))
	f.Fuzz(func(t *testing.T, capture []byte) {
		_ = replay.Run(config, bytes.NewReader(capture), func(v replay.Verdict) error {
			if v.Err == nil {
				v.Line(config.Rules)
			}
			return nil
		})
	})
}
