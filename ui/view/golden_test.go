package view

import (
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ftplab/sim/firewall/audit"
	"ftplab/sim/ftp"
	"ftplab/sim/report"
	"ftplab/ui/internal/lab"
	"ftplab/ui/model"
)

var update = flag.Bool("update", false, "write the golden files anew")

// frames are the screens that are kept as golden files, by name.
func frames(tb testing.TB) map[string]model.Screen {
	uni, ascii := model.UnicodeGlyphs(), model.ASCIIGlyphs()
	small, wide, tall := model.Size{Width: 80, Height: 24}, model.Size{Width: 120, Height: 40}, model.Size{Width: 160, Height: 48}
	acl, inspect, none := labRun(tb, ftp.ModePASV, lab.ACL), labRun(tb, ftp.ModePASV, lab.Inspect), labRun(tb, ftp.ModePORT, "")
	drop, _ := acl.FirstDrop()
	sc := lab.Scenario(tb, ftp.ModePASV, lab.ACL)
	lab.AddAttacker(&sc)
	attacked := model.NewRun(&sc, lab.Run(tb, sc))
	probed := attacked.Start()
	for !strings.Contains(attacked.Narrate(uni, probed.Event).String(), "192.168.10.1:3306 → 198.51.100.66") || !strings.Contains(attacked.Narrate(uni, probed.Event).String(), "dropped") {
		probed = attacked.StepEvent(probed, 1)
	}
	halfway := inspect.Step(inspect.Start(), true)
	halfway.Time += 2_600_000

	lesson := func(g *model.Glyphs, size model.Size, run *model.Run, c model.Cursor, variant string) *model.LessonInput {
		in := &model.LessonInput{
			Size: size, Glyphs: g, Run: run, Cursor: c, Steps: story(run),
			Heading: model.Heading{Number: "04", Title: "The ACL for active mode", Mode: "pasv", Variant: variant, VariantTitle: "a firewall"},
		}
		in.Step = model.StepAt(in.Steps, c.Event)
		return in
	}
	screens := map[string]model.Screen{
		"drop-80x24":        model.Lesson(lesson(uni, small, acl, drop, "acl")),
		"drop-120x40":       model.Lesson(lesson(uni, wide, acl, drop, "acl")),
		"drop-160x48":       model.Lesson(lesson(uni, tall, acl, drop, "acl")),
		"drop-80x24-ascii":  model.Lesson(lesson(ascii, small, acl, drop, "acl")),
		"drop-120x40-ascii": model.Lesson(lesson(ascii, wide, acl, drop, "acl")),
		"start-80x24":       model.Lesson(lesson(uni, small, acl, acl.Start(), "acl")),
		"moving-80x24":      model.Lesson(lesson(uni, small, inspect, halfway, "inspect")),
		"expected-80x24":    model.Lesson(lesson(uni, small, inspect, stepsOn(inspect, 27), "inspect")),
		"end-120x40":        model.Lesson(lesson(uni, wide, inspect, inspect.End(), "inspect")),
		"none-80x24":        model.Lesson(lesson(uni, small, none, stepsOn(none, 30), "none")),
		"attacker-80x24":    model.Lesson(lesson(uni, small, attacked, probed, "acl")),
		"attacker-120x40":   model.Lesson(lesson(uni, wide, attacked, probed, "acl")),
		"small-60x20":       model.Lesson(lesson(uni, model.Size{Width: 60, Height: 20}, acl, drop, "acl")),
	}
	changed := lesson(uni, small, inspect, stepsOn(inspect, 30), "inspect")
	changed.Notice = "Firewall `inspect` instead of `acl`: here the runs part."
	changed.Focus, changed.Scroll, changed.Playing, changed.Speed = model.RulesPane, 2, true, -1
	screens["changed-80x24"] = model.Lesson(changed)

	heading := changed.Heading
	why := &model.WhyInput{Size: small, Glyphs: uni, Heading: heading, Why: report.Why(acl.Trace), Selected: 5}
	screens["why-80x24"] = model.Why(why)
	screens["help-80x24"] = model.Help(&model.HelpInput{Size: small, Glyphs: uni, Heading: heading, Page: model.LessonPage, Scroll: 9})
	screens["help-120x40"] = model.Help(&model.HelpInput{Size: wide, Glyphs: uni, Heading: heading, Page: model.LessonPage})
	report := audit.Audit(lab.Rules(tb, lab.ACL), audit.Options{Server: netip.MustParseAddr("192.168.10.1")})
	screens["audit-80x24"] = model.Audit(&model.AuditInput{Size: small, Glyphs: uni, Heading: heading, Firewall: "switch", Server: "server", Report: report})
	screens["audit-80x24-ascii"] = model.Audit(&model.AuditInput{Size: small, Glyphs: ascii, Heading: heading, Firewall: "switch", Server: "server", Report: report})
	list := model.ListInput{Size: small, Glyphs: uni, Heading: heading, Run: acl, Selected: 1, Entries: []model.Entry{
		{Number: "01", Title: "Two connections, not one", Minutes: 8, Done: true, Goal: "See both."},
		{Number: "04", Title: "The ACL for active mode", Minutes: 12, Needs: []string{"02", "03"}, Goal: "Say at *which packet* a passive session dies."},
	}}
	screens["list-80x24"] = model.List(&list)
	return screens
}

