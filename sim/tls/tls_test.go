package tls

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// shake runs the handshake between two ends.
func shake(t interface{ Fatal(...any) }) (client, server *Conn) {
	client, server = New(false, rand.New(rand.NewPCG(1, 2))), New(true, rand.New(rand.NewPCG(3, 4)))
	toServer := client.Start()
	for range 3 {
		_, toClient, err := server.Receive(toServer)
		if err != nil {
			t.Fatal(err)
		}
		if _, toServer, err = client.Receive(toClient); err != nil {
			t.Fatal(err)
		}
	}
	return client, server
}

func TestHandshakeAndData(t *testing.T) {
	client, server := shake(t)
	if !client.Up() || !server.Up() {
		t.Fatalf("after the handshake: client up %v, server up %v", client.Up(), server.Up())
	}
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOfN(rapid.Byte(), 1, 40_000).Draw(t, "data")
		from, to := client, server
		if rapid.Bool().Draw(t, "server sends") {
			from, to = server, client
		}
		sealed := from.Seal(data)
		if len(data) > 16 && bytes.Contains(sealed, data[:16]) {
			t.Fatal("the clear text is on the wire")
		}
		var got []byte
		for len(sealed) > 0 {
			n := min(len(sealed), rapid.IntRange(1, 5000).Draw(t, "piece"))
			plain, _, err := to.Receive(sealed[:n])
			if err != nil {
				t.Fatal(err)
			}
			got, sealed = append(got, plain...), sealed[n:]
		}
		if !bytes.Equal(got, data) {
			t.Fatalf("%d octets sent, %d others received", len(data), len(got))
		}
	})
	if _, _, err := server.Receive(client.CloseNotify()); err != nil || !server.EOF() {
		t.Errorf("close_notify: EOF %v, %v", server.EOF(), err)
	}
}

func TestSameSeedSameBytes(t *testing.T) {
	a, _ := shake(t)
	b, _ := shake(t)
	if !bytes.Equal(a.Seal([]byte("RETR x")), b.Seal([]byte("RETR x"))) {
		t.Error("two runs with the same seed differ")
	}
}

func FuzzReceive(f *testing.F) {
	client, _ := shake(f)
	f.Add(client.Seal([]byte("hello")), true)
	f.Add(New(false, rand.New(rand.NewPCG(1, 2))).Start(), true)
	f.Add([]byte{23, 3, 3, 255, 255}, false)
	f.Fuzz(func(t *testing.T, b []byte, server bool) {
		c := New(server, rand.New(rand.NewPCG(1, 2)))
		c.Start()
		_, _, _ = c.Receive(b)
	})
}
