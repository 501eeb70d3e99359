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
	"ftplab/sim/firewall/dialect/iptables"
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
	c := Compare(parse(t, activeACL), parse(t, passiveACL), Options{Server: server})
	if c.First == nil {
		t.Fatal("no difference found")
	}
	d := c.First
	if d.Packet.Src != server || d.Left.Decision.Action == d.Right.Decision.Action {
		t.Errorf("%v: left %v, right %v", &d.Packet, d.Left.Decision.Action, d.Right.Decision.Action)
	}
	if c := Compare(parse(t, activeACL), parse(t, activeACL), Options{}); c.First != nil {
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
		c := Compare(left, right, Options{})
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
	c := Compare(parse(t, row8), parse(t, helper), Options{Server: server})
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
	if c := Compare(rs, parse(t, activeACL), Options{Budget: 500}); c.First == nil && !c.Incomplete {
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
		table := compile(rs, u, forwarded, region{u.everything()})
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

// read is parse for iptables-save as well.
func read(t testing.TB, text string) *firewall.Ruleset {
	t.Helper()
	if !strings.HasPrefix(text, "*") {
		return parse(t, text)
	}
	rs, diagnostics := iptables.Parse("rules", text)
	if rs == nil {
		t.Fatalf("%v\n%s", diagnostics, text)
	}
	return rs
}

const translating = `*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -i wan -d 203.0.113.2/32 -p tcp -m tcp --dport 2121 -j DNAT --to-destination 192.168.10.1:21
-A PREROUTING -i wan -d 203.0.113.2/32 -p tcp -m tcp --dport 40000:40010 -j DNAT --to-destination 192.168.10.1
-A PREROUTING -i wan -d 203.0.113.2/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 192.168.10.7
-A POSTROUTING -o wan -j MASQUERADE
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -i wan -m conntrack --ctstate DNAT -j ACCEPT
-A FORWARD -i lan -o wan -j ACCEPT
COMMIT
`

// TestExposureThroughTranslation: a rule that translates the destination exposes the
// server inside, by the firewall's own address; what it does not translate is a matter
// of the input chain.
func TestExposureThroughTranslation(t *testing.T) {
	for _, c := range []struct{ server, connect, forwards string }{
		{"192.168.10.1", "21, 40000-40010", "4: 2121 to 21; 5: 40000-40010 to 40000-40010"},
		{"192.168.10.7", "80", "6: 80 to 80"},
		{"192.168.10.9", "none", ""},
		{"203.0.113.2", "22, 80, 2121, 40000-40010", "4: 2121 to 21; 5: 40000-40010 to 40000-40010; 6: 80 to 80"},
	} {
		x := Audit(read(t, translating), Options{Server: netip.MustParseAddr(c.server)}).Exposure
		var forwards []string
		for _, f := range x.Forwards {
			forwards = append(forwards, strconv.Itoa(f.Line)+": "+f.Ports.String()+" to "+f.ToPorts.String())
		}
		if got := strings.Join(forwards, "; "); x.Connect.String() != c.connect || x.Probe.String() != c.connect || got != c.forwards {
			t.Errorf("%s: connect %v, probe %v, by %q; want %s by %q", c.server, x.Connect, x.Probe, got, c.connect, c.forwards)
		}
	}
}

// TestExposureByWhereTheServerIs: rules that guard one side, or the host itself.
func TestExposureByWhereTheServerIs(t *testing.T) {
	const input = "*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 21 -j ACCEPT\nCOMMIT\n"
	const client = "table ip fw {\n  chain forward { type filter hook forward priority 0; policy drop;\n    ct state established,related accept\n    iifname \"lan\" ct state new accept\n  }\n}\n"
	for name, c := range map[string]struct {
		rules, behind, connect string
	}{
		"a host's own firewall":      {input, "", "21"},
		"a client's firewall":        {client, "", "none"},
		"said to be outside of it":   {client, "wan", "none"}, // but for the trusted side
		"said to be inside":          {client, "lan", "none"},
		"the list of an outer port":  {"acl number 3000\n rule permit tcp destination 192.168.10.1 0 destination-port eq 21\n rule deny ip\ninterface GE1/0/1\n packet-filter 3000 inbound\n", "", "21"},
		"the list of the inner port": {"acl number 3000\n rule permit tcp source 192.168.10.1 0 source-port eq 21\n rule deny ip\ninterface GE1/0/1\n packet-filter 3000 inbound\n", "", "21"},
		"said to be behind it":       {"acl number 3000\n rule permit tcp destination 192.168.10.1 0 destination-port eq 21\n rule deny ip\ninterface GE1/0/1\n packet-filter 3000 inbound\n", "GigabitEthernet1/0/1", "none"},
	} {
		if x := Audit(read(t, c.rules), Options{Server: server, Behind: c.behind}).Exposure; x.Connect.String() != c.connect {
			t.Errorf("%s: %v, want %s", name, x.Connect, c.connect)
		}
	}
}

// TestFindingsOfMapsAndPaths: rules that are reached by a verdict map alone, elements of
// maps, rules for packets to the host itself, of IPv6, and translations.
func TestFindingsOfMapsAndPaths(t *testing.T) {
	for name, c := range map[string]struct{ rules, want string }{
		"behind a map": {"table inet fw {\n  chain ftp { tcp dport 21 accept\n    tcp dport 21 drop\n  }\n  chain forward { type filter hook forward priority 0; policy drop;\n    tcp dport vmap { 20-21 : goto ftp, 22 : drop }\n  }\n}\n",
			"line 3 `tcp dport 21 drop` is shadowed by line 2 `tcp dport 21 accept`"},
		"a map": {"table inet fw {\n  chain forward { type filter hook forward priority 0; policy accept;\n    tcp dport { 21, 22 } drop\n    tcp dport vmap { 21 : accept, 22 : drop }\n  }\n}\n",
			"line 4 `tcp dport vmap { 21 : accept, 22 : drop }` is shadowed by line 3 `tcp dport { 21, 22 } drop`"},
		"an element": {"table inet fw {\n  chain forward { type filter hook forward priority 0; policy accept;\n    tcp dport 21 drop\n    tcp dport vmap { 21 : accept, 22 : drop }\n  }\n}\n",
			"line 4 `21 : accept of tcp dport vmap { 21 : accept, 22 : drop }` is shadowed by line 3 `tcp dport 21 drop`"},
		"input": {"*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 20:21 -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 21 -j DROP\nCOMMIT\n",
			"line 4 `-A INPUT -p tcp -m tcp --dport 21 -j DROP` is shadowed by line 3 `-A INPUT -p tcp -m tcp --dport 20:21 -j ACCEPT`"},
		"IPv6": {"table inet fw {\n  chain forward { type filter hook forward priority 0; policy drop;\n    ip6 saddr 2001:db8::/64 accept\n    ip6 saddr 2001:db8::1 drop\n  }\n}\n",
			"line 4 `ip6 saddr 2001:db8::1 drop` is shadowed by line 3 `ip6 saddr 2001:db8::/64 accept`"},
		"a translation": {"*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -m tcp --dport 20:21 -j DNAT --to-destination 192.168.10.1\n-A PREROUTING -p tcp -m tcp --dport 21 -j DNAT --to-destination 192.168.10.2\nCOMMIT\n",
			"line 4 `-A PREROUTING -p tcp -m tcp --dport 21 -j DNAT --to-destination 192.168.10.2` is shadowed by line 3 `-A PREROUTING -p tcp -m tcp --dport 20:21 -j DNAT --to-destination 192.168.10.1`"},
		"a rejection is not what the policy does": {"*filter\n:FORWARD DROP [0:0]\n-A FORWARD -p tcp -j REJECT --reject-with tcp-reset\nCOMMIT\n", ""},
		"what is not modelled":                    {"*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m recent --update --name X -j ACCEPT\nCOMMIT\n", ""},
	} {
		var got []string
		for _, f := range Audit(read(t, c.rules), Options{}).Rules {
			got = append(got, f.String())
		}
		if s := strings.Join(got, "\n"); s != c.want {
			t.Errorf("%s:\n%s\nwant:\n%s", name, s, c.want)
		}
	}
}

// TestCompareOnEveryPath: differences in packets to and from the host itself, of IPv6, in
// how packets are rejected and in what they are translated to.
func TestCompareOnEveryPath(t *testing.T) {
	filter := func(rule string) string {
		return "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT DROP [0:0]\n" + rule + "\nCOMMIT\n"
	}
	inet := func(rule string) string {
		return "table inet fw {\n  chain forward { type filter hook forward priority 0; policy drop;\n    " + rule + "\n  }\n}\n"
	}
	nat := func(rule string) string {
		return "*nat\n:PREROUTING ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n" + rule + "\nCOMMIT\n"
	}
	for name, c := range map[string]struct{ left, right, in, out string }{
		"input":       {filter("-A INPUT -p tcp -m tcp --dport 21 -j ACCEPT"), filter("-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT"), "in", ""},
		"output":      {filter("-A OUTPUT -p tcp -m tcp --dport 21 -j ACCEPT"), filter("-A OUTPUT -p tcp -m tcp --dport 22 -j ACCEPT"), "", "out"},
		"IPv6":        {inet("ip6 saddr 2001:db8::1 accept"), inet("ip6 saddr 2001:db8::2 accept"), "in", "out"},
		"rejections":  {filter("-A FORWARD -p tcp -j REJECT --reject-with tcp-reset"), filter("-A FORWARD -p tcp -j REJECT"), "in", "out"},
		"or silence":  {filter("-A FORWARD -p tcp -j REJECT --reject-with tcp-reset"), filter("-A FORWARD -p tcp -j DROP"), "in", "out"},
		"destination": {nat("-A PREROUTING -p tcp -m tcp --dport 21 -j DNAT --to-destination 10.9.9.1"), nat("-A PREROUTING -p tcp -m tcp --dport 21 -j DNAT --to-destination 10.9.9.2"), "in", "out"},
		"source":      {nat("-A POSTROUTING -o wan -j MASQUERADE"), nat("-A POSTROUTING -o wan -j SNAT --to-source 203.0.113.9"), "in", "wan"},
	} {
		left, right := read(t, c.left), read(t, c.right)
		d := Compare(left, right, Options{}).First
		if d == nil || d.In != c.in || d.Out != c.out {
			t.Errorf("%s: %+v", name, d)
		}
		if same := Compare(left, left, Options{}); same.First != nil || same.Incomplete {
			t.Errorf("%s: differs from itself: %+v", name, same.First)
		}
	}
}
