package sim

import (
	"bytes"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ftplab/sim/event"
	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect/nft"
	"ftplab/sim/ftp"
	"ftplab/sim/trace"
)

func mustRun(t testing.TB, sc Scenario, inputs ...Input) *trace.Trace {
	t.Helper()
	tr, err := Run(sc, inputs...)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// result returns how the first client ended.
func result(t testing.TB, tr *trace.Trace) ftp.Result {
	t.Helper()
	for id := trace.ID(1); id <= trace.ID(tr.Len()); id++ {
		if e, ok := tr.Event(id).Body.(trace.Ended); ok {
			return e.Result
		}
	}
	t.Fatal("no client came to a result")
	return ftp.Result{}
}

func rules(t testing.TB, text string) *firewall.Ruleset {
	t.Helper()
	rs, diagnostics := nft.Parse("test", text)
	if rs == nil {
		t.Fatal(diagnostics)
	}
	return rs
}

const stateful = `table ip fw {
  chain forward { type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname "lan" tcp dport 21 ct state new accept
    counter drop comment "the rest"
  }
}
`

func TestSameSeedSameTrace(t *testing.T) {
	sc := Workload(3, 20_000, rules(t, stateful))
	for i := range sc.Links {
		sc.Links[i].Loss = 0.02
	}
	a, b := mustRun(t, sc), mustRun(t, sc)
	if !reflect.DeepEqual(a, b) {
		t.Error("two runs of the same scenario differ")
	}
	sc.Seed++
	if reflect.DeepEqual(a, mustRun(t, sc)) {
		t.Error("another seed gives the same run")
	}
}

func TestEveryCauseComesBefore(t *testing.T) {
	tr := mustRun(t, Workload(2, 5000, rules(t, stateful)))
	for id := trace.ID(1); id <= trace.ID(tr.Len()); id++ {
		if cause := tr.Cause(id); cause >= id {
			t.Fatalf("event %d names event %d as its cause", id, cause)
		}
		if tr.Time(id) < tr.Time(id-1) {
			t.Fatalf("event %d happens before event %d", id, id-1)
		}
	}
	for id := trace.ID(1); id <= trace.ID(tr.Len()); id++ {
		if tr.Kind(id) == trace.KindArrived && tr.Kind(tr.Cause(id)) != trace.KindSent {
			t.Fatalf("event %d: a packet arrived that nobody sent", id)
		}
	}
}

func TestLossDelaysButNeverCorrupts(t *testing.T) {
	want := ftp.Pattern(60_000)
	rapid.Check(t, func(t *rapid.T) {
		sc := Workload(1, len(want), nil)
		sc.Seed = rapid.Uint64().Draw(t, "seed")
		for i := range sc.Links {
			sc.Links[i].Loss = rapid.Float64Range(0, 0.05).Draw(t, "loss")
		}
		sc.Clients[0].Config.Timeouts = ftp.Timeouts{}
		tr, err := Run(sc)
		if err != nil {
			t.Fatal(err)
		}
		for id := trace.ID(1); id <= trace.ID(tr.Len()); id++ {
			e, ok := tr.Event(id).Body.(trace.Ended)
			if !ok {
				continue
			}
			if got := bytes.Join(e.Result.Data, nil); !e.Result.OK || !bytes.Equal(got, want) {
				t.Fatalf("%s after %d octets of %d", e.Result.Outcome, len(got), len(want))
			}
			return
		}
		t.Fatal("no result")
	})
}

func TestRulesChangeWhileItRuns(t *testing.T) {
	sc := Workload(1, 3_000_000, nil)
	closed := rules(t, "table ip fw {\n  chain forward { type filter hook forward priority 0; policy drop; }\n}\n")
	in := Input{At: event.Time(250 * time.Millisecond), Node: "router0", Rules: closed, Text: "everything is dropped"}
	tr := mustRun(t, sc, in)
	if r := result(t, tr); r.Outcome != "data_stall" {
		t.Errorf("the transfer ended with %s, want data_stall", r.Outcome)
	}
	drop := tr.FirstDrop()
	if drop == 0 || tr.Time(drop) < in.At {
		t.Fatalf("the first drop is event %d at %v", drop, tr.Time(drop))
	}
	if rs := tr.RulesAt(1, drop); rs != closed {
		t.Errorf("the rules at the drop are not those that were loaded")
	}
	before := mustRun(t, sc)
	for id := trace.ID(1); tr.Time(id) < in.At; id++ {
		if !reflect.DeepEqual(tr.Event(id), before.Event(id)) {
			t.Fatalf("event %d, before the change, is not the same", id)
		}
	}
}

func TestStateIsTheSameFromBothSides(t *testing.T) {
	tr := mustRun(t, Workload(1, 400_000, rules(t, stateful)))
	forward := trace.NewReader(tr)
	rapid.Check(t, func(t *rapid.T) {
		id := trace.ID(rapid.IntRange(0, tr.Len()).Draw(t, "event"))
		if !reflect.DeepEqual(forward.StateAt(id), trace.NewReader(tr).StateAt(id)) {
			t.Fatalf("the state at event %d depends on where one comes from", id)
		}
	})
	end := forward.StateAt(trace.ID(tr.Len()))
	if len(end.InFlight) != 0 {
		t.Errorf("%d packets are still on the way at the end", len(end.InFlight))
	}
}

func TestDropNamesRuleAndState(t *testing.T) {
	sc := Workload(1, 100, rules(t, strings.ReplaceAll(stateful, "established,related", "established")))
	sc.Servers[0].Config.ConnectTimeout = 4 * time.Second // less than the client waits
	tr := mustRun(t, sc)
	if r := result(t, tr); r.Outcome != "425" {
		t.Errorf("active mode through a firewall that does not read PORT: %s", r.Outcome)
	}
	d := tr.Event(tr.FirstDrop()).Body.(trace.Judged)
	if d.Decision.State != firewall.StateNew || d.Packet.SrcPort != 20 || len(d.Missed) != 2 {
		t.Errorf("the first drop: %v, %v, %d rules missed", &d.Packet, d.Decision.State, len(d.Missed))
	}
}

func TestContradictionsAreErrors(t *testing.T) {
	for _, c := range []struct {
		change func(*Scenario)
		want   string
	}{
		{func(s *Scenario) { s.Nodes[1].Name = "client0" }, "two nodes"},
		{func(s *Scenario) { s.Links[0].A.Node = "nobody" }, "not a node"},
		{func(s *Scenario) { s.Links[0].A.Interface = "eth9" }, "no interface"},
		{func(s *Scenario) { s.Links[1].A = s.Links[0].B }, "two links"},
		{func(s *Scenario) { s.Clients[0].Node = "router0" }, "is not a host"},
		{func(s *Scenario) { s.Services = []Service{{Node: "x"}} }, "no node"},
	} {
		sc := Workload(1, 1, nil)
		c.change(&sc)
		if _, err := Run(sc); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one that says %q", err, c.want)
		}
	}
}

