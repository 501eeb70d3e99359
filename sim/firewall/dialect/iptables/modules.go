package iptables

import (
	"strings"

	"ftplab/sim/firewall/dialect/internal/text"
)

// module is a match (-m) or a target (-j) with its options.
type module struct {
	name   string
	alias  string // other names
	family string // "" is both
	// options in the order of the module's help.
	options []option
	// why says, for a match that is not modelled, what is not.
	why string
}

// option is one option of a module.
type option struct {
	name      string // with dashes
	alias     string
	args      int
	negatable bool
	optional  bool // one more argument may follow
	repeats   bool // may be used more than once
}

// find returns the option with this name, also by an unambiguous beginning of it.
func (m *module) find(word string) *option {
	var started *option
	for i := range m.options {
		o := &m.options[i]
		if o.name == word || o.alias == word {
			return o
		}
		if len(word) > 3 && strings.HasPrefix(word, "--") && strings.HasPrefix(o.name, word) {
			if started != nil {
				return nil
			}
			started = o
		}
	}
	return started
}

func findModule(modules []module, name, family string) *module {
	for i := range modules {
		m := &modules[i]
		if (m.name == name || m.alias != "" && hasWord(m.alias, name)) && (m.family == "" || m.family == family) {
			return m
		}
	}
	return nil
}

func moduleNames(modules []module) []string {
	var names []string
	for _, m := range modules {
		names = append(names, m.name)
	}
	return names
}

// isTarget reports whether a name is that of a target, so that no chain can have it.
func isTarget(name string) bool {
	switch name {
	case "ACCEPT", "DROP", "RETURN", "QUEUE":
		return true
	}
	return findModule(targetModules, name, "ip") != nil || findModule(targetModules, name, "ip6") != nil
}

// with is an option with arguments that can be negated; plain one that cannot.
func with(name, alias string) option {
	return option{name: name, alias: alias, args: 1, negatable: true}
}
func plain(name string) option         { return option{name: name, args: 1} }
func bare(name string) option          { return option{name: name} }
func negatableFlag(name string) option { return option{name: name, negatable: true} }

var portOptions = []option{with("--source-port", "--sport"), with("--destination-port", "--dport")}

