package sim

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"ftplab/sim/tls"
)

// A run whose TLS comes from tapes is the run in which they were recorded: here one with
// other keys than it would choose itself, on both ends of all connections.
func TestTapesRepeatARun(t *testing.T) {
	sc := Workload(2, 50_000, rules(t, stateful))
	for i := range sc.Servers {
		sc.Servers[i].Config.TLS = true
		sc.Clients[i].Config.TLS = true
	}
	sc.Nodes[1].Rules, sc.Nodes[4].Rules = nil, nil
	var recorders []*tls.Recorder
	stepper, err := NewStepper(sc)
	if err != nil {
		t.Fatal(err)
	}
	stepper.UseTLS(func(server bool, _ *rand.Rand) tls.Endpoint {
		random := rand.New(rand.NewPCG(99, uint64(len(recorders))))
		recorders = append(recorders, tls.NewRecorder(tls.New(server, random)))
		return recorders[len(recorders)-1]
	})
	stepper.world.Run(stepper.until)
	recorded := stepper.rec.Trace()
	if r := result(t, recorded); !r.OK || r.Bytes != 50_000 {
		t.Fatalf("%s after %d octets", r.Outcome, r.Bytes)
	}
	if len(recorders) != 8 {
		t.Errorf("%d ends of TLS: two sessions of two connections have 8", len(recorders))
	}
	if reflect.DeepEqual(recorded, mustRun(t, sc)) {
		t.Error("other keys give the same run")
	}
	for _, r := range recorders {
		sc.TLS = append(sc.TLS, r.Tape())
	}
	for range 2 {
		if !reflect.DeepEqual(recorded, mustRun(t, sc)) {
			t.Error("the tapes give another run")
		}
	}
	sc.TLS = sc.TLS[:5]
	if r := result(t, mustRun(t, sc)); r.OK {
		t.Error("a run goes well for whose connections there are no tapes")
	}
}
