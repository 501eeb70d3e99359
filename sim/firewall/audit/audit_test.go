package audit

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"ftplab/sim/event"
	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/comware"
	"ftplab/sim/firewall/dialect/nft"
	"ftplab/sim/wire"
)

const (
	activeACL = "rule permit tcp source 192.168.10.1 0 source-port eq 21 destination-port gt 1024\n" +
		"rule permit tcp source 192.168.10.1 0 source-port eq 20 destination-port gt 1024\nrule deny ip\n"
	passiveACL = "rule permit tcp source 192.168.10.1 0 source-port eq 21 destination-port gt 1024\n" +
		"rule permit tcp source 192.168.10.1 0 source-port gt 1024 destination-port gt 1024\nrule deny ip\n"
)

var server = netip.MustParseAddr("192.168.10.1")

func parse(t testing.TB, text string) *firewall.Ruleset {
	t.Helper()
	parse := comware.Parse
	if strings.HasPrefix(text, "table") {
		parse = nft.Parse
	}
	rs, diagnostics := parse("rules", text)
	if rs == nil {
		t.Fatalf("%v\n%s", diagnostics, text)
	}
	for i := range rs.Chains {
		if rs.Chains[i].Hook == firewall.HookNone && len(rs.Chains) == 1 {
			rs.Chains[i].Hook, rs.Chains[i].Interface = firewall.Inbound, "GE2/1/10"
		}
	}
	return rs
}

func TestExposureOfTheArticlesLists(t *testing.T) {
	for _, c := range []struct {
		name, text       string
		connect, outward int
		ports            string
	}{
		{"active", activeACL, 2, 64511, "20-21"},
		{"passive", passiveACL, 64512, 64511, "21, 1025-65535"},
		{"the typing error left out", strings.ReplaceAll(passiveACL, "rule deny ip\n", ""), 65536, 65536, "0-65535"},
	} {
		x := Audit(parse(t, c.text), Options{Server: server}).Exposure
		if x.ConnectCount != c.connect || x.Connect.String() != c.ports || x.OutwardCount != c.outward {
			t.Errorf("%s: %d ports can be reached (%v), the server reaches %d; want %d (%s) and %d",
				c.name, x.ConnectCount, x.Connect, x.OutwardCount, c.connect, c.ports, c.outward)
		}
	}
}

const row8 = `table ip fw {
  chain forward { type filter hook forward priority 0; policy drop;
    ct state established,related counter accept
    iifname "wan" tcp dport 21 ct state new counter accept
    counter drop
  }
}
`

func TestExposureOfAStatefulFirewall(t *testing.T) {
	x := Audit(parse(t, row8), Options{Server: server}).Exposure
	if x.Connect.String() != "21" || x.ExpectedCount != 0 || x.OutwardCount != 0 {
		t.Errorf("stateful: %+v", x)
	}
	helper := strings.Replace(row8, "  chain forward", "  ct helper ftp-std { type \"ftp\" protocol tcp; }\n"+
		"  chain sethelper { type filter hook prerouting priority -150; tcp dport 21 ct helper set \"ftp-std\"; }\n  chain forward", 1)
	x = Audit(parse(t, helper), Options{Server: server}).Exposure
	if x.Connect.String() != "21" || x.ExpectedCount != 65536 {
		t.Errorf("with the helper: %+v", x)
	}
}

// TestExposureOfAServerThatMayConnectOutward: the rule that lets the server's side open
// connections to anywhere says nothing about who comes in.
func TestExposureOfAServerThatMayConnectOutward(t *testing.T) {
	text := strings.Replace(row8, "    counter drop", "    iifname \"lan\" ct state new counter accept\n    iifname \"lo\" accept\n    counter drop", 1)
	r := Audit(parse(t, text), Options{Server: server})
	if x := r.Exposure; x.Connect.String() != "21" || x.OutwardCount != 65536 {
		t.Errorf("%+v", x)
	}
	if !slices.ContainsFunc(r.Notes, func(n string) bool {
		return strings.HasPrefix(n, "every port is open to packets in by lan and out by ")
	}) {
		t.Errorf("the open way is not noted: %q", r.Notes)
	}
}

