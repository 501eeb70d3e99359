package ftp

import (
	"bytes"
	"net/netip"
	"testing"
	"time"
)

var labServer = netip.MustParseAddrPort("192.168.10.1:21")

// labTree is the file tree of the lab's server.
func labTree() *Tree {
	t := NewTree()
	t.Add("/file3k.bin", FileInfo{Perm: 0o644, Owner: "0", Group: "0", Links: 1, Size: 3000, Modified: TreeTime()}, Pattern(3000))
	t.Add("/file60k.bin", FileInfo{Perm: 0o644, Owner: "0", Group: "0", Links: 1, Size: 60000, Modified: TreeTime()}, Pattern(60000))
	t.Add("/incoming", FileInfo{Dir: true, Perm: 0o755, Owner: "102", Group: "105", Links: 2, Size: 4096, Modified: TreeTime()}, nil)
	return t
}

func labServerConfig() ServerConfig {
	c := VSFTPDConfig()
	c.Banner = "oracle"
	c.ConnectTimeout, c.AcceptTimeout = 4*time.Second, 4*time.Second
	c.PasvMinPort, c.PasvMaxPort = 2024, 2024
	c.AnonymousUpload = "/incoming"
	c.KeepBytes = true
	return c
}

func labClientConfig() ClientConfig {
	c := DefaultClientConfig(labServer)
	c.LocalControlPort, c.LocalDataPort = 1026, 1027
	c.Path = "file3k.bin"
	c.KeepBytes = true
	return c
}

func joined(blocks [][]byte) []byte { return bytes.Join(blocks, nil) }

func TestClientAndSessionInAllModes(t *testing.T) {
	for _, profile := range []string{ProfileOwn, ProfileVSFTPD} {
		for _, mode := range Modes() {
			for _, tls := range []bool{false, true} {
				for _, op := range []Op{OpList, OpNameList, OpRetrieve, OpStore} {
					name := profile + "/" + mode.String() + "/" + string(op)
					if tls {
						name += "/tls"
					}
					t.Run(name, func(t *testing.T) {
						server := labServerConfig()
						server.Profile, server.TLS = profile, tls
						client := labClientConfig()
						client.Mode, client.Op, client.TLS = mode, op, tls
						want := Pattern(3000)
						switch op {
						case OpStore:
							client.Path, client.LocalData = "incoming/up.bin", want
						case OpList:
							client.Path = ""
							want = []byte("-rw-r--r--    1 0        0            3000 Sep 09  2001 file3k.bin\r\n" +
								"-rw-r--r--    1 0        0           60000 Sep 09  2001 file60k.bin\r\n" +
								"drwxr-xr-x    2 102      105          4096 Sep 09  2001 incoming\r\n")
							server.Epoch = TreeTime().AddDate(20, 0, 0)
						case OpNameList:
							client.Path = ""
							want = []byte("file3k.bin\r\nfile60k.bin\r\nincoming\r\n")
						}
						tree := labTree()
						b := newBackToBack(t, &client, &server, tree)
						b.run()
						r := b.client.Result()
						if r.Outcome != OutcomeOK || !r.OK || r.Phase != PhaseFinalReply || r.FailAfter != -1 || r.LastReply != "221 Goodbye." {
							t.Fatalf("result %+v\n%s", r, b.log.String())
						}
						got := joined(r.Data)
						if op == OpStore {
							h, _, err := tree.Open("/incoming/up.bin", ForReading, TreeTime())
							if err != nil {
								t.Fatal(err)
							}
							got, _ = tree.ReadAt(h, 0, 1<<20)
						}
						if !bytes.Equal(got, want) || r.Bytes != int64(len(want)) {
							t.Errorf("got %d octets, Bytes %d, want %d:\n%s", len(got), r.Bytes, len(want), got)
						}
						if b.session.InTransfer() || !b.ends[serverEnd].gone || b.ends[serverEnd].listen != 0 {
							t.Errorf("the server is not done: %s", b.log.String())
						}
						if mode.Active() && r.DataPeer.Port() != 20 {
							t.Errorf("data connection from %v, want port 20", r.DataPeer)
						}
					})
				}
			}
		}
	}
}

// TestRepliesMayOvertakeTheDataConnection: a small file is sent, and 226 said, before
// an active client has even accepted.
func TestRepliesMayOvertakeTheDataConnection(t *testing.T) {
	config := labClientConfig()
	config.Mode = ModePORT
	c := NewClient(&config)
	tell := func(in Input) {
		c.Handle(c.now.Add(time.Millisecond), in)
		for _, ok := c.Next(); ok; _, ok = c.Next() {
		}
	}
	say := func(reply string) { tell(Input{Kind: ControlBytes, Bytes: []byte(reply + "\r\n")}) }
	tell(Input{Kind: Start})
	tell(Input{Kind: ControlUp, Local: netip.MustParseAddrPort("10.0.0.2:1026")})
	for _, reply := range []string{"220 hi", "331 ?", "230 in", "200 I"} {
		say(reply)
	}
	tell(Input{Kind: ListenReady, Addr: netip.MustParseAddrPort("10.0.0.2:1027")})
	say("200 PORT")
	say("150 here it comes")
	say("226 done")
	tell(Input{Kind: DataUp, Addr: netip.MustParseAddrPort("192.168.10.1:20")})
	tell(Input{Kind: DataBytes, Bytes: []byte("all of it")})
	tell(Input{Kind: DataEOF})
	if r := c.Result(); r.Outcome != OutcomeOK || string(joined(r.Data)) != "all of it" {
		t.Errorf("%+v", r)
	}
}
