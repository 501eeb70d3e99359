package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ftplab/sim"
	"ftplab/sim/report"
	"ftplab/sim/trace"
)

// benchOptions are the flags of `bench`.
type benchOptions struct {
	sessions, size   int
	firewall, format string
}

// benchReport is what `bench --format json` prints.
type benchReport struct {
	Schema   string       `json:"schema"`
	Sessions int          `json:"sessions"`
	Size     int          `json:"size"` // octets a session
	Firewall string       `json:"firewall"`
	Stats    report.Stats `json:"stats"`
}

func newBenchCommand() *cobra.Command {
	var o benchOptions
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure the simulator: many sessions with the full trace",
		Long: `Run many independent sessions, each a client, a router and a server over links of
100 Mbit/s and 5 ms, with the full trace, and say what it cost.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd) },
	}
	cmd.Flags().IntVar(&o.sessions, "sessions", 10, "how many sessions, 1 to 4000000")
	cmd.Flags().IntVar(&o.size, "size", 1_000_000, "octets of each session's file")
	cmd.Flags().StringVar(&o.firewall, "firewall", "none", "the routers' rules: none, acl, stateful, inspect, nat, or a `FILE` (interfaces: lan, wan)")
	cmd.Flags().StringVar(&o.format, "format", "text", "text or json")
	return cmd
}

func (o *benchOptions) run(cmd *cobra.Command) error {
	if err := oneOf("format", o.format, "text", "json"); err != nil {
		return usageError{err}
	}
	if o.sessions < 1 || o.sessions > 4_000_000 || o.size < 0 || o.size > 1<<31 {
		return usageError{fmt.Errorf("--sessions must be 1 to 4000000 and --size 0 to 2147483648")}
	}
	rules, err := benchRules(cmd, o.firewall)
	if err != nil {
		return err
	}
	result := benchReport{Schema: "ftplab.bench/1", Sessions: o.sessions, Size: o.size, Firewall: o.firewall}
	scenario := sim.Workload(o.sessions, o.size, rules)
	collectRarely()
	wall, cpu := time.Now(), cpuTime()
	tr, stats, err := sim.RunStats(scenario)
	if err != nil {
		return err
	}
	usedWall, usedCPU := time.Since(wall), cpuTime()-cpu
	if err := checkBench(tr); err != nil {
		return err
	}
	result.Stats = report.Stats{
		Events: stats.Events, Packets: stats.Packets, PacketHops: stats.PacketHops, SimSeconds: tr.End().Seconds(),
		Wall: usedWall.Seconds(), CPU: usedCPU.Seconds(), TraceBytes: tr.Bytes(),
	}
	if o.format == "json" {
		encoder := json.NewEncoder(cmd.OutOrStdout())
		return encoder.Encode(result)
	}
	return result.write(cmd)
}

// checkBench sees that every session came to its end: what did not run is not fast.
func checkBench(tr *trace.Trace) error {
	for id := trace.ID(1); int(id) <= tr.Len(); id++ {
		if tr.Kind(id) != trace.KindEnded {
			continue
		}
		if ended := tr.Event(id).Body.(trace.Ended); !ended.Result.OK {
			return fmt.Errorf("session %d ended with %s: choose a firewall that lets active mode through", ended.Session, ended.Result.Outcome)
		}
	}
	return nil
}

func (r *benchReport) write(cmd *cobra.Command) error {
	b := bufio.NewWriter(cmd.OutOrStdout())
	s := &r.Stats
	fmt.Fprintf(b, "%s of %s octets, firewall %s\n", plural(r.Sessions, "session"), grouped(r.Size), r.Firewall)
	fmt.Fprintf(b, "  packet-hops   %14s\n", grouped(s.PacketHops))
	fmt.Fprintf(b, "  events        %14s\n", grouped(s.Events))
	fmt.Fprintf(b, "  simulated     %14.3f s\n", s.SimSeconds)
	fmt.Fprintf(b, "  wall clock    %14.3f s\n", s.Wall)
	fmt.Fprintf(b, "  CPU           %14.3f s\n", s.CPU)
	if s.PacketHops > 0 && s.Events > 0 {
		fmt.Fprintf(b, "  a packet-hop  %14.0f ns of CPU\n", s.CPU*1e9/float64(s.PacketHops))
		fmt.Fprintf(b, "  trace         %14s octets, %.1f an event\n", grouped(int(s.TraceBytes)), float64(s.TraceBytes)/float64(s.Events))
	}
	return b.Flush()
}

// grouped prints a number with commas between groups of three digits.
func grouped(n int) string {
	digits := fmt.Sprint(n)
	var groups []string
	for len(digits) > 3 {
		groups = append([]string{digits[len(digits)-3:]}, groups...)
		digits = digits[:len(digits)-3]
	}
	return strings.Join(append([]string{digits}, groups...), ",")
}
