package dialect

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The properties below write random configurations in each vendor's own words, and
// check that what the printer makes of them means the same.

func oneOfWords(t *rapid.T, label string, words ...string) string {
	return rapid.SampledFrom(words).Draw(t, label)
}

func maybe(t *rapid.T, label, words string) string {
	if rapid.Bool().Draw(t, label) {
		return " " + words
	}
	return ""
}

func address(t *rapid.T) string {
	return fmt.Sprintf("%d.%d.%d.%d", rapid.IntRange(1, 223).Draw(t, "a"), rapid.IntRange(0, 255).Draw(t, "b"),
		rapid.IntRange(0, 255).Draw(t, "c"), rapid.IntRange(0, 255).Draw(t, "d"))
}

func wildcard(t *rapid.T) string {
	return oneOfWords(t, "wildcard", "0.0.0.0", "0.0.0.255", "0.0.255.255", "0.255.0.255", "0.0.0.6", "0.255.255.255")
}

func portNumber(t *rapid.T) int {
	return rapid.SampledFrom([]int{0, 1, 20, 21, 1023, 1024, 2024, 65534, 65535}).Draw(t, "port")
}

func portTest(t *rapid.T) string {
	switch operator := oneOfWords(t, "operator", "eq", "neq", "gt", "lt", "range"); operator {
	case "range":
		return fmt.Sprintf("range %d %d", portNumber(t), portNumber(t))
	default:
		return fmt.Sprintf("%s %d", operator, portNumber(t))
	}
}

func comwareConfig(t *rapid.T) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	lists := rapid.IntRange(1, 3).Draw(t, "lists")
	for i := range lists {
		isBasic := rapid.IntRange(0, 3).Draw(t, "basic") == 0
		order := oneOfWords(t, "order", "", " match-order auto", " match-order config")
		if isBasic {
			line("acl basic %d%s", 2000+i, order)
		} else {
			line("acl number %d%s", 3000+i, order)
		}
		if rapid.Bool().Draw(t, "step") {
			line(" step %d", rapid.IntRange(1, 20).Draw(t, "n"))
		}
		for r := range rapid.IntRange(0, 6).Draw(t, "rules") {
			comwareRule(t, line, isBasic, i*100+r)
		}
	}
	if rapid.Bool().Draw(t, "deny") {
		line("packet-filter default deny")
	}
	if rapid.Bool().Draw(t, "aspf") {
		line("aspf policy 1")
		line(" detect ftp")
	}
	line("interface GE %d/0/1", rapid.IntRange(0, 9).Draw(t, "slot"))
	if rapid.Bool().Draw(t, "apply") {
		number := 3000
		if strings.Contains(b.String(), "acl basic 2000") {
			number = 2000
		}
		line(" packet-filter %d %s", number, oneOfWords(t, "direction", "inbound", "outbound"))
	}
	if rapid.Bool().Draw(t, "inspect") {
		line(" aspf apply policy 1 %s", oneOfWords(t, "direction", "inbound", "outbound"))
	}
	return b.String()
}

// comwareRule writes a rule. The tag makes its source unlike that of any other, for a
// device refuses a second rule with the same content.
func comwareRule(t *rapid.T, line func(string, ...any), isBasic bool, tag int) {
	verb := oneOfWords(t, "verb", "permit", "deny")
	source := fmt.Sprintf("source 10.%d.%d.0 0.0.0.255", tag/256, tag%256)
	if isBasic {
		line(" rule %s %s%s%s", verb, source, maybe(t, "fragment", "fragment"), maybe(t, "logging", "logging"))
		return
	}
	var words []string
	protocol := oneOfWords(t, "protocol", "ip", "tcp", "udp", "icmp", "gre", "47", "OSPF")
	words = append(words, source)
	if rapid.Bool().Draw(t, "destination") {
		words = append(words, "destination "+address(t)+" "+wildcard(t))
	}
	if protocol == "tcp" || protocol == "udp" {
		words = append(words, "source-port "+portTest(t), "destination-port "+portTest(t))
	}
	if protocol == "tcp" {
		words = append(words, oneOfWords(t, "flags", "", "established", "ack 1", "syn 1 ack 0", "rst 0 established"))
	}
	if protocol == "icmp" {
		words = append(words, oneOfWords(t, "type", "", "icmp-type echo", "icmp-type 3 1", "icmp-type 8"))
	}
	words = append(words, oneOfWords(t, "rest", "", "dscp ef", "precedence flash", "counting", "logging", "time-range work"))
	shuffled := rapid.Permutation(words).Draw(t, "order")
	line(" rule %s %s %s", verb, protocol, strings.Join(shuffled, " "))
}

