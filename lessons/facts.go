package lessons

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ftplab/sim"
	"ftplab/sim/firewall"
	"ftplab/sim/ftp"
	"ftplab/sim/report"
	"ftplab/sim/tcp"
	"ftplab/sim/trace"
	"ftplab/sim/wire"
	"ftplab/topology/document"
)

// facts are what can be asked about a run: the members of its report, by their names in
// JSON ("first_drop.rule.text"), and what the trace says besides ("trace.data_syn.from").
type facts struct {
	run *report.Run
	tr  *trace.Trace
	sc  *sim.Scenario

	object map[string]any // the report as JSON sees it
	view   *view
}

func newFacts(target string, sel Selection, sc *sim.Scenario, tr *trace.Trace) *facts {
	run := report.New(report.Selection{Target: target, Mode: sel.Mode, Firewall: sel.Firewall, Op: sel.Op, TLS: sel.TLS, Seed: sel.Seed}, tr)
	f := &facts{run: run, tr: tr, sc: sc, view: newView(tr)}
	text, err := json.Marshal(run)
	if err == nil {
		err = json.Unmarshal(text, &f.object)
	}
	if err != nil {
		panic("lessons: a report is no JSON: " + err.Error()) // its types are ours and plain
	}
	return f
}

// tracePrefix begins the paths of facts that are not in the report.
const tracePrefix = "trace."

// traceFacts are the facts of the trace: what follows "trace.", with the number of
// words that follow each.
var traceFacts = []struct {
	name string
	args int
}{
	{"data_syn", 1}, {"data_syns", 1}, {"connections", 0}, {"drops", 0}, {"hits", 2}, {"policy_hits", 1},
	{"expectations", 1}, {"expectations_used", 1}, {"expectation", 1}, {"entries", 1}, {"probe", 1}, {"command", 1}, {"control_lines", 0}, {"data_from", 0},
}

// runPaths are the members of a report that a claim can be about, without places in lists.
var runPaths = []string{"outcome", "phase", "failure_class", "fail_after_s", "server_reply", "last_reply", "transfer.bytes", "transfer.sha256",
	"replies", "replies.t", "replies.code", "replies.text",
	"first_drop", "first_drop.t", "first_drop.node", "first_drop.hook", "first_drop.in", "first_drop.out", "first_drop.src", "first_drop.sport",
	"first_drop.dst", "first_drop.dport", "first_drop.flags", "first_drop.rule", "first_drop.rule.line", "first_drop.rule.text",
	"first_drop.reason", "first_drop.state", "first_drop.missed", "first_drop.missed.line", "first_drop.missed.text",
	"first_drop.missed.field", "first_drop.missed.why", "stats.packets", "stats.events", "stats.packet_hops", "stats.sim_s"}

// checkPath reports a path that no fact can have.
func checkPath(path string) error {
	if rest, ok := strings.CutPrefix(path, tracePrefix); ok {
		words := strings.Split(rest, ".")
		var known []string
		for _, fact := range traceFacts {
			if fact.name == words[0] && fact.args == len(words)-1 {
				return nil
			}
			if fact.name == words[0] {
				return fmt.Errorf("%q: %s%s is followed by %d words", path, tracePrefix, fact.name, fact.args)
			}
			known = append(known, tracePrefix+fact.name)
		}
		return &unknownWord{What: "fact", Name: tracePrefix + words[0], Known: known}
	}
	if !slices.Contains(runPaths, withoutPlaces(path)) {
		known := slices.Clone(runPaths)
		e := fmt.Errorf("unknown fact %q", path)
		if hint := document.Suggest(withoutPlaces(path), known); hint != "" {
			e = fmt.Errorf("unknown fact %q: %s", path, hint)
		}
		return e
	}
	return nil
}

// withoutPlaces takes the places in lists out of a path: missed.1.field is missed.field.
func withoutPlaces(path string) string {
	words := slices.DeleteFunc(strings.Split(path, "."), func(word string) bool {
		_, err := strconv.Atoi(word)
		return err == nil
	})
	return strings.Join(words, ".")
}

// get returns a fact as text: numbers as JSON writes them, "null" for what is not there.
// Elements of lists are counted from 1.
func (f *facts) get(path string) string {
	if rest, ok := strings.CutPrefix(path, tracePrefix); ok {
		return f.ofTrace(strings.Split(rest, "."))
	}
	var value any = f.object
	for _, word := range strings.Split(path, ".") {
		switch v := value.(type) {
		case map[string]any:
			value = v[word]
		case []any:
			i, err := strconv.Atoi(word)
			if err != nil || i < 1 || i > len(v) {
				return "null"
			}
			value = v[i-1]
		default:
			return "null"
		}
	}
	return factText(value)
}

func factText(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []any:
		return fmt.Sprint(len(v)) // a list is as good as its length
	}
	return fmt.Sprint(value)
}