// TestExposureIsToOtherHosts: a rule for what the server sends lets nobody in, though a
// packet with the server's address at both ends would pass it.
func TestExposureIsToOtherHosts(t *testing.T) {
	x := Audit(parse(t, "table ip fw {\n  chain forward { type filter hook forward priority 0; policy drop;\n    ip saddr 192.168.10.1 accept\n  }\n}\n"), Options{Server: server}).Exposure
	if x.ConnectCount != 0 || x.ProbeCount != 0 || x.OutwardCount != 0 {
		t.Errorf("%+v", x)
	}
}

func TestShadowedRules(t *testing.T) {
	r := Audit(parse(t, "rule permit ip source 10.0.0.0 0.0.0.255\nrule deny tcp source 10.0.0.7 0\nrule permit tcp source 10.0.1.0 0.0.0.255\nrule deny udp source 10.0.1.0 0.0.0.127\nrule permit ip\n"), Options{})
	var got []string
	for _, f := range r.Rules {
		got = append(got, f.String())
	}
	want := []string{
		"line 2 `deny tcp source 10.0.0.7 0` is shadowed by line 1 `permit ip source 10.0.0.0 0.0.0.255`",
		"line 3 `permit tcp source 10.0.1.0 0.0.0.255` is redundant: without it nothing would change",
		"line 5 `permit ip` is redundant: without it nothing would change", // the default permits
	}
	if !slices.Equal(got, want) {
		t.Errorf("findings:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestCompareFindsAPacketAndBothReasons(t *testing.T) {
	c := Compare(parse(t, activeACL), parse(t, passiveACL), IPv4, Options{Server: server})
	if c.First == nil {
		t.Fatal("no difference found")
	}
	d := c.First
	if d.Packet.Src != server || d.Left.Decision.Action == d.Right.Decision.Action {
		t.Errorf("%v: left %v, right %v", &d.Packet, d.Left.Decision.Action, d.Right.Decision.Action)
	}
	if c := Compare(parse(t, activeACL), parse(t, activeACL), IPv4, Options{}); c.First != nil {
		t.Errorf("a list differs from itself: %v", &c.First.Packet)
	}
}

// TestCompareFindsRareFlagsAndReplies: differences that no opening packet with the usual
// flags shows.
func TestCompareFindsRareFlagsAndReplies(t *testing.T) {
	const head = "table ip fw {\n  chain forward { type filter hook forward priority 0; policy drop;\n"
	for name, pair := range map[string][2]string{
		"flags":   {"tcp flags & (fin | psh | urg) == fin | psh | urg drop\n accept\n", "accept\n"},
		"replies": {"ct state new accept\n ct direction original accept\n", "ct state new,established accept\n"},
		"answers": {"ct state new accept\n ct state established ct direction reply tcp sport 21 accept\n", "ct state new accept\n ct state established ct direction reply tcp sport 20-21 accept\n"},
	} {
		left, right := parse(t, head+pair[0]+"  }\n}\n"), parse(t, head+pair[1]+"  }\n}\n")
		c := Compare(left, right, IPv4, Options{})
		if c.First == nil {
			t.Errorf("%s: no difference found; notes %q", name, c.Notes)
			continue
		}
		if d := c.First; d.Left.Decision.Action == d.Right.Decision.Action {
			t.Errorf("%s: %v fares the same", name, &d.Packet)
		}
	}
}

func TestCompareSaysWhatItLeavesOut(t *testing.T) {
	helper := strings.Replace(row8, "  chain forward", "  ct helper ftp-std { type \"ftp\" protocol tcp; }\n"+
		"  chain sethelper { type filter hook prerouting priority -150; tcp dport 21 ct helper set \"ftp-std\"; }\n  chain forward", 1)
	c := Compare(parse(t, row8), parse(t, helper), IPv4, Options{Server: server})
	if c.First != nil || !slices.Contains(c.Notes, "data connections that an FTP inspection lets in are not compared") {
		t.Errorf("%+v", c)
	}
}

func TestBudgetIsReported(t *testing.T) {
	var list strings.Builder
	for i := range 60 {
		list.WriteString("rule permit tcp source 10.0.0." + strconv.Itoa(i) + " 0.255.0.0 destination-port eq " + strconv.Itoa(i+1) + "\n")
	}
	rs := parse(t, list.String()+"rule deny ip\n")
	if r := Audit(rs, Options{Budget: 500}); !r.Incomplete {
		t.Errorf("500 boxes were enough: %+v", r)
	}
	if c := Compare(rs, parse(t, activeACL), IPv4, Options{Budget: 500}); c.First == nil && !c.Incomplete {
		t.Errorf("a comparison that was stopped says that the two agree")
	}
}

// TestAgainstBruteForce runs random lists on random packets at the corners of their
// ranges and compares what the device does with the region the analysis puts it in.
func TestAgainstBruteForce(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 11))
	for list := range 150 {
		text := randomList(random)
		rs := parse(t, text)
		u := newUniverse(IPv4, &budget{left: DefaultBudget}, rs)
		table := compile(rs, u, region{u.everything()})
		device := firewall.NewDevice(firewall.Config{
			Name: "f", Interfaces: []firewall.Interface{{Name: "GE2/1/10"}, {Name: "other"}}, Rules: rs,
			Routes: []firewall.Route{{Dst: netip.MustParsePrefix("0.0.0.0/0"), Interface: 1}},
		})
		for n := range 300 {
			p := randomPacket(random)
			before := p
			got := device.Receive(event.Time(n), 0, &p).Action == firewall.ActionForward
			want := table.permit.holds(u, &before, 0, 1)
			if got != want {
				t.Fatalf("list %d:\n%s%v: the device forwards: %v, the analysis: %v", list, text, &before, got, want)
			}
		}
	}
}