// matchModules are the matches that are known.
var matchModules = []module{
	{name: "tcp", options: []option{with("--source-port", "--sport"), with("--destination-port", "--dport"),
		{name: "--tcp-flags", args: 2, negatable: true}, negatableFlag("--syn"), with("--tcp-option", "")}},
	{name: "udp", options: portOptions},
	{name: "udplite", options: portOptions},
	{name: "dccp", options: append([]option{with("--dccp-types", ""), with("--dccp-option", "")}, portOptions...)},
	{name: "sctp", options: append([]option{{name: "--chunk-types", args: 2, negatable: true}}, portOptions...)},
	{name: "icmp", family: "ip", options: []option{with("--icmp-type", "")}},
	{name: "icmp6", alias: "icmpv6 ipv6-icmp", family: "ip6", options: []option{with("--icmpv6-type", "")}},
	{name: "conntrack", options: []option{with("--ctstate", ""), with("--ctproto", ""), with("--ctorigsrc", ""), with("--ctorigdst", ""),
		with("--ctreplsrc", ""), with("--ctrepldst", ""), with("--ctorigsrcport", ""), with("--ctorigdstport", ""), with("--ctreplsrcport", ""),
		with("--ctrepldstport", ""), with("--ctstatus", ""), with("--ctexpire", ""), plain("--ctdir")}},
	{name: "state", options: []option{with("--state", "")}},
	{name: "helper", options: []option{with("--helper", "")}},
	{name: "multiport", options: []option{with("--source-ports", "--sports"), with("--destination-ports", "--dports"), with("--ports", "--port")}},
	{name: "iprange", options: []option{with("--src-range", ""), with("--dst-range", "")}},
	{name: "comment", options: []option{plain("--comment")}},
	{name: "limit", options: []option{plain("--limit"), plain("--limit-burst")}},
	{name: "addrtype", options: []option{with("--src-type", ""), with("--dst-type", ""), bare("--limit-iface-in"), bare("--limit-iface-out")}},
	{name: "mark", options: []option{with("--mark", "")}},
	{name: "connmark", options: []option{with("--mark", "")}},
	{name: "length", options: []option{with("--length", "")}},
	{name: "ttl", family: "ip", options: []option{with("--ttl-eq", "--ttl"), plain("--ttl-lt"), plain("--ttl-gt")}},
	{name: "hl", family: "ip6", options: []option{with("--hl-eq", ""), plain("--hl-lt"), plain("--hl-gt")}},
	{name: "dscp", options: []option{with("--dscp", ""), with("--dscp-class", "")}},

	{name: "mac", why: "simulated links have no addresses of their own", options: []option{with("--mac-source", "")}},
	{name: "owner", why: "simulated packets have no owner", options: []option{with("--uid-owner", ""), with("--gid-owner", ""), bare("--suppl-groups"),
		negatableFlag("--socket-exists")}},
	{name: "recent", why: "lists of recently seen addresses are not modelled", options: []option{negatableFlag("--set"), negatableFlag("--rcheck"),
		negatableFlag("--update"), negatableFlag("--remove"), plain("--seconds"), bare("--reap"), plain("--hitcount"), bare("--rttl"), plain("--name"),
		bare("--rsource"), bare("--rdest"), plain("--mask")}},
	{name: "set", why: "ipset's sets are not known here", options: []option{{name: "--match-set", args: 2, negatable: true}, bare("--return-nomatch"),
		negatableFlag("--update-counters"), negatableFlag("--update-subcounters"), with("--packets-eq", ""), plain("--packets-lt"), plain("--packets-gt"),
		with("--bytes-eq", ""), plain("--bytes-lt"), plain("--bytes-gt")}},
	{name: "hashlimit", why: "rate limits are not modelled", options: []option{plain("--hashlimit-upto"), plain("--hashlimit-above"), with("--hashlimit", ""),
		plain("--hashlimit-burst"), plain("--hashlimit-mode"), plain("--hashlimit-srcmask"), plain("--hashlimit-dstmask"), plain("--hashlimit-name"),
		plain("--hashlimit-htable-size"), plain("--hashlimit-htable-max"), plain("--hashlimit-htable-expire"), plain("--hashlimit-htable-gcinterval"),
		bare("--hashlimit-rate-match"), plain("--hashlimit-rate-interval")}},
	{name: "connlimit", why: "numbers of connections are not limited", options: []option{plain("--connlimit-upto"), with("--connlimit-above", ""),
		plain("--connlimit-mask"), bare("--connlimit-saddr"), bare("--connlimit-daddr")}},
	{name: "connbytes", why: "octets of connections are not counted by rules", options: []option{with("--connbytes", ""), plain("--connbytes-dir"), plain("--connbytes-mode")}},
	{name: "statistic", why: "chance is not modelled", options: []option{plain("--mode"), with("--probability", ""), with("--every", ""), plain("--packet")}},
	{name: "random", why: "chance is not modelled", options: []option{plain("--average")}},
	{name: "time", why: "the time of day is not modelled", options: []option{plain("--datestart"), plain("--datestop"), plain("--timestart"), plain("--timestop"),
		with("--monthdays", ""), with("--weekdays", ""), bare("--kerneltz"), bare("--contiguous"), bare("--localtz"), bare("--utc")}},
	{name: "physdev", why: "bridge ports are not modelled", options: []option{with("--physdev-in", ""), with("--physdev-out", ""), negatableFlag("--physdev-is-in"),
		negatableFlag("--physdev-is-out"), negatableFlag("--physdev-is-bridged")}},
	{name: "pkttype", why: "every simulated packet is sent to one host", options: []option{with("--pkt-type", "")}},
	{name: "policy", why: "IPsec is not modelled", options: []option{plain("--dir"), plain("--pol"), bare("--strict"), with("--reqid", ""), with("--spi", ""),
		with("--proto", ""), with("--mode", ""), with("--tunnel-src", ""), with("--tunnel-dst", ""), bare("--next")}},
	{name: "quota", why: "quotas are not modelled", options: []option{with("--quota", "")}},
	{name: "realm", why: "routing realms are not modelled", options: []option{with("--realm", "")}},
	{name: "rpfilter", why: "the way back is taken to be as the packet came", options: []option{bare("--loose"), bare("--validmark"), bare("--accept-local"), bare("--invert")}},
	{name: "rateest", why: "rates are not estimated", options: []option{plain("--rateest-delta"), plain("--rateest"), plain("--rateest-gt"), plain("--rateest-lt")}},
	{name: "socket", why: "sockets are not looked up by rules", options: []option{bare("--transparent"), bare("--nowildcard"), bare("--restore-skmark")}},
	{name: "string", why: "contents of packets are not searched", options: []option{plain("--from"), plain("--to"), plain("--algo"), bare("--icase"),
		with("--string", ""), with("--hex-string", "")}},
	{name: "tcpmss", why: "the option MSS is not looked at by rules", options: []option{with("--mss", "")}},
	{name: "tos", why: "the field TOS is not looked at by rules", options: []option{with("--tos", "")}},
	{name: "ecn", why: "ECN is not modelled", options: []option{negatableFlag("--ecn-tcp-cwr"), negatableFlag("--ecn-tcp-ece"), with("--ecn-ip-ect", "")}},
	{name: "u32", why: "raw octets of a packet are not looked at", options: []option{with("--u32", "")}},
	{name: "bpf", why: "programs in rules are not run", options: []option{plain("--bytecode"), plain("--object-pinned")}},
	{name: "cpu", why: "processors are not modelled", options: []option{with("--cpu", "")}},
	{name: "devgroup", why: "groups of interfaces are not modelled", options: []option{with("--src-group", ""), with("--dst-group", "")}},
	{name: "connlabel", why: "labels of connections are not modelled", options: []option{with("--label", ""), bare("--set")}},
	{name: "cgroup", why: "simulated packets have no owner", options: []option{with("--cgroup", ""), with("--path", "")}},
	{name: "nfacct", why: "accounting is not modelled", options: []option{plain("--nfacct-name")}},
	{name: "osf", why: "operating systems are not guessed", options: []option{with("--genre", ""), plain("--ttl"), plain("--log")}},
	{name: "esp", why: "IPsec is not modelled", options: []option{with("--espspi", "")}},
	{name: "ah", why: "IPsec is not modelled", options: []option{with("--ahspi", ""), with("--ahlen", ""), bare("--ahres")}},
	{name: "frag", family: "ip6", why: "IPv6 extension headers do not occur in simulated packets", options: []option{with("--fragid", ""), with("--fraglen", ""),
		bare("--fragres"), bare("--fragfirst"), bare("--fragmore"), bare("--fraglast")}},
	{name: "rt", family: "ip6", why: "IPv6 extension headers do not occur in simulated packets", options: []option{with("--rt-type", ""), with("--rt-segsleft", ""),
		with("--rt-len", ""), bare("--rt-0-res"), plain("--rt-0-addrs"), bare("--rt-0-not-strict")}},
	{name: "hbh", family: "ip6", why: "IPv6 extension headers do not occur in simulated packets", options: []option{with("--hbh-len", ""), plain("--hbh-opts")}},
	{name: "dst", family: "ip6", why: "IPv6 extension headers do not occur in simulated packets", options: []option{with("--dst-len", ""), plain("--dst-opts")}},
	{name: "ipv6header", family: "ip6", why: "IPv6 extension headers do not occur in simulated packets", options: []option{bare("--soft"), with("--header", "")}},
	{name: "eui64", family: "ip6", why: "simulated links have no addresses of their own"},
}

