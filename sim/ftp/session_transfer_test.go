package ftp

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

// TestDuringATransfer: commands wait in order; ABOR, STAT and QUIT act at once.
func TestDuringATransfer(t *testing.T) {
	start := func(t *testing.T, op string) *dialogue {
		config := ownServer()
		d := newDialogue(t, &config, ownTree(), "10.0.0.2:1026")
		d.say("USER ftplab\r\nPASS s3cret\r\nTYPE I\r\nPASV\r\n")
		d.slow = true
		if got := codes(d.say(op + "\r\n")); got != "150" {
			t.Fatalf("%s: %s", op, got)
		}
		return d
	}
	t.Run("NOOP, PASV and RETR wait, STAT does not", func(t *testing.T) {
		d := start(t, "RETR /pub/large.bin")
		if got := codes(d.say("NOOP\r\nSTAT\r\nPASV\r\nPWD\r\n")); got != "211-" {
			t.Errorf("during the transfer: %s", got)
		}
		d.slow, d.replies = false, nil
		d.feed(Input{Kind: DataRoom})
		if got := codes(d.replies); got != "226 200 227 257" {
			t.Errorf("after it: %s", got)
		}
		if len(d.received) != LargeFileSize {
			t.Errorf("%d octets", len(d.received))
		}
	})
	t.Run("ABOR", func(t *testing.T) {
		d := start(t, "RETR /pub/large.bin")
		if got := codes(d.say("\xff\xf4\xff\xf2ABOR\r\nNOOP\r\n")); got != "426 226 200" {
			t.Errorf("got %s", got)
		}
		if d.effects[len(d.effects)-1] == Done || d.session.InTransfer() {
			t.Error("the session did not go on")
		}
	})
	t.Run("ABOR of an upload keeps what came", func(t *testing.T) {
		d := start(t, "STOR up")
		d.feed(Input{Kind: DataBytes, Bytes: []byte("part")})
		d.say("ABOR\r\n")
		if got := d.say("SIZE up\r\n"); got[0] != "213 4" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("QUIT answers and lets the transfer end", func(t *testing.T) {
		d := start(t, "RETR /pub/large.bin")
		if got := codes(d.say("QUIT\r\n")); got != "221" || d.closed {
			t.Errorf("got %s, closed %v", got, d.closed)
		}
		d.slow, d.replies = false, nil
		d.feed(Input{Kind: DataRoom})
		if got := codes(d.replies); got != "226" || !d.closed || len(d.received) != LargeFileSize {
			t.Errorf("got %s, closed %v, %d octets", got, d.closed, len(d.received))
		}
	})
	t.Run("Stop lets the transfer end", func(t *testing.T) {
		d := start(t, "RETR /pub/large.bin")
		d.feed(Input{Kind: Stop})
		d.slow, d.replies = false, nil
		d.feed(Input{Kind: DataRoom})
		if got := codes(d.replies); got != "226 421" || !d.closed {
			t.Errorf("got %s, closed %v", got, d.closed)
		}
	})
	t.Run("control connection lost", func(t *testing.T) {
		d := start(t, "RETR /pub/large.bin")
		d.feed(Input{Kind: ControlLost, Err: Reset})
		if !d.closed || d.session.InTransfer() {
			t.Error("RFC 959 4.1.1: the loss is ABOR and QUIT")
		}
	})
	t.Run("data connection lost", func(t *testing.T) {
		d := start(t, "STOR up")
		d.replies = nil
		d.feed(Input{Kind: DataLost, Err: Reset})
		if got := codes(d.replies); got != "426" {
			t.Errorf("got %s", got)
		}
		d.play("NOOP > 200")
	})
	t.Run("too much sent ahead", func(t *testing.T) {
		d := start(t, "RETR /pub/large.bin")
		got := codes(d.say(strings.Repeat("NOOP\r\n", 200)))
		if got != "421" || !d.closed {
			t.Errorf("got %s, closed %v", got, d.closed)
		}
	})
}

func TestTimers(t *testing.T) {
	config := ownServer()
	login := func(t *testing.T) *dialogue {
		d := newDialogue(t, &config, ownTree(), "10.0.0.2:1026")
		d.say("USER ftplab\r\nPASS s3cret\r\n")
		return d
	}
	expect := func(t *testing.T, d *dialogue, after time.Duration, want string, closed bool) {
		t.Helper()
		before := d.now
		if got := codes(d.timer()); got != want || d.now.Sub(before) != after || d.closed != closed {
			t.Errorf("got %s after %v, closed %v; want %s after %v", got, d.now.Sub(before), d.closed, want, after)
		}
	}
	t.Run("idle", func(t *testing.T) {
		expect(t, login(t), config.IdleTimeout, "421", true)
	})
	t.Run("idle before the login", func(t *testing.T) {
		expect(t, newDialogue(t, &config, ownTree(), "10.0.0.2:1026"), config.IdleTimeout, "421", true)
	})
	t.Run("nobody connects to PASV", func(t *testing.T) {
		d := login(t)
		d.noData = true
		d.say("PASV\r\nLIST\r\n")
		expect(t, d, config.AcceptTimeout, "425", false)
		if d.listens != 0 {
			t.Error("the listener is still open")
		}
		d.play("NOOP > 200\nLIST > 425")
	})
	t.Run("PORT is not answered", func(t *testing.T) {
		d := login(t)
		d.noData = true
		d.say("PORT 10,0,0,2,200,1\r\nLIST\r\n")
		expect(t, d, config.ConnectTimeout, "425", false)
	})
	t.Run("a transfer does not move", func(t *testing.T) {
		d := login(t)
		d.slow = true
		d.say("PASV\r\nSTOR up\r\n")
		expect(t, d, config.DataTimeout, "426", false)
	})
	t.Run("a transfer that moves is not idle", func(t *testing.T) {
		d := login(t)
		d.slow = true
		d.say("PASV\r\nSTOR up\r\n")
		for range 10 {
			d.now = d.now.Add(config.DataTimeout - time.Second)
			d.feed(Input{Kind: DataBytes, Bytes: []byte("x")})
		}
		if d.closed || !d.session.InTransfer() {
			t.Error("given up")
		}
	})
}

// TestPortTheft: RFC 2577 4, a stranger on the passive port gets nothing, and the
// client still gets its file.
func TestPortTheft(t *testing.T) {
	config := ownServer()
	d := newDialogue(t, &config, ownTree(), "10.0.0.2:1026")
	d.say("USER ftplab\r\nPASS s3cret\r\n")
	d.noData = true
	d.say("PASV\r\nRETR f\r\n")
	d.feed(Input{Kind: DataUp, Addr: netip.MustParseAddrPort("10.0.0.99:5")})
	if len(d.received) > 0 || d.listens != 1 {
		t.Fatalf("the stranger got %q; %d listeners", d.received, d.listens)
	}
	d.replies = nil
	d.feed(Input{Kind: DataUp, Addr: netip.MustParseAddrPort("10.0.0.2:5")})
	if got := codes(d.replies); got != "150 226" || string(d.received) != "a\r\nb\r\nc\r\n" {
		t.Errorf("got %s, %q", got, d.received)
	}
}

// TestEarlyData: a client may send before its STOR, a little.
func TestEarlyData(t *testing.T) {
	config := ownServer()
	tree := ownTree()
	d := newDialogue(t, &config, tree, "10.0.0.2:1026")
	d.say("USER ftplab\r\nPASS s3cret\r\nTYPE I\r\nPASV\r\n")
	early := []byte("early")
	d.feed(Input{Kind: DataBytes, Bytes: early})
	copy(early, "XXXXX") // KeepBytes is off: the carrier uses its buffer again
	d.feed(Input{Kind: DataEOF})
	d.slow = true
	d.play("STOR up > 150 226\nSIZE up > 213 = 213 5")
	h, _, _ := tree.Open("/up", ForReading, TreeTime())
	if b, _ := tree.ReadAt(h, 0, 99); string(b) != "early" {
		t.Errorf("stored %q", b)
	}
	d.say("PASV\r\n")
	for range 20 {
		d.feed(Input{Kind: DataBytes, Bytes: Pattern(4096)})
	}
	d.play("STOR up > 425")
}
