package live

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// Listening reports whether the program, or one that it started, waits for TCP
// connections on a port. What it cannot find out is false.
func (p *Program) Listening(port uint16) bool {
	for _, table := range []string{"tcp", "tcp6"} {
		f, err := os.Open(fmt.Sprintf("/proc/%d/net/%s", p.cmd.Process.Pid, table))
		if err != nil {
			continue
		}
		found := listens(bufio.NewScanner(f), port)
		f.Close()
		if found {
			return true
		}
	}
	return false
}

// listens looks for a listener in /proc/net/tcp: the second field is the local address
// and port in hexadecimal, the fourth the state, 0A for LISTEN.
func listens(lines *bufio.Scanner, port uint16) bool {
	suffix := fmt.Sprintf(":%04X", port)
	for lines.Scan() {
		if f := strings.Fields(lines.Text()); len(f) > 3 && strings.HasSuffix(f[1], suffix) && f[3] == "0A" {
			return true
		}
	}
	return false
}

// Ended reports whether the program has ended.
func (p *Program) Ended() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// stopPatience is how long a program may take to end when it was asked to.
const stopPatience = 2 * time.Second

// Stop asks the program to end, and kills it if it does not.
func (p *Program) Stop() {
	if p.Ended() {
		return
	}
	_ = p.Signal(syscall.SIGTERM) // it may have ended by now
	select {
	case <-p.ended:
	case <-time.After(stopPatience):
		_ = p.Signal(syscall.SIGKILL)
	}
}
