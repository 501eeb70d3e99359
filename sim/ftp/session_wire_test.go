package ftp

import (
	"strings"
	"testing"
)

// TestLines: RFC 959 5.3 and RFC 1123 4.1.2.12, octets that real clients and less
// real ones send.
func TestLines(t *testing.T) {
	long := strings.Repeat("a", 4096)
	tests := []struct {
		name  string
		sent  []string
		codes string
		alive bool
	}{
		{"bare LF", []string{"NOOP\n"}, "200", true},
		{"CR CR LF", []string{"NOOP\r\r\n"}, "500", true},
		{"CR inside", []string{"NOOP\rPWD\r\n"}, "500", true},
		{"NUL", []string{"CWD a\x00b\r\n"}, "501", true},
		{"CR NUL", []string{"CWD a\r\x00b\r\n"}, "501", true},
		{"empty line", []string{"\r\n"}, "500", true},
		{"a space", []string{" \r\n"}, "500", true},
		{"leading spaces", []string{"  PWD\r\n"}, "500", true},
		{"trailing spaces", []string{"PWD  \r\nTYPE I \r\n"}, "257 200", true},
		{"tab", []string{"TYPE\tI\r\n"}, "500", true},
		{"lower case", []string{"pWd\r\nnoop\r\n"}, "257 200", true},
		{"byte by byte", strings.Split("TYPE I\r\n", ""), "200", true},
		{"CR and LF apart", []string{"PWD\r", "\nNOOP\r\n"}, "257 200", true},
		{"pipelined", []string{"PWD\r\nSYST\r\nTYPE I\r\nXYZZY\r\nNOOP\r\n"}, "257 215 200 500 200", true},
		{"8-bit verb", []string{"N\xc3\xa9OP\r\n"}, "500", true},
		{"too long", []string{"CWD " + long + "\r\n", "NOOP\r\n"}, "500 200", true},
		{"too long in pieces", []string{"NOOP " + long[:4000], long, "\r\nNOOP\r\n"}, "500 200", true},
		{"without end", []string{"CWD " + strings.Repeat(long, 20)}, "500", false},
		{"IAC IAC is one octet", []string{"MKD x\xff\xffy\r\n"}, "257", true},
		{"a single IAC before a letter", []string{"CWD x\xffy\r\n"}, "550", true},
		{"IAC WILL", []string{"\xff\xfb\x01NOOP\r\n"}, "200", true},
		{"IAC DO, split", []string{"\xff\xfd", "\x01NOOP\r\n"}, "200", true},
		{"IAC NOP", []string{"\xff\xf1NOOP\r\n"}, "200", true},
		{"IAC SB ... IAC SE", []string{"NO\xff\xfa\x18\x01\xff\xffx\xff\xf0OP\r\n"}, "200", true},
		{"IAC IP IAC DM", []string{"\xff\xf4\xff\xf2NOOP\r\n"}, "200", true},
		{"Synch whose IAC was taken out", []string{"\xff\xf4", "\xf2ABOR\r\n"}, "225", true},
		{"HTTP", []string{"GET / HTTP/1.1\r\nHost: x\r\n\r\n"}, "500", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			config := ownServer()
			d := newDialogue(t, &config, ownTree(), "10.0.0.2:1026")
			d.say("USER ftplab\r\nPASS s3cret\r\n")
			var all []string
			for _, sent := range test.sent {
				all = append(all, d.say(sent)...)
			}
			if test.name == "HTTP" {
				all = all[:1] // logged in, each of its lines is just unknown
			}
			if got := codes(all); got != test.codes || d.closed == test.alive {
				t.Errorf("got %s, closed %v; want %s, alive %v", got, d.closed, test.codes, test.alive)
			}
		})
	}
}

func TestHTTPBeforeLoginIsClosed(t *testing.T) {
	config := ownServer()
	d := newDialogue(t, &config, ownTree(), "10.0.0.2:1026")
	if got := codes(d.say("GET / HTTP/1.1\r\nHost: x\r\nUSER ftplab\r\n\r\n")); got != "500" || !d.closed {
		t.Errorf("got %s, closed %v", got, d.closed)
	}
}

// TestTelnetOptionsAreRefused: RFC 1123 4.1.2.12.
func TestTelnetOptionsAreRefused(t *testing.T) {
	config := ownServer()
	s := NewSession(&config, ownTree())
	s.Handle(0, Input{Kind: ControlBytes, Bytes: []byte("\xff\xfb\x01\xff\xfd\x03")})
	var sent string
	for f, ok := s.Next(); ok; f, ok = s.Next() {
		sent += string(f.Bytes)
	}
	if want := "\xff\xfe\x01\xff\xfc\x03"; sent != want {
		t.Errorf("answered %q, want %q", sent, want)
	}
}

// TestRepliesCannotBeForged: a name with a line end in it stays inside its reply, and
// 0xff is doubled on the wire.
func TestRepliesCannotBeForged(t *testing.T) {
	config := ownServer()
	tree := ownTree()
	tree.AddDir("/evil\r\n230 in")
	d := newDialogue(t, &config, tree, "10.0.0.2:1026")
	d.say("USER ftplab\r\nPASS s3cret\r\n")
	for _, command := range []string{"STAT /\r\n", "MLST evil\xff\xff\r\n", "MKD x\xff\xff\r\n"} {
		for _, line := range d.say(command) {
			if strings.ContainsAny(line, "\r\n") {
				t.Errorf("%q: reply line %q", command, line)
			}
		}
	}
	d.session.Handle(0, Input{Kind: ControlBytes, Bytes: []byte("CWD x\xff\xff\r\nPWD\r\n")})
	var sent string
	for f, ok := d.session.Next(); ok; f, ok = d.session.Next() {
		sent += string(f.Bytes)
	}
	if !strings.Contains(sent, "257 \"/x\xff\xff\" is") {
		t.Errorf("sent %q", sent)
	}
}

// TestReplyTexts: no phrase of ftplab's own is empty, and vsftpd's words take no more
// arguments than the phrase has.
func TestReplyTexts(t *testing.T) {
	for p := saidGreeting; p < numPhrases; p++ {
		own, vsftpd := ownWords[p], vsftpdWords[p]
		if own.code < 100 || own.code > 599 || own.text == "" {
			t.Errorf("phrase %d has no words", p)
		}
		// vsftpd names the command that it does not implement.
		if strings.Count(vsftpd.text, "%") > strings.Count(own.text, "%") && p != saidNotImplemented {
			t.Errorf("phrase %d: %q takes more arguments than %q", p, vsftpd.text, own.text)
		}
	}
}

// TestPasswordsAreNotNoted: what is almost PASS is a password still.
func TestPasswordsAreNotNoted(t *testing.T) {
	tests := []struct{ line, want string }{
		{"PASS s3cret", "PASS ****"},
		{"pass s3cret", "pass ****"},
		{"PASS\ts3cret", "PASS ****"},
		{"  PASS s3cret", "  PASS ****"},
		{"\xff\xf1PASS s3cret", "\xff\xf1PASS ****"},
		{"ACCT s3cret", "ACCT ****"},
		{"PASS", "PASS"},
		{"PASSIVE x", "PASSIVE x"},
		{"PASV", "PASV"},
		{"RETR PASS x", "RETR PASS x"},
		{"", ""},
	}
	for _, test := range tests {
		if got := maskPassword(test.line); got != test.want {
			t.Errorf("maskPassword(%q) = %q, want %q", test.line, got, test.want)
		}
	}
}
