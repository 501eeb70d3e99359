package view

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"ftplab/ui/control"
)

// memoryFile is the file in Options.StateDir.
const memoryFile = "state.json"

// loadMemory reads what was remembered; a folder or file that is not there is nothing
// to remember, and so is dir "".
func loadMemory(dir string) (control.Memory, error) {
	var m control.Memory
	if dir == "" {
		return m, nil
	}
	file := filepath.Join(dir, memoryFile)
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return control.Memory{}, fmt.Errorf("%s: %w (delete the file to begin anew)", file, err)
	}
	return m, nil
}

// saveMemory writes what to remember. The file is replaced as a whole, so that a
// process that ends in the middle leaves the old one.
func saveMemory(dir string, m control.Memory) error {
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	next, err := os.CreateTemp(dir, memoryFile+".*")
	if err != nil {
		return err
	}
	_, err = next.Write(append(text, '\n'))
	if err := errors.Join(err, next.Close()); err != nil {
		return errors.Join(err, os.Remove(next.Name()))
	}
	if err := os.Rename(next.Name(), filepath.Join(dir, memoryFile)); err != nil {
		return errors.Join(err, os.Remove(next.Name()))
	}
	return nil
}
