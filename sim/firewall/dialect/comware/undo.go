package comware

import (
	"slices"

	"ftplab/sim/firewall/dialect/internal/text"
)

// undoStatement takes back what this text said before; undoing anything that is not
// modelled is a warning.
func (p *parser) undoStatement(c *text.Cursor) *text.Problem {
	c.Next()
	switch w := c.Next(); {
	case w.Is("rule") && p.view == aclView:
		return p.undoRule(c)
	case w.Is("step") && p.view == aclView:
		p.list.renumber(5, p.list.start)
		return end(c)
	case w.Is("packet-filter"), w.Is("firewall"):
		return p.undoFilter(c, w)
	case w.Is("shutdown"), w.Is("description"):
		return nil
	default:
		p.warn(text.NotModelled(c.Words))
		return nil
	}
}

func (p *parser) undoRule(c *text.Cursor) *text.Problem {
	w := c.Next()
	n, err := text.Number("rule ID", w, 0, maxRuleID)
	if err != nil {
		return err
	}
	i, ok := p.list.search(int(n))
	if !ok {
		return text.At(w, "there is no rule %d", n)
	}
	r := p.list.rules[i]
	delete(p.list.texts, r.canonical())
	if c.Done() {
		p.list.rules = slices.Delete(p.list.rules, i, i+1)
		return nil
	}
	for !c.Done() {
		keyword, err := text.Keyword("an option of a rule", c.Next(), true, append(optionWords(), "comment")...)
		if err != nil {
			return err
		}
		if keyword == "comment" {
			r.comment = ""
			continue
		}
		r.options[optionSlot(keyword)] = option{}
	}
	p.list.texts[r.canonical()] = r.id
	r.text = r.canonical()
	return nil
}