func iosConfig(t *rapid.T) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("object-group network HOSTS\n host 10.1.1.1\n 10.2.0.0 255.255.0.0\n range 10.3.0.3 10.3.0.9")
	line("object-group service WEB\n tcp eq 80\n tcp range 443 444\n udp source gt 1023 eq 53\n icmp echo")
	line("ip access-list extended L")
	for range rapid.IntRange(1, 6).Draw(t, "entries") {
		verb := oneOfWords(t, "verb", "permit", "deny")
		if rapid.IntRange(0, 5).Draw(t, "grouped") == 0 {
			line(" %s object-group WEB %s object-group HOSTS", verb, iosAddress(t))
			continue
		}
		protocol := oneOfWords(t, "protocol", "ip", "tcp", "udp", "icmp", "esp", "99")
		entry := verb + " " + protocol + " " + iosAddress(t)
		hasPorts := protocol == "tcp" || protocol == "udp"
		if hasPorts {
			entry += maybe(t, "sport", portTest(t))
		}
		entry += " " + iosAddress(t)
		if hasPorts {
			entry += maybe(t, "dport", "eq 20 21 80")
		}
		switch protocol {
		case "tcp":
			entry += oneOfWords(t, "flags", "", " established", " syn", " ack psh", " match-all +ack -fin", " match-any +ack -fin +rst")
		case "icmp":
			entry += oneOfWords(t, "type", "", " echo", " unreachable", " port-unreachable", " 8 0")
		case "ip":
			entry += maybe(t, "fragments", "fragments")
		}
		line(" %s%s", entry, oneOfWords(t, "rest", "", " log", " dscp af11", " precedence 3", " ttl gt 5", " time-range work"))
	}
	line("access-list 7 %s %s", oneOfWords(t, "verb", "permit", "deny"), oneOfWords(t, "standard", "any", "10.0.0.1", "10.0.0.0 0.0.0.255"))
	line("ipv6 access-list SIX\n permit tcp any 2001:db8::/32 eq ftp\n deny icmp any any echo-request")
	line("ip inspect name FW %s", oneOfWords(t, "inspect", "ftp", "tcp", "udp", "icmp"))
	for i := range rapid.IntRange(1, 2).Draw(t, "interfaces") {
		line("interface gi0/%d", i)
		line(" ip access-group %s %s", oneOfWords(t, "list", "L", "7"), oneOfWords(t, "direction", "in", "out"))
		if rapid.Bool().Draw(t, "six") {
			line(" ipv6 traffic-filter SIX in")
		}
		if rapid.Bool().Draw(t, "cbac") {
			line(" ip inspect FW %s", oneOfWords(t, "direction", "in", "out"))
		}
	}
	return b.String()
}

func iosAddress(t *rapid.T) string {
	switch rapid.IntRange(0, 3).Draw(t, "address") {
	case 0:
		return "any"
	case 1:
		return "host " + address(t)
	case 2:
		return "object-group HOSTS"
	}
	return address(t) + " " + wildcard(t)
}

func asaConfig(t *rapid.T) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	for i, name := range []string{"inside", "outside", "dmz"} {
		line("interface GigabitEthernet0/%d\n nameif %s\n security-level %d", i, name, rapid.SampledFrom([]int{0, 50, 100}).Draw(t, "level"))
	}
	if rapid.Bool().Draw(t, "same") {
		line("same-security-traffic permit inter-interface")
	}
	if rapid.Bool().Draw(t, "turn") {
		line("same-security-traffic permit intra-interface")
	}
	line("object network SERVER\n host 192.168.10.1")
	line("object-group network NETS\n network-object 10.0.0.0 255.0.0.0\n network-object host 172.16.0.1\n network-object 2001:db8::/32")
	line("object-group service PORTS tcp\n port-object eq ftp\n port-object range 1024 2048")
	line("object-group service SVC\n service-object tcp destination eq www\n service-object udp source gt 1023 destination eq domain\n service-object icmp echo")
	for range rapid.IntRange(1, 6).Draw(t, "entries") {
		asaEntry(t, line, oneOfWords(t, "name", "A", "B"))
	}
	line("access-list A extended permit ip any any")
	line("access-list B extended deny ip any4 any4")
	line("access-group A %s interface outside", oneOfWords(t, "direction", "in", "out"))
	if rapid.Bool().Draw(t, "global") {
		line("access-group B global")
	}
	switch rapid.IntRange(0, 3).Draw(t, "policy") {
	case 0:
		line("class-map FTP2\n match port tcp eq 2121\npolicy-map P\n class inspection_default\n  inspect ftp strict\n class FTP2\n  inspect ftp\nservice-policy P global")
	case 1:
		line("policy-map P\n class inspection_default\n  inspect icmp\nservice-policy P interface outside")
	case 2:
		line("no service-policy global_policy global")
	}
	return b.String()
}

