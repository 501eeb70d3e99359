package main

import (
	"os"
	"testing"
)

func TestFileWatch(t *testing.T) {
	name := t.TempDir() + "/rules"
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w := newFileWatch(name)
	step := func(what string, want bool) {
		t.Helper()
		if w.changed() != want {
			t.Errorf("%s: changed is %v", what, !want)
		}
	}
	step("a file that is not there", false)
	write("a")
	step("a new file", false)
	write("ab")
	step("a file that is being written", false)
	step("a file that is complete", true)
	step("nothing new", false)
	if err := os.Rename(name, name+".old"); err != nil {
		t.Fatal(err)
	}
	step("the file is gone", false)
	write("ab")
	step("another file", false)
	step("another file that is complete", true)
	step("nothing new", false)
	if newFileWatch("").changed() {
		t.Error("no file has changed")
	}
}
