package view

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// tmuxSession is the command in a terminal of tmux's, on a socket of its own.
type tmuxSession struct {
	t      *testing.T
	socket string
}

// startTmux builds the command and runs it in a terminal of this size. Without tmux the
// test is skipped, unless FTPLAB_REQUIRE_PEERS=1 says that it must be there.
func startTmux(t *testing.T, width, height int, args string, env ...string) *tmuxSession {
	t.Helper()
	if testing.Short() {
		t.Skip("builds and runs the whole command")
	}
	if _, err := exec.LookPath("tmux"); err != nil {
		if os.Getenv("FTPLAB_REQUIRE_PEERS") == "1" {
			t.Fatal(err)
		}
		t.Skip("tmux is not here")
	}
	dir := t.TempDir()
	command := filepath.Join(dir, "bin", "ftplab")
	if out, err := exec.Command("go", "build", "-o", command, "ftplab/cmd/ftplab").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	s := &tmuxSession{t, filepath.Join(dir, "socket")}
	env = append([]string{"LC_ALL=C.UTF-8", "TERM=screen-256color", "XDG_STATE_HOME=" + dir, "XDG_DATA_HOME=" + dir, "XDG_CONFIG_HOME=" + dir}, env...)
	line := fmt.Sprintf("env %s %s %s; echo status=$?; read wait", strings.Join(env, " "), command, args)
	s.tmux("new-session", "-d", "-s", "t", "-x", fmt.Sprint(width), "-y", fmt.Sprint(height), line)
	t.Cleanup(func() { s.tmux("kill-server") })
	return s
}

func (s *tmuxSession) tmux(args ...string) string {
	s.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-S", s.socket, "-f", "/dev/null"}, args...)...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("tmux %v: %v\n%s", args, err, out)
	}
	return string(out)
}

func (s *tmuxSession) press(keys ...string) {
	s.t.Helper()
	s.tmux(append([]string{"send-keys", "-t", "t"}, keys...)...)
}

// sees waits until all of these texts are on the screen at once.
func (s *tmuxSession) sees(texts ...string) {
	s.t.Helper()
	deadline := time.Now().Add(40 * time.Second)
	var screen string
	for time.Now().Before(deadline) {
		screen = s.tmux("capture-pane", "-p", "-t", "t")
		missing := false
		for _, text := range texts {
			missing = missing || !strings.Contains(screen, text)
		}
		if !missing {
			return
		}
		time.Sleep(20 * time.Millisecond) // before looking again
	}
	s.t.Fatalf("%q is not on the screen:\n%s", texts, screen)
}

// What the application is for, as a person does it: passive mode through the access
// list for active mode.
func TestTerminalLesson(t *testing.T) {
	s := startTmux(t, 80, 24, "")
	s.sees("Lessons", "The ACL for active mode")
	for range 3 { // 01, 02, 03
		s.press("Down")
	}
	s.sees(" 04 The ACL for active mode", "PORT")
	s.press("Enter")
	s.sees("Nothing has happened yet", "04 ", "PORT", "acl")
	s.press("m")
	s.sees("PASV")
	s.press(">", ">", "Space")
	s.sees("✗◄[SYN,ACK]", "deny ip", "⤷ missed: source port 2024", "dropped SYN,ACK")
	s.press("w")
	s.sees("Why did the transfer fail?", "server answered", "switch dropped it")
	s.press("q")
	s.press("Left")
	s.sees("server sent SYN,ACK")
	s.press("Left")
	s.sees("server received SYN")
	s.press("Left")
	s.sees("switch passed SYN")
	s.press("Left")
	s.sees("client sent SYN")
	for range 8 {
		if strings.Contains(s.tmux("capture-pane", "-p", "-t", "t"), "inspect") {
			break
		}
		before := s.firstLine()
		s.press("f")
		s.firstLineChanges(before)
	}
	s.sees("PASV", "inspect")
	s.press("G")
	s.sees("226", "= ok")
	s.tmux("resize-window", "-t", "t", "-x", "132", "-y", "43")
	s.sees("Packets", "Connections", "speed")
	s.tmux("resize-window", "-t", "t", "-x", "70", "-y", "20")
	s.sees("need 80x24, have 70x20")
	s.press("q", "q")
	s.sees("status=0")
}

func (s *tmuxSession) firstLine() string {
	line, _, _ := strings.Cut(s.tmux("capture-pane", "-p", "-t", "t"), "\n")
	return line
}

func (s *tmuxSession) firstLineChanges(before string) {
	s.t.Helper()
	deadline := time.Now().Add(40 * time.Second)
	for s.firstLine() == before {
		if time.Now().After(deadline) {
			s.t.Fatalf("the first line is still %q", before)
		}
		time.Sleep(20 * time.Millisecond) // before looking again
	}
}

// A terminal that shows nothing but ASCII gets nothing else.
func TestTerminalWithoutUnicode(t *testing.T) {
	s := startTmux(t, 80, 24, "play 04 --mode pasv --at drop", "LC_ALL=C", "NO_COLOR=1")
	s.sees("X<[SYN,ACK]", "deny ip", "PASV")
	screen := s.tmux("capture-pane", "-p", "-e", "-t", "t")
	for _, c := range screen {
		if c >= 0x80 {
			t.Errorf("%q is on the screen:\n%s", c, screen)
			break
		}
	}
	if colour := regexp.MustCompile(`[[;](3[0-8]|4[0-8]|9[0-7]|10[0-7])[;m]`).FindString(screen); colour != "" {
		t.Errorf("a colour is on the screen: %q", colour)
	}
	s.press("C-c")
	s.sees("status=0")
}
