package firewall

import "sort"

// program is a ruleset made ready for one device.
type program struct {
	rules  *Ruleset
	linux  bool // netfilter's hooks; otherwise a vendor's interface lists
	coded  []compiledRule
	chains []compiledChain
	// hooks are the steps at each hook in the order in which they are taken, for
	// IPv4 and IPv6.
	hooks [2][Outbound + 1][]step
	// translations are the chains of type nat at each hook.
	translations [2][Outbound + 1][]int
	tracks       bool
	// misreads says that a later fragment's octets pass for a transport header.
	misreads              bool
	helpersBeforeTracking bool       // iptables: a helper is chosen in the raw table
	inbound, outbound     [2][][]int // a vendor's lists by family and interface
	between               [2][]int   // a vendor's forward chains by family
	inspections           []inspection
}

type compiledRule struct {
	parts   []part
	verdict Verdict
}

// part is a condition, or a side effect if effect is set.
type part struct {
	condition condition
	effect    *Effect
	lookup    *lookup // of an effect with a map
}

type compiledChain struct {
	first, end int
	policy     VerdictKind
	indexes    [2]*index // for IPv4 and IPv6; nil: every rule is asked
	asked      [2]uint8  // how often, up to asksBefore
}

type stepKind uint8

const (
	chainStep     stepKind = iota // ask a chain
	trackStep                     // find or make the packet's connection
	translateStep                 // NAT
)

type step struct {
	kind  stepKind
	chain int
}

// compiler makes a program for a device with these interfaces.
type compiler struct {
	rules      *Ruleset
	interfaces []Interface
	// permitsLaterFragments says that a permit rule about ports or flags lets a later
	// fragment pass and a deny rule skips it (Cisco); elsewhere neither matches one.
	permitsLaterFragments bool
}

// Priorities of netfilter's own work (linux/netfilter_ipv4.h).
const (
	trackPriority       = -200
	destinationPriority = -100
	sourcePriority      = 100
)

func compile(rules *Ruleset, interfaces []Interface) *program {
	c := &compiler{
		rules: rules, interfaces: interfaces,
		permitsLaterFragments: rules.Dialect == "ios" || rules.Dialect == "asa",
	}
	p := &program{rules: rules, linux: isLinux(rules), helpersBeforeTracking: rules.Dialect == "iptables", misreads: rules.Dialect == "nft"}
	p.coded = make([]compiledRule, len(rules.Rules))
	for i := range rules.Rules {
		p.coded[i] = c.compileRule(&rules.Rules[i])
	}
	p.chains = make([]compiledChain, len(rules.Chains))
	for i := range rules.Chains {
		chain := &rules.Chains[i]
		p.chains[i] = compiledChain{first: chain.First, end: chain.First + chain.Count, policy: chain.Policy.Kind}
	}
	c.cutLoops(p)
	if p.linux {
		p.tracks = rules.UsesConntrack
		p.arrangeHooks()
	} else {
		p.arrangeLists(interfaces)
		for i := range rules.Inspections {
			p.inspections = append(p.inspections, c.compileInspection(&rules.Inspections[i]))
		}
		p.tracks = len(p.inspections) > 0
	}
	return p
}

// isLinux tells a netfilter ruleset from a vendor's. A device without rules
// forwards either way.
func isLinux(rules *Ruleset) bool { return rules.Dialect == "nft" || rules.Dialect == "iptables" }

func (c *compiler) compileRule(r *Rule) compiledRule {
	coded := compiledRule{verdict: r.Verdict, parts: make([]part, len(r.Parts))}
	for i := range r.Parts {
		switch from := &r.Parts[i]; {
		case from.Effect != nil:
			coded.parts[i].effect = from.Effect
			if from.Effect.Map != 0 {
				coded.parts[i].lookup = c.compileSet(from.Effect.Map-1, from.Effect.Key)
			}
		case from.Match != nil:
			coded.parts[i].condition = c.compileMatch(from.Match, r.Verdict.Kind)
		}
	}
	return coded
}

