package ftp

import (
	"bytes"
	"errors"
	"io/fs"
	"path"
	"sort"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func readAll(t testing.TB, f FileSystem, name string) []byte {
	t.Helper()
	h, info, err := f.Open(name, ForReading, TreeTime())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close(h, TreeTime())
	var all []byte
	for {
		b, err := f.ReadAt(h, int64(len(all)), 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) == 0 {
			break
		}
		all = append(all, b...)
	}
	if int64(len(all)) != info.Size {
		t.Errorf("%s: %d octets, size %d", name, len(all), info.Size)
	}
	return all
}

func TestDefaultTree(t *testing.T) {
	tree := DefaultTree()
	if got := readAll(t, tree, "/pub/readme.txt"); !strings.Contains(string(got), "data connection") {
		t.Errorf("readme: %s", got)
	}
	if got := readAll(t, tree, "/pub/large.bin"); !bytes.Equal(got, Pattern(LargeFileSize)) || got[252] != 1 {
		t.Error("large.bin is not the pattern")
	}
	if info, err := tree.Stat("/incoming"); err != nil || !info.Dir {
		t.Errorf("/incoming: %+v, %v", info, err)
	}
}

// TestTreeAgainstMaps checks a tree against a map of paths to contents, whatever is
// done to both.
func TestTreeAgainstMaps(t *testing.T) {
	names := []string{"/a", "/b", "/d", "/d/a", "/d/e", "/d/e/f", "/nosuch/x", "/"}
	rapid.Check(t, func(t *rapid.T) {
		tree := NewTree()
		files := map[string][]byte{}
		dirs := map[string]bool{"/": true}
		name := rapid.SampledFrom(names)
		t.Repeat(map[string]func(*rapid.T){
			"write": func(t *rapid.T) {
				n := name.Draw(t, "name")
				mode := rapid.SampledFrom([]OpenMode{Replace, Update, CreateNew}).Draw(t, "mode")
				data := rapid.SliceOf(rapid.Byte()).Draw(t, "data")
				h, info, err := tree.Open(n, mode, TreeTime())
				_, exists := files[n]
				want := dirs[path.Dir(n)] && !dirs[n] && !(exists && mode == CreateNew)
				if (err == nil) != want {
					t.Fatalf("open %s: %v, want %v", n, err, want)
				}
				if err != nil {
					return
				}
				if mode == Replace {
					files[n] = nil
				}
				old := files[n]
				at := rapid.IntRange(0, len(old)).Draw(t, "at")
				if info.Size != int64(len(old)) {
					t.Fatalf("size %d, want %d", info.Size, len(old))
				}
				if err := tree.WriteAt(h, int64(at), data, rapid.Bool().Draw(t, "keep")); err != nil {
					t.Fatal(err)
				}
				grown := append(append([]byte(nil), old[:at]...), data...)
				if len(old) > len(grown) {
					grown = append(grown, old[len(grown):]...)
				}
				files[n] = grown
				tree.Close(h, TreeTime())
			},
			"mkdir": func(t *rapid.T) {
				n := name.Draw(t, "name")
				_, isFile := files[n]
				err := tree.MakeDir(n, TreeTime())
				if want := dirs[path.Dir(n)] && !dirs[n] && !isFile; (err == nil) != want {
					t.Fatalf("mkdir %s: %v, want %v", n, err, want)
				}
				if err == nil {
					dirs[n] = true
				}
			},
			"remove": func(t *rapid.T) {
				n := name.Draw(t, "name")
				_, isFile := files[n]
				if err := tree.Remove(n); (err == nil) != isFile {
					t.Fatalf("remove %s: %v", n, err)
				}
				delete(files, n)
			},
			"rmdir": func(t *rapid.T) {
				n := name.Draw(t, "name")
				want := dirs[n] && n != "/" && len(below(n, files, dirs)) == 0
				if err := tree.RemoveDir(n); (err == nil) != want {
					t.Fatalf("rmdir %s: %v, want %v", n, err, want)
				}
				if want {
					delete(dirs, n)
				}
			},
			"rename": func(t *rapid.T) {
				from, to := name.Draw(t, "from"), name.Draw(t, "to")
				_, fromFile := files[from]
				_, toFile := files[to]
				exists := dirs[from] || fromFile
				inside := from != to && strings.HasPrefix(to+"/", from+"/")
				want := exists && from != "/" && to != "/" && dirs[path.Dir(to)] && !inside &&
					(from == to || !dirs[to] && !(toFile && dirs[from]))
				if err := tree.Rename(from, to); (err == nil) != want {
					t.Fatalf("rename %s %s: %v, want %v", from, to, err, want)
				}
				if !want || from == to {
					return
				}
				if fromFile {
					files[to] = files[from]
					delete(files, from)
					return
				}
				for _, n := range append(below(from, files, dirs), from) {
					moved := to + strings.TrimPrefix(n, from)
					if data, ok := files[n]; ok {
						files[moved] = data
						delete(files, n)
					} else {
						delete(dirs, n)
						dirs[moved] = true
					}
				}
			},
			"": func(t *rapid.T) { compareTree(t, tree.Clone(), files, dirs) },
		})
	})
}

func below(dir string, files map[string][]byte, dirs map[string]bool) []string {
	var names []string
	for n := range files {
		if isBelow(n, dir) {
			names = append(names, n)
		}
	}
	for n := range dirs {
		if isBelow(n, dir) && n != dir {
			names = append(names, n)
		}
	}
	sort.Strings(names)
	return names
}

func compareTree(t *rapid.T, tree *Tree, files map[string][]byte, dirs map[string]bool) {
	var total int64
	for n, want := range files {
		h, _, err := tree.Open(n, ForReading, TreeTime())
		if err != nil {
			t.Fatalf("%s: %v", n, err)
		}
		var got []byte
		for {
			b, _ := tree.ReadAt(h, int64(len(got)), 7)
			if len(b) == 0 {
				break
			}
			got = append(got, b...)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("%s: %q, want %q", n, got, want)
		}
		tree.Close(h, TreeTime())
		total += int64(len(want))
	}
	if tree.bytes != total {
		t.Fatalf("the tree counts %d octets, has %d", tree.bytes, total)
	}
	for d := range dirs {
		list, err := tree.List(d)
		if err != nil {
			t.Fatalf("%s: %v", d, err)
		}
		var want []string
		for _, n := range below(d, files, dirs) {
			if path.Dir(n) == d {
				want = append(want, path.Base(n))
			}
		}
		var got []string
		for _, info := range list {
			got = append(got, info.Name)
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Fatalf("list %s: %q, want %q", d, got, want)
		}
	}
}

// TestTreeReaderSeesTheFileAsItWas: a writer does not disturb who reads, nor does the
// removal of the name.
func TestTreeReaderSeesTheFileAsItWas(t *testing.T) {
	tree := NewTree()
	tree.AddFile("/f", []byte("before"))
	h, _, err := tree.Open("/f", ForReading, TreeTime())
	if err != nil {
		t.Fatal(err)
	}
	w, _, _ := tree.Open("/f", Update, TreeTime())
	tree.WriteAt(w, 0, []byte("AFTER!!"), true)
	tree.Close(w, TreeTime())
	tree.Remove("/f")
	if b, err := tree.ReadAt(h, 0, 100); string(b) != "before" || err != nil {
		t.Errorf("reads %q, %v", b, err)
	}
}

func TestTreeBound(t *testing.T) {
	tree := NewTree()
	tree.MaxBytes = 10
	h, _, _ := tree.Open("/f", Replace, TreeTime())
	if err := tree.WriteAt(h, 0, make([]byte, 10), false); err != nil {
		t.Fatal(err)
	}
	if err := tree.WriteAt(h, 10, []byte{1}, false); !errors.Is(err, ErrNoSpace) {
		t.Errorf("beyond the bound: %v", err)
	}
	tree.Remove("/f")
	tree.Close(h, TreeTime()) // only now nobody has it
	h, _, _ = tree.Open("/g", Replace, TreeTime())
	if err := tree.WriteAt(h, 0, make([]byte, 10), false); err != nil {
		t.Errorf("the room of a removed file is not free: %v", err)
	}
	if err := tree.WriteAt(h, 99, []byte{1}, false); err == nil {
		t.Error("wrote behind the end")
	}
}

// TestTreeUploadsAreOneBlock: what arrives in segments of one block in memory is one
// block again, with nothing copied.
func TestTreeUploadsAreOneBlock(t *testing.T) {
	tree, block := NewTree(), Pattern(10000)
	h, _, _ := tree.Open("/f", Replace, TreeTime())
	for at := 0; at < len(block); at += 1460 {
		if err := tree.WriteAt(h, int64(at), block[at:min(at+1460, len(block))], true); err != nil {
			t.Fatal(err)
		}
	}
	tree.Close(h, TreeTime())
	h, _, _ = tree.Open("/f", ForReading, TreeTime())
	b, _ := tree.ReadAt(h, 0, 1<<20)
	if len(b) != len(block) || &b[0] != &block[0] {
		t.Errorf("%d octets in the first block", len(b))
	}
}

func TestTreeErrors(t *testing.T) {
	tree := DefaultTree()
	tests := []struct {
		name string
		got  error
		want error
	}{
		{"list a file", second(tree.List("/pub/readme.txt")), ErrNotDirectory},
		{"through a file", second(tree.Stat("/pub/readme.txt/x")), ErrNotDirectory},
		{"missing", second(tree.Stat("/nosuch")), fs.ErrNotExist},
		{"remove a directory", tree.Remove("/pub"), ErrIsDirectory},
		{"remove a full directory", tree.RemoveDir("/pub"), ErrNotEmpty},
		{"remove the root", tree.RemoveDir("/"), fs.ErrPermission},
		{"make what is there", tree.MakeDir("/pub", TreeTime()), fs.ErrExist},
		{"rename onto a directory", tree.Rename("/pub/readme.txt", "/incoming"), fs.ErrExist},
		{"rename into itself", tree.Rename("/pub", "/pub/x"), fs.ErrPermission},
	}
	for _, test := range tests {
		if !errors.Is(test.got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, test.got, test.want)
		}
	}
}

func second[T any](_ T, err error) error { return err }
