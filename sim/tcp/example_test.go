package tcp_test

import (
	"fmt"
	"net/netip"
	"time"

	"ftplab/sim/event"
	"ftplab/sim/tcp"
	"ftplab/sim/wire"
)

// Two connections shake hands over a wire with a delay of 5 ms, and one greets the
// other.
func Example() {
	var now event.Time
	var p wire.Packet
	pass := func(from, to *tcp.Conn) {
		for {
			why, ok := from.Emit(now, &p)
			if !ok {
				return
			}
			fmt.Printf("%v %v seq %d len %d (%v)\n", now, p.Flags, p.Seq, len(p.Payload), why)
			now = now.Add(5 * time.Millisecond)
			to.Receive(now, &p)
		}
	}

	cfg := tcp.DefaultConfig()
	client := tcp.Dial(now, netip.MustParseAddrPort("10.0.0.2:1026"), netip.MustParseAddrPort("192.168.10.1:21"), 100, cfg)
	client.Emit(now, &p)
	server := tcp.Accept(now, &p, 900, cfg)
	pass(server, client)
	pass(client, server)
	server.Write(now, []byte("220 ready\r\n"), 1)
	pass(server, client)
	greeting, _ := client.Read()
	fmt.Printf("%v: %q\n", client.State(), greeting)

	// Output:
	// 0.000000 SA seq 900 len 0 (new)
	// 0.005000 A seq 101 len 0 (acknowledgment)
	// 0.010000 AP seq 901 len 11 (new)
	// ESTABLISHED: "220 ready\r\n"
}