// targetModules are the targets that are known beside chains, ACCEPT, DROP, RETURN
// and QUEUE.
var targetModules = []module{
	{name: "REJECT", options: []option{plain("--reject-with")}},
	{name: "LOG", options: []option{plain("--log-prefix"), plain("--log-level"), bare("--log-tcp-sequence"), bare("--log-tcp-options"), bare("--log-ip-options"),
		bare("--log-uid"), bare("--log-macdecode")}},
	{name: "NFLOG", options: []option{plain("--nflog-prefix"), plain("--nflog-group"), plain("--nflog-range"), plain("--nflog-size"), plain("--nflog-threshold")}},
	{name: "ULOG", options: []option{plain("--ulog-prefix"), plain("--ulog-nlgroup"), plain("--ulog-cprange"), plain("--ulog-qthreshold")}},
	{name: "CT", options: []option{plain("--helper"), bare("--notrack"), plain("--zone"), plain("--zone-orig"), plain("--zone-reply"), plain("--ctevents"),
		plain("--expevents"), plain("--timeout")}},
	{name: "NOTRACK"},
	{name: "MASQUERADE", options: []option{plain("--to-ports"), bare("--random"), bare("--random-fully")}},
	{name: "SNAT", options: []option{plain("--to-source"), bare("--random"), bare("--random-fully"), bare("--persistent")}},
	{name: "DNAT", options: []option{plain("--to-destination"), bare("--random"), bare("--persistent")}},
	{name: "REDIRECT", options: []option{plain("--to-ports"), bare("--random")}},
	{name: "NETMAP", options: []option{plain("--to")}},
	{name: "MARK", options: []option{plain("--set-mark"), plain("--set-xmark"), plain("--or-mark"), plain("--and-mark"), plain("--xor-mark")}},
	{name: "CONNMARK", options: []option{plain("--set-mark"), plain("--set-xmark"), plain("--or-mark"), plain("--and-mark"), plain("--xor-mark"), bare("--save-mark"),
		bare("--restore-mark"), plain("--nfmask"), plain("--ctmask"), plain("--mask")}},
	{name: "NFQUEUE", options: []option{plain("--queue-num"), plain("--queue-balance"), bare("--queue-bypass"), bare("--queue-cpu-fanout")}},

	{name: "TCPMSS", why: "the option MSS is not changed", options: []option{plain("--set-mss"), bare("--clamp-mss-to-pmtu")}},
	{name: "TOS", why: "the field TOS is not changed", options: []option{plain("--set-tos"), plain("--and-tos"), plain("--or-tos"), plain("--xor-tos")}},
	{name: "DSCP", why: "the field DSCP is not changed", options: []option{plain("--set-dscp"), plain("--set-dscp-class")}},
	{name: "TTL", family: "ip", why: "the TTL is not changed by rules", options: []option{plain("--ttl-set"), plain("--ttl-dec"), plain("--ttl-inc")}},
	{name: "HL", family: "ip6", why: "the hop limit is not changed by rules", options: []option{plain("--hl-set"), plain("--hl-dec"), plain("--hl-inc")}},
	{name: "ECN", why: "ECN is not modelled", options: []option{bare("--ecn-tcp-remove")}},
	{name: "CLASSIFY", why: "traffic classes are not modelled", options: []option{plain("--set-class")}},
	{name: "TRACE", why: "tracing changes nothing"},
	{name: "SET", why: "sets that packets change are not modelled", options: []option{{name: "--add-set", args: 2}, {name: "--del-set", args: 2},
		{name: "--map-set", args: 2}, plain("--timeout"), bare("--exist"), bare("--map-mark"), bare("--map-prio"), bare("--map-queue")}},
	{name: "AUDIT", why: "audit records are not modelled", options: []option{plain("--type")}},
	{name: "CHECKSUM", why: "checksums are always right", options: []option{bare("--checksum-fill")}},
	{name: "TEE", why: "copies of packets are not modelled", options: []option{plain("--gateway")}},
	{name: "TPROXY", why: "transparent proxying is not modelled", options: []option{plain("--on-port"), plain("--on-ip"), plain("--tproxy-mark")}},
	{name: "SECMARK", why: "security marks are not modelled", options: []option{plain("--selctx")}},
	{name: "CONNSECMARK", why: "security marks are not modelled", options: []option{bare("--save"), bare("--restore")}},
	{name: "IDLETIMER", why: "idle timers are not modelled", options: []option{plain("--timeout"), plain("--label"), bare("--alarm")}},
	{name: "RATEEST", why: "rates are not estimated", options: []option{plain("--rateest-name"), plain("--rateest-interval"), plain("--rateest-ewmalog")}},
	{name: "SYNPROXY", why: "the SYN proxy is not modelled", options: []option{plain("--mss"), plain("--wscale"), bare("--sack-perm"), bare("--timestamp"), bare("--ecn")}},
	{name: "LED", why: "lamps are not modelled", options: []option{plain("--led-trigger-id"), plain("--led-delay"), bare("--led-always-blink")}},
}

