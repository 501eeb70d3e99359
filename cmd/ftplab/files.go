package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/adrg/xdg"
	"github.com/spf13/cobra"
)

// maxInput bounds what is read into memory, in octets.
const maxInput = 64 << 20

// lessonFolder is where a user's own lessons lie.
func lessonFolder() string { return filepath.Join(xdg.DataHome, "ftplab", "lessons") }

// stateFolder is where the terminal application remembers what was done.
func stateFolder() string { return filepath.Join(xdg.StateHome, "ftplab") }

// readInput reads a text file, or standard input for "-". The mark that some editors put
// in front of UTF-8 is no part of the text.
func readInput(cmd *cobra.Command, name string) ([]byte, error) {
	in, err := openInput(cmd, name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	text, err := io.ReadAll(io.LimitReader(in, maxInput+1))
	switch {
	case err != nil:
		return nil, fileError(name, err)
	case len(text) > maxInput:
		return nil, fmt.Errorf("%s: longer than %d MiB", name, maxInput>>20)
	case bytes.HasPrefix(text, []byte{0xff, 0xfe}), bytes.HasPrefix(text, []byte{0xfe, 0xff}):
		return nil, fmt.Errorf("%s: the text is UTF-16: save it as UTF-8", name)
	}
	return bytes.TrimPrefix(text, []byte("\ufeff")), nil
}

// openInput opens a file for reading, or standard input for "-".
func openInput(cmd *cobra.Command, name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(cmd.InOrStdin()), nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, fileError(name, err)
	}
	return file, nil
}

// fileError says "NAME: no such file or directory" of any error about a file.
func fileError(name string, err error) error {
	var problem *fs.PathError
	if errors.As(err, &problem) {
		err = problem.Err
	}
	return fmt.Errorf("%s: %w", name, err)
}

// writeOutput writes a file as a whole or not at all: nothing is left of it when write
// fails.
func writeOutput(name string, write func(io.Writer) error) error {
	var content bytes.Buffer
	if err := write(&content); err != nil {
		return err
	}
	if err := os.WriteFile(name, content.Bytes(), 0o644); err != nil {
		return fileError(name, err)
	}
	return nil
}
