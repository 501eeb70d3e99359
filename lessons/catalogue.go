package lessons

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"ftplab/topology"
)

//go:embed course linux
var embedded embed.FS

// Catalogue returns all lessons in the order of the course: the built-in ones, and
// those of the folders, whose lessons replace others of the same id (and say so in
// their Warnings). The lessons that could be read are returned even with an error,
// which names the others. A folder that is not there is no error.
func Catalogue(dirs ...string) ([]*Lesson, error) {
	all, err := course()
	all = append([]*Lesson(nil), all...)
	failures := []error{err}
	for _, dir := range dirs {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		own, err := readFolder(os.DirFS(dir), dir)
		if err != nil {
			failures = append(failures, err)
		}
		for _, l := range own {
			all = put(all, l)
		}
	}
	sortLessons(all)
	return all, errors.Join(failures...)
}

// put adds a lesson, or replaces the one that has its id.
func put(all []*Lesson, l *Lesson) []*Lesson {
	for i, old := range all {
		if old.ID == l.ID {
			l.Warnings = append(l.Warnings, fmt.Sprintf("%s: replaces the lesson %q of %s", l.File, l.ID, old.File))
			all[i] = l
			return all
		}
	}
	return append(all, l)
}

// course reads the built-in lessons, once: they are part of the program and never change.
var course = sync.OnceValues(func() ([]*Lesson, error) {
	files, err := fs.Sub(embedded, "course")
	if err != nil {
		return nil, err
	}
	return readFolder(files, "course")
})

// readFolder reads the lessons (*.md) of a folder in the order of their names. They are
// read beside each other: it is the most that the application does before its first screen.
func readFolder(files fs.FS, name string) ([]*Lesson, error) {
	found, err := fs.Glob(files, "*.md")
	if err != nil {
		return nil, err
	}
	read := make([]*Lesson, len(found))
	failures := make([]error, len(found))
	var readers sync.WaitGroup
	for i, file := range found {
		readers.Go(func() { read[i], failures[i] = readLesson(files, name, file) })
	}
	readers.Wait()
	var all []*Lesson
	for i, l := range read {
		if failures[i] == nil {
			all = put(all, l)
		}
	}
	return all, errors.Join(failures...)
}

// readLesson reads one lesson of a folder.
func readLesson(files fs.FS, folder, file string) (*Lesson, error) {
	text, err := fs.ReadFile(files, file)
	if err != nil {
		return nil, err
	}
	return Parse(filepath.Join(folder, file), text, files)
}

// openLinux opens the built-in scenario of a row of the Linux truth table.
func openLinux(row string) (*Target, error) {
	files, err := fs.Sub(embedded, "linux")
	if err != nil {
		return nil, err
	}
	text, err := fs.ReadFile(files, row+".yaml")
	if err != nil || row == linuxBase {
		return nil, &topology.UnknownError{What: "row", Name: row, Known: Rows()}
	}
	n, err := topology.Parse(path.Join("linux", row+".yaml"), text, files)
	if err != nil {
		return nil, err
	}
	return newTarget(linuxPrefix+row, n), nil
}

// linuxBase is the file of the network that all rows have in common.
const linuxBase = "lab"

// Rows returns the names of the built-in scenarios linux/ROW, in the table's order.
func Rows() []string {
	found, _ := fs.Glob(embedded, "linux/*.yaml")
	var rows []string
	for _, file := range found {
		if row := path.Base(file); row != linuxBase+".yaml" {
			rows = append(rows, row[:len(row)-len(".yaml")])
		}
	}
	sortRows(rows)
	return rows
}

// sortRows orders 2 before 10, and 8b after 8.
func sortRows(rows []string) {
	slices.SortFunc(rows, func(a, b string) int {
		if c := rowNumber(a) - rowNumber(b); c != 0 {
			return c
		}
		return strings.Compare(a, b)
	})
}

// rowNumber is the number that a row's name begins with; those with none come last.
func rowNumber(row string) int {
	digits := strings.TrimRight(row, "abcdefghijklmnopqrstuvwxyz")
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 1 << 20
	}
	return n
}
