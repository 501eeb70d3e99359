package ftp

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

// TestOutcomesOfTheLab: what the scripted client reports in the lab's rows, with the
// carrier doing what the firewall of the row does to the data connection.
func TestOutcomesOfTheLab(t *testing.T) {
	third := netip.MustParseAddr("198.51.100.66")
	tests := []struct {
		name      string
		row       string // of the truth table that it mirrors
		server    func(*ServerConfig)
		client    func(*ClientConfig)
		carrier   func(*backToBack)
		outcome   string
		phase     string
		class     string
		after     time.Duration
		detail    string
		reply     string // ServerReply
		lastReply string
	}{
		{name: "passive data SYN dropped", row: "8",
			carrier: func(b *backToBack) { b.dropData[clientEnd] = true },
			outcome: OutcomeConnectTimeout, phase: PhaseDataConnect, class: "delayed", after: 4 * time.Second,
			detail:    "data connect to 192.168.10.1:2024 timed out",
			lastReply: "227 Entering Passive Mode (192,168,10,1,7,232)."},
		{name: "extended passive data SYN dropped", row: "2",
			client:  func(c *ClientConfig) { c.Mode = ModeEPSV },
			carrier: func(b *backToBack) { b.dropData[clientEnd] = true },
			outcome: OutcomeConnectTimeout, phase: PhaseDataConnect, class: "delayed", after: 4 * time.Second,
			lastReply: "229 Entering Extended Passive Mode (|||2024|)"},
		{name: "passive data SYN reset", row: "17",
			carrier: func(b *backToBack) { b.resetData[clientEnd] = true },
			outcome: OutcomeRefusedRST, phase: PhaseDataConnect, class: "immediate", after: 10 * time.Millisecond},
		{name: "active data SYN dropped", row: "10",
			client:  func(c *ClientConfig) { c.Mode = ModePORT },
			carrier: func(b *backToBack) { b.dropData[serverEnd] = true },
			outcome: "425", phase: PhaseTransfer, class: "delayed", after: 4*time.Second + 10*time.Millisecond,
			detail: "RETR file3k.bin -> 425 Failed to establish connection.",
			reply:  "425 Failed to establish connection.", lastReply: "425 Failed to establish connection."},
		{name: "active data SYN reset", row: "17c",
			client:  func(c *ClientConfig) { c.Mode, c.Op, c.Path = ModeEPRT, OpList, "" },
			carrier: func(b *backToBack) { b.resetData[serverEnd] = true },
			outcome: "425", phase: PhaseTransfer, class: "immediate", after: 20 * time.Millisecond,
			detail: "LIST -> 425 Failed to establish connection."},
		{name: "default connect_timeout", row: "T1",
			server:  func(c *ServerConfig) { mustSet(t, c, "connect_timeout", "60") },
			client:  func(c *ClientConfig) { c.Mode, c.Timeouts.Reply = ModePORT, 75*time.Second },
			carrier: func(b *backToBack) { b.dropData[serverEnd] = true },
			outcome: "425", phase: PhaseTransfer, class: "delayed", after: time.Minute + 10*time.Millisecond},
		{name: "PORT with another address", row: "12",
			client:  func(c *ClientConfig) { c.Mode, c.PortAddr = ModePORT, netip.MustParseAddr("10.9.9.9") },
			outcome: "500", phase: PhaseDataSetup, class: "immediate", after: 10 * time.Millisecond,
			detail: "PORT 10,9,9,9,4,3 -> 500 Illegal PORT command.",
			reply:  "500 Illegal PORT command."},
		{name: "EPRT with a third party's address", row: "21",
			client:  func(c *ClientConfig) { c.Mode, c.PortAddr = ModeEPRT, third },
			outcome: "500", phase: PhaseDataSetup, class: "immediate", after: 10 * time.Millisecond,
			detail: "EPRT |1|198.51.100.66|1027| -> 500 Illegal EPRT command."},
		{name: "PORT to a port below 1024", row: "22",
			client:  func(c *ClientConfig) { c.Mode, c.PortPort = ModePORT, 1000 },
			outcome: "500", phase: PhaseDataSetup, class: "immediate", after: 10 * time.Millisecond,
			detail: "PORT 10,0,0,2,3,232 -> 500 Illegal PORT command."},
		{name: "promiscuous and isolated", row: "12c",
			server:  func(c *ServerConfig) { mustSet(t, c, "port_promiscuous", "YES") },
			client:  func(c *ClientConfig) { c.Mode = ModePORT },
			outcome: "500", phase: PhaseTransfer, class: "immediate", after: 10 * time.Millisecond,
			reply: "500 OOPS: vsf_sysutil_bind"},
		{name: "promiscuous and isolated under TLS", row: "12c",
			server:  func(c *ServerConfig) { mustSet(t, c, "port_promiscuous", "YES"); mustSet(t, c, "ssl_enable", "YES") },
			client:  func(c *ClientConfig) { c.Mode, c.TLS = ModePORT, true },
			outcome: OutcomeControlReset, phase: PhaseTransfer, class: "immediate", after: 10 * time.Millisecond,
			lastReply: "200 PORT command successful. Consider using PASV."},
		{name: "promiscuous, port below 1024", row: "22b",
			server:  promiscuous(t),
			client:  func(c *ClientConfig) { c.Mode, c.PortPort = ModeEPRT, 1000 },
			outcome: "500", phase: PhaseTransfer, class: "immediate", after: 10 * time.Millisecond,
			reply: "500 OOPS: Illegal port request"},
		{name: "bounce that a firewall stops", row: "21b",
			server:  promiscuous(t),
			client:  func(c *ClientConfig) { c.Mode, c.PortAddr = ModePORT, third },
			outcome: "425", phase: PhaseTransfer, class: "delayed", after: 4*time.Second + 10*time.Millisecond},
		{name: "control connection lost behind PORT", row: "20",
			client:  func(c *ClientConfig) { c.Mode, c.Split = ModePORT, 12 },
			carrier: func(b *backToBack) { b.dropControl = "2,4,3" },
			outcome: OutcomeHang, phase: PhaseDataSetup, class: "delayed", after: 9*time.Second + 50*time.Millisecond,
			detail: "no reply to PORT within 9 s", lastReply: "200 Switching to Binary mode."},
		{name: "split with a longer gap", row: "20e",
			client: func(c *ClientConfig) {
				c.Mode, c.Split, c.SplitGap = ModePORT, 12, 1500*time.Millisecond
			},
			carrier: func(b *backToBack) { b.dropControl = "2,4,3" },
			outcome: OutcomeHang, phase: PhaseDataSetup, class: "delayed", after: 10*time.Second + 500*time.Millisecond},
		{name: "split that nothing minds", row: "20h",
			client:  func(c *ClientConfig) { c.Mode, c.Split = ModeEPRT, -2 },
			outcome: OutcomeOK, phase: PhaseFinalReply, class: "none", after: -1,
			reply: "226 Transfer complete.", lastReply: "221 Goodbye."},
		{name: "final reply lost", row: "23",
			carrier: func(b *backToBack) { b.dropControl = "226 " },
			outcome: OutcomeControlLostAfterData, phase: PhaseFinalReply, class: "delayed", after: 9 * time.Second,
			detail: "no reply to RETR within 9 s", lastReply: "200 NOOP ok."},
		{name: "nobody there",
			carrier: func(b *backToBack) { b.dropDial = true },
			outcome: OutcomeControlConnectTimeout, phase: PhaseControlConnect, class: "delayed", after: 4 * time.Second},
		{name: "no such file",
			client:  func(c *ClientConfig) { c.Path = "nosuch" },
			outcome: "550", phase: PhaseTransfer, class: "immediate", after: 10 * time.Millisecond},
		{name: "wrong password",
			client:  func(c *ClientConfig) { c.User = "nobody" },
			outcome: "530", phase: PhaseLogin, class: "immediate", after: 10 * time.Millisecond,
			detail: "PASS **** -> 530 Login incorrect."},
		{name: "accept timeout without a client",
			client: func(c *ClientConfig) {
				c.Script = []Step{{Op: OpCommand, Path: "PASV"}, {Op: OpCommand, Path: "LIST"}}
			},
			outcome: "425", phase: PhaseCommand, class: "delayed", after: 4*time.Second + 10*time.Millisecond},
	}
	for _, test := range tests {
		t.Run(strings.TrimSpace(test.row+" "+test.name), func(t *testing.T) {
			server, client := labServerConfig(), labClientConfig()
			if test.server != nil {
				test.server(&server)
			}
			if test.client != nil {
				test.client(&client)
			}
			b := newBackToBack(t, &client, &server, labTree())
			if test.carrier != nil {
				test.carrier(b)
			}
			b.run()
			r := b.client.Result()
			if r.Outcome != test.outcome || r.Phase != test.phase || r.FailureClass() != test.class || r.FailAfter != test.after {
				t.Errorf("got %s in %s, %s, after %v; want %s in %s, %s, after %v\n%s",
					r.Outcome, r.Phase, r.FailureClass(), r.FailAfter, test.outcome, test.phase, test.class, test.after, b.log.String())
			}
			check := func(what, got, want string) {
				if want != "" && got != want {
					t.Errorf("%s %q, want %q", what, got, want)
				}
			}
			check("detail", r.Detail, test.detail)
			check("server reply", r.ServerReply, test.reply)
			check("last reply", r.LastReply, test.lastReply)
			if !b.client.Done() || strings.Contains(b.log.String(), "probe@") {
				t.Errorf("not done, or the password is in the record:\n%s", b.log.String())
			}
		})
	}
}

