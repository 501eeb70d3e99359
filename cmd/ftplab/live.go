package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"ftplab/lessons"
	"ftplab/ui/control"
	"ftplab/ui/view"
)

// liveOptions are the flags of `live`.
type liveOptions struct {
	selectors
	files   outputFiles
	display displayOptions
	report  string
	server  bool
	play    bool
	noPlay  bool
	quiet   bool
}

func newLiveCommand() *cobra.Command {
	var o liveOptions
	cmd := &cobra.Command{
		Use:   "live TARGET [flags] -- COMMAND ARG...",
		Short: "Run a real program inside the simulated network",
		Long: `Run a real program as the client of a lesson or scenario. It has a network of its
own, whose packets go through the simulated firewall to the simulated server, in real
time. What it did is recorded; when it has ended, the terminal application shows it, if
there is a terminal, and what became of it is said on standard error.

With --server the program is the server, and the simulated client comes to it as soon
as it listens; when the client is done the program is told to end.

The simulated server, or client, speaks real TLS if it is asked to. The certificate is of
its own making, so that clients have to be told to take it (curl --insecure).

The names of the network's nodes, and client and server, can be used as host names. With
--firewall FILE the rules are read again whenever the file changes. --mode and --op say
what the simulated client of --server does; a real one does what it likes.

The command ends when the program does, with its exit status. It needs Linux; root is not
needed where the system lets users make namespaces.`,
		Example: `  ftplab live 04 -- curl --max-time 10 ftp://192.168.10.1/pub/readme.txt
  ftplab live 12 --play -- lftp -e 'cat /pub/readme.txt; quit' server
  ftplab live 12 --server --mode port -- vsftpd vsftpd.conf`,
		ValidArgsFunction: completeTarget,
		Args: func(cmd *cobra.Command, args []string) error {
			if cmd.ArgsLenAtDash() != 1 || len(args) < 2 {
				return usageError{errors.New("want TARGET -- COMMAND ARG..., with the -- between them")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0], args[1:]) },
	}
	flags := cmd.Flags()
	o.selectors.addTo(flags)
	o.files.addTo(flags)
	o.display.addTo(flags)
	flags.StringVar(&o.report, "report", "", "write what came of it to `FILE`, in the form of run --format json")
	flags.BoolVar(&o.server, "server", false, "the program is the server, the client is simulated")
	flags.BoolVar(&o.play, "play", false, "open the terminal application while the program runs")
	flags.BoolVar(&o.noPlay, "no-play", false, "do not open the terminal application when the program has ended")
	flags.BoolVar(&o.quiet, "quiet", false, "say nothing of the result")
	return cmd
}

func (o *liveOptions) run(cmd *cobra.Command, name string, command []string) error {
	if err := o.files.check(); err != nil {
		return usageError{err}
	}
	if o.play && !hasTerminal() {
		return usageError{errors.New("--play needs a terminal")}
	}
	target, selection, err := o.open(cmd, name)
	if err != nil {
		return err
	}
	if target.Recorded() {
		return usageError{fmt.Errorf("%s is a recording: run its lesson or scenario", name)}
	}
	s, err := o.start(target, selection, command)
	if err != nil {
		return err
	}
	defer s.close()
	attended := make(chan attendance, 1)
	go func() {
		status, err := o.attend(cmd, s)
		attended <- attendance{status, err}
	}()
	if o.play {
		err = o.show(cmd, s)
		s.program.Stop()
	}
	done := <-attended
	if err := errors.Join(err, done.err); err != nil {
		return err
	}
	if err := o.finish(cmd, name, s); err != nil {
		return err
	}
	if done.status != 0 {
		return programError{done.status}
	}
	return nil
}

// show opens the terminal application on the network while it runs.
func (o *liveOptions) show(cmd *cobra.Command, s *liveSession) error {
	return play(cmd, view.Options{
		Start: s.target, Selection: s.selection,
		Live: &control.Live{
			Scenario: &s.scenario, Trace: s.network.Trace, Now: s.network.Now,
			Running: func() bool { return !s.network.Ended() },
			Change:  func(variant string) error { return s.change(lessons.Change{Variant: variant}) },
		},
	}, o.display)
}
