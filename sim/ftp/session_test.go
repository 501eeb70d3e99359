package ftp

import (
	"net/netip"
	"strings"
	"testing"

	"ftplab/sim/event"
)

// dialogue drives a Session line by line. Its data connections are always there, and
// an upload is always "one\r\ntwo\r\n".
type dialogue struct {
	t       *testing.T
	session *Session
	now     event.Time
	peer    netip.AddrPort

	replies  []string
	received []byte
	closed   bool
	noData   bool // nobody connects, nothing answers
	slow     bool // DataRoom and DataFlushed stay away
	listens  int  // listeners that are open
	effects  []EffectKind
}

func newDialogue(t *testing.T, config *ServerConfig, files FileSystem, peer string) *dialogue {
	d := &dialogue{t: t, session: NewSession(config, files), peer: netip.MustParseAddrPort(peer)}
	local := netip.MustParseAddrPort("192.168.10.1:21")
	if d.peer.Addr().Is6() {
		local = netip.MustParseAddrPort("[2001:db8::1]:21")
	}
	d.feed(Input{Kind: Start, Addr: d.peer, Local: local})
	d.replies = nil
	return d
}

func (d *dialogue) feed(in Input) {
	d.session.Handle(d.now, in)
	for {
		f, ok := d.session.Next()
		if !ok {
			return
		}
		d.effects = append(d.effects, f.Kind)
		switch f.Kind {
		case Note:
			if f.Note == ReplySent {
				d.replies = append(d.replies, f.Text)
			}
		case Listen:
			d.listens++
			d.feed(Input{Kind: ListenReady, Addr: netip.AddrPortFrom(f.Local.Addr(), 2024)})
			if !d.noData {
				d.feed(Input{Kind: DataUp, Addr: netip.AddrPortFrom(d.peer.Addr(), 40001)})
			}
		case CloseListener:
			d.listens--
		case DialData:
			if !d.noData {
				d.feed(Input{Kind: DataUp, Addr: f.Addr})
			}
		case SendData:
			d.received = append(d.received, f.Bytes...)
			if f.More && !d.slow {
				d.feed(Input{Kind: DataRoom})
			}
		case FinishData:
			if !d.slow {
				d.feed(Input{Kind: DataFlushed})
			}
		case ReceiveData:
			if !d.slow {
				d.feed(Input{Kind: DataBytes, Bytes: []byte("one\r\ntwo\r\n")})
				d.feed(Input{Kind: DataEOF})
			}
		case StartTLS:
			d.feed(Input{Kind: TLSUp, Channel: f.Channel})
		case CloseControl, AbortControl:
			d.closed = true
		}
	}
}

// say sends bytes and returns the replies they got.
func (d *dialogue) say(bytes string) []string {
	d.replies = nil
	d.feed(Input{Kind: ControlBytes, Bytes: []byte(bytes)})
	return d.replies
}

// timer lets the session's timer run out.
func (d *dialogue) timer() []string {
	d.t.Helper()
	d.replies = nil
	if d.now = d.session.Deadline(); d.now == event.Never {
		d.t.Fatal("no timer is set")
	}
	d.feed(Input{Kind: Timer})
	return d.replies
}

// codes returns the codes of whole replies: "150 226", "250-" for more than one line.
func codes(replies []string) string {
	var all []string
	for i := 0; i < len(replies); i++ {
		code := replies[i][:3]
		if replies[i][3] == '-' {
			for !strings.HasPrefix(replies[i], code+" ") {
				i++
			}
			code += "-"
		}
		all = append(all, code)
	}
	return strings.Join(all, " ")
}

func ownServer() ServerConfig {
	c := DefaultServerConfig()
	c.Users = []User{{Name: "ftplab", Password: "s3cret", MayWrite: true}}
	return c
}

func ownTree() *Tree {
	t := DefaultTree()
	t.AddFile("/f", []byte("a\nb\r\nc\n"))
	t.AddFile("/sp ace", []byte("x"))
	t.AddDir("/dir/sub")
	return t
}