// ofTrace returns a fact of the trace; checkPath has seen its words.
func (f *facts) ofTrace(words []string) string {
	switch words[0] {
	case "data_syn":
		return f.dataSYN(words[1])
	case "data_syns":
		return fmt.Sprint(f.dataSYNsAt(words[1]))
	case "data_from":
		return f.dataFrom()
	case "connections":
		return fmt.Sprint(f.count(func(e trace.Event) bool {
			b, ok := e.Body.(trace.TCP)
			return ok && b.From == tcp.SynSent && b.To == tcp.Established
		}))
	case "drops":
		return fmt.Sprint(f.count(func(e trace.Event) bool { b, ok := e.Body.(trace.Judged); return ok && isDrop(b.Decision) }))
	case "hits", "policy_hits":
		return f.hits(words)
	case "expectations":
		return f.changes(words[1], firewall.ExpectNew)
	case "expectations_used":
		return f.changes(words[1], firewall.ExpectUsed)
	case "expectation":
		return f.expectation(words[1])
	case "entries":
		return f.changes(words[1], firewall.EntryNew)
	case "probe":
		return f.probe(words[1])
	case "command":
		return f.command(words[1])
	case "control_lines":
		return fmt.Sprint(f.count(func(e trace.Event) bool {
			b, ok := e.Body.(trace.FTP)
			return ok && !b.Server && (b.Note == ftp.CommandSent || b.Note == ftp.ReplyReceived)
		}))
	}
	return "null"
}

func (f *facts) count(is func(trace.Event) bool) int {
	n := 0
	for id := trace.ID(1); id <= trace.ID(f.tr.Len()); id++ {
		if is(f.tr.Event(id)) {
			n++
		}
	}
	return n
}

// dataSYN says who opens the data connection to whom: from and to are nodes, sport and
// dport the ports, of the first SYN of a data connection as it was first sent.
func (f *facts) dataSYN(what string) string {
	s := selector{subject: atSegment, nth: 1, fate: sent, flags: wire.SYN, channel: "data"}
	id, ok := s.find(f.tr)
	if !ok {
		return "null"
	}
	p, _ := f.tr.PacketOf(id)
	switch what {
	case "from":
		return f.view.owner(p.Src)
	case "to":
		return f.view.owner(p.Dst)
	case "sport":
		return fmt.Sprint(p.SrcPort)
	case "dport":
		return fmt.Sprint(p.DstPort)
	}
	return "null"
}

// dataSYNsAt counts the SYNs of data connections that a node sent or that came to it.
func (f *facts) dataSYNsAt(node string) int {
	return f.count(func(e trace.Event) bool {
		if e.Kind != trace.KindSent && e.Kind != trace.KindArrived || f.view.name(e.Node) != node {
			return false
		}
		p, _ := f.tr.PacketOf(e.ID)
		return p.Protocol == wire.TCP && p.Flags&(wire.SYN|wire.ACK) == wire.SYN && f.view.isData(&p)
	})
}

// dataFrom is the node that sent the first octets on a data connection.
func (f *facts) dataFrom() string {
	s := selector{subject: atSegment, nth: 1, fate: sent, payload: true, channel: "data"}
	id, ok := s.find(f.tr)
	if !ok {
		return "null"
	}
	p, _ := f.tr.PacketOf(id)
	return f.view.owner(p.Src)
}

// hits is how many packets a rule (by its line) or the policy of a node's lists matched.
func (f *facts) hits(words []string) string {
	state := trace.NewReader(f.tr).StateAt(trace.ID(f.tr.Len()))
	for i, n := range f.tr.Nodes {
		if n.Name != words[1] || n.Rules == nil {
			continue
		}
		if words[0] == "policy_hits" {
			var sum uint32
			for _, hits := range state.Devices[i].PolicyHits {
				sum += hits
			}
			return fmt.Sprint(sum)
		}
		for place, rule := range n.Rules.Rules {
			if fmt.Sprint(rule.Line) == words[2] {
				return fmt.Sprint(state.Devices[i].Hits[place])
			}
		}
	}
	return "null"
}

// changes counts the changes of a kind in a firewall's tables.
func (f *facts) changes(node string, kind firewall.ChangeKind) string {
	return fmt.Sprint(f.count(func(e trace.Event) bool {
		b, ok := e.Body.(trace.Tracked)
		return ok && b.Change.Kind == kind && f.view.name(e.Node) == node
	}))
}

// expectation is the first expectation of a firewall: "192.168.10.1:any > 10.0.0.2:1027".
func (f *facts) expectation(node string) string {
	for id := trace.ID(1); id <= trace.ID(f.tr.Len()); id++ {
		e := f.tr.Event(id)
		b, ok := e.Body.(trace.Tracked)
		if !ok || b.Change.Kind != firewall.ExpectNew || f.view.name(e.Node) != node {
			continue
		}
		x := b.Change.Expect
		port := "any"
		if x.Src.Port() != 0 {
			port = fmt.Sprint(x.Src.Port())
		}
		return fmt.Sprintf("%v:%s > %v", x.Src.Addr(), port, x.Dst)
	}
	return "null"
}

// probe is how a probe of the scenario ended, by its name: open, closed (somebody
// refused) or filtered (nobody answered).
func (f *facts) probe(name string) string {
	for _, p := range f.sc.Probes {
		if p.Name != name {
			continue
		}
		for id := trace.ID(1); id <= trace.ID(f.tr.Len()); id++ {
			b, ok := f.tr.Event(id).Body.(trace.Probe)
			if !ok || b.To != p.Target || p.SourcePort != 0 && b.From.Port() != p.SourcePort {
				continue
			}
			switch {
			case b.Open:
				return "open"
			case b.Failure == ftp.TimedOut:
				return "filtered"
			}
			return "closed"
		}
	}
	return "null"
}

// command is the first command with this verb that the client sent, as it sent it.
func (f *facts) command(verb string) string {
	for id := trace.ID(1); id <= trace.ID(f.tr.Len()); id++ {
		b, ok := f.tr.Event(id).Body.(trace.FTP)
		if !ok || b.Note != ftp.CommandSent {
			continue
		}
		if v, _, _ := strings.Cut(b.Text, " "); strings.EqualFold(v, verb) {
			return b.Text
		}
	}
	return "null"
}
