package firewall_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"ftplab/sim/event"
	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect"
	"ftplab/sim/wire"
)

// vendorTexts are stateful configurations of the vendors for one and the same place: a
// device between clients (outside) and an FTP server (inside).
var vendorTexts = map[string]string{
	"aspf": `acl number 3000
 rule 0 permit tcp destination 192.168.10.1 0 destination-port eq 21
 rule 5 deny ip
acl number 3001
 rule 0 deny ip
aspf policy 1
 detect ftp
interface GigabitEthernet2/1/9
 packet-filter 3000 inbound
 packet-filter 3001 outbound
 aspf apply policy 1 inbound
`,
	"cbac": `access-list 101 permit tcp any host 192.168.10.1 eq 21
access-list 101 deny ip any any
access-list 102 deny ip any any
ip inspect name FW ftp
interface GigabitEthernet2/1/9
 ip access-group 101 in
 ip inspect FW in
interface GigabitEthernet2/1/10
 ip access-group 102 in
`,
	"asa": `interface GigabitEthernet0/0
 nameif outside
 security-level 0
interface GigabitEthernet0/1
 nameif inside
 security-level 100
access-list OUT extended permit tcp any host 192.168.10.1 eq ftp
access-group OUT in interface outside
`,
	"asa strict": `interface GigabitEthernet0/0
 nameif outside
 security-level 0
interface GigabitEthernet0/1
 nameif inside
 security-level 100
access-list OUT extended permit tcp any host 192.168.10.1 eq ftp
access-group OUT in interface outside
class-map inspection_default
 match default-inspection-traffic
policy-map global_policy
 class inspection_default
  inspect ftp strict
service-policy global_policy global
`,
	"asa blind": `interface GigabitEthernet0/0
 nameif outside
 security-level 0
interface GigabitEthernet0/1
 nameif inside
 security-level 100
access-list OUT extended permit tcp any host 192.168.10.1 eq ftp
access-list IN extended deny ip any any
access-group OUT in interface outside
access-group IN in interface inside
policy-map global_policy
 class inspection_default
service-policy global_policy global
`,
	"isa": `isa server 2004
network Internal interface inside
network External interface outside
publishing rule "Our server" "FTP Server" server 192.168.10.1 from External read-only on
`,
}

// vendorDevice builds the device of a configuration; interface 0 is outside.
func vendorDevice(t *testing.T, name string) *firewall.Device {
	t.Helper()
	dialectName := map[string]string{"aspf": "comware", "cbac": "ios"}[name]
	if dialectName == "" {
		dialectName, _, _ = strings.Cut(name, " ")
	}
	rules, diagnostics := dialect.Parse(dialectName, name, vendorTexts[name])
	if rules == nil {
		t.Fatalf("%s: %+v", name, diagnostics)
	}
	outside, inside := "outside", "inside"
	if dialectName == "comware" || dialectName == "ios" {
		outside, inside = "GigabitEthernet2/1/9", "GigabitEthernet2/1/10"
	}
	return firewall.NewDevice(firewall.Config{
		Interfaces: []firewall.Interface{inter(outside, "203.0.113.2/24"), inter(inside, "192.168.10.254/24")},
		Routes:     []firewall.Route{{Dst: netip.MustParsePrefix("0.0.0.0/0"), Interface: 0}},
		Rules:      rules, Seed: 1,
	})
}

// dialogue drives one TCP connection through a device, both ends in step.
type dialogue struct {
	t      *testing.T
	device *firewall.Device
	now    *event.Time
	ends   [2]netip.AddrPort
	in     [2]int
	seq    [2]uint32
}

func newDialogue(t *testing.T, d *firewall.Device, now *event.Time, client, server string, in [2]int) *dialogue {
	return &dialogue{t, d, now, [2]netip.AddrPort{netip.MustParseAddrPort(client), netip.MustParseAddrPort(server)}, in, [2]uint32{1000, 5000}}
}

// send sends a segment from one end (0 opened the connection) and returns what became
// of it.
func (g *dialogue) send(end int, flags wire.Flags, payload string) (firewall.Decision, wire.Packet) {
	p := wire.Packet{
		Src: g.ends[end].Addr(), Dst: g.ends[1-end].Addr(), SrcPort: g.ends[end].Port(), DstPort: g.ends[1-end].Port(),
		Seq: g.seq[end], Flags: flags, Window: 65535, Protocol: wire.TCP, TTL: 64, Payload: []byte(payload),
	}
	if flags&wire.ACK != 0 {
		p.Ack = g.seq[1-end]
	}
	g.seq[end] += p.SegmentLen()
	*g.now = g.now.Add(time.Millisecond)
	decision := g.device.Receive(*g.now, g.in[end], &p)
	return decision, p
}