// holds reports whether a packet that goes from one interface to another is in the region.
func (r region) holds(u *universe, p *wire.Packet, in, out int) bool {
	one := u.packetBox(p)
	one.sets[dimIn], one.sets[dimOut] = 1<<in, 1<<out
	for i := range r {
		if _, ok := r[i].intersect(&one); ok {
			return true
		}
	}
	return false
}

// packetBox is one packet, whatever its interfaces and connection.
func (u *universe) packetBox(p *wire.Packet) box {
	one := u.everything()
	for d, n := range map[int]number{
		dimSource: addressNumber(p.Src), dimDestination: addressNumber(p.Dst), dimProtocol: small(uint64(p.Protocol)),
		dimSourcePort: small(uint64(p.SrcPort)), dimDestinationPort: small(uint64(p.DstPort)),
	} {
		one.spans[d] = span{n, n}
	}
	one.sets[dimFlags], one.sets[dimFragment] = 1<<p.Flags, 1
	return one
}

func randomList(r *rand.Rand) string {
	var list, b strings.Builder
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	written := map[string]bool{}
	for range 1 + r.IntN(9) {
		b.WriteString("rule " + pick("permit", "deny") + " ")
		protocol := pick("tcp", "tcp", "udp", "ip")
		b.WriteString(protocol)
		if r.IntN(2) == 0 {
			b.WriteString(" source " + pick("10.0.0.0 0.0.0.3", "10.0.0.1 0", "10.0.0.0 0.0.0.5"))
		}
		if r.IntN(3) == 0 {
			b.WriteString(" destination " + pick("10.0.0.0 0.0.0.1", "10.0.0.2 0"))
		}
		if protocol != "ip" {
			if r.IntN(2) == 0 {
				b.WriteString(" source-port " + pick("eq 21", "gt 1024", "lt 21", "range 20 1025", "neq 20"))
			}
			if r.IntN(2) == 0 {
				b.WriteString(" destination-port " + pick("eq 1025", "gt 1024", "lt 1024", "range 21 1024"))
			}
		}
		if protocol == "tcp" && r.IntN(4) == 0 {
			b.WriteString(" established")
		}
		if line := b.String(); !written[line] { // the device refuses a rule twice
			written[line] = true
			list.WriteString(line + "\n")
		}
		b.Reset()
	}
	return list.String()
}

func randomPacket(r *rand.Rand) wire.Packet {
	ports := []uint16{0, 19, 20, 21, 22, 1023, 1024, 1025, 1026, 65535}
	p := wire.Packet{
		Src: netip.AddrFrom4([4]byte{10, 0, 0, byte(r.IntN(9))}), Dst: netip.AddrFrom4([4]byte{10, 0, 0, byte(r.IntN(4))}),
		SrcPort: ports[r.IntN(len(ports))], DstPort: ports[r.IntN(len(ports))], TTL: 64, Protocol: wire.TCP, Flags: wire.Flags(r.IntN(64)),
	}
	if r.IntN(4) == 0 {
		p.Protocol, p.Flags = wire.UDP, 0
	}
	return p
}
