package dialect

import (
	"strings"

	"ftplab/sim/firewall/dialect/internal/text"
)

// cisco is what the statements of a text say about which of Cisco's two languages it
// is in.
type cisco struct {
	ios, asa bool // a statement that only this one has
	shared   bool // a statement that both have and read alike
}

// A numbered access list without any mask is the same in both languages, so that a
// text of nothing else fits both.
func fitsIOS(lines []string) bool {
	c := judgeCisco(lines)
	return c.ios || c.shared && !c.asa
}

func fitsASA(lines []string) bool {
	c := judgeCisco(lines)
	return c.asa || c.shared && !c.ios
}

func judgeCisco(lines []string) cisco {
	var c cisco
	anyStatement(lines, func(w []string) bool {
		switch {
		case onlyIOS(w):
			c.ios = true
		case onlyASA(w):
			c.asa = true
		case w[0] == "access-list" && oneOf(at(w, 2), "permit", "deny", "remark"):
			c.shared = true
		}
		return c.ios && c.asa
	})
	return c
}

func onlyIOS(w []string) bool {
	switch w[0] {
	case "access-list":
		return isNumber(at(w, 1)) && oneOf(at(w, 2), "permit", "deny") && hasWildcard(w)
	case "ip":
		return oneOf(at(w, 1), "access-list", "access-group") || at(w, 1) == "inspect" && len(w) > 2
	case "ipv6":
		return oneOf(at(w, 1), "access-list", "traffic-filter") && !oneOf(at(w, 3), "permit", "deny")
	case "extended", "standard":
		return at(w, 1) == "ip" && at(w, 2) == "access"
	case "class-map":
		return at(w, 1) == "type" && at(w, 2) == "inspect" && (len(w) == 4 || oneOf(at(w, 3), "match-any", "match-all"))
	case "policy-map":
		return at(w, 1) == "type" && at(w, 2) == "inspect" && len(w) == 4
	case "zone":
		return at(w, 1) == "security" && len(w) == 3
	case "zone-pair":
		return at(w, 1) == "security" && at(w, 3) == "source"
	}
	return false
}

func onlyASA(w []string) bool {
	switch w[0] {
	case "asa", "pix":
		return at(w, 1) == "version"
	case "nameif", "security-level", "same-security-traffic", "network-object", "service-object", "port-object", "protocol-object", "icmp-object":
		return len(w) > 1
	case "access-group":
		return oneOf(at(w, 2), "in", "out") && at(w, 3) == "interface" || at(w, 2) == "global"
	case "access-list":
		named := !isNumber(at(w, 1)) && oneOf(at(w, 2), "permit", "deny", "remark")
		return named || oneOf(at(w, 2), "extended", "standard", "line", "ethertype", "webtype", "advanced") || strings.HasSuffix(at(w, 1), ";")
	case "object":
		return oneOf(at(w, 1), "network", "service") && len(w) > 2
	case "object-group":
		return oneOf(at(w, 1), "protocol", "icmp-type") || at(w, 1) == "service" && oneOf(at(w, 3), "tcp", "udp", "tcp-udp")
	case "service-policy":
		return at(w, 2) == "global" || at(w, 2) == "interface"
	case "inspect":
		return at(w, 1) == "ftp"
	}
	return false
}

// hasWildcard reports whether a word looks like a wildcard mask, which ASA does not
// take: 0.0.0.255.
func hasWildcard(w []string) bool {
	for _, word := range w {
		if strings.HasPrefix(word, "0.") && strings.Count(word, ".") == 3 && word != "0.0.0.0" {
			return true
		}
	}
	return false
}

func isNumber(word string) bool { return text.IsNumber(text.Word{Text: word}) }
