package view

import (
	"testing"

	"github.com/gdamore/tcell/v2"

	"ftplab/sim/ftp"
	"ftplab/ui/internal/lab"
	"ftplab/ui/model"
)

// benchInput is the lesson page at 200x60 with a packet on its way.
func benchInput(b *testing.B) *model.LessonInput {
	run := labRun(b, ftp.ModePASV, lab.Inspect)
	return &model.LessonInput{
		Size: model.Size{Width: 200, Height: 60}, Glyphs: model.UnicodeGlyphs(), Run: run, Steps: story(run),
		Cursor: stepsOn(run, 27), Playing: true, Heading: model.Heading{Number: "04", Title: "The ACL", Mode: "pasv", Variant: "acl"},
	}
}

// BenchmarkBuild makes the screen's value.
func BenchmarkBuild(b *testing.B) {
	in := benchInput(b)
	b.ReportAllocs()
	for b.Loop() {
		model.Lesson(in)
	}
}

// BenchmarkFrame makes the screen's value, draws it and writes what has changed, with
// the packet and the clock moving.
func BenchmarkFrame(b *testing.B) {
	tty := newFakeTTY(200, 60)
	inner, err := newFakeScreen(tty)
	if err != nil {
		b.Fatal(err)
	}
	s := newDiffScreen(inner, nil)
	if err := s.Init(); err != nil {
		b.Fatal(err)
	}
	defer s.Fini()
	in, theme := benchInput(b), ColorTheme()
	draw := func() {
		if in.Cursor = in.Run.Advance(in.Cursor, framePeriod); in.Run.AtEnd(in.Cursor) {
			in.Cursor = in.Run.Start()
		}
		s.Clear()
		screen := model.Lesson(in)
		blit(paint(&screen), theme, s)
		s.Show()
	}
	draw()
	tty.take()
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		draw()
	}
	b.ReportMetric(float64(tty.take())/float64(n), "B/frame")
}

// BenchmarkIdleFrame draws a frame in which nothing has changed.
func BenchmarkIdleFrame(b *testing.B) {
	s := newDiffScreen(tcell.NewSimulationScreen("UTF-8"), nil)
	if err := s.Init(); err != nil {
		b.Fatal(err)
	}
	in, theme := benchInput(b), ColorTheme()
	for b.Loop() {
		s.Clear()
		screen := model.Lesson(in)
		blit(paint(&screen), theme, s)
		s.Show()
	}
}
