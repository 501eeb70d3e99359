package tcp

import (
	"math/rand/v2"
	"testing"
	"time"

	"ftplab/sim/wire"
)

// throughput is how fast, in octets a second, a client sends so many octets over a link
// that loses segments in both directions.
func throughput(t *testing.T, cfg Config, octets int, loss float64, oneWay time.Duration, seed uint64) float64 {
	n := newTestNet(t, oneWay)
	n.cfg = [2]Config{cfg, cfg}
	n.establish()
	random := rand.New(rand.NewPCG(seed, 3))
	n.fate = func(side, int, *wire.Packet) fate {
		if random.Float64() < loss {
			return nil
		}
		return fate{oneWay}
	}
	start := n.now
	n.do(client, func(c *Conn) { c.Write(n.now, make([]byte, octets), 1) })
	for len(n.got[server]) < octets {
		n.run(n.now.Sub(0) + oneWay)
		if n.now.Sub(start) > time.Hour {
			t.Fatalf("%d of %d octets arrived within an hour:\n%s", len(n.got[server]), octets, n.ending())
		}
	}
	return float64(octets) / n.now.Sub(start).Seconds()
}

// TestThroughput: what two Linux kernels (6.18, with CUBIC and with BBR) reach over such a
// link, measured with a relay between two TUN devices, is the measure: we are to reach three
// quarters of it on average, and half in each run.
func TestThroughput(t *testing.T) {
	const oneWay, runs = 20 * time.Millisecond, 8
	for _, test := range []struct {
		control CongestionControl
		loss    float64
		linux   float64 // octets a second
	}{{Reno, 0.01, 450e3}, {Reno, 0.05, 140e3}, {BBR, 0.01, 7.5e6}, {BBR, 0.05, 5.7e6}} {
		cfg := LiveConfig()
		cfg.CongestionControl = test.control
		sum := 0.0
		for seed := range uint64(runs) {
			got := throughput(t, cfg, 4<<20, test.loss, oneWay, seed)
			sum += got
			if got < test.linux/2 {
				t.Errorf("with a loss of %v, seed %d, %.0f octets a second, Linux reaches %.0f", test.loss, seed, got, test.linux)
			}
		}
		if average := sum / runs; average < 0.75*test.linux {
			t.Errorf("with a loss of %v, %.0f octets a second on average, Linux reaches %.0f", test.loss, average, test.linux)
		}
	}
}

// TestThroughputOfLargeWindow: without losses the buffers are the limit, and a burst of
// losses in a window of megabytes is repaired within some round trips.
func TestThroughputOfLargeWindow(t *testing.T) {
	const oneWay, octets = 20 * time.Millisecond, 40 << 20
	n := newTestNet(t, oneWay)
	cfg := LiveConfig()
	cfg.CongestionControl = Reno // its window grows until something is lost
	n.cfg = [2]Config{cfg, cfg}
	n.establish()
	random := rand.New(rand.NewPCG(1, 8))
	from, to := n.now.Add(400*time.Millisecond), n.now.Add(400*time.Millisecond+oneWay)
	n.fate = func(side, int, *wire.Packet) fate {
		if n.now >= from && n.now < to && random.IntN(3) == 0 {
			return nil
		}
		return fate{oneWay}
	}
	start := n.now
	n.do(client, func(c *Conn) { c.Write(n.now, make([]byte, octets), 1) })
	for len(n.got[server]) < octets && n.now < start.Add(time.Minute) {
		n.run(n.now.Sub(0) + oneWay)
	}
	if resent := n.conn[client].Info().Retransmissions; resent < 1000 {
		t.Errorf("%d segments were retransmitted: the losses were not in a large window", resent)
	}
	if took := n.now.Sub(start); took > time.Second {
		t.Errorf("%d octets took %v, and take 0.6 s without losses", octets, took)
	}
}