// TestCommands: what every command answers, by RFC. Each line is a command and the
// codes it gets; "=" begins a text that the last line contains.
func TestCommands(t *testing.T) {
	tests := []struct{ name, login, dialogue string }{
		{"RFC 959 4.1.1 before the login", "", `
			NOOP > 200
			SYST > 215 = UNIX Type: L8
			FEAT > 211-
			HELP > 214-
			STAT > 211-
			STAT f > 530
			OPTS UTF8 ON > 200
			HOST ftp.example.com > 504
			PWD > 530
			PASV > 530
			PORT 10,0,0,2,4,3 > 530
			LIST > 530
			TYPE I > 530
			ABOR > 530
			REIN > 530
			XYZZY > 500
			PASS foo > 503
			USER > 501
			QUIT > 221`},
		{"RFC 959 4.1.1 login", "", `
			USER ftplab > 331
			NOOP > 200
			PASS s3cret > 230
			PWD > 257 = "/"
			CWD dir > 250
			USER ftplab > 331
			PWD > 530
			PASS s3cret > 230
			PWD > 257 = "/"
			REIN > 220
			PWD > 530`},
		{"RFC 2577 6 names cannot be tried", "", `
			USER nobody > 331
			PASS x > 530 = Login incorrect.
			PASS x > 503
			USER ftplab > 331
			PASS wrong > 530 = Login incorrect.
			USER ftplab > 331
			PASS wrong > 530 421`},
		{"RFC 1635 anonymous reads only", "", `
			USER anonymous > 331
			PASS me@example.org > 230
			MKD x > 550
			DELE f > 550
			RNFR f > 350
			RNTO g > 550
			PASV > 227
			STOR x > 550
			STOR /incoming/x > 550
			RETR f > 150 226`},
		{"RFC 959 4.1.1 directories", "user", `
			CWD > 501
			CWD dir > 250
			PWD > 257 = "/dir"
			XPWD > 257 = "/dir"
			CDUP > 250
			XCUP > 250
			CWD ../../.. > 250
			PWD > 257 = "/" is
			CWD nosuch > 550
			CWD f > 550
			MKD new > 257 = "/new" created
			MKD new > 550
			MKD no/such > 550
			MKD > 501
			XMKD /new/x > 257 = "/new/x"
			RMD new > 550
			XRMD new/x > 250
			RMD new > 250
			RMD nosuch > 550
			MKD a"b > 257 = "/a""b" created
			CWD a"b > 250
			PWD > 257 = "/a""b" is
			RMD / > 550
			DELE dir > 550
			DELE nosuch > 550
			DELE > 501
			DELE /f > 250
			DELE /f > 550`},
		{"RFC 959 4.1.3 rename", "user", `
			RNTO g > 503
			RNFR nosuch > 550
			RNFR > 501
			RNFR f > 350
			NOOP > 200
			RNTO g > 250
			RNTO h > 503
			RNFR g > 350
			RNFR dir > 350
			RNTO dir2 > 250
			RNFR g > 350
			RNTO nosuch/g > 550
			RNTO g2 > 503
			RNFR dir2 > 350
			RNTO dir2/sub/x > 550`},
		{"RFC 959 4.1.2 parameters", "user", `
			TYPE A > 200
			TYPE A N > 200
			type a n > 200
			TYPE I > 200
			TYPE L 8 > 200
			TYPE A T > 504
			TYPE A C > 504
			TYPE E > 504
			TYPE L 7 > 504
			TYPE X > 504
			TYPE > 501
			TYPE   I > 501
			STRU F > 200
			STRU R > 504
			STRU P > 504
			STRU X > 501
			STRU > 501
			MODE S > 200
			MODE B > 504
			MODE C > 504
			MODE Z > 504
			MODE X > 501
			MODE > 501
			ALLO 100 > 202
			ALLO 100 R 10 > 202
			ALLO > 501
			ACCT x > 202
			SMNT / > 502
			NOOP arg > 200
			LANG en > 502
			CLNT test > 200
			HOST x > 503`},
		{"RFC 959 4.1.2 PORT, RFC 2577 3", "user", `
			PORT > 501
			PORT 1,2,3 > 501
			PORT 10,0,0,2,999,1 > 501
			PORT 10,0,0,256,4,1 > 501
			PORT a,b,c,d,e,f > 501
			PORT 10,0,0,2,200,1,9 > 501
			PORT 10.0.0.2.200.1 > 501
			PORT 10,0,0,2,0,0 > 501
			PORT 10,0,0,3,200,1 > 504
			PORT 10,0,0,2,0,25 > 504
			PORT 10,0,0,2,3,255 > 504
			PORT 10,0,0,2,200,1 > 200
			RETR f > 150 226
			RETR f > 425
			PORT 0,0,0,0,200,1 > 200
			RETR f > 150 226`},
		{"RFC 2428 2 EPRT", "user", `
			EPRT > 501
			EPRT junk > 501
			EPRT |||| > 501
			EPRT |1|10.0.0.3|51200| > 501
			EPRT |1|10.0.0.2|70000| > 501
			EPRT |1|10.0.0.2|0| > 501
			EPRT |1|10.0.0.2|25| > 504
			EPRT |2|::1|51200| > 522 = (1)
			EPRT |3|x|51200| > 522 = (1)
			EPRT |1|::1|51200| > 501
			EPRT |1|localhost|51200| > 501
			EPRT |1|10.0.0.2|51200 > 501
			EPRT !1!10.0.0.2!51200! > 200
			LIST > 150 226
			EPRT |1|10.0.0.2|51200| > 200
			NLST > 150 226`},
		{"RFC 2428 3 EPSV", "user", `
			EPSV > 229 = (|||2024|)
			EPSV 1 > 229
			EPSV 2 > 522 = (1)
			EPSV 3 > 522
			EPSV x > 501
			PASV x > 501
			EPSV ALL > 200
			PASV > 503
			PORT 10,0,0,2,200,1 > 503
			EPRT |1|10.0.0.2|51200| > 503
			EPSV > 229
			RETR f > 150 226`},
		{"RFC 959 4.1.3 transfers", "user", `
			RETR f > 425
			LIST > 425
			STOR x > 425
			PASV > 227 = (192,168,10,1,7,232)
			RETR nosuch > 550
			RETR dir > 550
			RETR > 501
			RETR f > 150 226
			RETR f > 425
			PASV > 227
			STOR nosuch/f > 550
			STOR dir > 550
			STOR > 501
			STOR up > 150 226
			PASV > 227
			APPE up > 150 226
			TYPE I > 200
			SIZE up > 213 = 213 16
			PASV > 227
			STOU > 150 226
			PASV > 227
			STOU f > 150 226
			SIZE f.1 > 213
			PASV > 227
			ABOR > 225
			RETR f > 425
			PASV > 227
			PORT 10,0,0,2,200,1 > 200
			RETR f > 150 226`},
		{"RFC 3659 5 REST", "user", `
			REST 5 > 501 = TYPE I
			TYPE I > 200
			REST > 501
			REST -1 > 501
			REST x > 501
			REST 10.1 > 501
			REST 99999999999999999999 > 501
			REST 5 > 350
			NOOP > 200
			PASV > 227
			RETR f > 150 226
			REST 8 > 350
			PASV > 227
			RETR f > 554
			RETR f > 150 226
			REST 1 > 350
			PASV > 227
			APPE f > 450
			REST 1 > 350
			STOU f > 450
			REST 9 > 350
			STOR f > 554
			REST 2 > 350
			STOR f > 150 226
			SIZE f > 213 = 213 12`},
		{"RFC 3659 3, 4 and draft-somers MDTM, SIZE, MFMT", "user", `
			SIZE f > 550 = TYPE I
			TYPE I > 200
			SIZE f > 213 = 213 7
			SIZE dir > 550
			SIZE nosuch > 550
			SIZE > 501
			MDTM f > 213 = 213 20010909014640
			MDTM dir > 550
			MDTM nosuch > 550
			MDTM > 501
			MFMT 20200102030405 f > 213 = Modify=20200102030405; f
			MDTM f > 213 = 213 20200102030405
			MFMT x f > 501
			MFMT 20201302030405 f > 501
			MFMT 20200102030405 > 501
			MFMT 20200102030405 nosuch > 550`},
		{"RFC 3659 7 MLST and MLSD", "user", `
			MLST > 250- = End
			MLST f > 250-
			MLST nosuch > 550
			PASV > 227
			MLSD f > 501
			MLSD nosuch > 550
			MLSD dir > 150 226
			OPTS MLST type;size; > 200 = MLST OPTS type;size;
			OPTS MLST nosuch; > 200
			OPTS MLST > 200
			OPTS XYZZY > 501
			OPTS > 501`},
		{"RFC 959 4.1.3 listings", "user", `
			PASV > 227
			LIST nosuch > 550
			LIST f > 150 226
			PASV > 227
			LIST -la > 150 226
			PASV > 227
			LIST -la dir > 150 226
			PASV > 227
			NLST *f > 150 226
			STAT f > 213-
			STAT dir > 212-
			STAT nosuch > 550
			HELP RETR > 214 = RETR path
			HELP XYZZY > 501
			SITE > 501
			SITE HELP > 214
			SITE XYZZY > 500
			SITE CHMOD > 501
			SITE CHMOD 600 f > 200
			SITE CHMOD 999 f > 501
			SITE CHMOD 600 nosuch > 550`},
		{"RFC 4217 without TLS", "user", `
			AUTH TLS > 502
			PBSZ 0 > 502
			PROT P > 502
			CCC > 502`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			config := ownServer()
			d := newDialogue(t, &config, ownTree(), "10.0.0.2:1026")
			if test.login != "" {
				d.say("USER ftplab\r\nPASS s3cret\r\n")
			}
			d.play(test.dialogue)
		})
	}
}

