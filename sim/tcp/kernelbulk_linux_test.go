package tcp

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ftplab/sim/event"
	"ftplab/sim/wire"
)

// BenchmarkKernelBulk is a transfer to or from a real kernel in real time, 20 ms away,
// over a link that loses segments in both directions:
//
//	go test -run - -bench KernelBulk -benchtime 1x ./sim/tcp
func BenchmarkKernelBulk(b *testing.B) {
	needKernel(b)
	for _, size := range []struct {
		megabytes int
		loss      float64
	}{{100, 0}, {20, 0.01}, {5, 0.05}} {
		for _, down := range []bool{true, false} {
			name := fmt.Sprintf("%d MB/loss %v/up", size.megabytes, size.loss)
			if down {
				name = fmt.Sprintf("%d MB/loss %v/down", size.megabytes, size.loss)
			}
			b.Run(name, func(b *testing.B) {
				data := randomOctets(1, size.megabytes<<20)
				b.SetBytes(int64(len(data)))
				for i := range b.N {
					kernelBulk(b, data, down, size.loss, uint64(i))
				}
			})
		}
	}
}

// useCUBIC gives a socket of the kernel Linux's usual congestion control.
func useCUBIC(_, _ string, socket syscall.RawConn) (err error) {
	controlErr := socket.Control(func(fd uintptr) {
		err = unix.SetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION, "cubic")
	})
	return errors.Join(err, controlErr)
}

// kernelBulk lets the kernel's program connect, and us send the data to it (down), or it
// to us.
func kernelBulk(t testing.TB, data []byte, down bool, loss float64, seed uint64) {
	k := newKernelNet(t, "")
	random := rand.New(rand.NewPCG(seed, 4))
	const oneWay = 20 * time.Millisecond
	addr := netip.AddrPortFrom(ourIPs[0], 2000)
	received := sha256.New()
	sent, done := 0, false
	peer := &kernelPeer{addr: addr, cfg: LiveConfig()}
	peer.fate = func(bool, *wire.Packet) fate {
		if random.Float64() < loss {
			return nil
		}
		return fate{oneWay}
	}
	peer.step = func(now event.Time, c *Conn) event.Time {
		for down && sent < len(data) && c.Room() > 0 {
			n := min(64<<10, len(data)-sent)
			c.Write(now, data[sent:sent+n], 0)
			sent += n
		}
		if down && sent == len(data) {
			c.CloseWrite(now)
		}
		for {
			octets, ok := c.Read()
			if !ok {
				break
			}
			received.Write(octets)
		}
		if c.EOF() && (!down || sent == len(data)) {
			c.Close(now)
			done = true
		}
		return event.Never
	}
	k.add(peer)
	finished := make(chan error, 1)
	k.spawn(func() (net.Conn, error) {
		return (&net.Dialer{Control: useCUBIC}).Dial("tcp", addr.String())
	}, func(conn net.Conn, err error) {
		if err != nil {
			finished <- err
			return
		}
		defer conn.Close()
		if !down {
			_, err = conn.Write(data)
		}
		_ = conn.(*net.TCPConn).CloseWrite()
		_, readErr := io.Copy(received, conn)
		finished <- errors.Join(err, readErr)
	})
	var err error
	kernelDone := false
	k.run(5*time.Minute, func() bool {
		select {
		case err = <-finished:
			kernelDone = true
		default:
		}
		return kernelDone && done
	})
	if want := sha256.Sum256(data); err != nil || !bytes.Equal(received.Sum(nil), want[:]) {
		t.Fatalf("what arrived is not what was sent; %v", err)
	}
}
