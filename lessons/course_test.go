package lessons

import (
	"testing"
)

// TestCourse runs every claim of the built-in lessons and checks their stories.
func TestCourse(t *testing.T) {
	all, err := Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range all {
		t.Run(l.Number, func(t *testing.T) {
			if len(l.Claims) == 0 {
				t.Error("the lesson claims nothing")
			}
			for _, r := range l.Check() {
				if !r.OK {
					t.Error(r)
				}
			}
			for _, w := range l.Warnings {
				t.Error(w)
			}
		})
	}
}