func asaEntry(t *rapid.T, line func(string, ...any), name string) {
	verb := oneOfWords(t, "verb", "permit", "deny")
	rest := oneOfWords(t, "rest", "", " log", " log notifications interval 30", " inactive", " time-range work")
	switch rapid.IntRange(0, 4).Draw(t, "form") {
	case 0:
		line("access-list %s extended %s object-group SVC any object-group NETS%s", name, verb, rest)
	case 1:
		line("access-list %s extended %s tcp %s %s object-group PORTS%s", name, verb, asaAddress(t), asaAddress(t), rest)
	case 2:
		line("access-list %s extended %s icmp any %s %s%s", name, verb, asaAddress(t), oneOfWords(t, "type", "echo", "unreachable", "3 1"), rest)
	case 3:
		line("access-list %s extended %s udp %s %s %s%s", name, verb, asaAddress(t), portTest(t), asaAddress(t), rest)
	default:
		line("access-list %s extended %s %s %s %s%s", name, verb, oneOfWords(t, "protocol", "ip", "tcp", "esp", "99"), asaAddress(t), asaAddress(t), rest)
	}
}

func asaAddress(t *rapid.T) string {
	switch rapid.IntRange(0, 5).Draw(t, "address") {
	case 0:
		return "any"
	case 1:
		return "any4"
	case 2:
		return "host " + address(t)
	case 3:
		return "object SERVER"
	case 4:
		return "object-group NETS"
	}
	return address(t) + " " + oneOfWords(t, "mask", "255.255.255.0", "255.0.0.0", "255.255.255.255")
}

func isaConfig(t *rapid.T) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("isa server %s", oneOfWords(t, "version", "2000", "2004", "2006"))
	line("network Internal interface lan\nnetwork \"The Internet\" interface wan")
	line("protocol \"by range\" tcp 21 secondary tcp %d-65535", rapid.IntRange(1, 65535).Draw(t, "low"))
	line("protocol other udp 5000-5010\nprotocol FTP2 tcp 2121 filter ftp")
	for i := range rapid.IntRange(0, 5).Draw(t, "rules") {
		from := oneOfWords(t, "from", "Internal", `"The Internet"`, "any", "10.0.0.0/8", "2001:db8::1")
		protocol := oneOfWords(t, "protocol", "FTP", `"FTP Server"`, `"by range"`, "other", "FTP2", "HTTP", "DNS", "all")
		readOnly := oneOfWords(t, "read-only", "", " read-only on", " read-only off")
		if rapid.Bool().Draw(t, "publishing") {
			line("publishing rule R%d %s server %s from %s%s", i, protocol, address(t), from, readOnly)
			continue
		}
		line("access rule \"rule %d\" %s %s%s from %s to %s%s", i, oneOfWords(t, "verb", "allow", "deny"), protocol, maybe(t, "second", ", HTTPS"), from,
			oneOfWords(t, "to", "Internal", "any", "192.168.10.1"), readOnly)
	}
	return b.String()
}

// What each printer writes of its own dialect means what the text meant, and is a fixed
// point.
func TestPrintRoundTrip(t *testing.T) {
	for _, c := range []struct {
		name   string
		config func(*rapid.T) string
	}{{"comware", comwareConfig}, {"ios", iosConfig}, {"asa", asaConfig}, {"isa", isaConfig}} {
		t.Run(c.name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				config := c.config(rt)
				rs, diagnostics := Parse(c.name, "random", config)
				if rs == nil {
					rt.Fatalf("%s\n%s", config, FormatDiagnostic(firstError(diagnostics), config))
				}
				checkRuleset(rt, rs)
				roundTrip(rt, rs)
			})
		})
	}
}

// What each language's configurations are in every other language does the same, or a
// note says what does not.
func TestTranslateRandom(t *testing.T) {
	for _, c := range []struct {
		name   string
		config func(*rapid.T) string
	}{{"comware", comwareConfig}, {"ios", iosConfig}, {"asa", asaConfig}, {"isa", isaConfig}} {
		t.Run(c.name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				rs := mustParse(rt, c.name, c.config(rt))
				for _, to := range Names() {
					if to != c.name {
						translated(rt, rs, to)
					}
				}
			})
		})
	}
}
