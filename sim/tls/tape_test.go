package tls

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
)

// clearly hands octets to an endpoint and returns what they say, and the answer.
func clearly(t *testing.T, e Endpoint, b []byte) (plain, answer []byte) {
	t.Helper()
	plain, answer, err := e.Receive(b)
	if err != nil {
		t.Fatal(err)
	}
	return plain, answer
}

func TestPlayerDoesWhatTheRecorderSaw(t *testing.T) {
	client := New(false, rand.New(rand.NewPCG(1, 2)))
	recorder := NewRecorder(New(true, rand.New(rand.NewPCG(3, 4))))
	conversation := func(server Endpoint) (said [][]byte) {
		_, flight := clearly(t, server, client.Start())
		_, finished := clearly(t, client, flight)
		clearly(t, server, finished)
		plain, _ := clearly(t, server, client.Seal([]byte("PASV\r\n")))
		said = append(said, flight, plain, server.Seal([]byte("227\r\n")))
		clearly(t, server, client.CloseNotify())
		if !server.Up() || !server.EOF() {
			t.Errorf("up %v, EOF %v", server.Up(), server.EOF())
		}
		return append(said, server.CloseNotify())
	}
	want := conversation(recorder)
	if string(want[1]) != "PASV\r\n" {
		t.Fatalf("heard %q", want[1])
	}
	*client = *New(false, rand.New(rand.NewPCG(1, 2)))
	player := NewPlayer(recorder.Tape())
	for i, got := range conversation(player) {
		if !bytes.Equal(got, want[i]) {
			t.Errorf("part %d: %d octets, recorded were %d others", i, len(got), len(want[i]))
		}
	}
	if _, _, err := player.Receive(nil); err == nil || err.Error() != ErrTapeEnd.Error() {
		t.Errorf("behind the end: %v", err)
	}
}

func TestPlayerRepeatsErrors(t *testing.T) {
	recorder := NewRecorder(New(true, rand.New(rand.NewPCG(1, 2))))
	_, _, err := recorder.Receive([]byte("\x16\x03\x01\x00\x01X"))
	if !errors.Is(err, ErrBroken) {
		t.Fatal(err)
	}
	if _, _, again := NewPlayer(recorder.Tape()).Receive(nil); again == nil || again.Error() != err.Error() {
		t.Errorf("%v instead of %v", again, err)
	}
}

// RFC 4217, section 6.3 (CCC): after close_notify both go on in clear. Some clients do
// without theirs.
func TestClearAfterCloseNotify(t *testing.T) {
	for _, polite := range []bool{true, false} {
		client, server := shake(t)
		if plain, _ := clearly(t, client, server.CloseNotify()); len(plain) > 0 || !client.EOF() {
			t.Errorf("the client hears %q, EOF %v", plain, client.EOF())
		}
		said := client.Seal([]byte("NOOP\r\n"))
		if polite {
			said = append(said, client.CloseNotify()...)
		}
		said = append(said, "PASV\r\n"...)
		if plain, _ := clearly(t, server, said); string(plain) != "NOOP\r\nPASV\r\n" || !server.EOF() {
			t.Errorf("polite %v: the server hears %q, EOF %v", polite, plain, server.EOF())
		}
		if said := server.Seal([]byte("227\r\n")); string(said) != "227\r\n" {
			t.Errorf("the server says %q", said)
		}
	}
}

func TestNothingIsSaidBeforeTheHandshake(t *testing.T) {
	for _, server := range []bool{false, true} {
		c := New(server, rand.New(rand.NewPCG(1, 2)))
		c.Start()
		if said := append(c.Seal([]byte("421\r\n")), c.CloseNotify()...); len(said) > 0 {
			t.Errorf("server %v: %q", server, said)
		}
	}
}
