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
		n.log, n.flying = n.log[:0], n.flying
		if n.now.Sub(start) > time.Hour {
			t.Fatalf("%d of %d octets arrived within an hour", len(n.got[server]), octets)
		}
	}
	return float64(octets) / n.now.Sub(start).Seconds()
}

func TestExplore(t *testing.T) {
	def := DefaultConfig()
	def.ReceiveBuffer, def.WindowScale = 6<<20, 7
	for _, loss := range []float64{0, .01, .05, 0.1} {
		for name, cfg := range map[string]Config{"default": def, "live": LiveConfig()} {
			sum, low := 0.0, 1e18
			const seeds = 10
			for seed := range uint64(seeds) {
				v := throughput(t, cfg, 5<<20, loss, 20*time.Millisecond, seed)
				sum += v
				low = min(low, v)
			}
			t.Logf("%v %s: %.0f kB/s min %.0f", loss, name, sum/seeds/1000, low/1000)
		}
	}
}
