package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ftplab/sim/firewall"
	"ftplab/sim/firewall/dialect"
	"ftplab/sim/replay"
)

// replayOptions are the flags of `replay`.
type replayOptions struct {
	rules, dialect, format string
	interfaces             []string
}

func newReplayCommand() *cobra.Command {
	var o replayOptions
	cmd := &cobra.Command{
		Use:   "replay --rules FILE --if NAME=ADDRESS/LENGTH[,default]... CAPTURE...",
		Short: "Say what a firewall would have done to captured packets",
		Long: `Hand every packet of pcap or pcapng captures (Ethernet, raw IP, Linux cooked) to a
firewall with these rules, a fresh one for each capture, and print its verdicts.

Where a packet arrived is what the name of its interface in a pcapng capture says, if it
is one of --if; otherwise its source address does. A capture taken inside a firewall that
translates addresses needs the names (tshark -i lan -i wan -w session.pcapng): there the
same packet is seen twice, and after the translation its source no longer tells where it
came from. Of a pcap capture take one side, as it is before the firewall.

Packets that the firewall itself sent, and frames that are no IP, are said on standard
error and not judged. A packet with a wrong checksum is judged as Linux does: its state
is invalid. A checksum that was left to the network card counts as right.`,
		Example: "  ftplab replay --rules fw.nft --if lan=10.0.0.1/24 --if wan=203.0.113.1/24,default session.pcap",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{errors.New("want at least one CAPTURE")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd, args) },
	}
	cmd.Flags().StringVar(&o.rules, "rules", "", "`FILE` of rules")
	addDialectFlag(cmd, &o.dialect)
	cmd.Flags().StringArrayVar(&o.interfaces, "if", nil, "`NAME=ADDRESS/LENGTH[,default]`: an interface of the firewall (repeatable)")
	cmd.Flags().StringVar(&o.format, "format", "text", "text or jsonl (one packet a line)")
	return cmd
}

func (o *replayOptions) run(cmd *cobra.Command, captures []string) error {
	if err := oneOf("format", o.format, "text", "jsonl"); err != nil {
		return usageError{err}
	}
	config, err := o.config(cmd)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(cmd.OutOrStdout())
	for _, name := range captures {
		if err := o.capture(cmd, out, config, name); err != nil {
			return errors.Join(out.Flush(), err)
		}
	}
	return out.Flush()
}

// config builds the firewall of the flags.
func (o *replayOptions) config(cmd *cobra.Command) (replay.Config, error) {
	config := replay.Config{Default: -1}
	switch {
	case o.rules == "":
		return config, usageError{errors.New("want --rules FILE")}
	case len(o.interfaces) == 0:
		return config, usageError{errors.New("want --if NAME=ADDRESS/LENGTH for each interface of the firewall")}
	}
	for _, text := range o.interfaces {
		face, isDefault, err := replay.ParseInterface(text)
		if err != nil {
			return config, usageError{err}
		}
		if isDefault {
			config.Default = len(config.Interfaces)
		}
		config.Interfaces = append(config.Interfaces, face)
	}
	rules, err := readRules(cmd, o.rules, o.dialect)
	if err != nil {
		return config, err
	}
	for _, w := range rules.Diagnostics {
		fmt.Fprintln(cmd.ErrOrStderr(), diagnosticLine(w))
	}
	for _, name := range missingInterfaces(rules, config.Interfaces) {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: warning: the rules name the interface %q, which is none of --if: what they say of it is asked of no packet\n", rules.File, name)
	}
	config.Rules, err = bindFreeList(rules, config.Interfaces)
	return config, err
}

// missingInterfaces lists the interfaces that rules name and the firewall has not.
func missingInterfaces(rules *firewall.Ruleset, has []firewall.Interface) []string {
	return slices.DeleteFunc(rules.UsedInterfaces(), func(name string) bool {
		isPattern := strings.HasSuffix(name, "*") || strings.HasSuffix(name, "+")
		return isPattern || name == "lo" || slices.ContainsFunc(has, func(i firewall.Interface) bool { return i.Name == name })
	})
}

// bindFreeList applies a list that is bound to no interface, as it comes from bare
// rule lines, to the first of the firewall's: what comes in there is filtered.
func bindFreeList(rules *firewall.Ruleset, interfaces []firewall.Interface) (*firewall.Ruleset, error) {
	for _, chain := range rules.Chains {
		if chain.Hook != firewall.HookNone {
			return rules, nil
		}
	}
	if len(rules.Chains) == 0 {
		return rules, nil
	}
	if bound := dialect.Apply(rules, "", interfaces[0].Name, firewall.Inbound); bound != nil {
		return bound, nil
	}
	return rules, nil
}

// capture judges one capture.
func (o *replayOptions) capture(cmd *cobra.Command, out *bufio.Writer, config replay.Config, name string) error {
	in, err := openInput(cmd, name)
	if err != nil {
		return err
	}
	defer in.Close()
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	err = replay.Run(config, in, func(v replay.Verdict) error {
		if v.Err != nil {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s: packet %d: %v\n", name, v.Frame.Number, v.Err)
			return nil
		}
		line := v.Line(config.Rules)
		if o.format == "jsonl" {
			return encoder.Encode(line)
		}
		return writeVerdict(out, &v, &line)
	})
	if err != nil {
		return fileError(name, err)
	}
	return nil
}

// writeVerdict writes a verdict for people.
func writeVerdict(w io.Writer, v *replay.Verdict, line *replay.Line) error {
	fmt.Fprintf(w, "%5d %10.6f %-8s %s  in %s", line.N, line.T, line.Verdict, v.Frame.Packet.String(), line.In)
	if line.Out != nil {
		fmt.Fprintf(w, " out %s", *line.Out)
	}
	if line.State != nil {
		fmt.Fprintf(w, " state %s", *line.State)
	}
	if line.Invalid != "" {
		fmt.Fprintf(w, " (%s)", line.Invalid)
	}
	if line.Rule != nil && line.Reason == "rule" {
		fmt.Fprintf(w, "  line %d `%s`", line.Rule.Line, line.Rule.Text)
	} else if line.Reason != "" {
		fmt.Fprintf(w, "  %s", line.Reason)
	}
	_, err := fmt.Fprintln(w)
	return err
}