func labRun(tb testing.TB, mode ftp.Mode, rules string) *model.Run {
	sc := lab.Scenario(tb, mode, rules)
	return model.NewRun(&sc, lab.Run(tb, sc))
}

// stepsOn returns the cursor n steps from the start.
func stepsOn(r *model.Run, n int) model.Cursor {
	c := r.Start()
	for range n {
		c = r.Step(c, true)
	}
	return c
}

func story(run *model.Run) []model.Step {
	steps := []model.Step{{Title: "Two doors", Text: "The list looks only at what the **server** sends.\n\n- rule 1 is for port `21`\n- rule 2 is for port `20`"}}
	if drop, ok := run.FirstDrop(); ok {
		steps = append(steps, model.Step{Title: "The answer dies", At: drop.Event, Text: "The SYN did arrive. The answer comes from port `2024`, which no permit names, so `deny ip` takes it. The client hears nothing and asks again."})
	}
	return steps
}

// text writes cells for people: the signs, then a letter for the role of each cell.
func (g *grid) text() string {
	const letters = ".fsTFCDOPXMmcSkqN"
	var signs, roles strings.Builder
	for y := range g.size.Height {
		row := g.cells[y*g.size.Width : (y+1)*g.size.Width]
		var sign, role strings.Builder
		for _, c := range row {
			sign.WriteString(c.text)
			letter := letters[c.role : c.role+1]
			switch {
			case c.reverse:
				letter = "#"
			case c.text == blank:
				letter = " "
			}
			role.WriteString(letter)
		}
		signs.WriteString(strings.TrimRight(sign.String(), " ") + "\n")
		roles.WriteString(strings.TrimRight(role.String(), " ") + "\n")
	}
	return signs.String() + "--- roles: f faint s strong T title F frame C control D data O other P pass X drop M match m missed c client S server k key q code N notice # selected\n" + roles.String()
}

func TestGoldenFrames(t *testing.T) {
	for name, s := range frames(t) {
		t.Run(name, func(t *testing.T) {
			got := paint(&s).text()
			file := filepath.Join("testdata", "golden", name+".txt")
			if *update {
				if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("the frame has changed (-want +got), `go test -update` accepts it:\n%s", diff)
			}
		})
	}
}

func TestGoldenFilesAreAllUsed(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "golden", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	known := frames(t)
	for _, f := range files {
		if _, ok := known[strings.TrimSuffix(filepath.Base(f), ".txt")]; !ok {
			t.Errorf("%s belongs to no frame", f)
		}
	}
}

// With ASCII signs nothing else is drawn, whatever the lesson says.
func TestASCIIFramesAreASCII(t *testing.T) {
	for name, s := range frames(t) {
		if !strings.HasSuffix(name, "-ascii") {
			continue
		}
		g := paint(&s)
		for i, c := range g.cells {
			if len(c.text) != 1 || c.text[0] < ' ' || c.text[0] >= 0x7f {
				t.Errorf("%s: %q at %d,%d", name, c.text, i%g.size.Width, i/g.size.Width)
			}
		}
	}
}

// No line runs out of its pane, and no two panes overlap.
func TestPanesKeepToThemselves(t *testing.T) {
	for name, s := range frames(t) {
		taken := make([]string, s.Size.Width*s.Size.Height)
		for i := range s.Panes {
			p := &s.Panes[i]
			for y := p.Rect.Y; y < p.Rect.Y+p.Rect.Height; y++ {
				for x := p.Rect.X; x < p.Rect.X+p.Rect.Width; x++ {
					if x >= s.Size.Width || y >= s.Size.Height {
						t.Fatalf("%s: pane %d reaches %d,%d", name, p.Kind, x, y)
					}
					if taken[y*s.Size.Width+x] != "" {
						t.Fatalf("%s: two panes at %d,%d", name, x, y)
					}
					taken[y*s.Size.Width+x] = "taken"
				}
			}
			width := p.Rect.Width
			if p.Bar {
				width--
			}
			for _, l := range p.Lines {
				if l.Width() > width {
					t.Errorf("%s: pane %d is %d columns wide, its line %q is %d", name, p.Kind, width, l.String(), l.Width())
				}
			}
		}
	}
}
