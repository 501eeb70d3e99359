package model

import (
	"fmt"
	"strconv"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/audit"
	"ftplab/sim/trace"
)

// AuditInput is all that the page with the audit of a firewall's rules is a function of.
type AuditInput struct {
	Size    Size
	Glyphs  *Glyphs
	Heading Heading
	// Firewall and Server are the names of the node with the rules and of the one whose
	// exposure is told.
	Firewall, Server string
	// Report is what was found; nil if the firewall has no rules.
	Report *audit.Report
	Scroll int
}

// Audited returns what the audit page is about at an event: the firewall that the rules
// pane shows, its rules (nil if it has none), and the server at the end of the way; false
// if there is no firewall.
func (r *Run) Audited(at trace.ID) (fw string, rules *firewall.Ruleset, server *trace.Node, ok bool) {
	node, ok := r.firewallAt(at)
	if !ok || len(r.plan.way) == 0 {
		return "", nil, nil, false
	}
	if r.nodeHasRules(node, at) {
		rules = r.Trace.RulesAt(node, at)
	}
	return r.nodeName(node), rules, &r.Trace.Nodes[r.plan.way[len(r.plan.way)-1]], true
}

// Audit returns the page that says what a firewall's rules permit.
func Audit(in *AuditInput) Screen {
	if !in.Size.fits() {
		return tooSmall(in.Glyphs, in.Size, &in.Heading)
	}
	g, w, h := in.Glyphs, in.Size.Width, in.Size.Height
	s := Screen{Size: in.Size, Glyphs: g}
	s.add(TopPane, Rect{0, 0, w, 1}, []Line{in.Heading.line(g, nil, w)})
	title := g.fit("What the rules of "+g.clean(in.Firewall)+" permit", w-4)
	s.Panes = append(s.Panes, Pane{Kind: AuditPane, Rect: Rect{0, 1, w, h - 2}, Title: text(title, TitleRole), Ruled: true, Selected: -1})
	s.Panes[len(s.Panes)-1].show(in.lines(), in.Scroll)
	s.add(KeyPane, Rect{0, h - 1, w, 1}, []Line{g.keyBar(AuditPage, w)})
	return s
}

// AuditScroll returns how far the audit can be scrolled on the screen.
func AuditScroll(in *AuditInput) int { return max(0, len(in.lines())-(in.Size.Height-3)) }

func (in *AuditInput) lines() []Line {
	if in.Report == nil {
		return append([]Line{nil}, in.paragraph(Line{{"There are no rules: every host reaches all 65,536 ports of every other.", Plain}}, 1)...)
	}
	lines := []Line{nil}
	if x := in.Report.Exposure; x != nil {
		lines = append(append(lines, in.exposure(x)...), nil)
	}
	lines = append(append(lines, in.findings()...), nil)
	return append(lines, in.notes()...)
}

// exposure says which ports are open between any host and the server.
func (in *AuditInput) exposure(x *audit.Exposure) []Line {
	heading := fmt.Sprintf("Between any host and %s %v", in.Server, x.Server)
	lines := in.paragraph(Line{{in.Glyphs.clean(heading), TitleRole}}, 1)
	rows := []struct {
		what  string
		count int
		ports audit.Ports
		role  Role
	}{
		{"a host can connect to (a SYN and its answer pass)", x.ConnectCount, x.Connect, Strong},
		{"some packet reaches (a scan with bare ACKs, say)", x.ProbeCount, x.Probe, Plain},
		{"an FTP expectation can open, one at a time", x.ExpectedCount, x.Expected, Plain},
		{"of any host the server can connect to", x.OutwardCount, x.Outward, Plain},
	}
	for _, row := range rows {
		count := fmt.Sprintf("%8s ", grouped(row.count))
		line := Line{{count, Strong}, {noun(row.count) + " " + row.what, row.role}}
		if row.count > 0 {
			line = append(line, Span{": " + portWords(row.ports), Code})
		}
		lines = append(lines, in.paragraph(line, Width(count))...)
	}
	const indent = 9
	for _, f := range x.Forwards {
		words := fmt.Sprintf("`%s` sends %s to %s inside", f.Text, portWords(f.Ports), portWords(f.ToPorts))
		lines = append(lines, in.paragraph(append(Line{{spaces(indent), Plain}}, in.Glyphs.marked(words, Plain)...), indent)...)
	}
	if x.OutwardCount > 0 {
		lines = append(lines, in.paragraph(Line{{spaces(indent) + "from its own ports: ", Plain}, {portWords(x.OutwardFrom), Code}}, indent)...)
	}
	return lines
}

// findings lists the rules that decide nothing, or less than they say.
func (in *AuditInput) findings() []Line {
	g := in.Glyphs
	lines := []Line{text(" Rules without their effect", TitleRole)}
	for i := range in.Report.Rules {
		line := Line{{"   " + g.Missed + " ", Miss}}
		lines = append(lines, in.paragraph(append(line, g.marked(in.Report.Rules[i].String(), Plain)...), 5)...)
	}
	if len(in.Report.Rules) == 0 {
		lines = append(lines, text("   none", Plain))
	}
	return lines
}

// notes says what the analysis has not looked at.
func (in *AuditInput) notes() []Line {
	var lines []Line
	for _, note := range in.Report.Notes {
		lines = append(lines, in.paragraph(append(Line{{" " + in.Glyphs.Bullet + " ", Faint}}, in.Glyphs.marked(note, Faint)...), 3)...)
	}
	if in.Report.Incomplete {
		lines = append(lines, in.paragraph(Line{{" The analysis was stopped at its budget: there may be more.", Drop}}, 1)...)
	}
	return lines
}

func (in *AuditInput) paragraph(line Line, hang int) []Line {
	if len(line) > 0 && !strings.HasPrefix(line[0].Text, " ") {
		line = append(Line{{" ", Plain}}, line...)
	}
	return wrap(line, in.Size.Width-1, hang)
}

// grouped writes a number with a comma between thousands: "64,512".
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func noun(ports int) string {
	if ports == 1 {
		return "port "
	}
	return "ports"
}

// portWords writes ports in words: "all", "21 and 1025 to 65535".
func portWords(ports audit.Ports) string {
	const every = 1 << 16
	if ports.Count() == every {
		return "all"
	}
	var parts []string
	for _, p := range ports {
		from, to := strconv.Itoa(int(p.From)), strconv.Itoa(int(p.To))
		switch int(p.To) - int(p.From) {
		case 0:
			parts = append(parts, from)
		case 1:
			parts = append(parts, from, to)
		default:
			parts = append(parts, from+" to "+to)
		}
	}
	last := len(parts) - 1
	if last < 1 {
		return strings.Join(parts, "")
	}
	return strings.Join(parts[:last], ", ") + " and " + parts[last]
}
