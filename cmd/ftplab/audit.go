package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"

	"github.com/spf13/cobra"

	"ftplab/sim/firewall/audit"
)

// auditOptions are the flags of `rules audit`.
type auditOptions struct {
	dialect, server, behind, against, format string
}

func newRulesAuditCommand() *cobra.Command {
	var o auditOptions
	cmd := &cobra.Command{
		Use:   "audit FILE",
		Short: "Say what rules permit: exposure, rules without effect, a difference",
		Long: `Work out exactly, over all packets, what a file of rules permits: with --server the
ports of that address that any host reaches, the rules that are shadowed or change
nothing, and with --against a packet that another file treats differently.

The server is taken to be behind the interface that a list is applied to, or on the side
that the rules guard; --behind says which it is. Rules about packets to the host itself
alone are taken for the server's own firewall. Translations of the destination are followed.`,
		Example: "  ftplab rules audit acl.txt --server 192.168.10.1\n  ftplab rules audit old.txt --against new.nft",
		Args:    exactArgs(1, "FILE"),
		RunE:    func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0]) },
	}
	addDialectFlag(cmd, &o.dialect)
	cmd.Flags().StringVar(&o.server, "server", "", "`ADDRESS` behind the filtered interface")
	cmd.Flags().StringVar(&o.behind, "behind", "", "`INTERFACE` that the server is behind (default: the filtered one, or any that rules guard)")
	cmd.Flags().StringVar(&o.against, "against", "", "another `FILE` of rules, of any dialect")
	cmd.Flags().StringVar(&o.format, "format", "text", "text or json")
	return cmd
}

// auditResult is what `rules audit --format json` prints.
type auditResult struct {
	Schema string `json:"schema"`
	File   string `json:"file"`
	*audit.Report
	Against *auditDifference `json:"against,omitempty"`
}

func (o *auditOptions) run(cmd *cobra.Command, file string) error {
	if err := oneOf("format", o.format, "text", "json"); err != nil {
		return usageError{err}
	}
	var options audit.Options
	if o.server != "" {
		server, err := netip.ParseAddr(o.server)
		if err != nil {
			return usageError{fmt.Errorf("--server %q is not an address", o.server)}
		}
		options.Server, options.Behind = server.Unmap().WithZone(""), o.behind
	}
	if o.behind != "" && o.server == "" {
		return usageError{errors.New("--behind is about the --server: say its address")}
	}
	if file == "-" && o.against == "-" {
		return usageError{errors.New("standard input can be FILE or --against, not both")}
	}
	rules, err := readRules(cmd, file, o.dialect)
	if err != nil {
		return err
	}
	result := auditResult{Schema: "ftplab.audit/1", File: file}
	if o.against != "" {
		other, err := readRules(cmd, o.against, "")
		if err != nil {
			return err
		}
		rules, other = bindBoth(rules, other)
		result.Against = compareRules(rules, other, options)
	} else {
		rules, _ = bindBoth(rules, rules)
	}
	result.Report = audit.Audit(rules, options)
	if o.format == "json" {
		encoder := json.NewEncoder(cmd.OutOrStdout())
		encoder.SetEscapeHTML(false)
		return encoder.Encode(result)
	}
	return result.write(cmd.OutOrStdout())
}

// write writes the result for people.
func (r *auditResult) write(w io.Writer) error {
	b := bufio.NewWriter(w)
	if x := r.Exposure; x != nil {
		fmt.Fprintf(b, "Exposure of %v to any host\n", x.Server)
		exposed := func(what string, ports audit.Ports, count int) {
			fmt.Fprintf(b, "  %-38s %7s  %v\n", what, grouped(count), ports)
		}
		exposed("ports that a SYN and its answer pass", x.Connect, x.ConnectCount)
		for _, f := range x.Forwards {
			fmt.Fprintf(b, "    by line %d `%s`: %v", f.Line, f.Text, f.Ports)
			if f.Ports.String() != f.ToPorts.String() {
				fmt.Fprintf(b, " → %v", f.ToPorts)
			}
			fmt.Fprintln(b)
		}
		exposed("ports that some packet reaches", x.Probe, x.ProbeCount)
		exposed("ports that an expectation may open", x.Expected, x.ExpectedCount)
		exposed("ports that the server may connect to", x.Outward, x.OutwardCount)
		fmt.Fprintf(b, "  %-38s          %v\n\n", "  from its own ports", x.OutwardFrom)
	}
	fmt.Fprintln(b, "Rules without their effect")
	for i := range r.Rules {
		fmt.Fprintf(b, "  %s\n", r.Rules[i].String())
	}
	if len(r.Rules) == 0 {
		fmt.Fprintln(b, "  none")
	}
	if r.Against != nil {
		r.Against.write(b)
	}
	for _, note := range r.Notes {
		fmt.Fprintf(b, "note: %s\n", note)
	}
	if r.Incomplete {
		fmt.Fprintln(b, "The analysis was stopped at its budget: there may be more.")
	}
	return b.Flush()
}
