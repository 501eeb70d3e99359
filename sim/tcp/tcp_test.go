package tcp

import (
	"testing"
	"time"
)

func TestConversation(t *testing.T) {
	n := newTestNet(t, 5*time.Millisecond)
	n.establish()
	n.write(server, "220 ready\r\n")
	n.run(time.Second)
	n.write(client, "USER anonymous\r\n")
	n.run(2 * time.Second)
	n.do(client, func(c *Conn) { c.Close(n.now) })
	n.run(3 * time.Second)
	n.do(server, func(c *Conn) { c.Close(n.now) })
	n.run(4 * time.Second)
	t.Log("\n" + n.transcript(0))
	if n.conn[client].State() != TimeWait || n.conn[server].State() != Closed {
		t.Fatal(n.conn[client].State(), n.conn[server].State())
	}
	if string(n.got[client]) != "220 ready\r\n" || string(n.got[server]) != "USER anonymous\r\n" {
		t.Fatal(n.got)
	}
}
func TestBulk(t *testing.T) {
	n := newTestNet(t, 5*time.Millisecond)
	n.establish()
	data := make([]byte, 100000)
	n.do(client, func(c *Conn) { c.Write(n.now, data, 1); c.Close(n.now) })
	n.run(3 * time.Second)
	t.Log("\n" + n.transcript(0))
	if len(n.got[server]) != len(data) {
		t.Fatal(len(n.got[server]))
	}
}
