package ftpnet

import (
	"crypto/tls"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"
)

// rawClient speaks to a server line by line.
type rawClient struct {
	t    *testing.T
	conn net.Conn
}

func mustDial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	return conn
}

// dialRaw connects and reads the greeting.
func dialRaw(t *testing.T, address string) *rawClient {
	t.Helper()
	c := &rawClient{t, mustDial(t, address)}
	c.expect("(greeting)", "220")
	return c
}

// line reads one line, octet by octet: nothing that comes behind it is taken.
func (c *rawClient) line() string {
	c.t.Helper()
	var line []byte
	b := make([]byte, 1)
	for {
		if _, err := c.conn.Read(b); err != nil {
			c.t.Fatalf("after %q: %v", line, err)
		}
		if line = append(line, b[0]); b[0] == '\n' {
			return strings.TrimRight(string(line), "\r\n")
		}
	}
}

// expect reads a whole reply, whose last line begins with want.
func (c *rawClient) expect(command, want string) string {
	c.t.Helper()
	line := c.line()
	if len(line) > 3 && line[3] == '-' {
		for code := line[:3]; !strings.HasPrefix(line, code+" "); {
			line = c.line()
		}
	}
	if !strings.HasPrefix(line, want) {
		c.t.Fatalf("%s: %q, want %q", command, line, want)
	}
	return line
}

func (c *rawClient) send(text string) {
	c.t.Helper()
	if _, err := c.conn.Write([]byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *rawClient) command(line, want string) string {
	c.t.Helper()
	c.send(line + "\r\n")
	return c.expect(line, want)
}

func (c *rawClient) login() {
	c.t.Helper()
	c.command("USER ftplab", "331")
	c.command("PASS s3cret", "230")
}

// TestClearControlChannel: CCC (RFC 4217, section 12.3), with a client that ends TLS
// as it should and with one, like curl, that just goes on in clear.
func TestClearControlChannel(t *testing.T) {
	server := startServer(t, "127.0.0.1:0", ServerOptions{})
	for name, notify := range map[string]bool{"with close_notify": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			c := dialRaw(t, server.address)
			c.command("AUTH TLS", "234")
			plain := c.conn
			secured := tls.Client(&recordConn{Conn: plain}, &tls.Config{InsecureSkipVerify: true})
			c.conn = secured
			c.login()
			c.command("CCC", "200")
			if notify {
				secured.CloseWrite()
				plain.SetDeadline(time.Now().Add(20 * time.Second)) // crypto/tls allows no more writes
			}
			secured.Read(make([]byte, 1)) // the server's close_notify
			c.conn = plain
			c.command("PWD", "257")
			c.command("STAT", "211")
			c.command("QUIT", "221")
		})
	}
}

// TestAbortWithUrgentData: the Telnet Synch as TCP urgent data reaches the engine in
// its place, and ABOR ends a transfer at once.
func TestAbortWithUrgentData(t *testing.T) {
	server := startServer(t, "127.0.0.1:0", ServerOptions{})
	c := dialRaw(t, server.address)
	c.login()
	c.command("TYPE I", "200")
	for range 3 {
		c.command("EPSV", "229")
		c.command("ABOR", "225")
	}
	c.send("\xff\xf4")
	if err := writeUrgent(c.conn, []byte{0xff, 0xf2}); err != nil {
		t.Fatal(err)
	}
	c.command("ABOR", "225")
	c.command("NOOP", "200")
	c.command("QUIT", "221")
}

// TestSlowReader: who asks and never reads the answers is cut off, and costs nothing.
func TestSlowReader(t *testing.T) {
	server := startServer(t, "127.0.0.1:0", ServerOptions{Log: slog.New(slog.DiscardHandler)})
	c := dialRaw(t, server.address)
	c.login()
	asked := strings.Repeat("HELP\r\n", 1000)
	for range 2000 {
		if _, err := c.conn.Write([]byte(asked)); err != nil {
			break
		}
	}
	waitFor(t, "the session goes on", func() bool { return server.Sessions() == 0 })
}