// cutLoops makes a jump that leads back to a chain it came from a drop. No real
// device loads such a ruleset.
func (c *compiler) cutLoops(p *program) {
	const (
		unseen = iota
		open
		done
	)
	state := make([]int, len(p.chains))
	var visit func(chain int)
	follow := func(v *Verdict) {
		if v.Kind != Jump && v.Kind != Goto {
			return
		}
		if v.Chain < 0 || v.Chain >= len(p.chains) || state[v.Chain] == open {
			*v = Verdict{Kind: Drop}
			return
		}
		if state[v.Chain] == unseen {
			visit(v.Chain)
		}
	}
	visit = func(chain int) {
		state[chain] = open
		for i := p.chains[chain].first; i < p.chains[chain].end; i++ {
			follow(&p.coded[i].verdict)
			for k := range p.coded[i].parts {
				if l := p.coded[i].parts[k].lookup; l != nil {
					for e := range l.elements {
						follow(&l.elements[e].verdict)
					}
				}
			}
		}
		state[chain] = done
	}
	for i := range p.chains {
		if state[i] == unseen {
			visit(i)
		}
	}
}

// arrangeHooks puts the chains and netfilter's own work in order of priority. What
// has the same priority runs in the opposite order of its registration, as the
// kernel inserts a new hook before its equals.
func (p *program) arrangeHooks() {
	for f, family := range []string{"ip", "ip6"} {
		for hook := Prerouting; hook <= Postrouting; hook++ {
			type registered struct {
				step
				priority, order int
			}
			var all []registered
			add := func(s step, priority, order int) { all = append(all, registered{s, priority, order}) }
			if p.tracks && (hook == Prerouting || hook == Output) {
				add(step{kind: trackStep}, trackPriority, -1)
			}
			firstNAT := -1
			for i := range p.rules.Chains {
				chain := &p.rules.Chains[i]
				if chain.Family != family && chain.Family != "inet" {
					continue
				}
				if chain.Type == NATChain && chain.Hook != HookNone && firstNAT < 0 {
					firstNAT = i
				}
				switch {
				case chain.Hook != hook:
				case chain.Type == NATChain:
					p.translations[f][hook] = append(p.translations[f][hook], i)
				default:
					add(step{kind: chainStep, chain: i}, chain.Priority, i)
				}
			}
			if firstNAT >= 0 {
				switch hook {
				case Prerouting, Output:
					add(step{kind: translateStep}, destinationPriority, firstNAT)
				case Input, Postrouting:
					add(step{kind: translateStep}, sourcePriority, firstNAT)
				}
			}
			sort.SliceStable(all, func(i, j int) bool {
				a, b := all[i], all[j]
				return a.priority < b.priority || a.priority == b.priority && a.order > b.order
			})
			for _, r := range all {
				p.hooks[f][hook] = append(p.hooks[f][hook], r.step)
			}
			p.sortTranslations(f, hook)
		}
	}
}

func (p *program) sortTranslations(family int, hook Hook) {
	chains := p.translations[family][hook]
	sort.SliceStable(chains, func(i, j int) bool {
		a, b := p.rules.Chains[chains[i]].Priority, p.rules.Chains[chains[j]].Priority
		return a < b || a == b && chains[i] > chains[j]
	})
}

// arrangeLists finds the lists that a vendor's device asks: for each interface those of
// packets that come and go by it, and those that say what may pass between interfaces.
func (p *program) arrangeLists(interfaces []Interface) {
	for f, family := range []string{"ip", "ip6"} {
		p.inbound[f] = make([][]int, len(interfaces))
		p.outbound[f] = make([][]int, len(interfaces))
		for i := range p.rules.Chains {
			chain := &p.rules.Chains[i]
			if chain.Family != "" && chain.Family != family && chain.Family != "inet" {
				continue
			}
			if chain.Hook == Forward {
				p.between[f] = append(p.between[f], i)
			}
			for at := range interfaces {
				switch {
				case chain.Interface != "" && chain.Interface != interfaces[at].Name:
				case chain.Hook == Inbound:
					p.inbound[f][at] = append(p.inbound[f][at], i)
				case chain.Hook == Outbound:
					p.outbound[f][at] = append(p.outbound[f][at], i)
				}
			}
		}
	}
}
