package export

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// members returns the names of all members in JSON lines, each once.
func members(t *testing.T, lines []byte) []string {
	t.Helper()
	seen := map[string]bool{}
	var names []string
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, inner := range v {
				if !seen[name] {
					seen[name] = true
					names = append(names, name)
				}
				walk(inner)
			}
		case []any:
			for _, inner := range v {
				walk(inner)
			}
		}
	}
	for line := range bytes.Lines(lines) {
		var v any
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		walk(v)
	}
	return names
}

// tshark runs Wireshark's dissectors over a file and returns what it prints.
func tshark(t *testing.T, file string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("tshark")
	if err != nil {
		if os.Getenv("FTPLAB_REQUIRE_PEERS") != "" {
			t.Fatal("tshark is not installed")
		}
		t.Skip("tshark is not installed")
	}
	args = append([]string{"-r", file, "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"}, args...)
	command := exec.Command(path, args...)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("tshark %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

// captureFile writes a lab's capture and returns the file's name.
func captureFile(t *testing.T, name string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name+".pcapng")
	var b bytes.Buffer
	if err := WritePcapNG(&b, labs()[name].Run(t)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// Display filters: a packet that no real stack would send, and an expert note above
// "note" (Wireshark's PI_NOTE is 0x400000).
const (
	broken    = "_ws.malformed or tcp.checksum.status == 0 or ip.checksum.status == 0"
	aboveNote = "_ws.expert.severity > 0x400000"
)

// TestWiresharkFindsNothingWrong opens every lab's capture in Wireshark's dissectors:
// no malformed packet, no bad checksum, nothing above "note" but what loss causes.
func TestWiresharkFindsNothingWrong(t *testing.T) {
	for name, lab := range labs() {
		t.Run(name, func(t *testing.T) {
			filter := broken
			if lab.Loss == 0 {
				filter += " or " + aboveNote
			}
			if got := tshark(t, captureFile(t, name), "-Y", filter, "-T", "fields", "-e", "frame.number", "-e", "_ws.expert.message"); got != "" {
				t.Errorf("frames that Wireshark complains of:\n%s", got)
			}
		})
	}
}

// TestWiresharkTiesDataToControl: the FTP dissector follows 227, 229 and PORT to the
// data connection and says which command set it up. EPRT is left out: Wireshark (4.0 to
// 4.6) expects its connection from the client to itself, in real captures too.
func TestWiresharkTiesDataToControl(t *testing.T) {
	for name, want := range map[string]string{"acl-port": "PORT", "inspect-epsv": "EPASV", "large-retr": "PASV"} {
		t.Run(name, func(t *testing.T) {
			got := tshark(t, captureFile(t, name), "-Y", "ftp-data", "-T", "fields", "-e", "ftp-data.setup-method", "-e", "ftp-data.command")
			first, _, _ := strings.Cut(got, "\n")
			if !strings.Contains(first, want) || !strings.Contains(first, "RETR /pub/") {
				t.Errorf("the data stream belongs to %q, want %s and RETR", first, want)
			}
		})
	}
}