// protocolModule returns the match that belongs to the rule's -p, nil if there is none.
func (c *command) protocolModule() *module {
	u, ok := c.spec.baseUse("protocol")
	if !ok || u.negate {
		return nil
	}
	number, problem := protocolNumber(u.args[0])
	if problem != nil {
		return nil
	}
	return protocolMatch(number, c.family)
}

// protocolMatch returns the match of a protocol, nil if it has none.
func protocolMatch(number uint64, family string) *module {
	switch number {
	case 1:
		return findModule(matchModules, "icmp", family)
	case 6, 17, 33, 132, 136:
		return findModule(matchModules, text.NameOf(text.Protocols(), uint16(number)), family)
	case 58:
		return findModule(matchModules, "icmp6", family)
	}
	return nil
}

// checkProtocol refuses -m tcp with -p udp.
func (c *command) checkProtocol(m *module, w text.Word) *text.Problem {
	switch m.name {
	case "tcp", "udp", "udplite", "dccp", "sctp", "icmp", "icmp6":
	default:
		return nil
	}
	u, ok := c.spec.baseUse("protocol")
	if !ok {
		return nil // -p may still follow; the rule is checked when it is built
	}
	if own := c.protocolModule(); own != m && !u.negate {
		return text.At(w, "%s match requires '-p %s'", strings.ToUpper(m.name), m.name).WithHint("write -p %s before -m %s", m.name, m.name)
	}
	return nil
}
