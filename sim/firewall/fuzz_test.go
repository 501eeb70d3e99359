package firewall_test

import (
	"net/netip"
	"os"
	"testing"
	"time"

	"ftplab/sim/event"
	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect"
	"ftplab/sim/wire"
)

// FuzzReceive sends arbitrary datagrams, one after the other, through devices of
// several kinds. Nothing may crash, and decisions must make sense.
func FuzzReceive(f *testing.F) {
	var rulesets []*firewall.Ruleset
	for _, file := range []string{"row13.fwc.nft", "pool.fwc.nft", "maps.fwc.nft", "nat66helper.fwc.nft", "row18.fws.nft"} {
		text, err := os.ReadFile("testdata/rulesets/" + file)
		if err != nil {
			f.Fatal(err)
		}
		rules, diagnostics := dialect.Parse("nft", file, string(text))
		if rules == nil {
			f.Fatal(diagnostics)
		}
		rulesets = append(rulesets, rules)
	}
	for _, name := range []string{"aspf", "cbac", "asa strict", "isa"} {
		text := vendorTexts[name]
		dialectName := map[string]string{"aspf": "comware", "cbac": "ios", "asa strict": "asa", "isa": "isa"}[name]
		rules, diagnostics := dialect.Parse(dialectName, name, text)
		if rules == nil {
			f.Fatal(diagnostics)
		}
		rulesets = append(rulesets, rules)
	}
	for which := range rulesets {
		f.Add(uint8(which), seedDialogue())
	}
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		rules := rulesets[int(which)%len(rulesets)]
		config := kernelProfile("fwc")
		if rules.Dialect != "nft" {
			names := map[string][2]string{"comware": {"GigabitEthernet2/1/9", "GigabitEthernet2/1/10"}, "ios": {"GigabitEthernet2/1/9", "GigabitEthernet2/1/10"}, "asa": {"outside", "inside"}, "isa": {"outside", "inside"}}[rules.Dialect]
			config.Interfaces[0].Name, config.Interfaces[1].Name = names[0], names[1]
		}
		config.Rules, config.Seed = rules, 1
		d := firewall.NewDevice(config)
		now := event.Time(0)
		for len(data) >= 3 {
			in, length := int(data[0]%3), int(data[1])<<8|int(data[2])
			now = now.Add(time.Duration(data[0]/3) * time.Second)
			data = data[3:]
			length = min(length, len(data))
			p, err := wire.Parse(data[:length])
			data = data[length:]
			if err != nil {
				continue
			}
			check(t, d, &config, d.Receive(now, in, &p), &p)
		}
	})
}

func check(t *testing.T, d *firewall.Device, config *firewall.Config, got firewall.Decision, p *wire.Packet) {
	t.Helper()
	forward := got.Action == firewall.ActionForward
	if forward != (got.Out >= 0) || int(got.Out) >= len(config.Interfaces) {
		t.Fatalf("%v: leaves by %d", got.Action, got.Out)
	}
	if forward {
		p.Append(nil)
	}
	if !forward && got.Action != firewall.ActionLocal && got.Reason == firewall.ReasonNone {
		t.Fatalf("discarded without a reason: %+v", got)
	}
	if got.Rule >= 0 && int(got.Rule) >= len(config.Rules.Rules) || int(got.Chain) >= len(config.Rules.Chains) {
		t.Fatalf("decided nowhere: %+v", got)
	}
	d.Explain()
	for _, r := range d.Replies() {
		if r.Decision.Action != firewall.ActionForward {
			t.Fatalf("an answer that does not leave: %+v", r)
		}
		r.Packet.Append(nil)
	}
	for _, c := range d.Changes() {
		if c.Kind <= firewall.EntryGone && c.Entry.ID == 0 || c.Kind > firewall.EntryGone && c.Expect.ID == 0 {
			t.Fatalf("a change of nothing: %+v", c)
		}
	}
}

// seedDialogue is an FTP session in the fuzz target's form.
func seedDialogue() []byte {
	var data []byte
	ends := [2]netip.AddrPort{netip.MustParseAddrPort("10.0.0.2:1026"), netip.MustParseAddrPort("192.168.10.1:21")}
	seq := [2]uint32{1000, 5000}
	add := func(end int, flags wire.Flags, payload string) {
		p := wire.Packet{
			Src: ends[end].Addr(), Dst: ends[1-end].Addr(), SrcPort: ends[end].Port(), DstPort: ends[1-end].Port(),
			Seq: seq[end], Ack: seq[1-end], Flags: flags, Window: 65535, Protocol: wire.TCP, TTL: 64, Payload: []byte(payload),
		}
		seq[end] += p.SegmentLen()
		octets := p.Append(nil)
		data = append(data, byte(end), byte(len(octets)>>8), byte(len(octets)))
		data = append(data, octets...)
	}
	add(0, wire.SYN, "")
	add(1, wire.SYN|wire.ACK, "")
	add(0, wire.ACK, "")
	for _, line := range []struct {
		end  int
		text string
	}{{1, "220 hi\r\n"}, {0, "USER a\r\n"}, {1, "331 pw\r\n"}, {0, "PORT 10,0,0,2,4,3\r\n"}, {1, "227 Entering (192,168,10,1,7,232)\r\n"}, {0, "EPRT |1|10.0.0.2|1028|\r\n"}, {1, "229 x (|||2024|)\r\n"}} {
		add(line.end, wire.ACK|wire.PSH, line.text)
	}
	add(0, wire.FIN|wire.ACK, "")
	add(1, wire.RST, "")
	return data
}
