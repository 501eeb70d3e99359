package main

import (
	"os"
	"runtime/debug"
	"time"

	"ftplab/lessons"
	"ftplab/sim/report"
	"ftplab/sim/trace"
)

// collectRarely has garbage collected when the heap has grown fivefold rather than
// twofold. A run keeps most of what it allocates, its trace, and the process ends soon
// after: collecting again and again while it grows would be a quarter of its CPU time.
// GOGC in the environment counts more.
func collectRarely() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
}

// simulate runs what was selected and reports it, with what it cost.
func simulate(target *lessons.Target, selection lessons.Selection) (*report.Run, *trace.Trace, error) {
	collectRarely()
	wall, cpu := time.Now(), cpuTime()
	_, tr, err := target.Run(selection)
	if err != nil {
		return nil, nil, err
	}
	usedWall, usedCPU := time.Since(wall), cpuTime()-cpu
	run := report.New(reported(target, selection), tr)
	run.SetCost(usedWall, usedCPU)
	return run, tr, nil
}

// reported is the selection as reports name it.
func reported(target *lessons.Target, s lessons.Selection) report.Selection {
	return report.Selection{Target: target.Name(), Mode: s.Mode, Firewall: s.Firewall, Op: s.Op, TLS: s.TLS, Seed: s.Seed}
}
