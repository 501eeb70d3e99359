package control

import (
	"net/netip"

	"ftplab/sim/firewall/audit"
	"ftplab/ui/model"
)

// auditPage says what the rules of the lesson's firewall permit.
type auditPage struct {
	lesson           *lessonPage
	firewall, server string
	report           *audit.Report // nil if there are no rules
	scroll           int
}

// newAuditPage audits the rules that the lesson shows; nil if no firewall is there.
func newAuditPage(lesson *lessonPage) *auditPage {
	name, rules, server, ok := lesson.run.Audited(lesson.cursor.Event)
	if !ok {
		return nil
	}
	p := &auditPage{lesson: lesson, firewall: name, server: server.Name}
	if rules == nil {
		return p
	}
	var address netip.Addr
	for _, i := range server.Interfaces {
		for _, prefix := range i.Prefixes {
			if !address.IsValid() {
				address = prefix.Addr()
			}
		}
	}
	p.report = audit.Audit(rules, audit.Options{Server: address})
	return p
}

func (p *auditPage) kind() model.Page             { return model.AuditPage }
func (p *auditPage) heading(a *App) model.Heading { return p.lesson.heading(a) }

func (p *auditPage) act(a *App, action model.Action) {
	p.scroll += scrolled(a, action)
	if action == model.Back {
		a.pop()
	}
	p.scroll = max(0, min(p.scroll, model.AuditScroll(p.input(a))))
}

func (p *auditPage) input(a *App) *model.AuditInput {
	return &model.AuditInput{
		Size: a.size, Glyphs: a.glyphs, Heading: p.heading(a),
		Firewall: p.firewall, Server: p.server, Report: p.report, Scroll: p.scroll,
	}
}

func (p *auditPage) screen(a *App) model.Screen { return model.Audit(p.input(a)) }