func TestProbeTellsOpenClosedAndFiltered(t *testing.T) {
	sc := Workload(1, 10, rules(t, "table ip fw {\n  chain forward { type filter hook forward priority 0; policy accept;\n    tcp dport 23 drop\n  }\n}\n"))
	server := sc.Clients[0].Config.Server.Addr()
	sc.Services = []Service{{Node: "server0", Port: 3306, Banner: "mysql\n"}}
	for _, port := range []uint16{3306, 8080, 23} {
		sc.Probes = append(sc.Probes, Probe{Node: "client0", Target: netip.AddrPortFrom(server, port)})
	}
	tr := mustRun(t, sc)
	got := map[uint16]trace.Probe{}
	for id := trace.ID(1); id <= trace.ID(tr.Len()); id++ {
		if p, ok := tr.Event(id).Body.(trace.Probe); ok {
			got[p.To.Port()] = p
		}
	}
	if p := got[3306]; !p.Open || p.Banner != "mysql\n" {
		t.Errorf("3306: %+v", p)
	}
	if p := got[8080]; p.Open || p.Failure != ftp.Refused {
		t.Errorf("8080: %+v", p)
	}
	if p := got[23]; p.Open || p.Failure != ftp.TimedOut {
		t.Errorf("23: %+v", p)
	}
}

// TestSteadyStateDoesNotAllocate compares a run with one that moves twice as much: what
// is more allocated is what packet-hops cost, and that is only the trace's chunks and
// the growth of tables.
func TestSteadyStateDoesNotAllocate(t *testing.T) {
	count := func(size int) (allocs, hops float64) {
		sc := Workload(1, size, rules(t, stateful))
		var stats Stats
		allocs = testing.AllocsPerRun(3, func() {
			_, s, err := RunStats(sc)
			if err != nil {
				t.Fatal(err)
			}
			stats = s
		})
		return allocs, float64(stats.PacketHops)
	}
	a1, h1 := count(2_000_000)
	a2, h2 := count(4_000_000)
	if perHop := (a2 - a1) / (h2 - h1); perHop > 0.02 {
		t.Errorf("%.3f allocations for each packet-hop", perHop)
	}
}

func TestTraceIsSmall(t *testing.T) {
	tr := mustRun(t, Workload(1, 10_000_000, nil))
	if perEvent := float64(tr.Bytes()) / float64(tr.Len()); perEvent > 48 {
		t.Errorf("%.1f octets an event", perEvent)
	}
}

// TestPoliciesCountWhatPassesThem: a chain whose rules decide nothing counts every packet.
func TestPoliciesCountWhatPassesThem(t *testing.T) {
	tr := mustRun(t, Workload(1, 1000, rules(t, `table ip fw {
  ct helper ftp-std { type "ftp" protocol tcp; }
  chain pre { type filter hook prerouting priority -150; policy accept; tcp dport 21 ct helper set "ftp-std"; }
  chain forward { type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname "lan" tcp dport 21 ct state new accept
  }
}
`)))
	end := trace.NewReader(tr).StateAt(trace.ID(tr.Len()))
	judged := uint32(0)
	for id := trace.ID(1); id <= trace.ID(tr.Len()); id++ {
		if tr.Kind(id) == trace.KindJudged {
			judged++
		}
	}
	if got := end.Devices[1].PolicyHits; got[0] != judged || got[1] != 0 {
		t.Errorf("of %d packets %d passed the policy of pre, %d were dropped by that of forward", judged, got[0], got[1])
	}
}