// open makes the handshake; it reports whether it came through.
func (g *dialogue) open() bool {
	for _, step := range []struct {
		end   int
		flags wire.Flags
	}{{0, wire.SYN}, {1, wire.SYN | wire.ACK}, {0, wire.ACK}} {
		if d, _ := g.send(step.end, step.flags, ""); d.Action != firewall.ActionForward {
			return false
		}
	}
	return true
}

// say sends a line and demands that it comes through.
func (g *dialogue) say(end int, line string) wire.Packet {
	g.t.Helper()
	d, p := g.send(end, wire.ACK|wire.PSH, line)
	if d.Action != firewall.ActionForward {
		g.t.Fatalf("%q: %+v, missed %+v", line, d, g.device.Explain())
	}
	return p
}

// control opens an FTP control connection and logs in.
func control(t *testing.T, d *firewall.Device, now *event.Time) *dialogue {
	t.Helper()
	g := newDialogue(t, d, now, "10.0.0.2:1026", "192.168.10.1:21", [2]int{0, 1})
	if !g.open() {
		t.Fatalf("the control connection does not come through: %+v", d.Explain())
	}
	g.say(1, "220 hi\r\n")
	g.say(0, "USER a\r\n")
	g.say(1, "230 in\r\n")
	return g
}

var (
	toClient = [2]int{1, 0} // a connection that the server opens
	toServer = [2]int{0, 1}
)

// TestVendorInspection: reference to the vendors' documents in package comments of the
// dialects. An inspected control connection opens exactly the data connection it
// announces, in both modes; without inspection none.
func TestVendorInspection(t *testing.T) {
	for name, inspects := range map[string]bool{"aspf": true, "cbac": true, "asa": true, "asa strict": true, "asa blind": false, "isa": true} {
		t.Run(name, func(t *testing.T) {
			now := event.Time(0)
			d := vendorDevice(t, name)
			if newDialogue(t, d, &now, "10.0.0.2:1027", "192.168.10.1:2024", toServer).open() {
				t.Error("a data connection that nobody announced came through")
			}
			g := control(t, d, &now)
			g.say(0, "PASV\r\n")
			g.say(1, "227 Entering Passive Mode (192,168,10,1,7,232).\r\n")
			if newDialogue(t, d, &now, "10.0.0.2:1027", "192.168.10.1:2025", toServer).open() {
				t.Error("a passive connection to another port came through")
			}
			passive := newDialogue(t, d, &now, "10.0.0.2:1027", "192.168.10.1:2024", toServer)
			if got := passive.open(); got != inspects {
				t.Errorf("the passive data connection came through: %v, want %v", got, inspects)
			}
			g.say(0, "PORT 10,0,0,2,4,4\r\n")
			g.say(1, "200 ok\r\n")
			active := newDialogue(t, d, &now, "192.168.10.1:20", "10.0.0.2:1028", toClient)
			if got := active.open(); got != inspects && name != "asa" {
				t.Errorf("the active data connection came through: %v, want %v", got, inspects)
			}
			if !inspects {
				return
			}
			active.say(0, "data")
			g.say(0, "EPSV\r\n")
			g.say(1, "229 Entering Extended Passive Mode (|||2030|)\r\n")
			if !newDialogue(t, d, &now, "10.0.0.2:1029", "192.168.10.1:2030", toServer).open() {
				t.Error("the extended passive connection did not come through")
			}
		})
	}
}

// TestVendorSplitCommand: a vendor's inspection reads lines, not segments; Linux drops
// the first half.
func TestVendorSplitCommand(t *testing.T) {
	now := event.Time(0)
	d := vendorDevice(t, "aspf")
	g := control(t, d, &now)
	g.say(0, "PASV\r\n")
	g.say(1, "227 Entering Passive Mode (192,168")
	g.say(1, ",10,1,7,232).\r\n")
	if !newDialogue(t, d, &now, "10.0.0.2:1027", "192.168.10.1:2024", toServer).open() {
		t.Errorf("a 227 in two segments opened nothing: %+v", d.Explain())
	}
}

// TestASPFBindsToInterface: answers skip the lists of the interface of the session
// alone.
func TestASPFBindsToInterface(t *testing.T) {
	text := strings.Replace(vendorTexts["aspf"], "interface GigabitEthernet2/1/9\n",
		"interface GigabitEthernet2/1/10\n packet-filter 3001 inbound\ninterface GigabitEthernet2/1/9\n", 1)
	now := event.Time(0)
	rules, _ := dialect.Parse("comware", "x", text)
	if rules == nil {
		t.Fatal("cannot parse")
	}
	d := vendorDevice(t, "aspf")
	d.Load(rules, firewall.Options{})
	g := newDialogue(t, d, &now, "10.0.0.2:1026", "192.168.10.1:21", toServer)
	if g.open() {
		t.Error("the answer passed a list of an interface without ASPF")
	}
}