func mustSet(t *testing.T, c *ServerConfig, option, value string) {
	t.Helper()
	if err := c.SetVSFTPD(option, value); err != nil {
		t.Fatal(err)
	}
}

func promiscuous(t *testing.T) func(*ServerConfig) {
	return func(c *ServerConfig) {
		mustSet(t, c, "port_promiscuous", "YES")
		mustSet(t, c, "isolate_network", "NO")
	}
}

// TestBounce: row 21c, the third party is there and gets the data.
func TestBounce(t *testing.T) {
	server, client := labServerConfig(), labClientConfig()
	promiscuous(t)(&server)
	client.Mode, client.PortAddr = ModePORT, netip.MustParseAddr("198.51.100.66")
	b := newBackToBack(t, &client, &server, labTree())
	b.bounce = true
	b.run()
	r := b.client.Result()
	if r.Outcome != "bounce_226" || r.ServerReply != "226 Transfer complete." || r.Bytes != 0 ||
		r.Detail != "server connected to third party; 226 Transfer complete." || r.FailureClass() != "immediate" {
		t.Errorf("%+v", r)
	}
}

// TestRateIsThatOfVSFTPD: rows 23, anon_max_rate=2000 and trans_chunk_size=4096: the
// first two chunks at once, then one every 2.048 s, the FIN 1.76 s after the last.
func TestRateIsThatOfVSFTPD(t *testing.T) {
	server, client := labServerConfig(), labClientConfig()
	mustSet(t, &server, "anon_max_rate", "2000")
	mustSet(t, &server, "trans_chunk_size", "4096")
	client.Path = "file24k.bin"
	client.Timeouts.Data = 25 * time.Second
	tree := labTree()
	tree.AddFile("/file24k.bin", Pattern(24000))
	b := newBackToBack(t, &client, &server, tree)
	b.run()
	r := b.client.Result()
	if !r.OK || r.Bytes != 24000 {
		t.Fatalf("%+v", r)
	}
	var prelim, done time.Duration
	for _, reply := range r.Replies {
		switch reply.Code {
		case 150:
			prelim = time.Duration(reply.At)
		case 226:
			done = time.Duration(reply.At)
		}
	}
	want := 4*2048*time.Millisecond + 1760*time.Millisecond
	if took := done - prelim; took < want || took > want+50*time.Millisecond {
		t.Errorf("the transfer took %v, want %v and the line's delay", took, want)
	}
}
