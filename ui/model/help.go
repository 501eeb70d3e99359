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
		return TooSmall(in.Glyphs, in.Size)
	}
	g, w, h := in.Glyphs, in.Size.Width, in.Size.Height
	s := Screen{Size: in.Size, Glyphs: g}
	s.add(TopPane, Rect{0, 0, w, 1}, []Line{in.Heading.line(g, nil, w)})
	body := Rect{0, 1, w, h - 2}
	keys, signs := g.helpLines(in.Page), g.legend()
	if w >= wideFrom {
		right := Rect{w / 2, 1, w - w/2, h - 2}
		body.Width = w / 2
		s.addHelp(body, "Keys", keys, in.Scroll, true)
		s.addHelp(right, "Signs", signs, in.Scroll, false)
	} else {
		lines := append(append(keys, nil, text(" Signs", TitleRole)), signs...)
		s.addHelp(body, "Keys", lines, in.Scroll, false)
	}
	s.add(KeyPane, Rect{0, h - 1, w, 1}, []Line{g.keyBar(HelpPage, w)})
	return s
}

func (s *Screen) addHelp(r Rect, title string, lines []Line, scroll int, bar bool) {
	s.Panes = append(s.Panes, Pane{Kind: HelpPane, Rect: r, Title: text(title, TitleRole), Ruled: true, Bar: bar, Selected: -1})
	s.Panes[len(s.Panes)-1].show(lines, scroll)
}

// HelpScroll returns how far the help of a page can be scrolled on a screen.
func HelpScroll(in *HelpInput) int {
	lines := len(in.Glyphs.helpLines(in.Page)) + len(in.Glyphs.legend()) + 2
	if in.Size.Width >= wideFrom {
		lines = len(in.Glyphs.helpLines(in.Page))
	}
	return max(0, lines-(in.Size.Height-3))
}

// legend says what the signs mean.
func (g *Glyphs) legend() []Line {
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
	lines := make([]Line, 0, len(rows)+2)
	for _, r := range rows {
		lines = append(lines, Line{{"  " + r.sign + spaces(signWidth-Width(r.sign)), r.role}, {r.means, Plain}})
	}
	return append(lines, text("  At speed x1 a packet takes a third of a second for a link; time is", Faint),
		text("  stretched evenly, and waits that would be long are shortened.", Faint))
}