// TestCBACOpensToAnyHost: after PORT the client's port is open to any host until the
// SYN comes.
func TestCBACOpensToAnyHost(t *testing.T) {
	for name, open := range map[string]bool{"cbac": true, "aspf": false} {
		now := event.Time(0)
		d := vendorDevice(t, name)
		g := control(t, d, &now)
		g.say(0, "PORT 10,0,0,2,4,4\r\n")
		thief := newDialogue(t, d, &now, "192.168.10.66:5555", "10.0.0.2:1028", toClient)
		if got := thief.open(); got != open {
			t.Errorf("%s: another host reached the announced port: %v, want %v", name, got, open)
		}
	}
}

// TestASARefusesStray: a segment of no connection is dropped though the list permits
// it; ASPF without tcp syn-check takes it for the beginning of a session.
func TestASARefusesStray(t *testing.T) {
	for name, want := range map[string]firewall.Action{"asa": firewall.ActionDrop, "isa": firewall.ActionDrop, "aspf": firewall.ActionForward} {
		now := event.Time(0)
		g := newDialogue(t, vendorDevice(t, name), &now, "10.0.0.2:1026", "192.168.10.1:21", toServer)
		if d, _ := g.send(0, wire.ACK, ""); d.Action != want {
			t.Errorf("%s: a bare ACK: %+v, want %v", name, d, want)
		}
	}
}

// TestASAStrict: the checks of `inspect ftp strict` end the connection with resets to
// both sides; plain inspection lets the same lines pass.
func TestASAStrict(t *testing.T) {
	for name, lines := range map[string][]string{
		"two commands before a reply": {"NOOP\r\n", "NOOP\r\n"},
		"five numbers":                {"PORT 10,0,0,2,4\r\n"},
		"LF only":                     {"NOOP\n"},
		"a reserved port":             {"PORT 10,0,0,2,3,232\r\n"},
		"a reply from the client":     {"227 Entering Passive Mode (10,0,0,2,7,232)\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, kind := range []string{"asa", "asa strict"} {
				now := event.Time(0)
				d := vendorDevice(t, kind)
				g := control(t, d, &now)
				var last firewall.Decision
				for _, line := range lines {
					last, _ = g.send(0, wire.ACK|wire.PSH, line)
				}
				if kind == "asa" {
					if last.Action != firewall.ActionForward {
						t.Errorf("plain inspection: %+v", last)
					}
					continue
				}
				if last.Action != firewall.ActionReject || last.Reason != firewall.ReasonInspection || len(d.Replies()) != 2 {
					t.Errorf("strict inspection: %+v, %d resets", last, len(d.Replies()))
				}
				if after, _ := g.send(1, wire.ACK|wire.PSH, "200 ok\r\n"); after.Action == firewall.ActionForward {
					t.Error("the connection goes on")
				}
			}
		})
	}
}

// TestASAStrictMasksSYST: the reply to SYST does not tell the system.
func TestASAStrictMasksSYST(t *testing.T) {
	now := event.Time(0)
	g := control(t, vendorDevice(t, "asa strict"), &now)
	g.say(0, "SYST\r\n")
	p := g.say(1, "215 UNIX Type: L8\r\n")
	if got := string(p.Payload); got != "215 XXXXXXXXXXXXX\r\n" {
		t.Errorf("the reply is %q", got)
	}
}

// TestISARefusesUploadsAndTLS: the server sees a command it does not know, and answers
// 500.
func TestISARefusesUploadsAndTLS(t *testing.T) {
	now := event.Time(0)
	g := control(t, vendorDevice(t, "isa"), &now)
	for line, want := range map[string]string{
		"AUTH TLS\r\n": "XXXX TLS\r\n", "STOR f\r\n": "XXXX f\r\n", "RETR f\r\n": "RETR f\r\n",
	} {
		if p := g.say(0, line); string(p.Payload) != want {
			t.Errorf("%q became %q, want %q", line, p.Payload, want)
		}
	}
}

// TestVendorTimers: an idle UDP session lives 30 s, a TCP session that did not come
// about as long.
func TestVendorTimers(t *testing.T) {
	d := vendorDevice(t, "asa")
	now := event.Time(0)
	newDialogue(t, d, &now, "10.0.0.2:1026", "192.168.10.1:21", toServer).send(0, wire.SYN, "")
	if got := d.NextExpiry().Sub(now); got != 30*time.Second {
		t.Errorf("a half-open session lives %v, want 30 s", got)
	}
	d.Expire(now.Add(30 * time.Second))
	if len(d.Changes()) != 1 || d.Changes()[0].Kind != firewall.EntryGone || d.NextExpiry() != event.Never {
		t.Errorf("after 30 s: %+v", d.Changes())
	}
}
