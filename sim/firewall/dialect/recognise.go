package dialect

import (
	"strings"

	"ftplab/sim/firewall/dialect/internal/text"
)

// Recognise returns the names of the dialects that a text fits, judged by the words
// that its statements begin with: none, one or several.
func Recognise(config string) []string {
	lines := text.Lines(config)
	var fitting []string
	for _, l := range languages() {
		if l.fits(lines) {
			fitting = append(fitting, l.name)
		}
	}
	return fitting
}

// anyStatement reports whether the words of some line, in lower case and without a
// prompt, satisfy is.
func anyStatement(lines []string, is func(words []string) bool) bool {
	for _, line := range lines {
		if len(line) > text.MaxLineLength {
			continue
		}
		words := strings.Fields(strings.ToLower(withoutPrompt(line)))
		if len(words) > 0 && is(words) {
			return true
		}
	}
	return false
}

// withoutPrompt cuts a pasted prompt off: "[Sysname-acl-adv-3000]", "<Sysname>",
// "router(config)#".
func withoutPrompt(line string) string {
	line = strings.TrimLeft(line, " \t")
	if line == "" {
		return line
	}
	switch closing := map[byte]string{'[': "]", '<': ">"}[line[0]]; {
	case closing != "":
		if end := strings.Index(line, closing); end > 0 {
			return line[end+1:]
		}
	case strings.Contains(line, ")#"):
		if end := strings.Index(line, ")#"); !strings.ContainsAny(line[:end], " \t") {
			return line[end+2:]
		}
	}
	return line
}

// at returns the word at a place, "" beyond the end.
func at(words []string, i int) string {
	if i < len(words) {
		return words[i]
	}
	return ""
}

func oneOf(word string, candidates ...string) bool {
	for _, c := range candidates {
		if word == c {
			return true
		}
	}
	return false
}

func fitsComware(lines []string) bool {
	return anyStatement(lines, func(w []string) bool {
		switch w[0] {
		case "rule":
			verb := at(w, 1)
			if text.IsNumber(text.Word{Text: verb}) {
				verb = at(w, 2)
			}
			return oneOf(verb, "permit", "deny")
		case "acl":
			return oneOf(at(w, 1), "number", "basic", "advanced", "name") || at(w, 1) == "ipv6" && len(w) > 2
		case "packet-filter", "aspf", "aspf-policy", "port-mapping":
			return len(w) > 1
		case "firewall":
			return oneOf(at(w, 1), "enable", "default", "packet-filter", "aspf")
		case "security-zone":
			return oneOf(at(w, 1), "name", "intra-zone")
		case "zone-pair":
			return at(w, 1) == "security" && at(w, 2) == "source"
		case "basic", "advanced":
			return oneOf(at(w, 1), "acl", "ipv4", "ipv6") && strings.Contains(strings.Join(w, " "), " rule")
		}
		return false
	})
}

func fitsIPTables(lines []string) bool {
	return anyStatement(lines, func(w []string) bool {
		first := w[0]
		switch {
		case first == "sudo":
			return oneOf(at(w, 1), "iptables", "ip6tables")
		case oneOf(first, "iptables", "ip6tables", "/sbin/iptables", "/sbin/ip6tables", "/usr/sbin/iptables", "/usr/sbin/ip6tables"):
			return len(w) > 1
		case strings.HasPrefix(first, "*"):
			return oneOf(first, "*filter", "*nat", "*mangle", "*raw", "*security")
		case strings.HasPrefix(first, ":"):
			return oneOf(at(w, 1), "accept", "drop", "-") && strings.HasPrefix(at(w, 2), "[")
		case strings.HasPrefix(first, "["): // packet counters, as iptables-save -c prints them
			return oneOf(at(w, 1), "-a", "-i")
		}
		return oneOf(first, "-a", "-p", "-n", "-i") && len(w) > 2
	})
}

func fitsNFT(lines []string) bool {
	return anyStatement(lines, func(w []string) bool {
		if w[0] == "nft" && len(w) > 2 {
			w = w[1:]
		}
		if oneOf(w[0], "add", "create", "insert", "delete", "destroy", "flush", "replace") {
			return oneOf(at(w, 1), "table", "chain", "rule", "set", "map", "element", "ruleset", "ct")
		}
		if w[0] == "#!/usr/sbin/nft" || w[0] == "#!/sbin/nft" || w[0] == "#!/usr/bin/nft" {
			return true
		}
		families := oneOf(at(w, 1), "ip", "ip6", "inet", "arp", "bridge", "netdev")
		return w[0] == "table" && (families || strings.HasSuffix(strings.Join(w, " "), "{"))
	})
}

func fitsISA(lines []string) bool {
	return anyStatement(lines, func(w []string) bool { return w[0] == "isa" && at(w, 1) == "server" })
}
