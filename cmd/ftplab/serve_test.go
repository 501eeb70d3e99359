package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// command runs ftplab within the test and returns its status and what it printed.
func command(stdin string, args ...string) (status int, stdout, stderr string) {
	var out, problems bytes.Buffer
	root := newRoot()
	root.SetIn(strings.NewReader(stdin))
	root.SetOut(&out)
	root.SetErr(&problems)
	status = execute(root, args)
	return status, out.String(), problems.String()
}

// served runs `ftplab serve` on a free port for the time of the test and returns the
// URL that it prints.
func served(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	read, write := io.Pipe()
	ended := make(chan error, 1)
	root := newRoot()
	root.SetArgs(append([]string{"serve", "--listen", "127.0.0.1:0"}, args...))
	root.SetOut(write)
	root.SetErr(io.Discard)
	go func() {
		err := root.ExecuteContext(ctx)
		write.CloseWithError(err)
		ended <- err
	}()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("serve ended with %v", err)
			}
		case <-time.After(30 * time.Second):
			t.Error("serve did not end")
		}
	})
	line, err := bufio.NewReader(read).ReadString('\n')
	if err != nil {
		t.Fatalf("serve said %q: %v", line, err)
	}
	return strings.TrimPrefix(strings.TrimSpace(line), "serving ")
}

// TestServeAndFetch: what one ftplab serves another one fetches, in every mode, with
// and without TLS.
func TestServeAndFetch(t *testing.T) {
	dir := t.TempDir()
	content := strings.Repeat("0123456789abcdef", 20_000)
	if err := os.WriteFile(filepath.Join(dir, "file.txt"), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	url := served(t, "--root", dir, "--user", "ann:secret")
	for _, mode := range []string{"pasv", "epsv", "port", "eprt"} {
		for _, tls := range []string{"--tls=false", "--tls"} {
			status, out, problems := command("", "get", "--mode", mode, tls, "-k", url+"file.txt", "-")
			if status != exitOK || out != content {
				t.Errorf("%s %s: status %d, %d octets of %d: %s", mode, tls, status, len(out), len(content), problems)
			}
		}
	}
	if _, out, _ := command("", "ls", url); !strings.Contains(out, "file.txt") {
		t.Errorf("ls: %q", out)
	}
	if _, out, _ := command("", "ls", "-1", url); strings.TrimSpace(out) != "file.txt" {
		t.Errorf("ls -1: %q", out)
	}
}

// TestUpload: named users write, anonymous does not, in any case nothing is left half.
func TestUpload(t *testing.T) {
	dir := t.TempDir()
	url := served(t, "--root", dir, "--user", "ann:secret")
	asAnn := strings.Replace(url, "ftp://", "ftp://ann:secret@", 1)
	if status, _, problems := command("from standard input", "put", asAnn+"in.txt", "-"); status != exitOK {
		t.Fatalf("put: status %d: %s", status, problems)
	}
	got, err := os.ReadFile(filepath.Join(dir, "in.txt"))
	if err != nil || string(got) != "from standard input" {
		t.Errorf("what arrived: %q, %v", got, err)
	}
	status, _, problems := command("x", "put", url+"other.txt", "-")
	if status != exitNotHeld || !strings.Contains(problems, "550") {
		t.Errorf("anonymous upload: status %d: %s", status, problems)
	}
	wrong := strings.Replace(url, "ftp://", "ftp://ann:wrong@", 1)
	status, _, problems = command("", "get", wrong+"in.txt", "-")
	if status != exitNotHeld || !strings.Contains(problems, "530") || strings.Contains(problems, "wrong") {
		t.Errorf("wrong password: status %d: %s", status, problems)
	}
}

func TestWrongUsesOfTheClientAndServer(t *testing.T) {
	for _, test := range []struct {
		args string
		want string
	}{
		{"get", "want URL"},
		{"get http://x/y", "not an FTP URL"},
		{"get ftp://127.0.0.1:1/", "names no file"},
		{"get --mode fast ftp://127.0.0.1:1/x -", "unknown mode"},
		{"get --ca missing.pem ftp://127.0.0.1:1/x -", "missing.pem: no such file"},
		{"put ftp://127.0.0.1:1/", "want URL FILE"},
		{"put ftp://127.0.0.1:1/ -", "must name a file"},
		{"put ftp://127.0.0.1:1/ missing.txt", "missing.txt"},
		{"serve --root missing", "missing"},
		{"serve --user ann", "NAME:PASSWORD"},
		{"serve --pasv-ports 9-1", "not a range of ports"},
		{"serve --pasv-ports 0-1", "not a range of ports"},
		{"serve --public-address here", "not an IPv4 address"},
		{"serve --no-tls --require-tls", "contradict"},
		{"serve --tls-key x", "belong together"},
		{"serve --tls-key x --tls-certificate y", "cannot be used"},
		{"serve --log xml", "not one of text, json"},
		{"serve --listen nowhere:x", "cannot listen on nowhere:x"},
	} {
		status, _, problems := command("", strings.Fields(test.args)...)
		if status != exitUnusable || !strings.Contains(problems, test.want) {
			t.Errorf("%s: status %d, %q; want 2 and %q", test.args, status, problems, test.want)
		}
	}
}

func TestPortRange(t *testing.T) {
	for text, want := range map[string][2]uint16{"": {0, 0}, "50000-50009": {50000, 50009}, "2024": {2024, 2024}} {
		if low, high, err := portRange(text); err != nil || low != want[0] || high != want[1] {
			t.Errorf("portRange(%q) = %d, %d, %v", text, low, high, err)
		}
	}
}

func TestProgressLine(t *testing.T) {
	b := newProgressBar(io.Discard, "a-file-with-a-very-long-name.iso", true)
	b.moved(1<<20, 4<<20)
	b.moved(3<<20, 4<<20)
	got := b.line(2 * time.Second)
	want := "a-file-with-a-very-l [###############.....]  75 %    3.0 MiB   1.0 MiB/s"
	if got != want {
		t.Errorf("\n%q, want\n%q", got, want)
	}
	b.moved(2048, -1)
	if got := b.line(0); strings.Contains(got, "%") {
		t.Errorf("a share of an unknown total: %q", got)
	}
	if b.shown {
		t.Error("a bar is drawn where there is no terminal")
	}
}
