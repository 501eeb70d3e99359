package model

// HelpInput is all that the help page is a function of.
type HelpInput struct {
	Size    Size
	Glyphs  *Glyphs
	Heading Heading
	Page    Page // whose help it is
	Scroll  int
}

// Help returns the help: the keys of a page, and what the signs mean.
func Help(in *HelpInput) Screen {
	if !in.Size.fits() {
		return tooSmall(in.Glyphs, in.Size, &in.Heading)
	}
	g, w, h := in.Glyphs, in.Size.Width, in.Size.Height
	s := Screen{Size: in.Size, Glyphs: g}
	s.add(TopPane, Rect{0, 0, w, 1}, []Line{in.Heading.line(g, nil, w)})
	body := Rect{0, 1, w, h - 2}
	keys, signs := in.columns()
	if w >= wideFrom {
		right := Rect{w / 2, 1, w - w/2, h - 2}
		body.Width = w / 2
		s.addHelp(body, "Keys", keys, in.Scroll, true)
		s.addHelp(right, "Signs", signs, in.Scroll, false)
	} else {
		s.addHelp(body, "Keys and signs", keys, in.Scroll, false)
	}
	s.add(KeyPane, Rect{0, h - 1, w, 1}, []Line{g.keyBar(HelpPage, w)})
	return s
}

func (s *Screen) addHelp(r Rect, title string, lines []Line, scroll int, bar bool) {
	s.Panes = append(s.Panes, Pane{Kind: HelpPane, Rect: r, Title: text(title, TitleRole), Ruled: true, Bar: bar, Selected: -1})
	s.Panes[len(s.Panes)-1].show(lines, scroll)
}

// columns returns the keys and the signs; on a narrow screen the signs come after the
// keys.
func (in *HelpInput) columns() (keys, signs []Line) {
	g, w := in.Glyphs, in.Size.Width
	if w >= wideFrom {
		return g.helpLines(in.Page, w/2-1), g.legend(w - w/2)
	}
	keys = append(g.helpLines(in.Page, w), nil)
	return append(keys, g.legend(w)...), nil
}

// HelpScroll returns how far the help can be scrolled on the screen.
func HelpScroll(in *HelpInput) int {
	keys, signs := in.columns()
	return max(0, max(len(keys), len(signs))-(in.Size.Height-3))
}

// legend says what the signs mean.
func (g *Glyphs) legend(width int) []Line {
	control := g.ControlLine + g.ControlLine + g.ControlLine
	data := g.DataLine + " " + g.DataLine
	rows := []struct {
		sign, means string
		role        Role
	}{
		{control, "the control connection", Control},
		{data, "a data connection", Data},
		{"[SYN]" + g.Right, "a packet on its way", Control},
		{g.Tick + " line 1", "a firewall let it through: the rule", Pass},
		{g.Cross, "dropped or lost; the rule stands beside it", Drop},
		{"2024" + g.Listening, "a port that waits for a connection", Data},
		{g.Matched, "the rule that decided", Match},
		{g.Missed, "why a rule did not match", Miss},
		{g.Default, "what happens if no rule decides", Faint},
		{g.Here, "on the time line: where you are", Strong},
		{g.Mark, "a command was said", Control},
		{g.Wait, "a long wait, shortened on the screen", Faint},
		{"C " + g.Arrow, "said by the client", FromClient},
		{"S " + g.Back, "said by the server", FromServer},
		{g.Later, "time that passed", Faint},
	}
	const signWidth = 14
	var lines []Line
	for _, r := range rows {
		lines = append(lines, entryOf(r.sign, signWidth, r.role, r.means, width)...)
	}
	about := "At speed x1 a packet takes a fraction of a second for a link. Time is stretched evenly; waits that would be long are shortened, and that is said."
	return append(append(lines, nil), wrap(Line{{"  ", Plain}, {about, Faint}}, width-1, 2)...)
}
