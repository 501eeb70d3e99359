package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ftplab/lessons"
	"ftplab/sim/export"
	"ftplab/sim/report"
	"ftplab/sim/trace"
)

// runOptions are the flags of `run`.
type runOptions struct {
	selectors
	files  outputFiles
	format string
}

func newRunCommand() *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run TARGET",
		Short: "Run a lesson or scenario and report what came of it",
		Long: `Run a lesson or scenario once and report what came of it: the dialogue, the first
packet that a firewall dropped with the rule that did it and the rules that missed,
and the result. A transfer that fails is a result, not an error.`,
		Example: `  ftplab run 04 --mode pasv --firewall acl
  ftplab run 12 --format json | jq .outcome
  ftplab run linux/9 --mode port --pcap session.pcapng --ladder session.svg`,
		Args:              exactArgs(1, "TARGET"),
		ValidArgsFunction: completeTarget,
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0]) },
	}
	flags := cmd.Flags()
	o.selectors.addTo(flags)
	flags.StringVar(&o.format, "format", "text", "text, json, jsonl (one event a line: see ftplab help trace) or plain (sentences)")
	o.files.addTo(flags)
	return cmd
}

// outputFiles are the flags that write files about a run.
type outputFiles struct {
	pcap, pcapAt, ladder, save string
}

func (o *outputFiles) addTo(flags *pflag.FlagSet) {
	flags.StringVar(&o.pcap, "pcap", "", "write the packets to `FILE` (pcapng)")
	flags.StringVar(&o.pcapAt, "pcap-at", "", "capture at `NODE:IF` alone")
	flags.StringVar(&o.ladder, "ladder", "", "write a sequence diagram to `FILE`: .txt, .mmd (Mermaid) or .svg")
	flags.StringVar(&o.save, "save", "", "save the session to `FILE`, which is a TARGET then")
}

func (o *runOptions) run(cmd *cobra.Command, name string) error {
	if err := oneOf("format", o.format, "text", "json", "jsonl", "plain"); err != nil {
		return usageError{err}
	}
	if err := o.files.check(); err != nil {
		return usageError{err}
	}
	target, selection, err := o.open(cmd, name)
	if err != nil {
		return err
	}
	run, tr, err := simulate(target, selection)
	if err != nil {
		return err
	}
	if err := o.files.write(target, run, tr); err != nil {
		return err
	}
	if o.files.save != "" {
		if err := saveSession(cmd, &o.selectors, o.files.save, name, target, selection); err != nil {
			return err
		}
	}
	return writeRun(cmd.OutOrStdout(), o.format, run, tr)
}

// writeRun writes a run in one of the formats of `run`.
func writeRun(w io.Writer, format string, run *report.Run, tr *trace.Trace) error {
	switch format {
	case "json":
		return run.WriteJSON(w)
	case "jsonl":
		return export.WriteJSONLines(w, tr)
	case "plain":
		return run.WritePlain(w, tr)
	}
	return run.WriteText(w, tr)
}

// check refuses what cannot be written before anything is run.
func (o *outputFiles) check() error {
	if o.pcapAt != "" && o.pcap == "" {
		return errors.New("--pcap-at says where to capture: it needs --pcap FILE")
	}
	if o.pcapAt != "" {
		if _, err := export.ParseCapturePoint(o.pcapAt); err != nil {
			return err
		}
	}
	if o.ladder != "" {
		return oneOf("ladder", ladderKind(o.ladder), ".txt", ".mmd", ".svg")
	}
	return nil
}

func ladderKind(file string) string { return strings.ToLower(filepath.Ext(file)) }

// write writes the capture and the ladder that were asked for.
func (o *outputFiles) write(target *lessons.Target, run *report.Run, tr *trace.Trace) error {
	if o.pcap != "" {
		if err := writeOutput(o.pcap, func(w io.Writer) error { return o.writePcap(w, tr) }); err != nil {
			return err
		}
	}
	if o.ladder == "" {
		return nil
	}
	title := fmt.Sprintf("%s: %s, firewall %s, %s", target.Title, strings.ToUpper(run.Mode), run.Firewall, run.Op)
	ladder := export.NewLadder(tr, title)
	write := map[string]func(io.Writer) error{".txt": ladder.WriteText, ".mmd": ladder.WriteMermaid, ".svg": ladder.WriteSVG}
	return writeOutput(o.ladder, write[ladderKind(o.ladder)])
}

func (o *outputFiles) writePcap(w io.Writer, tr *trace.Trace) error {
	if o.pcapAt == "" {
		return export.WritePcapNG(w, tr)
	}
	at, err := export.ParseCapturePoint(o.pcapAt)
	if err != nil {
		return err
	}
	return export.WritePcapNGAt(w, tr, at)
}

// exactArgs asks for n arguments and says which.
func exactArgs(n int, names string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != n {
			return usageError{fmt.Errorf("want %s, not %d arguments", names, len(args))}
		}
		return nil
	}
}

// noArgs refuses arguments; an unknown command is one.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if cmd.HasSubCommands() {
		text := fmt.Sprintf("unknown command %q", args[0])
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			text += " (did you mean " + strings.Join(near, " or ") + "?)"
		}
		return usageError{errors.New(text)}
	}
	return usageError{fmt.Errorf("%s takes no argument, not %q", cmd.CommandPath(), args[0])}
}
