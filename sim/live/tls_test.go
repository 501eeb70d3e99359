package live

import (
	"bytes"
	"crypto/tls"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ftplab/sim"
	simtls "ftplab/sim/tls"
)

var tlsVersions = map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13}

// ends returns what makes the two ends of connections, of this version of TLS.
func ends(t *testing.T, version uint16) *tlsEnds {
	t.Helper()
	e, err := newTLSEnds(&sim.Scenario{Nodes: []sim.Node{{Name: "server"}}})
	if err != nil {
		t.Fatal(err)
	}
	e.server.MaxVersion = version
	t.Cleanup(e.close)
	return e
}

// hear hands octets to an end and returns what they say, and the answer.
func hear(t interface{ Fatal(...any) }, e simtls.Endpoint, b []byte) (plain, answer []byte) {
	plain, answer, err := e.Receive(b)
	if err != nil {
		t.Fatal(err)
	}
	return plain, answer
}

// shake makes a connection.
func shake(t *testing.T, made *tlsEnds) (client, server simtls.Endpoint) {
	t.Helper()
	client, server = made.start(false, nil), made.start(true, nil)
	if hello := server.Start(); len(hello) > 0 {
		t.Fatalf("the server speaks first: %d octets", len(hello))
	}
	toServer := client.Start()
	for len(toServer) > 0 {
		_, toClient := hear(t, server, toServer)
		_, toServer = hear(t, client, toClient)
	}
	if !client.Up() || !server.Up() {
		t.Fatalf("after the handshake: client up %v, server up %v", client.Up(), server.Up())
	}
	return client, server
}

// However the octets come, they say what was said.
func TestTLSInPieces(t *testing.T) {
	for name, version := range tlsVersions {
		t.Run(name, func(t *testing.T) {
			client, server := shake(t, ends(t, version))
			rapid.Check(t, func(t *rapid.T) {
				from, to := client, server
				if rapid.Bool().Draw(t, "server sends") {
					from, to = server, client
				}
				said := rapid.SliceOfN(rapid.Byte(), 1, 40_000).Draw(t, "said")
				sealed := from.Seal(said)
				if len(said) > 16 && bytes.Contains(sealed, said[:16]) {
					t.Fatal("the clear text is on the wire")
				}
				var heard []byte
				for len(sealed) > 0 {
					n := min(len(sealed), rapid.IntRange(1, 9000).Draw(t, "piece"))
					plain, answer := hear(t, to, sealed[:n])
					if len(answer) > 0 {
						t.Fatalf("%d octets of answer", len(answer))
					}
					heard, sealed = append(heard, plain...), sealed[n:]
				}
				if !bytes.Equal(heard, said) {
					t.Fatalf("%d octets said, %d others heard", len(said), len(heard))
				}
			})
		})
	}
}

// A handshake that comes octet by octet is done at the last one.
func TestTLSHandshakeInPieces(t *testing.T) {
	made := ends(t, tls.VersionTLS13)
	client, server := made.start(false, nil), made.start(true, nil)
	var flight []byte
	hello := client.Start()
	for i := range hello {
		_, answer := hear(t, server, hello[i:i+1])
		if len(answer) > 0 && i < len(hello)-1 {
			t.Fatalf("an answer after %d octets of %d", i+1, len(hello))
		}
		flight = append(flight, answer...)
	}
	_, finished := hear(t, client, flight)
	if _, _ = hear(t, server, finished); !server.Up() || !client.Up() {
		t.Errorf("client up %v, server up %v", client.Up(), server.Up())
	}
}

// Servers want the data connection to resume the control connection's session, and so do
// some clients.
func TestTLSSessionsAreResumed(t *testing.T) {
	for name, version := range tlsVersions {
		t.Run(name, func(t *testing.T) {
			made := ends(t, version)
			client, server := shake(t, made)
			hear(t, client, server.Seal([]byte("220 tickets have come\r\n")))
			shake(t, made)
			for i, want := range []bool{false, false, true, true} {
				if got := made.ends[i].conn.ConnectionState().DidResume; got != want {
					t.Errorf("end %d: resumed %v", i, got)
				}
			}
		})
	}
}

// RFC 4217, section 6.3 (CCC): after close_notify both go on in clear. Some clients do
// without theirs.
func TestTLSEndsInClear(t *testing.T) {
	for name, version := range tlsVersions {
		for _, polite := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				client, server := shake(t, ends(t, version))
				if plain, _ := hear(t, client, server.CloseNotify()); len(plain) > 0 || !client.EOF() || server.EOF() {
					t.Errorf("the client hears %q, EOF %v; server EOF %v", plain, client.EOF(), server.EOF())
				}
				var said []byte
				if polite {
					said = append(client.Seal([]byte("NOOP\r\n")), client.CloseNotify()...)
				}
				said = append(said, "PASV\r\n"...)
				if plain, _ := hear(t, server, said); !strings.HasSuffix(string(plain), "PASV\r\n") || !server.EOF() {
					t.Errorf("polite %v: the server hears %q, EOF %v", polite, plain, server.EOF())
				}
				if said := server.Seal([]byte("227\r\n")); string(said) != "227\r\n" {
					t.Errorf("the server says %q", said)
				}
				if again := server.CloseNotify(); len(again) > 0 {
					t.Errorf("a second close_notify: %q", again)
				}
			})
		}
	}
}

func TestTLSRefusesWhatIsNone(t *testing.T) {
	server := ends(t, tls.VersionTLS13).start(true, nil)
	if said := append(server.Seal([]byte("421\r\n")), server.CloseNotify()...); len(said) > 0 {
		t.Errorf("said before the handshake: %q", said)
	}
	_, _, err := server.Receive([]byte("USER anonymous\r\n"))
	if err == nil || server.Up() {
		t.Fatalf("error %v, up %v", err, server.Up())
	}
	if _, _, again := server.Receive([]byte("USER anonymous\r\n")); again == nil {
		t.Error("no error the second time")
	}
}

// A record that was changed on the way ends a connection that was up.
func TestTLSNoticesChanges(t *testing.T) {
	client, server := shake(t, ends(t, tls.VersionTLS13))
	sealed := client.Seal([]byte("QUIT\r\n"))
	sealed[len(sealed)-1] ^= 1
	plain, alert, err := server.Receive(sealed)
	if err == nil || len(plain) > 0 {
		t.Errorf("heard %q, error %v", plain, err)
	}
	if _, _, err := client.Receive(alert); err == nil || !strings.Contains(err.Error(), "bad record MAC") {
		t.Errorf("the client is told %v", err)
	}
}

// A handshake that is given up does not wait for ever, nor does who asks it on.
func TestTLSHandshakeIsGivenUp(t *testing.T) {
	made := ends(t, tls.VersionTLS13)
	client, server := made.start(false, nil), made.start(true, nil)
	hello := client.Start()
	hear(t, server, hello[:100])
	made.close()
	if _, _, err := server.Receive(hello[100:]); err == nil || server.Up() {
		t.Errorf("error %v, up %v", err, server.Up())
	}
}