// play sends the lines of a dialogue and compares the codes.
func (d *dialogue) play(lines string) {
	d.t.Helper()
	for _, line := range strings.Split(strings.TrimSpace(lines), "\n") {
		command, want, _ := strings.Cut(strings.TrimSpace(line), " > ")
		want, text, _ := strings.Cut(want, " = ")
		replies := d.say(command + "\r\n")
		if got := codes(replies); got != want {
			d.t.Errorf("%s: got %q, want %s", command, replies, want)
			continue
		}
		if last := replies[len(replies)-1]; !strings.Contains(last, text) {
			d.t.Errorf("%s: %q does not contain %q", command, last, text)
		}
	}
}

func TestIPv6(t *testing.T) {
	config := ownServer()
	d := newDialogue(t, &config, ownTree(), "[2001:db8::2]:1026")
	d.play(`
		USER anonymous > 331
		PASS x > 230
		PASV > 425 = EPSV
		PORT 10,0,0,2,4,3 > 501
		EPSV 1 > 522 = (2)
		EPSV 2 > 229
		EPRT |1|10.0.0.2|51200| > 522 = (2)
		EPRT |2|2001:db8::3|51200| > 501
		EPRT |2|2001:db8::2%eth0|51200| > 501
		EPRT |2|2001:db8::2|51200| > 200
		RETR f > 150 226
		EPRT |2|::|51200| > 200
		RETR f > 150 226`)
}

// TestTLS: RFC 4217.
func TestTLS(t *testing.T) {
	config := ownServer()
	config.TLS, config.RequireTLS = true, true
	d := newDialogue(t, &config, ownTree(), "10.0.0.2:1026")
	d.play(`
		USER ftplab > 530
		PBSZ 0 > 503
		PROT P > 503
		CCC > 503
		AUTH XYZ > 504
		AUTH TLS > 234
		AUTH TLS > 503
		USER ftplab > 331
		PASS s3cret > 230
		PASV > 227
		RETR f > 522
		PROT P > 503
		PBSZ x > 501
		PBSZ 0 > 200
		PROT S > 536
		PROT X > 504
		PROT C > 536
		PROT P > 200
		RETR f > 150 226
		STAT > 211-
		CCC > 200
		PWD > 257`)
}

// TestTLSInjection: what a man in the middle puts behind AUTH TLS in clear is not
// taken as said under TLS (CVE-2011-0411 and its kin).
func TestTLSInjection(t *testing.T) {
	config := ownServer()
	config.TLS = true
	d := newDialogue(t, &config, ownTree(), "10.0.0.2:1026")
	if got := codes(d.say("AUTH TLS\r\nUSER ftplab\r\nPASS s3cret\r\n")); got != "234" {
		t.Errorf("got %s, want 234 alone", got)
	}
	if got := codes(d.say("PWD\r\n")); got != "530" {
		t.Errorf("logged in by what came in clear: %s", got)
	}
}
